"""`agentkit chat`: a conversation with an agent, which remembers what was said."""

import importlib
import sys
from contextlib import suppress

import click

from agentkit.cli.run import watch
from agentkit.cli.targets import agent_for
from agentkit.errors import ModelError, UsageError
from agentkit.messages import Message
from agentkit.observers.console import Terminal
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
    agent = agent_for(target, tools, model=model, base_url=base_url)
    console = Terminal(highlight=False)
    history: tuple[Message, ...] = ()
    while prompt := _read(console):
        try:
            history = watch(agent, prompt, console, history=history).messages
        except ModelError as error:
            # What was said before is kept; the question can be asked again.
            click.echo(f"error: {scrub(str(error))}", err=True)


def _read(console: Terminal) -> str:
    try:
        return console.input("you: " if sys.stdin.isatty() else "", markup=False).strip()
    except (EOFError, KeyboardInterrupt):
        console.print()
        return ""
