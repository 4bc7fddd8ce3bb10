"""A run as one file that shows it to anybody: no server, no network, and no secrets as far as they look like some."""

from collections.abc import Sequence

from agentkit.bill import Bill
from agentkit.debug.facts import Facts
from agentkit.debug.scrubbed import scrubbed
from agentkit.events import Recorded
from agentkit.viewer.bundle import page_with
from agentkit.viewer.detail import detail
from agentkit.viewer.told import Told

MOST = 20_000_000
"""Characters of requests in a file: each repeats what was said before it."""

LEFT_OUT = "The request is left out of this file, for its size; the command agentkit ui shows it."


def as_html(events: Sequence[Recorded], charged: Bill) -> str:
    """A run as a page by itself.

    Args:
        events: Its durable events, in order; of a fork those of its parent before it.
        charged: What it cost.
    """
    told = Told(scrubbed(events), charged)
    run = {**told.overview, "state": told.overview["status"], "related": []}
    details = _details(told)
    about: Facts = {"write": False, "live": False, "journal": "", "run_id": told.overview["run_id"]}
    return page_with(
        {
            "about": about,
            "run": run,
            "steps": [*told.steps.part()],
            "timeline": told.timeline,
            "details": details,
            "texts": {**told.texts.whole},
        }
    )


def _details(told: Told) -> Facts:
    found: Facts = {}
    room = MOST
    for number in range(1, len(told.steps)):
        if room <= 0:
            found[str(number)] = {"wire": None, "unwired": LEFT_OUT}
            continue
        known = set(told.texts.whole)
        one = detail(told, number)
        one.pop("step")
        room -= sum(len(text) for name, text in told.texts.whole.items() if name not in known)
        found[str(number)] = one
    return found
