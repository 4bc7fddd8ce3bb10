"""What a provider's dialect makes of a JSON Schema: data in, data out, and a list of what was lost on the way.

A constraint that a dialect has no keyword for is said in the description instead.  What cannot be said at all is
refused here, with its path, before a provider refuses the whole request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import JsonValue

from agentkit.errors import SchemaRefused
from agentkit.schema.sizes import check_size
from agentkit.schema.translation import Rules, Translation
from agentkit.schema.unions import accepts_null, branch_for, recursive_definitions
from agentkit.schema.wording import Node, Schema, branches_of, properties_of, required_of, resolve, words

Dialect = Literal["plain", "openai_strict", "common", "moonshot", "deepseek_strict", "inline"]
"""plain: as it is.  inline: without references but those of types that contain themselves.  common: what every provider takes.  The others: what one takes."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A schema in a dialect."""

    schema: Schema
    lost: tuple[str, ...] = ()
    """A sentence for each thing dropped or changed, with its path."""


_OPENAI_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})

_RULES: Mapping[str, Rules] = {
    "common": Rules(frozenset()),
    "moonshot": Rules(frozenset({"pattern", "minLength", "maxLength", "default"}), references="recursive"),
    "openai_strict": Rules(
        _NUMBERS | {"pattern", "minItems", "maxItems"}, _OPENAI_FORMATS, references="keep", strict=True
    ),
    "deepseek_strict": Rules(
        frozenset({"pattern"}), frozenset({"email", "hostname", "ipv4", "ipv6", "uuid"}), strict=True
    ),
}


def translate(schema: Mapping[str, JsonValue], dialect: str) -> Translated:
    """A schema in a dialect; the one given stays as it is.

    Raises:
        SchemaRefused: The dialect has no way to say it; the message names the path.
    """
    if dialect not in get_args(Dialect):
        raise SchemaRefused(f"there is no schema dialect {dialect!r}; there are {', '.join(get_args(Dialect))}")
    try:
        return _translated(_root(schema), dialect)
    except RecursionError as error:
        raise SchemaRefused("the root: it is nested too deeply, or a part of it is defined by itself") from error


def _translated(root: Schema, dialect: str) -> Translated:
    if dialect == "plain":
        return Translated(root)
    if dialect == "inline":
        return _inlined(root)
    work = Translation(root, _RULES[dialect])
    made = work.root()
    if dialect == "openai_strict":
        check_size(made)
    return Translated(made, tuple(work.lost))


def drop_nulls(arguments: Mapping[str, JsonValue], schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Arguments without the nulls that stand for leaving something out: a strict dialect has no other way to do so.

    Args:
        arguments: What the model sent.
        schema: The original schema; null stays where it accepts null, and where a value is required.
    """
    dropped = _drop(dict(arguments), schema, schema)
    assert isinstance(dropped, dict)
    return dropped


def _drop(value: JsonValue, node: Node, root: Node) -> JsonValue:
    node = branch_for(value, node, root)
    if isinstance(value, list):
        items = node.get("items")
        return [_drop(item, items, root) for item in value] if isinstance(items, dict) else value
    if not isinstance(value, dict):
        return value
    properties, required = properties_of(node), required_of(node)
    rest = node.get("additionalProperties")
    other: Node = rest if isinstance(rest, dict) else {}
    return {
        name: _drop(item, properties.get(name, other), root)
        for name, item in value.items()
        if item is not None or name not in properties or name in required or accepts_null(properties[name], root)
    }


def _root(schema: Mapping[str, JsonValue]) -> Schema:
    """The root as an object, with its definitions in one place."""
    root = dict(resolve(schema, schema))
    if isinstance(old := root.pop("definitions", None), dict):
        known = root.get("$defs")
        root = {**root, "$defs": {**old, **(known if isinstance(known, dict) else {})}}
        moved = _renamed(root)
        assert isinstance(moved, dict)
        root = moved
    if root.get("type", "object") != "object" or branches_of(root):
        raise SchemaRefused(f"the root of a schema must be an object, and this is {words(root, root)}; wrap it in one")
    return {**root, "type": "object", "properties": root.get("properties") or {}}


def _renamed(node: JsonValue) -> JsonValue:
    """References to `#/definitions/…` as references to `#/$defs/…`."""
    if isinstance(node, list):
        return [_renamed(each) for each in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _renamed(each) for key, each in node.items()}
    if isinstance(name := node.get("$ref"), str):
        renamed["$ref"] = name.replace("#/definitions/", "#/$defs/", 1)
    return renamed


def _inlined(root: Schema) -> Translated:
    recursive = sorted(recursive_definitions(root))
    work = _Inlining(root, frozenset(f"#/$defs/{name}" for name in recursive) | {"#"})
    made = work.node(root)
    if not recursive:
        return Translated(made)
    kept: Schema = {name: work.node(resolve({"$ref": f"#/$defs/{name}"}, root)) for name in recursive}
    return Translated(
        {**made, "$defs": kept}, tuple(f"{name}: contains itself, and stays a reference" for name in recursive)
    )


@dataclass(frozen=True, slots=True)
class _Inlining:
    """A schema without references but some, and otherwise as it was."""

    whole: Node
    kept: frozenset[str]

    def node(self, node: Node) -> Schema:
        name = node.get("$ref")
        if isinstance(name, str) and name not in self.kept:
            return self.node(resolve(node, self.whole))
        made: Schema = {}
        for keyword, item in node.items():
            if keyword in {"properties", "patternProperties"} and isinstance(item, dict):
                made[keyword] = {name: self._any(each) for name, each in item.items()}
            elif keyword == "discriminator" and isinstance(item, dict):
                # Its mapping points at definitions, which are gone.
                made[keyword] = {key: each for key, each in item.items() if key != "mapping"}
            elif keyword in {"enum", "const", "default", "examples"}:
                made[keyword] = item
            elif keyword != "$defs":
                made[keyword] = self._any(item)
        return made

    def _any(self, item: JsonValue) -> JsonValue:
        if isinstance(item, list):
            return [self._any(each) for each in item]
        return self.node(item) if isinstance(item, dict) else item
