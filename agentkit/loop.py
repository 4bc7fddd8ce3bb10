"""What an agent does next.  Nothing here waits, reads a clock, or opens a socket.

A run is a fold over its events: `apply` takes one event into the run, `decide` says what has to happen now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from agentkit.arguments import sendable
from agentkit.errors import OutOfOrder
from agentkit.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    ModelCalled,
    ModelReplied,
    OutputRejected,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    Status,
    ToolFinished,
    ToolStarted,
)
from agentkit.limits import Limits, Spent
from agentkit.messages import Message, ToolCall, ToolResult
from agentkit.repeats import Repeats

CUT = (
    "Not executed: your reply was cut off at its length limit, so these arguments may be incomplete. "
    "Ask again with shorter arguments or fewer calls at a time."
)
DENIED = "Not executed: a person refused this call."
EMPTY = "Your reply was empty. Answer the question, or call a tool."
UNANSWERED = "Not executed: the run stopped before this call."

ENDS: Final[Mapping[str, tuple[Status, str]]] = {
    "steps": ("step_limit", "the limit of model replies (Limits.steps) was reached"),
    "tool_calls": ("tool_call_limit", "the model asked for more tool calls than Limits.tool_calls allows"),
    "tokens": ("token_limit", "the limit of tokens (Limits.tokens) was reached"),
    "cost": ("cost_limit", "the limit of cost (Limits.cost) was reached"),
    "seconds": ("time_limit", "the time of the run (Limits.seconds) is over"),
    "repeats": ("repeat_limit", "the model kept making one identical call (Limits.repeats)"),
}
"""What each limit makes of a run: its status, and the words for a person."""

AT_ONCE = frozenset({"tool_calls", "seconds", "repeats"})
"""Limits that stop a step before its tools have run; the others let a step be finished."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as far as its events tell.  Equal events make equal runs."""

    id: str = ""
    messages: tuple[Message, ...] = ()
    """What the model is sent next; always a valid conversation but for the calls still owed."""
    steps: int = 0
    spent: Spent = field(default_factory=Spent)
    owed: tuple[ToolCall, ...] = ()
    """The calls of the open step, in the order asked."""
    results: Mapping[str, ToolResult] = field(default_factory=dict)
    """Results of the open step, by call id."""
    begun: frozenset[str] = frozenset()
    """Calls that were started and have no result: in doubt, if the process that started them is gone."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """Why calls of the open step need a person, by call id; empty where the tool says so."""
    decisions: Mapping[str, ApprovalGiven] = field(default_factory=dict)
    cut: bool = False
    """Whether the open step's reply was cut, so that its calls must not be made."""
    reply: ModelReplied | None = None
    """A reply without calls that nobody has judged yet."""
    answer_tool: str | None = None
    answer: str | None = None
    """Arguments of the accepted call of the answer tool."""
    attempts: int = 0
    """Replies in a row that led nowhere."""
    trouble: Status = "empty"
    """What was wrong with the last of them."""
    repeats: Repeats = field(default_factory=Repeats)
    """How often the very same call was asked for."""
    mistakes: frozenset[str] = frozenset()
    """Failures the model has been told; the second time it gets a fuller message."""
    whole: Mapping[str, str] = field(default_factory=dict)
    """Whole texts of the results that were cut, by call id."""
    last: bool = False
    """Whether the last request, for an answer only, has been made."""
    ended: RunFinished | RunSuspended | None = None

    @property
    def unanswered(self) -> tuple[ToolCall, ...]:
        """Calls of the open step without a result, in the order asked."""
        return tuple(call for call in self.owed if call.id not in self.results)

    @property
    def undecided(self) -> tuple[ToolCall, ...]:
        """Calls that a person has to decide on before the run goes on."""
        waiting = self.asked.keys() - self.decisions.keys()
        return tuple(call for call in self.unanswered if call.id in waiting)


