"""JSON Schema in plain words, and by example.

For models and people, who mend a value faster from "a date such as "2024-05-31"" than from a schema.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

Node = Mapping[str, JsonValue]
Schema = dict[str, JsonValue]

_LISTED = 20
"""Values of an enumeration, or fields of an object, that are named before "and more"."""
_DEEPEST = 8
"""References followed while making an example; a recursive type ends here."""

_NOTHING: Node = {"not": {}}

_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matching the pattern {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "uniqueItems": "no item twice",
    "minProperties": "at least {} entries",
    "maxProperties": "at most {} entries",
    "format": "in the format {}",
    "default": "default {}",
    "const": "exactly {}",
    "enum": "one of {}",
    "examples": "for example {}",
    "contentEncoding": "encoded as {}",
}

_FORMATS = {
    "date": ("a date", "2024-05-31"),
    "date-time": ("a date and time", "2024-05-31T09:30:00Z"),
    "time": ("a time", "09:30:00"),
    "duration": ("a duration", "PT1H30M"),
    "uuid": ("a UUID", "123e4567-e89b-42d3-a456-426614174000"),
    "uuid4": ("a UUID", "123e4567-e89b-42d3-a456-426614174000"),
    "email": ("an email address", "someone@example.com"),
    "uri": ("a URL", "https://example.com/"),
    "hostname": ("a host name", "example.com"),
    "ipv4": ("an IPv4 address", "192.0.2.1"),
    "ipv6": ("an IPv6 address", "2001:db8::1"),
    "path": ("a file path", "notes.txt"),
    "file-path": ("the path of a file", "notes.txt"),
    "directory-path": ("the path of a directory", "notes"),
    "regex": ("a regular expression", "^[a-z]+$"),
}

_KINDS = {
    "string": ("a string", "strings"),
    "integer": ("an integer", "integers"),
    "number": ("a number", "numbers"),
    "boolean": ("true or false", "booleans"),
    "array": ("a list", "lists"),
    "object": ("an object", "objects"),
    "null": ("null", "nulls"),
}


def limit(keyword: str, value: JsonValue) -> str | None:
    """A constraint in words, such as "at least 3 characters"; None for a keyword that constrains nothing."""
    if keyword not in _LIMITS or (value is False and keyword == "uniqueItems"):
        return None
    if keyword == "format" and (known := _FORMATS.get(str(value))):
        return f'{known[0]} such as "{known[1]}"'
    listed = isinstance(value, list) and keyword in {"enum", "examples"}
    return _LIMITS[keyword].format(_listed(value) if listed and isinstance(value, list) else _json(value))


def words(node: Node, root: Node) -> str:
    """What a value must be: "an integer, at least 1", "one of "red", "blue""."""
    node = resolve(node, root)
    if "const" in node:
        return _json(node["const"])
    if isinstance(values := node.get("enum"), list):
        return f"one of {_listed(values)}"
    if branches := branches_of(node):
        return " or ".join(dict.fromkeys(words(branch, root) for branch in branches))
    kind = node.get("type")
    if isinstance(kind, list):
        return " or ".join(dict.fromkeys(words({**node, "type": each}, root) for each in kind))
    return {"array": _list_words, "object": _object_words}.get(str(kind), _scalar_words)(node, root)


def _scalar_words(node: Node, _: Node) -> str:
    known = _FORMATS.get(str(node.get("format"))) if node.get("type") == "string" else None
    kind = _KINDS.get(str(node.get("type")), ("any JSON value", ""))[0]
    first = f'{known[0]} such as "{known[1]}"' if known else kind
    return ", ".join([first, *_limits(node, skip={"format", "default", "examples"})])


def _limits(node: Node, skip: set[str]) -> Iterator[str]:
    for keyword, value in node.items():
        if keyword not in skip and (text := limit(keyword, value)):
            yield text


def _list_words(node: Node, root: Node) -> str:
    items = node.get("items")
    kind = resolve(items, root).get("type") if isinstance(items, dict) else None
    first = "a list"
    if isinstance(items, dict) and (isinstance(kind, str) and not {"enum", "format"} & resolve(items, root).keys()):
        first = f"a list of {_KINDS[kind][1]}"
    elif isinstance(items, dict) and items:
        first = f"a list, each item {words(items, root)}"
    return ", ".join([first, *_limits(node, skip={"default", "examples"})])


def _object_words(node: Node, root: Node) -> str:
    properties = properties_of(node)
    if not properties:
        return "an object"
    required = required_of(node)
    shown = [
        f"{name} ({_kind(item, root)}{'' if name in required else ', optional'})" for name, item in properties.items()
    ]
    return f"an object with {', '.join(shown[:_LISTED])}{', and more' if len(shown) > _LISTED else ''}"


def _kind(node: Node, root: Node) -> str:
    """A value's kind in one word, so that objects within objects stay readable."""
    node = resolve(node, root)
    if branches := branches_of(node):
        return " or ".join(dict.fromkeys(_kind(branch, root) for branch in branches))
    return str(node.get("type", "any"))


