"""The events of a run sorted by what they belong to: its beginning, its steps, its calls, its interruptions.

Nothing here is put into words, and no order of events is refused: what is missing is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agentkit.events import (
    ApprovalAsked,
    ApprovalGiven,
    FinishReason,
    ModelCalled,
    ModelReplied,
    OutputRejected,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    Status,
    ToolFinished,
    ToolStarted,
    Unknown,
)
from agentkit.limits import Spent
from agentkit.messages import Message, ToolCall

Interruption = RunForked | RunResumed | RunSuspended | RunFinished | Unknown
"""What stands between the events of steps."""

UNFINISHED = "no end is on record: the run is at work, or its process is gone"


@dataclass(frozen=True, slots=True)
class CallHistory:
    """A call and what happened to it."""

    call: ToolCall
    asked: ApprovalAsked | None = None
    given: ApprovalGiven | None = None
    started: tuple[ToolStarted, ...] = ()
    finished: ToolFinished | None = None

    @property
    def waits(self) -> bool:
        """Whether a person has to decide on it."""
        return self.asked is not None and self.given is None and self.finished is None

    @property
    def happened(self) -> bool:
        """Whether there is anything beside the call itself."""
        return self != CallHistory(self.call)

    def with_event(self, recorded: Recorded) -> "CallHistory":
        """The history after one more event of the call."""
        match recorded.event:
            case ApprovalAsked() as asked:
                return replace(self, asked=asked, given=None)
            case ApprovalGiven() as given:
                return replace(self, given=given)
            case ToolStarted() as started:
                return replace(self, started=(*self.started, started))
            case event:
                return replace(self, finished=event) if isinstance(event, ToolFinished) else self


@dataclass(frozen=True, slots=True)
class Passage:
    """Events of one step: all of them, or those up to an interruption."""

    number: int
    events: tuple[Recorded, ...]
    before: tuple[Recorded, ...] = ()
    """Events of the same step that were interrupted."""
    suspended: bool = False
    """Whether that was in order, and no crash."""
    then: Interruption | None = None
    """What interrupted it; None where the record stops, and between steps."""

    @property
    def called(self) -> tuple[ModelCalled, ...]:
        """The requests; more than one where a reply never came."""
        return tuple(each.event for each in self.events if isinstance(each.event, ModelCalled))

    @property
    def replied(self) -> ModelReplied | None:
        return _reply(self.events)

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the reply ended, where that is out of the ordinary."""
        if self.replied is None:
            return None
        ordinary = "tool_calls" if self.replied.message.tool_calls else "stop"
        return None if self.replied.finish_reason == ordinary else self.replied.finish_reason

    @property
    def rejected(self) -> OutputRejected | None:
        return next((each.event for each in self.events if isinstance(each.event, OutputRejected)), None)

    @property
    def forks(self) -> tuple[RunForked, ...]:
        return tuple(each.event for each in self.events if isinstance(each.event, RunForked))

    @property
    def calls(self) -> tuple[tuple[CallHistory, CallHistory], ...]:
        """Each call as it was before this passage, and what happened to it here; in the order asked."""
        reply = self.replied or _reply(self.before)
        asked = () if reply is None else reply.message.tool_calls
        return tuple(zip(_histories(asked, self.before), _histories(asked, self.events), strict=True))


def _reply(events: Sequence[Recorded]) -> ModelReplied | None:
    return next((each.event for each in reversed(events) if isinstance(each.event, ModelReplied)), None)


def _histories(calls: Sequence[ToolCall], events: Sequence[Recorded]) -> list[CallHistory]:
    found = {call.id: CallHistory(call) for call in calls}
    for recorded in events:
        call_id = _call_id(recorded)
        if call_id in found:
            found[call_id] = found[call_id].with_event(recorded)
    return [found[call.id] for call in calls]


