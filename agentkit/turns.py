"""When the next request to an endpoint may begin.  Nothing here waits, reads a clock, or knows of threads."""

import math
from collections import deque
from dataclasses import dataclass
from itertools import accumulate

WINDOW = 60.0
"""Seconds that requests and tokens are counted over."""

ROUNDING = 1e-6
"""Seconds that a clock, or a sum of floating-point numbers, may be off."""


@dataclass(slots=True, eq=False)
class Turn:
    """A request that was let through."""

    began: float
    """By the monotonic clock."""
    tokens: int
    """What it counts: an estimate first, then what the server said."""
    recent: bool = True
    """Whether it began within the window, as far as anybody looked."""


class Window:
    """What began lately, and what is at work.  It says how long to wait, and waits for nothing."""

    def __init__(self, requests: int | None, tokens: int | None, concurrency: int | None) -> None:
        self._requests = math.inf if requests is None else requests
        self._tokens = math.inf if tokens is None else tokens
        self._concurrency = math.inf if concurrency is None else concurrency
        self._counts = requests is not None or tokens is not None
        self._turns: deque[Turn] = deque()
        self._used = 0
        self._working = 0
        self._paused = -math.inf
        """Until when the server wants to be left alone."""

    def delay(self, tokens: int, now: float) -> float:
        """Seconds until a request of so many tokens may begin: 0 for at once, infinity for not before another ends."""
        self._forget(now)
        if self._working >= self._concurrency:
            return math.inf
        due = max(self._paused, self._requests_due(), self._tokens_due(tokens))
        return due - now if due > now + ROUNDING else 0.0

    def _forget(self, now: float) -> None:
        while self._turns and self._turns[0].began + WINDOW <= now + ROUNDING:
            turn = self._turns.popleft()
            turn.recent = False
            self._used -= turn.tokens

    def _requests_due(self) -> float:
        return self._turns[0].began + WINDOW if len(self._turns) >= self._requests else -math.inf

    def _tokens_due(self, tokens: int) -> float:
        # One request that is too large for any window goes when there is no other: it could never go otherwise.
        excess = min(self._used, self._used + tokens - self._tokens)
        if excess <= 0:
            return -math.inf
        freed = accumulate(turn.tokens for turn in self._turns)
        return next(turn.began + WINDOW for turn, sum_ in zip(self._turns, freed, strict=True) if sum_ >= excess)

    def begin(self, tokens: int, now: float) -> Turn:
        turn = Turn(now, tokens)
        self._working += 1
        if self._counts:
            self._turns.append(turn)
            self._used += tokens
        return turn

    def end(self, turn: Turn, tokens: int | None) -> None:
        """A request has ended; None leaves what was estimated."""
        self._working -= 1
        if self._counts and turn.recent and tokens is not None:
            self._used += tokens - turn.tokens
            turn.tokens = tokens

    def undo(self, turn: Turn) -> None:
        """A request was let through and never began."""
        self.end(turn, 0)
        if self._counts and turn.recent:
            self._turns.remove(turn)

    def pause(self, until: float) -> None:
        self._paused = max(self._paused, until)
