"""The raw text of a tool call's arguments, read as an object.

Almost-JSON is mended only where nothing can be missing, and whoever reads the result is told what was mended.  A text
that was cut is never completed, and nothing here evaluates Python.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Literal, NoReturn

from pydantic import JsonValue

from agentkit.secrets import scrub

Fault = Literal["truncated", "invalid_json", "not_object"]
Repair = Literal[
    "code_fence",
    "double_encoded",
    "python_literals",
    "trailing_comma",
    "control_characters",
    "lone_surrogate",
]

DEEPEST = 100
"""Levels of nesting that are read; whatever handles the value later may recurse that far without care."""

_SPACE = " \t\n\r"
_QUOTED = 40
_SCRUBBED = 400


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call's arguments say."""

    value: dict[str, JsonValue]
    repair: str | None = None
    """What was mended, as a `Repair` or several joined by "+"; None when the text was plain JSON."""


class ArgumentsUnreadable(ValueError):
    """The text is no JSON object; the message says what is wrong in words meant for the model.

    Attributes:
        kind: "truncated", "invalid_json" or "not_object".
        position: Index in the raw text at which reading failed, where it is known.
    """

    def __init__(self, message: str, *, kind: Fault, position: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.position = position


def read_arguments(raw: str) -> Arguments:
    """The object that a call's arguments stand for.

    Raises:
        ArgumentsUnreadable: The text is cut, is no JSON, or is JSON of something else than an object.
    """
    if raw.strip() in {"", "null"}:
        return Arguments({})
    value, repairs = _read(raw)
    if isinstance(value, str) and value.lstrip(_SPACE).startswith("{"):
        value, inner = _read(value)
        repairs = (*repairs, "double_encoded", *inner)
    if raw.count("{") + raw.count("[") > DEEPEST and is_deeper(value, DEEPEST):
        raise ArgumentsUnreadable(_TOO_DEEP, kind="invalid_json")
    if not isinstance(value, dict):
        raise ArgumentsUnreadable(_not_an_object(value), kind="not_object", position=0)
    if _HALF.search(raw):
        whole = {_mend_text(key): _mend_surrogates(item) for key, item in value.items()}
        repairs = repairs if whole == value else (*repairs, "lone_surrogate")
        value = whole
    return Arguments(value, "+".join(dict.fromkeys(repairs)) or None)


def sendable(raw: str) -> str:
    """The text that may go back to a server in the history, which is always a JSON object.

    Several servers refuse every later request when one old call does not parse.
    """
    try:
        arguments = read_arguments(raw)
    except ArgumentsUnreadable:
        return "{}"
    if arguments.repair is None and raw.strip() not in {"", "null"}:
        return raw
    return json.dumps(arguments.value, ensure_ascii=False)


def canonical(raw: str) -> str:
    """A text that is the same for all arguments that say the same; what cannot be read stands for itself."""
    try:
        value = read_arguments(raw).value
    except ArgumentsUnreadable:
        return raw
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _read(raw: str) -> tuple[JsonValue, tuple[Repair, ...]]:
    """The value a text stands for, and what had to be mended."""
    try:
        return _decode(raw, _STRICT), ()
    except JSONDecodeError as error:
        return _read_mended(raw, error)


def _read_mended(raw: str, error: JSONDecodeError) -> tuple[JsonValue, tuple[Repair, ...]]:
    """The value of a text that is no JSON as it stands; `error` is where its plain reading failed."""
    text, closed = _unfence(raw)
    repairs: list[Repair] = [] if text is raw else ["code_fence"]
    for repair, mend in _MENDERS:
        mended = mend(text)
        if mended != text:
            repairs.append(repair)
            text = mended
    if not closed:
        _refuse_cut(raw)
    try:
        return _decode(text, _STRICT), tuple(repairs)
    except JSONDecodeError:
        repairs.append("control_characters")
    try:
        return _decode(text, _LENIENT), tuple(repairs)
    except JSONDecodeError as last:
        if _is_cut(last):
            _refuse_cut(raw)
        raise ArgumentsUnreadable(_not_json(raw, error), kind="invalid_json", position=error.pos) from error


def _decode(text: str, decoder: json.JSONDecoder) -> JsonValue:
    """The value of a JSON text; a fault of its grammar stays a `JSONDecodeError`."""
    try:
        value: JsonValue = decoder.decode(text.strip(_SPACE))
    except JSONDecodeError as error:
        start = len(text) - len(text.lstrip(_SPACE))
        raise JSONDecodeError(error.msg, text.rstrip(_SPACE), error.pos + start) from error
    except RecursionError:
        raise ArgumentsUnreadable(_TOO_DEEP, kind="invalid_json") from None
    except ArgumentsUnreadable:
        raise
    except ValueError as error:
        # Python refuses to read integers of thousands of digits.
        message = "The arguments are not valid JSON: a number has too many digits."
        raise ArgumentsUnreadable(message, kind="invalid_json") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    message = f"The arguments are not valid JSON: {name} is not a JSON value. Use null or a string instead."
    raise ArgumentsUnreadable(message, kind="invalid_json")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        message = f"The arguments cannot be read: the number {digits[:_QUOTED]} is too large."
        raise ArgumentsUnreadable(message, kind="invalid_json")
    return number


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_LENIENT = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, strict=False)


