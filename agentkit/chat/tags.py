"""Reasoning that comes as `<think>…</think>` at the start of a content.

A tag anywhere else is prose: a model may write about tags.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a content."""

    text: str
    thought: bool
    """Whether it is reasoning."""


class Tags:
    """Cuts a content that comes in pieces.

    Args:
        inside: Whether the first tag stands in the prompt already, so that only the second comes.

    Attributes:
        found: Whether there was a tag.
    """

    def __init__(self, *, inside: bool) -> None:
        self.found = inside
        self._where: Literal["before", "inside", "after", "done"] = "inside" if inside else "before"
        self._begun = False
        self._held = ""

    def feed(self, text: str) -> Iterator[Piece]:
        """What is sure with this text."""
        self._held += text
        if self._where == "before":
            begin = self._held.lstrip()
            if _OPEN.startswith(begin[: len(_OPEN)]) and len(begin) < len(_OPEN):
                return
            self.found = begin.startswith(_OPEN)
            self._where = "inside" if self.found else "done"
            self._held = begin.removeprefix(_OPEN) if self.found else self._held
        if self._where == "inside":
            yield from self._think()
        if self._where == "after":
            self._held = self._held.lstrip()
            self._where = "done" if self._held else "after"
        if self._where == "done" and self._held:
            yield Piece(self._taken(len(self._held)), thought=False)

    def _think(self) -> Iterator[Piece]:
        if not self._begun:
            self._held = self._held.lstrip()
        end = self._held.find(_CLOSE)
        if end < 0:
            sure = self._taken(_sure(self._held))
        else:
            sure = self._taken(end).rstrip()
            self._held = self._held.removeprefix(_CLOSE)
            self._where = "after"
        if sure:
            self._begun = True
            yield Piece(sure, thought=True)

    def _taken(self, length: int) -> str:
        taken, self._held = self._held[:length], self._held[length:]
        return taken

    def end(self) -> Iterator[Piece]:
        """What is left when nothing more comes: reasoning without its second tag is reasoning."""
        left = self._taken(len(self._held))
        left = left.rstrip() if self._where == "inside" else left
        if left:
            yield Piece(left, thought=self._where == "inside")


def _sure(text: str) -> int:
    """How much of a text comes before what may be the beginning of the closing tag, and before the space around that."""
    part = next((length for length in range(len(_CLOSE), 0, -1) if text.endswith(_CLOSE[:length])), 0)
    return len(text[: len(text) - part].rstrip())
