"""The model behind an endpoint, over a socket and without one."""

import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import textwrap

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from agentkit.chat.assemble import Assembler
from agentkit.chat.chat import Chat
from agentkit.chat.connection import _OPEN
from agentkit.chat.credentials import completions_of, credentials
from agentkit.chat.deadline import Deadline
from agentkit.chat.receive import Blame, Receiver
from agentkit.chat.sse import ServerSent
from agentkit.errors import MissingCredentials, ModelError, UsageError
from agentkit.events import ReasoningDelta, TextDelta, ToolCallDelta
from agentkit.messages import Message, Reasoning, ToolCall, Usage
from agentkit.model import Price, Reply, Request, Settings, ToolSpec
from agentkit.testing import Fault, ModelServer, call, reply
from agentkit.timeouts import Timeouts

KEY = "ark-0123456789abcdef"
NOWHERE = "http://127.0.0.1:9/v1"
HELLO = Message("user", "Hello!")
ADD = ToolSpec("add", "Add.", {"type": "object", "properties": {}})
SSE = {"content-type": "text/event-stream"}
SAID = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def nobody(event):
    """Watch nothing."""


def asking(*messages, stream=True, **more) -> Request:
    return Request(messages=messages or (HELLO,), stream=stream, **more)


def chat_to(server, **more) -> Chat:
    return Chat("m", base_url=server.base_url, **{"api_key": KEY, **more})


def answering(answer, **more) -> Chat:
    """A model whose server is a function from a request to a response."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Chat("m", base_url="https://example.com/v1", api_key=KEY, client=client, **more)


def saying(content, *, status=200, headers=None) -> Chat:
    """A model whose server always answers the same."""
    return answering(lambda _: httpx.Response(status, headers=headers or SSE, content=content))


async def failure(chat: Chat, request: Request | None = None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await chat.request(request or asking(), nobody)
    return caught.value


# What is said and what is sent.


@pytest.mark.parametrize("stream", [True, False])
async def test_a_reply_arrives_whole(stream):
    """Text, reasoning, opaque data, calls and usage are the same with and without a stream."""
    message = Message(
        "assistant",
        "Hello, 世界!",
        Reasoning("Greet.", "reasoning_content", '{"encrypted_content": "gA=="}'),
        (ToolCall("x", "add", '{"a" :1}'),),
        extra='{"tag": 1}',
    )
    said = Reply(message=message, usage=Usage(50, 30, 20, 12), finish_reason="tool_calls", model="m-1", request_id="r1")
    told = []
    async with ModelServer(said) as server:
        found = await chat_to(server).request(asking(tools=(ADD,), stream=stream), told.append)

    assert (message.content, message.reasoning, message.tool_calls, message.extra) == (
        found.message.content,
        found.message.reasoning,
        found.message.tool_calls,
        found.message.extra,
    )
    assert (said.usage, "tool_calls", "m-1", "r1", ()) == (
        found.usage,
        found.finish_reason,
        found.model,
        found.request_id,
        found.warnings,
    )
    texts = {kind: "".join(e.text for e in told if isinstance(e, kind)) for kind in (TextDelta, ReasoningDelta)}
    assert (
        {TextDelta: "Hello, 世界!", ReasoningDelta: "Greet."} if stream else {TextDelta: "", ReasoningDelta: ""}
    ) == texts
    assert stream == (ToolCallDelta(0, "add", "") in told)


async def test_a_request_has_the_key_and_the_headers():
    """The key is a bearer's, and an extra header counts for more than one of ours."""
    async with ModelServer("Hi", api_key=KEY) as server:
        await chat_to(server, settings=Settings(extra_headers={"X-Tag": "a", "Accept": "b"})).request(asking(), nobody)

    found = server.headers[0]
    assert (f"Bearer {KEY}", "a", "b", "application/json") == (
        found["authorization"],
        found["x-tag"],
        found["accept"],
        found["content-type"],
    )


async def test_settings_of_the_request_count_for_more():
    """Those of the model are what is said where a request says nothing."""
    async with ModelServer("Hi") as server:
        chat = chat_to(server, settings=Settings(temperature=0.5, max_tokens=9, extra_body={"a": 1}))
        await chat.request(asking(settings=Settings(temperature=0.0, extra_body={"b": 2})), nobody)

    assert (0.0, 9, 1, 2) == tuple(server.requests[0][name] for name in ("temperature", "max_tokens", "a", "b"))