def summary(parameters: Node) -> str:
    """The parameters of a tool, one line each."""
    required = required_of(parameters)
    lines = []
    for name, node in properties_of(parameters).items():
        text = str(node.get("description", "")).partition("\n")[0]
        need = "required" if name in required else "optional"
        lines.append(f"- {name} ({words(node, parameters)}; {need}){': ' + text if text else ''}")
    return "\n".join(lines) or "- none"


def example(node: Node, root: Node, *, depth: int = 0) -> JsonValue:
    """A small value that fits a schema, as far as its keywords say."""
    node = resolve(node, root)
    for keyword in ("examples", "enum"):
        if isinstance(values := node.get(keyword), list) and values:
            return values[0]
    if "const" in node:
        return node["const"]
    if branches := branches_of(node):
        return _example_of_branches(branches, root, depth)
    kind = node.get("type")
    if kind == "object":
        return example_of_object(node, root, required_of(node), depth=depth)
    return _example_of_array(node, root, depth) if kind == "array" else _example_of_scalar(node)


def _example_of_scalar(node: Node) -> JsonValue:
    match node.get("type"):
        case "integer" | "number":
            return _example_of_number(node)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _example_of_string(node)


def example_of_object(node: Node, root: Node, names: Sequence[str], *, depth: int = 0) -> dict[str, JsonValue]:
    """An object with the properties named, and with nothing else."""
    properties = properties_of(node)
    return {name: example(properties.get(name, {}), root, depth=depth + 1) for name in names if depth < _DEEPEST}


def _example_of_branches(branches: Sequence[Node], root: Node, depth: int) -> JsonValue:
    """The first branch; null where a type could go on forever."""
    if depth >= _DEEPEST - 1 and any(branch.get("type") == "null" for branch in branches):
        return None
    return example(branches[0], root, depth=depth)


def _example_of_array(node: Node, root: Node, depth: int) -> JsonValue:
    prefix = node.get("prefixItems")
    if isinstance(prefix, list):
        return [example(item, root, depth=depth + 1) for item in prefix if isinstance(item, dict)]
    items = node.get("items")
    least = node.get("minItems", 1)
    count = least if isinstance(least, int) and depth else max(least if isinstance(least, int) else 1, 1)
    if depth >= _DEEPEST or not isinstance(items, dict):
        return []
    return [example(items, root, depth=depth + 1)] * (count if depth < _DEEPEST - 1 else 0)


def _example_of_string(node: Node) -> str:
    name = _FORMATS.get(str(node.get("format")))
    text = name[1] if name else "text"
    least, most = node.get("minLength"), node.get("maxLength")
    text = text.ljust(least, "x") if isinstance(least, int) else text
    return text[:most] if isinstance(most, int) else text


def _example_of_number(node: Node) -> int | float:
    """A number within the limits: the lowest, the highest, or 1."""
    step = node.get("multipleOf")
    unit = step if isinstance(step, int | float) else 1
    for keyword, shift in (("minimum", 0), ("exclusiveMinimum", 1), ("maximum", 0), ("exclusiveMaximum", -1)):
        edge = node.get(keyword)
        if isinstance(edge, int | float):
            found = edge + shift * unit
            return -(-found // unit) * unit if unit != 1 and "inimum" in keyword else found
    return unit


def resolve(node: Node, root: Node) -> Node:
    """A node with its references followed; what stands beside a reference wins."""
    seen: set[str] = set()
    while isinstance(name := node.get("$ref"), str) and name not in seen:
        seen.add(name)
        target: JsonValue = dict(root)
        for part in name.removeprefix("#").split("/")[1:]:
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**target, **beside} if isinstance(target, dict) else beside
    if isinstance(parts := node.get("allOf"), list) and len(parts) == 1 and isinstance(parts[0], dict):
        beside = {key: value for key, value in node.items() if key != "allOf"}
        return {**resolve(parts[0], root), **beside}
    return node


def branches_of(node: Node) -> list[Node]:
    """The alternatives of a union, or nothing."""
    found = node.get("anyOf", node.get("oneOf"))
    return [branch for branch in found if isinstance(branch, dict)] if isinstance(found, list) else []


def properties_of(node: Node) -> dict[str, Node]:
    """The properties of an object; `true` and `false` stand for schemas too."""
    found = node.get("properties")
    if not isinstance(found, dict):
        return {}
    return {name: item if isinstance(item, dict) else _NOTHING if item is False else {} for name, item in found.items()}


def required_of(node: Node) -> list[str]:
    """The names an object must have."""
    found = node.get("required")
    return [str(name) for name in found] if isinstance(found, list) else []


def _listed(values: list[JsonValue]) -> str:
    shown = ", ".join(_json(value) for value in values[:_LISTED])
    return f"{shown}, and {len(values) - _LISTED} more" if len(values) > _LISTED else shown


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)
