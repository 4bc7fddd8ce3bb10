"""A whole run told in order, in lines, in Markdown and as JSON."""

import asyncio
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import PlannedModel, events, make_tools, plans

from agentkit import (
    Agent,
    ApprovalAsked,
    ApprovalGiven,
    Decision,
    Limits,
    Message,
    ModelCalled,
    ModelReplied,
    Price,
    Recorded,
    RunFinished,
    RunStarted,
    RunSuspended,
    Settings,
    ToolCall,
    ToolFinished,
    ToolResult,
    ToolStarted,
    Usage,
    tool,
)
from agentkit.debug.facts import as_json
from agentkit.debug.outline import overview, steps
from agentkit.debug.page import code, fenced, one_line
from agentkit.debug.story import NOTHING, as_markdown, story
from agentkit.debug.words import lasted
from agentkit.events import FailedAttempt, RunForked, RunResumed, Unknown
from agentkit.messages import Image, Text
from agentkit.testing import FakeClock, ScriptedModel, call, reply

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@tool(effect="read")
async def look(name: str) -> str:
    """Look."""
    return "\n".join(f"line {number} of {name}" for number in range(9))


@tool(approval="always")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@tool
async def fail() -> str:
    """Fail."""
    raise ValueError("no luck")


def text(recorded, *, full=False):
    return "\n".join(line.text for line in story(recorded, full=full))


async def ran(*script, prompt="go", **options):
    """The events of a run in which no time passes."""
    options = {"tools": [look, pay, fail], "clock": FakeClock(), **options}
    return (await Agent(ScriptedModel(*script), name="clerk", **options).run(prompt)).events


def told(*happened, run_id="run"):
    """Events with their steps and with the seconds at which they happened."""
    return tuple(
        Recorded(run_id, seq, 1_700_000_000.0 + seconds, step, event)
        for seq, (step, seconds, event) in enumerate(happened)
    )


STARTED = RunStarted("run", "clerk", (Message("system", "Be brief."), Message("user", "go")))
CALLED = ModelCalled("m", 2, ("pay",))
REPLIED = ModelReplied(
    Message("assistant", tool_calls=(ToolCall("c1", "pay", '{"amount": 3}'),)), Usage(), "tool_calls"
)
BEGUN = ((0, 0, STARTED), (1, 0, CALLED), (1, 1, REPLIED))


# What is told.


async def test_a_run_is_told_in_order():
    """What it is, what it was asked, each step with its reasoning and its calls beside their results, and the answer."""
    recorded = await ran(
        reply(reasoning="Hm.\nSo.\nWell.", calls=[call("look", name="x")], usage=Usage(900, 20, 300, 8)),
        reply("Nine lines.", usage=Usage(1_000, 5)),
        instructions="Be brief.",
    )
    run_id = recorded[0].run_id

    assert f"""\
run {run_id} · clerk · scripted
completed · 2 steps · 1 call · 1,900 in · 300 cached · 25 out · 8 reasoning
started 2023-11-14T22:13:20Z, took 0 ms
instructions: Be brief.
prompt: go

step 1 · scripted · 0 ms · 900 in · 300 cached · 20 out · 8 reasoning
  tools: look, pay, fail
  reasoning:
    Hm.
    So.
    … 1 more line
  → look(name="x")
    ← 0 ms:
      line 0 of x
      line 1 of x
      line 2 of x
      line 3 of x
      line 4 of x
      line 5 of x
      … 3 more lines

step 2 · scripted · 0 ms · 1,000 in · 5 out
  text: the output, told at the end

— completed —
output: Nine lines.""" == text(recorded)


async def test_in_full_nothing_is_cut():
    """Reasoning, arguments, results and keys are whole."""
    recorded = await ran(
        reply(reasoning="1\n2\n3\n4", calls=[call("look", name="x" * 500)]), "done", instructions="a\n" * 9
    )
    page = text(recorded, full=True)

    assert "more line" not in page
    assert '"name": "' + "x" * 500 in page
    assert "line 8 of x" in page
    assert f"key {recorded[0].run_id}:1.0" in page


async def test_a_run_with_a_price_says_what_it_cost():
    """Where no price is known, nothing is said."""
    model = ScriptedModel(reply("done", usage=Usage(1_000_000, 0)), price=Price(input=2.0, output=8.0))
    result = await Agent(model).run("go")

    assert " · cost 2" in text(result.events)
    assert "cost" not in text(await ran("done"))


