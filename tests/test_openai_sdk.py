"""One server, two clients: what ours sees and says is what OpenAI's own SDK sees and says."""

import json
from dataclasses import dataclass

import openai
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import BaseModel, TypeAdapter

from agentkit import Agent, Chat, Settings, tool
from agentkit.chat.providers import profile_named
from agentkit.errors import ModelError
from agentkit.messages import File, Image, Message, Reasoning, Text, ToolCall, Usage
from agentkit.model import Reply, Request
from agentkit.testing import Fault, ModelServer, call, reply

KEY = "sk-0123456789abcdef"
HELLO = [{"role": "user", "content": "Hello!"}]
COUNTED = {"include_usage": True}


@dataclass(frozen=True)
class Seen:
    """A reply, as far as both clients tell it."""

    text: str
    beside: dict
    """Reasoning, opaque data and every key that nobody knows."""
    calls: list
    finish_reason: str
    usage: Usage
    model: str
    request_id: str | None


def unpacked(text: str) -> dict:
    return json.loads(text) if text else {}


def sdk_to(server, **more) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=server.base_url, api_key=KEY, max_retries=0, **more)


# Our client.


async def ask(server, *, stream, patience=30.0) -> Reply:
    chat = Chat("m", base_url=server.base_url, api_key=KEY, timeout=patience)
    return await chat.request(Request(messages=(Message("user", "Hello!"),), stream=stream), lambda _: None)


def seen_by_us(found: Reply) -> Seen:
    message, thought = found.message, found.message.reasoning
    words = {thought.field: thought.text} if thought and thought.text else {}
    return Seen(
        text=message.text,
        beside=words | unpacked(thought.opaque if thought else "") | unpacked(message.extra),
        calls=[(one.id, one.name, one.arguments, unpacked(one.extra)) for one in message.tool_calls],
        finish_reason=found.finish_reason,
        usage=found.usage,
        model=found.model,
        request_id=found.request_id,
    )


# The SDK.


async def ask_sdk(client, *, stream, messages=HELLO, **more):
    """A completion and its request id; the SDK itself puts a stream together."""
    if not stream:
        found = await client.chat.completions.create(model="m", messages=messages, **more)
        return found, found._request_id
    pieces = await client.chat.completions.create(
        model="m", messages=messages, stream=True, stream_options=COUNTED, **more
    )
    state = ChatCompletionStreamState()
    async for piece in pieces:
        state.handle_chunk(piece)
    return state.current_completion_snapshot, pieces.response.headers["x-request-id"]


def usage_of(counted) -> Usage:
    if counted is None:
        return Usage()
    prompt, completion = counted.prompt_tokens_details, counted.completion_tokens_details
    return Usage(
        counted.prompt_tokens,
        counted.completion_tokens,
        prompt and prompt.cached_tokens,
        completion and completion.reasoning_tokens,
    )


def called(one) -> tuple:
    # The index is how the SDK keeps the calls of a stream apart.
    beside = {name: value for name, value in one.model_extra.items() if name != "index"}
    return one.id, one.function.name, one.function.arguments, beside


def seen_by_sdk(found, request_id) -> Seen:
    choice = found.choices[0]
    message = choice.message
    return Seen(
        # A refusal is words for the SDK, beside a plain `stop`; for us it is the text of a reply that was filtered.
        text=(message.content or "") + (message.refusal or ""),
        beside=message.model_extra,
        calls=[called(one) for one in message.tool_calls or ()],
        finish_reason="content_filter" if message.refusal else choice.finish_reason,
        usage=usage_of(found.usage),
        model=found.model,
        request_id=request_id,
    )


# Replies.

OPAQUE = Reasoning("Greet them.", "reasoning_content", '{"encrypted_content": "gA=="}')
SIGNED = ToolCall("x", "add", '{"a" :1.0}', '{"extra_content": {"google": {"thought_signature": "s"}}}')

