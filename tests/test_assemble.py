"""Deltas, or a whole message, as one reply."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.chat.assemble import Assembler
from agentkit.events import ReasoningDelta, TextDelta, ToolCallDelta
from agentkit.messages import Reasoning, ToolCall, Usage

OFFERED = {"add", "find_order", "now"}
SUM = '{"a": 1}'


def assembled(*chunks, told=None):
    """The reply of some chunks, whose deltas go to `told`."""
    assembler = Assembler([].append if told is None else told.append, offered=OFFERED, origin="example.com/m")
    for chunk in chunks:
        assembler.take(chunk)
    return assembler.reply("req_1")


def delta(reason=None, /, **said):
    return {"choices": [{"index": 0, "delta": said, "finish_reason": reason}]}


def piece(name=None, arguments=None, **beside):
    return delta(tool_calls=[{"function": {"name": name, "arguments": arguments}, **beside}])


def calls(*pieces):
    return [(call.id, call.name, call.arguments) for call in assembled(*pieces).message.tool_calls]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def odd(**kinds):
    """An object with some of these keys, whose values are as expected or anything else."""
    return st.fixed_dictionaries({}, optional={key: kind | json_values for key, kind in kinds.items()})


functions = odd(name=st.sampled_from(["add", "ad", "d", ""]), arguments=st.sampled_from(["{", "}", "{}", "x"]))
pieces = odd(id=st.sampled_from(["1", "2", ""]), index=st.integers(0, 2), function=functions, name=st.just("add"))
details = st.lists(odd(type=st.just("reasoning.text"), index=st.integers(0, 1), text=st.text(max_size=3)), max_size=3)
parts = st.lists(odd(type=st.sampled_from(["text", "thinking"]), text=st.text(max_size=3), thinking=json_values))
said = odd(
    content=st.text(max_size=3) | parts,
    reasoning_content=st.text(max_size=3),
    reasoning_details=details,
    refusal=st.text(max_size=3),
    tool_calls=st.lists(pieces, max_size=3),
    function_call=functions,
    encrypted_content=st.text(max_size=3),
)
choices = odd(index=st.integers(0, 1), delta=said, message=said, finish_reason=st.text(max_size=3), usage=json_values)
counts = odd(
    prompt_tokens=st.integers(), completion_tokens=st.floats(), prompt_tokens_details=json_values, cost=st.floats()
)
chunks = odd(model=st.text(max_size=3), choices=st.lists(choices, max_size=2), usage=counts)


@given(st.lists(chunks.filter(lambda chunk: isinstance(chunk, dict)), max_size=5))
def test_any_json_makes_a_reply(found):
    """No chunk is so odd that it raises, and what is streamed is what the reply says."""
    told = []
    reply = assembled(*found, told=told)

    assert reply.message.text == "".join(event.text for event in told if isinstance(event, TextDelta))
    reasoning = reply.message.reasoning
    assert (reasoning.text if reasoning else "") == "".join(e.text for e in told if isinstance(e, ReasoningDelta))
    assert all(call.name and call.arguments for call in reply.message.tool_calls)


def test_text_reasoning_and_count_come_together():
    """A reply has the joined text, the reasoning under its key, the usage, the model and the request's name."""
    told = []
    reply = assembled(
        {"model": "m-1", **delta(role="assistant", reasoning_content="Think", content="")},
        delta(reasoning_content="ing."),
        delta(content="Hel"),
        delta("stop", content="lo"),
        {
            "choices": [],
            "usage": {
                "prompt_tokens": 50,
                "completion_tokens": 30,
                "prompt_tokens_details": {"cached_tokens": 20},
                "completion_tokens_details": {"reasoning_tokens": 12},
                "cost": 0.5,
            },
        },
        told=told,
    )

    assert "Hello" == reply.message.text
    assert Reasoning("Thinking.", "reasoning_content") == reply.message.reasoning
    assert Usage(50, 30, 20, 12) == reply.usage
    assert ("stop", "m-1", "req_1", 0.5, ()) == (
        reply.finish_reason,
        reply.model,
        reply.request_id,
        reply.cost,
        reply.warnings,
    )
    assert [ReasoningDelta("Think"), ReasoningDelta("ing."), TextDelta("Hel"), TextDelta("lo")] == told
    assert "example.com/m" == reply.message.origin