@pytest.mark.parametrize("stream", [True, False])
async def test_what_came_goes_back(stream):
    """Reasoning, opaque data, unknown keys and raw arguments are on the same message of the next request."""
    called = ToolCall("x", "add", '{"a" :1.0}', '{"extra_content": {"s": 1}}')
    thought = Reasoning("Hm.", "reasoning_content", '{"encrypted_content": "gA=="}')
    said = Reply(message=Message("assistant", "", thought, (called,), extra='{"tag": 1}'), finish_reason="tool_calls")
    async with ModelServer(said, "Done.") as server:
        chat = chat_to(server)
        first = await chat.request(asking(tools=(ADD,), stream=stream), nobody)
        result = Message("tool", "2", call_id="x")
        await chat.request(asking(HELLO, first.message, result, tools=(ADD,), stream=stream), nobody)

    assert {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Hm.",
        "encrypted_content": "gA==",
        "tag": 1,
        "tool_calls": [
            {
                "id": "x",
                "type": "function",
                "function": {"name": "add", "arguments": '{"a" :1.0}'},
                "extra_content": {"s": 1},
            }
        ],
    } == server.requests[1]["messages"][1]
    assert server.bodies[1].startswith(server.bodies[0].removesuffix(b"]}") + b",")


async def test_what_came_goes_to_nobody_else():
    """Another model at the same address is sent the words and the calls alone."""
    said = Reply(message=Message("assistant", "Hi.", Reasoning("Hm.", "reasoning_content"), extra='{"tag": 1}'))
    async with ModelServer(said, "Done.") as server:
        first = await chat_to(server).request(asking(), nobody)
        other = Chat("other", base_url=server.base_url)
        await other.request(asking(HELLO, first.message, HELLO), nobody)

    assert {"role": "assistant", "content": "Hi."} == server.requests[1]["messages"][1]


async def test_a_price_is_applied():
    """A reply costs what the price says of its usage."""
    async with ModelServer(reply("Hi", usage=Usage(1_000_000, 500_000))) as server:
        found = await chat_to(server, price=Price(2.0, 4.0)).request(asking(), nobody)

    assert 4.0 == found.cost


# Forms of an answer.

WHOLE = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).encode()


