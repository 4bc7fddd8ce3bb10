"""What differs between providers, as data.  Nobody else knows a provider's name.

Sources: the vendors' documents and recorded exchanges as of November 2026.
"""

import re
from dataclasses import dataclass
from typing import Literal

from agentkit.errors import UsageError
from agentkit.model import OutputMode
from agentkit.schema.dialects import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one provider wants to be spoken to."""

    name: str
    dialect: Dialect = "plain"
    """What its tools' schemas may use."""
    strict_dialect: Dialect | None = None
    """What they may use where it enforces them."""
    output_mode: OutputMode = "tool"
    """The best way to have it answer in a schema."""
    reasoning: Literal["return", "drop"] = "return"
    """Whether an assistant message goes back with its reasoning, under the key it came by."""
    reasoning_required: str = ""
    """A key that every assistant message must have, be it empty."""
    thinking: Literal["object", "flag", "none"] = "object"
    """`thinking: {type: …}`, `enable_thinking: true`, or no such field."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The name of the limit of an answer."""
    extra_keys: bool = True
    """Whether an assistant message may go back with the unknown keys it came with."""
    tool_parts: bool = False
    """Whether a tool's message may hold pictures; else they follow in a user message."""


UNKNOWN = Profile(name="unknown")
"""For a server that nobody knows: what most of them take."""

PROFILES: dict[str, tuple[str, Profile]] = {
    # name: (pattern of "host/model", profile)
    "doubao": (
        r"volces\.com|bytepluses\.com|doubao|dola-seed|anyfast\.ai",
        # Ark's Chat API page, 2026: reasoning_content and encrypted_content go back verbatim; json_schema is a beta of
        # some models and json_object fails on BytePlus, so a tool is the safe way to a schema.  $ref is undocumented.
        Profile(name="doubao", dialect="inline"),
    ),
    "deepseek": (
        r"deepseek",
        # api-docs.deepseek.com, 2026: with tools, every assistant turn must have the field, and forced tools fail while thinking.
        Profile(
            name="deepseek", strict_dialect="deepseek_strict", reasoning_required="reasoning_content", extra_keys=False
        ),
    ),
    "moonshot": (
        r"moonshot|kimi",
        # MoonshotAI/walle, mfjs-spec: one schema outside of its dialect fails the whole request.
        Profile(name="moonshot", dialect="moonshot", max_tokens="max_completion_tokens"),
    ),
    "qwen": (
        r"dashscope|qwen",
        Profile(name="qwen", dialect="inline", reasoning="drop", thinking="flag", extra_keys=False),
    ),
    "glm": (r"bigmodel\.cn|\bz\.ai|glm-", Profile(name="glm", dialect="inline")),
    "minimax": (r"minimax", Profile(name="minimax", dialect="inline")),
    "openrouter": (r"openrouter\.ai", Profile(name="openrouter", output_mode="json_schema", thinking="none")),
    "mistral": (r"mistral", Profile(name="mistral", output_mode="json_schema", thinking="none", extra_keys=False)),
    "gemini": (r"googleapis\.com|gemini", Profile(name="gemini", dialect="inline", thinking="none")),
    "groq": (r"groq\.com", Profile(name="groq", thinking="none", extra_keys=False)),
    "openai": (
        r"openai\.(?:com|azure\.com)|(?:^|/)gpt-|/o[134](?:-|$)",
        Profile(
            name="openai",
            strict_dialect="openai_strict",
            output_mode="json_schema",
            reasoning="drop",
            thinking="none",
            max_tokens="max_completion_tokens",
            extra_keys=False,
        ),
    ),
}
"""The first pattern that is found in `host/model` decides."""


def profile_of(host: str, model: str) -> Profile:
    """The profile of the provider behind a host and a model's id."""
    # The host knows its own rules; a model's name counts where the host is nobody in particular.
    for subject in (host, f"{host}/{model}"):
        for pattern, profile in PROFILES.values():
            if re.search(pattern, subject.lower()):
                return profile
    return UNKNOWN


def profile_named(name: str) -> Profile:
    """The profile of a provider by its name.

    Raises:
        UsageError: There is none; the message lists those there are.
    """
    if name not in PROFILES:
        raise UsageError(f"there is no provider {name!r} in the table; there are: {', '.join(PROFILES)}")
    return PROFILES[name][1]
