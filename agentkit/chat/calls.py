"""Pieces of tool calls, put together.

A piece belongs to the call of its id, else of its index, else to the latest, and a new name opens a new call; servers
leave out or repeat all of the three.  Whether the arguments can be read is nobody's matter here.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from agentkit.chat.reading import EMPTY, Json, object_of, packed, read_json, string_of
from agentkit.events import ToolCallDelta
from agentkit.messages import ToolCall
from agentkit.model import Emit

_KNOWN = {"id", "index", "type", "function", "name", "arguments"}


@dataclass(slots=True)
class _Call:
    """A call while it comes."""

    place: int
    id: str = ""
    index: int | None = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: dict[str, JsonValue] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether its arguments are an object already, so that another name means another call."""
        arguments = "".join(self.arguments)
        if not arguments.rstrip().endswith("}"):
            return False
        try:
            return isinstance(read_json(arguments), dict)
        except ValueError:
            return False


class Calls:
    """The calls of one reply.

    Args:
        emit: Is told the deltas.
        offered: Names of the tools of the request, onto which a mangled name is mapped.

    Attributes:
        warnings: What was odd about them.
    """

    def __init__(self, emit: Emit, offered: Collection[str]) -> None:
        self.warnings: list[str] = []
        self._emit = emit
        self._offered = offered
        self._calls: list[_Call] = []

    def take(self, piece: Json, *, whole: bool = False) -> None:
        """One entry of `tool_calls`, which is a call of its own in a reply that came whole; some servers have no `function` in it and its keys beside the id."""
        function = object_of(piece.get("function")) or piece
        call_id, index = piece.get("id"), piece.get("index")
        call_id = str(call_id) if isinstance(call_id, (str, int)) else ""
        name = string_of(function.get("name"))
        index = index if isinstance(index, int) else None
        call = self._opened(index) if whole else self._route(call_id, index, name)
        call.id = call.id or call_id
        opened = not call.name
        call.name = self._joined(call.name, name)
        arguments = _text_of_arguments(function.get("arguments"))
        # Some send `{}` as a placeholder and the arguments after it; where none come, `{}` is what it ends as.
        if arguments and (arguments != "{}" or call.arguments):
            call.arguments.append(arguments)
        call.extra |= {key: value for key, value in piece.items() if key not in _KNOWN and value not in EMPTY}
        self._emit(ToolCallDelta(call.place, call.name if opened else "", arguments))

    def _route(self, call_id: str, index: int | None, name: str) -> _Call:
        by_id = [call for call in self._calls if call_id and call.id == call_id]
        by_index = [call for call in self._calls if index is not None and call.index == index]
        if not name:
            found = by_id or by_index
            if found or (self._calls and not (call_id and index is not None)):
                return (found or self._calls)[-1]
            # An id and an index that are both new, or nothing yet: a call whose name is still to come.
            return self._opened(index)
        for call in (*by_id[-1:], *by_index[-1:]):
            mine = call.id == call_id or not (call_id and call.id)
            if not call.name or (mine and not (call.arguments and call.complete)):
                return call
        return self._opened(index)

    def _opened(self, index: int | None) -> _Call:
        call = _Call(len(self._calls), index=index)
        self._calls.append(call)
        return call

    def _joined(self, name: str, piece: str) -> str:
        if not name or not piece or piece == name:
            return name or piece
        # A name in pieces is joined; one that is repeated by mistake is not.
        return name + piece if name + piece in self._offered or piece not in self._offered else name

    def finished(self) -> tuple[ToolCall, ...]:
        """The calls as they are now."""
        if any(not call.name for call in self._calls):
            self.warnings.append("tool_call_without_name")
        return tuple(self._finished(call) for call in self._calls if call.name)

    def _finished(self, call: _Call) -> ToolCall:
        name = _meant(call.name, self._offered)
        if name != call.name:
            self.warnings.append("tool_name_normalised")
        return ToolCall(call.id, name, "".join(call.arguments) or "{}", packed(call.extra))


def _text_of_arguments(value: JsonValue) -> str:
    """Raw text stays raw; some servers send the object itself."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _meant(name: str, offered: Collection[str]) -> str:
    """The offered tool that a mangled name can only mean; else the name as it is."""
    if name in offered:
        return name
    return next((bare for bare in _bare(name.strip()) if bare in offered), name.strip())


def _bare(name: str) -> Iterator[str]:
    """A name without what models put around it: `functions.x`, `default_api:x`, `x<|channel|>json`, `x:0`."""
    without_tail = name.partition("<|")[0]
    yield without_tail
    for prefix in ("functions.", "default_api.", "default_api:", "tools."):
        if without_tail.startswith(prefix):
            yield without_tail.removeprefix(prefix)
            yield without_tail.removeprefix(prefix).rpartition(":")[0]
    yield without_tail.rpartition(":")[0]
    yield name.removesuffix("json")
