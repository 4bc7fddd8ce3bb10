"""Finding runs in the file, and the texts that no run needs any more."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from agentkit.listing import RUNNING, Listed, Query

_REFERENCE = re.compile(r'"\$(?:blob|chain)":"([0-9a-f]{64})"|^\["([0-9a-f]{64})",')
"""Where a row, or a link of a chain, names a text that is kept by its content."""


def runs(
    connection: sqlite3.Connection, query: Query, columns: Sequence[str], live: Callable[[Listed], Listed]
) -> list[Listed]:
    """The runs that are asked for, newest first; `live` tells how one stands that has not ended."""
    clauses, values = _conditions(connection, query)
    found = connection.execute(
        f"select {', '.join(columns)} from run where {' and '.join(clauses)} order by started desc, run_id desc",  # noqa: S608 - names of columns, and clauses written here
        values,
    ).fetchall()
    rows = [Listed(**dict(zip(columns, each, strict=True))) for each in found]
    told = (live(row) if row.status == RUNNING else row for row in rows)
    # What a run at work has come to is in its events alone.
    return [row for row in told if _fits(row, query)]


def _conditions(connection: sqlite3.Connection, query: Query) -> tuple[list[str], list[object]]:
    clauses, values = ["agent is not null"], list[object]()
    for name, value in (("agent", query.agent), ("model", query.model)):
        if value is not None:
            clauses.append(f"{name} like ? escape '\\'")
            values.append(_anywhere(value))
    if query.since is not None:
        clauses.append("started >= ?")
        values.append(query.since)
    if query.tool is not None:
        # Asked for, and not only started: a call that could not be made is the one that people look for.
        clauses.append(
            "number in (select run from event, json_each(data, '$.message.tool_calls') as asked "
            "where kind = 'ModelReplied' and json_extract(asked.value, '$.name') = ?)"
        )
        values.append(query.tool)
    if query.text is not None:
        holding = sorted(_holding(connection, query.text))
        clauses.append(f"number in ({', '.join('?' * len(holding))})")
        values += holding
    return clauses, values


def _fits(row: Listed, query: Query) -> bool:
    return query.status is None or row.status == query.status


def _anywhere(text: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return f"%{escaped}%"


def _holding(connection: sqlite3.Connection, text: str) -> set[int]:
    """The numbers of the runs in which a text stands, in a row or in what it refers to."""
    # As it stands within JSON.
    inner = json.dumps(text, ensure_ascii=False)[1:-1]
    blobs = {
        bytes(name).hex()
        for (name,) in connection.execute(
            r"select hash from blob where cast(data as text) like ? escape '\' or cast(data as text) like ? escape '\'",
            (_anywhere(text), _anywhere(inner)),
        )
    }
    found = {
        number
        for (number,) in connection.execute(
            r"select distinct run from event where data like ? escape '\'", (_anywhere(inner),)
        )
    }
    if blobs:
        links = _links(connection)
        for number, data in connection.execute("select run, data from event where data like '%\"$%'"):
            if number not in found and not blobs.isdisjoint(_reached(_references(data), links)):
                found.add(number)
    return found


def _references(text: str) -> list[str]:
    return [one or other for one, other in _REFERENCE.findall(text)]


def _links(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """What the links of chains, and the messages in them, refer to."""
    found = connection.execute(
        "select hash, cast(data as text) from blob where substr(data, 1, 2) = cast('[\"' as blob)"
    )
    return {bytes(name).hex(): _references(data) for name, data in found}


def _reached(names: Iterable[str], links: dict[str, list[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += links.get(name, ())
    return reached


def sweep(connection: sqlite3.Connection) -> None:
    """Delete the texts that no event refers to."""
    links = _links(connection)
    named = [
        name
        for (data,) in connection.execute("select data from event where data like '%\"$%'")
        for name in _references(data)
    ]
    kept = _reached(named, links)
    gone = [
        (name,) for (name,) in connection.execute("select hash from blob").fetchall() if bytes(name).hex() not in kept
    ]
    connection.executemany("delete from blob where hash = ?", gone)
