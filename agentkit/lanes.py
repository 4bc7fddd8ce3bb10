"""Which calls of a step may run at the same time."""

from collections.abc import Iterable
from typing import Literal, TypeVar

T = TypeVar("T")

Manner = Literal["beside", "in_order", "alone"]
"""Beside any other call; one after another with its like, in the order asked; with nothing else at work."""

Lanes = list[list[T]]
"""Lanes run beside each other; in a lane one comes after another."""


def stages(calls: Iterable[tuple[T, Manner]]) -> list[Lanes[T]]:
    """Split a step into stages, each of which begins when the one before has ended."""
    made: list[Lanes[T]] = []
    beside: list[T] = []
    in_order: list[T] = []

    def close() -> None:
        if beside or in_order:
            made.append([[call] for call in beside] + ([list(in_order)] if in_order else []))
        beside.clear()
        in_order.clear()

    for call, manner in calls:
        if manner == "alone":
            close()
            made.append([[call]])
        else:
            (beside if manner == "beside" else in_order).append(call)
    close()
    return made
