"""What a test of an agent needs: a model with a script, a model server with faults, a clock that stands still, cassettes."""

import importlib
from typing import TYPE_CHECKING

from agentkit.testing.clock import FakeClock
from agentkit.testing.encoding import chunks, completion
from agentkit.testing.faults import Fault, Served
from agentkit.testing.scripted import Scripted, ScriptedModel, call, reply
from agentkit.testing.server import ModelServer

if TYPE_CHECKING:
    from agentkit.testing.cassette import Cassette
    from agentkit.testing.target import agent_at
    from agentkit.testing.written import write_test

__all__ = [
    "Cassette",
    "FakeClock",
    "Fault",
    "ModelServer",
    "Scripted",
    "ScriptedModel",
    "Served",
    "agent_at",
    "call",
    "chunks",
    "completion",
    "reply",
    "write_test",
]

_LATER = {"Cassette": "cassette", "agent_at": "target", "write_test": "written"}


def __getattr__(name: str) -> object:
    """What is loaded when it is asked for: it brings the command and the debugger along."""
    if name in _LATER:
        found: object = getattr(importlib.import_module(f"agentkit.testing.{_LATER[name]}"), name)
        return found
    raise AttributeError(f"module 'agentkit.testing' has no attribute {name!r}")
