"""Awaiting with conditions: for so long, all together, or to the end.  What asyncio leaves open is settled here."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TypeVar

from agentkit.clock import Clock

T = TypeVar("T")

GRACE = 5.0
"""Seconds that cancelled work may take to clean up before it is left alone."""


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


async def to_the_end(work: Coroutine[None, None, T]) -> T:
    """Await what must not be left half done: cancellations that come meanwhile are raised after it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result


async def together(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Await all at once; what one raises, such as a journal that fails, is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
