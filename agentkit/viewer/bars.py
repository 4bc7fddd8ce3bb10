"""When what happened in a step, as JSON values for a timeline."""

from collections.abc import Sequence

from pydantic import JsonValue

from agentkit.debug.facts import Facts, plain
from agentkit.debug.outline import Passage
from agentkit.viewer.calls import Called


def bars_of(step: Passage, calls: Sequence[Called], marks: list[JsonValue]) -> Facts:
    """The request of a step with its attempts, its calls, and what stands after it."""
    told: Facts = {
        "n": step.number,
        "time": step.events[0].time,
        "marks": marks,
        "calls": [_bar(call) for call in calls],
    }
    replied = step.replied
    if replied is not None:
        end = next(each.time for each in step.events if each.event is replied)
        told |= {"began": end - max(replied.seconds, 0.0), "end": end, "first": replied.first}
        told["attempts"] = plain(replied.attempts)
    return told


def _bar(call: Called) -> Facts:
    return {
        "id": call.history.call.id,
        "tool": call.history.call.name,
        "state": call.state,
        "starts": [each.time for each in call.starts],
        "end": None if call.end is None else call.end.time,
    }
