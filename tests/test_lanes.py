"""Which calls of a step may run at the same time."""

import asyncio

import pytest
from both_ways import told
from hypothesis import given
from hypothesis import strategies as st

from agentkit import Agent, Limits, ToolFinished, tool
from agentkit.lanes import stages
from agentkit.testing import ScriptedModel, call


def plan(manners: str) -> list:
    """The stages of calls numbered from 0: b beside, o in order, a alone."""
    names = {"b": "beside", "o": "in_order", "a": "alone"}
    return stages((number, names[letter]) for number, letter in enumerate(manners))


@pytest.mark.parametrize(
    ("manners", "expected"),
    [
        ("", []),
        ("b", [[[0]]]),
        ("bbb", [[[0], [1], [2]]]),
        ("ooo", [[[0, 1, 2]]]),
        ("bobo", [[[0], [2], [1, 3]]]),
        ("a", [[[0]]]),
        ("aa", [[[0]], [[1]]]),
        ("boabo", [[[0], [1]], [[2]], [[3], [4]]]),
    ],
)
def test_calls_are_put_in_stages_and_lanes(manners, expected):
    """Calls beside others have lanes of their own, those in order share one, and one alone is a stage."""
    assert expected == plan(manners)


@given(st.text("boa", max_size=12))
def test_every_call_has_its_place(manners):
    """No call is lost or made twice, none passes one that is alone, and those in order stay in order."""
    made = plan(manners)
    places = {call: number for number, lanes in enumerate(made) for lane in lanes for call in lane}

    assert list(range(len(manners))) == sorted(call for lanes in made for lane in lanes for call in lane)
    assert [places[call] for call in range(len(manners))] == sorted(places.values())
    assert [] == [lanes for lanes in made if any(manners[lane[0]] == "a" for lane in lanes) and len(lanes) > 1]
    assert [] == [lane for lanes in made for lane in lanes if lane != sorted(lane)]


# In a run.


class Meeting:
    """Counts who is in the room, and lets nobody out before so many have come."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.inside = 0
        self.most = 0
        self.full = asyncio.Event()

    async def attend(self) -> str:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == self.expected:
            self.full.set()
        await self.full.wait()
        self.inside -= 1
        return "met"


async def test_async_tools_and_tools_that_read_run_at_the_same_time():
    """Calls of one step that may run beside each other all begin before any ends."""
    meeting, loop = Meeting(3), asyncio.get_running_loop()

    @tool(effect="read")
    def look() -> str:
        return asyncio.run_coroutine_threadsafe(meeting.attend(), loop).result()

    model = ScriptedModel([call("attend"), call("look"), call("look")], "done")
    result = await Agent(model, tools=[meeting.attend, look]).run("go")

    assert ["met", "met", "met"] == told(result)


async def test_no_more_run_at_the_same_time_than_the_limit_allows():
    """The others wait for their turn."""
    meeting = Meeting(2)
    model = ScriptedModel([call("attend")] * 6, "done")
    result = await Agent(model, tools=[meeting.attend], limits=Limits(concurrency=2)).run("go")

    assert (["met"] * 6, 2) == (told(result), meeting.most)


async def test_plain_functions_run_one_after_another_in_order():
    """Functions that were not written for threads never overlap, and keep the order the model asked."""
    began = []

    def write(n: int) -> str:
        began.append(f"begin {n}")
        began.append(f"end {n}")
        return str(n)

    model = ScriptedModel([call("write", n=n) for n in range(20)], "done")
    result = await Agent(model, tools=[write]).run("go")

    assert [f"{what} {n}" for n in range(20) for what in ("begin", "end")] == began
    assert [str(n) for n in range(20)] == told(result)


async def test_parallel_lifts_the_order_of_a_plain_function():
    """A function that says so runs beside itself."""
    meeting, loop = Meeting(2), asyncio.get_running_loop()

    @tool(parallel=True)
    def write() -> str:
        return asyncio.run_coroutine_threadsafe(meeting.attend(), loop).result()

    assert ["met", "met"] == told(
        await Agent(ScriptedModel([call("write"), call("write")], "done"), tools=[write]).run("go")
    )


async def test_a_sequential_tool_is_a_barrier():
    """All calls before it have ended when it begins, and those after it begin when it has ended."""
    seen = []

    async def beside(n: int) -> None:
        seen.append(f"begin {n}")
        await asyncio.sleep(0)
        seen.append(f"end {n}")

    @tool(sequential=True)
    async def alone() -> None:
        seen.append("alone")

    model = ScriptedModel([call("beside", n=1), call("beside", n=2), call("alone"), call("beside", n=3)], "done")
    await Agent(model, tools=[beside, alone]).run("go")

    assert [{"begin 1", "end 1", "begin 2", "end 2"}, "alone", ["begin 3", "end 3"]] == [
        set(seen[:4]),
        seen[4],
        seen[5:],
    ]


async def test_results_go_back_in_the_order_asked():
    """Whichever call ends first, the model reads the answers in its own order."""
    last = asyncio.Event()

    async def wait(n: int) -> int:
        await last.wait() if n == 1 else last.set()
        return n

    result = await Agent(ScriptedModel([call("wait", n=1), call("wait", n=2)], "done"), tools=[wait]).run("go")

    assert ["2", "1"] == [e.event.result.content for e in result.events if isinstance(e.event, ToolFinished)]
    assert ["1", "2"] == told(result)
