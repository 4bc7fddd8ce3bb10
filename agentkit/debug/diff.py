"""Two runs side by side, step by step: where they first part, and in what.

Ids, times, tokens and money may differ between two runs that are the same.  Why they part is for the reader to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agentkit.bill import Bill, bill
from agentkit.debug.aspects import Aspect, Aspects, of_beginning, of_step
from agentkit.debug.facts import Facts, about, plain
from agentkit.debug.outline import Overview, Passage, beginning, overview, steps
from agentkit.events import Recorded
from agentkit.messages import Usage
from agentkit.prices import NO_PRICES, Cost, Prices, added

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
    costs: tuple[Cost, ...] = ()
    """In each currency, as far as they are known."""
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
    bills: tuple[Bill, Bill] = (Bill(), Bill())
    """What they cost."""

    @property
    def first(self) -> int | None:
        """The first step that differs, 0 for the beginning; None where none does."""
        return next((step.number for step in self.steps if step.kind != "the same"), None)

    @property
    def same(self) -> bool:
        """Whether the runs did the same and ended the same way."""
        return self.first is None and not self.end


def diff(a: Sequence[Recorded], b: Sequence[Recorded], prices: Prices = NO_PRICES) -> Diff:
    """Compare two runs.

    Args:
        a: The durable events of the first, in order; of a fork those of its parent before it.
        b: Those of the second.
        prices: Who is asked for costs that are not on record.
    """
    views = overview(a), overview(b)
    bills = bill(a, prices), bill(b, prices)
    ends = ({"status": view.status, "output": view.output} for view in views)
    started = _step_diff(0, of_beginning(beginning(a)), of_beginning(beginning(b)))
    return Diff(*views, (started, *_steps(steps(a), steps(b), bills)), _differences(*(map(_named, ends))), bills)


def _named(texts: Mapping[str, str]) -> Aspects:
    return {Aspect(what): text for what, text in texts.items() if text}


def _steps(a: Sequence[Passage], b: Sequence[Passage], bills: tuple[Bill, Bill]) -> Iterator[StepDiff]:
    left, right = ({step.number: step for step in each} for each in (a, b))
    offers = _offers(a), _offers(b)
    for number in sorted(left.keys() | right.keys()):
        told = [each.get(number, "") for each in offers]
        # A run that is told by hand, or was recorded long ago, does not say.
        here, there = told if all(told) else ("", "")
        one, other = left.get(number), right.get(number)
        found = _step_diff(number, _aspects(one, here), _aspects(other, there), one, other)
        yield replace(found, a=_spending(one, bills[0]), b=_spending(other, bills[1]))


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
    return StepDiff(number, kind, found)


def _differences(left: Aspects, right: Aspects) -> tuple[Difference, ...]:
    return tuple(
        Difference(each.what, left.get(each), right.get(each), each.call)
        for each in dict.fromkeys([*left, *right])
        if left.get(each) != right.get(each)
    )


def _spending(step: Passage | None, billed: Bill) -> Spending:
    if step is None or step.replied is None:
        return Spending()
    usage, seconds = step.replied.usage, step.replied.seconds
    for _, history in step.calls:
        if history.finished is not None:
            seconds += history.finished.seconds
            usage += history.finished.spent.usage if history.finished.spent else Usage()
    charges = (each.cost for each in (*billed.before, *billed.charges) if each.step == step.number)
    return Spending(usage, added(cost for cost in charges if cost is not None), seconds)


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
