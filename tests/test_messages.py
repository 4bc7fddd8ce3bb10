"""The values a conversation is made of."""

import base64
import dataclasses

import pytest

from agentkit import File, Image, Message, Text, ToolCall, Usage
from agentkit.messages import add, text_of


@pytest.mark.parametrize(
    ("expected", "left", "right"), [(3, 1, 2), (1, 1, None), (2, None, 2), (None, None, None), (0, 0, None)]
)
def test_what_is_known_is_added(expected, left, right):
    """Unknown is not zero, and unknown and unknown stay unknown."""
    assert expected == add(left, right)


def test_usage_adds_up():
    """Each count is added where it is known."""
    assert Usage(3, 5, 1, None) == Usage(1, 2, None, None) + Usage(2, 3, 1, None)
    assert (8, 0, 2) == (Usage(3, 5).total, Usage().total, Usage(output=2).total)


def test_the_words_of_a_message_leave_pictures_out():
    """Text parts are lines; pictures and documents have no words."""
    parts = (Text("one"), Image("https://example.com/x.png"), Text("two"), File("a.pdf", "data:,"))

    assert ["one\ntwo", "plain", ""] == [text_of(parts), Message("user", "plain").text, Message("user", ()).text]


@pytest.mark.parametrize(
    ("name", "kind"), [("x.png", "image/png"), ("x.jpg", "image/jpeg"), ("x.unheard", "application/octet-stream")]
)
def test_a_picture_is_read_from_a_file(tmp_path, name, kind):
    """Its bytes become a URL that says what they are."""
    path = tmp_path / name
    path.write_bytes(b"\x89PNG")
    url = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"

    assert (Image(url), Image(url)) == (Image.read(path), Image.read(str(path)))


def test_a_document_is_read_from_a_file(tmp_path):
    """It keeps its name."""
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF")

    assert File("report.pdf", "data:application/pdf;base64,JVBERg==") == File.read(path)


def test_a_picture_that_is_not_there_is_an_error(tmp_path):
    """A wrong path is the program's mistake, and Python says it best."""
    with pytest.raises(FileNotFoundError):
        Image.read(tmp_path / "none.png")


def test_messages_are_values():
    """Equal content is equal, and nothing can be changed."""
    one = Message("assistant", "x", tool_calls=(ToolCall("a", "look", "{}"),))

    assert one == Message("assistant", "x", tool_calls=(ToolCall("a", "look", "{}"),))
    assert hash(one) == hash(dataclasses.replace(one))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.content = "y"
