"""`agentkit runs` and `agentkit prune`: the runs on record, found and deleted."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Sequence

import click
from rich.console import Console
from rich.text import Text

from agentkit.bill import Bill, bill, bill_of_row
from agentkit.cli.journal import find_run, moment_of, open_journal
from agentkit.debug.facts import costs
from agentkit.debug.words import lasted, status_style
from agentkit.errors import JournalError, UsageError
from agentkit.listing import RUNNING, Listed, Query, grouped
from agentkit.observers.console import Terminal
from agentkit.observers.plain import cost_text, counted_as, printable
from agentkit.prices import Prices, known_prices
from agentkit.sqlite.journal import SqliteJournal

PROMPT = 60
"""Characters of a prompt that are listed."""


@click.command()
@click.option("--status", metavar="NAME", help="completed, failed, waiting, running, stopped, …")
@click.option("--agent", metavar="WORDS", help="Part of the agent's name.")
@click.option("--model", metavar="WORDS", help="Part of the model's id.")
@click.option("--tool", metavar="NAME", help="A tool that was called.")
@click.option("--since", metavar="WHEN", help="Began since: 2h, 7d, 2026-11-25.")
@click.option("--cost", type=float, metavar="SUM", help="Cost at least so much, in any currency.")
@click.option("--text", metavar="WORDS", help="Words that stand anywhere in the run.")
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="Most runs to list.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a run and nothing else.")
def runs(  # noqa: PLR0913 - each is a question one may ask
    *,
    status: str | None,
    agent: str | None,
    model: str | None,
    tool: str | None,
    since: str | None,
    cost: float | None,
    text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the runs on record, newest first; those that belong to another one stand under it."""
    began = None if since is None else moment_of(since, time.time())
    query = Query(status=status, agent=agent, model=model, tool=tool, since=began, text=text)
    journal, prices = open_journal(), known_prices()
    found = journal.runs(query)
    if cost is not None:
        # Most of it is not on record: it is what the lists say today.
        found = [row for row in found if any(each.amount >= cost for each in bill_of(journal, row, prices).costs)]
    shown = grouped(found)[:limit]
    if as_json:
        for row, _ in shown:
            told = dataclasses.asdict(row) | costs(bill_of(journal, row, prices))
            click.echo(json.dumps(told, ensure_ascii=False))
        return
    console = Terminal(highlight=False)
    if not found:
        console.print("no run fits", style="dim")
    for row, depth in shown:
        print_row(console, row, depth, time.time(), bill_of(journal, row, prices))
    if len(found) > len(shown):
        console.print(f"{counted_as(len(found) - len(shown), 'more run')}; --limit shows them", style="dim")


def bill_of(journal: SqliteJournal, row: Listed, prices: Prices) -> Bill:
    """What a run cost itself; of one that cannot be read, what the list says."""
    try:
        return bill(journal.read(row.run_id), prices).own
    except JournalError:
        return bill_of_row(row)


def print_row(console: Console, row: Listed, depth: int, now: float, charged: Bill) -> None:
    """One run as one line."""
    line = Text("  " * depth)
    line.append(row.run_id, "cyan")
    line.append(f"  {row.status}", status_style(row.status) if row.status != RUNNING else "bold cyan")
    parts = [row.agent, row.model, counted_as(row.steps, "step"), counted_as(row.calls, "call")]
    if row.input is not None:
        parts.append(f"{row.input + (row.output or 0):,} tokens")
    if charged.costs:
        parts.append(cost_text(charged))
    parts += [f"took {lasted(row.updated - row.started)}", f"{lasted(now - row.started)} ago"]
    line.append(f"  {' · '.join(filter(None, map(printable, parts)))}", "dim")
    prompt = " ".join(printable(row.prompt).split())
    line.append(f"  {prompt[:PROMPT]}{'…' if len(prompt) > PROMPT else ''}")
    if relation := relation_of(row):
        line.append(f"  ({relation})", "dim")
    console.print(line, soft_wrap=True)


def relation_of(row: Listed) -> str:
    """How a run belongs to another one, in words."""
    if row.parent is not None:
        return "called by the run above"
    if row.continues is not None:
        return f"goes on from {row.continues}"
    return "" if row.fork_of is None else f"fork of {row.fork_of} at step {(row.fork_step or 0) + 1}"


@click.command()
@click.argument("words", nargs=-1, metavar="[RUN]...")
@click.option("--before", metavar="WHEN", help="Began before: 30d, 2026-11-01.")
@click.option("--status", metavar="NAME", help="Only runs with this status.")
@click.option("--dry-run", is_flag=True, help="List what would be deleted, and delete nothing.")
def prune(words: tuple[str, ...], before: str | None, status: str | None, *, dry_run: bool) -> None:
    """Delete runs, with those that they have called; a run that a fork begins as stays while the fork does."""
    if not words and before is None and status is None:
        raise UsageError("say which runs: name them, or give --before or --status")
    journal = open_journal()
    rows = journal.runs()
    named = {find_run(journal, each) for each in words}
    began = None if before is None else moment_of(before, time.time())
    meant = {
        row.run_id
        for row in rows
        if (not words or row.run_id in named)
        and (began is None or row.started < began)
        and (status is None or row.status == status)
        and row.status != RUNNING
    }
    gone, kept = prunable(rows, meant)
    if gone and not dry_run:
        asyncio.run(journal.prune(gone))
    click.echo(f"{counted_as(len(gone), 'run')} {'would be ' if dry_run else ''}deleted")
    for run_id, fork in kept:
        click.echo(f"{run_id} stays: {fork} begins as it does", err=True)


def prunable(rows: Sequence[Listed], meant: set[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The runs that can be deleted, with those within them; and those that cannot, with the fork that needs them."""
    gone = set(meant)
    for row, _ in grouped(rows):
        if row.parent is not None and row.before in gone:
            gone.add(row.run_id)
    kept: list[tuple[str, str]] = []
    while needed := [(row.fork_of, row.run_id) for row in rows if row.fork_of in gone and row.run_id not in gone]:
        kept += [(str(run_id), fork) for run_id, fork in needed]
        gone -= {str(run_id) for run_id, _ in needed}
    return sorted(gone), kept
