"""Two runs side by side as JSON values for a page: each step of both, and the lines in which they differ."""

from collections.abc import Container, Sequence

from pydantic import JsonValue

from agentkit.bill import Bill
from agentkit.debug.changes import changes
from agentkit.debug.diff import Diff, Difference, Spending, StepDiff, diff
from agentkit.debug.facts import Facts, about, plain
from agentkit.debug.outline import Overview, Passage, steps
from agentkit.debug.words import content_text
from agentkit.events import Recorded
from agentkit.observers.plain import shown_arguments
from agentkit.prices import Prices
from agentkit.viewer.steps import money
from agentkit.viewer.told import title_of

LINE = 160
"""Characters of what is told of a step in one line."""

COMPARED = 400
"""Characters of a call whose result is compared."""


TITLE = 200
"""Characters of the prompt over each side."""


class Versus:
    """A comparison, told a page at a time.

    Args:
        a: The events of the first run.
        b: Those of the second.
        prices: Who is asked for costs that are not on record.
    """

    def __init__(self, a: Sequence[Recorded], b: Sequence[Recorded], prices: Prices) -> None:
        self._found = diff(a, b, prices)
        self._titles = title_of(a)[:TITLE], title_of(b)[:TITLE]
        self._a, self._b = ({step.number: step for step in steps(each)} for each in (a, b))

    def as_json(self, start: int, count: int) -> Facts:
        """The verdict, and so many steps from one on."""
        found = self._found
        return {
            "a": _side(found.a, self._titles[0], found.bills[0]),
            "b": _side(found.b, self._titles[1], found.bills[1]),
            "same": found.same,
            "first": found.first,
            "total": len(found.steps),
            "start": start,
            "steps": [self._step(each) for each in found.steps[start : start + count]],
            "end": [_difference(each) for each in _end(found)],
        }

    def _step(self, step: StepDiff) -> JsonValue:
        # What is told below, of each side in full, is only named above.
        below = {each.what for each in step.differences} if step.kind == "different" else set[str]()
        return {
            "n": step.number,
            "kind": step.kind,
            "a": _line(self._a.get(step.number), below),
            "b": _line(self._b.get(step.number), below),
            "spent": {"a": _spent(step.a), "b": _spent(step.b)},
            "differences": [_difference(each) for each in step.differences],
        }


def _side(view: Overview, title: str, charged: Bill) -> Facts:
    return {**about(view), "title": title, "money": money(charged)}


def _spent(spending: Spending) -> JsonValue:
    told = plain(spending)
    assert isinstance(told, dict)
    return {**told, "money": " and ".join(map(str, spending.costs))}


def _end(found: Diff) -> list[Difference]:
    """How the ends differ; an answer that is the text of a step as well is told there."""
    texts = {(each.a, each.b) for step in found.steps for each in step.differences if each.what == "text"}
    return [each for each in found.end if each.what != "output" or (each.a, each.b) not in texts]


def _difference(each: Difference) -> JsonValue:
    return {
        "what": each.what,
        "call": each.call[:COMPARED],
        "in": "both" if each.a is not None and each.b is not None else "b" if each.a is None else "a",
        "lines": [*changes(each.a or "", each.b or "", full=True).split("\n")],
    }


def _line(step: Passage | None, below: Container[str]) -> str:
    """What a step did, in a line."""
    if step is None:
        return ""
    if step.replied is None:
        return "no reply"
    message = step.replied.message
    if message.tool_calls and "calls" in below:
        return ", ".join(f"{call.name}(…)" for call in message.tool_calls)[:LINE]
    if not message.tool_calls and "text" in below:
        return "answered"
    calls = [f"{call.name}({shown_arguments(call.arguments)})" for call in message.tool_calls]
    words = ", ".join(calls) or content_text(message.content)
    return " ".join(words[: 2 * LINE].split())[:LINE]
