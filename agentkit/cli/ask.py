"""Asking the person at the terminal about a call, and showing exactly what would be called."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.text import Text

from agentkit.approvals import Approver, Decision, Question
from agentkit.observers.plain import printable, shown_arguments

ReadLine = Callable[[], Awaitable[str]]
"""Waits for a line, and can be cancelled while it does."""


async def typed_line() -> str:
    """The next line that is typed at this terminal; empty when it is closed."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    # No thread: one that waits for a line could not be stopped by Ctrl-C.
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
        return sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin)


def ask_at_terminal(console: Console, read: ReadLine = typed_line) -> Approver:
    """An approver that asks at this terminal; whatever is not a yes is a no, and its words are the reason."""

    async def line(text: str) -> str:
        console.print(f"    {text} ", end="", markup=False)
        try:
            answer = await read()
        except asyncio.CancelledError:
            console.print()
            raise
        if not answer.endswith("\n"):
            console.print()
        return answer.strip()

    async def approve(question: Question) -> Decision:
        call = question.call
        shown = f"  ? {call.name}({shown_arguments(call.arguments)})"
        console.print(Text(printable(shown), "bold magenta"), soft_wrap=True)
        if question.why:
            console.print(Text(f"    {printable(question.why)}", "magenta"), soft_wrap=True)
        if question.answer:
            answer = await line("your answer:")
            return Decision(granted=True, answer=answer) if answer else Decision(False, "They did not answer.")
        answer = await line("make this call? [y/N, or why not]")
        if answer.lower() in {"y", "yes"}:
            return Decision(granted=True)
        return Decision(granted=False, reason="" if answer.lower() in {"", "n", "no"} else f"They said: {answer}")

    return approve
