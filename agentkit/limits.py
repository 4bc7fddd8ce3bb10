"""How far a run may go, and how far it has gone.

Every default of the loop is a field of `Limits`, so nothing stops a run that a user cannot find and change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from agentkit.errors import UsageError
from agentkit.messages import Usage, add


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used, nested runs included."""

    steps: int = 0
    tool_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    """In the currency of the model's price; None when no price is known."""

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.steps + other.steps,
            self.tool_calls + other.tool_calls,
            self.usage + other.usage,
            add(self.cost, other.cost),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a run must stop, and where it is helped along.  None lifts a limit."""

    steps: int | None = 50
    """Model replies."""
    tool_calls: int | None = None
    """Calls that the model may ask for; of a step that goes beyond, none is made."""
    tokens: int | None = None
    """Input and output tokens together, as the server counted them."""
    cost: float | None = None
    """Money, in the currency of the model's price; needs a model with a price."""
    seconds: float | None = None
    """Time by the clock, from the start of the run or of its resumption."""
    last_answer: bool = False
    """Spend one more request, without tools, on an answer when a limit is reached."""
    repeats_told: int | None = 3
    """The identical call (same tool, same arguments) at which the model is told that it repeats itself."""
    repeats: int | None = 5
    """The identical call that is not made any more and ends the run.  A call not made before starts the count again."""
    attempts: int = 3
    """Replies in a row that lead nowhere (empty, cut inside a call, not of the output type) before the run ends."""
    tool_seconds: float | None = 120
    """How long one tool may take, where the tool does not say."""
    result_chars: int = 30_000
    """Characters of one tool result that are shown to the model, where the tool does not say."""
    concurrency: int = 16
    """Tools that run at the same time in one step."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and not isinstance(value, (int, float)):
                raise UsageError(f"Limits({each.name}={value!r}) is no number; give one, or None for no limit")
            if value is not None and not isinstance(value, bool) and value <= 0:
                raise UsageError(
                    f"Limits({each.name}={value!r}) would let nothing happen; give more than 0, or None for no limit"
                )

    @property
    def ends(self) -> Mapping[str, float]:
        """Those that end a run by what it has spent, by name; a limit that is lifted is left out."""
        found = {"steps": self.steps, "tool_calls": self.tool_calls, "tokens": self.tokens, "cost": self.cost}
        return {name: float(limit) for name, limit in found.items() if limit is not None}

    def reached(self, spent: Spent) -> str | None:
        """Which of the limits of spending is used up: a field's name, or None."""
        if self.tool_calls is not None and spent.tool_calls > self.tool_calls:
            return "tool_calls"
        used = (
            ("steps", self.steps, spent.steps),
            ("tokens", self.tokens, spent.usage.total),
            ("cost", self.cost, spent.cost or 0),
        )
        return next((name for name, limit, amount in used if limit is not None and amount >= limit), None)


UNLIMITED = Limits(steps=None)
"""For the account of one call, which its run's account bounds."""


class Account:
    """What a run may still spend; a nested run draws on its parent's account as well.

    It is the one place where runs at work side by side see each other's spending.  `now` is a monotonic clock.
    """

    def __init__(self, limits: Limits, spent: Spent, *, now: float, parent: "Account | None" = None) -> None:
        self.limits = limits
        self.spent = spent
        self.parent = parent
        self.deadline = None if limits.seconds is None else now + limits.seconds

    def charge(self, spent: Spent) -> None:
        """Book what was spent, here and with every parent."""
        self.spent += spent
        if self.parent is not None:
            self.parent.charge(spent)

    def remaining(self, now: float) -> float | None:
        """Seconds until the nearest deadline, never below 0; None when there is none."""
        own = None if self.deadline is None else max(0.0, self.deadline - now)
        outer = None if self.parent is None else self.parent.remaining(now)
        return min((seconds for seconds in (own, outer) if seconds is not None), default=None)

    def reached(self, now: float) -> str | None:
        """Which limit is used up, here or with a parent."""
        if self.deadline is not None and now >= self.deadline:
            return "seconds"
        return self.limits.reached(self.spent) or (None if self.parent is None else self.parent.reached(now))
