"""What several files of tests take."""

import pytest
from both_ways import streamed, whole


@pytest.fixture(params=[whole, streamed])
def run(request):
    """Both ways to have a reply: in one piece, and in many."""
    return request.param
