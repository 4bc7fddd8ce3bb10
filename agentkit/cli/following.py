"""A run that is read from its journal shown as one is that is watched, with what whoever watches knows already."""

from collections.abc import Sequence

from agentkit.debug.words import lasted
from agentkit.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    ModelCalled,
    ModelReplied,
    ModelRetried,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolFinished,
    ToolStarted,
)
from agentkit.listing import STOPPED
from agentkit.observers.console import RunView
from agentkit.observers.plain import counted_as, kindly, shown_arguments


class Following:
    """Tells a run as far as it has come.

    Args:
        view: Where it is shown.

    Attributes:
        status: How the run stopped; empty as long as it has not.
    """

    def __init__(self, view: RunView) -> None:
        self.status = ""
        self._view = view
        self._last = 0.0
        self._asked = 0.0
        self._tools: dict[str, tuple[str, float]] = {}
        """Calls at work: each with its tool, and since when."""

    def begin(self, events: Sequence[Recorded], steps: int) -> None:
        """Show how the run stands: whose it is, what it was asked, and its last steps.

        Args:
            events: Those on record.
            steps: Most steps to show.
        """
        left_out = max(max((each.step for each in events), default=0) - steps, 0)
        reached = not left_out
        for recorded in events:
            # What interrupts a request belongs to the step before it, and is told with what it has interrupted.
            reached = reached or recorded.step > left_out
            end = recorded is events[-1] and isinstance(recorded.event, RunFinished | RunSuspended)
            if reached or end or isinstance(recorded.event, RunStarted | RunForked):
                self._show(recorded)
            else:
                self._view.remember(recorded)
                self._note(recorded)
            if left_out and isinstance(recorded.event, RunStarted):
                self._view.line(f"… {counted_as(left_out, 'step')} before", "dim")

    def show(self, events: Sequence[Recorded]) -> None:
        """Show what has happened since."""
        for recorded in events:
            self._show(recorded)

    def abandoned(self, now: float) -> None:
        """Say that nobody drives the run any more."""
        self.status = STOPPED
        self._view.stopped(f"{STOPPED}: its process is gone", now)

    def at_work(self, now: float) -> str:
        """What the run is waiting for, and since when."""
        doing = [f"{name} {lasted(now - since)}" for name, since in self._tools.values()]
        if self._asked:
            doing = [f"the model {lasted(now - self._asked)}"]
        return " · ".join((*doing, f"the run {lasted(now - self._view.began)}"))

    def _show(self, recorded: Recorded) -> None:
        self._before(recorded)
        self._note(recorded)
        self._view.observe(recorded)
        self._last = recorded.time

    def _note(self, recorded: Recorded) -> None:
        """What is at work, and how the run stands."""
        event = recorded.event
        match event:
            case ModelCalled():
                self._asked, self._tools = recorded.time, {}
            case ModelReplied():
                self._asked = 0.0
            case ToolStarted(call_id, tool):
                self._tools[call_id] = (tool, recorded.time)
            case ToolFinished(result):
                self._tools.pop(result.call_id, None)
            case RunFinished() | RunSuspended():
                self.status = event.status
            case RunResumed() | RunForked():
                self.status, self._asked, self._tools = "", 0.0, {}
            case _:
                pass

    def _before(self, recorded: Recorded) -> None:
        """Tell what is not shown to one who watches: they typed it, they were asked, or it has passed."""
        event, view = recorded.event, self._view
        match event:
            case RunStarted(run_id, agent, messages):
                view.began = recorded.time
                view.line(" · ".join(filter(None, (f"run {run_id}", agent))), "bold")
                if messages and messages[-1].role == "user":
                    view.line(f"prompt: {kindly(messages[-1].text)}")
            case RunForked(run_id, parent, change):
                view.began = recorded.time
                view.line(f"— run {run_id}: forked from {parent} —", "bold yellow")
                if change:
                    view.line(f"change: {kindly(change)}")
            case RunResumed(process):
                by = f" by {process}" if process else ""
                view.line(f"— taken up again{by} after {lasted(recorded.time - self._last)} —", "bold yellow")
            case ModelReplied(attempts=attempts):
                for each in attempts:
                    view.retried(ModelRetried(each.number, each.category, each.detail, each.wait, each.model))
            case RunSuspended("failed", detail) if detail:
                view.line(f"why: {kindly(detail)}", "yellow")
            case _:
                self._call(event)

    def _call(self, event: Event) -> None:
        """Tell what happens to a call beside its result."""
        view = self._view
        match event:
            case ApprovalAsked(call_id, why):
                because = f": {why}" if why else ""
                view.line(f"  ? {view.name(call_id)} waits for a person{because}", "yellow")
            case ApprovalGiven(call_id):
                view.line(f"  {view.name(call_id)}: {_decision(event)}", "yellow" if event.granted else "red")
            case ToolStarted(call_id, again=True):
                view.line(f"  {view.name(call_id)}: started again", "yellow")
            case _:
                pass


def _decision(given: ApprovalGiven) -> str:
    reason = f": {given.reason}" if given.reason else ""
    if not given.granted:
        return f"refused by a person{reason}"
    if given.answer is not None:
        return f"answered by a person instead of the tool{reason}"
    changed = "" if given.arguments is None else f", with {shown_arguments(given.arguments)}"
    return f"granted by a person{changed}{reason}"
