"""A SQLite database as tools.

Reading cannot write: the file is opened read-only, and SQLite itself is told which operations a statement may
consist of.  Nothing here opens a second database, loads an extension, or creates the file.
"""

import math
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike
from pathlib import Path

from agentkit import Tool, ToolError, UsageError, tool

Cell = str | int | float | None
Parameter = str | int | float | bool | None

CELL_CHARS = 500
"""Characters of one cell that are shown."""
ROW_CHARS = 20_000
"""Characters of all rows together, after which no further row is begun."""
VALUE_BYTES = 50_000_000
"""The longest text or blob SQLite may make or read."""
SQL_CHARS = 50_000
"""Characters of a statement."""
NAMED = 30
"""Names listed in an error."""
OPCODES = 5_000
"""Steps of SQLite's machine between two looks at the clock."""

_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_CHANGES = {
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_CREATE_TABLE,
    sqlite3.SQLITE_CREATE_INDEX,
    sqlite3.SQLITE_CREATE_VIEW,
    sqlite3.SQLITE_CREATE_TRIGGER,
    sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_DROP_TABLE,
    sqlite3.SQLITE_DROP_INDEX,
    sqlite3.SQLITE_DROP_VIEW,
    sqlite3.SQLITE_DROP_TRIGGER,
    sqlite3.SQLITE_REINDEX,
}
_REFUSED = {
    sqlite3.SQLITE_ATTACH: "ATTACH or VACUUM",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_TRANSACTION: "BEGIN, COMMIT or ROLLBACK",
    sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
    sqlite3.SQLITE_CREATE_VTABLE: "CREATE VIRTUAL TABLE",
}
_PRAGMAS = {
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
}
"""Those that only tell how the database is made."""
_ASKED = {"data_version", "page_size"}
"""Those that full-text tables ask for; they may not be given a value."""
_NO_SUCH = re.compile(
    r"no such table: (?P<table>.+)|no such column: (?P<column>.+)|table .+ has no column named (?P<new>.+)"
)
_FORBIDDEN_FUNCTIONS = {"load_extension", "fts3_tokenizer"}


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query found."""

    columns: list[str]
    rows: list[list[Cell]]
    more: bool
    """Whether there are rows beyond those shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a statement changed."""

    rows_changed: int
    last_id: int | None
    """The rowid of the row inserted last; None if none was."""


def sql_tools(
    database: str | PathLike[str], *, write: bool = False, max_rows: int = 100, seconds: float = 5.0
) -> list[Tool[..., object]]:
    """Tools over one SQLite database: list_tables, describe_tables, query and, if asked for, execute.

    Args:
        database: Its file, which must exist.
        write: Whether statements may change it.
        max_rows: Rows of a result that are shown.
        seconds: How long a statement may run, and wait for a lock.

    Raises:
        UsageError: The file is missing or is no SQLite database.
    """
    path = Path(database).resolve()
    if not path.is_file():
        raise UsageError(f"there is no database {str(database)!r}; create the file first, nothing here does")
    if max_rows < 1 or seconds <= 0:
        raise UsageError(f"max_rows is {max_rows!r} and seconds is {seconds!r}; both must be more than 0")
    opened = _Database(path, max_rows, seconds)
    try:
        opened.tables()
    except ToolError as error:
        raise UsageError(f"{str(database)!r} cannot be read as a SQLite database: {error}") from error
    reading: list[Callable[..., object]] = [opened.list_tables, opened.describe_tables, opened.query]
    writing: list[Callable[..., object]] = [opened.execute] if write else []
    return [*(tool(each, effect="read") for each in reading), *(tool(each, effect="once") for each in writing)]


@dataclass(frozen=True, slots=True)
class _Database:
    """A file, opened anew by each call: calls run in different threads."""

    path: Path
    max_rows: int
    seconds: float

    def list_tables(self) -> str:
        """List the tables and views of the database with their columns and numbers of rows."""
        with self._open() as session:
            lines = [
                f"{name} ({kind}, {session.count(name)}): {', '.join(session.columns(name)) or 'cannot be read'}"
                for name, kind, _ in session.tables()
            ]
        return "\n".join(lines) or "there are no tables"

    def describe_tables(self, tables: list[str] | None = None) -> str:
        """Show how tables and views are defined: columns, types, keys and indexes, as SQL, with their numbers of rows.

        Args:
            tables: Names as list_tables gives them; all of them when left out.
        """
        with self._open() as session:
            known = {name.lower(): (name, sql) for name, _, sql in session.tables()}
            if unknown := [name for name in tables or () if name.lower() not in known]:
                raise ToolError(
                    f"no such table: {unknown[0]}{_meant(unknown[0], [name for name, _ in known.values()])}"
                )
            wanted = [known[name.lower()] for name in tables or known]
            told = ["\n".join([f"-- {session.count(name)}", sql, *session.indexes(name)]) for name, sql in wanted]
        return "\n\n".join(told) or "there are no tables"

    def query(self, sql: str, parameters: list[Parameter] | None = None) -> Rows:
        """Read from the SQLite database with one SELECT statement. It cannot change anything.

        Of many rows only the first are shown, and `more` is true then: count, group, or use LIMIT and OFFSET.
        Long texts are shortened, and blobs are only named.

        Args:
            sql: One SELECT statement, with ? for each parameter.
            parameters: The values of the ?, in their order. Put values here rather than into the text.
        """
        # A cursor left open keeps the lock of its connection beyond its end.
        with self._open() as session, closing(session.run(sql, parameters)) as cursor:
            if cursor.description is None:
                raise ToolError("there is no SELECT statement in it")
            rows, more = _shown(cursor, self.max_rows)
            return Rows([column[0] for column in cursor.description], rows, more)

    def execute(self, sql: str, parameters: list[Parameter] | None = None) -> Change:
        """Change the SQLite database with one statement: INSERT, UPDATE, DELETE, CREATE, ALTER or DROP.

        It is done wholly or not at all, and cannot be undone.

        Args:
            sql: One statement, with ? for each parameter.
            parameters: The values of the ?, in their order. Put values here rather than into the text.
        """
        with self._open(write=True) as session, closing(session.run(sql, parameters)) as cursor:
            if cursor.description is not None:
                raise ToolError(
                    "execute gives no rows, and nothing was done: use query to read, and leave out RETURNING"
                )
            session.commit()
            return Change(max(cursor.rowcount, 0), cursor.lastrowid or None)

    def tables(self) -> list[tuple[str, str, str]]:
        with self._open() as session:
            return session.tables()

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator["_Session"]:
        address = f"{self.path.as_uri()}?mode={'rw' if write else 'ro'}"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=self.seconds, isolation_level=None)) as connection:
                session = _Session(connection, write=write, seconds=self.seconds)
                try:
                    session.begin()
                    yield session
                except (sqlite3.Error, sqlite3.Warning) as error:
                    raise ToolError(session.explained(error)) from None
        except sqlite3.Error as error:
            raise ToolError(f"the database cannot be opened: {error}") from None


class _Session:
    """One connection for one call, in which only what is allowed can be said, and only for so long."""

    def __init__(self, connection: sqlite3.Connection, *, write: bool, seconds: float) -> None:
        self._connection = connection
        self._write = write
        self._seconds = seconds
        self._denied = ""

    def begin(self) -> None:
        self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, SQL_CHARS)
        if self._write:
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("BEGIN IMMEDIATE")
        # A virtual table declares itself when first named, and to the authorizer that looks like CREATE TABLE.
        virtual = self._connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'")
        for name in [*(name for (name,) in virtual), *(f"pragma_{name}" for name in _PRAGMAS)]:
            with suppress(sqlite3.Error):
                self._connection.execute(f"SELECT 1 FROM {_identifier(name)} LIMIT 0")  # noqa: S608 - a name cannot be a parameter
        self._connection.set_authorizer(self._permit)
        deadline = time.monotonic() + self._seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, OPCODES)

    def run(self, sql: str, parameters: Sequence[Parameter] | None = None) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, parameters or ())
        except (OverflowError, ValueError) as error:
            raise ToolError(f"SQLite cannot take this: {error}") from None

    def commit(self) -> None:
        self._connection.set_authorizer(None)
        self._connection.execute("COMMIT")

    def tables(self) -> list[tuple[str, str, str]]:
        """Name, kind and definition of each table and view."""
        return self.run(
            "SELECT name, type, coalesce(sql, '') FROM sqlite_master"
            " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        ).fetchall()

    def columns(self, table: str) -> list[str]:
        try:
            return [name for _, name, *_ in self.run(f"PRAGMA table_info({_identifier(table)})")]
        except sqlite3.Error:
            # A view of what is no longer there must not hide the other tables.
            return []

    def indexes(self, table: str) -> list[str]:
        sql = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name"
        return [definition for (definition,) in self.run(sql, [table])]

    def count(self, table: str) -> str:
        sql = f"SELECT count(*) FROM {_identifier(table)}"  # noqa: S608 - a name cannot be a parameter
        try:
            (rows,) = self.run(sql).fetchone()
        except sqlite3.Error:
            return "rows not counted"
        return "1 row" if rows == 1 else f"{rows:,} rows"

    def explained(self, error: Exception) -> str:
        """What went wrong, with the names that may have been meant."""
        text = str(error)
        if self._denied:
            return self._denied
        if text == "interrupted":
            return f"it was stopped after {self._seconds:g} s, and nothing was changed; ask for less, and check the conditions of joins"
        if "locked" in text:
            return f"another program is writing to the database and did not finish within {self._seconds:g} s; try again later"
        found = _NO_SUCH.fullmatch(text)
        if found is None:
            return text
        tables = [table for table, _, _ in self.tables()]
        if found["table"]:
            return f"{text}{_meant(found['table'], tables)}"
        return f"{text}{_meant(found['column'] or found['new'], [f'{table}.{column}' for table in tables for column in self.columns(table)])}"

    def _permit(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """Say whether a statement may consist of this operation; SQLite asks while it compiles."""
        if action == sqlite3.SQLITE_FUNCTION:
            allowed = second not in _FORBIDDEN_FUNCTIONS
        elif action == sqlite3.SQLITE_PRAGMA:
            allowed = first in _PRAGMAS or (first in _ASKED and second is None)
        else:
            allowed = action in _READS or (self._write and action in _CHANGES)
        if allowed:
            return sqlite3.SQLITE_OK
        if action in _CHANGES:
            self._denied = "query only reads, and this statement would change something"
        else:
            what = second if action == sqlite3.SQLITE_FUNCTION else _REFUSED.get(action, "this kind of statement")
            self._denied = f"{what} cannot be used here"
        return sqlite3.SQLITE_DENY


def _identifier(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


def _meant(name: str, names: Sequence[str]) -> str:
    """Which of the names were likely meant; a column is known with or without its table."""
    if not names:
        return "; the database has no tables"
    keys = {key.lower(): full for full in names for key in (full.rpartition(".")[2], full)}
    near = get_close_matches(name.rpartition(".")[2].lower(), keys, n=3)
    if near:
        return f"; did you mean {' or '.join(dict.fromkeys(keys[key] for key in near))}?"
    more = ", …" if len(names) > NAMED else ""
    return f"; there are {', '.join(names[:NAMED])}{more}"


def _shown(rows: Iterable[Sequence[object]], most: int) -> tuple[list[list[Cell]], bool]:
    """The first rows, and whether there are more."""
    shown: list[list[Cell]] = []
    chars = 0
    for row in rows:
        if len(shown) == most or chars > ROW_CHARS:
            return shown, True
        cells = [_cell(value) for value in row]
        chars += sum(len(str(cell)) for cell in cells)
        shown.append(cells)
    return shown, False


def _cell(value: object) -> Cell:
    if isinstance(value, bytes):
        return f"<blob of {len(value):,} bytes>"
    if isinstance(value, str) and len(value) > CELL_CHARS:
        return f"{value[:CELL_CHARS]}… ({len(value) - CELL_CHARS:,} more characters)"
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no word for it.
        return str(value)
    assert value is None or isinstance(value, (str, int, float))
    return value
