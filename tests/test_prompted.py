"""Tools for a model without tools: what it is told, what it is held to, and what its replies mean."""

import json
from dataclasses import dataclass, replace

import pytest
from both_ways import chat, told
from hypothesis import given
from hypothesis import strategies as st

from agentkit import (
    Agent,
    Chat,
    Image,
    Limits,
    Message,
    ModelRetried,
    OutputFormat,
    Price,
    Profile,
    Prompted,
    Reasoning,
    ReasoningDelta,
    Reply,
    Request,
    SchemaRefused,
    Settings,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolSpec,
    Usage,
    tool,
)
from agentkit.arguments import read_arguments
from agentkit.forms import MOST_CALLS, Form, in_words, read_reply, reply_schema
from agentkit.testing import ModelServer, ScriptedModel, reply
from agentkit.testing.local import LocalServer, installed

ADD = ToolSpec("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
LOOK = ToolSpec("look", "Look.", {"type": "object", "properties": {}})
BOTH = Form(tools=(ADD, LOOK))
HELLO = Message("user", "Hello!")


@tool(effect="read")
async def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: The other.
    """
    return a + b


@tool(effect="read")
async def look() -> list[object]:
    """Look around."""
    return [Text("a lamp"), Image("data:image/png;base64,AA==")]


@dataclass
class Sum:
    """A sum."""

    total: int


def calls(*pairs) -> str:
    """What the model says to call tools."""
    return json.dumps({"calls": [{"name": name, "arguments": arguments} for name, arguments in pairs]})


def answer(value) -> str:
    return json.dumps({"answer": value})


def heard(text, form=BOTH, *, held=False, finish_reason="stop") -> Reply:
    """A text as a reply that was read."""
    return read_reply(reply(text, finish_reason=finish_reason), form, taken=(), held=held)


def asked(said: Reply) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in said.message.tool_calls]


async def requested(*messages, mode="json_schema", tools=(ADD, LOOK), said="Hi.", **more) -> tuple[Request, Reply]:
    """What the model behind is asked, and what comes of its answer."""
    inner = ScriptedModel(said, output_mode=mode)
    answered = await Prompted(inner).request(
        Request(messages=messages or (HELLO,), tools=tools, **more), lambda _: None
    )
    return inner.requests[0], answered


# A run.


async def test_a_model_without_tools_calls_them():
    """Calls in JSON are made like any others, and the answer is taken out of its JSON."""
    with ScriptedModel(calls(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})), answer("3 and 7.")) as inner:
        result = await Agent(Prompted(inner), tools=[add], instructions="Be exact.").run("1 + 2, and 3 + 4?")

    assert ("completed", "3 and 7.") == (result.status, result.output)
    assert ["3", "7"] == told(result)
    assert ["call_1", "call_2"] == [call.id for call in result.steps[0].calls]
    assert ["tool_calls", "stop"] == [step.finish_reason for step in result.steps]
    system, user, said, results = inner.requests[1].messages
    assert system.text.startswith("Be exact.\n\nYou can call these tools:\n\nadd: Add two numbers.\nArguments: {")
    assert Message("user", "1 + 2, and 3 + 4?") == user
    assert calls(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})) == said.content
    assert Message("user", "Result 1, of add:\n3\nResult 2, of add:\n7") == results
    assert [(), ()] == [request.tools for request in inner.requests]


async def test_calls_have_ids_of_their_own_in_the_whole_conversation():
    """Ids are unique beside those of the history, so that no reply needs mending."""
    before = (
        Message("user", "Look."),
        Message("assistant", tool_calls=(ToolCall("call_2", "look", "{}"),)),
        Message("tool", "a lamp", call_id="call_2"),
        Message("assistant", "A lamp."),
    )
    inner = ScriptedModel(calls(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})), answer("3 and 7."))
    result = await Agent(Prompted(inner), tools=[add]).run("Add.", history=before)

    assert ["call_3", "call_4"] == [call.id for call in result.steps[0].calls]
    assert () == sum((event.event.warnings for event in result.events if hasattr(event.event, "warnings")), ())


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_bytes_of_a_run_grow_at_their_end(streamed):
    """Over the wire each request begins with the messages of the one before, so that a provider's cache holds them."""
    script = (
        reply(calls(("add", {"a": 1, "b": 2})), reasoning="Add."),
        reply(calls(("add", {"a": 3, "b": 4}), ("add", {"a": 5, "b": 6})), reasoning="Again."),
        answer("Done."),
    )
    async with ModelServer(*script) as server:
        agent = Agent(Prompted(chat(server)), tools=[add], instructions="Be exact.")
        if streamed:
            async with agent.stream("Add.") as run:
                async for _ in run:
                    """Every event passes by."""
            result = run.result
        else:
            result = await agent.run("Add.")

    assert "Done." == result.output
    sent = [body.partition(b'"messages":[')[2].removesuffix(b"]}") for body in server.bodies]
    assert sent[1].startswith(sent[0] + b",")
    assert sent[2].startswith(sent[1] + b",")
    assert ["Add.", "Again."] == [
        message["reasoning_content"] for message in server.requests[2]["messages"] if message["role"] == "assistant"
    ]
    assert ["system", "user", "assistant", "user", "assistant", "user"] == [
        message["role"] for message in server.requests[2]["messages"]
    ]
    assert not any("tools" in request or "tool_choice" in request for request in server.requests)


async def test_a_message_is_converted_once():
    """What was converted for one request is the very same object in the next."""
    inner = ScriptedModel(calls(("look", {})), calls(("look", {})), answer("A lamp."))
    await Agent(Prompted(inner), tools=[look]).run("Look.")

    first, second, third = (request.messages[1:] for request in inner.requests)
    assert all(one is other for one, other in zip(second, first, strict=False))
    assert all(one is other for one, other in zip(third, second, strict=False))
    assert [1, 3, 5] == [len(first), len(second), len(third)]


async def test_pictures_of_a_tool_stay_pictures():
    """A result with parts is told in parts."""
    inner = ScriptedModel(calls(("look", {}), ("add", {"a": 1, "b": 2})), answer("A lamp."))
    result = await Agent(Prompted(inner), tools=[look, add]).run("Look.")
    image = Image("data:image/png;base64,AA==")

    assert "completed" == result.status
    parts = (Text("Result 1, of look:"), Text("a lamp"), image, Text("Result 2, of add:"), Text("3"))
    assert parts == inner.requests[1].messages[-1].content


@pytest.mark.parametrize("mode", ["json_schema", "tool"])
@pytest.mark.parametrize("reason", ["length", "stop"])
async def test_a_reply_that_breaks_off_calls_nothing(mode, reason):
    """A cut reply ends the run as any cut answer does, whether the server said so or not."""
    whole = calls(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4}))
    inner = ScriptedModel(reply(whole[:-2], finish_reason=reason), output_mode=mode)
    result = await Agent(Prompted(inner), tools=[add]).run("Add.")

    assert ("cut", whole[:-2], []) == (result.status, result.output, told(result))


