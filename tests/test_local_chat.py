"""Our client on the genuine llama.cpp server: its replies, its refusals, and its ways with a connection."""

import asyncio
import json
import socket

import httpx
import pytest
from pydantic import BaseModel

from agentkit import Agent, Chat, Image, Limits, Settings, tool
from agentkit.chat.providers import profile_named
from agentkit.errors import ModelError
from agentkit.events import TextDelta
from agentkit.messages import Message, Text, ToolCall
from agentkit.model import OutputFormat, Reply, Request, ToolSpec
from agentkit.testing.local import LocalServer, installed

pytestmark = [pytest.mark.local, pytest.mark.skipif(not installed(), reason="the [local] extra is not installed")]

both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])

FRANCE = "What is the capital of France?"
COUNT = "Count from 1 to 1000: 1, 2, 3"


def spec(name, description, **parameters) -> ToolSpec:
    properties = {key: {"type": kind} for key, kind in parameters.items()}
    return ToolSpec(name, description, {"type": "object", "properties": properties, "required": list(parameters)})


ADD = spec("add", "Add two whole numbers.", a="integer", b="integer")
WEATHER = spec("get_weather", "Current weather in a city.", city="string")


class Capital(BaseModel):
    """The capital of a country."""

    city: str


class Sum(BaseModel):
    """A sum."""

    total: int


@pytest.fixture(scope="module")
def server():
    with LocalServer(context=2048) as running:
        yield running


def nobody(event) -> None:
    """Watch nothing."""


def asking(*messages, **more) -> Request:
    return Request(messages=tuple(Message("user", m) if isinstance(m, str) else m for m in messages), **more)


async def ask(server, *messages, settings=None, tools=(), stream, watch=nobody, **more) -> Reply:
    chat = Chat(server.model, base_url=server.base_url, **more)
    return await chat.request(asking(*messages, settings=settings or Settings(), tools=tools, stream=stream), watch)


async def failure(server, *messages, **more) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(server, *messages, **more)
    return caught.value


# Replies.


@both_ways
async def test_a_call_and_its_answer(server, stream):
    """A call has the server's own id, and the conversation goes on with it; tokens are counted in both replies."""
    question = Message("user", "What is 17 plus 25?")
    asked = await ask(server, question, tools=(ADD,), stream=stream)
    [call] = asked.message.tool_calls
    told = Message("tool", "42", call_id=call.id)
    answered = await ask(server, question, asked.message, told, tools=(ADD,), stream=stream)

    assert ("tool_calls", "add", {"a": 17, "b": 25}) == (asked.finish_reason, call.name, json.loads(call.arguments))
    assert call.id.isalnum()
    assert ("stop", True) == (answered.finish_reason, "42" in answered.message.text)
    assert [(), ()] == [asked.warnings, answered.warnings]
    assert all(None not in {one.usage.input, one.usage.output, one.usage.cached} for one in (asked, answered))


async def test_a_stream_is_the_whole_reply_in_pieces(server):
    """The model takes the likeliest word, so both ways bring the same text and count the same tokens."""
    told = []
    whole = await ask(server, FRANCE, stream=False)
    streamed = await ask(server, FRANCE, stream=True, watch=told.append)

    assert (whole.message, whole.finish_reason, whole.model) == (
        streamed.message,
        streamed.finish_reason,
        streamed.model,
    )
    assert (whole.usage.input, whole.usage.output) == (streamed.usage.input, streamed.usage.output)
    assert streamed.message.text == "".join(event.text for event in told if isinstance(event, TextDelta))
    assert "Paris" in whole.message.text
    assert "" == whole.message.extra


@both_ways
async def test_a_reply_is_cut_at_the_limit(server, stream):
    """It says so, and has as many tokens as were allowed."""
    found = await ask(server, FRANCE, settings=Settings(max_tokens=3), stream=stream)

    assert ("length", 3) == (found.finish_reason, found.usage.output)


@both_ways
async def test_a_call_is_cut_at_the_limit(server, stream):
    """What there is of its arguments is kept as it came, and the reason is told."""
    found = await ask(server, "What is 17 plus 25?", tools=(ADD,), settings=Settings(max_tokens=20), stream=stream)
    [call] = found.message.tool_calls

    assert ("length", "add", "{") == (found.finish_reason, call.name, call.arguments[:1])
    assert not call.arguments.endswith("}")


