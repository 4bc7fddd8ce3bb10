"""`agentkit resume` and `agentkit approve`: runs that stopped go on, and people decide on calls that wait for them."""

import asyncio
import json
from collections.abc import Sequence

import click
from pydantic import JsonValue

from agentkit.approvals import Decision, given
from agentkit.cli.journal import find_run, open_journal, row_named
from agentkit.cli.run import finish, journalled
from agentkit.cli.targets import AnyAgent, agent_at, agent_for
from agentkit.clock import SystemClock
from agentkit.errors import UsageError
from agentkit.events import RunFinished
from agentkit.listing import Listed
from agentkit.loop import fold
from agentkit.messages import ToolCall
from agentkit.observers.console import Terminal
from agentkit.observers.plain import printable, shown_arguments
from agentkit.record import Record
from agentkit.sqlite.journal import SqliteJournal


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("target", required=False)
@click.option("--tools", metavar="FILE", help="The file or module whose functions the run was begun with.")
@click.option("--model", metavar="ID", help="The model, if the run was begun with another than the agent's own.")
@click.option("--base-url", metavar="URL", help="The endpoint; else AGENTKIT_BASE_URL.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object and nothing else.")
def resume(
    run: str, target: str | None, tools: str | None, model: str | None, base_url: str | None, *, as_json: bool
) -> None:
    """Go on with a RUN that failed, was cancelled, lost its process, or has what it waited for.

    TARGET is the agent that began it; left out where the run knows it.
    """
    journal = open_journal()
    run_id = find_run(journal, run)
    agent = agent_of(journal, run_id, target, tools, model, base_url)
    go_on(agent, journal, run_id, as_json=as_json)


def go_on(agent: AnyAgent, journal: SqliteJournal, run_id: str, *, as_json: bool = False) -> None:
    """Resume a run, watched."""
    finish(agent, lambda watched: watched.stream_resume(run_id), as_json=as_json, before=journal.read(run_id))


def agent_of(
    journal: SqliteJournal,
    run_id: str,
    target: str | None,
    tools: str | None = None,
    model: str | None = None,
    base_url: str | None = None,
) -> AnyAgent:
    """The agent of a run: the one that is named, or the one that the run has on record.

    Raises:
        UsageError: Neither is known.
    """
    if target or tools:
        return journalled(agent_for(target, tools, model=model, base_url=base_url))
    recorded = row_named(journal.runs(), run_id).target
    if not recorded:
        raise UsageError(
            f"run {run_id} does not say which agent began it; name it: RUN module:agent, or RUN file.py:agent"
        )
    options = "".join(f" {name} {value}" for name, value in (("--model", model), ("--base-url", base_url)) if value)
    return journalled(agent_at(recorded + options))


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("call", metavar="[CALL]", required=False)
@click.option("--edit", metavar="ARGS", help="Make the call with these arguments instead, a JSON object.")
@click.option("--deny", metavar="WHY", help="Refuse the call, and tell the model why.")
@click.option("--answer", metavar="TEXT", help="Give the result yourself; the tool is not called.")
@click.option("--later", is_flag=True, help="Only take the decision down; the run goes on with `agentkit resume`.")
@click.option(
    "--agent", "target", metavar="TARGET", help="The agent that began the run, where the run does not know it."
)
def approve(
    run: str,
    call: str | None,
    edit: str | None,
    deny: str | None,
    answer: str | None,
    target: str | None,
    *,
    later: bool,
) -> None:
    """Decide on a CALL that waits for a person, and let the RUN go on.

    CALL may be left out where one call waits.  Without --edit, --deny or --answer it is made as the model asked.
    """
    decision = _decision(edit, deny, answer)
    journal = open_journal()
    run_id = find_run(journal, run)
    waiting = waiting_calls(journal, run_id)
    where, asked = _meant(waiting, call, run_id)
    console = Terminal(highlight=False)
    said = "denied" if deny is not None else "answered" if answer is not None else "approved"
    console.print(f"{said}: {_shown(asked)}", markup=False, soft_wrap=True)
    asyncio.run(take_down(journal, where, asked.id, decision))
    left = [each for each in waiting if each != (where, asked)]
    for _, other in left:
        console.print(f"still waiting: {_shown(other)}", markup=False, soft_wrap=True)
    root = root_of(journal.runs(), run_id)
    if left or later or not (target or row_named(journal.runs(), root).target):
        console.print(f"agentkit {'approve' if left else 'resume'} {root}", style="dim", markup=False, soft_wrap=True)
        return
    go_on(agent_of(journal, root, target), journal, root)


def _decision(edit: str | None, deny: str | None, answer: str | None) -> Decision:
    if sum(each is not None for each in (edit, deny, answer)) > 1:
        raise UsageError("--edit, --deny and --answer exclude each other; give one of them")
    return Decision(
        granted=deny is None,
        reason=deny or "",
        arguments=None if edit is None else arguments_of(edit, "--edit"),
        answer=answer,
    )


def arguments_of(text: str, name: str) -> dict[str, JsonValue]:
    """What a person wrote to call a tool with.

    Args:
        text: JSON text of an object.
        name: What it is called where they wrote it.

    Raises:
        UsageError: It is none.
    """
    example = 'as in {"amount": 50}'
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON: {error}; write an object, {example}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{name} is {text}; it must be a JSON object, {example}")
    return value


def waiting_calls(journal: SqliteJournal, run_id: str) -> list[tuple[str, ToolCall]]:
    """The calls that wait for a person in a run, and in the runs within it, each with its run."""
    found = [(run_id, call) for call in fold(journal.read(run_id)).undecided]
    within = [row.run_id for row in journal.runs() if row.parent is not None and row.before == run_id]
    return found + [each for other in within for each in waiting_calls(journal, other)]


def _meant(waiting: Sequence[tuple[str, ToolCall]], call: str | None, run_id: str) -> tuple[str, ToolCall]:
    """The call that is meant, with its run."""
    if not waiting:
        raise UsageError(f"run {run_id} waits for no decision; `agentkit show {run_id}` tells how it stands")
    names = "; ".join(f"{each.id}: {_shown(each)}" for _, each in waiting)
    if call is None:
        if len(waiting) > 1:
            raise UsageError(f"{len(waiting)} calls wait; name one of them. {names}")
        return waiting[0]
    found = [each for each in waiting if each[1].id == call]
    if len(found) != 1:
        raise UsageError(f"no call {call!r} waits for a decision; these do. {names}")
    return found[0]


def _shown(call: ToolCall) -> str:
    return printable(f"{call.name}({shown_arguments(call.arguments)})")


async def take_down(journal: SqliteJournal, run_id: str, call_id: str, decision: Decision) -> None:
    """Record a decision in a run that nobody drives."""
    claim = await journal.claim(run_id)
    try:
        record = Record(list(claim.events), claim, SystemClock())
        if isinstance(record.run.ended, RunFinished):
            raise UsageError(f"run {run_id} has ended meanwhile, as {record.run.ended.status!r}")
        await record.add(given(call_id, decision))
    finally:
        await claim.release()


def root_of(rows: Sequence[Listed], run_id: str) -> str:
    """The run that has called this one, or the one that has called that."""
    row = row_named(rows, run_id)
    return run_id if row.parent is None or row.before is None else root_of(rows, row.before)
