"""A run that is watched: its events as they happen, its result, and how it is stopped."""

import asyncio

import pytest

from agentkit import (
    Agent,
    Limits,
    ModelCalled,
    ModelError,
    ModelReplied,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCallDelta,
    ToolFinished,
    ToolStarted,
    UsageError,
)
from agentkit.history import check_history
from agentkit.tasks import GRACE
from agentkit.testing import FakeClock, ScriptedModel, call


async def fine() -> str:
    """A tool that does its work."""
    return "fine"


class Door:
    """A tool that waits, and knows when it is waited in."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.left = False

    async def wait(self) -> None:
        """Wait."""
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left = True


async def test_a_stream_shows_what_happens_in_order():
    """Events arrive as they happen, the passing ones between those that are kept."""
    async with Agent(ScriptedModel(call("fine"), "done"), tools=[fine]).stream("go") as run:
        seen = [event async for event in run]
    step = [ModelCalled, ToolCallDelta, ModelReplied, ToolStarted, ToolFinished]
    kinds = [type(event) for event in seen]

    assert [RunStarted, *step, ModelCalled, TextDelta, ModelReplied, RunFinished] == [
        kind for place, kind in enumerate(kinds) if not place or kind is not kinds[place - 1]
    ]
    assert "done" == "".join(event.text for event in seen if isinstance(event, TextDelta))
    assert ("completed", [each.event for each in run.result.events]) == (
        run.result.status,
        [event for event in seen if event.durable],
    )


async def test_a_stream_may_be_left_to_itself():
    """Whoever wants the result alone waits for it."""
    async with Agent(ScriptedModel("done")).stream("go") as run:
        result = await run.wait()

    assert ("done", result) == (result.output, run.result)


async def test_a_stream_that_is_iterated_again_has_ended():
    """The end stays the end."""
    async with Agent(ScriptedModel("done")).stream("go") as run:
        first = [event async for event in run]
        second = [event async for event in run]

    assert (4, []) == (len([event for event in first if event.durable]), second)


async def test_leaving_early_cancels_the_run():
    """A `break` stops the tool at work, and what was done so far is a valid conversation."""
    door = Door()
    async with Agent(ScriptedModel(call("wait")), tools=[door.wait]).stream("go") as run:
        async for event in run:
            if isinstance(event, ToolStarted):
                break
        await door.entered.wait()
    check_history(run.result.messages)

    assert ("cancelled", True) == (run.result.status, door.left)
    assert "Stopped before it finished: the run was cancelled. Whether it took effect is unknown." == (
        run.result.messages[-1].text
    )


async def test_a_cancelled_run_can_be_resumed():
    """It goes on after what it has, without asking again for it."""
    door = Door()
    model = ScriptedModel([call("fine"), call("wait")], "done")
    agent = Agent(model, tools=[door.wait, fine])
    async with agent.stream("go") as run:
        await door.entered.wait()
        await run.cancel()
        seen = [event async for event in run]
    again = await agent.resume(run.result)

    assert ("cancelled", "RunSuspended") == (run.result.status, type(seen[-1]).__name__)
    assert ("completed", "done", 2) == (again.status, again.output, len(model.requests))


async def test_cancelling_before_anything_began_ends_the_stream():
    """A run that was stopped at once has no events, and does not keep its watcher waiting."""
    async with Agent(ScriptedModel()).stream("go") as run:
        await run.cancel()
        seen = await asyncio.wait_for(collect(run), 5)

    assert ([], "cancelled") == (seen, run.result.status)


async def watch(run, show) -> None:
    async with run:
        async for event in run:
            show(event)


async def collect(run) -> list:
    return [event async for event in run]


async def test_the_cancellation_of_whoever_cancels_is_not_swallowed():
    """A watcher that is itself cancelled while a stubborn tool is given its grace stops there."""
    release, entered = asyncio.Event(), asyncio.Event()

    async def stay() -> None:
        entered.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                """It stays."""

    async def watch() -> None:
        async with Agent(ScriptedModel(call("stay")), tools=[stay]).stream("go") as run:
            await entered.wait()
            cancelling.set()
            await run.cancel()
            passed.append("went on")

    passed: list[str] = []
    cancelling = asyncio.Event()
    watcher = asyncio.create_task(watch())
    await cancelling.wait()
    await asyncio.sleep(0)
    watcher.cancel()
    await asyncio.sleep(0)
    release.set()
    await asyncio.wait((watcher,))

    assert ([], True) == (passed, watcher.cancelled())


async def test_the_result_is_there_when_the_run_has_ended():
    """Before that, and before it began, there is none to be had."""
    watch = Agent(ScriptedModel("done")).stream("go")
    with pytest.raises(UsageError, match="the run has not begun"):
        _ = watch.result

    async with watch as run:
        with pytest.raises(UsageError, match="the run is still at work"):
            _ = run.result
        await run.wait()

    assert "done" == run.result.output


@pytest.mark.parametrize("error", [ModelError("down", category="overloaded"), ZeroDivisionError("a bug")])
async def test_errors_surface_while_iterating(error):
    """Whoever iterates is told what `agent.run` would raise, after the events before it."""
    seen: list = []
    run = Agent(ScriptedModel(call("fine"), error), tools=[fine]).stream("go")
    with pytest.raises(type(error)) as caught:
        await watch(run, seen.append)

    assert (error, [each.event for each in run.result.events]) == (caught.value, [e for e in seen if e.durable])
    assert ["fine"] == [m.text for m in run.result.messages if m.role == "tool"]


async def test_an_error_that_nobody_iterated_to_is_raised_at_the_end():
    """A stream that is not read does not hide why the run failed."""
    with pytest.raises(UsageError, match="the prompt is empty"):
        async with Agent(ScriptedModel()).stream(" "):
            await asyncio.sleep(0)


async def test_an_error_in_the_block_goes_first():
    """What went wrong while watching is not hidden by the run's cancellation."""
    with pytest.raises(ZeroDivisionError):
        async with Agent(ScriptedModel(call("wait")), tools=[Door().wait]).stream("go"):
            raise ZeroDivisionError