@pytest.mark.parametrize(
    "content",
    [
        SAID + FINISH + DONE,
        SAID + FINISH,
        SAID + DONE,
        SAID + FINISH + DONE.strip(),
        b": keep-alive\n\n" + SAID + FINISH + DONE,
        b"event: ping\ndata: {}\n\ndata:\n\n" + SAID + FINISH + DONE,
        SAID + FINISH + DONE + b"data: {no\n\n",
        b"\xef\xbb\xbf" + SAID + FINISH,
        WHOLE,
        b"\n\n" + WHOLE,
        b"\xef\xbb\xbf" + WHOLE,
        json.dumps(json.loads(WHOLE), indent=1).encode(),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("headers", [SSE, {"content-type": "application/json"}, {}])
async def test_an_answer_is_read_in_the_form_it_has(content, stream, headers):
    """Whatever was asked for and whatever it is said to be, a stream is a stream and JSON is JSON."""
    found = await saying(content, headers=headers).request(asking(stream=stream), nobody)

    assert "Hi" == found.message.text


@pytest.mark.parametrize(
    ("content", "category", "code"),
    [
        (SAID, "connection_lost", "eof_before_finish"),
        (b"", "malformed_response", "empty_stream"),
        (DONE, "malformed_response", "empty_stream"),
        (SAID + b"data: {no\n\n", "malformed_response", "invalid_json_chunk"),
        (b"[" * 100_000, "malformed_response", "not_json"),
        (b"data: " + b"[" * 100_000, "malformed_response", "invalid_json_chunk"),
        (WHOLE[:-5], "malformed_response", "not_json"),
        (b'{"choices": []}', "malformed_response", "no_message"),
        (b'{"choices": [{"message": null}]}', "malformed_response", "no_message"),
        (b"<!DOCTYPE html>", "malformed_response", "not_json"),
        (b'{"error": {"message": "no", "code": "c"}}', "server_error", "c"),
        (b"[1]", "server_error", None),
        (SAID + b'data: {"error": "no"}\n\n', "server_error", None),
        (SAID + b'{"error": "no"}', "server_error", None),
        (SAID + b"event: error\ndata: no\n\n", "server_error", None),
        (SAID + b'data: {"error": {"code": 429}}\n\n', "rate_limited", "429"),
        (SAID + FINISH.replace(b"stop", b"network_error"), "server_error", "network_error"),
    ],
)
async def test_an_answer_that_is_no_reply_is_an_error(content, category, code):
    """A reply counts as whole only when its end was said, and a failure may come with the status of success."""
    error = await failure(saying(content))

    assert (category, code) == (error.category, error.code)
    assert isinstance(error.status, int)


async def test_a_page_is_a_hint_at_the_address():
    """It is no use to ask again, and the message says what to look at."""
    async with ModelServer(Fault.html()) as server:
        error = await failure(chat_to(server))

    assert ("malformed_response", False) == (error.category, error.retryable)
    assert "does it end in /v1?" in str(error)
    assert error.body.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("size", [1, 7])
async def test_a_stream_may_be_cut_anywhere(size):
    """Inside of lines and of letters."""
    said = reply("Hello, 世界!", reasoning="Hm.", calls=[call("add", a=1, call_id="x")])
    async with ModelServer(Fault.ragged(said, size=size)) as server:
        found = await chat_to(server).request(asking(tools=(ADD,)), nobody)

    assert ("Hello, 世界!", "Hm.", '{"a": 1}') == (
        found.message.text,
        found.message.reasoning.text,
        found.message.tool_calls[0].arguments,
    )


# Failures.


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "category", "retryable"), [(401, "auth", False), (404, "not_found", False), (429, "rate_limited", True)]
)
async def test_a_status_is_an_error(status, category, retryable, stream):
    """With all that the server said of it."""
    body = {"error": {"message": "no", "code": "c"}}
    headers = {"retry-after": "2", "x-request-id": "r1"}
    async with ModelServer(Fault.status(status, body, headers=headers)) as server:
        error = await failure(chat_to(server), asking(stream=stream))

    assert (category, retryable, status, "c", 2.0, "r1", body) == (
        error.category,
        error.retryable,
        error.status,
        error.code,
        error.retry_after,
        error.request_id,
        json.loads(error.body),
    )


async def test_nobody_there_is_an_error():
    """A refused connection names the address."""
    async with ModelServer() as server:
        chat = chat_to(server)
        port = httpx.URL(server.base_url).port
    error = await failure(chat)

    assert ("connection_lost", True, None) == (error.category, error.retryable, error.status)
    assert str(error).startswith(f"cannot reach 127.0.0.1:{port}: ")


@pytest.mark.parametrize(("fault", "status"), [(Fault.silent(), None), (Fault.silent("Hello!", after=9), 200)])
async def test_silence_is_an_error(fault, status):
    """Before the first byte and in the middle of a reply."""
    async with ModelServer(fault) as server:
        error = await failure(chat_to(server, timeout=0.2))

    assert ("timeout", True, status) == (error.category, error.retryable, error.status)
    assert "127.0.0.1/m took too long: no data came for 0.2 s (Timeouts.first_byte)" == str(error)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_broken_connection_is_an_error(stream):
    """Nothing of a reply that broke off is taken for one."""
    async with ModelServer(Fault.cut("Hello!", after=40)) as server:
        error = await failure(chat_to(server), asking(stream=stream))

    assert ("connection_lost", True, "transport_error", 200) == (
        error.category,
        error.retryable,
        error.code,
        error.status,
    )


async def test_no_http_is_an_error():
    """Something else listens at the address."""
    async with ModelServer(Fault.raw(b"SSH-2.0-OpenSSH\r\n")) as server:
        error = await failure(chat_to(server))

    assert "connection_lost" == error.category


async def test_a_circle_of_redirections_is_an_error():
    """A client that follows them gives up, and that is no exception of its own kind."""
    around = httpx.MockTransport(lambda request: httpx.Response(302, headers={"location": str(request.url)}))
    async with httpx.AsyncClient(transport=around, follow_redirects=True) as client:
        error = await failure(Chat("m", base_url="http://example.com/v1", client=client))

    assert "connection_lost" == error.category


# The other library of the family.


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_of_httpx2_does_as_well(stream):
    """The key goes out, the reply comes in, and the connection is used again."""
    async with ModelServer("One.", "Two.", api_key=KEY) as server, httpx2.AsyncClient() as client:
        chat = chat_to(server, client=client)
        said = [(await chat.request(asking(stream=stream), nobody)).message.text for _ in range(2)]

    assert ["One.", "Two."] == said


