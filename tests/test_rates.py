"""A limit on what is asked of an endpoint, shared by agents, threads and event loops."""

import asyncio
import gc
import threading
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit import (
    Agent,
    AgentkitError,
    Limits,
    Message,
    ModelError,
    RateLimit,
    RateLimited,
    Reasoning,
    Reply,
    Request,
    Retry,
    ToolSpec,
    Usage,
    UsageError,
)
from agentkit.model import OutputMode, Price
from agentkit.testing import FakeClock, ScriptedModel, call, reply
from agentkit.turns import Window

SLOW_DOWN = ModelError("Slow down", category="rate_limited", retryable=True, retry_after=7.0, status=429)


def asking(tokens: int) -> Request:
    """A request that is estimated at so many tokens."""
    return Request(messages=(Message("user", "word" * tokens),))


def nobody(event: object) -> None:
    """Watches nothing."""


async def settle() -> None:
    """Let everybody go as far as they can without time."""
    for _ in range(20):
        await asyncio.sleep(0)


async def ended(*tasks: "asyncio.Task[Reply]") -> None:
    """Make sure that they end without more time."""
    await settle()
    assert [] == [task for task in tasks if not task.done()]
    await asyncio.wait(tasks)


@dataclass(eq=False)
class Job:
    """One request as the model saw it."""

    began: float
    estimate: int
    ended: float = float("inf")
    counted: int = 0
    """What the endpoint counts after it has ended."""

    def known(self, now: float) -> int:
        """What was known of it just before a moment, at the least."""
        if self.ended > now:
            return self.estimate
        return self.counted if self.ended < now else min(self.counted, self.estimate)


@dataclass(eq=False)
class Desk:
    """A model at which each request takes its time, by the clock, and a count or a failure comes out.

    A request's text is `word` for each token of its estimate; what happens to it stands in its memo.
    """

    clock: FakeClock
    jobs: list[Job] = field(default_factory=list)
    working: int = 0
    highest: int = 0
    name = "desk"
    price: Price | None = None
    output_mode: OutputMode = "json_schema"

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        """Anything goes."""

    async def request(self, request: Request, emit: object) -> Reply:
        estimate = len(request.messages[0].text) // 4
        job = Job(self.clock.monotonic(), estimate, counted=estimate)
        self.jobs.append(job)
        self.working += 1
        self.highest = max(self.highest, self.working)
        try:
            if seconds := request.memo.get("seconds"):
                await self.clock.sleep(seconds)
            outcome = request.memo.get("outcome")
            if isinstance(outcome, AgentkitError):
                job.counted = 0
                raise outcome
            if isinstance(outcome, int):
                job.counted = outcome
            usage = Usage(outcome, 0) if isinstance(outcome, int) else Usage()
            return Reply(message=Message("assistant", "Done."), usage=usage)
        finally:
            self.working -= 1
            job.ended = self.clock.monotonic()

    @property
    def times(self) -> list[float]:
        """When each request began."""
        return [job.began for job in self.jobs]


async def ask(
    model: RateLimited, tokens: int = 1, outcome: int | AgentkitError | None = None, seconds: int = 0
) -> Reply:
    request = asking(tokens)
    request.memo.update(outcome=outcome, seconds=seconds)
    return await model.request(request, nobody)


def limited(clock: FakeClock, **limits: int) -> tuple[RateLimited, Desk]:
    desk = Desk(clock)
    return RateLimited(desk, RateLimit(**limits), clock=clock), desk


# What can be limited.


@pytest.mark.parametrize("name", ["requests", "tokens", "concurrency"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "60"])
def test_a_limit_is_a_whole_number_above_none(name, value):
    """Anything else is refused, and the message names it."""
    with pytest.raises(UsageError, match=f"{name}={value!r}"):
        RateLimit(**{name: value})


def test_a_limit_limits_something():
    """A limit of nothing is a mistake."""
    with pytest.raises(UsageError, match="limits nothing"):
        RateLimit()


