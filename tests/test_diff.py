"""Two runs compared: where they part, and in what."""

import asyncio
import json
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import PlannedModel, events, make_tools, plans

from agentkit import (
    Agent,
    ApprovalGiven,
    Decision,
    Limits,
    Message,
    ModelCalled,
    ModelReplied,
    Recorded,
    RunFinished,
    RunStarted,
    Settings,
    ToolCall,
    ToolFinished,
    ToolResult,
    Usage,
    tool,
)
from agentkit.debug.changes import COMPARED, SHOWN, changes
from agentkit.debug.contrast import as_lines, as_markdown
from agentkit.debug.diff import Difference, as_json, diff
from agentkit.events import RunForked
from agentkit.prices import Prices, Row, Tier
from agentkit.testing import FakeClock, ScriptedModel, call, reply


@tool(effect="read")
async def look(name: str) -> str:
    """Look."""
    return f"seen {name}"


@tool(approval="always")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


async def ran(*script, prompt="go", **options):
    """The events of a run in which no time passes."""
    options = {"tools": [look, pay], "clock": FakeClock(), **options}
    return (await Agent(ScriptedModel(*script), name="clerk", **options).run(prompt)).events


def text(a, b, *, full=False):
    return "\n".join(line.text for line in as_lines(diff(a, b), full=full))


def named(a, b, number):
    """What differs in a step, by name."""
    step = next(each for each in diff(a, b).steps if each.number == number)
    return {each.what: (each.a, each.b) for each in step.differences}


# What is a difference.


async def test_runs_that_did_the_same_are_the_same():
    """Ids of runs and calls, times, the order of keys and what was spent are no difference."""
    script = ([call("look", name="x"), call("look", '{"name": "y"}')], "done")
    a = await ran(*script)
    b = await ran(
        reply(
            calls=[call("look", '{"name":"x"}', call_id="other"), call("look", name="y", call_id="ids")],
            usage=Usage(99, 9),
        ),
        "done",
        clock=FakeClock(start=1.0),
    )
    found = diff(a, b)

    assert (None, True, ()) == (found.first, found.same, found.end)
    assert text(a, b).endswith("no difference but in what was spent\n\nsteps 1-2 are the same")
    assert text(a, a).endswith("no difference\n\nsteps 1-2 are the same")


async def test_the_first_step_that_differs_is_named():
    """What was thought, said and called in it is set side by side."""
    a = await ran(call("look", name="x"), reply(reasoning="Hm.", calls=[call("look", name="y")]), "done")
    b = await ran(call("look", name="x"), reply(reasoning="So.", calls=[call("look", name="z")]), "done")

    assert 2 == diff(a, b).first
    assert """\
the first difference is in step 2

step 1 is the same

step 2 is different
  reasoning:
    -Hm.
    +So.
  calls:
    -look({"name":"y"})
    +look({"name":"z"})

step 3 is the same""" == text(a, b).split("\n", 2)[2]


async def test_the_beginning_is_step_0():
    """Instructions, the conversation so far and the prompt."""
    history = (Message("user", "hi"), Message("assistant", "hello"))
    a = await ran("done", instructions="Be brief.")
    b = (await Agent(ScriptedModel("done"), instructions="Be long.").run("stop", history=history)).events
    found = diff(a, b)

    assert 0 == found.first
    assert {"instructions", "messages before", "prompt"} == {each.what for each in found.steps[0].differences}
    assert Difference("messages before", None, "user: hi\nassistant: hello") in found.steps[0].differences
    assert "the beginning is different\n  instructions:\n    -Be brief.\n    +Be long.\n  prompt:\n" in text(a, b)


async def test_what_the_model_was_told_beside_the_messages_is_compared():
    """Model, tools and settings."""
    a = await ran("done", settings=Settings(temperature=0.1))
    other = Agent(ScriptedModel("done", name="other"), tools=[look], settings=Settings(temperature=0.9))
    b = (await other.run("go")).events
    found = named(a, b, 1)

    assert (("scripted", "other"), ("look\npay", "look")) == (found["model"], found["tools"])
    assert ['{"temperature":0.1}', '{"temperature":0.9}'] == list(found["settings"])


