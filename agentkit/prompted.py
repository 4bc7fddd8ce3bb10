"""Tools for a model that has none of its own: they are described in the prompt, and it answers in JSON.

The loop, the tools and the journal see calls and results as of any other model.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from agentkit.endpoint import Endpoint, endpoints_of
from agentkit.errors import SchemaRefused
from agentkit.events import Event, TextDelta, ToolCallDelta
from agentkit.forms import OPENING, Form, form_of, in_words, instructions, read_reply, reply_schema
from agentkit.messages import Message, Part, Text
from agentkit.model import Emit, Model, OutputFormat, OutputMode, Price, Reply, Request, ToolSpec


class Prompted:
    """A model that is told of its tools in the prompt, and calls them in JSON.

    Args:
        model: Who is asked.  Where its `output_mode` says that it can be held to a schema, it is.
    """

    output_mode: OutputMode = "json_schema"
    """The form of an answer is told beside the tools, so that there is one way to answer and not two."""

    def __init__(self, model: Model) -> None:
        self.retry: object = getattr(model, "retry", None)
        self._model = model
        self._asked = _Asked()

    def __repr__(self) -> str:
        return f"Prompted({self._model!r})"

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def price(self) -> Price | None:
        return self._model.price

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where the model is asked, with a word about how."""
        return tuple(replace(each, prompted=True) for each in endpoints_of(self._model))

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        """Take any tool but one whose schema must be enforced where nothing is."""
        for spec in tools:
            if spec.strict and not self._model.output_mode.startswith("json_schema"):
                raise SchemaRefused(
                    f"the tool {spec.name!r} is marked strict=True, and a prompt enforces no schema; leave strict out, "
                    f"or take a model that can be held to a schema (its output_mode is 'json_schema')"
                )

    async def request(self, request: Request, emit: Emit) -> Reply:
        sent = _converted(request.memo.get(self), request.messages)
        request.memo[self] = sent
        form, asked = form_of(request, called=bool(sent.names)), self._asked
        if asked.form != form:
            self._asked = asked = _ask(form, self._model.output_mode)
        inner = _inner(request, sent, asked)
        if not form.tools:
            return await self._model.request(inner, emit)
        reply = await self._model.request(inner, _Hidden(emit))
        reply = read_reply(reply, form, taken=sent.names, held=asked.output is not None)
        for delta in _deltas(reply) if request.stream else ():
            emit(delta)
        return reply


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Tells what happens, but not the JSON in pieces, which is for nobody to read."""

    emit: Emit

    def __call__(self, event: Event) -> None:
        if not isinstance(event, TextDelta | ToolCallDelta):
            self.emit(event)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A form as the model is told of it; many requests in a row have the same."""

    form: Form | None = None
    text: str = ""
    output: OutputFormat | None = None
    """What it is held to."""


def _ask(form: Form, mode: OutputMode) -> _Asked:
    output = OutputFormat("reply", reply_schema(form)) if form.tools else form.output
    return _Asked(form, instructions(form), None if mode == "tool" else output)


def in_prompt(request: Request, mode: OutputMode) -> Request:
    """What a model is asked that is told of its tools in the prompt.

    Args:
        request: With its tools.
        mode: The best way to have that model answer in a schema.
    """
    sent = _converted(None, request.messages)
    return _inner(request, sent, _ask(form_of(request, called=bool(sent.names)), mode))


# What was said, as a model without tools would have heard and said it.


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a run has sent so far: each message is converted once."""

    originals: tuple[Message, ...] = ()
    messages: tuple[Message, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """The tool of every call, by the call's id."""


def _inner(request: Request, sent: _Sent, asked: _Asked) -> Request:
    return replace(
        request,
        messages=_told(sent.messages, asked.text),
        tools=(),
        settings=replace(request.settings, tool_choice=None, parallel_tool_calls=None),
        output=asked.output,
    )


def _converted(before: object, messages: tuple[Message, ...]) -> _Sent:
    sent = before if isinstance(before, _Sent) else _Sent()
    length = len(sent.originals)
    # The results of one step are one message, which is converted as a whole or not at all.
    torn = 0 < length < len(messages) and messages[length - 1].role == messages[length].role == "tool"
    if torn or messages[:length] != sent.originals:
        sent, length = _Sent(), 0
    converted, names = list(sent.messages), dict(sent.names)
    for are_results, some in groupby(messages[length:], key=lambda message: message.role == "tool"):
        group = tuple(some)
        names |= {call.id: call.name for message in group for call in message.tool_calls}
        converted += [_results(group, names)] if are_results else map(in_words, group)
    return _Sent(messages, tuple(converted), names)


def _results(messages: tuple[Message, ...], names: Mapping[str, str]) -> Message:
    """The results of one step as one message: many templates refuse two of a user in a row."""
    parts: list[Part] = []
    for place, message in enumerate(messages, 1):
        name = names.get(message.call_id or "", "a tool")
        # The model has never seen an id; what it knows is the order in which it asked.
        parts.append(Text(f"Result of {name}:" if len(messages) == 1 else f"Result {place}, of {name}:"))
        parts += (Text(message.content),) if isinstance(message.content, str) else message.content
    texts = [part.text for part in parts if isinstance(part, Text)]
    return Message("user", "\n".join(texts) if len(texts) == len(parts) else tuple(parts))


def _told(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """The messages with a text at the end of the system's."""
    if not text:
        return messages
    if not messages or messages[0].role != "system":
        return (Message("system", text), *messages)
    first = messages[0]
    content = f"{first.content}\n\n{text}" if isinstance(first.content, str) else (*first.content, Text(text))
    return (replace(first, content=content), *messages[1:])


def _deltas(reply: Reply) -> Iterator[Event]:
    """A reply for those who watch it, but for JSON that was cut."""
    text = reply.message.text
    if text and not (reply.finish_reason == "length" and OPENING.match(text)):
        yield TextDelta(text)
    for index, call in enumerate(reply.message.tool_calls):
        yield ToolCallDelta(index, call.name, call.arguments)
