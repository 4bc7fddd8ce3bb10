"""Server-sent events from bytes, after the WHATWG HTML standard, section 9.2.

Lines end at LF, CR or CRLF and nowhere else, and are decoded one by one: a text may hold any other separator that
Unicode knows, and a character may be split over two reads.  Nothing here waits.
"""

import re
from dataclasses import dataclass

_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerSent:
    """One event of a stream."""

    data: str
    event: str = ""


class Framer:
    """Cuts a stream of bytes into events, however the bytes are split."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._begun = False
        self._after_cr = False
        self._data: list[str] = []
        self._event = ""

    def feed(self, piece: bytes) -> list[ServerSent]:
        """The events that are complete with these bytes."""
        if self._after_cr and piece:
            # The CR ended the line already; an LF that follows belongs to it.
            piece, self._after_cr = piece.removeprefix(b"\n"), False
        self._rest.append(piece)
        # A long line in many pieces is put together once, at its end.
        if not _END.search(piece):
            return []
        piece = self._joined()
        done = 0
        events: list[ServerSent] = []
        for end in _END.finditer(piece):
            self._line(piece[done : end.start()].decode("utf-8", "replace"), events)
            done = end.end()
            self._after_cr = end[0] == b"\r" and done == len(piece)
        self._rest = [piece[done:]]
        return events

    def end(self) -> list[ServerSent]:
        """What the end of the bytes completes: servers do forget the last blank line."""
        events: list[ServerSent] = []
        for line in (self._joined(), b""):
            self._line(line.decode("utf-8", "replace"), events)
        return events

    def _joined(self) -> bytes:
        rest, self._rest = b"".join(self._rest), []
        if self._begun:
            return rest
        self._begun = True
        return rest.removeprefix(_BOM)

    def _line(self, line: str, events: list[ServerSent]) -> None:
        if not line:
            if self._data:
                events.append(ServerSent("\n".join(self._data), self._event))
            self._data, self._event = [], ""
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "error":
            # llama.cpp up to 2025 sends a failure as a field of this name.
            self._data.append(value)
            self._event = "error"
        elif line[0] in "{[":
            # A server that fails in a stream may fall back to a bare line of JSON.
            self._data.append(line)
