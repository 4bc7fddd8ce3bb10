"""The corpus of what servers really send, and a wire that hands it out in pieces.

The corpus is raw bytes beside what a robust client makes of them; its index explains itself.  The wire is a network for
httpx without a socket: all above it, HTTP included, is what a program uses.
"""

import asyncio
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import httpcore
import httpx

from agentkit import Agent, Result, tool
from agentkit.chat.chat import Chat
from agentkit.chat.profiles import Profile
from agentkit.chat.providers import UNKNOWN, profile_named
from agentkit.errors import ModelError
from agentkit.events import Event, ReasoningDelta, TextDelta, ToolCallDelta
from agentkit.messages import Message
from agentkit.model import Reply, Request, ToolSpec

CORPUS = Path(__file__).parent / "corpus"

TIMEOUT = 30.0
"""Seconds after which a reply that is read from memory counts as one that never comes."""

PROFILES = {"ark": "doubao", "zai": "glm", "minimax_tags": "minimax"}
"""Profiles of the corpus that have another name here."""

HELLO = Message("user", "hi")
TOOLS = tuple(ToolSpec(name, name, {"type": "object", "properties": {}}) for name in ("get_weather", "get_time"))

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
ANSWER = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"done"},"finish_reason":"stop"}]}'


def whole(body: bytes) -> bytes:
    """A body in a response that says how long it is."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@dataclass(frozen=True)
class Case:
    """One entry of the corpus."""

    id: str
    kind: str
    data: bytes
    options: Mapping[str, object]
    expected: Mapping[str, object]
    delivery: Sequence[int]
    """Where its bytes are to be cut."""
    has_alternative: bool
    """Whether another outcome would do."""

    @property
    def stream(self) -> bool:
        """Whether the request asked for a stream."""
        return self.kind == "stream" or bool(self.options.get("stream"))

    @property
    def response(self) -> bytes:
        """Its bytes as a whole response."""
        match self.kind:
            case "stream":
                return EVENTS + self.data
            case "json":
                return whole(self.data)
        if now := self.options.get("now"):
            # What time it is, a server says itself.
            status, _, rest = self.data.partition(b"\r\n")
            date = format_datetime(datetime.fromisoformat(str(now)), usegmt=True)
            return b"%b\r\nDate: %b\r\n%b" % (status, date.encode(), rest)
        return self.data

    @property
    def profile(self) -> Profile:
        """How the provider wants to be spoken to."""
        if name := self.options.get("replay_profile"):
            return profile_named(PROFILES.get(str(name), str(name)))
        tags = (
            ("prefilled" if self.options.get("think_prefilled") else "open") if self.options.get("think_tags") else ""
        )
        return replace(UNKNOWN, tags=tags, empty_400=bool(self.options.get("empty_400_is_context")))


def cases() -> list[Case]:
    """The corpus, in the order of its index."""
    index = json.loads((CORPUS / "index.json").read_bytes())
    return [
        Case(
            entry["id"],
            entry["kind"],
            (CORPUS / entry["file"]).read_bytes(),
            entry["options"],
            entry["expected"],
            entry.get("delivery", {}).get("split_at", ()),
            "acceptable_alternative" in entry,
        )
        for entry in index["cases"]
    ]


# Pieces.


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The bytes in pieces that end at some places."""
    ends = sorted({0, len(data), *(place for place in places if 0 < place < len(data))})
    return [data[start:end] for start, end in pairwise(ends)]


def bytewise(data: bytes) -> list[bytes]:
    """Each byte by itself."""
    return cut(data, range(len(data)))


def ragged(data: bytes, seed: int) -> list[bytes]:
    """Pieces of any length up to a line or so, the same ones for the same seed."""
    dice = random.Random(seed)
    places, place = [], 0
    while place < len(data):
        place += dice.choice((1, 1, 2, 3, 7, 20, 90, 400))
        places.append(place)
    return cut(data, places)


# A network.


