"""The model behind a Chat Completions endpoint: a body goes out, bytes come back as a reply."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import httpx
from pydantic import JsonValue, SecretStr

from agentkit.chat.assemble import Assembler
from agentkit.chat.connection import Connection
from agentkit.chat.credentials import completions_of, credentials
from agentkit.chat.encode import Encoder, tool_fields
from agentkit.chat.errors import WORDS, error_of, failed_finish, lost, malformed, request_id
from agentkit.chat.providers import Profile, profile_of
from agentkit.chat.reading import object_of, read_json
from agentkit.chat.sse import Framer, ServerSent
from agentkit.errors import ModelError, UsageError
from agentkit.events import Event
from agentkit.model import Emit, OutputMode, Price, Reply, Request, Settings, ToolSpec

LINGER = 0.25
"""Seconds for a server to end its stream after it said so; a connection is only used again when its stream has ended."""

SECRET = 8
"""Characters of the shortest key that is worth hiding."""

_BLANK = b"\xef\xbb\xbf \t\r\n"
_EVENTS = re.compile(rb"[:deir]")
"""How a stream of events begins: with a comment, or `data`, `event`, `error`, `id` or `retry`."""


class Chat:
    """A model at a Chat Completions endpoint.

    Args:
        model: The model's id, such as `doubao-seed-2.1-pro`.
        base_url: Where the endpoint is, up to `/v1`; else `AGENTKIT_BASE_URL`, then `OPENAI_BASE_URL`.
        api_key: Its key; else `AGENTKIT_API_KEY`, then `OPENAI_API_KEY`.  A server on this machine needs none.
        settings: How the model should answer, where an agent does not say.
        timeout: Seconds a reply may stay without any data.
        price: What the model costs, for limits and totals.
        client: An httpx client to use, which stays the caller's to close.
        profile: How the provider wants to be spoken to, where the table should not decide.

    Raises:
        MissingCredentials: There is no address, or no key for an address that needs one.
        UsageError: The settings force a tool in every request.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | SecretStr | None = None,
        settings: Settings | None = None,
        timeout: float = 600,
        price: Price | None = None,
        client: httpx.AsyncClient | None = None,
        profile: Profile | None = None,
    ) -> None:
        if not model:
            raise UsageError("the model's id is empty; give one, such as 'doubao-seed-2.1-pro'")
        url, key = credentials(base_url, api_key, os.environ)
        self._url = completions_of(url)
        self._key = key
        self._name = model
        self._settings = settings or Settings()
        if self._settings.forced:
            raise UsageError(
                f"tool_choice={self._settings.tool_choice!r} in a model's settings would hold for every request, and no "
                f"run could end; give it to the agent, where it holds for the first: Agent(..., settings=Settings(...))"
            )
        self._price = price
        self.profile = profile or profile_of(self._url.host, model)
        self._origin = f"{self._url.host}/{model}"
        self._encoder = Encoder(model, self.profile, self._origin)
        self._connection = Connection(self._url, endpoint=self._origin, timeout=timeout, client=client)

    def __repr__(self) -> str:
        address = self._url.copy_with(userinfo=b"", query=None)
        return f"Chat({self._name!r}, base_url={str(address).removesuffix('/chat/completions')!r})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def price(self) -> Price | None:
        return self._price

    @property
    def output_mode(self) -> OutputMode:
        return self.profile.output_mode

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        for spec in tools:
            tool_fields(spec, self.profile)

    async def request(self, request: Request, emit: Emit) -> Reply:
        settings = self._settings | request.settings
        body = self._encoder.body(request, settings)
        headers = self._headers(settings, stream=request.stream)
        told = emit if request.stream else _nobody
        assembler = Assembler(told, offered={spec.name for spec in request.tools}, origin=self._origin)
        async with self._connection.post(body, headers) as response:
            if response.status_code != httpx.codes.OK:
                raise self._error(_decoded(await response.aread()), response)
            await self._read(response, assembler)
        self._check_finish(assembler, response)
        reply = assembler.reply(request_id(response.headers))
        return reply if self._price is None else replace(reply, cost=self._price.of(reply.usage))

    def _headers(self, settings: Settings, *, stream: bool) -> httpx.Headers:
        # This kind of mapping hides the key from those who print it, as tracebacks with local values do.
        headers = httpx.Headers({"content-type": "application/json"})
        headers["accept"] = "text/event-stream" if stream else "application/json"
        if self._key is not None:
            headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        for name, value in settings.extra_headers.items():
            if not value.isascii() or not value.isprintable():
                raise UsageError(f"the extra header {name!r} has a value with a line break or a letter beyond ASCII")
            headers[name] = value
        return headers

    # One response.

    async def _read(self, response: httpx.Response, assembler: Assembler) -> None:
        """A reply in the form it has, whatever was asked for and whatever it is said to be."""
        pieces = response.aiter_bytes()
        opening = await _opening(pieces)
        if _EVENTS.match(opening.lstrip(_BLANK)):
            await self._stream(opening, pieces, assembler, response)
        else:
            rest = [piece async for piece in pieces]
            self._whole(_decoded(b"".join((opening, *rest))), assembler, response)

    def _whole(self, body: str, assembler: Assembler, response: httpx.Response) -> None:
        """A reply in one piece."""
        if not body.strip("\ufeff \t\r\n"):
            raise self._malformed("the body is empty", body, "empty_stream", response)
        try:
            value = read_json(body.lstrip("\ufeff"))
        except ValueError:
            raise self._malformed("the body is not JSON", body, "not_json", response) from None
        if not isinstance(value, dict) or _tells_failure(value):
            raise self._error(body, response)
        choices = value.get("choices")
        first = object_of(next(iter(choices), None)) if isinstance(choices, list) else {}
        if not isinstance(first.get("message") or first.get("delta"), dict):
            raise self._malformed("it has no message", body, "no_message", response)
        self._assemble(value, body, assembler, response)

    async def _stream(
        self, opening: bytes, pieces: AsyncIterator[bytes], assembler: Assembler, response: httpx.Response
    ) -> None:
        """A reply in pieces; it is whole when its end was said, and only then."""
        framer = Framer()
        ended = self._take_all(framer.feed(opening), assembler, response)
        while not ended and (piece := await anext(pieces, None)) is not None:
            ended = self._take_all(framer.feed(piece), assembler, response)
        if ended:
            await _linger(pieces)
        else:
            ended = self._take_all(framer.end(), assembler, response)
        if not assembler.begun:
            raise self._malformed("the stream holds nothing", _decoded(opening), "empty_stream", response)
        if not ended and not assembler.finish_reason:
            cut = lost("the stream ended before the reply did", endpoint=self._origin)
            cut.code, cut.request_id = "eof_before_finish", request_id(response.headers)
            raise cut

    def _take_all(self, events: list[ServerSent], assembler: Assembler, response: httpx.Response) -> bool:
        # What a server sends after the mark that ends a stream is not part of the reply.
        return any(self._take(sent, assembler, response) for sent in events)

    def _take(self, sent: ServerSent, assembler: Assembler, response: httpx.Response) -> bool:
        """Take one event; True for the mark that ends a stream."""
        data = sent.data.strip()
        if data in {"[DONE]", ""}:
            return data != ""
        try:
            chunk = read_json(data)
        except ValueError:
            if sent.event == "error":
                raise self._error(data, response) from None
            raise self._malformed("a piece of the stream is not JSON", data, "invalid_json_chunk", response) from None
        if not isinstance(chunk, dict) or sent.event == "error" or _tells_failure(chunk):
            raise self._error(data, response)
        self._assemble(chunk, data, assembler, response)
        return False

    def _assemble(
        self, value: Mapping[str, JsonValue], text: str, assembler: Assembler, response: httpx.Response
    ) -> None:
        try:
            assembler.take(value)
        except RecursionError:
            raise self._malformed("it is nested too deeply", text, "not_json", response) from None

    # Errors.

    def _check_finish(self, assembler: Assembler, response: httpx.Response) -> None:
        """A server that failed on the way may say so only in its reason to stop."""
        category = failed_finish(assembler.finish_reason)
        if category is not None:
            raise ModelError(
                f"{self._origin} {WORDS[category]}: it stopped with {assembler.finish_reason!r}",
                category=category,
                retryable=True,
                status=response.status_code,
                code=assembler.finish_reason,
                request_id=request_id(response.headers),
            )

    def _error(self, body: str, response: httpx.Response) -> ModelError:
        headers = {name: self._hidden(value) for name, value in response.headers.items()}
        return error_of(self._hidden(body), endpoint=self._origin, status=response.status_code, headers=headers)

    def _malformed(self, why: str, body: str, code: str, response: httpx.Response) -> ModelError:
        return malformed(
            why,
            self._hidden(body),
            code=code,
            endpoint=self._origin,
            status=response.status_code,
            headers=response.headers,
        )

    def _hidden(self, text: str) -> str:
        """A text without the key: there are servers that quote it when they refuse it."""
        key = "" if self._key is None else self._key.get_secret_value()
        # What stands in for a key where none is needed, such as `-`, is no secret and may be anywhere.
        return text.replace(key, str(self._key)) if len(key) >= SECRET else text


def _nobody(_: Event) -> None:
    """Nobody watches."""


async def _opening(pieces: AsyncIterator[bytes]) -> bytes:
    """The bytes up to the first that say something; servers send blank ones to keep a connection alive."""
    opening = b""
    async for piece in pieces:
        opening += piece
        if opening.lstrip(_BLANK):
            break
    return opening


async def _linger(pieces: AsyncIterator[bytes]) -> None:
    try:
        async with asyncio.timeout(LINGER):
            async for _ in pieces:
                """What comes after the end is nobody's."""
    except (TimeoutError, httpx.RequestError):
        # The reply is whole; only its connection is not used again.
        return


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _tells_failure(value: Mapping[str, JsonValue]) -> bool:
    """A failure that came with the status of success."""
    if value.get("error") or value.get("type") == "error" or value.get("object") == "error":
        return True
    # Of those who always send a status, 0 is the good one.
    if object_of(value.get("base_resp")).get("status_code"):
        return True
    return "choices" not in value and ("detail" in value or isinstance(value.get("message"), str))
