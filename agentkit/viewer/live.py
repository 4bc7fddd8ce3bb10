"""Tells a page that the journal has changed, whichever process did it."""

import asyncio
from collections.abc import AsyncIterator

from agentkit.sqlite.journal import SqliteJournal
from agentkit.sqlite.state import is_settled, state_of

EVERY = 0.1
"""Seconds between two looks at the file."""

STILL = 15.0
"""Seconds after which something is said even if nothing happened: a browser that has gone is noticed by it."""


async def changes(journal: SqliteJournal) -> AsyncIterator[str]:
    """Server-sent events: one at once, and one for each change of the journal."""
    seen, settled = state_of(journal), True
    yield "retry: 1000\nevent: change\ndata: 0\n\n"
    quiet = 0.0
    number = 0
    while True:
        await asyncio.sleep(EVERY)
        quiet += EVERY
        state = state_of(journal)
        if state != seen or not settled:
            # A change that came too soon after another one to be told apart from it is told the next time.
            seen, settled = state, is_settled(state)
            number, quiet = number + 1, 0.0
            yield f"event: change\ndata: {number}\n\n"
        elif quiet >= STILL:
            quiet = 0.0
            yield ": still here\n\n"
