"""Spoiled responses: whatever a server sends, a reply or a `ModelError` comes of it, and no tool runs on half a reply.

This is the short share; `benchmarks/fuzz.py` goes on for as long as it is told to.
"""

import asyncio
import random

import pytest
from hostile import INSERTED, PROMISES, calling, check, check_half, corpus, fed, half
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import run

from agentkit.chat.errors import error_of
from agentkit.errors import ModelError

fixed = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same examples in every run, so that a change is red for its own faults only."""


@pytest.fixture(scope="module")
def loop():
    """One event loop for all examples of this file."""
    with asyncio.Runner() as runner:
        yield runner


@settings(fixed, max_examples=300)
@given(data=st.binary(max_size=120))
def test_any_response_comes_to_a_reply_or_an_error(loop, data):
    """Nothing else is raised, the pieces do not matter, and what goes back is JSON."""
    loop.run(check(fed(data)))


def test_random_responses_come_to_a_reply_or_an_error(loop):
    """The same of choices that nobody shrinks towards the simple ones."""
    dice = random.Random(20261122)
    for _ in range(350):
        loop.run(check(fed(dice.randbytes(120))))


@pytest.mark.parametrize("how", PROMISES)
@pytest.mark.parametrize("case", calling(), ids=lambda case: case.id)
async def test_no_tool_runs_on_half_a_reply(case, how):
    """A reply that was cut before its end was said runs nothing; one that ended runs only what was asked in full."""
    dice = random.Random(f"{case.id} {how}")
    for place in (-1, -2, -16, *(dice.randrange(1 << 16) for _ in range(8))):
        cut = half(case, place, how)
        check_half(cut, await run(case.profile, [cut.response], stream=case.stream))


texts = st.text(max_size=60) | st.sampled_from([case.data.decode("utf-8", "replace") for case in corpus()])


@settings(fixed, max_examples=200)
@given(
    texts,
    st.sampled_from(INSERTED).map(lambda some: some.decode("latin-1")),
    st.none() | st.integers(),
    st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date", "x-should-retry"]) | st.text(), texts),
)
def test_any_failure_has_a_name(text, inserted, status, headers):
    """No text, no status and no header is so odd that the error about it cannot be made."""
    place = len(text) // 2
    body = text[:place] + inserted + text[place:]

    assert isinstance(error_of(body, endpoint="example.com/m", status=status, headers=headers), ModelError)
