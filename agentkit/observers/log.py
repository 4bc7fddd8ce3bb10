"""One line of log for each step: what the model thought, asked and got, and what it cost."""

from typing import Protocol

from agentkit.events import (
    Event,
    ModelReplied,
    Observer,
    OutputRejected,
    Recorded,
    RunFinished,
    RunStarted,
    RunSuspended,
    ToolFinished,
)
from agentkit.messages import text_of
from agentkit.result import Step, step_of
from agentkit.secrets import scrub

RESULT_CHARS = 2_000
"""Characters of a tool's result in a line; the whole is in the events."""


class Logger(Protocol):
    """What a structlog logger can do."""

    def info(self, event: str, **fields: object) -> object: ...
    def warning(self, event: str, **fields: object) -> object: ...


class _OpenStep:
    """A step whose calls are not all answered yet."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.replied: ModelReplied | None = None
        self.finished: list[ToolFinished] = []

    def take(self, event: Event) -> ModelReplied | None:
        """Take an event; the reply of the step that is complete with it."""
        if isinstance(event, ModelReplied):
            self.replied, self.finished = event, []
        elif isinstance(event, ToolFinished):
            self.finished.append(event)
        else:
            return None
        complete = self.replied is not None and len(self.finished) == len(self.replied.message.tool_calls)
        return self.replied if complete else None


def log_steps(logger: Logger) -> Observer:
    """Write one event a step, and one for the beginning and the end of a run; deltas stay out of logs."""
    open_steps: dict[str, _OpenStep] = {}

    def observe(recorded: Recorded) -> None:
        run = {"run_id": recorded.run_id}
        event = recorded.event
        match event:
            case RunStarted():
                open_steps[recorded.run_id] = _OpenStep(event.agent)
                asked = scrub(event.messages[-1].text)
                logger.info("run started", **run, agent=event.agent, prompt=asked, parent=event.parent)
            case RunFinished() | RunSuspended():
                # The calls of a step that waits for a person are still to be told.
                if event.status != "waiting":
                    open_steps.pop(recorded.run_id, None)
                write = logger.info if event.status == "completed" else logger.warning
                event_name = "run finished" if isinstance(event, RunFinished) else "run suspended"
                write(event_name, **run, status=event.status, steps=recorded.step, detail=scrub(event.detail))
            case OutputRejected(problem):
                logger.warning("output rejected", **run, step=recorded.step, problem=scrub(problem))
            case ModelReplied() | ToolFinished():
                step = open_steps.setdefault(recorded.run_id, _OpenStep(""))
                if (replied := step.take(event)) is not None:
                    fields = _fields(step_of(recorded.step, replied, step.finished))
                    write = logger.warning if any(each.result.failed for each in step.finished) else logger.info
                    write("step", **run, agent=step.agent, model=replied.model, **fields)

    return observe


def _fields(step: Step) -> dict[str, object]:
    usage = step.usage
    counted = {"input": usage.input, "output": usage.output, "cached": usage.cached, "reasoning": usage.reasoning}
    fields: dict[str, object] = {
        "step": step.number,
        "reasoning": scrub(step.reasoning),
        "text": scrub(step.text),
        "calls": [
            {
                "tool": call.name,
                "arguments": scrub(call.arguments),
                "result": scrub(text_of(result.content))[:RESULT_CHARS],
                "failed": result.failed,
                "seconds": round(seconds, 3),
                **({"trace": result.trace} if result.trace else {}),
            }
            for call, result, seconds in zip(step.calls, step.results, step.tool_seconds, strict=True)
        ],
        "usage": {name: count for name, count in counted.items() if count is not None},
        "finish_reason": step.finish_reason,
        "seconds": round(step.seconds, 3),
    }
    if step.warnings:
        fields["warnings"] = list(step.warnings)
    return fields
