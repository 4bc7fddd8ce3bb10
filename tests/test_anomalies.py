"""What is out of the ordinary in a run is found, named and placed."""

import asyncio
import json
import re
from dataclasses import replace
from typing import get_args

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from strategies import PlannedModel, events, make_tools, plans

from agentkit import (
    Agent,
    Decision,
    Limits,
    Message,
    ModelCalled,
    ModelError,
    ModelReplied,
    Recorded,
    RunFinished,
    RunStarted,
    Settings,
    ToolCall,
    ToolFinished,
    ToolResult,
    ToolStarted,
    Usage,
    tool,
)
from agentkit.cli import group
from agentkit.debug import Change, fork
from agentkit.debug.anomalies import NOTHING, anomalies, as_parts
from agentkit.debug.anomaly import Anomaly, Kind, in_steps
from agentkit.debug.facts import as_json
from agentkit.debug.page import as_lines, as_markdown
from agentkit.events import FailedAttempt, OutputRejected, RunResumed, RunSuspended, Unknown
from agentkit.journal import MemoryClaim
from agentkit.messages import Reasoning
from agentkit.testing import FakeClock, ScriptedModel, call, reply

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Report(BaseModel):
    """A report."""

    title: str


@tool(effect="read")
async def look(name: str) -> str:
    """Look."""
    return f"{name} is here"


@tool
async def fail(why: str) -> str:
    """Fail."""
    raise ValueError(why)


@tool(approval="always")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@tool(max_result_chars=20)
async def tell() -> str:
    """Tell a lot."""
    return "x" * 900


async def ran(*script, **options):
    """The events of a run in which no time passes."""
    options = {"tools": [look, fail, pay, tell], "clock": FakeClock(), **options}
    return (await Agent(ScriptedModel(*script), **options).run("go")).events


def told(*happened):
    """Events with their steps, a second apart."""
    return tuple(Recorded("r", seq, 1_700_000_000.0 + seq, step, event) for seq, (step, event) in enumerate(happened))


def found(recorded, kind):
    """The anomalies of a kind."""
    return [each for each in anomalies(recorded) if each.kind == kind]


def one(recorded, kind):
    """The only anomaly of a kind."""
    [only] = found(recorded, kind)
    return only


def replied(text="ok", *, reasoning="", calls=(), reason="stop", usage=None, origin="h/m", **more):
    thought = Reasoning(reasoning) if reasoning else None
    message = Message("assistant", text, thought, tuple(calls), origin=origin)
    return ModelReplied(message, usage or Usage(), reason, **more)


STARTED = (0, RunStarted("r", "a", (Message("user", "go"),)))
FINISHED = RunFinished("completed", "ok")


def replies(*several, settings=""):
    """A run of these replies, each in a step of its own; the last one is its answer."""
    happened = [
        pair
        for step, each in enumerate(several, 1)
        for pair in ((step, ModelCalled("m", 1, ("look",), settings=settings)), (step, each))
    ]
    return told(STARTED, *happened, (len(several), FINISHED))


async def test_an_ordinary_run_has_none():
    """A run in which all goes well has nothing to tell."""
    recorded = await ran(call("look", name="a"), call("look", name="b"), "both are here")

    assert () == anomalies(recorded)
    assert [f"anomalies: {NOTHING}"] == [line.text for line in as_lines(as_parts(()))]


def test_no_events_have_none():
    """Nothing is said of nothing."""
    assert () == anomalies(())


# Calls.


async def test_the_same_call_again_is_told_once():
    """Identical calls are one anomaly, at the second of them, with the steps; spelling makes no difference."""
    again = call("look", '{ "name":"a" }')
    recorded = await ran(call("look", name="a"), again, again, "done")
    anomaly = one(recorded, "repeated_call")

    assert ("warning", 2, "call_2") == (anomaly.severity, anomaly.step, anomaly.call_id)
    assert "3 times" in anomaly.title
    assert "steps 1, 2 and 3, with the same result each time" in anomaly.detail


