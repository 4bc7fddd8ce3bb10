"""One run as a page has it: what it is, what came of it, and its steps; made once from its events."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from pydantic import JsonValue

from agentkit.bill import Bill
from agentkit.codec import encode
from agentkit.debug.anomalies import Anomaly, anomalies
from agentkit.debug.export import as_test
from agentkit.debug.facts import Facts, about, plain
from agentkit.debug.outline import Passage, beginning, overview
from agentkit.debug.words import content_text
from agentkit.errors import AgentkitError
from agentkit.events import ModelCalled, ModelReplied, Recorded, RunFinished, RunForked, RunStarted
from agentkit.messages import ToolCall
from agentkit.viewer.bars import bars_of
from agentkit.viewer.calls import Called
from agentkit.viewer.offers import offered
from agentkit.viewer.steps import Steps, money
from agentkit.viewer.texts import SHOWN

TITLE = 300
"""Characters of the prompt over a page."""

TEST = "test"
"""What the run as a test is asked for by."""


def title_of(events: Sequence[Recorded]) -> str:
    """What a run was asked, as the title of a page."""
    asked = [message for message in beginning(events) if message.role == "user"]
    return content_text(asked[-1].content)[:TITLE] if asked else ""


class Told:
    """A run, made into JSON values as far as it is asked for.

    Args:
        events: Its durable events, in order.
        charged: What it cost.

    Attributes:
        events: Its events.
        steps: Its steps.
        texts: Its long texts, as far as they were asked for.
    """

    def __init__(self, events: Sequence[Recorded], charged: Bill) -> None:
        self.events = events
        self.steps = Steps(events, charged)
        self.texts = self.steps.texts
        self._bill = charged

    @cached_property
    def overview(self) -> Facts:
        """The run at a glance."""
        view = overview(self.events)
        told = about(view)
        told["output"] = self.texts.cut("output", view.output)
        told["detail"] = self.texts.cut("detail", view.detail)
        return {
            **told,
            "began": view.started,
            "title": title_of(self.events),
            "target": self._target(),
            "steps": len(self.steps) - 1,
            "events": len(self.events),
            "ended": any(isinstance(each.event, RunFinished) for each in self.events[-1:]),
            "tools": self._tools(),
            "schemas": {name: self._schema(name, text) for name, text in offered(self.events).items()},
            "problems": [step.number for step, calls in self.steps.calls if _is_problem(step, calls)],
            "waiting": [*self._waiting()],
            "anomalies": [_anomaly(each) for each in anomalies(self.events)],
            "money": money(self._bill),
            "answered": self._answered(),
        }

    @cached_property
    def timeline(self) -> Facts:
        """When what happened: for each step its request and its calls, and what stood between."""
        first = self.events[0].time if self.events else 0.0
        beginning: Facts = {"n": 0, "time": first, "calls": [], "marks": self.steps.marks(0)}
        bars = (bars_of(step, calls, self.steps.marks(step.number)) for step, calls in self.steps.calls)
        return {"steps": [beginning, *bars]}

    def find(self, words: str) -> Sequence[int]:
        """The steps in which some words stand."""
        wanted = words.lower()
        found: set[int] = set()
        last = 0
        for recorded in self.events:
            last = max(last, recorded.step)
            if any(wanted in text for text in _texts(recorded)):
                found.add(last)
        return sorted(found)

    def text(self, name: str, start: int) -> Facts | None:
        """A part of a long text."""
        if name == TEST:
            # Few ask for it.
            self.texts.whole.setdefault(TEST, self._test())
        if name not in self.texts.whole:
            # Texts are found when what they stand in is made.
            number = name.partition(".")[0]
            _ = self.steps.step(int(number)) if _NUMBER.fullmatch(number) else self.overview
        return self.texts.part(name, start)

    def _schema(self, name: str, text: JsonValue) -> Facts:
        return self.texts.cut(f"tool.{name}", str(text))

    def _test(self) -> str:
        """The whole run as a test; where its agent is not known, somebody has to say."""
        run_id = self.overview["run_id"]
        try:
            source = as_test(self.events, target=self._target() or "file.py:agent")
        except AgentkitError as error:
            return f"# {error}\n"
        return f"# With its cassette: agentkit export {run_id} --test tests/test_run.py\n{source}"

    def _target(self) -> str:
        found = [each.event.target for each in self.events if isinstance(each.event, RunStarted | RunForked)]
        return next((each for each in reversed(found) if each), "")

    def _answered(self) -> str:
        """The text of the last reply, as far as a page has it: an answer is not to be told twice."""
        replies = (step.replied for step in reversed(self.steps.passages))
        last = next((each for each in replies if each is not None), None)
        return "" if last is None else content_text(last.message.content)[:SHOWN]

    def _tools(self) -> list[JsonValue]:
        """Every tool that was offered or called, with how often it was called and failed."""
        offers = {each.event.tools for each in self.events if isinstance(each.event, ModelCalled)}
        known = dict.fromkeys(name for each in offers for name in each)
        calls = [(call.history.call.name, call.state) for _, each in self.steps.calls for call in each]
        made = Counter(name for name, _ in calls)
        unrun = Counter(name for name, state in calls if state == "not run")
        failed = unrun + Counter(name for name, state in calls if state == "failed")
        return [
            {
                "name": name,
                "calls": made[name],
                "failed": failed[name],
                "unrun": unrun[name],
                "offered": name in known,
            }
            for name in dict.fromkeys([*known, *made])
        ]

    def _waiting(self) -> list[Facts]:
        return [
            call.as_json(f"{step.number}.c{place}", self.texts)
            for step, calls in self.steps.calls
            for place, call in enumerate(calls)
            if call.state == "waiting"
        ]


_NUMBER = re.compile("[0-9]{1,9}")


def _texts(recorded: Recorded) -> list[str]:
    """What stands in an event, in small letters."""
    found: list[str] = []

    def take(text: str) -> str:
        found.append(text.lower())
        return text

    encode(recorded.event, text=take, long=take)
    return [*found, *(call.name.lower() for call in _asked(recorded))]


def _asked(recorded: Recorded) -> Sequence[ToolCall]:
    return recorded.event.message.tool_calls if isinstance(recorded.event, ModelReplied) else ()


_FEELS = {"error": "bad", "warning": "warn", "note": "idle"}


def _anomaly(each: Anomaly) -> Facts:
    told = plain(each)
    assert isinstance(told, dict)
    return {**told, "feel": _FEELS[each.severity]}


def _is_problem(step: Passage, calls: Sequence[Called]) -> bool:
    """Whether something of a step went wrong."""
    bad = any(call.doubtful or call.state in {"failed", "not run", "in doubt"} for call in calls)
    return bad or step.finish_reason is not None or step.rejected is not None