async def test_wrong_arguments_are_told_to_the_model():
    """Arguments go through the same checks as those of any call."""
    inner = ScriptedModel(calls(("add", {"a": "one"})), calls(("ad", {"a": 1})), answer("Sorry."))
    result = await Agent(Prompted(inner), tools=[add]).run("Add.")

    wrong, unknown = told(result)
    assert "b" in wrong
    assert "Did you mean 'add'?" in unknown


@pytest.mark.parametrize("mode", ["json_schema", "json_object", "tool"])
async def test_an_answer_has_its_type_beside_tools(mode):
    """With an output type, the answer is an object in the same JSON; a wrong one is mended."""
    inner = ScriptedModel(
        calls(("add", {"a": 1, "b": 2})), answer({"total": "three"}), answer({"total": 3}), output_mode=mode
    )
    result = await Agent(Prompted(inner), tools=[add], output=Sum).run("Add.")

    assert Sum(3) == result.output
    assert '"answer": {...}' in inner.requests[0].messages[0].text
    assert '"total"' in inner.requests[0].messages[0].text


@pytest.mark.parametrize(("mode", "held"), [("json_schema", True), ("json_object", True), ("tool", False)])
async def test_an_answer_has_its_type_without_tools(mode, held):
    """Without tools the form of the answer is told, and handed on to a model that can be held to it."""
    inner = ScriptedModel('{"total": 3}', output_mode=mode)
    result = await Agent(Prompted(inner), output=Sum).run("Add.")

    assert Sum(3) == result.output
    assert "fits this JSON Schema" in inner.requests[0].messages[0].text
    assert held == (inner.requests[0].output is not None)


