"""Asking again: what is tried again, when, how long, and what those who watch are told."""

import asyncio
import json

import httpx
import pytest
from both_ways import streamed, told, whole
from hypothesis import given
from hypothesis import strategies as st

from agentkit import (
    Agent,
    Chat,
    Fallback,
    Limits,
    Message,
    ModelCalled,
    ModelError,
    ModelReplied,
    ModelRetried,
    Price,
    Request,
    Retry,
    Retrying,
    TextDelta,
    UsageError,
    tool,
)
from agentkit.history import check_history
from agentkit.retry import persistent, waits
from agentkit.testing import FakeClock, Fault, ModelServer, ScriptedModel, call, reply

BUSY = Fault.status(503, {"error": {"message": "Busy", "code": "ServerOverloaded"}})


REQUEST = Request(messages=(Message("user", "go"),))


def down(category="overloaded", *, retryable=True, retry_after=None, name="it"):
    """A model that fails, each time with an error of its own."""
    return lambda _: ModelError(f"{name} is down", category=category, retryable=retryable, retry_after=retry_after)


def always(category="overloaded", **more):
    return ScriptedModel(down(category, **more), repeat_last=True)


def chat(server, name="m", **more):
    return Chat(name, base_url=server.base_url, api_key="-", **more)


async def asked(model, heard=None):
    """What a model says to one question."""
    events = [] if heard is None else heard
    return (await model.request(REQUEST, events.append)).message.text


async def refused(model, heard=None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await asked(model, heard=heard)
    return caught.value


@tool
async def look(name: str) -> str:
    """Look."""
    return f"{name} is blue"


# When.


@pytest.mark.parametrize(("category", "first"), [("server_error", 0.5), ("overloaded", 1.0), ("rate_limited", 1.0)])
def test_waits_double_up_to_half_a_minute(category, first):
    """Where no server asks, each wait is twice the one before, and the longest is 30 s; half of it may be cut away."""
    error = ModelError("x", category=category, retryable=True)
    most = [min(30.0, first * 2**attempt) for attempt in range(9)]

    assert [(whole / 2, whole) for whole in most] == [waits(error, attempt) for attempt in range(1, 10)]


@given(
    st.integers(1, 100_000),
    st.none() | st.floats(0, 1e9),
    st.sampled_from(["rate_limited", "overloaded", "server_error", "timeout", "connection_lost"]),
)
def test_a_wait_is_never_shorter_than_asked_and_never_without_end(attempt, retry_after, category):
    """However often it has failed, the wait is at least what the server asked and hardly longer, or at most 30 s."""
    least, most = waits(ModelError("x", category=category, retryable=True, retry_after=retry_after), attempt)
    asked_for = retry_after or 0.0

    assert max(asked_for, 0.25) <= least <= most <= max(30.0, asked_for * 1.1)


@given(st.integers(1, 9), st.none() | st.floats(0, 60), st.floats(0.1, 120))
async def test_the_waits_of_a_request_keep_to_its_limits(attempts, retry_after, seconds):
    """Of every number of attempts and time, neither is exceeded, and no wait is shorter than was asked for."""
    clock, model = FakeClock(auto=True), always(retry_after=retry_after)
    await refused(Retrying(model, Retry(attempts=attempts, seconds=seconds), clock=clock))

    assert len(model.requests) <= attempts
    assert len(clock.slept) == len(model.requests) - 1
    assert sum(clock.slept) <= seconds + 1e-6
    assert all(slept >= (retry_after or 0.0) for slept in clock.slept)


DATED = {"date": "Wed, 21 Oct 2026 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2026 07:28:40 GMT"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7.25"}, 7.25),
        ({"retry-after": "1m2s"}, 62.0),
        ({"retry-after-ms": "8500"}, 8.5),
        (DATED, 40.0),
    ],
    ids=["seconds", "fraction", "duration", "milliseconds", "date"],
)
async def test_a_server_that_says_when_is_not_asked_earlier(run, headers, expected):
    """However a server says it, the next attempt comes when it was asked to, and at most a tenth later."""
    clock = FakeClock(auto=True)
    async with ModelServer(Fault.status(429, "Slow down", headers=headers), "Here I am.") as server:
        result = await run(Agent(chat(server), clock=clock))

    assert "Here I am." == result.output
    assert 1 == len(clock.slept)
    assert expected <= clock.slept[0] <= expected * 1.1


