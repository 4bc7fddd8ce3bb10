"""What a page may do where writing is allowed: the same as `agentkit fork`, `agentkit approve` and `agentkit resume`.

A run goes on in a thread of its own, with its own event loop: nobody waits for it, and the journal tells how it stands.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from queue import Queue

from pydantic import JsonValue

from agentkit.approvals import Decision
from agentkit.cli.fork import reply_of
from agentkit.cli.journal import row_named
from agentkit.cli.resume import agent_of, arguments_of, root_of, take_down, waiting_calls
from agentkit.cli.targets import AnyAgent
from agentkit.debug.facts import Facts
from agentkit.debug.fork import Change, fork
from agentkit.errors import AgentkitError, UsageError
from agentkit.events import Recorded
from agentkit.sqlite.journal import SqliteJournal

CHANGES = ("", "model", "prompt", "instructions", "reply", "result")

Begun = Queue[str | Exception]


class Doing:
    """Forks runs and takes down decisions.

    Args:
        journal: Whose runs.
    """

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal

    def fork(self, wish: Mapping[str, JsonValue]) -> str:
        """Begin a fork, and say which run it is.

        Raises:
            AgentkitError: It cannot begin; the message says why.
        """
        run_id, changed, text = _text(wish, "run"), _text(wish, "change"), _text(wish, "text")
        if changed not in CHANGES:
            raise UsageError(f"change is {changed!r}; it must be one of {', '.join(filter(None, CHANGES))}, or nothing")
        at = wish.get("at")
        if not isinstance(at, int):
            raise UsageError(f"at is {at!r}; it must be the number of a step")
        self._journal.read(run_id)
        agent = agent_of(self._journal, run_id, None, None, text if changed == "model" else None)
        change = _change(changed, text, _text(wish, "call"))
        return _begun(agent, lambda watched: fork(watched, run_id, at=at, change=change))

    def decide(self, wish: Mapping[str, JsonValue]) -> Facts:
        """Take down what a person decided, and let the run go on if nothing else waits.

        Raises:
            AgentkitError: No such call waits, or the run cannot go on.
        """
        run_id, call_id = _text(wish, "run"), _text(wish, "call")
        waiting = waiting_calls(self._journal, run_id)
        where = next((run for run, call in waiting if call.id == call_id), None)
        if where is None:
            raise UsageError(f"no call {call_id!r} of run {run_id} waits for a decision any more")
        asyncio.run(take_down(self._journal, where, call_id, _decision(wish)))
        if len(waiting) > 1:
            return {"told": "Taken down; other calls of the run still wait."}
        root = root_of(self._journal.runs(), run_id)
        if not row_named(self._journal.runs(), root).target:
            return {
                "told": f"Taken down. The run does not say which agent it was: agentkit resume {root} file.py:agent"
            }
        _begun(agent_of(self._journal, root, None), lambda watched: watched.resume(root))
        return {"told": "Taken down; the run goes on."}


def _text(wish: Mapping[str, JsonValue], name: str) -> str:
    value = wish.get(name, "")
    if not isinstance(value, str):
        raise UsageError(f"{name} is {value!r}; it must be a text")
    return value


def _change(changed: str, text: str, call_id: str) -> Change:
    match changed:
        case "prompt":
            return Change(prompt=text)
        case "instructions":
            return Change(instructions=text)
        case "reply":
            return Change(reply=reply_of(text))
        case "result":
            return Change(results={call_id: text})
    return Change()


def _decision(wish: Mapping[str, JsonValue]) -> Decision:
    granted = wish.get("granted")
    if not isinstance(granted, bool):
        raise UsageError(f"granted is {granted!r}; it must be true or false")
    edited = _text(wish, "arguments") if "arguments" in wish else None
    return Decision(
        granted=granted,
        reason=_text(wish, "reason"),
        arguments=None if edited is None else arguments_of(edited, "what to call with"),
        answer=_text(wish, "answer") if "answer" in wish else None,
    )


def _begun(agent: AnyAgent, drive: Callable[[AnyAgent], Coroutine[object, object, object]]) -> str:
    """Drive a run in a thread; its id, as soon as there is something of it on record."""
    begun: Begun = Queue()

    def observe(recorded: Recorded) -> None:
        begun.put(recorded.run_id)

    watched = replace(agent, observers=(*agent.observers, observe))

    def work() -> None:
        try:
            asyncio.run(_driven(drive(watched)))
        except Exception as error:  # noqa: BLE001 - what an agent is made of may raise anything
            begun.put(error)
        else:
            # Whoever waits for a beginning is not left to wait.
            begun.put(UsageError("nothing was left to do"))

    threading.Thread(target=work, name="agentkit-ui", daemon=True).start()
    first = begun.get()
    if isinstance(first, AgentkitError):
        raise first
    if isinstance(first, Exception):
        raise UsageError(f"the run could not begin: {type(first).__name__}: {first}") from first
    return first


async def _driven(run: Coroutine[object, object, object]) -> None:
    await run
