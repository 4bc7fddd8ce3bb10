"""A journal in one SQLite file: append-only events, claims that only one process can hold, and a list made from them."""

import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, fields, replace
from functools import partial
from pathlib import Path
from re import Pattern
from typing import Literal
from weakref import WeakValueDictionary

from agentkit.codec import storable
from agentkit.errors import JournalError, OutOfOrder, RunTaken, UnknownRun, UsageError
from agentkit.events import (
    ApprovalGiven,
    Event,
    ModelCalled,
    ModelReplied,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolFinished,
)
from agentkit.journal import taken, unknown, whole
from agentkit.listing import RUNNING, STOPPED, Listed, Query, row_of
from agentkit.secrets import Redaction
from agentkit.sqlite import rows, search
from agentkit.sqlite.file import reading
from agentkit.sqlite.process import is_gone, shown, this_process
from agentkit.sqlite.writer import Work, Writer

Durability = Literal["full", "os"]
"""What an event survives once it is kept: the machine losing power, or only the process being killed."""

LEASE = 30.0
"""Seconds that a claim holds without a sign of life, where nobody can see whether its process is still there."""

LARGEST = 2**63 - 1
"""The largest number that SQLite knows."""

COLUMNS = tuple(each.name for each in fields(Listed))

_SET = ", ".join(f"{name} = ?" for name in COLUMNS[1:])

_LISTING = (RunStarted, RunForked, RunResumed, ApprovalGiven, RunSuspended, RunFinished)
"""Events after which the list shows the run as it stands.  Between them, a list is made from the events."""


Listing = Callable[[sqlite3.Connection], Listed]
"""Tells how the list shows a run."""


class SqliteJournal:
    """Runs in one file, which any number of processes may share on one machine.

    Args:
        path: The file; it and its folder are made when the first run is claimed.
        durability: `full` waits until the disk has an event; `os` hands it to the operating system, which is enough for a
            process that is killed, but not for a machine that loses its power.
        redact: Patterns of what is hidden in texts, beside what looks like a key, a token or a password.

    Raises:
        UsageError: A pattern is none, or the durability is unknown.
    """

    def __init__(
        self, path: str | Path, *, durability: Durability = "full", redact: Sequence[str | Pattern[str]] = ()
    ) -> None:
        if durability not in {"full", "os"}:
            raise UsageError(f"durability is {durability!r}; it must be 'full' or 'os'")
        self.path = Path(path).expanduser().absolute()
        self._redaction = Redaction(redact)
        self._at_once = durability == "os"
        self._pid = 0
        self._opened: Writer | None = None
        self._left: dict[str, int] = {}
        """Epochs of claims that could not be given back, as when the disk was full."""

    def __repr__(self) -> str:
        return f"SqliteJournal({str(self.path)!r}, durability={'os' if self._at_once else 'full'!r})"

    @property
    def _writer(self) -> Writer:
        # A process that was forked has neither the thread of the other one nor a right to its connection.
        if self._opened is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._owner = this_process()
            self._left = {}
            renew = partial(_renew, owner=self._owner, left=self._left)
            self._opened = Writer(self.path, at_once=self._at_once, idle=renew, seconds=LEASE / 3)
        return self._opened

    async def claim(self, run_id: str, *, create: bool = False) -> "SqliteClaim":
        writer = self._writer
        work = partial(_claim, run_id=run_id, create=create, owner=self._owner, left=self._left)
        number, epoch, events = await writer.put(work)
        return SqliteClaim(run_id, number, epoch, events, writer=writer, redaction=self._redaction, left=self._left)

    def redact(self, text: str) -> str:
        return self._redaction(text)

    def read(self, run_id: str) -> tuple[Recorded, ...]:
        with reading(self.path) as connection:
            return _read(connection, run_id)

    def runs(self, query: Query | None = None) -> list[Listed]:
        """The runs that are asked for, newest first.

        Raises:
            JournalError: The file is not there, or cannot be read.
        """
        with reading(self.path) as connection:
            return search.runs(connection, query or Query(), COLUMNS, partial(_live, connection))

    async def prune(self, run_ids: Iterable[str]) -> None:
        """Delete runs, and the texts that no other run has.

        Raises:
            RunTaken: One of them is being driven.
            JournalError: A run that is kept begins as one of them.
        """
        await self._writer.put(partial(_delete, run_ids=tuple(run_ids)))
        await self._writer.put(search.sweep)

    async def rebuild(self) -> None:
        """Make the list of runs again from their events."""
        await self._writer.put(_rebuild)

    def close(self) -> None:
        """Write what is left, and close the file; claims that are still held cannot write any more."""
        if self._opened is not None and self._pid == os.getpid():
            self._opened.close()
        self._opened = None


