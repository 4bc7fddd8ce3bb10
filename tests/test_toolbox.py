"""How tools are found, checked and run."""

import asyncio
import contextvars
import enum
import functools
import threading

import pytest
from both_ways import told

from agentkit import Agent, Context, Limits, Toolbox, ToolFinished, ToolProgressed, ToolResult, tool
from agentkit.messages import Image, ToolCall
from agentkit.testing import FakeClock, ScriptedModel, call
from agentkit.toolbox import FunctionToolbox, Ready, check
from agentkit.tools import as_tool

# What a tool is given.


async def test_context_variables_reach_every_kind_of_tool():
    """A variable set around the run is seen in threads and tasks, and what a tool sets stays its own."""
    user = contextvars.ContextVar("user", default="nobody")
    user.set("Ada")

    def plain() -> str:
        name = user.get()
        user.set("Eve")
        return name

    async def coroutine() -> str:
        name = user.get()
        user.set("Eve")
        return name

    model = ScriptedModel([call("plain"), call("coroutine")], [call("plain"), call("coroutine")], "done")
    result = await Agent(model, tools=[plain, coroutine]).run("go")

    assert (["Ada"] * 4, "Ada") == (told(result), user.get())


async def test_a_tool_knows_the_call_it_is_in():
    """The context has what the caller handed in, the run, the step, the call and a key, and the model sees none of it."""
    seen = []

    async def look(context: Context[dict], n: int) -> None:
        seen.append(context)

    model = ScriptedModel(call("look", n=1), [call("look", n=2), call("look", n=3)], "done")
    result = await Agent(model, tools=[look]).run("go", deps={"db": 1})
    run = result.run_id

    assert ["n"] == list(model.requests[0].tools[0].parameters["properties"])
    assert [({"db": 1}, run, step, f"call_{n}") for step, n in ((1, 1), (2, 2), (2, 3))] == [
        (each.deps, each.run_id, each.step, each.call_id) for each in seen
    ]
    assert [f"{run}:1.0", f"{run}:2.0", f"{run}:2.1"] == [each.key for each in seen]


# Generators.


async def steps():
    """Go on step by step."""
    yield "one"
    await asyncio.sleep(0)
    yield "two"
    yield {"total": 3}


def steps_in_thread():
    """Go on step by step."""
    yield "one"
    yield "two"
    yield {"total": 3}


def nothing():
    """Say nothing."""
    yield from ()


async def broken():
    """Fail on the way."""
    yield "one"
    raise ValueError("the second step")


@pytest.mark.parametrize("function", [steps, steps_in_thread])
async def test_a_generator_tells_progress_and_then_its_result(function):
    """The last value is the result; those before it are told to whoever watches."""
    async with Agent(ScriptedModel(call("steps"), "done"), tools=[tool(function, name="steps")]).stream("go") as run:
        seen = [event async for event in run]

    assert [ToolProgressed("call_1", "one"), ToolProgressed("call_1", "two")] == [
        event for event in seen if isinstance(event, ToolProgressed)
    ]
    assert ['{"total":3}'] == told(run.result)
    assert [] == [e for e in run.result.events if isinstance(e.event, ToolProgressed)]


async def test_a_generator_without_values_has_no_result():
    """Nothing was said, and null is what the model is told."""
    assert ["null"] == told(await Agent(ScriptedModel(call("nothing"), "done"), tools=[nothing]).run("go"))


async def test_a_generator_that_fails_on_the_way_has_failed():
    """Progress is no result."""
    result = await Agent(ScriptedModel(call("broken"), "done"), tools=[broken]).run("go")

    assert ["broken failed: ValueError: the second step"] == told(result)


@pytest.mark.parametrize("threaded", [True, False])
async def test_a_tool_tells_how_far_it_is(threaded):
    """Progress told through the context reaches those who watch before the result, from threads too."""

    def plain(context: Context) -> str:
        context.progress("half")
        return "whole"

    async def coroutine(context: Context) -> str:
        context.progress("half")
        return "whole"

    work = tool(plain if threaded else coroutine, name="work", description="Work.")
    async with Agent(ScriptedModel(call("work"), "done"), tools=[work]).stream("go") as run:
        seen = [event async for event in run if isinstance(event, (ToolProgressed, ToolFinished))]

    assert [ToolProgressed, ToolFinished] == [type(event) for event in seen]


