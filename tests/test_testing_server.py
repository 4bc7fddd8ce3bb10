"""A model server on this machine that answers from a script."""

import asyncio
import gc
import io
import json
import socket
import threading
import urllib.request

import httpx
import pytest

from agentkit.errors import UsageError
from agentkit.messages import Message, Reasoning, ToolCall, Usage
from agentkit.model import Reply
from agentkit.testing import FakeClock, Fault, ModelServer, call, chunks, completion, reply

HELLO = [{"role": "user", "content": "Hello!"}]
RICH = reply("Hello, 世界!", reasoning="Greet them.", calls=[call("add", a=1), call("now")])


@pytest.fixture(autouse=True)
def nothing_is_reported(caplog):
    """A server whose clients come, go and hang gives asyncio nothing to complain about."""
    yield
    gc.collect()
    assert [] == [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"]


def asked(messages=None, **more):
    return {"model": "m", "messages": HELLO if messages is None else messages, **more}


async def post(server, body=None, **more):
    async with httpx.AsyncClient() as client:
        return await client.post(f"{server.base_url}/chat/completions", json=body or asked(), **more)


async def raw(server, request: bytes) -> bytes:
    """What comes back for these bytes until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.base_url).port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def read_until_broken(response, found: io.BytesIO) -> None:
    """Keep what arrives, although the end raises."""
    async for piece in response.aiter_raw():
        found.write(piece)


def written(body, *headers: str) -> bytes:
    data = json.dumps(body).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", f"content-length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def events(body: bytes) -> list:
    return [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {")]


def add(text: str = '{"a":1}', call_id: object = "c1", **more) -> dict:
    return {"id": call_id, "type": "function", "function": {"name": "add", "arguments": text}, **more}


def assistant(*calls, content=None) -> dict:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def told(call_id="c1", content="2") -> dict:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


async def test_a_whole_reply_has_the_documented_shape():
    """A reply carries text, reasoning, calls with ids, the finish reason and what was counted."""
    said = reply("Hi", reasoning="Greet.", calls=[call("add", a=1)], usage=Usage(10, 5, 4, 3))
    async with ModelServer(said) as server:
        response = await post(server)
    function = {"name": "add", "arguments": '{"a": 1}'}
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "Greet.",
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }

    assert (200, "application/json", "req_1") == (
        response.status_code,
        response.headers["content-type"],
        response.headers["x-request-id"],
    )
    assert {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    } == response.json()


@pytest.mark.parametrize(
    ("expected", "said"),
    [("Hi", reply("Hi")), ("", reply("")), (None, reply(calls=[call("now")]))],
)
def test_content_is_null_only_beside_calls(expected, said):
    """A reply without text has an empty one, or null where there are calls."""
    assert expected == json.loads(completion(said))["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("expected", "usage"),
    [(None, Usage()), ({"prompt_tokens": 1}, Usage(input=1)), ({"completion_tokens": 2}, Usage(output=2))],
)
def test_usage_is_told_as_far_as_it_is_known(expected, usage):
    """A server that did not count leaves the key out."""
    assert expected == json.loads(completion(reply("Hi", usage=usage))).get("usage")


def test_provider_data_goes_beside():
    """Opaque reasoning data and unknown keys of message and call stand where a provider puts them."""
    thought = Reasoning("Hm", "reasoning", '{"encrypted_content":"ENC=="}')
    calls = (ToolCall("c", "f", "{}", '{"extra_content":{"s":1}}'),)
    said = Reply(message=Message("assistant", "Hi", reasoning=thought, tool_calls=calls, extra='{"audio":null}'))
    message = json.loads(completion(said))["choices"][0]["message"]
    deltas = [event["choices"][0]["delta"] for event in events(b"".join(chunks(said)))]

    assert ("Hm", "ENC==", None, {"s": 1}) == (
        message["reasoning"],
        message["encrypted_content"],
        message["audio"],
        message["tool_calls"][0]["extra_content"],
    )
    assert [
        {"role": "assistant", "content": ""},
        {"reasoning": "H"},
        {"reasoning": "m"},
        {"content": "", "encrypted_content": "ENC==", "audio": None},
        {"content": "H"},
        {"content": "i"},
    ] == deltas[:6]
    assert {"s": 1} == deltas[6]["tool_calls"][0]["extra_content"]


def test_half_a_surrogate_pair_is_escaped():
    """A text that has no UTF-8 is still sent, as JSON allows."""
    assert b'"content":"\\ud800"' in completion(reply("\ud800"))


async def test_a_stream_has_the_documented_shape():
    """A stream brings role, reasoning, text and calls in pieces, then the reason, the usage and [DONE]."""
    async with ModelServer(RICH) as server:
        response = await post(server, asked(stream=True, stream_options={"include_usage": True}))
    found = events(response.content)
    deltas = [event["choices"][0]["delta"] for event in found[:-1]]
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]

    assert "text/event-stream; charset=utf-8" == response.headers["content-type"]
    assert response.content.endswith(b"\n\ndata: [DONE]\n\n")
    assert {"role": "assistant", "content": ""} == deltas[0]
    assert "Greet them." == "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert "Hello, 世界!" == "".join(delta.get("content", "") for delta in deltas)
    function = {"name": "add", "arguments": ""}
    assert {"index": 0, "id": "call_1", "type": "function", "function": function} == calls[0]
    assert '{"a": 1}' == "".join(one["function"]["arguments"] for one in calls if one["index"] == 0)
    assert [None, None, "tool_calls"] == [event["choices"][0]["finish_reason"] for event in found[-4:-1]]
    assert ([], 15) == (found[-1]["choices"], found[-1]["usage"]["total_tokens"])
    assert {"chat.completion.chunk"} == {event["object"] for event in found}


async def test_a_stream_counts_only_when_asked():
    """Without `include_usage`, or without a count, no chunk has an empty list of choices."""
    async with ModelServer("a", reply("b", usage=Usage())) as server:
        bodies = [asked(stream=True), asked(stream=True, stream_options={"include_usage": True})]
        found = [events((await post(server, body)).content) for body in bodies]

    assert [True, True] == [all(event["choices"] for event in each) for each in found]


async def test_it_keeps_what_it_was_asked():
    """Bodies, their bytes and the headers can be looked at."""
    async with ModelServer("a") as server:
        await post(server, asked(temperature=0), headers={"X-Mine": "1"})

    assert [asked(temperature=0)] == server.requests == [json.loads(server.bodies[0])]
    assert "1" == server.headers[0]["x-mine"]


async def test_connections_are_kept():
    """One connection serves request after request, whole and streamed."""
    async with (
        ModelServer("a", "b", "c") as server,
        httpx.AsyncClient(limits=httpx.Limits(max_connections=1)) as client,
    ):
        url = f"{server.base_url}/chat/completions"
        ports = set()
        for streamed in (False, True, False):
            response = await client.post(url, json=asked(stream=streamed))
            ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))

    assert 1 == len(ports)


async def test_a_function_gets_the_body():
    """A function in the script is given the request's body, and decides."""
    async with ModelServer(lambda body: lambda _: f"You said {body['messages'][0]['content']}") as server:
        response = await post(server)

    assert "You said Hello!" == response.json()["choices"][0]["message"]["content"]


async def test_ids_avoid_those_in_the_conversation():
    """A server started anew does not give a call the id of an earlier one."""
    history = [*HELLO, assistant(add(call_id="call_1")), told("call_1")]
    async with ModelServer(call("now")) as server:
        response = await post(server, asked(history))

    assert "call_2" == response.json()["choices"][0]["message"]["tool_calls"][0]["id"]


async def test_it_names_its_model():
    """The list of models has the server's name, wherever the request's query points."""
    async with ModelServer(name="mine") as server, httpx.AsyncClient() as client:
        response = await client.get(f"{server.base_url}/models?limit=1")

    assert ["mine"] == [model["id"] for model in response.json()["data"]]


async def test_other_addresses_are_not_found():
    """An unknown path is 404 in JSON, and the message says what there is."""
    async with ModelServer() as server, httpx.AsyncClient() as client:
        response = await client.post(f"{server.base_url}/responses", json={})

    assert (404, "unknown_url") == (response.status_code, response.json()["error"]["code"])
    assert "POST /v1/chat/completions" in response.json()["error"]["message"]


async def test_a_wrong_key_is_refused():
    """With a key set, another key and no key are 401, and no entry is used up."""
    async with ModelServer("a", api_key="right") as server:
        keys = ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer right"})
        responses = [await post(server, headers=key) for key in keys]

    assert [401, 401, 200] == [response.status_code for response in responses]
    assert ("invalid_api_key", 3) == (responses[0].json()["error"]["code"], len(server.requests))


async def test_a_request_beyond_the_script_is_an_error():
    """One request too many is 500, says which it is, and tells clients not to try again."""
    async with ModelServer("a") as server:
        await post(server)
        response = await post(server)

    assert (500, "false") == (response.status_code, response.headers["x-should-retry"])
    assert "the script has no entry for request 2; it has 1" == response.json()["error"]["message"]


async def test_the_last_entry_can_repeat():
    """Asked to, the last entry answers everything that follows."""
    async with ModelServer("a", "b", repeat_last=True) as server:
        responses = [await post(server) for _ in range(3)]

    assert ["a", "b", "b"] == [response.json()["choices"][0]["message"]["content"] for response in responses]


async def test_unused_entries_fail_at_the_end_of_the_block():
    """A script that was not asked to its end fails, and the message names what is left."""
    with pytest.raises(AssertionError, match="2 of 2 script entries were not asked for: 'a', 'b'"):
        async with ModelServer("a", "b") as server:
            pass

    assert ("a", "b") == server.unused


async def test_an_exception_in_the_block_goes_first():
    """What went wrong in the block is not hidden by the rest of the script."""
    with pytest.raises(ZeroDivisionError):
        async with ModelServer("a"):
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (ZeroDivisionError, lambda _: 1 / 0),
        (UsageError, lambda _: None),
        (UsageError, None),
        (UsageError, Fault.cut("Hi", after=10_000)),
    ],
)
async def test_a_failing_entry_is_told_twice(error, wrong):
    """A function that fails, or what is no entry, is a final 500 for the client, and fails the block."""
    server = ModelServer(wrong)
    with pytest.raises(AssertionError, match="an entry of the script failed") as caught:
        async with server:
            response = await post(server)

    assert (500, "false") == (response.status_code, response.headers["x-should-retry"])
    assert isinstance(caught.value.__cause__, error)


