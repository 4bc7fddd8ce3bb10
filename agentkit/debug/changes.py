"""What differs between two texts, in a few lines.

The texts may be of any length; only what stands near the first difference is compared line by line.
"""

import difflib
import json
from collections.abc import Sequence

from agentkit.observers.plain import counted_as

COMPARED = 150
"""Lines of each text that are compared.  From 200 on difflib takes a line that comes often for noise."""
SHOWN = 24
"""Lines of the comparison that are shown."""
LINE_CHARS = 200
BEFORE_CHARS = 40
"""Of a long line: how much is shown, and how much of it before the first difference."""
JSON_CHARS = 200_000
"""A longer text is not read as JSON."""


def changes(a: str, b: str, *, full: bool = False) -> str:
    """Lines that begin with `-` where they are in the first text only, with `+` in the second, and with a space in both.

    Args:
        a: The first text.
        b: The second one, which differs from it.
        full: Whether all of what was compared is shown.
    """
    left, right = _spread(a), _spread(b)
    if left == right:
        left, right = a, b
    start = _context(left, _in_common(left, right))
    sides = _readable(*([*text[start:].split("\n", COMPARED)[:COMPARED]] if text else [] for text in (left, right)))
    compared = list(difflib.unified_diff(*sides, n=1, lineterm=""))[3:]
    # Between two places that differ, difflib says at which lines they are; of what was compared, nobody knows them.
    told = [" …" if line.startswith("@@") else line for line in compared]
    if (beyond := max(text.count("\n", start) + 1 for text in (left, right)) - COMPARED) > 0:
        told.append(f" … {counted_as(beyond, 'line')} not compared")
    if full or len(told) <= SHOWN:
        return "\n".join(told)
    return "\n".join([*told[:SHOWN], f" … {counted_as(len(told) - SHOWN, 'more line')}"])


def _spread(text: str) -> str:
    """The text; JSON in one line is spread over several, so that what is equal in it can be told apart."""
    if text[:1] not in {"{", "["} or len(text) > JSON_CHARS:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return text


def _in_common(one: str, other: str) -> int:
    """How many characters are the same from the beginning; found by halves, as texts may be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _context(text: str, place: int) -> int:
    """Where the line before the one at this place begins."""
    line = text.rfind("\n", 0, place) + 1
    return text.rfind("\n", 0, max(line - 1, 0)) + 1


def _readable(left: Sequence[str], right: Sequence[str]) -> tuple[list[str], list[str]]:
    """As many lines as are compared, none of them long; in those that differ first, the difference can be seen."""
    pairs = enumerate(zip(left, right, strict=False))
    place = next((each for each, (one, other) in pairs if one != other), min(len(left), len(right)))
    pair = [side[place] for side in (left, right) if place < len(side)]
    start = 0
    if any(len(line) > LINE_CHARS for line in pair):
        start = max(_in_common(*pair) - BEFORE_CHARS, 0) if pair[1:] else 0
    sides = [
        [_shortened(line, start if each == place else 0) for each, line in enumerate(side)] for side in (left, right)
    ]
    return sides[0], sides[1]


def _shortened(line: str, start: int) -> str:
    end = start + LINE_CHARS
    return f"{'…' if start else ''}{line[start:end]}{'…' if len(line) > end else ''}"
