"""Two runs side by side as JSON values for a page: each step of both, and the lines in which they differ."""

from collections.abc import Sequence

from pydantic import JsonValue

from agentkit.debug.changes import changes
from agentkit.debug.diff import Difference, StepDiff, diff
from agentkit.debug.facts import Facts, about, plain
from agentkit.debug.outline import Passage, steps
from agentkit.debug.words import content_text
from agentkit.events import Recorded
from agentkit.observers.plain import shown_arguments

LINE = 160
"""Characters of what is told of a step in one line."""

COMPARED = 400
"""Characters of a call whose result is compared."""


class Versus:
    """A comparison, told a page at a time.

    Args:
        a: The events of the first run.
        b: Those of the second.
    """

    def __init__(self, a: Sequence[Recorded], b: Sequence[Recorded]) -> None:
        self._found = diff(a, b)
        self._a, self._b = ({step.number: _line(step) for step in steps(each)} for each in (a, b))

    def as_json(self, start: int, count: int) -> Facts:
        """The verdict, and so many steps from one on."""
        found = self._found
        return {
            "a": about(found.a),
            "b": about(found.b),
            "same": found.same,
            "first": found.first,
            "total": len(found.steps),
            "start": start,
            "steps": [self._step(each) for each in found.steps[start : start + count]],
            "end": [_difference(each) for each in found.end],
        }

    def _step(self, step: StepDiff) -> JsonValue:
        return {
            "n": step.number,
            "kind": step.kind,
            "a": self._a.get(step.number, ""),
            "b": self._b.get(step.number, ""),
            "spent": {"a": plain(step.a), "b": plain(step.b)},
            "differences": [_difference(each) for each in step.differences],
        }


def _difference(each: Difference) -> JsonValue:
    return {
        "what": each.what,
        "call": each.call[:COMPARED],
        "in": "both" if each.a is not None and each.b is not None else "b" if each.a is None else "a",
        "lines": [*changes(each.a or "", each.b or "", full=True).split("\n")],
    }


def _line(step: Passage) -> str:
    """What a step did, in a line."""
    if step.replied is None:
        return "no reply"
    message = step.replied.message
    calls = [f"{call.name}({shown_arguments(call.arguments)})" for call in message.tool_calls]
    words = ", ".join(calls) or content_text(message.content)
    return " ".join(words[: 2 * LINE].split())[:LINE]