async def test_a_call_that_answers_differently_is_a_note():
    """To ask twice for what changes is no loop yet."""
    said = iter("ab")

    @tool(effect="read")
    async def status() -> str:
        """Tell the state."""
        return next(said)

    anomaly = one(await ran(call("status"), call("status"), "done", tools=[status]), "repeated_call")

    assert "note" == anomaly.severity
    assert "with different results" in anomaly.detail


async def test_a_failing_tool_is_told_once():
    """Failures of one tool are one anomaly, with the steps and the first reason."""
    recorded = await ran(call("fail", why="no luck"), call("fail", why="none at all"), "sorry")
    anomaly = one(recorded, "failing_tool")

    assert ("error", 1, "call_1", "fail failed, 2 times") == (
        anomaly.severity,
        anomaly.step,
        anomaly.call_id,
        anomaly.title,
    )
    assert "steps 1 and 2" in anomaly.detail
    assert "no luck" in anomaly.detail


@pytest.mark.parametrize(
    ("script", "title"),
    [
        (
            [call("look", name="a"), call("fail", why="x"), "done"],
            "the last call failed, and the run ended as completed",
        ),
        ([call("look", nmae="a"), "done"], "the last call was not run, and the run ended as completed"),
        ([call("fail", why="x"), call("look", name="a"), "done"], None),
    ],
    ids=["failed", "not run", "not the last"],
)
async def test_an_end_after_a_call_that_gave_nothing_is_told(script, title):
    """A run may end as completed though its last call failed: its answer is then to be read with care."""
    recorded = await ran(*script)
    told = found(recorded, "last_call_failed")

    assert ([] if title is None else [("warning", title)]) == [(each.severity, each.title) for each in told]
    assert not found(recorded[:-1], "last_call_failed")


async def test_arguments_that_were_refused_are_told():
    """A call that its tool could not take is told with what it asked and what was expected."""
    anomaly = one(await ran(call("look", nmae="a"), "sorry"), "refused_arguments")

    assert ("warning", "look refused its arguments") == (anomaly.severity, anomaly.title)
    assert 'look(nmae="a")' in anomaly.detail
    assert "name is missing" in anomaly.detail


async def test_a_tool_that_is_not_there_is_told():
    """A call of a tool that was not offered is no failure of a tool."""
    recorded = await ran(call("search"), call("look", name="a"), "sorry")
    anomaly = one(recorded, "unknown_tool")

    assert "there is no tool 'search'" == anomaly.title
    assert not found(recorded, "failing_tool")


async def test_a_tool_that_is_not_there_is_told_of_a_fork_as_well():
    """A reply that a fork has put there calls what nobody offered in its step."""
    recorded = await Agent(ScriptedModel("hi"), tools=[look]).run("go")
    other = reply(calls=[call("search", call_id="x")])
    forked = await fork(Agent(ScriptedModel("ok"), tools=[look]), recorded, at=1, change=Change(reply=other))
    unasked = tuple(each for each in forked.events if not isinstance(each.event, ModelCalled))

    assert [1, 1] == [one(each, "unknown_tool").step for each in (forked.events, unasked)]


async def test_mended_arguments_are_told():
    """Arguments that had to be mended are told with the mend."""
    anomaly = one(await ran(call("look", '{"name": "a",}'), "ok"), "repaired_arguments")

    assert "note" == anomaly.severity
    assert 'trailing_comma: {"name": "a",}' == anomaly.detail


async def test_a_cut_result_is_told():
    """What the model saw only a part of is told with how much."""
    anomaly = one(await ran(call("tell"), "ok"), "cut_result")

    assert "of 900 characters" in anomaly.detail


async def test_a_call_that_a_person_refused_is_told():
    """A refusal is told with its reason, and is no failure of the tool."""

    async def refuse(question):
        return Decision(granted=False, reason="too much")

    recorded = await ran(call("pay", amount=9), "ok", approver=refuse)
    anomaly = one(recorded, "refused_call")

    assert ("a person refused pay", "too much") == (anomaly.title, anomaly.detail)
    assert {"refused_call"} == {each.kind for each in anomalies(recorded)}