def test_a_number_is_no_limit():
    """A number in place of the limit is refused with the form that was meant."""
    with pytest.raises(UsageError, match=r"RateLimit\(requests=60\)"):
        RateLimited(ScriptedModel(), 60)  # type: ignore[arg-type]


def test_it_shows_what_it_limits():
    """A limit and a limited model say what they are."""
    model = RateLimited(Desk(FakeClock()), RateLimit(requests=60, concurrency=4))

    assert "RateLimit(requests=60, concurrency=4)" in repr(model)
    assert repr(model).startswith("RateLimited(Desk(")


def test_a_limited_model_is_the_model_in_all_else():
    """Name, price, the way of answering, the tools it takes and how it is tried again are those of the model."""

    class Refusing(ScriptedModel):
        retry = Retry(attempts=2)

        def check(self, tools):
            raise UsageError(f"no {tools}")

    price = Price(1, 2)
    model = RateLimited(Refusing(name="m", price=price, output_mode="tool"), RateLimit(requests=1))

    assert ("m", price, "tool", Retry(attempts=2)) == (model.name, model.price, model.output_mode, model.retry)
    assert None is RateLimited(ScriptedModel(), RateLimit(requests=1)).retry
    with pytest.raises(UsageError, match=r"no \(\)"):
        model.check(())


# Requests.


async def test_requests_within_the_limit_do_not_wait():
    """As many as may begin in a minute begin at once, and the clock is not asked to wait."""
    clock = FakeClock()
    model, desk = limited(clock, requests=3, tokens=100, concurrency=3)
    for _ in range(3):
        await ask(model)

    assert ([0.0, 0.0, 0.0], []) == (desk.times, clock.slept)


async def test_the_window_slides():
    """A request begins 60 seconds after the one it has to wait for, not with the next minute."""
    clock = FakeClock(auto=True)
    model, desk = limited(clock, requests=2)
    await ask(model, seconds=50)
    for _ in range(3):
        await ask(model)

    assert [0.0, 50.0, 60.0, 110.0] == desk.times


async def test_time_is_enough():
    """Who waits for time begins when it has come, whether or not those before have ended."""
    clock = FakeClock()
    model, desk = limited(clock, requests=1)
    tasks = [asyncio.create_task(ask(model, seconds=200)) for _ in range(3)]
    for _ in range(2):
        await settle()
        clock.advance(60)
    await settle()

    assert [0.0, 60.0, 120.0] == desk.times

    clock.advance(200)
    await ended(*tasks)


async def test_a_failed_request_was_a_request():
    """It counts among the requests as any other."""
    clock = FakeClock(auto=True)
    model, desk = limited(clock, requests=1)
    with pytest.raises(ModelError):
        await ask(model, outcome=ModelError("x", category="server_error"))
    await ask(model)

    assert [0.0, 60.0] == desk.times


async def test_first_come_first_served():
    """A small request does not overtake a large one that has to wait."""
    clock = FakeClock()
    model, desk = limited(clock, tokens=10)
    await ask(model, 6)
    tasks = [asyncio.create_task(ask(model, tokens)) for tokens in (8, 1, 2)]
    await settle()

    assert [6] == [job.estimate for job in desk.jobs]

    clock.advance(60)
    await ended(*tasks[:2])

    assert [6, 8, 1] == [job.estimate for job in desk.jobs]

    await settle()
    clock.advance(60)
    await ended(tasks[2])

    assert [0.0, 60.0, 60.0, 120.0] == desk.times


# Tokens.


async def test_an_estimate_is_corrected_by_the_count():
    """What a reply took takes the place of the estimate: more makes the next wait, less lets it go."""
    clock = FakeClock(auto=True)
    model, desk = limited(clock, tokens=10)
    await ask(model, 9, outcome=1)
    await ask(model, 2, outcome=9)
    await ask(model, 1)

    assert [0.0, 0.0, 60.0] == desk.times


