"""Two runs side by side, step by step: where they first part, and in what.

Ids, times, tokens and money may differ between two runs that are the same.  Why they part is for the reader to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentkit.debug.aspects import Aspect, Aspects, of_beginning, of_step
from agentkit.debug.facts import Facts, about, plain
from agentkit.debug.outline import Overview, Passage, beginning, overview, steps
from agentkit.events import Recorded
from agentkit.messages import Usage, add

Kind = Literal["the same", "only in a", "only in b", "different"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same in both runs; None where there is no such thing."""

    what: str
    """`prompt`, `tools`, `reasoning`, `calls`, `result`, …"""
    a: str | None
    b: str | None
    call: str = ""
    """The call whose result or approval it is, as `tool({…})`."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What a step took."""

    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    seconds: float = 0.0
    """The model's and the tools' together."""


@dataclass(frozen=True, slots=True)
class StepDiff:
    """A step of both runs, or of the one that has it."""

    number: int
    """From 1; 0 is the beginning: instructions and prompt."""
    kind: Kind
    differences: tuple[Difference, ...] = ()
    """Of a step that only one run has: all there is."""
    a: Spending = field(default_factory=Spending)
    b: Spending = field(default_factory=Spending)


@dataclass(frozen=True, slots=True)
class Diff:
    """How two runs compare."""

    a: Overview
    b: Overview
    steps: tuple[StepDiff, ...]
    """The beginning and every step, in order."""
    end: tuple[Difference, ...] = ()
    """How their status and their output differ."""

    @property
    def first(self) -> int | None:
        """The first step that differs, 0 for the beginning; None where none does."""
        return next((step.number for step in self.steps if step.kind != "the same"), None)

    @property
    def same(self) -> bool:
        """Whether the runs did the same and ended the same way."""
        return self.first is None and not self.end


def diff(a: Sequence[Recorded], b: Sequence[Recorded]) -> Diff:
    """Compare two runs.

    Args:
        a: The durable events of the first, in order; of a fork those of its parent before it.
        b: Those of the second.
    """
    views = overview(a), overview(b)
    ends = ({"status": view.status, "output": view.output} for view in views)
    started = _step_diff(0, of_beginning(beginning(a)), of_beginning(beginning(b)))
    return Diff(*views, (started, *_steps(steps(a), steps(b))), _differences(*(map(_named, ends))))


def _named(texts: Mapping[str, str]) -> Aspects:
    return {Aspect(what): text for what, text in texts.items() if text}


def _steps(a: Sequence[Passage], b: Sequence[Passage]) -> Iterator[StepDiff]:
    left, right = ({step.number: step for step in each} for each in (a, b))
    offers = _offers(a), _offers(b)
    for number in sorted(left.keys() | right.keys()):
        told = [each.get(number, "") for each in offers]
        # A run that is told by hand, or was recorded long ago, does not say.
        here, there = told if all(told) else ("", "")
        one, other = left.get(number), right.get(number)
        yield _step_diff(number, _aspects(one, here), _aspects(other, there), one, other)


def _aspects(step: Passage | None, offer: str) -> Aspects:
    return {} if step is None else of_step(step, offer)


def _offers(passages: Sequence[Passage]) -> Mapping[int, str]:
    """What the model had been told of its tools, by step; a request says it only where it is new."""
    told, found = "", {}
    for step in passages:
        told = next((called.offer for called in reversed(step.called) if called.offer), told)
        found[step.number] = told
    return found


def _step_diff(
    number: int, left: Aspects, right: Aspects, one: Passage | None = None, other: Passage | None = None
) -> StepDiff:
    found = _differences(left, right)
    kind: Kind = "different" if found else "the same"
    if number and (one is None or other is None):
        kind = "only in b" if one is None else "only in a"
    return StepDiff(number, kind, found, _spending(one), _spending(other))


def _differences(left: Aspects, right: Aspects) -> tuple[Difference, ...]:
    return tuple(
        Difference(each.what, left.get(each), right.get(each), each.call)
        for each in dict.fromkeys([*left, *right])
        if left.get(each) != right.get(each)
    )


def _spending(step: Passage | None) -> Spending:
    if step is None or step.replied is None:
        return Spending()
    finished = [history.finished for _, history in step.calls if history.finished]
    spending = Spending(step.replied.usage, step.replied.cost, step.replied.seconds)
    for each in finished:
        usage, cost = (each.spent.usage, each.spent.cost) if each.spent else (Usage(), None)
        seconds = spending.seconds + each.seconds
        spending = Spending(spending.usage + usage, add(spending.cost, cost), seconds)
    return spending


def as_json(found: Diff) -> Facts:
    """A comparison as JSON values, with the texts whole."""
    return {
        "a": about(found.a),
        "b": about(found.b),
        "same": found.same,
        "first": found.first,
        "steps": plain(found.steps),
        "end": plain(found.end),
    }
