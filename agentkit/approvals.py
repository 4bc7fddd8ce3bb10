"""Asking people: which calls need somebody, what they are shown, and what they say."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agentkit.errors import UsageError
from agentkit.events import ApprovalGiven
from agentkit.messages import ToolCall
from agentkit.toolbox import Ready

log = logging.getLogger("agentkit")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says to a call that needs approval."""

    granted: bool
    reason: str = ""
    """For a refusal: told to the model."""
    arguments: Mapping[str, JsonValue] | None = None
    """To call with instead of what the model asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call that needs a person: exactly what would be called."""

    call: ToolCall
    tool: str
    """The tool's description, as the model was told it."""
    run_id: str


Approver = Callable[[Question], bool | Decision | Awaitable[bool | Decision]]
"""Asks a person; may be async."""


def needs_person(ready: Ready) -> bool:
    """Whether a person must agree to a call first."""
    approval = ready.tool.options.approval
    if not callable(approval):
        return approval == "always"
    try:
        return bool(approval(ready.arguments))
    except Exception:  # it belongs to the tool; when it cannot tell, the careful answer is yes
        log.exception("the approval function of %s raised, so a person is asked", ready.tool.name)
        return True


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
    return ApprovalGiven(call_id, decision.granted, decision.reason, arguments)
