"""Asking people: which calls need somebody, what they are shown, and what they say."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agentkit.events import ApprovalGiven
from agentkit.messages import ToolCall
from agentkit.toolbox import Ready


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


Approver = Callable[[Question], Awaitable[bool | Decision]]
"""Asks a person."""


def needs_person(ready: Ready) -> bool:
    """Whether a person must agree to a call first."""
    approval = ready.tool.options.approval
    if not callable(approval):
        return approval == "always"
    try:
        return approval(ready.arguments)
    except Exception:  # noqa: BLE001 - it belongs to the tool; when it cannot tell, the careful answer is yes
        return True


def given(call_id: str, said: bool | Decision) -> ApprovalGiven:  # noqa: FBT001 - it is the answer itself
    """A person's word as an event."""
    decision = said if isinstance(said, Decision) else Decision(said)
    arguments = None if decision.arguments is None else json.dumps(decision.arguments, ensure_ascii=False)
    return ApprovalGiven(call_id, decision.granted, decision.reason, arguments)
