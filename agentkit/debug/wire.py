"""What went over the wire in a step, to read and to copy: the request as a command or a program, and the reply.

No key is in any of it.  Of a reply there is what the run took from it: the bytes are not kept, for a stream is many times
the reply that it makes, and holds nothing else that the run goes by.
"""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pprint import pformat
from typing import Final

from pydantic import JsonValue

from agentkit.debug.sent import WireRequest, wire_request
from agentkit.errors import UsageError
from agentkit.events import ModelReplied, Recorded
from agentkit.messages import Message, ToolCall, Usage

__all__ = ["WireRequest", "WireResponse", "as_curl", "as_python", "wire_request", "wire_response"]

BASE: Final = "AGENTKIT_BASE_URL"
"""The variable of the environment with the address, where the record has none."""

NOTE: Final = "made from the record: what the run took from the reply, in the form of a reply in one piece"

WIDTH: Final = 100

LONG: Final = 30_000
"""Characters from which a body is no argument of a command: systems have a limit for those."""

END: Final = "BODY"
"""Ends a body that is no argument; no line of JSON can be it."""

# JSON and Python have escapes for them, and what is pasted must read as what it is.
_UNSEEN = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def as_curl(request: WireRequest) -> str:
    """A request as a command of a POSIX shell; the key comes from the environment."""
    address = f'"${BASE}/chat/completions"' if request.url is None else shlex.quote(request.url)
    body = _escaped(_spread(request.body))
    # In double quotes the shell puts the key in its place.
    headers = [f'-H "{name}: {value}"' for name, value in request.headers.items()]
    short = len(body) < LONG
    data = f"--data-raw {shlex.quote(body)}" if short else f"--data-binary @- <<'{END}'\n{body}\n{END}"
    return " \\\n  ".join((f"curl --request {request.method} --url {address}", *headers, data)) + "\n"


def as_python(request: WireRequest) -> str:
    """A request as a program that needs httpx; the key comes from the environment."""
    address = f'os.environ["{BASE}"] + "/chat/completions"' if request.url is None else repr(request.url)
    headers = ["headers = {", *(f"    {name!r}: {_header(value)}," for name, value in request.headers.items()), "}"]
    lines = (
        "import os",
        "",
        "import httpx",
        "",
        f"url = {address}",
        *headers,
        f"body = {_literal(request.body)}",
        f"response = httpx.request({request.method!r}, url, headers=headers, json=body, timeout=600)",
        "print(response.status_code, response.text)",
    )
    return "\n".join(lines) + "\n"


def _header(value: str) -> str:
    before, _, variable = value.partition("$")
    key = f'os.environ["{variable}"]' if variable else ""
    return " + ".join(filter(None, (repr(before) if before else "", key)))


def _spread(value: JsonValue) -> str:
    """JSON over lines, for people."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:
        # In one line it may be deeper.
        return json.dumps(value, ensure_ascii=False)


def _literal(value: JsonValue) -> str:
    try:
        return pformat(value, width=WIDTH, sort_dicts=False)
    except RecursionError:
        return repr(value)


def _escaped(text: str) -> str:
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@dataclass(frozen=True, slots=True)
class WireResponse:
    """The reply of a step as far as it is on record."""

    body: JsonValue
    """In the form of a `chat.completion`."""
    note: str = NOTE
    """What is to be said of it."""


def wire_response(events: Sequence[Recorded], step: int) -> WireResponse:
    """The reply of a step, as a server would have sent it in one piece.

    Args:
        events: The durable events of a run, in order.
        step: Its number, from 1.

    Raises:
        UsageError: There is no reply of this step on record.
    """
    found = [each for each in events if each.step == step and isinstance(each.event, ModelReplied)]
    if not found:
        raise UsageError(f"there is no reply of step {step} on record")
    recorded, replied = found[-1], found[-1].event
    assert isinstance(replied, ModelReplied)
    choice: JsonValue = {"index": 0, "message": _message(replied.message), "finish_reason": replied.finish_reason}
    body: dict[str, JsonValue] = {
        "id": replied.request_id or "",
        "object": "chat.completion",
        "created": int(recorded.time),
        "model": replied.model,
        "choices": [choice],
        "usage": _usage(replied.usage),
    }
    return WireResponse(body)


def _message(message: Message) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {"role": message.role, "content": message.text or None}
    if (reasoning := message.reasoning) is not None:
        said |= {reasoning.field or "reasoning_content": reasoning.text} if reasoning.text else {}
        said |= _unpacked(reasoning.opaque)
    if message.tool_calls:
        said["tool_calls"] = [_call(call) for call in message.tool_calls]
    return said | _unpacked(message.extra)


def _call(call: ToolCall) -> JsonValue:
    function: JsonValue = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function, **_unpacked(call.extra)}


def _unpacked(text: str) -> dict[str, JsonValue]:
    """Keys that were kept as JSON text; what is none is passed over."""
    try:
        value: JsonValue = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _usage(usage: Usage) -> JsonValue:
    """Tokens under the names they came by, as far as they were counted."""
    if usage == Usage():
        return None
    counted: dict[str, JsonValue] = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
    }
    if usage.cached is not None:
        counted["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    if usage.reasoning is not None:
        counted["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return counted