class _Line(httpcore.AsyncNetworkStream):
    """One connection: hands out its pieces one a read, and then has ended."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.sent = bytearray()
        self._pieces = list(pieces)[::-1]

    async def read(self, max_bytes: int, **_: object) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop()
        if len(piece) > max_bytes:
            self._pieces.append(piece[max_bytes:])
        return piece[:max_bytes]

    async def write(self, buffer: bytes, **_: object) -> None:
        self.sent += buffer

    async def aclose(self) -> None:
        """There is nothing to close."""

    def get_extra_info(self, info: str) -> object:
        # A connection that rests can be read: there is what was sent too much, or the end.  So it is not used again.
        return True if info == "is_readable" else None


class Wire(httpcore.AsyncNetworkBackend):
    """A network whose first connection hands out some pieces, and every other one an answer that ends a run."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.lines: list[_Line] = []
        self._pieces = list(pieces)

    async def connect_tcp(self, *args: object, **more: object) -> httpcore.AsyncNetworkStream:
        self.lines.append(_Line([whole(ANSWER)] if self.lines else self._pieces))
        return self.lines[-1]

    def body(self, number: int) -> bytes:
        """The body of a request."""
        return bytes(self.lines[number].sent.partition(b"\r\n\r\n")[2])

    def client(self) -> httpx.AsyncClient:
        """A client on this network."""
        return httpx.AsyncClient(transport=_Transport(self))


class _Transport(httpx.AsyncHTTPTransport):
    def __init__(self, wire: Wire) -> None:
        # The parent would make ready for TLS, which takes longer than a case.
        self._pool = httpcore.AsyncConnectionPool(network_backend=wire)


# What comes out.


@dataclass
class Outcome:
    """What a request came to: a reply or an error, and what was told on the way."""

    reply: Reply | None = None
    error: ModelError | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def text_told(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def reasoning_told(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReasoningDelta))

    @property
    def calls_told(self) -> list[tuple[str, str]]:
        """Names and arguments of the calls, as far as they came."""
        told = [event for event in self.events if isinstance(event, ToolCallDelta)]
        return [
            ("".join(event.name for event in mine), "".join(event.arguments for event in mine))
            for place in sorted({event.index for event in told})
            for mine in [[event for event in told if event.index == place]]
        ]


def asking(*messages: Message, stream: bool) -> Request:
    return Request(messages=(HELLO, *messages), tools=TOOLS, stream=stream)


async def ask(chat: Chat, request: Request) -> Outcome:
    """Make a request that must come to a reply or to a `ModelError`, and to nothing else."""
    outcome = Outcome()
    async with asyncio.timeout(TIMEOUT):
        try:
            outcome.reply = await chat.request(request, outcome.events.append)
        except ModelError as error:
            outcome.error = error
    return outcome


async def play(case: Case, pieces: Iterable[bytes]) -> Outcome:
    """What a case comes to when its response arrives in some pieces."""
    async with Wire(pieces).client() as client:
        return await ask(chat_for(case.profile, client), asking(stream=case.stream))


@dataclass
class Ran:
    """What a run came to whose first reply was odd, and the calls that it ran."""

    result: Result[str] | None = None
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)


async def run(profile: Profile, pieces: Iterable[bytes], *, stream: bool) -> Ran:
    """A run whose first reply arrives in some pieces, and whose second one is an answer."""
    ran = Ran()

    @tool
    def get_weather(city: str) -> str:
        """Tell the weather."""
        ran.calls.append(("get_weather", {"city": city}))
        return "sunny"

    @tool
    def get_time(tz: str = "") -> str:
        """Tell the time."""
        ran.calls.append(("get_time", {"tz": tz} if tz else {}))
        return "noon"

    async with Wire(pieces).client() as client, asyncio.timeout(TIMEOUT):
        agent = Agent(chat_for(profile, client), tools=[get_weather, get_time])
        with suppress(ModelError):
            ran.result = await (_watched(agent) if stream else agent.run("hi"))
    return ran


async def _watched(agent: Agent[str]) -> Result[str]:
    async with agent.stream("hi") as watch:
        async for _ in watch:
            """Every event passes by."""
    return watch.result


def chat_for(profile: Profile, client: httpx.AsyncClient) -> Chat:
    """A model behind a client; nothing it fails at is tried again."""
    return Chat("m", base_url="http://127.0.0.1/v1", api_key="-", client=client, profile=profile, retry=None)
