"""The port to a language model: a request goes in, a reply comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol

from pydantic import JsonValue

from agentkit.errors import UsageError
from agentkit.events import Event, FinishReason
from agentkit.messages import Message, Usage

OutputMode = Literal["json_schema", "json_schema_alone", "tool", "json_object"]
"""How a model is brought to answer in a schema: it is enforced; it is, but no tool can be called beside it; it calls a tool; it is
told in the prompt."""

Emit = Callable[[Event], None]
"""Tells passing events (deltas) to those who watch."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model is told about one tool."""

    name: str
    description: str
    parameters: Mapping[str, JsonValue]
    """JSON Schema of an object."""
    strict: bool = False
    """Whether the provider must enforce the schema."""


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """The form an answer must have."""

    name: str
    schema: Mapping[str, JsonValue]
    """JSON Schema of an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a model should answer.  None leaves the choice to the provider."""

    thinking: Literal["enabled", "disabled", "auto"] | None = None
    reasoning_effort: str | None = None
    """How long to think, in the provider's words; Doubao: minimal, low, medium, high."""
    max_tokens: int | None = None
    """Most tokens of an answer."""
    max_completion_tokens: int | None = None
    """Most tokens of reasoning and answer together."""
    temperature: float | None = None
    top_p: float | None = None
    stop: str | tuple[str, ...] | None = None
    seed: int | None = None
    tool_choice: str | None = None
    """`auto`, `none`, `required`, or a tool's name.  The last two hold for the first request of a run only, or it would never end."""
    parallel_tool_calls: bool | None = None
    extra_body: Mapping[str, JsonValue] = field(default_factory=dict)
    """Keys for the request's body that have no setting here."""
    extra_headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise UsageError(
                f"max_tokens={self.max_tokens} and max_completion_tokens={self.max_completion_tokens} exclude each other; "
                "give the first to limit the answer alone, or the second to limit reasoning and answer together"
            )

    @property
    def forced(self) -> bool:
        """Whether the model must call a tool, so that it could never answer."""
        return self.tool_choice not in {None, "auto", "none"}

    def __or__(self, other: "Settings") -> "Settings":
        """These settings, with the other's where it has any."""
        given = {f.name: getattr(other, f.name) for f in fields(other) if getattr(other, f.name) not in (None, {})}
        mine = {f.name: getattr(self, f.name) for f in fields(self)}
        if given.keys() & {"max_tokens", "max_completion_tokens"}:
            # One limit takes the place of the other.
            mine |= {"max_tokens": None, "max_completion_tokens": None}
        for name in ("extra_body", "extra_headers"):
            given[name] = {**mine[name], **getattr(other, name)}
        return Settings(**(mine | given))


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in one currency."""

    input: float
    output: float
    cached: float | None = None
    """For input read from the provider's cache; None: as other input."""

    def of(self, usage: Usage) -> float | None:
        """The cost of some usage; None when the server did not count."""
        if usage.input is None or usage.output is None:
            return None
        cached = usage.cached or 0
        rate = self.input if self.cached is None else self.cached
        return ((usage.input - cached) * self.input + cached * rate + usage.output * self.output) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a model: the whole conversation, and what it may use."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    settings: Settings = Settings()
    output: OutputFormat | None = None
    """The form of the answer, where the model is to be held to it by the request itself."""
    stream: bool = False
    """Whether anybody watches the reply while it comes."""
    memo: dict[object, object] = field(default_factory=dict, compare=False, repr=False)
    """Belongs to the run: where a model keeps, under itself, what it made of the messages it has sent before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply of a model, complete."""

    message: Message
    usage: Usage = field(default_factory=Usage)
    finish_reason: FinishReason = "stop"
    model: str = ""
    request_id: str | None = None
    cost: float | None = None
    warnings: tuple[str, ...] = ()


class Model(Protocol):
    """Whoever can answer a request.  Wrap one to change how it answers."""

    @property
    def name(self) -> str:
        """The model's id, for events and logs."""
        ...

    @property
    def price(self) -> Price | None:
        """What it costs, where that is known."""
        ...

    @property
    def output_mode(self) -> OutputMode:
        """The best way to have it answer in a schema."""
        ...

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        """Make sure that the provider can take these tools.

        Raises:
            SchemaRefused: It cannot; the message names the tool and the reason.
        """
        ...

    async def request(self, request: Request, emit: Emit) -> Reply:
        """Answer, telling deltas to `emit` on the way if the request asks for a stream.

        Raises:
            ModelError: The endpoint failed, or what came is no complete reply.
        """
        ...
