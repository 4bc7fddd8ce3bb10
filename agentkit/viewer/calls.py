"""The calls of a step, each with what happened to it and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentkit.debug.facts import Facts, plain
from agentkit.debug.outline import CallHistory, Passage
from agentkit.events import Recorded, ToolFinished, ToolStarted
from agentkit.observers.plain import shown_arguments
from agentkit.viewer.contents import content_as_json
from agentkit.viewer.texts import Texts


@dataclass(frozen=True, slots=True)
class Called:
    """A call with what happened to it and when."""

    history: CallHistory
    events: tuple[Recorded, ...]
    """Those of the call alone."""
    resumed: tuple[int, ...]
    """Numbers of the events at which the run was taken up again."""
    made: bool
    """Whether the calls of its reply are made at all."""

    @property
    def starts(self) -> tuple[Recorded, ...]:
        return tuple(each for each in self.events if isinstance(each.event, ToolStarted))

    @property
    def end(self) -> Recorded | None:
        return next((each for each in reversed(self.events) if isinstance(each.event, ToolFinished)), None)

    @property
    def doubtful(self) -> bool:
        """Whether it was started, and its process was gone before a result was on record."""
        if not self.starts:
            return False
        last, end = self.starts[-1].seq, self.end
        return any(last < each and (end is None or each < end.seq) for each in self.resumed)

    @property
    def state(self) -> str:
        """How it stands, in a word."""
        if self.history.finished is not None:
            if not self.history.finished.result.failed:
                return "done"
            return "failed" if self.history.started else "not run"
        if not self.made:
            return "not made"
        if self.history.waits:
            return "waiting"
        return "in doubt" if self.doubtful else "started" if self.starts else "not begun"

    @property
    def checked(self) -> str:
        """What became of the arguments, in words."""
        history = self.history
        mended = next((each.repair for each in history.started if each.repair), None)
        if mended:
            return f"mended before they could be read: {mended}"
        if history.started:
            return "valid"
        if history.given is not None and (not history.given.granted or history.given.answer is not None):
            return "not checked: a person decided"
        if history.finished is not None and history.finished.result.failed:
            return "the tool was not run; the result says why"
        return "not checked yet"

    def as_json(self, name: str, texts: Texts) -> Facts:
        """All of it; `name` is what its texts are called by."""
        history, end = self.history, self.end
        call, finished, given = history.call, history.finished, history.given
        told: Facts = {
            "id": call.id,
            "tool": call.name,
            "shown": shown_arguments(call.arguments),
            "arguments": texts.cut(f"{name}.arguments", call.arguments),
            "state": self.state,
            "checked": self.checked,
            "doubtful": self.doubtful,
            "starts": [each.time for each in self.starts],
            "again": any(each.again for each in history.started) or len(self.starts) > 1,
            "key": history.started[-1].key if history.started else "",
            "end": None if end is None else end.time,
            "why": None if history.asked is None else history.asked.why,
            "given": None if given is None else plain(given),
        }
        if finished is not None:
            told |= _result(finished, name, texts)
        return told


def _result(finished: ToolFinished, name: str, texts: Texts) -> Facts:
    result = finished.result
    return {
        "seconds": finished.seconds,
        "spent": None if finished.spent is None else plain(finished.spent),
        "result": content_as_json(result.content, f"{name}.result", texts),
        "whole": None if result.whole is None else texts.cut(f"{name}.whole", result.whole),
        "trace": texts.cut(f"{name}.trace", result.trace) if result.trace else None,
    }


def calls_of(step: Passage, resumed: Sequence[int]) -> Iterator[Called]:
    """The calls of a step, each with its own events."""
    filtered = step.replied is not None and step.replied.finish_reason == "content_filter"
    made = not filtered and not any(each.last for each in step.called)
    for _, history in step.calls:
        own = tuple(each for each in step.events if _belongs(each, history.call.id))
        yield Called(history, own, tuple(resumed), made)


def _belongs(recorded: Recorded, call_id: str) -> bool:
    match recorded.event:
        case ToolStarted(name):
            return name == call_id
        case ToolFinished(result):
            return result.call_id == call_id
    return False
