"""Requests made once more from a record, against what a server really got."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from strategies import events as any_events

from agentkit import (
    Agent,
    Chat,
    Fallback,
    Limits,
    ModelCalled,
    ModelError,
    ModelReplied,
    Recorded,
    RunFinished,
    RunStarted,
    Settings,
    tool,
)
from agentkit.chat.profiles import Profile
from agentkit.debug import Change, fork
from agentkit.debug.wire import WireRequest, as_curl, as_python, wire_request, wire_response
from agentkit.endpoint import Endpoint, as_text, endpoints_of, read_text
from agentkit.errors import AgentkitError, UsageError
from agentkit.messages import Image, Message, Reasoning, Text, ToolCall, Usage
from agentkit.prompted import Prompted
from agentkit.rates import RateLimit, RateLimited
from agentkit.testing import FakeClock, Fault, ModelServer, ScriptedModel, call, reply

KEY = "ark-0123456789abcdef"


class Report(BaseModel):
    """A report."""

    title: str


@tool(effect="read")
def look(name: str, *, deep: bool = False) -> str:
    """Look something up.

    Args:
        name: What it is called.
        deep: Whether to look twice.
    """
    return f"{name}: {'deep ' * deep}found — “ok”\u202e\x1b[31m"


SCRIPT = (
    reply("Let me see.", reasoning="First the lamp.", calls=[call("look", name="lamp"), call("look", name="Stuhl")]),
    call("look", name="table", deep=True),
    "All there.",
)


async def asked(model, **options):
    options = {"tools": [look], "instructions": "You look.", "clock": FakeClock(), **options}
    stream = options.pop("stream", False)
    agent = Agent(model, **options)
    if not stream:
        return await agent.run("Look for the lamp!")
    async with agent.stream("Look for the lamp!") as run:
        async for _ in run:
            pass
    return run.result


def chat(server, model="m", **more):
    return Chat(model, base_url=server.base_url, **{"api_key": KEY, **more})


def sent(request: WireRequest) -> bytes:
    return json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "model",
    ["m", "doubao-seed-2.1-pro", "deepseek-chat", "qwen3-max", "kimi-k2.6", "glm-4.6", "minimax-m2", "mistral-small-1"],
)
async def test_a_request_is_made_again_to_the_byte(model, stream):
    """What the record makes is what the server got, with every provider's ways, streamed or not."""
    async with ModelServer(*SCRIPT, strict=False) as server:
        url = f"{server.base_url}/chat/completions"
        options = Settings(temperature=0.5, stop=("END",), extra_body={"user": "u-1"})
        result = await asked(chat(server, model, settings=Settings(seed=7)), settings=options, stream=stream)

    made = [wire_request(result.events, number) for number in (1, 2, 3)]
    assert ["", "", ""] == [each.why for each in made]
    assert server.bodies == [sent(each) for each in made]
    assert [url] * 3 == [each.url for each in made]
    assert [("POST", True)] * 3 == [(each.method, each.exact) for each in made]


async def test_headers_are_those_that_were_sent_but_for_the_key():
    """The key is a variable of the environment, and no key is on record."""
    async with ModelServer("ok", "ok") as server:
        plain = await asked(chat(server, "doubao-seed-2.1-pro"))
        azure = await asked(chat(server, profile="azure"))

    one, other = (wire_request(each.events, 1).headers for each in (plain, azure))
    assert {**one, "authorization": f"Bearer {KEY}"} == {name: server.headers[0][name] for name in one}
    assert ("Bearer $ARK_API_KEY", "$AZURE_OPENAI_API_KEY") == (one["authorization"], other["api-key"])
    assert KEY not in repr((plain.events, azure.events))


@pytest.mark.parametrize("mode", ["tool", "json_schema", "json_object"])
async def test_a_form_of_the_answer_is_sent_again(mode):
    """A run with an output type is made again in each way that a model is held to one."""
    answer = call("final_answer", title="Lamps") if mode == "tool" else '{"title": "Lamps"}'
    profile = {"tool": "doubao", "json_schema": "openai", "json_object": "qwen"}[mode]
    async with ModelServer(call("look", name="lamp"), answer, strict=False) as server:
        model = chat(server, profile=profile)
        result = await asked(model, output=Report)

    assert "completed" == result.status
    assert server.bodies == [sent(wire_request(result.events, number)) for number in (1, 2)]


async def test_tools_in_the_prompt_are_in_the_prompt_again():
    """A model without tools of its own was told of them in words, and the words are those."""
    said = json.dumps({"calls": [{"name": "look", "arguments": {"name": "lamp"}}]})
    async with ModelServer(said, json.dumps({"answer": "There."}), strict=False) as server:
        result = await asked(Prompted(chat(server)), stream=True)

    made = [wire_request(result.events, each.number) for each in result.steps]
    assert ["look" in json.dumps(each.body["messages"][0]) for each in made]
    assert server.bodies == [sent(each) for each in made]