async def test_an_error_that_was_caught_in_the_block_is_not_raised_again():
    """Whoever has seen why the run failed may go on."""
    down = ModelError("down", category="overloaded")
    async with Agent(ScriptedModel(down)).stream("go") as run:
        with pytest.raises(ModelError):
            await run.wait()
    async with Agent(ScriptedModel(down)).stream("go") as other:
        with pytest.raises(ModelError):
            await collect(other)

    assert ("failed", "failed") == (run.result.status, other.result.status)


@pytest.mark.parametrize("limits", [Limits(), Limits(tool_seconds=None)])
async def test_a_tool_that_swallows_its_cancellation_does_not_save_the_run(limits):
    """The run is cancelled all the same, whether or not the tool has a time limit."""
    entered = asyncio.Event()

    async def stay() -> str:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "I stay"

    async with Agent(ScriptedModel(call("stay"), "on we go"), tools=[stay], limits=limits).stream("go") as run:
        await entered.wait()
        await run.cancel()

    assert ("cancelled", 1) == (run.result.status, len(run.result.steps))


async def test_a_tool_that_will_not_end_is_left_behind():
    """After a grace, on the agent's own clock, the run ends without it."""
    clock, entered, release = FakeClock(), asyncio.Event(), asyncio.Event()

    async def stay() -> None:
        entered.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                """It stays."""

    task = asyncio.create_task(Agent(ScriptedModel(call("stay"), "done"), tools=[stay], clock=clock).run("go"))
    await entered.wait()
    clock.advance(120)
    grace = asyncio.create_task(clock.asleep())
    await asyncio.wait((task, grace), return_when=asyncio.FIRST_COMPLETED)
    clock.advance(GRACE)
    result = await task
    grace.cancel()
    release.set()

    assert "completed" == result.status
    assert "stay did not finish within 120 s" in result.messages[2].text
