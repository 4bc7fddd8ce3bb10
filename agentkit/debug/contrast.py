"""A comparison of two runs told: what is the same in a line, what differs with the lines that differ."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from agentkit.bill import Bill
from agentkit.debug import page
from agentkit.debug.changes import changes
from agentkit.debug.diff import Diff, Difference, Kind, Spending, StepDiff
from agentkit.debug.outline import Overview
from agentkit.debug.page import Head, Line, Part, Quoted
from agentkit.debug.words import cut, lasted, tallies, tokens

DETAILED = 3
"""Steps that differ and are told in full; what comes after them mostly follows from them."""
CALL_CHARS = 160
"""Of a call whose result is compared."""


def as_lines(found: Diff, *, full: bool = False) -> Iterator[Line]:
    """A comparison as lines for a terminal.

    Args:
        found: The comparison.
        full: Whether every step that differs is told in full.
    """
    return page.as_lines(_parts(found, full=full))


def as_markdown(found: Diff, *, full: bool = False) -> str:
    """A comparison as a Markdown document; see `as_lines`."""
    return page.as_markdown(_parts(found, full=full))


def _parts(found: Diff, *, full: bool) -> Iterator[Part]:
    for name, view, billed in zip("ab", (found.a, found.b), found.bills, strict=True):
        yield _run(name, view, billed)
    yield from _related(found)
    yield Part((_verdict(found),), style="bold green" if found.same else "bold yellow")
    yield from _beginning_parts(found.steps[0], full=full)
    told = 0
    for kind, group in groupby(found.steps[1:], key=_kind):
        these = list(group)
        if kind == "different":
            detailed = len(these) if full else max(DETAILED - told, 0)
            for step in these[:detailed]:
                yield from _different(step, full=full)
            told += len(these[:detailed])
            these = these[detailed:]
        if these:
            yield from _summary(kind, these, full=full)
    yield from _end(found, full=full)


def _kind(step: StepDiff) -> Kind:
    return step.kind


def _run(name: str, view: Overview, billed: Bill) -> Part:
    spent = " · ".join((*tallies(view.spent, billed), f"took {lasted(view.seconds)}"))
    agent: Head = (" · ", Quoted(view.agent)) if view.agent else ()
    return Part((f"{name}: run ", Quoted(view.run_id), *agent, f" · {view.status} · {spent}"), style="bold")


def _related(found: Diff) -> Iterator[Part]:
    for name, view, other_name, other in (("a", found.a, "b", found.b), ("b", found.b, "a", found.a)):
        for number, forked in view.forks:
            if forked.parent == other.run_id:
                change: Head = (": ", Quoted(forked.change)) if forked.change else ()
                yield Part((f"{name} is a fork of {other_name} at step {number}", *change))


def _verdict(found: Diff) -> str:
    if found.same:
        return "no difference but in what was spent" if _spent_apart(found) else "no difference"
    if found.first is None:
        return "every step is the same, and the end is not"
    return f"the first difference is in step {found.first}" if found.first else "the beginning is different"


def _spent_apart(found: Diff) -> bool:
    return any(step.a != step.b for step in found.steps)


def _beginning_parts(step: StepDiff, *, full: bool) -> Iterator[Part]:
    if step.differences:
        yield Part(("the beginning is different",), style="bold cyan", level=0)
        yield from (_difference(each, full=full) for each in step.differences)


def _end(found: Diff, *, full: bool) -> Iterator[Part]:
    texts = {(each.a, each.b) for step in found.steps for each in step.differences if each.what == "text"}
    # An answer is the text of the last step as well.
    news = [each for each in found.end if each.what != "output" or (each.a, each.b) not in texts]
    if news:
        yield Part(("the end is different",), style="bold yellow", level=0)
        yield from (_difference(each, full=full) for each in news)


def _summary(kind: Kind, these: Sequence[StepDiff], *, full: bool) -> Iterator[Part]:
    """Steps in a row of which the same is to be said."""
    first, last = these[0].number, these[-1].number
    what = f"step {first} is" if first == last else f"steps {first}-{last} are"
    style = "dim" if kind == "the same" else "bold cyan"
    lines = [_in_short(step) if first == last else f"{step.number}: {_in_short(step)}" for step in these]
    body = "" if kind == "the same" else cut("\n".join(lines), full=full)
    yield Part((f"{what} {kind}",), body, style, 0)


def _in_short(step: StepDiff) -> str:
    """One line of what differs, or of what the one run did."""
    if step.kind == "different":
        return ", ".join(dict.fromkeys(each.what for each in step.differences))
    said = {each.what: each.a if each.b is None else each.b for each in step.differences}
    calls = (said.get("calls") or "").split("\n")
    words = ", ".join(filter(None, calls)) or said.get("text") or "no reply"
    return " ".join(words.split())


def _different(step: StepDiff, *, full: bool) -> Iterator[Part]:
    yield Part((f"step {step.number} is different",), style="bold cyan", level=0)
    calls = next((each for each in step.differences if each.what == "calls"), None)
    for each in step.differences:
        # Of a call that only one run made, nothing can be compared.
        if not each.call or calls is None or all(each.call in (side or "").split("\n") for side in (calls.a, calls.b)):
            yield _difference(each, full=full)
    if step.a.usage != step.b.usage:
        yield Part((f"spent: a {_spent(step.a)}; b {_spent(step.b)}",), style="dim", level=2)


def _spent(side: Spending) -> str:
    return " · ".join((*tokens(side.usage), *map(str, side.costs), lasted(side.seconds)))


def _difference(each: Difference, *, full: bool) -> Part:
    call = each.call if len(each.call) <= CALL_CHARS else f"{each.call[:CALL_CHARS]}…"
    named: Head = (f"{each.what} of ", Quoted(call)) if call else (each.what,)
    alone = " · only in b" if each.a is None else " · only in a" if each.b is None else ""
    return Part((*named, alone), changes(each.a or "", each.b or "", full=full), level=2, kind="diff")
