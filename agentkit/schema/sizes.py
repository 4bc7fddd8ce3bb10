"""The sizes up to which OpenAI's endpoint takes a strict schema."""

from collections.abc import Iterator

from agentkit.errors import SchemaRefused
from agentkit.schema.translation import shown
from agentkit.schema.wording import Node, Schema, branches_of, properties_of

_DEEPEST = 10
_MOST_PROPERTIES = 5_000
_MOST_VALUES = 1_000
_MOST_CHARACTERS = 120_000
_LARGE_ENUM = 250
_MOST_CHARACTERS_OF_LARGE_ENUM = 15_000


def check_size(schema: Schema) -> None:
    """Refuse what the endpoint would refuse for its size."""
    names, values, characters = 0, 0, 0
    for node, depth, path in _walk(schema, 1, ""):
        properties = properties_of(node)
        names += len(properties)
        characters += sum(map(len, properties))
        if isinstance(enum := node.get("enum"), list):
            size = sum(len(str(value)) for value in enum)
            values, characters = values + len(enum), characters + size
            if len(enum) > _LARGE_ENUM and size > _MOST_CHARACTERS_OF_LARGE_ENUM:
                raise SchemaRefused(
                    f"{shown(path)}: an enumeration of {len(enum)} values may have {_MOST_CHARACTERS_OF_LARGE_ENUM} characters, not {size}"
                )
        if depth > _DEEPEST:
            raise SchemaRefused(
                f"{shown(path)}: strict mode takes {_DEEPEST} levels of nesting, and this is one more; flatten it"
            )
    for count, most, what in (
        (names, _MOST_PROPERTIES, "properties"),
        (values, _MOST_VALUES, "values in enumerations"),
        (characters, _MOST_CHARACTERS, "characters in names and values"),
    ):
        if count > most:
            raise SchemaRefused(f"the root: strict mode takes {most} {what}, and these are {count}")


def _walk(node: Node, depth: int, path: str) -> Iterator[tuple[Node, int, str]]:
    """Every part of a translated schema, with its depth in objects and lists."""
    yield node, depth, path
    for name, item in properties_of(node).items():
        yield from _walk(item, depth + 1, f"{path}.{name}")
    if isinstance(items := node.get("items"), dict):
        yield from _walk(items, depth + 1, f"{path}[]")
    for branch in branches_of(node):
        yield from _walk(branch, depth, path)
    if isinstance(definitions := node.get("$defs"), dict):
        for name, definition in definitions.items():
            if isinstance(definition, dict):
                yield from _walk(definition, depth, name)
