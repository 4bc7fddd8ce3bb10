"""The bytes of a reply, as a Chat Completions server sends it: whole, or as server-sent events.

The shape is that of Doubao and OpenAI: reasoning before the answer, a call's name before its arguments, the reason for
finishing in a chunk of its own.
"""

import json
from collections.abc import Mapping

from pydantic import JsonValue

from agentkit.messages import Message, Reasoning, ToolCall, Usage
from agentkit.model import Reply
from agentkit.testing.scripted import pieces

Json = dict[str, JsonValue]

CREATED = 1_700_000_000
"""When every reply was made, so that equal replies are equal bytes."""

DONE = b"data: [DONE]\n\n"


def completion(reply: Reply, model: str = "scripted") -> bytes:
    """The body of a whole reply.

    Args:
        reply: What is said.
        model: The model it says it is, where the reply has no model.
    """
    message = reply.message
    said: Json = {"role": "assistant", "content": message.text or (None if message.tool_calls else "")}
    if message.reasoning is not None:
        said |= {_field(message.reasoning): message.reasoning.text} if message.reasoning.text else {}
    said |= _beside(message)
    if message.tool_calls:
        said["tool_calls"] = [_call(call) for call in message.tool_calls]
    body = _envelope(reply, model, "chat.completion")
    body["choices"] = [{"index": 0, "message": said, "finish_reason": reply.finish_reason}]
    if reply.usage != Usage():
        body["usage"] = _usage(reply.usage)
    return encode(body)


def chunks(reply: Reply, model: str = "scripted", *, include_usage: bool = False) -> list[bytes]:
    """The events of a streamed reply, `[DONE]` included.

    Args:
        reply: What is said.
        model: The model it says it is, where the reply has no model.
        include_usage: Whether a last chunk counts the tokens, as `stream_options` asks for.
    """
    envelope = _envelope(reply, model, "chat.completion.chunk")
    if include_usage:
        envelope["usage"] = None
    begun: Json = {"role": "assistant", "content": ""}
    events = [_chunk(delta, None) for delta in (begun, *_deltas(reply.message))]
    events.append(_chunk({}, reply.finish_reason))
    if include_usage and reply.usage != Usage():
        events.append({"choices": [], "usage": _usage(reply.usage)})
    return [b"data: " + encode(envelope | event) + b"\n\n" for event in events] + [DONE]


def encode(value: JsonValue) -> bytes:
    """JSON as servers write it: without spaces, in UTF-8."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8, but it can be escaped.
        return json.dumps(value, separators=(",", ":")).encode()


def _envelope(reply: Reply, model: str, kind: str) -> Json:
    return {"id": "chatcmpl-scripted", "object": kind, "created": CREATED, "model": reply.model or model}


def _chunk(delta: Json, finish_reason: str | None) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _deltas(message: Message) -> list[Json]:
    found: list[Json] = []
    if message.reasoning is not None:
        field = _field(message.reasoning)
        found.extend({field: piece} for piece in pieces(message.reasoning.text))
    if beside := _beside(message):
        # Doubao sends `encrypted_content` in a chunk of its own, between reasoning and answer.
        found.append({"content": "", **beside})
    found.extend({"content": piece} for piece in pieces(message.text))
    for index, call in enumerate(message.tool_calls):
        opened: Json = {"index": index, **_call(call), "function": {"name": call.name, "arguments": ""}}
        found.append({"tool_calls": [opened]})
        found.extend(
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces(call.arguments)
        )
    return found


def _call(call: ToolCall) -> Json:
    function: Json = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function, **_object(call.extra)}


def _field(reasoning: Reasoning) -> str:
    return reasoning.field or "reasoning_content"


def _beside(message: Message) -> Json:
    """What a provider sends beside the known keys."""
    opaque = _object(message.reasoning.opaque) if message.reasoning is not None else {}
    return opaque | _object(message.extra)


def _object(text: str) -> Json:
    return json.loads(text) if text else {}


def _usage(usage: Usage) -> Json:
    counted: Mapping[str, int | None] = {"prompt_tokens": usage.input, "completion_tokens": usage.output}
    told: Json = {name: count for name, count in counted.items() if count is not None}
    if usage.input is not None and usage.output is not None:
        told["total_tokens"] = usage.total
    if usage.cached is not None:
        told["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    if usage.reasoning is not None:
        told["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return told
