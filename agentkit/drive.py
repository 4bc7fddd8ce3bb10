"""The one driver: performs what the loop decides, records what happened, folds it, and tells those who watch.

Live, streamed, resumed and nested runs all come through here; what differs is only who answers the ports.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from agentkit.approvals import Approver, Question, ask
from agentkit.asking import Asking, Coming, asking
from agentkit.audience import entered
from agentkit.clock import Clock, SystemClock
from agentkit.context import Context
from agentkit.doubt import WHY, InDoubt, settle
from agentkit.errors import ModelError, UsageError
from agentkit.events import (
    ApprovalAsked,
    Event,
    Observer,
    OutputRejected,
    Recorded,
    RunFinished,
    RunSuspended,
    ToolFinished,
    ToolProgressed,
    ToolStarted,
)
from agentkit.journal import Claim, Journal
from agentkit.lanes import Manner, stages
from agentkit.limits import UNLIMITED, Account, Limits, Spent
from agentkit.loop import (
    Answer,
    AskApproval,
    CallModel,
    CallTools,
    CheckOutput,
    Due,
    Finish,
    Reject,
    Run,
    decide,
    stopped,
)
from agentkit.messages import Text, ToolCall, ToolResult
from agentkit.model import Model, OutputFormat, Settings
from agentkit.record import Record
from agentkit.results import reader
from agentkit.schema.outputs import OutputRefused, OutputType
from agentkit.tasks import TimeIsUp, to_the_end, together, within
from agentkit.toolbox import AnyTool, Ready, Toolbox, check, needs_person

CANCELLED = "the run was cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside a run that it works with."""

    model: Model
    toolbox: Toolbox
    claim: Claim
    clock: Clock = field(default_factory=SystemClock)
    observers: Sequence[Observer] = ()
    approver: Approver | None = None
    journal: Journal | None = None
    """Where nested runs are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a run is to go."""

    limits: Limits = field(default_factory=Limits)
    settings: Settings = field(default_factory=Settings)
    output: OutputType[object] | None = None
    """What an answer must be; None: text."""
    format: OutputFormat | None = None
    """The form that each request holds the model to."""
    stream: bool = False
    in_doubt: InDoubt = "tell"


async def drive(
    events: list[Recorded],
    ports: Ports,
    terms: Terms,
    *,
    deps: object = None,
    parent: Account | None = None,
    starting: Sequence[Event] = (),
) -> Run:
    """Drive a run until it ends or has to wait.

    Args:
        events: What has happened in the run so far, nothing for a new one; what happens is added.
        ports: What it works with.
        terms: How it is to go.
        deps: Handed to tools in their context.
        parent: The account of the run whose tool this run is.
        starting: Events to record first: a beginning, or decisions of people.

    Raises:
        ModelError: The model failed; the run is suspended and can be resumed.
        UsageError: What the program asks cannot be sent or offered; the run is suspended as well.
        JournalError: An event could not be kept; the run stands as it was before it.
    """
    return await _Driver(events, ports, terms, deps=deps, parent=parent).drive(starting)