@pytest.mark.parametrize(
    ("fault", "category"),
    [
        (Fault.cut("Hello!", after=40), "connection_lost"),
        (Fault.raw(b""), "connection_lost"),
        (Fault.raw(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nHi"), "connection_lost"),
        (Fault.silent(), "timeout"),
        (Fault.status(503), "overloaded"),
    ],
)
async def test_the_exceptions_of_httpx2_are_model_errors_too(fault, category):
    """None of them reaches a user by its own name."""
    async with ModelServer(fault) as server, httpx2.AsyncClient() as client:
        error = await failure(chat_to(server, client=client, timeout=0.2))

    assert category == error.category


async def test_a_server_of_httpx2_that_is_not_there_is_a_model_error():
    """As with any client."""
    async with httpx2.AsyncClient() as client:
        error = await failure(Chat("m", base_url=NOWHERE, client=client))

    assert ("connection_lost", True) == (error.category, error.retryable)
    assert str(error).startswith("cannot reach 127.0.0.1:9")


@given(
    st.recursive(
        st.none() | st.floats() | st.integers() | st.text(max_size=9),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["choices", "error", "delta", "message", "base_resp", "type", "usage"]), x
            )
        ),
    ),
    st.sampled_from(["", "error"]),
)
def test_any_event_is_taken_or_is_a_model_error(value, event):
    """No JSON in a stream raises anything else."""
    response = httpx.Response(200, content=b"")

    async def take() -> bool:
        assembler, deadline = Assembler(nobody, offered=(), origin=""), Deadline(Timeouts(), endpoint="m")
        receiver = Receiver(response, assembler, deadline, Blame("m", None))
        return receiver.take([ServerSent(json.dumps(value), event)])

    with contextlib.suppress(ModelError):
        assert asyncio.run(take()) in {True, False}


# The key.


async def test_the_key_is_nowhere_to_be_read():
    """Not in what is printed, and not in an error whose server quotes it."""
    async with ModelServer(Fault.status(401, {"error": {"message": f"Invalid token ({KEY})"}})) as server:
        chat = chat_to(server)
        error = await failure(chat)

        assert f"Chat('m', base_url={server.base_url!r})" == repr(chat)
    assert not [shown for shown in (repr(chat), str(chat), str(error), repr(error), error.body) if KEY in shown]


def test_a_password_in_the_address_is_not_shown():
    """Nor is a query, which may be a key as well."""
    chat = Chat("m", base_url="https://me:secret@example.com/v1?key=secret", api_key=KEY)

    assert "Chat('m', base_url='https://example.com/v1')" == repr(chat)


@pytest.mark.parametrize("value", ["a\nb", "é"])
async def test_a_header_that_cannot_be_sent_is_the_developers_error(value):
    """And its value, which may be a key, is not quoted."""
    chat = answering(lambda _: httpx.Response(200, content=WHOLE), settings=Settings(extra_headers={"X-Key": value}))

    with pytest.raises(UsageError, match="the extra header 'X-Key' has a value with"):
        await chat.request(asking(), nobody)


URL, OTHER = "https://a.example/v1", "https://b.example/v1"


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        ((URL, "k"), {}, (URL, "k")),
        ((URL, SecretStr("k\n")), {}, (URL, "k")),
        (("http://localhost:8000/v1", None), {}, ("http://localhost:8000/v1", None)),
        ((None, None), {"AGENTKIT_BASE_URL": URL, "AGENTKIT_API_KEY": "k"}, (URL, "k")),
        ((None, None), {"OPENAI_BASE_URL": URL, "OPENAI_API_KEY": "k"}, (URL, "k")),
        ((None, None), {"OPENAI_API_KEY": "k"}, ("https://api.openai.com/v1", "k")),
        ((None, "given"), {"AGENTKIT_BASE_URL": URL, "AGENTKIT_API_KEY": "k"}, (URL, "given")),
        ((OTHER, None), {"AGENTKIT_API_KEY": "k"}, (OTHER, "k")),
        ((OTHER, None), {"OPENAI_API_KEY": "k"}, (OTHER, "k")),
        ((None, None), {"AGENTKIT_BASE_URL": URL, "AGENTKIT_API_KEY": "k", "OPENAI_API_KEY": "o"}, (URL, "k")),
        ((None, None), {"AGENTKIT_BASE_URL": "http://a.example", "OPENAI_API_KEY": "o"}, ("http://a.example", None)),
    ],
)
def test_address_and_key_come_from_arguments_then_from_the_environment(given, environment, expected):
    """And the key meant for one address is not sent to another."""
    url, key = credentials(*given, environment)

    assert expected == (url, key and key.get_secret_value())


