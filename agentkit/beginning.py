"""What a run begins with: the messages that a prompt, instructions and a history come to."""

from collections.abc import Sequence

from agentkit.errors import UsageError
from agentkit.messages import File, Image, Message, Part, Text

Prompt = str | Part | Sequence[str | Part]
"""What is asked: words, or words with pictures and documents."""


def asked(prompt: Prompt) -> Message:
    """A prompt as the user's message.

    Raises:
        UsageError: It is empty, or something else.
    """
    content = (prompt,) if isinstance(prompt, (Text, Image, File)) else prompt
    if not isinstance(content, Sequence) or not all(isinstance(part, (str, Text, Image, File)) for part in content):
        raise UsageError(f"the prompt is {prompt!r}; it must be text, or a list of Text, Image and File")
    if not content or (isinstance(content, str) and not content.strip()):
        raise UsageError("the prompt is empty; say what the agent should do")
    parts = content if isinstance(content, str) else tuple(Text(p) if isinstance(p, str) else p for p in content)
    return Message("user", parts)


def first_messages(question: Message, history: Sequence[Message], instructions: str) -> tuple[Message, ...]:
    """The messages that a run begins with."""
    if not instructions:
        return (*history, question)
    # The agent's own instructions hold for its run, not those of the run the history comes from.
    return (Message("system", instructions), *(m for m in history if m.role != "system"), question)
