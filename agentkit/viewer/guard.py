"""Who may ask the page's server for something, and what a browser may do with the answer.

A page of another site can send requests to this machine, and can have its own name point to it.  So every request has to name
this server as its host, to come from its own pages if it says where from, and to hold a secret that only the terminal showed.
"""

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CUSTOM = "x-agentkit"
"""A header that no form and no link can send; every request that changes something has it."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

STRANGER = (
    "This page is for whoever started it. Open the address that the command agentkit ui printed, whole, by putting it into the "
    "address bar.\n"
)


class Guard:
    """Lets the owner of the terminal in and nobody else.

    Args:
        app: What is guarded.
        port: The port that it is served at.
        write: Whether anything may be changed.

    Attributes:
        token: What the address in the terminal has; shown once, it is exchanged for a cookie.
    """

    def __init__(self, app: ASGIApp, *, port: int, write: bool) -> None:
        self.token = secrets.token_urlsafe(24)
        self._app = app
        self._write = write
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        # Browsers send the cookies of a host to each of its ports.
        self._cookie = f"agentkit_{port}"
        self._secret = secrets.token_urlsafe(24)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # Nothing here speaks over web sockets.
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """What a request is told that is not let through."""
        headers = Headers(scope=scope)
        changing = scope["method"] not in {"GET", "HEAD"}
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return PlainTextResponse("This server is asked by another name than its own.\n", 421)
        if self._is_foreign(headers, changing=changing):
            return PlainTextResponse("Another page may not ask this server.\n", 403)
        if changing and not self._write:
            return PlainTextResponse(
                "This page only reads; to change something, start it with: agentkit ui --write\n",
                405,
                {"allow": "GET, HEAD"},
            )
        if changing and headers.get(CUSTOM) != "1":
            return PlainTextResponse(f"A request that changes something has the header {CUSTOM}: 1.\n", 403)
        return self._stranger(scope, changing=changing)

    def _is_foreign(self, headers: Headers, *, changing: bool) -> bool:
        origin = headers.get("origin")
        if origin is None:
            within = headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
            return changing or within
        return origin not in self._origins

    def _stranger(self, scope: Scope, *, changing: bool) -> Response | None:
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if shown and not changing and scope["path"] == "/" and _equal(shown, self.token):
            # The address without the token is what a history and a screen show from now on.
            entered = RedirectResponse("/", 303)
            entered.set_cookie(self._cookie, self._secret, httponly=True, samesite="strict", path="/")
            return entered
        if _equal(Request(scope).cookies.get(self._cookie, ""), self._secret):
            return None
        return PlainTextResponse(STRANGER, 401)


def _equal(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode("utf-8", "replace"), other.encode())
