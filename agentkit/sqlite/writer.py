"""The one connection of a process that writes a journal, and its thread.

What comes while a transaction is written goes into the next one, so that many runs share the cost of each.  Where a
transaction need not wait for the disk it is written at once, in the thread that asks, if nothing is in the way.
"""

import asyncio
import sqlite3
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from agentkit.errors import JournalError
from agentkit.sqlite.file import begin, explained, is_busy, open_to_write, roll_back

T = TypeVar("T")

Work = Callable[[sqlite3.Connection], T]
"""Something to do within a transaction."""

BATCH = 256
"""Pieces of work that share a transaction at most."""

CHECKPOINT = 1_000
"""Pieces of work after which the write-ahead log is moved into the file."""


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    work: Work[T]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[T]"
    result: T | None = None
    error: Exception | None = None


@dataclass(eq=False)
class _Shared:
    """What the writer and its thread have in common; the thread must not keep the writer itself alive."""

    path: Path
    synchronous: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever uses the connection."""
    jobs: "SimpleQueue[_Job[object] | None]" = field(default_factory=SimpleQueue)
    connection: sqlite3.Connection | None = None
    written: int = CHECKPOINT
    """Pieces of work since the last checkpoint.  At first nobody knows: processes that were killed leave their log behind."""
    idle: Work[object] | None = None
    """What is done whenever so many seconds have passed, however much else there is to do: leases are made longer."""
    seconds: float = 10.0
    due: float = 0.0
    """When it is done next, by the monotonic clock."""

    def connected(self) -> sqlite3.Connection:
        if self.connection is None:
            self.connection = open_to_write(self.path, synchronous=self.synchronous)
        return self.connection

    def failed(self, error: Exception) -> JournalError:
        """Undo the transaction in which something failed; what the failure means.

        After one of the disk nobody knows what is in memory and not in the file: both are read anew.
        """
        if self.connection is not None:
            with suppress(sqlite3.Error):
                roll_back(self.connection)
            if str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_IOERR"):
                self.close()
        return explained(error, self.path)

    def close(self) -> None:
        if self.connection is not None:
            with suppress(sqlite3.Error):
                self.connection.close()
        self.connection = None


class Writer:
    """Does pieces of work within transactions.

    Args:
        path: The file.
        at_once: Whether a transaction is only handed to the operating system, and may be lost with the machine.
        idle: Work to repeat.
        seconds: How often.
    """

    def __init__(self, path: Path, *, at_once: bool, idle: Work[object], seconds: float) -> None:
        self._shared = _Shared(path, "normal" if at_once else "full", idle=idle, seconds=seconds)
        self._at_once = at_once
        thread = threading.Thread(target=_work, args=(self._shared,), name="agentkit-journal", daemon=True)
        thread.start()
        # Also when the program ends: the last one who closes the file leaves it in one piece.
        self.close = weakref.finalize(self, _end, self._shared, thread)

    def put(self, work: Work[T]) -> Awaitable[T]:
        """Have some work done; what it raises comes out of what this returns.

        Raises:
            JournalError: The journal has been closed.
        """
        if not self.close.alive:
            raise JournalError(f"the journal {self._shared.path} has been closed; open it again")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._shared.jobs.put(_Job(work, loop, future))  # type: ignore[arg-type]  # its result goes to its own future
        return future

    def do(self, work: Work[None], *, single: bool = False) -> Awaitable[None] | None:
        """Have some work done: at once, where that may be, or by the time that what this returns has been awaited.

        Args:
            work: What is to be done.
            single: Whether it is one statement, which is a transaction by itself.

        Raises:
            JournalError: It was tried at once, and failed.
        """
        shared = self._shared
        if not self._at_once or not shared.jobs.empty() or not shared.lock.acquire(blocking=False):
            return self.put(work)
        try:
            # Opening takes its time, and the thread has to follow after so much work.
            ready = shared.connection is not None and shared.written < CHECKPOINT
            return None if ready and _at_once(shared, work, single=single) else self.put(work)
        finally:
            shared.lock.release()


def _at_once(shared: _Shared, work: Work[None], *, single: bool) -> bool:
    """Do some work in this thread; False if another program has the file just now."""
    connection = shared.connected()
    try:
        if not single:
            connection.execute("begin immediate")
        work(connection)
        if not single:
            connection.execute("commit")
    except (sqlite3.Error, JournalError, OverflowError, ValueError) as error:
        failure = shared.failed(error)
        if isinstance(error, sqlite3.Error) and is_busy(error):
            return False
        raise failure from error
    shared.written += 1
    return True


def _work(shared: _Shared) -> None:
    """What the thread does until the journal is closed."""
    while True:
        batch, last = _next(shared)
        with shared.lock:
            if batch:
                _write(shared, batch)
            if not last and time.monotonic() >= shared.due:
                _idle(shared)
            if shared.written >= CHECKPOINT or last:
                _checkpoint(shared)
            if last:
                shared.close()
        _settle(batch)
        if last:
            return


def _next(shared: _Shared) -> tuple[list[_Job[object]], bool]:
    """The work that is there, after waiting for some; and whether it is the last."""
    batch: list[_Job[object]] = []
    with suppress(Empty):
        job = shared.jobs.get(timeout=max(0.0, shared.due - time.monotonic()))
        while job is not None:
            batch.append(job)
            if len(batch) == BATCH:
                return batch, False
            job = shared.jobs.get_nowait()
        return batch, True
    return batch, False


def _write(shared: _Shared, batch: Sequence[_Job[object]]) -> None:
    """Write a batch as one transaction; if that fails, each piece by itself, so that it fails alone."""
    error = _transaction(shared, batch)
    if error is None:
        return
    for job in batch:
        job.error = error if len(batch) == 1 else _transaction(shared, (job,))
        if job.error is not None:
            job.error = explained(job.error, shared.path)


def _transaction(shared: _Shared, batch: Sequence[_Job[object]]) -> Exception | None:
    try:
        connection = shared.connected()
        begin(connection)
        for job in batch:
            job.result = job.work(connection)
        connection.execute("commit")
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
        shared.failed(error)
        return error
    shared.written += len(batch)
    return None


def _idle(shared: _Shared) -> None:
    shared.due = time.monotonic() + shared.seconds
    if shared.connection is None or shared.idle is None:
        return
    # A lease that could not be made longer is tried again; its run finds out when it writes.
    with suppress(sqlite3.Error):
        begin(shared.connection)
        shared.idle(shared.connection)
        shared.connection.execute("commit")
    with suppress(sqlite3.Error):
        roll_back(shared.connection)


def _checkpoint(shared: _Shared) -> None:
    if shared.connection is None:
        return
    shared.written = 0
    with suppress(sqlite3.Error):
        shared.connection.execute("pragma wal_checkpoint(passive)").fetchall()


def _settle(batch: Sequence[_Job[object]]) -> None:
    """Tell those who wait, each loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job[object]]] = {}
    for job in batch:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        # A loop that has ended waits for nothing.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, jobs)


def _tell(jobs: Sequence[_Job[object]]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _end(shared: _Shared, thread: threading.Thread) -> None:
    """Let the thread finish, and wait for it: what was kept is in the file then, and in no other."""
    shared.jobs.put(None)
    if thread is not threading.current_thread():
        thread.join()
