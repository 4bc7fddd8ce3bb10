"""What happens in a run: the one stream that everything else is made from.

An event is in the past tense, frozen and true for ever.  It holds what is new, never the conversation so far.
Events that are not durable pass by those who watch; the loop ignores them and a journal skips them.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from agentkit.limits import Spent
from agentkit.messages import Message, ToolResult, Usage

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "other"]

Status = Literal[
    "completed",
    "step_limit",
    "tool_call_limit",
    "token_limit",
    "cost_limit",
    "time_limit",
    "repeat_limit",
    "cut",
    "refused",
    "empty",
    "output_invalid",
    "waiting",
    "failed",
    "cancelled",
]
"""How a run stands when it stops.  `waiting`, `failed` and `cancelled` can be resumed; the others have ended."""


class Event:
    """Something that has happened."""

    __slots__ = ()
    durable: ClassVar[bool] = True


class Passing(Event):
    """Something to watch while it happens, and to forget."""

    __slots__ = ()
    durable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run began with these messages."""

    run_id: str
    agent: str
    messages: tuple[Message, ...]
    parent: str | None = None
    """The tool call this run answers, as `run_id/call_id`."""
    answer_tool: str | None = None
    """The tool whose accepted arguments are the run's output, where the output is asked for by a tool."""
    continues: str | None = None
    """The run whose conversation this one goes on with."""
    definition: Mapping[str, str] = field(default_factory=dict)
    """What the agent was, part by part, so that another one can be told apart when the run is resumed."""
    target: str = ""
    """How the command finds the agent again, as words of a shell: `shop.py:agent --model M`."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """How far it may go, by the names in `Limits`; what is not here has no limit."""


@dataclass(frozen=True, slots=True)
class RunForked(Event):
    """A run began as another one had been up to here, with one thing changed; its number is that of the first own event."""

    run_id: str
    parent: str
    """The run whose events before this one are this run's as well."""
    change: str = ""
    """What was changed, in words."""
    instructions: str | None = None
    """Instead of the parent's."""
    prompt: str | None = None
    """Before the first step instead of the parent's prompt, later on in addition to what was said."""
    definition: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    agent: str = ""
    """Who goes on."""


@dataclass(frozen=True, slots=True)
class RunResumed(Event):
    """The run was taken up again."""

    process: str = ""
    """The process that did, as `host:pid`."""
    agent: str = ""
    """Who goes on: an observer in that process has not seen how the run began."""


@dataclass(frozen=True, slots=True)
class ModelCalled(Event):
    """The model was asked; `messages` counts what it was sent, `tools` names what it was offered."""

    model: str
    messages: int
    tools: tuple[str, ...]
    last: bool = False
    """Whether a limit is reached and this request is for an answer only."""
    request: str = ""
    """Fingerprint of all that was sent; a replay is held to it."""
    settings: str = ""
    """How the model was to answer, as JSON text, where anything was set."""
    offer: str = ""
    """What it was told of the tools, as JSON text; empty where it is what this run told it last."""
    endpoint: str = ""
    """Where it is asked and what is said there in every request, as JSON text without a key (`agentkit.endpoint`); empty where
    that is what this run said last, and where nobody knows."""


@dataclass(frozen=True, slots=True)
class TextDelta(Passing):
    """A piece of the answer arrived."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta(Passing):
    """A piece of the model's reasoning arrived."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta(Passing):
    """A piece of a tool call arrived: the name whole and first, the arguments in pieces."""

    index: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelRetried(Passing):
    """The model is asked again; what was told of the reply so far is to be discarded."""

    attempt: int
    """The attempt that failed, from 1."""
    category: str
    detail: str
    """Why it failed, in words."""
    seconds: float
    """How long until the next attempt; 0 when another model is asked instead."""
    model: str
    """Who is asked next."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """What failed before a reply came: an attempt at the same request, after which the model was asked again."""

    number: int
    """Counts the attempts at one model, from 1."""
    category: str
    detail: str
    """Why it failed, in words."""
    after: float
    """Seconds from the request to its failure."""
    wait: float = 0.0
    """Seconds from there to the next attempt; 0 when another model was asked instead."""
    model: str = ""
    """Who was asked next."""


@dataclass(frozen=True, slots=True)
class ModelReplied(Event):
    """The model replied; this is recorded before anybody reads it."""

    message: Message
    usage: Usage
    finish_reason: FinishReason
    model: str = ""
    """The model as the server names it."""
    request_id: str | None = None
    cost: float | None = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    """Oddities of the reply that did not stop it from being read."""
    first: float | None = None
    """Seconds from the request to the first piece of the reply; None where nobody watched it come."""
    attempts: tuple[FailedAttempt, ...] = ()
    """What failed before it, in order."""


@dataclass(frozen=True, slots=True)
class OutputRejected(Event):
    """A reply was no answer; `problem` is what the model is told, `status` how the run ends if it stays so."""

    problem: str
    status: Status


@dataclass(frozen=True, slots=True)
class ApprovalAsked(Event):
    """A person has to decide on a call before it is made."""

    call_id: str
    why: str = ""
    """The reason, where it is another one than that the tool needs approval."""


@dataclass(frozen=True, slots=True)
class ApprovalGiven(Event):
    """A person decided on a call."""

    call_id: str
    granted: bool
    reason: str = ""
    arguments: str | None = None
    """JSON text to call with instead of what the model asked."""
    answer: str | None = None
    """What the model is told as the result; the tool is not called."""


@dataclass(frozen=True, slots=True)
class ToolStarted(Event):
    """A tool is about to run; recorded before it does."""

    call_id: str
    tool: str
    key: str
    """The idempotency key that the tool is given, now and if it is run again."""
    repair: str | None = None
    """How the arguments had to be mended before they could be read."""
    again: bool = False
    """Whether it was started before and nobody knows how that ended."""


@dataclass(frozen=True, slots=True)
class ToolProgressed(Passing):
    """A tool at work said how far it is."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolFinished(Event):
    """A call has its result."""

    result: ToolResult
    seconds: float = 0.0
    spent: Spent | None = None
    """What a nested run spent on it."""


@dataclass(frozen=True, slots=True)
class RunSuspended(Event):
    """The run stopped and can go on: a person must decide, the model failed, or somebody cancelled."""

    status: Status
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """The run ended."""

    status: Status
    output: str = ""
    """The answer as the model wrote it: text, or JSON text of the output type."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unknown(Passing):
    """An event of a kind that this version does not know; it is kept as it was read."""

    kind: str
    data: str
    """JSON text of its fields."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in a run: numbered, timed, and with the step it belongs to."""

    run_id: str
    seq: int
    """Counts the durable events of the run from 0; a passing event has the number of the next one."""
    time: float
    """Seconds since 1970, UTC."""
    step: int
    """The step that the event belongs to, from 1; 0 before the first request."""
    event: Event
    hidden: int = 0
    """Texts of it in which secrets were hidden when it was written down."""


Observer = Callable[[Recorded], AbstractContextManager[object] | None]
"""Is told events and cannot answer.  What it returns for a started effect is entered around that effect."""

EVERYWHERE: list[Observer] = []
"""Observers of every run in this process: where an application's log is attached, as with any logger of Python."""
