"""What a model was told of its tools, by their names."""

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from agentkit.codec import dumps
from agentkit.events import ModelCalled, Recorded


def schemas_of(offer: str) -> dict[str, JsonValue]:
    """What the model was told of each tool, as JSON text by name; nothing where the record is damaged."""
    return {name: dumps(each) for name, each in _named(offer).items()}


def offered(events: Sequence[Recorded]) -> dict[str, JsonValue]:
    """What the model was told of each tool at last, as JSON text by name."""
    offers = dict.fromkeys(each.event.offer for each in events if isinstance(each.event, ModelCalled))
    found: dict[str, JsonValue] = {}
    for offer in offers:
        found |= schemas_of(offer)
    return found


def _named(offer: str) -> Mapping[str, JsonValue]:
    try:
        specs: JsonValue = json.loads(offer) if offer else []
    except (ValueError, RecursionError):
        return {}
    named = [each for each in specs if isinstance(each, dict)] if isinstance(specs, list) else []
    return {str(each.get("name")): each for each in named}
