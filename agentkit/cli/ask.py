"""Asking the person at the terminal about a call, and showing exactly what would be called."""

import asyncio

from rich.console import Console
from rich.text import Text

from agentkit.approvals import Approver, Decision, Question
from agentkit.observers.console import shown_arguments
from agentkit.observers.plain import printable


def ask_at_terminal(console: Console) -> Approver:
    """An approver that asks at this terminal; whatever is not a yes is a no, and its words are the reason."""

    async def approve(question: Question) -> Decision:
        call = question.call
        console.print(
            Text(printable(f"  ? {call.name}({shown_arguments(call.arguments)})"), "bold magenta"), soft_wrap=True
        )
        answer = await asyncio.to_thread(_read, console)
        return (
            Decision(granted=True)
            if answer.lower() in {"y", "yes"}
            else Decision(granted=False, reason=_reason(answer))
        )

    return approve


def _read(console: Console) -> str:
    try:
        return console.input("    make this call? [y/N, or why not] ", markup=False).strip()
    except EOFError:
        return ""


def _reason(answer: str) -> str:
    return "" if answer.lower() in {"", "n", "no"} else f"They said: {answer}"
