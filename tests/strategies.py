"""What the property tests draw from."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from agentkit import Message, Reply, Request, TextDelta, ToolCall, ToolCallDelta, Usage, tool
from agentkit.events import FinishReason
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