async def test_several_agents_do_not_come_back_at_once():
    """Waits that a server asks for are spread."""
    clock = FakeClock(auto=True)
    for _ in range(20):
        await asked(Retrying(ScriptedModel(down(retry_after=10.0), "ok"), clock=clock))

    assert 20 == len(set(clock.slept))


# How long.


async def test_it_is_policyup_after_five_attempts():
    """The error is the last one, and says how often and how long it was tried."""
    clock, model = FakeClock(auto=True), always()
    error = await refused(Retrying(model, clock=clock))

    assert (5, 5, "overloaded", True) == (len(model.requests), error.attempts, error.category, error.retryable)
    assert f"it is down (tried 5 times in {sum(clock.slept):.0f} s)" == str(error)


async def test_it_is_policyup_after_ten_minutes():
    """With attempts left, the time ends it before the next would be too late, and the error says so."""
    clock, model = FakeClock(auto=True), always()
    error = await refused(Retrying(model, Retry(attempts=1000), clock=clock))

    assert 570 < clock.monotonic() <= 600
    assert f"(tried {len(model.requests)} times in {clock.monotonic():.0f} s; the next attempt would" in str(error)


async def test_a_server_that_asks_for_too_long_is_not_waited_for():
    """A wait beyond the limit is not begun: the error comes at once and says both."""
    clock = FakeClock(auto=True)
    async with ModelServer(Fault.status(429, "Slow down", headers={"retry-after": "3600"})) as server:
        with pytest.raises(ModelError) as caught:
            await Agent(chat(server), clock=clock).run("go")

    assert [] == clock.slept
    assert (1, 3600.0) == (caught.value.attempts, caught.value.retry_after)
    assert str(caught.value).endswith("(the server asked to wait 3600 s, and the limit is 120 s (Retry.wait))")


async def test_a_wait_that_ends_after_the_last_attempt_may_begin_is_not_begun():
    """The time for all attempts is a limit of its own, and the error names it."""
    model = Retrying(ScriptedModel(down(retry_after=90.0)), Retry(seconds=60), clock=FakeClock(auto=True))
    with pytest.raises(ModelError, match=r"asked to wait 90 s, and the limit is 60 s \(Retry.seconds\)"):
        await asked(model)


@pytest.mark.parametrize("seconds", [1200, float("inf")])
async def test_a_longer_limit_waits_longer(seconds):
    """Who has the time gives it."""
    clock = FakeClock(auto=True)
    model = Retrying(ScriptedModel(down(retry_after=900.0), "ok"), Retry(seconds=seconds, wait=seconds), clock=clock)

    assert "ok" == await asked(model)
    assert 900 <= clock.monotonic() <= 990


@pytest.mark.parametrize(
    "policy",
    [
        {"attempts": 0},
        {"attempts": 2.5},
        {"seconds": 0},
        {"seconds": float("nan")},
        {"seconds": "10"},
        {"wait": -1},
        {"wait": "1"},
    ],
)
def test_a_policy_that_cannot_work_is_refused(policy):
    """The message names the value and what to give."""
    with pytest.raises(UsageError, match=r"Retry\(.*give"):
        Retry(**policy)


async def test_what_is_no_policy_is_refused():
    """A number where a policy belongs is a mistake, not a model without one."""
    agent = Agent(Chat("m", base_url="http://127.0.0.1/v1", retry=3))

    with pytest.raises(UsageError, match="retry is 3; it must be"):
        await agent.run("go")


# What.

HOPELESS = [
    (401, {"error": {"message": "Bad key"}}, {}, "auth"),
    (402, {"error": {"message": "Insufficient balance"}}, {}, "quota"),
    (429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, {}, "quota"),
    (400, {"error": {"message": "No such parameter"}}, {}, "invalid_request"),
    (404, {"error": {"message": "No such model", "code": "model_not_found"}}, {}, "not_found"),
    (400, {"error": {"message": "maximum context length is 8192 tokens"}}, {}, "context_length"),
    (400, {"error": {"message": "x", "code": "SensitiveContentDetected"}}, {}, "content_filter"),
    (503, {"error": {"message": "Busy"}}, {"x-should-retry": "false"}, "overloaded"),
]


