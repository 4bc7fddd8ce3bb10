"""A tool-calling agent runtime: decorated functions, one async loop, every step on record.

Everything a user needs is named here; `agentkit.logs` configures the log, `agentkit.testing` has fakes that work.
"""

import importlib
from typing import TYPE_CHECKING

from agentkit.agent import Agent
from agentkit.approvals import Decision, Question
from agentkit.chat.profiles import Profile
from agentkit.context import Context
from agentkit.errors import (
    AgentkitError,
    BrokenHistory,
    DuplicateTool,
    JournalError,
    JournalFull,
    MissingCredentials,
    ModelError,
    OutOfOrder,
    RunDiffers,
    RunTaken,
    RunUnfinished,
    SchemaRefused,
    ToolDefinitionError,
    ToolError,
    UnknownRun,
    UnknownTarget,
    UsageError,
)
from agentkit.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    ModelCalled,
    ModelReplied,
    ModelRetried,
    Observer,
    OutputRejected,
    ReasoningDelta,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    TextDelta,
    ToolCallDelta,
    ToolFinished,
    ToolProgressed,
    ToolStarted,
)
from agentkit.journal import Claim, Journal, MemoryJournal
from agentkit.limits import Limits
from agentkit.messages import File, Image, Message, Reasoning, Text, ToolCall, ToolResult, Usage
from agentkit.model import Model, OutputFormat, Price, Reply, Request, Settings, ToolSpec
from agentkit.people import ask_user
from agentkit.prompted import Prompted
from agentkit.rates import RateLimit, RateLimited
from agentkit.result import Result, Step
from agentkit.retry import Fallback, Retry, Retrying
from agentkit.timeouts import Timeouts
from agentkit.toolbox import Toolbox
from agentkit.tools import Tool, tool

if TYPE_CHECKING:
    from agentkit.chat.chat import Chat
    from agentkit.sqlite.journal import SqliteJournal

__all__ = [
    "Agent",
    "AgentkitError",
    "ApprovalAsked",
    "ApprovalGiven",
    "BrokenHistory",
    "Chat",
    "Claim",
    "Context",
    "Decision",
    "DuplicateTool",
    "Event",
    "Fallback",
    "File",
    "Image",
    "Journal",
    "JournalError",
    "JournalFull",
    "Limits",
    "MemoryJournal",
    "Message",
    "MissingCredentials",
    "Model",
    "ModelCalled",
    "ModelError",
    "ModelReplied",
    "ModelRetried",
    "Observer",
    "OutOfOrder",
    "OutputFormat",
    "OutputRejected",
    "Price",
    "Profile",
    "Prompted",
    "Question",
    "RateLimit",
    "RateLimited",
    "Reasoning",
    "ReasoningDelta",
    "Recorded",
    "Reply",
    "Request",
    "Result",
    "Retry",
    "Retrying",
    "RunDiffers",
    "RunFinished",
    "RunForked",
    "RunResumed",
    "RunStarted",
    "RunSuspended",
    "RunTaken",
    "RunUnfinished",
    "SchemaRefused",
    "Settings",
    "SqliteJournal",
    "Step",
    "Text",
    "TextDelta",
    "Timeouts",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolDefinitionError",
    "ToolError",
    "ToolFinished",
    "ToolProgressed",
    "ToolResult",
    "ToolSpec",
    "ToolStarted",
    "Toolbox",
    "UnknownRun",
    "UnknownTarget",
    "Usage",
    "UsageError",
    "ask_user",
    "tool",
]


def __getattr__(name: str) -> object:
    """What is loaded when it is asked for: httpx brings rich and click along, and structlog rich; SQLite is for those who have a file."""
    if name == "Chat":
        return importlib.import_module("agentkit.chat.chat").Chat
    if name == "SqliteJournal":
        return importlib.import_module("agentkit.sqlite.journal").SqliteJournal
    if name in {"logs", "testing"}:
        return importlib.import_module(f"agentkit.{name}")
    raise AttributeError(f"module 'agentkit' has no attribute {name!r}")
