"""How far a run may go: each limit has its outcome, and what was done so far is kept."""

import asyncio

import pytest
from both_ways import told

from agentkit import Agent, Limits, ModelCalled, ModelError, Price, Reply, Usage
from agentkit.history import check_history
from agentkit.limits import Account, Spent
from agentkit.messages import Message
from agentkit.testing import FakeClock, ScriptedModel, call


async def look(n: int = 0) -> str:
    """Look."""
    return f"seen {n}"


def looking(count: int) -> list:
    return [call("look", n=n) for n in range(count)]


def test_the_defaults_stop_a_run_that_does_not_stop_itself():
    """Without a word from the user a run ends by steps, by repetition, by useless replies, and by time in each tool."""
    limits = Limits()

    assert (50, 3, 5, 3, 120, 30_000) == (
        limits.steps,
        limits.repeats_told,
        limits.repeats,
        limits.attempts,
        limits.tool_seconds,
        limits.result_chars,
    )


@pytest.mark.parametrize(
    ("limits", "status", "steps", "results"),
    [
        (Limits(steps=3), "step_limit", 3, 3),
        (Limits(tokens=31), "token_limit", 3, 3),
        (Limits(cost=0.00004), "cost_limit", 3, 3),
        (Limits(tool_calls=2), "tool_call_limit", 3, 2),
    ],
)
async def test_each_limit_of_spending_has_its_status(limits, status, steps, results):
    """A run stops at its limit with a word on which it was, and with everything so far."""
    model = ScriptedModel(*looking(9), price=Price(input=1.0, output=1.0))
    result = await Agent(model, tools=[look], limits=limits).run("go")
    check_history(result.messages)

    assert (status, None, steps) == (result.status, result.output, len(result.steps))
    assert ([f"seen {n}" for n in range(results)], 3) == (told(result)[:results], len(told(result)))
    assert "Limits." in result.detail


async def test_a_model_that_never_ends_is_ended():
    """Fifty replies are the most, when each call is a new one."""
    result = await Agent(ScriptedModel(*looking(50)), tools=[look]).run("go")

    assert ("step_limit", 50) == (result.status, len(result.steps))


async def test_a_model_that_repeats_itself_is_told_and_then_ended():
    """The third identical call is told so, the fifth is not made, and ends the run."""
    made = []

    async def poll(job: str) -> str:
        made.append(job)
        return "not yet"

    model = ScriptedModel(call("poll", job="a"), call("poll", '{ "job":"a" }'), call("poll", job="a"), repeat_last=True)
    result = await Agent(model, tools=[poll]).run("go")

    assert ("repeat_limit", 5, 4) == (result.status, len(result.steps), len(made))
    assert ["not yet", "not yet"] == told(result)[:2]
    assert told(result)[2].startswith(
        "not yet\nNote: you have now made this identical call 3 times. When it is made 5 times, the run ends."
    )
    assert told(result)[4].startswith("Not executed: the model kept making one identical call")


async def test_limits_can_be_lifted():
    """None is no limit."""
    same = [call("look", n=1)] * 60
    limits = Limits(steps=None, repeats=None, repeats_told=None, tool_seconds=None)
    result = await Agent(ScriptedModel(*same, "done"), tools=[look], limits=limits).run("go")

    assert ("completed", 61, {"seen 1"}) == (result.status, len(result.steps), set(told(result)))


@pytest.mark.parametrize(
    ("limits", "status"),
    [(Limits(steps=2, last_answer=True), "step_limit"), (Limits(tool_calls=1, last_answer=True), "tool_call_limit")],
)
async def test_one_last_request_is_spent_on_an_answer(limits, status):
    """Asked to, a run at its limit asks once more, without tools; the words are the output, and the status stays."""
    model = ScriptedModel(*looking(2), "As far as I saw: two.")
    result = await Agent(model, tools=[look], limits=limits).run("go")

    assert (status, "As far as I saw: two.") == (result.status, result.output)
    assert [1, 1, 0] == [len(request.tools) for request in model.requests]
    assert [False, False, True] == [e.event.last for e in result.events if isinstance(e.event, ModelCalled)]


