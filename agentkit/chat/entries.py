"""A message as the fields of one entry of a request."""

import hashlib
import json
import re
import string

from pydantic import JsonValue

from agentkit.arguments import sendable
from agentkit.chat.profiles import Profile
from agentkit.chat.thought import DETAILS, PARTS
from agentkit.messages import Content, File, Image, Message, Part, Reasoning, Text, ToolCall, text_of

_LETTERS = string.ascii_letters + string.digits

_SHORTEST = 9
"""Characters of an id that every provider takes, if they are letters and digits."""


def message_fields(message: Message, profile: Profile, origin: str) -> dict[str, JsonValue]:
    """One message as the server wants it."""
    match message.role:
        case "assistant":
            return _assistant(message, profile, origin)
        case "tool":
            content = message.content
            told = _content(content) if profile.tool_parts else _words(content)
            return {"role": "tool", "tool_call_id": call_id(message.call_id or "", profile), "content": told}
        case role:
            return {"role": role, "content": _content(message.content)}


def _assistant(message: Message, profile: Profile, origin: str) -> dict[str, JsonValue]:
    text = message.text
    # A message with calls and no words: null is what every strict server takes, and gateways refuse "".
    fields: dict[str, JsonValue] = {"role": "assistant", "content": text if text or not message.tool_calls else None}
    own = message.origin == origin
    if own and profile.reasoning == "return" and message.reasoning is not None:
        fields |= _reasoning(message.reasoning, text)
    if profile.reasoning_required:
        fields.setdefault(profile.reasoning_required, "")
    if own and profile.extra_keys:
        fields |= _unpacked(message.extra)
    if message.tool_calls:
        fields["tool_calls"] = [_call(call, profile, own=own) for call in message.tool_calls]
    return fields


def _reasoning(reasoning: Reasoning, text: str) -> dict[str, JsonValue]:
    """Reasoning under the key it came by, or in the content where it came as a part of that."""
    if reasoning.field == PARTS:
        thought: JsonValue = {"type": PARTS, PARTS: [_part(Text(reasoning.text))]}
        return {"content": [thought, _part(Text(text))] if text else [thought]}
    opaque = _unpacked(reasoning.opaque)
    # The entries of details hold the words as well.
    if not reasoning.text or not reasoning.field or DETAILS in opaque:
        return opaque
    return {reasoning.field: reasoning.text, **opaque}


def attached(message: Message, profile: Profile) -> list[JsonValue]:
    """The parts of a tool's message that it may not hold itself."""
    if message.role != "tool" or profile.tool_parts or isinstance(message.content, str):
        return []
    return [_part(part) for part in message.content if not isinstance(part, Text)]


def _call(call: ToolCall, profile: Profile, *, own: bool) -> dict[str, JsonValue]:
    # Servers parse what they are sent back, and one bad text would fail every later request.
    function: JsonValue = {"name": call.name, "arguments": sendable(call.arguments)}
    more = _unpacked(call.extra) if own else {}
    return {"id": call_id(call.id, profile), "type": "function", "function": function, **more}


def call_id(own: str, profile: Profile) -> str:
    """A call's id as the provider takes it: its own, or nine letters and digits that are made from it."""
    if not profile.call_ids or re.fullmatch(profile.call_ids, own):
        return own
    number = int.from_bytes(hashlib.sha256(own.encode("utf-8", "surrogatepass")).digest()[:8])
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(_SHORTEST))


def _unpacked(text: str) -> dict[str, JsonValue]:
    value = json.loads(text) if text else {}
    assert isinstance(value, dict)
    return value


def _content(content: Content) -> JsonValue:
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: Part) -> dict[str, JsonValue]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(url, detail):
            return {
                "type": "image_url",
                "image_url": {"url": url} if detail is None else {"url": url, "detail": detail},
            }
        case File(name, data):
            return {"type": "file", "file": {"filename": name, "file_data": data}}


def _words(content: Content) -> str:
    if isinstance(content, str):
        return content
    others = sum(not isinstance(part, Text) for part in content)
    note = f"({others} attachment{'s' if others > 1 else ''} in the next user message)" if others else ""
    return "\n".join(filter(None, (text_of(content), note)))
