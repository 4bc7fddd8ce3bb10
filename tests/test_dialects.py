"""A schema in a provider's dialect keeps its meaning, obeys the dialect's rules, and says what was lost."""

import copy
import datetime as dt
import enum
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agentkit.errors import SchemaRefused
from agentkit.schema.dialects import drop_nulls, translate
from agentkit.schema.signature import describe

Json = dict[str, Any]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Order:
    """An order."""

    number: Annotated[int, Field(gt=0)]
    color: Color = Color.RED


class Point(NamedTuple):
    x: int
    y: int = 0


class Tree(BaseModel):
    name: str
    kids: list["Tree"] = []
    next: "Tree | None" = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int
    name: str = ""


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = []
    owner: str | None = None


def parameters(hint: object, *, optional: bool = False) -> Json:
    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    tool.__defaults__ = (3,) if optional else None
    return describe(tool, injected=type("Context", (), {})).parameters


def root(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def value_of(schema: Json, dialect: str) -> Json:
    return translate(root(value=schema), dialect).schema["properties"]["value"]


# The rules, written down a second time.


def nodes(node: Json) -> Iterator[Json]:
    yield node
    for keyword in ("properties", "$defs"):
        for child in node.get(keyword, {}).values():
            yield from nodes(child)
    for child in node.get("anyOf", []):
        yield from nodes(child)
    for keyword in ("items", "additionalProperties"):
        if isinstance(node.get(keyword), dict):
            yield from nodes(node[keyword])


TYPES = {"object", "string", "number", "integer", "boolean", "array", "null"}
KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "description"}


def is_typed(node: Json, whole: Json) -> bool:
    if "$ref" in node:
        return set(node) == {"$ref"} and node["$ref"].removeprefix("#/$defs/") in whole["$defs"]
    if "anyOf" in node:
        return set(node) <= {"anyOf", "description", "default"}
    kinds = {type(value) for value in node.get("enum", [])}
    return node.get("type") in TYPES and len(kinds) <= 1


def obeys_strict(node: Json, whole: Json, keywords: set[str]) -> bool:
    closed = node.get("type") != "object" or (
        node["additionalProperties"] is False and node["required"] == list(node["properties"])
    )
    items = node.get("type") != "array" or bool(node["items"])
    return is_typed(node, whole) and closed and items and set(node) <= KEYWORDS | keywords


def obeys_openai(node: Json, whole: Json) -> bool:
    keywords = {"$ref", "$defs", "pattern", "format", "minItems", "maxItems"}
    numbers = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    return obeys_strict(node, whole, keywords | numbers)


def obeys_deepseek(node: Json, whole: Json) -> bool:
    return obeys_strict(node, whole, {"pattern", "format"})


def obeys_moonshot(node: Json, whole: Json) -> bool:
    return is_typed(node, whole) and set(node) <= KEYWORDS | {
        "$ref",
        "$defs",
        "pattern",
        "minLength",
        "maxLength",
        "default",
    }


def obeys_common(node: Json, whole: Json) -> bool:
    return is_typed(node, whole) and set(node) <= KEYWORDS


def obeys_inline(node: Json, whole: Json) -> bool:
    """No reference but to a type that contains itself."""
    target = str(node.get("$ref", "")).removeprefix("#/$defs/")
    return not target or f'"#/$defs/{target}"' in json.dumps(whole["$defs"][target])


RULES: dict[str, Callable[[Json, Json], bool]] = {
    "openai_strict": obeys_openai,
    "deepseek_strict": obeys_deepseek,
    "moonshot": obeys_moonshot,
    "common": obeys_common,
    "inline": obeys_inline,
}

LEAVES = st.sampled_from(
    [
        int,
        str,
        float,
        bool,
        None,
        dt.date,
        dt.timedelta,
        bytes,
        Decimal,
        Color,
        Order,
        Point,
        Tree,
        Cat | Dog,
        Annotated[Cat | Dog, Field(discriminator="kind")],
        Literal["a", 1, None],  # noqa: PYI061 - as it may be written
        Literal["only"],
        Annotated[int, Field(ge=1, lt=9, multiple_of=2)],
        Annotated[str, Field(min_length=2, max_length=5, pattern="^[a-z]+$", title="Title")],
        Annotated[Order, Field(description="The order.")],
        Annotated[list[int], Field(min_length=1, max_length=3)],
        set[str],
        tuple[int, str],
        Any,
        dict,
        list,
    ]
)


