"""A tool that asks the user: the run waits for the answer, at the terminal for a moment, in a journal for days."""

from agentkit.errors import ToolError
from agentkit.tools import tool


@tool(approval="answer", effect="read")
async def ask_user(question: str) -> str:
    """Ask the user what only they can know or decide. They may take long; ask everything you need at once.

    Args:
        question: The question, in words that need no other context.
    """
    raise ToolError(f"nobody has answered {question!r}; go on without an answer, or say what you need it for")
