"""What was said, as the conventions write it: JSON text of messages made of parts.

It leaves the process only where somebody has asked for it, and never with what looks like a key.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from agentkit.codec import dumps, storable
from agentkit.debug.scrubbed import in_json
from agentkit.messages import Content, File, Image, Message, Text
from agentkit.secrets import scrub

Redact = Callable[[str], str]
"""Hides what is secret in a text."""

CONTENT, CAPTURE = "AGENTKIT_OTEL_CONTENT", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The variables that ask for content: our own, which decides where it is set, and the one that other libraries know."""

_ON = frozenset({"1", "true", "yes", "on"})
_CAPTURING = frozenset({"true", "1", "span_only", "span_and_event"})

PART_CHARS = 30_000
"""Letters of one text."""

SECRET_CHARS = 10_000
"""Letters after those in which a secret that begins in them ends: a text of megabytes is not looked through for nothing."""

MESSAGES_CHARS = 200_000
"""Letters of all messages of a span: collectors refuse a request of some megabytes, with every span in it."""


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for content."""
    own = environment.get(CONTENT)
    if own is not None:
        return own.strip().lower() in _ON
    return environment.get(CAPTURE, "").strip().lower() in _CAPTURING


@dataclass
class Writer:
    """Writes messages; one that was written before is not scrubbed again.

    Args:
        redact: Hides what is secret.
    """

    redact: Redact = scrub
    _written: dict[int, tuple[Message, str]] = field(default_factory=dict)

    def messages(self, messages: Sequence[Message]) -> tuple[str, bool]:
        """Messages without instructions, and whether the oldest had to be left out."""
        written: list[str] = []
        left = MESSAGES_CHARS
        for message in reversed([each for each in messages if each.role != "system"]):
            text = self._message(message)
            left -= len(text)
            if left < 0 and written:
                return _array(written), True
            written.append(text)
        return _array(written), False

    def instructions(self, messages: Sequence[Message]) -> str | None:
        """What the model was told first."""
        parts = [part for each in messages if each.role == "system" for part in self._content(each.content)]
        return dumps(parts) if parts else None

    def reply(self, message: Message) -> str:
        """What the model said."""
        return f"[{self._message(message)}]"

    def text(self, text: str) -> str:
        """A text without what is secret, cut if it is long."""
        hidden = self.redact(text[: PART_CHARS + SECRET_CHARS])
        if len(hidden) <= PART_CHARS:
            return hidden
        return f"{hidden[:PART_CHARS]}… (cut: {len(text):,} letters)"

    def words(self, text: str) -> str:
        """A text that is an attribute of its own."""
        return storable(self.text(text))

    def json(self, text: str) -> str:
        """A JSON text, which stays JSON, and is never cut."""
        try:
            return storable(in_json(text, self.redact))
        except RecursionError:
            return storable(self.redact(text))

    def content(self, content: Content) -> str:
        """A tool's result: a text as it is, other contents as their parts."""
        return self.text(content) if isinstance(content, str) else dumps(self._content(content))

    def _message(self, message: Message) -> str:
        known = self._written.get(id(message))
        if known is not None and known[0] is message:
            return known[1]
        text = dumps({"role": message.role, "parts": self._parts(message)})
        # The message is kept beside its text, so that no other one can get its number.
        self._written[id(message)] = (message, text)
        return text

    def _parts(self, message: Message) -> list[JsonValue]:
        if message.role == "tool":
            answer = self.content(message.content)
            return [{"type": "tool_call_response", "id": message.call_id or "", "response": answer}]
        parts: list[JsonValue] = []
        if message.reasoning is not None and message.reasoning.text:
            parts.append({"type": "reasoning", "content": self.text(message.reasoning.text)})
        parts += self._content(message.content)
        for call in message.tool_calls:
            arguments = self.text(call.arguments)
            parts.append({"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments})
        return parts

    def _content(self, content: Content) -> list[JsonValue]:
        if isinstance(content, str):
            return [{"type": "text", "content": self.text(content)}] if content else []
        return [self._part(each) for each in content]

    def _part(self, part: Text | Image | File) -> JsonValue:
        match part:
            case Text(text):
                return {"type": "text", "content": self.text(text)}
            case Image(url):
                return self._attached("image", url)
            case File(name, data):
                return {**self._attached("document", data), "name": self.text(name)}

    def _attached(self, modality: str, url: str) -> dict[str, JsonValue]:
        """What is attached, without its data: a picture of a megabyte is nothing for an attribute."""
        if not url.startswith("data:"):
            return {"type": "uri", "modality": modality, "uri": self.text(url)}
        kind = url[len("data:") :].partition(",")[0].partition(";")[0][:NAME_CHARS]
        return {"type": "blob", "modality": modality, "mime_type": kind, "content": "", "letters": len(url)}


NAME_CHARS = 100
"""Letters of the name of a kind of data."""


def _array(backwards: Sequence[str]) -> str:
    return f"[{','.join(reversed(backwards))}]"
