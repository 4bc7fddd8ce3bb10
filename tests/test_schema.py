"""A function is described by its signature and docstring, and calls are checked against that."""

import datetime as dt
import enum
import functools
import socket
import sys
import typing
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar
from uuid import UUID

import pytest
import typing_extensions
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field

from agentkit.errors import ToolDefinitionError
from agentkit.schema.signature import ArgumentsRefused, Bound, Signature, describe

T = TypeVar("T")


@dataclass
class Context(Generic[T]):
    deps: T


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Order:
    """An order.

    Attributes:
        number: Its number.
    """

    number: int
    color: Color = Color.RED
    note: Annotated[str, "For the courier"] = ""


class Point(NamedTuple):
    x: int
    y: int = 0


class Person(BaseModel):
    """A person."""

    name: str = Field(description="Full name", min_length=2)
    kids: list["Person"] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Filters(typing_extensions.TypedDict, total=False):
    city: typing_extensions.Required[Annotated[str, "Where"]]
    since: dt.date


def signature(function: Callable[..., object], **settings) -> Signature:
    return describe(function, injected=Context, **settings)


def schema_of(hint: object) -> dict[str, Any]:
    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    return signature(tool).parameters["properties"]["value"]


def read(hint: object, value: object) -> object:
    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    return signature(tool).bind({"value": value}).kwargs["value"]


def problem(function: Callable[..., object], arguments: Mapping[str, Any]) -> str:
    with pytest.raises(ArgumentsRefused) as caught:
        signature(function).bind(arguments)
    return caught.value.problem


def refused(function: object, **settings) -> str:
    with pytest.raises(ToolDefinitionError) as caught:
        signature(function, **settings)
    return str(caught.value)


def find_orders(customer: str, since: dt.date | None = None, limit: int = 10) -> list[Order]:
    """Orders of one customer.

    The newest come first.

    Args:
        customer: Customer number, e.g. "C-1024".
        since: Only orders placed on or after this day.
        nobody: Documents an argument that is not there.
    """
    return []


# What a model is told.


def test_a_function_is_described():
    """Name, text, arguments with descriptions and defaults: nothing else, and no generated titles."""
    told = signature(find_orders)

    assert "find_orders" == told.name
    assert "Orders of one customer.\n\nThe newest come first." == told.description
    assert {
        "type": "object",
        "properties": {
            "customer": {"type": "string", "description": 'Customer number, e.g. "C-1024".'},
            "since": {
                "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
                "description": "Only orders placed on or after this day.",
                "default": None,
            },
            "limit": {"type": "integer", "default": 10},
        },
        "required": ["customer"],
        "additionalProperties": False,
    } == told.parameters


def test_the_result_is_described():
    """A return annotation becomes a schema; without one, or with one no JSON can hold, there is none."""

    def silent(): ...
    def odd() -> socket.socket: ...
    async def stream() -> AsyncIterator[int]: ...

    returns = signature(find_orders).returns

    assert {"type": "array", "items": {"$ref": "#/$defs/Order"}} == {key: returns[key] for key in ("type", "items")}
    assert [None, None, None] == [signature(each).returns for each in (silent, odd, stream)]


def test_settings_win_over_the_function():
    """A name and a description that are given replace the function's own."""
    told = signature(find_orders, name="orders-of", description="Short.")

    assert ("orders-of", "Short.") == (told.name, told.description)


def test_annotations_win_over_the_docstring():
    """Words in the annotation, as a string or as a field, are the argument's description."""

    def tool(
        a: Annotated[str, "told"],
        b: Annotated[str, Field(description="told")],
        c: str,
        d: Annotated[int, "told"] | None = None,
    ):
        """Do it.

        :param a: from the docstring
        :param b: from the docstring
        :param c: from the docstring
        """

    properties = signature(tool).parameters["properties"]

    assert ["told", "told", "from the docstring", "told"] == [each["description"] for each in properties.values()]


def test_fields_are_described():
    """Dataclasses, models and typed dictionaries keep what is said of their fields."""

    def tool(order: Order, person: Person, filters: Filters): ...

    definitions = signature(tool).parameters["$defs"]

    assert "An order." == definitions["Order"]["description"]
    assert "Its number." == definitions["Order"]["properties"]["number"]["description"]
    assert "For the courier" == definitions["Order"]["properties"]["note"]["description"]
    assert "Full name" == definitions["Person"]["properties"]["name"]["description"]
    assert "Where" == definitions["Filters"]["properties"]["city"]["description"]


