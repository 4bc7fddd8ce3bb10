"""What a run came to: a view of its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from typing_extensions import TypeVar

from agentkit.errors import RunUnfinished
from agentkit.events import FinishReason, ModelReplied, Recorded, Status, ToolFinished
from agentkit.loop import Run, conversation
from agentkit.messages import Message, ToolCall, ToolResult, Usage

Output = TypeVar("Output", default=str)


@dataclass(frozen=True, slots=True)
class Step:
    """One model reply and the tool calls it asked for."""

    number: int
    reasoning: str
    """The model's own thinking, verbatim; empty where the model or its provider does not show any."""
    text: str
    calls: tuple[ToolCall, ...]
    results: tuple[ToolResult, ...]
    """In the order of the calls."""
    usage: Usage
    finish_reason: FinishReason
    seconds: float
    """How long the model took to reply."""
    tool_seconds: tuple[float, ...] = ()
    """How long each of the results took."""
    warnings: tuple[str, ...] = ()
    """Oddities of the reply that did not stop it from being read."""

    @property
    def answers(self) -> tuple[tuple[ToolCall, ToolResult | None, float], ...]:
        """Each call with its result and how long it took; None where there is none, as in a step that waits."""
        results = {result.call_id: result for result in self.results}
        took = dict(zip(results, self.tool_seconds, strict=True))
        return tuple((call, results.get(call.id), took.get(call.id, 0.0)) for call in self.calls)


def step_of(number: int, replied: ModelReplied, finished: Sequence[ToolFinished]) -> Step:
    """A step from its events."""
    message = replied.message
    by_call = {event.result.call_id: event for event in finished}
    answered = [by_call[call.id] for call in message.tool_calls if call.id in by_call]
    return Step(
        number,
        "" if message.reasoning is None else message.reasoning.text,
        message.text,
        message.tool_calls,
        tuple(event.result for event in answered),
        replied.usage,
        replied.finish_reason,
        replied.seconds,
        tuple(event.seconds for event in answered),
        replied.warnings,
    )


def steps_of(events: Sequence[Recorded]) -> tuple[Step, ...]:
    """The steps of a run, from its events in order."""
    replies: list[tuple[ModelReplied, list[ToolFinished]]] = []
    for recorded in events:
        match recorded.event:
            case ModelReplied() as replied:
                replies.append((replied, []))
            case ToolFinished() as finished if replies:
                replies[-1][1].append(finished)
    return tuple(step_of(number, *reply) for number, reply in enumerate(replies, 1))


@dataclass(frozen=True, repr=False)
class Result(Generic[Output]):
    """How a run stands: its status, its output, and everything that led there.

    Attributes:
        output: The answer, of the agent's output type.  None unless the run completed; for a text that was cut,
            refused or written under a limit, what there is of it.
        events: The durable events, in order; `agent.resume` takes a run up again from them.
    """

    run: Run
    events: tuple[Recorded, ...]
    output: Output | None = None

    def __repr__(self) -> str:
        return f"<Result {self.status} after {self.run.steps} steps: {self.output!r}>"

    @property
    def run_id(self) -> str:
        return self.run.id

    @property
    def status(self) -> Status:
        """`completed`, or why not."""
        if self.run.ended is not None:
            return self.run.ended.status
        # A run that stopped without a word was left by an exception that is nobody's outcome.
        return "failed" if self.run.id else "cancelled"

    @property
    def detail(self) -> str:
        """The status in words, where it needs any."""
        return "" if self.run.ended is None else self.run.ended.detail

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation, valid as `history` of another run whatever the status."""
        return conversation(self.run)

    @property
    def usage(self) -> Usage:
        """Tokens of the whole run, nested runs included."""
        return self.run.spent.usage

    @property
    def cost(self) -> float | None:
        """Money for the whole run, nested runs included; None where no price is known."""
        return self.run.spent.cost

    @property
    def waiting(self) -> tuple[ToolCall, ...]:
        """The calls that a person has to decide on before the run goes on."""
        return self.run.undecided

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return steps_of(self.events)

    def require(self) -> Output:
        """The output of a completed run.

        Raises:
            RunUnfinished: The run did not complete; the error says why and carries this result.
        """
        if self.status != "completed":
            why = f": {self.detail}" if self.detail else ""
            raise RunUnfinished(f"run {self.run_id} ended as {self.status!r}{why}", result=self)
        return self.output  # type: ignore[return-value]  # of a completed run it is the answer, and that may be None
