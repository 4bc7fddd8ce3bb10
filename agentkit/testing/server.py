"""A model server on this machine that answers from a script, over a real socket.

It speaks Chat Completions as Doubao and OpenAI do, whole and streamed, and refuses a conversation that a strict
server would refuse.  It is for tests and demonstrations: it listens on the loopback address only.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from agentkit.clock import Clock, SystemClock
from agentkit.messages import ToolCall
from agentkit.model import Reply
from agentkit.testing.encoding import CREATED, chunks, completion, encode
from agentkit.testing.exchange import Answer, Incoming, Unreadable, answer, read_request, send
from agentkit.testing.faults import EVENT_STREAM, JSON, Body, Fault, Served
from agentkit.testing.scripted import Script, ScriptEnded, as_reply, no_entry
from agentkit.testing.strict import Refused, check_request

_HEAD = 1 << 20
"""Most bytes of a request's head."""

_COMPLETIONS = "POST /v1/chat/completions"
_MODELS = "GET /v1/models"

_FINAL = {"x-should-retry": "false"}
"""Tells a client that asking again will not help."""


class ModelServer:
    """A Chat Completions server with a script.

        async with ModelServer(call("add", a=1, b=2), "3") as server:
            model = Chat("scripted", base_url=server.base_url, api_key="-")

    A plain `with` runs it in a thread.  At the end of either block it makes sure that the whole script was asked for.

    Args:
        script: What it answers to the first request, the second, …: as for `ScriptedModel`, where a function is
            given the request's body as a dict, and a `Fault`.
        name: The model that it says it has; a request may name any.
        api_key: The key to demand; None demands none.
        strict: Whether to refuse a conversation that is not in order, with status 400.
        delay: Seconds before each piece of a stream.
        repeat_last: Whether the last entry answers every later request too.
        clock: What the delays are waited on.

    Attributes:
        base_url: Its address, up to `/v1`; empty while it does not run.
        requests: The bodies of the requests for a completion; `{}` for one that was no JSON object.
        bodies: The same, as the bytes that came.
        headers: Their headers, by name in lower case.
        failures: What entries of the script raised: their functions, or what is no entry.
    """

    def __init__(
        self,
        *script: Served,
        name: str = "scripted",
        api_key: str | None = None,
        strict: bool = True,
        delay: float = 0.0,
        repeat_last: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.base_url = ""
        self.requests: list[Body] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.failures: list[Exception] = []
        self._script = Script(script, repeat_last=repeat_last)
        self._name = name
        self._api_key = api_key
        self._strict = strict
        self._delay = delay
        self._clock = clock or SystemClock()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._thread: _Thread | None = None

    @property
    def unused(self) -> tuple[Served, ...]:
        """The entries that were not asked for."""
        return self._script.unused

    def assert_finished(self) -> None:
        """Make sure that every entry of the script was asked for, and that none of them failed.

        Raises:
            AssertionError: Some were not, and the message names them; or one raised, and that is the cause.
        """
        for error in self.failures:
            raise AssertionError(f"an entry of the script failed: {error!r}") from error
        self._script.assert_finished()

    async def start(self) -> None:
        """Listen, in the running loop."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_HEAD)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"

    async def close(self) -> None:
        """Stop at once; connections that hang are dropped."""
        if self._server is None:
            return
        self._server.close()
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        self.base_url = ""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
        if error is None:
            self.assert_finished()

    def __enter__(self) -> Self:
        self._thread = _Thread()
        self._thread.run(self.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._thread is not None
        self._thread.run(self.close())
        self._thread.end()
        if error is None:
            self.assert_finished()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own can be cancelled; Python 3.11 reports one that its streams have made.
        task = asyncio.get_running_loop().create_task(self._attend(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end."""
        # A client that goes away in the middle is no error here: tests make them do that.
        try:
            with suppress(ConnectionError):
                await self._converse(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side ends it."""
        keep = True
        while keep:
            try:
                incoming = await read_request(reader)
            except Unreadable as error:
                await send(writer, _error(400, str(error)), self._clock)
                # To close with bytes unread would take the answer back.
                writer.write_eof()
                await reader.read()
                return
            if incoming is None:
                return
            given = self._answer(incoming)
            await send(writer, given, self._clock)
            if given.ending == "hang":
                await reader.read()
            keep = given.ending == "keep" and incoming.keep_alive

    def _answer(self, incoming: Incoming) -> Answer:
        asked = f"{incoming.method} {incoming.path}"
        body = self._record(incoming) if asked == _COMPLETIONS else None
        if self._api_key is not None and incoming.headers.get("authorization") != f"Bearer {self._api_key}":
            return _error(401, "Incorrect API key provided.", code="invalid_api_key")
        if asked == _MODELS:
            model: JsonValue = {"id": self._name, "object": "model", "created": CREATED, "owned_by": "agentkit"}
            return answer(200, JSON, [encode({"object": "list", "data": [model]})])
        if asked != _COMPLETIONS:
            return _error(
                404, f"Invalid URL ({asked}); this server has {_COMPLETIONS} and {_MODELS}", code="unknown_url"
            )
        if body is None:
            return _error(400, "We could not parse the JSON body of your request; it must be an object.")
        return self._complete(body)

    def _record(self, incoming: Incoming) -> Body | None:
        """Keep a request; its body as an object, if it is one."""
        try:
            body = json.loads(incoming.body)
        except ValueError:
            body = None
        known = body if isinstance(body, dict) else None
        self.requests.append(known or {})
        self.bodies.append(incoming.body)
        self.headers.append(incoming.headers)
        return known

    def _complete(self, body: Body) -> Answer:
        try:
            if self._strict:
                check_request(body)
            return self._play(self._script.take(), body)
        except Refused as error:
            return _error(400, str(error), param=error.param)
        except ScriptEnded as error:
            return _error(500, str(error), kind="server_error", headers=_FINAL)
        except Exception as error:  # noqa: BLE001 - it is the test's own function, and the test is told at its end
            self.failures.append(error)
            return _error(500, f"an entry of the script failed: {error!r}", kind="server_error", headers=_FINAL)

    def _play(self, entry: Served | Answer, body: Body) -> Answer:
        """What an entry answers to a request."""
        if isinstance(entry, Answer):
            return entry
        if isinstance(entry, Fault):
            return entry.spoil(self._play(entry.entry, body))
        if isinstance(entry, str | ToolCall | Sequence | Reply):
            said = as_reply(entry)
            return self._say(self._script.name_calls(said, _call_ids(body) if said.message.tool_calls else ()), body)
        if not callable(entry):
            raise no_entry(entry)
        return self._play(entry(body), body)

    def _say(self, said: Reply, body: Body) -> Answer:
        """A reply in the form that the request asks for."""
        model = str(body.get("model") or self._name)
        request_id = {"x-request-id": said.request_id or f"req_{len(self.requests)}"}
        if not body.get("stream"):
            return answer(200, JSON | request_id, [completion(said, model)])
        options = body.get("stream_options")
        counted = isinstance(options, dict) and options.get("include_usage") is True
        events = chunks(said, model, include_usage=counted)
        return replace(answer(200, EVENT_STREAM | request_id, events, chunked=True), pause=self._delay or None)


class _Thread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="agentkit-model-server", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[None, None, None]) -> None:
        """Wait for some work there."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _error(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An error as OpenAI words it."""
    body: JsonValue = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return answer(status, {**JSON, **(headers or {})}, [encode(body)])


def _call_ids(body: Body) -> set[object]:
    """The ids of all calls in a conversation, which may be out of order."""
    messages = body.get("messages")
    told = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    asked = [message["tool_calls"] for message in told if isinstance(message.get("tool_calls"), list)]
    return {call.get("id") for calls in asked for call in calls if isinstance(call, dict)}
