"""A request as the bytes of its body.  Nothing here waits.

A message is encoded once in a run and its bytes are sent again and again: that is what a provider's prompt cache goes
by, and what keeps a long run from paying for its past at each step.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import reduce

from pydantic import JsonValue

from agentkit.chat.entries import attached, message_fields
from agentkit.chat.parameters import response_format, settings_fields
from agentkit.chat.profiles import Profile
from agentkit.chat.repairs import Repair, repair_for, repaired
from agentkit.errors import ModelError, SchemaRefused, UsageError
from agentkit.messages import Message
from agentkit.model import Request, Settings, ToolSpec
from agentkit.schema.dialects import translate

_HEARD: JsonValue = {"role": "assistant", "content": "(read)"}
"""Stands between a tool and the user where somebody has to."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a run has sent so far."""

    messages: tuple[Message, ...] = ()
    body: bytearray = field(default_factory=bytearray)
    """Grows at its end, so that a long run does not copy its past to add to it."""
    last: str = ""
    """The role of the entry at the end."""
    repairs: tuple[Repair, ...] = ()
    """Remedies that the server's refusals have called for."""


class Encoder:
    """Encodes requests for one model of one provider."""

    def __init__(self, model: str, profile: Profile, origin: str) -> None:
        self._model = model
        self._profile = profile
        self._origin = origin
        self._tools: tuple[tuple[ToolSpec, ...], bytes] = ((), b"")

    def body(self, request: Request, settings: Settings, *, stream: bool) -> bytes:
        """The body of a request.

        Args:
            request: What is asked.
            settings: How, in terms that the provider takes.
            stream: Whether the reply is to come in pieces.

        Raises:
            UsageError: `extra_body` holds what JSON has not, or the messages, which are not for it to say.
        """
        profile = self._profile
        # Who cannot say that no tool is to be called is offered none.
        withheld = settings.tool_choice == "none" and "none" not in profile.tool_choices
        specs = () if withheld else request.tools
        if not specs and profile.tools_with_calls and any(message.tool_calls for message in request.messages):
            specs, settings = _called(request.messages), replace(settings, tool_choice="none")
        fields: dict[str, JsonValue] = {"model": self._model, **profile.body}
        fields |= settings_fields(settings, profile, tools=bool(specs))
        if request.output is not None and (form := response_format(request.output, profile)) is not None:
            fields["response_format"] = form
        if stream:
            fields["stream"] = True
            if profile.stream_usage:
                fields["stream_options"] = {"include_usage": True}
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
        tools = b",".join(filter(None, (self.tools(specs)[1:-1], more)))
        listed = b',"tools":[%b]' % tools if tools else b""
        return b"".join((head, listed, b',"messages":[', self.messages(request), b"]}"))

    def messages(self, request: Request) -> bytearray:
        """The messages with commas between them: those that the run has sent before as they were, then the new ones."""
        sent = self._sent(request)
        if request.messages[: len(sent.messages)] != sent.messages:
            sent = _Sent(repairs=sent.repairs)
        last = sent.last
        for entry in self._entries(request.messages[len(sent.messages) :], sent):
            role = str(entry["role"])
            if role == "user" and last == "tool" and not self._profile.user_after_tool:
                sent.body.extend(b"," + _bytes(_HEARD))
            sent.body.extend(b"," + _bytes(entry) if last else _bytes(entry))
            last = role
        request.memo[self] = _Sent(request.messages, sent.body, last, sent.repairs)
        return sent.body

    def _sent(self, request: Request) -> _Sent:
        sent = request.memo.get(self)
        return sent if isinstance(sent, _Sent) else _Sent()

    def repair(self, request: Request, error: ModelError) -> bool:
        """Take the remedy for a refusal, for the rest of the run; False when there is none, or it did not help."""
        remedy, sent = repair_for(error), self._sent(request)
        if remedy is None or remedy in sent.repairs:
            return False
        if all(repaired(message, remedy, self._origin) is message for message in request.messages):
            return False
        request.memo[self] = _Sent(repairs=(*sent.repairs, remedy))
        return True

    def _entries(self, messages: Iterable[Message], sent: _Sent) -> Iterator[dict[str, JsonValue]]:
        """What is sent of the messages, after those that were sent before."""
        following: list[JsonValue] = []
        first = not sent.last
        for message in messages:
            if following and message.role != "tool":
                yield {"role": "user", "content": following}
                following = []
            mended = reduce(lambda each, remedy: repaired(each, remedy, self._origin), sent.repairs, message)
            fields = message_fields(mended, self._profile, self._origin)
            if message.role == "system":
                fields["role"] = "user" if self._profile.one_system and not first else self._profile.system_role
            following += attached(message, self._profile)
            # Strict servers refuse a turn that says nothing, such as one that was reasoning alone.
            if message.role != "assistant" or any(value for name, value in fields.items() if name != "role"):
                first = False
                yield fields
        if following:
            yield {"role": "user", "content": following}

    def tools(self, specs: tuple[ToolSpec, ...]) -> bytes:
        """The tools as a list; the same ones are encoded once."""
        held, encoded = self._tools
        if len(held) != len(specs) or any(one is not other for one, other in zip(held, specs, strict=True)):
            encoded = _bytes([tool_fields(spec, self._profile) for spec in specs]) if specs else b""
            self._tools = (specs, encoded)
        return encoded


def _called(messages: Iterable[Message]) -> tuple[ToolSpec, ...]:
    """The tools that were called in a conversation, as far as their names tell."""
    names = dict.fromkeys(call.name for message in messages for call in message.tool_calls)
    return tuple(ToolSpec(name, "Not to be called any more.", {"type": "object", "properties": {}}) for name in names)


def _bytes(value: JsonValue) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair cannot be sent, and one in a tool's result must not end the run.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


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
