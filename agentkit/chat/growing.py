"""Streams whose pieces repeat what came before them."""

from pydantic import JsonValue

from agentkit.chat.reading import Json
from agentkit.chat.thought import DETAILS, GROWING, TEXTS

_SAID = ("content", *TEXTS)


class Growing:
    """Leaves of each piece what is new in it."""

    def __init__(self) -> None:
        self._so_far: dict[tuple[object, ...], str] = {}

    def fresh(self, delta: Json) -> Json:
        """A delta without the texts that were there before."""
        found = {name: self._new((name,), value) if name in _SAID else value for name, value in delta.items()}
        details = delta.get(DETAILS)
        if isinstance(details, list):
            found[DETAILS] = [self._entry(entry) for entry in details]
        return found

    def _entry(self, entry: JsonValue) -> JsonValue:
        if not isinstance(entry, dict):
            return entry
        place = (DETAILS, str(entry.get("type")), str(entry.get("index")))
        return {name: self._new((*place, name), value) if name in GROWING else value for name, value in entry.items()}

    def _new(self, place: tuple[object, ...], value: JsonValue) -> JsonValue:
        if not isinstance(value, str):
            return value
        before = self._so_far.get(place, "")
        new = value.removeprefix(before) if value.startswith(before) else value
        self._so_far[place] = before + new
        return new