async def test_the_last_request_asks_for_words():
    """When a limit takes the tools away, a model that has called them in JSON is asked for words."""
    inner = ScriptedModel(calls(("add", {"a": 1, "b": 2})), "It is 3.")
    limits = Limits(steps=1, last_answer=True)
    result = await Agent(Prompted(inner), tools=[add], limits=limits).run("Add.")

    assert ("step_limit", "It is 3.") == (result.status, result.output)
    assert Message("system", "Tools can no longer be called. Answer in plain words.") == inner.requests[1].messages[0]
    assert inner.requests[1].output is None


# What those who watch see.


async def watched(*script, tools=(add,)) -> list[object]:
    async with Agent(Prompted(ScriptedModel(*script)), tools=tools).stream("go") as run:
        return [event async for event in run if not event.durable]


async def test_nobody_sees_the_json():
    """Reasoning passes as it comes; calls and the answer are told when they are whole."""
    events = await watched(reply(calls(("add", {"a": 1, "b": 2})), reasoning="Hm."), answer("It is 3."))

    assert "Hm." == "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    assert [ToolCallDelta(0, "add", '{"a": 1, "b": 2}'), TextDelta("It is 3.")] == [
        event for event in events if not isinstance(event, ReasoningDelta)
    ]


async def test_a_cut_reply_is_seen_only_as_words():
    """Words that were cut are told; JSON that was cut is not."""
    words = await watched(reply("The sum is", finish_reason="length"))
    broken = await watched(reply('{"calls": [', finish_reason="length"))

    assert ([TextDelta("The sum is")], []) == (words, broken)


async def test_without_tools_everything_passes():
    """A request without tools is streamed as it comes."""
    events = await watched("Hello to all of you!", tools=())

    assert 1 < len(events)
    assert "Hello to all of you!" == "".join(event.text for event in events)


async def test_a_new_attempt_within_is_told():
    """That the model behind is asked again reaches those who watch."""
    retried = ModelRetried(1, "overloaded", "busy", 1.0, "m")

    class Failing(ScriptedModel):
        async def request(self, request, emit):
            emit(retried)
            return await super().request(request, emit)

    events = []
    request = Request(messages=(HELLO,), tools=(ADD,))
    await Prompted(Failing("Hi.")).request(request, events.append)

    assert [retried] == events


# What the model is asked.


@pytest.mark.parametrize(("mode", "held"), [("json_schema", True), ("json_object", True), ("tool", False)])
async def test_a_model_is_held_to_the_form_where_it_can_be(mode, held):
    """A server that can enforce a form is given that of a reply."""
    request, _ = await requested(mode=mode)

    assert (OutputFormat("reply", reply_schema(BOTH)) if held else None) == request.output


async def test_the_schema_goes_over_the_wire():
    """The server gets the form of a reply as its response format."""
    async with ModelServer(calls(("add", {"a": 1, "b": 2})), answer("3.")) as server:
        profile = Profile(name="local", output_mode="json_schema")
        model = Chat("m", base_url=server.base_url, api_key="-", profile=profile)
        await Agent(Prompted(model), tools=[add]).run("Add.")

    form = server.requests[0]["response_format"]["json_schema"]
    assert "reply" == form["name"]
    [calling, answering] = form["schema"]["anyOf"]
    one = calling["properties"]["calls"]["items"]["properties"]
    assert (["add"], ["a", "b"]) == (one["name"]["enum"], one["arguments"]["required"])
    assert {"answer": {"type": "string"}} == answering["properties"]


def test_the_schema_names_each_tool_with_its_own_arguments():
    """A call is one of the tools with its arguments, and a list of calls has an end."""
    [calling, answering] = reply_schema(BOTH)["anyOf"]
    listed = calling["properties"]["calls"]

    assert [["add"], ["look"]] == [one["properties"]["name"]["enum"] for one in listed["items"]["anyOf"]]
    assert (1, MOST_CALLS) == (listed["minItems"], listed["maxItems"])
    assert ["answer"] == answering["required"]


