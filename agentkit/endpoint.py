"""Where a model is asked, as far as that may be on record: no key, no query, no header of the caller's."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place where a model is asked, and what is said there beside the request."""

    url: str
    model: str
    """The model's id."""
    provider: str = ""
    """The provider's ways by their name in the table; empty where the program has described them itself."""
    settings: str = ""
    """How the model is to answer where a request does not say, as JSON text."""
    prompted: bool = False
    """Whether tools are described in the prompt."""


def endpoints_of(model: object) -> tuple[Endpoint, ...]:
    """The places where a model is asked, the preferred one first; none where it does not say."""
    found = getattr(model, "endpoints", ())
    # A model of somebody else's may have such a name for something that is not for the record.
    return found if isinstance(found, tuple) and all(isinstance(each, Endpoint) for each in found) else ()


def as_text(endpoints: Sequence[Endpoint]) -> str:
    """Endpoints as JSON text; empty for none."""
    told = [{name: value for name, value in asdict(each).items() if value} for each in endpoints]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) if told else ""


def read_text(text: str) -> tuple[Endpoint, ...]:
    """The endpoints of a text; what is none is passed over."""
    try:
        found: JsonValue = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return ()
    read = (_read(each) for each in found) if isinstance(found, list) else ()
    return tuple(each for each in read if each is not None)


def _read(value: JsonValue) -> Endpoint | None:
    if not isinstance(value, dict):
        return None
    given = {each.name: value[each.name] for each in fields(Endpoint) if each.name in value}
    url, model, prompted = given.pop("url", None), given.pop("model", None), given.pop("prompted", False)
    texts = {name: each for name, each in given.items() if isinstance(each, str)}
    return (
        Endpoint(url, model, prompted=prompted is True, **texts)
        if isinstance(url, str) and isinstance(model, str)
        else None
    )
