"""One thing in a run that is worth a look, as a value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from agentkit.debug.words import cut

Severity = Literal["error", "warning", "note"]
"""It kept the run from its answer, or did harm · it cost something, or may have misled · good to know."""

Kind = Literal[
    "run_stopped",
    "limit_reached",
    "near_limit",
    "waiting",
    "unfinished",
    "restarted",
    "unknown_event",
    "hidden_secrets",
    "cut_reply",
    "refused_reply",
    "empty_reply",
    "lost_reply",
    "rejected_output",
    "failed_attempts",
    "odd_reply",
    "cache_collapse",
    "no_reasoning",
    "slow_reply",
    "in_doubt",
    "failing_tool",
    "refused_arguments",
    "unknown_tool",
    "repeated_call",
    "repaired_arguments",
    "cut_result",
    "refused_call",
    "slow_tool",
    "last_call_failed",
]
"""What an anomaly is; programs tell them apart by it."""

LINES: Final = 3
"""Of somebody else's words that are told with an anomaly."""

_NAMED: Final = 6
"""Steps that are named, where something is in many."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something in a run that is out of the ordinary."""

    kind: Kind
    title: str
    """What it is, in one line.  Names in it are the model's, so it is shown as somebody else's words."""
    detail: str
    """What is known of it, in a few lines; it may be empty."""
    step: int
    """Where it is first seen, from 1; 0 before the first request."""
    call_id: str | None
    """The call that it is about."""
    severity: Severity


def lines_of(text: str) -> str:
    """The first lines of somebody else's words."""
    return cut(text, full=False, lines=LINES)


def in_steps(numbers: Sequence[int]) -> str:
    """Where something is: `step 2`, `steps 2, 3 and 5`."""
    first = list(dict.fromkeys(numbers))
    if len(first) == 1:
        return f"step {first[0]}"
    *kept, last = map(str, first[:_NAMED])
    if len(first) > _NAMED:
        return f"steps {', '.join((*kept, last))} and {len(first) - _NAMED} more"
    return f"steps {', '.join(kept)} and {last}"


def gathered(found: Iterable[Anomaly]) -> list[Anomaly]:
    """Those of one kind and title as one each, at the first of them, with a word about how many they are."""
    groups: dict[tuple[str, str], list[Anomaly]] = {}
    for each in found:
        groups.setdefault((each.kind, each.title), []).append(each)
    return [group[0] if len(group) == 1 else _several(group) for group in groups.values()]


def _several(group: Sequence[Anomaly]) -> Anomaly:
    where = in_steps([each.step for each in group])
    first = group[0]
    return replace(
        first, title=f"{first.title}, {len(group)} times", detail="\n".join(filter(None, (f"in {where}", first.detail)))
    )