def extended(inner: st.SearchStrategy) -> st.SearchStrategy:
    fields = st.lists(st.tuples(inner, st.booleans()), min_size=1, max_size=3)
    return st.one_of(
        inner.map(lambda hint: list[hint]),
        inner.map(lambda hint: dict[str, hint]),
        inner.map(lambda hint: hint | None if hint is not None else None),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1] if pair != (None, None) else None),
        fields.map(dataclass_of),
    )


def dataclass_of(fields: list[tuple[object, bool]]) -> type:
    needed = [(f"f{index}", hint) for index, (hint, required) in enumerate(fields) if required]
    free = [(f"g{index}", hint, None) for index, (hint, required) in enumerate(fields) if not required]
    return make_dataclass("Made", [*needed, *free])


HINTS = st.recursive(LEAVES, extended, max_leaves=5)


@pytest.mark.parametrize("dialect", RULES)
@given(hint=HINTS, optional=st.booleans())
def test_every_part_obeys_the_dialect(dialect, hint, optional):
    """Whatever type a tool takes, each part of its translated schema is one the provider takes."""
    original = parameters(hint, optional=optional)
    before = copy.deepcopy(original)
    try:
        made = translate(original, dialect).schema
    except SchemaRefused as refused:
        assume(str(refused) == "")

    assert [] == [node for node in nodes(made) if not RULES[dialect](node, made)]
    assert before == original
    assert "object" == made["type"]
    assert translate(original, dialect).schema == made


@given(hint=HINTS, optional=st.booleans())
def test_plain_changes_nothing(hint, optional):
    """A plain schema is the original."""
    original = parameters(hint, optional=optional)

    assert original == translate(original, "plain").schema


# What was optional is null, and comes back as left out.


def filled(value: Any, original: Json, whole: Json) -> Any:
    """A value as a strict model sends it: null wherever the original lets something be left out."""
    node = whole["$defs"][original["$ref"].split("/")[-1]] if "$ref" in original else original
    for branch in node.get("anyOf", node.get("oneOf", [])):
        target = whole["$defs"][branch["$ref"].split("/")[-1]] if "$ref" in branch else branch
        marks = {name: each["const"] for name, each in target.get("properties", {}).items() if "const" in each}
        if isinstance(value, dict) and target.get("type") == "object" and marks.items() <= value.items():
            return filled(value, branch, whole)
    if isinstance(value, list) and "items" in node:
        return [filled(each, node["items"], whole) for each in value]
    if isinstance(value, dict) and "properties" in node:
        return {
            name: filled(value[name], each, whole) if name in value else None
            for name, each in node["properties"].items()
        }
    return value


@dataclass
class Wide:
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    orders: list[Order]
    tree: Tree
    limit: int = 3
    name: str | None = "x"


def wide(value: Wide, other: Order | None = None, more: str = ""): ...


WIDE = describe(wide, injected=type("Context", (), {}))

