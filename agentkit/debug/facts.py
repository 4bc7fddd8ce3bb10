"""A whole run as JSON values, for programs: nothing is cut, hidden or put into words."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from agentkit.bill import Bill, Charge
from agentkit.debug.anomalies import anomalies
from agentkit.debug.outline import (
    CallHistory,
    Interrupted,
    Overview,
    Passage,
    beginning,
    overview,
    passages,
    steps,
)
from agentkit.events import Recorded

Facts = dict[str, JsonValue]


def as_json(events: Sequence[Recorded], bill: Bill | None = None) -> Facts:
    """A run: what it is, what it began with, its steps, and what stood between them.

    Args:
        events: Its durable events, in order; of a fork those of its parent before it.
        bill: What it cost; left out, nothing is said of it beside what is on record.
    """
    return {
        **about(overview(events)),
        **({} if bill is None else costs(bill)),
        "anomalies": plain(anomalies(events)),
        "messages": plain(beginning(events)),
        "steps": [_step(each) | _cost(each, bill) for each in steps(events)],
        "between": [_between(each) for each in passages(events) if isinstance(each, Interrupted)],
    }


def plain(value: object) -> JsonValue:
    """A frozen value as JSON has it; half a surrogate pair stays what it is, which pydantic would not let it."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    assert is_dataclass(value)
    return {each.name: plain(getattr(value, each.name)) for each in fields(value)}


def iso(time: float) -> str:
    """A time in seconds since 1970 as ISO 8601 has it, UTC."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def about(view: Overview) -> Facts:
    """A run at a glance."""
    return {
        "run_id": view.run_id,
        "agent": view.agent,
        "models": [*view.models],
        "status": view.status,
        "detail": view.detail,
        "output": view.output,
        "started": iso(view.started),
        "seconds": round(view.seconds, 3),
        "spent": plain(view.spent),
        "hidden": view.hidden,
        "parent": view.parent,
        "continues": view.continues,
        "forks": [{"step": number, **_fields(forked)} for number, forked in view.forks],
    }


def costs(bill: Bill) -> Facts:
    """What a run cost in each currency, and of how many replies nobody knows it."""
    return {"costs": plain(bill.costs), "unpriced": bill.unpriced}


def _cost(step: Passage, bill: Bill | None) -> Facts:
    charge = None if bill is None else bill.of_step(step.number)
    if bill is None:
        return {}
    return {"cost": plain(None if charge is None else _charged(charge))}


def _charged(charge: Charge) -> Facts | None:
    return None if charge.cost is None else {**_fields(charge.cost), "recorded": charge.recorded}


def _fields(value: object) -> Facts:
    fields = plain(value)
    assert isinstance(fields, dict)
    return fields


def _step(step: Passage) -> Facts:
    called, replied, rejected = step.called, step.replied, step.rejected
    reply = {} if replied is None else _fields(replied)
    message = None if replied is None else replied.message
    reasoning = None if message is None or message.reasoning is None else message.reasoning
    # The calls stand beside their results.
    reply.pop("message", None)
    return {
        "step": step.number,
        "asked": [plain(each) for each in called],
        "reasoning": "" if reasoning is None else reasoning.text,
        "text": "" if message is None else message.text,
        "content": None if message is None or isinstance(message.content, str) else plain(message.content),
        "reply": reply or None,
        "calls": [_call(history) for _, history in step.calls],
        "rejected": None if rejected is None else plain(rejected),
    }


def _call(history: CallHistory) -> Facts:
    finished = history.finished
    return {
        "id": history.call.id,
        "tool": history.call.name,
        "arguments": history.call.arguments,
        "asked": plain(history.asked),
        "given": plain(history.given),
        "started": [plain(each) for each in history.started],
        "result": None if finished is None else plain(finished.result),
        "seconds": None if finished is None else finished.seconds,
        "spent": None if finished is None else plain(finished.spent),
    }


def _between(mark: Interrupted) -> Facts:
    recorded = mark.recorded
    return {
        "kind": type(mark.event).__name__,
        "seq": recorded.seq,
        "time": iso(recorded.time),
        "after": round(mark.after, 3),
        **_fields(mark.event),
    }
