"""A recorded run as files: a test, and the cassette that it plays.

Nothing that is there already is written over unless that is said.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from agentkit.debug.export import as_test, name_of
from agentkit.errors import UsageError
from agentkit.events import Recorded
from agentkit.testing.tape import place_of, write, write_whole


def write_test(
    events: Sequence[Recorded], path: str | Path, *, target: str, folder: str | Path = ".", force: bool = False
) -> Path:
    """Write a pytest test that plays a run again, and its cassette beside it; the cassette's place is returned.

    Args:
        events: The run, as in `result.events`.
        path: The file of the test.
        target: How the run's agent is found, as in `shop.py:agent --model M`.
        folder: Where that is said from.
        force: Whether files that are there are written over.

    Raises:
        UsageError: The path is no Python file, or a file is there.
    """
    path = Path(path)
    if path.suffix != ".py":
        raise UsageError(f"a test is a Python file, and {str(path)!r} is none; write it as in tests/test_refund.py")
    cassette = place_of(path, [name_of(events)])
    there = [str(each) for each in (path, cassette) if each.exists()]
    if there and not force:
        raise UsageError(
            f"{' and '.join(there)} would be written over; give another name, or say that it may be: --force"
        )
    source = as_test(events, target=target, folder=_from(path.parent, Path(folder)))
    write(cassette, [events])
    write_whole(path, source)
    return cassette


def _from(start: Path, folder: Path) -> str:
    """The way from one folder to another; empty where they are one."""
    way = Path(os.path.relpath(folder.resolve(), start.resolve())).as_posix()
    return "" if way == "." else way
