"""Runs on record that go on: after a crash, after a person's word, in another process, as another agent's tool."""

import asyncio
from dataclasses import replace

import pytest

from agentkit import (
    Agent,
    Context,
    Decision,
    JournalError,
    Limits,
    MemoryJournal,
    ModelError,
    Recorded,
    RunDiffers,
    RunTaken,
    SqliteJournal,
    ToolError,
    UnknownRun,
    UsageError,
    ask_user,
    tool,
)
from agentkit.definition import LOOP
from agentkit.events import ApprovalAsked, Event, ModelReplied, RunResumed, ToolFinished, ToolStarted, Unknown
from agentkit.testing import ScriptedModel, call


@pytest.fixture(params=["memory", "file"])
def journal(request, tmp_path):
    if request.param == "memory":
        yield MemoryJournal()
        return
    journal = SqliteJournal(tmp_path / "runs.db", durability="os")
    yield journal
    journal.close()


class Died(BaseException):
    """The process is gone."""


class Dying:
    """A journal whose process dies before it keeps an event that a test names."""

    def __init__(self, inner, dies_at) -> None:
        self.inner = inner
        self.dies_at = dies_at
        self.alive = True

    async def claim(self, run_id, *, create=False):
        return DyingClaim(self, await self.inner.claim(run_id, create=create))

    def read(self, run_id):
        return self.inner.read(run_id)

    def redact(self, text: str) -> str:
        return text


class DyingClaim:
    def __init__(self, journal: Dying, inner) -> None:
        self.journal = journal
        self.inner = inner
        self.events = inner.events

    def append(self, recorded):
        if not self.journal.alive or self.journal.dies_at(recorded):
            self.journal.alive = False
            raise Died
        return self.inner.append(recorded)

    def hold(self, recorded):
        return self.append(recorded)

    def redact(self, text: str) -> str:
        return text

    async def release(self) -> None:
        await self.inner.release()


async def run_until(agent: Agent, dies_at, prompt: str = "Go.") -> str:
    """Run an agent until it dies; the id of the run."""
    seen = []
    dying = replace(agent, journal=Dying(agent.journal, dies_at), observers=[seen.append])
    with pytest.raises(Died):
        await dying.run(prompt)
    return seen[0].run_id


def finishing(tool_name: str):
    """The result of a tool is about to be kept."""
    started: dict[str, str] = {}

    def dies(recorded) -> bool:
        event = recorded.event
        if isinstance(event, ToolStarted):
            started[event.call_id] = event.tool
        return isinstance(event, ToolFinished) and started.get(event.result.call_id) == tool_name

    return dies


def kinds(events, kind: type[Event]) -> list[Event]:
    return [each.event for each in events if isinstance(each.event, kind)]


made: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_made():
    made.clear()


@tool(effect="read")
async def look(n: int) -> str:
    """Look."""
    made.append(f"look {n}")
    return f"seen {n}"


@tool
async def pay(n: int, context: Context) -> str:
    """Pay."""
    made.append(f"pay {n} {context.key}")
    return f"paid {n}"


async def test_a_run_goes_on_by_its_id(journal):
    """No reply and no result that it has is asked for again."""
    model = ScriptedModel(call("look", n=1), call("look", n=2), "done")
    agent = Agent(model, tools=[look], journal=journal)
    run_id = await run_until(agent, lambda r: isinstance(r.event, ModelReplied) and r.step == 3)
    again = replace(agent, model=ScriptedModel("done after all"))

    result = await again.resume(run_id)

    assert ("completed", "done after all", run_id) == (result.status, result.output, result.run_id)
    assert ["look 1", "look 2"] == made
    assert 1 == len(kinds(result.events, RunResumed))
    assert result.events == journal.read(run_id)
    assert result == again.result(run_id)


async def test_a_call_that_only_reads_is_made_again_with_its_key(journal):
    """What was in doubt is done again where that does no harm, and the record says that it was."""
    agent = Agent(ScriptedModel(call("look", n=1)), tools=[look], journal=journal)
    run_id = await run_until(agent, finishing("look"))

    result = await replace(agent, model=ScriptedModel("done")).resume(run_id)

    started = kinds(result.events, ToolStarted)
    assert ["look 1", "look 1"] == made
    assert [(f"{run_id}:1.0", False), (f"{run_id}:1.0", True)] == [(e.key, e.again) for e in started]


