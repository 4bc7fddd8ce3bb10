"""A clock that stands still until a test moves it."""

import asyncio
import threading

import pytest

from agentkit.clock import Clock
from agentkit.tasks import TimeIsUp, within
from agentkit.testing import FakeClock


def test_it_tells_the_time_it_was_given():
    """The time is the start, and it stands still."""
    clock: Clock = FakeClock(start=1000.0)

    assert (1000.0, 0.0) == (clock.time(), clock.monotonic())


def test_advance_moves_both_times():
    """Moving the clock moves what both ways of asking tell."""
    clock = FakeClock(start=1000.0)
    clock.advance(2.5)

    assert (1002.5, 2.5) == (clock.time(), clock.monotonic())


def test_time_does_not_go_back():
    """A negative move is refused, and the message says what was given."""
    with pytest.raises(ValueError, match=r"-1"):
        FakeClock().advance(-1)


async def test_sleepers_wake_in_the_order_they_are_due():
    """Those that are due go on in the order of their time, and the others sleep on."""
    clock = FakeClock()
    woken: list[float] = []

    async def nap(seconds):
        await clock.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (3, 1, 2, 9):
            group.create_task(nap(seconds))
        await clock.asleep(4)
        clock.advance(5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        early = list(woken)
        clock.advance(4)

    assert ([1, 2, 3], [1, 2, 3, 9], [3, 1, 2, 9]) == (early, woken, clock.slept)


async def test_sums_of_fractions_are_no_obstacle():
    """A sleep ends when its seconds have passed in parts, though their floating-point sum is a little less."""
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(0.8))
    await clock.asleep()
    clock.advance(0.7)
    clock.advance(0.1)
    await sleeper

    assert [0.8] == clock.slept


async def test_no_seconds_do_not_wait():
    """A sleep of nothing lets others run and returns."""
    clock = FakeClock()
    await clock.sleep(0)
    await clock.sleep(-1)

    assert ([0, -1], 0.0) == (clock.slept, clock.monotonic())


async def test_a_cancelled_sleeper_is_forgotten():
    """Who stopped sleeping is not counted and not woken."""
    clock = FakeClock()
    gone = asyncio.create_task(clock.sleep(1))
    await clock.asleep()
    gone.cancel()
    await asyncio.wait((gone,))
    other = asyncio.create_task(clock.sleep(1))
    await clock.asleep(1)
    clock.advance(1)
    await other

    assert gone.cancelled()


async def test_a_sleeper_may_be_cancelled_when_it_is_due():
    """Who is cancelled at the very moment of waking is cancelled, and nobody complains."""
    clock = FakeClock()
    gone = asyncio.create_task(clock.sleep(1))
    await clock.asleep()
    clock.advance(1)
    gone.cancel()
    await asyncio.wait((gone,))
    await asyncio.sleep(0)

    assert gone.cancelled()


async def test_a_thread_can_move_the_clock():
    """A plain tool, in its thread, wakes those who sleep in the loop."""
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(60))
    await clock.asleep()
    thread = threading.Thread(target=clock.advance, args=(60,))
    thread.start()
    await sleeper
    thread.join()

    assert 60.0 == clock.monotonic()


async def test_a_tool_can_move_the_clock_under_its_own_limit():
    """Work that moves the clock past its time limit is out of time."""
    clock = FakeClock()

    async def work():
        await clock.asleep()
        clock.advance(30)
        await clock.sleep(1)

    with pytest.raises(TimeIsUp):
        await within(clock, 30, work())

    assert [30, 1] == clock.slept


async def test_auto_moves_the_time_itself():
    """In auto mode sleeping returns at once, and the time has passed."""
    clock = FakeClock(start=0.0, auto=True)
    await clock.sleep(0.5)
    await clock.sleep(1.0)

    assert (1.5, [0.5, 1.0]) == (clock.time(), clock.slept)


def test_sleepers_of_a_closed_loop_are_no_trouble():
    """Time can pass after the loop of a sleeper was closed."""
    clock = FakeClock()
    loop = asyncio.new_event_loop()
    sleep = clock.sleep(1)
    task = loop.create_task(sleep)
    loop.run_until_complete(clock.asleep())
    task.cancel()
    loop.close()
    clock.advance(1)

    assert 1.0 == clock.monotonic()