async def test_a_wait_for_tokens_ends_when_they_are_given_back():
    """A request at work that turns out small wakes those who wait, before their time."""
    clock = FakeClock()
    model, desk = limited(clock, tokens=10)
    large = asyncio.create_task(ask(model, 9, outcome=1, seconds=5))
    other = asyncio.create_task(ask(model, 9))
    await settle()
    clock.advance(5)
    await ended(large, other)

    assert [0.0, 5.0] == desk.times


async def test_an_uncounted_reply_leaves_the_estimate():
    """Where the server does not say what a request took, the estimate stays."""
    clock = FakeClock(auto=True)
    model, desk = limited(clock, tokens=10)
    await ask(model, 9)
    await ask(model, 2)

    assert [0.0, 60.0] == desk.times


@pytest.mark.parametrize("error", [ModelError("x", category="overloaded"), UsageError("x")])
async def test_a_failed_request_gives_its_tokens_back(error):
    """It is answered by nobody, so that nothing was spent."""
    clock = FakeClock(auto=True)
    model, desk = limited(clock, tokens=10)
    with pytest.raises(type(error)):
        await ask(model, 9, outcome=error)
    await ask(model, 9)

    assert [0.0, 0.0] == desk.times


async def test_a_count_that_comes_after_the_window_changes_nothing():
    """A request that takes longer than a minute has left the window when its count comes."""
    clock = FakeClock()
    model, desk = limited(clock, tokens=10)
    slow = asyncio.create_task(ask(model, 5, outcome=100, seconds=90))
    await settle()
    clock.advance(61)
    await ask(model, 10)
    clock.advance(29)
    await ended(slow)
    clock.advance(31)
    await ask(model, 10)

    assert [0.0, 61.0, 121.0] == desk.times


async def test_a_request_too_large_for_any_window_goes_alone():
    """It waits until nothing else counts, and is not kept for ever."""
    clock = FakeClock(auto=True)
    model, desk = limited(clock, tokens=10)
    await ask(model, 3)
    await ask(model, 50)
    await ask(model, 1)

    assert [0.0, 60.0, 120.0] == desk.times


class Read:
    """Messages that note from which on they are read, and cannot be read one by one."""

    def __init__(self, count: int, seen: list[int]) -> None:
        self.messages = (Message("assistant", "Done."),) * count
        self.seen = seen

    def __len__(self) -> int:
        return len(self.messages)

    def __getitem__(self, part: slice) -> tuple[Message, ...]:
        self.seen.append(part.start)
        return self.messages[part]


class Unread(Desk):
    """A model that reads no messages."""

    outcomes = (Usage(), Usage(1, 1), ModelError("x", category="overloaded"), Usage(None, 1), Usage(1), Usage())
    asked = 0

    async def request(self, request, emit):
        outcome = self.outcomes[self.asked]
        self.asked += 1
        if isinstance(outcome, ModelError):
            raise outcome
        return Reply(message=Message("assistant", "Done."), usage=outcome)


async def test_an_estimate_reads_only_what_is_new():
    """Each message of a run is read once, and a counted reply not at all; an attempt made again reads nothing."""
    memo: dict[object, object] = {}
    model = RateLimited(Unread(FakeClock()), RateLimit(tokens=1000))
    seen: list[int] = []
    for count in (1, 3, 5, 5, 7, 9):
        with suppress(ModelError):
            await model.request(Request(messages=Read(count, seen), memo=memo), nobody)  # type: ignore[arg-type]

    assert [0, 1, 4, 5, 5, 7] == seen


async def test_an_estimate_knows_what_the_run_took_before():
    """The last count, and the messages that came after it, are the next estimate; tools and calls count at first."""
    clock = FakeClock()
    rate = RateLimit(tokens=100)
    script = ScriptedModel(reply(calls=[call("look")], usage=Usage(40, 10)), reply("Done.", usage=Usage(5, 5)))
    model = RateLimited(script, rate, clock=clock)
    spec = ToolSpec("look", "word" * 10, {"type": "object"})
    asked = Message("user", "word" * 5)
    called = Message("assistant", tool_calls=(call("look", '{"at": "' + "word" * 20 + '"}', call_id="c"),))
    memo: dict[object, object] = {}
    await model.request(Request(messages=(asked,), tools=(spec,), memo=memo), nobody)
    later = Request(messages=(asked, called, Message("tool", "word" * 8, call_id="c")), tools=(spec,), memo=memo)

    # 50 were counted, and 8 are new: 108 in all.
    task = asyncio.create_task(model.request(later, nobody))
    await settle()
    clock.advance(60)
    await ended(task)

    assert [60.0] == clock.slept


