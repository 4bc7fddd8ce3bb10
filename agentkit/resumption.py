"""Whether a run on record may go on, and with whom."""

import os
import socket
from collections.abc import Collection, Mapping, Sequence

from agentkit.definition import differences
from agentkit.errors import RunDiffers, UsageError
from agentkit.events import Recorded, RunFinished, RunForked, RunResumed, RunStarted, Unknown
from agentkit.loop import fold


def resumed(agent: str) -> RunResumed:
    """That an agent in this process takes a run up."""
    return RunResumed(f"{socket.gethostname()}:{os.getpid()}", agent)


def check_resumable(events: Sequence[Recorded], decisions: Collection[str]) -> None:
    """Make sure that a run can go on, and waits for decisions on these calls.

    Raises:
        UsageError: It has ended or not begun, or a decision is for another call.
    """
    run = fold(events)
    if not run.id:
        raise UsageError("the run had not begun when it stopped, so there is nothing to go on with; run it again")
    if isinstance(run.ended, RunFinished):
        raise UsageError(
            f"run {run.id} has ended as {run.ended.status!r}; go on with history=result.messages, or continues={run.id!r}"
        )
    waiting = {call.id for call in run.undecided}
    if unknown := set(decisions) - waiting:
        raise UsageError(
            f"no call {', '.join(sorted(unknown))} waits for a decision; these do: {', '.join(sorted(waiting)) or 'none'}"
        )


def check_same(events: Sequence[Recorded], definition: Mapping[str, str]) -> None:
    """Make sure that a run was begun by an agent with this definition.

    Raises:
        RunDiffers: Another one did, or another version; the message says what differs.
    """
    began = next((each.event for each in reversed(events) if isinstance(each.event, RunStarted | RunForked)), None)
    # A run that was kept in memory only does not say who began it.
    found = differences(began.definition, definition) if began is not None and began.definition else []
    unknown = {each.event.kind for each in events if isinstance(each.event, Unknown)}
    found += [f"{kind} is an event of a newer version" for kind in sorted(unknown)]
    if found:
        run_id = fold(events).id
        raise RunDiffers(
            f"run {run_id} was begun by another agent: {'; '.join(found)}. To go on with this one, fork it: "
            f"`agentkit fork {run_id}`, or agentkit.debug.fork(agent, {run_id!r})"
        )
