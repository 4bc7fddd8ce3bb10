"""A cassette as a file: the recorded events of one run or several, one after another, a line of JSON each.

The file is made to be read in a review and kept for years.  What differs from one recording to the next and says nothing
(ids of runs, times, fingerprints, traces of tools) is left out or counted, and what looks like a secret is never in it.
Nothing here knows what a test is.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from agentkit.codec import line, read_line
from agentkit.debug.scrubbed import Hide, scrubbed
from agentkit.errors import JournalError
from agentkit.events import (
    Event,
    ModelCalled,
    ModelReplied,
    Recorded,
    RunForked,
    RunResumed,
    RunStarted,
    ToolFinished,
)
from agentkit.loop import fold
from agentkit.secrets import scrub

Tape = Sequence[Recorded]
"""The events of one run."""

FOLDER = "cassettes"

NAME_CHARS = 100
"""A longer name is cut, for the file systems that take no more."""

ID_CHARS = 16
"""A shorter id could be a word of a text; those that agents make are longer."""


def place_of(test_file: Path, names: Sequence[str]) -> Path:
    """Where the cassette of a test is: beside its file, under a name that every file system takes.

    Args:
        test_file: The file of the test.
        names: The test's class, if it has one, and its own name, with its parameters in brackets.
    """
    whole = ".".join(names)
    name = re.sub(r"[^\w.-]", "_", re.sub(r"\[(.*)\]$", r"-\1", whole, flags=re.DOTALL), flags=re.ASCII)
    if name != re.sub(r"\[([\w.-]*)\]$", r"-\1", whole, flags=re.ASCII) or len(name) > NAME_CHARS:
        # Two names that look the same now are told apart.
        name = f"{name[:NAME_CHARS]}-{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return test_file.parent / FOLDER / test_file.stem / f"{name}.jsonl"


# Writing.


def as_text(runs: Sequence[Tape], hide: Hide = scrub) -> str:
    """Some runs as the text of a cassette."""
    text = "".join(f"{line(_plain(each))}\n" for run in runs for each in scrubbed(run, hide))
    names = dict.fromkeys(each.run_id for run in runs for each in run if each.run_id)
    counted = {name: f"run-{number}" for number, name in enumerate(names, 1)}
    # The longest first: the id of a run within a run begins with the id of the other.
    for name in sorted(counted, key=len, reverse=True):
        if len(name) >= ID_CHARS:
            text = text.replace(name, counted[name])
    return text


def _plain(recorded: Recorded) -> Recorded:
    return replace(recorded, time=0.0, event=_lasting(recorded.event))


def _lasting(event: Event) -> Event:
    """What of an event is still true when the same is recorded again."""
    match event:
        case RunStarted() | RunForked():
            return replace(event, definition={}, target="")
        case RunResumed():
            return replace(event, process="")
        case ModelCalled():
            # A replay compares what was sent, not its fingerprint.
            return replace(event, request="")
        case ModelReplied():
            return replace(event, seconds=0.0, request_id=None)
        case ToolFinished():
            return replace(event, seconds=0.0, result=replace(event.result, trace=""))
        case _:
            return event


def write(path: Path, runs: Sequence[Tape], hide: Hide = scrub) -> None:
    """Put some runs into the file of a cassette: all of them, or the file stays as it was."""
    write_whole(path, as_text(runs, hide))


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        # What `mkstemp` makes is for its owner only; a file of a repository is for everybody.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


# Reading.


def read(path: Path) -> tuple[Tape, ...]:
    """The runs of a cassette.

    Raises:
        JournalError: The file is no cassette, or damaged; the message says in which line.
    """
    try:
        lines = path.read_bytes().decode().split("\n")
    except UnicodeDecodeError as error:
        raise JournalError(f"{path} is no cassette: {error}") from error
    runs: list[list[Recorded]] = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            recorded = read_line(text)
        except JournalError as error:
            raise JournalError(f"{path}, line {number}: {error}") from error
        if recorded.seq == 0:
            runs.append([])
        expected = len(runs[-1]) if runs else 0
        if recorded.seq != expected:
            raise JournalError(
                f"{path}, line {number}: here is event {recorded.seq} where event {expected} is expected"
            )
        runs[-1].append(recorded)
    for place, run in enumerate(runs, 1):
        _check(path, place, run)
    return tuple(map(tuple, runs))


def _check(path: Path, place: int, run: Tape) -> None:
    try:
        fold(run)
    except JournalError as error:
        raise JournalError(f"{path}, run {place}: {error}") from error
