"""Which kinds of value a JSON Schema takes, and its alternatives one by one."""

from collections.abc import Mapping

from pydantic import JsonValue

from agentkit.schema.wording import Node, Schema, branches_of, properties_of, required_of, resolve

_OF_KIND: Mapping[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"}),
    "object": frozenset(
        {
            "properties",
            "required",
            "additionalProperties",
            "minProperties",
            "maxProperties",
            "patternProperties",
            "propertyNames",
        }
    ),
}
_SHARED = frozenset(
    {"description", "title", "default", "examples", "$defs", "discriminator", "anyOf", "oneOf", "type", "enum", "const"}
)


def kind_of(value: JsonValue) -> str:
    """The type of a JSON value, as JSON Schema calls it."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def kinds_of(node: Node) -> list[str]:
    """The types a node says, or shows by its values or keywords; nothing when it takes any."""
    kind = node.get("type")
    if isinstance(kind, list):
        return [str(each) for each in kind]
    if isinstance(kind, str):
        return [kind]
    if "const" in node:
        return [kind_of(node["const"])]
    if isinstance(values := node.get("enum"), list):
        return list(dict.fromkeys(map(kind_of, values)))
    return [name for name, keywords in _OF_KIND.items() if keywords & node.keys()][:1]


def split(node: Node) -> list[Schema]:
    """The alternatives of a node, each of one type; nothing when it has only one."""
    if branches := branches_of(node):
        return [{**_rest(node), **branch} for branch in branches] if not _only_constrains(node, branches) else []
    values = node.get("enum", [node["const"]] if "const" in node else None)
    said = kinds_of(node)
    kinds = _kinds_of_values(values, said) if isinstance(values, list) else said
    if len(kinds) <= 1 and kinds == said:
        return []
    bare = {key: item for key, item in node.items() if key not in _SHARED}
    return [_of_kind(kind, bare, values) for kind in kinds]


def _kinds_of_values(values: list[JsonValue], said: list[str]) -> list[str]:
    """The types of an enumeration's values; a whole number is also a number where the node says so."""
    found = dict.fromkeys(
        "number" if kind_of(value) == "integer" and "number" in said else kind_of(value) for value in values
    )
    return [kind for kind in found if not said or kind in said] or said


def _of_kind(kind: str, bare: Node, values: JsonValue) -> Schema:
    own = _OF_KIND.get("number" if kind == "integer" else kind, frozenset())
    others = frozenset[str]().union(*_OF_KIND.values()) - own
    made: Schema = {"type": kind, **{key: item for key, item in bare.items() if key not in others}}
    if isinstance(values, list) and kind != "null":
        fitting = {kind, "integer"} if kind == "number" else {kind}
        made["enum"] = [value for value in values if kind_of(value) in fitting]
    return made


def _rest(node: Node) -> Schema:
    """What a union says of all its alternatives."""
    return {key: item for key, item in node.items() if key not in _SHARED - {"type"}}


def _only_constrains(node: Node, branches: list[Node]) -> bool:
    """Whether alternatives only say more of an object that stands beside them, such as which keys go together."""
    shown = {"type", "$ref", "enum", "const", "anyOf", "oneOf", "allOf", "properties", "items"}
    return bool(kinds_of(node)) and not all(shown & branch.keys() for branch in branches)


def merge_all(node: Schema, root: Node) -> Schema:
    """A node with its `allOf` folded in."""
    parts = node.get("allOf")
    if not isinstance(parts, list):
        return node
    merged = {key: item for key, item in node.items() if key != "allOf"}
    for part in parts:
        if isinstance(part, dict):
            merged = _merge(merge_all(dict(resolve(part, root)), root), merged)
    return merged


def _merge(left: Schema, right: Schema) -> Schema:
    """Both at once: what the right says wins, except that objects have the properties of both."""
    merged = {**left, **right}
    if properties := {**properties_of(left), **properties_of(right)}:
        merged["properties"] = {name: dict(item) for name, item in properties.items()}
    if required := [*required_of(left), *required_of(right)]:
        merged["required"] = list(dict.fromkeys(required))
    return merged


def recursive_definitions(root: Node) -> frozenset[str]:
    """Names of the definitions that contain themselves."""
    definitions = root.get("$defs")
    known = definitions if isinstance(definitions, dict) else {}
    direct = {name: _names_in(item) & known.keys() for name, item in known.items()}
    return frozenset(name for name in known if name in _reached(name, direct))


def _reached(start: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(direct[start])
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += direct[name]
    return found


def _names_in(item: JsonValue) -> set[str]:
    if isinstance(item, list):
        return set().union(*map(_names_in, item))
    if not isinstance(item, dict):
        return set()
    own = item.get("$ref")
    inner = set[str]().union(*map(_names_in, item.values()))
    return inner | {own.removeprefix("#/$defs/")} if isinstance(own, str) else inner


def accepts_null(node: Node, root: Node) -> bool:
    """Whether null fits a node."""
    node = resolve(node, root)
    if branches := branches_of(node):
        return any(accepts_null(branch, root) for branch in branches)
    if "const" in node:
        return node["const"] is None
    if isinstance(values := node.get("enum"), list):
        return None in values
    return "null" in kinds_of(node) or "type" not in node


def branch_for(value: JsonValue, node: Node, root: Node) -> Node:
    """The alternative of a node that a value was most likely made for."""
    node = resolve(node, root)
    branches = [branch_for(value, branch, root) for branch in branches_of(node)]
    fitting = [branch for branch in branches if kind_of(value) in kinds_of(branch)]
    return max(fitting, key=lambda branch: _likeness(value, branch, root)) if fitting else node


def _likeness(value: JsonValue, node: Node, root: Node) -> tuple[int, int, int]:
    """How well an object fits: its marks first, then the keys it must have, then those it may have."""
    if not isinstance(value, dict):
        return 0, 0, 0
    properties, required = properties_of(node), required_of(node)
    marks = {
        name: resolve(item, root).get("const") for name, item in properties.items() if "const" in resolve(item, root)
    }
    wrong = sum(1 for name, mark in marks.items() if value.get(name) != mark)
    missing = sum(1 for name in required if value.get(name) is None)
    unknown = sum(1 for name in value if name not in properties)
    return -wrong, -missing, -unknown
