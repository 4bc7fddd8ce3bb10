"""Bodies sent, and responses opened.  Exceptions of httpx end here and nowhere else."""

import asyncio
import math
import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Protocol, cast

import httpx

from agentkit.chat.errors import lost
from agentkit.errors import ModelError, UsageError

LINGER = 0.25
"""Seconds for a server to end its stream after it said so."""


class Connection:
    """The way to one address.

    Args:
        url: The address.
        endpoint: Host and model, for messages.
        connect: Seconds to reach the server; the time after that is for others to watch.
        client: A client to use, which stays the caller's to close; else there is one for each event loop.
    """

    def __init__(self, url: httpx.URL, *, endpoint: str, connect: float, client: httpx.AsyncClient | None) -> None:
        self._clients: dict[asyncio.AbstractEventLoop, _Kept] = {}
        self._url = url
        self._endpoint = endpoint
        self._connect = None if math.isinf(connect) else connect
        self._given = client
        self._left_open = False

    @asynccontextmanager
    async def post(self, body: bytes, headers: httpx.Headers) -> AsyncIterator[httpx.Response]:
        """The response to a body; what httpx raises while it is read becomes a `ModelError`.

        Raises:
            ModelError: The server could not be reached, went silent, or broke the connection.
        """
        client = await self._client()
        errors = _errors_of(client)
        response: httpx.Response | None = None
        try:
            # A client of another library takes text, and numbers in a row, where it would not take our objects.
            request = client.build_request(
                "POST", str(self._url), content=body, headers=headers, timeout=(self._connect, None, None, None)
            )
            response = await self._sent(client, request)
            try:
                yield response
            finally:
                await response.aclose()
        except errors.LocalProtocolError:
            # Its message quotes the header, and that may be the key.
            raise ModelError(
                f"the request to {self._endpoint} cannot be written; look at extra_headers for a line break",
                category="invalid_request",
            ) from None
        except errors.RequestError as error:
            raise self._failure(error, errors, reached=response is not None) from error

    async def _sent(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        """The response, without what is in it."""
        errors = _errors_of(client)
        try:
            return await client.send(request, stream=True)
        except (errors.RemoteProtocolError, errors.ReadError, errors.WriteError):
            if not self._left_open:
                raise
            # A server may close a connection that it left open just when it is used again: RFC 9112, section 9.3.1.
            self._left_open = False
        return await client.send(request, stream=True)

    def _failure(self, error: Exception, errors: "_Errors", *, reached: bool) -> ModelError:
        if isinstance(error, errors.ConnectTimeout):
            why = f"it could not be reached within {self._connect:g} s (Timeouts.connect)"
            return lost(why, endpoint=self._endpoint, category="timeout", reached=False)
        if isinstance(error, errors.ConnectError):
            port = self._url.port or (443 if self._url.scheme == "https" else 80)
            return ModelError(
                f"cannot reach {self._url.host}:{port}: {error}; check the base URL and the network",
                category="connection_lost",
                retryable=True,
            )
        why = f"{type(error).__name__}: {error}"
        if isinstance(error, errors.TimeoutException):
            # A client of the caller's may have limits of its own.
            return lost(why, endpoint=self._endpoint, category="timeout", reached=reached)
        broken = lost(why, endpoint=self._endpoint, reached=reached)
        broken.code = "transport_error"
        return broken

    async def finish(self, pieces: AsyncIterator[bytes]) -> None:
        """Read what is left after a reply has ended; only then is its connection used again."""
        errors = _errors_of(await self._client())
        try:
            async with asyncio.timeout(LINGER):
                async for _ in pieces:
                    """What comes after the end is nobody's."""
            self._left_open = True
        except (TimeoutError, errors.RequestError):
            # The reply is whole all the same.
            return

    async def _client(self) -> httpx.AsyncClient:
        """The client to use; connections cannot be shared between event loops."""
        if self._given is not None:
            if self._given.is_closed:
                raise UsageError("the httpx client given to Chat is closed; keep it open as long as the model is used")
            return self._given
        loop = asyncio.get_running_loop()
        kept = self._clients.get(loop)
        if kept is None or kept.client.is_closed:
            # Other threads have loops of their own and come here too: each takes out and puts in single entries.
            for other in [other for other in tuple(self._clients) if other.is_closed()]:
                if (left := self._clients.pop(other, None)) is not None:
                    left.abandon(other)
            kept = self._clients[loop] = _Kept(secure=self._url.scheme == "https")
            await kept.open()
        return kept.client

    def __del__(self) -> None:
        for loop, kept in self._clients.items():
            kept.abandon(loop)


class _Errors(Protocol):
    """What a library of the family of httpx raises."""

    RequestError: type[Exception]
    LocalProtocolError: type[Exception]
    RemoteProtocolError: type[Exception]
    ReadError: type[Exception]
    WriteError: type[Exception]
    ConnectError: type[Exception]
    ConnectTimeout: type[Exception]
    TimeoutException: type[Exception]


def _errors_of(client: httpx.AsyncClient) -> _Errors:
    """The library that a client comes from, by the class that it is or extends; httpx2 has the same names."""
    made = next((each for each in type(client).__mro__ if each.__name__ == "AsyncClient"), httpx.AsyncClient)
    return cast(_Errors, sys.modules[made.__module__.partition(".")[0]])


_OPEN: "set[_Kept]" = set()
"""The clients that are open.  One that nobody holds would be torn down by the garbage collector instead of closed."""


class _Kept:
    """A client that is closed with its event loop, or when nobody can use it any more."""

    def __init__(self, *, secure: bool) -> None:
        self.client = httpx.AsyncClient(verify=_tls() if secure else False)
        self._lock = asyncio.Lock()
        self._guard = self._guarded()
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        _OPEN.add(self)
        await anext(self._guard)

    async def _guarded(self) -> AsyncGenerator[None, None]:
        # An event loop finishes its async generators when it is shut down, as `asyncio.run` does.
        try:
            yield
        finally:
            await self._close()

    async def _close(self) -> None:
        # Both ways to get here wait for each other: a loop must not stop while the other is on its way.
        async with self._lock:
            await self.client.aclose()
            _OPEN.discard(self)

    def abandon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close soon; this may be called in any thread."""
        if loop.is_closed():
            _OPEN.discard(self)
        elif not self.client.is_closed:
            loop.call_soon_threadsafe(self._begin_to_close, loop)

    def _begin_to_close(self, loop: asyncio.AbstractEventLoop) -> None:
        self._closing = loop.create_task(self._close())


@cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the certificates of the authorities costs more than a request."""
    return httpx.create_ssl_context()
