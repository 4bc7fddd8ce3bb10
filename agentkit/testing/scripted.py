"""A model that says what a script tells it to, and fails when it is asked for more.

The script is the test's expectation: a request beyond its end fails at once, and so does an entry that was never
asked for, if the model is used in a `with` block.
"""

import asyncio
import json
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from pydantic import JsonValue

from agentkit.errors import UsageError
from agentkit.events import Event, FinishReason, ReasoningDelta, TextDelta, ToolCallDelta
from agentkit.messages import Message, Reasoning, ToolCall, Usage
from agentkit.model import Emit, OutputMode, Price, Reply, Request, ToolSpec

Said = str | ToolCall | Sequence[ToolCall] | Reply
"""What makes a reply: the final text, one call, calls of one step, or all of it spelled out."""

Scripted = Said | Exception | Callable[[Request], "Scripted"]
"""One entry of a model's script: what it says, what it raises, or a function that decides from the request."""

Entry = TypeVar("Entry")

USAGE = Usage(input=10, output=5)
"""What a scripted reply costs where the script does not say."""

_WIDEST = 8


def call(name: str, arguments: str | None = None, /, *, call_id: str = "", **values: JsonValue) -> ToolCall:
    """A tool call for a script: `call("add", a=1, b=2)`, or `call("add", '{"a": 1')` for a raw text as it is.

    Args:
        name: The tool.
        arguments: The raw text of the arguments, which may be broken on purpose.
        call_id: The call's id; without one the model counts `call_1`, `call_2`, …
        values: The arguments.  One that is itself named `call_id` has to be given in the raw text.
    """
    if arguments is None:
        return ToolCall(call_id, name, json.dumps(values, ensure_ascii=False))
    if values:
        raise UsageError(
            f"the call of {name!r} has a raw text and the arguments {', '.join(values)}; give one of the two"
        )
    return ToolCall(call_id, name, arguments)


def reply(
    text: str = "",
    *,
    reasoning: str = "",
    calls: Sequence[ToolCall] = (),
    finish_reason: FinishReason | None = None,
    usage: Usage = USAGE,
) -> Reply:
    """A reply for a script.  It finishes for the reason a server would give, unless another is named."""
    thought = Reasoning(reasoning, "reasoning_content") if reasoning else None
    message = Message("assistant", text, reasoning=thought, tool_calls=tuple(calls))
    return Reply(message=message, usage=usage, finish_reason=finish_reason or ("tool_calls" if calls else "stop"))


def as_reply(said: Said) -> Reply:
    """The reply that an entry stands for."""
    match said:
        case Reply():
            return said
        case str():
            return reply(said)
        case ToolCall():
            return reply(calls=(said,))
    for one in said:
        if not isinstance(one, ToolCall):
            raise UsageError(f"a list in a script holds the calls of one step, and {one!r} is none; see `call`")
    return reply(calls=said)


def no_entry(entry: object) -> UsageError:
    """The error for something that cannot stand in a script."""
    return UsageError(
        f"{entry!r} is no entry of a script; it takes a text, calls, a `reply(…)`, or a function that gives one"
    )


