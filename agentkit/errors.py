"""What can go wrong, sorted by who has to act.

    AgentkitError
    ├─ UsageError               the developer, before anything is spent
    │  ├─ ToolDefinitionError   a function that cannot be described to a model
    │  ├─ DuplicateTool         two tools of one name
    │  ├─ SchemaRefused         a tool schema that a provider cannot take
    │  ├─ MissingCredentials    no address or no key for the endpoint
    │  ├─ BrokenHistory         messages that no endpoint would accept
    │  └─ UnknownTarget         a command's target that cannot be found
    ├─ ModelError               the operator: the endpoint failed
    ├─ JournalError             the operator: the record of a run cannot be kept, read or trusted
    │  ├─ JournalFull           there is no room for it; make some, and resume the run
    │  ├─ OutOfOrder            an event that cannot follow those before it
    │  ├─ RunDiffers            a run of another agent or version than the one that is to go on with it
    │  ├─ RunTaken              a run that somebody else drives
    │  └─ UnknownRun            a run that is not in the journal
    └─ RunUnfinished            only from `Result.require()`

    ToolError                   raised by the author of a tool; its text is told to the model

The model never gets an exception: what it can mend is a tool result that says what was expected.
"""

from typing import Literal, Protocol

from agentkit.messages import Message, Usage

Category = Literal[
    "rate_limited",
    "overloaded",
    "auth",
    "quota",
    "invalid_request",
    "not_found",
    "context_length",
    "content_filter",
    "malformed_response",
    "connection_lost",
    "server_error",
    "timeout",
]
"""Why an endpoint failed; the names are those of the wire corpus."""


class Outcome(Protocol):
    """A run as far as it came: what an error keeps of it.  `agentkit.Result` is one."""

    @property
    def run_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def usage(self) -> Usage: ...


class AgentkitError(Exception):
    """Anything this package raises on purpose."""


class UsageError(AgentkitError):
    """The program asks for something that cannot work; nothing has been spent yet, as far as that can be known.

    Attributes:
        result: The run as far as it came, when the error ended one: tools that come and go may clash in the middle.
    """

    result: Outcome | None = None


class ToolDefinitionError(UsageError):
    """A function cannot be described to a model, and the message names the argument."""


class DuplicateTool(UsageError):
    """Two tools have one name, so a call could mean either."""


class SchemaRefused(UsageError):
    """A provider cannot take a tool's schema, and the message says which part."""


class MissingCredentials(UsageError):
    """No address or no key was given for the endpoint, in arguments or environment."""


class BrokenHistory(UsageError):
    """The messages given as history do not form a conversation; the message says where."""


class UnknownTarget(UsageError):
    """A command was pointed at a module, file or name that is not there."""


class ModelError(AgentkitError):
    """The endpoint failed, or answered with something that is no reply.

    Attributes:
        category: Why, as one of `Category`.
        retryable: Whether another attempt can succeed.
        retry_after: Seconds the server asked to wait, or None.
        status: HTTP status, or None when there was no response.
        code: The server's own error code, as text, or None.
        request_id: The server's name for the request, or None.
        body: The raw body of the response, as text.
        attempts: How often the request was tried.
        result: The run as far as it came, when the error ended one.
    """

    def __init__(
        self,
        message: str,
        *,
        category: Category,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.category = category
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status
        self.code = code
        self.request_id = request_id
        self.body = body
        self.attempts = 1
        self.result: Outcome | None = None


class JournalError(AgentkitError):
    """The record of a run cannot be kept, read or trusted; the message says why, and what to do.

    Attributes:
        result: The run as far as it is on record, when the error ended one.
    """

    result: Outcome | None = None


class OutOfOrder(JournalError):
    """An event cannot follow those before it, so the record is not one run's."""


class JournalFull(JournalError):
    """There is no room for the record of a run, so the run stopped before its next effect."""


class RunTaken(JournalError):
    """A run is driven by somebody else, or was taken over by somebody else."""


class UnknownRun(JournalError):
    """The journal has no such run, or several that the words could mean."""


class RunDiffers(JournalError):
    """The agent is not the one that the run began with; the message says what differs, and how to go on."""


class RunUnfinished(AgentkitError):
    """A result was required of a run that ended without one.

    Attributes:
        result: The run as far as it came.
    """

    def __init__(self, message: str, *, result: Outcome) -> None:
        super().__init__(message)
        self.result = result


class ToolError(Exception):
    """Raise it in a tool to tell the model, in words meant for it, why the call failed."""