async def test_the_last_request_is_made_without_tools():
    """A request for an answer only offers nothing, though the run had offered something before."""
    async with ModelServer(call("look", name="lamp"), "There.") as server:
        result = await asked(chat(server), limits=Limits(steps=1, last_answer=True))

    made = wire_request(result.events, 2)
    assert "tools" not in made.body
    assert (server.bodies[1], "") == (sent(made), made.why)


async def test_the_model_that_answered_is_the_one_that_is_asked_again():
    """After a fallback the request is the one to the model that replied, at its address."""
    busy = Fault.status(503, {"error": {"message": "busy"}})
    async with ModelServer(busy) as first, ModelServer("hello") as second:
        model = Fallback(
            chat(first, retry=None), RateLimited(chat(second, "qwen3-max", retry=None), RateLimit(requests=9))
        )
        result = await asked(model, stream=True)
        url = f"{second.base_url}/chat/completions"

    made = wire_request(result.events, 1)
    assert (url, "", second.bodies[0]) == (made.url, made.why, sent(made))


async def test_a_refused_request_is_mended_again():
    """What a server refused was sent in another form, and that form is made again."""
    refusal = {"error": {"message": "The reasoning_content in the thinking mode must be passed back", "code": "x"}}
    history = (Message("user", "Hi"), Message("assistant", "Hello"))
    async with ModelServer(Fault.status(400, refusal), "ok") as server:
        agent = Agent(chat(server), clock=FakeClock(auto=True))
        result = await agent.run("And now?", history=history)

    made = wire_request(result.events, 1)
    assert "(not kept)" in str(made.body)
    assert (server.bodies[1], "") == (sent(made), made.why)


async def test_a_request_without_a_reply_is_made_as_far_as_is_known():
    """A request that failed is made again, with a word about what a reply would have said."""
    async with ModelServer(Fault.status(401, {"error": {"message": "no"}})) as server:
        url = f"{server.base_url}/chat/completions"
        with pytest.raises(ModelError) as caught:
            await asked(chat(server, retry=None))

    made = wire_request(caught.value.result.events, 1)
    assert (url, server.bodies[0], False) == (made.url, sent(made), made.exact)
    assert "no reply is on record" in made.why


async def test_what_may_have_been_different_is_said(tmp_path):
    """Hidden secrets, ways of one's own, an unknown address, another fingerprint: each makes it inexact, in words."""
    async with ModelServer("ok", "ok") as server:
        own = await asked(chat(server, profile=Profile(name="mine", system_role="developer")))
        agent = Agent(chat(server), journal=tmp_path / "runs.db")
        hidden = await agent.run(f"My key is api_key={KEY}")
    kept = agent.kept_in().read(hidden.run_id)
    scripted = await asked(ScriptedModel("ok"))
    altered = tuple(
        replace(each, event=replace(each.event, request="0" * 16)) if isinstance(each.event, ModelCalled) else each
        for each in own.events
    )

    whys = [wire_request(each, 1).why for each in (own.events, kept, scripted.events, altered)]
    said = ["ways of its own", "secrets were hidden in 1 text", "the address", "another request today"]
    assert [True] * 4 == [words in why for words, why in zip(said, whys, strict=True)], whys
    assert wire_request(scripted.events, 1).url is None


def test_an_older_record_is_read():
    """A record without addresses and fingerprints makes a request, by the host and the model that replied."""
    answer = Message("assistant", "Hi.", origin="api.deepseek.com/deepseek-chat")
    recorded = told(
        (0, RunStarted("r", "a", (Message("user", "Hello"),))),
        (1, ModelCalled("deepseek-chat", 1, ())),
        (1, ModelReplied(answer, Usage(), "stop")),
        (1, RunFinished("completed", "Hi.")),
    )
    made = wire_request(recorded, 1)

    assert {"model": "deepseek-chat", "messages": [{"role": "user", "content": "Hello"}]} == made.body
    assert "Bearer $DEEPSEEK_API_KEY" == made.headers["authorization"]
    assert "not kept" in made.why


def told(*happened):
    return tuple(Recorded("r", seq, 1_700_000_000.0, step, event) for seq, (step, event) in enumerate(happened))


async def test_a_fork_with_another_reply_has_the_request_of_its_parent():
    """A reply that a fork has put there answers the parent's request, and that is said."""
    async with ModelServer(*SCRIPT) as server:
        result = await asked(chat(server))
    forked = await fork(Agent(ScriptedModel(), tools=[look]), result, at=2, change=Change(reply="Other."))

    made = wire_request(forked.events, 2)
    assert server.bodies[1] == sent(made)
    assert "a fork has put it there" in made.why


