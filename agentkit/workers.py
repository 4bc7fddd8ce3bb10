"""Threads for tools that are plain functions.

They are daemons: a tool that never returns costs a thread, not the end of the process.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

THREADS = 64
"""How many may be at work in one process, those left behind by a time limit included."""


class Workers:
    """Calls functions in threads, a bounded number at a time; the others wait for their turn."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = threads
        self._started = 0
        self._free = 0
        """Threads that wait for a job, less the jobs that wait for a thread."""
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()

    async def call(self, function: Callable[[], T]) -> T:
        """Call a function in a thread, with this task's context variables; raises what it raises."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()

        def settle(result: T | None, error: BaseException | None) -> None:
            if outcome.done():
                return
            if error is None:
                outcome.set_result(result)  # type: ignore[arg-type]  # without an error it is the function's own
            else:
                outcome.set_exception(error)

        def job() -> None:
            # A call that was given up while it waited for its turn must not happen any more.
            if outcome.done():
                return
            result, error = _outcome(lambda: context.run(function))
            # The loop may be gone by now, if the caller did not wait.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, result, error)

        self._put(job)
        return await outcome

    def _put(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._free -= 1
            if self._free < 0 and self._started < self._threads:
                self._started += 1
                threading.Thread(target=self._work, name="agentkit-tool", daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._free += 1
            # A name for the job would keep what it holds, such as a run's deps, until the next one.
            self._jobs.get()()


def _outcome(function: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return function(), None
    except StopIteration as error:
        # A future refuses to carry StopIteration: it would end the coroutine that awaits it.
        return None, RuntimeError(f"StopIteration: {error}")
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the task that waits
        return None, error
