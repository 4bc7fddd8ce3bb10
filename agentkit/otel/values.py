"""A trace as frozen values, and the ids in it, which are made from the run and not by chance.

Whoever exports a run, in whichever process and however often, gives its spans the same ids.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agentkit.codec import storable
from agentkit.events import RunForked, RunStarted
from agentkit.observers.plain import printable

Value = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Value]

TEXT_CHARS = 1_000
"""Letters of an attribute that is no content: ids and names are shorter, unless somebody means harm."""

NAME_CHARS = 100
"""Letters of a span's name."""

LARGEST = 2**63 - 1
"""The largest number that the protocol knows."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run belongs."""

    root: str
    """The run whose trace it is in."""
    conversation: str
    """The run that its conversation began with."""


Find = Callable[[str], Place | None]
"""Tells where another run belongs, as far as that is known."""


def nothing_known(_: str) -> Place | None:
    """Nobody knows of other runs; their ids have to do."""
    return None


def place_of(event: RunStarted | RunForked, find: Find = nothing_known) -> Place:
    """Where a run belongs that begins so: within the run that called it, or in a trace of its own.

    A fork is nobody's tool and goes on with nobody's conversation.
    """
    run_id = event.run_id
    if isinstance(event, RunForked):
        return Place(run_id, run_id)
    if event.parent is not None:
        outer = caller_of(event.parent)[0]
        return find(outer) or Place(root_of(outer), root_of(outer))
    if event.continues is not None:
        before = find(event.continues)
        return Place(run_id, event.continues if before is None else before.conversation)
    return Place(run_id, run_id)


def caller_of(parent: str) -> tuple[str, str]:
    """The run and the call of `run_id/call_id`; a call's id may hold a stroke, a run's does not."""
    run_id, _, call_id = parent.partition("/")
    return run_id, call_id


_WITHIN = re.compile(r":\d+\.\d+\Z")


def outer_of(run_id: str) -> str | None:
    """The run that a nested run's id says called it."""
    within = _WITHIN.search(run_id)
    return None if within is None else run_id[: within.start()]


def root_of(run_id: str) -> str:
    """The outermost of the runs that an id tells of."""
    while (outer := outer_of(run_id)) is not None:
        run_id = outer
    return run_id


def trace_id(root: str) -> int:
    """The id of the trace of a run that is nobody's tool."""
    return _digest(root, 16)


def run_span_id(run_id: str) -> int:
    return _span_id(run_id, "run")


def model_span_id(run_id: str, step: int, seq: int) -> int:
    """The span of one request.

    Args:
        run_id: The run.
        step: The step.
        seq: The number of the event that tells of the request: a step is asked again after a crash.
    """
    return _span_id(run_id, f"step {step}", seq)


def tool_span_id(run_id: str, call_id: str, attempt: int = 0) -> int:
    """The span of a call; of one that is made again, `attempt` is the number of the event that tells so.

    The first one is known from the call alone: a run within it finds its parent without having seen the caller's events.
    """
    return _span_id(run_id, f"call {call_id}", attempt)


def _span_id(run_id: str, key: str, attempt: int = 0) -> int:
    return _digest(f"{run_id}\0{key}\0{attempt}", 8)


def _digest(text: str, length: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:length])


@dataclass(frozen=True, slots=True)
class Context:
    """A span's place in the world."""

    trace: int
    span: int


@dataclass(frozen=True, slots=True)
class Link:
    """A span points to another one, which is not its parent."""

    to: Context
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment within a span."""

    name: str
    time: float
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that took time.  Its error, if it ended with one, is in its attributes."""

    context: Context
    parent: int | None
    name: str
    kind: Literal["internal", "client"]
    start: float
    """Seconds since 1970, UTC."""
    end: float
    """Never before the start, whatever the clock did."""
    attributes: Attributes
    marks: tuple[Mark, ...] = ()
    links: tuple[Link, ...] = ()


def attributes(given: Mapping[str, Value | None]) -> dict[str, Value]:
    """The attributes that are known, each as the protocol can hold it."""
    return {name: _sendable(value) for name, value in given.items() if value is not None}


def _sendable(value: Value) -> Value:
    if isinstance(value, str):
        return storable(value[:TEXT_CHARS])
    if isinstance(value, tuple):
        return tuple(storable(each[:TEXT_CHARS]) for each in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-LARGEST, min(value, LARGEST))
    return value


def span_name(operation: str, of: str) -> str:
    """A span's name, in one line."""
    shown = " ".join(printable(of[:NAME_CHARS]).split())
    return f"{operation} {shown}".strip()
