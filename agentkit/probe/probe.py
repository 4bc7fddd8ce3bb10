"""What a live endpoint really does: a few small requests, one after another, and what their replies show.

What a weak model did not do says nothing of its server, and what was not seen is not guessed: both are `unclear`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from agentkit.chat.chat import Chat
from agentkit.clock import Clock, SystemClock
from agentkit.errors import ModelError
from agentkit.messages import Usage
from agentkit.probe.asking import Asker, candid
from agentkit.probe.findings import Finding
from agentkit.probe.format_questions import json_object, json_schema, json_schema_with_tools
from agentkit.probe.reasoning_questions import reasoning_returned
from agentkit.probe.reply_questions import max_completion_tokens, max_tokens, stream, whole
from agentkit.probe.tool_questions import (
    named,
    none,
    parallel_calls,
    required,
    tool_call,
    tool_call_stream,
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something to find out."""

    names: tuple[str, ...]
    """Of its findings."""
    words: str
    """What it asks, for those who wait."""
    ask: Callable[[Asker], Awaitable[tuple[Finding, ...]]]


# The limits come first, so that no later reply is longer than it has to be.
QUESTIONS = (
    Question(("max_tokens",), "does max_tokens limit an answer", max_tokens),
    Question(("max_completion_tokens",), "does max_completion_tokens limit an answer", max_completion_tokens),
    Question(("whole", "reasoning"), "what is in a whole reply", whole),
    Question(("stream", "stream_usage", "stream_reasoning"), "what is in a stream", stream),
    Question(("tool_call",), "is a tool called", tool_call),
    Question(("tool_call_stream",), "is a tool called in a stream", tool_call_stream),
    Question(("parallel_calls",), "are two tools called at once", parallel_calls),
    Question(("tool_choice_required",), "can a call be required", required),
    Question(("tool_choice_named",), "can a tool be named", named),
    Question(("tool_choice_none",), "can calls be forbidden", none),
    Question(
        ("reasoning_returned", "reasoning_left_out"),
        "does reasoning that is sent back come through",
        reasoning_returned,
    ),
    Question(("json_schema",), "is a schema enforced", json_schema),
    Question(("json_schema_with_tools",), "can tools be called beside a schema", json_schema_with_tools),
    Question(("json_object",), "is a JSON object enforced", json_object),
)

NAMES = tuple(name for question in QUESTIONS for name in question.names)


class Probe:
    """Finds out what an endpoint does.

    Args:
        model: The model's id.
        base_url: Where the endpoint is; as for `Chat`.
        api_key: Its key; as for `Chat`.
        client: An httpx client to use; as for `Chat`.
        clock: What waits are on before a request is tried again.

    Attributes:
        known: The model as the table of providers has it.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | SecretStr | None = None,
        client: httpx.AsyncClient | None = None,
        clock: Clock = SystemClock(),
    ) -> None:
        self.known = Chat(model, base_url=base_url, api_key=api_key)
        profile = candid(self.known.profile)
        chat = Chat(model, base_url=base_url, api_key=api_key, client=client, profile=profile)
        self._asker = Asker(chat, clock)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What has been found so far."""
        return tuple(self._asker.found.values())

    @property
    def calls(self) -> int:
        """How many requests were sent, those that were tried again included."""
        return self._asker.calls

    @property
    def usage(self) -> Usage:
        """What the replies took, as far as the server counted."""
        return self._asker.usage

    async def run(self, begin: Callable[[Question], None]) -> tuple[Finding, ...]:
        """Ask all questions.

        Args:
            begin: Is told each question before it is asked.

        Raises:
            ModelError: The endpoint cannot be asked anything: it refuses the key, does not know the model, …
        """
        for question in QUESTIONS:
            begin(question)
            for finding in await self._found(question):
                self._asker.found[finding.name] = finding
            self._asker.limit = self._limit()
        return self.findings

    async def _found(self, question: Question) -> tuple[Finding, ...]:
        try:
            return await question.ask(self._asker)
        except ModelError as error:
            if self._asker.hopeless(error):
                raise
            first, *others = question.names
            unseen = (Finding(name, "unclear", "there was no reply to look at") for name in others)
            return (self._asker.failed(first, error), *unseen)

    def _limit(self) -> str:
        """The name of the limit that later replies are held to; none before both are known."""
        found = self._asker.found
        own = self.known.profile.max_tokens
        names = (own, "max_tokens", "max_completion_tokens")
        if not all(name in found for name in names):
            return ""
        working = [name for name in names if found[name].verdict == "yes"]
        taken = [name for name in names if found[name].verdict != "refused"]
        return next(iter((*working, *taken)), "")
