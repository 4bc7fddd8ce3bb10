"""The parameters of a function as the fields of the JSON object that a model sends."""

import collections.abc
import json
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from inspect import Parameter
from typing import Annotated

import typing_extensions
from pydantic import AfterValidator, ConfigDict, JsonValue, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, SchemaError, SchemaValidator, core_schema, to_jsonable_python

from agentkit.errors import ToolDefinitionError
from agentkit.schema.callables import UNKNOWN, describe_type, parts_of_union
from agentkit.schema.shapes import NEEDS, UTF8, Plain, is_plain, json_schema, plain_type, said
from agentkit.schema.wording import Node, properties_of, required_of
from agentkit.secrets import scrub

_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)

UNDESCRIBABLE = (PydanticUserError, SchemaError, TypeError, NameError, AttributeError, RecursionError)
"""What pydantic raises for a type it has no schema for."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter as the model sees it."""

    name: str
    kind: object
    hint: object
    required: bool
    text: str | None
    """What its annotation says of it; wins over everything."""
    told: str
    """What the docstring says of it."""
    default: object = UNKNOWN


@dataclass(frozen=True, slots=True)
class Form:
    """The object that a call's arguments must be."""

    read: Callable[[bytes], dict[str, object]]
    """Values by parameter for a JSON text; raises `ValidationError`."""
    schema: dict[str, JsonValue]


def read_parameter(title: str, parameter: Parameter, hint: object, lines: Mapping[str, str]) -> list[Argument]:
    """The arguments that a parameter is: one, or several for `**kwargs: Unpack[...]`."""
    name, kind, told = parameter.name, parameter.kind, lines.get(parameter.name, "")
    if kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
        return _read_variadic(title, parameter, hint, lines)
    if hint is UNKNOWN:
        hint, told = typing.Any, told or "Any JSON value."
    if isinstance(parameter.default, FieldInfo):
        hint = Annotated[hint, parameter.default]
        return [Argument(name, kind, hint, required=True, text=said(hint), told=told)]
    text, hint = said(hint), _as_json(_without_words(hint))
    if parameter.default is None:
        # `limit: int = None` is wrong, and everybody knows what it means.
        hint = typing.Optional[hint]  # noqa: UP045 - the type is a value here
    required = parameter.default is UNKNOWN
    return [Argument(name, kind, hint, required=required, text=text, told=told, default=parameter.default)]


def _read_variadic(title: str, parameter: Parameter, hint: object, lines: Mapping[str, str]) -> list[Argument]:
    name, kind, told = parameter.name, parameter.kind, lines.get(parameter.name, "")
    stars = "*" if kind is Parameter.VAR_POSITIONAL else "**"
    if hint is UNKNOWN:
        message = (
            f"{title}: {stars}{name} has no type, so a model cannot be told what it takes; annotate it, "
            f"or use functools.wraps if {title} wraps another function"
        )
        raise ToolDefinitionError(message)
    if is_unpacked(hint):
        return _read_unpacked(typing.get_args(hint)[0], lines)
    many = list[hint] if stars == "*" else dict[str, hint]  # type: ignore[valid-type]  # the type is a value here
    return [Argument(name, kind, many, required=False, text=said(hint), told=told)]


def _read_unpacked(fields: type, lines: Mapping[str, str]) -> list[Argument]:
    required: frozenset[str] = getattr(fields, "__required_keys__", frozenset())
    hints = typing_extensions.get_type_hints(fields, include_extras=True)
    bare = {
        name: typing.get_args(hint)[0] if typing.get_origin(hint) in NEEDS else hint for name, hint in hints.items()
    }
    return [
        Argument(
            name, Parameter.KEYWORD_ONLY, hint, required=name in required, text=said(hint), told=lines.get(name, "")
        )
        for name, hint in bare.items()
    ]


def is_unpacked(hint: object) -> bool:
    """Whether `**kwargs` are the keys of a typed dictionary."""
    return typing.get_origin(hint) in (typing.Unpack, typing_extensions.Unpack)


def _without_words(hint: object) -> object:
    """A type without the strings that annotate it, which mean nothing to pydantic."""
    if typing.get_origin(hint) is Annotated:
        bare, *notes = typing.get_args(hint)
        return bare if all(isinstance(note, str) for note in notes) else hint
    return hint


_ITERABLES = frozenset({collections.abc.Iterable, collections.abc.Collection, collections.abc.Iterator})


def _as_json(hint: object) -> object:
    """A type as pydantic can read it from JSON, where its own reading would surprise.

    An iterable is a list, because pydantic would check its items only while the function reads them.  A member of an
    enumeration is its value, because pydantic would take only the member itself.
    """
    if typing.get_origin(hint) is Annotated:
        bare, *notes = typing.get_args(hint)
        return Annotated[(_as_json(bare), *notes)]
    if parts := parts_of_union(hint):
        return typing.Union[tuple(map(_as_json, parts))]  # noqa: UP007 - the type is a value here
    if typing.get_origin(hint) is typing.Literal:
        return _literal(typing.get_args(hint))
    if typing.get_origin(hint) in _ITERABLES:
        return list[typing.get_args(hint)[0]]  # type: ignore[misc]  # the type is a value here
    return list[typing.Any] if hint in _ITERABLES else hint


