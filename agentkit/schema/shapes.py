"""JSON Schema of Python types, as pydantic makes it, without what only machines read.

No generated titles; class docstrings are read, so that fields get the lines written about them; and a named tuple is an
object, because a model remembers names better than places.
"""

import functools
import json
import types
import typing
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import typing_extensions
from pydantic import JsonValue, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, JsonSchemaWarningKind
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from agentkit.schema.docstrings import read_docstring

T = TypeVar("T")

NEEDS: frozenset[object] = frozenset(
    {typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired}
)
"""What says in a typed dictionary whether a key must be there."""

UTF8 = "Plain text; it is passed on as UTF-8 bytes."
BASE64 = "Bytes, written as base64."


def json_schema(adapter: TypeAdapter[T], mode: JsonSchemaMode = "validation") -> dict[str, JsonValue]:
    """JSON Schema of a type.

    Raises:
        PydanticInvalidForJsonSchema: Part of the type has none.
    """
    schema: dict[str, JsonValue] = adapter.json_schema(schema_generator=_Generator, mode=mode)
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)
    for node in (schema, *definitions.values()):
        if isinstance(node, dict):
            node.pop("title", None)
    return schema


class _Generator(GenerateJsonSchema):
    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """A default that is no JSON is left out, which needs no warning."""

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        found = super().bytes_schema(schema)
        if found.pop("format", "") == "base64url":
            return {**found, "contentEncoding": "base64", "description": BASE64}
        return {**found, "description": UTF8}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _with_docs(schema["cls"], super().model_schema(schema))

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _with_docs(schema["cls"], super().dataclass_schema(schema))

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return _with_docs(schema.get("cls"), super().typed_dict_schema(schema))

    # pydantic 2.14 tells named tuples apart; before, they were positional arguments.

    def named_tuple_schema(self, schema: "core_schema.NamedTupleSchema") -> JsonSchemaValue:
        return self._as_object(schema["fields"], super().named_tuple_schema(schema))

    def p_arguments_schema(
        self, arguments: list[core_schema.ArgumentsParameter], var_args_schema: CoreSchema | None
    ) -> JsonSchemaValue:
        return self._as_object(arguments, super().p_arguments_schema(arguments, var_args_schema))

    def _as_object(self, fields: Iterable[Mapping[str, object]], array: JsonSchemaValue) -> JsonSchemaValue:
        if self.mode == "serialization":
            return array
        properties = {
            str(field["name"]): item for field, item in zip(fields, array.get("prefixItems", ()), strict=True)
        }
        required = list(properties)[: array.get("minItems", 0)]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Plain:
    """A type of which there is only one: what checks it, and its JSON Schema as text."""

    core: CoreSchema
    schema: str


_PLAIN: frozenset[object] = frozenset(
    {str, int, float, bool, type(None), typing.Any, bytes, date, datetime, time, timedelta, Decimal, Path, UUID}
)
_HOLDERS: frozenset[object] = frozenset({list, dict, set, tuple, typing.Union, types.UnionType})


def is_plain(hint: object) -> bool:
    """Whether a type is made of built-in ones alone."""
    if typing.get_origin(hint) is typing.Literal:
        return all(isinstance(value, str | int) and not isinstance(value, Enum) for value in typing.get_args(hint))
    if typing.get_origin(hint) in _HOLDERS:
        return all(part is ... or is_plain(part) for part in typing.get_args(hint))
    return isinstance(hint, Hashable) and hint in _PLAIN


@functools.lru_cache(maxsize=512)
def plain_type(hint: object) -> Plain:
    """What checks a plain type, and its schema; made once, because functions share them."""
    adapter: TypeAdapter[object] = TypeAdapter(hint)  # type: ignore[arg-type]  # the type is a value here
    return Plain(adapter.core_schema, json.dumps(json_schema(adapter)))


def _with_docs(cls: type | None, schema: JsonSchemaValue) -> JsonSchemaValue:
    """A class's schema with its docstring taken apart: the text for the class, the lines for the fields."""
    properties = schema.get("properties", {})
    told = read_docstring(schema.get("description"))
    if not told.arguments and cls is not None:
        told = read_docstring(cls.__doc__ if cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}(") else None)
    words = {name: text for name, hint in _annotations(cls).items() if (text := said(hint))}
    for name, text in {**told.arguments, **words}.items():
        if name in properties and "description" not in properties[name]:
            properties[name] = {**properties[name], "description": text}
    rest = {key: value for key, value in schema.items() if key != "description"}
    return {**rest, "description": told.text} if told.text else rest


def _annotations(cls: type | None) -> Mapping[str, object]:
    """The types of a class's fields; none where they cannot be resolved here, as for classes made in a function."""
    try:
        return typing.get_type_hints(cls, include_extras=True) if cls is not None else {}
    except (NameError, TypeError, AttributeError):
        return {}


def said(hint: object) -> str | None:
    """The words that `Annotated[T, "words"]` says about a type, also inside `… | None`."""
    if typing.get_origin(hint) in NEEDS:
        return said(typing.get_args(hint)[0])
    if typing.get_origin(hint) is typing.Annotated:
        _, *notes = typing.get_args(hint)
        texts = [text for note in notes if (text := _text(note))]
        return texts[-1] if texts else None
    if len(typing.get_args(hint)) == len(("T", "None")) and type(None) in typing.get_args(hint):
        return next((text for part in typing.get_args(hint) if (text := said(part))), None)
    return None


def _text(note: object) -> str | None:
    """The words of a note: a string, `Doc("words")` or `Field(description="words")`."""
    text = note if isinstance(note, str) else getattr(note, "documentation", None) or getattr(note, "description", None)
    return text if isinstance(text, str) else None
