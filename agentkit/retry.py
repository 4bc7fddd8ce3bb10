"""Asking again: the same model after a while, or another one.

Only what can succeed is tried again, and never earlier than the server asked.  Nothing here knows how a model is
reached; whoever watches is told of each new attempt before it begins.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from agentkit.clock import Clock, SystemClock
from agentkit.endpoint import Endpoint, endpoints_of
from agentkit.errors import Category, ModelError, UsageError
from agentkit.events import ModelRetried
from agentkit.model import Emit, Model, OutputMode, Price, Reply, Request, ToolSpec

FIRST = 0.5
"""Seconds before the second attempt; each later wait is twice as long."""

CROWDED = 1.0
"""The same at a server with too much to do.  Many of them do not say when to come back."""

LONGEST = 30.0
"""Most seconds between two attempts that no server asked for."""

SPREAD = 0.1
"""How much later than asked an attempt may begin, as a part of the wait, or all agents would come back at once."""

FALLS: frozenset[Category] = frozenset(get_args(Category)) - {"invalid_request", "content_filter", "context_length"}
"""Failures after which another model is asked.  The others are the request's own: another model may only hide them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How long a request is tried again."""

    attempts: int = 5
    """Most attempts, the first one included."""
    seconds: float = 600.0
    """No attempt begins later than this after the first one began."""
    wait: float = 120.0
    """The longest that a server may ask to wait; openai-python gives up there as well."""

    def __post_init__(self) -> None:
        if not isinstance(self.attempts, int) or self.attempts < 1:
            raise UsageError(f"Retry(attempts={self.attempts!r}) counts the first attempt; give a whole number from 1")
        if not isinstance(self.seconds, (int, float)) or not self.seconds > 0:
            raise UsageError(
                f"Retry(seconds={self.seconds!r}) leaves no time to try again; give more than 0, or retry=None for one "
                f"attempt"
            )
        if not isinstance(self.wait, (int, float)) or not self.wait >= 0:
            raise UsageError(f"Retry(wait={self.wait!r}) is the longest a server may ask to wait; give seconds from 0")


def waits(error: ModelError, attempt: int) -> tuple[float, float]:
    """The least and the most seconds to wait after an attempt, counted from 1, has failed."""
    first = CROWDED if error.category in {"rate_limited", "overloaded"} else FIRST
    # The exponent is bounded, as a float is.
    whole = min(LONGEST, first * 2.0 ** min(attempt - 1, 16))
    asked = error.retry_after or 0.0
    return max(asked, whole / 2), max(asked * (1 + SPREAD), whole)


class Retrying:
    """A model that is asked again when it fails in a way that may pass.

    Args:
        model: Who is asked.
        retry: How long.
        clock: What the waits are on.
    """

    def __init__(self, model: Model, retry: Retry = Retry(), *, clock: Clock = SystemClock()) -> None:
        self._model = model
        self._retry = retry
        self._clock = clock

    def __repr__(self) -> str:
        return f"Retrying({self._model!r}, {self._retry!r})"

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

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        self._model.check(tools)

    async def request(self, request: Request, emit: Emit) -> Reply:
        began = self._clock.monotonic()
        attempt = 1
        while True:
            try:
                return await self._model.request(request, emit)
            except ModelError as error:
                passed = self._clock.monotonic() - began
                seconds = self._wait(error, attempt, passed)
                if seconds is None:
                    self._conclude(error, attempt, passed)
                    raise
                emit(ModelRetried(attempt, error.category, str(error), seconds, self.name))
            await self._clock.sleep(seconds)
            attempt += 1

    def _wait(self, error: ModelError, attempt: int, passed: float) -> float | None:
        """Seconds until the next attempt; None when there is none."""
        left = self._retry.seconds - passed
        least, most = waits(error, attempt)
        if not error.retryable or attempt >= self._retry.attempts or least > left:
            return None
        if error.retry_after is not None and error.retry_after > self._retry.wait:
            return None
        return min(random.uniform(least, most), left)  # noqa: S311 - it spreads load, and keeps no secret

    def _conclude(self, error: ModelError, attempts: int, passed: float) -> None:
        """Let the error say what was tried."""
        error.attempts = attempts
        limit = self._retry.seconds
        said = [f"tried {attempts} times in {passed:.0f} s"] if attempts > 1 else []
        if error.retryable and attempts < self._retry.attempts:
            if error.retry_after is not None and error.retry_after > min(limit - passed, self._retry.wait):
                most = min((limit, "seconds"), (self._retry.wait, "wait"))
                asked = f"the server asked to wait {error.retry_after:g} s"
                said.append(f"{asked}, and the limit is {most[0]:g} s (Retry.{most[1]})")
            else:
                said.append(f"the next attempt would begin after the limit of {limit:g} s")
        if said:
            error.args = (f"{error} ({'; '.join(said)})",)