def test_secret_defaults_stay_here():
    """A default that looks like a credential is not shown to the model."""

    def tool(
        key: str = "sk-abcdefgh12345678", url: str = "https://bob:pw@db/x", password: str = "hunter2", limit: int = 3
    ): ...

    properties = signature(tool).parameters["properties"]

    assert ["limit"] == [name for name, each in properties.items() if "default" in each]


def test_defaults_that_are_no_json_are_left_out():
    """A default without a JSON form is the function's own affair."""

    def tool(a: Any = object(), b: float = float("inf"), c: Color = Color.RED, d: Sequence[int] = (1,)): ...  # noqa: B008

    properties = signature(tool).parameters["properties"]

    assert {"c": "red", "d": [1]} == {name: each["default"] for name, each in properties.items() if "default" in each}


def test_unannotated_arguments_take_anything():
    """An argument without a type is any JSON value, and says so."""

    def tool(value, other=3): ...

    told = signature(tool)

    assert {"description": "Any JSON value."} == told.parameters["properties"]["value"]
    assert {"value": [1, {"a": None}]} == told.bind({"value": [1, {"a": None}]}).kwargs


# Kinds of callables.


class Api:
    """An API."""

    def find(self, query: str) -> str:
        """Find it."""

    @classmethod
    def make(cls, query: str): ...

    @staticmethod
    def check(query: str): ...

    def __call__(self, query: str):
        """Call it.

        Args:
            query: What for.
        """


class HTTPSearch:
    """Search the web."""

    def __call__(self, query: str): ...


async def gather(query: str): ...


async def stream(query: str):
    yield query


def generate(query: str):
    yield query


@functools.lru_cache
def cached(query: str): ...


@functools.wraps(generate)
def wrapper(*args, **kwargs): ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (gather, "gather"),
        (stream, "stream"),
        (generate, "generate"),
        (wrapper, "generate"),
        (cached, "cached"),
        (Api().find, "find"),
        (Api.make, "make"),
        (Api().make, "make"),
        (vars(Api)["make"], "make"),
        (Api.check, "check"),
        (vars(Api)["check"], "check"),
        (Api(), "api"),
        (HTTPSearch(), "http_search"),
        (functools.partial(HTTPSearch()), "http_search"),
        (functools.partial(Api().find), "find"),
    ],
)
def test_every_kind_of_callable_is_described(function, name):
    """What can be called has a name and its arguments, without those already bound."""
    told = signature(function)

    assert name == told.name
    assert {"query": "string"} == {key: each["type"] for key, each in told.parameters["properties"].items()}


def test_objects_have_a_docstring():
    """The docstring of a call is nearer than that of its class."""
    assert "Call it." == signature(Api()).description
    assert "What for." == signature(Api()).parameters["properties"]["query"]["description"]
    assert "Search the web." == signature(HTTPSearch()).description


def test_a_partial_hides_what_it_fixes():
    """The model sees neither the arguments that are bound nor their values."""
    told = signature(functools.partial(find_orders, "C-1", limit=5))

    assert ["since"] == list(told.parameters["properties"])


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x, "lambda has no name; give one with name=..."),
        (Order, "Order is a class"),
        (print, "*args has no type"),
        (iter, "iter has no signature"),
        (3, "3 cannot be called"),
    ],
)
def test_what_cannot_be_described_is_refused(function, words):
    """The developer hears at definition time what to do instead."""
    assert words in refused(function)


@pytest.mark.parametrize("name", ["", "two words", "a" * 65, "naïve", "a\n"])
def test_names_that_no_endpoint_takes_are_refused(name):
    """A tool's name has up to 64 plain characters."""

    def tool(): ...

    tool.__name__ = name

    assert "name=..." in refused(tool)


def test_a_lambda_with_a_name_is_a_tool():
    """A name is all that a lambda lacks."""
    assert "double" == signature(lambda value: value * 2, name="double").name


# The context.


