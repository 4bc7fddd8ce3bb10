"""Events as rows of the file: short ones whole, long texts once by their content, histories by what is new in them."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from pydantic import JsonValue

from agentkit import codec
from agentkit.errors import JournalError
from agentkit.events import Event, Recorded, RunStarted, ToolFinished
from agentkit.secrets import Redaction

LONGEST = 4096
"""Characters of a text that stand in the row itself."""

BLOB, CHAIN = "$blob", "$chain"
"""Stand for a text, and for a list of messages, that are kept by their content."""


@dataclass(slots=True)
class Row:
    """An event as it is written."""

    seq: int
    values: tuple[float, int, str, str | None, int, str]
    """What stands in the columns after its place."""
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    """What it refers to, by content."""
    is_clean: bool = False
    """Whether redaction leaves every text of the event as it is."""


def row_of(recorded: Recorded, redaction: Redaction) -> Row:
    """A recorded event as a row, with secrets hidden."""
    event = recorded.event
    hidden, blobs, is_clean = 0, dict[bytes, bytes](), True
    data = codec.as_json(event)
    if data is None or len(data) > LONGEST or not (isinstance(event, codec.TEXTLESS) or redaction.leaves(data)):
        data, hidden, blobs = _with_care(event, redaction)
        is_clean = False
    call_id = event.result.call_id if isinstance(event, ToolFinished) else getattr(event, "call_id", None)
    named = None if call_id is None else codec.storable(call_id)
    values = (recorded.time, recorded.step, codec.kind_of(event), named, hidden, data)
    return Row(recorded.seq, values, blobs, is_clean)


def _with_care(event: Event, redaction: Redaction) -> tuple[str, int, dict[bytes, bytes]]:
    """The fields of an event as JSON text, in how many texts something is hidden, and what it refers to."""
    blobs: dict[bytes, bytes] = {}
    hidden = 0

    def long(text: str) -> JsonValue:
        if len(text) <= LONGEST:
            return text
        data = text.encode("utf-8", "surrogatepass")
        name = hashlib.sha256(data).digest()
        blobs[name] = data
        return {BLOB: name.hex()}

    def text(text: str) -> JsonValue:
        nonlocal hidden
        kept = redaction(text)
        hidden += kept is not text
        return long(kept)

    _, data = codec.encode(event, text=text, long=long)
    if isinstance(event, RunStarted):
        data["messages"] = _chained(data["messages"], blobs)
    return codec.dumps(data), hidden, blobs


def _chained(messages: JsonValue, blobs: dict[bytes, bytes]) -> JsonValue:
    """Messages as a chain from the first to the last, so that a conversation that goes on adds to it what is new.

    The instructions are told at the beginning of every run and stand by themselves.
    """
    assert isinstance(messages, list)
    if len(codec.dumps(messages)) <= LONGEST:
        return messages
    first = messages[0] if isinstance(messages[0], dict) and messages[0].get("role") == "system" else None
    before = ""
    for message in messages if first is None else messages[1:]:
        data = codec.dumps([before, message]).encode()
        name = hashlib.sha256(data).digest()
        blobs[name] = data
        before = name.hex()
    return {CHAIN: before} if first is None else {CHAIN: before, "first": first}


COLUMNS = "(place, time, step, kind, call_id, hidden, data)"


def place(number: int, seq: int) -> int:
    """The place of an event: its run's number, and its own."""
    return (number << 32) | seq


def write(connection: sqlite3.Connection, number: int, epoch: int, rows: Sequence[Row]) -> bool:
    """Write rows of a run, and what they refer to; False, and nothing is written, if the run has another epoch.

    One statement, where the rows refer to nothing: it is read, checked and written at half the price of three.

    Raises:
        sqlite3.IntegrityError: The run has such an event, or a result of that call.
    """
    for row in rows:
        if row.blobs:
            connection.executemany("insert or ignore into blob (hash, data) values (?, ?)", row.blobs.items())
    values = [value for row in rows for value in (place(number, row.seq), *row.values)]
    return connection.execute(_insert(len(rows)), (*values, number, epoch)).rowcount == len(rows)


@cache
def _insert(count: int) -> str:
    """Inserts so many events, if a run has an epoch."""
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * count)
    claimed = "exists (select 1 from run where number = ? and epoch = ?)"
    return f"insert into event {COLUMNS} select * from (values {values}) where {claimed}"  # noqa: S608 - no values in it


def read(connection: sqlite3.Connection, run_id: str) -> list[Recorded]:
    """The events that were recorded for a run itself, in order."""
    named = connection.execute("select number from run where run_id = ?", (run_id,)).fetchone()
    if named is None:
        return []
    found = connection.execute(
        "select seq, time, step, kind, hidden, data from event where place >= ? and place < ? order by place",
        (place(named[0], 0), place(named[0] + 1, 0)),
    ).fetchall()
    texts: dict[str, str] = {}

    def blob(name: object) -> str:
        name = str(name)
        if name not in texts:
            texts[name] = _blob(connection, name)
        return texts[name]

    def text(value: JsonValue) -> str:
        if isinstance(value, dict):
            return blob(value[BLOB])
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no text")
        return value

    events = []
    for seq, time, step, kind, hidden, data in found:
        try:
            fields = json.loads(data)
        except ValueError as error:
            raise JournalError(
                f"event {seq} of run {run_id} is damaged, and what follows it cannot be trusted"
            ) from error
        if isinstance(fields.get("messages"), dict):
            fields["messages"] = _unchained(fields["messages"], blob)
        events.append(Recorded(run_id, seq, time, step, codec.decode(kind, fields, text=text), hidden))
    return events


def delete(connection: sqlite3.Connection, run_id: str) -> None:
    """Delete a run and its events; what they refer to stays."""
    for (number,) in connection.execute("select number from run where run_id = ?", (run_id,)).fetchall():
        connection.execute("delete from event where place >= ? and place < ?", (place(number, 0), place(number + 1, 0)))
        connection.execute("delete from run where number = ?", (number,))


def names(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """The number and the id of every run, from its first event."""
    return connection.execute(
        "select run, json_extract(data, '$.run_id') from event "
        "where place in (select min(place) from event group by run) order by place"
    ).fetchall()


def _unchained(chain: Mapping[str, JsonValue], blob: Callable[[object], str]) -> JsonValue:
    messages: list[JsonValue] = []
    name: object = chain[CHAIN]
    while name:
        name, message = json.loads(blob(name))
        messages.append(message)
    if "first" in chain:
        messages.append(chain["first"])
    return messages[::-1]


def _blob(connection: sqlite3.Connection, name: str) -> str:
    found = connection.execute("select data from blob where hash = ?", (bytes.fromhex(name),)).fetchone()
    if found is None:
        raise JournalError(f"the text {name[:12]}… is missing from the journal, which is damaged")
    return bytes(found[0]).decode("utf-8", "surrogatepass")
