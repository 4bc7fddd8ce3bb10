"""A model's reasoning, put together from the places where servers put it, with the data that only they can read."""

from collections.abc import Mapping

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

_GROWING = {"text", "data", "summary"}
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

    def take(self, message: Json) -> None:
        """The reasoning in a message or a delta."""
        for name in OPAQUE:
            if value := message.get(name):
                self._opaque[name] = _merged(self._opaque.get(name), value)
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


def _merged(old: JsonValue, new: JsonValue) -> JsonValue:
    """Opaque data in pieces: texts are joined, lists grow by the type and the index of their entries."""
    if isinstance(old, str) and isinstance(new, str):
        return old + new
    if not isinstance(new, list):
        return new
    grown: list[JsonValue] = old if isinstance(old, list) else []
    for entry in new:
        same = next((each for each in reversed(grown) if _same(each, entry)), None)
        if isinstance(same, dict):
            _grow(same, object_of(entry))
        else:
            grown.append(dict(entry) if isinstance(entry, dict) else entry)
    return grown


def _same(left: JsonValue, right: JsonValue) -> bool:
    one, other = object_of(left), object_of(right)
    return other.get("index") is not None and (one.get("type"), one.get("index")) == (
        other.get("type"),
        other.get("index"),
    )


def _grow(entry: dict[str, JsonValue], piece: Mapping[str, JsonValue]) -> None:
    for key, value in piece.items():
        if key in _GROWING and isinstance(value, str):
            entry[key] = string_of(entry.get(key)) + value
        elif value is not None:
            entry[key] = value
