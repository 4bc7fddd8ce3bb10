"""What is told of a run, as lines for a terminal or as Markdown.

Nothing here obeys what it shows: control characters are made visible, what looks like a secret is hidden, and no content
can end the fence that it stands in.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from agentkit.observers.plain import WIDTH, printable
from agentkit.secrets import scrub

_LONGEST = 2 * WIDTH
"""Characters of somebody else's words inside a line of ours."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line for a terminal."""

    text: str
    style: str = "none"
    """As rich names it."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words inside a line of ours that somebody else wrote."""

    text: str


Head = tuple[str | Quoted, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is told: a line of ours, and beside it a text that somebody else wrote."""

    head: Head
    body: str = ""
    style: str = "none"
    level: int = 1
    """How far inside it stands, from 1; 0 is a heading."""
    kind: Literal["text", "diff"] = "text"
    """Whether the lines of the body begin with `-`, `+` or a space."""


def as_lines(parts: Iterable[Part]) -> Iterator[Line]:
    """The parts for a terminal, one line each or several."""
    for place, part in enumerate(parts):
        if part.level == 0 and place:
            yield Line("")
        yield from _lines(part)


def _lines(part: Part) -> Iterator[Line]:
    indent = "  " * (part.level - 1)
    head = indent + "".join(_ours(each) if isinstance(each, str) else one_line(each.text) for each in part.head)
    body = shown(part.body).split("\n") if part.body else []
    if part.kind == "text" and not body[1:]:
        yield Line(": ".join((head, *body)), part.style)
        return
    yield Line(f"{head}:", part.style)
    for each in body:
        yield Line(f"{indent}  {each}".rstrip(), part.style if part.kind == "text" else _diff_style(each))


def _ours(text: str) -> str:
    # A status is one of a few words, but for one that was read from a damaged record.
    return printable(text).replace("\n", " ")


def _diff_style(line: str) -> str:
    return {"-": "red", "+": "green"}.get(line[:1], "dim")


def as_markdown(parts: Iterable[Part]) -> str:
    """The parts as one Markdown document."""
    return "\n\n".join(_markdown(part) for part in parts) + "\n"


def _markdown(part: Part) -> str:
    head = "".join(_ours(each) if isinstance(each, str) else code(one_line(each.text)) for each in part.head)
    if part.level == 0:
        head = f"## {head}"
    return f"{head}:\n\n{fenced(shown(part.body), part.kind)}" if part.body else head


def code(text: str) -> str:
    """A text as a code span that it cannot end."""
    if not text.strip():
        return "(nothing)"
    ticks = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fenced(text: str, kind: str = "text") -> str:
    """A text as a block of code that it cannot end."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{kind}\n{text}\n{ticks}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def shown(text: str) -> str:
    """The text as it may stand before a person."""
    return printable(scrub(text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """The text in one line, and not in a long one."""
    # More than what is shown is scrubbed, so that no key is cut into something that does not look like one.
    line = shown(text[: 2 * _LONGEST]).replace("\n", " ")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
