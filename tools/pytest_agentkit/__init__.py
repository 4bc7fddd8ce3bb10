"""pytest's side of cassettes: an option, and a fixture for runs that are recorded once and played ever after.

Every pytest loads this module where agentkit is installed, so it is a package of its own, and loads agentkit only for a test
that takes the fixture.
"""

import importlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agentkit.testing import Cassette

__all__ = ["cassette"]

OPTION = "--agentkit-record"

_cassettes = pytest.StashKey["Cassette"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("agentkit").addoption(
        OPTION,
        choices=["none", "missing", "all"],
        default="none",
        help="Record cassettes, which asks models: runs that are missing, or all anew.",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that has passed fails if its cassette was not played to the end."""
    yield
    if _cassettes in item.stash:
        item.stash[_cassettes].assert_finished()


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator["Cassette"]:
    """The recorded runs of this test, in `cassettes/<file>/<test>.jsonl` beside its file: `await cassette.run(agent, prompt)`."""
    test: pytest.Item = request.node
    classes = [each.name for each in test.listchain() if isinstance(each, pytest.Class)]
    beside = importlib.import_module("agentkit.testing").Cassette.beside
    made: Cassette = beside(test.path, [*classes, test.name], record=request.config.getoption(OPTION))
    test.stash[_cassettes] = made
    yield made
    made.save()
