"""What a request holds, in a few letters: two requests that say the same have the same fingerprint.

A conversation grows at its end, and only what is new is read.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from pydantic import JsonValue

from agentkit.messages import Content, Image, Message, Text
from agentkit.model import OutputFormat, Settings, ToolSpec

LETTERS = 16
"""Of a fingerprint: enough to tell requests apart, and few enough to be shown."""

_END = b"\0"


def of_text(text: str) -> str:
    """The fingerprint of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LETTERS]


class Fingerprint:
    """Fingerprints of the requests of one run.

    Args:
        redact: How texts are kept on record, for a fingerprint is compared with what was recorded.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._messages: tuple[Message, ...] = ()
        self._read = hashlib.sha256()

    def of(self, messages: tuple[Message, ...], *others: str) -> str:
        """The fingerprint of a request: its messages, and what else it says."""
        known = len(self._messages)
        if messages[:known] != self._messages:
            self._read, known = hashlib.sha256(), 0
        for message in messages[known:]:
            self._add(message)
        self._messages = messages
        whole = self._read.copy()
        for text in others:
            whole.update(text.encode("utf-8", "surrogatepass") + _END)
        return whole.hexdigest()[:LETTERS]

    def _add(self, message: Message) -> None:
        said = [message.role, *map(self._redact, _texts(message.content))]
        if message.reasoning is not None:
            said.append(self._redact(message.reasoning.text))
        for call in message.tool_calls:
            said += [call.id, call.name, self._redact(call.arguments)]
        if message.call_id is not None:
            said.append(message.call_id)
        self._read.update("\0".join((*said, "\0")).encode("utf-8", "surrogatepass"))


def _texts(content: Content) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [
        part.text if isinstance(part, Text) else part.url if isinstance(part, Image) else part.data for part in content
    ]


def as_told(specs: Sequence[ToolSpec]) -> str:
    """What a model is told of its tools, as JSON text; empty for none."""
    return _dumped([asdict(spec) for spec in specs]) if specs else ""


def as_set(settings: Settings, output: OutputFormat | None) -> str:
    """How a model is to answer, as JSON text; empty where nothing is set.

    Headers are left out: they may hold a key.
    """
    given = {
        name: value for name, value in asdict(settings).items() if value not in (None, {}) and name != "extra_headers"
    }
    if output is not None:
        given["output"] = {"name": output.name, "schema": dict(output.schema)}
    return _dumped(given) if given else ""


def _dumped(value: JsonValue | Mapping[str, object] | Sequence[object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