@pytest.mark.parametrize(
    ("in_doubt", "severity", "title"),
    [("tell", "error", "nobody knows whether fail took effect"), ("again", "warning", "fail was made again")],
)
async def test_a_call_in_doubt_is_told(in_doubt, severity, title):
    """A call that a dead process had started is in doubt until it has a result, and told as what became of it."""
    whole = await ran(call("fail", why="x"), "ok")
    begun = next(place for place, each in enumerate(whole) if isinstance(each.event, ToolStarted))
    torn = list(whole[: begun + 1])
    agent = Agent(ScriptedModel("ok"), tools=[look, fail], clock=FakeClock(), in_doubt=in_doubt)
    resumed = await agent.carry_on(MemoryClaim(), [RunResumed("h:1")], events=[*torn])

    left, then = one(torn, "in_doubt"), one(resumed.events, "in_doubt")
    assert ("warning", "fail has no result", "call_1") == (left.severity, left.title, left.call_id)
    assert (severity, title, "call_1") == (then.severity, then.title, then.call_id)
    assert "the run was taken up again" == one(resumed.events, "restarted").title


def test_a_call_that_was_slow_is_told():
    """A call far beyond what its tool takes as a rule is told; quick ones never are."""
    times = [1.0, 1.2, 1.1, 30.0, 0.9]

    def calls(times):
        happened = []
        for step, seconds in enumerate(times, 1):
            made = ToolCall(f"c{step}", "look", f'{{"name": "{step}"}}')
            happened += [
                (step, ModelCalled("m", 1, ("look",))),
                (step, replied("", calls=[made], reason="tool_calls")),
                (step, ToolStarted(made.id, "look", "k")),
                (step, ToolFinished(ToolResult(made.id, "x"), seconds)),
            ]
        return told(STARTED, *happened)

    anomaly = one(calls(times), "slow_tool")
    assert ("c4", "30.0 s, and 1.1 s as a rule") == (anomaly.call_id, anomaly.detail)
    assert not found(calls([each / 100 for each in times]), "slow_tool")
    assert not found(calls(times[-2:]), "slow_tool")


# Replies.


async def test_a_cut_reply_is_told():
    """A reply that was cut is an error, with how long it was and what was not made of it."""
    cut = reply("", calls=[call("look", name="a")], finish_reason="length", usage=Usage(9, 64, reasoning=60))
    recorded = await ran(cut, "ok", settings=Settings(max_completion_tokens=64))
    anomaly = one(recorded, "cut_reply")

    assert ("error", 1) == (anomaly.severity, anomaly.step)
    assert (
        "64 tokens; 60 of them reasoning; max_completion_tokens is 64; "
        "1 call of it not made, because arguments may be missing"
    ) == anomaly.detail
    assert {"cut_reply", "last_call_failed"} == {each.kind for each in anomalies(recorded)}


def test_a_reply_that_was_nearly_cut_is_told():
    """A reply close to its limit is a note; reasoning does not count for a limit of the answer alone."""
    long, thoughtful = (replied(usage=Usage(9, 95, reasoning=count)) for count in (0, 50))

    near = one(replies(long, settings='{"max_tokens":100}'), "near_limit")
    assert ("note", "95 tokens; max_tokens is 100") == (near.severity, near.detail)
    assert not found(replies(thoughtful, settings='{"max_tokens":100}'), "near_limit")
    assert found(replies(thoughtful, settings='{"max_completion_tokens":100}'), "near_limit")


async def test_refused_and_empty_replies_are_told():
    """A refusal is an error, an empty reply a warning; what the model is told of it is not told twice."""
    refused = await ran(reply("No.", finish_reason="content_filter"))
    empty = await ran("", "ok")

    assert ("error", "No.") == (one(refused, "refused_reply").severity, one(refused, "refused_reply").detail)
    assert ("warning", 1) == (one(empty, "empty_reply").severity, one(empty, "empty_reply").step)
    assert [1, 1] == [len(anomalies(each)) for each in (refused, empty)]