async def test_a_tool_that_is_described_otherwise_is_a_difference():
    """In every step in which it is offered, though a request says so in the first only."""

    def make(words):
        async def find(name: str) -> str:
            return name

        return tool(find, description=words)

    a, b = [
        await ran(call("find", name="x"), "done", tools=[make(words)]) for words in ("Find people.", "Find things.")
    ]

    assert {"offer"} == set(named(a, b, 1)) == set(named(a, b, 2))
    assert '-  "description": "Find people.",\n    +  "description": "Find things.",' in text(a, b)


async def test_results_are_compared_call_by_call():
    """A result that differs is told under its call; the same call made twice is told apart."""
    a = await ran([call("look", name="x"), call("look", name="x")], "done")
    b = tuple(
        replace(each, event=replace(each.event, result=replace(each.event.result, content="gone", failed=True)))
        if isinstance(each.event, ToolFinished) and each.event.result.call_id == "call_2"
        else each
        for each in a
    )

    assert (Difference("result", "seen x", "failed: gone", 'look({"name":"x"}) #2'),) == diff(a, b).steps[1].differences
    assert '  result of look({"name":"x"}) #2:\n    -seen x\n    +failed: gone' in text(a, b)


async def test_of_a_call_that_one_run_made_alone_no_result_is_told():
    """That it was made says it all; the results are in the JSON."""
    a = await ran([call("look", name="x"), call("look", name="y")], "done")
    b = await ran([call("look", name="x")], "done")

    assert {"calls", "result"} == set(named(a, b, 1))
    assert "result of" not in text(a, b)
    assert '     look({"name":"x"})\n    -look({"name":"y"})' in text(a, b)


async def test_decisions_of_people_are_compared():
    """Granted, refused, with other arguments, answered, not yet given."""
    a = await ran(call("pay", amount=3), "done", approver=lambda _: True)
    refused = await ran(call("pay", amount=3), "done", approver=lambda _: Decision(False, "too much"))
    edited = await ran(call("pay", amount=3), "done", approver=lambda _: Decision(True, arguments={"amount": 2}))
    waiting = await ran(call("pay", amount=3))
    answered = tuple(
        replace(each, event=replace(each.event, answer="paid")) if isinstance(each.event, ApprovalGiven) else each
        for each in a
    )

    assert ("granted", "refused: too much") == named(a, refused, 1)["approval"]
    assert ("granted", 'granted with {"amount":2}') == named(a, edited, 1)["approval"]
    assert ("granted", "answered: paid") == named(a, answered, 1)["approval"]
    assert {"approval": ("granted", "asked"), "result": ("paid 3", None)} == named(a, waiting, 1)


async def test_a_rejected_reply_is_compared():
    """What the model was told about a reply that was no answer."""
    a, b = await ran("", "done"), await ran("done")

    assert ("Your reply was empty. Answer the question, or call a tool.", None) == named(a, b, 1)["not an answer yet"]


# Lengths and ends.


async def test_a_run_that_is_shorter_is_told():
    """The steps that only one of them has are named in one line with what it did in them."""
    a = await ran(call("look", name="x"), "done")
    b = await ran(*(call("look", name=name) for name in "xyz"), "done")
    found = diff(a, b)

    assert (2, ["only in b", "only in b"]) == (found.first, [each.kind for each in found.steps[3:]])
    assert 'steps 3-4 are only in b:\n  3: look({"name":"z"})\n  4: done' in text(a, b)
    assert "steps 3-4 are only in a:" in text(b, a)


async def test_runs_that_only_end_differently_are_told_apart():
    """Every step is the same; the status is not."""
    a = await ran(call("look", name="x"), "done")
    b = a[:-1]
    found = diff(a, b)

    assert (None, False, ["status", "output"]) == (found.first, found.same, [each.what for each in found.end])
    assert "every step is the same, and the end is not" in text(a, b)
    assert "the end is different\n  status:\n    -completed\n    +unfinished\n  output · only in a:" in text(a, b)


