"""`agentkit export`: a run as a file to take along, or as a test."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from agentkit.bill import whole_bill
from agentkit.cli.journal import find_run, open_journal, row_named
from agentkit.cli.otel import sent
from agentkit.debug.export import as_lines
from agentkit.debug.story import as_markdown
from agentkit.errors import UsageError
from agentkit.events import Recorded
from agentkit.prices import known_prices
from agentkit.sqlite.journal import SqliteJournal
from agentkit.testing.tape import write_whole
from agentkit.testing.written import write_test
from agentkit.viewer.alone import as_html

FORMS: Mapping[str, Callable[[Sequence[Recorded]], str]] = {".jsonl": as_lines, ".md": partial(as_markdown, full=True)}
"""What is written, by the end of the file's name."""

PAGE = ".html"


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "-o", "--output", metavar="FILE", help="A page to look at: .html; a text to read: .md; the events: .jsonl."
)
@click.option("--test", metavar="FILE", help="A pytest test that plays the run again, with its cassette beside it.")
@click.option("--agent", "target", metavar="TARGET", help="For the test: the agent, where the run does not know it.")
@click.option("--otlp", is_flag=True, help="Send its spans to where OTEL_EXPORTER_OTLP_ENDPOINT says.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def export(run: str, output: str | None, test: str | None, target: str | None, *, otlp: bool, force: bool) -> None:
    """Write a RUN to a file, with secrets hidden, or send it; otherwise its events to the terminal.

    RUN is an id, a part of one, or `last`.
    """
    journal = open_journal()
    run_id = find_run(journal, run)
    events = journal.read(run_id)
    if output is None and test is None and not otlp:
        click.echo(as_lines(events), nl=False)
    if output is not None:
        _write(Path(output), _in_form(journal, events, output), force=force)
    if otlp:
        click.echo(sent(journal, run_id))
    if test is not None:
        known = target or row_named(journal.runs(), run_id).target
        if not known:
            raise UsageError(
                f"run {run_id} does not say which agent it was, and the test has to; name it: --agent file.py:agent"
            )
        cassette = write_test(events, test, target=known, force=force)
        click.echo(f"wrote {test} and {cassette}; play it: pytest {test}")


def _in_form(journal: SqliteJournal, events: Sequence[Recorded], output: str) -> str:
    end = Path(output).suffix
    if end == PAGE:
        return as_html(events, whole_bill(events, journal.runs(), journal.read, known_prices()))
    form = FORMS.get(end)
    if form is None:
        raise UsageError(f"-o is {output!r}; it takes a file whose name ends in {' or '.join((*FORMS, PAGE))}")
    return form(events)


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.exists() and not force:
        raise UsageError(f"{path} would be written over; give another name, or say that it may be: --force")
    write_whole(path, text)
    click.echo(f"wrote {path}")