@pytest.mark.parametrize(("status", "body", "headers", "category"), HOPELESS)
async def test_what_cannot_succeed_is_asked_once(run, status, body, headers, category):
    """The same question again would meet the same answer."""
    clock = FakeClock(auto=True)
    async with ModelServer(Fault.status(status, body, headers=headers)) as server:
        with pytest.raises(ModelError) as caught:
            await run(Agent(chat(server), clock=clock))

    assert (category, 1, []) == (caught.value.category, caught.value.attempts, clock.slept)
    assert "tried" not in str(caught.value)


async def test_a_failure_that_turns_hopeless_ends_it():
    """Of two failures the second decides."""
    heard: list[object] = []
    model = Retrying(ScriptedModel(down(), down("auth", retryable=False)), clock=FakeClock(auto=True))
    error = await refused(model, heard)

    assert ("auth", 2, 1) == (error.category, error.attempts, len(heard))


async def test_what_a_server_wants_tried_again_is_tried_again():
    """A server that knows better than its status is believed."""
    fault = Fault.status(400, "Try me again", headers={"x-should-retry": "true"})
    async with ModelServer(fault, "ok") as server:
        assert "ok" == (await Agent(chat(server), clock=FakeClock(auto=True)).run("go")).output


@pytest.mark.parametrize("error", [ValueError("a bug"), UsageError("a mistake"), KeyError("x")])
async def test_other_errors_pass_through(error):
    """A bug is no failure of a model."""
    model = ScriptedModel(error)
    with pytest.raises(type(error)):
        await asked(Retrying(model, clock=FakeClock(auto=True)))

    assert 1 == len(model.requests)


async def test_without_a_policy_a_request_is_made_once(run):
    """`retry=None` leaves it to the caller."""
    async with ModelServer(BUSY) as server:
        with pytest.raises(ModelError) as caught:
            await run(Agent(chat(server, retry=None)))
        assert 1 == len(server.requests)

    assert (1, True) == (caught.value.attempts, caught.value.retryable)


async def test_a_chat_by_itself_asks_once():
    """It is the agent that is patient: whatever wraps a model sees every attempt."""
    async with ModelServer(BUSY) as server:
        await refused(chat(server))


def garbage(_):
    return httpx.Response(200, text="{not json")


def raising(error):
    def answer(_):
        raise error

    return answer


FOREIGN = [
    (garbage, "malformed_response"),
    (raising(httpx.RemoteProtocolError("Server disconnected")), "connection_lost"),
    (raising(httpx.ReadError("")), "connection_lost"),
    (raising(httpx.WriteError("")), "connection_lost"),
    (raising(httpx.ConnectError("refused")), "connection_lost"),
    (raising(httpx.ReadTimeout("")), "timeout"),
    (raising(httpx.ConnectTimeout("")), "timeout"),
    (raising(httpx.PoolTimeout("")), "timeout"),
]


