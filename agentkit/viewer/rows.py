"""Runs as JSON values for a list, those that belong to another one under it."""

import re
from collections.abc import Mapping, Sequence

from agentkit.bill import Bill
from agentkit.debug.facts import Facts, plain
from agentkit.errors import UsageError
from agentkit.listing import Listed, Query
from agentkit.viewer.steps import money

_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

WORDS = ("status", "agent", "model", "tool", "text")


def query_of(asked: Mapping[str, str], now: float) -> tuple[Query, float | None]:
    """What a page asks a journal for, and what a run must have cost at least.

    Raises:
        UsageError: A time or a sum is none.
    """
    status, agent, model, tool, text = (asked.get(name) or None for name in WORDS)
    since = _since(asked.get("since", ""), now)
    query = Query(status=status, agent=agent, model=model, tool=tool, text=text, since=since)
    return query, _cost(asked.get("cost", ""))


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
        return float(text)
    except ValueError as error:
        raise UsageError(f"cost is {text!r}; write a number, as in 0.1") from error


def grouped(rows: Sequence[Listed]) -> list[tuple[Listed, int]]:
    """Rows with those that belong to them, in the order they came, and how deep each stands."""
    known = {row.run_id for row in rows}
    within: dict[str | None, list[Listed]] = {}
    for row in rows:
        before = row.before if row.before in known and row.before != row.run_id else None
        within.setdefault(before, []).append(row)
    found: list[tuple[Listed, int]] = []
    waiting = [(row, 0) for row in reversed(within.get(None, []))]
    while waiting:
        row, depth = waiting.pop()
        found.append((row, depth))
        below = sorted(within.get(row.run_id, ()), key=lambda each: each.started, reverse=True)
        waiting += [(each, depth + 1) for each in below]
    # In a damaged journal runs can belong to each other in a circle.
    reached = {row.run_id for row, _ in found}
    return found + [(row, 0) for row in rows if row.run_id not in reached]


def as_json(row: Listed, depth: int = 0, charged: Bill | None = None) -> Facts:
    """One run in a list."""
    told = plain(row)
    assert isinstance(told, dict)
    relation = "called" if row.parent else "goes on" if row.continues else "fork" if row.fork_of else ""
    told["money"] = None if charged is None else money(charged)
    return {**told, "depth": depth, "relation": relation, "before": row.before}