async def test_a_plain_function_may_hand_on_what_an_async_one_returns():
    """What can be awaited is awaited, wherever it came from."""

    async def inner() -> str:
        return "from inside"

    def outer():
        return inner()

    assert ["from inside"] == told(await Agent(ScriptedModel(call("outer"), "done"), tools=[outer]).run("go"))


# Limits of a tool.


async def test_a_tool_may_have_a_time_limit_of_its_own():
    """The tool's own limit goes before the run's."""
    clock = FakeClock()

    @tool(timeout=5)
    async def slow() -> None:
        clock.advance(6)
        await asyncio.Event().wait()

    result = await Agent(ScriptedModel(call("slow"), "done"), tools=[slow], clock=clock).run("go")

    assert ["slow did not finish within 5 s and was given up; what it did by then stays done."] == told(result)


async def test_a_tool_may_have_as_long_as_it_takes():
    """Without a limit nothing is measured."""
    clock = FakeClock()

    async def slow() -> str:
        clock.advance(1_000_000)
        await asyncio.sleep(0)
        return "at last"

    agent = Agent(ScriptedModel(call("slow"), "done"), tools=[slow], clock=clock, limits=Limits(tool_seconds=None))

    assert ["at last"] == told(await agent.run("go"))


@pytest.mark.parametrize("parts", [False, True])
async def test_a_tool_may_have_a_length_limit_of_its_own(parts):
    """The tool's own limit goes before the run's, and holds for the words beside a picture too."""

    @tool(max_result_chars=10)
    async def talk():
        return ["x" * 100, Image("https://example.com/x.png")] if parts else "x" * 100

    result = await Agent(ScriptedModel(call("talk"), "done"), tools=[talk]).run("go")

    assert told(result)[0].startswith("x" * 10 + "\n[cut: 90 of 100 characters are missing; ")


async def test_pages_do_not_hide_a_tool_of_the_same_name():
    """An agent with a `read_result` of its own can still call it after a result was cut."""

    @tool(effect="read")
    async def read_result(name: str) -> str:
        return f"the result of {name}"

    async def talk() -> str:
        return "x" * 40_000

    model = ScriptedModel(call("talk"), call("read_result", name="the match"), "done")
    result = await Agent(model, tools=[read_result, talk]).run("go")

    assert "the result of the match" == told(result)[1]


# Tools that come and go.


async def test_tools_may_be_a_function_of_the_context():
    """Before each step the function says which tools there are, and one that has gone is unknown."""
    key_found = []

    def find_key() -> str:
        key_found.append(True)
        return "a key"

    def open_door() -> str:
        return "open"

    def tools(context):
        return [open_door] if key_found else [find_key]

    model = ScriptedModel(call("open_door"), call("find_key"), call("find_key"), call("open_door"), "done")
    result = await Agent(model, tools=tools).run("go")

    assert [["find_key"], ["find_key"], ["open_door"], ["open_door"], ["open_door"]] == [
        [spec.name for spec in request.tools] for request in model.requests
    ]
    assert ["There is no tool 'open_door'. The tools are: find_key.", "a key"] == told(result)[:2]
    assert ["There is no tool 'find_key'. The tools are: open_door.", "open"] == told(result)[2:]


async def test_the_function_of_tools_is_given_what_the_caller_handed_in():
    """Who asks can decide which tools there are."""

    def secret() -> str:
        return "42"

    agent = Agent(ScriptedModel("done", "done"), tools=lambda context: [secret] if context.deps == "admin" else [])
    await agent.run("go", deps="admin")
    await agent.run("go", deps="guest")

    assert [["secret"], []] == [[spec.name for spec in request.tools] for request in agent.model.requests]


