"""A JSON Schema on its way into a dialect, part by part.

Every part gets a type of its own; what the dialect has no keyword for goes into the description, and into the list of
what was lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from agentkit.errors import SchemaRefused
from agentkit.schema.unions import accepts_null, kinds_of, merge_all, recursive_definitions, split
from agentkit.schema.wording import Node, Schema, limit, properties_of, required_of, resolve, words


@dataclass(frozen=True, slots=True)
class Rules:
    """How a dialect differs from JSON Schema."""

    keywords: frozenset[str]
    """Constraints it takes; the others are said in the description."""
    formats: frozenset[str] = frozenset()
    references: Literal["inline", "recursive", "keep"] = "inline"
    """Which references stay: none, those of recursive types, or all."""
    strict: bool = False
    """Whether all properties are required and no others taken, so that what is optional may be null."""


_STRUCTURE = frozenset(
    {
        "$ref",
        "$defs",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "enum",
        "const",
        "description",
    }
)
_SILENT = frozenset({"title", "$schema", "$id", "$comment", "discriminator", "deprecated", "readOnly", "writeOnly"})
"""Keywords for machines, whose loss no model notices."""

_EMPTY = (("uniqueItems", False), ("default", None))
"""What says nothing: that null is the default is what being optional means."""


@dataclass
class Translation:
    """One schema on its way into a dialect."""

    whole: Schema
    rules: Rules
    lost: list[str] = field(default_factory=list)
    needed: dict[str, JsonValue] = field(default_factory=dict)
    """Definitions that stay, by name."""

    def __post_init__(self) -> None:
        self.recursive = recursive_definitions(self.whole)

    def root(self) -> Schema:
        """The whole schema."""
        made = self.node({key: item for key, item in self.whole.items() if key != "$defs"}, "")
        return {**made, "$defs": self.needed} if self.needed else made

    def node(self, node: JsonValue, path: str) -> Schema:
        """Any part of the schema."""
        if node is False or node == {"not": {}}:
            raise SchemaRefused(f"{shown(path)}: no value fits its schema (false); leave it out")
        if not isinstance(node, dict):
            return self._anything({}, path)
        if isinstance(node.get("$ref"), str):
            return self._reference(node, path)
        node = merge_all(node, self.whole)
        branches = split(node)
        if branches:
            return self._union(node, branches, path)
        kind = kinds_of(node)[0] if kinds_of(node) else None
        match kind:
            case None:
                return self._anything(node, path)
            case "object":
                made = self._object(node, path)
            case "array":
                made = {"type": "array", "items": self._items(node, path)}
            case _:
                made = {"type": kind, **self._values(node)}
        return {**made, **self._limits(node, path)}

    def _reference(self, node: Schema, path: str) -> Schema:
        """A reference, kept where the dialect has them; what stands beside one needs a node of its own."""
        name = str(node["$ref"])
        short = name.removeprefix("#/$defs/")
        recursive = short in self.recursive or name == "#"
        if self.rules.references == "inline" and recursive:
            raise contains_itself(path, name)
        if self.rules.references != "keep" and not recursive:
            return self.node(dict(resolve(node, self.whole)), path)
        if short not in self.needed and name != "#":
            self.needed[short] = {}
            self.needed[short] = self.node(dict(resolve({"$ref": name}, self.whole)), short)
        beside = self._limits({key: item for key, item in node.items() if key != "$ref"}, path)
        if not beside:
            return {"$ref": name}
        if self.rules.strict:
            return {"anyOf": [{"$ref": name}], **beside}
        self._lose(path, f"its description {beside.get('description')!r} cannot stand beside a reference")
        return {"$ref": name}

    def _union(self, node: Schema, branches: list[Schema], path: str) -> Schema:
        made: list[JsonValue] = []
        for branch in branches:
            found = self.node(branch, path)
            inner = found.get("anyOf")
            made += [
                each for each in (inner if isinstance(inner, list) and len(found) == 1 else [found]) if each not in made
            ]
        beside = {key: item for key, item in node.items() if key in {"description", "default", "examples", "title"}}
        only = made[0]
        if len(made) == 1 and isinstance(only, dict) and "$ref" not in only:
            return {**only, **self._limits(beside, path)}
        return {"anyOf": made, **self._limits(beside, path)}

    def _object(self, node: Schema, path: str) -> Schema:
        properties, required = properties_of(node), required_of(node)
        rest = node.get("additionalProperties")
        if not self.rules.strict:
            made = {name: self.node(dict(item), f"{path}.{name}") for name, item in properties.items()}
            closed: JsonValue = (
                self.node(rest, f"{path}.*")
                if isinstance(rest, dict) and rest
                else rest is True or isinstance(rest, dict)
            )
            need: list[JsonValue] = [name for name in required if name in properties]
            if not properties and rest is None and path:
                closed = True
            return {"type": "object", "properties": {**made}, "required": need, "additionalProperties": closed}
        if isinstance(rest, dict) or (not properties and rest is not False and path):
            raise SchemaRefused(
                f"{shown(path)}: strict mode has no objects with free keys; use a list of objects with a key and a value"
            )
        if rest is True:
            self._lose(path, "takes no keys but those named")
        made = {
            name: self._required(item, f"{path}.{name}", optional=name not in required)
            for name, item in properties.items()
        }
        return {"type": "object", "properties": {**made}, "required": [*made], "additionalProperties": False}

    def _required(self, item: Node, path: str, *, optional: bool) -> Schema:
        """A property that must be there: one that was optional may be null instead."""
        made = self.node(dict(item), path)
        if not optional or accepts_null(item, self.whole):
            return made
        self._lose(path, "is required, and null stands for leaving it out")
        beside = {"description": made["description"]} if "description" in made else {}
        bare = {key: each for key, each in made.items() if key != "description"}
        inner = bare["anyOf"] if isinstance(bare.get("anyOf"), list) else [bare]
        assert isinstance(inner, list)
        return {"anyOf": [*inner, {"type": "null"}], **beside}

    def _items(self, node: Schema, path: str) -> Schema:
        prefix = node.get("prefixItems")
        if not isinstance(prefix, list):
            return self.node(node.get("items", {}), f"{path}[]")
        made: list[JsonValue] = []
        for index, each in enumerate(prefix):
            found = self.node(each, f"{path}[{index}]")
            made += [] if found in made else [found]
        return made[0] if len(made) == 1 and isinstance(made[0], dict) else {"anyOf": made}

    def _values(self, node: Schema) -> Schema:
        if "const" in node:
            return {"enum": [node["const"]]}
        return {"enum": node["enum"]} if "enum" in node and node.get("type") != "null" else {}

    def _anything(self, node: Schema, path: str) -> Schema:
        """Any JSON value, for a dialect in which everything has a type."""
        if self.rules.strict:
            raise SchemaRefused(f"{shown(path)}: strict mode needs to know its type; annotate it")
        self._lose(path, "has a type now: text, a number, true or false, null, or an object or a list of these")
        plain: list[JsonValue] = [{"type": kind} for kind in ("string", "number", "boolean", "null")]
        free: Schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": True}
        return {"anyOf": [*plain, free, {"type": "array", "items": {"anyOf": plain}}], **self._limits(node, path)}

    def _limits(self, node: Schema, path: str) -> Schema:
        """The constraints of a node: those the dialect knows as keywords, the others in words."""
        kept: Schema = {}
        said: list[str] = []
        for keyword, item in self._worth_saying(node):
            if (keyword in self.rules.keywords and not _looks_around(keyword, item)) or (
                keyword == "format" and item in self.rules.formats
            ):
                kept[keyword] = item
            else:
                text = limit(keyword, item) or _in_words(keyword, item, self.whole)
                said.append(text)
                self._lose(path, f"{keyword} is said in the description instead ({text})")
        description = _sentences(str(node.get("description") or ""), said)
        return {**kept, "description": description} if description else kept

    def _worth_saying(self, node: Schema) -> Iterator[tuple[str, JsonValue]]:
        for keyword, item in node.items():
            if keyword not in _STRUCTURE | _SILENT | {"anyOf", "oneOf"} and not (
                keyword == "uniqueItems" and item is False
            ):
                yield keyword, item
        if isinstance(prefix := node.get("prefixItems"), list):
            yield "prefixItems", prefix

    def _lose(self, path: str, what: str) -> None:
        self.lost.append(f"{shown(path)}: {what}")


def _in_words(keyword: str, item: JsonValue, root: Node) -> str:
    if keyword == "prefixItems" and isinstance(item, list):
        return f"in this order: {'; '.join(words(each, root) for each in item if isinstance(each, dict))}"
    return f"{keyword}: {str(item)[:200]}"


def _looks_around(keyword: str, item: JsonValue) -> bool:
    return keyword == "pattern" and any(mark in str(item) for mark in ("(?=", "(?!", "(?<=", "(?<!"))


def _sentences(description: str, said: list[str]) -> str:
    if not said:
        return description
    text = ", ".join(said)
    end = "" if not description or description.endswith((".", "!", "?")) else "."
    return f"{description}{end} {text[:1].upper()}{text[1:]}.".strip()


def contains_itself(path: str, name: str) -> SchemaRefused:
    """What is said of a recursive type where there are no references."""
    kind = name.rsplit("/", 1)[-1]
    return SchemaRefused(
        f"{shown(path)}: {kind} contains itself, and this dialect has no references; flatten it into a list of parts"
    )


def shown(path: str) -> str:
    """A place in a schema as it is told."""
    return path.removeprefix(".") or "the root"
