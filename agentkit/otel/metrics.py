"""How long things take and what they use, as metrics: read from spans that are over, so that both say the same."""

from importlib.metadata import version
from itertools import accumulate, repeat
from operator import mul

from opentelemetry.metrics import Counter, Histogram, Meter, MeterProvider

from agentkit.otel import names
from agentkit.otel.spans import UNFINISHED
from agentkit.otel.values import Attributes, Span, Value


def _powers(first: float, factor: float, count: int) -> list[float]:
    return [round(each, 9) for each in accumulate(repeat(factor, count - 1), mul, initial=first)]


SECONDS = _powers(0.01, 2, 14)
AGENT_SECONDS = _powers(0.1, 2, 13)
CHUNK_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5]
TOKENS = _powers(1, 4, 14)
TIMES = _powers(1, 2, 8)
"""Bounds of the histograms' buckets, as the conventions advise."""

PAUSED = frozenset({"waiting", "failed", "cancelled", UNFINISHED})
"""How a run stands that can go on: it is counted when it has ended."""

_SHARED = (
    names.OPERATION,
    names.PROVIDER,
    names.REQUEST_MODEL,
    names.RESPONSE_MODEL,
    names.SERVER_ADDRESS,
    names.SERVER_PORT,
)
_OF_MODEL = (*_SHARED, names.ERROR)
_OF_TOOL = (names.OPERATION, names.TOOL, names.TOOL_TYPE, names.AGENT, names.ERROR)
_OF_AGENT = (names.OPERATION, names.PROVIDER, names.AGENT, names.ERROR)


class Meters:
    """The instruments of one meter.

    Args:
        provider: Where the metrics go.
    """

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter("agentkit", version("agentkit-core"))
        self._inference = _seconds(meter, names.INFERENCE_DURATION, "From a request to its reply, retries included.")
        self._first = _seconds(meter, names.TIME_TO_FIRST_CHUNK, "From a request to the first piece of its reply.")
        self._chunk = _histogram(meter, names.TIME_PER_CHUNK, "s", CHUNK_SECONDS, "From one piece to the next.")
        self._tool = _seconds(meter, names.TOOL_DURATION, "From the start of a tool to its result.")
        self._agent = _histogram(meter, names.AGENT_DURATION, "s", AGENT_SECONDS, "From a run's beginning to its end.")
        self._inferences = _histogram(
            meter, names.AGENT_INFERENCES, "{inference_call}", TIMES, "Requests to the model in a run."
        )
        self._tools = _histogram(meter, names.AGENT_TOOLS, "{tool_call}", TIMES, "Calls of tools in a run.")
        self._used: dict[str, Counter] = {
            usage: meter.create_counter(name, unit="{token}", description="Tokens, as the server counted them.")
            for usage, name in names.USAGE_COUNTERS.items()
        }
        self._sizes = {
            usage: _histogram(meter, name, "{token}", TOKENS, "Tokens of one request.")
            for usage, name in names.USAGE_HISTOGRAMS.items()
        }

    def record(self, span: Span) -> None:
        """Count a span that is over."""
        match span.attributes.get(names.OPERATION):
            case names.CHAT:
                self._record_chat(span)
            case names.EXECUTE_TOOL if span.attributes.get(names.EXECUTED):
                self._tool.record(span.end - span.start, _some(span.attributes, _OF_TOOL))
            case names.INVOKE_AGENT if span.attributes.get(names.STATUS) not in PAUSED:
                self._record_run(span)

    def piece(self, seconds: float, asked: Attributes) -> None:
        """Count a piece of a reply, which came so long after the one before it."""
        self._chunk.record(seconds, _some(asked, _SHARED))

    def _record_chat(self, span: Span) -> None:
        told = _some(span.attributes, _OF_MODEL)
        self._inference.record(span.end - span.start, told)
        first = _number(span.attributes.get(names.FIRST_CHUNK))
        if first is not None:
            self._first.record(first, told)
        used = _some(span.attributes, _SHARED)
        for usage, counter in self._used.items():
            count = _number(span.attributes.get(usage))
            # What a server does not say is not counted as nothing, and what cannot be is not counted at all.
            if count is not None and count >= 0:
                counter.add(count, {**used, names.MODALITY: "unknown"})
                if usage in self._sizes:
                    self._sizes[usage].record(count, used)

    def _record_run(self, span: Span) -> None:
        told = _some(span.attributes, _OF_AGENT)
        self._agent.record(span.end - span.start, told)
        self._inferences.record(_number(span.attributes.get(names.STEPS)) or 0, told)
        self._tools.record(_number(span.attributes.get(names.TOOL_CALLS)) or 0, told)


def _some(attributes: Attributes, wanted: tuple[str, ...]) -> dict[str, Value]:
    """The attributes that a metric may have: few values each, or there would be a series for every run."""
    return {name: attributes[name] for name in wanted if name in attributes}


def _number(value: Value | None) -> float | None:
    return value if isinstance(value, int | float) else None


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return _histogram(meter, name, "s", SECONDS, description)


def _histogram(meter: Meter, name: str, unit: str, bounds: list[float], description: str) -> Histogram:
    return meter.create_histogram(name, unit=unit, description=description, explicit_bucket_boundaries_advisory=bounds)