@pytest.mark.parametrize(
    ("given", "environment", "message"),
    [
        ((None, None), {}, "no endpoint is given"),
        ((None, None), {"AGENTKIT_API_KEY": "k"}, "no endpoint is given"),
        ((URL, None), {}, "no key is given for a.example"),
        ((None, None), {"AGENTKIT_BASE_URL": URL, "OPENAI_API_KEY": "o"}, "no key is given for a.example"),
        ((OTHER, None), {"AGENTKIT_BASE_URL": URL, "AGENTKIT_API_KEY": "k"}, "no key is given for b.example"),
        ((OTHER, None), {"OPENAI_BASE_URL": URL, "OPENAI_API_KEY": "k"}, "no key is given for b.example"),
        (("a.example/v1", "k"), {}, "base_url is 'a.example/v1'"),
        (("http://a:b", "k"), {}, "base_url is 'http://a:b'; it must be an address such as"),
        ((URL, "two keys"), {}, "the key holds a space"),
        ((URL, "k\u00e9y"), {}, "the key holds a space, a control character or a letter beyond ASCII"),
    ],
)
def test_missing_credentials_say_what_to_do(given, environment, message):
    """Before anything is sent, and without the key."""
    with pytest.raises(MissingCredentials, match=message):
        credentials(*given, environment)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://a.example/v1", "https://a.example/v1/chat/completions"),
        ("https://a.example/v1/", "https://a.example/v1/chat/completions"),
        ("https://a.example", "https://a.example/chat/completions"),
        ("https://a.example/v1/chat/completions", "https://a.example/v1/chat/completions"),
        ("https://a.example/d/m?api-version=1", "https://a.example/d/m/chat/completions?api-version=1"),
    ],
)
def test_the_address_of_completions_is_below_the_base(base_url, expected):
    """A slash at the end, the whole address or a query do no harm."""
    assert expected == str(completions_of(base_url))


# Connections.


