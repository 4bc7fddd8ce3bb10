"""The port that keeps runs: the durable order of their events.

The driver awaits the journal before it folds an event, so whatever a run has acted on can be read back.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from agentkit.errors import JournalError, RunTaken, UnknownRun
from agentkit.events import Recorded, RunForked


class Claim(Protocol):
    """The right to write one run, for as long as its holder lives.

    Attributes:
        events: What was on record when the run was claimed; of a fork also the part that it shares with its parent.
    """

    events: tuple[Recorded, ...]

    def append(self, recorded: Recorded) -> Awaitable[None] | None:
        """Keep one event: at once, or by the time that what this returns has been awaited.

        Raises:
            RunTaken: Somebody else has claimed the run meanwhile.
            JournalError: It could not be kept, and nothing of it was.
        """
        ...

    def hold(self, recorded: Recorded) -> Awaitable[None] | None:
        """Keep an event at the latest with the next one that is appended, before which nothing outside the run happens."""
        ...

    def redact(self, text: str) -> str:
        """The text as it is kept."""
        ...

    async def release(self) -> None:
        """Let others drive the run."""
        ...


class Journal(Protocol):
    """Where runs are kept."""

    async def claim(self, run_id: str, *, create: bool = False) -> Claim:
        """Claim a run, which nobody else can do until it is released or its holder is gone.

        Args:
            run_id: The run.
            create: Whether it may be one that there is not yet.

        Raises:
            RunTaken: Somebody drives it.
            UnknownRun: There is none.
        """
        ...

    def redact(self, text: str) -> str:
        """A text as it is kept."""
        ...

    def read(self, run_id: str) -> tuple[Recorded, ...]:
        """All events of a run, which may be at work.

        Raises:
            UnknownRun: There is none.
        """
        ...


def _nothing() -> None:
    """Nobody waits for the end of a claim."""


class MemoryClaim:
    """A claim on a run that is kept in memory.

    Args:
        events: What is on record.
        kept: The list that is written to; a new one with the events when left out.
        done: Called when the claim is released.

    Attributes:
        kept: Everything that is on record now.
    """

    def __init__(
        self,
        events: Iterable[Recorded] = (),
        *,
        kept: list[Recorded] | None = None,
        done: Callable[[], None] = _nothing,
    ) -> None:
        self.events = tuple(events)
        self.kept = list(self.events) if kept is None else kept
        self._done = done

    def append(self, recorded: Recorded) -> Awaitable[None] | None:
        self.kept.append(recorded)
        return None

    def hold(self, recorded: Recorded) -> Awaitable[None] | None:
        return self.append(recorded)

    def redact(self, text: str) -> str:
        return text

    async def release(self) -> None:
        self._done()


class MemoryJournal:
    """Keeps runs for as long as the process lives."""

    def __init__(self) -> None:
        self._runs: dict[str, list[Recorded]] = {}
        self._claimed: set[str] = set()

    async def claim(self, run_id: str, *, create: bool = False) -> MemoryClaim:
        if run_id in self._claimed:
            raise RunTaken(taken(run_id, "this process"))
        if not create and run_id not in self._runs:
            raise UnknownRun(unknown(run_id))
        kept = self._runs.setdefault(run_id, [])
        events = self.read(run_id)
        self._claimed.add(run_id)
        return MemoryClaim(events, kept=kept, done=lambda: self._claimed.discard(run_id))

    def redact(self, text: str) -> str:
        return text

    def read(self, run_id: str) -> tuple[Recorded, ...]:
        if run_id not in self._runs:
            raise UnknownRun(unknown(run_id))
        return whole(run_id, self._runs.__getitem__)


def whole(run_id: str, own: Callable[[str], Sequence[Recorded]]) -> tuple[Recorded, ...]:
    """The events of a run; those that a fork shares with its parent are the parent's, and are kept there only.

    Args:
        run_id: The run.
        own: Reads the events that were recorded for a run itself.

    Raises:
        JournalError: Some are missing.
    """
    parts: list[Sequence[Recorded]] = []
    wanted, end = run_id, None
    while wanted:
        events = own(wanted)
        parts.append([each for each in events if end is None or each.seq < end])
        first = events[0] if events else None
        forked = first.event if first is not None and first.seq > 0 else None
        # A fork of a fork may begin before its parent did.
        before = min(first.seq, first.seq if end is None else end) if first is not None else 0
        wanted, end = (forked.parent, before) if isinstance(forked, RunForked) else ("", None)
    found = tuple(each for part in reversed(parts) for each in part)
    missing = next((place for place, each in enumerate(found) if each.seq != place), None)
    if missing is not None:
        raise JournalError(f"event {missing} of run {run_id} is missing, so what follows it cannot be trusted")
    return found


def taken(run_id: str, holder: str) -> str:
    """What the loser of a race is told."""
    return f"run {run_id} is driven by {holder}; wait until it stops, or end that process, and try again"


def unknown(run_id: str) -> str:
    return f"there is no run {run_id!r} in this journal; `agentkit runs` lists those there are"
