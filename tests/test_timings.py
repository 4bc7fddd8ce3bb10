"""What a recorded reply says of its coming: when its first piece was there, and what failed before."""

from dataclasses import replace

import pytest

from agentkit import (
    Agent,
    Fallback,
    ModelError,
    ModelReplied,
    ReasoningDelta,
    Reply,
    Settings,
    TextDelta,
    ToolCallDelta,
)
from agentkit.codec import line, read_line
from agentkit.events import FailedAttempt
from agentkit.messages import Message
from agentkit.retry import Retry, Retrying
from agentkit.testing import FakeClock, ScriptedModel

KEY = "sk-abcdefghijklmnopqrstuvwxyz123456"


class Slow(ScriptedModel):
    """Says its pieces one second after another; a piece that is an error is raised."""

    def __init__(self, clock, *tries, name="slow"):
        super().__init__(name=name)
        self.clock = clock
        self.tries = list(tries)
        self.retry = None

    async def request(self, request, emit):
        for piece in self.tries.pop(0):
            self.clock.advance(1.0)
            if isinstance(piece, Exception):
                raise piece
            if request.stream:
                emit(piece)
        return Reply(message=Message("assistant", "done"))


def busy(detail="too many requests"):
    return ModelError(detail, category="rate_limited", retryable=True, retry_after=10.0)


async def replied(model, clock, *, stream=True, **options):
    agent = Agent(model, clock=clock, **options)
    if not stream:
        return only((await agent.run("go")).events)
    async with agent.stream("go") as run:
        async for _ in run:
            pass
    return only(run.result.events)


def only(events):
    return next(each.event for each in events if isinstance(each.event, ModelReplied))


@pytest.mark.parametrize("piece", [TextDelta("a"), ReasoningDelta("a"), ToolCallDelta(0, "look", "{}")])
async def test_the_first_piece_is_timed(piece):
    """The time to the first piece is on record beside the whole, whatever the piece is of."""
    clock = FakeClock()
    found = await replied(Slow(clock, [piece, TextDelta("b"), TextDelta("c")]), clock)

    assert (1.0, 3.0, ()) == (found.first, found.seconds, found.attempts)


async def test_a_reply_that_nobody_watched_has_no_first_piece():
    """Without a stream there are no pieces, and no time of one."""
    clock = FakeClock()
    found = await replied(Slow(clock, [TextDelta("a")]), clock, stream=False)

    assert (None, 1.0) == (found.first, found.seconds)


async def test_what_failed_before_a_reply_is_on_record():
    """Each attempt is kept with its reason, its time and the wait after it; pieces that were lost are no first piece."""
    clock = FakeClock(auto=True)
    slow = Slow(clock, [TextDelta("lost"), busy()], [busy("again")], [TextDelta("a"), TextDelta("b")])
    found = await replied(Retrying(slow, Retry(), clock=clock), clock)

    one, other = found.attempts
    assert FailedAttempt(1, "rate_limited", "too many requests", 2.0, one.wait, "slow") == one
    assert FailedAttempt(2, "rate_limited", "again", pytest.approx(3.0 + one.wait), other.wait, "slow") == other
    assert 10.0 <= one.wait <= 11.0
    assert pytest.approx(4.0 + one.wait + other.wait) == found.first
    assert pytest.approx(5.0 + one.wait + other.wait) == found.seconds


async def test_the_model_that_is_asked_instead_is_on_record():
    """After a fallback the attempt names who was asked next, without a wait."""
    clock = FakeClock(auto=True)
    model = Fallback(Slow(clock, [busy()], name="first"), Slow(clock, [TextDelta("a")], name="second"), clock=clock)
    found = await replied(model, clock)

    assert (FailedAttempt(1, "rate_limited", "too many requests", 1.0, 0.0, "second"),) == found.attempts


async def test_secrets_in_what_failed_are_hidden(tmp_path):
    """What a server said of a failure is scrubbed in a journal as any text is."""
    clock = FakeClock(auto=True)
    model = Retrying(Slow(clock, [busy(f"no quota for {KEY}")], [TextDelta("a")]), Retry(), clock=clock)
    agent = Agent(model, clock=clock, journal=tmp_path / "runs.db")
    result = await agent.run("go")

    kept = agent.kept_in().read(result.run_id)
    assert KEY not in repr(kept)
    assert only(kept).attempts[0].detail.startswith("no quota for ")
    assert replace(only(result.events), attempts=()) == replace(only(kept), attempts=())


def test_a_reply_of_before_is_read():
    """Journals without timings and addresses are read as ever, and a reply without them is written as ever."""
    said = '{"message":{"role":"assistant","content":"hi"},"usage":{},"finish_reason":"stop"}'
    old = f'{{"run_id":"r","seq":2,"time":1.0,"step":1,"kind":"ModelReplied","data":{said}}}'
    read = read_line(old)

    assert isinstance(read.event, ModelReplied)
    assert (None, ()) == (read.event.first, read.event.attempts)
    assert old == line(read)


async def test_timings_leave_an_ordinary_record_as_it_was():
    """A run that nobody watched, and in which nothing failed, has nothing more on record than before."""
    result = await Agent(ScriptedModel("hi"), settings=Settings(seed=1)).run("go")

    assert not any(word in line(each) for each in result.events for word in ("first", "attempts", "endpoint"))
