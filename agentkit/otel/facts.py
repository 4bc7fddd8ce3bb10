"""What an event says of a request, a reply or a call, as attributes.  What is not known is left out, never guessed."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import JsonValue

from agentkit.endpoint import Endpoint
from agentkit.events import ModelCalled, ModelReplied, ToolStarted
from agentkit.messages import Message, Usage
from agentkit.otel import names
from agentkit.otel.values import Mark, Value, attributes

PROVIDERS = {"azure": "azure.ai.openai", "gemini": "gcp.gemini", "xai": "x_ai"}
"""What the conventions call those that the table of providers calls otherwise."""

UNKNOWN = "unknown"

PORTS = {"https": 443, "http": 80}


def of_request(called: ModelCalled, endpoint: Endpoint | None) -> dict[str, Value]:
    """The request: who is asked, where, and how it is to answer."""
    asked = {**_object("" if endpoint is None else endpoint.settings), **_object(called.settings)}
    stop = asked.get("stop")
    return {
        **of_endpoint(endpoint),
        **attributes(
            {
                names.REQUEST_MODEL: called.model,
                names.MAX_TOKENS: _whole(asked.get("max_completion_tokens", asked.get("max_tokens"))),
                names.TEMPERATURE: _number(asked.get("temperature")),
                names.TOP_P: _number(asked.get("top_p")),
                names.SEED: _whole(asked.get("seed")),
                names.STOP: (stop,) if isinstance(stop, str) else _texts(stop),
                names.REASONING_LEVEL: _text(asked.get("reasoning_effort")),
                names.OUTPUT_TYPE: "json" if "output" in asked else None,
                names.LAST: True if called.last else None,
            }
        ),
    }


def of_endpoint(endpoint: Endpoint | None) -> dict[str, Value]:
    """Who answers, and at which address."""
    if endpoint is None:
        return {names.PROVIDER: UNKNOWN}
    # The table has several rows for some: what comes after the stroke is a family of models.
    row = endpoint.provider.partition("_")[0]
    address, port = _server(endpoint.url)
    provider = PROVIDERS.get(row, row) or UNKNOWN
    return attributes({names.PROVIDER: provider, names.SERVER_ADDRESS: address, names.SERVER_PORT: port})


def endpoint_of(endpoints: Sequence[Endpoint], message: Message | None = None) -> Endpoint | None:
    """The place that a reply came from, as far as it says; before that, the one that is asked first."""
    origin = "" if message is None else message.origin
    came = (each for each in endpoints if origin and f"{_server(each.url)[0]}/{each.model}" == origin)
    return next(came, endpoints[0] if endpoints else None)


def _server(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None, None


def of_reply(replied: ModelReplied) -> dict[str, Value]:
    """The reply: who gave it, why it ended, what it cost."""
    return attributes(
        {
            names.RESPONSE_MODEL: replied.model or None,
            names.RESPONSE_ID: replied.request_id,
            names.FINISH_REASONS: (replied.finish_reason,),
            names.STREAM: True if replied.first is not None else None,
            names.FIRST_CHUNK: replied.first,
            names.COST: replied.cost,
            names.WARNINGS: replied.warnings or None,
            names.FAILED_ATTEMPTS: len(replied.attempts) or None,
            **_counted(replied.usage),
        }
    )


def _counted(usage: Usage) -> dict[str, Value | None]:
    return {
        names.INPUT_TOKENS: usage.input,
        names.OUTPUT_TOKENS: usage.output,
        names.CACHED_TOKENS: usage.cached,
        names.REASONING_TOKENS: usage.reasoning,
    }


def retries(replied: ModelReplied, start: float) -> tuple[Mark, ...]:
    """The attempts that failed before a reply came, each at its time."""
    return tuple(
        Mark(
            names.MODEL_RETRIED,
            start + each.after,
            attributes(
                {
                    names.ATTEMPT: each.number,
                    names.CATEGORY: each.category,
                    names.SECONDS: each.wait,
                    names.REQUEST_MODEL: each.model or None,
                }
            ),
        )
        for each in replied.attempts
    )


def of_call(call_id: str, tool: str, started: ToolStarted | None) -> dict[str, Value]:
    """A call: whose it is, and how it was started if it was."""
    given: dict[str, Value | None] = {
        names.OPERATION: names.EXECUTE_TOOL,
        names.TOOL: tool or None,
        names.TOOL_TYPE: "function",
        names.CALL_ID: call_id,
        names.EXECUTED: started is not None,
    }
    if started is not None:
        given |= {
            names.KEY: started.key,
            names.AGAIN: True if started.again else None,
            names.REPAIRED: True if started.repair is not None else None,
        }
    return attributes(given)


def _object(text: str) -> Mapping[str, JsonValue]:
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _whole(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: JsonValue) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(each for each in value if isinstance(each, str)) or None
