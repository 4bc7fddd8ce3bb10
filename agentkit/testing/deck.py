"""What plays a cassette and records on it: runs are taken from it in order, and what is new goes into it at the end.

Nothing here runs anything, or knows what is in a run.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal

from agentkit.debug.scrubbed import Hide, scrubbed
from agentkit.errors import UsageError
from agentkit.observers.plain import counted_as
from agentkit.testing.tape import Tape, read, write

Recording = Literal["none", "missing", "all"]
"""What is recorded: nothing, the runs that the cassette does not have, or all of them anew."""


class Deck:
    """A cassette at work in one test.

    Args:
        path: Its file.
        record: What is recorded.
        test: How pytest is told of the test, for messages.
    """

    def __init__(self, path: str | Path, *, record: Recording = "none", test: str = "") -> None:
        self.path = Path(path)
        self._record = record
        self._test = test
        self._taken = 0
        self._new: dict[int, Tape] = {}
        self._misses: list[str] = []
        self._owed = 0

    @cached_property
    def runs(self) -> Sequence[Tape]:
        """What is on the cassette."""
        return read(self.path) if self.path.exists() else ()

    def take(self) -> tuple[int, Tape | None]:
        """The next place, and the run that is played there; None where one is to be recorded.

        Raises:
            UsageError: There is no cassette, and nothing is to be recorded.
            AssertionError: There is no further run on it, and nothing is to be recorded.
        """
        place = self._taken
        self._taken += 1
        if self._record == "all" or (self._record == "missing" and place >= len(self.runs)):
            self._owed += 1
            return place, None
        if place < len(self.runs):
            return place, self.runs[place]
        if not self.path.exists():
            raise UsageError(f"there is no cassette {self._shown}; to record it: {self._command('missing')}")
        raise self.missed(place, "is not on the cassette, which ends before it", "missing")

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Around what is recorded: an error says that nothing of the test is written."""
        try:
            yield
        except BaseException as error:
            error.add_note(f"This was to be recorded as {self._shown}; nothing is written.")
            raise

    def keep(self, place: int, run: Tape, hide: Hide) -> None:
        """Put a run at the place that was taken for it."""
        self._new[place] = scrubbed(run, hide)
        self._owed -= 1

    def missed(self, place: int, what: str, record: Recording = "all") -> AssertionError:
        """The error for a run that is not the recorded one; it also fails the test where nobody hears of it.

        Args:
            place: Which one.
            what: What is not as recorded, to be read after the words `run 1`.
            record: What would have to be recorded, if the test is right.
        """
        meant = "If that is meant, record it anew" if record == "all" else "To record it"
        self._misses.append(
            f"run {place + 1} {what}\n\nThe cassette is {self._shown}, with {counted_as(len(self.runs), 'run')}.\n"
            f"{meant}; this asks the model: {self._command(record)}"
        )
        return AssertionError(self._misses[-1])

    def assert_finished(self) -> None:
        """Make sure that every recorded run was played, and was the recorded one.

        Raises:
            AssertionError: One was not.
        """
        if self._misses:
            raise AssertionError(self._misses[0])
        if self._record != "all" and self._taken < len(self.runs):
            raise self.missed(self._taken, "was recorded, and is not made any more")

    def save(self) -> None:
        """Write the cassette, if anything on it is new, and nothing is missing or amiss."""
        if self._new and not self._owed and not self._misses:
            write(self.path, [self._new.get(place) or self.runs[place] for place in range(self._taken)])

    @property
    def _shown(self) -> str:
        return os.path.relpath(self.path)

    def _command(self, record: Recording) -> str:
        return f"pytest --agentkit-record={record} {self._test}" if self._test else f"Cassette(…, record={record!r})"
