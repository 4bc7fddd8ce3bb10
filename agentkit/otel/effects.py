"""The requests and calls of one run as spans: open when they begin, over when they end or are given up."""

from dataclasses import dataclass, replace
from typing import Literal

from agentkit.codec import storable
from agentkit.endpoint import Endpoint, read_text
from agentkit.events import Event, ModelCalled, ModelReplied, ToolFinished, ToolStarted
from agentkit.loop import Run
from agentkit.messages import ToolCall
from agentkit.otel import names
from agentkit.otel.content import Writer
from agentkit.otel.facts import endpoint_of, of_call, of_endpoint, of_reply, of_request, retries
from agentkit.otel.values import (
    Attributes,
    Context,
    Mark,
    Span,
    Value,
    model_span_id,
    run_span_id,
    span_name,
    tool_span_id,
)

INTERRUPTED, TOOL_FAILED = "interrupted", "tool_error"
"""Kinds of errors: the process died; the tool failed, or was not called at all."""

DIED: Attributes = {names.INTERRUPTED: True, names.ERROR: INTERRUPTED}
"""What is said of an effect that was left open."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The run that effects belong to."""

    run_id: str
    trace: int
    identity: Attributes
    """What each of its spans says."""
    known: bool
    """Whether its beginning was told."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A span that is not over yet."""

    span: int
    name: str
    kind: Literal["internal", "client"]
    start: float
    attributes: Attributes


