"""Settings under a provider's names, without those it would refuse."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from pydantic import JsonValue

from agentkit.chat.profiles import Profile, ToolChoice
from agentkit.errors import SchemaRefused
from agentkit.model import OutputFormat, Settings
from agentkit.schema.dialects import translate

_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})
_EFFORTS = frozenset({"thinking", "reasoning_effort"})


@dataclass(frozen=True, slots=True)
class Fitted:
    """Settings that a provider takes."""

    settings: Settings
    unsent: tuple[str, ...] = ()
    """Names of those that were asked for and are not sent."""


def fitted(settings: Settings, profile: Profile, *, tools: bool) -> Fitted:
    """The settings with the provider's defaults, and without what it refuses or would silently ignore.

    Args:
        settings: What was asked for.
        profile: The provider's ways.
        tools: Whether the request offers any.
    """
    unsent = tuple(dict.fromkeys(_refused(settings, profile, tools=tools)))
    kept = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name not in unsent}
    only = Settings(reasoning_effort=profile.effort_with_tools if tools and profile.effort_with_tools else None)
    return Fitted(_defaults(settings, profile) | Settings(**kept) | only, unsent)


def _refused(settings: Settings, profile: Profile, *, tools: bool) -> Iterator[str]:
    yield from (name for name in sorted(profile.refused) if getattr(settings, name) is not None)
    if profile.thinking == "none" or (tools and profile.effort_with_tools):
        yield from (name for name in sorted(_EFFORTS) if getattr(settings, name) is not None)
    choice = settings.tool_choice
    # What is not offered cannot be called, whether the word is sent or not.
    if tools and choice is not None and choice != "none":
        thinks = settings.forced and not profile.forces_thinking and settings.thinking != "disabled"
        if thinks or _kind(choice) not in profile.tool_choices:
            yield "tool_choice"


def _kind(choice: str) -> ToolChoice:
    match choice:
        case "auto" | "none" | "required":
            return choice
        case _:
            return "named"


def _defaults(settings: Settings, profile: Profile) -> Settings:
    """What the provider is told where nobody says anything, be it in keys of their own."""
    defaults, said = profile.defaults, settings.extra_body.keys()
    if said & _LIMITS:
        defaults = replace(defaults, max_tokens=None, max_completion_tokens=None)
    return replace(defaults, reasoning_effort=None) if said & _EFFORTS else defaults


def settings_fields(settings: Settings, profile: Profile, *, tools: bool) -> dict[str, JsonValue]:
    """Settings that the provider takes, as the fields of a request."""
    found: dict[str, JsonValue] = {
        "max_completion_tokens": settings.max_completion_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "stop": list(settings.stop) if isinstance(settings.stop, tuple) else settings.stop,
        "seed": settings.seed,
    }
    if settings.max_tokens is not None:
        found[profile.max_tokens] = settings.max_tokens
    found |= _thinking(settings, profile)
    if tools:
        # Without tools, servers refuse these.
        found |= {
            "tool_choice": _choice(settings.tool_choice, profile),
            "parallel_tool_calls": settings.parallel_tool_calls,
        }
    return {name: value for name, value in found.items() if value is not None}


def _thinking(settings: Settings, profile: Profile) -> dict[str, JsonValue]:
    thinking = settings.thinking
    on = None if thinking in {None, "auto"} else thinking == "enabled"
    # An effort beside disabled thinking is refused.
    effort = None if on is False else settings.reasoning_effort
    match profile.thinking:
        case "object":
            return {"thinking": _thinking_object(thinking, profile), "reasoning_effort": effort}
        case "flag":
            return {"enable_thinking": on}
        case "template":
            return {
                "chat_template_kwargs": None if on is None else {"enable_thinking": on},
                "reasoning_effort": effort,
            }
        case "nested":
            # An effort says already that it should think.
            nested: dict[str, JsonValue] = {"enabled": on} if effort is None else {"effort": effort}
            return {"reasoning": None if on is None and effort is None else nested}
        case "effort":
            return {"reasoning_effort": "none" if on is False else effort}
        case "none":
            return {}


def _thinking_object(thinking: str | None, profile: Profile) -> JsonValue:
    if thinking is None:
        return None
    word = profile.thinking_words.get(thinking, thinking)
    return {"type": word, **(profile.thinking_more if thinking == "enabled" else {})}


def _choice(choice: str | None, profile: Profile) -> JsonValue:
    match choice:
        case None | "auto" | "none":
            return choice
        case "required":
            return profile.required
        case name:
            return {"type": "function", "function": {"name": name}}


def response_format(output: OutputFormat, profile: Profile) -> JsonValue:
    """The form of the answer, as far as the provider can hold it to one; None when it cannot."""
    forms = profile.formats | {profile.output_mode.removesuffix("_alone")}
    if "json_schema" not in forms:
        return {"type": "json_object"} if "json_object" in forms else None
    dialect = profile.strict_dialect or profile.dialect
    try:
        schema, strict = translate(dict(output.schema), dialect).schema, True
    except SchemaRefused:
        # The answer is checked here in any case; what cannot be enforced is still told.
        schema, strict = dict(output.schema), False
    return {"type": "json_schema", "json_schema": {"name": output.name, "schema": schema, "strict": strict}}
