"""Events as they may leave this machine: what looks like a secret is hidden in everything that they say.

A journal hides secrets in what people, tools and models write.  What goes into a file that is shared is held to more: to
what the model was told of its tools, to its settings, and to addresses.  Nothing here writes.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic import JsonValue

from agentkit.codec import decode, dumps, encode
from agentkit.events import Event, Recorded, RunForked, RunStarted, Unknown
from agentkit.secrets import HIDDEN, scrub

Hide = Callable[[str], str]


def scrubbed(events: Sequence[Recorded], hide: Hide = scrub) -> tuple[Recorded, ...]:
    """The events with secrets hidden; each says in how many of its texts.

    Args:
        events: Any events.
        hide: Hides what is secret in a text, and leaves alone what is hidden already.
    """
    return tuple(_scrubbed(each, hide) for each in events)


def _scrubbed(recorded: Recorded, hide: Hide) -> Recorded:
    hidden = 0

    def counted(text: str, kept: str) -> str:
        nonlocal hidden
        hidden += kept != text
        return kept

    event = _by_hand(recorded.event, hide)
    kind, data = encode(
        event, text=lambda text: counted(text, hide(text)), long=lambda text: counted(text, in_json(text, hide))
    )
    return replace(recorded, event=decode(kind, data) if hidden else event, hidden=recorded.hidden + hidden)


def _by_hand(event: Event, hide: Hide) -> Event:
    """The event, with secrets hidden where the codec asks nobody."""
    match event:
        case RunStarted() | RunForked():
            return replace(event, target=hide(event.target))
        case Unknown():
            return replace(event, data=in_json(event.data, hide))
        case _:
            return event


def in_json(text: str, hide: Hide) -> str:
    """A JSON text with secrets hidden in the texts inside of it, so that it stays JSON; any other text as a text.

    The data of a picture or a document is left alone.
    """
    if text.startswith("data:"):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return hide(text)
    kept = _inside(value, hide, "")
    return text if kept == value else dumps(kept)


def _inside(value: JsonValue, hide: Hide, name: str) -> JsonValue:
    if isinstance(value, str):
        return HIDDEN if value and name and _is_of_secret(name, hide) else hide(value)
    if isinstance(value, list):
        return [_inside(each, hide, "") for each in value]
    if isinstance(value, dict):
        return {key: _inside(each, hide, key) for key, each in value.items()}
    return value


def _is_of_secret(name: str, hide: Hide) -> bool:
    """Whether a text of this name is a secret whatever it says."""
    said = f'"{name}": "any text"'
    return hide(said) != said
