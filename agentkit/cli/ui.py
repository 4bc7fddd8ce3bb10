"""`agentkit ui`: the runs on record as a page in the browser, for this machine alone."""

import importlib
import os
import sys
import webbrowser
from contextlib import suppress
from urllib.parse import quote

import click

from agentkit.cli.deeds import Doing
from agentkit.cli.journal import find_run, open_journal

HIGHEST = 65_535


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--port", type=click.IntRange(0, HIGHEST), default=0, help="The port; any that is free if left out.")
@click.option("--write", is_flag=True, help="Let the page fork runs and decide on calls that wait for a person.")
@click.option("--no-open", is_flag=True, help="Open no browser; only print the address.")
def ui(run: str | None, port: int, *, write: bool, no_open: bool) -> None:
    """Look at runs in the browser: all of them, or one RUN.

    The page is served to this machine alone, and opens with the address that is printed.  RUN is an id, a part of one, or `last`.
    """
    journal = open_journal()
    # What is wrong with the journal is said here, and not on an empty page.
    journal.runs()
    where = "" if run is None else f"#/run/{quote(find_run(journal, run), safe='')}"
    # Starlette and uvicorn are loaded for those who want the page.
    page = importlib.import_module("agentkit.viewer.server").page(
        journal, port=port, deeds=Doing(journal) if write else None
    )
    address = f"{page.address}{where}"
    click.echo(f"{address}\n{'reads and writes' if write else 'reads'} {journal.path}; Ctrl-C ends it")
    if not no_open and _has_browser():
        webbrowser.open(address)
    with suppress(KeyboardInterrupt):
        page.serve()


def _has_browser() -> bool:
    """Whether a browser would come up beside the terminal, and not within it."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER"))
