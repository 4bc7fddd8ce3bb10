"""A run as one row of a list: a view of its events, which can be made again from them at any time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from agentkit.events import (
    ApprovalGiven,
    ModelCalled,
    ModelReplied,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
)
from agentkit.limits import Spent
from agentkit.messages import Message

RUNNING, STOPPED = "running", "stopped"
"""Of a run that has not ended: somebody drives it, or nobody does any more."""

TITLE = 200
"""Characters of a prompt in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One run in a list."""

    run_id: str = ""
    agent: str = ""
    model: str = ""
    status: str = RUNNING
    """As of a result; `running` or `stopped` for a run that has not ended."""
    detail: str = ""
    prompt: str = ""
    """How it begins."""
    started: float = 0.0
    """Seconds since 1970, UTC."""
    updated: float = 0.0
    steps: int = 0
    calls: int = 0
    input: int | None = None
    """Tokens, and cost, of the run itself: not of the part that a fork shares with its parent."""
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cost: float | None = None
    """As far as it is on record; what else there is to pay is in `agentkit.bill`."""
    parent: str | None = None
    """The tool call this run answers, as `run_id/call_id`."""
    continues: str | None = None
    """The run whose conversation it goes on with."""
    fork_of: str | None = None
    fork_step: int | None = None
    target: str = ""
    """How the command finds its agent."""

    @property
    def before(self) -> str | None:
        """The run that this one belongs to: it is listed under it."""
        called_by = None if self.parent is None else self.parent.partition("/")[0]
        return called_by or self.continues or self.fork_of


def row_of(events: Iterable[Recorded], redact: Callable[[str], str] = str) -> Listed:
    """The row of a run, from all its events; `redact` hides secrets in texts that it has not been hidden in."""
    row, spent = Listed(), Spent()
    model, status, detail, updated = "", RUNNING, "", 0.0
    for recorded in events:
        event, updated = recorded.event, recorded.time
        match event:
            case RunStarted():
                row = _started(event, recorded.time, redact)
            case RunForked():
                row = _forked(row, event, recorded, redact)
                status, detail, spent = RUNNING, "", Spent(spent.steps)
            case ModelCalled():
                model = event.model
            case ModelReplied():
                spent += Spent(1, len(event.message.tool_calls), event.usage, event.cost)
            case RunFinished() | RunSuspended():
                status, detail = event.status, redact(event.detail)
            case RunResumed() | ApprovalGiven():
                status, detail = RUNNING, ""
    row = replace(row, model=model, status=status, detail=detail, updated=updated)
    return _with_spent(row, spent)


def _with_spent(row: Listed, spent: Spent) -> Listed:
    usage = spent.usage
    return replace(
        row,
        steps=spent.steps,
        calls=spent.tool_calls,
        input=usage.input,
        cached=usage.cached,
        output=usage.output,
        reasoning=usage.reasoning,
        cost=spent.cost,
    )


def _started(event: RunStarted, time: float, redact: Callable[[str], str]) -> Listed:
    return Listed(
        run_id=event.run_id,
        agent=event.agent,
        prompt=redact(_prompt(event.messages))[:TITLE],
        started=time,
        parent=event.parent,
        continues=event.continues,
        target=event.target,
    )


def _forked(row: Listed, event: RunForked, recorded: Recorded, redact: Callable[[str], str]) -> Listed:
    """A fork begins with what its parent is called, and is nobody's tool."""
    return replace(
        row,
        run_id=event.run_id,
        agent=event.agent or row.agent,
        prompt=row.prompt if event.prompt is None else redact(event.prompt)[:TITLE],
        started=recorded.time,
        parent=None,
        continues=None,
        fork_of=event.parent,
        fork_step=recorded.step,
        target=event.target or row.target,
    )


def _prompt(messages: tuple[Message, ...]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def grouped(rows: Sequence[Listed]) -> list[tuple[Listed, int]]:
    """Rows in the order they came, each with those that belong to it under it, oldest first; and how deep each stands."""
    known = {row.run_id for row in rows}
    within: dict[str | None, list[Listed]] = {}
    for row in rows:
        before = row.before if row.before in known and row.before != row.run_id else None
        within.setdefault(before, []).append(row)
    found: list[tuple[Listed, int]] = []
    waiting = [(row, 0) for row in reversed(within.get(None, []))]
    while waiting:
        row, depth = waiting.pop()
        found.append((row, depth))
        below = sorted(within.get(row.run_id, ()), key=lambda each: each.started, reverse=True)
        waiting += [(each, depth + 1) for each in below]
    # In a damaged journal runs can belong to each other in a circle.
    reached = {row.run_id for row, _ in found}
    return found + [(row, 0) for row in rows if row.run_id not in reached]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs are asked for; what is None is not asked."""

    status: str | None = None
    agent: str | None = None
    """Part of the agent's name."""
    model: str | None = None
    """Part of the model's id."""
    tool: str | None = None
    """A tool that the model called, whether or not the call could be made."""
    text: str | None = None
    """Words that stand anywhere in the run."""
    since: float | None = None
    """Began at this moment or later."""
