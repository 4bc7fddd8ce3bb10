"""A request as the bytes of its body.  Nothing here waits.

A message is encoded once in a run and its bytes are sent again and again: that is what a provider's prompt cache goes
by, and what keeps a long run from paying for its past at each step.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agentkit.arguments import sendable
from agentkit.chat.providers import Profile
from agentkit.chat.thought import PARTS
from agentkit.errors import SchemaRefused, UsageError
from agentkit.messages import Content, File, Image, Message, Part, Reasoning, Text, ToolCall, text_of
from agentkit.model import OutputFormat, Request, Settings, ToolSpec
from agentkit.schema.dialects import translate


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a run has sent so far."""

    messages: tuple[Message, ...]
    body: bytearray
    """Grows at its end, so that a long run does not copy its past to add to it."""


class Encoder:
    """Encodes requests for one model of one provider."""

    def __init__(self, model: str, profile: Profile, origin: str) -> None:
        self._model = model
        self._profile = profile
        self._origin = origin
        self._tools: tuple[tuple[ToolSpec, ...], bytes] = ((), b"")

    def body(self, request: Request, settings: Settings) -> bytes:
        """The body of a request.

        Raises:
            UsageError: `extra_body` holds what JSON has not, or the messages, which are not for it to say.
        """
        fields: dict[str, JsonValue] = {"model": self._model}
        fields |= settings_fields(settings, self._profile, tools=bool(request.tools))
        if request.output is not None:
            fields["response_format"] = response_format(request.output, self._profile)
        if request.stream:
            fields |= {"stream": True, "stream_options": {"include_usage": True}}
        if "messages" in settings.extra_body:
            raise UsageError("extra_body has messages; they are the run's, so give them as its prompt or its history")
        fields |= settings.extra_body
        # Tools of the provider's own, such as a search, stand beside those of the request.
        others = fields.pop("tools", None)
        try:
            head = _bytes(fields)[:-1]
            more = _bytes(others)[1:-1] if isinstance(others, list) else b""
        except (ValueError, TypeError) as error:
            raise UsageError(f"the settings cannot be sent as JSON: {error}") from error
        tools = b",".join(filter(None, (self.tools(request.tools)[1:-1], more)))
        listed = b',"tools":[%b]' % tools if tools else b""
        return b"".join((head, listed, b',"messages":[', self.messages(request), b"]}"))

    def messages(self, request: Request) -> bytearray:
        """The messages with commas between them: those that the run has sent before as they were, then the new ones."""
        sent = request.memo.get(self)
        messages, body = request.messages, bytearray()
        if isinstance(sent, _Sent) and request.messages[: len(sent.messages)] == sent.messages:
            messages, body = request.messages[len(sent.messages) :], sent.body
        for encoded in self._encoded(messages):
            body += b"," + encoded if body else encoded
        request.memo[self] = _Sent(request.messages, body)
        return body

    def _encoded(self, messages: Iterable[Message]) -> Iterator[bytes]:
        following: list[JsonValue] = []
        for message in messages:
            if following and message.role != "tool":
                yield _bytes({"role": "user", "content": following})
                following = []
            yield _bytes(message_fields(message, self._profile, self._origin))
            following += _attached(message, self._profile)
        if following:
            yield _bytes({"role": "user", "content": following})

    def tools(self, specs: tuple[ToolSpec, ...]) -> bytes:
        """The tools as a list; the same ones are encoded once."""
        held, encoded = self._tools
        if len(held) != len(specs) or any(one is not other for one, other in zip(held, specs, strict=True)):
            encoded = _bytes([tool_fields(spec, self._profile) for spec in specs]) if specs else b""
            self._tools = (specs, encoded)
        return encoded


def _bytes(value: JsonValue) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair cannot be sent, and one in a tool's result must not end the run.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def message_fields(message: Message, profile: Profile, origin: str) -> dict[str, JsonValue]:
    """One message as the server wants it."""
    match message.role:
        case "assistant":
            return _assistant(message, profile, origin)
        case "tool":
            content = message.content
            if profile.tool_parts and not isinstance(content, str):
                return {"role": "tool", "tool_call_id": message.call_id, "content": [_part(part) for part in content]}
            return {"role": "tool", "tool_call_id": message.call_id, "content": _words(content)}
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
        fields["tool_calls"] = [_call(call, own=own) for call in message.tool_calls]
    return fields


