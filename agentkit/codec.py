"""Events as JSON and back: an event that is read is the event that was written.

What is at its default is left out.  Kinds that nobody here knows survive as `Unknown`; fields that nobody here knows are
passed over.  Written by hand because of what servers send: half a surrogate pair is text to Python and to JSON, and to
nothing that checks UTF-8.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import pydantic_core
from pydantic import JsonValue, TypeAdapter

from agentkit import events
from agentkit.errors import JournalError
from agentkit.events import Event, Recorded, Unknown

Write = Callable[[str], JsonValue]
"""What is written for a text."""

Read = Callable[[JsonValue], str]
"""The text that was written so."""

Decode = Callable[[JsonValue, Read], object]

KINDS: Mapping[str, type[Event]] = {
    name: value
    for name, value in vars(events).items()
    if isinstance(value, type) and issubclass(value, Event) and is_dataclass(value) and value is not Unknown
}
"""Every kind of event by its name.  The names are compatibility data: a journal holds them for ever."""

TEXTS = frozenset(
    {
        "answer",
        "arguments",
        "change",
        "content",
        "detail",
        "instructions",
        "output",
        "problem",
        "prompt",
        "reason",
        "text",
        "trace",
        "whole",
    }
)
"""Fields that people, tools and models write, in which a secret can stand."""

TEXTLESS = (events.ModelCalled, events.ToolStarted)
"""Events of every step that have no such field."""

LONG = frozenset({"data", "definition", "endpoint", "extra", "offer", "opaque", "settings", "url"})
"""Other fields that may be long.  They are kept to the letter: providers want their opaque data back."""


# Writing.


def _as_it_is(text: str) -> JsonValue:
    return text


def encode(event: Event, *, text: Write = _as_it_is, long: Write = _as_it_is) -> tuple[str, dict[str, JsonValue]]:
    """The kind of an event, and its fields as JSON values.

    Args:
        event: Any event.
        text: Writes what people, tools and models wrote; it may hide something.
        long: Writes what may be long beside that.
    """
    if isinstance(event, Unknown):
        return event.kind, json.loads(event.data)
    return kind_of(event), _fields(event, text, long)


def kind_of(event: Event) -> str:
    """The name of an event's kind."""
    return event.kind if isinstance(event, Unknown) else type(event).__name__


def as_json(event: Event) -> str | None:
    """The fields of an event as JSON text, as `encode` and `dumps` write it, by pydantic's compiled code.

    None for an event that has to be written with more care, for half a surrogate pair in it or an unknown kind.
    """
    if isinstance(event, Unknown):
        return None
    try:
        return _serializer(type(event)).to_json(event, exclude_defaults=True, warnings=False).decode()  # type: ignore[arg-type]  # classes are hashable
    except pydantic_core.PydanticSerializationError:
        return None


@cache
def _serializer(kind: Hashable) -> pydantic_core.SchemaSerializer:
    adapter: TypeAdapter[object] = TypeAdapter(kind)  # type: ignore[arg-type]  # a dataclass
    serializer = adapter.serializer
    assert isinstance(serializer, pydantic_core.SchemaSerializer)
    return serializer


def _fields(value: object, text: Write, long: Write) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, default, write in _written(type(value)):  # type: ignore[arg-type]  # classes are hashable
        each = getattr(value, name)
        if each is default or each == default:
            continue
        if isinstance(each, str):
            found[name] = each if write == "short" else text(each) if write == "text" else long(each)
        elif isinstance(each, (int, float)):
            found[name] = each
        else:
            found[name] = _encoded(
                each, text if write == "text" else long if write == "long" else _as_it_is, text, long
            )
    return found


def _encoded(value: object, own: Write, text: Write, long: Write) -> JsonValue:
    if isinstance(value, str):
        return own(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, tuple):
        return [_encoded(each, own, text, long) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _encoded(each, own, text, long) for name, each in value.items()}
    return {**_fields(value, text, long)}


@cache
def _written(kind: Hashable) -> tuple[tuple[str, object, Literal["text", "long", "short"]], ...]:
    """The fields of a value: name, default, and who writes its texts."""
    assert isinstance(kind, type)
    assert is_dataclass(kind)
    return tuple(
        (
            each.name,
            each.default if each.default_factory is MISSING else each.default_factory(),
            "text" if each.name in TEXTS else "long" if each.name in LONG else "short",
        )
        for each in fields(kind)
    )


_escaped = json.JSONEncoder(separators=(",", ":")).encode