def test_a_whole_message_is_read_as_its_deltas_are():
    """The body of a reply in one piece goes the same way."""
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "now"}}]}
    reply = assembled({"choices": [{"message": message, "finish_reason": "tool_calls"}]})

    assert (ToolCall("c", "now", "{}"),) == reply.message.tool_calls
    assert "tool_calls" == reply.finish_reason


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("add", '{"a"', id="x", index=0), piece(None, ": 1}", index=0)],
        [piece("add", '{"a"', id="x"), piece(None, ": 1}")],
        [piece("add", '{"a"', id="x", index=0), piece("", ": 1}", id="", index=0)],
        [piece("add", '{"a"', id="x", index=0), piece("add", ": 1}", id="x", index=0)],
        [piece("add", '{"a"', id="x", index=0), piece(None, ": 1}", id="other", index=0)],
        [piece("add", "", index=0), piece(None, SUM, id="x", index=0)],
        [piece("a", "", id="x", index=0), piece("dd", SUM, index=0)],
        [piece("add", "{}", id="x", index=0), piece(None, SUM, index=0)],
        [piece("add", {"a": 1}, id="x", index=0)],
        [piece(None, '{"a"', id="x", index=0), piece("add", ": 1}", index=0)],
        [piece("functions.add", SUM, id="x", index=0)],
        [piece("add<|channel|>commentary", SUM, id="x", index=0)],
        [piece("functions.add:0", SUM, id="x", index=0)],
        [delta(tool_calls=[{"id": "x", "name": "add", "arguments": SUM}])],
    ],
)
def test_pieces_of_a_call_find_together(pieces):
    """By id, by index, or onto the latest: whatever the server leaves out or repeats, it is one call."""
    assert [("x", "add", SUM)] == calls(*pieces)


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("add", SUM, id="x", index=0), piece("now", "{}", id="y", index=1)],
        [piece("add", SUM, id="x", index=0), piece("now", "{}", id="y", index=0)],
        [piece("add", SUM, id="x"), piece("now", "{}", id="y")],
        [piece("add", "", id="x", index=1), piece("now", "", id="y", index=3), piece(None, SUM, index=1)],
        [piece("add", '{"a"', id="x", index=0), piece("now", "", id="y", index=1), piece(None, ": 1}", id="x")],
        [piece("add", SUM, id="x", index=0), piece(None, "{}", id="y", index=1), piece("now", "", id="y", index=1)],
    ],
)
def test_calls_are_kept_apart(pieces):
    """A new name opens a new call, and interleaved pieces go to their own."""
    assert [("x", "add", SUM), ("y", "now", "{}")] == calls(*pieces)


def test_whole_calls_without_ids_are_kept_apart():
    """Two complete calls under one index are two calls; whoever records them names them."""
    assert [("", "add", SUM), ("", "add", '{"a": 2}')] == calls(
        piece("add", SUM, index=0), piece("add", '{"a": 2}', index=0)
    )


def test_arguments_stay_as_they_came():
    """No space and no digit of a raw text is changed, even where it is no JSON."""
    raw = '{"a" :1.0 ,\t"b": "\\u00e9"'

    assert [("x", "add", raw)] == calls(piece("add", raw[:7], id="x"), piece(None, raw[7:]))


def test_a_call_without_a_name_is_dropped_and_told():
    """Nobody can run it or send it back."""
    reply = assembled(piece(None, "{}", id="x", index=0), delta("tool_calls"))

    assert ((), "stop") == (reply.message.tool_calls, reply.finish_reason)
    assert {"tool_call_without_name", "tool_calls_missing"} < {*reply.warnings}


def test_an_unknown_name_stays_as_it_is():
    """Only a name that can mean nothing else is taken for an offered one."""
    assert [("x", "subtract", "{}")] == calls(piece("subtract", "{}", id="x"))


def test_deltas_of_calls_name_their_place():
    """Those who watch are told the name first, then the arguments, each with the number of its call."""
    told = []
    assembled(
        piece("add", "", id="x", index=1), piece(None, SUM, index=1), piece("now", "{}", id="y", index=2), told=told
    )

    assert [ToolCallDelta(0, "add", ""), ToolCallDelta(0, "", SUM), ToolCallDelta(1, "now", "{}")] == told


@pytest.mark.parametrize(
    ("reason", "called", "expected"),
    [
        ("stop", False, "stop"),
        ("eos", False, "stop"),
        ("stop", True, "tool_calls"),
        ("function_call_filter", True, "tool_calls"),
        ("tool_calls", False, "stop"),
        ("length", True, "length"),
        ("model_context_window_exceeded", False, "length"),
        ("sensitive", False, "content_filter"),
        ("content_filter", True, "content_filter"),
        ("a_new_one", False, "other"),
        (None, False, "stop"),
        ("", True, "tool_calls"),
    ],
)
def test_calls_count_for_more_than_the_word(reason, called, expected):
    """A reply that was cut or filtered stays that; otherwise calls that are there are what it ends with."""
    pieces = [piece("now", "{}", id="x")] if called else [delta(content="a")]

    assert expected == assembled(*pieces, delta(reason)).finish_reason


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([delta(content="a")], ("finish_reason_missing",)),
        ([delta("stop", content=" \n")], ("empty_response",)),
        ([delta("tool_calls", content="a")], ("tool_calls_missing",)),
        ([piece("functions.add", "{}"), delta("tool_calls")], ("tool_name_normalised",)),
        ([delta("length")], ()),
    ],
)
def test_oddities_are_told(chunks, expected):
    """What did not stop the reply from being read is a warning."""
    assert expected == assembled(*chunks).warnings


