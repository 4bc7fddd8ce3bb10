"""Refuses a conversation that a strict server refuses, in the words of OpenAI's.

Many servers take what this one does not, so that whoever passes here can be sent anywhere.
"""

import json
from collections.abc import Mapping

ROLES = ("system", "developer", "user", "assistant", "tool")

_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "The following tool_call_ids did not have response messages: {ids}"
)
_ORPHAN = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."


class Refused(Exception):
    """The server would answer 400.

    Attributes:
        param: The part of the request that it would name.
    """

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


def check_request(body: Mapping[str, object]) -> None:
    """Make sure that a request names a model and holds a conversation.

    Raises:
        Refused: It does not; the message says what is wrong where.
    """
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise Refused("you must provide a model parameter", "model")
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise Refused("Missing required parameter: 'messages'.", "messages")
    if not messages:
        raise Refused("Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages")
    _check_order(messages)


def _check_order(messages: list[object]) -> None:
    """Every call is answered once, directly after it was asked, and nothing else is."""
    owed: list[str] = []
    answered: set[str] = set()
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            supported = ", ".join(repr(role) for role in ROLES)
            raise Refused(f"Invalid value: the role must be one of {supported}.", f"messages.[{index}].role")
        if message["role"] == "tool":
            _check_answer(message, owed, answered, index)
            continue
        _check_settled(owed, index)
        answered.clear()
        owed = _check_assistant(message, index) if message["role"] == "assistant" else []
        if not owed and not message.get("content"):
            raise Refused("Invalid value for 'content': a message must not be empty.", f"messages.[{index}].content")
    _check_settled(owed, len(messages))


def _check_settled(owed: list[str], index: int) -> None:
    if owed:
        raise Refused(_UNANSWERED.format(ids=", ".join(owed)), f"messages.[{index}].role")


def _check_answer(message: dict[str, object], owed: list[str], answered: set[str], index: int) -> None:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str) or call_id not in {*owed, *answered}:
        raise Refused(_ORPHAN, f"messages.[{index}].role")
    if call_id in answered:
        raise Refused(f"Duplicate value for 'tool_call_id' of {call_id!r}.", f"messages.[{index}].tool_call_id")
    if not isinstance(message.get("content"), str | list):
        raise Refused("Invalid value for 'content': expected a string.", f"messages.[{index}].content")
    owed.remove(call_id)
    answered.add(call_id)


def _check_assistant(message: dict[str, object], index: int) -> list[str]:
    """The ids of the calls that a message asks for."""
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list) or not calls:
        where = f"messages.[{index}].tool_calls"
        raise Refused(f"Invalid '{where}': expected an array with minimum length 1.", where)
    ids: list[str] = []
    for place, call in enumerate(calls):
        where = f"messages.[{index}].tool_calls.[{place}]"
        call_id = _check_call(call, where)
        if call_id in ids:
            raise Refused(f"Duplicate value for 'id' of {call_id!r}.", f"{where}.id")
        ids.append(call_id)
    return ids


def _check_call(call: object, where: str) -> str:
    """The id of a call that is in order."""
    if not isinstance(call, dict) or not isinstance(call.get("id"), str) or not call["id"]:
        raise Refused(f"Invalid '{where}.id': expected a string that is not empty.", f"{where}.id")
    function = call.get("function")
    if call.get("type") != "function" or not isinstance(function, dict) or not function.get("name"):
        raise Refused(f"Invalid '{where}.function': expected a function with a name.", f"{where}.function")
    if not _is_object(function.get("arguments")):
        where = f"{where}.function.arguments"
        raise Refused(f"Invalid '{where}': expected a string that is a JSON object.", where)
    return str(call["id"])


def _is_object(arguments: object) -> bool:
    if not isinstance(arguments, str):
        return False
    try:
        return isinstance(json.loads(arguments), dict)
    except ValueError:
        return False
