"""Runs of a test, recorded once with a model and played ever after without one.

What is played is held to the record: the first request that is not the recorded one fails the test, which shows which message
differs and how.  Nothing here decides when to record, and nothing that looks like a secret is written.
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from agentkit.agent import Agent
from agentkit.beginning import Prompt
from agentkit.debug.held import Redact
from agentkit.debug.replay import opening, verify
from agentkit.errors import UsageError
from agentkit.events import RunFinished
from agentkit.journal import MemoryJournal
from agentkit.loop import fold
from agentkit.messages import Message
from agentkit.model import Model
from agentkit.result import Output, Result
from agentkit.secrets import scrub
from agentkit.testing.deck import Deck, Recording
from agentkit.testing.tape import place_of
from agentkit.testing.taped import TapedModel


class Cassette:
    """The recorded runs of a test, in the order of the file; the pytest fixture `cassette` is one.

    Args:
        path: The file.
        record: What is recorded: nothing, runs that it does not have, or all of them anew.
        test: How pytest is told of the test, for messages.
    """

    def __init__(self, path: str | Path, *, record: Recording = "none", test: str = "") -> None:
        self._deck = Deck(path, record=record, test=test)

    @classmethod
    def beside(cls, test_file: Path, names: Sequence[str], *, record: Recording = "none") -> Self:
        """The cassette of a test, which is in a folder beside its file.

        Args:
            test_file: The file of the test.
            names: The test's classes, if it has any, and its own name.
            record: What is recorded.
        """
        test = shlex.quote("::".join((os.path.relpath(test_file), *names)))
        return cls(place_of(test_file, names), record=record, test=test)

    async def run(
        self,
        agent: Agent[Output],
        prompt: Prompt | None = None,
        *,
        deps: object = None,
        history: Sequence[Message] = (),
        tools: Literal["recorded", "live"] = "recorded",
    ) -> Result[Output]:
        """Play the next run, or record it.

        Played, no model is asked, nothing is kept, and people decide as they did.  A run that had not ended when it was
        recorded is played as far as it went, and returned as it stood.  Recorded, everything is live, and the run is kept here
        and in no journal.

        Args:
            agent: As it is today.
            prompt: What is asked; what was asked then, when left out.
            deps: As for `agent.run`.
            history: What goes before the prompt; with the recorded prompt, what went before that.
            tools: Whether a played run is given the recorded results, or today's tools run.

        Raises:
            AssertionError: A request is not the recorded one, or the run ends in another way.
            UsageError: There is no cassette, or no prompt for the first recording.
            JournalError: The file is no cassette, or damaged.
            ModelError: The model failed while it was recorded; nothing is written.
        """
        __tracebackhide__ = True
        place, recorded = self._deck.take()
        if recorded is None:
            return await self._record(agent, place, prompt, deps, history)
        redact = _hiding(agent)
        played = await verify(agent, recorded, deps=deps, prompt=prompt, history=history, tools=tools, redact=redact)
        if not played.same:
            raise self._deck.missed(place, f"is not the recorded one. In step {played.step}, {played.difference}")
        run = fold(recorded)
        if played.result is None or not isinstance(run.ended, RunFinished):
            return Result(run, tuple(recorded))
        return played.result

    async def _record(
        self, agent: Agent[Output], place: int, prompt: Prompt | None, deps: object, history: Sequence[Message]
    ) -> Result[Output]:
        live = replace(agent, journal=None if agent.journal is None else MemoryJournal())
        with self._deck.recording():
            if prompt is None:
                prompt, before = self._opening(place)
                history = history or before
            result = await live.run(prompt, deps=deps, history=history)
        self._deck.keep(place, result.events, _hiding(agent))
        return result

    def _opening(self, place: int) -> tuple[Prompt, Sequence[Message]]:
        """What is asked once more."""
        if place < len(self._deck.runs):
            return opening(self._deck.runs[place])
        raise UsageError("nothing is recorded yet that could be asked again: give the prompt, cassette.run(agent, '…')")

    def model(self, model: Model) -> Model:
        """A model whose requests are recorded and played one by one, for code that makes its own agents.

        Args:
            model: Who is asked when it records.
        """
        return TapedModel(self._deck, model)

    def assert_finished(self) -> None:
        """Make sure that every recorded run was played, and was the recorded one.

        Raises:
            AssertionError: One was not; the message says which.
        """
        __tracebackhide__ = True
        self._deck.assert_finished()

    def save(self) -> None:
        """Write the file, if anything was recorded."""
        self._deck.save()


def _hiding(agent: Agent[Output]) -> Redact:
    """Hides what the agent's journal hides, and what looks like a secret."""
    if agent.journal is None:
        return scrub
    kept = agent.kept_in()
    return lambda text: scrub(kept.redact(text))
