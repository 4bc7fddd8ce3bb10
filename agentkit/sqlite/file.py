"""The file of a journal: how it is opened, told apart from other files, brought up to date, and what its errors mean."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from agentkit.errors import JournalError, JournalFull

APPLICATION = 0x61676B74
"""Marks a file as a journal of agentkit: `agkt`, in SQLite's field for it."""

HEAD = 100
"""Bytes that every database begins with."""

PATIENCE = 30.0
"""Seconds that another program may keep the file locked."""

SCHEMAS: Mapping[int, Sequence[str]] = {
    1: (
        # What nobody but the events knows is in the events; the columns from `agent` on are a view of them, for lists.  An event's
        # place is its run's number and its own in one integer: SQLite appends to such a table at a third less of the cost of
        # a table with a key of two columns.
        """
        create table run (
            number integer primary key autoincrement,
            run_id text not null unique,
            epoch integer not null default 0,
            owner text,
            lease real,
            agent text, model text, status text, detail text, prompt text, started real, updated real,
            steps integer, calls integer, input integer, cached integer, output integer, reasoning integer, cost real,
            parent text, continues text, fork_of text, fork_step integer, target text
        )
        """,
        "create index run_owner on run (owner) where owner is not null",
        """
        create table event (
            place integer primary key,
            run integer generated always as (place >> 32) virtual,
            seq integer generated always as (place & 4294967295) virtual,
            time real not null,
            step integer not null,
            kind text not null,
            call_id text,
            hidden integer not null default 0,
            data text not null
        )
        """,
        "create unique index result_once on event (run, call_id) where kind = 'ToolFinished'",
        "create table blob (hash blob primary key not null, data blob not null)",
    ),
}
"""What brings a file from one version of the schema to the next."""

NEWEST = max(SCHEMAS)


def open_to_write(path: Path, *, synchronous: str) -> sqlite3.Connection:
    """A connection that may write; the file is made if it is not there, and brought up to date if it is older.

    Raises:
        JournalError: The file is something else, newer, damaged, locked, or cannot be written.
    """
    _check_size(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    except (OSError, sqlite3.Error) as error:
        raise explained(error, path) from error
    try:
        _prepare(connection, path, synchronous)
    except (sqlite3.Error, JournalError) as error:
        connection.close()
        raise explained(error, path) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, synchronous: str) -> None:
    begin(connection)
    try:
        version = _version(connection, path)
        migrate(connection, version)
        # A file that is no write-ahead log yet is locked also by those who look whether it is one.
        _patiently(connection, "commit")
    except BaseException:
        roll_back(connection)
        raise
    _patiently(connection, "pragma journal_mode=wal")
    connection.execute(f"pragma synchronous={synchronous}")
    # The writer says when: at its own time, and never in an event loop.
    connection.execute("pragma wal_autocheckpoint=0")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema's version; 0 for a file in which nothing is yet."""
    application = connection.execute("pragma application_id").fetchone()[0]
    version = int(connection.execute("pragma user_version").fetchone()[0])
    if application == APPLICATION:
        if version > NEWEST:
            raise JournalError(
                f"{path} was written by a newer agentkit (schema {version}; this one knows {NEWEST}); update agentkit, "
                f"or take another file. Nothing was changed"
            )
        return version
    if application or connection.execute("select 1 from sqlite_master limit 1").fetchone():
        raise JournalError(f"{path} is a database of something else; take another file. Nothing was changed")
    return 0


