"""The steps of a run as JSON values for a page: what was added to the prompt, thought, said, called and returned."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from threading import Lock

from pydantic import JsonValue

from agentkit.bill import Bill
from agentkit.debug.facts import Facts, plain
from agentkit.debug.outline import Interruption, Passage, beginning, steps
from agentkit.events import (
    ModelCalled,
    ModelReplied,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunSuspended,
    Unknown,
)
from agentkit.messages import Message
from agentkit.viewer.calls import Called, calls_of
from agentkit.viewer.contents import content_as_json, message_as_json
from agentkit.viewer.growth import Growth
from agentkit.viewer.texts import Texts


class Steps:
    """The steps of a run, made into JSON values as far as they are asked for.

    Args:
        events: The durable events of the run, in order.
        charged: What it cost.

    Attributes:
        passages: Its steps with all of their events.
        texts: The long texts of what was made.
    """

    def __init__(self, events: Sequence[Recorded], charged: Bill) -> None:
        self.passages = steps(events)
        self.texts = Texts()
        self._events = events
        self._growth = Growth(events)
        self._resumed = tuple(each.seq for each in events if isinstance(each.event, RunResumed))
        self._charges = {each.step: each for each in reversed((*charged.before, *charged.charges)) if not each.call_id}
        self._made: dict[int, Facts] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        """How many there are, with the beginning."""
        return len(self.passages) + 1

    def part(self, start: int = 0, count: int | None = None) -> list[Facts]:
        """Some of them, in order; the beginning is the first."""
        end = len(self) if count is None else min(start + count, len(self))
        with self._lock:
            return [self._at(place) for place in range(start, end)]

    def step(self, number: int) -> Facts | None:
        """The step of a number, from 1; None where there is none."""
        place = next((place for place, each in enumerate(self.passages, 1) if each.number == number), None)
        return None if place is None else self.part(place, 1)[0]

    @cached_property
    def calls(self) -> Sequence[tuple[Passage, Sequence[Called]]]:
        """The calls of each step."""
        return [(each, tuple(calls_of(each, self._resumed))) for each in self.passages]

    @cached_property
    def interruptions(self) -> Mapping[int, list[tuple[Recorded, float]]]:
        """What stands between the steps, by the step that it comes after, with the seconds since the event before it."""
        found: dict[int, list[tuple[Recorded, float]]] = {}
        step = 0
        for place, recorded in enumerate(self._events):
            if isinstance(recorded.event, Interruption):
                after = max(recorded.time - self._events[max(place - 1, 0)].time, 0.0)
                found.setdefault(step, []).append((recorded, after))
            else:
                step = max(step, recorded.step)
        return found

    def marks(self, number: int) -> list[JsonValue]:
        """What stands after a step."""
        return [mark_as_json(*each, self.texts) for each in self.interruptions.get(number, ())]

    @cached_property
    def _tools(self) -> Mapping[str, str]:
        """The tool of each call, by its id."""
        return {each.history.call.id: each.history.call.name for _, calls in self.calls for each in calls}

    def _named(self, message: JsonValue) -> JsonValue:
        """A message with the tool that it is the result of."""
        assert isinstance(message, dict)
        tool = self._tools.get(str(message.get("call_id")))
        return message if tool is None else {**message, "tool": tool}

    def _at(self, place: int) -> Facts:
        if place not in self._made:
            self._made[place] = self._step(place - 1) if place else _beginning(self._events, self.texts)
            self._made[place]["marks"] = self.marks(self.passages[place - 1].number if place else 0)
        return self._made[place]

    def _step(self, place: int) -> Facts:
        step = self.passages[place]
        before = next(
            (each.called[-1] for each in reversed(self.passages[max(place - 2, 0) : place]) if each.called), None
        )
        told = _step(step, self.texts, self._growth.of(step.number), before)
        if isinstance(told["reply"], dict):
            charge = self._charges.get(step.number)
            told["reply"]["money"] = money(Bill(() if charge is None else (charge,)))
        calls = enumerate(self.calls[place][1])
        if isinstance(told["added"], list):
            told["added"] = [*map(self._named, told["added"])]
        told["calls"] = [each.as_json(f"{step.number}.c{number}", self.texts) for number, each in calls]
        return told


def money(charged: Bill) -> Facts:
    """What something cost, in words; empty where nobody knows."""
    return {"text": " and ".join(map(str, charged.costs)), "unpriced": charged.unpriced}


def _beginning(events: Sequence[Recorded], texts: Texts) -> Facts:
    messages = [message_as_json(each, f"0.{place}", texts) for place, each in enumerate(beginning(events))]
    return {"n": 0, "time": events[0].time if events else 0.0, "messages": [*messages]}


def mark_as_json(recorded: Recorded, after: float, texts: Texts) -> Facts:
    """What interrupted the steps, or ended them."""
    event = recorded.event
    told: Facts = {"kind": type(event).__name__, "seq": recorded.seq, "time": recorded.time, "after": after}
    match event:
        case RunSuspended(status, detail):
            told |= {"status": status, "detail": texts.cut(f"e{recorded.seq}.detail", detail)}
        case RunFinished(status, output, detail):
            told |= {"status": status, "detail": texts.cut(f"e{recorded.seq}.detail", detail)}
            told["output"] = texts.cut(f"e{recorded.seq}.output", output)
        case RunResumed(process):
            told["process"] = process
        case RunForked():
            told |= {"parent": event.parent, "change": texts.cut(f"e{recorded.seq}.change", event.change)}
        case Unknown():
            told |= {"unknown": event.kind, "data": texts.cut(f"e{recorded.seq}.data", event.data)}
    return told


# One step.


def _step(step: Passage, texts: Texts, added: Sequence[Message] | None, before: ModelCalled | None) -> Facts:
    called = step.called[-1] if step.called else None
    # After the first request, what the model said itself and the results stand in the step before.
    news = [message_as_json(each, f"{step.number}.+{place}", texts) for place, each in enumerate(added or ())]
    told: Facts = {
        "n": step.number,
        "time": step.events[0].time,
        "end": step.events[-1].time,
        "asked": len(step.called),
        "model": called.model if called else "",
        "last": bool(called and called.last),
        "messages": called.messages if called else None,
        "tools": [*called.tools] if called else [],
        "tools_new": bool(called and (before is None or called.tools != before.tools)),
        "settings": called.settings if called and (before is None or called.settings != before.settings) else "",
        "added": [*news] if added is not None else None,
        "forks": [plain(each.change) for each in step.forks],
        "reply": None if step.replied is None else _reply(step, step.replied, texts),
        "rejected": None,
    }
    if step.rejected is not None:
        told["rejected"] = texts.cut(f"{step.number}.rejected", step.rejected.problem)
    return told


def _reply(step: Passage, replied: ModelReplied, texts: Texts) -> Facts:
    message = replied.message
    reasoning = "" if message.reasoning is None else message.reasoning.text
    at = next(each.time for each in step.events if each.event is replied)
    return {
        "time": at,
        "began": at - max(replied.seconds, 0.0),
        "seconds": replied.seconds,
        "first": replied.first,
        "attempts": plain(replied.attempts),
        "model": replied.model,
        "finish": replied.finish_reason,
        "odd": step.finish_reason is not None,
        "usage": plain(replied.usage),
        "request_id": replied.request_id,
        "warnings": [*replied.warnings],
        "reasoning": texts.cut(f"{step.number}.reasoning", reasoning) if reasoning else None,
        **content_as_json(message.content, f"{step.number}.text", texts),
    }
