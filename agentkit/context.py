"""What a tool may know of the run that calls it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from typing_extensions import TypeVar

from agentkit.approvals import Approver
from agentkit.journal import Journal
from agentkit.limits import Account

Deps = TypeVar("Deps", default=object)


def _silent(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Context(Generic[Deps]):
    """The call a tool is in.  A parameter annotated with it is filled in and never shown to the model."""

    deps: Deps
    """What the caller of the run handed in: connections, the user, settings."""
    run_id: str = ""
    step: int = 0
    """Counts the model's replies from 1."""
    call_id: str = ""
    key: str = ""
    """Idempotency key of the call: the same whenever this very call is made again, as after a crash."""
    report: Callable[[str], None] = _silent
    account: Account | None = None
    """What the run may still spend; a nested run draws on it."""
    approver: Approver | None = None
    """Who is asked about calls; a nested run asks the same."""
    journal: Journal | None = None
    """Where the run is kept; a nested run is kept there too."""
    suspend: Callable[[str], None] = _silent
    """Says that the call cannot be finished now, and why: the run waits, and makes the call again when it is resumed."""

    def progress(self, text: str) -> None:
        """Tell those who watch how far the tool is; may be called from any thread."""
        self.report(text)
