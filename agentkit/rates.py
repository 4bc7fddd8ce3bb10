"""Asking no more than an endpoint allows, together with all who ask it.

One `RateLimit` is shared by agents, threads and event loops; whoever comes first is served first.  Nothing is tried
again here, and nothing is known of other processes: a server's own word, when it comes, goes for all who share.
"""

import asyncio
import math
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from agentkit.clock import Clock, SystemClock
from agentkit.endpoint import Endpoint, endpoints_of
from agentkit.errors import AgentkitError, ModelError, UsageError
from agentkit.messages import Message, Usage
from agentkit.model import Emit, Model, OutputMode, Price, Reply, Request, ToolSpec
from agentkit.turns import Turn, Window

BYTES = 4
"""UTF-8 bytes taken for one token, where the server has not counted yet: words in Latin or Chinese script come near it."""


@dataclass(slots=True, eq=False)
class _Ticket:
    """A place in the line."""

    tokens: int
    loop: asyncio.AbstractEventLoop
    alarm: "asyncio.Future[None] | None" = None
    """What its owner sleeps on; None while the owner has not slept yet, and looks by itself."""
    turn: Turn | None = None

    def ring(self) -> bool:
        """Wake the owner; False when there is nobody any more."""
        if self.alarm is not None:
            try:
                self.loop.call_soon_threadsafe(_wake, self.alarm)
            except RuntimeError:  # the loop was closed, and whoever waited in it has vanished
                return False
        return True

    async def rest(self, seconds: float, clock: Clock) -> None:
        """Sleep until the alarm rings, or for some seconds."""
        assert self.alarm is not None
        if math.isinf(seconds):
            await self.alarm
            return
        sleep = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((self.alarm, sleep), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A task that was left in a closed loop comes here when it is collected.
            with suppress(RuntimeError):
                sleep.cancel()


def _wake(alarm: "asyncio.Future[None]") -> None:
    if not alarm.done():
        alarm.set_result(None)


class RateLimit:
    """How much may be asked of an endpoint, by all who share this value.  None lifts a limit.

    Args:
        requests: Most requests that begin in any 60 seconds.
        tokens: Most tokens of requests that begin in any 60 seconds, input and output together.  Before the server has
            counted them they are estimated.
        concurrency: Most requests at work at the same time.

    Raises:
        UsageError: A limit is no whole number above 0, or there is none.
    """

    def __init__(
        self, *, requests: int | None = None, tokens: int | None = None, concurrency: int | None = None
    ) -> None:
        given = {"requests": requests, "tokens": tokens, "concurrency": concurrency}
        self._given = {name: value for name, value in given.items() if value is not None}
        if not self._given:
            raise UsageError("RateLimit() limits nothing; give requests, tokens or concurrency, as in requests=60")
        for name, value in self._given.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UsageError(f"RateLimit({name}={value!r}) must be a whole number above 0, or None for no limit")
        self._window = Window(requests, tokens, concurrency)
        self._waiting: deque[_Ticket] = deque()
        # Reentrant, because a task of a closed loop gives its place up whenever it is collected as garbage.
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"RateLimit({', '.join(f'{name}={value}' for name, value in self._given.items())})"

    @property
    def counts_tokens(self) -> bool:
        """Whether an estimate of tokens is of any use."""
        return "tokens" in self._given

    async def begin(self, tokens: int, clock: Clock) -> Turn:
        """Wait until a request of so many tokens may begin.  Each turn must be finished.

        All who share a limit need the same clock, or clocks that tell the same time.
        """
        with self._lock:
            now = clock.monotonic()
            if not self._waiting and self._window.delay(tokens, now) == 0:
                return self._window.begin(tokens, now)
            ticket = _Ticket(tokens, asyncio.get_running_loop())
            self._waiting.append(ticket)
        try:
            while (seconds := self._look(ticket, clock)) > 0:
                await ticket.rest(seconds, clock)
        except BaseException:
            self._give_up(ticket, clock)
            raise
        assert ticket.turn is not None
        return ticket.turn

    def finish(self, turn: Turn, clock: Clock, *, tokens: int | None = None) -> None:
        """A request has ended, and took so many tokens; None if nobody knows."""
        with self._lock:
            self._window.end(turn, tokens)
            self._go_on(clock.monotonic())

    def pause(self, seconds: float, clock: Clock) -> None:
        """Let nobody begin for so many seconds."""
        with self._lock:
            self._window.pause(clock.monotonic() + seconds)

    def _look(self, ticket: _Ticket, clock: Clock) -> float:
        """Seconds to sleep before the next look, 0 when it is this ticket's turn."""
        with self._lock:
            now = clock.monotonic()
            if ticket.turn is None and self._admit(now):
                self._ring_watchers()
            if ticket.turn is not None:
                return 0.0
            ticket.alarm = ticket.loop.create_future()
            # The first in each loop watches the time for all: a head of the line that has vanished would watch nothing.
            watches = next(other for other in self._waiting if other.loop is ticket.loop) is ticket
            return self._window.delay(self._waiting[0].tokens, now) if watches else math.inf

    def _give_up(self, ticket: _Ticket, clock: Clock) -> None:
        with self._lock:
            if ticket.turn is not None:
                self._window.undo(ticket.turn)
            else:
                # It is gone already if its loop was closed.
                with suppress(ValueError):
                    self._waiting.remove(ticket)
            self._go_on(clock.monotonic())

    def _go_on(self, now: float) -> None:
        """Something has changed, so that others may begin, or earlier than they thought."""
        self._admit(now)
        self._ring_watchers()

    def _admit(self, now: float) -> bool:
        """Let begin whoever may, in the order they came; whether any place in the line was left."""
        before = len(self._waiting)
        while self._waiting and self._window.delay(self._waiting[0].tokens, now) == 0:
            ticket = self._waiting.popleft()
            turn = self._window.begin(ticket.tokens, now)
            ticket.turn = turn
            if not ticket.ring():
                ticket.turn = None
                self._window.undo(turn)
        return len(self._waiting) < before

    def _ring_watchers(self) -> None:
        rung: set[asyncio.AbstractEventLoop] = set()
        for ticket in self._waiting:
            if ticket.loop not in rung:
                rung.add(ticket.loop)
                ticket.ring()


@dataclass(frozen=True, slots=True)
class _Sized:
    """What a run's conversation is known to take."""

    tokens: int = 0
    messages: int = 0
    """How many messages are in that."""


class RateLimited:
    """A model that is asked no more than a limit allows.  While a request waits for its turn, nothing is sent.

    A request that fails gives its tokens back.  When the server says how long to wait (`rate_limited`), all who share
    the limit wait.

    Args:
        model: Who answers.
        rate: The limit, shared with others.
        clock: What the waits are on.

    Raises:
        UsageError: The limit is something else.
    """

    def __init__(self, model: Model, rate: RateLimit, *, clock: Clock = SystemClock()) -> None:
        if not isinstance(rate, RateLimit):
            raise UsageError(f"rate is {rate!r}; it must be a limit, as in RateLimited(model, RateLimit(requests=60))")
        self._model = model
        self._rate = rate
        self._clock = clock

    def __repr__(self) -> str:
        return f"RateLimited({self._model!r}, {self._rate!r})"

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def price(self) -> Price | None:
        return self._model.price

    @property
    def output_mode(self) -> OutputMode:
        return self._model.output_mode

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where the model is asked."""
        return endpoints_of(self._model)

    @property
    def retry(self) -> object:
        """How long the model wants to be tried again: each attempt needs a turn of its own."""
        return getattr(self._model, "retry", None)

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        self._model.check(tools)

    async def request(self, request: Request, emit: Emit) -> Reply:
        turn = await self._rate.begin(self._estimate(request), self._clock)
        tokens: int | None = None
        try:
            reply = await self._model.request(request, emit)
            tokens = self._learn(reply.usage, request)
        except AgentkitError as error:
            tokens = 0
            if isinstance(error, ModelError) and error.category == "rate_limited" and error.retry_after is not None:
                self._rate.pause(error.retry_after, self._clock)
            raise
        finally:
            self._rate.finish(turn, self._clock, tokens=tokens)
        return reply

    def _estimate(self, request: Request) -> int:
        """Tokens it may take, from what the run took before and the messages that are new since."""
        if not self._rate.counts_tokens:
            return 0
        sized = request.memo.get(self)
        if not isinstance(sized, _Sized):
            sized = _Sized(_tokens(f"{tool.name}{tool.description}{tool.parameters}" for tool in request.tools))
        new = request.messages[sized.messages :]
        tokens = sized.tokens + _tokens(text for message in new for text in _texts(message))
        request.memo[self] = _Sized(tokens, len(request.messages))
        return tokens

    def _learn(self, usage: Usage, request: Request) -> int | None:
        """The tokens it took, if the server counted them, which the next estimate of the run begins with."""
        if usage.input is None or usage.output is None:
            return None
        if self._rate.counts_tokens:
            # The reply itself is the next message.
            request.memo[self] = _Sized(usage.total, len(request.messages) + 1)
        return usage.total


def _texts(message: Message) -> Iterable[str]:
    yield message.text
    if message.reasoning is not None:
        yield message.reasoning.text
    for call in message.tool_calls:
        yield call.arguments


def _tokens(texts: Iterable[str]) -> int:
    """A guess.  Pictures and documents are left to the server's count."""
    return sum(len(text.encode(errors="replace")) for text in texts) // BYTES
