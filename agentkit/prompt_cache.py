"""Whether a provider still reads a conversation's beginning from its cache.

A cached token costs a fraction of another, so a prefix that is suddenly not cached is worth a word: something in front
of the conversation has changed, or the requests no longer reach the same machine.
"""

from agentkit.model import Reply

LONG = 1024
"""Tokens from which providers keep a prefix."""


def cache_lost(before: Reply | None, now: Reply) -> bool:
    """Whether less than half is cached now of what was when the same model was asked before, with a shorter conversation.

    A server that counted cached tokens before and does not say now has read none.
    """
    if before is None or before.message.origin != now.message.origin:
        return False
    cached = before.usage.cached or 0
    shrunk = (now.usage.input or 0) < (before.usage.input or 0)
    return cached >= LONG and not shrunk and (now.usage.cached or 0) < cached / 2
