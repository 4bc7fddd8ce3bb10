"""An answer's text becomes a value of a type, or a refusal that the model can mend."""

import enum
import json
import socket
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agentkit.errors import UsageError
from agentkit.schema.outputs import OutputRefused, OutputType


@dataclass
class Report:
    """A report."""

    title: str
    lines: list[str]


class Tree(BaseModel):
    name: str
    kids: list["Tree"] = []


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


def refusal(output: OutputType, text: str) -> str:
    with pytest.raises(OutputRefused) as caught:
        output.read(text)
    return caught.value.problem


def test_an_object_is_asked_for_as_it_is():
    """A type that is an object needs no wrapping, and has its own name."""
    output = OutputType(Report)

    assert ("Report", False, "object") == (output.name, output.wrapped, output.schema["type"])
    assert Report("T", ["a"]) == output.read('{"title": "T", "lines": ["a"]}')


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (list[int], [1, 2], "[1, 2]"),
        (int, 3, "3"),
        (Literal["yes", "no"], "yes", '"yes"'),
        (Color, Color.RED, '"red"'),
        (int | None, None, "null"),
        (Report | Tree, Tree(name="a"), '{"name": "a"}'),
        (list[Report], [Report("T", [])], '[{"title": "T", "lines": []}]'),
    ],
)
def test_anything_else_is_wrapped(annotation, value, text):
    """The schema is an object with the value inside; an answer may leave the wrapping out."""
    output = OutputType(annotation)

    assert output.wrapped
    assert ("object", ["value"], ["value"], False) == (
        output.schema["type"],
        list(output.schema["properties"]),
        output.schema["required"],
        output.schema["additionalProperties"],
    )
    assert value == output.read(f'{{"value": {text}}}')
    assert value == output.read(text)


def test_references_lead_somewhere():
    """A recursive type is an object at its root, and a wrapped one keeps its definitions at the root."""
    assert "object" == OutputType(Tree).schema["type"]
    assert ["Tree"] == list(OutputType(Tree).schema["$defs"])
    assert ["Tree"] == list(OutputType(list[Tree]).schema["$defs"])


def test_a_fence_and_space_are_tolerated():
    """Models fence what they answer."""
    assert 3 == OutputType(int).read('\n```json\n{"value": 3}\n```\n')


def test_a_bare_word_is_a_value_where_it_fits():
    """A choice answered without quotes is still that choice."""
    assert "yes" == OutputType(Literal["yes", "no"]).read("yes")
    assert Color.BLUE is OutputType(Color).read("blue")


def test_names_are_fit_for_a_schema():
    """Endpoints take plain characters only."""
    assert "list_Report" == OutputType(list[Report]).name
    assert "int_None" == OutputType(int | None).name
    assert "my_answer" == OutputType(int, "my answer!").name


@pytest.mark.parametrize(
    ("annotation", "text", "words"),
    [
        (Report, "Here it is.", "The answer is not valid JSON"),
        (Report, '{"title": "T", "lines": [', "The answer is not valid JSON"),
        (int, '{"value": NaN}', "NaN is not a JSON value"),
        (Report, '{"title": 3, "lines": []}', "title is 3: expected a string."),
        (Report, "[]", "The value is []: expected an object with title (string), lines (array)."),
        (list[int], '{"value": ["x"]}', 'value[0] is "x": expected an integer.'),
        (list[int], '["x"]', 'value[0] is "x": expected an integer.'),
        (Color, '{"value": "rde"}', 'value is "rde": expected one of "red", "blue". Did you mean "red"?'),
    ],
)
def test_a_refusal_says_what_was_expected(annotation, text, words):
    """Refusals of answers read like those of arguments."""
    assert words in refusal(OutputType(annotation), text)


def test_types_that_are_no_json_are_refused():
    """The developer hears it before anything is spent."""
    with pytest.raises(UsageError, match="a model cannot answer with socket"):
        OutputType(socket.socket)


@pytest.mark.parametrize("annotation", [Report, Tree, Color, int, list[Report], Report | None])
def test_the_example_is_read(annotation):
    """An example of the schema is an answer."""
    output = OutputType(annotation)

    output.read(json.dumps(output.example()))


@given(
    st.text() | st.text(alphabet='{}[]":,value123 \n`tre\ud83d', max_size=30),
    st.sampled_from([Report, int, list[int], Tree]),
)
def test_any_text_is_read_or_refused(text, annotation):
    """No answer is more than a refusal."""
    try:
        OutputType(annotation).read(text)
    except OutputRefused as refused:
        problem = refused.problem
    else:
        problem = "none"

    assert problem