def migrate(connection: sqlite3.Connection, version: int, schemas: Mapping[int, Sequence[str]] = SCHEMAS) -> None:
    """Bring a file up to date, within a transaction."""
    for later in sorted(schemas):
        if later > version:
            for statement in schemas[later]:
                connection.execute(statement)
            connection.execute(f"pragma application_id={APPLICATION}")
            connection.execute(f"pragma user_version={later}")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, for as long as somebody reads.

    Raises:
        JournalError: There is no such file, or it is no journal that this version can read, or damaged.
    """
    with closing(_open_to_read(path)) as connection:
        try:
            yield connection
        except sqlite3.Error as error:
            raise explained(error, path) from error


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise JournalError(
            f"there is no journal {path}; runs are kept in it once an agent has it, or AGENTKIT_JOURNAL names it"
        )
    _check_size(path)
    if not path.stat().st_size:
        raise JournalError(f"{path} is empty; there is no run in it yet")
    try:
        try:
            return _opened(path, "mode=ro")
        except sqlite3.OperationalError as error:
            if not (_name(error).startswith(_BESIDE) and _is_all_in(path)):
                raise
            # Where nothing can be written, not even beside the file, nobody writes: it can be read as it is.
            return _opened(path, "mode=ro&immutable=1")
    except (sqlite3.Error, JournalError) as error:
        raise explained(error, path) from error


def _opened(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, isolation_level=None, timeout=PATIENCE)
    try:
        if not _version(connection, path):
            raise JournalError(f"{path} is empty; there is no run in it yet")
        # Whatever is read is of one moment: a run that is deleted meanwhile is there as a whole or not at all.
        connection.execute("begin")
    except BaseException:
        connection.close()
        raise
    return connection


_BESIDE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR_SHM")
"""What it is called when the index of the log, a file beside the other two, cannot be made."""


def _is_all_in(path: Path) -> bool:
    """Whether a journal needs none of the files beside it; without them it is older than it was, or torn."""
    beside = (path.with_name(f"{path.name}{end}") for end in ("-wal", "-journal"))
    return not any(each.exists() and each.stat().st_size for each in beside)


def _check_size(path: Path) -> None:
    """Make sure that SQLite does not take a file of a byte or so for an empty one; whatever is longer it knows by its head.

    The file is never opened but by SQLite: when any file of a process on it is closed, the system takes all locks that the
    process has on it away, and another process would delete the log that is being written.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise explained(error, path) from error
    if 0 < size < HEAD:
        raise JournalError(f"{path} is no journal but some other file; take another name. Nothing was changed")


def begin(connection: sqlite3.Connection) -> None:
    """Begin a transaction that writes, when other programs let us.

    Raises:
        sqlite3.OperationalError: They did not within the time.
    """
    _patiently(connection, "begin immediate")


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    deadline = time.monotonic() + PATIENCE
    pause = 0.001
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another program has the file just now."""
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction of which nothing is to stay."""
    # Some failures have done so already.
    if connection.in_transaction:
        connection.execute("rollback")


def _name(error: BaseException) -> str:
    return str(getattr(error, "sqlite_errorname", "") or "")


_MEANINGS: tuple[tuple[str, type[JournalError], str], ...] = (
    ("SQLITE_FULL", JournalFull, "there is no room for {path} ({error}); make some, and resume the run"),
    (
        "SQLITE_IOERR",
        JournalError,
        "{path} could not be read or written ({error}); see to the disk, and resume the run",
    ),
    ("SQLITE_BUSY", JournalError, "{path} was locked by another program for {patience:.0f} s; end it, and try again"),
    (
        "SQLITE_READONLY",
        JournalError,
        "{path} cannot be written: {error}; take another file, or change its permissions",
    ),
    ("SQLITE_CANTOPEN", JournalError, "{path} cannot be opened: {error}; see to its folder and its permissions"),
    ("SQLITE_NOTADB", JournalError, "{path} is no journal but some other file, or damaged; take another file"),
    ("SQLITE_CORRUPT", JournalError, "{path} is damaged ({error}); `sqlite3 {path} .recover` saves what can be saved"),
)


def explained(error: BaseException, path: Path) -> JournalError:
    """An error of SQLite or of the file system, as what it means for a journal."""
    if isinstance(error, JournalError):
        return error
    for name, kind, text in _MEANINGS:
        if _name(error).startswith(name):
            return kind(text.format(path=path, error=error, patience=PATIENCE))
    return JournalError(f"{path} cannot be used as a journal: {error}; take another file, or see to its permissions")