@both_ways
@pytest.mark.parametrize("stop", ["Paris", ("Rome", "Paris")])
async def test_a_reply_ends_before_a_stop_sequence(server, stop, stream):
    """The words from there on do not come."""
    found = await ask(server, FRANCE, settings=Settings(stop=stop), stream=stream)

    assert ("stop", "The capital of France is") == (found.finish_reason, found.message.text.rstrip())


@both_ways
@pytest.mark.parametrize(
    ("choice", "expected"), [("required", "get_weather"), ("get_weather", "get_weather"), ("none", None)]
)
async def test_the_choice_of_a_tool_is_obeyed(server, choice, expected, stream):
    """Some tool is called, or the one that is named, or none, where the question asks for no tool at all."""
    settings = Settings(tool_choice=choice)
    found = await ask(server, FRANCE, tools=(ADD, WEATHER), settings=settings, stream=stream)

    assert [expected] * (expected is not None) == [call.name for call in found.message.tool_calls]
    assert ("tool_calls" if expected else "stop") == found.finish_reason


@both_ways
@pytest.mark.parametrize(("profile", "keys"), [(profile_named("openai"), {"city"}), (None, None)])
async def test_an_answer_has_the_form_that_was_asked_for(server, profile, keys, stream):
    """By a schema the keys are held to; without one it is some object."""
    schema = {**Capital.model_json_schema(), "additionalProperties": False}
    chat = Chat(server.model, base_url=server.base_url, profile=profile)
    output = OutputFormat("capital", schema)
    found = await chat.request(asking(f"{FRANCE} Answer as JSON.", output=output, stream=stream), nobody)
    answer = json.loads(found.message.text)

    assert isinstance(answer, dict)
    assert keys is None or keys == set(answer)


async def test_an_agent_has_its_output_from_the_schema(server):
    """A question becomes a typed value."""
    chat = Chat(server.model, base_url=server.base_url, profile="llamacpp")
    result = await Agent(chat, output=Capital).run(FRANCE)

    assert Capital(city="Paris") == result.output


async def test_an_agent_with_an_output_still_calls_its_tools(server):
    """This server would hold every word to the schema, so beside tools the answer is given by one."""
    asked = []

    @tool(effect="read")
    def add(a: int, b: int) -> int:
        """Add two whole numbers."""
        asked.append((a, b))
        return a + b

    chat = Chat(server.model, base_url=server.base_url, profile="llamacpp")
    await Agent(chat, tools=[add], output=Sum, limits=Limits(steps=3)).run("What is 17 plus 25?")

    assert (17, 25) in asked


@both_ways
async def test_broken_arguments_do_not_spoil_the_conversation(server, stream):
    """The server fails on a history with arguments that are no JSON, so they never go back."""
    called = Message("assistant", tool_calls=(ToolCall("x", "add", '{"a": '),))
    told = Message("tool", "The arguments break off.", call_id="x")
    found = await ask(server, FRANCE, called, told, stream=stream, settings=Settings(max_tokens=3))

    assert "length" == found.finish_reason


# Refusals.

NOWHERE = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#/nowhere"}}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


@both_ways
@pytest.mark.parametrize(
    ("expected", "words", "question", "body"),
    [
        ((400, "400", "context_length"), "exceeds the available context size", "word " * 3000, {}),
        ((400, "400", "invalid_request"), "cannot resolve $ref #/nowhere", FRANCE, {"response_format": NOWHERE}),
        ((400, "400", "invalid_request"), "failed to parse grammar", FRANCE, {"grammar": "root ::= ["}),
        ((400, "400", "invalid_request"), "Invalid tool_choice: any", FRANCE, {"tool_choice": "any"}),
        ((400, "400", "invalid_request"), "Field 'n'", FRANCE, {"n": 2}),
        ((500, "500", "invalid_request"), "image input is not supported", (Text("What is it?"), Image(PIXEL)), {}),
    ],
)
async def test_a_refusal_is_understood(server, expected, words, question, body, stream):
    """Status, a code that is a number, the kind of failure, and the server's words."""
    settings = Settings(extra_body=body)
    error = await failure(server, Message("user", question), settings=settings, stream=stream)

    assert expected == (error.status, error.code, error.category)
    assert words in str(error)


async def test_a_conversation_that_is_too_long_is_measured(server):
    """The body says how long it is and how long it may be."""
    error = await failure(server, "word " * 3000, stream=True)
    told = json.loads(error.body)["error"]

    assert not error.retryable
    assert ("exceed_context_size_error", 2048) == (told["type"], told["n_ctx"])
    assert told["n_prompt_tokens"] > 3000