async def in_doubt(journal, *, tools=(pay,), **more) -> tuple[Agent, str]:
    """A run that died when a payment was made and its result was not kept."""
    agent = Agent(ScriptedModel(call("pay", n=1)), tools=tools, journal=journal, **more)
    run_id = await run_until(agent, finishing("pay"))
    return replace(agent, model=ScriptedModel("done")), run_id


async def test_a_call_that_must_not_happen_twice_is_told_as_unknown(journal):
    """That is what is done when nothing else is said."""
    agent, run_id = await in_doubt(journal)
    result = await agent.resume(run_id)

    assert 1 == len(made)
    assert "Whether it took effect is unknown" in str(result.steps[0].results[0].content)
    assert result.steps[0].results[0].failed


async def test_a_call_in_doubt_is_made_again_where_the_agent_says_so(journal):
    """With the same key, so that a server can see that it is the same."""
    agent, run_id = await in_doubt(journal, in_doubt="again")
    result = await agent.resume(run_id)

    assert [f"pay 1 {run_id}:1.0"] * 2 == made
    assert "paid 1" == result.steps[0].results[0].content


@pytest.mark.parametrize(
    ("said", "payments", "content"),
    [
        (True, 2, "paid 1"),
        (
            Decision(granted=False, reason="It went through."),
            1,
            "Not executed: a person refused this call. It went through.",
        ),
        (Decision(granted=True, answer="paid, see 4711"), 1, "paid, see 4711"),
    ],
)
async def test_a_person_is_asked_about_a_call_in_doubt(journal, said, payments, content):
    """The run waits, and says why; it is made again, left, or answered."""
    agent, run_id = await in_doubt(journal, in_doubt="ask")
    waiting = await agent.resume(run_id)
    result = await agent.resume(run_id, decisions={waiting.waiting[0].id: said})

    assert "waiting" == waiting.status
    assert "nobody knows whether it took effect" in kinds(waiting.events, ApprovalAsked)[0].why
    assert payments == len(made)
    assert content == result.steps[0].results[0].content


async def test_a_call_that_was_approved_and_is_in_doubt_is_asked_about_again(journal):
    """To have agreed to it once is not to agree to a second time."""
    agent = Agent(
        ScriptedModel(call("pay", n=1)), tools=[tool(pay.function, approval="always")], journal=journal, in_doubt="ask"
    )
    waiting = await agent.run("Go.")
    dying = replace(agent, journal=Dying(journal, finishing("pay")))
    with pytest.raises(Died):
        await dying.resume(waiting.run_id, decisions={"call_1": True})
    asked = await replace(agent, model=ScriptedModel("done")).resume(waiting.run_id)

    assert ("waiting", 1) == (asked.status, len(made))
    result = await replace(agent, model=ScriptedModel("done")).resume(waiting.run_id, decisions={"call_1": True})
    assert ("completed", 2) == (result.status, len(made))


@pytest.mark.parametrize(
    ("verdict", "payments", "content"),
    [
        (False, 2, "paid 1"),
        (None, 1, "Whether it took effect is unknown"),
        (True, 1, "took effect before the program stopped; what it returned is lost"),
        ("paid 1, number 4711", 1, "paid 1, number 4711"),
        ({"number": 4711}, 1, '{"number":4711}'),
        (ValueError("no bank"), 1, "Whether it took effect is unknown"),
    ],
)
@pytest.mark.parametrize("kind", ["function", "async"])
async def test_a_tool_can_say_whether_a_call_has_happened(journal, verdict, payments, content, kind):
    """By its key: made again if not, told as it was if it has, unknown if nobody can tell."""
    asked = []

    def verify(key: str) -> object:
        asked.append(key)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    async def verify_async(key: str) -> object:
        return verify(key)

    paying = tool(pay.function, verify=verify if kind == "function" else verify_async)
    agent, run_id = await in_doubt(journal, tools=[paying])
    result = await agent.resume(run_id)

    assert [f"{run_id}:1.0"] == asked
    assert payments == len(made)
    assert content in str(result.steps[0].results[0].content)


def test_verify_is_for_what_must_not_happen_twice():
    """A tool that may be called again is called again."""
    with pytest.raises(UsageError, match="verify is for tools with effect 'once'"):
        tool(look.function, effect="read", verify=lambda key: True)