ORDERS = st.fixed_dictionaries({"number": st.integers(1, 9)}, optional={"color": st.sampled_from(["red", "blue"])})
TREES = st.recursive(
    st.fixed_dictionaries({"name": st.text()}),
    lambda inner: st.fixed_dictionaries(
        {"name": st.text()}, optional={"kids": st.lists(inner, max_size=2), "next": st.none() | inner}
    ),
    max_leaves=4,
)
PETS = st.fixed_dictionaries(
    {"kind": st.just("cat"), "lives": st.integers()}, optional={"name": st.text()}
) | st.fixed_dictionaries(
    {"kind": st.just("dog")}, optional={"tricks": st.lists(st.text()), "owner": st.none() | st.text()}
)
CALLS = st.fixed_dictionaries(
    {
        "value": st.fixed_dictionaries(
            {"pet": PETS, "orders": st.lists(ORDERS, max_size=2), "tree": TREES},
            optional={"limit": st.integers(), "name": st.none() | st.text()},
        )
    },
    optional={"other": st.none() | ORDERS, "more": st.text()},
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@given(CALLS)
def test_nulls_for_what_is_left_out_are_dropped(arguments):
    """A call filled with nulls is the same call once they are dropped, and still accepted."""
    sent = filled(arguments, WIDE.parameters, WIDE.parameters)
    back = drop_nulls(sent, WIDE.parameters)

    assert without_nulls(arguments) == without_nulls(back)
    WIDE.bind(back)


@given(CALLS)
def test_a_call_without_nulls_stays(arguments):
    """Only nulls are dropped."""
    assert without_nulls(arguments) == drop_nulls(without_nulls(arguments), WIDE.parameters)


def test_nulls_that_mean_something_stay():
    """Null stays where it is accepted, where a value is required, and under unknown names."""
    schema = root(
        a={"type": "integer"}, b={"type": ["integer", "null"]}, c={"enum": ["x", None]}, d={}, e={"type": "integer"}
    )
    schema["required"] = ["a"]
    sent = dict.fromkeys("abcdez")

    assert dict.fromkeys("abcdz") == drop_nulls(sent, schema)
    assert dict.fromkeys("abcdez") == sent


# Examples of each rule.


def test_what_a_dialect_cannot_say_is_described():
    """A constraint without a keyword moves into the description, and the loss is told with its path."""
    customer = {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 3, "description": "Full name"}},
        "required": ["name"],
    }
    made = translate(root(customer=customer), "openai_strict")

    assert (
        "Full name. At least 3 characters."
        == made.schema["properties"]["customer"]["properties"]["name"]["description"]
    )
    assert ("customer.name: minLength is said in the description instead (at least 3 characters)",) == made.lost


def test_strict_makes_the_optional_nullable():
    """Everything is required in strict mode, so what was optional may be null."""
    schema = root(limit={"type": "integer", "default": 10, "description": "At most this many."})
    schema["required"] = []
    made = translate(schema, "openai_strict")

    assert {
        "anyOf": [{"type": "integer"}, {"type": "null"}],
        "description": "At most this many. Default 10.",
    } == made.schema["properties"]["limit"]
    assert ["limit"] == made.schema["required"]
    assert "limit: is required, and null stands for leaving it out" in made.lost


