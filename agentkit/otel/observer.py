"""Runs as they happen, sent to a backend: each span when it is over, and what is sent about a run never harms it."""

import os
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import MeterProvider
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from agentkit.errors import JournalError
from agentkit.events import (
    Event,
    ModelCalled,
    ModelRetried,
    ReasoningDelta,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    TextDelta,
    ToolCallDelta,
)
from agentkit.journal import Journal
from agentkit.otel import names
from agentkit.otel.content import Redact
from agentkit.otel.export import AT_ONCE, family, places_in, readable, resource_of, span_context, writer_for
from agentkit.otel.metrics import Meters
from agentkit.otel.spans import Projection, spans_of
from agentkit.otel.values import Context, Link, Place, Span
from agentkit.secrets import scrub
from agentkit.sqlite.journal import journal_at

RUNS, PAUSED, ENDED, PLACES = 10_000, 1_000, 1_000, 10_000
"""What is remembered: runs at work, runs that wait to be resumed, runs that have ended, and where runs belong.  The oldest are forgotten first, and read
from the journal if they are told of again."""

_PIECES = TextDelta | ReasoningDelta | ToolCallDelta

Kept = TypeVar("Kept")


class Telemetry:
    """An observer that sends traces and metrics: `Agent(..., observers=[telemetry])`, or `EVERYWHERE.append(telemetry)`.

    Spans leave in the background, in the order of their ends.  At the end of a `with` block, by `close`, or when the process
    ends in order, what is left is sent.

    Args:
        exporter: Who sends spans; OTLP over HTTP as the standard variables say when left out.
        meter_provider: Where metrics go; when left out, to the same place as the spans, unless there is an exporter or
            `OTEL_METRICS_EXPORTER` says `none`.
        journal: Where the runs are kept, a `Journal` or the path of a file: for what happened before a run was resumed here.
        content: Whether to send what was said as well; when left out, what the environment asks.
        redact: Hides what is secret in content.
        resource: What the spans are of; that of the application's tracer when left out.
    """

    def __init__(
        self,
        exporter: SpanExporter | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        journal: Journal | str | Path | None = None,
        content: bool | None = None,
        redact: Redact = scrub,
        resource: Resource | None = None,
    ) -> None:
        self._disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        self._resource = resource_of(resource)
        self._processor = BatchSpanProcessor(exporter or OTLPSpanExporter(), max_export_batch_size=AT_ONCE)
        own = _own_provider(self._resource) if exporter is None and meter_provider is None else None
        provider = meter_provider or own
        self._meters = None if provider is None else Meters(provider)
        self._own_provider = own
        self._close = weakref.finalize(self, _shut, self._processor, own)
        self._journal = journal_at(journal) if isinstance(journal, str | Path) else journal
        self._content = content
        self._redact = redact
        self._runs: OrderedDict[str, Projection] = OrderedDict()
        self._paused: OrderedDict[str, Projection] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._pieces: dict[str, float] = {}
        """When the last piece of a reply came, by its run."""

    def __call__(self, recorded: Recorded) -> AbstractContextManager[object] | None:
        """Take an event; what it returns makes the span of an effect the parent of those that are made within it."""
        event = recorded.event
        if self._disabled or not event.durable:
            self._pass(recorded)
            return None
        if recorded.run_id in self._ended and not _begins(event):
            # An observer of the agent and of every run is told everything twice.
            return None
        projection = self._known(recorded)
        for span in projection.take(recorded):
            self._send(span)
            if self._meters is not None:
                self._meters.record(span)
        self._remember(recorded, projection)
        begun = projection.context(event)
        return None if begun is None else _current(begun)

    def flush(self, seconds: float = 10.0) -> bool:
        """Send what is over by now; whether all of it has left in time."""
        milliseconds = round(seconds * 1000)
        sent = self._processor.force_flush(milliseconds)
        return (self._own_provider is None or self._own_provider.force_flush(milliseconds)) and sent

    def close(self) -> None:
        """Send what is left, and stop; what is told from then on is dropped."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, span: Span) -> None:
        if self._close.alive:
            self._processor.on_end(readable(span, self._resource))

    # What is known of runs.

    def _known(self, recorded: Recorded) -> Projection:
        """The run that an event is of, as far as it was told here or is on record."""
        run_id = recorded.run_id
        known = self._runs.get(run_id) or self._paused.pop(run_id, None)
        again = _begins(recorded.event) and known is not None and recorded.seq < known.seq
        # What is missing between was told in another process.
        if known is None or again or recorded.seq > known.seq + 1:
            links = _caller(recorded.event)
            known = Projection(writer=writer_for(self._redact, content=self._content), find=self._find, links=links)
            if recorded.seq > 0:
                self._catch_up(known, recorded)
        _put(self._runs, run_id, known, RUNS)
        return known

    def _catch_up(self, projection: Projection, recorded: Recorded) -> None:
        """Read what was before; what a process that died may not have sent is sent for it, under the ids it has."""
        unsent: list[Span] = []
        since: list[Recorded] = []
        for each in self._before(recorded):
            unsent += projection.take(each)
            since.append(each)
            if isinstance(each.event, RunForked | RunSuspended | RunFinished):
                # What was before a fork is its parent's, and a process that stops a run in order sends what it has.
                unsent, since = [], []
        if isinstance(recorded.event, RunResumed) and since:
            for span in (*unsent, *self._ended_within(since)):
                self._send(span)

    def _ended_within(self, events: Sequence[Recorded]) -> Iterator[Span]:
        """The spans of runs that were begun by these calls and have ended, so that nobody resumes them."""
        if self._journal is None:
            return
        runs = family(self._journal, tuple(events))
        next(runs)
        for nested in runs:
            if nested and isinstance(nested[-1].event, RunFinished):
                yield from spans_of(nested, writer=writer_for(self._redact, content=self._content), find=self._find)

    def _before(self, recorded: Recorded) -> Sequence[Recorded]:
        if self._journal is None:
            return ()
        try:
            events = self._journal.read(recorded.run_id)
        except JournalError:
            return ()
        return [each for each in events if each.seq < recorded.seq]

    def _remember(self, recorded: Recorded, projection: Projection) -> None:
        run_id = recorded.run_id
        if projection.place is not None:
            _put(self._places, run_id, projection.place, PLACES)
        if isinstance(recorded.event, RunFinished | RunSuspended):
            self._runs.pop(run_id, None)
        if isinstance(recorded.event, RunFinished):
            _put(self._ended, run_id, None, ENDED)
        if isinstance(recorded.event, RunSuspended):
            _put(self._paused, run_id, projection, PAUSED)
        if isinstance(recorded.event, ModelCalled | RunFinished | RunSuspended):
            self._pieces.pop(run_id, None)

    def _find(self, run_id: str) -> Place | None:
        found = self._places.get(run_id)
        return places_in(self._journal)(run_id) if found is None and self._journal is not None else found

    # Pieces of replies.

    def _pass(self, recorded: Recorded) -> None:
        run_id, event = recorded.run_id, recorded.event
        if isinstance(event, ModelRetried):
            # The pieces so far are of a reply that does not count.
            self._pieces.pop(run_id, None)
        if self._meters is None or not isinstance(event, _PIECES) or run_id not in self._runs:
            return
        before = self._pieces.get(run_id)
        self._pieces[run_id] = recorded.time
        if before is not None:
            self._meters.piece(max(0.0, recorded.time - before), self._runs[run_id].asked)


def _put(known: OrderedDict[str, Kept], run_id: str, value: Kept, most: int) -> None:
    known[run_id] = value
    if len(known) > most:
        known.popitem(last=False)


def _begins(event: Event) -> bool:
    return isinstance(event, RunStarted | RunForked)


def _caller(event: Event) -> tuple[Link, ...]:
    """What the program was doing when a run began that is nobody's tool: it has a trace of its own, which points there."""
    if not _begins(event) or (isinstance(event, RunStarted) and event.parent is not None):
        return ()
    around = trace.get_current_span().get_span_context()
    return (Link(Context(around.trace_id, around.span_id), {names.LINK: "caller"}),) if around.is_valid else ()


@contextmanager
def _current(context: Context) -> Iterator[None]:
    """Make a span the parent of those that are begun within."""
    span = trace.NonRecordingSpan(span_context(context))
    token = contexts.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        contexts.detach(token)


def _own_provider(resource: Resource) -> SdkMeterProvider | None:
    """Metrics by OTLP, unless the environment wants none."""
    if os.environ.get("OTEL_METRICS_EXPORTER", "").strip().lower() not in {"", "otlp"}:
        return None
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return SdkMeterProvider([reader], resource, shutdown_on_exit=False)


def _shut(processor: SpanProcessor, provider: SdkMeterProvider | None) -> None:
    processor.shutdown()
    if provider is not None:
        provider.shutdown()
