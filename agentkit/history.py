"""Whether messages form a conversation that an endpoint would accept."""

from collections.abc import Sequence

from agentkit.errors import BrokenHistory
from agentkit.messages import Message, ToolCall


def check_history(messages: Sequence[Message]) -> None:
    """Make sure that every call is answered once, directly after it was asked, and nothing else is answered.

    Raises:
        BrokenHistory: It is not so; the message names the place.
    """
    open_calls: dict[str, ToolCall] = {}
    for place, message in enumerate(messages):
        if not isinstance(message, Message):
            raise BrokenHistory(
                f"history[{place}] is a {type(message).__name__}, not a Message; give the messages of a result: "
                f"history=result.messages"
            )
        if message.role == "tool":
            if open_calls.pop(message.call_id or "", None) is None:
                raise BrokenHistory(
                    f"history[{place}] answers the call {message.call_id!r}, which the message before it did not ask "
                    f"or which was answered already; keep each assistant message together with its tool messages"
                )
            continue
        _nothing_open(open_calls, place)
        open_calls = {call.id: call for call in message.tool_calls}
        if len(open_calls) < len(message.tool_calls):
            ids = [call.id for call in message.tool_calls]
            twice = next(call_id for call_id in ids if ids.count(call_id) > 1)
            raise BrokenHistory(
                f"history[{place}] asks two calls with the id {twice!r}, so nobody could tell their answers apart; "
                f"give every call an id of its own"
            )
    _nothing_open(open_calls, len(messages))


def _nothing_open(open_calls: dict[str, ToolCall], place: int) -> None:
    if open_calls:
        names = ", ".join(f"{call.name} ({call.id})" for call in open_calls.values())
        raise BrokenHistory(
            f"before history[{place}] these calls have no answer: {names}; every tool call needs one tool message "
            f"directly after the message that asked it"
        )