@pytest.mark.parametrize(("answer", "category"), FOREIGN)
async def test_no_exception_of_a_library_comes_out(run, answer, category):
    """What HTTP and JSON raise is tried again as it is, and ends as a failure of the model."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        model = Chat("m", base_url="http://127.0.0.1/v1", client=client)
        with pytest.raises(ModelError) as caught:
            await run(Agent(model, clock=FakeClock(auto=True)))

    assert (category, 5) == (caught.value.category, caught.value.attempts)


# What those who watch are told.


async def test_a_stream_that_breaks_is_asked_for_again_whole():
    """What was told of a broken reply is to be discarded, and what comes after it is the reply."""
    script = (Fault.cut("Good evening to everybody out there.", after=900), "Good morning.")
    told_so_far: list[str] = []
    discarded: list[str] = []
    async with ModelServer(*script) as server:
        async with Agent(chat(server), clock=FakeClock(auto=True)).stream("Greet me.") as run:
            async for event in run:
                match event:
                    case TextDelta(text):
                        told_so_far.append(text)
                    case ModelRetried():
                        discarded, told_so_far = told_so_far, []
        assert [server.requests[0]] == server.requests[1:]

    assert "Good morning." == run.result.output == "".join(told_so_far)
    assert "Good evening to everybody out there.".startswith("".join(discarded))
    assert discarded


async def test_no_tool_runs_from_a_broken_reply():
    """A call that was told and then lost is not made; the one of the whole reply is made once."""
    paid: list[int] = []

    @tool
    async def pay(amount: int) -> str:
        """Pay."""
        paid.append(amount)
        return "paid"

    script = (Fault.cut(call("pay", amount=1), after=700), call("pay", amount=2), "Paid.")
    async with ModelServer(*script) as server:
        model = Retrying(chat(server), clock=FakeClock(auto=True))
        result = await streamed(Agent(model, tools=[pay]))

    check_history(result.messages)
    assert ([2], "Paid.") == (paid, result.output)


async def test_an_attempt_is_told_whether_anybody_streams_or_not(run):
    """Observers hear of it before it begins: which failed, why, when the next is, and of whom."""
    heard: list[ModelRetried] = []

    def observe(recorded):
        if isinstance(recorded.event, ModelRetried):
            heard.append(recorded.event)

    clock = FakeClock(auto=True)
    async with ModelServer(BUSY, Fault.status(500, "Oh"), "ok") as server:
        await run(Agent(chat(server), observers=[observe], clock=clock))

    assert [(1, "overloaded", "m"), (2, "server_error", "m")] == [(e.attempt, e.category, e.model) for e in heard]
    assert clock.slept == [each.seconds for each in heard]
    assert "127.0.0.1/m is overloaded (HTTP 503): Busy" == heard[0].detail


async def test_a_failed_attempt_is_no_step_and_not_on_record(run):
    """A run that had to be patient has the record of one that had not."""
    async with ModelServer(BUSY, BUSY, call("look", name="sky"), BUSY, "Blue.") as server:
        model = Retrying(chat(server), clock=FakeClock(auto=True))
        result = await run(Agent(model, tools=[look], limits=Limits(steps=2)))

    assert ("completed", "Blue.", 2, ["sky is blue"]) == (
        result.status,
        result.output,
        len(result.steps),
        told(result),
    )
    assert [2] == [sum(isinstance(recorded.event, ModelCalled) for recorded in result.events)]
    assert [] == [recorded for recorded in result.events if isinstance(recorded.event, ModelRetried)]


# The end of patience.


async def test_a_run_that_gave_up_goes_on_later(run):
    """The run is `failed` with all it had, and resuming asks only for what is missing."""
    async with ModelServer(call("look", name="sky"), *[BUSY] * 5, "Blue.") as server:
        agent = Agent(Retrying(chat(server), clock=FakeClock(auto=True)), tools=[look])
        with pytest.raises(ModelError) as caught:
            await run(agent)
        result = caught.value.result
        assert ("failed", 5) == (result.status, caught.value.attempts)
        assert result.detail == str(caught.value)

        result = await agent.resume(result)
        assert ("completed", "Blue.", ["sky is blue"]) == (result.status, result.output, told(result))
        assert 7 == len(server.requests)


async def test_a_wait_can_be_cancelled():
    """A run that is cancelled while it waits asks no more, and says that it was cancelled."""
    clock, model = FakeClock(), always()
    async with Agent(Retrying(model, clock=clock)).stream("go") as run:
        await clock.asleep()
        await run.cancel()
        clock.advance(1000)

    assert ("cancelled", 1) == (run.result.status, len(model.requests))


async def test_an_attempt_can_be_cancelled():
    """So is a run that waits for the answer to a second attempt."""
    second = asyncio.Event()

    def hang(_):
        second.set()
        return Fault.silent()

    async with (
        ModelServer(BUSY, hang) as server,
        Agent(chat(server), clock=FakeClock(auto=True)).stream("go") as run,
    ):
        await second.wait()
        await run.cancel()
        assert 2 == len(server.requests)

    assert "cancelled" == run.result.status


async def test_the_time_of_a_run_ends_a_wait():
    """A limit in seconds holds also for a run that waits for its model."""
    clock = FakeClock()
    async with ModelServer(Fault.status(429, "Slow down", headers={"retry-after": "60"})) as server:
        going = asyncio.create_task(Agent(chat(server), limits=Limits(seconds=20), clock=clock).run("go"))
        await clock.asleep(2)
        clock.advance(20)
        result = await going

    assert "time_limit" == result.status


async def test_an_agent_among_the_tools_is_patient_too(run):
    """A nested run's model is tried again on the nested agent's clock, and the run around it does not notice."""
    async with ModelServer(call("helper", task="Look."), BUSY, BUSY, "Blue.", "It says blue.") as server:
        clock = FakeClock(auto=True)
        helper = Agent(chat(server), name="helper", clock=clock)
        result = await run(Agent(chat(server), tools=[helper.as_tool()]))

    assert ("It says blue.", ["Blue."], 2) == (result.output, told(result), len(clock.slept))


# Wrapping.


def test_a_retrying_model_is_the_model_it_wraps():
    """All but its patience is the wrapped model's, and it has no policy for another to apply."""
    model = ScriptedModel(name="m", price=Price(input=1, output=2), output_mode="tool")
    patient = Retrying(model)

    assert ("m", model.price, "tool") == (patient.name, patient.price, patient.output_mode)
    assert patient is persistent(patient, FakeClock())


