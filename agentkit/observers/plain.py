"""Text that a terminal shows and does not obey."""

import json
import math
import re
from itertools import pairwise

from agentkit.bill import Bill

LINES = 6
WIDTH = 400
"""How much of a tool's result is shown to eyes; the whole is in the events."""

MINUTE = 60
SPANS = ((86_400, "d"), (3_600, "h"), (MINUTE, "min"), (1, "s"))

# Everything a terminal acts on: C0 and C1 controls but tab and newline, and what turns the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with every control character, and every half of a surrogate pair, shown as U+FFFD."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def kindly(text: str) -> str:
    """The beginning of a long text, and how many lines are left out."""
    lines = text.strip().splitlines()
    shown = "\n".join(line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in lines[:LINES])
    return shown if len(lines) <= LINES else f"{shown}\n… {len(lines) - LINES} more lines"


def duration(seconds: float) -> str:
    """A time as people say it, however long: `12 ms`, `1.2 s`, `3 h 2 min`."""
    if seconds < MINUTE or not math.isfinite(seconds):
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    large, small = next(pair for pair in pairwise(SPANS) if seconds >= pair[0][0])
    whole, rest = divmod(int(seconds), large[0])
    return f"{whole} {large[1]} {rest // small[0]} {small[1]}"


def counted_as(number: int, thing: str) -> str:
    """A number of things: `1 step`, `2 steps`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def cost_text(bill: Bill) -> str:
    """What a run cost, in words: `cost 0.012 CNY`; empty where there is nothing to be paid for."""
    known = " and ".join(map(str, bill.costs))
    if not bill.unpriced:
        return f"cost {known}" if known else ""
    return f"cost at least {known} ({counted_as(bill.unpriced, 'step')} unpriced)" if known else "cost unknown"


def shown_arguments(raw: str) -> str:
    """Arguments as a person reads them: `city="Oslo", days=3`; what is no object stays as it came."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw[:WIDTH]
    if not isinstance(value, dict):
        return raw[:WIDTH]
    text = ", ".join(f"{name}={json.dumps(each, ensure_ascii=False)}" for name, each in value.items())
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}…"