def test_a_schema_that_contains_itself_is_not_enforced():
    """Where a grammar could not follow, any object will do; the tool checks its arguments in any case."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema = {"type": "object", "properties": {"first": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    form = Form(tools=(ToolSpec("walk", "Walk.", schema),), forced=True)

    call = reply_schema(form)["properties"]["calls"]["items"]
    assert {"type": "object"} == call["properties"]["arguments"]


@pytest.mark.parametrize(
    ("choice", "names", "answers"),
    [("required", ["add", "look"], False), ("look", ["look"], False), ("auto", ["add", "look"], True)],
)
async def test_a_forced_tool_leaves_no_other_way(choice, names, answers):
    """`required` leaves out the answer, a tool's name leaves that tool alone, and neither is sent on."""
    request, _ = await requested(settings=Settings(tool_choice=choice, parallel_tool_calls=False, seed=1))

    assert Settings(seed=1) == request.settings
    assert request.output == OutputFormat(
        "reply",
        reply_schema(
            Form(tools=tuple(spec for spec in (ADD, LOOK) if spec.name in names), forced=not answers, single=True)
        ),
    )
    assert answers == ('"answer"' in request.messages[0].text)
    assert ("add: Add." in request.messages[0].text) == ("add" in names)


async def test_no_tools_when_none_may_be_called():
    """`tool_choice="none"` asks as if there were no tools, and JSON in the reply is text."""
    request, said = await requested(settings=Settings(tool_choice="none"), said=calls(("look", {})))

    assert ((HELLO,), None, Settings()) == (request.messages, request.output, request.settings)
    assert calls(("look", {})) == said.message.content
    assert () == said.message.tool_calls


async def test_one_call_at_a_time():
    """Without parallel calls a reply has one at most, held to it or not."""
    settings = Settings(parallel_tool_calls=False)
    request, said = await requested(mode="tool", settings=settings, said=calls(("look", {}), ("add", {"a": 1})))

    assert "Make one call at a time." in request.messages[0].text
    assert [("look", "{}")] == asked(said)


async def test_the_tools_follow_the_systems_own_words():
    """The system's message keeps its parts, and there is one where there was none."""
    parts, _ = await requested(Message("system", (Text("Be exact."),)), HELLO)
    none, _ = await requested(HELLO)

    assert Text("Be exact.") == parts.messages[0].content[0]
    assert parts.messages[0].content[1].text == none.messages[0].content
    assert [HELLO] == [*parts.messages[1:]] == [*none.messages[1:]]


async def test_a_conversation_of_another_model_goes_on():
    """Calls of a history are words; reasoning and origin stay, and a result without its call is told all the same."""
    said = Message(
        "assistant",
        "Let me look.",
        Reasoning("Hm.", "reasoning"),
        (ToolCall("c", "look", '{"at": '), ToolCall("d", "add", '{"a":  1}')),
        origin="here/m",
    )
    request, _ = await requested(HELLO, said, Message("tool", "3", call_id="e"), HELLO)

    text = (
        '{"calls": [{"name": "look", "arguments": {}}, {"name": "add", "arguments": {"a":  1}}], '
        '"answer": "Let me look."}'
    )
    words = replace(said, content=text, tool_calls=())
    assert (HELLO, words, Message("user", "Result of a tool:\n3"), HELLO) == request.messages[1:]


async def test_a_conversation_that_was_changed_is_converted_anew():
    """What is kept of earlier requests is used only where it is still their beginning."""
    said = Message("assistant", tool_calls=(ToolCall("c", "look", "{}"), ToolCall("d", "look", "{}")))
    one, other = Message("tool", "1", call_id="c"), Message("tool", "2", call_id="d")
    inner, memo = ScriptedModel("", repeat_last=True), {}
    model = Prompted(inner)
    for messages in ((HELLO, said, one), (HELLO, said, one, other), (said, one, other)):
        await model.request(Request(messages=messages, tools=(LOOK,), memo=memo), lambda _: None)

    results = Message("user", "Result 1, of look:\n1\nResult 2, of look:\n2")
    assert Message("user", "Result of look:\n1") == inner.requests[0].messages[-1]
    assert (HELLO, in_words(said), results) == inner.requests[1].messages[1:]
    assert (in_words(said), results) == inner.requests[2].messages[1:]


