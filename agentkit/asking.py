"""What the model is asked in a run, and what it said, as events.  Nothing here waits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from agentkit.endpoint import Endpoint, as_text, endpoints_of
from agentkit.events import (
    Event,
    FailedAttempt,
    ModelCalled,
    ModelReplied,
    ModelRetried,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from agentkit.fingerprint import Fingerprint, as_set, as_told
from agentkit.loop import Run
from agentkit.model import Emit, Model, OutputFormat, Reply, Request, Settings, ToolSpec
from agentkit.prompt_cache import cache_lost
from agentkit.toolbox import AnyTool

_PIECES = (TextDelta, ReasoningDelta, ToolCallDelta)


class Coming:
    """A reply on its way: hands on what is told of it, and notes when.

    Args:
        emit: Tells those who watch.
        now: A monotonic clock.

    Attributes:
        first: Seconds from the request to the first piece; None as long as there is none.
        attempts: What failed before.
    """

    def __init__(self, emit: Emit, now: Callable[[], float]) -> None:
        self.first: float | None = None
        self.attempts: tuple[FailedAttempt, ...] = ()
        self._emit = emit
        self._now = now
        self._began = now()

    def __call__(self, event: Event) -> None:
        if isinstance(event, ModelRetried):
            failed = FailedAttempt(
                event.attempt, event.category, event.detail, self.passed(), event.seconds, event.model
            )
            self.attempts = (*self.attempts, failed)
            # What came of a reply that broke off is no piece of this one.
            self.first = None
        elif self.first is None and isinstance(event, _PIECES):
            self.first = self.passed()
        self._emit(event)

    def passed(self) -> float:
        """Seconds since the request."""
        return self._now() - self._began


@dataclass
class Asking:
    """Remembers what a run has asked: what is the same as before is not told, nor counted, again."""

    settings: Settings
    format: OutputFormat | None
    """The form that each request holds the model to."""
    stream: bool
    redact: Callable[[str], str]
    call_ids: set[str]
    """The ids of all calls before."""
    memo: dict[object, object] = field(default_factory=dict)
    before: Reply | None = None
    fingerprint: Fingerprint = field(init=False)
    told: tuple[ToolSpec, ...] | None = None
    offer: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    settled: tuple[Settings | None, str] = (None, "")
    """Settings, and how they are told."""

    def __post_init__(self) -> None:
        self.fingerprint = Fingerprint(self.redact)

    def request(self, run: Run, offered: Mapping[str, AnyTool]) -> Request:
        """What the model is asked now."""
        settings = self.settings
        if run.steps and settings.forced:
            # It would never end.
            settings = replace(settings, tool_choice=None)
        return Request(
            messages=run.messages,
            tools=tuple(tool.spec for tool in offered.values()),
            settings=settings,
            output=self.format,
            stream=self.stream,
            memo=self.memo,
        )

    def called(self, request: Request, model: Model, *, last: bool) -> ModelCalled:
        """The request as a fact."""
        news = self._offer(request.tools)
        settings = self._settings(request)
        names = tuple(spec.name for spec in request.tools)
        whole = self.fingerprint.of(request.messages, self.offer, settings)
        return ModelCalled(model.name, len(request.messages), names, last, whole, settings, news, self._endpoint(model))

    def _endpoint(self, model: Model) -> str:
        """Where the model is asked, if it says so, and it is not where it was asked before."""
        endpoints = endpoints_of(model)
        if endpoints == self.endpoints:
            return ""
        self.endpoints = endpoints
        return as_text(endpoints)

    def _offer(self, specs: tuple[ToolSpec, ...]) -> str:
        """What is told of the tools, where it is not what was told before."""
        told = self.told
        same = told is not None and len(told) == len(specs) and all(a is b for a, b in zip(told, specs, strict=True))
        if same:
            return ""
        self.told = specs
        before, self.offer = self.offer, as_told(specs)
        return "" if before == self.offer else self.offer

    def _settings(self, request: Request) -> str:
        if self.settled[0] is not request.settings:
            self.settled = (request.settings, as_set(request.settings, request.output))
        return self.settled[1]

    def replied(self, reply: Reply, run: Run, coming: Coming) -> ModelReplied:
        """The reply as a fact, with ids that are unique in the run: results are joined by them, here and in every journal."""
        calls, warnings = [], list(reply.warnings)
        for place, call in enumerate(reply.message.tool_calls):
            if not call.id or call.id in self.call_ids:
                warnings.append("tool_call_id_missing" if not call.id else "tool_call_id_duplicate")
            calls.append(replace(call, id=self._unique(call.id or f"call_{run.steps + 1}_{place}")))
        if cache_lost(self.before, reply):
            warnings.append("cache_lost")
        self.before = reply
        return ModelReplied(
            replace(reply.message, tool_calls=tuple(calls)),
            reply.usage,
            reply.finish_reason,
            model=reply.model,
            request_id=reply.request_id,
            cost=reply.cost,
            seconds=coming.passed(),
            warnings=tuple(warnings),
            first=coming.first,
            attempts=coming.attempts,
        )

    def _unique(self, call_id: str) -> str:
        while call_id in self.call_ids:
            call_id += "_again"
        self.call_ids.add(call_id)
        return call_id


def asking(
    run: Run, settings: Settings, output: OutputFormat | None, *, stream: bool, redact: Callable[[str], str]
) -> Asking:
    """For a run as it stands."""
    ids = {call.id for message in run.messages for call in message.tool_calls}
    return Asking(settings, output, stream, redact, ids)
