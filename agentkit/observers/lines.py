"""A line of a log on its way out: without secrets, and in a form that its reader can take.

Fields come from anywhere: a library may put anything into its lines.
"""

import json
import logging
import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache

from agentkit.observers.pages import in_one_line
from agentkit.secrets import HIDDEN, scrub

DEEPEST = 6
"""Levels of a field that are kept as they are; what is further inside is told as text."""

LARGEST = 2**63
"""Numbers below it are kept as they are, which no JSON reader chokes on."""

# What JSON lets through and a terminal obeys, or no encoding knows.  In JSON it can stand in texts alone.
_OBEYED = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Fields = MutableMapping[str, object]


def without_secrets(_logger: object, _method: str, fields: Fields) -> Fields:
    """A structlog processor: every field plain, and whatever looks like a credential hidden."""
    for name, value in fields.items():
        fields[name] = _hidden(name, value)
    return fields


def _hidden(name: str, value: object, level: int = 0) -> object:
    if value is None or (isinstance(value, int | float) and abs(value) < LARGEST):
        return value
    if isinstance(value, Mapping) and level < DEEPEST:
        return {str(key): _hidden(str(key), each, level + 1) for key, each in value.items()}
    if isinstance(value, list | tuple) and level < DEEPEST:
        return [_hidden(name, each, level + 1) for each in value]
    text = scrub(_text(value))
    return HIDDEN if text and _names_a_secret(name) else text


def _text(value: object) -> str:
    try:
        return str(value)
    except (RecursionError, ValueError):
        # Nested too deeply, or a number with too many digits.
        return f"<{type(value).__name__}>"


@lru_cache(maxsize=256)
def _names_a_secret(name: str) -> bool:
    line = f"{name}={'x' * 24}"
    return scrub(line) != line


def as_json(_logger: object, _method: str, fields: Fields) -> str:
    """A structlog renderer: one JSON object in one line."""
    text = json.dumps(fields, ensure_ascii=False)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Standard:
    """A logger of the standard library, to which events with fields can be written.

    Its messages are for people; the fields are attributes of its records.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", in_one_line({"event": event, **fields}), extra=fields)
