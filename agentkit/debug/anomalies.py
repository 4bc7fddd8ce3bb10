"""What is out of the ordinary in a run, so that nobody has to read all of it to find out where to look.

Nothing here is certain to be the cause of anything, and nothing is put right.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, get_args

from agentkit.debug.anomaly import Anomaly, Kind, Severity, lines_of
from agentkit.debug.odd_calls import odd_calls
from agentkit.debug.odd_replies import odd_replies
from agentkit.debug.outline import UNFINISHED, overview, steps
from agentkit.debug.page import Head, Part, Quoted
from agentkit.events import ModelCalled, Recorded, RunFinished, RunResumed, RunStarted, RunSuspended, Unknown
from agentkit.observers.plain import counted_as

__all__ = ["Anomaly", "Kind", "Severity", "anomalies", "as_parts"]

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)

STYLES: Final = {"error": "bold red", "warning": "yellow", "note": "dim"}

NOTHING: Final = "nothing out of the ordinary"

NEAR: Final = 0.8
"""The part of a limit of the run from which it is near."""

WELL: Final = frozenset({"completed", "cut", "refused"})
"""Ends of a run that are well, or that its last reply tells."""


def anomalies(events: Sequence[Recorded]) -> tuple[Anomaly, ...]:
    """The anomalies of a run: the worst first, and among equals the earliest.

    Args:
        events: Its durable events, in order; of a fork those of its parent before it.
    """
    found = steps(events)
    started = next((each.event for each in events if isinstance(each.event, RunStarted)), None)
    told = [
        *_of_run(events),
        *odd_replies(found),
        *odd_calls(found, None if started is None else started.answer_tool, completed=_is_completed(events)),
    ]
    return tuple(sorted(told, key=lambda each: (SEVERITIES.index(each.severity), each.step)))


def _is_completed(events: Sequence[Recorded]) -> bool:
    last = events[-1].event if events else None
    return isinstance(last, RunFinished) and last.status == "completed"


def as_parts(found: Sequence[Anomaly]) -> Iterator[Part]:
    """Anomalies as they are told in a terminal."""
    counts = [(severity, sum(each.severity == severity for each in found)) for severity in SEVERITIES]
    said = ", ".join(counted_as(count, severity) for severity, count in counts if count)
    yield Part((f"anomalies: {said or NOTHING}",), style="bold", level=0)
    for each in found:
        where: Head = (f" · step {each.step}",) if each.step else ()
        call: Head = (" · ", Quoted(each.call_id)) if each.call_id else ()
        yield Part((f"{each.severity}", *where, " · ", Quoted(each.title), *call), style=STYLES[each.severity])
        if each.detail:
            yield Part((each.kind,), each.detail, "dim", 2)


# What belongs to the run as a whole.


def _of_run(events: Sequence[Recorded]) -> Iterator[Anomaly]:
    if not events:
        return
    yield from _end(events[-1])
    yield from _near(events)
    for recorded in events:
        yield from _mark(recorded)
    for before, now in pairwise(events):
        if isinstance(now.event, RunResumed):
            yield _restart(before, now)
    if hidden := sum(each.hidden for each in events):
        said = "the model was told them; the record, and a run that goes on from it, has a placeholder"
        yield Anomaly("hidden_secrets", f"{counted_as(hidden, 'text')} with hidden secrets", said, 0, None, "note")


def _end(last: Recorded) -> Iterator[Anomaly]:
    """How the run stands, where that is not well."""
    step = last.step
    match last.event:
        case RunFinished(status, _, detail) if status.endswith("_limit"):
            yield Anomaly("limit_reached", f"the run ended: {status}", lines_of(detail), step, None, "error")
        case RunFinished(status, _, detail) if status not in WELL:
            yield Anomaly("run_stopped", f"the run ended: {status}", lines_of(detail), step, None, "error")
        case RunSuspended("waiting", detail):
            yield Anomaly("waiting", "the run waits", lines_of(detail), step, None, "warning")
        case RunSuspended(status, detail):
            severity: Severity = "error" if status == "failed" else "warning"
            yield Anomaly("run_stopped", f"the run stopped: {status}", lines_of(detail), step, None, severity)
        case RunFinished():
            return
        case _:
            yield Anomaly("unfinished", "the run has no end", UNFINISHED, step, None, "note")


def _near(events: Sequence[Recorded]) -> Iterator[Anomaly]:
    """Limits that the run has nearly used up, and did not come to."""
    limits = next((each.event.limits for each in events if isinstance(each.event, RunStarted)), None)
    last = events[-1]
    if not limits or (isinstance(last.event, RunFinished) and last.event.status.endswith("_limit")):
        return
    spent = overview(events).spent
    amounts = {
        "steps": spent.steps,
        "tool_calls": spent.tool_calls,
        "tokens": spent.usage.total,
        "cost": spent.cost or 0,
    }
    near = [
        f"{amount:,.6g} of {limits[name]:,.6g} {name.replace('_', ' ')}"
        for name, amount in amounts.items()
        if 0 < NEAR * limits.get(name, 0) <= amount
    ]
    if near:
        yield Anomaly("near_limit", "a limit of the run is near", lines_of(", ".join(near)), last.step, None, "note")


def _mark(recorded: Recorded) -> Iterator[Anomaly]:
    """What stands between the steps, and what a request says of the run."""
    match recorded.event:
        case ModelCalled(last=True):
            said = "this request was for an answer only, without tools"
            yield Anomaly("near_limit", "a limit was reached", said, recorded.step, None, "warning")
        case Unknown(kind):
            title = f"an event that this version does not know: {kind}"
            yield Anomaly("unknown_event", title, "a newer agentkit has written it", recorded.step, None, "note")
        case _:
            return


def _restart(before: Recorded, now: Recorded) -> Anomaly:
    match before.event:
        case RunSuspended(status, detail):
            title, said = f"the run had stopped, and was taken up again: {status}", lines_of(detail)
        case _:
            title, said = "the run was taken up again", "no end was on record: its process was gone"
    return Anomaly("restarted", title, said, now.step, None, "note")
