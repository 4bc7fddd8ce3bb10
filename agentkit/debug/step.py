"""One step told: the request, the reply, and each call beside its result.

A call is told where it was asked and again where it went on after an interruption; one without a result says so.
"""

from collections.abc import Iterator

from agentkit.debug.outline import CallHistory, Passage
from agentkit.debug.page import Head, Part, Quoted
from agentkit.debug.words import content_text, cut, tallies, tokens
from agentkit.events import ApprovalGiven, ModelCalled, ModelReplied, RunResumed, ToolFinished, ToolStarted
from agentkit.observers.plain import WIDTH, duration, shown_arguments

REASONING_LINES = 2


def step(
    passage: Passage, before: ModelCalled | None, *, told_later: str = "", cost: str = "", full: bool = False
) -> Iterator[Part]:
    """A step as far as it went without an interruption.

    Args:
        passage: Its events.
        before: The request of the step before; only what is new in this one is told.
        told_later: A text of the reply that is told at the end of the run.
        cost: What the reply cost, in words.
        full: Whether long texts are told whole.
    """
    if passage.called or passage.replied:
        yield _heading(passage, cost)
    if passage.called:
        yield from _request(passage.called[-1], before, full=full)
    if passage.replied:
        yield from _reply(passage.replied, told_later=told_later, full=full)
    for earlier, now in passage.calls:
        if passage.replied or now.happened:
            yield from _call(earlier, now, passage, full=full)
    if passage.rejected:
        yield Part(("not an answer yet",), cut(passage.rejected.problem, full=full), "yellow", 2)


def _heading(passage: Passage, cost: str) -> Part:
    replied = passage.replied
    asked = passage.called[-1].model if passage.called else ""
    model = replied.model if replied and replied.model else asked
    head: list[str | Quoted] = [f"step {passage.number}"]
    head += [" · ", Quoted(model)] if model else []
    if len(passage.called) > 1:
        head.append(f" · asked {len(passage.called)} times")
    if replied is None:
        head.append(" · no reply yet")
    else:
        first = "" if replied.first is None else f"first token after {duration(replied.first)}"
        told = (duration(replied.seconds), first, *tokens(replied.usage), cost)
        head += [f" · {each}" for each in told if each]
    if passage.finish_reason:
        head.append(f" · finish reason {passage.finish_reason}")
    return Part(tuple(head), style="bold cyan", level=0)


def _request(called: ModelCalled, before: ModelCalled | None, *, full: bool) -> Iterator[Part]:
    """What the model was told beside the messages, where it is not what it was told before."""
    if called.last:
        yield Part(("for an answer only: a limit is reached",), style="yellow", level=2)
    if called.tools and (before is None or called.tools != before.tools):
        yield Part(("tools: ", Quoted(", ".join(called.tools))), style="dim", level=2)
    if called.offer and full:
        yield Part(("offer",), called.offer, "dim", 2)
    if called.settings and (before is None or called.settings != before.settings):
        yield Part(("settings",), cut(called.settings, full=full), "dim", 2)


def _reply(replied: ModelReplied, *, told_later: str, full: bool) -> Iterator[Part]:
    message = replied.message
    for failed in replied.attempts:
        head = (
            f"attempt {failed.number} failed after {duration(failed.after)} ({failed.category}): ",
            Quoted(failed.detail),
        )
        yield Part(head, style="yellow", level=2)
    if message.reasoning is not None and message.reasoning.text:
        lines = REASONING_LINES
        yield Part(("reasoning",), cut(message.reasoning.text, full=full, lines=lines), "dim italic", 2)
    text = content_text(message.content)
    if text.strip() and text == told_later:
        yield Part(("text: the output, told at the end",), style="dim", level=2)
    elif text.strip():
        yield Part(("text",), cut(text, full=full), level=2)
    elif not message.tool_calls:
        yield Part(("no text and no calls",), style="yellow", level=2)
    for warning in replied.warnings:
        yield Part(("note: ", Quoted(warning)), style="dim yellow", level=2)


def _made(passage: Passage) -> bool:
    """Whether the calls of this reply are made at all."""
    filtered = passage.replied is not None and passage.replied.finish_reason == "content_filter"
    return not filtered and not any(each.last for each in passage.called)


# The calls of a step.


def _call(earlier: CallHistory, now: CallHistory, passage: Passage, *, full: bool) -> Iterator[Part]:
    call = now.call
    arguments = shown_arguments(call.arguments)
    raw = call.arguments if full and len(arguments) >= WIDTH else ""
    named: Head = (" · ", Quoted(call.id)) if full or now.waits else ()
    yield Part(("→ ", Quoted(f"{call.name}({arguments})"), *named), raw, "green", 2)
    if now.asked and now.asked.why:
        yield Part(("a person is asked",), now.asked.why, "yellow", 3)
    if now.given:
        yield from _decision(now.given, full=full)
    for place, started in enumerate(now.started):
        again = started.again or place > 0 or bool(earlier.started)
        how = "" if not again else "started again" if passage.suspended else "started again after a crash"
        yield from _start(started, how, full=full)
    if now.finished:
        if earlier.started and not now.started and not now.given and not passage.suspended:
            yield Part(("was in doubt: it had been started, and was not run again",), style="yellow", level=3)
        yield from _result(now.finished, full=full)
    else:
        yield Part((_no_result(now, passage),), style="yellow", level=3)


def _decision(given: ApprovalGiven, *, full: bool) -> Iterator[Part]:
    reason: Head = (": ", Quoted(given.reason)) if given.reason else ()
    if not given.granted:
        yield Part(("refused by a person", *reason), style="red", level=3)
    elif given.answer is not None:
        head = ("answered by a person instead of the tool", *reason)
        yield Part(head, cut(given.answer, full=full), "yellow", 3)
    elif given.arguments is not None:
        yield Part(("granted by a person, with other arguments", *reason), given.arguments, "yellow", 3)
    else:
        yield Part(("granted by a person", *reason), style="yellow", level=3)


def _start(started: ToolStarted, again: str, *, full: bool) -> Iterator[Part]:
    if started.repair:
        yield Part(("arguments mended: ", Quoted(started.repair)), style="dim yellow", level=3)
    if again:
        yield Part((f"{again} (key ", Quoted(started.key), ")"), style="yellow", level=3)
    elif full:
        yield Part(("key ", Quoted(started.key)), style="dim", level=3)


def _result(finished: ToolFinished, *, full: bool) -> Iterator[Part]:
    result = finished.result
    text = content_text(result.content)
    told = [f"← {'failed, ' if result.failed else ''}{duration(finished.seconds)}"]
    if finished.spent is not None:
        told.append(f"spent {', '.join(tallies(finished.spent))}")
    if result.whole is not None:
        told.append(f"the model saw {len(text):,} of {len(result.whole):,} characters")
    body = result.whole if full and result.whole is not None else text
    if not body.strip():
        told.append("nothing")
    yield Part((" · ".join(told),), cut(body, full=full).strip("\n"), "red" if result.failed else "blue", 3)
    if result.trace:
        yield Part(("trace",), cut(result.trace, full=full), "dim", 4)


def _no_result(now: CallHistory, passage: Passage) -> str:
    if not _made(passage):
        return "not made"
    if now.waits:
        return "waits for a person"
    if not now.started:
        return "no result yet"
    if isinstance(passage.then, RunResumed):
        return "started, and no result is on record: in doubt"
    return "started, no result yet" if passage.then else "started, no result yet (in doubt, if its process is gone)"
