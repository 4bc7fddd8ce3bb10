"""A whole run told in order: what was asked, thought, called and answered, and by what it was interrupted.

Everything is told from the events alone, as far as there are any; nothing is judged, and nobody is asked.
"""

import json
from collections.abc import Iterator, Sequence

from agentkit.bill import Bill
from agentkit.debug import page
from agentkit.debug.outline import (
    Interrupted,
    Overview,
    beginning,
    overview,
    passages,
)
from agentkit.debug.page import Head, Line, Part, Quoted
from agentkit.debug.step import step
from agentkit.debug.words import content_text, cut, lasted, moment, status_style, tallies
from agentkit.events import (
    ModelCalled,
    ModelReplied,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunSuspended,
)
from agentkit.messages import Message
from agentkit.observers.plain import counted_as, shown_arguments

NOTHING = "There is nothing to tell: no event of this run is on record."


def story(events: Sequence[Recorded], *, full: bool = False, bill: Bill | None = None) -> Iterator[Line]:
    """A run as lines for a terminal.

    Args:
        events: Its durable events, in order; of a fork those of its parent before it.
        full: Whether long texts are told whole.
        bill: What it cost; left out, the cost on record is told.
    """
    return page.as_lines(_story(events, bill, full=full))


def as_markdown(events: Sequence[Recorded], *, full: bool = False, bill: Bill | None = None) -> str:
    """A run as a Markdown document; see `story`."""
    return page.as_markdown(_story(events, bill, full=full))


def _story(events: Sequence[Recorded], bill: Bill | None, *, full: bool) -> Iterator[Part]:
    if not events:
        yield Part((NOTHING,))
        return
    view = overview(events)
    yield from _header(view, bill)
    yield from _beginning(beginning(events), full=full)
    called: ModelCalled | None = None
    last = next((each.event for each in reversed(events) if isinstance(each.event, ModelReplied)), None)
    for each in passages(events):
        if isinstance(each, Interrupted):
            yield from _interruption(each, full=full)
        elif each.number:
            ends = each.replied is not None and each.replied is last
            later, cost = view.output if ends else "", _cost(each.number, bill) if each.replied else ""
            yield from step(each, called, told_later=later, cost=cost, full=full)
            called = each.called[-1] if each.called else called
    if view.status == "unfinished":
        yield Part((f"— {view.detail} —",), style="bold yellow", level=0)


# The beginning.


def _cost(number: int, bill: Bill | None) -> str:
    """What the reply of a step cost; that it is unknown is said where others are known."""
    charge = None if bill is None else bill.of_step(number)
    if bill is None or charge is None:
        return ""
    return f"cost {charge.cost}" if charge.cost is not None else "unpriced" if bill.costs else ""


def _header(view: Overview, bill: Bill | None) -> Iterator[Part]:
    names = [view.agent, ", ".join(view.models)]
    said = [part for name in names if name for part in (" · ", Quoted(name))]
    yield Part(("run ", Quoted(view.run_id), *said), style="bold", level=0)
    why: Head = (" (", Quoted(view.detail), ")") if view.detail else ()
    yield Part((view.status, *why, f" · {' · '.join(tallies(view.spent, bill))}"), style=status_style(view.status))
    yield Part((f"started {moment(view.started)}, took {lasted(view.seconds)}",))
    if view.parent:
        yield Part(("called by ", Quoted(view.parent)))
    if view.continues:
        yield Part(("continues the conversation of ", Quoted(view.continues)))
    for number, forked in view.forks:
        change: Head = (": ", Quoted(forked.change)) if forked.change else ()
        yield Part(("forked from ", Quoted(forked.parent), f" at step {number}", *change))
    if view.hidden:
        yield Part((f"{counted_as(view.hidden, 'secret')} hidden",), style="dim yellow")


def _beginning(messages: Sequence[Message], *, full: bool) -> Iterator[Part]:
    asked = messages[-1:] if messages and messages[-1].role == "user" else ()
    history = [each for each in messages[: len(messages) - len(asked)] if each.role != "system"]
    for message in messages:
        if message.role == "system":
            yield Part(("instructions",), cut(content_text(message.content), full=full), "dim")
    if history:
        yield Part((f"{counted_as(len(history), 'message')} before",), style="dim")
    for message in history if full else ():
        yield Part((message.role,), _message(message), "dim", level=2)
    for message in asked:
        yield Part(("prompt",), cut(content_text(message.content), full=full))


def _message(message: Message) -> str:
    calls = [f"→ {call.name}({shown_arguments(call.arguments)})" for call in message.tool_calls]
    return "\n".join(filter(None, (content_text(message.content), *calls)))


# What stands between the steps.


def _interruption(mark: Interrupted, *, full: bool) -> Iterator[Part]:
    event = mark.event
    match event:
        case RunResumed(process):
            who: Head = (" by ", Quoted(process)) if process else ()
            yield Part(("— taken up again", *who, f" after {lasted(mark.after)} —"), style="bold yellow", level=0)
        case RunForked():
            yield from _fork(event, full=full)
        case RunSuspended(status, detail):
            yield from _end(status, detail, "", full=full)
        case RunFinished(status, output, detail):
            yield from _end(status, detail, output, full=full)
        case _:
            head = ("— an event that this version does not know: ", Quoted(event.kind), " —")
            yield Part(head, event.data if full else "", "yellow", 0)


def _fork(forked: RunForked, *, full: bool) -> Iterator[Part]:
    yield Part(("— forked from ", Quoted(forked.parent), " —"), style="bold yellow", level=0)
    for name, text in (
        ("change", forked.change),
        ("instructions from here", forked.instructions),
        ("prompt", forked.prompt),
    ):
        if text:
            yield Part((name,), cut(text, full=full), level=2)


def _end(status: str, detail: str, output: str, *, full: bool) -> Iterator[Part]:
    yield Part((f"— {status} —",), style=status_style(status), level=0)
    if detail:
        yield Part(("why",), cut(detail, full=full))
    if output:
        yield Part(("output",), _pretty(output))


def _pretty(output: str) -> str:
    """An answer that is an object of JSON, as people read one."""
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        return output
    return json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) else output