def test_a_refusal_is_the_text_of_a_refused_reply():
    """It comes under a key of its own, and with any reason to stop."""
    told = []
    reply = assembled(delta(refusal="I can"), delta("stop", refusal="not."), told=told)

    assert ("I cannot.", "content_filter") == (reply.message.text, reply.finish_reason)
    assert [TextDelta("I can"), TextDelta("not.")] == told


def test_only_one_choice_is_read():
    """Where a server sends several, the first that comes is followed, whatever its number."""
    other = {"choices": [{"index": 1, "delta": {"content": "B"}}]}

    assert "Aa" == assembled(delta(content="A"), other, delta("stop", content="a")).message.text
    assert "B" == assembled(other).message.text


def test_reasoning_that_comes_twice_is_kept_once():
    """Some servers send the same words under two keys."""
    reply = assembled(delta("stop", reasoning="A", reasoning_content="A"))

    assert Reasoning("A", "reasoning_content") == reply.message.reasoning


def test_opaque_data_is_kept_verbatim():
    """It may come in one piece or in several, and is nobody's but the provider's."""
    reasoning = assembled(
        delta(encrypted_content="gAA", reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "Pl"}]),
        delta(reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "an", "signature": "s"}]),
        delta(encrypted_content="B==", reasoning_details=[{"type": "reasoning.encrypted", "index": 1, "data": "x"}]),
    ).message.reasoning

    assert ("Plan", "") == (reasoning.text, reasoning.field)
    assert {
        "encrypted_content": "gAAB==",
        "reasoning_details": [
            {"type": "reasoning.text", "index": 0, "text": "Plan", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "data": "x"},
        ],
    } == json.loads(reasoning.opaque)


def test_parts_are_text_or_reasoning():
    """A content may be a list, of which the thinking is not part of the answer."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    reply = assembled(delta("stop", content=[thinking, {"type": "text", "text": "Yes."}]))

    assert ("Yes.", Reasoning("Hm.", "thinking")) == (reply.message.text, reply.message.reasoning)


def test_unknown_keys_are_kept():
    """Of the message and of its calls, so that they can go back."""
    signed = {"google": {"thought_signature": "S"}}
    reply = assembled(
        delta(prefix=False, padding=""),
        delta(tool_calls=[{"id": "x", "extra_content": signed, "function": {"name": "now"}}]),
    )

    assert {"prefix": False} == json.loads(reply.message.extra)
    assert {"extra_content": signed} == json.loads(reply.message.tool_calls[0].extra)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2}, Usage(1, 2)),
        ({"prompt_tokens": 1, "prompt_cache_hit_tokens": 3}, Usage(1, None, 3)),
        ({"cached_tokens": 0}, Usage(cached=0)),
        ({"prompt_tokens": "1", "completion_tokens": True, "prompt_tokens_details": None}, Usage()),
        ({"prompt_tokens": float("inf"), "completion_tokens": 10**400}, Usage()),
        (None, Usage()),
    ],
)
def test_tokens_are_counted_where_they_are(usage, expected):
    """What a server does not say is unknown, and what cannot be a count is not one."""
    assert expected == assembled({"usage": usage, "choices": []}).usage


@pytest.mark.parametrize("place", ["x_groq", "choices"])
def test_the_last_count_is_right(place):
    """Counts are sums so far, wherever they stand; none are added up."""
    found = {"usage": {"prompt_tokens": 5, "completion_tokens": 6}}
    last = {"x_groq": found} if place == "x_groq" else {"choices": [{"index": 0, "delta": {}, **found}]}

    assert Usage(5, 6) == assembled({"usage": {"prompt_tokens": 5, "completion_tokens": 1}}, last).usage


@pytest.mark.parametrize(
    ("status", "warnings"),
    [
        ({"model_fallback": {"fallback_triggered": True, "original_model": "m-1"}}, ("model_fallback",)),
        ({"model_fallback": {"fallback_triggered": False}}, ()),
        (None, ()),
    ],
)
def test_that_another_model_answered_is_a_warning(status, warnings):
    """Ark says it beside the choices, and `Reply.model` says which."""
    assert warnings == assembled(delta("stop", content="Hi") | {"service_status": status}).warnings