REPLIES = {
    "text": "Hello, 世界! 👋🏽",
    "line breaks": "One.\r\n\r\ndata: two\u2028three\x85four\u0000",
    "nothing": "",
    "reasoning": reply("Hello!", reasoning="Greet them.\n\n世界"),
    "reasoning by another name": Reply(message=Message("assistant", "Hi", Reasoning("Hm.", "reasoning"))),
    "reasoning and opaque data": Reply(message=Message("assistant", "Hi", OPAQUE)),
    "other keys": Reply(message=Message("assistant", "Hi", extra='{"tag": 1, "sources": [{"url": "a"}]}')),
    "a call": call("add", a=1, b=2),
    "a call without arguments": call("now"),
    "raw arguments": call("add", '{"a" :1.0,  "b": 1e3}'),
    "broken arguments": call("add", '{"a": 1', call_id="x"),
    "parallel calls": [call("search", city="東京 🗼", quote='"\\'), call("search", city="Αθήνα"), call("now")],
    "a call with keys of its own": Reply(
        message=Message("assistant", tool_calls=(SIGNED,)), finish_reason="tool_calls"
    ),
    "everything": Reply(
        message=Message("assistant", "Let me see.", OPAQUE, (SIGNED, ToolCall("y", "now", "{}")), extra='{"tag": 1}'),
        usage=Usage(50, 30, 20, 12),
        finish_reason="tool_calls",
        model="m-2026",
        request_id="0217-abc",
    ),
    "usage in full": reply("Hi", usage=Usage(1_000_000, 70, 999_000, 64)),
    "no usage": reply("Hi", usage=Usage()),
    "a refusal": Reply(message=Message("assistant", extra='{"refusal": "I cannot help with that."}')),
    "cut at its length": reply("Once upon a", finish_reason="length"),
    "a call cut at its length": reply(calls=[call("add", '{"a": 1, "b')], finish_reason="length"),
    "filtered": reply("Once", finish_reason="content_filter"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", REPLIES.values(), ids=REPLIES)
async def test_both_see_the_same_reply(said, stream):
    """Text, reasoning, opaque data, calls, reason, usage, model and request id, whole or streamed."""
    async with ModelServer(said, api_key=KEY) as server:
        ours = seen_by_us(await ask(server, stream=stream))
    async with ModelServer(said, api_key=KEY) as server, sdk_to(server) as client:
        theirs = seen_by_sdk(*await ask_sdk(client, stream=stream))

    assert theirs == ours


# Failures.


def wrong(code, kind, message="No.") -> dict:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


STATUSES = {
    "bad request": Fault.status(400, wrong("invalid_value", "invalid_request_error"), headers={"x-request-id": "r1"}),
    "too long": Fault.status(400, wrong("context_length_exceeded", "invalid_request_error")),
    "a number for a code": Fault.status(400, wrong(400, "exceed_context_size_error")),
    "wrong key": Fault.status(401, wrong("invalid_api_key", "invalid_request_error")),
    "no such model": Fault.status(404, wrong("model_not_found", "invalid_request_error")),
    "too many": Fault.status(
        429,
        wrong("rate_limit_exceeded", "requests"),
        headers={"retry-after": "2", "x-request-id": "r1"},
    ),
    "nothing left": Fault.status(429, wrong("insufficient_quota", "insufficient_quota")),
    "failed": Fault.status(500, wrong("internal_error", "server_error"), headers={"x-should-retry": "true"}),
    "a page of a gateway": Fault.html(502),
    "overloaded": Fault.status(503, wrong("overloaded", "server_error"), headers={"retry-after": "1.5"}),
    "an empty body": Fault.status(503),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", STATUSES.values(), ids=STATUSES)
async def test_both_see_the_same_error(fault, stream):
    """Status, code, request id, the server's words and its wish to wait."""
    async with ModelServer(fault, fault) as server, sdk_to(server) as client:
        with pytest.raises(ModelError) as ours:
            await ask(server, stream=stream)
        with pytest.raises(openai.APIStatusError) as caught:
            await ask_sdk(client, stream=stream)
    theirs, wait = caught.value, caught.value.response.headers.get("retry-after")

    assert (theirs.status_code, theirs.code, theirs.request_id, theirs.response.text, wait and float(wait)) == (
        ours.value.status,
        ours.value.code,
        ours.value.request_id,
        ours.value.body,
        ours.value.retry_after,
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_both_are_refused_without_the_key(stream):
    """The server takes the one that it knows, sent by either, and no other."""
    async with ModelServer(api_key="another") as server, sdk_to(server) as client:
        with pytest.raises(ModelError) as ours:
            await ask(server, stream=stream)
        with pytest.raises(openai.AuthenticationError) as theirs:
            await ask_sdk(client, stream=stream)

    assert (401, "invalid_api_key", "auth") == (theirs.value.status_code, ours.value.code, ours.value.category)
    assert [f"Bearer {KEY}"] * 2 == [headers["authorization"] for headers in server.headers]


JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n"
BROKEN = {
    "cut": ([False, True], Fault.cut("Hello!", after=40), "connection_lost", openai.APIConnectionError),
    "cut late": ([True], Fault.cut("Hello!", after=600), "connection_lost", openai.APIConnectionError),
    "closed at once": ([False, True], Fault.raw(b""), "connection_lost", openai.APIConnectionError),
    "no HTTP": ([False, True], Fault.raw(b"SSH-2.0-OpenSSH\r\n"), "connection_lost", openai.APIConnectionError),
    "silent": ([False, True], Fault.silent("Hello!", after=9), "timeout", openai.APITimeoutError),
    "half an object": ([False], Fault.raw(JSON_HEAD + b'{"a":'), "malformed_response", json.JSONDecodeError),
    "half a piece": ([True], Fault.sse(b'data: {"a":\n\n'), "malformed_response", json.JSONDecodeError),
    "an error for a piece": ([True], Fault.sse(b'data: {"error": {"code": "c"}}\n\n'), "server_error", openai.APIError),
}


@pytest.mark.parametrize(
    ("stream", "fault", "category", "kind"),
    [pytest.param(stream, *more, id=f"{name}-{stream}") for name, (ways, *more) in BROKEN.items() for stream in ways],
)
async def test_both_fail_where_no_reply_came(stream, fault, category, kind):
    """A reply that is cut, late or broken is one for neither."""
    # Only who waits for nothing need be impatient.
    patience = 0.2 if category == "timeout" else 30.0
    async with ModelServer(fault, fault) as server, sdk_to(server, timeout=patience) as client:
        with pytest.raises(ModelError) as ours:
            await ask(server, stream=stream, patience=patience)
        with pytest.raises(kind):
            await ask_sdk(client, stream=stream)

    assert category == ours.value.category


# Requests.


@tool(effect="read")
def forecast(city: str, days: int = 1) -> str:
    """The weather to come.

    Args:
        city: Where.
        days: How many days.
    """
    return f"{city}: {days} × sunny ☀"


class Answer(BaseModel):
    """What is wanted."""

    city: str
    warm: bool


CITIES = [call("forecast", city="東京"), call("forecast", '{"city" :"Αθήνα",  "days":2}')]
TALK = (reply("Let me see.", reasoning="Both at once.", calls=CITIES), "Sunny in both.")


async def sent_by_an_agent(run, *, script=TALK, profile=None, tools=(forecast,), **more) -> list[dict]:
    """The bodies of a run's requests."""
    async with ModelServer(*script, api_key=KEY) as server:
        chat = Chat("m", base_url=server.base_url, api_key=KEY, profile=profile)
        await run(Agent(chat, instructions="Be brief.", tools=tools, **more))
    return server.requests


def sent_back(message) -> dict:
    """The SDK's message as it goes back, without what it keeps there for itself."""
    fields = message.model_dump(exclude_none=True)
    for one in fields["tool_calls"]:
        one.pop("index", None)
    return fields


def answer(one) -> dict:
    return {"role": "tool", "tool_call_id": one.id, "content": forecast(**json.loads(one.function.arguments))}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_by_hand_is_the_agents(run, stream):
    """The SDK's message goes back with the answers of the tools, and the server gets what it gets from an agent."""
    first, second = await sent_by_an_agent(run)
    async with ModelServer(*TALK, api_key=KEY) as server, sdk_to(server) as client:
        messages, tools = first["messages"], first["tools"]
        asked, _ = await ask_sdk(client, stream=stream, messages=messages, tools=tools)
        message = asked.choices[0].message
        messages = [*messages, sent_back(message), *map(answer, message.tool_calls)]
        answered, _ = await ask_sdk(client, stream=stream, messages=messages, tools=tools)

    assert "Sunny in both." == answered.choices[0].message.content
    assert [(first["messages"], tools), (second["messages"], tools)] == [
        (body["messages"], body["tools"]) for body in server.requests
    ]


async def test_an_agents_requests_pass_through_the_sdk(run):
    """Its typed method takes every key of ours by its name, and sends the same body."""
    bodies = await sent_by_an_agent(run)
    async with ModelServer(*TALK, api_key=KEY) as server, sdk_to(server) as client:
        for body in bodies:
            await client.chat.completions.create(**body)

    assert bodies == server.requests


def drained(value):
    """A value that pydantic has checked; it looks into an iterable only when that is read."""
    if isinstance(value, dict):
        return {name: drained(inner) for name, inner in value.items()}
    return value if value is None or isinstance(value, (str, int, float)) else [drained(inner) for inner in value]


KINDS = {False: CompletionCreateParamsNonStreaming, True: CompletionCreateParamsStreaming}

AGENTS = {
    "plain": {},
    "a tool that is forced": {"settings": Settings(tool_choice="forecast", parallel_tool_calls=False)},
    "any tool": {"settings": Settings(tool_choice="required")},
    "settings": {
        "settings": Settings(
            reasoning_effort="low", max_tokens=100, temperature=0.5, top_p=0.9, stop=("a", "b"), seed=7
        )
    },
    "an answer in a schema": {"output": Answer, "script": (*TALK[:1], '{"city": "東京", "warm": true}')},
    "a tool in a strict schema": {"tools": [tool(forecast.function, name="forecast", strict=True)]},
}


@pytest.mark.parametrize("more", AGENTS.values(), ids=AGENTS)
async def test_an_agents_requests_are_of_the_sdks_types(run, more):
    """Spoken to as OpenAI, a server gets nothing that the SDK's types do not have."""
    for body in await sent_by_an_agent(run, profile=profile_named("openai"), **more):
        kind = KINDS[body.get("stream", False)]

        assert body == drained(TypeAdapter(kind).validate_python(body))


PARTS = (
    Text("What is it?"),
    Image("data:image/png;base64,iVBORw0KGgo=", "low"),
    File("a.pdf", "data:application/pdf;base64,JVBERi0="),
)


async def test_pictures_and_documents_are_of_the_sdks_types():
    """Parts of a message are the SDK's."""
    async with ModelServer("A cat.") as server:
        chat = Chat("m", base_url=server.base_url)
        await chat.request(Request(messages=(Message("user", PARTS),)), lambda _: None)
    [body] = server.requests

    assert body == drained(TypeAdapter(CompletionCreateParamsNonStreaming).validate_python(body))


async def test_the_sdk_lists_the_models():
    """The server has the one that it was named for."""
    async with ModelServer(name="doubao-seed-2.1-pro", api_key=KEY) as server, sdk_to(server) as client:
        found = await client.models.list()

    assert [("doubao-seed-2.1-pro", "agentkit")] == [(model.id, model.owned_by) for model in found.data]
