"""What is said in a run, as frozen values.

A message keeps what was received as it was received: the raw text of a call's arguments, the reasoning under the
name it came by, and every key nobody here knows.  Reading them is done elsewhere and never changes them.
"""

import base64
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeVar

Role = Literal["system", "user", "assistant", "tool"]


Number = TypeVar("Number", int, float)


def add(left: Number | None, right: Number | None) -> Number | None:
    """Add what is known; unknown and unknown stay unknown."""
    if left is None or right is None:
        return right if left is None else left
    return left + right


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counted them.  None is what it did not say, which is not zero."""

    input: int | None = None
    """Tokens of the prompt, cached ones included."""
    output: int | None = None
    """Tokens of the reply, reasoning included."""
    cached: int | None = None
    """Tokens of the prompt that were read from the provider's cache."""
    reasoning: int | None = None
    """Tokens of the reply that were reasoning."""

    @property
    def total(self) -> int:
        """Input and output together, as far as they are known."""
        return (self.input or 0) + (self.output or 0)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            add(self.input, other.input),
            add(self.output, other.output),
            add(self.cached, other.cached),
            add(self.reasoning, other.reasoning),
        )


@dataclass(frozen=True, slots=True)
class Text:
    """Words, as one part of a message among others."""

    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: an address, or a `data:` URL that holds it."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None
    """How closely the model should look; None leaves it to the provider."""

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The picture in a file, as a `data:` URL."""
        return cls(data_url(Path(path)))


@dataclass(frozen=True, slots=True)
class File:
    """A document: its name, and a `data:` URL that holds it."""

    name: str
    data: str

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The document in a file, as a `data:` URL."""
        return cls(Path(path).name, data_url(Path(path)))


def data_url(path: Path) -> str:
    """A file's bytes as a URL, after RFC 2397."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


Part = Text | Image | File
Content = str | tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The model's own thinking, kept verbatim, with the opaque data a provider wants back."""

    text: str = ""
    field: str = ""
    """The key it came under (`reasoning_content`, `reasoning`, …), so that it can go back under the same."""
    opaque: str = ""
    """JSON text of an object with the keys that are nobody's but the provider's (`encrypted_content`, …)."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool."""

    id: str
    name: str
    arguments: str
    """The raw text, which may be no JSON at all."""
    extra: str = ""
    """JSON text of an object with the keys the server sent beside these."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to one call, as the model is told it."""

    call_id: str
    content: Content
    failed: bool = False
    whole: str | None = None
    """The whole text, when `content` was cut to a limit."""
    trace: str = ""
    """For people: where in the tool's own code it raised, innermost line last.  The model is never told."""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry as the model sees it."""

    role: Role
    content: Content = ""
    reasoning: Reasoning | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    """For a tool's message: the call that it answers."""
    extra: str = ""
    """JSON text of an object with the keys the server sent beside these."""
    origin: str = ""
    """Host and model an assistant message came from; its reasoning goes back only there."""

    @property
    def text(self) -> str:
        """The words alone, without pictures and documents."""
        return text_of(self.content)


def text_of(content: Content) -> str:
    """The words of a content, without pictures and documents."""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in content if isinstance(part, Text))