def test_it_runs_in_a_thread():
    """A plain `with` serves code that has no event loop, such as the standard library's client."""
    with ModelServer("Hi") as server:
        body = json.dumps(asked()).encode()
        request = urllib.request.Request(f"{server.base_url}/chat/completions", body)
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)

    assert "Hi" == answer["choices"][0]["message"]["content"]
    assert "" == server.base_url


def test_an_exception_in_a_threads_block_goes_first():
    """In a plain `with` too, what went wrong inside comes out."""
    with pytest.raises(ZeroDivisionError), ModelServer("a"):
        raise ZeroDivisionError


async def test_closing_what_does_not_run_does_nothing():
    """A server can be closed twice, and before it was started."""
    server = ModelServer()
    await server.close()
    await server.start()
    await server.close()
    await server.close()

    assert "" == server.base_url


UNANSWERED = "must be followed by tool messages responding to each 'tool_call_id'"


@pytest.mark.parametrize(
    ("expected", "messages"),
    [
        ("empty array", []),
        ("Missing required parameter: 'messages'", None),
        ("the role must be one of", ["Hello!"]),
        ("the role must be one of", [{"role": "robot", "content": "a"}]),
        ("a message must not be empty", [{"role": "user"}]),
        ("a message must not be empty", [*HELLO, {"role": "assistant", "content": ""}]),
        ("minimum length 1", [*HELLO, assistant(content="a")]),
        ("response to a preceeding message", [*HELLO, told()]),
        ("response to a preceeding message", [*HELLO, assistant(add()), told("c2")]),
        ("response to a preceeding message", [*HELLO, assistant(add()), told(None)]),
        ("response to a preceeding message", [*HELLO, assistant(add()), told(), *HELLO, told()]),
        (f"{UNANSWERED}. The following tool_call_ids did not have response messages: c1", [assistant(add())]),
        (UNANSWERED, [assistant(add()), *HELLO, told()]),
        (
            f"{UNANSWERED}. The following tool_call_ids did not have response messages: c2",
            [assistant(add(), add(call_id="c2")), told()],
        ),
        ("Duplicate value for 'tool_call_id' of 'c1'", [assistant(add()), told(), told()]),
        ("Duplicate value for 'id' of 'c1'", [assistant(add(), add()), told()]),
        ("expected a string", [assistant(add()), told(content=None)]),
        ("id': expected a string", [assistant(add(call_id="")), told("")]),
        ("id': expected a string", [assistant(add(call_id=1)), told()]),
        ("expected a function with a name", [assistant(add(type="custom")), told()]),
        ("expected a function with a name", [assistant(add(function={})), told()]),
        ("a string that is a JSON object", [assistant(add('{"a":')), told()]),
        ("a string that is a JSON object", [assistant(add("[]")), told()]),
        ("a string that is a JSON object", [assistant(add({"a": 1})), told()]),
    ],
)
async def test_a_conversation_that_is_not_in_order_is_refused(expected, messages):
    """A strict server answers 400 to a broken conversation, says where, and uses up no entry."""
    async with ModelServer() as server:
        response = await post(server, {"model": "m", "messages": messages})
        error = response.json()["error"]

    assert (400, "invalid_request_error") == (response.status_code, error["type"])
    assert expected in error["message"]
    assert error["param"].startswith("messages")


