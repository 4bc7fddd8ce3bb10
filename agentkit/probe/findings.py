"""What a probe has found out about an endpoint, and the profile that follows from it.

A finding changes a profile only where it shows that the profile is wrong: what is unclear stays as it was.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Literal

from pydantic import JsonValue

from agentkit.chat.profiles import Profile, ResponseFormat, ToolChoice
from agentkit.model import OutputMode, Settings

Verdict = Literal["yes", "no", "partly", "refused", "unclear"]
"""It does · it does something else and says nothing · it does some of it · it answers with an error · this did not show it."""

_WIDTH = 100
"""Characters of code that go on one line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question about an endpoint."""

    name: str
    """What was looked at, as one of `probe.NAMES`."""
    verdict: Verdict
    detail: str
    """What was seen, for people."""
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    """The same for programs."""


def profile_from(findings: Sequence[Finding], base: Profile) -> Profile:
    """The profile of an endpoint, which is the base itself where nothing found speaks against it.

    Args:
        findings: What was found.
        base: What was known before: the table's profile for the address, or `UNKNOWN`.
    """
    found = {finding.name: finding for finding in findings}
    formats, mode = _answers(found, base)
    changed = replace(
        base,
        formats=formats,
        output_mode=mode,
        max_tokens=_max_tokens(found, base),
        always_streams=base.always_streams or (_refused(found, "whole") and _works(found, "stream")),
        stream_usage=base.stream_usage and not _fact(found, "stream_usage", "refused"),
        tags=_tags(found, base),
        reasoning=_reasoning(found, base),
        reasoning_required=_reasoning_required(found, base),
        tool_choices=_tool_choices(found, base),
        forces_thinking=base.forces_thinking and not _only_thoughtless(found),
    )
    if changed == base:
        return base
    return replace(changed, name=f"{base.name}_probed", source="", hosts="", models="")


_Found = Mapping[str, Finding]


def _works(found: _Found, name: str) -> bool:
    return name in found and found[name].verdict in {"yes", "partly"}


def _fails(found: _Found, name: str) -> bool:
    return name in found and found[name].verdict in {"no", "refused"}


def _refused(found: _Found, name: str) -> bool:
    return name in found and found[name].verdict == "refused"


def _fact(found: _Found, name: str, key: str) -> JsonValue:
    return found[name].facts.get(key) if name in found else None


def _max_tokens(found: _Found, base: Profile) -> Literal["max_tokens", "max_completion_tokens"]:
    own, other = _works(found, "max_tokens"), _works(found, "max_completion_tokens")
    if own == other:
        return base.max_tokens
    return "max_tokens" if own else "max_completion_tokens"


def _tags(found: _Found, base: Profile) -> Literal["", "open", "prefilled"]:
    for name in ("reasoning", "stream_reasoning"):
        match _fact(found, name, "tags"):
            case "open":
                return "open"
            case "prefilled":
                return "prefilled"
    return base.tags


def _reasoning(found: _Found, base: Profile) -> Literal["return", "drop"]:
    if _works(found, "reasoning_returned"):
        return "return"
    # What is made of reasoning under a key that was only guessed says nothing of the right one.
    seen = _fact(found, "reasoning_returned", "seen") is True
    return "drop" if seen and _fails(found, "reasoning_returned") else base.reasoning


def _reasoning_required(found: _Found, base: Profile) -> str:
    key = _fact(found, "reasoning_returned", "field")
    needed = _fails(found, "reasoning_left_out") and _works(found, "reasoning_returned")
    return key if needed and isinstance(key, str) and key else base.reasoning_required


def _tool_choices(found: _Found, base: Profile) -> frozenset[ToolChoice]:
    choices: tuple[ToolChoice, ...] = ("none", "required", "named")
    work: set[ToolChoice] = {choice for choice in choices if _works(found, f"tool_choice_{choice}")}
    fail = {choice for choice in choices if _fails(found, f"tool_choice_{choice}")}
    return frozenset((base.tool_choices | work) - fail)


def _only_thoughtless(found: _Found) -> bool:
    names = ("tool_choice_required", "tool_choice_named")
    return any(_fact(found, name, "thinking") == "disabled" for name in names)


def _answers(found: _Found, base: Profile) -> tuple[frozenset[ResponseFormat], OutputMode]:
    forms: tuple[ResponseFormat, ...] = ("json_schema", "json_object")
    work: set[ResponseFormat] = {form for form in forms if form in found and found[form].verdict == "yes"}
    fail = {form for form in forms if _fails(found, form) or (form in found and found[form].verdict == "partly")}
    formats, mode = frozenset((base.formats | work) - fail), base.output_mode
    if _works(found, "json_schema_with_tools"):
        # Whoever is careful all the same is not contradicted.
        mode = mode if mode == "json_schema_alone" else "json_schema"
    elif "json_schema" in work and _fails(found, "json_schema_with_tools"):
        mode = "json_schema_alone"
    elif mode.removesuffix("_alone") in fail:
        mode = "tool"
    return formats, mode


# A profile as code.


def as_code(value: object, indent: str = "") -> str:
    """A profile, or a value in one, as Python text: `eval` makes an equal one of it.

    Args:
        value: The profile.
        indent: The white space that the lines after the first begin with.
    """
    match value:
        case Profile() | Settings():
            given = [(each.name, getattr(value, each.name)) for each in fields(value)]
            defaults = {each.name: _default(each) for each in fields(value)}
            parts = [f"{name}={as_code(own, indent + '    ')}" for name, own in given if own != defaults[name]]
            return _call(type(value).__name__, parts, indent)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case frozenset():
            listed = ", ".join(sorted(map(as_code, value)))
            return f"frozenset({{{listed}}})" if listed else "frozenset()"
        case Mapping():
            return f"{{{', '.join(f'{as_code(key)}: {as_code(own)}' for key, own in value.items())}}}"
        case list():
            return f"[{', '.join(map(as_code, value))}]"
        case _:
            return repr(value)


def _default(each: "Field[object]") -> object:
    return each.default_factory() if each.default_factory is not MISSING else each.default


def _call(name: str, parts: Sequence[str], indent: str) -> str:
    line = f"{name}({', '.join(parts)})"
    if len(indent) + len(line) <= _WIDTH and "\n" not in line:
        return line
    inside = "".join(f"{indent}    {part},\n" for part in parts)
    return f"{name}(\n{inside}{indent})"