async def test_results_that_arrived_are_kept_when_their_neighbours_are_lost(journal):
    """Of three calls at once, those that are on record are not made again."""
    agent = Agent(
        ScriptedModel([call("look", n=1), call("pay", n=2), call("look", n=3)]), tools=[look, pay], journal=journal
    )
    run_id = await run_until(agent, finishing("pay"))
    first = sorted(made)
    result = await replace(agent, model=ScriptedModel("done")).resume(run_id)

    recorded = {r.call_id for r in (e.result for e in kinds(result.events, ToolFinished))}
    assert ["look 1", "look 3"] == [each for each in first if "look" in each]
    assert 1 == len([each for each in made if "pay" in each])
    assert {"call_1", "call_2", "call_3"} == recorded
    assert [m.call_id for m in result.messages if m.role == "tool"] == ["call_1", "call_2", "call_3"]


# Who may resume.


async def test_another_agent_is_refused_with_what_differs(journal):
    """Another model, tool, instructions, type of answer or setting: the error names them, and the way on."""
    agent = Agent(
        ScriptedModel(ModelError("down", category="timeout")), tools=[look], instructions="Look.", journal=journal
    )
    with pytest.raises(ModelError) as caught:
        await agent.run("Go.")
    run_id = caught.value.result.run_id
    other = Agent(
        ScriptedModel("done", name="other"),
        tools=[pay],
        instructions="Pay.",
        output=int,
        settings=replace(agent.settings, seed=1),
        name="payer",
        journal=journal,
    )
    with pytest.raises(RunDiffers) as refused:
        await other.resume(run_id)

    told = str(refused.value)
    for part in (
        "agent was agent, and is payer",
        "model was scripted, and is other",
        "instructions is another one",
        "output is new",
        "settings is new",
        "tool look is gone",
        "tool pay is new",
        f"agentkit fork {run_id}",
    ):
        assert part in told
    # It was not taken from those who may.
    assert "done" == (await replace(agent, model=ScriptedModel("done")).resume(run_id)).output


async def test_limits_may_be_others(journal):
    """A run that failed is resumed with more time or more steps."""
    agent = Agent(ScriptedModel(ModelError("down", category="timeout")), tools=[look], journal=journal)
    with pytest.raises(ModelError) as caught:
        await agent.run("Go.")
    more = replace(agent, model=ScriptedModel("done"), limits=Limits(steps=99))

    assert "done" == (await more.resume(caught.value.result.run_id)).output


async def test_a_run_of_another_version_is_refused(journal):
    """What the loop makes of events may have changed, and new kinds of events mean something."""
    agent = Agent(ScriptedModel("done"), journal=journal)
    start = await agent.starting("Go.", None, ())
    for run_id, event in (
        ("old", replace(start, run_id="old", definition={**start.definition, "loop": "0"})),
        ("new", replace(start, run_id="new")),
    ):
        claim = await journal.claim(run_id, create=True)
        await keep(claim, run_id, event, *([] if run_id == "old" else [Unknown("MoonRose", "{}")]))
        await claim.release()

    with pytest.raises(RunDiffers, match=f"loop was 0, and is {LOOP}"):
        await agent.resume("old")
    with pytest.raises(RunDiffers, match="MoonRose is an event of a newer version"):
        await agent.resume("new")


async def keep(claim, run_id: str, *events) -> None:
    for seq, event in enumerate(events):
        if (kept := claim.append(Recorded(run_id, seq, 1.0, 0, event))) is not None:
            await kept


async def test_a_run_that_is_driven_is_not_resumed(journal):
    """Who comes second is told so, and the run is not disturbed."""
    seen = []

    @tool
    async def meddle(context: Context) -> str:
        """Resume the run from within."""
        with pytest.raises(RunTaken) as caught:
            await agent.resume(context.run_id)
        seen.append(str(caught.value))
        return "not possible"

    agent = Agent(ScriptedModel(call("meddle"), "done"), tools=[meddle], journal=journal)
    result = await agent.run("Go.")

    assert "done" == result.output
    assert f"run {result.run_id} is driven by" in seen[0]


