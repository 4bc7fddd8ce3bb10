"""Runs once more from their record: nothing is asked, or the model, or the tools."""

from dataclasses import replace

import pytest

from agentkit import Agent, Context, Decision, Limits, ModelError, SqliteJournal, ToolResult, UsageError, tool
from agentkit.debug import Change, fork, replay
from agentkit.debug.outline import overview
from agentkit.events import RunFinished, ToolFinished
from agentkit.testing import FakeClock, ScriptedModel, call, reply

made: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_made():
    made.clear()


@tool(effect="read")
async def look(place: str) -> str:
    """Look somewhere.

    Args:
        place: Where.
    """
    made.append(place)
    return f"{place} is empty"


@tool(approval="always")
async def pay(amount: int) -> str:
    """Pay."""
    made.append(f"pay {amount}")
    return f"paid {amount}"


SCRIPT = (
    reply(reasoning="Look first.", calls=[call("look", place="shelf"), call("look", place="box")]),
    call("look", place="shelf"),
    "Nothing there.",
)


@pytest.fixture
def journal(tmp_path):
    journal = SqliteJournal(tmp_path / "runs.db", durability="os")
    yield journal
    journal.close()


def agent_of(*script, journal=None, tools=(look, pay), **more) -> Agent:
    return Agent(ScriptedModel(*script), tools=tools, instructions="You look.", journal=journal, **more)


async def test_a_run_is_verified_without_a_model_and_without_tools(journal):
    """Today's code asks what was asked then: the same fingerprints, the same end, and nothing was made."""
    recorded = await agent_of(*SCRIPT, journal=journal).run("Is there a lamp?")
    made.clear()

    played = await replay(agent_of(journal=journal), recorded.run_id)

    assert (True, [], recorded.output) == (played.same, made, played.result.output)
    assert fingerprints(recorded) == fingerprints(played.result)
    assert [recorded.run_id] == [row.run_id for row in journal.runs()]


def fingerprints(result) -> list[str]:
    return [each.event.request for each in result.events if hasattr(each.event, "request")]


@tool(name="look", effect="read")
async def look_well(place: str) -> str:
    """Look somewhere, and look well.

    Args:
        place: Where.
    """
    return place


@pytest.mark.parametrize(
    ("change", "step", "told"),
    [
        (lambda agent: replace(agent, instructions="You look well."), 1, "message 0 (system) differs in its content:"),
        (lambda agent: replace(agent, instructions="You look well."), 1, "+You look well."),
        (lambda agent: replace(agent, tools=[look]), 1, "the tool 'pay' is gone"),
        (lambda agent: replace(agent, tools=[look_well, pay]), 1, "the tool 'look' is described differently"),
        (lambda agent: replace(agent, tools=[pay, look]), 1, "in another order"),
        (
            lambda agent: replace(agent, model=ScriptedModel(name="other")),
            1,
            "the model was 'scripted', and is 'other'",
        ),
        (lambda agent: replace(agent, settings=replace(agent.settings, seed=7)), 1, "the settings differ"),
        (lambda agent: replace(agent, limits=Limits(repeats_told=2)), 3, "now made this identical call 2 times"),
        (lambda agent: replace(agent, limits=Limits(steps=2)), 2, "status was 'completed', and is 'step_limit'"),
    ],
)
async def test_the_first_difference_is_shown(change, step, told):
    """Which message, tool or setting it is, in which step, and how it differs."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")

    played = await replay(change(agent_of()), recorded)

    assert (step, False) == (played.step, played.same)
    assert told in played.difference


async def test_results_are_taken_as_they_were_told():
    """A result from the record is told as it was, whatever today's limits would make of it."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")

    assert (await replay(replace(agent_of(), limits=Limits(result_chars=8)), recorded)).same


