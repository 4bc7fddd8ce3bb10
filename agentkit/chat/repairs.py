"""Refusals of what is sent back of earlier replies, for which there is one remedy.

A conversation that was resumed, or goes on with another model, may lack what a server wants to see again, or hold what
it cannot read any more.  To send the same once more would fail for ever.
"""

import json
import re
from dataclasses import replace
from typing import Literal

from agentkit.chat.thought import OPAQUE
from agentkit.errors import ModelError
from agentkit.messages import Message, Reasoning

Repair = Literal["fill_reasoning", "strip_opaque", "skip_signatures"]
"""Every turn has some reasoning · words only go back · calls without a signature say that they have none."""

_TEXTS: tuple[tuple[Repair, str], ...] = (
    # DeepSeek and Kimi: wire catalogue, section 2.
    ("fill_reasoning", r"reasoning_content.{0,80}(?:must be passed back|is missing)|missing .?reasoning_content"),
    # Ark, 82379/1494384; and what gateways pass on of others who sign their reasoning.
    ("strip_opaque", r"invalid.{0,20}signature"),
    # ai.google.dev/gemini-api/docs/thought-signatures.
    ("skip_signatures", r"missing a .?thought_signature"),
)

_REFUSED = 400

_NOT_KEPT = "(not kept)"
"""Stands for reasoning that is gone; an empty text counts as missing."""

_SKIPPED = json.dumps({"extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}}})
"""What the document says calls of another model are to have."""


def repair_for(error: ModelError) -> Repair | None:
    """The remedy for a refusal, if there is one."""
    if error.status != _REFUSED:
        return None
    said = f"{error}\n{error.body}"
    return next((repair for repair, pattern in _TEXTS if re.search(pattern, said, re.IGNORECASE | re.DOTALL)), None)


def repaired(message: Message, repair: Repair, origin: str) -> Message:
    """A message with the remedy, which is the message itself where there is nothing to mend.

    Args:
        message: One of the conversation.
        repair: The remedy.
        origin: Host and model that it is sent to.
    """
    if message.role != "assistant":
        return message
    own = message.origin == origin
    match repair:
        case "fill_reasoning":
            if own and message.reasoning is not None and message.reasoning.text:
                return message
            return replace(_adopted(message, origin), reasoning=Reasoning(_NOT_KEPT, "reasoning_content"))
        case "strip_opaque":
            kept = _stripped(message.reasoning) if own and message.reasoning is not None else message.reasoning
            return message if kept == message.reasoning else replace(message, reasoning=kept)
        case "skip_signatures":
            # Of calls that were made together, the first alone has a signature.
            if not message.tool_calls or (own and message.tool_calls[0].extra):
                return message
            first, *others = _adopted(message, origin).tool_calls
            return replace(_adopted(message, origin), tool_calls=(replace(first, extra=_SKIPPED), *others))


def _adopted(message: Message, origin: str) -> Message:
    """A message as one of the model's own, without what only another could read."""
    if message.origin == origin:
        return message
    calls = tuple(replace(call, extra="") for call in message.tool_calls)
    return replace(message, reasoning=None, tool_calls=calls, extra="", origin=origin)


def _stripped(reasoning: Reasoning) -> Reasoning:
    opaque = json.loads(reasoning.opaque) if reasoning.opaque else {}
    kept = {name: value for name, value in opaque.items() if name not in OPAQUE}
    return replace(reasoning, opaque=json.dumps(kept, ensure_ascii=False) if kept else "")
