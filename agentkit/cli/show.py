"""`agentkit show` and `agentkit diff`: a run told from its beginning, and two runs side by side."""

import time
from collections.abc import Iterable, Sequence

import click
from rich.text import Text

from agentkit.bill import whole_bill
from agentkit.cli.journal import find_run, open_journal
from agentkit.cli.runs import bill_of, print_row
from agentkit.codec import dumps
from agentkit.debug import contrast, facts, page
from agentkit.debug.anomalies import anomalies as found_in
from agentkit.debug.anomalies import as_parts
from agentkit.debug.diff import as_json as diff_as_json
from agentkit.debug.diff import diff as compared
from agentkit.debug.page import Line
from agentkit.debug.story import as_markdown, story
from agentkit.errors import UsageError
from agentkit.events import Recorded, RunForked
from agentkit.observers.console import Terminal
from agentkit.prices import known_prices

_JSON = click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
_MARKDOWN = click.option("--md", "as_md", is_flag=True, help="As Markdown.")
_FULL = click.option("--full", is_flag=True, help="Leave nothing out.")


def print_lines(lines: Iterable[Line]) -> None:
    """Lines with their styles."""
    console = Terminal(highlight=False)
    for line in lines:
        console.print(Text(line.text, line.style), soft_wrap=True)


@click.command()
@click.argument("run", metavar="RUN")
@_FULL
@_JSON
@_MARKDOWN
@click.option("--anomalies", is_flag=True, help="Only what is out of the ordinary.")
def show(run: str, *, full: bool, as_json: bool, as_md: bool, anomalies: bool) -> None:
    """Tell a whole RUN: what was asked, thought, called, returned and answered.

    RUN is an id, a part of one, or `last`.
    """
    _one_form(as_json=as_json, as_md=as_md)
    journal = open_journal()
    run_id = find_run(journal, run)
    if anomalies:
        _tell_anomalies(run_id, journal.read(run_id), as_json=as_json, as_md=as_md)
        return
    events, rows, prices = journal.read(run_id), journal.runs(), known_prices()
    bill = whole_bill(events, rows, journal.read, prices)
    if as_json:
        click.echo(dumps(facts.as_json(events, bill)))
        return
    if as_md:
        click.echo(as_markdown(events, full=full, bill=bill), nl=False)
        return
    print_lines(story(events, full=full, bill=bill))
    within = [row for row in rows if row.before == run_id]
    if within:
        console = Terminal(highlight=False)
        console.print("\nbelonging to it:", style="dim")
        for row in within:
            print_row(console, row, 1, time.time(), bill_of(journal, row, prices))


def _tell_anomalies(run_id: str, events: Sequence[Recorded], *, as_json: bool, as_md: bool) -> None:
    found = found_in(events)
    if as_json:
        click.echo(dumps({"run_id": run_id, "anomalies": facts.plain(found)}))
    elif as_md:
        click.echo(page.as_markdown(as_parts(found)), nl=False)
    else:
        print_lines(page.as_lines(as_parts(found)))


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@_FULL
@_JSON
@_MARKDOWN
def diff(first: str, second: str | None, *, full: bool, as_json: bool, as_md: bool) -> None:
    """Compare two runs step by step, and show where they part; a fork alone is compared with its parent.

    A and B are ids, parts of them, or `last`.
    """
    _one_form(as_json=as_json, as_md=as_md)
    journal = open_journal()
    one = find_run(journal, first)
    other = one if second is None else find_run(journal, second)
    if second is None:
        one = _parent(journal.read(other), other)
    found = compared(journal.read(one), journal.read(other), known_prices())
    if as_json:
        click.echo(dumps(diff_as_json(found)))
    elif as_md:
        click.echo(contrast.as_markdown(found, full=full), nl=False)
    else:
        print_lines(contrast.as_lines(found, full=full))


def _parent(events: Sequence[Recorded], run_id: str) -> str:
    forks = [each.event for each in events if isinstance(each.event, RunForked)]
    if not forks:
        raise UsageError(f"run {run_id} is no fork, so there is nothing to compare it with; name a second run")
    return forks[-1].parent


def _one_form(*, as_json: bool, as_md: bool) -> None:
    if as_json and as_md:
        raise UsageError("--json and --md exclude each other; give one of them")
