"""`agentkit fork` and `agentkit replay`: runs again, from a step on with one thing changed, or from their record."""

import asyncio
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import click
from pydantic import JsonValue

from agentkit.cli.journal import find_run, open_journal
from agentkit.cli.resume import agent_of
from agentkit.cli.run import exit_code, tell_way_on
from agentkit.cli.targets import AnyAgent
from agentkit.debug.fork import Change
from agentkit.debug.fork import fork as forked
from agentkit.debug.replay import Mode
from agentkit.debug.replay import replay as replayed
from agentkit.errors import ModelError, UsageError
from agentkit.messages import Message, ToolCall
from agentkit.model import Reply
from agentkit.observers.console import Terminal, console_view
from agentkit.observers.plain import counted_as, printable
from agentkit.prices import known_prices
from agentkit.result import Result

DIFFERENT = 1


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("target", required=False)
@click.option(
    "--at", type=int, metavar="STEP", help="The step before which it begins; where the run stands if left out."
)
@click.option("--tools", metavar="FILE", help="An agent of the functions in a file or module.")
@click.option("--model", metavar="ID", help="Another model.")
@click.option("--base-url", metavar="URL", help="The endpoint; else AGENTKIT_BASE_URL.")
@click.option("--prompt", metavar="TEXT", help="At step 1 instead of the prompt, later in addition to what was said.")
@click.option("--instructions", metavar="TEXT", help="Instead of the instructions.")
@click.option(
    "--reply", metavar="TEXT", help='Instead of the model\'s reply at that step; or {"calls": [{"tool", "arguments"}]}.'
)
@click.option("--result", "results", multiple=True, metavar="CALL=TEXT", help="Instead of the result of a call.")
def fork(  # noqa: PLR0913, PLR0917 - each is a thing one may change
    run: str,
    target: str | None,
    at: int | None,
    tools: str | None,
    model: str | None,
    base_url: str | None,
    prompt: str | None,
    instructions: str | None,
    reply: str | None,
    results: tuple[str, ...],
) -> None:
    """Go on from a step of a RUN as another run, with one thing changed."""
    journal = open_journal()
    run_id = find_run(journal, run)
    change = Change(
        prompt=prompt,
        instructions=instructions,
        reply=None if reply is None else reply_of(reply),
        results=results_of(results) if results else None,
    )
    agent = _watched(agent_of(journal, run_id, target, tools, model, base_url))
    with _way_on(agent):
        result = asyncio.run(forked(agent, run_id, at=at, change=change))
    _end(agent, result)


def _watched(agent: AnyAgent) -> AnyAgent:
    view = console_view(Terminal(highlight=False), prices=known_prices())
    return dataclasses.replace(agent, observers=(*agent.observers, view))


@contextmanager
def _way_on(agent: AnyAgent, compared: str = "") -> Iterator[None]:
    """Tell what can be done with a run whose model failed, before the error is."""
    try:
        yield
    except ModelError as error:
        if isinstance(error.result, Result):
            _tell_ways_on(agent, error.result, compared)
        raise


def _end(agent: AnyAgent, result: Result[object], compared: str = "") -> NoReturn:
    _tell_ways_on(agent, result, compared)
    sys.exit(exit_code(result))


def _tell_ways_on(agent: AnyAgent, result: Result[object], compared: str) -> None:
    """Name the commands: what differs from the run that it is compared with (of a fork, its parent), and how it goes on."""
    console = Terminal(highlight=False)
    runs = " ".join(filter(None, (compared, result.run_id)))
    console.print(f"agentkit diff {runs}", style="dim", markup=False, soft_wrap=True)
    tell_way_on(agent, result, console)


def results_of(words: tuple[str, ...]) -> Mapping[str, str]:
    """Results by call, as they were typed: `CALL=TEXT`."""
    found = {}
    for each in words:
        call, equals, text = each.partition("=")
        if not equals or not call:
            raise UsageError(f"--result is {each!r}; write it as CALL=TEXT, with the id of the call")
        found[call] = text
    return found


def reply_of(text: str) -> str | Reply:
    """A reply as it was typed: an answer in words, or an object with `calls`, and with `text` and `reasoning` beside them."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict) or "calls" not in value:
        return text
    calls = value["calls"]
    if not isinstance(calls, list) or not all(isinstance(each, dict) and "tool" in each for each in calls):
        raise UsageError('the calls of --reply must be a list of {"tool": NAME, "arguments": {…}}')
    asked = tuple(_call(place, each) for place, each in enumerate(calls, 1))
    return Reply(message=Message("assistant", str(value.get("text", "")), tool_calls=asked), finish_reason="tool_calls")


def _call(place: int, value: Mapping[str, JsonValue]) -> ToolCall:
    arguments = value.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(str(value.get("id", f"forked_{place}")), str(value["tool"]), text)


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("target", required=False)
@click.option(
    "--mode",
    type=click.Choice(["verify", "tools-recorded", "model-recorded"]),
    default="verify",
    show_default=True,
    help="Compare requests and ask nobody; ask the model live; or run the tools live.",
)
@click.option("--tools", metavar="FILE", help="An agent of the functions in a file or module.")
@click.option("--model", metavar="ID", help="Another model.")
@click.option("--base-url", metavar="URL", help="The endpoint; else AGENTKIT_BASE_URL.")
def replay(
    run: str, target: str | None, mode: Mode, tools: str | None, model: str | None, base_url: str | None
) -> None:
    """Play a RUN again from its record: does today's code ask the same?"""
    journal = open_journal()
    run_id = find_run(journal, run)
    agent = agent_of(journal, run_id, target, tools, model, base_url)
    if mode != "verify":
        agent = _watched(agent)
    with _way_on(agent, run_id):
        played = asyncio.run(replayed(agent, run_id, mode))
    console = Terminal(highlight=False)
    for call in played.missed:
        console.print(f"no recorded result: {printable(call.name)} ({call.id})", style="yellow", markup=False)
    if mode != "verify" and played.result is not None:
        _end(agent, played.result, run_id)
    if played.same:
        asked = counted_as(len(agent.result(run_id).steps), "request")
        console.print(f"the same: {asked} as recorded", style="bold green", markup=False)
        return
    console.print(
        f"step {played.step} is different: {printable(played.difference)}",
        style="bold yellow",
        markup=False,
        soft_wrap=True,
    )
    sys.exit(DIFFERENT)