@both_ways
async def test_an_unknown_address_is_not_found(server, stream):
    """A wrong path has a body of the server's own."""
    chat = Chat(server.model, base_url=f"{server.base_url}/nothing")
    with pytest.raises(ModelError, match="File Not Found") as caught:
        await chat.request(asking(FRANCE, stream=stream), nobody)

    assert (404, "404", "not_found", False) == (
        caught.value.status,
        caught.value.code,
        caught.value.category,
        caught.value.retryable,
    )


# Connections.


async def test_a_connection_is_used_again(server):
    """Replies that come whole take one connection."""
    ports = []

    async def note(response):
        ports.append(response.extensions["network_stream"].get_extra_info("client_addr")[1])

    async with httpx.AsyncClient(event_hooks={"response": [note]}) as client:
        for _ in range(3):
            await ask(server, FRANCE, settings=Settings(max_tokens=2), stream=False, client=client)

    assert 3 == len(ports)
    assert 1 == len(set(ports))


async def test_an_agent_is_not_disturbed_by_a_server_that_hangs_up(server):
    """After a stream the server promises to keep the connection and closes it; a request that is lost by that is sent again."""
    agent, texts = Agent(Chat(server.model, base_url=server.base_url)), []
    for _ in range(20):
        async with agent.stream(FRANCE) as run:
            async for _ in run:
                """Every event passes by."""
        texts.append(run.result.output)

    assert ["The capital of France is Paris."] * 20 == texts


async def test_requests_at_the_same_time_are_all_answered(server):
    """Some streamed, some not, of one client; the server takes them in turn."""
    chat = Chat(server.model, base_url=server.base_url)
    capitals = {"France": "Paris", "Germany": "Berlin"}
    asked = [(land, stream) for land in capitals for stream in (False, True)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(chat.request(asking(f"What is the capital of {land}?", stream=stream), nobody))
            for land, stream in asked
        ]
    found = [task.result().message.text for task in tasks]

    assert [True] * 4 == [capitals[land] in text for (land, _), text in zip(asked, found, strict=True)]


async def test_a_request_that_is_cancelled_frees_the_server(server):
    """In the middle of a stream that would be long; the next request is answered, and has nothing of the last one."""
    chat = Chat(server.model, base_url=server.base_url)
    begun = asyncio.Event()
    task = asyncio.create_task(chat.request(asking(COUNT, stream=True), lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    found = await chat.request(asking(FRANCE, stream=True), nobody)

    assert task.cancelled()
    assert "Paris" in found.message.text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until_answered(chat) -> list[ModelError]:
    """The errors of a client that asks at once and again, until it has an answer."""
    errors = []
    while True:
        try:
            await chat.request(asking(FRANCE, settings=Settings(max_tokens=1)), nobody)
        except ModelError as error:
            errors.append(error)
        else:
            return errors


async def test_a_server_that_still_loads_says_so():
    """Asked at once, it is first not there, then overloaded, then it answers; each time another attempt can succeed."""
    port = free_port()
    server = LocalServer(port=port, context=512)
    chat = Chat(server.model, base_url=f"http://127.0.0.1:{port}/v1")
    try:
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(until_answered(chat))
            await asyncio.to_thread(server.__enter__)
    finally:
        server.close()
    errors = asked.result()
    loading = [error for error in errors if error.status is not None]

    assert {("connection_lost", None), ("overloaded", "503")} == {(error.category, error.code) for error in errors}
    assert {(503, True, '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}')} == {
        (error.status, error.retryable, error.body) for error in loading
    }


async def test_a_server_that_dies_breaks_the_connection():
    """In the middle of a reply that is an error, and afterwards nobody is there."""
    begun = asyncio.Event()
    with LocalServer(context=512) as server:
        chat = Chat(server.model, base_url=server.base_url)
        task = asyncio.create_task(chat.request(asking(COUNT, stream=True), lambda _: begun.set()))
        await begun.wait()
        server.close()
        await asyncio.wait([task])
        after = await failure(server, FRANCE, stream=False)

    died = task.exception()
    assert isinstance(died, ModelError)
    assert ("connection_lost", True, 200) == (died.category, died.retryable, died.status)
    assert ("connection_lost", None) == (after.category, after.status)
