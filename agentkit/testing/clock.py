"""A clock that stands still until a test moves it.  Nothing here waits for real time."""

import asyncio
import threading
from dataclasses import dataclass, field

_ROUNDING = 1e-9
"""Seconds that sums of floating-point numbers may be off."""


@dataclass(frozen=True, slots=True, order=True)
class _Sleeper:
    due: float
    turn: int
    alarm: "asyncio.Future[None]" = field(compare=False)


class FakeClock:
    """A `Clock` for tests.

    Args:
        start: The time at first, in seconds since 1970.
        auto: Whether sleeping moves the time itself and returns at once.  That is for code which only waits, such as
            retrying; a time limit on this clock would be over as soon as it begins.

    Attributes:
        slept: The seconds of every sleep asked for, in order; a time limit is a sleep as well.
    """

    def __init__(self, start: float = 1_700_000_000.0, *, auto: bool = False) -> None:
        self.slept: list[float] = []
        self._start = start
        self._auto = auto
        self._passed = 0.0
        self._sleepers: list[_Sleeper] = []
        self._watchers: list[asyncio.Future[None]] = []
        # Tools run in threads, and may look at the clock or move it there.
        self._lock = threading.Lock()

    def time(self) -> float:
        """Seconds since 1970, UTC."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._passed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved so far."""
        sleeper = self._lie_down(seconds)
        if sleeper is None:
            await asyncio.sleep(0)
            return
        try:
            await sleeper.alarm
        finally:
            with self._lock:
                self._sleepers = [other for other in self._sleepers if other is not sleeper]

    def _lie_down(self, seconds: float) -> _Sleeper | None:
        """Begin a sleep; None when there is nothing to wait for."""
        with self._lock:
            self.slept.append(seconds)
            due = self._passed + seconds
            if self._auto or seconds <= 0:
                self._passed = max(self._passed, due)
                return None
            sleeper = _Sleeper(due, len(self.slept), asyncio.get_running_loop().create_future())
            self._sleepers.append(sleeper)
            watchers, self._watchers = self._watchers, []
        _ring(watchers)
        return sleeper

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake the sleepers whose time has come, in the order they are due.

        They go on as soon as the caller awaits something, and all of them find the new time.  It may be called in
        any thread.
        """
        if seconds < 0:
            raise ValueError(f"time does not pass by {seconds!r} seconds; give 0 or more")
        with self._lock:
            self._passed += seconds
            due = sorted(sleeper for sleeper in self._sleepers if sleeper.due <= self._passed + _ROUNDING)
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        _ring([sleeper.alarm for sleeper in due])

    async def asleep(self, count: int = 1) -> None:
        """Wait until so many are asleep, so that moving the time will reach them."""
        while (news := self._news(count)) is not None:
            await news

    def _news(self, count: int) -> "asyncio.Future[None] | None":
        """What the next sleep will ring; None when enough are asleep."""
        with self._lock:
            if len(self._sleepers) >= count:
                return None
            news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append(news)
            return news


def _ring(alarms: "list[asyncio.Future[None]]") -> None:
    for alarm in alarms:
        loop = alarm.get_loop()
        # A test that did not wait for its tasks may have closed their loop.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_wake, alarm)


def _wake(alarm: "asyncio.Future[None]") -> None:
    if not alarm.done():
        alarm.set_result(None)