async def test_a_fork_shares_its_parents_beginning():
    """What was before it is the same in one line; what it changed is the difference, and it is called a fork."""
    a = await ran(*(call("look", name=name) for name in "xyz"), "done")
    place = next(number for number, each in enumerate(a) if each.step == 4)
    forked = RunForked("fork", a[0].run_id, "another question", prompt="Why?")
    own = (
        forked,
        ModelCalled("scripted", 9, ("look", "pay")),
        ModelReplied(Message("assistant", "So."), Usage(), "stop"),
    )
    ends = (RunFinished("completed", "So."),)
    b = a[:place] + tuple(
        Recorded("fork", place + number, a[-1].time, step, event)
        for number, (step, event) in enumerate(zip((3, 4, 4, 4), own + ends, strict=True))
    )

    assert 4 == diff(a, b).first
    assert (None, "Why?") == named(a, b, 4)["prompt"]
    assert (
        "b is a fork of a at step 4: another question\nthe first difference is in step 4\n\nsteps 1-3 are the same\n"
        in (text(a, b))
    )
    assert "a is a fork of b at step 4" in text(b, a)


async def test_only_the_first_steps_that_differ_are_told_in_full():
    """What follows is listed, for it mostly follows from them; asked to, all is told."""
    a = await ran(*(call("look", name=f"a{number}") for number in range(6)), "done")
    b = await ran(*(call("look", name=f"b{number}") for number in range(6)), "done")

    assert "steps 4-6 are different:\n  4: calls, result\n" in text(a, b)
    assert "step 6 is different" in text(a, b, full=True)


# Texts.


def test_a_difference_in_json_is_found_inside():
    """A result in one line is spread over several."""
    rows = [{"n": number} for number in range(50)]
    others = [*rows[:7], {"n": 0}, *rows[8:]]

    assert '  {\n-  "n": 7\n+  "n": 0\n  },' == changes(json.dumps(rows), json.dumps(others))


def test_json_that_differs_in_its_spaces_only_differs():
    """The model sees the text."""
    assert '-{"a": 1}\n+{"a":1}' == changes('{"a": 1}', '{"a":1}')


def test_a_long_line_is_shown_where_it_differs():
    """With a little of what stands before."""
    found = changes("x" * 1_000 + "a" + "y" * 1_000, "x" * 1_000 + "b" + "y" * 1_000)
    minus, plus = found.split("\n")

    assert (f"-…{'x' * 40}a", f"+…{'x' * 40}b") == (minus[:43], plus[:43])
    assert 210 > len(minus)


def test_what_is_only_at_one_side_has_one_sign():
    """Nothing is no empty line."""
    assert ("+a\n+b", "-a") == (changes("", "a\nb"), changes("a", ""))


def test_a_long_difference_is_cut():
    """The rest is counted; in full, all of what was compared is there."""
    a, b = ["\n".join(f"{name}{number}" for number in range(1_000)) for name in "ab"]

    assert SHOWN + 1 == len(changes(a, b).split("\n"))
    assert 2 * COMPARED + 1 == len(changes(a, b, full=True).split("\n"))
    assert changes(a, b, full=True).endswith(f" … {1_000 - COMPARED} lines not compared")


@settings(max_examples=200)
@given(st.text(st.sampled_from('ab{}[]",:1\n'), max_size=40), st.text(st.sampled_from('ab{}[]",:1\n'), max_size=40))
def test_texts_that_differ_have_changes(a, b):
    """And every line of them begins with what it is."""
    found = changes(a, b)

    assert (a == b) == (found == "")
    assert all(line[:1] in {"-", "+", " "} for line in found.split("\n") if found)


async def test_large_runs_are_compared_without_reading_every_line():
    """Hundreds of steps with results of a megabyte: only what differs first is looked at closely."""
    big = "word\n" * 200_000
    a, b = long_run(big), long_run("x" + big)
    found = diff(a, b)

    assert 1 == found.first
    assert 40 > len(list(as_lines(found))), "no more than a screen"
    assert 500 == sum(each.kind == "different" for each in found.steps)