def test_the_context_is_not_shown():
    """The parameter with the context is found bare, with parameters, optional, annotated and as a string."""

    def bare(c: Context, a: int): ...
    def full(a: int, c: Context[dict]): ...
    def optional(a: int, c: Context[dict] | None = None): ...
    def annotated(a: int, *, c: Annotated[Context, "the run"]): ...
    def text(a: int, c: "Context[int] | None" = None): ...
    def unresolved(a: int, c: "Context[OnlyForTypeCheckers]"): ...  # noqa: F821

    for function in (bare, full, optional, annotated, text, unresolved):
        told = signature(function)
        assert "c" == told.injected
        assert ["a"] == list(told.parameters["properties"])


def test_a_call_puts_the_context_in_its_place():
    """Arguments and context reach the function as it wants them, by place or by name."""

    def by_name(a, c: Context, b=2):
        return a, c, b

    def by_place(a: int = 1, c: Context = None, b: int = 2, /):
        return a, c, b

    def among_many(a: int, c: Context, b: int = 2, *rest: int, d: int = 4, **more: float):
        return a, c, b, rest, d, more

    assert (1, "C", 2) == signature(by_name).bind({"a": 1}).call(by_name, "C")
    assert (1, "C", 3) == signature(by_place).bind({"b": 3}).call(by_place, "C")
    assert (1, "C", 2) == signature(by_place).bind({}).call(by_place, "C")
    assert (1, "C", 2, (), 4, {}) == signature(among_many).bind({"a": 1}).call(among_many, "C")
    assert (1, "C", 2, (7, 8), 5, {"z": 1.5}) == signature(among_many).bind(
        {"a": 1, "rest": [7, 8], "d": 5, "z": 1.5}
    ).call(among_many, "C")


def test_a_function_without_context_is_called_without():
    """Nothing is passed that a function does not take."""
    assert Bound((), {"customer": "C"}) == signature(find_orders).bind({"customer": "C"})
    assert [] == signature(find_orders).bind({"customer": "C"}).call(find_orders, "ignored")


def test_only_one_context_is_taken():
    """Two parameters for the context are a mistake, and both are named."""

    def tool(a: Context, b: Context): ...

    assert "'a', 'b'" in refused(tool)


# Types.


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (int, "5", 5),
        (int, 2**80, 2**80),
        (float, 3, 3.0),
        (bool, True, True),
        (str, "", ""),
        (list[int], ["1", 2], [1, 2]),
        (set[int], [1, 1], {1}),
        (frozenset[str], ["a"], frozenset("a")),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[int, ...], [1, 2], (1, 2)),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict[int, str], {"1": "a"}, {1: "a"}),
        (Sequence[int], [1], [1]),
        (Mapping[str, int], {"a": 1}, {"a": 1}),
        (Iterable[int], ["1"], [1]),
        (Iterable[int] | None, ["1"], [1]),
        (Literal["a", 1], 1, 1),
        (Literal[Color.RED], "red", Color.RED),
        (Color, "blue", Color.BLUE),
        (int | str | None, None, None),
        (dt.date, "2024-05-31", dt.date(2024, 5, 31)),
        (dt.datetime, "2024-05-31T09:30:00Z", dt.datetime(2024, 5, 31, 9, 30, tzinfo=dt.UTC)),
        (dt.time, "09:30", dt.time(9, 30)),
        (dt.timedelta, "PT1H", dt.timedelta(hours=1)),
        (UUID, "123e4567-e89b-42d3-a456-426614174000", UUID("123e4567-e89b-42d3-a456-426614174000")),
        (Decimal, "1.50", Decimal("1.50")),
        (Path, "a/b", Path("a/b")),
        (bytes, "hé", "hé".encode()),
        (Order, {"number": "1", "color": "blue"}, Order(1, Color.BLUE)),
        (Point, {"x": 1}, Point(1, 0)),
        (Person, {"name": "Bo", "kids": [{"name": "Al"}]}, Person(name="Bo", kids=[Person(name="Al")])),
        (Annotated[Cat | Dog, Field(discriminator="kind")], {"kind": "cat", "lives": 9}, Cat(kind="cat", lives=9)),
        (Filters, {"city": "Oslo", "since": "2024-05-31"}, {"city": "Oslo", "since": dt.date(2024, 5, 31)}),
        (NewType("Number", int), 3, 3),
        (Any, [None], [None]),
        (typing_extensions.TypeAliasType("Ids", list[int]), ["1"], [1]),
    ],
)
def test_json_becomes_the_type(hint, value, expected):
    """Values arrive as the types that the function names, read from JSON."""
    found = read(hint, value)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, True),
        (int | None, False),
        (float, True),
        (int, 1.5),
        (float, float("nan")),
        (int, float("inf")),
        (str, 5),
        (list[int], "1"),
        (dt.date, "yesterday"),
        (Color, "green"),
        (Annotated[int, Field(gt=3)], 3),
        (Person, {"name": "B"}),
        (Point, [1, 2, 3]),
        (int, None),
    ],
)
def test_what_is_not_the_type_is_refused(hint, value):
    """Nothing is squeezed into a type that it is not."""
    with pytest.raises(ArgumentsRefused):
        read(hint, value)