# Mending. Each of these changes only what no JSON text contains, so a change is a repair.


def _unfence(raw: str) -> tuple[str, bool]:
    """The text inside a Markdown fence, and whether the fence was closed; `raw` itself when there is none."""
    text = raw.strip()
    if not text.startswith("```"):
        return raw, True
    closed = text.endswith("```") and len(text) > len("``````")
    inside = text[3:-3] if closed else text[3:]
    return re.sub(r"\A[\w+-]*", "", inside), closed


_PYTHON = re.compile(
    r"""
      "(?:[^"\\]|\\.)*+"?
    | '(?P<single>(?:[^'\\]|\\.)*+)(?P<close>'?)
    | \b(?P<name>True|False|None)\b
    """,
    re.VERBOSE | re.DOTALL,
)
_NAMES = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(r"""\\x(?P<hex>[0-9a-fA-F]{2})|\\.|" """.strip(), re.DOTALL)


def _from_python(text: str) -> str:
    """The JSON of a Python literal: its quotes and its three names, and nothing else."""

    def reword(match: re.Match[str]) -> str:
        if match["name"]:
            return _NAMES[match["name"]]
        if match["single"] is None:
            return match[0]
        return '"' + _ESCAPE.sub(requote, match["single"]) + ('"' if match["close"] else "")

    def requote(match: re.Match[str]) -> str:
        if match["hex"]:
            return f"\\u00{match['hex']}"
        return {'"': '\\"', "\\'": "'"}.get(match[0], match[0])

    return _PYTHON.sub(reword, text)


_COMMA = re.compile(r'"(?:[^"\\]|\\.)*+"?|(?<=[\]}"\w])\s*,(?=\s*[}\]])', re.DOTALL)


def _without_trailing_commas(text: str) -> str:
    return _COMMA.sub(lambda match: match[0] if match[0].startswith('"') else "", text)


_MENDERS: tuple[tuple[Repair, Callable[[str], str]], ...] = (
    ("python_literals", _from_python),
    ("trailing_comma", _without_trailing_commas),
)

_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def _mend_surrogates(value: JsonValue) -> JsonValue:
    """The same value with U+FFFD for each half of a character, which no encoder would take."""
    if isinstance(value, str):
        return _mend_text(value)
    if isinstance(value, list):
        return [_mend_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_mend_text(key): _mend_surrogates(item) for key, item in value.items()}
    return value


def _mend_text(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# Refusing, in words meant for the model.

_TOO_DEEP = f"The arguments cannot be read: they are nested more than {DEEPEST} levels deep."


def is_deeper(value: JsonValue, levels: int) -> bool:
    """Whether a value is nested deeper than so many levels; walked without recursion, as it may be deeper than the stack."""
    level = [value]
    for _ in range(levels):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_PART = re.compile(r"-?|t|tr|tru|f|fa|fal|fals|n|nu|nul|(?<=\d)\.|(?<=\d)[eE][+-]?|\\?u?[0-9a-fA-F]{0,4}")


def _is_cut(error: JSONDecodeError) -> bool:
    """Whether a text failed only because it ended: what is left unread is the start of a token."""
    if error.msg.startswith("Unterminated"):
        return True
    return error.msg != "Extra data" and _PART.fullmatch(error.doc, error.pos) is not None


def _refuse_cut(raw: str) -> NoReturn:
    text = raw.rstrip()
    tail = scrub(text[-_SCRUBBED:])[-_QUOTED:]
    message = f"The arguments break off after {tail!r}. Send the whole JSON object again, shorter if need be."
    raise ArgumentsUnreadable(message, kind="truncated", position=len(text))


def _not_json(raw: str, error: JSONDecodeError) -> str:
    reason = {"Extra data": "more text follows the value"}.get(error.msg, error.msg[:1].lower() + error.msg[1:])
    # More than what is shown is scrubbed, so that no key is cut into something that does not look like one.
    before = scrub(raw[max(error.pos - _SCRUBBED, 0) : error.pos])
    after = scrub(raw[error.pos : error.pos + _SCRUBBED])
    near = before[-_QUOTED // 2 :] + after[: _QUOTED // 2]
    return f"The arguments are not valid JSON: {reason}, at character {error.pos}, near {near!r}. Send one JSON object."


def _not_an_object(value: JsonValue) -> str:
    kind = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    text = scrub(json.dumps(value)[:_SCRUBBED])[:_QUOTED]
    return f'The arguments must be one JSON object, such as {{"name": "value"}}, not {kind.get(type(value), "null")}: {text}'
