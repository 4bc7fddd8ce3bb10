"""Somebody else's JSON, read without trust: what is not there or is of another kind reads as nothing."""

import json
import math
from collections.abc import Mapping

from pydantic import JsonValue

from agentkit.arguments import is_deeper

Json = Mapping[str, JsonValue]

EMPTY: tuple[JsonValue, ...] = (None, "", [], {})
"""Values that say nothing; servers fill keys with them that they do not use."""

EXACT = 2**53
"""From here on a float cannot hold every whole number, and no server has counted so far."""


DEEPEST = 200
"""Levels of nesting that are read: what is kept of it is read and written again, and then the stack may be fuller than now."""


def read_json(text: str) -> JsonValue:
    """The value of a text.  Numbers that JSON does not have, such as NaN, read as null: they could not be sent back.

    Raises:
        ValueError: It is no JSON, or it is nested too deeply to be read.
    """
    try:
        value: JsonValue = json.loads(text, parse_constant=_nothing, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if text.count("{") + text.count("[") > DEEPEST and is_deeper(value, DEEPEST):
        raise ValueError("it is nested too deeply")
    return value


def _nothing(_: str) -> None:
    return None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def object_of(value: object) -> Json:
    """An object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def string_of(value: object) -> str:
    """A text as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def number_of(value: object) -> float | None:
    """A number that can be counted with."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if abs(value) < EXACT else None


def packed(value: Json) -> str:
    """An object as text, for a frozen value to hold; nothing for an empty one."""
    return json.dumps(value, ensure_ascii=False) if value else ""