class _Driver:
    """Knows how each action is performed."""

    def __init__(
        self, events: list[Recorded], ports: Ports, terms: Terms, *, deps: object, parent: Account | None
    ) -> None:
        self.record = Record(events, ports.claim, ports.clock, ports.observers)
        self.ports = ports
        self.terms = terms
        self.deps = deps
        self.account = Account(terms.limits, self.run.spent, now=ports.clock.monotonic(), parent=parent)
        self.asking = self.begin_asking()
        self.spending: dict[str, Account] = {}
        self.offered: Mapping[str, AnyTool] = {}
        self.waiting: dict[str, str] = {}
        """Why calls cannot be finished now."""

    def begin_asking(self) -> Asking:
        terms = self.terms
        return asking(self.run, terms.settings, terms.format, stream=terms.stream, redact=self.ports.claim.redact)

    async def drive(self, starting: Sequence[Event]) -> Run:
        try:
            for event in starting:
                await self.record.add(event)
            self.asking = self.begin_asking()
            while not await self.advance():
                pass
        except (ModelError, UsageError) as error:
            if self.run.id and not isinstance(self.run.ended, RunFinished):
                await self.record.add(RunSuspended("failed", str(error)))
            raise
        except asyncio.CancelledError:
            # Whoever cancels twice, as a timeout around a group of tasks does, gets a whole conversation all the same.
            await to_the_end(self.cancelled())
            raise
        return self.run

    async def advance(self) -> bool:
        """Perform one action; True when the run has ended or waits."""
        pressed = self.account.reached(self.now())
        action = decide(self.run, self.terms.limits, checked=self.terms.output is not None, pressed=pressed)
        match action:
            case CallModel() | CallTools():
                work = self.ask_model(action) if isinstance(action, CallModel) else self.call_tools(action.due)
                await self.in_time(work)
            case AskApproval(calls):
                await self.ask_people(calls)
            case Answer(results):
                for result in results:
                    await self.record.add(self.finished(result))
            case CheckOutput(text):
                await self.record.add(self.judge(text))
            case Reject(rejected):
                await self.record.add(rejected)
            case Finish(finished):
                await self.record.add(finished)
        return self.run.ended is not None

    async def in_time(self, work: Coroutine[None, None, None]) -> None:
        """Await some work as long as the run may last; the account notes the end of the time for the loop."""
        remaining = self.account.remaining(self.now())
        if remaining is None:
            await work
            return
        with suppress(TimeIsUp):
            await within(self.ports.clock, remaining, work)

    @property
    def run(self) -> Run:
        """The run as it stands now."""
        return self.record.run

    def now(self) -> float:
        return self.ports.clock.monotonic()

    # The model.

    async def ask_model(self, action: CallModel) -> None:
        self.offered = {} if action.last else self.offer()
        request = self.asking.request(self.run, self.offered)
        called = self.asking.called(request, self.ports.model, last=action.last)
        coming = Coming(self.record.emit, self.now)
        with entered(await self.record.add(called)):
            reply = await self.ports.model.request(request, coming)
        replied = self.asking.replied(reply, self.run, coming)
        spent = self.run.spent
        await self.record.add(replied)
        self.account.charge(Spent(1, self.run.spent.tool_calls - spent.tool_calls, reply.usage, reply.cost))

    def offer(self) -> Mapping[str, AnyTool]:
        offered = self.ports.toolbox.offer(self.context())
        if not self.run.whole:
            return offered
        read = reader(self.run.whole, self.terms.limits.result_chars)
        return offered if read.name in offered else {**offered, read.name: read}

    def judge(self, text: str) -> Event:
        assert self.terms.output is not None
        try:
            self.terms.output.read(text)
        except OutputRefused as refused:
            how = "" if self.run.answer_tool is None else f" Give the answer by calling {self.run.answer_tool}."
            return OutputRejected(f"{refused.problem}{how}", "output_invalid")
        return RunFinished("completed", text)

    # The tools.

    async def call_tools(self, due: Sequence[Due]) -> None:
        # After a resumption no request of this process has said yet which tools there are.
        self.offered = self.offered or self.offer()
        settled = [(each, await self.settled(each, check(self.offered, each.call, self.run.mistakes))) for each in due]
        if asking := [(each, why) for each, ready in settled if (why := needs(each, ready)) is not None]:
            for each, why in asking:
                await self.record.add(ApprovalAsked(each.call.id, why))
            return
        room = asyncio.Semaphore(self.terms.limits.concurrency)

        async def follow(lane: list[tuple[Due, Ready | ToolResult]]) -> None:
            for each, ready in lane:
                async with room:
                    await self.answer(each, ready)

        checked = [(each, ready) for each, ready in settled if ready is not None]
        for lanes in stages(((each, ready), manner(ready)) for each, ready in checked):
            if len(lanes) == 1:
                await follow(lanes[0])
                continue
            await together(follow(lane) for lane in lanes)
        if self.waiting:
            await self.record.add(RunSuspended("waiting", "; ".join(self.waiting.values())))

    async def settled(self, due: Due, ready: Ready | ToolResult) -> Ready | ToolResult | None:
        """A call that may have been made already: its result, or the call again; None when a person has to say."""
        if isinstance(ready, ToolResult) or not due.in_doubt:
            return ready
        return await settle(ready, due.key, self.terms.in_doubt)

    async def answer(self, due: Due, ready: Ready | ToolResult) -> None:
        """Give one call its result, unless it has to wait for one."""
        if isinstance(ready, ToolResult):
            await self.record.add(ToolFinished(noted(ready, due.note)))
            return
        spending = Account(UNLIMITED, Spent(), now=self.now(), parent=self.account)
        self.spending[due.call.id] = spending
        context = self.context(due, spending)
        began = self.now()
        started = ToolStarted(due.call.id, ready.tool.name, due.key, ready.repair, due.in_doubt)
        with entered(await self.record.add(started)):
            result = await self.ports.toolbox.call(ready, context, self.terms.limits)
        if due.call.id not in self.waiting:
            await self.record.add(self.finished(noted(result, due.note), self.now() - began))

    def finished(self, result: ToolResult, seconds: float = 0.0) -> ToolFinished:
        """A result with what a nested run has spent on it, however that ended."""
        spending = self.spending.pop(result.call_id, None)
        spent = None if spending is None or spending.spent == Spent() else spending.spent
        return ToolFinished(result, seconds, spent)

    def context(self, due: Due | None = None, account: Account | None = None) -> Context[object]:
        approver, journal = self.ports.approver, self.ports.journal
        if due is None:
            # Between steps it is the next one that the tools are for.
            step = self.run.steps if self.run.owed else self.run.steps + 1
            return Context(self.deps, self.run.id, step, account=self.account, approver=approver, journal=journal)
        call_id = due.call.id
        return Context(
            self.deps,
            self.run.id,
            self.run.steps,
            call_id,
            due.key,
            self.reporter(call_id),
            account,
            approver,
            journal,
            lambda why: self.waiting.__setitem__(call_id, why),
        )

    def reporter(self, call_id: str) -> Callable[[str], None]:
        """Tells progress; a tool in a thread hands it to the loop, which may be gone."""
        loop = asyncio.get_running_loop()

        def report(text: str) -> None:
            progressed = ToolProgressed(call_id, text)
            try:
                here = asyncio.get_running_loop() is loop
            except RuntimeError:
                here = False
            if here:
                self.record.emit(progressed)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(self.record.emit, progressed)

        return report

    # People.

    async def ask_people(self, calls: Sequence[ToolCall]) -> None:
        if self.ports.approver is None:
            names = ", ".join(f"{call.name} ({call.id})" for call in calls)
            await self.record.add(RunSuspended("waiting", f"a person has to decide on {names}"))
            return
        self.offered = self.offered or self.offer()
        for call in calls:
            tool = self.offered.get(call.name)
            told, answer = ("", False) if tool is None else (tool.description, tool.options.approval == "answer")
            question = Question(call, told, self.run.id, self.run.asked[call.id], answer)
            await self.record.add(await ask(self.ports.approver, question))

    async def cancelled(self) -> None:
        """Answer every open call, so that what was done so far stays a conversation."""
        for result in stopped(self.run, CANCELLED) if self.run.owed else ():
            await self.record.add(self.finished(result))
        if self.run.id and self.run.ended is None:
            await self.record.add(RunSuspended("cancelled", CANCELLED))


def manner(ready: Ready | ToolResult) -> Manner:
    """How a call of a step may run among the others."""
    if isinstance(ready, ToolResult):
        return "beside"
    if ready.tool.options.sequential:
        return "alone"
    return "beside" if ready.tool.beside_others else "in_order"


def needs(due: Due, ready: Ready | ToolResult | None) -> str | None:
    """Why a person has to decide on a call; None when nobody has to."""
    if ready is None:
        return WHY
    return "" if isinstance(ready, Ready) and not due.approved and needs_person(ready) else None


def noted(result: ToolResult, note: str) -> ToolResult:
    """The result, with a note to the model under it."""
    if not note:
        return result
    content = result.content
    if isinstance(content, str) and content.endswith(note):
        # A result from a record has been told before.
        return result
    told = f"{content}\n{note}" if isinstance(content, str) else (*content, Text(note))
    return replace(result, content=told)