async def test_a_step_that_nobody_asked_for_is_refused():
    """Steps that are not there, and replies without a request, are told in a sentence."""
    result = await asked(ScriptedModel(*SCRIPT))
    unasked = tuple(each for each in result.events if not isinstance(each.event, ModelCalled))

    for recorded, step, words in (
        (result.events, 9, "steps 1 to 3"),
        (result.events, 0, "steps 1 to 3"),
        ((), 1, "has no step"),
        (unasked, 2, "it was put there"),
    ):
        with pytest.raises(UsageError, match=words):
            wire_request(recorded, step)
    with pytest.raises(UsageError, match="no reply of step 9"):
        wire_response(result.events, 9)


# To copy.


@pytest.fixture
async def copied():
    """A request with everything that a shell could take for something else."""
    nasty = 'it\'s `date` $HOME \\ "x" !! \n#\u202e\x9b é'
    async with ModelServer(call("look", name=nasty), "ok", strict=False) as server:
        result = await asked(chat(server), instructions=nasty)
    return wire_request(result.events, 2)


@pytest.mark.parametrize("size", [0, 300_000], ids=["short", "long"])
async def test_a_command_sends_the_same_request(copied, size, tmp_path):
    """The command for a shell asks a server for the same, however long, with the key from the environment."""
    body = {**copied.body, "user": "x" * size}
    async with ModelServer("again", strict=False) as server:
        request = replace(copied, url=f"{server.base_url}/chat/completions", body=body)
        script = tmp_path / "ask.sh"
        script.write_text(as_curl(request))
        done = await run(["sh", str(script)])

    assert "again" in done
    assert body == server.requests[0]
    assert f"Bearer {KEY}" == server.headers[0]["authorization"]


async def test_a_program_sends_the_same_request(copied):
    """The program asks a server for the same; without an address on record it takes that of the environment."""
    async with ModelServer("again", strict=False) as server:
        program = as_python(replace(copied, url=None))
        done = await run([sys.executable, "-c", program], AGENTKIT_BASE_URL=server.base_url)

    assert "200" in done
    assert copied.body == server.requests[0]
    assert f"Bearer {KEY}" == server.headers[0]["authorization"]


def test_what_is_copied_obeys_nobody(copied):
    """Nothing that a terminal or a reader would take for something else is in what is copied."""
    for text in (as_curl(copied), as_python(copied)):
        assert not set(text) & {"\u202e", "\x9b", "\x1b"}


def test_a_reply_is_told_in_the_form_of_a_completion():
    """What is on record of a reply stands under the names that a server gives it, and the note says what it is."""
    message = Message(
        "assistant",
        "Hm.",
        Reasoning("Why?", "reasoning", '{"signature": "s"}'),
        (ToolCall("c1", "look", '{"name": ', '{"index": 0}'),),
        extra='{"annotations": []}',
    )
    replied = ModelReplied(message, Usage(9, 5, 4, 3), "length", model="m-1", request_id="r-1")
    response = wire_response(told((1, replied)), 1)

    function = {"name": "look", "arguments": '{"name": '}
    expected = {
        "role": "assistant",
        "content": "Hm.",
        "reasoning": "Why?",
        "signature": "s",
        "tool_calls": [{"id": "c1", "type": "function", "function": function, "index": 0}],
        "annotations": [],
    }
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert {
        "id": "r-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "m-1",
        "choices": [{"index": 0, "message": expected, "finish_reason": "length"}],
        "usage": usage,
    } == response.body
    assert "made from the record" in response.note


def test_a_reply_of_which_little_is_known_is_told_as_well():
    """Nothing counted is no count, and opaque data that is damaged is passed over."""
    message = Message("assistant", (Text("a"), Image("data:,x")), Reasoning(opaque="[" * 9_999))
    body = wire_response(told((1, ModelReplied(message, Usage(), "stop"))), 1).body

    assert ({"role": "assistant", "content": "a"}, None) == (body["choices"][0]["message"], body["usage"])


# The address on record.


def test_an_endpoint_is_on_record_once():
    """The first request says where it goes; the next ones say nothing of it."""
    with ModelServer(*SCRIPT) as server:
        address = f"{server.base_url}/chat/completions"
        result = Agent(chat(server), tools=[look]).run_sync("Look for the lamp!")

    told_of = [each.event.endpoint for each in result.events if isinstance(each.event, ModelCalled)]
    assert ["", ""] == told_of[1:]
    assert (Endpoint(address, "m", "unknown"),) == read_text(told_of[0])