async def test_a_request_must_name_a_model():
    """A body without a model is refused."""
    async with ModelServer() as server:
        response = await post(server, {"messages": HELLO})

    assert (400, "model") == (response.status_code, response.json()["error"]["param"])


async def test_a_conversation_in_order_is_taken():
    """Parallel calls answered in any order, and all roles, are in order."""
    history = [
        {"role": "system", "content": "Be brief."},
        *HELLO,
        assistant(add(), add(call_id="c2")),
        told("c2"),
        told("c1", ""),
        assistant(add(), content="again"),
        told(),
        {"role": "assistant", "content": "2"},
        *HELLO,
    ]
    async with ModelServer("a") as server:
        response = await post(server, asked(history))

    assert 200 == response.status_code


@pytest.mark.parametrize("messages", [None, 7, ["a"], [assistant(add()), {"role": "assistant", "tool_calls": 1}]])
async def test_a_lenient_server_takes_anything(messages):
    """Without `strict` whatever is an object is answered."""
    async with ModelServer(call("now"), strict=False) as server:
        response = await post(server, {"messages": messages, "stream_options": None})

    assert "scripted" == response.json()["model"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(body):
    """What is no JSON object is 400, and is kept as bytes."""
    async with ModelServer() as server, httpx.AsyncClient() as client:
        response = await client.post(f"{server.base_url}/chat/completions", content=body)

    assert (400, [body], [{}]) == (response.status_code, server.bodies, server.requests)


async def test_a_body_in_chunks_is_read():
    """A request may send its body in chunks, with extensions and trailers."""
    data = json.dumps(asked()).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunked = b"5;x=1\r\n" + data[:5] + b"\r\n" + b"%x\r\n" % (len(data) - 5) + data[5:] + b"\r\n0\r\nX-End: 1\r\n\r\n"
    async with ModelServer("Hi") as server:
        response = await raw(server, head + chunked)

    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [asked()] == server.requests


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nmany\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"y" * (1 << 21),
    ],
)
async def test_what_is_no_request_is_refused(request_bytes):
    """Bytes that are no HTTP request get a 400, the connection ends, and others are served."""
    async with ModelServer("Hi") as server:
        response = await raw(server, request_bytes)
        other = await post(server)

    assert 200 == other.status_code
    assert response.startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1\r\nConnection: close"])