@dataclass(frozen=True, slots=True)
class CallModel:
    """Send the run's messages; with `last`, without tools, for an answer."""

    last: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A call to make now."""

    call: ToolCall
    """As asked, or as a person edited it."""
    key: str
    """Idempotency key, made from the call's place in the run: the same whenever it is made again."""
    approved: bool = False
    in_doubt: bool = False
    """It was started before, and nobody knows how that ended."""
    note: str = ""
    """To be told to the model under the result."""


@dataclass(frozen=True, slots=True)
class CallTools:
    """Make these calls; their results may come in any order."""

    due: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Ask a person about these calls, or suspend the run until somebody answers."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Give these results without running a tool."""

    results: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """See whether this text is of the output type; it is the run's answer if so."""

    text: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Tell the model that its reply was no answer."""

    rejected: OutputRejected


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run."""

    finished: RunFinished


Action = CallModel | CallTools | AskApproval | Answer | CheckOutput | Reject | Finish


def apply(run: Run, event: Event) -> Run:
    """The run after one more event.

    Raises:
        OutOfOrder: The event cannot follow those before it.
    """
    if not event.durable:
        return run
    if isinstance(run.ended, RunFinished) or isinstance(event, RunStarted) == bool(run.id):
        raise _out_of_order(run, event)
    if run.ended is not None:
        run = replace(run, ended=None)
    match event:
        case RunStarted() | RunForked() | RunResumed():
            return _begin(run, event)
        case ModelCalled() if not run.owed:
            return replace(run, last=run.last or event.last) if event.last else run
        case ModelReplied() if not run.owed and run.reply is None:
            return _take_reply(run, event)
        case OutputRejected() if run.reply is not None:
            told = Message("user", event.problem)
            return replace(
                run, messages=(*run.messages, told), reply=None, attempts=run.attempts + 1, trouble=event.status
            )
        case RunFinished() if not run.owed:
            return replace(run, ended=event)
        case RunSuspended():
            return replace(run, ended=event)
    return _apply_to_call(run, event)


def fold(events: Iterable[Recorded], run: Run | None = None) -> Run:
    """The run that some events make, after those of the run so far.

    Raises:
        OutOfOrder: They are not the events of one run.
    """
    run = run or Run()
    for recorded in events:
        run = apply(run, recorded.event)
    return run


def _begin(run: Run, event: RunStarted | RunForked | RunResumed) -> Run:
    match event:
        case RunStarted():
            return Run(id=event.run_id, messages=event.messages, answer_tool=event.answer_tool)
        case RunForked():
            return _fork(run, event)
        case RunResumed():
            return run


def _fork(run: Run, event: RunForked) -> Run:
    """Another run from here on: its calls have keys of their own, whatever the parent has done with the same ones."""
    messages = run.messages
    if event.instructions is not None:
        told = (Message("system", event.instructions),) if event.instructions else ()
        messages = (*told, *(message for message in messages if message.role != "system"))
    if event.prompt is not None:
        messages = (*(messages if run.steps else messages[:-1]), Message("user", event.prompt))
        # What had been an answer is the turn before a new question.
        run = replace(run, reply=None, answer=None, attempts=0, last=False)
    # What the parent has spent is the parent's.
    return replace(run, id=event.run_id, messages=messages, spent=Spent())


def _apply_to_call(run: Run, event: Event) -> Run:
    """The events of one call, which must be owed."""
    match event:
        case ApprovalAsked(call_id) if _is_owed(run, call_id):
            # What was said before is not said of this question.
            decisions = {other: said for other, said in run.decisions.items() if other != call_id}
            return replace(run, asked={**run.asked, call_id: event.why}, decisions=decisions)
        case ApprovalGiven(call_id) if _is_owed(run, call_id) and call_id in run.asked:
            # A call in doubt is not in doubt any more: a person has said what to do with it.
            return replace(run, decisions={**run.decisions, call_id: event}, begun=run.begun - {call_id})
        case ToolStarted(call_id) if _is_owed(run, call_id):
            return replace(run, begun=run.begun | {call_id})
        case ToolFinished(result) if _is_owed(run, result.call_id):
            return _take_result(run, event)
    raise _out_of_order(run, event)


