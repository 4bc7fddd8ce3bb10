"""`agentkit chat`: a conversation with an agent, which remembers what was said."""

import importlib
import sys
from contextlib import suppress

import click

from agentkit.cli.run import Begin, journalled, watch
from agentkit.cli.targets import agent_for
from agentkit.errors import ModelError, UsageError
from agentkit.observers.console import Terminal
from agentkit.result import Result
from agentkit.secrets import scrub


@click.command()
@click.argument("target", required=False)
@click.option("--tools", metavar="FILE", help="Make an agent of the functions in a file or module.")
@click.option("--model", metavar="ID", help="The model; else the agent's own, or AGENTKIT_MODEL.")
@click.option("--base-url", metavar="URL", help="The endpoint; else AGENTKIT_BASE_URL.")
def chat(target: str | None, tools: str | None, model: str | None, base_url: str | None) -> None:
    """Talk with an agent; an empty line or Ctrl-D ends it.

    TARGET is module:agent or file.py:agent; without one, a plain model answers, with --tools if given.
    """
    if target and tools:
        raise UsageError("chat takes a TARGET or --tools FILE, not both")
    # Line editing, where Python has it.
    with suppress(ImportError):
        importlib.import_module("readline")
    agent = journalled(agent_for(target, tools, model=model, base_url=base_url))
    console = Terminal(highlight=False)
    last: Result[object] | None = None
    while prompt := _read(console):
        try:
            last = watch(agent, _asking(prompt, last), console)
        except ModelError as error:
            # What was said before is kept; the question can be asked again.
            click.echo(f"error: {scrub(str(error))}", err=True)


def _asking(prompt: str, last: Result[object] | None) -> Begin:
    """The next question of the conversation."""
    history, before = (last.messages, last.run_id) if last is not None else ((), None)
    return lambda agent: agent.stream(prompt, history=history, continues=before)


def _read(console: Terminal) -> str:
    try:
        return console.input("you: " if sys.stdin.isatty() else "", markup=False).strip()
    except (EOFError, KeyboardInterrupt):
        console.print()
        return ""
