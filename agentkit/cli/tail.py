"""`agentkit tail`: a run followed while another process drives it."""

import sys
import time
from collections.abc import Iterator, Sequence

import click
from rich.console import Console
from rich.text import Text

from agentkit.cli.following import Following
from agentkit.cli.journal import LAST, find_run, open_journal
from agentkit.cli.run import CANCELLED, UNFINISHED
from agentkit.events import Recorded
from agentkit.listing import STOPPED
from agentkit.observers.console import RunView, Terminal
from agentkit.prices import known_prices
from agentkit.sqlite.journal import SqliteJournal
from agentkit.sqlite.state import is_settled, state_of

STEPS = 10
"""Steps that are told of what has been before."""

PAUSE = 0.2
"""Seconds between two looks at the file; a run that takes long to read is read less often."""

IDLE = 2.0
"""Seconds without news after which it is asked whether anybody drives the run still."""

WAYS_ON = {"waiting": "approve", "failed": "resume", "cancelled": "resume", STOPPED: "resume"}


@click.command()
@click.argument("run", metavar="[RUN]", default=LAST)
@click.option("--follow/--no-follow", default=True, help="Until the run stops, or only as it stands now.")
@click.option("-n", "--steps", type=click.IntRange(0), default=STEPS, show_default=True, help="Most steps of before.")
def tail(run: str, *, follow: bool, steps: int) -> None:
    """Follow a RUN that another process drives, until it stops.

    RUN is an id, a part of one, or `last`, which is meant if it is left out.
    """
    journal = open_journal()
    run_id = find_run(journal, run)
    console = Terminal(highlight=False)
    told = Following(RunView(console, known_prices()))
    events = journal.read(run_id)
    told.begin(events, steps)
    if follow:
        follow_on(journal, run_id, told, looks(journal, run_id, len(events)), console)
    if follow or told.status:
        verb = WAYS_ON.get(told.status, "show")
        console.print(f"agentkit {verb} {run_id}", style="dim", markup=False, soft_wrap=True)
    sys.exit({"": 0, "completed": 0, "cancelled": CANCELLED}.get(told.status, UNFINISHED))


def follow_on(
    journal: SqliteJournal, run_id: str, told: Following, news: Iterator[Sequence[Recorded] | None], console: Console
) -> None:
    """Show what happens until the run stops; a line under it says what is at work."""
    line = console.status("")
    try:
        for found in news:
            if found:
                # What is printed takes the line's place.
                line.stop()
                told.show(found)
            elif found is None and not is_driven(journal, run_id):
                line.stop()
                told.abandoned(time.time())
            if told.status or console.quiet:
                # The run has stopped, or whoever read this is gone.
                return
            if console.is_terminal:
                line.update(Text(told.at_work(time.time()), "dim"))
                line.start()
    finally:
        line.stop()


def looks(journal: SqliteJournal, run_id: str, seen: int) -> Iterator[Sequence[Recorded] | None]:
    """What is new in a run with each look, after so many events; None where nothing came for a while."""
    state, settled, quiet = None, False, 0.0
    while True:
        began, before, state = time.monotonic(), state, state_of(journal)
        # A change that came too soon after another one to be told apart from it is seen the next time.
        changed, settled = state != before or not settled, is_settled(state)
        events = journal.read(run_id)[seen:] if changed else ()
        pause = max(PAUSE, 4 * (time.monotonic() - began))
        quiet = 0.0 if events else quiet + pause
        yield events if quiet < IDLE else None
        seen += len(events)
        quiet %= IDLE
        time.sleep(pause)


def is_driven(journal: SqliteJournal, run_id: str) -> bool:
    """Whether there is a process that drives a run."""
    return all(row.status != STOPPED for row in journal.runs() if row.run_id == run_id)