async def test_a_first_estimate_knows_reasoning_and_arguments():
    """What a run begins with counts as a whole: words, reasoning and the arguments of calls."""
    clock = FakeClock()
    model = RateLimited(
        ScriptedModel(reply("Done.", usage=Usage()), repeat_last=True), RateLimit(tokens=10), clock=clock
    )
    said = Message(
        "assistant", "word", reasoning=Reasoning("word" * 4), tool_calls=(call("look", "word" * 4, call_id="c"),)
    )
    await model.request(Request(messages=(said,)), nobody)
    await model.request(asking(1), nobody)
    task = asyncio.create_task(model.request(asking(1), nobody))
    await settle()
    clock.advance(60)
    await ended(task)

    assert [60.0] == clock.slept


# Requests at work.


async def test_no_more_are_at_work_than_may_be():
    """The others wait for one to end, without a look at the clock."""
    clock = FakeClock()
    model, desk = limited(clock, concurrency=2)
    tasks = [asyncio.create_task(ask(model, seconds=seconds)) for seconds in (5, 9, 5)]
    await settle()

    assert ([0.0, 0.0], [5, 9]) == (desk.times, clock.slept)

    clock.advance(5)
    await settle()
    clock.advance(5)
    await ended(*tasks)

    assert ([0.0, 0.0, 5.0], 2) == (desk.times, desk.highest)


async def test_a_cancelled_request_leaves_its_place_to_the_next():
    """The slot is free at once; the tokens may have been spent, so the estimate stays."""
    clock = FakeClock()
    model, desk = limited(clock, tokens=10, concurrency=1)
    first = asyncio.create_task(ask(model, 5, seconds=30))
    second = asyncio.create_task(ask(model, 5))
    third = asyncio.create_task(ask(model, 5))
    await settle()
    first.cancel()
    await ended(second)
    await settle()

    assert (True, False, [0.0, 0.0]) == (first.cancelled(), third.done(), desk.times)

    clock.advance(60)
    await ended(third)


async def test_an_error_in_the_model_gives_the_place_back():
    """Whatever a model raises, nobody waits for it."""
    rate = RateLimit(concurrency=1)
    model = RateLimited(ScriptedModel(ZeroDivisionError(), "fine"), rate)
    with pytest.raises(ZeroDivisionError):
        await model.request(asking(1), nobody)

    assert "fine" == (await model.request(asking(1), nobody)).message.text


# Waiting that is given up.


@pytest.mark.parametrize("tokens", [(10, 1), (1, 10)])
async def test_who_stops_waiting_holds_nobody_up(tokens):
    """A place in the line that is given up, be it the first or another, leaves the others as if it had not been."""
    clock = FakeClock()
    model, desk = limited(clock, tokens=10)
    await ask(model, 1)
    clock.advance(10)
    await ask(model, 9)
    large, small = sorted(
        [asyncio.create_task(ask(model, size), name=f"{size:02}") for size in tokens],
        key=lambda task: task.get_name(),
        reverse=True,
    )
    await settle()
    large.cancel()
    await settle()
    clock.advance(50)
    await ended(small)

    assert [(0.0, 1), (10.0, 9), (60.0, 1)] == [(job.began, job.estimate) for job in desk.jobs]


