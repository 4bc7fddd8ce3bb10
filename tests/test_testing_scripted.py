"""A model that says what a script tells it to."""

import asyncio

import pytest

from agentkit.errors import ModelError, UsageError
from agentkit.events import ReasoningDelta, TextDelta, ToolCallDelta
from agentkit.messages import Message, Reasoning, ToolCall, Usage
from agentkit.model import Model, Price, Reply, Request
from agentkit.testing import ScriptedModel, call, reply

HELLO = Request(messages=(Message("user", "Hello!"),))


def ask(model: Model, request: Request = HELLO) -> Reply:
    return asyncio.run(model.request(request, lambda _: None))


def watch(model: Model) -> tuple[Reply, list]:
    events: list = []
    request = Request(messages=HELLO.messages, stream=True)
    return asyncio.run(model.request(request, events.append)), events


def test_call_writes_arguments_as_json():
    """Keyword arguments become the JSON text a model would write, in its own letters."""
    assert ToolCall("", "add", '{"a": 1, "name": "é"}') == call("add", a=1, name="é")


def test_call_takes_raw_text():
    """A raw text stays as it is, however broken."""
    assert ToolCall("x", "add", '{"a": 1') == call("add", '{"a": 1', call_id="x")


def test_call_without_arguments_has_an_empty_object():
    """A call without arguments says so in JSON; only an empty text is empty."""
    assert ("{}", "") == (call("now").arguments, call("now", "").arguments)


def test_call_takes_one_form_of_arguments():
    """A raw text and keyword arguments together are refused."""
    with pytest.raises(UsageError, match="raw text and the arguments a"):
        call("add", "{}", a=1)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Reply(message=Message("assistant", "Hi"), usage=Usage(10, 5)), reply("Hi")),
        ("length", reply("Hi", finish_reason="length").finish_reason),
        ("tool_calls", reply(calls=[call("now")]).finish_reason),
        (Reasoning("Hm", "reasoning_content"), reply("Hi", reasoning="Hm").message.reasoning),
        (Usage(), reply("Hi", usage=Usage()).usage),
    ],
)
def test_reply_fills_in_what_a_server_would_say(expected, said):
    """A reply has the finish reason, usage and reasoning a server would give, unless the script names them."""
    assert expected == said


def test_entries_are_said_in_order():
    """A text, a call, parallel calls and a reply are said one after another, and the calls are counted."""
    model = ScriptedModel(call("a"), [call("b"), call("c", call_id="mine")], (call("d"),), reply("e"), "f")
    said = [ask(model) for _ in range(5)]

    assert [["call_1"], ["call_2", "mine"], ["call_3"], [], []] == [[c.id for c in r.message.tool_calls] for r in said]
    assert ["", "", "", "e", "f"] == [r.message.text for r in said]
    assert ["tool_calls"] * 3 + ["stop"] * 2 == [r.finish_reason for r in said]


def test_ids_avoid_those_in_the_conversation():
    """A fresh model that continues a run does not give its calls the ids of earlier ones."""
    earlier = Message("assistant", tool_calls=(ToolCall("call_1", "a", "{}"),))
    said = ask(ScriptedModel([call("b"), call("c", call_id="call_2"), call("d")]), Request(messages=(earlier,)))

    assert ["call_3", "call_2", "call_4"] == [c.id for c in said.message.tool_calls]


def test_an_exception_is_raised():
    """An exception in the script is what the endpoint does."""
    with pytest.raises(ModelError, match="busy"):
        ask(ScriptedModel(ModelError("busy", category="overloaded")))


def test_a_function_decides_from_the_request():
    """A function is given the request, and what it gives is an entry like any other, another function included."""
    model = ScriptedModel(lambda request: lambda _: f"You said {request.messages[-1].text}")

    assert "You said Hello!" == ask(model).message.text


