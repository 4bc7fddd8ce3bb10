"""What a page asks of a journal: runs read once for as long as the file stays as it is."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from agentkit.bill import bill, whole_bill
from agentkit.errors import AgentkitError, JournalError
from agentkit.events import Recorded
from agentkit.listing import Listed, Query
from agentkit.prices import Prices
from agentkit.sqlite.journal import SqliteJournal
from agentkit.sqlite.state import State, is_settled, state_of
from agentkit.viewer.glance import Glance, glance, unread
from agentkit.viewer.told import Told
from agentkit.viewer.versus import Versus

Made = TypeVar("Made")

KEPT = 12
"""Runs, and lists, that are kept at hand."""

NEWEST = 200
"""Runs that are looked at before somebody asks."""


class Reading:
    """A journal with what was read of it lately.

    Args:
        journal: The journal.
        prices: Who is asked what a reply cost.

    Attributes:
        journal: The journal.
    """

    def __init__(self, journal: SqliteJournal, prices: Prices) -> None:
        self.journal = journal
        self._prices = prices
        self._glances: dict[str, tuple[Listed, Glance]] = {}
        self._made: OrderedDict[Hashable, tuple[State, object]] = OrderedDict()
        self._lock = Lock()

    def rows(self, query: Query | None = None) -> Sequence[Listed]:
        """The runs that are asked for, newest first."""
        return self._at_hand(("rows", query), lambda: self.journal.runs(query))

    def told(self, run_id: str) -> Told:
        """A run as a page has it."""
        return self._at_hand(("run", run_id), lambda: self._tell(run_id))

    def glances(self, rows: Sequence[Listed], seconds: float | None = None) -> Mapping[str, Glance]:
        """What runs cost, and what is odd about them.

        Args:
            rows: The runs.
            seconds: After which those that have not been looked at are left out; None for never.
        """
        began = time.monotonic()
        found = {}
        for row in rows:
            late = seconds is not None and time.monotonic() - began > seconds
            if not late or self._is_seen(row):
                found[row.run_id] = self._glance(row)
        return found

    def warm(self) -> None:
        """Look at the newest runs before somebody asks for them."""
        # Whatever is wrong with the journal is told to those who ask.
        with suppress(AgentkitError):
            self.glances(self.rows()[:NEWEST])

    def _tell(self, run_id: str) -> Told:
        events, rows = self._events(run_id), self.rows()
        row = next((each for each in rows if each.run_id == run_id), None)
        if row is None or any(each.parent is not None and each.before == run_id for each in rows):
            return Told(events, whole_bill(events, rows, self._events, self._prices))
        return Told(events, bill(events, self._prices))

    def _events(self, run_id: str) -> Sequence[Recorded]:
        return self._at_hand(("events", run_id), lambda: self.journal.read(run_id))

    def _is_seen(self, row: Listed) -> bool:
        return self._glances.get(row.run_id, (None,))[0] == row

    def _glance(self, row: Listed) -> Glance:
        known = self._glances.get(row.run_id)
        if known is None or known[0] != row:
            known = self._glances[row.run_id] = row, self._look(row)
        return known[1]

    def _look(self, row: Listed) -> Glance:
        try:
            return glance(self._events(row.run_id), self._prices)
        except JournalError:
            return unread(row)

    def versus(self, a: str, b: str) -> Versus:
        """Two runs side by side."""
        return self._at_hand(("versus", a, b), lambda: Versus(self._events(a), self._events(b), self._prices))

    def _at_hand(self, key: Hashable, make: Callable[[], Made]) -> Made:
        state = state_of(self.journal)
        with self._lock:
            known = self._made.get(key)
        if known is not None and known[0] == state:
            return known[1]  # type: ignore[return-value]  # what was made under this key
        settled = is_settled(state)
        made = make()
        if settled:
            with self._lock:
                self._made[key] = (state, made)
                self._made.move_to_end(key)
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
        return made
