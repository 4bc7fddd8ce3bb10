"""What a list tells of a run beside its row: what it cost, and what is odd about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agentkit.bill import Bill, bill, bill_of_row
from agentkit.debug.anomalies import Anomaly, anomalies
from agentkit.debug.facts import Facts
from agentkit.events import Recorded
from agentkit.listing import Listed
from agentkit.prices import Prices

_FEELS = {"error": "bad", "warning": "warn"}

_TOLD = frozenset({"run_stopped", "limit_reached", "waiting"})
"""Of these the status of a run says as much."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What is known of a run only when its events have been read."""

    bill: Bill
    """What it cost itself, without the runs that it has called."""
    odd: tuple[Anomaly, ...] = ()
    """What did harm, or may have misled: the worst first, without what is only good to know."""

    def oddity(self) -> Facts | None:
        """What is odd beside the status: how much, and the worst of it."""
        news = [each for each in self.odd if each.kind not in _TOLD]
        if not news:
            return None
        return {"count": len(news), "title": news[0].title, "feel": _FEELS[news[0].severity]}


def glance(events: Sequence[Recorded], prices: Prices) -> Glance:
    """A look at a run.

    Args:
        events: Its durable events, in order.
        prices: Who is asked for what is not on record.
    """
    odd = tuple(replace(each, detail="") for each in anomalies(events) if each.severity in _FEELS)
    return Glance(bill(events, prices).own, odd)


def unread(row: Listed) -> Glance:
    """Of a run that cannot be read there is what the list says."""
    return Glance(bill_of_row(row))
