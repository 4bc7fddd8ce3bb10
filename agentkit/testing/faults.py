"""What goes wrong between a program and a model server, as entries of a script.

    ModelServer(Fault.status(429, headers={"retry-after": "1"}), Fault.cut("Hello!", after=40), "Hello!")

A fault that spoils a reply takes the entry it spoils, and that may be another fault.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue

from agentkit.errors import UsageError
from agentkit.testing.encoding import encode
from agentkit.testing.exchange import Answer, answer
from agentkit.testing.scripted import Said

Body = dict[str, Any]
"""A request as it was sent.  It is somebody else's JSON, and a test looks into it without asking for types."""

EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
JSON = {"content-type": "application/json"}

_PAGE = "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"


def _as_it_is(given: Answer) -> Answer:
    return given


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that goes wrong; made by the functions below."""

    name: str
    """Which of them made it."""
    entry: "Served | Answer"
    """What is answered, before it is spoiled."""
    spoil: Callable[[Answer], Answer] = _as_it_is

    @staticmethod
    def status(status: int, body: JsonValue | bytes = "", *, headers: Mapping[str, str] | None = None) -> "Fault":
        """Another status, with a body: a text or bytes as they are, anything else as JSON."""
        kind, raw = _encoded(body)
        return Fault("status", answer(status, {"content-type": kind, **(headers or {})}, [raw]))

    @staticmethod
    def json(body: JsonValue) -> "Fault":
        """Status 200 and this JSON, whatever it says."""
        return Fault("json", answer(200, JSON, [encode(body)]))

    @staticmethod
    def html(status: int = 200) -> "Fault":
        """A page for people: 200 as from a wrong address, 502 as from a gateway."""
        page = _PAGE.format(title="Welcome" if status < 400 else f"{status} Bad Gateway").encode()  # noqa: PLR2004
        return Fault("html", answer(status, {"content-type": "text/html; charset=utf-8"}, [page]))

    @staticmethod
    def raw(response: bytes) -> "Fault":
        """These bytes, which are the whole response with its head; then the connection closes."""
        return Fault("raw", Answer(b"", (response,), ending="close"))

    @staticmethod
    def sse(body: bytes, *, close: bool = True) -> "Fault":
        """These bytes as a stream of events, with the headers of one.

        Args:
            body: The events, their line ends included.
            close: Whether the end of the connection is the end of the body; otherwise the body ends in good order and
                the connection is kept.
        """
        return Fault("sse", answer(200, EVENT_STREAM, [body], chunked=not close, ending="close" if close else "keep"))

    @staticmethod
    def cut(entry: "Served", *, after: int) -> "Fault":
        """The connection closes after so many bytes of the body, which has to be longer."""
        return Fault("cut", entry, lambda whole: _cut(whole, after))

    @staticmethod
    def silent(entry: "Served | None" = None, *, after: int = 0) -> "Fault":
        """Nothing more comes, and the connection stays open.

        Args:
            entry: What begins to come: its head, and so much of its body; None sends no byte at all.
            after: How many bytes of the body come.
        """
        if entry is None:
            return Fault("silent", Answer(b"", ending="hang"))
        return Fault("silent", entry, lambda whole: replace(_first(whole, after), ending="hang"))

    @staticmethod
    def slow(entry: "Served", *, pause: float) -> "Fault":
        """The head comes, and then so many seconds pass before each piece of the body."""
        return Fault("slow", entry, lambda whole: replace(whole, pause=pause))

    @staticmethod
    def ragged(entry: "Served", *, size: int = 3) -> "Fault":
        """The body comes in pieces of so many bytes, cut wherever they fall: inside lines, inside characters."""
        return Fault("ragged", entry, lambda whole: _in_pieces(whole, size))


Served = Said | Fault | Callable[[Body], "Served"]
"""One entry of a server's script: what it says, what goes wrong, or a function that decides from the request's body."""


def _encoded(body: JsonValue | bytes) -> tuple[str, bytes]:
    """A body's media type and bytes."""
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes):
        return "text/plain; charset=utf-8", body
    return "application/json", encode(body)


def _first(whole: Answer, count: int) -> Answer:
    kept: list[bytes] = []
    for piece in whole.pieces:
        kept.append(piece[:count])
        count = max(0, count - len(piece))
    return replace(whole, pieces=tuple(kept))


def _cut(whole: Answer, after: int) -> Answer:
    size = sum(map(len, whole.pieces))
    if after >= size:
        raise UsageError(f"the body has {size} bytes, so to cut it after {after} leaves it whole; cut it earlier")
    return replace(_first(whole, after), ending="close")


def _in_pieces(whole: Answer, size: int) -> Answer:
    body = b"".join(whole.pieces)
    pieces = tuple(body[start : start + size] for start in range(0, len(body), size))
    return replace(whole, pieces=pieces, pause=whole.pause or 0.0)
