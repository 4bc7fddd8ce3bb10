"""What is out of the ordinary about the calls of a run."""

from collections.abc import Iterator, Sequence
from statistics import median

from agentkit.arguments import canonical
from agentkit.debug.anomaly import Anomaly, Kind, Severity, gathered, in_steps, lines_of
from agentkit.debug.outline import CallHistory, Passage
from agentkit.debug.words import content_text, lasted
from agentkit.messages import ToolCall
from agentkit.observers.plain import counted_as, shown_arguments

UNKNOWN = "Whether it took effect is unknown"
"""How the model is told of a call that nobody knows the end of."""

NOT_EXECUTED = "Not executed: "
"""How a result begins that is no tool's, and is told for another reason elsewhere."""

REPEATED = "\nNote: you have now made this identical call"
"""How it is told under a result that it was asked for again."""

MANY = 3
"""Identical calls from which it looks like a loop."""

SLOW = 3.0
"""Times the median from which something is slow."""

SECONDS = 5.0
"""What takes less is never called slow."""

ENOUGH = 4
"""Things of one kind from which there is a usual time."""


def odd_calls(
    found: Sequence[Passage], answer_tool: str | None = None, *, completed: bool = False
) -> Iterator[Anomaly]:
    """The anomalies of the calls of all steps.

    Args:
        found: The steps, each with all of its events.
        answer_tool: What the model calls to answer.
        completed: Whether the run has ended as it should.
    """
    calls = [(passage, history) for passage in found for _, history in passage.calls]
    yield from gathered(each for passage, history in calls for each in _of_call(passage, history, answer_tool))
    yield from (_doubt(passage, history) for passage, history in calls if _is_in_doubt(history))
    yield from _repeated(calls)
    yield from _slow(calls)
    if completed:
        yield from _at_the_end(found, answer_tool)


def _of_call(passage: Passage, history: CallHistory, answer_tool: str | None) -> Iterator[Anomaly]:
    name, finished = history.call.name, history.finished
    if finished is not None and finished.result.failed:
        text = content_text(finished.result.content)
        if name == answer_tool and not text.startswith(NOT_EXECUTED):
            yield _anomaly("rejected_output", "the answer was refused", lines_of(text), passage, history, "warning")
        else:
            yield from _failure(passage, history, text)
    if finished is not None and (whole := finished.result.whole) is not None:
        shown = len(content_text(finished.result.content))
        said = f"the model saw {shown:,} of {len(whole):,} characters, and can read on"
        yield _anomaly("cut_result", f"a result of {name} was cut", said, passage, history, "note")
    for repair in dict.fromkeys(started.repair for started in history.started if started.repair):
        said = f"{repair}: {lines_of(history.call.arguments)}"
        yield _anomaly("repaired_arguments", f"arguments of {name} had to be mended", said, passage, history, "note")
    if history.given is not None and not history.given.granted:
        yield _anomaly(
            "refused_call", f"a person refused {name}", lines_of(history.given.reason), passage, history, "note"
        )


def _failure(passage: Passage, history: CallHistory, text: str) -> Iterator[Anomaly]:
    """A failed result: of a tool that ran, or of a call that was none."""
    call, said = history.call, lines_of(text)
    if UNKNOWN in text or text.startswith(NOT_EXECUTED):
        return
    if history.started:
        assert history.finished is not None
        raised: Severity = "error" if history.finished.result.trace else "warning"
        yield _anomaly("failing_tool", f"{call.name} failed", said, passage, history, raised)
    elif _is_unknown(passage, call, text):
        yield _anomaly("unknown_tool", f"there is no tool {call.name!r}", said, passage, history, "warning")
    else:
        asked = f"{call.name}({shown_arguments(call.arguments)})"
        detail = f"{asked}\n{said}"
        yield _anomaly("refused_arguments", f"{call.name} refused its arguments", detail, passage, history, "warning")


def _is_unknown(passage: Passage, call: ToolCall, text: str) -> bool:
    offered = [each.tools for each in passage.called]
    if offered:
        return call.name not in offered[-1]
    # A fork has put the reply there, and nothing was offered.
    return text.startswith(("There is no tool", "There still is no tool"))


