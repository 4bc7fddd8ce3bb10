"""Texts of a run for a page: long ones are cut, and the whole is had by a name when somebody asks for it."""

from dataclasses import dataclass, field

from agentkit.debug.facts import Facts

SHOWN = 4_000
"""Characters of a text that come with the page."""

MOST = 200_000
"""Characters that are handed out at once."""


@dataclass(slots=True)
class Texts:
    """Collects the long texts of one run.

    Attributes:
        whole: The texts that were cut, by their names.
    """

    whole: dict[str, str] = field(default_factory=dict)

    def cut(self, name: str, text: str) -> Facts:
        """A text as a page has it; a long one with its size, and the name that the whole is had by."""
        if len(text) <= SHOWN:
            return {"text": text}
        self.whole[name] = text
        return {"text": text[:SHOWN], "size": len(text), "name": name}

    def part(self, name: str, start: int) -> Facts | None:
        """A long text from one of its characters on, as much as is handed out at once; None where there is none."""
        text = self.whole.get(name)
        if text is None:
            return None
        start = min(max(start, 0), len(text))
        return {"text": text[start : start + MOST], "next": min(start + MOST, len(text)), "size": len(text)}
