"""A run on record as the ports of another run: a model and tools that answer what was answered then.

Nothing here asks a model or runs a tool, but for calls that a record knows nothing of, where that is asked for.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agentkit.answers import AnswerToolbox
from agentkit.approvals import Decision
from agentkit.arguments import canonical, read_arguments
from agentkit.context import Context
from agentkit.errors import AgentkitError
from agentkit.events import ApprovalGiven, ModelCalled, ModelReplied, Recorded, ToolFinished
from agentkit.limits import Limits
from agentkit.loop import Run, apply
from agentkit.messages import Message, ToolCall, ToolResult
from agentkit.model import Emit, Model, OutputMode, Price, Reply, Request, ToolSpec
from agentkit.toolbox import AnyTool, Ready, Toolbox


class RecordEnds(AgentkitError):
    """More is asked than the record answers."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the model and what it said, as recorded."""

    step: int
    called: ModelCalled | None
    """None where the reply was put there by a fork."""
    messages: tuple[Message, ...]
    """What it was sent."""
    offer: str
    """What it was told of its tools."""
    replied: ModelReplied


Expect = Callable[[Exchange, Request], None]
"""Looks at a request and at what was recorded in its place."""


def _anything(exchange: Exchange, request: Request) -> None:
    """Whatever is asked is answered."""


def exchanges(events: Sequence[Recorded]) -> tuple[Exchange, ...]:
    """The questions of a run that were answered, in order."""
    run, offer, called = Run(), "", None
    found = []
    for recorded in events:
        event = recorded.event
        if isinstance(event, ModelCalled):
            # The last request of a limited run offers nothing, and does not say so again.
            called, offer = event, event.offer or (offer if event.tools else "")
        elif isinstance(event, ModelReplied):
            found.append(Exchange(recorded.step, called, run.messages, offer, event))
            called = None
        run = apply(run, event)
    return tuple(found)


def calls_of(events: Sequence[Recorded]) -> dict[str, ToolCall]:
    """Every call of a run, by its id."""
    replies = (recorded.event for recorded in events if isinstance(recorded.event, ModelReplied))
    return {call.id: call for reply in replies for call in reply.message.tool_calls}


def results_of(events: Sequence[Recorded]) -> dict[str, ToolResult]:
    """Every result of a run, by the id of its call."""
    finished = (recorded.event for recorded in events if isinstance(recorded.event, ToolFinished))
    return {event.result.call_id: event.result for event in finished}


def decisions_of(events: Sequence[Recorded]) -> dict[str, Decision]:
    """What people said in a run, by the id of the call; their last word where they said several."""
    given = (recorded.event for recorded in events if isinstance(recorded.event, ApprovalGiven))
    return {event.call_id: _decision(event) for event in given}


def _decision(event: ApprovalGiven) -> Decision:
    edited = None if event.arguments is None else read_arguments(event.arguments).value
    return Decision(event.granted, event.reason, edited, event.answer)


class RecordedModel:
    """A model that says what a run's model said, in the same order.

    Args:
        recorded: What was said.
        like: The model that is asked today, which says what this one is called and can do.
        expect: Is told of each request, and what was recorded in its place, before it is answered; it may raise.

    Attributes:
        asked: How often it was asked.
    """

    def __init__(self, recorded: Sequence[Exchange], like: Model, *, expect: Expect = _anything) -> None:
        self.asked = 0
        self._expect = expect
        self._recorded = recorded
        self._like = like

    @property
    def name(self) -> str:
        return self._like.name

    @property
    def price(self) -> Price | None:
        return self._like.price

    @property
    def output_mode(self) -> OutputMode:
        return self._like.output_mode

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        self._like.check(tools)

    async def request(self, request: Request, emit: Emit) -> Reply:
        """The next reply.

        Raises:
            RecordEnds: There is none.
        """
        del emit
        self.asked += 1
        if self.asked > len(self._recorded):
            raise RecordEnds(f"the record has {len(self._recorded)} replies, and the run asks for another one")
        exchange = self._recorded[self.asked - 1]
        self._expect(exchange, request)
        replied = exchange.replied
        return Reply(
            message=replied.message,
            usage=replied.usage,
            finish_reason=replied.finish_reason,
            model=replied.model,
            request_id=replied.request_id,
            cost=replied.cost,
            warnings=tuple(each for each in replied.warnings if not each.startswith(_ADDED)),
        )


_ADDED = ("tool_call_id_", "cache_lost")
"""Warnings that the runtime adds itself."""


class RecordedTools:
    """A toolbox that answers with the results of a run and runs nothing.

    Args:
        inner: The tools of today, which say what is offered.
        events: The run.
        by_id: Whether calls are those of the record, by their ids; else a call is known by its tool and arguments.

    Attributes:
        missed: The calls that the record has no result for.
    """

    def __init__(self, inner: Toolbox, events: Sequence[Recorded], *, by_id: bool) -> None:
        self.missed: list[ToolCall] = []
        self._inner = inner
        self._offered: Mapping[str, AnyTool] = {}
        results, calls = results_of(events), calls_of(events)
        self._by_id: Mapping[str, ToolResult] = results if by_id else {}
        self._by_content: dict[str, deque[ToolResult]] = {}
        for call_id, result in results.items():
            self._by_content.setdefault(_named(calls[call_id]), deque()).append(result)

    def offer(self, context: Context[object]) -> Mapping[str, AnyTool]:
        self._offered = self._inner.offer(context)
        return self._offered

    async def call(self, ready: Ready, context: Context[object], limits: Limits) -> ToolResult:
        call = ready.call
        if not self._by_id and call.name not in self._offered:
            # The runtime's own tool, which pages through a result.
            return await self._inner.call(ready, context, limits)
        recorded = self._by_id.get(call.id) or self._next(call)
        if recorded is None:
            self.missed.append(call)
            text = f"There is no recorded result of {call.name} with these arguments, and in a replay no tool is run."
            return ToolResult(call.id, text, failed=True)
        return replace(recorded, call_id=call.id)

    def _next(self, call: ToolCall) -> ToolResult | None:
        """The next result of such a call; the last one again, where it was not made as often."""
        found = self._by_content.get(_named(call))
        if found is None:
            return None
        return found.popleft() if len(found) > 1 else found[0]


def recorded_tools(
    agent_tools: object, toolbox: Toolbox, events: Sequence[Recorded], *, by_id: bool
) -> RecordedTools | tuple[()]:
    """The tools of an agent as a run recorded them; an agent without any has none."""
    if agent_tools == ():
        return ()
    plain = toolbox.inner if isinstance(toolbox, AnswerToolbox) else toolbox
    return RecordedTools(plain, events, by_id=by_id)


def _named(call: ToolCall) -> str:
    return f"{call.name} {canonical(call.arguments)}"
