"""Why a value does not fit, in words meant for the model that sent it.

For each place: what came, and what was expected.  Validators' own words are used where a schema has none.
"""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic import JsonValue
from pydantic_core import ErrorDetails

from agentkit.schema.wording import Node, branches_of, properties_of, resolve, words
from agentkit.secrets import scrub

_LINES = 5
_READ = 50
"""Flaws that are looked at; a long list of wrong items has one for each."""
_QUOTED = 60
_BRANCHES = 3

Path = tuple[str | int, ...]

_EXTRA = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_MISSING = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_CHOICE = frozenset({"enum", "literal_error", "union_tag_invalid"})
_SHAPE_ENDINGS = ("_type", "_parsing", "_from_float", "_parsing_size")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a value."""

    path: Path
    """Where, as keys and indices of the value itself."""
    kind: str
    """pydantic's name for it."""
    text: str
    """pydantic's sentence."""
    value: object
    branch: tuple[Path, str] | None = None
    """For a union: where it is, and the alternative that was tried."""


def explain(errors: Iterable[ErrorDetails], value: JsonValue, schema: Node) -> str:
    """What is wrong, a line for each place."""
    flaws = _without_lost_branches([_flaw(error, value) for error in islice(errors, _READ)])
    lines = list(dict.fromkeys(_line(flaw, value, schema) for flaw in flaws))
    if len(lines) > _LINES:
        lines[_LINES:] = [f"…and {len(lines) - _LINES} more like these."]
    return "\n".join(lines)


def _flaw(error: ErrorDetails, value: object) -> Flaw:
    """An error whose place is told by the value: the names pydantic gives to a union's alternatives are no keys."""
    path: list[str | int] = []
    branch: tuple[Path, str] | None = None
    here = value
    last = len(error["loc"]) - 1
    for index, step in enumerate(error["loc"]):
        if _holds(here, step):
            here = here[step]  # type: ignore[index]  # `_holds` has looked
            path.append(step)
        elif index == last and error["type"] in _MISSING:
            path.append(step)
        elif branch is None and step != "[key]":
            branch = (tuple(path), str(step))
    return Flaw(tuple(path), error["type"], error["msg"], error["input"], branch)


