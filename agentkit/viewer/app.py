"""The page's server as an application: a few files by their exact names, and questions answered in JSON."""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files

from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from agentkit.codec import dumps
from agentkit.debug.facts import Facts
from agentkit.errors import AgentkitError, UnknownRun, UsageError
from agentkit.secrets import scrub
from agentkit.sqlite.journal import SqliteJournal
from agentkit.viewer.api import Api, Asked, Deeds
from agentkit.viewer.live import changes
from agentkit.viewer.reading import Reading

MEDIA: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

LARGEST_WISH = 4_000_000
"""Bytes of a request that changes something."""

NOT_FOUND, REFUSED, UNAVAILABLE, FAULT = 404, 400, 503, 500


def static_files() -> dict[str, tuple[bytes, str]]:
    """The files of the page by their names, with their types."""
    folder = files("agentkit.viewer").joinpath("static")
    return {
        each.name: (each.read_bytes(), MEDIA[f".{each.name.rpartition('.')[2]}"])
        for each in folder.iterdir()
        if f".{each.name.rpartition('.')[2]}" in MEDIA
    }


def application(reading: Reading, deeds: Deeds | None = None) -> Starlette:
    """The page over what is read of a journal; nothing is changed where nobody is given who could do it."""
    api = Api(reading, write=deeds is not None)
    routes = [Route(f"/{name}", _file(*file)) for name, file in static_files().items()]
    routes.append(Route("/", _file(*static_files()["index.html"])))
    routes.append(Route("/favicon.ico", _file(*static_files()["icon.svg"])))
    routes += [Route(f"/api/{name}", _answer(question)) for name, question in api.questions.items()]
    routes.append(Route("/api/live", _live(reading.journal)))
    if deeds is not None:
        routes += [
            Route("/api/fork", _wish(lambda wish: {"run_id": deeds.fork(wish)}), methods=["POST"]),
            Route("/api/decide", _wish(deeds.decide), methods=["POST"]),
        ]
    return Starlette(routes=routes, exception_handlers={Exception: _fault})


Endpoint = Callable[[Request], object]


def _file(content: bytes, media: str) -> Callable[[Request], Response]:
    def send(_: Request) -> Response:
        return Response(content, media_type=media)

    return send


def _json(value: JsonValue, status: int = 200) -> Response:
    return Response(dumps(value), status, media_type="application/json")


def _answer(question: Callable[[Asked], Facts]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return _told(lambda: question(request.query_params))

    return answer


def _told(make: Callable[[], Facts]) -> Response:
    """An answer, or in one sentence why there is none."""
    try:
        return _json(make())
    except UnknownRun as error:
        return _json({"error": scrub(str(error))}, NOT_FOUND)
    except UsageError as error:
        return _json({"error": scrub(str(error))}, REFUSED)
    except AgentkitError as error:
        return _json({"error": scrub(str(error))}, UNAVAILABLE)


def _fault(_: Request, error: Exception) -> Response:
    """What nobody thought of is told in a sentence as well."""
    return _json({"error": scrub(f"this could not be told: {type(error).__name__}: {error}")}, FAULT)


def _live(journal: SqliteJournal) -> Callable[[Request], Response]:
    def watch(_: Request) -> Response:
        return StreamingResponse(changes(journal), media_type="text/event-stream")

    return watch


def _wish(do: Callable[[Mapping[str, JsonValue]], Facts]) -> Callable[[Request], object]:
    async def grant(request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_WISH:
                return _json({"error": f"the request is larger than {LARGEST_WISH:,} bytes"}, REFUSED)
        try:
            wish = json.loads(body)
        except (ValueError, RecursionError):
            wish = None
        if not isinstance(wish, dict):
            return _json({"error": "the request is no JSON object"}, REFUSED)
        return await run_in_threadpool(_told, lambda: do(wish))

    return grant
