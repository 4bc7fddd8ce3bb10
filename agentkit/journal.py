"""The durable order of a run's events.

The driver awaits the journal before it folds an event, so whatever a run has acted on can be read back.
"""

from collections.abc import Awaitable, Iterable
from typing import Protocol

from agentkit.events import Recorded


class Journal(Protocol):
    """Where a run's durable events are kept, in order."""

    def append(self, recorded: Recorded) -> Awaitable[None] | None:
        """Keep one event: at once, or by the time that what this returns has been awaited."""
        ...


class MemoryJournal:
    """Keeps events for as long as the process lives.

    Attributes:
        events: What was kept, in order.
    """

    def __init__(self, events: Iterable[Recorded] = ()) -> None:
        self.events = list(events)

    def append(self, recorded: Recorded) -> None:
        self.events.append(recorded)
