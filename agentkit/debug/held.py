"""A model that says what a run's model said, as long as it is asked what that was asked; else it says what differs."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

from agentkit.debug.changes import changes
from agentkit.debug.recording import Exchange, RecordedModel
from agentkit.debug.words import content_text
from agentkit.errors import AgentkitError
from agentkit.fingerprint import as_set, as_told
from agentkit.messages import Message
from agentkit.model import Emit, Model, OutputMode, Price, Reply, Request, ToolSpec

Redact = Callable[[str], str]


class Diverged(AgentkitError):
    """Something else is asked than was recorded; the message says what, and shows how it differs.

    Attributes:
        step: The step of the request.
    """

    def __init__(self, message: str, *, step: int) -> None:
        super().__init__(message)
        self.step = step


class HeldModel:
    """A model from a record that refuses any other request.

    Args:
        recorded: What was asked and said.
        like: The model that is asked today.
        redact: Hides what is hidden in the record.
    """

    def __init__(self, recorded: Sequence[Exchange], like: Model, *, redact: Redact = str) -> None:
        self._recorded = recorded
        self._model = RecordedModel(recorded, like)
        self._redact = redact

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def price(self) -> Price | None:
        return self._model.price

    @property
    def output_mode(self) -> OutputMode:
        return self._model.output_mode

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        self._model.check(tools)

    @property
    def unasked(self) -> int:
        """How many recorded replies nobody has asked for."""
        return max(0, len(self._recorded) - self._model.asked)

    async def request(self, request: Request, emit: Emit) -> Reply:
        """The next reply.

        Raises:
            Diverged: The request is not the one that was recorded.
            RecordEnds: There is none.
        """
        place = self._model.asked
        if place < len(self._recorded):
            found = difference(self._recorded[place], request, self.name, self._redact)
            if found:
                raise Diverged(found, step=self._recorded[place].step)
        return await self._model.request(request, emit)


def difference(exchange: Exchange, request: Request, name: str, redact: Redact = str) -> str:
    """The first thing in which a request is not the recorded one, in words; empty where it is the same."""
    called = exchange.called
    if called is None:
        # A reply that a fork has put there: nobody had asked for it.
        return ""
    found = _in_messages(exchange.messages, request.messages, redact) or _in_tools(exchange.offer, request)
    if found or called.model != name:
        return found or f"the model was {called.model!r}, and is {name!r}"
    settings = as_set(request.settings, request.output)
    return "" if called.settings == settings else f"the settings differ:\n{changes(called.settings, settings)}"


def _in_messages(before: Sequence[Message], now: Sequence[Message], redact: Redact) -> str:
    for place, (was, is_) in enumerate(zip_longest(before, now)):
        if was is None or is_ is None:
            other = was or is_
            return (
                f"message {place} ({other.role}) is {'new' if was is None else 'gone'}: {content_text(other.content)}"
            )
        recorded, asked = _parts(was, str), _parts(is_, redact)
        for part in dict.fromkeys((*recorded, *asked)):
            one, other_text = recorded.get(part, ""), asked.get(part, "")
            if one != other_text:
                return f"message {place} ({is_.role}) differs in its {part}:\n{changes(one, other_text)}"
    return ""


def _parts(message: Message, redact: Redact) -> Mapping[str, str]:
    """What a message says, piece by piece."""
    parts = {"role": message.role, "content": redact(content_text(message.content))}
    if message.reasoning is not None:
        parts["reasoning"] = redact(message.reasoning.text)
    if message.call_id is not None:
        parts["call id"] = message.call_id
    for call in message.tool_calls:
        parts[f"call {call.id} of {call.name}"] = redact(call.arguments)
    return parts


def _in_tools(before: str, request: Request) -> str:
    now = as_told(request.tools)
    if before == now:
        return ""
    was, is_ = ({spec["name"]: spec for spec in json.loads(text or "[]")} for text in (before, now))
    for name in dict.fromkeys((*was, *is_)):
        if name not in was or name not in is_:
            return f"the tool {name!r} is {'new' if name not in was else 'gone'}"
        if was[name] != is_[name]:
            one, other = (json.dumps(each[name], ensure_ascii=False) for each in (was, is_))
            return f"the tool {name!r} is described differently:\n{changes(one, other)}"
    return "the tools are offered in another order"
