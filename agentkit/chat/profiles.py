"""The words in which a provider's ways are described."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from agentkit.model import OutputMode, Settings
from agentkit.schema.dialects import Dialect

ResponseFormat = Literal["json_schema", "json_object"]

ToolChoice = Literal["auto", "none", "required", "named"]
"""Ways to say whether tools are called; named: one tool, by its name."""

EVERY_CHOICE: frozenset[ToolChoice] = frozenset({"auto", "none", "required", "named"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one provider wants to be spoken to.  What is left out is what most of them take."""

    name: str
    source: str = ""
    """Where this is from, and as of when."""
    hosts: str = ""
    """Pattern of its hosts, with their ports."""
    models: str = ""
    """Pattern of its models' ids: among profiles of one host it decides, and where the host is nobody in particular."""

    # How reasoning is asked for, how it comes, and whether it goes back.
    thinking: Literal["object", "flag", "template", "nested", "effort", "none"] = "object"
    """`thinking: {type}` · `enable_thinking` · `chat_template_kwargs: {enable_thinking}` · `reasoning: {enabled, effort}` ·
    `reasoning_effort` alone, of which `none` is no thinking · nothing."""
    thinking_words: Mapping[str, str] = field(default_factory=dict)
    """Its words for `enabled`, `disabled` and `auto`, where they are others."""
    thinking_more: Mapping[str, JsonValue] = field(default_factory=dict)
    """Keys beside the type when thinking is enabled, such as one that keeps the reasoning of earlier turns."""
    reasoning: Literal["return", "drop"] = "return"
    """Whether an assistant message goes back with its reasoning, under the key it came by."""
    reasoning_required: str = ""
    """A key that every assistant message must have, be it empty."""
    tags: Literal["", "open", "prefilled"] = ""
    """Whether reasoning comes as `<think>…</think>` at the start of the content; prefilled: without the first tag."""
    cumulative: bool = False
    """Whether each piece of a stream repeats what came before it."""

    # What a request may say.
    defaults: Settings = field(default_factory=Settings)
    """What is said where nobody says anything."""
    refused: frozenset[str] = frozenset()
    """Settings it refuses or silently ignores: they are not sent, and the reply has a warning for each."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The name of the limit of an answer."""
    stream_usage: bool = True
    """Whether it has to be asked to count the tokens of a stream."""
    always_streams: bool = False
    """Whether a reply in one piece is not to be had of all of its models."""
    body: Mapping[str, JsonValue] = field(default_factory=dict)
    """Keys of every request."""
    key_header: Literal["authorization", "api-key"] = "authorization"
    """The header of the key; in the first it is a bearer's."""
    key_variable: str = "AGENTKIT_API_KEY"
    """The variable of the environment in which people have its key, for requests that are copied out of a record."""

    # Tools and answers.
    dialect: Dialect = "plain"
    """What the schemas of tools may use."""
    strict_dialect: Dialect | None = None
    """What they may use where it enforces them."""
    tool_choices: frozenset[ToolChoice] = EVERY_CHOICE
    """Those that have the effect they should."""
    required: str = "required"
    """Its word for that choice."""
    effort_with_tools: str = ""
    """The only effort that it takes when tools are offered."""
    forces_thinking: bool = True
    """Whether a tool can be forced while it thinks."""
    output_mode: OutputMode = "tool"
    """The best way to have it answer in a schema."""
    formats: frozenset[ResponseFormat] = frozenset()
    """The forms that it can hold an answer to, besides the best one."""

    # Messages.
    system_role: Literal["system", "developer"] = "system"
    one_system: bool = False
    """Whether a system message may only be the first; later ones are sent as the user's."""
    call_ids: str = ""
    """Pattern that the ids of calls must have; others are sent under a name made from them."""
    extra_keys: bool = True
    """Whether an assistant message may go back with the unknown keys it came with."""
    tool_parts: bool = False
    """Whether a tool's message may hold pictures; else they follow in a user message."""
    user_after_tool: bool = True
    """Whether the user may speak after a tool without an assistant between them."""
    tools_with_calls: bool = False
    """Whether a conversation with calls is refused when the request offers no tools."""

    # Errors.
    empty_400: bool = False
    """Whether a refusal without a word means that the conversation is too long."""


UNKNOWN = Profile(name="unknown")
"""For a server that nobody knows: what most of them take."""