def test_it_stands_for_the_model_behind():
    """Name, price and retries are those of the model; it is shown for what it is."""
    inner = ScriptedModel(name="small", price=Price(1, 2))
    inner.retry = "its own"
    model = Prompted(inner)

    assert ("small", Price(1, 2), "its own") == (model.name, model.price, model.retry)
    assert repr(model).startswith("Prompted(<")
    assert Prompted(ScriptedModel()).retry is None


def test_a_schema_that_must_be_enforced_is_refused_where_nothing_is():
    """A strict tool is for models that can be held to a schema; any other tool is for all."""
    strict = replace(ADD, strict=True)
    Prompted(ScriptedModel()).check((strict,))
    Prompted(ScriptedModel(output_mode="tool")).check((ADD,))

    with pytest.raises(SchemaRefused, match="the tool 'add' is marked strict=True"):
        Prompted(ScriptedModel(output_mode="tool")).check((strict,))


# What its replies mean.

ONE = calls(("add", {"a": 1}))


@pytest.mark.parametrize(
    "text",
    [ONE, f"\n  {ONE}\n", f"```json\n{ONE}\n```", f"```\n{ONE}```", f"```JSON {ONE} ```"],
)
def test_a_whole_object_is_a_call(text):
    """An object is read as it stands, or in a fence around the whole text."""
    assert [("add", '{"a": 1}')] == asked(heard(text))
    assert ("", "tool_calls", ()) == (heard(text).message.content, heard(text).finish_reason, heard(text).warnings)


@pytest.mark.parametrize(
    "text",
    [
        f"I will call add: {ONE}",
        f"{ONE} Now I wait.",
        f"```json\n{ONE}\n```\nNow I wait.",
        f"First:\n```json\n{ONE}\n```",
        f"```python\n{ONE}\n```",
        json.dumps(ONE),
        f"[{ONE}]",
        '{"name": "add", "arguments": {"a": 1}}',
        '{"calls": [{"name": "add", "arguments": {"a": 1}}], "note": ""}',
        '{"calls": [{"name": "add", "a": 1}]}',
        '{"calls": [{"name": "add"}, {"name": ""}]}',
        '{"calls": [{"name": 5}]}',
        '{"calls": ["add"]}',
        '{"calls": "add"}',
        "{}",
        "Hello.",
        "{x | x > 0}",
    ],
)
def test_anything_else_is_text(text):
    """Nothing is picked out of a text that is something else, or calls that are not all of the form."""
    assert reply(text) == heard(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (answer("Hi."), "Hi."),
        (answer({"total": 3}), '{"total": 3}'),
        ('{"calls": [], "answer": "Hi."}', "Hi."),
        ('{"calls": null, "answer": null}', ""),
        ('{"calls": []}', ""),
        (f"```json\n{answer('See `x`:')}\n```", "See `x`:"),
        (answer("```py\nx\n```"), "```py\nx\n```"),
    ],
)
def test_an_answer_is_taken_out_of_its_object(text, expected):
    """An answer is its text, or its JSON; an object that says nothing is an empty reply."""
    assert reply(expected) == heard(text)


def test_an_almost_whole_object_is_mended_and_says_so():
    """Faults by which nothing can be missing are mended as in arguments, with a warning."""
    said = heard("{'calls': [{'name': 'add', 'arguments': {'a': 1,},}]}")

    assert [("add", '{"a": 1}')] == asked(said)
    assert ("reply_repaired",) == said.warnings


def test_arguments_that_are_a_text_stay_as_they_are():
    """A text is read by those who read all arguments, and a call without arguments has none."""
    said = heard('{"calls": [{"name": "add", "arguments": "{\\"a\\": "}, {"name": "look"}]}')

    assert [("add", '{"a": '), ("look", "{}")] == asked(said)


def test_broken_json_under_constraint_is_a_cut():
    """Where the server was to hold the model to the form, JSON that is none has been broken on the way."""
    assert ("length", ()) == (
        heard("{x | x > 0}", held=True).finish_reason,
        heard("{x | x > 0}", held=True).message.tool_calls,
    )
    assert reply("Hello.") == heard("Hello.", held=True)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_reply_that_did_not_end_by_itself_is_not_read(reason):
    """Even a whole object may be less than the model had to say."""
    assert reply(ONE, finish_reason=reason) == heard(ONE, finish_reason=reason)


def test_calls_of_the_model_itself_stay():
    """A server that sends calls nobody offered is not read a second time."""
    said = reply(ONE, calls=[ToolCall("c", "look", "{}")])

    assert said == read_reply(said, BOTH, taken=(), held=False)


