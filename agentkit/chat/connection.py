"""Bodies sent, and responses opened.  Exceptions of httpx end here and nowhere else."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import httpx

from agentkit.chat.errors import lost
from agentkit.errors import ModelError, UsageError

CONNECT = 30.0
"""Seconds to reach a server; one that thinks for minutes still answers the telephone."""


class Connection:
    """The way to one address.

    Args:
        url: The address.
        endpoint: Host and model, for messages.
        timeout: Seconds that may pass without any data.
        client: A client to use, which stays the caller's to close; else there is one for each event loop.
    """

    def __init__(self, url: httpx.URL, *, endpoint: str, timeout: float, client: httpx.AsyncClient | None) -> None:
        self._clients: dict[asyncio.AbstractEventLoop, _Kept] = {}
        self._url = url
        self._endpoint = endpoint
        self._timeout = httpx.Timeout(timeout, connect=min(CONNECT, timeout), pool=None)
        self._given = client

    @asynccontextmanager
    async def post(self, body: bytes, headers: httpx.Headers) -> AsyncIterator[httpx.Response]:
        """The response to a body; what httpx raises while it is read becomes a `ModelError`.

        Raises:
            ModelError: The server could not be reached, went silent, or broke the connection.
        """
        client = await self._client()
        response: httpx.Response | None = None
        try:
            request = client.build_request("POST", self._url, content=body, headers=headers, timeout=self._timeout)
            response = await client.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx.LocalProtocolError:
            # Its message quotes the header, and that may be the key.
            raise ModelError(
                f"the request to {self._endpoint} cannot be written; look at extra_headers for a line break",
                category="invalid_request",
            ) from None
        except httpx.RequestError as error:
            raise self._failure(error, reached=response is not None) from error

    def _failure(self, error: httpx.RequestError, *, reached: bool) -> ModelError:
        match error:
            case httpx.ConnectTimeout():
                why = f"it could not be reached within {self._timeout.connect:g} s"
                return lost(why, endpoint=self._endpoint, category="timeout", reached=False)
            case httpx.TimeoutException():
                why = f"no data came for {self._timeout.read:g} s"
                return lost(why, endpoint=self._endpoint, category="timeout", reached=reached)
            case httpx.ConnectError():
                port = self._url.port or (443 if self._url.scheme == "https" else 80)
                return ModelError(
                    f"cannot reach {self._url.host}:{port}: {error}; check the base URL and the network",
                    category="connection_lost",
                    retryable=True,
                )
        broken = lost(f"{type(error).__name__}: {error}", endpoint=self._endpoint, reached=reached)
        broken.code = "transport_error"
        return broken

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