def _holds(value: object, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _without_lost_branches(flaws: list[Flaw]) -> list[Flaw]:
    """The flaws of the alternative that was meant, where one went deeper than the others; one flaw where none did."""
    kept: list[Flaw] = []
    for flaw in flaws:
        rivals = [each for each in flaws if each.branch and flaw.branch and each.branch[0] == flaw.branch[0]]
        names = {each.branch[1] for each in rivals if each.branch}
        if flaw.branch is None or len(names) == 1:
            kept.append(flaw)
            continue
        deep = {each.branch[1] for each in rivals if each.branch and len(each.path) > len(each.branch[0])}
        if len(deep) == 1 and flaw.branch[1] in deep:
            kept.append(flaw)
        elif len(deep) != 1 and flaw is rivals[0]:
            kept.append(_one_for_all(flaw, rivals))
    return kept


def _one_for_all(flaw: Flaw, rivals: Sequence[Flaw]) -> Flaw:
    assert flaw.branch is not None
    anchor = flaw.branch[0]
    tried: dict[str, list[str]] = {}
    for each in rivals:
        if each.branch and len(each.path) > len(anchor):
            name = _dotted(each.path[len(anchor) :])
            text = f"{name} is missing" if each.kind in _MISSING else f"{name}: {_plain(each.text)}"
            tried.setdefault(each.branch[1], []).append(text)
    text = "; ".join(f"as {name}: {', '.join(texts)}" for name, texts in list(tried.items())[:_BRANCHES])
    return Flaw(anchor, "union" if text else "union_type", f"it fits no alternative ({text})", None, (anchor, "*"))


def _line(flaw: Flaw, value: JsonValue, schema: Node) -> str:
    where = _dotted(flaw.path)
    node = node_at(schema, flaw.path)
    if flaw.kind in _MISSING:
        return f"{where} is missing: expected {words(node, schema)}."
    if flaw.kind in _EXTRA:
        return _unknown(flaw.path, schema)
    here = _value_at(value, flaw.path)
    came = f"{where[:1].upper()}{where[1:]} is" if not flaw.path else f"{where} is"
    came = f"{came} {_quote(flaw.path, here)}"
    if flaw.kind in _CHOICE:
        return f"{came}: expected {words(node, schema)}.{_nearest(here, node, schema)}"
    if flaw.kind.endswith(_SHAPE_ENDINGS) and node:
        return f"{came}: expected {words(node, schema)}."
    return f"{came}: {_plain(flaw.text)}." if flaw.path else _sentence(_plain(flaw.text))


def _unknown(path: Path, schema: Node) -> str:
    key = str(path[-1])
    inside = f"{_dotted(path[:-1])} has no field" if len(path) > 1 else "There is no argument"
    owners = _alternatives(node_at(schema, path[:-1]), schema)
    names = list(dict.fromkeys(name for owner in owners for name in properties_of(owner)))
    near = difflib.get_close_matches(key.lower(), names, n=1)
    if near:
        return f"{inside} {key[:_QUOTED]!r}: did you mean {near[0]!r}?"
    known = f"it takes {', '.join(repr(name) for name in names)}" if names else "it takes none"
    return f"{inside} {key[:_QUOTED]!r}: {known}."


def _nearest(value: object, node: Node, schema: Node) -> str:
    """The valid value that is spelled most like the one that came."""
    if not isinstance(value, str):
        return ""
    choices = {text.lower(): text for text in _choices(node, schema)}
    near = difflib.get_close_matches(value.lower(), choices, n=1)
    return f" Did you mean {json.dumps(choices[near[0]], ensure_ascii=False)}?" if near else ""


def _choices(node: Node, schema: Node) -> list[str]:
    node = resolve(node, schema)
    values = node.get("enum", [node["const"]] if "const" in node else [])
    own = [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
    return own + [text for branch in branches_of(node) for text in _choices(branch, schema)]


def node_at(schema: Node, path: Path) -> Node:
    """The part of a schema that a place in a value must fit; empty where the schema says nothing."""
    node = resolve(schema, schema)
    for step in path:
        node = next((found for each in _alternatives(node, schema) if (found := _child(each, step)) is not None), {})
        if not node:
            return {}
    return resolve(node, schema)


def _alternatives(node: Node, schema: Node) -> Iterable[Node]:
    node = resolve(node, schema)
    yield node
    for branch in branches_of(node):
        yield from _alternatives(branch, schema)


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(step, str):
        found = properties_of(node).get(step, node.get("additionalProperties"))
    else:
        prefix = node.get("prefixItems")
        found = prefix[step] if isinstance(prefix, list) and step < len(prefix) else node.get("items")
    return found if isinstance(found, dict) else None


def _value_at(value: object, path: Path) -> object:
    for step in path:
        value = value[step] if _holds(value, step) else None  # type: ignore[index]  # `_holds` has looked
    return value


def _dotted(path: Path) -> str:
    """A place as it would be written in code: `customer.tags[0]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the value"


def _quote(path: Path, value: object) -> str:
    """A value as JSON, cut to a readable length, and hidden where it looks like a secret or its name says so."""
    text = json.dumps(value, ensure_ascii=False)
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    shown = scrub(f'"{name}": {text[: 8 * _QUOTED]}').removeprefix(f'"{name}": ')
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}…"


_PREFIXES: Mapping[str, str] = {
    "Input should": "it should",
    "Value error, ": "",
    "Assertion failed, ": "",
    "Value should": "it should",
}


def _plain(text: str) -> str:
    """A validator's sentence, fit to stand after a colon."""
    for prefix, instead in _PREFIXES.items():
        if text.startswith(prefix):
            text = instead + text.removeprefix(prefix)
    return scrub(text[:1].lower() + text[1:] if text[1:2].islower() else text).rstrip(".")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")