async def test_a_connection_ends_when_the_client_wants_it(version):
    """After the answer to an old client, or to one that says so, the connection closes."""
    async with ModelServer() as server:
        response = await raw(server, f"GET /v1/models {version}\r\n\r\n".encode())

    assert response.endswith(b"}]}")


async def test_a_status_is_what_the_script_says():
    """A status comes with its headers and its body: JSON, text or bytes."""
    faults = (
        Fault.status(429, {"error": {"code": 1}}, headers={"Retry-After": "1"}),
        Fault.status(503, "busy", headers={"Content-Type": "text/x"}),
        Fault.status(499, b"\xff"),
    )
    async with ModelServer(*faults) as server:
        first, second, third = [await post(server) for _ in faults]

    assert (429, "1", {"error": {"code": 1}}) == (first.status_code, first.headers["retry-after"], first.json())
    assert (503, "busy", "text/x") == (
        second.status_code,
        second.text,
        second.headers["content-type"],
    )
    assert (499, b"\xff", "text/plain; charset=utf-8") == (
        third.status_code,
        third.content,
        third.headers["content-type"],
    )


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        ((200, "application/json", b'{"error":"no"}'), Fault.json({"error": "no"})),
        ((200, "text/x", b"hi"), Fault.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nhi")),
        ((200, "text/event-stream; charset=utf-8", b"data: 1\n\n"), Fault.sse(b"data: 1\n\n")),
        ((200, "text/event-stream; charset=utf-8", b"data: 1\n\n"), Fault.sse(b"data: 1\n\n", close=False)),
    ],
)
async def test_bytes_of_the_script_come_as_they_are(expected, fault):
    """A body, a stream or a whole response of the script is sent byte for byte."""
    async with ModelServer(fault) as server:
        response = await post(server)

    assert expected == (response.status_code, response.headers["content-type"], response.content)