def test_what_a_server_said_beside_is_carried_over():
    """Usage, cost, reasoning and all the rest stay."""
    said = Reply(
        message=Message("assistant", ONE, Reasoning("Hm.", "reasoning"), extra="{}", origin="here/m"),
        usage=Usage(1, 2),
        model="m",
        request_id="r",
        cost=0.5,
        warnings=("odd",),
    )
    call = ToolCall("call_1", "add", '{"a": 1}')

    assert replace(
        said, message=replace(said.message, content="", tool_calls=(call,)), finish_reason="tool_calls"
    ) == read_reply(said, BOTH, taken=(), held=True)


# Properties.

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(st.text(), values, max_size=4)
whole = st.lists(st.tuples(st.text(min_size=1).filter(str.strip), arguments), min_size=1, max_size=4)
scraps = st.sampled_from(
    [
        '{"calls": [',
        '{"name": "add", ',
        '"arguments": {',
        '"a": 1',
        "}",
        "]",
        ONE,
        "```json\n",
        "```",
        '{"answer": "',
        '"',
    ]
)


@given(st.text() | st.lists(scraps | st.text(max_size=3), max_size=8).map("".join), st.booleans())
def test_any_text_is_a_reply(text, held):
    """No text raises, and one that makes calls is a whole object by itself."""
    said = heard(text, held=held)

    if said.message.tool_calls:
        assert "calls" in read_arguments(text).value
    elif said.finish_reason == "length":
        assert text == said.message.content


@given(whole, st.data(), st.sampled_from(["", "```json\n"]))
def test_a_part_of_a_reply_calls_nothing(pairs, data, fence):
    """Wherever a reply is cut, none of its calls is made."""
    text = fence + calls(*pairs)
    cut = data.draw(st.integers(0, len(text) - 1))

    assert [] == asked(heard(text[:cut]))
    assert [] == asked(heard(text[:cut], held=True))


@given(whole)
def test_calls_that_are_written_are_read_again(pairs):
    """What a call becomes in the conversation is what the model would have said to make it."""
    made = tuple(ToolCall("c", name, json.dumps(given, ensure_ascii=False)) for name, given in pairs)
    said = heard(str(in_words(Message("assistant", tool_calls=made)).content))

    assert [(call.name, json.loads(call.arguments)) for call in made] == [
        (name, json.loads(text)) for name, text in asked(said)
    ]


# The real model.


@pytest.mark.local
@pytest.mark.skipif(not installed(), reason="needs the [local] extra")
async def test_a_small_model_calls_a_tool_and_ends():
    """Held to the schema by llama.cpp, a toy of a model calls an offered tool with valid arguments, and then answers."""
    with LocalServer() as server:
        profile = Profile(name="local", output_mode="json_schema")
        model = Prompted(Chat(server.model, base_url=server.base_url, profile=profile))
        settings = Settings(tool_choice="required")
        agent = Agent(model, tools=[add], limits=Limits(steps=4), settings=settings)
        for question in ("What is 17 plus 25?", "Add 402 and 99.", "Hello!"):
            result = await agent.run(question)

            assert result.status in {"completed", "step_limit", "repeat_limit"}
            assert {"add"} == {call.name for call in result.steps[0].calls}
            assert all(text.partition("\n")[0].lstrip("-").isdigit() for text in told(result))


@pytest.mark.local
@pytest.mark.skipif(not installed(), reason="needs the [local] extra")
@pytest.mark.parametrize("mode", ["json_schema", "json_object", "tool"])
async def test_a_small_model_that_may_do_as_it_likes_ends(mode):
    """Whatever a toy of a model says, the run ends with a status, and every call has its result."""
    with LocalServer() as server:
        profile = Profile(name="local", output_mode=mode)
        model = Prompted(Chat(server.model, base_url=server.base_url, profile=profile))
        async with Agent(model, tools=[add], limits=Limits(steps=2)).stream("What is 17 plus 25?") as run:
            events = [event async for event in run]

    assert run.result.status in {"completed", "cut", "step_limit"}
    assert len(told(run.result)) == sum(len(step.calls) for step in run.result.steps)
    assert not any(event.text.startswith('{"calls') for event in events if isinstance(event, TextDelta))