async def test_what_a_person_decided_is_decided_again():
    """Runs that have waited are played to their end, with the arguments as they were edited."""
    agent = agent_of([call("pay", amount=90), call("look", place="box")], call("pay", amount=2), "Paid.")
    waiting = await agent.run("Pay.")
    half = await agent.resume(waiting, decisions={"call_1": Decision(granted=True, arguments={"amount": 50})})
    recorded = await agent.resume(half, decisions={"call_3": Decision(granted=False, reason="Enough.")})

    played = await replay(agent_of(), recorded)
    before = await replay(agent_of(), half)

    assert (True, "Paid.") == (played.same, played.result.output)
    assert (True, "waiting") == (before.same, before.result.status)


async def test_a_run_that_its_model_left_is_verified_as_far_as_it_went():
    """What was recorded is compared; that nothing follows is no difference."""
    down = ModelError("down", category="server_error")
    with pytest.raises(ModelError) as caught:
        await agent_of(SCRIPT[0], down).run("Is there a lamp?")

    assert (await replay(agent_of(), caught.value.result)).same
    assert not (await replay(replace(agent_of(), instructions="Other."), caught.value.result)).same


async def test_a_last_answer_without_tools_is_verified():
    """The last request of a limited run offers no tools, and today's code is not told that they are gone."""
    limits = Limits(steps=1, last_answer=True)
    recorded = await agent_of(call("look", place="shelf"), "Nothing.", limits=limits).run("go")

    assert ("", "step_limit") == ((await replay(agent_of(limits=limits), recorded)).difference, recorded.status)


async def test_code_that_asks_on_where_the_run_had_ended_is_a_difference():
    """An answer that is none any more."""
    recorded = await agent_of("It is 4.").run("How many?")

    played = await replay(Agent(ScriptedModel(), tools=[look, pay], instructions="You look.", output=int), recorded)

    assert not played.same


async def test_a_secret_that_is_hidden_in_the_record_is_no_difference(journal):
    """Requests are compared as they are kept."""
    agent = agent_of(call("look", place="key=sk-abcdefgh12345678"), "Done.", journal=journal)
    recorded = await agent.run("My password is hunter2222.")

    assert "[secret]" in journal.read(recorded.run_id)[0].event.messages[-1].text
    assert (await replay(agent, recorded.run_id)).same


async def test_typed_answers_are_verified():
    """Also those that are given by calling a tool."""
    for mode in ("json_schema", "tool"):
        said = call("final_answer", value=4) if mode == "tool" else '{"value": 4}'
        agent = Agent(ScriptedModel(call("look", place="x"), said, output_mode=mode), tools=[look], output=int)
        recorded = await agent.run("How many?")
        played = await replay(replace(agent, model=ScriptedModel(output_mode=mode)), recorded)

        assert (True, 4) == (played.same, played.result.output)


async def test_another_model_is_given_the_recorded_results():
    """The model is asked live, and no tool is run; a call that nobody made then has no result."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")
    made.clear()
    other = agent_of([call("look", place="box"), call("look", place="roof")], "No lamp.")

    played = await replay(other, recorded, "tools-recorded")

    assert ([], "No lamp.") == (made, played.result.output)
    assert ["box is empty"] == [r.content for r in played.result.steps[0].results if not r.failed]
    assert ["roof" in one.arguments for one in played.missed] == [True]
    assert "no recorded result of look" in str(played.result.steps[0].results[1].content)


async def test_todays_tools_are_given_the_recorded_replies(journal):
    """The tools run live on what the model said then, and the run is kept as a new one."""
    recorded = await agent_of(*SCRIPT, journal=journal).run("Is there a lamp?")
    made.clear()

    played = await replay(agent_of(journal=journal), recorded.run_id, "model-recorded")

    assert (["shelf", "box", "shelf"], "completed") == (made, played.result.status)
    assert played.result.events == journal.read(played.result.run_id)
    assert recorded.run_id != played.result.run_id


async def test_an_unknown_mode_and_a_run_without_a_beginning_are_refused():
    """The error names the modes."""
    agent = agent_of("Done.")
    recorded = await agent.run("Go.")
    with pytest.raises(UsageError, match="verify, tools-recorded, model-recorded"):
        await replay(agent, recorded, "backwards")
    with pytest.raises(UsageError, match="no beginning"):
        await replay(agent, replace(recorded, events=()))


async def test_another_request_of_the_same_events_is_seen_by_its_fingerprint():
    """What an older version has really sent is known from nothing else."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")
    events = tuple(
        replace(each, event=replace(each.event, request="0" * 16))
        if hasattr(each.event, "request") and each.step == 2
        else each
        for each in recorded.events
    )

    played = await replay(agent_of(), replace(recorded, events=events))

    assert (2, True) == (played.step, "the same events made another request then" in played.difference)