def _out_of_order(run: Run, event: Event) -> OutOfOrder:
    where = f"step {run.steps} of run {run.id!r}" if run.id else "the beginning"
    return OutOfOrder(f"{type(event).__name__} cannot follow {where}: the events are not those of one run")


def _is_owed(run: Run, call_id: str) -> bool:
    return call_id not in run.results and any(call.id == call_id for call in run.owed)


def _take_reply(run: Run, event: ModelReplied) -> Run:
    message = event.message
    # The last request offers no tools: a call asked for all the same is not owed an answer.  Nor is one of a reply that
    # a filter broke off, which ends the run.
    calls = () if run.last or event.finish_reason == "content_filter" else message.tool_calls
    kept = message if calls == message.tool_calls else replace(message, tool_calls=())
    cut = bool(calls) and event.finish_reason == "length"
    empty = not calls and not kept.text.strip()
    return replace(
        run,
        # An empty turn never goes back: strict servers refuse the whole history for it.
        messages=run.messages if empty else (*run.messages, kept),
        steps=run.steps + 1,
        # The answer is no call of a tool: whether a provider has it given by one must not matter to a limit.
        spent=run.spent + Spent(1, sum(call.name != run.answer_tool for call in calls), event.usage, event.cost),
        owed=calls,
        cut=cut,
        reply=None if calls else event,
        attempts=run.attempts + 1 if cut else run.attempts,
        trouble="cut" if cut else run.trouble,
        repeats=run.repeats.asked(calls),
    )


def _take_result(run: Run, event: ToolFinished) -> Run:
    result = event.result
    run = replace(
        run,
        results={**run.results, result.call_id: result},
        begun=run.begun - {result.call_id},
        spent=run.spent + event.spent if event.spent else run.spent,
        whole=run.whole if result.whole is None else {**run.whole, result.call_id: result.whole},
    )
    return run if run.unanswered else _close_step(run)


def _close_step(run: Run) -> Run:
    """Tell the model the results in the order it asked: providers cache by prefix, and arrival order varies."""
    answers = [call for call in run.owed if call.name == run.answer_tool]
    accepted = next((call for call in answers if not run.results[call.id].failed), None)
    rejected = bool(answers) and accepted is None
    fine = any(not result.failed for result in run.results.values())
    return replace(
        run,
        messages=run.messages + results_as_messages(run.owed, run.results),
        owed=(),
        results={},
        asked={},
        decisions={},
        cut=False,
        answer=None if accepted is None else sendable(accepted.arguments),
        # Only now: in one step two calls with the same mistake are told the same, wherever a crash fell between them.
        mistakes=run.mistakes | {str(result.content) for result in run.results.values() if result.failed},
        attempts=0 if fine else run.attempts + rejected,
        trouble="output_invalid" if rejected else run.trouble,
    )


def results_as_messages(calls: tuple[ToolCall, ...], results: Mapping[str, ToolResult]) -> tuple[Message, ...]:
    """One message for each call; a call without a result is told that it was not executed."""
    return tuple(
        Message("tool", results[call.id].content if call.id in results else UNANSWERED, call_id=call.id)
        for call in calls
    )


def conversation(run: Run) -> tuple[Message, ...]:
    """The run's messages as a history that any endpoint accepts, whatever state the run is in."""
    return run.messages + results_as_messages(run.owed, run.results)


def decide(run: Run, limits: Limits, *, checked: bool = False, pressed: str | None = None) -> Action:
    """What has to happen next.

    Args:
        run: The run so far.
        limits: Where it must stop.
        checked: Whether an answer has to be of an output type, which the driver finds out.
        pressed: A limit that is used up outside this run's own events: the clock's, or a parent's.
    """
    limit = _limit(run, limits, pressed)
    if run.owed:
        return _in_step(run, limits, limit)
    if run.answer is not None:
        return Finish(RunFinished("completed", run.answer))
    if run.reply is not None:
        return _judge(run, run.reply, limit, checked=checked)
    if run.attempts >= limits.attempts:
        detail = f"{run.attempts} replies in a row led nowhere (Limits.attempts)"
        return Finish(RunFinished(run.trouble, detail=detail))
    if limit is None:
        return CallModel()
    # There is no time left to ask once more when time is what ran out.
    if limits.last_answer and not run.last and limit != "seconds":
        return CallModel(last=True)
    return Finish(RunFinished(ENDS[limit][0], detail=ENDS[limit][1]))


