"""A run once more from its record: to see whether today's code asks the same, or what today's model or tools make of it.

A replay is a use of the one driver, with a model or tools that answer from the record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, get_args

from agentkit.agent import Agent
from agentkit.beginning import Prompt
from agentkit.debug.held import Diverged, Redact, held
from agentkit.debug.recording import RecordedModel, RecordedTools, RecordEnds, decisions_of, exchanges, recorded_tools
from agentkit.errors import UsageError
from agentkit.events import Event, Recorded, RunFinished, RunForked, RunStarted
from agentkit.journal import MemoryClaim
from agentkit.loop import Run, fold
from agentkit.messages import Message, ToolCall
from agentkit.result import Output, Result

Mode = Literal["verify", "tools-recorded", "model-recorded"]
"""What is asked again: nothing, to see whether the requests are the same; the model; or the tools."""


@dataclass(frozen=True)
class Replay(Generic[Output]):
    """What came of a replay."""

    mode: Mode
    result: Result[Output] | None
    """The run as it went now; None where it was broken off at a difference."""
    difference: str = ""
    """Of `verify`: the first thing that is not as recorded, in words; empty when all is."""
    step: int = 0
    """The step it is in."""
    missed: tuple[ToolCall, ...] = ()
    """Of `tools-recorded`: the calls that the record has no result for."""

    @property
    def same(self) -> bool:
        """Whether everything was as recorded."""
        return not self.difference


async def replay(
    agent: Agent[Output], run: Result[Output] | str, mode: Mode = "verify", *, deps: object = None
) -> Replay[Output]:
    """Play a run again.

    `verify` asks no model, runs no tool and keeps nothing: today's agent is given the recorded replies and results, and what it
    would have asked is compared.  `tools-recorded` asks the agent's model, and answers its calls from the record.
    `model-recorded` runs today's tools on the recorded replies.  The last two are kept in the agent's journal as new runs.

    Args:
        agent: As it is today.
        run: A result, or the id of a run in the agent's journal.
        mode: What is asked again.
        deps: As for `run`.

    Raises:
        UsageError: There is no such mode, or the run has not asked anything.
        UnknownRun: The journal has no such run.
    """
    if mode not in get_args(Mode):
        raise UsageError(f"mode is {mode!r}; it must be one of {', '.join(get_args(Mode))}")
    events = events_of(agent, run)
    if mode == "verify":
        redact = str if agent.journal is None else agent.kept_in().redact
        return await verify(agent, events, deps=deps, redact=redact)
    return await _again(agent, events, mode, deps)


def events_of(agent: Agent[Output], run: Result[Output] | str) -> tuple[Recorded, ...]:
    """The events of a run that is given as a value or by its id."""
    return agent.kept_in().read(run) if isinstance(run, str) else run.events


async def verify(
    agent: Agent[Output],
    events: Sequence[Recorded],
    *,
    deps: object = None,
    prompt: Prompt | None = None,
    history: Sequence[Message] = (),
    tools: Literal["recorded", "live"] = "recorded",
    redact: Redact = str,
) -> Replay[Output]:
    """Give today's agent the recorded replies, and compare what it asks; no model is asked, and nothing is kept.

    Args:
        agent: As it is today.
        events: The run.
        deps: As for `run`.
        prompt: What is asked today; what was asked then, when left out.
        history: What goes before it; with the recorded prompt, what went before that.
        tools: Whether their results are the recorded ones, or they run.
        redact: Hides what is hidden in the record.

    Raises:
        UsageError: The run has not asked anything, or is a fork, and a prompt is given.
    """
    recorded, run = exchanges(events), fold(events)
    prefix, starting = await _start(agent, events, deps, run_id=run.id, prompt=prompt, history=history)
    left = recorded[len(exchanges(prefix)) :]
    model = RecordedModel(left, agent.model, expect=held(agent.model.name, redact))
    played = agent.tools if tools == "live" else recorded_tools(agent.tools, agent.toolbox, events, by_id=True)
    again = replace(agent, model=model, tools=played, observers=(), approver=None, journal=None)
    try:
        result = await _decided(again, prefix, starting, events, deps)
    except Diverged as diverged:
        return Replay("verify", None, str(diverged), diverged.step)
    except RecordEnds:
        # It is where the recorded run was left, if that has not ended either.
        said = _on(run, "it asks the model again")
        return Replay("verify", None, said, len(recorded) + 1 if said else 0)
    said = _end(run, result.run)
    return Replay("verify", result, said, result.run.steps if said else 0)


def _end(recorded: Run, played: Run) -> str:
    """What differs where a run stops."""
    before, now = recorded.ended, played.ended
    assert now is not None
    if not isinstance(before, RunFinished):
        return (
            "" if _names(recorded) == _names(played) else _on(recorded, _names(played) or f"it ends as {now.status!r}")
        )
    if before.status != now.status:
        return f"the status was {before.status!r}, and is {now.status!r}"
    assert isinstance(now, RunFinished)
    return "" if before.output == now.output else f"the output was {before.output!r}, and is {now.output!r}"


def _on(recorded: Run, now: str) -> str:
    """What is to be said of a run that goes on where the recorded one did not; nothing, if that was only left there."""
    if isinstance(recorded.ended, RunFinished):
        return f"the run ended as {recorded.ended.status!r}, and now {now}"
    return f"{waited}, and now {now}" if (waited := _names(recorded)) else ""


def _names(run: Run) -> str:
    """The calls that wait for a person, in words; empty where none does."""
    names = ", ".join(f"{call.name} ({call.id})" for call in run.undecided)
    return names and f"a person has to decide on {names}"


def opening(events: Sequence[Recorded]) -> tuple[Prompt, Sequence[Message]]:
    """What a run was asked, and what went before.

    Raises:
        UsageError: That is not on record, or the run is a fork, which has nothing of its own to begin with.
    """
    if any(isinstance(each.event, RunForked) for each in events):
        raise UsageError("the run is a fork: it begins as its parent did, and cannot be begun with a prompt")
    began = events[0].event if events else None
    if not isinstance(began, RunStarted):
        raise UsageError("the run has no beginning on record, so there is nothing to play again")
    *before, asked = began.messages
    return asked.content, [message for message in before if message.role != "system"]


async def _start(
    agent: Agent[Output],
    events: Sequence[Recorded],
    deps: object,
    *,
    run_id: str,
    prompt: Prompt | None = None,
    history: Sequence[Message] = (),
) -> tuple[list[Recorded], list[Event]]:
    """What has happened before a run asked for the first time, and what is recorded first: as today's agent begins.

    A fork begins with what it has from its parent, which is no work of today's agent.
    """
    forks = [place for place, each in enumerate(events) if isinstance(each.event, RunForked)]
    if forks and prompt is None:
        return list(events[: forks[-1] + 1]), []
    recorded, before = opening(events)
    began = events[0].event
    assert isinstance(began, RunStarted)
    if prompt is None:
        prompt, history = recorded, history or before
    # Without a history the agent would read that of the other run.
    continues = began.continues if history else None
    return [], [await agent.starting(prompt, deps, history, run_id=run_id, continues=continues)]


async def _decided(
    agent: Agent[Output], prefix: list[Recorded], starting: list[Event], events: Sequence[Recorded], deps: object
) -> Result[Output]:
    """Drive a run, with the decisions that people took then wherever it waits for one."""
    said = decisions_of(events)
    result = await agent.carry_on(MemoryClaim(), starting, deps=deps, events=prefix)
    while result.status == "waiting" and (known := {c.id: said[c.id] for c in result.waiting if c.id in said}):
        result = await agent.resume(result, decisions=known, deps=deps)
    return result


async def _again(agent: Agent[Output], events: Sequence[Recorded], mode: Mode, deps: object) -> Replay[Output]:
    """Ask the model or the tools of today."""
    run_id = agent.new_id()
    prefix, starting = await _start(agent, events, deps, run_id=run_id)
    if prefix:
        raise UsageError("a fork is played again with mode='verify' only; to ask again, fork it")
    tools = model = None
    if mode == "tools-recorded":
        tools = recorded_tools(agent.tools, agent.toolbox, events, by_id=False)
    else:
        model = RecordedModel(exchanges(events), agent.model)
    again = replace(agent, tools=tools or agent.tools, model=model or agent.model)
    result = await again.carry_on(await agent.claim_new(run_id), starting, deps=deps)
    return Replay(mode, result, missed=tuple(tools.missed) if isinstance(tools, RecordedTools) else ())
