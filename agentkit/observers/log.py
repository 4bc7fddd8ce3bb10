"""One line of log for each step: what the model thought, asked and got, and what it cost."""

from dataclasses import dataclass, field
from typing import Protocol

from agentkit.events import (
    ModelReplied,
    ModelRetried,
    Observer,
    OutputRejected,
    Recorded,
    RunFinished,
    RunStarted,
    RunSuspended,
    ToolFinished,
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


@dataclass
class _Run:
    """A run while it is watched, with the step that is not written yet."""

    agent: str
    step: int = 0
    replied: ModelReplied | None = None
    finished: list[ToolFinished] = field(default_factory=list)


def log_steps(logger: Logger) -> Observer:
    """Write one event a step, and one for the beginning and the end of a run; deltas stay out of logs."""
    return _Log(logger).observe


class _Log:
    def __init__(self, logger: Logger) -> None:
        self.logger = logger
        self.runs: dict[str, _Run] = {}

    def observe(self, recorded: Recorded) -> None:
        event, run_id = recorded.event, recorded.run_id
        match event:
            case RunStarted():
                self.runs[run_id] = _Run(event.agent)
                asked = scrub(event.messages[-1].text)
                self.logger.info("run started", run_id=run_id, agent=event.agent, prompt=asked, parent=event.parent)
            case ModelReplied() | ToolFinished():
                self.note(recorded, event)
            case ModelRetried():
                self.retried(recorded, event)
            case OutputRejected(problem):
                self.logger.warning("output rejected", run_id=run_id, step=recorded.step, problem=scrub(problem))
            case RunFinished() | RunSuspended():
                self.end(recorded, event)

    def retried(self, recorded: Recorded, event: ModelRetried) -> None:
        self.logger.warning(
            "model retried",
            run_id=recorded.run_id,
            step=recorded.step,
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
        failed = any(each.result.failed for each in run.finished)
        write = self.logger.warning if failed or "cache_lost" in run.replied.warnings else self.logger.info
        write("step", run_id=run_id, agent=run.agent, model=run.replied.model, **fields)
        run.replied = None

    def end(self, recorded: Recorded, event: RunFinished | RunSuspended) -> None:
        # The calls of a step that waits for a person are still to be told.
        if event.status != "waiting" and (run := self.runs.pop(recorded.run_id, None)) is not None:
            self.write(recorded.run_id, run)
        write = self.logger.info if event.status == "completed" else self.logger.warning
        name = "run finished" if isinstance(event, RunFinished) else "run suspended"
        write(name, run_id=recorded.run_id, status=event.status, steps=recorded.step, detail=scrub(event.detail))


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
    return {**fields, "trace": result.trace} if result.trace else fields
