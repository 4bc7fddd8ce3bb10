"""What several files of tests take."""

import pytest
from both_ways import streamed, whole
from hypothesis import settings

# No test fails by the clock.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Reports go from process to process as UTF-8, and what a test has logged may hold half a surrogate pair."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(params=[whole, streamed])
def run(request):
    """Both ways to have a reply: in one piece, and in many."""
    return request.param
