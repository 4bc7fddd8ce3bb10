"""What a command is pointed at: `module:agent`, `file.py:agent`, or the tools in a file."""

import argparse
import importlib
import importlib.util
import inspect
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from agentkit.agent import Agent
from agentkit.chat.chat import Chat
from agentkit.cli.origin import where
from agentkit.context import Context
from agentkit.errors import UnknownTarget, UsageError
from agentkit.toolbox import AnyTool
from agentkit.tools import Tool, Toolable, as_tool

AnyAgent = Agent[object]

NOWHERE = "http://127.0.0.1:9/v1"
"""An address where nobody answers: the discard port."""

ENDPOINT = frozenset({"AGENTKIT_BASE_URL", "AGENTKIT_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_KEY"})
"""Where the environment names an endpoint; it is the one that the agents among the tools of a file are to ask."""


def find_agent(target: str) -> AnyAgent:
    """The agent that `module:name` or `file.py:name` means; the name may be left out where there is one agent.

    Raises:
        UnknownTarget: There is no such thing; the message says what there is.
    """
    place, name = _split(target)
    module = load(place)
    agents = {key: value for key, value in vars(module).items() if isinstance(value, Agent)}
    if name:
        if name in agents:
            return agents[name]
        there = f"; its agents are: {', '.join(agents)}" if agents else ", nor any other agent"
        raise UnknownTarget(f"{place} has no agent {name!r}{there}")
    if len(agents) == 1:
        return next(iter(agents.values()))
    if agents:
        raise UnknownTarget(f"{place} has several agents: name one of them, as in {place}:{next(iter(agents))}")
    raise UnknownTarget(
        f"{place} has no agent; write one, as in `agent = Agent(Chat(...), tools=[...])`, or use --tools"
    )


def find_tools(target: str) -> list[AnyTool]:
    """The tools that `file.py`, `module` or either with `:name` means: decorated ones, else all public functions.

    Raises:
        UnknownTarget: There is no such thing; the message says what there is.
    """
    place, name = _split(target)
    if not os.environ.keys() & ENDPOINT:
        # To look at tools nobody needs an endpoint, but a file may make its model while it is imported.
        os.environ["AGENTKIT_BASE_URL"] = NOWHERE
    module = load(place)
    if name:
        value = getattr(module, name, None)
        if isinstance(value, Agent):
            return list(_offered(value))
        if not callable(value):
            raise UnknownTarget(
                f"{place} has no function or agent {name!r}; it has: {', '.join(_public(module)) or 'none'}"
            )
        return [as_tool(value)]
    public = _public(module)
    marked = [value for value in public.values() if isinstance(value, Tool)]
    tools = marked or [as_tool(value) for value in public.values()]
    agents = [value for value in vars(module).values() if isinstance(value, Agent)]
    if not tools and len(agents) == 1:
        return list(_offered(agents[0]))
    if not tools:
        raise UnknownTarget(f"{place} has no functions that could be tools")
    return tools


def _offered(agent: AnyAgent) -> Sequence[AnyTool]:
    if callable(agent.tools):
        raise UsageError(f"the tools of {agent.name} depend on the run and cannot be listed without one")
    return list(agent.toolbox.offer(Context(None)).values())


def _public(module: ModuleType) -> dict[str, Toolable]:
    """Functions and tools that a module defines itself, in its order."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (isinstance(value, Tool) or inspect.isfunction(value))
        and f"{getattr(value, '__module__', None)}.".startswith(f"{module.__name__}.")
    }


def _split(target: str) -> tuple[str, str]:
    if not target.strip():
        raise UnknownTarget("the target is empty; give a module or a .py file, with :name behind it where it is needed")
    place, colon, name = target.rpartition(":")
    # `C:\agents.py` has a colon of its own.
    return (place, name) if colon and place and "/" not in name and "\\" not in name else (target, "")


def load(place: str) -> ModuleType:
    """Import a module by its name, or a file by its path.

    Raises:
        UnknownTarget: It is not there, or fails while it is imported; the message says where.
    """
    sys.path.insert(0, str(Path.cwd()))
    try:
        if place.endswith(".py"):
            return _load_file(Path(place))
        return importlib.import_module(place)
    except UsageError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and f"{place}.".startswith(f"{error.name}."):
            raise UnknownTarget(
                f"there is no module {error.name!r}; give a module, or the path of a .py file"
            ) from error
        raise UnknownTarget(f"{place!r} needs {error.name!r}, which is not installed here{where(error)}") from error
    except SyntaxError as error:
        raise UnknownTarget(f"cannot import {place!r}: {error.msg} ({error.filename}, line {error.lineno})") from error
    except Exception as error:  # a user's module may raise anything while it is imported
        raise UnknownTarget(f"cannot import {place!r}: {type(error).__name__}: {error}{where(error)}") from error


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownTarget(f"there is no file {str(path)!r}")
    # A name of its own, so that a file called json.py replaces nobody's module.
    name = f"target_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and annotations in text look their module up by name.
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    return module


def agent_for(target: str | None, tools: str | None, *, model: str | None, base_url: str | None) -> AnyAgent:
    """The agent of a command: a target's, or one made of the tools in a file and a model from the environment."""
    if base_url:
        # A target that makes its own model while it is imported is told of the address, if it has none.
        os.environ.setdefault("AGENTKIT_BASE_URL", base_url)
    agent = _named(target, model, base_url) if target is not None else _of_tools(tools, model, base_url)
    # An agent that says itself how it is found is not found better by what was typed.
    return (
        agent
        if agent.target
        else replace(agent, target=_as_words(target, tools, model or (None if target else agent.model.name), base_url))
    )


def _named(target: str, model: str | None, base_url: str | None) -> AnyAgent:
    agent = find_agent(target)
    return replace(agent, model=Chat(model or agent.model.name, base_url=base_url)) if model or base_url else agent


def _of_tools(tools: str | None, model: str | None, base_url: str | None) -> AnyAgent:
    name = model or os.environ.get("AGENTKIT_MODEL")
    if not name:
        raise UsageError("no model is given: pass --model, or set AGENTKIT_MODEL in the environment")
    return Agent(Chat(name, base_url=base_url), tools=find_tools(tools) if tools else ())


def _as_words(target: str | None, tools: str | None, model: str | None, base_url: str | None) -> str:
    """What was typed, for the record."""
    words = [] if target is None else [target]
    for option, value in (("--tools", tools), ("--model", model), ("--base-url", base_url)):
        words += [option, value] if value else []
    return shlex.join(words)


def agent_at(words: str) -> AnyAgent:
    """The agent that a run has on record, as in `shop.py:agent --model M`.

    Raises:
        UnknownTarget: There is no such thing, or the words are none of a target.
    """
    parser = argparse.ArgumentParser(exit_on_error=False, add_help=False)
    parser.add_argument("target", nargs="?")
    for option in ("--tools", "--model", "--base-url"):
        parser.add_argument(option)
    try:
        found = parser.parse_args(shlex.split(words))
    except (argparse.ArgumentError, ValueError, SystemExit) as error:
        raise UnknownTarget(f"{words!r} names no agent; write it as in `shop.py:agent --model M`") from error
    return agent_for(found.target, found.tools, model=found.model, base_url=found.base_url)
