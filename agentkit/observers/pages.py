"""A log line as a person reads it: the step in a heading, under it the reasoning, the calls and the words."""

from collections.abc import Mapping, MutableMapping
from typing import Final

from agentkit.observers.plain import duration, kindly, printable

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
        if text := str(fields.get("text") or ""):
            lines.append(_indented(text))
        return "\n".join(lines)

    def _heading(self, fields: Mapping[str, object], method: str) -> str:
        moment = str(fields.get("timestamp", ""))[11:19]
        name = f"{fields['event']} {fields['step']}" if fields["event"] == "step" else str(fields["event"])
        usage = fields.get("usage")
        counted = [f"{count:,} {kind}" for kind, count in usage.items()] if isinstance(usage, dict) else []
        if isinstance(seconds := fields.get("seconds"), float):
            counted.append(duration(seconds))
        others = [
            f"{key}={printable(str(value))}"
            for key, value in fields.items()
            if key not in HEADED and value not in QUIET
        ]
        style = RED if method == "warning" else BOLD
        parts = [self._paint(style, f"{fields.get('agent') or ''} {name}".strip()), *counted, *others]
        parts.append(self._paint(DIM, str(fields.get("run_id", ""))))
        return f"{self._paint(DIM, moment)} {' · '.join(parts)}"

    def _call(self, call: Mapping[str, object]) -> str:
        style = RED if call["failed"] else GREEN
        asked = self._paint(style, f"  {call['tool']}({printable(str(call['arguments']))})")
        result = printable(kindly(str(call["result"]))).replace("\n", "\n      ")
        trace = f"\n{self._paint(DIM, _indented(str(call['trace'])))}" if "trace" in call else ""
        return f"{asked} = {result} {self._paint(DIM, duration(float(str(call['seconds']))))}{trace}"

    def _paint(self, style: str, text: str) -> str:
        return f"{style}{text}{RESET}" if self._colors else text


def _indented(text: str) -> str:
    return "  " + printable(text).replace("\n", "\n  ")