async def test_a_function_offered_again_is_not_described_again():
    """Equal tools are the same tools, so that the bytes of a request stay the same."""

    def look() -> str:
        return "seen"

    box = FunctionToolbox(lambda _: [look])

    assert box.offer(Context(None))["look"] is box.offer(Context(None))["look"]


async def test_an_object_without_a_hash_can_be_offered():
    """A callable of any kind can come and go."""

    class Look(list):
        """Look around."""

        def __call__(self) -> str:
            return "seen"

    look = Look()
    result = await Agent(ScriptedModel(call("look"), "done"), tools=lambda _: [look]).run("go")

    assert ["seen"] == told(result)


# The port.


async def test_a_toolbox_can_be_wrapped():
    """Whoever has the port changes how tools run, without a hook."""

    def look() -> str:
        return "seen"

    class Loud:
        def __init__(self, inner: Toolbox) -> None:
            self.inner = inner

        def offer(self, context):
            return self.inner.offer(context)

        async def call(self, ready, context, limits) -> ToolResult:
            result = await self.inner.call(ready, context, limits)
            return ToolResult(result.call_id, f"{result.content}!")

    agent = Agent(ScriptedModel(call("look"), "done"), tools=Loud(FunctionToolbox([look])))

    assert ["seen!"] == told(await agent.run("go"))


def test_a_call_is_checked_before_anything_happens():
    """A call that fits is ready to be made; one that does not is a result."""

    @tool
    def add(a: int) -> int:
        """Add."""
        raise AssertionError(a)

    ready = check({"add": add}, ToolCall("c", "add", '{"a": "5"}'))

    assert isinstance(ready, Ready)
    assert ({"a": "5"}, {"a": 5}) == (ready.arguments, ready.bound.kwargs)
    assert ToolResult("c", "a is missing: expected an integer.", failed=True) == check(
        {"add": add}, ToolCall("c", "add", "{}")
    )


def test_a_null_that_stands_for_nothing_is_left_out():
    """Models that must give every argument write null for those they leave out, in JSON or as Python does."""

    @tool
    def add(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    for raw in ('{"a": 1, "b": null}', "{'a': 1, 'b': None}"):
        ready = check({"add": add}, ToolCall("c", "add", raw))

        assert isinstance(ready, Ready)
        assert {"a": 1} == ready.arguments


async def test_runs_in_threads_are_offered_their_own_tools_only():
    """Another run that asks at the same time, for somebody else, changes nothing."""
    begun, go_on = threading.Event(), threading.Event()

    def tools(context):
        def look() -> str:
            return context.deps

        yield tool(look, name=f"look_{context.deps}")
        if context.deps == "slow":
            begun.set()
            go_on.wait(5)
        yield tool(look, name=f"see_{context.deps}")

    toolbox = FunctionToolbox(tools)
    slow = asyncio.create_task(asyncio.to_thread(toolbox.offer, Context("slow")))
    await asyncio.to_thread(begun.wait, 5)
    quick = toolbox.offer(Context("quick"))
    go_on.set()

    assert [["look_quick", "see_quick"], ["look_slow", "see_slow"]] == [list(quick), list(await slow)]


async def test_a_function_around_a_tool_is_a_tool_of_its_own():
    """What was described before is not what its wrapper does."""

    def look() -> str:
        return "inner"

    @functools.wraps(as_tool(look).function)
    def around() -> str:
        return f"around {look()}"

    assert "around inner" == as_tool(around)()


class Colour(str, enum.Enum):  # noqa: UP042 - it formats in another way than a StrEnum
    RED = "red"


async def test_a_text_of_an_enum_is_told_as_its_text():
    """With a note under it, too, and never as a live object."""

    async def look() -> Colour:
        return Colour.RED

    result = await Agent(ScriptedModel(*[call("look")] * 3, "done"), tools=[look]).run("go")

    assert ["red", "red", "red\nNote"] == [text.partition(":")[0] for text in told(result)]
    assert {str} == {type(message.content) for message in result.messages}
