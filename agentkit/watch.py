"""A run that is being watched: its events as they happen, then its result."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Generic, Self

from agentkit.errors import UsageError
from agentkit.events import Event, Recorded
from agentkit.result import Output, Result


class Watch(Generic[Output]):
    """Iterate over it for the events of a run; leaving the `async with` early cancels the run.

    Attributes:
        events: The durable events so far, from the first one on.
    """

    def __init__(
        self,
        begin: "Callable[[Watch[Output]], Awaitable[Result[Output]]]",
        so_far: Callable[[Sequence[Recorded]], Result[Output]],
    ) -> None:
        self.events: list[Recorded] = []
        self._begin = begin
        self._so_far = so_far
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task: asyncio.Task[Result[Output]] | None = None
        self._heard = False

    def tell(self, recorded: Recorded) -> None:
        """Take one event; this is an observer."""
        self._queue.put_nowait(recorded.event)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        # Also for a run that is cancelled before it begins, of which no line is ever executed.
        self._task.add_done_callback(lambda _: self._queue.put_nowait(None))
        return self

    async def _run(self) -> Result[Output]:
        return await self._begin(self)

    async def __aiter__(self) -> AsyncIterator[Event]:
        self._started()
        while (event := await self._queue.get()) is not None:
            yield event
        # Whoever iterates again after the end finds the end again.
        self._queue.put_nowait(None)
        self._heard = True
        if not self._started().cancelled():
            await self._started()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = self._started()
        if task.done():
            # An error that nobody has iterated to is not lost.
            if error is None and not self._heard and not task.cancelled():
                task.result()
            return
        await self.cancel()

    async def wait(self) -> Result[Output]:
        """The result once the run has stopped; raises as `agent.run` does, but for being cancelled."""
        task = self._started()
        await asyncio.wait((task,))
        self._heard = True
        return self.result if task.cancelled() else task.result()

    async def cancel(self) -> None:
        """Stop the run; what it has so far is its result, with the status `cancelled`."""
        task = self._started()
        task.cancel()
        await asyncio.wait((task,))

    @property
    def result(self) -> Result[Output]:
        """How the run stands once it has stopped.

        Raises:
            UsageError: It is still at work.
        """
        task = self._started()
        if not task.done():
            raise UsageError("the run is still at work; iterate over its events to the end, or cancel it, first")
        # Of a run that was cancelled or failed, the events are what there is.
        return self._so_far(self.events) if task.cancelled() or task.exception() else task.result()

    def _started(self) -> "asyncio.Task[Result[Output]]":
        if self._task is None:
            raise UsageError("the run has not begun; write `async with agent.stream(...) as run:`")
        return self._task