async def test_who_is_cancelled_at_the_moment_of_its_turn_gives_it_back():
    """A turn that was given and not taken counts as no request."""
    clock = FakeClock()
    model, desk = limited(clock, requests=2, tokens=2, concurrency=1)
    first = asyncio.create_task(ask(model, seconds=1))
    second = asyncio.create_task(ask(model))
    third = asyncio.create_task(ask(model))
    await settle()
    # When the first has just ended, the second has the turn and does not know it yet.
    first.add_done_callback(lambda _: second.cancel())
    first.cancel()
    await ended(third)

    assert (True, [0.0, 0.0]) == (second.cancelled(), desk.times)


async def test_a_run_out_of_time_stops_waiting():
    """The time that a run may take includes its waits, and its place goes to the next."""
    clock = FakeClock()
    model, desk = limited(clock, requests=1)
    await ask(model)
    run = asyncio.create_task(Agent(model, limits=Limits(seconds=5), clock=clock).run("go"))
    await settle()
    clock.advance(5)
    result = await run
    after = asyncio.create_task(ask(model))
    await settle()
    clock.advance(55)
    await ended(after)

    assert ("time_limit", [0.0, 60.0]) == (result.status, desk.times)


# What the server says.


async def test_the_servers_word_goes_for_all():
    """Who is told to wait makes all others wait as long, those in the line and those who come later."""
    clock = FakeClock()
    rate = RateLimit(concurrency=1)
    told, other = Desk(clock), Desk(clock)
    failing = asyncio.create_task(ask(RateLimited(told, rate, clock=clock), outcome=SLOW_DOWN, seconds=1))
    waiting = asyncio.create_task(ask(RateLimited(other, rate, clock=clock)))
    await settle()
    clock.advance(1)
    await ended(failing)
    late = asyncio.create_task(ask(RateLimited(other, rate, clock=clock)))
    await settle()

    assert [] == other.times

    clock.advance(7)
    await ended(waiting, late)

    assert (SLOW_DOWN, [8.0, 8.0]) == (failing.exception(), other.times)


async def test_a_shorter_word_does_not_shorten_a_longer_one():
    """The longest wait that was asked for counts, and a failure without one asks for none."""
    clock = FakeClock()
    model, desk = limited(clock, concurrency=3)
    shorter = ModelError("x", category="rate_limited", retry_after=1.0)
    silent = ModelError("x", category="rate_limited")
    failing = [asyncio.create_task(ask(model, outcome=outcome, seconds=1)) for outcome in (SLOW_DOWN, shorter, silent)]
    await settle()
    clock.advance(1)
    await ended(*failing)
    last = asyncio.create_task(ask(model))
    await settle()
    clock.advance(6.5)
    await settle()
    clock.advance(0.5)
    await ended(last)

    assert [0.0, 0.0, 0.0, 8.0] == desk.times


class Patient(ScriptedModel):
    """A scripted model that wants to be tried again."""

    retry = Retry(attempts=3)


async def test_each_attempt_waits_for_its_turn():
    """An agent that tries again asks the limit again."""
    clock = FakeClock(auto=True)
    model = Patient(ModelError("x", category="server_error", retryable=True), "fine")
    agent = Agent(RateLimited(model, RateLimit(requests=1), clock=clock), clock=clock)
    result = await agent.run("go")

    assert ("fine", 2) == (result.output, len(model.requests))
    assert clock.monotonic() == pytest.approx(60.0)


# Threads and loops.


class Counter(ScriptedModel):
    """Counts how many are at work in it, in all threads."""

    def __init__(self, *script: str) -> None:
        super().__init__(*script, repeat_last=True)
        self.lock = threading.Lock()
        self.working = self.highest = 0

    async def request(self, request, emit):
        with self.lock:
            self.working += 1
            self.highest = max(self.highest, self.working)
        for _ in range(5):
            await asyncio.sleep(0)
        with self.lock:
            self.working -= 1
        return await super().request(request, emit)