def _call_id(recorded: Recorded) -> str | None:
    match recorded.event:
        case ApprovalAsked(call_id) | ApprovalGiven(call_id) | ToolStarted(call_id):
            return call_id
        case ToolFinished(result):
            return result.call_id
    return None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The steps were interrupted, or came to their end."""

    recorded: Recorded
    event: Interruption
    after: float
    """Seconds since the event before it."""


def passages(events: Sequence[Recorded]) -> Iterator[Passage | Interrupted]:
    """A run in the order in which it happened."""
    passage = Passage(0, ())
    for place, recorded in enumerate(events):
        event = recorded.event
        if isinstance(event, Interruption):
            if passage.events:
                yield replace(passage, then=event)
            # A step goes on after it.  Its own number says nothing: what interrupts a request belongs to the step before.
            suspended = isinstance(event, RunSuspended | RunForked) or (passage.suspended and not passage.events)
            passage = Passage(passage.number, (), passage.before + passage.events, suspended)
            yield Interrupted(recorded, event, recorded.time - events[max(place - 1, 0)].time)
        elif recorded.step == passage.number:
            passage = replace(passage, events=(*passage.events, recorded))
        else:
            if passage.events:
                yield passage
            passage = Passage(recorded.step, (recorded,))
    if passage.events:
        yield passage


def steps(events: Sequence[Recorded]) -> tuple[Passage, ...]:
    """Each step with all of its events, from the first; a fork belongs to the step that it goes on with."""
    found: dict[int, list[Recorded]] = {}
    forks: list[Recorded] = []
    for recorded in events:
        if isinstance(recorded.event, RunForked):
            forks.append(recorded)
        elif recorded.step > 0 and not isinstance(recorded.event, Interruption):
            found.setdefault(recorded.step, []).extend([*forks, recorded])
            forks = []
    if forks:
        found.setdefault(forks[-1].step + 1, []).extend(forks)
    return tuple(Passage(number, tuple(found[number])) for number in sorted(found))


def beginning(events: Sequence[Recorded]) -> tuple[Message, ...]:
    """What the model was sent first: a fork that was made before the first reply has changed it."""
    messages: tuple[Message, ...] = ()
    for recorded in events:
        match recorded.event:
            case RunStarted() as started:
                messages = started.messages
            case RunForked() as forked:
                messages = _changed(messages, forked)
            case ModelReplied():
                break
    return messages


def _changed(messages: tuple[Message, ...], forked: RunForked) -> tuple[Message, ...]:
    if forked.instructions is not None:
        told = (Message("system", forked.instructions),) if forked.instructions else ()
        messages = (*told, *(message for message in messages if message.role != "system"))
    if forked.prompt is None:
        return messages
    kept = messages[:-1] if messages and messages[-1].role == "user" else messages
    return (*kept, Message("user", forked.prompt))


@dataclass(frozen=True, slots=True)
class Overview:
    """A run at a glance."""

    run_id: str = ""
    agent: str = ""
    models: tuple[str, ...] = ()
    """Those that were asked, in order."""
    status: Status | Literal["unfinished"] = "unfinished"
    detail: str = UNFINISHED
    output: str = ""
    started: float = 0.0
    """Seconds since 1970, UTC, of the run's first own event."""
    seconds: float = 0.0
    """From there to the last event, waiting for people included."""
    spent: Spent = field(default_factory=Spent)
    """Steps and calls of this run; tokens and cost with those of nested runs."""
    hidden: int = 0
    parent: str | None = None
    continues: str | None = None
    forks: tuple[tuple[int, RunForked], ...] = ()
    """Each with the step that it goes on with."""


def overview(events: Sequence[Recorded]) -> Overview:
    """What a run is and what came of it."""
    view = Overview(events[0].run_id, started=events[0].time) if events else Overview()
    for recorded in events:
        view = _seen(view, recorded)
    return replace(
        view,
        seconds=events[-1].time - view.started if events else 0.0,
        hidden=sum(recorded.hidden for recorded in events),
        forks=tuple((step.number, forked) for step in steps(events) for forked in step.forks),
    )


def _seen(view: Overview, recorded: Recorded) -> Overview:
    event = recorded.event
    if event.durable:
        view = replace(view, status="unfinished", detail=UNFINISHED, output="")
    match event:
        case RunStarted(run_id, agent):
            parent, continues = event.parent, event.continues
            return Overview(run_id, agent, started=recorded.time, parent=parent, continues=continues)
        case RunForked():
            # What the parent has spent is the parent's.
            spent = Spent(view.spent.steps, view.spent.tool_calls)
            return replace(
                view, run_id=event.run_id, agent=event.agent or view.agent, started=recorded.time, spent=spent
            )
        case ModelCalled(model) if model not in view.models:
            return replace(view, models=(*view.models, model))
        case ModelReplied():
            spent = Spent(1, len(event.message.tool_calls), event.usage, event.cost)
            return replace(view, spent=view.spent + spent)
        case ToolFinished(spent=Spent() as nested):
            return replace(view, spent=view.spent + replace(nested, steps=0, tool_calls=0))
        case RunSuspended(status, detail):
            return replace(view, status=status, detail=detail)
        case RunFinished(status, output, detail):
            return replace(view, status=status, output=output, detail=detail)
    return view
