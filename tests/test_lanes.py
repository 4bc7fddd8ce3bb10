"""Which calls of a step may run at the same time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.lanes import stages


def plan(manners: str) -> list:
    """The stages of calls numbered from 0: b beside, o in order, a alone."""
    names = {"b": "beside", "o": "in_order", "a": "alone"}
    return stages((number, names[letter]) for number, letter in enumerate(manners))


@pytest.mark.parametrize(
    ("manners", "expected"),
    [
        ("", []),
        ("b", [[[0]]]),
        ("bbb", [[[0], [1], [2]]]),
        ("ooo", [[[0, 1, 2]]]),
        ("bobo", [[[0], [2], [1, 3]]]),
        ("a", [[[0]]]),
        ("aa", [[[0]], [[1]]]),
        ("boabo", [[[0], [1]], [[2]], [[3], [4]]]),
    ],
)
def test_calls_are_put_in_stages_and_lanes(manners, expected):
    """Calls beside others have lanes of their own, those in order share one, and one alone is a stage."""
    assert expected == plan(manners)


@given(st.text("boa", max_size=12))
def test_every_call_has_its_place(manners):
    """No call is lost or made twice, none passes one that is alone, and those in order stay in order."""
    made = plan(manners)
    places = {call: number for number, lanes in enumerate(made) for lane in lanes for call in lane}

    assert list(range(len(manners))) == sorted(call for lanes in made for lane in lanes for call in lane)
    assert [places[call] for call in range(len(manners))] == sorted(places.values())
    assert [] == [lanes for lanes in made if any(manners[lane[0]] == "a" for lane in lanes) and len(lanes) > 1]
    assert [] == [lane for lanes in made for lane in lanes if lane != sorted(lane)]
