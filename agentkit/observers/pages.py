"""A log line as a person reads it: the step in a heading, under it the reasoning, the calls and the words."""

from collections.abc import Mapping, MutableMapping
from typing import Final

from agentkit.observers.plain import WIDTH, duration, kindly, printable

DIM, BOLD, RED, GREEN, RESET = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[0m"

HEADED: Final = (
    "timestamp",
    "event",
    "agent",
    "step",
    "run_id",
    "level",
    "seconds",
    "usage",
    "calls",
    "reasoning",
    "text",
    "exception",
)
"""Fields with a place of their own; all others follow the heading by name."""

QUIET: Final[tuple[object, ...]] = (None, "", [], {})


class ForEyes:
    """A structlog renderer for terminals.

    Args:
        colors: Whether the terminal shows them.
    """

    def __init__(self, *, colors: bool) -> None:
        self._colors = colors

    def __call__(self, _logger: object, method: str, fields: MutableMapping[str, object]) -> str:
        """One event of the log as lines of text."""
        lines = [self._heading(fields, method)]
        if reasoning := str(fields.get("reasoning") or ""):
            lines.append(self._paint(DIM, _indented(reasoning)))
        calls = fields.get("calls")
        lines += [self._call(call) for call in (calls if isinstance(calls, list) else ())]
        lines += [_indented(text) for name in ("text", "exception") if (text := str(fields.get(name) or ""))]
        return "\n".join(lines)

    def _heading(self, fields: Mapping[str, object], method: str) -> str:
        moment = str(fields.get("timestamp", ""))[11:19]
        style = BOLD if method in {"info", "debug", "notset"} else RED
        told = [self._paint(style, _name(fields)), *_details(fields)]
        run_id = printable(str(fields.get("run_id") or ""))
        return f"{self._paint(DIM, moment)} {' · '.join((*told, *([self._paint(DIM, run_id)] if run_id else [])))}"

    def _call(self, call: Mapping[str, object]) -> str:
        style = RED if call["failed"] else GREEN
        asked = self._paint(style, f"  {call['tool']}({printable(str(call['arguments']))})")
        result = printable(kindly(str(call["result"]))).replace("\n", "\n      ")
        trace = f"\n{self._paint(DIM, _indented(str(call['trace'])))}" if "trace" in call else ""
        return f"{asked} = {result} {self._paint(DIM, duration(float(str(call['seconds']))))}{trace}"

    def _paint(self, style: str, text: str) -> str:
        return f"{style}{text}{RESET}" if self._colors else text


def in_one_line(fields: Mapping[str, object]) -> str:
    """An event of the log as one line of text, for a log that has no fields."""
    calls = fields.get("calls")
    told = [_name(fields), *_details(fields)]
    asked = calls if isinstance(calls, list) else ()
    told += [f"{call['tool']}({call['arguments']}) = {call['result']}"[:WIDTH] for call in asked]
    told += [str(fields[name])[:WIDTH] for name in ("text", "run_id") if fields.get(name)]
    return " ".join(printable(" · ".join(told)).split())


def _name(fields: Mapping[str, object]) -> str:
    """What happened, and where: `clerk step 2 · model retried`."""
    agent, step, event = (printable(str(fields.get(name) or "")) for name in ("agent", "step", "event"))
    where = " ".join(filter(None, (agent, f"step {step}" if step else "")))
    return " · ".join(filter(None, (where, "" if event == "step" else event)))


def _details(fields: Mapping[str, object]) -> list[str]:
    """What is counted, and the fields that have no place of their own."""
    usage, seconds = fields.get("usage"), fields.get("seconds")
    counted = [f"{count:,} {kind}" for kind, count in usage.items()] if isinstance(usage, dict) else []
    counted += [duration(seconds)] if isinstance(seconds, float) else []
    others = ((key, value) for key, value in fields.items() if key not in HEADED and value not in QUIET)
    return [*counted, *(f"{key}={printable(str(value))}" for key, value in others)]


def _indented(text: str) -> str:
    return "  " + printable(text).replace("\n", "\n  ")
