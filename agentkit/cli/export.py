"""`agentkit export`: a run as a file to take along, or as a test."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from agentkit.cli.journal import find_run, open_journal, row_named
from agentkit.debug.export import as_lines
from agentkit.debug.story import as_markdown
from agentkit.errors import UsageError
from agentkit.events import Recorded
from agentkit.testing.tape import write_whole
from agentkit.testing.written import write_test

FORMS: Mapping[str, Callable[[Sequence[Recorded]], str]] = {".jsonl": as_lines, ".md": partial(as_markdown, full=True)}
"""What is written, by the end of the file's name."""


@click.command()
@click.argument("run", metavar="RUN")
@click.option("-o", "--output", metavar="FILE", help="A .jsonl file of the events, or an .md file to read.")
@click.option("--test", metavar="FILE", help="A pytest test that plays the run again, with its cassette beside it.")
@click.option("--agent", "target", metavar="TARGET", help="For the test: the agent, where the run does not know it.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
def export(run: str, output: str | None, test: str | None, target: str | None, *, force: bool) -> None:
    """Write a RUN to a file, with secrets hidden; without one, its events to the terminal.

    RUN is an id, a part of one, or `last`.
    """
    journal = open_journal()
    run_id = find_run(journal, run)
    events = journal.read(run_id)
    if output is None and test is None:
        click.echo(as_lines(events), nl=False)
    if output is not None:
        _write(Path(output), _in_form(events, output), force=force)
    if test is not None:
        known = target or row_named(journal.runs(), run_id).target
        if not known:
            raise UsageError(
                f"run {run_id} does not say which agent it was, and the test has to; name it: --agent file.py:agent"
            )
        cassette = write_test(events, test, target=known, force=force)
        click.echo(f"wrote {test} and {cassette}; play it: pytest {test}")


def _in_form(events: Sequence[Recorded], output: str) -> str:
    form = FORMS.get(Path(output).suffix)
    if form is None:
        raise UsageError(f"-o is {output!r}; it takes a file whose name ends in {' or '.join(FORMS)}")
    return form(events)


def _write(path: Path, text: str, *, force: bool) -> None:
    if path.exists() and not force:
        raise UsageError(f"{path} would be written over; give another name, or say that it may be: --force")
    write_whole(path, text)
    click.echo(f"wrote {path}")