async def test_failures_and_oddities_are_marked():
    """A failed call is red and says so, with where it raised; a cut reply says why it ended; warnings are notes."""
    recorded = await ran(reply(calls=[call("fail")]), reply("It fa", finish_reason="length"))
    odd = replace(recorded[2], event=replace(recorded[2].event, warnings=("odd_thing",)))
    lines = list(story((*recorded[:2], odd, *recorded[3:])))
    styles = {line.text.strip(): line.style for line in lines}

    assert ["red"] == [style for words, style in styles.items() if words.startswith("← failed, 0 ms")]
    assert ["dim"] == [style for words, style in styles.items() if words.startswith("trace")]
    assert any(words.endswith("finish reason length") for words in styles)
    assert "dim yellow" == styles["note: odd_thing"]
    assert "bold yellow" == styles["— cut —"]


async def test_what_is_added_to_the_prompt_is_told_where_it_was():
    """A reply that was no answer, and what the model was told about it."""
    recorded = await ran("", "done")

    assert "  no text and no calls\n  not an answer yet: Your reply was empty." in text(recorded)


async def test_arguments_that_were_mended_are_told():
    """Whoever looks for a cause can see that the model did not write JSON."""
    assert "    arguments mended: trailing_comma\n" in text(await ran(call("look", '{"name": "x",}'), "done"))


async def test_only_what_is_new_about_a_request_is_told():
    """Tools and settings are named in the first step, and then where they change; a last request says what it is."""
    recorded = await ran(
        *(call("look", name=name) for name in "xy"),
        "done",
        settings=Settings(temperature=0.5),
        limits=Limits(steps=2, last_answer=True),
    )
    page = text(recorded)

    assert 1 == page.count("tools: look, pay, fail")
    assert 1 == page.count("temperature")
    assert "\n  for an answer only: a limit is reached\n" in page


async def test_calls_of_an_answer_only_are_not_made():
    """A call that the last request brings all the same waits for nobody."""
    recorded = await ran(
        call("look", name="x"), call("look", name="y"), limits=Limits(steps=1, last_answer=True, attempts=1)
    )

    assert '→ look(name="y")\n    not made' in text(recorded)


async def test_where_a_run_comes_from_is_told():
    """The call that it answers, the conversation that it continues, and the messages before the prompt."""
    first = await Agent(ScriptedModel("one")).run("go")
    recorded = (await Agent(ScriptedModel("two")).run("and?", history=first.messages)).events
    started = replace(recorded[0].event, parent="outer/c1", continues="earlier")
    page = text((replace(recorded[0], event=started), *recorded[1:]))

    assert "called by outer/c1\ncontinues the conversation of earlier\n2 messages before\nprompt: and?" in page
    assert "  assistant: one" in text(recorded, full=True)


async def test_pictures_are_named():
    """Their data would fill the page."""
    recorded = await ran("done", prompt=[Text("see"), Image("data:image/png;base64," + "A" * 1000)])

    assert "  see\n  [picture data:image/png;base64,AAAA" in text(recorded)
    assert all(len(line) < 120 for line in text(recorded).split("\n"))


async def test_nested_spending_belongs_to_its_call():
    """A tool that is an agent says what it spent, and the run's tokens hold it."""
    recorded = await ran(call("look", name="x"), "done")
    inner = ScriptedModel("inner")
    spent = overview((await Agent(inner).run("go")).events).spent
    page = text(
        tuple(
            replace(each, event=replace(each.event, spent=spent)) if isinstance(each.event, ToolFinished) else each
            for each in recorded
        )
    )

    assert "← 0 ms · spent 1 step, 0 calls, 10 in, 5 out:" in page
    assert "completed · 2 steps · 1 call · 30 in · 15 out" in page


async def test_a_result_that_was_cut_for_the_model_says_so():
    """In full it is told whole."""
    recorded = await ran(call("look", name="x" * 100), "done", limits=Limits(result_chars=200))

    assert re.search(r"← 0 ms · the model saw \d+ of [\d,]+ characters", text(recorded))
    assert f"line 8 of {'x' * 100}" in text(recorded, full=True)


# People, interruptions, crashes.