def test_threads_share_a_limit():
    """Agents that run in threads of their own are at work no more at a time than they may, and all get their answer."""
    model, rate, answers = Counter("fine"), RateLimit(concurrency=2, requests=1000, tokens=1_000_000), []

    def work() -> None:
        agent = Agent(RateLimited(model, rate))
        answers.extend(agent.run_sync("go").output for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (["fine"] * 60, 0) == (answers, model.working)
    assert model.highest <= 2


def test_a_loop_wakes_another():
    """Who waits in one thread goes on when a request ends in another."""
    clock = FakeClock()
    model, desk = limited(clock, concurrency=1)
    waiting = threading.Event()

    async def wait() -> None:
        task = asyncio.create_task(ask(model, 2))
        await settle()
        waiting.set()
        await task

    async def work() -> None:
        turn = await model._rate.begin(1, clock)
        thread.start()
        waiting.wait()
        assert [] == desk.jobs
        model._rate.finish(turn, clock)

    thread = threading.Thread(target=asyncio.run, args=(wait(),))
    asyncio.run(work())
    thread.join()

    assert [2] == [job.estimate for job in desk.jobs]


async def test_loops_wait_for_one_clock():
    """Those who wait in several threads begin in the order they came, when the time has come."""
    clock = FakeClock()
    model, desk = limited(clock, requests=1)
    await ask(model)
    threads = [threading.Thread(target=asyncio.run, args=(ask(model, place),), daemon=True) for place in (2, 3, 4)]
    for place, thread in enumerate(threads):
        thread.start()
        await clock.asleep(place + 1)
    for place, thread in enumerate(threads):
        await clock.asleep(len(threads) - place)
        clock.advance(60)
        # It has ended long before, unless another thread took its turn.
        thread.join(30)

    assert [(0.0, 1), (60.0, 2), (120.0, 3), (180.0, 4)] == [(job.began, job.estimate) for job in desk.jobs]


@pytest.mark.parametrize("limits", [{"requests": 1}, {"concurrency": 1}])
def test_a_closed_loop_holds_nobody_up(limits):
    """Who waited in a loop that was closed is passed over, whether they waited for time or for a place."""
    clock = FakeClock()
    model, desk = limited(clock, **limits)
    gone = asyncio.new_event_loop()
    working = gone.create_task(model._rate.begin(1, clock))
    lost = [gone.create_task(ask(model, 2)) for _ in range(2)]
    gone.run_until_complete(settle())
    turn = working.result()
    gone.close()

    async def others() -> None:
        task = asyncio.create_task(ask(model, 3))
        await settle()
        clock.advance(60)
        model._rate.finish(turn, clock)
        await ended(task)

    asyncio.run(others())

    assert ([3], [False, False]) == ([job.estimate for job in desk.jobs], [task.done() for task in lost])
    del lost, working
    # What was left in the loop is collected without complaint.
    gc.collect()


def test_the_head_of_the_line_may_vanish_while_it_watches_the_clock():
    """The first in each loop watches the time, so that the others need nobody to tell them."""
    clock = FakeClock()
    model, desk = limited(clock, requests=1)
    gone = asyncio.new_event_loop()
    gone.run_until_complete(ask(model))
    lost = gone.create_task(ask(model, 2))
    gone.run_until_complete(clock.asleep())

    async def others() -> None:
        task = asyncio.create_task(ask(model, 3))
        await settle()
        gone.close()
        clock.advance(60)
        await ended(task)

    asyncio.run(others())

    assert ([1, 3], False) == ([job.estimate for job in desk.jobs], lost.done())
    del lost
    gc.collect()


def test_who_comes_after_a_closed_loop_begins_at_once():
    """A line in which nobody is left keeps nobody."""
    clock = FakeClock()
    model, desk = limited(clock, requests=1)
    gone = asyncio.new_event_loop()
    gone.run_until_complete(ask(model))
    lost = gone.create_task(ask(model, 2))
    gone.run_until_complete(clock.asleep())
    gone.close()
    clock.advance(60)
    asyncio.run(ask(model, 3))

    assert [(0.0, 1), (60.0, 3)] == [(job.began, job.estimate) for job in desk.jobs]
    del lost
    gc.collect()


# Whatever comes.


@dataclass(frozen=True)
class Arrival:
    """A request that comes some time after the one before it."""

    after: int
    tokens: int
    seconds: int
    outcome: int | ModelError | None
    patience: int | None
    """Seconds after which it is cancelled."""


TICK = 5
"""Seconds that all times of the plans are multiples of, as 60 is."""

ticks = st.integers(0, 15).map(lambda count: count * TICK)
failures = st.sampled_from([ModelError("x", category="server_error"), SLOW_DOWN])
arrivals = st.builds(
    Arrival,
    after=st.one_of(st.just(0), ticks),
    tokens=st.integers(1, 15),
    seconds=ticks,
    outcome=st.one_of(st.none(), st.integers(0, 25), failures),
    patience=st.one_of(st.none(), st.none(), ticks),
)
limits = st.fixed_dictionaries(
    {"requests": st.integers(1, 4)}, optional={"tokens": st.integers(1, 12), "concurrency": st.integers(1, 3)}
) | st.fixed_dictionaries({"tokens": st.integers(1, 12)}, optional={"concurrency": st.integers(1, 3)})


async def play(model: RateLimited, clock: FakeClock, plan: list[Arrival]) -> None:
    """Let all come, and the time pass until each has ended in its way."""
    tasks: list[asyncio.Task[Reply]] = []
    due = [sum(arrival.after for arrival in plan[: place + 1]) for place in range(len(plan))]
    while len(tasks) < len(plan) or not all(task.done() for task in tasks):
        for arrival, moment in zip(plan, due, strict=True):
            if moment == clock.monotonic():
                tasks.append(asyncio.create_task(ask(model, arrival.tokens, arrival.outcome, arrival.seconds)))
                await settle()
        for task, arrival, moment in zip(tasks, plan, due, strict=False):
            if arrival.patience is not None and moment + arrival.patience == clock.monotonic():
                task.cancel()
        await settle()
        assert clock.monotonic() < 100_000, "somebody starves"
        # SLOW_DOWN asks for 7 seconds: every second is a moment.
        clock.advance(1)
    await asyncio.gather(*tasks, return_exceptions=True)


def check_window(jobs: list[Job], rate: dict[str, int]) -> None:
    """No window of 60 seconds holds more than it may, as far as it was known when a request began."""
    for place, job in enumerate(jobs):
        before = [other for other in jobs[:place] if job.began - other.began < 60]
        assert len(before) < rate.get("requests", 1000)
        used = sum(other.known(job.began) for other in before)
        assert used == 0 or used + job.estimate <= rate.get("tokens", 1000)


@settings(deadline=None, max_examples=100)
@given(st.lists(arrivals, min_size=1, max_size=8), limits)
def test_whatever_comes_no_limit_is_exceeded_and_nobody_starves(plan, rate):
    """Windows and places are never overfull, nobody overtakes, all get their turn, and nothing is left behind."""
    clock = FakeClock()
    model, desk = limited(clock, **rate)

    async def whole() -> None:
        await play(model, clock, plan)
        assert desk.times == sorted(desk.times)
        clock.advance(67)
        window = model._rate._window
        # Only an empty window lets this through.
        assert (0, 0, 0.0) == (len(model._rate._waiting), window._working, window.delay(1000, clock.monotonic()))

    asyncio.run(whole())
    check_window(desk.jobs, rate)

    assert desk.highest <= rate.get("concurrency", 1000)


# When the next may begin.


def test_the_wait_is_for_as_many_as_have_to_leave():
    """A large request waits for several to leave the window, a small one for the first."""
    window = Window(None, 10, None)
    for moment in (0.0, 10.0, 20.0):
        window.begin(3, moment)

    assert [0.0, 30.0, 40.0, 50.0, 50.0] == [window.delay(tokens, 30.0) for tokens in (1, 4, 7, 10, 99)]


def test_what_is_not_limited_is_not_kept():
    """A limit on requests at work alone remembers no request that has ended."""
    window = Window(None, None, 1)
    window.end(window.begin(3, 0.0), 5)

    assert ([], 0.0) == (list(window._turns), window.delay(3, 0.0))
