"""Which messages form a conversation that any endpoint accepts."""

import pytest

from agentkit import BrokenHistory, Message, ToolCall
from agentkit.history import check_history


def asked(*ids: str) -> Message:
    return Message("assistant", tool_calls=tuple(ToolCall(each, "look", "{}") for each in ids))


def answered(call_id: str) -> Message:
    return Message("tool", "seen", call_id=call_id)


USER = Message("user", "go")
SAID = Message("assistant", "done")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [USER],
        [Message("system", "Be brief."), USER, SAID, USER, SAID],
        [USER, asked("a"), answered("a"), SAID],
        [USER, asked("a", "b"), answered("b"), answered("a"), asked("a"), answered("a")],
        [SAID, SAID, USER, USER],
    ],
)
def test_a_conversation_is_taken(messages):
    """Every call is answered once, directly after it was asked."""
    assert None is check_history(messages)


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([USER, asked("a")], r"before history\[2\] these calls have no answer: look \(a\)"),
        ([USER, asked("a", "b"), answered("a"), USER], r"before history\[3\] these calls have no answer: look \(b\)"),
        ([USER, asked("a"), USER, answered("a")], r"before history\[2\] these calls have no answer: look \(a\)"),
        ([USER, answered("a")], r"history\[1\] answers the call 'a', which the message before it did not ask"),
        ([asked("a"), answered("a"), answered("a")], r"history\[2\] answers the call 'a', .* or which was answered"),
        ([asked("a"), Message("tool", "seen")], r"history\[1\] answers the call None"),
        ([asked("a"), answered("a"), SAID, answered("a")], r"history\[3\] answers the call 'a'"),
        ([{"role": "user", "content": "go"}], r"history\[0\] is a dict, not a Message; give the messages of a result"),
        (["go"], r"history\[0\] is a str, not a Message"),
    ],
)
def test_what_is_no_conversation_is_refused(messages, problem):
    """The message names the place and what to do."""
    with pytest.raises(BrokenHistory, match=problem):
        check_history(messages)


@pytest.mark.parametrize("ids", [("a", "a"), ("a", "b", "a")])
def test_two_calls_of_one_message_with_one_id_are_refused(ids):
    """No server could tell which of them an answer belongs to."""
    with pytest.raises(BrokenHistory, match=r"history\[1\].* 'a'"):
        check_history([USER, asked(*ids), *map(answered, dict.fromkeys(ids))])
