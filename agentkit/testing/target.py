"""The agent of a recorded run, found as the command finds it, for a test that needs no endpoint.

Nothing here asks a model; one that has no endpoint can be played, and says so when it is asked.
"""

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path

from agentkit.agent import Agent
from agentkit.cli.targets import ENDPOINT, NOWHERE
from agentkit.cli.targets import agent_at as agent_said
from agentkit.errors import MissingCredentials
from agentkit.model import Emit, Model, OutputMode, Price, Reply, Request, ToolSpec


def agent_at(target: str, *, folder: str | Path = ".") -> Agent[object]:
    """The agent that a run has on record, as in `shop.py:agent --model M`.

    Args:
        target: The words.
        folder: Where they are said: files and modules are looked for there.

    Raises:
        UnknownTarget: There is no such thing; the message says what there is.
    """
    with chdir(folder), _environment():
        try:
            return agent_said(target)
        except MissingCredentials as error:
            # A key that stands beside no address is for all of them, also for one that the agent names itself.
            os.environ.pop("AGENTKIT_BASE_URL", None)
            os.environ.update(AGENTKIT_API_KEY="none", OPENAI_BASE_URL=NOWHERE)
            agent = agent_said(target)
            return replace(agent, model=_Unreached(agent.model, error))


class _Unreached:
    """A model that can say what it is, and cannot be asked."""

    def __init__(self, model: Model, why: MissingCredentials) -> None:
        self._model = model
        self._why = why

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def price(self) -> Price | None:
        return self._model.price

    @property
    def output_mode(self) -> OutputMode:
        return self._model.output_mode

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        self._model.check(tools)

    async def request(self, request: Request, emit: Emit) -> Reply:
        del request, emit
        raise self._why


@contextmanager
def _environment() -> Iterator[None]:
    """The endpoint that the environment names is the same afterwards."""
    before = {name: os.environ.get(name) for name in ENDPOINT}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