# Forks.


async def test_a_fork_asks_again_from_a_step_on(journal):
    """What was before it is the parent's, what comes after is its own, under an id of its own."""
    recorded = await agent_of(*SCRIPT, journal=journal).run("Is there a lamp?")
    made.clear()
    other = agent_of(call("look", place="cellar"), "In the cellar.", journal=journal)

    forked = await fork(other, recorded.run_id, at=2)

    assert (["cellar"], "In the cellar.") == (made, forked.output)
    assert recorded.steps[0] == forked.steps[0]
    assert 3 == len(forked.steps)
    kept = journal.read(forked.run_id)
    assert [e.event for e in forked.events] == [e.event for e in kept]
    row = next(row for row in journal.runs() if row.run_id == forked.run_id)
    assert (recorded.run_id, 3) == (row.fork_of, row.steps)
    assert forked.usage.input == 20
    assert (await replay(other, forked.run_id)).same


async def test_a_fork_has_keys_of_its_own(journal):
    """What the parent did with a key is not done by the fork under the same one."""
    keys = []

    @tool(effect="idempotent")
    async def note(context: Context) -> str:
        """Note."""
        keys.append(context.key)
        return "noted"

    agent = agent_of(call("note"), call("note"), "Done.", call("note"), "Done.", journal=journal, tools=[note])
    recorded = await agent.run("Go.")
    forked = await fork(agent, recorded.run_id, at=2)

    assert [f"{recorded.run_id}:1.0", f"{recorded.run_id}:2.0", f"{forked.run_id}:2.0"] == keys


@pytest.mark.parametrize(
    ("at", "change", "heard"),
    [
        (1, Change(prompt="Is there a chair?"), ["system You look.", "user Is there a chair?"]),
        (3, Change(prompt="Hurry."), ["tool shelf is empty", "user Hurry."]),
        (2, Change(instructions="You think."), ["system You think.", "user Is there a lamp?"]),
        (None, Change(prompt="And a chair?"), ["assistant Nothing there.", "user And a chair?"]),
        (None, Change(results={"call_2": "a lamp!"}), ["tool shelf is empty", "tool a lamp!"]),
        (1, Change(results={"call_2": "a lamp!"}), ["tool shelf is empty", "tool a lamp!"]),
    ],
)
async def test_a_fork_changes_one_thing(at, change, heard):
    """The prompt, the instructions, or a result: the next request says so."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")
    model = ScriptedModel("I see.")

    forked = await fork(replace(agent_of(), model=model), recorded, at=at, change=change)

    said = [f"{m.role} {m.text}" for m in model.requests[0].messages]
    assert "I see." == forked.output
    assert heard[0] in said
    assert heard[1] in said
    if change.instructions is None and at != 1:
        assert said[-2:] == heard


async def test_a_fork_can_put_words_into_the_models_mouth():
    """Another reply in place of one: its calls are made, and an answer ends the run."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")
    made.clear()
    answered = await fork(agent_of(), recorded, at=2, change=Change(reply="A lamp."))
    calling = await fork(
        agent_of("Found."), recorded, at=2, change=Change(reply=reply(calls=[call("look", place="roof", call_id="x")]))
    )

    assert ("A lamp.", 2) == (answered.output, len(answered.steps))
    assert ("Found.", ["roof"]) == (calling.output, made)
    assert (await replay(agent_of(), calling)).same


