"""A run again from one of its steps on, with one thing changed: what would have come of it?

A fork has what was before it from its parent, by reference, and is driven by the one driver.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentkit.agent import Agent
from agentkit.debug.recording import calls_of, results_of
from agentkit.debug.replay import events_of
from agentkit.errors import UsageError
from agentkit.events import Event, ModelReplied, Recorded, RunFinished, RunForked, ToolFinished
from agentkit.loop import Run, fold
from agentkit.messages import Message, ToolResult, Usage
from agentkit.model import Reply
from agentkit.result import Output, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is another thing in a fork: one of these, or nothing, to ask once more."""

    prompt: str | None = None
    """At step 1 instead of the prompt; later on what the user says in addition."""
    instructions: str | None = None
    reply: str | Reply | None = None
    """Instead of the model's at that step: an answer in words, or a whole reply."""
    results: Mapping[str, str] | None = None
    """Instead of the tools', by call id."""

    def __post_init__(self) -> None:
        given = [name for name in self.__slots__ if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(
                f"a fork changes one thing, and this one changes {' and '.join(given)}; make one fork for each"
            )


async def fork(
    agent: Agent[Output],
    run: Result[Output] | str,
    *,
    at: int | None = None,
    change: Change = Change(),
    deps: object = None,
) -> Result[Output]:
    """Go on from a step of a run as another run; the agent may be another one, with another model for instance.

    Args:
        agent: Who goes on.
        run: A result, or the id of a run in the agent's journal.
        at: The step before whose request the fork begins; for a reply, the step whose reply it is.  When left out: where the
            run stands, or the step of the changed results.
        change: What is changed.
        deps: As for `run`.

    Raises:
        UsageError: There is no such step or call, or nothing would be left to do.
        UnknownRun: The journal has no such run.
    """
    events = events_of(agent, run)
    run_id = agent.new_id()
    instructions = change.instructions
    if instructions is not None:
        # With what the agent adds about the form of its answer.
        instructions = await replace(agent, instructions=instructions).told(deps, run_id)
    prefix, starting = plan(events, at, change)
    forked = RunForked(
        run_id,
        fold(events).id,
        in_words(change, at),
        instructions,
        change.prompt,
        agent.definition,
        agent.target,
        agent.name,
    )
    claim = await agent.claim_new(run_id)
    return await agent.carry_on(claim, [forked, *starting], deps=deps, events=prefix)


def in_words(change: Change, at: int | None) -> str:
    """What is changed, for people."""
    if change.prompt is not None:
        return "another prompt" if at == 1 else f"the user says more: {change.prompt}"
    if change.instructions is not None:
        return "other instructions"
    if change.reply is not None:
        return "another reply"
    if change.results is not None:
        return f"another result of {', '.join(change.results)}"
    return "asked again"


def plan(events: Sequence[Recorded], at: int | None, change: Change) -> tuple[list[Recorded], list[Event]]:
    """What a fork has in common with its parent, and what is recorded first.

    Raises:
        UsageError: There is no such step or call.
    """
    if change.results is not None:
        return _with_results(events, at, change.results)
    run = fold(events)
    if at is None:
        prefix = [each for each in events if not isinstance(each.event, RunFinished)]
        _check_open(run, len(prefix) == len(events), change)
        return prefix, []
    last = run.steps + (change.reply is None)
    if not 1 <= at <= last:
        raise UsageError(f"run {run.id} has no step {at}; a fork of it can begin at steps 1 to {last}")
    if change.reply is not None:
        place = next(each.seq for each in events if each.step == at and isinstance(each.event, ModelReplied))
        return list(events[:place]), [_replied(change.reply)]
    prefix = [each for each in events if each.step < at and not isinstance(each.event, RunFinished)]
    if fold(prefix).owed:
        raise UsageError(
            f"step {at - 1} of run {run.id} has calls without a result; fork it at step {at - 1} or before"
        )
    return prefix, []


def _check_open(run: Run, unfinished: bool, change: Change) -> None:  # noqa: FBT001 - one use, above
    if change.reply is not None:
        raise UsageError("say at which step the reply is another one")
    if change.prompt is not None and run.owed:
        raise UsageError(
            f"run {run.id} waits within step {run.steps}; say at which step up to {run.steps} the fork begins, or resume it"
        )
    if not unfinished and change.prompt is None and run.answer is None and run.reply is not None:
        raise UsageError(f"run {run.id} has ended; say at which step from 1 to {run.steps} the fork begins")


def _replied(reply: str | Reply) -> ModelReplied:
    if isinstance(reply, str):
        return ModelReplied(Message("assistant", reply), Usage(), "stop")
    return ModelReplied(reply.message, reply.usage, reply.finish_reason, model=reply.model)


def _with_results(
    events: Sequence[Recorded], at: int | None, results: Mapping[str, str]
) -> tuple[list[Recorded], list[Event]]:
    """A step whose calls have other results: the others of it stay as they were."""
    calls, recorded = calls_of(events), results_of(events)
    if unknown := set(results) - calls.keys():
        known = ", ".join(f"{call.id} ({call.name})" for call in calls.values()) or "none"
        raise UsageError(f"the run has no call {', '.join(sorted(unknown))}; it has: {known}")
    replied = [
        each
        for each in events
        if isinstance(each.event, ModelReplied) and any(call.id in results for call in each.event.message.tool_calls)
    ]
    if len(replied) > 1 or (at is not None and replied[0].step != at):
        raise UsageError(
            f"the results are of step {', '.join(str(each.step) for each in replied)}; a fork begins at one"
        )
    reply = replied[0].event
    assert isinstance(reply, ModelReplied)
    starting: list[Event] = []
    for call in reply.message.tool_calls:
        if call.id in results:
            starting.append(ToolFinished(ToolResult(call.id, results[call.id])))
        elif call.id in recorded:
            starting.append(ToolFinished(recorded[call.id]))
    return list(events[: replied[0].seq + 1]), starting
