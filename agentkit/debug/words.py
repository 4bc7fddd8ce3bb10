"""Times, tallies and contents in words.  Nothing here knows which run they belong to."""

from datetime import UTC, datetime

from agentkit.bill import Bill
from agentkit.limits import Spent
from agentkit.messages import Content, File, Image, Usage
from agentkit.observers.plain import LINES, WIDTH, cost_text, counted_as, duration
from agentkit.prices import Cost

PICTURE_CHARS = 60


def status_style(status: str) -> str:
    """How the status of a run looks at a terminal."""
    return "bold green" if status == "completed" else "bold yellow"


def moment(time: float) -> str:
    """A time in seconds since 1970 as a date and a time of day, UTC."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def tallies(spent: Spent, bill: Bill | None = None) -> list[str]:
    """What was spent, in words: `2 steps`, `1 call`, `900 in`, …

    Args:
        spent: As it is on record.
        bill: What it cost; left out, the cost on record is told.
    """
    parts = [counted_as(spent.steps, "step"), counted_as(spent.tool_calls, "call"), *tokens(spent.usage)]
    if bill is not None:
        return [*parts, *filter(None, [cost_text(bill)])]
    return parts if spent.cost is None else [*parts, f"cost {Cost(spent.cost)}"]


def tokens(usage: Usage) -> list[str]:
    """Tokens in words, as far as they are known."""
    counted = (("in", usage.input), ("cached", usage.cached), ("out", usage.output), ("reasoning", usage.reasoning))
    return [f"{count:,} {name}" for name, count in counted if count is not None]


def lasted(seconds: float) -> str:
    """A time between two moments as people say it; none at all where a clock was set back between them."""
    return duration(max(seconds, 0.0))


def cut(text: str, *, full: bool, lines: int = LINES) -> str:
    """The first lines of a text, and how many are left out; with `full` all of it."""
    if full:
        return text
    *kept, rest = [*text.strip().split("\n", lines), ""][: lines + 1]
    shown = "\n".join(line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in kept)
    left_out = rest.count("\n") + 1
    return f"{shown}\n… {counted_as(left_out, 'more line')}" if rest else shown


def content_text(content: Content) -> str:
    """A content in words; a picture or a document is named."""
    if isinstance(content, str):
        return content
    named = []
    for part in content:
        match part:
            case Image(url):
                named.append(f"[picture {url[:PICTURE_CHARS]}{'…' if len(url) > PICTURE_CHARS else ''}]")
            case File(name):
                named.append(f"[document {name}]")
            case _:
                named.append(part.text)
    return "\n".join(named)
