"""The text of a call's arguments is read as an object, mended only where nothing can be missing."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentkit.arguments import DEEPEST, ArgumentsUnreadable, canonical, read_arguments, sendable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=5)
ALMOST_JSON = st.text(alphabet="{}[]\":,'\\ntrueflsNoaIiy0123456789.-+eE \n`\ud83d\u2028_xu", max_size=40)


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def fault(raw: str) -> ArgumentsUnreadable:
    with pytest.raises(ArgumentsUnreadable) as caught:
        read_arguments(raw)
    return caught.value


def outcome(raw: str) -> str:
    try:
        read_arguments(raw)
    except ArgumentsUnreadable as error:
        return error.kind
    return "read"


@pytest.mark.parametrize("raw", ["", "   ", "\n", "null", " null ", "{}"])
def test_no_arguments_are_an_empty_object(raw):
    """An empty text and null are what a model sends for a tool without arguments."""
    read = read_arguments(raw)

    assert {} == read.value
    assert read.repair is None


@given(OBJECTS, st.sampled_from([None, 2]), st.booleans())
def test_json_is_read_as_it_stands(value, indent, ascii_only):
    """Any JSON object is read exactly, and no repair is claimed."""
    read = read_arguments(json.dumps(value, indent=indent, ensure_ascii=ascii_only))

    assert value == read.value
    assert read.repair is None


@given(OBJECTS)
def test_json_goes_back_unchanged(value):
    """What parses is sent back as the same bytes."""
    raw = json.dumps(value, indent=1)

    assert raw == sendable(raw)


@given(st.text() | ALMOST_JSON)
@example('{"a": "\\ud83d"}')
@example("[" * 100_000)
@example('"' + "[" * 5000)
@example(nested(50_000))
@example("[" * 5000 + "]" * 5000)
def test_no_text_is_more_than_unreadable(raw):
    """Whatever a model sends is an object or an explained refusal, and can be sent back as an object."""
    assert outcome(raw) in {"read", "truncated", "invalid_json", "not_object"}

    sent = json.loads(sendable(raw).encode())
    assert isinstance(sent, dict)


@given(OBJECTS.filter(bool), st.data())
def test_a_cut_text_is_never_read(value, data):
    """The beginning of an object is called truncated, wherever it was cut."""
    raw = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    cut = raw[: data.draw(st.integers(1, len(raw) - 1))]

    assert "truncated" == fault(cut).kind


@pytest.mark.parametrize(
    ("raw", "value", "repair"),
    [
        ('{"a": 1,}', {"a": 1}, "trailing_comma"),
        ('{"a": [1, 2 , ], }', {"a": [1, 2]}, "trailing_comma"),
        ('{"a": ",]",}', {"a": ",]"}, "trailing_comma"),
        ('```json\n{"a": 1}\n```', {"a": 1}, "code_fence"),
        ('```\n{"a": 1}```', {"a": 1}, "code_fence"),
        ('{"a": "one\ntwo\t3"}', {"a": "one\ntwo\t3"}, "control_characters"),
        ('"{\\"a\\": 1}"', {"a": 1}, "double_encoded"),
        ('{"a": True, "b": None, "c": False}', {"a": True, "b": None, "c": False}, "python_literals"),
        (
            "{'a': 'say \"hi\"', 'b': 'it\\'s', 'c': '\\x41'}",
            {"a": 'say "hi"', "b": "it's", "c": "A"},
            "python_literals",
        ),
        ("{'a': \"True, 'or' False\"}", {"a": "True, 'or' False"}, "python_literals"),
        ('{"a": "Oslo \\ud83d"}', {"a": "Oslo \ufffd"}, "lone_surrogate"),
        ('{"a\ud83d": ["\udc00"]}', {"a\ufffd": ["\ufffd"]}, "lone_surrogate"),
        ('{"a": [1, {"b": "\\ud83d\\ude00 \\ude00"}]}', {"a": [1, {"b": "\U0001f600 \ufffd"}]}, "lone_surrogate"),
        ("```json\n{'a': 1,}\n```", {"a": 1}, "code_fence+python_literals+trailing_comma"),
        ('"{\\"a\\": 1,}"', {"a": 1}, "double_encoded+trailing_comma"),
    ],
)
def test_what_cannot_miss_anything_is_mended(raw, value, repair):
    """Almost-JSON is read when all of it is there, and the repair has a name."""
    read = read_arguments(raw)

    assert value == read.value
    assert repair == read.repair
    assert value == json.loads(sendable(raw).encode())


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ('{"city": "San Fr', "truncated"),
        ('{"city": "one\ntw', "truncated"),
        ('{"a": 1,', "truncated"),
        ('{"a": tr', "truncated"),
        ('{"a": 1.', "truncated"),
        ('{"a": "\\u12', "truncated"),
        ("{'a': 'b", "truncated"),
        ('```json\n{"a": 1}', "truncated"),
        ('"{\\"a\\": "', "truncated"),
        ('{"a": 1}{"b": 2}', "invalid_json"),
        ('{"a": 1}{"a": 1}', "invalid_json"),
        ('{"city": "Oslo"}, "limit": 10}', "invalid_json"),
        ('{"lat": NaN}', "invalid_json"),
        ('{"lat": -Infinity}', "invalid_json"),
        ('{"lat": 1e999}', "invalid_json"),
        ('{"a": ' + "9" * 5000 + "}", "invalid_json"),
        ('{"a": "b" "c"}', "invalid_json"),
        ("{'a': 'b' 'c'}", "invalid_json"),
        ('{"a": "he said "hi""}', "invalid_json"),
        ("{'a': 'it's'}", "invalid_json"),
        ('{"a": [,]}', "invalid_json"),
        ('{"a": 1,,}', "invalid_json"),
        ("{,}", "invalid_json"),
        ('{"a": (1, 2)}', "invalid_json"),
        ("{a: 1}", "invalid_json"),
        ('{"a": __import__("os")}', "invalid_json"),
        ("Oslo", "invalid_json"),
        ('["Oslo"]', "not_object"),
        ('"Oslo"', "not_object"),
        ("42", "not_object"),
        ("true", "not_object"),
    ],
)
def test_what_may_miss_something_is_refused(raw, kind):
    """Nothing is guessed: a text that could mean more or less than it says is not executed."""
    assert kind == fault(raw).kind
    assert "{}" == sendable(raw)


def test_a_refusal_says_where():
    """The message quotes the place, and the position counts in the raw text."""
    error = fault('  {"city": "Oslo"}, "limit": 10}')

    assert 18 == error.position
    assert "more text follows the value" in str(error)
    assert '"limit"' in str(error)


def test_a_refusal_hides_keys():
    """A quoted text does not carry a credential into a log."""
    assert "abcdefghijklmnop" not in str(fault('{"api_key": "sk-abcdefghijklmnop" x}'))
    assert "abcdefghijklmnop" not in str(fault('{"api_key": "sk-abcdefghijklmnop'))


def test_integers_stay_exact():
    """A number too large for a float keeps its digits."""
    assert {"id": 123456789012345678901234567890} == read_arguments('{"id":123456789012345678901234567890}').value


def test_nesting_is_read_to_a_limit():
    """What follows may recurse over the value without care."""
    assert DEEPEST == json.dumps(read_arguments(nested(DEEPEST)).value).count("{")
    assert "levels deep" in str(fault(nested(DEEPEST + 1)))


@pytest.mark.parametrize(
    "raw", ['"\\' * 50_000, "'\\" * 50_000, '{"a":' + " ," * 50_000, "```" + " " * 50_000 + "x", '"' * 49_999]
)
def test_hostile_texts_take_linear_time(raw):
    """Long texts of quotes, commas and spaces are refused without a quadratic search."""
    assert fault(raw).kind in {"truncated", "invalid_json"}


@given(OBJECTS)
def test_equal_arguments_have_one_canonical_text(value):
    """Order of keys, space and escapes make no difference between calls."""
    turned = dict(reversed(value.items()))

    assert canonical(json.dumps(value)) == canonical(json.dumps(turned, indent=1, ensure_ascii=False))


def test_unreadable_arguments_are_their_own_canonical_text():
    """Two broken calls are the same only if their texts are."""
    assert '{"a": ' == canonical('{"a": ')
