"""`agentkit run`: one question to an agent, watched at the terminal."""

import asyncio
import dataclasses
import json
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

import click
import pydantic_core
from rich.console import Console

from agentkit.cli.ask import ask_at_terminal
from agentkit.cli.journal import find_run, journal_to_write, open_journal
from agentkit.cli.targets import AnyAgent, agent_for
from agentkit.errors import ModelError, UsageError
from agentkit.events import Observer, Recorded
from agentkit.observers.console import Terminal, console_view
from agentkit.observers.plain import counted_as
from agentkit.prices import known_prices
from agentkit.result import Result
from agentkit.watch import Watch

UNFINISHED = 1
CANCELLED = 130


@click.command()
@click.argument("words", nargs=-1, metavar="[TARGET] PROMPT")
@click.option("--tools", metavar="FILE", help="Make an agent of the functions in a file or module.")
@click.option("--model", metavar="ID", help="The model; else the agent's own, or AGENTKIT_MODEL.")
@click.option("--base-url", metavar="URL", help="The endpoint; else AGENTKIT_BASE_URL.")
@click.option("--continue", "continues", metavar="RUN", help="Go on with the conversation of an earlier run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object and nothing else.")
def run(
    words: tuple[str, ...],
    tools: str | None,
    model: str | None,
    base_url: str | None,
    continues: str | None,
    *,
    as_json: bool,
) -> None:
    """Ask an agent one question.

    TARGET is module:agent or file.py:agent; with --tools it is left out.
    """
    if len(words) != (1 if tools else 2):
        wanted = "--tools FILE and a PROMPT" if tools else "a TARGET (module:agent or file.py:agent) and a PROMPT"
        raise UsageError(f"run takes {wanted}; put the prompt in quotes")
    agent = journalled(agent_for(None if tools else words[0], tools, model=model, base_url=base_url))
    before = None if continues is None else find_run(open_journal(), continues)
    finish(agent, lambda watched: watched.stream(words[-1], continues=before), as_json=as_json)


Begin = Callable[[AnyAgent], Watch[object]]
"""Begins, or takes up, a run of an agent that is watched."""


def journalled(agent: AnyAgent) -> AnyAgent:
    """The agent with the command's journal, where it has none of its own."""
    return agent if agent.journal is not None else dataclasses.replace(agent, journal=journal_to_write())


def finish(agent: AnyAgent, begin: Begin, *, as_json: bool = False, before: Sequence[Recorded] = ()) -> NoReturn:
    """Watch a run to its end, and end the command as it does."""
    console = Terminal(stderr=as_json, highlight=False)
    try:
        result = watch(agent, begin, console, view=not as_json, before=before)
    except ModelError as error:
        if isinstance(error.result, Result):
            _tell(agent, error.result, console, as_json=as_json)
        raise
    _tell(agent, result, console, as_json=as_json)
    sys.exit(exit_code(result))


def _tell(agent: AnyAgent, result: Result[object], console: Console, *, as_json: bool) -> None:
    if as_json:
        click.echo(as_text(result))
    else:
        tell_way_on(agent, result, console)


def exit_code(result: Result[object]) -> int:
    """0 for an answer; a shell can tell the rest apart."""
    return {"completed": 0, "cancelled": CANCELLED}.get(result.status, UNFINISHED)


def tell_way_on(agent: AnyAgent, result: Result[object], console: Console) -> None:
    """Say what can be done with a run that is on record."""
    if agent.journal is None:
        return
    verbs = {"waiting": "approve", "failed": "resume", "cancelled": "resume"}
    verb = verbs.get(result.status, "show")
    console.print(f"agentkit {verb} {result.run_id}", style="dim", markup=False, soft_wrap=True)


def watch(
    agent: AnyAgent, begin: Begin, console: Console, *, view: bool = True, before: Sequence[Recorded] = ()
) -> Result[object]:
    """Run an agent, show it, and let Ctrl-C cancel it.

    Args:
        agent: Who is asked.
        begin: How.
        console: Where it is shown.
        view: Whether it is.
        before: What has happened in the run before.
    """
    observers: tuple[Observer, ...] = (console_view(console, before, known_prices()),) if view else ()
    approver = agent.approver or (ask_at_terminal(console) if sys.stdin.isatty() else None)
    watched = dataclasses.replace(agent, observers=(*agent.observers, *observers), approver=approver)
    result = asyncio.run(_until_the_end(begin(watched)))
    if result.status == "cancelled" and view:
        results = sum(len(step.results) for step in result.steps)
        console.print(f"kept: {counted_as(len(result.steps), 'step')} and {counted_as(results, 'tool result')}")
    return result


async def _until_the_end(watching: Watch[object]) -> Result[object]:
    loop = asyncio.get_running_loop()
    async with watching as running:
        interrupted = asyncio.Event()
        # Where a loop takes no signals, as on Windows, Ctrl-C ends the command as it ends any other.
        with suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, interrupted.set)
        try:
            ended = asyncio.ensure_future(running.wait())
            waiting = asyncio.ensure_future(interrupted.wait())
            await asyncio.wait((ended, waiting), return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not ended.done():
                await running.cancel()
            return await ended
        finally:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)


def as_text(result: Result[object]) -> str:
    """A result as one JSON object."""
    steps = [
        {
            "step": step.number,
            "reasoning": step.reasoning,
            "text": step.text,
            "calls": [
                {
                    "id": call.id,
                    "tool": call.name,
                    "arguments": call.arguments,
                    "result": None if answer is None else answer.content,
                    "failed": answer is not None and answer.failed,
                }
                for call, answer, _ in step.answers
            ],
            "usage": dataclasses.asdict(step.usage),
            "finish_reason": step.finish_reason,
            "seconds": round(step.seconds, 3),
        }
        for step in result.steps
    ]
    whole = {
        "run_id": result.run_id,
        "status": result.status,
        "detail": result.detail,
        "output": result.output,
        "usage": dataclasses.asdict(result.usage),
        "cost": result.cost,
        "steps": steps,
    }
    plain = pydantic_core.to_jsonable_python(whole, fallback=str)
    # Half a surrogate pair, which a tool may return, has no bytes that could be written.
    return json.dumps(plain, ensure_ascii=False, indent=2).encode("utf-8", "replace").decode()