@pytest.mark.parametrize(("expected", "status"), [("Welcome", 200), ("502 Bad Gateway", 502)])
async def test_a_page_for_people(expected, status):
    """A wrong address and a gateway answer with HTML."""
    async with ModelServer(Fault.html(status)) as server:
        response = await post(server)

    assert (status, "text/html; charset=utf-8") == (response.status_code, response.headers["content-type"])
    assert expected in response.text


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("after", [0, 1, 200])
async def test_a_cut_ends_in_the_middle(streamed, after):
    """A cut reply has so many bytes of its body, and the connection ends before the body does."""
    found = io.BytesIO()
    async with ModelServer(Fault.cut("Hello, you there!", after=after)) as server, httpx.AsyncClient() as client:
        url = f"{server.base_url}/chat/completions"
        async with client.stream("POST", url, json=asked(stream=streamed)) as response:
            with pytest.raises(httpx.RemoteProtocolError):
                await read_until_broken(response, found)

    assert (200, after) == (response.status_code, len(found.getvalue()))


async def test_silence_lasts_until_somebody_leaves():
    """A silent server says nothing; the client that gives up frees it."""
    async with ModelServer(Fault.silent(), "Hi") as server:
        with pytest.raises(httpx.ReadTimeout):
            await post(server, timeout=httpx.Timeout(None, read=0.05))
        response = await post(server)

    assert 200 == response.status_code


