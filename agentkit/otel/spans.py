"""A run's events as the spans of a trace.  Nothing here waits, reads a clock, or sends anything.

No order of events is refused: what is missing is missing, and what a dead process left open is closed when the run goes on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agentkit.errors import OutOfOrder
from agentkit.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    ModelCalled,
    ModelReplied,
    OutputRejected,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolFinished,
    ToolStarted,
)
from agentkit.loop import Run, apply
from agentkit.messages import Message, add
from agentkit.otel import names
from agentkit.otel.content import Writer
from agentkit.otel.effects import Effects, Owner
from agentkit.otel.facts import endpoint_of, of_endpoint
from agentkit.otel.values import (
    Attributes,
    Context,
    Find,
    Link,
    Mark,
    Place,
    Span,
    Value,
    attributes,
    caller_of,
    nothing_known,
    outer_of,
    place_of,
    root_of,
    run_span_id,
    span_name,
    tool_span_id,
    trace_id,
)

MARKS = 1_000
"""Moments that one span may have."""

LATEST = 4e9
"""A time after the year 2096 is no time but a mistake."""

UNFINISHED = "unfinished"
"""Of a run without an end on record: it is at work, or its process is gone."""

FINE = frozenset({"completed", "waiting", "cancelled", UNFINISHED})
"""How a run may stand without an error: to cancel it is somebody's wish."""

MODEL_FAILED = "model_error"
"""The kind of error of a request after which the run was suspended."""


@dataclass
class _Total:
    """What the run's span tells of the whole."""

    start: float = 0.0
    steps: int = 0
    calls: int = 0
    cost: float | None = None
    resumed: int = 0
    suspended: int = 0
    marks: list[Mark] = field(default_factory=list)


