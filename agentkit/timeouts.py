"""How long a reply may take, and what of it."""

import math
from dataclasses import dataclass, fields

from agentkit.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds after which a request for a reply is given up; `math.inf` is never.

    The defaults leave a model time to think: hidden reasoning is minutes without a byte.
    """

    connect: float = 10.0
    """To reach the server."""
    first_byte: float = 600.0
    """Until something of the reply is there.  Comments and blank lines, which only keep a connection alive, are nothing."""
    idle: float = 300.0
    """Between two pieces of the reply, of which comments are none either."""
    reply: float = 1800.0
    """For the whole reply."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not isinstance(value, (int, float)) or math.isnan(value) or value <= 0:
                raise UsageError(f"Timeouts({each.name}={value!r}) must be more than 0 seconds")

    @classmethod
    def of(cls, seconds: float) -> "Timeouts":
        """The limits that one number stands for: so long a reply may stay without data."""
        usual = cls()
        return cls(
            connect=min(usual.connect, seconds), first_byte=seconds, idle=seconds, reply=max(usual.reply, seconds)
        )