async def test_a_client_that_is_given_is_used_and_left_open():
    """It is the caller's to close, and a closed one is the developer's error."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=WHOLE))) as client:
        chat = Chat("m", base_url="http://example.com/v1", client=client)
        found = await chat.request(asking(), nobody)

        assert "Hi" == found.message.text
        assert not client.is_closed

    with pytest.raises(UsageError, match="the httpx client given to Chat is closed"):
        await chat.request(asking(), nobody)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_connection_is_used_again(stream):
    """The end of a stream is read to the end, or each step would have to connect anew."""
    ports = []

    async def note(response):
        ports.append(response.extensions["network_stream"].get_extra_info("client_addr")[1])

    async with ModelServer("One.", "Two.") as server, httpx.AsyncClient(event_hooks={"response": [note]}) as client:
        chat = chat_to(server, client=client)
        for _ in range(2):
            await chat.request(asking(stream=stream), nobody)

    assert 2 == len(ports)
    assert 1 == len(set(ports))


class Endless(httpx.AsyncByteStream):
    """Says something and then nothing more, until it is closed."""

    def __init__(self, said: bytes) -> None:
        self.said = said
        self.begun = asyncio.Event()
        self.closed = False

    async def __aiter__(self):
        yield self.said
        self.begun.set()
        await asyncio.Event().wait()

    async def aclose(self):
        self.closed = True


async def test_a_server_that_does_not_hang_up_is_not_waited_for():
    """The reply is whole when its end was said."""
    stream = Endless(SAID + FINISH + DONE)
    found = await answering(lambda _: httpx.Response(200, stream=stream)).request(asking(), nobody)

    assert "Hi" == found.message.text
    assert stream.closed


async def test_a_cancelled_request_closes_its_response():
    """In the middle of a stream, with nothing left behind."""
    stream = Endless(SAID)
    told = []
    chat = answering(lambda _: httpx.Response(200, stream=stream))
    task = asyncio.create_task(chat.request(asking(), told.append))
    await stream.begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert stream.closed
    assert [TextDelta("Hi")] == told
    gc.collect()
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_the_server_sees_that_a_request_was_cancelled():
    """The connection is closed, and the next request has another."""
    async with ModelServer(Fault.silent("Hello!", after=600), "Two.") as server:
        chat = chat_to(server)
        begun = asyncio.Event()
        task = asyncio.create_task(chat.request(asking(), lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        found = await chat.request(asking(), nobody)

    assert task.cancelled()
    assert "Two." == found.message.text


async def test_requests_at_the_same_time_share_a_client():
    """The first of them opens it."""
    async with ModelServer("Hi", repeat_last=True) as server:
        chat = chat_to(server)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(chat.request(asking(), nobody)) for _ in range(8)]

    assert ["Hi"] * 8 == [task.result().message.text for task in tasks]


def test_each_event_loop_has_a_client_that_is_closed_with_it():
    """One model serves loop after loop, breaks off and fails, and the interpreter has nothing to complain about."""
    program = """
        import asyncio, gc, logging
        from agentkit import Chat, Message, Request
        from agentkit.errors import ModelError
        from agentkit.testing import Fault, ModelServer

        async def ask(chat):
            return (await chat.request(Request(messages=(Message("user", "Hi"),), stream=True), lambda _: None)).message.text

        async def several(chat):
            return [await ask(chat), await ask(chat)]

        async def broken(chat):
            try:
                await ask(chat)
            except ModelError as error:
                return error.category

        async def cancelled(chat):
            try:
                async with asyncio.timeout(0.05):
                    await ask(chat)
            except TimeoutError:
                return "cancelled"

        # That a machine is slow is no fault.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        script = ("One.", "Two.", Fault.cut("Three.", after=300), Fault.silent("Four.", after=600), "Five.", "Six.", "Seven.", "Eight.")
        with ModelServer(*script) as server:
            chat = Chat("m", base_url=server.base_url)
            print([asyncio.run(work(chat)) for work in (several, broken, cancelled, ask)])

            async def dropped():
                said = [await ask(Chat("m", base_url=server.base_url)) for _ in range(3)]
                gc.collect()
                return said

            print(asyncio.run(dropped()))
        gc.collect()
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("", "[['One.', 'Two.'], 'connection_lost', 'cancelled', 'Five.']\n['Six.', 'Seven.', 'Eight.']\n") == (
        done.stderr,
        done.stdout,
    )


async def test_a_header_whose_name_cannot_be_sent_is_an_error():
    """The transport refuses it, and its words are not repeated, for they quote the value."""
    async with ModelServer() as server:
        error = await failure(chat_to(server, settings=Settings(extra_headers={"a b": "hidden-value"})))

    assert ("invalid_request", False) == (error.category, error.retryable)
    assert "hidden-value" not in str(error)
    assert error.__cause__ is None


async def test_a_connection_that_breaks_after_the_end_does_no_harm():
    """The reply is whole already."""

    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield SAID + FINISH + DONE
            raise httpx.ReadError("broken")

    found = await answering(lambda _: httpx.Response(200, stream=Broken())).request(asking(), nobody)

    assert "Hi" == found.message.text


def test_a_model_says_what_it_is():
    """Its id, its price, and how it is best asked for an answer in a schema."""
    price = Price(1.0, 2.0)
    chat = Chat("gpt-x", base_url="https://api.openai.com/v1", api_key=KEY, price=price)

    assert ("gpt-x", price, "json_schema") == (chat.name, chat.price, chat.output_mode)


def test_tools_are_checked_before_anything_is_sent():
    """A provider that enforces no schema cannot be asked to."""
    chat = Chat("m", base_url="http://example.com/v1")
    chat.check((ADD,))

    with pytest.raises(UsageError, match="enforces no schemas"):
        chat.check((ToolSpec("add", "Add.", {"type": "object", "properties": {}}, strict=True),))


def test_a_loop_that_was_closed_leaves_no_client():
    """A program that closes its loops itself, without a shutdown, pays for one client and not for each loop."""
    model, before = Chat("m", base_url=NOWHERE), len(_OPEN)
    for _ in range(3):
        loop = asyncio.new_event_loop()
        with pytest.raises(ModelError, match="cannot reach"):
            loop.run_until_complete(model.request(asking(), nobody))
        loop.close()

    assert before + 1 == len(_OPEN)
