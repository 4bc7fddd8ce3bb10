"""The request of a step as it went over the wire, made once more from the record by what makes it in a run.

The bytes themselves are not kept: each request repeats all that was said before it.  What cannot be made again for certain
is said.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import JsonValue, TypeAdapter

from agentkit.chat.encode import Encoder
from agentkit.chat.parameters import fitted
from agentkit.chat.profiles import UNKNOWN, Profile
from agentkit.chat.providers import PROFILES, profile_of
from agentkit.endpoint import Endpoint, read_text
from agentkit.errors import ModelError, UsageError
from agentkit.events import FailedAttempt, ModelCalled, ModelReplied, Recorded, RunForked, RunResumed
from agentkit.fingerprint import Fingerprint, as_set, as_told
from agentkit.loop import Run, apply
from agentkit.messages import Message
from agentkit.model import OutputFormat, Request, Settings, ToolSpec
from agentkit.observers.plain import counted_as
from agentkit.prompted import in_prompt
from agentkit.secrets import HIDDEN

METHOD: Final = "POST"

WAYS: Final = {**PROFILES, UNKNOWN.name: UNKNOWN}
"""The ways of providers that a record can name."""

REFUSED: Final = 400
"""The status of refusals for which there is a remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A request as it goes over the wire, but for the key."""

    step: int
    url: str | None
    """None where the record does not say."""
    headers: Mapping[str, str]
    """The key's says `$NAME`, a variable of the environment.  Headers of the program's own are not on record."""
    body: JsonValue
    why: str = ""
    """What may have been different, in words."""
    method: str = METHOD

    @property
    def exact(self) -> bool:
        """Whether all that is on record says that this is what was sent."""
        return not self.why


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as it is on record."""

    called: ModelCalled
    messages: tuple[Message, ...]
    offer: str
    endpoints: tuple[Endpoint, ...]
    hidden: int
    """Texts before it in which secrets were hidden."""
    failed: tuple[FailedAttempt, ...] = ()
    """What had failed by then in its process."""
    replied: ModelReplied | None = None
    """None as well where a fork has put another reply there."""
    forked: bool = False

    @property
    def origin(self) -> str:
        return "" if self.replied is None else self.replied.message.origin


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a request went."""

    model: str
    profile: Profile
    origin: str
    url: str | None = None
    settings: Settings = field(default_factory=Settings)
    """What the model says in every request."""
    unknown: str = ""
    """What of that is not on record, in words."""
    prompted: bool = False


def wire_request(events: Sequence[Recorded], step: int) -> WireRequest:
    """The request of a step; the last one, where a reply never came and it was asked again.

    Args:
        events: The durable events of a run, in order; of a fork those of its parent before it.
        step: Its number, from 1.

    Raises:
        UsageError: There is no request of this step on record, or what it says cannot be sent.
        OutOfOrder: The events are not those of one run.
    """
    asked = _asked(events, step)
    request, place = _request(asked), _place(asked)
    try:
        sent = in_prompt(request, place.profile.output_mode) if place.prompted else request
        body, stream = _body(sent, place, asked.failed)
    except (UsageError, RecursionError) as error:
        raise UsageError(f"the request of step {step} cannot be made from the record: {error}") from error
    why = "; ".join(_doubts(asked, place, request))
    return WireRequest(step=step, url=place.url, headers=_headers(place.profile, stream=stream), body=body, why=why)


# What is on record.


def _asked(events: Sequence[Recorded], step: int) -> _Asked:
    run, found = Run(), None
    offer, endpoints, hidden = "", "", 0
    failed: tuple[FailedAttempt, ...] = ()
    for recorded in events:
        event = recorded.event
        match event:
            case ModelCalled():
                offer, endpoints = event.offer or (offer if event.tools else ""), event.endpoint or endpoints
                if recorded.step == step:
                    found = _Asked(event, run.messages, offer, read_text(endpoints), hidden, failed)
            case ModelReplied():
                failed = (*failed, *event.attempts)
                if recorded.step == step and found is not None:
                    return found if found.forked else replace(found, failed=failed, replied=event)
            case RunResumed() | RunForked():
                # Another process has not seen what was refused.
                failed = ()
                found = replace(found, forked=isinstance(event, RunForked)) if found is not None else None
        hidden += recorded.hidden
        run = apply(run, event)
    if found is None:
        raise UsageError(_missing(step, run))
    return found


def _missing(step: int, run: Run) -> str:
    if not 1 <= step <= run.steps:
        there = f"the record has steps 1 to {run.steps}" if run.steps else "the record has no step"
        return f"there is no step {step}: {there}"
    return f"nobody asked for the reply of step {step}: it was put there"


def _request(asked: _Asked) -> Request:
    settings, output = _settings(asked.called.settings)
    return Request(
        messages=asked.messages,
        tools=_specs(asked.offer),
        settings=settings,
        output=output,
        # Pieces are told to those who watch, and to nobody else.
        stream=asked.replied is not None and asked.replied.first is not None,
    )


def _specs(offer: str) -> tuple[ToolSpec, ...]:
    try:
        return _TOOLS.validate_python(json.loads(offer or "[]"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"what the model was told of its tools is damaged: {error}") from error


def _settings(text: str) -> tuple[Settings, OutputFormat | None]:
    """Settings as they were told, and the form of the answer beside them."""
    try:
        said = _OBJECT.validate_python(json.loads(text or "{}"))
        output = said.pop("output", None)
        return _SETTINGS.validate_python(said), None if output is None else _OUTPUT.validate_python(output)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the settings on record are damaged: {error}") from error


_TOOLS = TypeAdapter(tuple[ToolSpec, ...])
_OBJECT = TypeAdapter(dict[str, JsonValue])
_SETTINGS = TypeAdapter(Settings)
_OUTPUT = TypeAdapter(OutputFormat)


# Where it went, and how it is said there.


def _place(asked: _Asked) -> _Place:
    """Where the reply came from; where there is none, where the model is asked first."""
    places = [_at(each) for each in asked.endpoints]
    known = [each for each in places if each.origin == asked.origin] if asked.origin else places
    if known:
        return known[0]
    host, _, model = asked.origin.partition("/")
    model = model or asked.called.model
    return _Place(model, profile_of(host, model), asked.origin)


def _at(endpoint: Endpoint) -> _Place:
    address = _split(endpoint.url)
    host = address.netloc.rpartition("@")[2]
    profile = WAYS.get(endpoint.provider) or profile_of(host, endpoint.model)
    origin = f"{address.hostname}/{endpoint.model}"
    url = endpoint.url if address.scheme in {"http", "https"} else None
    return _Place(endpoint.model, profile, origin, url, *_own(endpoint.settings), endpoint.prompted)


def _own(told: str) -> tuple[Settings, str]:
    """What a model says in every request, and what of that is not on record."""
    try:
        settings, _ = _settings(told)
    except UsageError:
        return Settings(), "what the model says in every request cannot be read"
    return settings, "secrets were hidden in what the model says in every request" if HIDDEN in told else ""


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # Nobody asks there.
        return urlsplit("")


def _body(request: Request, place: _Place, failed: Sequence[FailedAttempt]) -> tuple[JsonValue, bool]:
    """The body as the endpoint would be sent it, and whether it asks for a stream."""
    profile = place.profile
    encoder = Encoder(place.model, profile, place.origin)
    for attempt in failed:
        # What was refused before was mended for the rest of the run.
        encoder.repair(request, ModelError(attempt.detail, category="invalid_request", status=REFUSED))
    asked = fitted(place.settings | request.settings, profile, tools=bool(request.tools))
    stream = request.stream or profile.always_streams
    body: JsonValue = json.loads(encoder.body(request, asked.settings, stream=stream))
    return body, stream


def _headers(profile: Profile, *, stream: bool) -> Mapping[str, str]:
    bearer = profile.key_header == "authorization"
    return {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        profile.key_header: f"Bearer ${profile.key_variable}" if bearer else f"${profile.key_variable}",
    }


def _doubts(asked: _Asked, place: _Place, request: Request) -> Iterator[str]:
    """What may have been different, in words."""
    recorded = asked.called.request
    settings = as_set(request.settings, request.output)
    made = Fingerprint(str).of(request.messages, as_told(request.tools), settings)
    if asked.hidden:
        yield f"secrets were hidden in {counted_as(asked.hidden, 'text')} of the record, and were sent"
    if recorded != made:
        yield f"the record makes another request today (its fingerprint was {recorded or 'not kept'}, and is {made})"
    if place.url is None:
        yield "the address and the model's own settings were not recorded"
    if place.unknown:
        yield place.unknown
    provider = next((each.provider for each in asked.endpoints if each.url == place.url), "")
    if place.url is not None and provider not in WAYS:
        yield f"the program had ways of its own for this provider, which are not on record; these are those of {place.profile.name}"
    if asked.forked:
        yield "the reply to it is another one here: a fork has put it there"
    elif asked.replied is None:
        yield "no reply is on record, which would say whether it was to come in pieces"
