"""Time, as a port: what is measured and waited for goes through a clock that a test can move."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Protocol, TypeVar

T = TypeVar("T")

GRACE = 5.0
"""Seconds that a cancelled effect may take to clean up before it is left alone."""


class Clock(Protocol):
    """Tells the time and waits."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward, from no particular moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The clock of this machine."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class TimeIsUp(Exception):
    """What was awaited did not end in time."""


async def within(clock: Clock, seconds: float | None, work: Coroutine[None, None, T]) -> T:
    """Await some work for so many seconds; None waits as long as it takes.

    Work that ignores being cancelled is left behind after a grace, so that it cannot hold up its caller.

    Raises:
        TimeIsUp: The seconds passed first.
    """
    # The alarm is set before the work begins, which may itself move a clock that stands still.
    alarms = () if seconds is None else (asyncio.ensure_future(clock.sleep(seconds)),)
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task, *alarms), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeIsUp
    finally:
        for alarm in alarms:
            alarm.cancel()
        if not task.done():
            await _abandon(clock, task)


async def _abandon(clock: Clock, task: "asyncio.Future[T]") -> None:
    task.cancel()
    task.add_done_callback(_forget)
    # Nearly all work ends as soon as it is told to.
    await asyncio.wait((task,), timeout=0)
    if task.done():
        return
    grace = asyncio.ensure_future(clock.sleep(GRACE))
    try:
        await asyncio.wait((task, grace), return_when=asyncio.FIRST_COMPLETED)
    finally:
        grace.cancel()


def _forget(task: "asyncio.Future[T]") -> None:
    """Take note of how it ended, or asyncio reports an exception that nobody asked for."""
    if not task.cancelled():
        task.exception()
