"""One line of log for each step: what the model thought, asked and got, and what it cost."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from structlog.contextvars import bound_contextvars

from agentkit.events import (
    ApprovalAsked,
    ModelCalled,
    ModelReplied,
    ModelRetried,
    Observer,
    OutputRejected,
    Recorded,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolFinished,
    ToolStarted,
)
from agentkit.messages import ToolResult, text_of
from agentkit.result import Step, step_of
from agentkit.secrets import scrub

RESULT_CHARS = 2_000
"""Characters of a tool's result in a line; the whole is in the events."""


class Logger(Protocol):
    """What a structlog logger can do."""

    def info(self, event: str, **fields: object) -> object: ...
    def warning(self, event: str, **fields: object) -> object: ...
    def error(self, event: str, **fields: object) -> object: ...


class Debugger(Protocol):
    """What one can do that is asked for more."""

    def debug(self, event: str, **fields: object) -> object: ...


@dataclass
class _Run:
    """A run while it is watched, with the step that is not written yet."""

    agent: str
    step: int = 0
    replied: ModelReplied | None = None
    finished: list[ToolFinished] = field(default_factory=list)


def log_steps(logger: Logger) -> Observer:
    """Write one event a step, and one for the beginning and the end of a run; deltas stay out of logs.

    While the model is asked and while a tool is at work, their run, step and agent are bound with structlog, so that what others
    write meanwhile can say where it belongs.
    """
    return _Log(logger).observe


def log_starts(logger: Debugger) -> Observer:
    """Write when the model is asked and when a tool starts, for those who want to know what a run is waiting for."""
    agents: dict[str, str] = {}

    def observe(recorded: Recorded) -> None:
        event, run_id = recorded.event, recorded.run_id
        place: dict[str, object] = {"run_id": run_id, "agent": agents.get(run_id, ""), "step": recorded.step}
        match event:
            case RunStarted(agent=agent) | RunForked(agent=agent) | RunResumed(agent=agent):
                agents[run_id] = agent
            case ModelCalled(model, messages, tools):
                logger.debug("model called", **place, model=model, messages=messages, tools=list(tools))
            case ToolStarted(call_id, tool):
                logger.debug("tool started", **place, tool=tool, call_id=call_id)
            case RunFinished() | RunSuspended():
                agents.pop(run_id, None)

    return observe


class _Log:
    def __init__(self, logger: Logger) -> None:
        self.logger = logger
        self.runs: dict[str, _Run] = {}

    def observe(self, recorded: Recorded) -> AbstractContextManager[object] | None:
        event = recorded.event
        match event:
            case RunStarted() | RunForked() | RunResumed():
                self.begin(recorded, event)
            case ModelCalled() | ToolStarted():
                return bound_contextvars(**self.place(recorded))
            case ModelReplied() | ToolFinished():
                self.note(recorded, event)
            case ModelRetried():
                self.retried(recorded, event)
            case OutputRejected(problem):
                self.logger.warning("output rejected", **self.place(recorded), problem=scrub(problem))
            case ApprovalAsked(call_id, why):
                self.logger.info("approval asked", **self.place(recorded), call_id=call_id, why=scrub(why))
            case RunFinished() | RunSuspended():
                self.end(recorded, event)
        return None

    def place(self, recorded: Recorded) -> dict[str, object]:
        """Where a line belongs."""
        run = self.runs.get(recorded.run_id)
        return {"run_id": recorded.run_id, "agent": "" if run is None else run.agent, "step": recorded.step}

    def begin(self, recorded: Recorded, event: RunStarted | RunForked | RunResumed) -> None:
        self.runs.setdefault(recorded.run_id, _Run("")).agent = event.agent
        match event:
            case RunStarted(messages=messages, parent=parent):
                asked = scrub(messages[-1].text) if messages else ""
                self.logger.info("run started", **self.place(recorded), prompt=asked, parent=parent)
            case RunForked(parent=parent, change=change):
                self.logger.info("run forked", **self.place(recorded), parent=parent, change=scrub(change))
            case RunResumed(process):
                self.logger.info("run resumed", **self.place(recorded), by=process)

    def retried(self, recorded: Recorded, event: ModelRetried) -> None:
        self.logger.warning(
            "model retried",
            **self.place(recorded),
            attempt=event.attempt,
            category=event.category,
            detail=scrub(event.detail),
            seconds=round(event.seconds, 3),
            model=event.model,
        )

    def note(self, recorded: Recorded, event: ModelReplied | ToolFinished) -> None:
        """Take a part of a step; with its last part it is written."""
        run = self.runs.setdefault(recorded.run_id, _Run(""))
        if isinstance(event, ModelReplied):
            run.step, run.replied, run.finished = recorded.step, event, []
        else:
            run.finished.append(event)
        if run.replied is not None and len(run.finished) == len(run.replied.message.tool_calls):
            self.write(recorded.run_id, run)

    def write(self, run_id: str, run: _Run) -> None:
        """Write the open step, if there is one."""
        if run.replied is None:
            return
        fields = _fields(step_of(run.step, run.replied, run.finished))
        if run.replied.cost is not None:
            fields["cost"] = run.replied.cost
        failed = any(each.result.failed for each in run.finished)
        write = self.logger.warning if failed or "cache_lost" in run.replied.warnings else self.logger.info
        write("step", run_id=run_id, agent=run.agent, model=run.replied.model, **fields)
        run.replied = None

    def end(self, recorded: Recorded, event: RunFinished | RunSuspended) -> None:
        place = self.place(recorded)
        # The calls of a step that waits for a person are still to be told.
        if event.status != "waiting" and (run := self.runs.pop(recorded.run_id, None)) is not None:
            self.write(recorded.run_id, run)
        fields = {**place, "status": event.status, "steps": recorded.step, "detail": scrub(event.detail)}
        name = "run finished" if isinstance(event, RunFinished) else "run suspended"
        if event.status == "completed":
            self.logger.info(name, **fields)
        elif event.status == "failed":
            self.logger.error(name, **fields)
        else:
            self.logger.warning(name, **fields)


def _fields(step: Step) -> dict[str, object]:
    usage = step.usage
    counted = {"input": usage.input, "output": usage.output, "cached": usage.cached, "reasoning": usage.reasoning}
    fields: dict[str, object] = {
        "step": step.number,
        "reasoning": scrub(step.reasoning),
        "text": scrub(step.text),
        "calls": [
            {"tool": call.name, "arguments": scrub(call.arguments), **_answer(result, seconds)}
            for call, result, seconds in step.answers
        ],
        "usage": {name: count for name, count in counted.items() if count is not None},
        "finish_reason": step.finish_reason,
        "seconds": round(step.seconds, 3),
    }
    if step.warnings:
        fields["warnings"] = list(step.warnings)
    return fields


def _answer(result: ToolResult | None, seconds: float) -> dict[str, object]:
    if result is None:
        return {"result": "", "failed": False, "seconds": 0.0}
    told = scrub(text_of(result.content))[:RESULT_CHARS]
    fields: dict[str, object] = {"result": told, "failed": result.failed, "seconds": round(seconds, 3)}
    return {**fields, "trace": scrub(result.trace)} if result.trace else fields
