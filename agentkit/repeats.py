"""How often a model asks for the very same thing, which is how a loop that goes nowhere is seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentkit.arguments import canonical
from agentkit.messages import ToolCall


@dataclass(frozen=True, slots=True)
class Repeats:
    """Steps that asked for the same call (same tool, same arguments), since the last call never asked before.

    A call never asked before is progress: with it all counts start again, by a new era instead of a walk over them.
    """

    seen: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By call: the era it was last asked in, and how often in that era."""
    era: int = 0
    most: int = 0
    """The highest count of this era."""

    def asked(self, calls: tuple[ToolCall, ...]) -> "Repeats":
        """The counts after one more step."""
        if not calls:
            return self
        names = {_name(call) for call in calls}
        new = not names <= self.seen.keys()
        era = self.era + new
        counted = {name: (era, 1 + self._times(name, era)) for name in names}
        most = max(times for _, times in counted.values())
        return Repeats({**self.seen, **counted}, era, most if new else max(most, self.most))

    def times(self, call: ToolCall) -> int:
        """How often a call was asked for."""
        return self._times(_name(call), self.era)

    def _times(self, name: str, era: int) -> int:
        last, times = self.seen.get(name, (era, 0))
        return times if last == era else 0


def _name(call: ToolCall) -> str:
    return f"{call.name} {canonical(call.arguments)}"