class Effects:
    """What is at work in a run.

    Args:
        owner: The run.
        writer: Writes content; None leaves it out.

    Attributes:
        owner: The run; another one from a fork on, with nothing at work and no call seen.
        now: The time of the event that is told.
        endpoints: Where the model is asked.
    """

    def __init__(self, owner: Owner, writer: Writer | None) -> None:
        self.owner = owner
        self.now = 0.0
        self.endpoints: tuple[Endpoint, ...] = ()
        self._writer = writer
        self._offer = ""
        self._chat: _Open | None = None
        self._tools: dict[str, _Open] = {}
        self._seen: set[str] = set()
        """Calls that have a span."""
        self._doubted: set[str] = set()
        """Calls that a dead process had started."""

    def belong_to(self, owner: Owner) -> None:
        """Begin anew for another run: what was open and what was seen is that of its parent."""
        self.owner = owner
        self._chat, self._tools, self._seen, self._doubted = None, {}, set(), set()

    def context(self, event: Event) -> Context | None:
        """The span of an effect that begins with this event, which was told."""
        match event:
            case ModelCalled():
                begun = self._chat
            case ToolStarted():
                begun = self._tools.get(event.call_id)
            case _:
                begun = None
        return None if begun is None else Context(self.owner.trace, begun.span)

    @property
    def asked(self) -> Attributes:
        """What the request says of itself that is not answered yet."""
        return {} if self._chat is None else self._chat.attributes

    # The model.

    def called(self, event: ModelCalled, run: Run, step: int, seq: int) -> tuple[Span, ...]:
        over = self._close_chat(DIED)
        # It says so only where that has changed.
        self.endpoints = read_text(event.endpoint) or self.endpoints
        self._offer = event.offer or self._offer
        given = {
            names.OPERATION: names.CHAT,
            names.STEP: step,
            **of_request(event, endpoint_of(self.endpoints)),
            **self._sent(run, event),
        }
        span = model_span_id(self.owner.run_id, step, seq)
        self._chat = _Open(span, span_name(names.CHAT, event.model), "client", self.now, given)
        return over

    def _sent(self, run: Run, event: ModelCalled) -> dict[str, Value]:
        if self._writer is None or not run.id:
            return {}
        sent, cut = self._writer.messages(run.messages)
        told = self._writer.instructions(run.messages)
        content: dict[str, Value] = {names.INPUT_MESSAGES: sent}
        if told is not None:
            content[names.INSTRUCTIONS] = told
        if event.tools and self._offer:
            content[names.DEFINITIONS] = self._writer.json(self._offer)
        return content | ({names.CUT: True} if cut else {})

    def replied(self, event: ModelReplied) -> tuple[Span, ...]:
        if self._chat is None:
            # A fork can put a reply there that nobody was asked for.
            return ()
        came = endpoint_of(self.endpoints, event.message)
        more = of_reply(event) if came is None else {**of_endpoint(came), **of_reply(event)}
        if self._writer is not None:
            more[names.OUTPUT_MESSAGES] = self._writer.reply(event.message)
        return self._close_chat(more, retries(event, self._chat.start))

    def _close_chat(self, more: Attributes, marks: tuple[Mark, ...] = ()) -> tuple[Span, ...]:
        if self._chat is None:
            return ()
        chat, self._chat = self._chat, None
        # A reply that was expected and did not come has a reason, too.
        reason: Attributes = {} if names.FINISH_REASONS in more else {names.FINISH_REASONS: ("error",)}
        return (self._over(chat, {**more, **reason}, marks),)

    # The tools.

    def started(self, event: ToolStarted, run: Run, step: int, seq: int) -> tuple[Span, ...]:
        over = self._close_tool(event.call_id, DIED)
        attempt = self._attempt(event.call_id, seq, again=event.again)
        self._open_tool(event.call_id, event.tool, attempt, of_call(event.call_id, event.tool, event), step)
        self._argue(event.call_id, run)
        return over

    def finished(self, event: ToolFinished, run: Run, step: int, seq: int) -> tuple[Span, ...]:
        result = event.result
        more: dict[str, Value] = {names.ERROR: TOOL_FAILED} if result.failed else {}
        if result.call_id not in self._tools:
            # It was answered without being made: unknown, refused, broken, or in doubt.
            call = _owed(run, result.call_id)
            tool = "" if call is None else call.name
            attempt = self._attempt(result.call_id, seq, again=False)
            self._open_tool(result.call_id, tool, attempt, of_call(result.call_id, tool, None), step)
            self._argue(result.call_id, run)
            more |= {names.IN_DOUBT: True} if result.call_id in self._doubted else {}
        if self._writer is not None:
            more[names.RESULT] = storable(self._writer.content(result.content))
        return self._close_tool(result.call_id, more)

    def _open_tool(self, call_id: str, tool: str, attempt: int, given: Attributes, step: int) -> None:
        span = tool_span_id(self.owner.run_id, call_id, attempt)
        name = span_name(names.EXECUTE_TOOL, tool)
        self._tools[call_id] = _Open(span, name, "internal", self.now, {**given, names.STEP: step})

    def _argue(self, call_id: str, run: Run) -> None:
        """Note what a call was made with: as asked, or as a person edited it."""
        call, decision = _owed(run, call_id), run.decisions.get(call_id)
        if self._writer is None or call is None:
            return
        edited = None if decision is None else decision.arguments
        arguments = self._writer.words(call.arguments if edited is None else edited)
        begun = self._tools[call_id]
        self._tools[call_id] = replace(begun, attributes={**begun.attributes, names.ARGUMENTS: arguments})

    def _attempt(self, call_id: str, seq: int, *, again: bool) -> int:
        """0 for the first span of a call, and then the number of the event."""
        known = call_id in self._seen or (again and not self.owner.known)
        self._seen.add(call_id)
        return seq if known else 0

    def _close_tool(self, call_id: str, more: Attributes) -> tuple[Span, ...]:
        tool = self._tools.pop(call_id, None)
        return () if tool is None else (self._over(tool, more),)

    # All of them.

    def died(self) -> tuple[Span, ...]:
        """Close what a dead process left open: of these calls nobody knows whether they took effect."""
        self._doubted |= self._tools.keys()
        return self.closed(DIED, {**DIED, names.IN_DOUBT: True})

    def closed(self, chat: Attributes, tools: Attributes | None = None) -> tuple[Span, ...]:
        """Close what is open."""
        over = self._close_chat(chat)
        for call_id in tuple(self._tools):
            over += self._close_tool(call_id, chat if tools is None else tools)
        return over

    def _over(self, each: _Open, more: Attributes, marks: tuple[Mark, ...] = ()) -> Span:
        owner = self.owner
        return Span(
            context=Context(owner.trace, each.span),
            parent=run_span_id(owner.run_id),
            name=each.name,
            kind=each.kind,
            start=each.start,
            end=self.now,
            attributes={**each.attributes, **owner.identity, **more},
            marks=marks,
        )


def _owed(run: Run, call_id: str) -> ToolCall | None:
    return next((each for each in run.owed if each.id == call_id), None)
