"""A model's reasoning, put together from the places where servers put it, with the data that only they can read."""

from pydantic import JsonValue

from agentkit.chat.reading import Json, object_of, packed, string_of
from agentkit.events import ReasoningDelta
from agentkit.messages import Reasoning
from agentkit.model import Emit

TEXTS = ("reasoning_content", "reasoning", "reasoning_text")
"""Keys of reasoning in words; a message that has several holds the same words twice."""

DETAILS = "reasoning_details"
"""Key of reasoning in entries, some of which have words."""

OPAQUE = ("encrypted_content", DETAILS)
"""Keys of what has to go back as it came."""

PARTS = "thinking"
"""Type, and key, of the parts of a content that are reasoning."""

KNOWN = {*TEXTS, *OPAQUE}

GROWING = {"text", "data", "summary"}
"""Keys of an entry whose texts come in pieces."""


class Thought:
    """The reasoning of one reply.

    Args:
        emit: Is told the deltas.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._texts: list[str] = []
        self._field = ""
        self._opaque: dict[str, JsonValue] = {}
        self._details: list[JsonValue] = []
        self._places: dict[tuple[str, str], dict[str, JsonValue]] = {}

    def take(self, message: Json) -> None:
        """The reasoning in a message or a delta."""
        for name in OPAQUE:
            if value := message.get(name):
                self._keep(name, value)
        for name in TEXTS:
            if text := string_of(message.get(name)):
                # The same words under a second name are not told twice.
                self._add(name, text)
                return
        if details := _words_of_details(message.get(DETAILS)):
            # The entries go back themselves, so these words have no key of their own.
            self._add("", details)

    def take_part(self, part: Json) -> None:
        """A part of a content that is reasoning; its words are text, or parts again."""
        words = part.get(PARTS)
        inner = words if isinstance(words, list) else [{"text": words}]
        self._add(PARTS, "".join(string_of(object_of(piece).get("text")) for piece in inner))

    def take_tagged(self, text: str) -> None:
        """Reasoning that was in the content, between tags."""
        self._add("", text)

    def keep(self, name: str, value: str) -> None:
        """Note what has to go back as it came."""
        self._opaque[name] = value

    def _keep(self, name: str, value: JsonValue) -> None:
        """Opaque data in pieces: texts are joined, lists grow."""
        before = self._opaque.get(name)
        if name == DETAILS and isinstance(value, list):
            self._opaque[name] = self._details
            for entry in value:
                self._grow(entry)
        else:
            self._opaque[name] = before + value if isinstance(before, str) and isinstance(value, str) else value

    def _grow(self, entry: JsonValue) -> None:
        """An entry, or a piece of the one with its type and index."""
        if not isinstance(entry, dict) or entry.get("index") is None:
            self._details.append(entry)
            return
        place = str(entry.get("type")), str(entry.get("index"))
        if place not in self._places:
            self._places[place] = dict(entry)
            self._details.append(self._places[place])
            return
        known = self._places[place]
        for key, value in entry.items():
            if key in GROWING and isinstance(value, str):
                known[key] = string_of(known.get(key)) + value
            elif value is not None:
                known[key] = value

    def _add(self, name: str, text: str) -> None:
        if text:
            self._texts.append(text)
            self._field = self._field or name
            self._emit(ReasoningDelta(text))

    def finished(self) -> Reasoning | None:
        """The reasoning as it is now; None when there was none."""
        if not self._texts and not self._opaque:
            return None
        return Reasoning("".join(self._texts), self._field, packed(self._opaque))


def _words_of_details(details: JsonValue) -> str:
    entries = details if isinstance(details, list) else ()
    return "".join(string_of(entry.get("text")) or string_of(entry.get("summary")) for entry in map(object_of, entries))
