"""Functions as tools: what a model is told of them, and how they may be called."""

import functools
import json

import pytest

from agentkit import Agent, Context, DuplicateTool, Tool, ToolDefinitionError, ToolSpec, tool
from agentkit.testing import ScriptedModel, call
from agentkit.tools import Options, as_tool, named


@tool
def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: The first one.
        b: The second one.
    """
    return a + b


@tool(name="sum_up", description="Add many.", effect="read", approval="always", timeout=5, strict=True)
async def add_all(numbers: list[int], context: Context) -> int:
    return sum(numbers)


class Shop:
    """A client with tools in it, in every order of decorators."""

    tax = 2

    def __init__(self, price: int) -> None:
        self.price = price

    @tool
    def cost(self, pieces: int) -> int:
        """What some pieces cost."""
        return self.price * pieces

    @tool(effect="read")
    async def later(self, pieces: int) -> int:
        """What some pieces will cost."""
        return self.price * pieces * 2

    @staticmethod
    @tool
    def double(n: int) -> int:
        """Twice as many."""
        return 2 * n

    @tool
    @staticmethod
    def triple(n: int) -> int:
        """Three times as many."""
        return 3 * n

    @classmethod
    @tool
    def taxed(cls, n: int) -> int:
        """With tax."""
        return n + cls.tax

    @tool
    @classmethod
    def untaxed(cls, n: int) -> int:
        """Without tax."""
        return n - cls.tax

    def plain(self, n: int) -> int:
        """A method without a decorator."""
        return self.price + n


class Greeter:
    """Greets people."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, name: str) -> str:
        return f"{self.word} {name}"


async def played(made, raw: str) -> str:
    """What an agent with only this tool is told when it calls it."""
    name = as_tool(made).name
    result = await Agent(ScriptedModel(call(name, raw), "done"), tools=[made]).run("go")
    return result.messages[2].text


def test_a_tool_says_what_the_function_says():
    """Name, description, arguments and result come from the signature and the docstring."""
    assert ("add", "Add two numbers.") == (add.name, add.description)
    assert {
        "type": "object",
        "properties": {
            "a": {"description": "The first one.", "type": "integer"},
            "b": {"description": "The second one.", "type": "integer", "default": 2},
        },
        "required": ["a"],
        "additionalProperties": False,
    } == add.parameters
    assert {"type": "integer"} == add.returns
    assert ToolSpec("add", "Add two numbers.", add.parameters) == add.spec


def test_options_go_before_what_the_function_says():
    """Name and description can be given, and the context is not for the model."""
    assert ("sum_up", "Add many.", ["numbers"]) == (
        add_all.name,
        add_all.description,
        list(add_all.parameters["properties"]),
    )
    assert Options(effect="read", approval="always", timeout=5, strict=True) == add_all.options
    assert (True, True) == (add_all.spec.strict, add_all.beside_others)


async def test_a_tool_is_still_the_function():
    """It is called as before, and looks like what it was made of."""
    assert (3, 7, 10) == (add(1), add(3, b=4), await add_all([1, 9], Context(None)))
    assert ("add", add.function.__doc__, "<tool add>") == (add.__name__, add.__doc__, repr(add))
    assert add.function is add.__wrapped__


def test_a_tool_without_a_decorator_is_the_same():
    """`tool(fn)` describes a plain function, and leaves it alone."""
    made = tool(add.function)

    assert (add.parameters, add.description, add.options) == (made.parameters, made.description, made.options)
    assert isinstance(made, Tool)


def test_a_function_that_says_nothing_is_a_tool():
    """No docstring, no result, no arguments."""

    @tool
    def quiet():
        return 1

    assert ("quiet", "", None, {}) == (quiet.name, quiet.description, quiet.returns, quiet.parameters["properties"])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"effect": "write"}, "effect is 'write'; it must be one of read, idempotent, once"),
        ({"approval": "sometimes"}, "approval is 'sometimes'; it must be 'never', 'always', 'answer' or a function"),
        ({"approval": None}, "approval is None; it must be 'never', 'always', 'answer' or a function"),
        ({"timeout": 0}, "timeout is 0; it must be more than 0"),
        ({"timeout": -1}, "timeout is -1; it must be more than 0"),
        ({"max_result_chars": 0}, "max_result_chars is 0; it must be more than 0"),
        ({"name": "two words"}, "'two words' cannot name a tool"),
        ({"name": ""}, "'' cannot name a tool"),
        ({"name": "x" * 65}, "'x+' cannot name a tool"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, problem):
    """The mistake is told where the tool is made, and not when it is called."""
    with pytest.raises(ToolDefinitionError, match=problem):
        tool(add.function, **options)