def test_bytes_are_text():
    """The schema says exactly how bytes are written, also beside a description."""

    def tool(data: bytes):
        """Store.

        Args:
            data: The file.
        """

    assert (
        "The file. Plain text; it is passed on as UTF-8 bytes."
        == signature(tool).parameters["properties"]["data"]["description"]
    )


def test_named_tuples_are_objects():
    """A model is asked for names instead of places."""

    def tool(point: Point): ...

    told = signature(tool).parameters["$defs"]["Point"]

    assert ("object", ["x", "y"], ["x"]) == (told["type"], list(told["properties"]), told["required"])


def test_aliases_are_what_the_model_sees():
    """An alias is the name outside, the parameter's own name the one inside."""

    def tool(source: Annotated[str, Field(alias="from")], count: int = Field(5, gt=3, description="How many")): ...

    told = signature(tool)

    assert ["from", "count"] == list(told.parameters["properties"])
    assert ["from"] == told.parameters["required"]
    assert {"source": "here", "count": 5} == told.bind({"from": "here"}).kwargs


def test_a_default_of_none_makes_an_argument_optional():
    """`limit: int = None` means what everybody writes it for."""

    def tool(limit: int = None): ...  # noqa: RUF013

    assert {"limit": None} == signature(tool).bind({"limit": None}).kwargs


def test_defaults_are_the_functions_own():
    """What is left out is not passed, so mutable and invalid defaults are as Python has them."""

    def tool(items: list[int] = [], odd: int = "x"): ...  # noqa: B006

    assert Bound((), {}) == signature(tool).bind({})


def test_names_of_enclosing_scopes_are_found():
    """Annotations in quotes may name what is local where the function was written."""

    class Local(BaseModel):
        value: int

    def tool(one: "Local", many: "list[Local] | None" = None) -> "Local": ...

    assert {"one": Local(value=1)} == signature(tool).bind({"one": {"value": 1}}).kwargs
    assert "object" == signature(tool).returns["type"]


def test_names_of_a_closure_are_found():
    """A function made earlier still knows the types of the function that made it."""

    def make() -> Callable[..., object]:
        class Local(BaseModel):
            value: int

        def tool(one: "Local"):
            return Local, later

        made = tool
        if False:
            later = None
        return made

    assert ["value"] == list(signature(make()).parameters["$defs"]["Local"]["properties"])


def test_an_unknown_result_is_no_result():
    """A tool works without a schema of its result."""

    def tool() -> "Nowhere": ...  # noqa: F821
    def pair() -> Point: ...

    assert signature(tool).returns is None
    assert "array" == signature(pair).returns["type"]


def test_bytes_in_a_model_may_be_base64():
    """A model that reads its bytes as base64 says so."""

    class Blob(BaseModel):
        model_config = {"val_json_bytes": "base64", "ser_json_bytes": "base64"}
        data: bytes

    def tool(blob: Blob): ...

    told = signature(tool)

    assert "Bytes, written as base64." == told.parameters["$defs"]["Blob"]["properties"]["data"]["description"]
    assert b"hi" == told.bind({"blob": {"data": "aGk="}}).kwargs["blob"].data


def test_variadic_arguments_are_said_exactly():
    """`*args` is a list, `**kwargs` are further keys of one type or those of a typed dictionary."""

    def many(*tags: str, **scores: int): ...
    def unpacked(a: int, **filters: typing_extensions.Unpack[Filters]): ...

    told = signature(many)
    keys = signature(unpacked)

    assert {"tags": {"type": "array", "items": {"type": "string"}}} == told.parameters["properties"]
    assert {"type": "integer"} == told.parameters["additionalProperties"]
    assert Bound(("x",), {"z": 1}) == told.bind({"tags": ["x"], "z": "1"})
    assert (["a", "city", "since"], ["a", "city"]) == (list(keys.parameters["properties"]), keys.parameters["required"])
    assert {"a": 1, "city": "Oslo"} == keys.bind({"a": 1, "city": "Oslo"}).kwargs
    assert 'z is "x": expected an integer.' == problem(many, {"z": "x"})