class SqliteClaim:
    """The right to write one run of a file.

    Attributes:
        events: What was on record when it was claimed.
    """

    def __init__(
        self,
        run_id: str,
        number: int,
        epoch: int,
        events: tuple[Recorded, ...],
        *,
        writer: Writer,
        redaction: Redaction,
        left: dict[str, int],
    ) -> None:
        self.events = events
        self._redaction = redaction
        self._run_id = run_id
        self._number = number
        self._epoch = epoch
        self._writer = writer
        self._left = left
        self._kept = list(events)
        self._held: tuple[rows.Row, ...] = ()
        self._clean: list[str] = []
        """Texts of the last step in which nothing is to be hidden: the next request holds them, and is looked at again."""

    def append(self, recorded: Recorded) -> Awaitable[None] | None:
        held = (*self._held, self._row(recorded))
        listing = self._listing(recorded)
        work = partial(_append, run_id=self._run_id, number=self._number, epoch=self._epoch, held=held, listing=listing)
        written = self._writer.do(work, single=listing is None and not any(row.blobs for row in held))
        if written is not None:
            return self._written(written, recorded)
        self._wrote(recorded)
        return None

    def hold(self, recorded: Recorded) -> None:
        self._held = (*self._held, self._row(recorded))
        self._kept.append(recorded)

    def _row(self, recorded: Recorded) -> rows.Row:
        row = rows.row_of(recorded, self._redaction)
        if isinstance(recorded.event, ModelCalled):
            self._clean.clear()
        elif row.is_clean:
            self._clean += _said(recorded.event)
        return row

    def _listing(self, recorded: Recorded) -> Listing | None:
        """How the list shows the run after this event, where it changes."""
        if not isinstance(recorded.event, _LISTING):
            return None
        kept = (*self._kept, recorded)
        if kept[0].seq > 0:
            # The beginning of a fork is its parent's.
            return partial(_told, run_id=self._run_id)
        row = row_of(kept, self._redaction)
        return lambda _: row

    async def _written(self, written: Awaitable[None], recorded: Recorded) -> None:
        await written
        self._wrote(recorded)

    def _wrote(self, recorded: Recorded) -> None:
        # Not before: what was held when a write failed is written with the next one.
        self._kept.append(recorded)
        self._held = ()

    def redact(self, text: str) -> str:
        return text if text in self._clean else self._redaction(text)

    async def release(self) -> None:
        held, self._held = self._held, ()
        try:
            released = self._writer.do(self._releasing(held))
            if released is not None:
                await released
        except JournalError:
            # It is done as soon as something can be written again.
            self._left[self._run_id] = self._epoch
            raise

    def _releasing(self, held: Sequence[rows.Row]) -> Work[None]:
        return partial(_release, run_id=self._run_id, number=self._number, epoch=self._epoch, held=held)


def _said(event: Event) -> list[str]:
    """The texts of an event that the next request holds."""
    if isinstance(event, ToolFinished):
        content = event.result.content
        return [content] if isinstance(content, str) else []
    if not isinstance(event, ModelReplied):
        return []
    message = event.message
    said = [call.arguments for call in message.tool_calls]
    if isinstance(message.content, str):
        said.append(message.content)
    if message.reasoning is not None:
        said.append(message.reasoning.text)
    return said


_JOURNALS: WeakValueDictionary[Path, SqliteJournal] = WeakValueDictionary()
"""Those that were opened by their path: one writer for a file is enough, and the safest number."""


def journal_at(path: str | Path) -> SqliteJournal:
    """The journal of this process in a file."""
    place = Path(path).expanduser().absolute()
    journal = _JOURNALS.get(place)
    if journal is None:
        journal = _JOURNALS[place] = SqliteJournal(place)
    return journal


# What is done within a transaction.


def _claim(
    connection: sqlite3.Connection, *, run_id: str, create: bool, owner: str, left: Mapping[str, int]
) -> tuple[int, int, tuple[Recorded, ...]]:
    """Claim a run: its number, its epoch from now on, and its events."""
    _give_back(connection, left)
    found = connection.execute("select number, epoch, owner, lease from run where run_id = ?", (run_id,)).fetchone()
    now = time.time()
    if found is None:
        if not create:
            raise UnknownRun(unknown(run_id))
        made = connection.execute(
            "insert into run (run_id, epoch, owner, lease, status) values (?, 1, ?, ?, ?)",
            (run_id, owner, now + LEASE, RUNNING),
        )
        return made.lastrowid or 0, 1, ()
    number, epoch, holder, lease = found
    if holder is not None and _holds(holder, lease, now):
        raise RunTaken(taken(run_id, f"process {shown(holder)}"))
    connection.execute(
        "update run set epoch = ?, owner = ?, lease = ? where run_id = ?", (epoch + 1, owner, now + LEASE, run_id)
    )
    return number, epoch + 1, _read(connection, run_id)


