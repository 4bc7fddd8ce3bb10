"""Whether the file of a journal has changed, for those who watch it from another process."""

import time

from agentkit.sqlite.journal import SqliteJournal

UNSETTLED = 0.05
"""Seconds in which a file system may give two changes one time."""

State = tuple[tuple[int, int], ...]


def state_of(journal: SqliteJournal) -> State:
    """What changes with every change of the file, whoever makes it; nothing is opened for it."""
    found = []
    for name in (journal.path.name, f"{journal.path.name}-wal"):
        try:
            stat = journal.path.with_name(name).stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def is_settled(state: State) -> bool:
    """Whether the next change is sure to show in the state."""
    return all(time.time() - changed / 1e9 > UNSETTLED for changed, _ in state if changed)
