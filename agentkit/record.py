"""A run while it happens: each event is kept, then folded, then told, and all in one order.

The only place where a run changes.
"""

import asyncio
from collections.abc import Awaitable, Sequence

from agentkit.audience import Around, Audience
from agentkit.clock import Clock
from agentkit.events import (
    Event,
    ModelReplied,
    Observer,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolFinished,
)
from agentkit.journal import Claim
from agentkit.loop import Run, apply, fold
from agentkit.tasks import to_the_end

_BETWEEN = RunFinished | RunSuspended | RunResumed | RunForked
"""Events that begin no step."""


def _is_followed(event: Event, run: Run) -> bool:
    """Whether nothing happens outside the run before its next event, which can then be written together with this one.

    What a model said is followed by what is done about it, and the last result of a step by the next request.
    """
    return isinstance(event, ModelReplied) or (isinstance(event, ToolFinished) and not run.owed)


class Record:
    """What has happened in a run, and the run that it makes.

    Attributes:
        events: All of it; the list that it was made with.
        run: The run as it stands now.
    """

    def __init__(self, events: list[Recorded], claim: Claim, clock: Clock, observers: Sequence[Observer] = ()) -> None:
        self.events = events
        self.run = fold(events)
        self._claim = claim
        self._clock = clock
        self._audience = Audience(observers)
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
            keep = self._claim.hold if _is_followed(event, run) else self._claim.append
            kept = keep(recorded)
            if kept is None:
                self._become(run, recorded)
            else:
                # What is written is folded, or the next event would take its number.
                await to_the_end(self._become_when(kept, run, recorded))
            return self._audience.tell(recorded)

    async def _become_when(self, kept: Awaitable[None], run: Run, recorded: Recorded) -> None:
        await kept
        self._become(run, recorded)

    def _become(self, run: Run, recorded: Recorded) -> None:
        self.run = run
        self.events.append(recorded)

    def emit(self, event: Event) -> None:
        """Tell an event that passes."""
        self._audience.tell(self._recorded(event))

    def _recorded(self, event: Event) -> Recorded:
        run_id = event.run_id if isinstance(event, RunStarted | RunForked) else self.run.id
        return Recorded(run_id, len(self.events), self._clock.time(), self._step_of(event), event)

    def _step_of(self, event: Event) -> int:
        """A step begins with the request for its reply and ends with the results of its calls."""
        run = self.run
        asking = run.id and not run.owed and run.reply is None and not isinstance(event, _BETWEEN)
        return run.steps + 1 if asking else run.steps
