"""Everything a model, a tool or an endpoint can do wrong to an agent with its defaults, over a real socket."""

import asyncio
import json

import httpx
import pydantic
import pytest
from both_ways import chat, told, whole

from agentkit import Agent, Image, Limits, ModelError, Result, ToolError, tool
from agentkit.history import check_history
from agentkit.testing import FakeClock, ModelServer, call


async def play(run, script, tools, **more) -> Result:
    """A run against a server that refuses every conversation which is not in order."""
    async with ModelServer(*script) as server:
        result = await run(Agent(chat(server), tools=tools, **more))
    check_history(result.messages)
    return result


@tool(effect="read")
def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


async def fine() -> str:
    """A sibling that does its work."""
    return "fine"


def of(function):
    """A tool by the name that the scripts call."""
    return tool(function, name="boom", description="Do it.")


BROKEN = [
    ('{"a": 1', "The arguments of add could not be read, so it was not called: The arguments break off after "),
    ('{"a": 1,, "b": 2}', "The arguments of add could not be read, so it was not called: The arguments are not valid"),
    ('{"a": NaN}', "The arguments of add could not be read, so it was not called: The arguments are not valid JSON"),
    ("[1, 2]", "The arguments of add could not be read, so it was not called: The arguments must be one JSON object"),
    ("", "a is missing: expected an integer."),
    ("{}", "a is missing: expected an integer."),
    ("null", "a is missing: expected an integer."),
    ('{"a": 1, "sum": 3}', "There is no argument 'sum': it takes 'a', 'b'."),
    ('{"A": 1}', "a is missing: expected an integer.\nThere is no argument 'A': did you mean 'a'?"),
    ('{"a": "one"}', 'a is "one": expected an integer.'),
    ('{"a": [1]}', "a is [1]: expected an integer."),
    ('{"a": true}', "a is true: expected an integer."),
    ('{"a": null}', "a is null: expected an integer."),
]


@pytest.mark.parametrize(("raw", "expected"), BROKEN)
async def test_arguments_that_do_not_fit_are_explained(run, raw, expected):
    """Arguments that are broken or wrong run nothing, say what was expected, and leave the sibling alone."""
    script = ([call("add", raw), call("fine")], call("add", a=1), "done")
    result = await play(run, script, [add, fine])

    assert (True, "fine", "3") == (told(result)[0].startswith(expected), *told(result)[1:])
    assert ("completed", "done") == (result.status, result.output)
    assert [True, False] == [each.failed for each in result.steps[0].results]


@pytest.mark.parametrize(
    ("raw", "repair"),
    [
        (json.dumps('{"a": 1}'), "double_encoded"),
        ('```json\n{"a": 1}\n```', "code_fence"),
        ("{'a': 1, 'b': None}", "python_literals"),
        ('{"a": 1,}', "trailing_comma"),
        ('{"a": "1"}', None),
    ],
)
async def test_arguments_that_can_only_mean_one_thing_are_read(run, raw, repair):
    """Almost-JSON in which nothing can be missing is called, and the record says how it was mended."""
    result = await play(run, (call("add", raw), "done"), [add])

    assert ["3"] == told(result)
    assert [repair] == [e.event.repair for e in result.events if type(e.event).__name__ == "ToolStarted"]


async def test_the_same_mistake_again_is_told_more(run):
    """The second identical failure comes with the parameters and a valid example."""
    result = await play(run, (call("add", "{}"), call("add", '{"b": 1, "a": "x"}'), call("add", "{}"), "done"), [add])
    first, _, third = told(result)

    assert "a is missing: expected an integer." == first
    assert third.startswith(first)
    assert 'A valid example: {"a": 1}' in third


async def test_an_unknown_tool_is_told_which_there_are(run):
    """The nearest name is offered, with all the others; a second time with what they do."""
    result = await play(run, ([call("ad", a=1), call("fine")], call("ad", a=2), "done"), [add, fine])

    assert "There is no tool 'ad'. Did you mean 'add'? The tools are: add, fine." == told(result)[0]
    assert "fine" == told(result)[1]
    assert told(result)[2].endswith("The tools are:\n- add: Add two numbers.\n- fine: A sibling that does its work.")


async def test_an_agent_without_tools_answers_a_call(run):
    """A call out of nowhere is told that no tools are offered."""
    result = await play(run, (call("search", q="x"), "done"), [])

    assert ["There is no tool 'search'; no tools are offered now. Answer without one."] == told(result)


