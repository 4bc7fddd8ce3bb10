"""The end of the time that a reply has, which moves as long as the reply comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agentkit.chat.errors import lost
from agentkit.timeouts import Timeouts

_STEP = 0.05
"""The part of the idle time by which the end is moved at a time: to set an alarm at every byte would cost more than the bytes."""


class Deadline:
    """Watches one request.

    Args:
        timeouts: The limits.
        endpoint: Host and model, for the message.

    Attributes:
        reached: Whether the server has begun to respond.
    """

    def __init__(self, timeouts: Timeouts, *, endpoint: str) -> None:
        self.reached = False
        self._timeouts = timeouts
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._moved: float | None = None
        self._scope: asyncio.Timeout | None = None

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Hold what is done within to the limits.

        Raises:
            ModelError: One of them has passed; the message says which.
        """
        try:
            async with asyncio.timeout_at(self._end(self._began + self._timeouts.first_byte)) as self._scope:
                yield
        except TimeoutError:
            if not self._scope or not self._scope.expired():
                raise
            raise lost(self._why(), endpoint=self._endpoint, category="timeout", reached=self.reached) from None

    def data(self) -> None:
        """Something of the reply has come."""
        now = self._loop.time()
        if self._scope is not None and (self._moved is None or now - self._moved > _STEP * self._timeouts.idle):
            self._moved = now
            self._scope.reschedule(self._end(now + self._timeouts.idle))

    def done(self) -> None:
        """The reply is whole; what follows is not waited for under these limits."""
        if self._scope is not None:
            self._scope.reschedule(None)

    def _end(self, moment: float) -> float:
        return min(moment, self._began + self._timeouts.reply)

    def _why(self) -> str:
        if self._loop.time() - self._began >= self._timeouts.reply:
            return f"the reply was not complete after {self._timeouts.reply:g} s (Timeouts.reply)"
        if self._moved is None:
            return f"no data came for {self._timeouts.first_byte:g} s (Timeouts.first_byte)"
        return f"no data came for {self._timeouts.idle:g} s (Timeouts.idle)"