def long_run(content):
    """The events of 500 steps that each return the same."""
    made = [RunStarted("run", "clerk", (Message("user", "go"),))]
    for number in range(500):
        asked = Message("assistant", tool_calls=(ToolCall(f"c{number}", "dump", "{}"),))
        result = ToolResult(f"c{number}", content)
        made += [ModelCalled("m", 1, ("dump",)), ModelReplied(asked, Usage(), "tool_calls"), ToolFinished(result)]
    return tuple(Recorded("run", seq, 0.0, (seq + 2) // 3, event) for seq, event in enumerate(made))


# Renderings.


async def test_json_holds_both_sides_whole():
    """Every text that differs, what each step took, and both runs at a glance."""
    a = await ran(call("look", name="x" * 999), "one")
    b = await ran(call("look", name="y" * 999), "two", limits=Limits(steps=9))
    found = as_json(diff(a, b))

    assert found == json.loads(json.dumps(found))
    assert (1, False, a[0].run_id) == (found["first"], found["same"], found["a"]["run_id"])
    assert f'look({{"name":"{"x" * 999}"}})' == found["steps"][1]["differences"][0]["a"]
    assert 10 == found["steps"][1]["a"]["usage"]["input"]
    assert [{"what": "output", "a": "one", "b": "two", "call": ""}] == found["end"]


async def test_markdown_sets_differences_in_fences():
    """As a diff, in a fence that no content ends."""
    page = as_markdown(diff(await ran("```\nout"), await ran("in")))

    assert "## step 1 is different\n\ntext:\n\n````diff\n-```\n-out\n+in\n````\n" in page


async def test_lines_have_the_colours_of_a_diff():
    """What is gone is red, what is new is green."""
    lines = list(as_lines(diff(await ran("one"), await ran("two"))))

    assert ["red", "green"] == [line.style for line in lines if line.text.strip() in {"-one", "+two"}]


def test_nothing_can_be_compared():
    """With a run, and with nothing."""
    recorded = long_run("x")[:4]

    assert (0, None) == (diff((), recorded).first, diff((), ()).first)
    assert text((), ()).endswith("no difference")


@settings(max_examples=30, deadline=None)
@given(first=plans, second=plans)
def test_a_run_is_the_same_as_itself_alone(first, second):
    """Two runs of one plan are the same; of two plans, the first difference is not after the shorter one's end."""
    a, b, again = [
        asyncio.run(
            Agent(PlannedModel(plan), tools=make_tools([]), approver=lambda _: True, limits=Limits(repeats=None)).run(
                "go"
            )
        ).events
        for plan in (first, second, first)
    ]

    assert diff(a, again).same
    assert diff(a, a).same
    assert diff(a, b).same == diff(b, a).same
    assert diff(a, b).first == diff(b, a).first


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), events), max_size=8), min_size=2, max_size=3))
def test_anything_that_is_on_record_can_be_compared(runs):
    """Whatever is in the events, a comparison is told in all three ways, and a run is the same as itself."""
    made = [
        tuple(Recorded("run", seq, float(seq), step, event) for seq, (step, event) in enumerate(happened))
        for happened in runs
    ]
    for a, b in pairwise(made):
        found = diff(a, b)
        assert diff(a, a).same
        assert list(as_lines(found, full=True))
        assert as_markdown(found)
        assert json.dumps(as_json(found))


async def test_costs_are_told_by_the_lists_of_prices():
    """Of each run whole, and of each step: what nobody has on record is looked up."""
    tiers = (Tier(input=1_000.0, output=2_000.0),)
    prices = Prices(((Row(models=("scripted",), currency="CNY", tiers=tiers),),))
    a = await ran(call("look", name="x"), "done")
    b = await ran(call("look", name="x"), call("look", name="y"), "done")

    found = diff(a, b, prices)

    assert [0.02, 0.02] == [each.a.costs[0].amount for each in found.steps[1:3]]
    assert () == found.steps[3].a.costs
    assert ["cost 0.04 CNY", "cost 0.06 CNY"] == [
        part for line in list(as_lines(found))[:2] for part in line.text.split(" · ") if part.startswith("cost")
    ]
    assert [{"amount": 0.02, "currency": "CNY"}] == as_json(found)["steps"][1]["a"]["costs"]
