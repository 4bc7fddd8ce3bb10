"""Those who watch a run.  They are told events and cannot answer: whatever they do, the run goes on."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from agentkit.events import Observer, Recorded

Around = AbstractContextManager[object]
"""What an observer may return for an effect that begins: it is entered around that effect."""

log = logging.getLogger("agentkit")


class Audience:
    """The observers of one run."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)

    def tell(self, recorded: Recorded) -> list[Around]:
        """Tell an event to all; one who raises is logged once and told nothing more."""
        around = []
        for observer in tuple(self._observers):
            try:
                if (manager := observer(recorded)) is not None:
                    around.append(manager)
            except Exception:  # an observer may raise anything
                log.exception("observer %r raised, and is told nothing more of run %s", observer, recorded.run_id)
                self._observers.remove(observer)
        return around


@contextmanager
def entered(around: Sequence[Around]) -> Iterator[None]:
    """Hold what observers returned around an effect."""
    with ExitStack() as stack:
        for manager in around:
            stack.enter_context(_shielded(manager))
        yield


@contextmanager
def _shielded(manager: Around) -> Iterator[None]:
    """An observer's context manager that can neither stop the effect nor swallow its exception."""
    with ExitStack() as stack:
        try:
            stack.enter_context(manager)
        except Exception:  # it is an observer's
            log.exception("an observer's context %r could not be entered", manager)
        leave = stack.pop_all().close
    try:
        yield
    finally:
        try:
            leave()
        except Exception:  # it is an observer's
            log.exception("an observer's context %r could not be left", manager)