@pytest.mark.parametrize(
    "hint", [socket.socket, Callable[[int], int], type, range, list[socket.socket], dict[str, range]]
)
def test_types_that_are_no_json_are_refused(hint):
    """The developer hears which argument of which function it is, and what to take instead."""

    def tool(fine: int, odd): ...

    tool.__annotations__["odd"] = hint
    message = refused(tool)

    assert message.startswith("tool: argument 'odd' has type ")
    assert "which a model cannot send as JSON" in message
    assert "dataclass" in message


def test_unknown_names_in_annotations_are_refused():
    """An annotation that names nothing is told with its argument."""

    def tool(fine: int, odd: "Nowhere"): ...  # noqa: F821

    assert "annotation 'Nowhere' of argument 'odd' cannot be resolved" in refused(tool)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic reads typing.TypedDict from Python 3.12 on")
def test_typed_dictionaries_of_old_pythons_are_refused_with_advice():
    """Where pydantic cannot read `typing.TypedDict`, the message says what to import."""

    class Plain(typing.TypedDict):
        a: int

    def tool(value: Plain): ...

    assert "import TypedDict from typing_extensions" in refused(tool)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is Python 3.12's")
def test_type_parameters_are_understood():
    """`type X = ...` and `def f[T](...)` are described like other types."""
    names: dict[str, Any] = {"Context": Context}
    code = """
type Ids = list[int]
type Tree = dict[str, Tree] | int
type Here[T] = Context[T]
def tool[T: int](ids: Ids, tree: "Tree", one: T, many: "list[T]", c: Here[str]): ...
"""
    exec(code, names)
    told = signature(names["tool"])

    assert "c" == told.injected
    assert {"ids": [1], "tree": {"a": 1}, "one": 1, "many": [2]} == told.bind(
        {"ids": ["1"], "tree": {"a": 1}, "one": 1, "many": [2]}
    ).kwargs


# Refusals, in the model's words.


def even(value: int) -> int:
    if value % 2:
        raise ValueError("must be even")
    return value


def draw(
    shape: Literal["circle", "square"],
    size: Annotated[int, Field(gt=0)],
    color: Color = Color.RED,
    points: list[Point] = (),
    order: Order | None = None,
    pet: Cat | Dog | None = None,
    number: Annotated[int, AfterValidator(even)] = 0,
    api_key: str = "",
): ...


VALID = {"shape": "circle", "size": 1}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"shape": "circle"}, "size is missing: expected an integer, more than 0."),
        ({**VALID, "size": "big"}, 'size is "big": expected an integer, more than 0.'),
        ({**VALID, "size": True}, "size is true: expected an integer, more than 0."),
        ({**VALID, "size": 0}, "size is 0: it should be greater than 0."),
        ({**VALID, "shape": "sqare"}, 'shape is "sqare": expected one of "circle", "square". Did you mean "square"?'),
        ({**VALID, "color": "RED"}, 'color is "RED": expected one of "red", "blue". Did you mean "red"?'),
        ({**VALID, "colour": "red"}, "There is no argument 'colour': did you mean 'color'?"),
        (
            {**VALID, "zzz": 1},
            "There is no argument 'zzz': it takes 'shape', 'size', 'color', 'points', 'order', 'pet', 'number', 'api_key'.",
        ),
        ({**VALID, "points": [{"x": 1}, {"y": 2}]}, "points[1].x is missing: expected an integer."),
        ({**VALID, "points": "here"}, 'points is "here": expected a list of objects.'),
        ({**VALID, "order": {"number": 1, "colr": "red"}}, "order has no field 'colr': did you mean 'color'?"),
        ({**VALID, "number": 3}, "number is 3: must be even."),
        ({**VALID, "api_key": {"k": "sk-abcdefgh12345678"}}, 'api_key is {"k": "[secret]"}: expected a string.'),
        (
            {**VALID, "pet": {"kind": "cat"}},
            'pet is {"kind": "cat"}: it fits no alternative '
            "(as Cat: lives is missing; as Dog: kind: it should be 'dog', tricks is missing).",
        ),
        (
            {**VALID, "pet": 3},
            "pet is 3: expected an object with kind (string), lives (integer) or an object with kind (string), tricks (array) or null.",
        ),
    ],
)
def test_a_refusal_says_what_was_expected(arguments, expected):
    """Each line has a place, what came, and what was expected, without a validator's jargon."""
    assert expected == problem(draw, arguments)


