"""What a run cost, step by step and in each currency: a view of its events, made again whenever somebody looks.

What the server told, or the agent's own price, is on record and stands.  For the rest the lists of prices are asked, so a price
that is corrected corrects the past.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from agentkit.errors import JournalError
from agentkit.events import ModelReplied, Recorded, RunForked, ToolFinished, ToolStarted
from agentkit.listing import Listed
from agentkit.prices import Cost, Prices, added


@dataclass(frozen=True, slots=True)
class Charge:
    """What one reply cost, or a nested run of which nothing but the sum is known."""

    step: int
    cost: Cost | None
    """None: nobody knows."""
    recorded: bool = False
    """Whether the run itself has it on record, so that no list of prices was asked."""
    call_id: str = ""
    """The call whose nested run it was spent in."""


@dataclass(frozen=True, slots=True)
class Bill:
    """The charges of a run, in order; those of nested runs stand behind the step that called them."""

    charges: tuple[Charge, ...] = ()
    before: tuple[Charge, ...] = ()
    """Of a fork: charges of the part that it shares with its parent, which are the parent's."""

    @property
    def costs(self) -> tuple[Cost, ...]:
        """The sum of what is known, in each currency."""
        return added(charge.cost for charge in self.charges if charge.cost is not None)

    @property
    def unpriced(self) -> int:
        """Replies of which nobody knows what they cost."""
        return sum(charge.cost is None for charge in self.charges)

    @property
    def own(self) -> "Bill":
        """What the run cost itself, without those that it has called."""
        return Bill(tuple(each for each in self.charges if not each.call_id))

    def of_step(self, number: int) -> Charge | None:
        """The charge of a step's own reply; None where there is no reply."""
        own = (charge for charge in (*self.before, *self.charges) if charge.step == number and not charge.call_id)
        return next(own, None)


NOTHING: Mapping[str, Bill] = {}


def bill(events: Iterable[Recorded], prices: Prices, within: Mapping[str, Bill] = NOTHING) -> Bill:
    """What a run cost.

    Args:
        events: Its durable events, in order; of a fork those of its parent before it.
        prices: Who is asked for what is not on record.
        within: The bills of nested runs, by the call that each of them answers.  Of one that is not here, what the run has on
            record is taken: its sum, if its model had a price of its own.
    """
    charges: list[Charge] = []
    before: tuple[Charge, ...] = ()
    for recorded in events:
        match recorded.event:
            case RunForked():
                before = (*before, *charges)
                charges = []
            case ModelReplied() as replied:
                charges.append(_charge(replied, recorded, prices))
            case ToolStarted(call_id) if call_id in within and all(each.call_id != call_id for each in charges):
                charges += [replace(each, step=recorded.step, call_id=call_id) for each in within[call_id].charges]
            case ToolFinished(result, spent=spent) if spent is not None and result.call_id not in within:
                if spent.cost is not None or spent.usage.total:
                    cost = None if spent.cost is None else Cost(spent.cost)
                    charges.append(Charge(recorded.step, cost, cost is not None, result.call_id))
    return Bill(tuple(charges), before)


def _charge(replied: ModelReplied, recorded: Recorded, prices: Prices) -> Charge:
    if replied.cost is not None:
        return Charge(recorded.step, Cost(replied.cost), recorded=True)
    host, _, asked = replied.message.origin.partition("/")
    # The server's name for the model may be one that no list has, and what was asked for may be an alias.
    names = dict.fromkeys(name for name in (replied.model, asked) if name)
    found = (prices.of(name, replied.usage, when=recorded.time, host=host) for name in names)
    return Charge(recorded.step, next((cost for cost in found if cost is not None), None))


def bill_of_row(row: Listed) -> Bill:
    """The bill of a run that cannot be read: there is what the list says."""
    return Bill(() if row.cost is None else (Charge(0, Cost(row.cost), recorded=True),))


def whole_bill(
    events: Sequence[Recorded], rows: Sequence[Listed], read: Callable[[str], Sequence[Recorded]], prices: Prices
) -> Bill:
    """What a run of a journal cost, with the runs that it has called.

    Args:
        events: The run's durable events, in order.
        rows: The list of the journal, or as much of it as belongs to the run.
        read: Reads the events of another run.
        prices: Who is asked for what is not on record.
    """
    if not events:
        return Bill()
    run_id = events[-1].run_id
    # Without the run itself: in a damaged journal one may have called itself.
    others = [row for row in rows if row.run_id != run_id]
    within = {}
    for row in others:
        if row.parent is not None and row.before == run_id:
            # Of one that cannot be read, the run that called it may have the sum on record.
            with suppress(JournalError):
                nested = whole_bill(read(row.run_id), others, read, prices)
                within[row.parent.removeprefix(f"{run_id}/")] = nested
    return bill(events, prices, within)
