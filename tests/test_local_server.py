"""The local model over HTTP: a genuine server, a genuine model, right answers."""

import json

import httpx
import pytest

from agentkit.testing.local import Example, LocalServer, installed

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(not installed(), reason="needs the [local] extra"),
]


def function(name, description, **parameters):
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {key: {"type": kind} for key, kind in parameters.items()},
                "required": list(parameters),
            },
        },
    }


ADD = function("add", "Add two whole numbers.", a="integer", b="integer")
WEATHER = function("get_weather", "Current weather in a city.", city="string")
POPULATION = function("population", "Number of people who live in a city.", city="string")
ATHENS = Example(
    question="How many people live in Athens?",
    tool="population",
    arguments={"city": "Athens"},
    result="643452",
    answer="643452 people live in Athens.",
)


@pytest.fixture(scope="module")
def server():
    with LocalServer(examples=[ATHENS]) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    # llama.cpp closes a connection shortly after a stream without saying so, and the next request on it can be lost.
    with httpx.Client(base_url=server.base_url, timeout=60, headers={"connection": "close"}) as client:
        yield client


def ask(client, messages, tools):
    """One reply, whole."""
    response = client.post("chat/completions", json={"model": "any", "messages": messages, "tools": tools})
    response.raise_for_status()
    return response.json()["choices"][0]


def ask_streaming(client, messages, tools):
    """One reply, put together from its pieces."""
    body = {"model": "any", "messages": messages, "tools": tools, "stream": True}
    call = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    content, finish = "", None
    with client.stream("POST", "chat/completions", json=body) as response:
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            for choice in json.loads(line.removeprefix("data: "))["choices"]:
                finish = choice["finish_reason"] or finish
                content += choice["delta"].get("content") or ""
                for piece in choice["delta"].get("tool_calls", []):
                    call["id"] += piece.get("id", "")
                    call["function"]["name"] += piece["function"].get("name", "")
                    call["function"]["arguments"] += piece["function"].get("arguments", "")
    message = {"role": "assistant", "content": content, "tool_calls": [call] if call["id"] else []}
    return {"message": message, "finish_reason": finish}


@pytest.mark.parametrize("request_reply", [ask, ask_streaming])
@pytest.mark.parametrize(
    ("question", "tools", "expected_call", "result", "value"),
    [
        ("What is 17 plus 25?", [ADD], ("add", {"a": 17, "b": 25}), "42", "42"),
        ("What is 639 plus 263?", [ADD, WEATHER], ("add", {"a": 639, "b": 263}), "902", "902"),
        ("What is the weather in Lisbon?", [ADD, WEATHER], ("get_weather", {"city": "Lisbon"}), "21 degrees", "21"),
        ("How many people live in Oslo?", [POPULATION], ("population", {"city": "Oslo"}), "717710", "717710"),
    ],
)
def test_a_conversation_calls_the_tool_and_quotes_its_result(
    client, request_reply, question, tools, expected_call, result, value
):
    """A question becomes one real tool call, and its result the answer, streamed or whole."""
    messages = [{"role": "user", "content": question}]
    asked = request_reply(client, messages, tools)
    [call] = asked["message"]["tool_calls"]
    messages += [asked["message"], {"role": "tool", "tool_call_id": call["id"], "content": result}]
    answered = request_reply(client, messages, tools)

    assert "tool_calls" == asked["finish_reason"]
    assert expected_call == (call["function"]["name"], json.loads(call["function"]["arguments"]))
    assert "stop" == answered["finish_reason"]
    assert value in answered["message"]["content"]


def test_a_question_without_tools_is_answered_in_text(client):
    """A request that offers no tools gets words."""
    reply = ask(client, [{"role": "user", "content": "What is the capital of France?"}], [])

    assert "Paris" in reply["message"]["content"]


def test_the_server_names_its_model(client, server):
    """The name to ask for is the one the server lists."""
    assert [server.model] == [model["id"] for model in client.get("models").json()["data"]]


def test_closing_frees_the_port():
    """After the block nothing answers, and closing again is harmless."""
    with LocalServer(context=512) as server:
        assert 200 == httpx.get(f"{server.base_url}/health").status_code
    server.close()

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.base_url}/health")
