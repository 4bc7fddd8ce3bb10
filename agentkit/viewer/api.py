"""What the page asks for: each question a function of what stands in the address, answered in JSON values."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pydantic import JsonValue

from agentkit.debug.facts import Facts
from agentkit.errors import UsageError
from agentkit.listing import Listed, Query, grouped
from agentkit.viewer import rows
from agentkit.viewer.detail import detail
from agentkit.viewer.reading import Reading
from agentkit.viewer.told import Told

Asked = Mapping[str, str]

ROWS = 200
"""Runs of a list that are handed out at once, those that belong to them included."""

STEPS = 40
"""Steps that are handed out at once."""

PATIENCE = 0.3
"""Seconds that a list waits for what its runs cost and what is odd about them; the rest is told the next time."""

_WIRE = re.compile(r"([0-9]{1,9})\.wire\.")

LARGEST = 10_000_000


class Deeds(Protocol):
    """What a page may do where writing is allowed."""

    def fork(self, wish: Mapping[str, JsonValue]) -> str:
        """Begin a fork; the id of the new run, which goes on by itself."""
        ...

    def decide(self, wish: Mapping[str, JsonValue]) -> Facts:
        """Take down what a person decided on a call, and let the run go on if nothing else waits."""
        ...


class Api:
    """The questions that a page can ask.

    Args:
        reading: What they are answered from.
        write: Whether the page may offer to change something.
    """

    def __init__(self, reading: Reading, *, write: bool) -> None:
        self._reading = reading
        self._write = write
        self.questions: Mapping[str, Callable[[Asked], Facts]] = {
            "about": self.about,
            "runs": self.runs,
            "run": self.run,
            "steps": self.steps,
            "step": self.step,
            "timeline": self.timeline,
            "text": self.text,
            "find": self.find,
            "diff": self.diff,
        }

    def about(self, _: Asked) -> Facts:
        """What the page is over, and what it may do."""
        return {"journal": str(self._reading.journal.path), "write": self._write, "live": True}

    def runs(self, asked: Asked) -> Facts:
        """A list of runs."""
        found = self._found(rows.wish_of(asked, time.time()))
        start, count = number(asked, "start", 0), number(asked, "count", ROWS)
        listed = grouped(found)
        shown = listed[start : start + count]
        seen = self._reading.glances([row for row, _ in shown], PATIENCE)
        every = self._reading.rows()
        return {
            "rows": [rows.as_json(row, depth, seen.get(row.run_id)) for row, depth in shown],
            "unseen": len(seen) < len(shown),
            "start": start,
            "total": len(listed),
            "all": len(every),
            "statuses": [*sorted({row.status for row in every})],
            "models": [*sorted({row.model for row in every if row.model})],
            "agents": [*sorted({row.agent for row in every if row.agent})],
            "now": time.time(),
        }

    def _found(self, wish: rows.Wish) -> Sequence[Listed]:
        found = self._reading.rows(None if wish.query == Query() else wish.query)
        for word in wish.words:
            holding = {row.run_id for row in self._reading.rows(Query(text=word))}
            found = [row for row in found if row.run_id in holding]
        if wish.cost is None and not wish.odd:
            return found
        seen = self._reading.glances(found)
        return [row for row in found if wish.fits(seen[row.run_id])]

    def run(self, asked: Asked) -> Facts:
        """A run at a glance, and the runs that it belongs with."""
        run_id = word(asked, "id")
        told = self._reading.told(run_id)
        found = self._reading.rows()
        row = next((each for each in found if each.run_id == run_id), None)
        return {**told.overview, "state": row.status if row else "", "related": [*_related(found, run_id, row)]}

    def steps(self, asked: Asked) -> Facts:
        """Some steps of a run, in order; the beginning is number 0."""
        told = self._told(asked)
        start, count = number(asked, "start", 0), number(asked, "count", STEPS)
        return {"steps": [*told.steps.part(start, count)], "start": start, "total": len(told.steps)}

    def step(self, asked: Asked) -> Facts:
        """One step with what went over the wire."""
        return detail(self._told(asked), number(asked, "n", 0), asked.get("call"))

    def timeline(self, asked: Asked) -> Facts:
        """When what happened."""
        return self._told(asked).timeline

    def text(self, asked: Asked) -> Facts:
        """A part of a long text."""
        told = self._told(asked)
        name, start = word(asked, "name"), number(asked, "start", 0)
        part = told.text(name, start)
        if part is None and (wired := _WIRE.match(name)):
            # The run has grown meanwhile, and what went over the wire has to be made once more.
            detail(told, int(wired[1]))
            part = told.text(name, start)
        if part is None:
            raise UsageError(f"the run has no long text {name!r}; reload the page")
        return part

    def find(self, asked: Asked) -> Facts:
        """The steps of a run in which some words stand."""
        return {"steps": [*self._told(asked).find(word(asked, "text"))]}

    def diff(self, asked: Asked) -> Facts:
        """Two runs side by side."""
        found = self._reading.versus(word(asked, "a"), word(asked, "b"))
        return found.as_json(number(asked, "start", 0), number(asked, "count", STEPS))

    def _told(self, asked: Asked) -> Told:
        return self._reading.told(word(asked, "id"))


def _related(found: Sequence[Listed], run_id: str, row: Listed | None) -> list[Facts]:
    """What the run was called by, goes on from or is a fork of; and what belongs to it."""
    before = None if row is None else row.before
    return [
        {**rows.as_json(each), "place": "above" if each.run_id == before else "below"}
        for each in found
        if each.run_id == before or (each.before == run_id and each.run_id != run_id)
    ]


def word(asked: Asked, name: str) -> str:
    """A word of the address that has to be there.

    Raises:
        UsageError: It is not.
    """
    found = asked.get(name, "")
    if not found:
        raise UsageError(f"the address lacks {name}=")
    return found


def number(asked: Asked, name: str, default: int) -> int:
    """A number of the address.

    Raises:
        UsageError: It is none.
    """
    text = asked.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < len(str(LARGEST))):
        raise UsageError(f"{name} is {text!r}; it must be a number from 0 to {LARGEST - 1}")
    return int(text)
