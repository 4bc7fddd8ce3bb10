"""Events as JSON and back."""

import json
from dataclasses import fields, is_dataclass
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import events

from agentkit import JournalError, Recorded
from agentkit.codec import KINDS, LONG, TEXTLESS, TEXTS, as_json, decode, dumps, encode, line, read_line
from agentkit.events import Unknown


@given(events)
def test_an_event_that_is_read_is_the_event_that_was_written(event):
    """Whatever stands in it, half a surrogate pair included, and through text that is valid UTF-8."""
    kind, data = encode(event)
    text = dumps(data)

    assert text == text.encode().decode()
    assert event == decode(kind, json.loads(text))


@given(events)
def test_compiled_code_writes_what_careful_code_writes(event):
    """The two ways to write an event say the same, where the quick one can."""
    text = as_json(event)

    assert text is None or json.loads(text) == json.loads(dumps(encode(event)[1]))


@given(events, st.integers(0, 10**6), st.floats(0, 1e10), st.integers(0, 10**4), st.integers(0, 9))
def test_a_recorded_event_is_one_line_of_a_file(event, seq, time, step, hidden):
    """A line holds the event with its place, and no line break."""
    recorded = Recorded("run", seq, time, step, event, hidden)

    assert "\n" not in line(recorded)
    assert recorded == read_line(line(recorded))


def test_an_unknown_kind_survives_reading():
    """What a later version has written is kept as it is, ignored by the loop, and written again."""
    event = decode("MoonRose", {"phase": "full"})

    assert Unknown("MoonRose", '{"phase":"full"}') == event
    assert not event.durable
    assert ("MoonRose", {"phase": "full"}) == encode(event)


def test_an_unknown_field_is_passed_over():
    """A field that a later version has added does not keep an older one from reading the rest."""
    assert "m" == decode("ModelCalled", {"model": "m", "messages": 1, "tools": [], "mood": "fine"}).model


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("ModelCalled", {}),
        ("ModelCalled", {"model": 7, "messages": 1, "tools": []}),
        ("ModelCalled", {"model": "m", "messages": 1, "tools": "none"}),
        ("ToolFinished", {"result": "lost"}),
        ("ToolFinished", {"result": {"content": "x"}}),
        ("RunStarted", {"run_id": "r", "agent": "a", "messages": [None]}),
    ],
)
def test_fields_that_are_not_those_of_the_event_are_damage(kind, data):
    """The error names the event, and is one of the journal."""
    with pytest.raises(JournalError, match=f"{kind} cannot be read"):
        decode(kind, data)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '{"run_id": 1, "seq": "x"}', "[" * 100_000])
def test_a_line_that_is_no_event_is_refused(text):
    """The error shows how the line begins."""
    with pytest.raises(JournalError, match="no recorded event"):
        read_line(text)


def test_what_is_at_its_default_is_left_out():
    """A journal holds what was said, not what was not."""
    assert ("RunSuspended", {"status": "failed"}) == encode(KINDS["RunSuspended"]("failed"))


def texts_of(kind: type, seen: set[type]) -> set[str]:
    """The fields of a value, and of the values in it, that hold text of any kind."""
    if kind in seen or not is_dataclass(kind):
        return set()
    seen.add(kind)
    hints = get_type_hints(kind)
    own = {each.name for each in fields(kind) if "str" in str(hints[each.name]) or hints[each.name] is str}
    return own.union(*(texts_of(each, seen) for each in inner_of(hints.values())))


def inner_of(hints) -> list[type]:
    found, waiting = [], list(hints)
    while waiting:
        hint = waiting.pop()
        found += [hint] if isinstance(hint, type) else []
        waiting += list(getattr(hint, "__args__", ()))
    return found


def test_every_text_of_an_event_is_free_or_named():
    """A field for text is one in which secrets are looked for, one that is kept to the letter, or a short name."""
    names = set().union(*(texts_of(kind, set()) for kind in KINDS.values()))
    short = {
        "agent", "answer_tool", "call_id", "category", "continues", "field", "finish_reason", "id", "key", "limits", "model", "name",
        "origin", "parent", "process", "repair", "request", "request_id", "role", "run_id", "status", "target", "tool",
        "tool_calls", "tools", "warnings", "why", "messages",
    }  # fmt: skip

    assert set() == names - TEXTS - LONG - short


def test_events_without_texts_have_none():
    """Those that are not looked through for secrets have no field in which one could stand."""
    assert [] == [
        each.name for kind in TEXTLESS for each in fields(kind) if each.name in TEXTS or is_dataclass(each.type)
    ]