class Projection:
    """Makes the spans of one run from its events, each as soon as it is over.

    Args:
        writer: Writes content into the spans; None leaves all of it out.
        find: Tells where other runs belong.
        links: What the run's span points to beside what its events say.

    Attributes:
        seq: The number of the last event that was taken; -1 before the first.
        place: Where the run belongs; None before its first event.
    """

    def __init__(self, *, writer: Writer | None = None, find: Find = nothing_known, links: Sequence[Link] = ()) -> None:
        self.seq = -1
        self.place: Place | None = None
        self._writer = writer
        self._find = find
        self._links = tuple(links)
        self._began: RunStarted | RunForked | None = None
        self._agent = ""
        self._run = Run()
        self._total = _Total()
        self._stopped = False
        self._effects = Effects(Owner("", 0, {}, known=False), writer)

    def take(self, recorded: Recorded) -> tuple[Span, ...]:
        """The spans that are over with this event; that of the run is whenever it stops, and again if it goes on."""
        event, effects = recorded.event, self._effects
        if not event.durable or recorded.seq <= self.seq:
            return ()
        self.seq = recorded.seq
        # How long it went on after the last event nobody knows, but not until somebody took up the run.
        left = effects.died() if isinstance(event, RunResumed) else ()
        # A clock may be set back, and a foreign record may hold anything.
        effects.now = max(effects.now, recorded.time if 0 <= recorded.time < LATEST else 0.0)
        if self.place is None and not isinstance(event, RunStarted | RunForked):
            root = root_of(recorded.run_id)
            self._belong(recorded.run_id, self._find(recorded.run_id) or Place(root, root))
        over = (*left, *self._effect(recorded), *self._of_run(event))
        self._run = _followed(self._run, event)
        self._stopped = isinstance(event, RunFinished | RunSuspended)
        return over

    @property
    def owner(self) -> Owner:
        """The run that the events are told of: another one from a fork on."""
        return self._effects.owner

    def rest(self) -> tuple[Span, ...]:
        """What is open where the record stops; nothing after an end."""
        if self.place is None or self._stopped:
            return ()
        return (*self._effects.closed({names.INTERRUPTED: True}), self._whole(UNFINISHED))

    def context(self, event: Event) -> Context | None:
        """The span of an effect that begins with this event, which was taken."""
        return self._effects.context(event)

    @property
    def asked(self) -> Attributes:
        """What the request says of itself that is not answered yet."""
        return self._effects.asked

    def _effect(self, recorded: Recorded) -> tuple[Span, ...]:
        event, step = recorded.event, recorded.step
        match event:
            case ModelCalled():
                return self._effects.called(event, self._run, step, self.seq)
            case ModelReplied():
                self._total.steps += 1
                self._total.calls += len(event.message.tool_calls)
                self._total.cost = add(self._total.cost, event.cost)
                return self._effects.replied(event)
            case ToolStarted():
                return self._effects.started(event, self._run, step, self.seq)
            case ToolFinished():
                return self._effects.finished(event, self._run, step, self.seq)
        return ()

    def _of_run(self, event: Event) -> tuple[Span, ...]:
        match event:
            case RunForked():
                self._begin(event)
            case RunStarted() if self._began is None:
                self._begin(event)
            case RunResumed(process):
                self._total.resumed += 1
                self._mark(names.RUN_RESUMED, {names.PROCESS: process or None})
            case RunSuspended() | RunFinished():
                return self._stop(event)
            case ApprovalAsked(call_id):
                self._mark(names.APPROVAL_ASKED, {names.CALL_ID: call_id})
            case ApprovalGiven(call_id, granted):
                self._mark(names.APPROVAL_GIVEN, {names.CALL_ID: call_id, names.GRANTED: granted})
            case OutputRejected(status=status):
                self._mark(names.OUTPUT_REJECTED, {names.REASON: status})
        return ()

    def _begin(self, event: RunStarted | RunForked) -> None:
        self._began = event
        self._agent = event.agent or self._agent
        self._belong(event.run_id, place_of(event, self._find))

    def _belong(self, run_id: str, place: Place) -> None:
        """From here on it is this run; of a fork, what was counted is its parent's."""
        self.place = place
        self._total = _Total(start=self._effects.now)
        identity = {
            names.AGENT: self._agent or None,
            names.CONVERSATION: place.conversation or None,
            names.RUN_ID: run_id,
        }
        known = self._began is not None
        self._effects.belong_to(Owner(run_id, trace_id(place.root), attributes(identity), known))

    def _stop(self, event: RunSuspended | RunFinished) -> tuple[Span, ...]:
        error: Attributes = {names.ERROR: MODEL_FAILED if event.status == "failed" else event.status}
        waits = event.status == "waiting"
        over = self._effects.closed(error, {names.TOOL_SUSPENDED: True} if waits else None)
        if isinstance(event, RunSuspended):
            self._total.suspended += 1
            self._mark(names.RUN_SUSPENDED, {names.REASON: event.status})
        output = event.output if isinstance(event, RunFinished) else ""
        return (*over, self._whole(event.status, event.detail, output))

    def _mark(self, name: str, given: dict[str, Value | None]) -> None:
        if len(self._total.marks) < MARKS:
            self._total.marks.append(Mark(name, self._effects.now, attributes(given)))

    def _whole(self, status: str, detail: str = "", output: str = "") -> Span:
        """The run's span."""
        owner, total = self._effects.owner, self._total
        given: dict[str, Value | None] = {
            names.OPERATION: names.INVOKE_AGENT,
            **of_endpoint(endpoint_of(self._effects.endpoints)),
            names.STATUS: status,
            names.STEPS: total.steps,
            names.TOOL_CALLS: total.calls,
            names.RUN_COST: total.cost,
            names.RESUMED: total.resumed or None,
            names.SUSPENDED: total.suspended or None,
            names.PARTIAL: True if self._began is None else None,
            names.FORK_OF: self._began.parent if isinstance(self._began, RunForked) else None,
            names.CONTINUES: self._began.continues if isinstance(self._began, RunStarted) else None,
            names.ERROR: None if status in FINE else status,
        }
        return Span(
            context=Context(owner.trace, run_span_id(owner.run_id)),
            parent=self._parent(owner.run_id),
            name=span_name(names.INVOKE_AGENT, self._agent),
            kind="internal",
            start=total.start,
            end=self._effects.now,
            attributes={**attributes(given), **owner.identity, **self._spoken(detail, output)},
            marks=tuple(total.marks),
            links=(*self._fork_of(), *self._links),
        )

    def _parent(self, run_id: str) -> int | None:
        """The call that the run answers; where its beginning was not told, the run that its id says called it."""
        if isinstance(self._began, RunStarted):
            return None if self._began.parent is None else tool_span_id(*caller_of(self._began.parent))
        outer = outer_of(run_id) if self._began is None else None
        return None if outer is None else run_span_id(outer)

    def _fork_of(self) -> tuple[Link, ...]:
        if not isinstance(self._began, RunForked):
            return ()
        parent = self._began.parent
        place = self._find(parent)
        root = root_of(parent) if place is None else place.root
        return (Link(Context(trace_id(root), run_span_id(parent)), {names.LINK: "fork_of"}),)

    def _spoken(self, detail: str, output: str) -> Attributes:
        """What went in, what came out, and why it stopped; an error may quote what was said."""
        if self._writer is None:
            return {}
        first = self._began.messages if isinstance(self._began, RunStarted) else ()
        given = {
            names.INPUT_MESSAGES: self._writer.messages(first)[0] if first else None,
            names.INSTRUCTIONS: self._writer.instructions(first),
            names.OUTPUT_MESSAGES: self._writer.reply(Message("assistant", output)) if output else None,
            names.DETAIL: self._writer.words(detail) if detail else None,
        }
        return {name: text for name, text in given.items() if text is not None}


def _followed(run: Run, event: Event) -> Run:
    """The run after one more event; one that cannot follow changes nothing."""
    try:
        return apply(run, event)
    except OutOfOrder:
        return run


def spans_of(
    events: Iterable[Recorded], *, writer: Writer | None = None, find: Find = nothing_known
) -> tuple[Span, ...]:
    """All spans of a run, each once.

    Args:
        events: Its durable events, in order; of a fork those of its parent before them.
        writer: Writes content into the spans; None leaves all of it out.
        find: Tells where other runs belong.
    """
    projection = Projection(writer=writer, find=find)
    found: dict[int, Span] = {}
    for recorded in events:
        owner = projection.owner
        over = projection.take(recorded)
        if projection.owner is not owner:
            # What was before a fork is told in the trace of its parent.
            found.clear()
        found |= {each.context.span: each for each in over}
    return tuple((found | {each.context.span: each for each in projection.rest()}).values())