class Counted(ScriptedModel):
    """As a wrapper is that shows the policy of the model it wraps."""

    retry = Retry(attempts=3)


async def test_a_wrapper_with_a_policy_sees_every_attempt():
    """Any model may say how long it is to be tried; one that does not is asked once."""
    counted, plain = Counted(down(), repeat_last=True), always()
    for model in (counted, plain):
        with pytest.raises(ModelError):
            await Agent(model, clock=FakeClock(auto=True)).run("go")

    assert (3, 1) == (len(counted.requests), len(plain.requests))


def test_it_says_what_it_is():
    """Printed, it shows the models and the policy."""
    model = Chat("m", base_url="http://127.0.0.1/v1", retry=None)

    assert f"Retrying({model!r}, Retry(attempts=5, seconds=600.0, wait=120.0))" == repr(Retrying(model))
    assert f"Fallback({model!r}, {Retrying(model)!r})" == repr(Fallback(model, Retrying(model)))


async def test_an_agent_does_not_multiply_attempts():
    """A model that was made patient by hand is not made patient twice."""
    async with ModelServer(BUSY, BUSY) as server:
        model = Retrying(chat(server), Retry(attempts=2), clock=FakeClock(auto=True))
        with pytest.raises(ModelError):
            await Agent(model).run("go")


# Another model.


def two(*scripts, **more):
    models = [ScriptedModel(*script, name=name) for name, script in zip(("first", "second"), scripts, strict=True)]
    return Fallback(*models, **more), *models


async def test_the_next_model_is_asked_when_one_fails():
    """Whoever watches is told to discard, and who is asked now."""
    model, _, second = two([down("auth", retryable=False)], ["ok"])
    heard: list[object] = []

    assert "ok" == await asked(model, heard=heard)
    assert [ModelRetried(1, "auth", "it is down", 0.0, "second")] == heard
    assert 1 == len(second.requests)


async def test_a_run_stays_with_the_model_it_moved_to():
    """Its reasoning and its cached prompt are there; a new run begins with the preferred one again."""
    model, first, second = two([down(), "I am back."], [call("look", name="sky"), "Blue."])
    agent = Agent(model, tools=[look])

    assert "Blue." == (await agent.run("go")).output
    assert (1, 2) == (len(first.requests), len(second.requests))
    assert "I am back." == (await agent.run("go")).output


@pytest.mark.parametrize("category", ["invalid_request", "content_filter", "context_length"])
async def test_a_fault_of_the_request_is_not_hidden(category):
    """Another model might take it, and nobody would learn of it."""
    model, *_ = two([down(category, retryable=False)], [])

    assert category == (await refused(model)).category


async def test_the_caller_may_choose_what_another_model_is_for():
    """`on` names the failures."""
    on_quota, *_ = two([down("quota")], ["ok"], on={"quota"})
    on_nothing_else, *_ = two([down("overloaded")], [], on={"quota"})

    assert "ok" == await asked(on_quota)
    assert "overloaded" == (await refused(on_nothing_else)).category


@pytest.mark.parametrize("on", ["quota", {"rate_limit"}])
def test_a_failure_that_there_is_not_is_refused(on):
    """A name that no error has would never move on; the message says which there are."""
    with pytest.raises(UsageError, match="rate_limited, overloaded, auth, quota"):
        two([], [], on=on)