def test_a_validator_that_raises_anything_is_a_refusal():
    """The types of arguments are their author's code, and their exceptions are told to the model."""

    @dataclass
    class Window:
        start: int

        def __post_init__(self):
            raise LookupError("no such window")

    def tool(window: Window): ...

    assert "LookupError: no such window." == problem(tool, {"window": {"start": 1}})


def test_a_long_value_is_cut():
    """A refusal does not repeat a page."""
    assert 200 > len(problem(draw, {**VALID, "size": "x" * 10_000}))


def test_many_flaws_are_summed_up():
    """A list of wrong items is told by its first ones."""
    lines = problem(draw, {**VALID, "points": ["x"] * 100}).splitlines()

    assert 6 == len(lines)
    assert lines[-1].endswith("more like these.")


def test_advice_shows_all_arguments_and_an_example():
    """Who fails twice is told everything, with a call that works."""
    with pytest.raises(ArgumentsRefused) as caught:
        signature(find_orders).bind({})

    assert (
        """\
customer is missing: expected a string.
find_orders takes:
- customer (a string; required): Customer number, e.g. "C-1024".
- since (a date such as "2024-05-31" or null; optional): Only orders placed on or after this day.
- limit (an integer; optional)
A valid example: {"customer": "text"}"""
        == caught.value.advice
    )


# Examples and whatever a model sends.


def shapes(  # noqa: PLR0913 - one argument for each kind of schema
    *,
    a: Annotated[str, Field(min_length=7, max_length=9)],
    b: Annotated[int, Field(ge=10, multiple_of=3)],
    c: Annotated[float, Field(lt=-1)],
    d: Annotated[list[int], Field(min_length=2)],
    e: dict[str, Order],
    f: Person,
    g: tuple[int, dt.date],
    h: Cat | Dog,
    i: Annotated[str, Field(examples=["abc"], pattern="^abc$")],
    j: set[Color],
    k: UUID,
    m: Point,
    n: None,
    o: bool,
): ...


def test_an_example_is_valid():
    """The example of a call is accepted by the signature it belongs to."""
    for function in (find_orders, draw, shapes, Api()):
        told = signature(function)
        assert isinstance(told.bind(told.example()), Bound)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["shape", "size", "color", "points", "order", "pet", "number", "api_key", "a", "b", "c", "e", "f", "h", "z"]
)


def outcome(function: Callable[..., object], arguments: Mapping[str, Any]) -> Bound | ArgumentsRefused:
    try:
        return signature(function).bind(arguments)
    except ArgumentsRefused as error:
        return error


@given(st.dictionaries(NAMES | st.text(), JSON, max_size=6))
@example({"size": "\ud83d"})
@example({"a": [[[]]] * 3})
def test_any_arguments_are_bound_or_refused(arguments):
    """Whatever comes is a call or a refusal in words, never another exception."""
    for function in (draw, shapes):
        told = outcome(function, arguments)
        assert isinstance(told, Bound) or (
            told.problem and told.problem in told.advice and "pydantic" not in told.advice
        )


HINTS = st.recursive(
    st.sampled_from([int, str, float, bool, dt.date, Color, Order, Point, Decimal, Path, UUID, Filters, Person]),
    lambda inner: st.one_of(
        inner.map(lambda hint: list[hint]),
        inner.map(lambda hint: dict[str, hint]),
        inner.map(lambda hint: hint | None),
        st.tuples(inner, inner).map(lambda pair: tuple[pair]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
    ),
    max_leaves=5,
)


@given(HINTS)
def test_any_type_has_an_example_that_fits(hint):
    """A schema's example becomes a value of the type."""

    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    told = signature(tool)

    assert ["value"] == list(told.bind(told.example()).kwargs)
