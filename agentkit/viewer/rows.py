"""Runs as JSON values for a list, and what a page can ask of it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agentkit.debug.facts import Facts, plain
from agentkit.errors import UsageError
from agentkit.listing import Listed, Query
from agentkit.viewer.glance import Glance
from agentkit.viewer.steps import money

_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

_WORD = re.compile(r'"([^"]*)"?|(\S+)')

NAMES = ("status", "agent", "model", "tool")

MOST_WORDS = 8
"""What has more of them was copied from somewhere, and is looked for as it stands."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which runs a page asks for."""

    query: Query
    words: tuple[str, ...] = ()
    """More words; all of them have to stand in a run."""
    cost: float | None = None
    """What a run must have cost at least."""
    odd: bool = False
    """Only those of which something is odd."""

    def fits(self, seen: Glance) -> bool:
        """Whether what is seen of a run is what was asked for."""
        dear = self.cost is None or any(each.amount >= self.cost for each in seen.bill.costs)
        return dear and (bool(seen.odd) or not self.odd)


def wish_of(asked: Mapping[str, str], now: float) -> Wish:
    """What a page asks for.

    Raises:
        UsageError: A time or a sum is none.
    """
    status, agent, model, tool = (asked.get(name) or None for name in NAMES)
    since, cost, odd = _since(asked.get("since", ""), now), _cost(asked.get("cost", "")), _odd(asked.get("odd", ""))
    words = words_of(asked.get("text", ""))
    text = words[0] if words else None
    query = Query(status=status, agent=agent, model=model, tool=tool, text=text, since=since)
    return Wish(query, tuple(words[1:]), cost, odd)


def words_of(text: str) -> list[str]:
    """The words of a search; what stands in quotes is one."""
    found = [quoted or plain for quoted, plain in _WORD.findall(text)]
    words = list(dict.fromkeys(filter(None, (each.strip() for each in found))))
    return words if len(words) <= MOST_WORDS else [text.strip()]


def _odd(text: str) -> bool:
    if text not in {"", "yes"}:
        raise UsageError(f"odd is {text!r}; write odd:yes for runs of which something is odd")
    return bool(text)


def _since(text: str, now: float) -> float | None:
    if not text:
        return None
    span = _SPAN.fullmatch(text.strip())
    if span is None:
        raise UsageError(f"since is {text!r}; write how long ago, as in 30m, 2h or 7d")
    return now - float(span[1]) * _SECONDS[span[2]]


def _cost(text: str) -> float | None:
    if not text:
        return None
    try:
        cost = float(text)
    except ValueError:
        cost = math.nan
    if math.isnan(cost):
        raise UsageError(f"cost is {text!r}; write a number, as in 0.1")
    return cost


def as_json(row: Listed, depth: int = 0, seen: Glance | None = None) -> Facts:
    """One run in a list, with what is known of it by now."""
    told = plain(row)
    assert isinstance(told, dict)
    relation = "called" if row.parent else "goes on" if row.continues else "fork" if row.fork_of else ""
    told["money"] = None if seen is None else money(seen.bill)
    told["odd"] = None if seen is None else seen.oddity()
    return {**told, "depth": depth, "relation": relation, "before": row.before}