def _limit(run: Run, limits: Limits, pressed: str | None) -> str | None:
    if limits.repeats is not None and run.repeats.most >= limits.repeats:
        return "repeats"
    return pressed or limits.reached(run.spent)


def _in_step(run: Run, limits: Limits, limit: str | None) -> Action:
    """The open step: give the results that need no tool, then ask people, then call tools."""
    if run.cut:
        return Answer(tuple(_failed(call, CUT) for call in run.unanswered))
    if limit is not None and limit in AT_ONCE:
        return Answer(stopped(run, ENDS[limit][1]))
    if said := tuple(filter(None, (_said(call, run.decisions.get(call.id)) for call in run.unanswered))):
        return Answer(said)
    if run.undecided:
        return AskApproval(run.undecided)
    return CallTools(
        tuple(_due(run, limits, place, call) for place, call in enumerate(run.owed) if call in run.unanswered)
    )


def _said(call: ToolCall, decision: ApprovalGiven | None) -> ToolResult | None:
    """The result of a call that a person refused or answered; None when it is still to be made."""
    if decision is None:
        return None
    if not decision.granted:
        return _failed(call, f"{DENIED} {decision.reason}".strip())
    return None if decision.answer is None else ToolResult(call.id, decision.answer)


def _failed(call: ToolCall, content: str) -> ToolResult:
    return ToolResult(call.id, content, failed=True)


def stopped(run: Run, why: str) -> tuple[ToolResult, ...]:
    """Results for the calls that will not have one of their own; those at work may or may not have taken effect."""
    return tuple(
        _failed(call, f"Stopped before it finished: {why}. Whether it took effect is unknown.")
        if call.id in run.begun
        else _failed(call, f"Not executed: {why}.")
        for call in run.unanswered
    )


def _due(run: Run, limits: Limits, place: int, call: ToolCall) -> Due:
    decision = run.decisions.get(call.id)
    edited = None if decision is None else decision.arguments
    return Due(
        call if edited is None else replace(call, arguments=edited),
        key=f"{run.id}:{run.steps}.{place}",
        approved=decision is not None,
        in_doubt=call.id in run.begun,
        note="\n".join(filter(None, (_edit(edited), _note(run, limits, call)))),
    )


def _edit(arguments: str | None) -> str:
    """What a model is told whose call a person has changed."""
    return "" if arguments is None else f"Note: a person changed the arguments of this call to {arguments}."


def _note(run: Run, limits: Limits, call: ToolCall) -> str:
    """What a model is told that repeats itself."""
    times = run.repeats.times(call)
    if limits.repeats_told is None or times < limits.repeats_told:
        return ""
    stop = "" if limits.repeats is None else f" When it is made {limits.repeats} times, the run ends."
    return (
        f"Note: you have now made this identical call {times} times.{stop} Use the results above, or do something else."
    )


def _judge(run: Run, reply: ModelReplied, limit: str | None, *, checked: bool) -> Action:
    """A reply without calls: the answer, unless something is wrong with it."""
    text = reply.message.text
    if reply.finish_reason == "content_filter":
        return Finish(RunFinished("refused", text, "the model or its provider refused to answer"))
    if run.last:
        status, detail = ENDS[limit or "steps"]
        return Finish(RunFinished(status, text, detail))
    if reply.finish_reason == "length":
        return Finish(RunFinished("cut", text, "the answer was cut at the length limit of a reply"))
    if not text.strip():
        return Reject(OutputRejected(EMPTY, "empty"))
    return CheckOutput(text) if checked else Finish(RunFinished("completed", text))
