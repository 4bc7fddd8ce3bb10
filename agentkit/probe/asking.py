"""Small requests to an endpoint, one after another, and what can be seen of its replies.  Nothing here judges them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import JsonValue

from agentkit.chat.chat import Chat
from agentkit.chat.profiles import EVERY_CHOICE, Profile
from agentkit.clock import Clock
from agentkit.errors import ModelError
from agentkit.events import Event, ModelRetried
from agentkit.messages import Message, Usage
from agentkit.model import OutputFormat, Reply, Request, Settings, ToolSpec
from agentkit.probe.findings import Finding
from agentkit.retry import Retry, Retrying
from agentkit.secrets import scrub

LIMIT = 1024
"""Most tokens of a reply: models that think need some."""

QUOTED = 160
"""Characters of a server's refusal that a finding quotes."""

SAID = 60
"""The same of a model's words."""

GREW = 10
"""Tokens that a prompt has to grow by: an empty place for something takes a few of them."""

PATIENCE = Retry(attempts=4, seconds=90)
"""A server that is busy for a moment does not spoil a probe."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A reply, and how it came."""

    reply: Reply
    pieces: int
    """How many pieces of it were told before it was complete."""
    refusal: str = ""
    """What the server had against the request before it was mended."""

    @property
    def text(self) -> str:
        return self.reply.message.text

    @property
    def cut(self) -> bool:
        return self.reply.finish_reason == "length"


@dataclass(frozen=True, slots=True)
class Thought:
    """Where reasoning was in a reply."""

    field: str
    """Its key; empty where it has none of its own."""
    tags: Literal["", "open", "prefilled"] = ""
    """How it stands in the content."""
    opaque: tuple[str, ...] = ()
    """Keys of the data that only the server can read."""

    def __str__(self) -> str:
        where = {"open": "in the content, in <think> tags", "prefilled": "in the content, before </think>"}
        beside = f", with {', '.join(self.opaque)}" if self.opaque else ""
        return where.get(self.tags, f"as {self.field}" if self.field else "as opaque data") + beside


def thought_in(reply: Reply) -> Thought | None:
    """Where a reply has its reasoning; None where it has none."""
    text, reasoning = reply.message.text, reply.message.reasoning
    if reasoning is not None:
        return Thought(reasoning.field, opaque=tuple(json.loads(reasoning.opaque or "{}")))
    if text.lstrip().startswith("<think>"):
        return Thought("", "open")
    return Thought("", "prefilled") if "</think>" in text else None


def candid(profile: Profile) -> Profile:
    """A profile with which everything is sent as it was asked, and comes as it was sent."""
    return replace(
        profile,
        defaults=Settings(),
        refused=frozenset(),
        reasoning="return",
        reasoning_required="",
        tags="",
        always_streams=False,
        # The question about it says so itself, as it does with the name of the limit.
        stream_usage=False,
        tool_choices=EVERY_CHOICE,
        forces_thinking=True,
        output_mode="json_schema",
    )


@dataclass(slots=True)
class Asker:
    """Asks, counts what it takes, and remembers what later questions go by."""

    chat: Chat
    """With a candid profile."""
    clock: Clock
    found: dict[str, Finding] = field(default_factory=dict)
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    limit: str = ""
    """The name of the limit of a reply, once it is known."""
    streams: bool = False
    """Whether every reply has to be streamed."""
    counts_streams: bool = True
    """Whether it may be asked to count the tokens of a stream."""
    plain: Seen | None = None
    """The reply to the question about the weather, without tools."""
    thought: Thought | None = None
    """Where the first reasoning was."""
    origin: str = ""
    """What assistant messages of this endpoint say they are from; empty until it has answered once."""

    async def ask(
        self,
        *messages: Message,
        tools: tuple[ToolSpec, ...] = (),
        choice: str | None = None,
        thinking: Literal["disabled"] | None = None,
        output: OutputFormat | None = None,
        stream: bool = False,
        extra: Mapping[str, JsonValue] | None = None,
    ) -> Seen:
        """One reply.

        Raises:
            ModelError: There was none.
        """
        stream = stream or self.streams
        body: dict[str, JsonValue] = {self.limit: LIMIT} if self.limit else {}
        if stream and self.counts_streams:
            body["stream_options"] = {"include_usage": True}
        settings = Settings(tool_choice=choice, thinking=thinking, extra_body={**body, **(extra or {})})
        request = Request(messages=messages, tools=tools, settings=settings, output=output, stream=stream)
        told: list[Event] = []
        try:
            reply = await Retrying(self.chat, PATIENCE, clock=self.clock).request(request, told.append)
        finally:
            retried = [event for event in told if isinstance(event, ModelRetried)]
            self.calls += 1 + len(retried)
        self._remember(reply)
        last = max((place for place, event in enumerate(told, 1) if isinstance(event, ModelRetried)), default=0)
        refusals = [event.detail for event in retried if event.category == "invalid_request"]
        return Seen(reply, len(told) - last, self.brief(refusals[0]) if refusals else "")

    def _remember(self, reply: Reply) -> None:
        self.usage += reply.usage
        self.origin = reply.message.origin
        self.thought = self.thought or thought_in(reply)

    async def attempt(self, *messages: Message, tools: tuple[ToolSpec, ...]) -> Seen | ModelError:
        """One reply, or the error that is the answer to this question.

        Raises:
            ModelError: It is the answer to every question.
        """
        try:
            return await self.ask(*messages, tools=tools)
        except ModelError as error:
            if self.hopeless(error):
                raise
            return error

    def hopeless(self, error: ModelError) -> bool:
        """Whether an error is the answer to every other question as well."""
        match error.category:
            case "auth" | "quota":
                return True
            case "not_found":
                # Who has answered before knows the model; gateways say it of a feature that the model lacks.
                return not self.origin
            case "connection_lost" | "timeout":
                return error.status is None and error.code is None
            case _:
                return False

    def failed(self, name: str, error: ModelError) -> Finding:
        """The finding that an error is."""
        facts: dict[str, JsonValue] = {"category": error.category, "status": error.status, "code": error.code}
        status = f"HTTP {error.status} " if error.status else ""
        # What may pass is no rule of the server's.
        verdict: Literal["unclear", "refused"] = "unclear" if error.retryable else "refused"
        return Finding(name, verdict, f"{status}{error.category}: {self.brief(error)}", facts)

    def brief(self, said: object) -> str:
        """What a server said, without the address and what must not be seen."""
        text = str(said).removeprefix(f"{self.origin} ") if self.origin else str(said)
        return _beginning(scrub(text), QUOTED)


def quoted(text: str) -> str:
    """What a model said, in quotes, or its beginning."""
    return repr(_beginning(text, SAID))


def _beginning(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[:width]}…"


def cut(seen: Seen) -> str:
    """What is to be said of a reply that was cut; nothing of one that was not."""
    return f"; the reply was cut at {LIMIT} tokens" if seen.cut else ""


def growth(seen: Seen, other: Seen | None) -> int | None:
    """By how many tokens the prompt of a reply is longer than another's; None where they were not counted."""
    mine, others = seen.reply.usage.input, None if other is None else other.reply.usage.input
    return None if mine is None or others is None else mine - others