class Fallback:
    """Several models, of which the next is asked when one fails.  A run stays with the model it has moved to.

    Args:
        models: Two or more, the preferred one first.  Each is tried again as it says itself before the next is asked.
        on: The failures after which the next is asked.
        clock: What their waits are on.

    Raises:
        UsageError: There are fewer than two models, one of them is there twice, or `on` names no category.
    """

    def __init__(self, *models: Model, on: Collection[Category] = FALLS, clock: Clock = SystemClock()) -> None:
        if len(models) < 2 or len({id(model) for model in models}) < len(models):  # noqa: PLR2004 - one and another
            raise UsageError(f"Fallback was given {models!r}; give it two or more models, each of them once")
        if isinstance(on, str) or set(on) - set(get_args(Category)):
            raise UsageError(f"Fallback(on={on!r}) must be a set of these: {', '.join(get_args(Category))}")
        self._models = tuple(persistent(model, clock) for model in models)
        self._on = frozenset(on)

    def __repr__(self) -> str:
        return f"Fallback({', '.join(map(repr, self._models))})"

    @property
    def name(self) -> str:
        """The preferred model's."""
        return self._models[0].name

    @property
    def price(self) -> Price | None:
        """The preferred model's, if each of them has one; a reply costs what the model that gave it costs."""
        return self._models[0].price if all(model.price is not None for model in self._models) else None

    @property
    def output_mode(self) -> OutputMode:
        """The mode they have in common, or the one that all models can do."""
        first = self._models[0].output_mode
        return first if all(model.output_mode == first for model in self._models) else "tool"

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where they are asked, in their order."""
        return tuple(each for model in self._models for each in endpoints_of(model))

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        for model in self._models:
            model.check(tools)

    async def request(self, request: Request, emit: Emit) -> Reply:
        failed: list[ModelError] = []
        while True:
            # Reasoning and the provider's cache are of use to nobody but the model that has them.
            place = request.memo.get(self, 0)
            assert isinstance(place, int)
            try:
                return await self._models[place].request(request, emit)
            except ModelError as error:
                failed.append(error)
                if error.category not in self._on or place + 1 == len(self._models):
                    _tell_all(failed)
                    raise
                following = self._models[place + 1].name
                emit(ModelRetried(error.attempts, error.category, str(error), 0.0, following))
            request.memo[self] = place + 1


def persistent(model: Model, clock: Clock) -> Model:
    """The model, asked again as its attribute `retry` says; without one it is asked once.

    Raises:
        UsageError: The attribute is something else.
    """
    retry = getattr(model, "retry", None)
    if retry is None:
        return model
    if not isinstance(retry, Retry):
        raise UsageError(f"retry is {retry!r}; it must be Retry(...), or None for one attempt")
    return Retrying(model, retry, clock=clock)


def _tell_all(failed: list[ModelError]) -> None:
    """Let the last error say how the models before it have failed."""
    *before, last = failed
    if before:
        last.args = (f"{last}; before it: {'; '.join(map(str, before))}",)
        # What caused it says more than what came before it.
        last.__cause__ = last.__cause__ or before[-1]
