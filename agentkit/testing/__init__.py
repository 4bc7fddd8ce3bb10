"""What a test of an agent needs: a model with a script, a model server with faults, a clock that stands still."""

from agentkit.testing.clock import FakeClock
from agentkit.testing.encoding import chunks, completion
from agentkit.testing.faults import Fault, Served
from agentkit.testing.scripted import Scripted, ScriptedModel, call, reply
from agentkit.testing.server import ModelServer

__all__ = [
    "FakeClock",
    "Fault",
    "ModelServer",
    "Scripted",
    "ScriptedModel",
    "Served",
    "call",
    "chunks",
    "completion",
    "reply",
]
