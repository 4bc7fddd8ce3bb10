"""Runs on record, sent to a backend: the same spans with the same ids, however often and from wherever that is done."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link as SpanLink
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from agentkit.errors import AgentkitError, JournalError, UnknownRun
from agentkit.events import Recorded, RunForked, RunStarted, ToolStarted
from agentkit.journal import Journal
from agentkit.otel import names
from agentkit.otel.content import Redact, Writer, wanted
from agentkit.otel.spans import spans_of
from agentkit.otel.values import LARGEST, Context, Find, Place, Span, caller_of, nothing_known, place_of
from agentkit.secrets import scrub

AT_ONCE = 64
"""Spans of one request: with content in them, more could be too large for a collector."""

SCOPE = InstrumentationScope(
    "agentkit", version("agentkit-core"), attributes={"agentkit.conventions": names.CONVENTIONS}
)

KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}


class ExportFailed(AgentkitError):
    """The backend did not take the spans; they can be sent again without harm."""


def export(
    events: Iterable[Recorded],
    exporter: SpanExporter | None = None,
    *,
    content: bool | None = None,
    redact: Redact = scrub,
    resource: Resource | None = None,
    find: Find = nothing_known,
) -> int:
    """Send the spans of a run; how many there were.

    Args:
        events: The run's durable events, as of `result.events` or a journal.
        exporter: Who sends them; OTLP over HTTP as the standard variables say when left out.
        content: Whether to send what was said as well; when left out, what the environment asks.
        redact: Hides what is secret in content.
        resource: What the spans are of; that of the application's tracer when left out.
        find: Tells where the runs belong that this one is within or goes on from; by their ids when left out.

    Raises:
        ExportFailed: They were not taken.
    """
    writer = writer_for(redact, content=content)
    return _send([spans_of(events, writer=writer, find=find)], exporter, resource)


def send_to_otlp(
    journal: Journal,
    run_id: str,
    exporter: SpanExporter | None = None,
    *,
    content: bool | None = None,
    redact: Redact = scrub,
    resource: Resource | None = None,
) -> int:
    """Send the spans of a run in a journal and of the runs within it; how many there were.

    Raises:
        UnknownRun: The journal has no such run.
        ExportFailed: They were not taken.
    """
    find, writer = places_in(journal), writer_for(redact, content=content)
    runs = (spans_of(events, writer=writer, find=find) for events in family(journal, journal.read(run_id)))
    return _send(runs, exporter, resource)


def writer_for(redact: Redact, *, content: bool | None) -> Writer | None:
    """What writes content, where it is asked for here or by the environment."""
    return Writer(redact) if (wanted() if content is None else content) else None


def _send(runs: Iterable[Sequence[Span]], exporter: SpanExporter | None, resource: Resource | None) -> int:
    of = resource_of(resource)
    sender = exporter or OTLPSpanExporter()
    sent = 0
    try:
        for spans in runs:
            for start in range(0, len(spans), AT_ONCE):
                batch = [readable(each, of) for each in spans[start : start + AT_ONCE]]
                if sender.export(batch) is not SpanExportResult.SUCCESS:
                    raise ExportFailed(
                        f"the spans were not taken, {sent} of them before that were; see that a collector listens where "
                        f"OTEL_EXPORTER_OTLP_ENDPOINT says (http://localhost:4318 when it is not set), and send them again"
                    )
                sent += len(batch)
    finally:
        # Whoever brought an exporter has more to send by it.
        if exporter is None:
            sender.shutdown()
    return sent


def family(journal: Journal, events: tuple[Recorded, ...]) -> Iterator[tuple[Recorded, ...]]:
    """A run, then the runs that its calls began: each has the key of its call as its id."""
    runs, seen = [events], set[str]()
    while runs:
        events = runs.pop()
        yield events
        for recorded in events:
            event = recorded.event
            # What a fork shares with its parent is told with that.
            if isinstance(event, ToolStarted) and recorded.run_id == events[-1].run_id and event.key not in seen:
                seen.add(event.key)
                with suppress(UnknownRun):
                    runs.append(journal.read(event.key))


def places_in(journal: Journal) -> Find:
    """Tells where the runs of a journal belong; each is read once."""
    known: dict[str, Place] = {}

    def find(run_id: str) -> Place | None:
        chain: dict[str, RunStarted | RunForked] = {}
        wanted: str | None = run_id
        while wanted is not None and wanted not in known and wanted not in chain:
            began = beginning(journal, wanted)
            if began is None:
                break
            chain[wanted] = began
            wanted = _before(began)
        for each, began in reversed(chain.items()):
            known[each] = place_of(began, known.get)
        return known.get(run_id)

    return find


def beginning(journal: Journal, run_id: str) -> RunStarted | RunForked | None:
    """How a run began; None where the journal cannot tell."""
    try:
        events = journal.read(run_id)
    except JournalError:
        return None
    begun = (each.event for each in reversed(events))
    return next((event for event in begun if isinstance(event, RunStarted | RunForked)), None)


def _before(began: RunStarted | RunForked) -> str | None:
    """The run that says where this one belongs."""
    if isinstance(began, RunForked):
        return None
    return began.continues if began.parent is None else caller_of(began.parent)[0]


# In the words of the SDK.


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """A span as exporters take it."""
    parent = None if span.parent is None else span_context(Context(span.context.trace, span.parent))
    failed = names.ERROR in span.attributes
    detail = span.attributes.get(names.DETAIL) if failed else None
    return ReadableSpan(
        span.name,
        context=span_context(span.context),
        parent=parent,
        resource=resource,
        attributes=dict(span.attributes),
        events=[SpanEvent(each.name, dict(each.attributes), nanoseconds(each.time)) for each in span.marks],
        links=[SpanLink(span_context(each.to), dict(each.attributes)) for each in span.links],
        kind=KINDS[span.kind],
        status=Status(StatusCode.ERROR, str(detail or "") or None) if failed else Status(),
        start_time=nanoseconds(span.start),
        end_time=nanoseconds(span.end),
        instrumentation_scope=SCOPE,
    )


def span_context(context: Context) -> SpanContext:
    """A span's place, as the SDK has it; everything is sampled."""
    return SpanContext(context.trace, context.span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def nanoseconds(time: float) -> int:
    """Seconds since 1970 as the protocol counts them."""
    return int(time * 1e9) if 0 <= time < LARGEST / 1e9 else 0


def resource_of(given: Resource | None) -> Resource:
    """What spans are of: as given, or that of the application's tracer, so that its spans are found beside ours."""
    if given is not None:
        return given
    provider = trace.get_tracer_provider()
    return provider.resource if isinstance(provider, TracerProvider) else Resource.create()