async def test_when_all_fail_the_last_error_tells_of_the_others():
    """Its category counts; the others are in its words and behind it."""
    model, *_ = two([down("auth", name="first")], [down("quota", name="second")])
    error = await refused(model)

    assert ("quota", "second is down; before it: first is down") == (error.category, str(error))
    assert "first is down" == str(error.__cause__)


async def test_each_model_is_as_patient_as_it_says():
    """One with a policy is tried again before the next is asked; and so is the next."""
    clock = FakeClock(auto=True)
    heard: list[object] = []
    async with ModelServer(BUSY, BUSY) as first, ModelServer(BUSY, "ok") as second:
        model = Fallback(chat(first, "a", retry=Retry(attempts=2)), chat(second, "b"), clock=clock)
        assert "ok" == await asked(model, heard=heard)

    assert [(1, "a"), (2, "b"), (1, "b")] == [(event.attempt, event.model) for event in heard]
    assert 2 == len(clock.slept)
    assert "(tried 2 times in " in heard[1].detail


def test_several_models_are_described_as_one():
    """A price is known if all are, the form of an answer is one that all of them can give, and the name is the first's."""
    price = Price(input=1, output=2)
    dear = ScriptedModel(name="dear", price=price)
    free = ScriptedModel(name="free", output_mode="json_object")
    cheap = ScriptedModel(name="cheap", price=Price(input=0, output=1))

    assert ("dear", price, "json_schema") == (
        Fallback(dear, cheap).name,
        Fallback(dear, cheap).price,
        Fallback(dear, cheap).output_mode,
    )
    assert (None, "tool") == (Fallback(dear, free).price, Fallback(dear, free).output_mode)


async def test_a_reply_costs_what_the_model_that_gave_it_costs():
    """A limit of money counts what is paid, whoever it is paid to."""
    first = ScriptedModel(down(), price=Price(input=1_000_000, output=0))
    second = ScriptedModel("ok", price=Price(input=1, output=0))
    result = await Agent(Fallback(first, second), limits=Limits(cost=5.0)).run("go")

    assert ("ok", 10 / 1_000_000) == (result.output, result.cost)


class Picky(ScriptedModel):
    """Takes no tools."""

    def check(self, tools):
        if tools:
            raise UsageError("no tools, please")


def test_tools_must_suit_all_of_them():
    """A model that cannot take a tool says so when the agent is made, and not at night."""
    with pytest.raises(UsageError, match="no tools, please"):
        Agent(Fallback(ScriptedModel(), Picky()), tools=[look])


@pytest.mark.parametrize("count", [0, 1])
def test_one_model_has_nothing_to_fall_back_on(count):
    """Two or more are needed, and each once."""
    model = ScriptedModel()
    with pytest.raises(UsageError, match="two or more models"):
        Fallback(*[model] * count)
    with pytest.raises(UsageError, match="two or more models"):
        Fallback(model, model)


async def test_the_next_model_gets_the_conversation_without_the_others_reasoning(run):
    """Calls and results go along, byte for byte; what the first model thought is nobody else's."""
    thinking = reply(reasoning="My very own thought.", calls=[call("look", name="sky")])
    async with ModelServer(thinking, *[BUSY] * 5) as first, ModelServer("It is blue.") as second:
        model = Fallback(chat(first, "a"), chat(second, "b"), clock=FakeClock(auto=True))
        result = await run(Agent(model, tools=[look]))
        before, after = first.requests[1]["messages"], second.requests[0]["messages"]

    assert ("completed", "It is blue.") == (result.status, result.output)
    assert ["a", "b"] == [each.event.model for each in result.events if isinstance(each.event, ModelReplied)]
    assert "My very own thought." in json.dumps(before)
    assert "My very own thought." not in json.dumps(after)
    without = [{key: value for key, value in message.items() if "reasoning" not in key} for message in before]
    assert without == after
    assert "My very own thought." == result.steps[0].reasoning


async def test_both_ways_are_the_same_run():
    """Asked again or not, streamed or not, a conversation is the same."""
    kept = []
    for way in (whole, streamed):
        async with ModelServer(BUSY, call("look", name="sky"), BUSY, "Blue.") as server:
            result = await way(Agent(Retrying(chat(server), clock=FakeClock(auto=True)), tools=[look]))
        kept.append([(message.role, message.text) for message in result.messages])

    assert kept[0] == kept[1]
