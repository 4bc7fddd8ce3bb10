"""Where the command keeps runs, and which of them a person means."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from agentkit.errors import UnknownRun, UsageError
from agentkit.listing import Listed
from agentkit.sqlite.journal import SqliteJournal, journal_at

VARIABLE = "AGENTKIT_JOURNAL"

FOLDER = Path(".agentkit")
"""Where runs are kept when nothing else is said."""

OFF = frozenset({"", "off", "none"})

LAST = "last"

NAMED = 5
"""Runs that an error names when several could be meant."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def journal_to_write() -> SqliteJournal | None:
    """The journal that runs of this command are kept in; None where the environment turns it off."""
    place = os.environ.get(VARIABLE)
    if place is not None:
        return None if place.strip().lower() in OFF else journal_at(place)
    _make_folder()
    return journal_at(FOLDER / "runs.db")


def open_journal() -> SqliteJournal:
    """The journal that a command looks into.

    Raises:
        UsageError: The environment turns it off.
    """
    place = os.environ.get(VARIABLE, str(FOLDER / "runs.db"))
    if place.strip().lower() in OFF:
        raise UsageError(f"{VARIABLE} turns the journal off; give it the path of one, as in {VARIABLE}=runs.db")
    return journal_at(place)


def _make_folder() -> None:
    """The folder for runs, which is nobody's to commit."""
    ignore = FOLDER / ".gitignore"
    try:
        if not ignore.exists():
            FOLDER.mkdir(exist_ok=True)
            ignore.write_text("*\n", encoding="ascii")
    except OSError as error:
        raise UsageError(
            f"runs are kept in {FOLDER}/runs.db, and that cannot be written: {error}. Set {VARIABLE} to another file, or to "
            f"'off' to keep nothing"
        ) from error


def find_run(journal: SqliteJournal, words: str) -> str:
    """The id of the run that is meant: by its id, a part of it, or `last` for the newest that belongs to no other.

    Raises:
        UnknownRun: There is none, or there are several.
    """
    rows = journal.runs()
    if words == LAST:
        last = next((row for row in rows if row.parent is None), None)
        if last is None:
            raise UnknownRun(f"there is no run in {journal.path} yet")
        return last.run_id
    found = [row for row in rows if row.run_id == words] or [row for row in rows if words in row.run_id]
    # Of a run and those within it, whose ids begin with its own, the run itself is meant.
    found = [row for row in found if not any(row.run_id.startswith(f"{other.run_id}:") for other in found)]
    if len(found) == 1:
        return found[0].run_id
    if not found:
        raise UnknownRun(f"there is no run {words!r} in {journal.path}; `agentkit runs` lists those there are")
    names = ", ".join(row.run_id for row in found[:NAMED])
    raise UnknownRun(
        f"{words!r} could be {len(found)} runs: {names}{', …' if len(found) > NAMED else ''}; write more of its id"
    )


def row_named(rows: Sequence[Listed], run_id: str) -> Listed:
    """The row of a run that is there."""
    return next(row for row in rows if row.run_id == run_id)


def moment_of(words: str, now: float) -> float:
    """A moment as people say it: `2h` for two hours ago, or a date with or without a time, UTC where no zone is said.

    Raises:
        UsageError: It is neither.
    """
    if (span := _SPAN.fullmatch(words.strip())) is not None:
        return now - float(span[1]) * _SECONDS[span[2]]
    try:
        moment = datetime.fromisoformat(words)
    except ValueError as error:
        raise UsageError(
            f"{words!r} is no moment; write how long ago, as in 30m, 2h or 7d, or a date, as in 2026-11-25 or 2026-11-25T14:30"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
