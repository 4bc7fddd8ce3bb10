"""One step with what went over the wire, and the ways to send it again."""

import json
from collections.abc import Sequence

from pydantic import JsonValue

from agentkit.debug.facts import Facts
from agentkit.debug.wire import WireRequest, as_curl, as_python, wire_request, wire_response
from agentkit.errors import AgentkitError, UsageError
from agentkit.events import ModelCalled, Recorded
from agentkit.viewer.offers import schemas_of
from agentkit.viewer.told import Told


def detail(told: Told, number: int, call: str | None = None) -> Facts:
    """A step with its request and its response.

    Args:
        told: The run.
        number: The step.
        call: A call of the step, which is looked for instead of the number.

    Raises:
        UsageError: There is no such step.
    """
    wanted = _number(told, call) if call else number
    step = None if wanted is None else told.steps.step(wanted)
    if wanted is None or step is None:
        what = f"call {call!r}" if call else f"step {number}; it has {len(told.steps) - 1}"
        raise UsageError(f"the run has no {what}")
    return {"step": step, **_request(told, wanted)}


def _number(told: Told, call_id: str) -> int | None:
    """The step that has a call."""
    asked = ((step.number, call.history.call.id) for step, calls in told.steps.calls for call in calls)
    return next((number for number, known in asked if known == call_id), None)


def _request(told: Told, number: int) -> Facts:
    called = [each for each in told.events if isinstance(each.event, ModelCalled) and each.step <= number]
    events = [each.event for each in called if isinstance(each.event, ModelCalled)]
    offer = next((each.offer for each in reversed(events) if each.offer), "")
    found: Facts = {
        "settings": events[-1].settings if events else "",
        "schemas": schemas_of(offer),
    }
    try:
        request = wire_request(told.events, number)
    except (AgentkitError, ValueError, RecursionError) as error:
        # A damaged record may hold no JSON where it should.
        return {**found, "wire": None, "unwired": str(error)}
    return {**found, "wire": _wire(told, number, request)}


def _wire(told: Told, number: int, request: WireRequest) -> Facts:
    def kept(form: str, text: str) -> JsonValue:
        return told.texts.cut(f"{number}.wire.{form}", text)

    sent: JsonValue = {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": request.body,
    }
    return {
        "note": request.why,
        "exact": request.exact,
        "request": kept("request", json.dumps(sent, ensure_ascii=False, indent=2)),
        "curl": kept("curl", as_curl(request)),
        "python": kept("python", as_python(request)),
        "response": kept("response", _response(told.events, number)),
    }


def _response(events: Sequence[Recorded], number: int) -> str:
    try:
        return json.dumps(wire_response(events, number).body, ensure_ascii=False, indent=2)
    except UsageError:
        return ""