def _literal(values: tuple[object, ...]) -> object:
    members = {value.value: value for value in values if isinstance(value, Enum)}
    spelled = tuple(value.value if isinstance(value, Enum) else value for value in values)
    plain: object = typing.Literal[spelled]
    return Annotated[plain, AfterValidator(lambda value: members.get(value, value))] if members else plain


def form_of(title: str, arguments: Sequence[Argument]) -> Form:
    """What checks all arguments at once; a default is the function's own affair.

    Raises:
        ToolDefinitionError: An argument's type has no JSON Schema.
    """
    known = [plain_type(each.hint) for each in arguments if is_plain(each.hint)]
    try:
        form = _plain_form(arguments, known) if len(known) == len(arguments) else _form(title, arguments)
    except UNDESCRIBABLE as error:
        raise _no_schema(title, arguments, error) from error
    return Form(form.read, _with_words(form.schema, arguments))


def _form(title: str, arguments: Sequence[Argument]) -> Form:
    fields = {each.name: _field(each) for each in arguments}
    made = typing_extensions.TypedDict(title, fields)  # type: ignore[misc]  # made at run time
    made.__pydantic_config__ = _CONFIG  # type: ignore[attr-defined]  # pydantic's documented place for it
    adapter: TypeAdapter[dict[str, object]] = TypeAdapter(made)  # type: ignore[arg-type]  # as above
    return Form(adapter.validate_json, json_schema(adapter))


def _field(argument: Argument) -> object:
    need = typing_extensions.Required if argument.required else typing_extensions.NotRequired
    return need[argument.hint]


def _plain_form(arguments: Sequence[Argument], known: Sequence[Plain]) -> Form:
    """The same from parts that are made once: most functions take words and numbers, and this is five times as fast."""
    fields = {
        each.name: core_schema.typed_dict_field(plain.core, required=each.required)
        for each, plain in zip(arguments, known, strict=True)
    }
    core = core_schema.typed_dict_schema(
        fields, extra_behavior="forbid", config=core_schema.CoreConfig(allow_inf_nan=False)
    )
    validator = SchemaValidator(core)
    properties = {each.name: json.loads(plain.schema) for each, plain in zip(arguments, known, strict=True)}
    required: list[JsonValue] = [each.name for each in arguments if each.required]
    return Form(validator.validate_json, {"properties": properties, "required": required})


def _no_schema(title: str, arguments: Sequence[Argument], error: Exception) -> ToolDefinitionError:
    """Say which argument it is: pydantic names only the type."""
    for each in arguments:
        try:
            _form(title, [each])
        except UNDESCRIBABLE as reason:
            return ToolDefinitionError(
                f"{title}: argument {each.name!r} has type {describe_type(each.hint)}, which a model cannot send as JSON "
                f"({_first_sentence(reason)}); {_remedy(reason)}"
            )
    return ToolDefinitionError(f"{title}: its arguments have no schema ({_first_sentence(error)})")


def _first_sentence(error: Exception) -> str:
    return re.split(r"\.\s|\n", str(error), maxsplit=1)[0].rstrip(".")


def _remedy(error: Exception) -> str:
    if getattr(error, "code", None) == "typed-dict-version":
        return "import TypedDict from typing_extensions instead of typing"
    return "take a str, int, list, dataclass or pydantic model, and make the object inside the function"


def _with_words(made: Node, arguments: Sequence[Argument]) -> dict[str, JsonValue]:
    """A schema with descriptions and defaults, in the order of reading."""
    # pydantic keeps the order of fields, and calls some by their alias.
    pairs = zip(arguments, properties_of(made).items(), strict=True)
    shown = {key: _property(argument, node) for argument, (key, node) in pairs}
    extra: JsonValue = False
    if arguments and arguments[-1].kind is Parameter.VAR_KEYWORD:
        extra = shown.popitem()[1].get("additionalProperties", True)
    required = [name for name in required_of(made) if name in shown]
    schema: dict[str, JsonValue] = {"type": "object", "properties": {**shown}, "required": [*required]}
    definitions = {"$defs": made["$defs"]} if "$defs" in made else {}
    return {**schema, "additionalProperties": extra, **definitions}


def _property(argument: Argument, node: Node) -> dict[str, JsonValue]:
    found = dict(node)
    words = argument.text or argument.told
    if words:
        found["description"] = f"{words} {UTF8}" if node.get("description") == UTF8 else words
    default = _shown(argument)
    if default is not UNKNOWN:
        found["default"] = default  # type: ignore[assignment]  # `_shown` has made it JSON
    return found


def _shown(argument: Argument) -> object:
    """A default as JSON, or `UNKNOWN` when it has no such form or looks like a secret."""
    default = argument.default
    if default is UNKNOWN or default is None or isinstance(default, bool | int):
        return default
    try:
        text = json.dumps({argument.name: (shown := to_jsonable_python(default))}, allow_nan=False)
    except (PydanticSerializationError, ValueError):
        return UNKNOWN
    return shown if scrub(text) == text else UNKNOWN