async def test_a_run_that_has_ended_is_not_resumed(journal):
    """Nor one that waits for other decisions, nor one that is not there, nor without a journal."""
    agent = Agent(ScriptedModel("done"), journal=journal)
    result = await agent.run("Go.")

    with pytest.raises(UsageError, match="has ended as 'completed'"):
        await agent.resume(result.run_id)
    with pytest.raises(UnknownRun, match="no run 'x'"):
        await agent.resume("x")
    with pytest.raises(UnknownRun):
        agent.result("x")
    with pytest.raises(UsageError, match=r"Agent\(journal='runs.db'\)"):
        await replace(agent, journal=None).resume("x")


async def test_a_run_is_resumed_once(journal):
    """A result that was resumed is on record: the second time there is nothing left to do."""
    agent = Agent(ScriptedModel(ModelError("down", category="timeout"), "done"), journal=journal)
    with pytest.raises(ModelError) as caught:
        await agent.run("Go.")
    await agent.resume(caught.value.result)

    with pytest.raises(UsageError, match="has ended"):
        await agent.resume(caught.value.result)


async def test_a_resumed_run_can_be_watched(journal):
    """Its events are those from now on, and its result is that of the whole run."""
    agent = Agent(
        ScriptedModel(call("look", n=1), ModelError("down", category="timeout"), "done"), tools=[look], journal=journal
    )
    with pytest.raises(ModelError) as caught:
        await agent.run("Go.")
    async with agent.stream_resume(caught.value.result.run_id) as run:
        names = [type(event).__name__ async for event in run]

    assert "RunResumed" == names[0]
    assert "TextDelta" in names
    assert 2 == len(run.result.steps)


async def test_a_cancelled_stream_is_on_record(journal):
    """What was watched and left is resumed by its id."""
    agent = Agent(ScriptedModel(call("look", n=1), "done"), tools=[look], journal=journal)
    async with agent.stream("Go.") as run:
        async for event in run:
            if isinstance(event, ToolStarted):
                break
    result = await agent.resume(run.result.run_id)

    assert ("cancelled", "done") == (run.result.status, result.output)


# Conversations.


async def test_a_run_goes_on_from_another_by_its_id(journal):
    """Its messages are read from the journal, and the two are linked."""
    agent = Agent(ScriptedModel("Four.", "Five."), instructions="Count.", journal=journal)
    first = await agent.run("Two and two?")
    second = await agent.run("And one?", continues=first.run_id)

    assert ["Count.", "Two and two?", "Four.", "And one?", "Five."] == [m.text for m in second.messages]
    assert first.run_id == second.events[0].event.continues
    with pytest.raises(UnknownRun):
        await agent.run("And?", continues="x")
    with pytest.raises(UsageError, match="journal"):
        await replace(agent, journal=None).run("And?", continues=first.run_id)


# Agents as tools.


def boss_of(worker: Agent, journal, *script) -> Agent:
    return Agent(ScriptedModel(*script), tools=[worker.as_tool()], name="boss", journal=journal)


async def test_an_agent_that_is_a_tool_goes_on_as_well(journal):
    """Its own run is kept under the key of the call: after a crash it goes on, and does nothing again."""
    worker = Agent(ScriptedModel(call("look", n=1), call("look", n=2)), tools=[look], name="worker")
    boss = boss_of(worker, journal, call("worker", task="Look twice."))
    run_id = await run_until(boss, lambda r: isinstance(r.event, ToolFinished) and r.event.result.content == "seen 2")
    later = replace(worker, model=ScriptedModel("seen both"))
    result = await boss_of(later, journal, "done").resume(run_id)

    nested = journal.read(f"{run_id}:1.0")
    assert ("done", "seen both") == (result.output, result.steps[0].results[0].content)
    assert ["look 1", "look 2", "look 2"] == made
    assert f"{run_id}/call_1" == nested[0].event.parent
    # What the nested run has spent, before and after, is spent by the run that called it.
    assert 5 == result.run.spent.steps


async def test_an_agent_that_had_finished_is_not_asked_again(journal):
    """Its answer is on record, though the call that asked it has no result yet."""
    worker = Agent(ScriptedModel("found"), name="worker")
    boss = boss_of(worker, journal, call("worker", task="Find."))
    run_id = await run_until(boss, finishing("worker"))
    result = await boss_of(replace(worker, model=ScriptedModel()), journal, "done").resume(run_id)

    assert "found" == result.steps[0].results[0].content
    assert 3 == result.run.spent.steps