@pytest.mark.parametrize("mode", ["tool", "json_schema"])
async def test_a_rejected_answer_is_told(mode):
    """An answer that is not of the output type is told, whichever way it is given."""
    wrong, right = ({"title": 1}, {"title": "x"})
    script = [call("final_answer", **each) if mode == "tool" else json.dumps(each) for each in (wrong, right)]
    model = ScriptedModel(*script, output_mode=mode)
    recorded = (await Agent(model, output=Report, clock=FakeClock()).run("go")).events
    anomaly = one(recorded, "rejected_output")

    assert ("warning", 1) == (anomaly.severity, anomaly.step)
    assert "title" in anomaly.detail


def test_a_request_without_a_reply_is_told():
    """A step for which the model was asked twice has lost a reply."""
    recorded = told(
        STARTED,
        (1, ModelCalled("m", 1, ())),
        (1, RunResumed("h:2")),
        (1, ModelCalled("m", 1, ())),
        (1, replied()),
        (1, FINISHED),
    )

    assert "asked 2 times" in one(recorded, "lost_reply").detail
    assert "its process was gone" in one(recorded, "restarted").detail


def test_attempts_that_failed_are_told():
    """What failed before a reply is told with its reasons."""
    failed = (FailedAttempt(1, "rate_limited", "slow down", 0.5, 2.0, "m"), FailedAttempt(2, "timeout", "gone", 9.0))
    anomaly = one(replies(replied(attempts=failed)), "failed_attempts")

    assert "the model was asked again 2 times" == anomaly.title
    assert (
        "attempt 1 failed after 500 ms (rate_limited): slow down\nattempt 2 failed after 9.0 s (timeout): gone"
    ) == anomaly.detail


def test_oddities_of_replies_are_told_in_words():
    """Warnings of replies are told in words, each once; one that nobody knows is told as it is."""
    warned = ("model_fallback", "not_sent:stop", "empty_response", "brand_new")
    several = [replied("", calls=[ToolCall(f"c{n}", "look", "{}")], warnings=warned) for n in range(2)]
    odd = found(replies(*several, replied(reason="other")), "odd_reply")

    assert [
        "the server had another model answer, 2 times",
        "stop was not sent: the provider does not take it, 2 times",
        "brand_new, 2 times",
        "the reply ended for a reason that nobody here knows",
    ] == sorted((each.title for each in odd), key=lambda title: ("reason" in title, "brand" in title, "stop" in title))


@pytest.mark.parametrize("warned", [True, False], ids=["with its warning", "without"])
def test_a_lost_cache_is_told(warned):
    """A beginning that is not cached any more is told with the tokens, also after a resumption, which warns of nothing."""
    before = replied(usage=Usage(4000, 9, 3500))
    now = replied(usage=Usage(4100, 9, 0), warnings=("cache_lost",) if warned else ())
    anomaly = one(replies(before, now), "cache_collapse")

    assert ("warning", 2) == (anomaly.severity, anomaly.step)
    assert "3,500 of 4,000 tokens were read from the provider's cache, then 0 of 4,100 tokens" == anomaly.detail
    assert not found(replies(before, replied(usage=Usage(4100, 9, 3600))), "cache_collapse")


def test_a_lost_cache_says_what_has_changed():
    """Other tools, or another model, are named where they stand before the conversation."""
    before, now = replied(usage=Usage(4000, 9, 3500)), replied(usage=Usage(4100, 9, 0))
    recorded = told(
        STARTED,
        (1, ModelCalled("m", 1, ("look",))),
        (1, before),
        (2, ModelCalled("m-2", 1, ("look", "pay"))),
        (2, now),
        (2, FINISHED),
    )

    assert ["other tools were offered", "another model was asked"] == one(recorded, "cache_collapse").detail.split(
        "\n"
    )[1:]


