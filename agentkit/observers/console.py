"""A run for eyes at a terminal: reasoning dim, calls with their arguments, results cut kindly, then the answer."""

import os
import sys
from collections.abc import Iterable
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from agentkit.bill import bill
from agentkit.events import (
    ModelCalled,
    ModelReplied,
    ModelRetried,
    Observer,
    OutputRejected,
    ReasoningDelta,
    Recorded,
    RunFinished,
    RunForked,
    RunSuspended,
    TextDelta,
    ToolFinished,
    ToolProgressed,
    ToolStarted,
)
from agentkit.limits import Spent
from agentkit.messages import ToolCall, text_of
from agentkit.observers.plain import cost_text, counted_as, duration, kindly, printable, shown_arguments
from agentkit.prices import NO_PRICES, Prices
from agentkit.secrets import scrub


class Terminal(Console):
    """A console whose reader may leave, as `head` does; a run is not ended by that."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


CHARGED = ModelReplied | ToolStarted | ToolFinished | RunForked
"""Events that say what a run cost."""


def console_view(console: Console, before: Iterable[Recorded] = (), prices: Prices = NO_PRICES) -> Observer:
    """Print a run as it happens.

    Args:
        console: Where to.
        before: What has happened before; it is known, and not printed again.
        prices: Who is asked for what it cost, beside what is on record.
    """
    view = RunView(console, prices)
    for recorded in before:
        view.remember(recorded)
    return view.observe


class RunView:
    """Remembers what is on the current line, and the calls that have no result yet."""

    def __init__(self, console: Console, prices: Prices = NO_PRICES) -> None:
        self.console = console
        self.prices = prices
        self.charged: list[Recorded] = []
        self.style: str | None = None
        self.streamed = False
        self.calls: dict[str, ToolCall] = {}
        self.warned: set[str] = set()
        self.spent = Spent()
        self.began = 0.0

    def remember(self, recorded: Recorded) -> None:
        """What later lines refer to."""
        if isinstance(recorded.event, CHARGED):
            self.charged.append(recorded)
        match recorded.event:
            case ModelReplied() as replied:
                calls = replied.message.tool_calls
                self.spent += Spent(1, len(calls), replied.usage)
                self.calls |= {call.id: call for call in calls}
            case ToolFinished(spent=Spent() as nested):
                self.spent += replace(nested, steps=0, tool_calls=0)
            case RunForked():
                # What the parent has spent is the parent's.
                self.spent = Spent(self.spent.steps, self.spent.tool_calls)

    def observe(self, recorded: Recorded) -> None:
        event = recorded.event
        self.began = self.began or recorded.time
        self.remember(recorded)
        match event:
            case ModelCalled():
                self.line(f"step {recorded.step}", "bold cyan")
                self.streamed = False
            case ReasoningDelta(text):
                self.write(text, "dim italic")
            case TextDelta(text):
                self.write(text, "none")
            case ModelRetried():
                self.retried(event)
            case ModelReplied():
                self.replied(event)
            case ToolProgressed(call_id, text):
                self.line(f"  … {self.name(call_id)}: {text}", "dim")
            case ToolFinished():
                self.finished(event)
            case OutputRejected(problem):
                self.line(f"  not an answer yet: {problem}", "yellow")
            case RunFinished() | RunSuspended():
                self.ended(event, recorded.time)

    def write(self, text: str, style: str) -> None:
        """Go on with a text in pieces; another style begins another line."""
        self.streamed = True
        if self.style not in {None, style}:
            self.close()
        self.style = style
        self.console.print(Text(printable(text), style), end="", soft_wrap=True)

    def close(self) -> None:
        if self.style is not None:
            self.console.print()
        self.style = None

    def line(self, text: str, style: str = "none") -> None:
        self.close()
        self.console.print(Text(printable(scrub(text)), style), soft_wrap=True)

    def name(self, call_id: str) -> str:
        call = self.calls.get(call_id)
        return call_id if call is None else call.name

    def retried(self, event: ModelRetried) -> None:
        when = f"asked again in {duration(event.seconds)}" if event.seconds else f"{event.model} is asked instead"
        why = kindly(" ".join(event.detail.split()))
        discarded = "; what this step has said so far is discarded" if self.streamed else ""
        self.line(f"  {when} ({event.category}: {why}){discarded}", "yellow")
        self.streamed = False

    def replied(self, event: ModelReplied) -> None:
        message = event.message
        if not self.streamed:
            if message.reasoning is not None and message.reasoning.text:
                self.write(message.reasoning.text, "dim italic")
            if message.text:
                self.write(message.text, "none")
        self.close()
        for warning in event.warnings:
            if warning not in self.warned:
                # What is odd about one server is odd at each step.
                self.line(f"  note: {warning}", "dim yellow")
        self.warned.update(event.warnings)
        for call in message.tool_calls:
            self.line(f"  → {call.name}({shown_arguments(call.arguments)})", "green")

    def finished(self, event: ToolFinished) -> None:
        result = event.result
        text = kindly(text_of(result.content)).replace("\n", "\n      ")
        style = "red" if result.failed else "blue"
        self.line(f"  ← {self.name(result.call_id)} {duration(event.seconds)}: {text}", style)
        if result.trace:
            self.line(result.trace, "dim")
        self.calls.pop(result.call_id, None)

    def cost(self) -> str:
        """What has been paid, in words; like tokens that nobody has counted, what nobody knows is left out."""
        spent = bill(self.charged, self.prices)
        return cost_text(spent) if spent.costs else ""

    def ended(self, event: RunFinished | RunSuspended, time: float) -> None:
        # Why a model failed is the error that ends the command.
        detail = f" ({event.detail})" if event.detail and event.status != "failed" else ""
        self.stopped(f"{event.status}{detail}", time, good=event.status == "completed")

    def stopped(self, how: str, time: float, *, good: bool = False) -> None:
        """Say how the run stopped, and what it has spent."""
        usage = self.spent.usage
        parts = [counted_as(self.spent.steps, "step"), counted_as(self.spent.tool_calls, "call")]
        counted = (("in", usage.input), ("cached", usage.cached), ("out", usage.output), ("reasoning", usage.reasoning))
        parts += [f"{count:,} {name}" for name, count in counted if count is not None]
        parts += [*filter(None, [self.cost()]), duration(time - self.began)]
        self.line(f"{how} · {' · '.join(parts)}", "bold green" if good else "bold yellow")