@pytest.mark.parametrize("wrong", [int, 3, "add", lambda: 1, print.__class__])
def test_what_is_no_function_is_refused(wrong):
    """A class, a value or a function without a name is no tool."""
    with pytest.raises(ToolDefinitionError):
        tool(wrong)


SHOP = Shop(10)

MEMBERS = [
    (SHOP.cost, "cost", '{"pieces": 3}', "30"),
    (SHOP.later, "later", '{"pieces": 3}', "60"),
    (SHOP.double, "double", '{"n": 4}', "8"),
    (Shop.double, "double", '{"n": 4}', "8"),
    (SHOP.triple, "triple", '{"n": 4}', "12"),
    (Shop.triple, "triple", '{"n": 4}', "12"),
    (SHOP.taxed, "taxed", '{"n": 4}', "6"),
    (Shop.taxed, "taxed", '{"n": 4}', "6"),
    (SHOP.untaxed, "untaxed", '{"n": 4}', "2"),
    (Shop.untaxed, "untaxed", '{"n": 4}', "2"),
    (SHOP.plain, "plain", '{"n": 4}', "14"),
]


@pytest.mark.parametrize(("member", "name", "raw", "expected"), MEMBERS)
async def test_members_of_a_class_are_tools(member, name, raw, expected):
    """Methods of every kind work from an object or its class; what they are bound to is not for the model."""
    made = as_tool(member)

    assert (name, list(json.loads(raw))) == (made.name, list(made.parameters["properties"]))
    assert expected == await played(member, raw)


async def test_members_are_still_methods():
    """Called on an object or a class they do what they did."""
    assert (30, 40) == (SHOP.cost(3), await SHOP.later(2))
    assert (8, 12, 6, 2) == (Shop.double(4), SHOP.triple(4), Shop.taxed(4), SHOP.untaxed(4))


async def test_methods_of_two_objects_are_two_tools():
    """Each is bound to its own object."""
    assert ["10", "20"] == [await played(Shop(price).cost, '{"pieces": 1}') for price in (10, 20)]


async def test_a_subclass_is_bound_to_itself():
    """A class method sees the class it was taken from."""

    class Expensive(Shop):
        tax = 50

    assert ["54", "-46"] == [await played(Expensive.taxed, '{"n": 4}'), await played(Expensive.untaxed, '{"n": 4}')]


async def test_an_object_that_can_be_called_is_a_tool():
    """It goes by its class's name and words."""
    greeter = tool(Greeter("Hello"))

    assert ("greeter", "Greets people.") == (greeter.name, greeter.description)
    assert "Hello Ada" == await played(greeter, '{"name": "Ada"}')


async def test_a_partial_is_a_tool_of_what_is_left():
    """What is fixed is not for the model."""

    def join(first: str, second: str, mark: str) -> str:
        """Join two words."""
        return f"{first}{mark}{second}"

    made = tool(functools.partial(join, "a", mark="-"))

    assert ("join", ["second"]) == (made.name, list(made.parameters["properties"]))
    assert "a-b" == await played(made, '{"second": "b"}')


async def test_a_wrapped_function_is_a_tool():
    """A decorator that keeps the name keeps the description."""

    @tool
    @functools.wraps(add.function)
    def loud(*args, **kwargs):
        return f"{add.function(*args, **kwargs)}!"

    assert ("add", add.parameters) == (loud.name, loud.parameters)
    assert "3!" == await played(loud, '{"a": 1}')


@pytest.mark.parametrize(
    ("options", "beside"),
    [
        ({}, False),
        ({"effect": "read"}, True),
        ({"parallel": True}, True),
        ({"effect": "read", "parallel": False}, False),
    ],
)
def test_plain_functions_run_beside_others_where_they_may(options, beside):
    """Those that read may, and those that say so."""
    assert beside is tool(add.function, **options).beside_others


def test_what_kind_of_function_a_tool_is_made_of():
    """Async functions and generators are known through partials, methods and objects."""

    async def agen():
        yield 1

    def gen():
        yield 1

    class Async:
        async def __call__(self) -> int:
            return 1

    made = [add, SHOP.later, agen, gen, functools.partial(add_all.function, [1]), Async(), SHOP.double]

    assert ["function", "async", "async_generator", "generator", "async", "async", "function"] == [
        as_tool(each).kind for each in made
    ]


def test_tools_have_names_of_their_own():
    """Two of one name are refused, and the message says where they come from."""
    with pytest.raises(
        DuplicateTool, match=r"two tools are named 'add': .*test_tools\.add and .*test_tools\.add; give one"
    ):
        named([add, add.function])

    assert ["add", "sum_up", "cost"] == list(named([add, add_all, SHOP.cost]))
