"""Somebody else's JSON, read without trust."""

import json
import sys

import pytest

from agentkit.chat.reading import DEEPEST, read_json


def nested(levels: int) -> str:
    return "[" * levels + "1" + "]" * levels


def test_a_value_may_be_nested_deeply():
    """So many levels are read, however many brackets there are beside each other."""
    assert json.loads(nested(DEEPEST)) == read_json(nested(DEEPEST))
    assert [[]] * 1000 == read_json(json.dumps([[]] * 1000))


@pytest.mark.parametrize("levels", [DEEPEST + 1, sys.getrecursionlimit() - 100, 100_000])
def test_a_value_may_not_be_nested_without_end(levels):
    """What could be read here, and not any more where the stack is fuller, is refused at once."""
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(nested(levels))


def test_numbers_that_json_does_not_have_read_as_null():
    """They could not be sent back."""
    assert [None, None, None, 1.5] == read_json("[NaN, -Infinity, 1e999, 1.5]")