def _reasoning(reasoning: Reasoning, text: str) -> dict[str, JsonValue]:
    """Reasoning under the key it came by, or in the content where it came as a part of that."""
    if reasoning.field == PARTS:
        thought: JsonValue = {"type": PARTS, PARTS: [_part(Text(reasoning.text))]}
        return {"content": [thought, _part(Text(text))] if text else [thought]}
    words: dict[str, JsonValue] = {reasoning.field: reasoning.text} if reasoning.text and reasoning.field else {}
    return words | _unpacked(reasoning.opaque)


def _attached(message: Message, profile: Profile) -> list[JsonValue]:
    """The parts of a tool's message that it may not hold itself."""
    if message.role != "tool" or profile.tool_parts or isinstance(message.content, str):
        return []
    return [_part(part) for part in message.content if not isinstance(part, Text)]


def _call(call: ToolCall, *, own: bool) -> dict[str, JsonValue]:
    # Servers parse what they are sent back, and one bad text would fail every later request.
    function: JsonValue = {"name": call.name, "arguments": sendable(call.arguments)}
    return {"id": call.id, "type": "function", "function": function, **(_unpacked(call.extra) if own else {})}


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


def tool_fields(spec: ToolSpec, profile: Profile) -> dict[str, JsonValue]:
    """One tool as the server is told of it.

    Raises:
        SchemaRefused: The provider cannot take its schema; the message names the tool.
    """
    strict = _strict(spec, profile)
    try:
        schema = strict or translate(dict(spec.parameters), profile.dialect).schema
    except SchemaRefused as refused:
        raise SchemaRefused(f"{profile.name} cannot take the tool {spec.name!r}: {refused}") from refused
    function: dict[str, JsonValue] = {"name": spec.name, "description": spec.description, "parameters": schema}
    if strict is not None:
        function["strict"] = True
    return {"type": "function", "function": function}


def _strict(spec: ToolSpec, profile: Profile) -> dict[str, JsonValue] | None:
    """The schema in the form that the provider enforces, where that was asked for."""
    if not spec.strict:
        return None
    if profile.strict_dialect is None:
        raise SchemaRefused(f"{profile.name} enforces no schemas, and the tool {spec.name!r} is marked strict=True")
    try:
        return translate(dict(spec.parameters), profile.strict_dialect).schema
    except SchemaRefused as refused:
        raise SchemaRefused(
            f"{profile.name} cannot enforce the schema of the tool {spec.name!r}: {refused}"
        ) from refused


def response_format(output: OutputFormat, profile: Profile) -> JsonValue:
    """The form of the answer, as far as the server can be held to one."""
    if profile.output_mode != "json_schema":
        return {"type": "json_object"}
    dialect = profile.strict_dialect or profile.dialect
    try:
        schema, strict = translate(dict(output.schema), dialect).schema, True
    except SchemaRefused:
        # The answer is checked here in any case; what cannot be enforced is still told.
        schema, strict = dict(output.schema), False
    return {"type": "json_schema", "json_schema": {"name": output.name, "schema": schema, "strict": strict}}


def settings_fields(settings: Settings, profile: Profile, *, tools: bool) -> dict[str, JsonValue]:
    """The settings under the provider's names."""
    fields: dict[str, JsonValue] = {
        "max_completion_tokens": settings.max_completion_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "stop": list(settings.stop) if isinstance(settings.stop, tuple) else settings.stop,
        "seed": settings.seed,
    }
    if settings.max_tokens is not None:
        fields[profile.max_tokens] = settings.max_tokens
    fields |= _thinking(settings, profile)
    if tools:
        # Without tools, servers refuse these.
        fields |= {"tool_choice": _choice(settings.tool_choice), "parallel_tool_calls": settings.parallel_tool_calls}
    return {name: value for name, value in fields.items() if value is not None}


def _thinking(settings: Settings, profile: Profile) -> Mapping[str, JsonValue]:
    thinking = settings.thinking
    # Ark refuses an effort beside disabled thinking.
    effort = None if thinking == "disabled" else settings.reasoning_effort
    match profile.thinking:
        case "object":
            return {"thinking": None if thinking is None else {"type": thinking}, "reasoning_effort": effort}
        case "flag":
            return {"enable_thinking": None if thinking in {None, "auto"} else thinking == "enabled"}
        case "none":
            return {"reasoning_effort": effort}


def _choice(choice: str | None) -> JsonValue:
    if choice is None or choice in {"auto", "none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}