def test_requests_are_kept():
    """What the model was asked can be looked at."""
    model = ScriptedModel("Hi")
    ask(model)

    assert [HELLO] == model.requests


def test_a_request_beyond_the_script_fails():
    """One request too many says which it is, how long the script was, and what was asked."""
    model = ScriptedModel("Hi")
    ask(model)

    with pytest.raises(AssertionError, match=r"no entry for request 2; it has 1; the last message was .*'Hello!'"):
        ask(model)


def test_a_request_without_messages_beyond_the_script_fails():
    """Even an empty request is told that it is beyond the script."""
    with pytest.raises(AssertionError, match=r"request 1; it has 0; the last message was None"):
        ask(ScriptedModel(), Request(messages=()))


def test_the_last_entry_can_repeat():
    """Asked to, the last entry answers everything that follows."""
    model = ScriptedModel("a", "b", repeat_last=True)

    assert ["a", "b", "b", "b"] == [ask(model).message.text for _ in range(4)]


def test_unused_entries_fail_at_the_end_of_the_block():
    """A script that was not asked to its end fails, and the message names what is left."""
    with (
        pytest.raises(AssertionError, match=r"1 of 2 script entries were not asked for: 'b'"),
        ScriptedModel("a", "b") as model,
    ):
        ask(model)

    assert ("b",) == model.unused


def test_an_exception_in_the_block_goes_first():
    """What went wrong in the block is not hidden by the rest of the script."""
    with pytest.raises(ZeroDivisionError), ScriptedModel("a"):
        raise ZeroDivisionError


def test_a_finished_script_ends_in_peace():
    """A block in which everything was asked for just ends."""
    with ScriptedModel("a") as model:
        ask(model)
    model.assert_finished()

    assert () == model.unused


def test_a_stream_brings_pieces_of_the_same_reply():
    """Whoever watches sees reasoning, text and calls come in pieces that add up to the reply."""
    said, events = watch(
        ScriptedModel(reply("Hello there, you!", reasoning="Greet.", calls=[call("add", a=1), call("now")]))
    )
    add = [e for e in events if isinstance(e, ToolCallDelta) and e.index == 0]

    assert "Greet." == "".join(e.text for e in events if isinstance(e, ReasoningDelta))
    assert "Hello there, you!" == "".join(e.text for e in events if isinstance(e, TextDelta))
    assert (ToolCallDelta(0, "add", ""), '{"a": 1}') == (add[0], "".join(e.arguments for e in add))
    assert {ReasoningDelta: 2, TextDelta: 3, ToolCallDelta: 6} == {
        kind: sum(isinstance(e, kind) for e in events) for kind in (ReasoningDelta, TextDelta, ToolCallDelta)
    }
    assert ("Hello there, you!", "scripted") == (said.message.text, said.model)


def test_nothing_is_emitted_without_a_stream():
    """A request for a whole reply emits nothing."""
    events: list = []
    asyncio.run(ScriptedModel("Hi").request(HELLO, events.append))

    assert [] == events


def test_a_price_makes_a_cost():
    """With a price a reply has its cost, unless the script names one."""
    model = ScriptedModel("a", Reply(message=Message("assistant", "b"), cost=7.0), price=Price(input=1.0, output=2.0))

    assert [0.00002, 7.0] == [ask(model).cost, ask(model).cost]


def test_it_is_a_model():
    """It has what the port asks for: a name, a price, a mode, and it takes any tools."""
    model: Model = ScriptedModel(name="m", output_mode="tool")
    model.check(())

    assert ("m", None, "tool") == (model.name, model.price, model.output_mode)


@pytest.mark.parametrize("wrong", [3, None, [reply("a")], lambda _: None])
def test_what_is_no_entry_is_refused(wrong):
    """Something else in the script is refused in words, and not taken for a function."""
    with pytest.raises(UsageError, match=r"no entry of a script|is none; see `call`"):
        ask(ScriptedModel(wrong))