def test_reasoning_that_never_came_is_told():
    """Of a model that reasons as a rule, replies without are told; of one that seldom does, none."""
    thinks, not_ = replied(reasoning="Hm."), replied()
    counted = replied(usage=Usage(9, 9, reasoning=5))
    anomaly = one(replies(thinks, not_, counted, thinks), "no_reasoning")

    assert ("note", 2) == (anomaly.severity, anomaly.step)
    assert "3 of 4 replies of this model came with reasoning; step 2 without" == anomaly.detail
    for recorded in (
        replies(thinks, not_, not_),
        replies(thinks, thinks, replied(origin="h/other")),
        replies(thinks, thinks, not_, settings='{"thinking":"disabled"}'),
        replies(thinks, thinks, replied(" ")),
    ):
        assert not found(recorded, "no_reasoning")


def test_a_slow_reply_is_told():
    """A reply far beyond the others is told with what is usual."""
    several = [replied(seconds=seconds) for seconds in (4.0, 5.0, 3.0, 60.0, 4.0)]
    anomaly = one(replies(*several), "slow_reply")

    assert (4, "1 min 0 s, and 4.0 s as a rule") == (anomaly.step, anomaly.detail)


# The run.


async def test_how_a_run_stands_is_told():
    """A run that failed, was cancelled, waits, gave up or reached a limit says so, and so does one without an end."""
    waiting = await ran(call("pay", amount=9))
    limited = await ran(call("look", name="a"), limits=Limits(steps=1))
    empty = await ran("", "", "")
    broken = Agent(ScriptedModel(ModelError("no key", category="auth")), clock=FakeClock())
    with pytest.raises(ModelError) as caught:
        await broken.run("go")
    cancelled = told(STARTED, (0, RunSuspended("cancelled", "the run was cancelled")))

    for recorded, kind, severity, words in (
        (waiting, "waiting", "warning", "pay (call_1)"),
        (limited, "limit_reached", "error", "Limits.steps"),
        (empty, "run_stopped", "error", "3 replies in a row"),
        (caught.value.result.events, "run_stopped", "error", "no key"),
        (cancelled, "run_stopped", "warning", "cancelled"),
        (told(STARTED), "unfinished", "note", "no end is on record"),
    ):
        anomaly = one(recorded, kind)
        assert (severity, True) == (anomaly.severity, words in anomaly.detail), anomaly


async def test_a_last_request_is_told():
    """A request that a limit forced to be the last is told where it was made."""
    recorded = await ran(call("look", name="a"), "ok", limits=Limits(steps=1, last_answer=True))

    assert ("warning", 2) == (one(recorded, "near_limit").severity, one(recorded, "near_limit").step)


async def test_a_limit_that_is_near_is_told():
    """A run that had nearly come to one of its limits says to which, and one that was far from them says nothing."""
    near = await ran(call("look", name="a"), "ok", limits=Limits(steps=2, tokens=1_000))
    far = await ran(call("look", name="a"), "ok", limits=Limits(steps=3, tokens=1_000))

    assert ("note", "2 of 2 steps") == (one(near, "near_limit").severity, one(near, "near_limit").detail)
    assert not found(far, "near_limit")


def test_a_run_that_was_taken_up_again_says_why_it_had_stopped():
    """A stop that was got over is a note, and not how the run stands."""
    recorded = told(
        STARTED, (0, RunSuspended("failed", "no key")), (0, RunResumed("h:2")), (1, replied()), (1, FINISHED)
    )
    anomaly = one(recorded, "restarted")

    assert ("note", "no key") == (anomaly.severity, anomaly.detail)
    assert not found(recorded, "run_stopped")


def test_hidden_secrets_are_counted():
    """How many texts lost a secret is told once for the run."""
    recorded = [replace(each, hidden=1) for each in replies(replied())]

    assert "4 texts with hidden secrets" == one(recorded, "hidden_secrets").title


