"""One exchange of HTTP/1.1: a request as it is read, an answer as it is written.

As much of the protocol as model clients use: bodies by length or in chunks, and connections that are kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from agentkit.clock import Clock

Ending = Literal["keep", "close", "hang"]
"""What becomes of the connection: it waits for the next request, it closes, or nothing more is said on it."""


class Unreadable(ValueError):
    """What came is no HTTP request."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request, read to its end."""

    method: str
    path: str
    """Without the query."""
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What is written for one request."""

    head: bytes
    """Status line and headers; empty when the first piece has them, or when there are none."""
    pieces: tuple[bytes, ...] = ()
    """The body."""
    chunked: bool = False
    """Whether each piece is a chunk of the transfer.  Only an answer whose connection is kept has the last one."""
    ending: Ending = "keep"
    pause: float | None = None
    """Seconds before each piece, which is then written by itself; None writes everything at once."""


def answer(
    status: int, headers: Mapping[str, str], pieces: Sequence[bytes], *, chunked: bool = False, ending: Ending = "keep"
) -> Answer:
    """An answer with the headers that its body needs."""
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
    fields = {name.lower(): value for name, value in headers.items()}
    if chunked:
        fields["transfer-encoding"] = "chunked"
    elif ending == "keep":
        fields["content-length"] = str(sum(map(len, pieces)))
    else:
        fields["connection"] = "close"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return Answer(head, tuple(pieces), chunked=chunked, ending=ending)


async def send(writer: asyncio.StreamWriter, answer: Answer, clock: Clock) -> None:
    """Write an answer, at its own pace."""
    end = b"0\r\n\r\n" if answer.chunked and answer.ending == "keep" else b""
    framed = [b"%x\r\n%b\r\n" % (len(piece), piece) if answer.chunked else piece for piece in answer.pieces if piece]
    if answer.pause is None:
        writer.write(b"".join((answer.head, *framed, end)))
        await writer.drain()
        return
    writer.write(answer.head)
    for piece in framed:
        await clock.sleep(answer.pause)
        writer.write(piece)
        await writer.drain()
    writer.write(end)
    await writer.drain()


async def read_request(reader: asyncio.StreamReader) -> Incoming | None:
    """The next request of a connection; None when the client has left.

    Raises:
        Unreadable: It is no HTTP request.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, version, headers = _parse(head)
        body = await _body(reader, headers)
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise Unreadable("the head of the request is too long") from error
    keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Incoming(method, target.partition("?")[0], headers, body, keep_alive)


def _parse(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    words = first.split(" ")
    if len(words) != 3:  # noqa: PLR2004 - method, target and version
        raise Unreadable(f"{first!r} does not begin an HTTP request")
    fields = (line.partition(":") for line in lines)
    return words[0], words[1], words[2], {name.strip().lower(): value.strip() for name, _, value in fields}


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader)
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise Unreadable(f"the content-length {length!r} is no number")
    return await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found: list[bytes] = []
    while size := _size(await reader.readuntil(b"\r\n")):
        found.append((await reader.readexactly(size + 2))[:-2])
    while (await reader.readuntil(b"\r\n")).strip():
        """A trailer, which says nothing to a model server."""
    return b"".join(found)


def _size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        raise Unreadable(f"{line!r} does not begin a chunk") from error
