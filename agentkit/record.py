"""A run while it happens: each event is kept, then folded, then told, and all in one order.

The only place where a run changes.
"""

import asyncio
from collections.abc import Awaitable, Sequence

from agentkit.audience import Around, Audience
from agentkit.clock import Clock
from agentkit.events import Event, Observer, Recorded, RunFinished, RunStarted, RunSuspended
from agentkit.journal import Journal
from agentkit.loop import Run, apply
from agentkit.tasks import to_the_end


class Record:
    """What has happened in a run, and the run that it makes.

    Attributes:
        run: The run as it stands now.
    """

    def __init__(self, run: Run, journal: Journal, clock: Clock, observers: Sequence[Observer], *, seq: int) -> None:
        self.run = run
        self._journal = journal
        self._clock = clock
        self._audience = Audience(observers)
        self._seq = seq
        self._turn = asyncio.Lock()
        self._adding = 0

    async def add(self, event: Event) -> list[Around]:
        """Keep an event, fold it, tell the observers; what they return is to be entered around the effect."""
        self._adding += 1
        try:
            if self._adding == 1:
                return await self._keep(event)
            # What has happened is recorded, even when the run is cancelled while another event is written.
            return await to_the_end(self._keep(event))
        finally:
            self._adding -= 1

    async def _keep(self, event: Event) -> list[Around]:
        async with self._turn:
            recorded = self._recorded(event)
            # First, because an event that cannot follow must not get into the journal: of work left behind, say.
            run = apply(self.run, event)
            kept = self._journal.append(recorded)
            if kept is None:
                self._become(run)
            else:
                # What is written is folded, or the next event would take its number.
                await to_the_end(self._become_when(kept, run))
            return self._audience.tell(recorded)

    async def _become_when(self, kept: Awaitable[None], run: Run) -> None:
        await kept
        self._become(run)

    def _become(self, run: Run) -> None:
        self.run = run
        self._seq += 1

    def emit(self, event: Event) -> None:
        """Tell an event that passes."""
        self._audience.tell(self._recorded(event))

    def _recorded(self, event: Event) -> Recorded:
        run_id = event.run_id if isinstance(event, RunStarted) else self.run.id
        return Recorded(run_id, self._seq, self._clock.time(), self._step_of(event), event)

    def _step_of(self, event: Event) -> int:
        """A step begins with the request for its reply and ends with the results of its calls."""
        run = self.run
        asking = run.id and not run.owed and run.reply is None and not isinstance(event, RunFinished | RunSuspended)
        return run.steps + 1 if asking else run.steps