async def test_a_fork_of_a_fork_goes_on_from_both(journal):
    """Each begins as its parent did, as far as it went."""
    recorded = await agent_of(*SCRIPT, journal=journal).run("Is there a lamp?")
    first = await fork(agent_of("No.", journal=journal), recorded.run_id, change=Change(prompt="Sure?"))
    second = await fork(agent_of("Yes.", journal=journal), first.run_id, change=Change(prompt="Really?"))

    assert ["Nothing there.", "Sure?", "No.", "Really?", "Yes."] == [m.text for m in second.messages[-5:]]
    assert [e.event for e in second.events] == [e.event for e in journal.read(second.run_id)]


async def test_a_run_of_another_agent_goes_on_as_a_fork(journal):
    """What cannot be resumed, because the agent has changed, is taken up where it stands."""
    down = ModelError("down", category="server_error")
    with pytest.raises(ModelError) as caught:
        await agent_of(SCRIPT[0], down, journal=journal).run("Is there a lamp?")
    other = agent_of("No lamp.", journal=journal, tools=[look], name="other")

    forked = await fork(other, caught.value.result.run_id)

    assert ("No lamp.", 2) == (forked.output, len(forked.steps))
    assert "other" == overview(forked.events).agent
    assert {(forked.run_id, "other"), (caught.value.result.run_id, "agent")} == {
        (row.run_id, row.agent) for row in journal.runs()
    }


@pytest.mark.parametrize(
    ("at", "change", "told"),
    [
        (0, Change(), "has no step 0; a fork of it can begin at steps 1 to 4"),
        (9, Change(), "has no step 9"),
        (4, Change(reply="x"), "has no step 4; a fork of it can begin at steps 1 to 3"),
        (None, Change(reply="x"), "at which step"),
        (None, Change(), "has ended; say at which step from 1 to 3"),
        (
            None,
            Change(results={"call_9": "x"}),
            r"no call call_9; it has: call_1 \(look\), call_2 \(look\), call_3 \(look\)",
        ),
        (2, Change(results={"call_1": "x"}), "are of step 1"),
        (None, Change(results={"call_1": "x", "call_3": "y"}), "are of step 1, 2"),
    ],
)
async def test_a_fork_that_cannot_be_is_refused(at, change, told):
    """The error says which steps and calls there are."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")

    with pytest.raises(UsageError, match=told):
        await fork(agent_of(), recorded, at=at, change=change)


async def test_a_fork_begins_between_steps():
    """Where a step waits for a person there is no place for words of the user."""
    waiting = await agent_of(call("pay", amount=1)).run("Pay.")
    with pytest.raises(UsageError, match="waits within step 1"):
        await fork(agent_of(), waiting, change=Change(prompt="No, wait."))
    with pytest.raises(UsageError, match="calls without a result"):
        await fork(agent_of(), waiting, at=2)
    again = await fork(agent_of("I will not."), waiting, at=1)

    assert "I will not." == again.output


def test_a_fork_changes_one_thing_only():
    """Two changes at once would not say which of them mattered."""
    with pytest.raises(UsageError, match="changes prompt and reply"):
        Change(prompt="x", reply="y")


async def test_a_clock_that_stands_still_still_gives_ids_of_their_own(journal):
    """Runs that begin in one moment are told apart."""
    agent = agent_of("a", "b", journal=journal, clock=FakeClock())

    assert (await agent.run("x")).run_id != (await agent.run("x")).run_id


async def test_a_results_edit_keeps_what_the_other_calls_returned():
    """Only the one result is another; the step is closed and the model hears both."""
    recorded = await agent_of(*SCRIPT).run("Is there a lamp?")
    forked = await fork(agent_of("Yes."), recorded, change=Change(results={"call_1": "a lamp"}))

    results = [e.event.result for e in forked.events if isinstance(e.event, ToolFinished)]
    assert [ToolResult("call_1", "a lamp"), ToolResult("call_2", "box is empty")] == results
    assert RunFinished("completed", "Yes.") == forked.events[-1].event