def test_events_of_a_newer_version_are_told():
    """What this version does not know may be what matters."""
    recorded = told(STARTED, (0, Unknown("Novelty", "{}")), (1, replied()), (1, FINISHED))

    assert one(recorded, "unknown_event").title.endswith(": Novelty")


# All of them.


def test_the_worst_comes_first():
    """Errors come before warnings and notes, and what is equally bad in the order of the steps."""
    several = [replied("", reason="length"), replied(""), replied("x", reason="other"), replied("", reason="length")]
    order = [(each.severity, each.step) for each in anomalies(replies(*several))]

    assert [("error", 1), ("error", 4), ("warning", 2), ("note", 3)] == order


def test_rejected_and_empty_are_not_told_twice():
    """An empty reply that was rejected is one anomaly."""
    recorded = told(STARTED, (1, replied("")), (1, OutputRejected("Empty.", "empty")), (2, replied()), (2, FINISHED))

    assert ["empty_reply"] == [each.kind for each in anomalies(recorded)]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([2], "step 2"), ([2, 2, 3], "steps 2 and 3"), (range(1, 9), "steps 1, 2, 3, 4, 5, 6 and 2 more")],
)
def test_steps_are_told_in_words(numbers, said):
    """Many steps are not all named."""
    assert said == in_steps(numbers)


@settings(max_examples=60)
@given(plans)
def test_any_run_has_anomalies_that_can_be_placed(plan):
    """Whatever a run does, each anomaly names a step of it, and the call that it is about."""
    model = PlannedModel(plan)
    agent = Agent(model, tools=make_tools([]), limits=Limits(steps=6), clock=FakeClock())
    result = asyncio.run(agent.run("go"))

    calls = {each.id: step.number for step in result.steps for each in step.calls}
    for each in anomalies(result.events):
        assert 0 <= each.step <= result.run.steps
        assert each.call_id is None or calls[each.call_id] == each.step
        assert each.kind in get_args(Kind)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 3), events), max_size=8))
def test_any_events_have_anomalies_that_can_be_shown(happened):
    """Whatever stands in a record, what is told of it is text that a terminal does not obey."""
    parts = [*as_parts(anomalies(told(*happened)))]

    assert not any(CONTROL.search(line.text) for line in as_lines(parts))
    assert as_markdown(parts).encode()


def test_a_long_run_is_looked_at_at_once():
    """Much that is wrong makes few anomalies, with few words each."""
    several = [replied("", calls=[ToolCall(f"c{n}", "look", "x" * 9_999)], reason="tool_calls") for n in range(300)]
    told_of = anomalies(replies(*several))

    assert 2 > len(told_of) - 1
    assert all(len(each.detail) < 2_000 for each in told_of)


# The command.


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(tmp_path / "runs.db"))
    model = ScriptedModel(call("fail", why="\x1b[31m<b>"), "sorry")
    return Agent(model, tools=[fail], journal=tmp_path / "runs.db").run_sync("go")


def test_the_command_shows_anomalies(kept):
    """`agentkit show --anomalies` tells them alone, as lines, as Markdown and as JSON."""
    plain, md, as_object = (
        CliRunner().invoke(group, ["show", "last", "--anomalies", *more], catch_exceptions=False)
        for more in ([], ["--md"], ["--json"])
    )

    assert "anomalies: 1 error" in plain.output
    assert "error · step 1 · fail failed · call_1" in plain.output
    assert "\x1b" not in plain.output + md.output
    anomaly, _ = json.loads(as_object.output)["anomalies"]
    assert ("failing_tool", "call_1", kept.run_id) == (
        anomaly["kind"],
        anomaly["call_id"],
        json.loads(as_object.output)["run_id"],
    )


def test_a_whole_run_as_json_has_its_anomalies(kept):
    """Programs that read a run find them beside its steps."""
    anomaly, _ = as_json(kept.events)["anomalies"]

    assert {"kind", "title", "detail", "step", "call_id", "severity"} == anomaly.keys()
    assert isinstance(anomalies(kept.events)[0], Anomaly)