def _holds(holder: str, lease: float, now: float) -> bool:
    """Whether a claim still holds: its process is not gone, and has given a sign of life."""
    return not is_gone(holder) and lease > now


def _renew(connection: sqlite3.Connection, *, owner: str, left: Mapping[str, int]) -> None:
    _give_back(connection, left)
    connection.execute("update run set lease = ? where owner = ?", (time.time() + LEASE, owner))


def _append(
    connection: sqlite3.Connection,
    *,
    run_id: str,
    number: int,
    epoch: int,
    held: Sequence[rows.Row],
    listing: Listing | None,
) -> None:
    try:
        written = rows.write(connection, number, epoch, held)
    except sqlite3.IntegrityError as error:
        raise OutOfOrder(f"run {run_id} has this event already: {error}") from error
    if not written:
        raise RunTaken(f"run {run_id} was taken over by another process, which goes on with it; this one stops here")
    if listing is not None:
        _list(connection, listing(connection))


def _told(connection: sqlite3.Connection, *, run_id: str) -> Listed:
    return row_of(_read(connection, run_id))


def _list(connection: sqlite3.Connection, listing: Listed) -> None:
    run_id, *values = map(_fitting, astuple(listing))
    connection.execute(f"update run set {_SET} where run_id = ?", (*values, run_id))  # noqa: S608 - names of columns


def _fitting(value: object) -> object:
    """A value of the list as a column can hold it; the events have it as it is, also a nonsensical number of tokens."""
    if isinstance(value, int):
        return max(-LARGEST, min(value, LARGEST))
    return storable(value) if isinstance(value, str) else value


def _release(connection: sqlite3.Connection, *, run_id: str, number: int, epoch: int, held: Sequence[rows.Row]) -> None:
    if held:
        _append(connection, run_id=run_id, number=number, epoch=epoch, held=held, listing=None)
    _give_back(connection, {run_id: epoch})
    # One that was claimed and never begun is no run.
    connection.execute(
        "delete from run where run_id = ? and epoch = ? and not exists "
        "(select 1 from event where place >= number << 32 and place < (number + 1) << 32)",
        (run_id, epoch),
    )


def _give_back(connection: sqlite3.Connection, claims: Mapping[str, int]) -> None:
    free = "update run set owner = null, lease = null where run_id = ? and epoch = ?"
    connection.executemany(free, tuple(claims.items()))


def _read(connection: sqlite3.Connection, run_id: str) -> tuple[Recorded, ...]:
    events = whole(run_id, partial(rows.read, connection))
    if not events and connection.execute("select 1 from run where run_id = ?", (run_id,)).fetchone() is None:
        raise UnknownRun(unknown(run_id))
    return events


def _live(connection: sqlite3.Connection, row: Listed) -> Listed:
    """A run that has not ended, as its events tell, and whether anybody drives it."""
    holder, lease = connection.execute("select owner, lease from run where run_id = ?", (row.run_id,)).fetchone()
    told = row_of(_read(connection, row.run_id))
    driven = holder is not None and _holds(holder, lease, time.time())
    return told if driven else replace(told, status=STOPPED)


def _delete(connection: sqlite3.Connection, *, run_ids: Sequence[str]) -> None:
    gone = set(run_ids)
    now = time.time()
    for run_id in run_ids:
        found = connection.execute("select owner, lease from run where run_id = ?", (run_id,)).fetchone()
        holder, lease = found or (None, 0.0)
        if holder is not None and _holds(holder, lease, now):
            raise RunTaken(taken(run_id, f"process {shown(holder)}"))
    for run_id, fork_of in connection.execute("select run_id, fork_of from run where fork_of is not null").fetchall():
        if fork_of in gone and run_id not in gone:
            raise JournalError(
                f"run {run_id} begins as {fork_of} does, which cannot be deleted without it; nothing was deleted"
            )
    for run_id in run_ids:
        rows.delete(connection, run_id)


def _rebuild(connection: sqlite3.Connection) -> None:
    """Leases are not made from events: they stay where they are."""
    names = rows.names(connection)
    connection.executemany("insert or ignore into run (number, run_id) values (?, ?)", names)
    for _, run_id in names:
        _list(connection, _told(connection, run_id=run_id))
