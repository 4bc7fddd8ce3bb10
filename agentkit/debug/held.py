"""Requests that are held to those of a record: the first thing that differs is said, and shown."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from agentkit.debug.changes import changes
from agentkit.debug.recording import Exchange, Expect
from agentkit.debug.scrubbed import in_json
from agentkit.debug.words import content_text
from agentkit.errors import AgentkitError
from agentkit.fingerprint import Fingerprint, as_set, as_told, of_text
from agentkit.messages import Content, File, Image, Message
from agentkit.model import Request

Redact = Callable[[str], str]


class Diverged(AgentkitError):
    """Something else is asked than was recorded; the message says what, and shows how it differs.

    Attributes:
        step: The step of the request.
    """

    def __init__(self, message: str, *, step: int) -> None:
        super().__init__(message)
        self.step = step


def held(name: str, redact: Redact = str) -> Expect:
    """Refuses a request that is not the recorded one.

    Args:
        name: The id of the model that is asked today.
        redact: Hides what is hidden in the record.
    """
    prints = Fingerprint(redact)

    def expect(exchange: Exchange, request: Request) -> None:
        found = difference(exchange, request, name, redact)
        print_now = prints.of(request.messages, as_told(request.tools), as_set(request.settings, request.output))
        recorded = "" if exchange.called is None else exchange.called.request
        # Both sides of a comparison are today's reading of events; what was really sent then only its fingerprint tells.
        if not found and recorded not in {"", print_now}:
            found = f"the same events made another request then ({recorded}, now {print_now}), in an older agentkit"
        if found:
            raise Diverged(found, step=exchange.step)

    return expect


def difference(exchange: Exchange, request: Request, name: str, redact: Redact = str) -> str:
    """The first thing in which a request is not the recorded one, in words; empty where it is the same."""
    called = exchange.called
    if called is None:
        # A reply that a fork has put there: nobody had asked for it.
        return ""
    found = _in_messages(exchange.messages, request.messages, redact) or _in_tools(exchange.offer, request, redact)
    if found or called.model != name:
        return found or f"the model was {called.model!r}, and is {name!r}"
    before, now = (in_json(each, redact) for each in (called.settings, as_set(request.settings, request.output)))
    return "" if before == now else f"the settings differ:\n{changes(before, now)}"


def _in_messages(before: Sequence[Message], now: Sequence[Message], redact: Redact) -> str:
    for place, (was, is_) in enumerate(zip_longest(before, now)):
        if was is None or is_ is None:
            other = was or is_
            assert other is not None
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
    content, attached = _told(message.content, redact)
    parts = {"role": message.role, "content": content, **attached}
    if message.reasoning is not None:
        parts["reasoning"] = redact(message.reasoning.text)
    if message.call_id is not None:
        parts["call id"] = message.call_id
    for call in message.tool_calls:
        parts[f"call {call.id} of {call.name}"] = redact(call.arguments)
    return parts


def _told(content: Content, redact: Redact) -> tuple[str, Mapping[str, str]]:
    """A content in words, and what is attached to it in a few letters: its data is nothing to read."""
    if isinstance(content, str):
        return redact(content), {}
    parts = [replace(part, url=in_json(part.url, redact)) if isinstance(part, Image) else part for part in content]
    data = [
        of_text(part.url if isinstance(part, Image) else part.data) for part in parts if isinstance(part, Image | File)
    ]
    return redact(content_text(tuple(parts))), {f"attachment {number}": each for number, each in enumerate(data, 1)}


def _in_tools(before: str, request: Request, redact: Redact) -> str:
    before, now = (in_json(each, redact) for each in (before, as_told(request.tools)))
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
