"""What the property tests draw from."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from agentkit import (
    File,
    Image,
    Message,
    Reasoning,
    Reply,
    Request,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    Usage,
    tool,
)
from agentkit.codec import KINDS
from agentkit.events import FailedAttempt, FinishReason
from agentkit.limits import Spent
from agentkit.model import Emit, OutputMode, Price, ToolSpec


@dataclass(frozen=True)
class PlannedStep:
    """What a planned model says in one step: names of tools to call, or an answer."""

    tools: tuple[str, ...] = ()
    text: str = ""
    finish_reason: FinishReason = "stop"


TOOLS = ("look", "slow_look", "note", "alone", "broken", "missing", "ask_first")

steps = st.one_of(
    st.builds(PlannedStep, tools=st.lists(st.sampled_from(TOOLS), min_size=1, max_size=4).map(tuple)),
    st.builds(
        PlannedStep,
        tools=st.lists(st.sampled_from(TOOLS), min_size=1, max_size=3).map(tuple),
        finish_reason=st.just("length"),
    ),
    st.just(PlannedStep(text="")),
)
"""A step that goes on: calls, calls that were cut, or nothing at all."""

plans = st.lists(steps, max_size=5).map(tuple)
"""The steps of a run before its answer."""


class PlannedModel:
    """Says what the plan has for the number of the step, as a model would that is asked again after a crash."""

    name = "planned"
    price: Price | None = None
    output_mode: OutputMode = "json_schema"

    def __init__(self, plan: Sequence[PlannedStep]) -> None:
        self.plan = plan
        self.requests: list[Request] = []

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        """Anything goes."""

    async def request(self, request: Request, emit: Emit) -> Reply:
        self.requests.append(request)
        # An empty reply leaves no message of its own but what the model is told about it.
        number = sum(m.role == "assistant" or m.text.startswith("Your reply was empty") for m in request.messages)
        planned = self.plan[number] if number < len(self.plan) else PlannedStep(text=f"done after {number}")
        calls = tuple(
            ToolCall(f"c{number}-{place}", name, f'{{"n": {number * 10 + place}}}')
            for place, name in enumerate(planned.tools)
        )
        if request.stream:
            for letter in planned.text:
                emit(TextDelta(letter))
            for call in calls:
                emit(ToolCallDelta(0, call.name, call.arguments))
        return Reply(
            message=Message("assistant", planned.text, tool_calls=calls),
            usage=Usage(1, 1),
            finish_reason=planned.finish_reason,
        )


def make_tools(ran: list[str]) -> list[object]:
    """Tools of every manner of running, which note what they did."""

    @tool(effect="read")
    def look(n: int) -> str:
        """Look."""
        ran.append(f"look {n}")
        return f"seen {n}"

    @tool(effect="idempotent")
    async def slow_look(n: int) -> dict[str, int]:
        """Look again."""
        ran.append(f"slow_look {n}")
        return {"n": n}

    @tool
    def note(n: int) -> None:
        """Note."""
        ran.append(f"note {n}")

    @tool(sequential=True)
    async def alone(n: int) -> int:
        """Alone."""
        ran.append(f"alone {n}")
        return n

    @tool
    async def broken(n: int) -> int:
        """Fail."""
        ran.append(f"broken {n}")
        raise ValueError(n)

    @tool(approval=lambda arguments: arguments["n"] != 0)
    async def ask_first(n: int) -> int:
        """Ask."""
        ran.append(f"ask_first {n}")
        return n

    return [look, slow_look, note, alone, broken, ask_first]


texts = st.text(st.characters(codec=None), max_size=40)
"""Text as Python has it, half a surrogate pair included."""

counts = st.none() | st.integers(0, 10**9)
usages = st.builds(Usage, counts, counts, counts, counts)
contents = texts | st.lists(
    st.builds(Text, texts) | st.builds(Image, texts, st.sampled_from([None, "low"])) | st.builds(File, texts, texts),
    max_size=3,
).map(tuple)
tool_calls = st.lists(st.builds(ToolCall, texts, texts, texts, texts), max_size=3).map(tuple)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    contents,
    st.none() | st.builds(Reasoning, texts, texts, texts),
    tool_calls,
    st.none() | texts,
    texts,
    texts,
)
results = st.builds(ToolResult, texts, contents, st.booleans(), st.none() | texts, texts)
names = st.lists(texts, max_size=3).map(tuple)
moments = st.floats(0, 1e6)
attempts = st.lists(st.builds(FailedAttempt, st.integers(1, 9), texts, texts, moments, moments, texts), max_size=3).map(
    tuple
)
words = st.dictionaries(texts, texts, max_size=3)
spendings = st.none() | st.builds(Spent, st.integers(0, 9), st.integers(0, 9), usages, st.none() | st.floats(0, 1e6))

events = st.one_of(
    st.builds(
        KINDS["RunStarted"],
        texts,
        texts,
        st.lists(messages, max_size=3).map(tuple),
        definition=words,
        target=texts,
        limits=st.dictionaries(texts, moments, max_size=3),
    ),
    st.builds(KINDS["RunForked"], texts, texts, texts, st.none() | texts, st.none() | texts, words, texts),
    st.builds(KINDS["RunResumed"], texts),
    st.builds(KINDS["ModelCalled"], texts, st.integers(0, 999), names, st.booleans(), texts, texts, texts, texts),
    st.builds(
        KINDS["ModelReplied"],
        messages,
        usages,
        st.sampled_from(["stop", "length"]),
        texts,
        st.none() | texts,
        st.none() | st.floats(0, 1e6),
        moments,
        names,
        st.none() | moments,
        attempts,
    ),
    st.builds(KINDS["OutputRejected"], texts, st.sampled_from(["empty", "output_invalid"])),
    st.builds(KINDS["ApprovalAsked"], texts, texts),
    st.builds(KINDS["ApprovalGiven"], texts, st.booleans(), texts, st.none() | texts, st.none() | texts),
    st.builds(KINDS["ToolStarted"], texts, texts, texts, st.none() | texts, st.booleans()),
    st.builds(KINDS["ToolFinished"], results, st.floats(0, 1e6), spendings),
    st.builds(KINDS["RunSuspended"], st.sampled_from(["waiting", "failed"]), texts),
    st.builds(KINDS["RunFinished"], st.sampled_from(["completed", "cut"]), texts, texts),
)
"""Events as they are recorded, each field with anything it may hold."""
