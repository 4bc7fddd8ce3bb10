"""Finds the lines that match a pattern; run as a program, in a process of its own.

A pattern can keep `re` busy for longer than anyone waits, with the interpreter held, and nothing but the end of its
process stops it.
"""

import json
import re
import sys
from collections.abc import Iterable

EXCERPT = 200
"""Characters of a line that are shown."""

Hit = tuple[int, int, str]
"""Which text, the line's number from 1, and the line."""


def find(texts: Iterable[str], pattern: re.Pattern[str], most: int) -> list[Hit]:
    """The first lines in which the pattern is found."""
    hits: list[Hit] = []
    for index, text in enumerate(texts):
        for number, line in enumerate(text.split("\n"), 1):
            if found := pattern.search(line):
                hits.append((index, number, _excerpt(line.rstrip("\r"), found.start())))
                if len(hits) == most:
                    return hits
    return hits


def compiled(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0)


def _excerpt(line: str, at: int) -> str:
    if len(line) <= EXCERPT:
        return line
    start = min(max(at - EXCERPT // 4, 0), len(line) - EXCERPT)
    end = start + EXCERPT
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def main() -> None:
    asked = json.load(sys.stdin)
    try:
        pattern = compiled(asked["pattern"], ignore_case=asked["ignore_case"])
        answer: dict[str, object] = {"hits": find(asked["texts"], pattern, asked["most"])}
    except (re.error, OverflowError, RecursionError) as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