async def test_silence_can_come_in_the_middle():
    """A reply can begin and then stop, while the connection stays open."""
    async with (
        ModelServer(Fault.silent("Hi", after=20)) as server,
        httpx.AsyncClient(timeout=None) as client,
        client.stream("POST", f"{server.base_url}/chat/completions", json=asked(stream=True)) as response,
    ):
        body = response.aiter_raw(20)
        begun = await anext(body)
        await server.close()
        with pytest.raises(httpx.TransportError):
            await anext(body)

    assert b'data: {"id":"chatcmp' == begun


async def test_closing_does_not_wait_for_those_who_hang():
    """A server with silent connections closes at once, and the clients are cut off."""
    here = asyncio.Semaphore(0)

    def hang(body):
        here.release()
        return Fault.slow("Hi", pause=3600) if body["stream"] else Fault.silent()

    server = ModelServer(hang, repeat_last=True)
    await server.start()
    hanging = [asyncio.create_task(post(server, asked(stream=streamed), timeout=None)) for streamed in (False, True)]
    await here.acquire()
    await here.acquire()
    await server.close()
    outcomes = await asyncio.gather(*hanging, return_exceptions=True)

    assert [True, True] == [isinstance(outcome, httpx.TransportError) for outcome in outcomes]


def test_a_thread_closes_with_those_who_hang():
    """A server in a thread closes at once too, with a client that waits and one that has said nothing."""
    here = threading.Event()

    def hang(_):
        here.set()
        return Fault.silent()

    with ModelServer(hang) as server:
        address = ("127.0.0.1", httpx.URL(server.base_url).port)
        with socket.create_connection(address) as waiting, socket.create_connection(address):
            waiting.sendall(written(asked()))
            here.wait()
            server.assert_finished()

    assert () == server.unused


async def test_a_client_may_leave_in_the_middle():
    """A client that goes away during a long stream, or during its own request, disturbs nobody."""
    long = Fault.ragged("Hello! " * 20_000, size=50)
    async with ModelServer(long, "Hi") as server:
        url = f"{server.base_url}/chat/completions"
        async with httpx.AsyncClient() as client, client.stream("POST", url, json=asked(stream=True)) as response:
            await anext(response.aiter_raw())
        with socket.create_connection(("127.0.0.1", httpx.URL(server.base_url).port)) as leaving:
            leaving.sendall(written(asked())[:-5])
        response = await post(server)

    assert "Hi" == response.json()["choices"][0]["message"]["content"]


async def test_a_slow_reply_waits_on_the_clock():
    """A slow reply waits before each piece, for as long as the script says."""
    clock = FakeClock(auto=True)
    async with ModelServer(Fault.slow("Hi", pause=2.0), clock=clock) as server:
        response = await post(server, asked(stream=True))

    assert [2.0] * len(chunks(reply("Hi"))) == clock.slept
    assert b"".join(chunks(reply("Hi"), "m")) == response.content


async def test_a_delay_is_for_streams():
    """A server's delay paces its streams and leaves whole replies alone."""
    clock = FakeClock(auto=True)
    async with ModelServer("a", "b", delay=0.05, clock=clock) as server:
        await post(server)
        await post(server, asked(stream=True))

    assert {0.05} == set(clock.slept)


@pytest.mark.parametrize("streamed", [False, True])
async def test_ragged_pieces_are_the_same_bytes(streamed):
    """Cut into odd pieces, even inside a character, a reply is the same reply."""
    async with ModelServer(RICH, Fault.ragged(RICH, size=1)) as server:
        plain, ragged = [(await post(server, asked(stream=streamed))).content for _ in range(2)]

    assert plain.replace(b"call_1", b"call_3").replace(b"call_2", b"call_4") == ragged


async def test_faults_can_be_put_in_each_other():
    """A fault spoils what another one made."""
    body = b"".join(chunks(reply("Hello!")))
    fault = Fault.ragged(Fault.cut(Fault.sse(body), after=30), size=7)
    async with ModelServer(lambda _: fault) as server:
        response = await post(server, asked(stream=True))

    assert body[:30] == response.content