@pytest.mark.parametrize(
    ("schema", "dialect", "expected"),
    [
        ({"const": "a"}, "common", {"type": "string", "enum": ["a"]}),
        (
            {"enum": ["a", 1, None]},
            "moonshot",
            {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "integer", "enum": [1]}, {"type": "null"}]},
        ),
        (
            {"enum": [1, 1.5]},
            "moonshot",
            {"type": "number", "enum": [1, 1.5]},
        ),
        (
            {"type": ["string", "null"], "minLength": 2},
            "moonshot",
            {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]},
        ),
        (
            {"type": "array", "items": {"type": "integer"}, "anyOf": [{"minItems": 1}]},
            "common",
            {"type": "array", "items": {"type": "integer"}},
        ),
        (
            {"type": "string", "anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}], "title": "T"},
            "moonshot",
            {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]},
        ),
        ({"type": "string", "format": "date"}, "openai_strict", {"type": "string", "format": "date"}),
        (
            {"type": "string", "format": "path"},
            "openai_strict",
            {"type": "string", "description": 'A file path such as "notes.txt".'},
        ),
        (
            {"type": "string", "pattern": "(?=a)"},
            "openai_strict",
            {"type": "string", "description": 'Matching the pattern "(?=a)".'},
        ),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string"}}},
                ]
            },
            "common",
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
            "common",
            {
                "type": "array",
                "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "description": "In this order: an integer; a string.",
            },
        ),
        (
            {"type": "array", "prefixItems": [{"type": ["integer", "null"]}, {"const": 3}]},
            "common",
            {
                "type": "array",
                "items": {
                    "anyOf": [{"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "integer", "enum": [3]}]
                },
                "description": "In this order: an integer or null; 3.",
            },
        ),
        (
            {"type": "object"},
            "common",
            {"type": "object", "properties": {}, "required": [], "additionalProperties": True},
        ),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": True},
            "deepseek_strict",
            {
                "type": "object",
                "properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        (
            {"type": "integer", "not": {"const": 3}},
            "moonshot",
            {"type": "integer", "description": "Not: {'const': 3}."},
        ),
        (
            {"oneOf": [{"type": "integer"}, {"type": "string"}]},
            "openai_strict",
            {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        ),
    ],
)
def test_one_rule_at_a_time(schema, dialect, expected):
    """Each keyword is kept, replaced or described as the dialect needs it."""
    assert expected == value_of(schema, dialect)


def test_openai_wraps_references_with_a_description():
    """A reference stands alone, so its description goes around it."""
    made = translate(parameters(Annotated[Tree, "A tree."]), "openai_strict").schema

    assert {"anyOf": [{"$ref": "#/$defs/Tree"}], "description": "A tree."} == made["properties"]["value"]


def test_moonshot_keeps_only_recursive_references():
    """What need not be a reference is written out, and a reference has nothing beside it."""
    made = translate(parameters(Annotated[Tree | Order, "Either."]), "moonshot").schema

    assert ["Tree"] == list(made["$defs"])
    assert {"$ref": "#/$defs/Tree"} == made["properties"]["value"]["anyOf"][0]


def test_old_definitions_are_understood():
    """`definitions` of older drafts are definitions."""
    schema = root(a={"$ref": "#/definitions/A"}) | {"definitions": {"A": {"type": "integer"}}}

    assert {"type": "integer"} == translate(schema, "inline").schema["properties"]["a"]
    assert {"$ref": "#/$defs/A"} == translate(schema, "openai_strict").schema["properties"]["a"]


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": {}}])
@pytest.mark.parametrize("dialect", ["plain", *RULES])
def test_a_tool_without_arguments_has_properties(schema, dialect):
    """Some servers drop an object that does not say so."""
    made = translate(schema, dialect).schema

    assert ("object", {}) == (made["type"], made["properties"])


@pytest.mark.parametrize(
    ("schema", "dialect", "words"),
    [
        ({"type": "array", "items": {}}, "plain", "the root of a schema must be an object"),
        ({"anyOf": [{"type": "object"}]}, "common", "the root of a schema must be an object"),
        (parameters(Tree), "common", "value: Tree contains itself"),
        (parameters(dict[str, int]), "openai_strict", "value: strict mode has no objects with free keys"),
        (parameters(dict), "deepseek_strict", "value: strict mode has no objects with free keys"),
        (parameters(Any), "openai_strict", "value: strict mode needs to know its type"),
        (root(a={"type": "array", "items": {"type": "array"}}), "openai_strict", "a[][]: strict mode needs"),
        (root(a=False), "common", "a: no value fits"),
        (
            root(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}},
            "openai_strict",
            "defined by itself",
        ),
        (root(), "klingon", "there is no schema dialect 'klingon'"),
    ],
)
def test_what_cannot_be_said_is_refused(schema, dialect, words):
    """The message names the path and the reason."""
    with pytest.raises(SchemaRefused) as caught:
        translate(schema, dialect)

    assert words in str(caught.value)


def deep(levels: int) -> Json:
    return root(a=deep(levels - 1)) if levels else {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (deep(10), "strict mode takes 10 levels"),
        (root(**{f"p{index}": {"type": "string"} for index in range(5001)}), "takes 5000 properties"),
        (root(a={"enum": [f"v{index}" for index in range(1001)]}), "takes 1000 values"),
        (root(a={"enum": ["x" * 60 + str(index) for index in range(251)]}), "may have 15000 characters"),
        (root(**{"n" * 2000 + str(index): {"type": "string"} for index in range(61)}), "takes 120000 characters"),
    ],
)
def test_sizes_are_checked_before_they_are_sent(schema, words):
    """OpenAI's limits are told here, with numbers."""
    with pytest.raises(SchemaRefused) as caught:
        translate(schema, "openai_strict")

    assert words in str(caught.value)


def test_a_type_that_contains_itself_stays_a_reference_where_the_others_are_inlined():
    """Inlining has no end for a recursive type, and a provider without a rule about references gets one."""
    made = translate(parameters(list[Tree]), "inline")

    assert {"Tree"} == made.schema["$defs"].keys()
    assert ("Tree: contains itself, and stays a reference",) == made.lost
