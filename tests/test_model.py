"""What is said to a model beside the conversation."""

import pytest

from agentkit import Settings, UsageError


def test_the_two_limits_of_a_reply_exclude_each_other():
    """Servers refuse a request with both, so the developer is told before."""
    with pytest.raises(UsageError, match="exclude each other"):
        Settings(max_tokens=5, max_completion_tokens=9)


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (Settings(max_tokens=5), Settings(max_completion_tokens=9), Settings(max_completion_tokens=9)),
        (Settings(max_completion_tokens=9), Settings(max_tokens=5), Settings(max_tokens=5)),
        (Settings(max_tokens=5, seed=1), Settings(seed=0), Settings(max_tokens=5, seed=0)),
        (
            Settings(extra_body={"a": 1, "b": 1}, extra_headers={"x": "1"}),
            Settings(extra_body={"b": 2}),
            Settings(extra_body={"a": 1, "b": 2}, extra_headers={"x": "1"}),
        ),
        (Settings(temperature=0.5), Settings(), Settings(temperature=0.5)),
    ],
)
def test_settings_go_over_others(own, other, expected):
    """What the other says counts, and one limit takes the place of the other."""
    assert expected == own | other