def _is_in_doubt(history: CallHistory) -> bool:
    """Whether a call was started and nobody knows whether it took effect."""
    if _is_again(history):
        return True
    if history.finished is None:
        return bool(history.started)
    return history.finished.result.failed and UNKNOWN in content_text(history.finished.result.content)


def _is_again(history: CallHistory) -> bool:
    return any(started.again or place for place, started in enumerate(history.started))


def _doubt(passage: Passage, history: CallHistory) -> Anomaly:
    call, finished = history.call, history.finished
    asked = f"{call.name}({shown_arguments(call.arguments)})"
    if finished is None:
        said = "it was started, and no result is on record: it is at work, or its process is gone"
        return _anomaly("in_doubt", f"{call.name} has no result", f"{asked}\n{said}", passage, history, "warning")
    if _is_again(history):
        said = f"it was started before, and nobody knows how that ended; key {history.started[-1].key}"
        return _anomaly("in_doubt", f"{call.name} was made again", f"{asked}\n{said}", passage, history, "warning")
    said = lines_of(content_text(finished.result.content))
    title = f"nobody knows whether {call.name} took effect"
    return _anomaly("in_doubt", title, f"{asked}\n{said}", passage, history, "error")


def _repeated(calls: Sequence[tuple[Passage, CallHistory]]) -> Iterator[Anomaly]:
    """Calls of one tool with the same arguments: told at the second of them."""
    same: dict[tuple[str, str], list[tuple[Passage, CallHistory]]] = {}
    for passage, history in calls:
        if passage.finish_reason == "length":
            # They were not made, and the reply is told.
            continue
        same.setdefault((history.call.name, canonical(history.call.arguments)), []).append((passage, history))
    for (name, _), group in same.items():
        if len(group) == 1:
            continue
        passage, history = group[1]
        results = [_result(each) for _, each in group if each.finished is not None]
        alike = "with the same result each time" if len(set(results)) == 1 else "with different results"
        where = in_steps([each.number for each, _ in group])
        said = f"{name}({shown_arguments(history.call.arguments)})\nin {where}, {alike}"
        severity: Severity = "warning" if len(group) >= MANY or len(set(results)) == 1 else "note"
        title = f"the same call of {name} {counted_as(len(group), 'time')}"
        yield _anomaly("repeated_call", title, said, passage, history, severity)


def _result(history: CallHistory) -> str:
    """What a call was answered, without what the model is told because it repeats itself."""
    assert history.finished is not None
    return content_text(history.finished.result.content).partition(REPEATED)[0]


def _slow(calls: Sequence[tuple[Passage, CallHistory]]) -> Iterator[Anomaly]:
    """Calls that took far longer than others of the same tool."""
    times: dict[str, list[float]] = {}
    for _, history in calls:
        if history.finished is not None and history.started:
            times.setdefault(history.call.name, []).append(history.finished.seconds)
    for passage, history in calls:
        name, finished = history.call.name, history.finished
        if finished is not None and (usual := unusual(finished.seconds, times.get(name, ()))) is not None:
            said = f"{lasted(finished.seconds)}, and {lasted(usual)} as a rule"
            yield _anomaly("slow_tool", f"{name} was slow", said, passage, history, "note")


def unusual(seconds: float, times: Sequence[float]) -> float | None:
    """The usual time, where this one is far beyond it; None where it is not, and where there is none."""
    if len(times) < ENOUGH or seconds < SECONDS:
        return None
    usual = median(times)
    return usual if seconds > SLOW * usual else None


def _at_the_end(found: Sequence[Passage], answer_tool: str | None) -> Iterator[Anomaly]:
    """The last call, where it gave nothing: the answer may say that it did."""
    passage = next((each for each in reversed(found) if each.calls), None)
    if passage is None or any(history.call.name == answer_tool for _, history in passage.calls):
        return
    _, last = passage.calls[-1]
    refused = last.given is not None and not last.given.granted
    if refused or last.finished is None or not last.finished.result.failed:
        return
    became = "failed" if last.started else "was not run"
    said = f"{last.call.name}({shown_arguments(last.call.arguments)})"
    title = f"the last call {became}, and the run ended as completed"
    yield _anomaly("last_call_failed", title, said, passage, last, "warning")


def _anomaly(
    kind: Kind, title: str, detail: str, passage: Passage, history: CallHistory, severity: Severity
) -> Anomaly:
    return Anomaly(kind, title, detail, passage.number, history.call.id, severity)
