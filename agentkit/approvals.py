"""Asking people about calls: what they are shown, and what they say."""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agentkit.errors import UsageError
from agentkit.events import ApprovalGiven
from agentkit.messages import ToolCall


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says to a call that needs approval."""

    granted: bool
    reason: str = ""
    """For a refusal: told to the model."""
    arguments: Mapping[str, JsonValue] | None = None
    """To call with instead of what the model asked."""
    answer: str | None = None
    """The result, from the person themselves: the tool is not called."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call that needs a person: exactly what would be called."""

    call: ToolCall
    tool: str
    """The tool's description, as the model was told it."""
    run_id: str
    why: str = ""
    """The reason to ask, where it is another one than that the tool needs approval."""
    answer: bool = False
    """Whether the person is to give the result themselves: `Decision(granted=True, answer=...)`."""


Approver = Callable[[Question], bool | Decision | Awaitable[bool | Decision]]
"""Asks a person; may be async."""


async def ask(approver: Approver, question: Question) -> ApprovalGiven:
    """Ask a person, and take the word down.

    Raises:
        UsageError: The approver raised, or said what is no decision.
    """
    try:
        said = approver(question)
        answer = await said if inspect.isawaitable(said) else said
    except Exception as error:  # it is the application's, and the run has to be left in order
        raise UsageError(f"the approver raised {type(error).__name__} on {question.call.name}: {error}") from error
    return given(question.call.id, answer)


def given(call_id: str, said: object) -> ApprovalGiven:
    """A person's word as an event.

    Raises:
        UsageError: It is neither a bool nor a `Decision`; nothing else counts as a yes.
    """
    if not isinstance(said, (bool, Decision)):
        raise UsageError(
            f"the decision on {call_id} is {said!r}; it must be True, False or a Decision, so that nothing is taken for a yes"
        )
    decision = said if isinstance(said, Decision) else Decision(said)
    arguments = None if decision.arguments is None else json.dumps(decision.arguments, ensure_ascii=False)
    return ApprovalGiven(call_id, decision.granted, decision.reason, arguments, decision.answer)
