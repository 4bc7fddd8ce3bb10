"""A run as texts to take along: lines of JSON, or the source of a test that plays it again.

Everything here is scrubbed.  Nothing here writes a file, and nothing is read but the events.
"""

import json
import re
from collections.abc import Sequence

from agentkit.codec import line
from agentkit.debug.outline import beginning
from agentkit.debug.scrubbed import scrubbed
from agentkit.debug.words import content_text
from agentkit.events import ModelCalled, Recorded, RunFinished, RunForked, RunStarted
from agentkit.loop import Run, fold
from agentkit.observers.plain import printable
from agentkit.result import Result

NAME_WORDS, NAME_CHARS = 6, 50
"""Most words and letters of a prompt in a test's name."""

PROMPT_CHARS = 60
OUTPUT_CHARS = 300
"""A longer answer is not written out: the test holds to the recorded one anyway."""

LINE_CHARS = 100

_PIECES = re.compile(r"[^\n]{0,79}\n|[^\n]{1,80}(?:(?<=\s)|(?=\n)|$)|[^\n]{1,80}")
"""A long text in pieces: lines, and of long ones as many words as fit."""

TEST = '''\
"""What run {run_id} did, played again from its cassette: no model is asked, and no tool runs."""

from pathlib import Path

import pytest

from agentkit.testing import agent_at


@pytest.mark.asyncio
async def {name}(cassette):
    """{behaviour}"""
    agent = agent_at({target}, folder={folder})

    result = await cassette.run(agent)

    {asserts}
'''


def as_lines(events: Sequence[Recorded]) -> str:
    """A run as lines of JSON, one for each event."""
    return "".join(f"{line(each)}\n" for each in scrubbed(events))


def name_of(events: Sequence[Recorded]) -> str:
    """A name for the test of a run: the first words that it was asked, or its id."""
    words = re.findall(r"[a-z0-9]+", _prompt(scrubbed(events)).lower())
    name = "_".join(words[:NAME_WORDS])[:NAME_CHARS].rstrip("_")
    return f"test_{name if re.search('[a-z]{3}', name) else f'run_{_safe(fold(events).id)}'}"


def _safe(run_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", run_id).strip("_")


def _prompt(events: Sequence[Recorded]) -> str:
    asked = [message for message in beginning(events) if message.role == "user"]
    return content_text(asked[-1].content) if asked else ""


def as_test(events: Sequence[Recorded], *, target: str, folder: str = "") -> str:
    """The source of a pytest test that plays a run from the fixture `cassette`.

    Args:
        events: The run.
        target: How its agent is found, as in `shop.py:agent --model M`.
        folder: Where that is said from, as a path relative to the test's folder.
    """
    events = scrubbed(events)
    result: Result = Result(fold(events), tuple(events))
    return TEST.format(
        run_id=_words(result.run_id),
        name=name_of(events),
        behaviour=_behaviour(events, result),
        target=literal(target),
        folder=_folder(folder),
        asserts="\n    ".join(_asserts(events, result)),
    )


def _folder(way: str) -> str:
    up = re.match(r"(\.\.(/|$))*", way)
    assert up is not None
    above, below = ".parent" * up[0].count(".."), way[up.end() :]
    return f"Path(__file__).parent{above}" + (f" / {literal(below)}" if below else "")


def _behaviour(events: Sequence[Recorded], result: Result) -> str:
    calls = list(dict.fromkeys(call.name for step in result.steps for call in step.calls))
    how = f"the agent calls {', '.join(calls)}, and ends" if calls else "the agent ends"
    prompt = _words(_prompt(events))
    asked = f"{prompt[:PROMPT_CHARS]}…" if len(prompt) > PROMPT_CHARS else prompt
    return f"Asked '{asked}', {_words(how)} as {result.status!r}."


def _words(text: str) -> str:
    """A text in one line, which cannot end the docstring that it stands in."""
    return " ".join(printable(text).split()).replace("\\", "/").replace('"', "'")


def _asserts(events: Sequence[Recorded], result: Result) -> list[str]:
    found = [f"assert {literal(result.status)} == result.status"]
    if calls := [call.name for step in result.steps for call in step.calls]:
        found += _compared(calls, "[call.name for step in result.steps for call in step.calls]")
    if result.waiting:
        found += _compared([call.name for call in result.waiting], "[call.name for call in result.waiting]")
    return found + _of_output(events, result.run)


def _of_output(events: Sequence[Recorded], run: Run) -> list[str]:
    if not isinstance(run.ended, RunFinished) or not run.ended.output or len(run.ended.output) > OUTPUT_CHARS:
        return []
    if not _has_type(events):
        return _compared(run.ended.output, "result.output")
    # What the answer is as a value is known to its type, and that is the agent's.
    return _compared(run.ended.output, "result.run.ended.output")


def _has_type(events: Sequence[Recorded]) -> bool:
    """Whether the answer had to be of a type, as far as the record shows."""
    for recorded in events:
        match recorded.event:
            case RunStarted(answer_tool=str()):
                return True
            case (RunStarted() | RunForked()) as began if "output" in began.definition:
                return True
            case ModelCalled(settings=settings) if settings and "output" in json.loads(settings):
                return True
    return False


def _compared(expected: str | list[str], actual: str) -> list[str]:
    """An assert, in several lines where it would be a long one."""
    text = literal(expected) if isinstance(expected, str) else f"[{', '.join(map(literal, expected))}]"
    if len(text) + len(actual) <= LINE_CHARS:
        return [f"assert {text} == {actual}"]
    if isinstance(expected, str):
        pieces = [f"    {literal(each)}" for each in _PIECES.findall(expected)]
        return ["assert (", *pieces, f") == {actual}"]
    return ["assert [", *(f"    {literal(each)}," for each in expected), f"] == {actual}"]


def literal(text: str) -> str:
    """A text as Python writes one, in double quotes where it can."""
    said = repr(text)
    return f'"{said[1:-1]}"' if said[0] == "'" and not set(text) & set("'\"") else said
