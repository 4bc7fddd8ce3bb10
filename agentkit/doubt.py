"""Calls that were started and have no result, because the process died: what becomes of them when the run goes on."""

import inspect
import logging
from collections.abc import Awaitable
from typing import Literal

from agentkit.messages import ToolResult
from agentkit.results import content_of
from agentkit.toolbox import WORKERS, Ready
from agentkit.tools import Verify

InDoubt = Literal["tell", "ask", "again"]
"""What is done with a call that must not be made twice and may have been made: the model is told, a person is asked, or it is made
again."""

WHY = "it was started before, the program stopped, and nobody knows whether it took effect"

log = logging.getLogger("agentkit")


async def settle(ready: Ready, key: str, policy: InDoubt) -> Ready | ToolResult | None:
    """The call's result where it is known or must be left open, the call itself if it is to be made, None to ask a person."""
    if ready.tool.options.effect != "once":
        return ready
    verify = ready.tool.options.verify
    happened = None if verify is None else await _verified(verify, key, ready.tool.name)
    if happened is False:
        return ready
    if happened is not None:
        return _happened(ready, happened)
    if policy == "tell":
        return _unknown(ready)
    return ready if policy == "again" else None


async def _verified(verify: Verify, key: str, name: str) -> object:
    try:
        # It may well ask a server.
        said = verify(key) if inspect.iscoroutinefunction(verify) else await WORKERS.call(lambda: verify(key))
        return await said if isinstance(said, Awaitable) else said
    except Exception:  # it belongs to the tool; when it cannot tell, nobody can
        log.exception("verify of %s raised, so it is not known whether the call took effect", name)
        return None


def _happened(ready: Ready, said: object) -> ToolResult:
    name = ready.tool.name
    if said is True:
        text = f"{name} took effect before the program stopped; what it returned is lost. It was not run again."
        return ToolResult(ready.call.id, text)
    return ToolResult(ready.call.id, content_of(said))


def _unknown(ready: Ready) -> ToolResult:
    """What the model is told of a call that must not be made twice and may have been made."""
    text = (
        f"{ready.tool.name} was started, then the program stopped. Whether it took effect is unknown, and it was "
        "not run again. Find out before you repeat it."
    )
    return ToolResult(ready.call.id, text, failed=True)
