"""Threads for plain functions: bounded, in no one's way, and with the variables of the task that waits."""

import asyncio
import contextvars
import threading
import weakref

import pytest

from agentkit.workers import Workers


async def test_a_function_is_called_in_a_thread():
    """Its result comes back to the task, and the thread keeps no process alive."""
    thread = await Workers().call(threading.current_thread)

    assert (True, True) == (thread is not threading.main_thread(), thread.daemon)


@pytest.mark.parametrize("error", [ValueError("x"), TimeoutError(), GeneratorExit()])
async def test_what_a_function_raises_is_raised(error):
    """The very same exception arrives."""

    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await Workers().call(fail)

    assert error is caught.value


async def test_stop_iteration_arrives_as_an_error():
    """It would end the coroutine that waits, and look like success."""
    with pytest.raises(RuntimeError, match="StopIteration"):
        await Workers().call(lambda: next(iter(())))


async def test_context_variables_are_carried_in_and_not_out():
    """A thread sees what the task has set, and what it sets is its own."""
    name = contextvars.ContextVar("name", default="nobody")
    name.set("Ada")

    def rename() -> str:
        before = name.get()
        name.set("Eve")
        return before

    workers = Workers()

    assert ["Ada", "Ada", "Ada"] == [await workers.call(rename), await workers.call(rename), name.get()]


async def test_functions_run_at_the_same_time():
    """As many as there are threads meet in the middle."""
    barrier = threading.Barrier(4)
    workers = Workers(threads=4)
    places = await asyncio.gather(*(workers.call(barrier.wait) for _ in range(4)))

    assert [0, 1, 2, 3] == sorted(places)


async def test_no_more_threads_than_allowed():
    """The others wait, and all of them have their turn."""
    workers, names = Workers(threads=2), set()

    def look(number: int) -> int:
        names.add(threading.get_ident())
        return number

    numbers = await asyncio.gather(*(workers.call(lambda n=n: look(n)) for n in range(50)))

    assert (list(range(50)), True) == (numbers, len(names) <= 2)


async def test_idle_threads_are_used_again():
    """One call after another needs one thread."""
    workers = Workers()
    threads = {await workers.call(threading.get_ident) for _ in range(20)}

    assert 2 >= len(threads)


async def test_a_call_that_was_given_up_before_its_turn_does_not_happen():
    """What waited for a thread when its task was cancelled is never called."""
    workers, gate, made = Workers(threads=1), threading.Event(), []
    first = asyncio.create_task(workers.call(gate.wait))
    second = asyncio.create_task(workers.call(lambda: made.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait((second,))
    gate.set()
    await first
    await workers.call(lambda: made.append("third"))

    assert ["third"] == made


async def test_a_task_does_not_wait_for_a_thread_that_was_given_up():
    """The task ends at once, the thread when it can, and its late result goes nowhere."""
    workers, begun, gate, ended = Workers(), asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        gate.wait()
        ended.set()

    task = asyncio.create_task(workers.call(work))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not ended.is_set()
    gate.set()
    assert ended.wait(5)


def test_a_thread_may_outlive_the_event_loop():
    """A result that nobody can take any more is dropped without a word."""
    workers, gate, ended = Workers(threads=1), threading.Event(), []

    async def give_up() -> None:
        task = asyncio.create_task(workers.call(gate.wait))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give_up())
    gate.set()
    asyncio.run(workers.call(lambda: ended.append("still at work")))

    assert ["still at work"] == ended


async def test_a_thread_that_rests_holds_nothing():
    """What a call was given is let go when it has returned, not when the next one comes."""

    class Deps:
        pass

    async def use() -> None:
        deps = Deps()
        weakref.finalize(deps, loop.call_soon_threadsafe, gone.set)
        await Workers().call(lambda: str(deps))

    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    await use()

    assert await asyncio.wait_for(gone.wait(), 5)