async def test_a_call_in_the_last_answer_is_not_made():
    """A model that calls a tool although none is offered has not answered, and the run ends all the same."""
    model = ScriptedModel(*looking(3))
    result = await Agent(model, tools=[look], limits=Limits(steps=2, last_answer=True)).run("go")
    check_history(result.messages)

    assert ("step_limit", None, 2) == (result.status, result.output, len(told(result)))


async def test_a_run_out_of_time_stops_its_tools():
    """When the seconds are over the tools at work are stopped, those that are done keep their results."""
    clock = FakeClock()

    async def hang() -> None:
        clock.advance(61)
        await asyncio.Event().wait()

    model = ScriptedModel([call("look", n=1), call("hang")])
    result = await Agent(model, tools=[look, hang], clock=clock, limits=Limits(seconds=60)).run("go")
    check_history(result.messages)

    assert ("time_limit", "seen 1") == (result.status, told(result)[0])
    assert (
        "Stopped before it finished: the time of the run (Limits.seconds) is over. Whether it took effect is unknown."
        == (told(result)[1])
    )


async def test_a_run_out_of_time_does_not_wait_for_its_model():
    """A reply that does not come in time is not waited for."""
    clock = FakeClock()

    class Slow(ScriptedModel):
        async def request(self, request, emit) -> Reply:
            clock.advance(61)
            await asyncio.Event().wait()
            return await super().request(request, emit)

    result = await Agent(Slow(), clock=clock, limits=Limits(seconds=60, last_answer=True)).run("go")

    assert ("time_limit", None, ()) == (result.status, result.output, result.steps)


async def test_a_resumed_run_has_its_time_again():
    """The seconds count from the start of the run, or of its resumption."""
    clock = FakeClock()
    model = ScriptedModel(call("look", n=1), ModelError("down", category="overloaded"), "done")
    agent = Agent(model, tools=[look], clock=clock, limits=Limits(seconds=60))
    with pytest.raises(ModelError) as caught:
        await agent.run("go")
    clock.advance(100)
    again = await agent.resume(caught.value.result)

    assert ("completed", "done") == (again.status, again.output)


async def test_a_clock_that_runs_ahead_hurts_no_run_without_limits():
    """Nothing is waited for on the clock where no time is limited."""
    limits = Limits(tool_seconds=None)
    result = await Agent(
        ScriptedModel(call("look", n=1), "done"), tools=[look], clock=FakeClock(auto=True), limits=limits
    ).run("go")

    assert ("completed", ["seen 1"]) == (result.status, told(result))


async def test_what_a_server_does_not_count_is_unknown():
    """Unknown is not zero: usage and cost say None where nobody knows."""
    result = await Agent(ScriptedModel(Reply(message=Message("assistant", "done")))).run("go")

    assert (Usage(None, None, None, None), None) == (result.usage, result.cost)


def test_spending_adds_up():
    """What is known is added, and what nobody knows stays unknown."""
    one = Spent(1, 2, Usage(10, 5), 0.5)

    assert Spent(2, 4, Usage(20, 10), 1.0) == one + one
    assert Spent(1, 0, Usage(1, None), None) == Spent(1) + Spent(usage=Usage(1))


def test_an_account_draws_on_its_parents():
    """A nested run sees the limits of all runs around it, and books with all of them."""
    outer = Account(Limits(tokens=100, seconds=60), Spent(), now=0.0)
    inner = Account(Limits(steps=9, seconds=90), Spent(), now=10.0, parent=outer)
    inner.charge(Spent(1, usage=Usage(90, 10)))

    assert ("tokens", "tokens") == (inner.reached(11.0), outer.reached(11.0))
    assert (1, 1) == (inner.spent.steps, outer.spent.steps)
    assert (49.0, "seconds", 0.0) == (inner.remaining(11.0), inner.reached(100.0), inner.remaining(70.0))
    assert None is Account(Limits(), Spent(), now=0.0).remaining(1e9)