async def test_a_run_waits_where_a_run_within_it_waits(journal):
    """Both are suspended; decided on where the call was asked, both go on."""

    def work(request):
        return "paid" if request.messages[-1].role == "tool" else call("pay", n=1)

    paying = tool(pay.function, approval="always")
    worker = Agent(ScriptedModel(work, repeat_last=True), tools=[paying], name="worker")
    boss = boss_of(
        worker, journal, [call("worker", task="Pay."), call("worker", task="Pay.", call_id="other")], "all paid"
    )
    waiting = await boss.run("Go.")
    nested = [f"{waiting.run_id}:1.0", f"{waiting.run_id}:1.1"]

    assert ("waiting", 0) == (waiting.status, len(made))
    assert all(run in waiting.detail for run in nested)
    kept = replace(worker, journal=journal)
    for run in nested:
        asked = kept.result(run)
        assert "waiting" == asked.status
        await kept.resume(run, decisions={asked.waiting[0].id: True})
    result = await boss.resume(waiting.run_id)
    assert ("completed", 2) == (result.status, len(made))


async def test_a_nested_run_that_cannot_be_kept_is_nothing_for_the_model(tmp_path):
    """A journal that fails ends the run with its own error, wherever in it."""
    journal = SqliteJournal(tmp_path / "runs.db", durability="os")

    @tool
    async def close() -> str:
        """Close the journal."""
        journal.close()
        return "closed"

    worker = Agent(ScriptedModel(call("close"), "done"), tools=[close], name="worker")
    with pytest.raises(JournalError, match="has been closed"):
        await boss_of(worker, journal, call("worker", task="Close it.")).run("Go.")


# Asking the user.


async def test_a_question_to_the_user_waits_for_the_answer(journal):
    """The answer is the call's result; a refusal and a plain yes are told as well."""
    agent = Agent(
        ScriptedModel([call("ask_user", question="Which?") for _ in range(3)], "I see."),
        tools=[ask_user],
        journal=journal,
    )
    waiting = await agent.run("Refund it.")
    decisions = {"call_1": Decision(True, answer="7"), "call_2": Decision(False, "Guess."), "call_3": True}
    result = await agent.resume(waiting.run_id, decisions=decisions)

    answered, refused, open_ = (str(each.content) for each in result.steps[0].results)
    assert "7" == answered
    assert "refused this call. Guess." in refused
    assert "nobody has answered 'Which?'" in open_


async def test_whoever_is_asked_at_once_sees_that_an_answer_is_wanted():
    """An approver can tell a question from a call to agree to."""
    asked = []

    def approve(question):
        asked.append(question.answer)
        return Decision(granted=True, answer="7") if question.answer else True

    agent = Agent(
        ScriptedModel([call("ask_user", question="Which?"), call("pay", n=1)], "done"),
        tools=[ask_user, tool(pay.function, approval="always")],
        approver=approve,
    )
    result = await agent.run("Go.")

    assert [True, False] == asked
    assert "7" == result.steps[0].results[0].content


async def test_a_tool_can_put_off_its_result(journal):
    """It says why, the run waits, and the call is made again with its key when the run goes on."""
    ready = asyncio.Event()

    @tool(effect="idempotent")
    async def render(context: Context) -> str:
        """Render a film."""
        made.append(context.key)
        if not ready.is_set():
            context.suspend("the film is being rendered")
        return "film.mp4"

    agent = Agent(ScriptedModel(call("render"), "Here it is."), tools=[render], journal=journal)
    waiting = await agent.run("Render it.")
    ready.set()
    result = await agent.resume(waiting.run_id)

    assert ("waiting", "the film is being rendered") == (waiting.status, waiting.detail)
    assert ("film.mp4", [f"{result.run_id}:1.0"] * 2) == (result.steps[0].results[0].content, made)


def test_in_doubt_is_one_of_three():
    """The error names them."""
    with pytest.raises(UsageError, match="tell, ask, again"):
        Agent(ScriptedModel(), in_doubt="guess")


async def test_a_tools_own_error_is_still_its_own(journal):
    """A failure of a tool is a result, with a journal as without one."""

    @tool
    async def fail() -> str:
        """Fail."""
        raise ToolError("no luck")

    result = await Agent(ScriptedModel(call("fail"), "done"), tools=[fail], journal=journal).run("Go.")
    assert "no luck" == result.steps[0].results[0].content