async def test_an_approval_is_told_with_its_call():
    """Granted, refused with the reason, with other arguments, or answered instead of the tool."""
    said = {
        "granted by a person": True,
        "refused by a person: too much": Decision(False, "too much"),
        'granted by a person, with other arguments: {"amount": 2}': Decision(True, arguments={"amount": 2}),
    }
    for words, decision in said.items():
        recorded = await ran(call("pay", amount=3), "done", approver=lambda _, said=decision: said)

        assert f"→ pay(amount=3)\n    {words}\n" in text(recorded)
    answered = told(
        *BEGUN, (1, 2, ApprovalAsked("c1", "who knows")), (1, 3, ApprovalGiven("c1", True, answer="it is paid"))
    )

    assert "    a person is asked: who knows\n    answered by a person instead of the tool: it is paid" in text(
        answered
    )


async def test_a_run_that_waits_names_the_call_and_the_person():
    """The id is there for whoever decides, and the run is told to its last event."""
    recorded = await ran(call("pay", amount=3))
    page = text(recorded)

    assert "  → pay(amount=3) · call_1\n    waits for a person\n" in page
    assert page.endswith("— waiting —\nwhy: a person has to decide on pay (call_1)")


def test_a_call_is_told_again_where_it_goes_on():
    """Before the interruption it waits, after it there is its result."""
    page = text(
        told(
            *BEGUN,
            (1, 1, ApprovalAsked("c1")),
            (1, 1, RunSuspended("waiting", "a person has to decide")),
            (1, 10_921, RunResumed("host:42")),
            (1, 10_921, ApprovalGiven("c1", granted=True)),
            (1, 10_921, ToolStarted("c1", "pay", "run:1.0")),
            (1, 10_923, ToolFinished(ToolResult("c1", "paid 3"), 2.0)),
        )
    )

    assert (
        """\
  → pay(amount=3) · c1
    waits for a person

— waiting —
why: a person has to decide

— taken up again by host:42 after 3 h 2 min —
  → pay(amount=3)
    granted by a person
    ← 2.0 s: paid 3
"""
        in page
    )
    assert "crash" not in page


def test_a_crash_is_told():
    """A call that was started is in doubt, and is marked where it is started again or told to be unknown."""
    crashed = (*BEGUN, (1, 2, ToolStarted("c1", "pay", "run:1.0")), (1, 60, RunResumed()))
    again = text(told(*crashed, (1, 60, ToolStarted("c1", "pay", "run:1.0", again=True))))
    unknown = text(told(*crashed, (1, 60, ToolFinished(ToolResult("c1", "nobody knows", failed=True)))))

    for page in (again, unknown):
        assert "started, and no result is on record: in doubt\n\n— taken up again after 58.0 s —\n" in page
    assert "    started again after a crash (key run:1.0)\n" in again
    assert "    was in doubt: it had been started, and was not run again\n    ← failed, 0 ms: nobody knows" in unknown


def test_a_tool_that_waited_itself_did_not_crash():
    """It is started again after the suspension, as a nested run is that waited for a person."""
    page = text(
        told(
            *BEGUN,
            (1, 2, ToolStarted("c1", "pay", "run:1.0")),
            (1, 3, RunSuspended("waiting", "inner waits")),
            (1, 9, RunResumed()),
            (1, 9, ToolStarted("c1", "pay", "run:1.0", again=True)),
        )
    )

    assert "    started, no result yet\n\n— waiting —" in page
    assert "    started again (key run:1.0)\n" in page


def test_a_model_that_failed_is_asked_again_under_the_same_step():
    """The step that had no reply and the one that has are told on both sides of the interruption."""
    called = ModelCalled("m", 2, ())
    page = text(
        told(
            (0, 0, STARTED),
            (1, 0, called),
            (0, 5, RunSuspended("failed", "overloaded")),
            (0, 6, RunResumed("host:1")),
            (1, 6, called),
            (1, 7, ModelReplied(Message("assistant", "done"), Usage(), "stop", seconds=1.0)),
            (1, 7, RunFinished("completed", "done")),
        )
    )

    assert ["step 1 · m · no reply yet", "step 1 · m · 1.0 s"] == re.findall("^step.*", page, re.MULTILINE)
    assert "— failed —\nwhy: overloaded\n" in page