def dumps(value: JsonValue) -> str:
    """A value as compact JSON text that can be written as UTF-8."""
    try:
        return pydantic_core.to_json(value, inf_nan_mode="constants").decode()
    except pydantic_core.PydanticSerializationError:
        # Half a surrogate pair has no UTF-8, but it has an escape.
        return _escaped(value)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str) -> str:
    """The text, with half a surrogate pair as its escape: for names that are looked up and not read back."""
    return text if text.isascii() or _is_utf8(text) else text.encode("utf-8", "backslashreplace").decode()


def line(recorded: Recorded) -> str:
    """A recorded event as one line of JSON, as files of events have them."""
    kind, data = encode(recorded.event)
    place: dict[str, JsonValue] = {
        "run_id": recorded.run_id,
        "seq": recorded.seq,
        "time": recorded.time,
        "step": recorded.step,
        "kind": kind,
        "data": data,
    }
    return dumps({**place, "hidden": recorded.hidden} if recorded.hidden else place)


# Reading.


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def decode(kind: str, data: Mapping[str, JsonValue], *, text: Read = _text) -> Event:
    """The event that was written so.

    Args:
        kind: Its name.
        data: Its fields.
        text: Reads the texts, as they were written.

    Raises:
        JournalError: The fields are not those of such an event.
    """
    known = KINDS.get(kind)
    if known is None:
        return Unknown(kind, dumps(dict(data)))
    try:
        event = _decoder(known)(dict(data), text)  # type: ignore[arg-type]  # classes are hashable
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"what was kept as {kind} cannot be read: {error}; the record is damaged") from error
    assert isinstance(event, Event)
    return event


def read_line(text: str) -> Recorded:
    """The recorded event of one line.

    Raises:
        JournalError: It is none.
    """
    try:
        value = json.loads(text)
        return Recorded(
            str(value["run_id"]),
            int(value["seq"]),
            float(value["time"]),
            int(value["step"]),
            decode(value["kind"], value["data"]),
            int(value.get("hidden", 0)),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise JournalError(f"this line is no recorded event: {text[:80]!r}") from error


@cache
def _decoder(kind: Hashable) -> Decode:
    """Reads values of a type, as the fields of events have them."""
    origin = get_origin(kind)
    if kind is str:
        return lambda value, text: text(value)
    if origin is Literal:
        return lambda value, _: _text(value)
    if kind in {int, float, bool, NoneType}:
        return lambda value, _: value
    if origin is tuple:
        return _many(_decoder(get_args(kind)[0]))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_decoder(get_args(kind)[1]))
    if origin in {Union, UnionType}:
        return _one_of(get_args(kind))
    assert isinstance(kind, type)
    return _value(kind)


def _many(each: Decode) -> Decode:
    def decode(value: JsonValue, text: Read) -> object:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no list")
        return tuple(each(item, text) for item in value)

    return decode


def _mapping(each: Decode) -> Decode:
    def decode(value: JsonValue, text: Read) -> object:
        if not isinstance(value, dict):
            raise TypeError(f"{value!r} is no object")
        return {name: each(item, text) for name, item in value.items()}

    return decode


def _one_of(kinds: tuple[object, ...]) -> Decode:
    """Reads what may be of several types: nothing, a list, a value by the fields it must have, or a text."""
    values = [kind for kind in kinds if is_dataclass(kind) and isinstance(kind, type)]
    lists = [kind for kind in kinds if get_origin(kind) is tuple]
    others = [kind for kind in kinds if kind is not NoneType and kind not in (*values, *lists)]

    def decode(value: JsonValue, text: Read) -> object:
        if value is None:
            return None
        if isinstance(value, list) and lists:
            return _decoder(lists[0])(value, text)
        if isinstance(value, dict):
            for kind in values:
                if _required(kind) <= value.keys():
                    return _decoder(kind)(value, text)
        return _decoder(others[0])(value, text)

    return decode


def _value(kind: type) -> Decode:
    decoders = {name: _decoder(each) for name, each in _hints(kind).items()}

    def decode(value: JsonValue, text: Read) -> object:
        if not isinstance(value, dict):
            raise TypeError(f"{value!r} is no object")
        known = {name: decoders[name](each, text) for name, each in value.items() if name in decoders}
        made: object = kind(**known)
        return made

    return decode


def _hints(kind: type) -> dict[str, object]:
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


@cache
def _required(kind: type) -> frozenset[str]:
    assert is_dataclass(kind)
    return frozenset(each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING)
