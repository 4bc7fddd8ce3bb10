"""What each request of a run had that the one before it had not."""

from collections.abc import Sequence
from dataclasses import replace

from agentkit.errors import AgentkitError
from agentkit.events import ModelCalled, Recorded, RunForked
from agentkit.loop import Run, apply
from agentkit.messages import Message


class Growth:
    """Folds a run as far as somebody asks, and keeps what was new in each step.

    Args:
        events: The durable events of the run, in order.
    """

    def __init__(self, events: Sequence[Recorded]) -> None:
        self._events = events
        self._place = 0
        self._run = Run()
        self._sent: tuple[Message, ...] = ()
        self._found: dict[int, tuple[Message, ...]] = {}
        forks = (place for place, each in enumerate(events) if isinstance(each.event, RunForked))
        self._forked = max(forks, default=-1)

    def of(self, step: int) -> tuple[Message, ...] | None:
        """What was new in a step; None where the record does not say."""
        while self._place < len(self._events) and self._events[self._place].step <= step:
            self._take(self._events[self._place])
        return self._found.get(step)

    def _take(self, recorded: Recorded) -> None:
        if isinstance(recorded.event, ModelCalled):
            now = self._run.messages
            news = now[_in_common(self._sent, now) :]
            self._found[recorded.step] = self._found.get(recorded.step, ()) + news
            self._sent = now
            if self._place > self._forked:
                # But for a fork, nothing changes what was said: only what is new has to be kept.
                self._run, self._sent = replace(self._run, messages=()), ()
        try:
            self._run = apply(self._run, recorded.event)
        except AgentkitError:
            # A record that makes no sense ends here.
            self._place = len(self._events)
        self._place += 1


def _in_common(before: tuple[Message, ...], now: tuple[Message, ...]) -> int:
    # A conversation mostly grows at its end.
    if now[: len(before)] == before:
        return len(before)
    return next(place for place, (a, b) in enumerate(zip((*before, None), (*now, None), strict=False)) if a != b)