def test_a_request_that_was_made_twice_is_one_step():
    """As an old record has it that does not say when the run was taken up again."""
    page = text(told((0, 0, STARTED), (1, 0, CALLED), (1, 9, CALLED), (1, 10, REPLIED)))

    assert "step 1 · m · asked 2 times · 0 ms" in page


async def test_an_answer_in_json_is_laid_out():
    """As people read an object; a tool that returned nothing says that."""

    async def quiet() -> str:
        return ""

    page = text(await ran(call("quiet"), '{"total": 3}', tools=[quiet]))

    assert "    ← 0 ms · nothing\n" in page
    assert page.endswith('output:\n  {\n    "total": 3\n  }')


def test_a_fork_is_told_with_what_it_changed():
    """Its beginning is the parent's; from where it is on its own it says so, in the head and in its place."""
    done = ToolFinished(ToolResult("c1", "paid 3"))
    forked = RunForked("fork", "run", "asked in another way", prompt="Why?")
    recorded = told(*BEGUN, (1, 2, done), (1, 90, forked), (2, 91, CALLED))
    page = text(recorded)

    assert page.startswith("run fork · clerk · m\nunfinished")
    assert "forked from run at step 2: asked in another way\n" in page
    assert "\n— forked from run —\n  change: asked in another way\n  prompt: Why?\n\nstep 2 · m · no reply yet" in page
    assert [2] == [fork["step"] for fork in as_json(recorded)["forks"]]


def test_a_fork_before_the_first_step_begins_otherwise():
    """Its instructions and its prompt are those that the model is sent."""
    forked = RunForked("fork", "run", instructions="Be long.", prompt="stop")
    page = text(told((0, 0, STARTED), (0, 0, forked), (1, 0, CALLED)))

    assert "instructions: Be long.\nprompt: stop\n" in page
    assert "instructions: Be" not in text(told((0, 0, STARTED), (0, 0, RunForked("fork", "run", instructions=""))))


def test_hidden_secrets_are_counted():
    """A reader knows that something is not there."""
    recorded = [replace(each, hidden=1) for each in told(*BEGUN)]

    assert "\n3 secrets hidden\n" in text(recorded)
    assert 3 == as_json(recorded)["hidden"]


def test_an_unknown_event_is_told():
    """What a later version wrote is not passed over."""
    recorded = told(*BEGUN, (1, 2, Unknown("HistoryCompacted", '{"kept": 3}')))

    assert "— an event that this version does not know: HistoryCompacted —" in text(recorded)
    assert '{"kept": 3}' in text(recorded, full=True)


def test_no_events_are_one_sentence():
    """Nothing is told of nothing."""
    assert (NOTHING, f"{NOTHING}\n") == (text(()), as_markdown(()))
    assert ("", []) == (as_json(())["run_id"], as_json(())["steps"])


# Safe whatever it is made of.


async def test_what_a_terminal_would_obey_is_shown_instead():
    """Escapes from a model, a tool or a person stay text, and one line stays one line."""
    hostile = "\x1b[2J\u202eabc\r\ud800"
    recorded = await ran(
        reply(reasoning=hostile, calls=[call("look", name=hostile), call(hostile)]), hostile, instructions=hostile
    )

    assert not CONTROL.search(text(recorded))
    assert not CONTROL.search(as_markdown(recorded, full=True))
    assert all("\n" not in line.text for line in story(recorded, full=True))


async def test_a_huge_line_is_cut():
    """A result of a megabyte in one line does not fill the screen."""

    async def dump() -> str:
        return "x" * 1_000_000

    recorded = await ran(call("dump"), "done", tools=[dump], limits=Limits(result_chars=2_000_000))

    assert 1_000 > max(len(line.text) for line in story(recorded))
    assert 1_000_000 < len(text(recorded, full=True))


async def test_what_looks_like_a_secret_is_hidden():
    """A page may be handed on."""
    page = text(await ran("the key is sk-abcdefghijklmnop", call("look", name="x")))

    assert "sk-abcdefghijklmnop" not in page