class Panic(BaseException):
    """What an extension module raises past every `except Exception`."""


class Mute(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Order(pydantic.BaseModel):
    number: int


def invalid() -> None:
    Order.model_validate({"number": "none"})


def raiser(error):
    def boom() -> None:
        raise error

    async def boom_async() -> None:
        raise error

    return [boom, boom_async]


RAISED = [
    (ValueError("no such row"), "boom failed: ValueError: no such row"),
    (ToolError("Ask for less."), "Ask for less."),
    (ToolError(), "boom failed and did not say why."),
    (KeyError("id"), "boom failed: KeyError: 'id'"),
    (TimeoutError(), "boom failed: TimeoutError"),
    (TimeoutError("no answer in 3 s"), "boom failed: TimeoutError: no answer in 3 s"),
    (StopIteration("end"), "boom failed: RuntimeError: "),
    (StopAsyncIteration("end"), "boom failed: "),
    (Mute(), "boom failed: Mute"),
    (ModelError("down", category="overloaded"), "boom failed: ModelError: down"),
    (ExceptionGroup("several", [ValueError("the inner reason")]), "boom failed: ValueError: the inner reason"),
    (SystemExit(2), "boom failed: SystemExit: 2"),
    (Panic("at the disco"), "boom failed: Panic: at the disco"),
    (asyncio.CancelledError("by itself"), "boom failed: CancelledError: by itself"),
    (httpx.ReadTimeout("slow"), "boom failed: ReadTimeout: slow"),
]


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("place", [0, 1], ids=["thread", "async"])
@pytest.mark.parametrize(("error", "expected"), RAISED, ids=[type(error).__name__ for error, _ in RAISED])
async def test_whatever_a_tool_raises_is_told_to_the_model(error, expected, place, beside):
    """An exception of any kind is one failed result, the sibling's result arrives, and the run goes on."""
    calls = [call("boom"), call("fine")] if beside else [call("boom")]
    result = await play(whole, (calls, "done"), [of(raiser(error)[place]), fine])

    assert expected == told(result)[0][: len(expected)]
    assert ["fine"] * beside == told(result)[1:]
    assert ("completed", "done", True) == (result.status, result.output, result.steps[0].results[0].failed)


def test_a_keyboard_interrupt_of_a_thread_is_the_tools_own():
    """Ctrl-C never reaches a thread, so one raised there ends the call and not the program."""

    @tool
    def boom() -> None:
        raise KeyboardInterrupt

    with ModelServer(call("boom"), "done") as server:
        try:
            result = Agent(chat(server), tools=[boom]).run_sync("go")
        except KeyboardInterrupt:
            pytest.fail("it ended the program")

    assert ["boom failed: KeyboardInterrupt"] == told(result)


async def test_errors_told_to_the_model_have_no_traceback_and_no_links(run):
    """A validation error inside a tool is told without the library's address, and nothing says in which file it was."""
    result = await play(run, (call("boom"), "done"), [of(invalid)])

    assert "Input should be a valid integer" in told(result)[0]
    assert [] == [word for word in ("https://", "Traceback", "File ", ".py") if word in told(result)[0]]


@pytest.mark.parametrize("kind", [ValueError, ToolError])
async def test_secrets_in_exceptions_stay_hidden(run, kind):
    """A key in an exception's text reaches neither the model nor the record."""

    async def boom() -> None:
        raise kind("401 for api_key=sk-abcdefghijklmnop1234 at postgres://me:hunter2secret@db/x")

    result = await play(run, (call("boom"), "done"), [of(boom)])

    assert [] == [secret for secret in ("sk-abcdef", "hunter2secret") if secret in str(result.events)]
    assert "401 for api_key=[secret]" in told(result)[0]


async def test_a_long_exception_is_shortened(run):
    """The model is told the beginning of an exception that goes on for pages."""

    async def boom() -> None:
        raise ValueError("x" * 100_000)

    result = await play(run, (call("boom"), "done"), [of(boom)])

    assert 700 > len(told(result)[0])


async def hang_async() -> None:
    await asyncio.Event().wait()


async def swallow() -> str:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "I stay"
    return "never"


@pytest.mark.parametrize("hang", [hang_async, swallow])
async def test_a_hanging_tool_is_given_up(run, hang):
    """Two minutes are the limit of a tool that does not say otherwise, also of one that will not be cancelled."""
    clock = FakeClock()

    async def boom() -> object:
        clock.advance(121)
        return await hang()

    result = await play(run, ([call("boom"), call("fine")], "done"), [of(boom), fine], clock=clock)

    assert ["boom did not finish within 120 s and was given up; what it did by then stays done.", "fine"] == told(
        result
    )


async def test_a_hanging_thread_is_given_up(run):
    """A plain function that never returns costs its thread, and not the run."""
    clock, over = FakeClock(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def boom() -> None:
        clock.advance(5)
        asyncio.run_coroutine_threadsafe(over.wait(), loop).result()

    result = await play(
        run, ([call("boom"), call("fine")], "done"), [of(boom), fine], clock=clock, limits=Limits(tool_seconds=5)
    )
    over.set()

    assert ["boom did not finish within 5 s and was given up; what it did by then stays done.", "fine"] == told(result)


async def test_a_huge_result_is_cut_and_can_be_read_on(run):
    """The model is shown 30,000 characters, and pages through the rest until the end."""
    text = "".join(f"{number:06}\n" for number in range(10_000))

    async def boom() -> str:
        return text

    script = (
        call("boom", "{}", call_id="c1"),
        call("read_result", json.dumps({"call_id": "c1", "start": 30_000})),
        call("read_result", json.dumps({"call_id": "c1", "start": 60_000})),
        call("read_result", json.dumps({"call_id": "c1", "start": 70_000})),
        call("read_result", json.dumps({"call_id": "c7"})),
        "done",
    )
    result = await play(run, script, [of(boom)])
    first, second, third, beyond, other = told(result)

    assert text[:30_000] == first[:30_000]
    assert first.endswith(
        "[cut: 40,000 of 70,000 characters are missing; read_result(call_id='c1', start=30000) shows the next ones]"
    )
    assert text[30_000:60_000] + "\n[10,000 characters more, from start=60000]" == second
    assert text[60_000:] + "\n[end]" == third
    assert "start must be from 0 to 69999; it was 70000" == beyond
    assert "no result of 'c7' was cut; those that were: c1" == other


class Obscure:
    def __repr__(self) -> str:
        raise RuntimeError("not even a name")


def looped() -> list:
    inside: list = []
    inside.append(inside)
    return inside


def deep() -> list:
    inside: list = []
    for _ in range(5_000):
        inside = [inside]
    return inside


RETURNED = [
    (None, False, "null"),
    ("", False, ""),
    (b"caf\xc3\xa9", False, '"café"'),
    (b"\xff\x00", False, '"_wA="'),
    ({"x": float("nan")}, False, '{"x":NaN}'),
    ({1, 2}, False, "[1,2]"),
    ({(1, 2): 3}, False, '{"1,2":3}'),
    ("half \ud83d", False, "half \ud83d"),
    ({"x": "half \ud83d"}, False, '{"x":"half \ud83d"}'),
    (object, False, "\"<class 'object'>\""),
    (looped(), True, "boom ran, but what it returned cannot be written as JSON: "),
    (deep(), True, "boom ran, but what it returned cannot be written as JSON: "),
    (Obscure(), True, "boom ran, but what it returned cannot be written as JSON: "),
]


@pytest.mark.parametrize(("value", "failed", "expected"), RETURNED, ids=range(len(RETURNED)))
async def test_whatever_a_tool_returns_can_be_told(run, value, failed, expected):
    """A value is told as JSON as far as it can be, and whatever it is, the conversation goes on."""

    async def boom():
        return value

    result = await play(run, ([call("boom"), call("fine")], "done"), [of(boom), fine])

    assert (expected, "fine") == (told(result)[0][: len(expected)] if failed else told(result)[0], told(result)[1])
    assert [failed, False] == [each.failed for each in result.steps[0].results]


async def test_a_picture_is_shown_to_the_model():
    """Pictures follow the results of their step, in a message that every server takes."""

    async def boom() -> list:
        return ["a cat", Image("https://example.com/cat.png")]

    async with ModelServer([call("boom"), call("fine")], "done") as server:
        await Agent(chat(server), tools=[of(boom), fine]).run("go")
        sent = server.requests[1]["messages"][-3:]

    assert ["a cat\n(1 attachment in the next user message)", "fine"] == [message["content"] for message in sent[:2]]
    assert [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}] == sent[2]["content"]