def pieces(text: str) -> list[str]:
    """A text as a stream brings it: in several pieces, none of them long."""
    width = max(1, min(_WIDEST, (len(text) + 1) // 2))
    return [text[start : start + width] for start in range(0, len(text), width)]


class ScriptEnded(Exception):
    """There is no entry for a request; the message says for which."""


class Script(Generic[Entry]):
    """Entries that are handed out in order, each once.

    Attributes:
        entries: All of them.
        asked: How many were asked for, those beyond the end included.
    """

    def __init__(self, entries: tuple[Entry, ...], *, repeat_last: bool) -> None:
        self.entries = entries
        self.asked = 0
        self._repeat_last = repeat_last
        self._calls = 0

    @property
    def unused(self) -> tuple[Entry, ...]:
        """Those that nobody asked for."""
        return self.entries[self.asked :]

    def take(self) -> Entry:
        """The next entry.

        Raises:
            ScriptEnded: There is none.
        """
        self.asked += 1
        if self.asked <= len(self.entries):
            return self.entries[self.asked - 1]
        if self._repeat_last and self.entries:
            return self.entries[-1]
        raise ScriptEnded(f"the script has no entry for request {self.asked}; it has {len(self.entries)}")

    def name_calls(self, said: Reply, taken: Container[object]) -> Reply:
        """The reply with an id for every call that has none, other than those taken in the conversation so far."""
        if all(one.id for one in said.message.tool_calls):
            return said
        used: set[object] = {one.id for one in said.message.tool_calls}
        calls = tuple(one if one.id else replace(one, id=self._next_id(taken, used)) for one in said.message.tool_calls)
        return replace(said, message=replace(said.message, tool_calls=calls))

    def _next_id(self, *taken: Container[object]) -> str:
        while True:
            self._calls += 1
            name = f"call_{self._calls}"
            if not any(name in names for names in taken):
                return name

    def assert_finished(self) -> None:
        """Make sure that every entry was asked for.

        Raises:
            AssertionError: Some were not; the message names them.
        """
        if self.unused:
            names = ", ".join(repr(entry) for entry in self.unused)
            count = f"{len(self.unused)} of {len(self.entries)} script entries"
            raise AssertionError(f"{count} were not asked for: {names}")


class ScriptedModel:
    """A `Model` that replies from a script.

    Used in a `with` block it makes sure, at the end, that the whole script was asked for.

    Args:
        script: What it says to the first request, the second, …: a text, a `call(…)`, a list of calls made in one
            step, a `reply(…)`, an exception to raise, or a function of the `Request` that gives one of these.
        name: The model's id.
        price: What it costs.
        output_mode: How it answers in a schema.
        repeat_last: Whether the last entry answers every later request too.

    Attributes:
        requests: What it was asked, in order.
    """

    def __init__(
        self,
        *script: Scripted,
        name: str = "scripted",
        price: Price | None = None,
        output_mode: OutputMode = "json_schema",
        repeat_last: bool = False,
    ) -> None:
        self.name = name
        self.price = price
        self.output_mode: OutputMode = output_mode
        self.requests: list[Request] = []
        self._script = Script(script, repeat_last=repeat_last)

    @property
    def unused(self) -> tuple[Scripted, ...]:
        """The entries that were not asked for."""
        return self._script.unused

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        """Take any tools."""

    async def request(self, request: Request, emit: Emit) -> Reply:
        """Say what the script says next.

        Raises:
            AssertionError: The script has ended.
        """
        self.requests.append(request)
        try:
            entry = self._script.take()
        except ScriptEnded as error:
            last = request.messages[-1] if request.messages else None
            raise AssertionError(f"{error}; the last message was {last!r}") from None
        said = _decided(entry, request)
        if isinstance(said, Exception):
            raise said
        taken = {one.id for message in request.messages for one in message.tool_calls}
        answer = self._signed(self._script.name_calls(as_reply(said), taken))
        if request.stream:
            for delta in deltas(answer):
                emit(delta)
                await asyncio.sleep(0)
        return answer

    def _signed(self, said: Reply) -> Reply:
        cost = self.price.of(said.usage) if said.cost is None and self.price is not None else said.cost
        return replace(said, model=said.model or self.name, cost=cost)

    def assert_finished(self) -> None:
        """Make sure that every entry of the script was asked for.

        Raises:
            AssertionError: Some were not; the message names them.
        """
        self._script.assert_finished()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.assert_finished()


def deltas(said: Reply) -> list[Event]:
    """A reply as those who watch it see it come."""
    message = said.message
    thought = message.reasoning.text if message.reasoning else ""
    found: list[Event] = [ReasoningDelta(piece) for piece in pieces(thought)]
    found += [TextDelta(piece) for piece in pieces(message.text)]
    for index, one in enumerate(message.tool_calls):
        found.append(ToolCallDelta(index, one.name, ""))
        found += [ToolCallDelta(index, "", piece) for piece in pieces(one.arguments)]
    return found


def _decided(entry: Scripted, request: Request) -> Said | Exception:
    while not isinstance(entry, str | ToolCall | Sequence | Reply | Exception):
        if not callable(entry):
            raise no_entry(entry)
        entry = entry(request)
    return entry