@given(st.text(st.sampled_from("`~ \nab"), max_size=30))
def test_no_content_ends_its_fence(content):
    """A fence is longer than any run of backticks inside it, and so is a code span."""
    opening, *inside, closing = fenced(content).split("\n")

    assert content == "\n".join(inside)
    assert opening == f"{closing}text"
    assert not any(re.match(rf" {{0,3}}{closing}", line) for line in inside)
    assert code(content).strip("`") == "(nothing)" or closing not in content


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 ms"),
        (0.5, "500 ms"),
        (59, "59.0 s"),
        (61, "1 min 1 s"),
        (10_920, "3 h 2 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_time_is_said_as_people_do(seconds, words):
    """In the two units that matter."""
    assert words == lasted(seconds)


def test_words_inside_a_line_stay_one_line():
    """However many lines and characters somebody else's words have."""
    assert "a b" == one_line("a\nb")
    assert 801 == len(one_line("x" * 9_999))


# Programs.


async def test_json_holds_everything_whole():
    """Every value of a run, uncut, and it can be written as JSON."""
    recorded = await ran(
        reply("Let me.", reasoning="1\n2\n3", calls=[call("look", name="x" * 999), call("pay", amount=1)]),
        "done",
        instructions="Be brief.",
        approver=lambda _: Decision(True, "fine"),
    )
    run = as_json(recorded)
    first = run["steps"][0]
    looked, paid = first["calls"]

    assert run == json.loads(json.dumps(run))
    assert ("completed", "done", ["scripted"]) == (run["status"], run["output"], run["models"])
    assert ["Be brief.", "go"] == [message["content"] for message in run["messages"]]
    assert ("1\n2\n3", "Let me.") == (first["reasoning"], first["text"])
    assert (json.dumps({"name": "x" * 999}), 9) == (looked["arguments"], looked["result"]["content"].count("line"))
    assert (True, "fine", "paid 1") == (paid["given"]["granted"], paid["given"]["reason"], paid["result"]["content"])
    assert ["RunFinished"] == [mark["kind"] for mark in run["between"]]


@settings(max_examples=30, deadline=None)
@given(plan=plans, data=st.data())
def test_a_run_can_be_told_wherever_it_stops(plan, data):
    """Any beginning of a run is told in all three ways, and none of its calls is left out."""
    agent = Agent(PlannedModel(plan), tools=make_tools([]), approver=lambda _: True)
    recorded = asyncio.run(agent.run("go")).events
    cut = recorded[: data.draw(st.integers(0, len(recorded)))]

    asked = sum(len(each.event.message.tool_calls) for each in cut if isinstance(each.event, ModelReplied))
    assert asked == sum(line.text.startswith("  → ") for line in story(cut))
    assert asked == sum(len(step["calls"]) for step in as_json(cut)["steps"])
    assert asked == as_markdown(cut).count("\n→ `")
    assert sum(isinstance(each.event, ModelReplied) for each in cut) == sum(bool(step.replied) for step in steps(cut))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e9), events), max_size=12), st.booleans())
def test_anything_that_is_on_record_can_be_told(happened, full):
    """Whatever the events hold and whatever their order, they are told, and no terminal obeys them."""
    recorded = told(*happened)

    assert not CONTROL.search(text(recorded, full=full))
    assert not CONTROL.search(as_markdown(recorded, full=full))
    assert isinstance(json.dumps(as_json(recorded)), str)


def test_a_status_that_nobody_knows_is_told_safely():
    """A damaged record can hold anything where a few words are expected."""
    page = text(told(*BEGUN, (1, 2, RunFinished("odd\x1b[2J\n"))))

    assert "— odd\N{REPLACEMENT CHARACTER}[2J  —" in page


def test_a_step_tells_what_failed_before_it_and_when_it_began_to_come():
    """Attempts at one request stand in the step that came of it, with their reason; the heading has the first token's time."""
    failed = FailedAttempt(1, "rate_limit", "slow down", 0.2, wait=1.5, model="m")
    replied = ModelReplied(Message("assistant", "done"), Usage(), "stop", seconds=3.0, first=2.5, attempts=(failed,))
    run = (RunStarted("r", "a", (Message("user", "go"),)), ModelCalled("m", 1, ()), replied)

    told = [each.text for each in story([Recorded("r", seq, 1.0, min(seq, 1), each) for seq, each in enumerate(run)])]

    assert any("3.0 s · first token after 2.5 s" in each for each in told)
    assert "  attempt 1 failed after 200 ms (rate_limit): slow down" in told