def test_no_credential_of_an_address_is_on_record():
    """A password, a query and a key in the path are left out."""
    secret = "sk-abcdefghijklmnopqrstuvwxyz123456"
    model = Chat("m", base_url=f"https://me:{secret}@example.com/{secret}/v1?api-version=1&key={secret}", api_key=KEY)

    found = as_text(endpoints_of(model))
    assert secret not in found
    assert "api-version" not in found
    assert "https://example.com/" in found


async def test_no_secret_of_what_a_model_always_says_is_on_record():
    """A key among a model's own settings is hidden, which makes the request another one; so do settings that are damaged."""
    secret = Settings(extra_body={"api_key": "c0ffee-c0ffee", "user": "u-1"})
    async with ModelServer("ok") as server:
        result = await asked(chat(server, settings=secret))

    made = wire_request(result.events, 1)
    assert "c0ffee" not in repr(result.events)
    assert ("u-1", True) == (made.body["user"], "secrets were hidden in what the model says" in made.why)

    damaged = ModelCalled("m", 1, (), endpoint=as_text((Endpoint("http://h/v1", "m", "unknown", "{"),)))
    made = wire_request(told((0, RunStarted("r", "a", (Message("user", "x"),))), (1, damaged)), 1)
    assert "cannot be read" in made.why


endpoints = st.builds(Endpoint, st.text(min_size=1), st.text(min_size=1), st.text(), st.text(), st.booleans())


@given(st.lists(endpoints, max_size=3).map(tuple))
def test_endpoints_are_read_as_they_were_written(found):
    """Whatever an address holds, it comes back."""
    assert found == read_text(as_text(found))


@pytest.mark.parametrize("text", ["", "{", "[1, {}, null]", '[{"url": 1, "model": "m"}]', "[" * 9_999])
def test_what_is_no_endpoint_is_passed_over(text):
    """A damaged address is no address."""
    assert () == read_text(text)


def test_a_model_of_somebody_else_says_nothing():
    """A model without addresses, or with something else of that name, leaves the record empty."""

    class Other:
        endpoints = ("https://me:secret@example.com",)

    assert () == endpoints_of(Other()) == endpoints_of(object())


@given(st.lists(any_events, max_size=6), st.integers(0, 3))
@settings(max_examples=200)
def test_any_record_is_told_or_refused_in_words(happened, step):
    """Whatever stands in a record, there is a request, or a sentence about why there is none."""
    recorded = told(*((step, event) for event in happened))
    for make in (wire_request, wire_response):
        try:
            made = make(recorded, step)
        except AgentkitError:
            continue
        assert json.dumps(made.body)


@pytest.mark.parametrize("field", ["offer", "settings"])
@pytest.mark.parametrize("text", ["{", "[[]]", '"x"', "[" * 9_999, '[{"name": 1}]', '{"temperature": "hot"}'])
def test_a_damaged_request_is_refused_in_words(field, text):
    """What the record says of tools and settings may be damaged, and that is said."""
    called = replace(ModelCalled("m", 1, ("look",)), **{field: text})
    recorded = told((0, RunStarted("r", "a", (Message("user", "x"),))), (1, called))

    with pytest.raises(UsageError, match="damaged"):
        wire_request(recorded, 1)


def test_a_request_that_cannot_be_sent_is_refused_in_words():
    """A record of what today's code would not send says so, with the step."""
    called = ModelCalled("m", 1, (), settings='{"extra_body":{"messages":[]}}')
    recorded = told((0, RunStarted("r", "a", (Message("user", "x"),))), (1, called))

    with pytest.raises(UsageError, match="step 1 cannot be made from the record: extra_body has messages"):
        wire_request(recorded, 1)


def test_a_deep_body_is_copied():
    """A body of many levels makes a program as well."""
    deep = json.loads("[" * 400 + "]" * 400)
    request = WireRequest(step=1, url=None, headers={}, body={"deep": deep})

    assert "[" * 400 in as_python(request) + as_curl(request)


def test_a_damaged_address_is_no_address():
    """An address that nobody can ask is told as one that is not on record."""
    for url in ("http://[::1", "ftp://example.com", "x"):
        called = ModelCalled("m", 1, (), endpoint=as_text((Endpoint(url, "m"),)))
        made = wire_request(told((0, RunStarted("r", "a", (Message("user", "x"),))), (1, called)), 1)
        assert (None, True) == (made.url, "the address" in made.why)


async def run(command, **environment):
    def done():
        variables = {**os.environ, "AGENTKIT_API_KEY": KEY, **environment}
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=30, check=True).stdout

    return await asyncio.to_thread(done)
