"""The promises the loop keeps, whatever the model, the tools, the journal and the watchers do."""

import asyncio
import contextvars
from contextlib import contextmanager, suppress
from functools import reduce

import pytest
from both_ways import chat, told, whole

from agentkit import (
    Agent,
    Context,
    Limits,
    ModelCalled,
    ModelError,
    RunStarted,
    ToolError,
    ToolFinished,
    ToolStarted,
    tool,
)
from agentkit.drive import Ports, Terms, drive
from agentkit.history import check_history
from agentkit.journal import MemoryClaim
from agentkit.loop import Run, apply
from agentkit.messages import Message
from agentkit.tasks import GRACE
from agentkit.testing import FakeClock, Fault, ModelServer, ScriptedModel, call, reply
from agentkit.toolbox import FunctionToolbox


def kinds(result) -> list[str]:
    return [type(recorded.event).__name__ for recorded in result.events]


async def fine() -> str:
    """A tool that does its work."""
    return "fine"


# Replies that lead nowhere.


async def play(run, script, *tools, **more):
    """A run against a server that refuses every conversation which is not in order."""
    async with ModelServer(*script) as server:
        result = await run(Agent(chat(server), tools=[fine, *tools], **more))
    check_history(result.messages)
    return result


async def test_calls_without_ids_or_with_the_same_are_told_apart(run):
    """Every call has an id of its own in the run, and a result of its own."""
    calls = [call("fine", call_id="c"), call("fine", call_id="c"), call("fine", call_id="d")]
    result = await play(run, (calls, [call("fine", call_id="c")], "done"))
    ids = [each.id for step in result.steps for each in step.calls]

    assert (4, 4) == (len(set(ids)), len(told(result)))
    assert ("tool_call_id_duplicate",) == result.steps[0].warnings
    assert ids == [message.call_id for message in result.messages if message.role == "tool"]


async def test_calls_with_empty_ids_are_given_one():
    """A server that leaves out the ids is answered all the same."""
    bare = {"type": "function", "function": {"name": "fine", "arguments": "{}"}}
    said = {"role": "assistant", "content": None, "tool_calls": [{"id": "", **bare}, bare]}
    first = Fault.json({"choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]})
    result = await play(whole, (first, "done"))

    assert ["call_1_0", "call_1_1"] == [each.id for each in result.steps[0].calls]
    assert ["fine", "fine"] == told(result)


async def test_an_empty_reply_is_asked_again(run):
    """An empty reply is told to the model, and is no message of its own."""
    result = await play(run, ("", "done"))

    assert ("completed", "done") == (result.status, result.output)
    assert ["user", "user", "assistant"] == [message.role for message in result.messages]


async def test_empty_replies_end_a_run(run):
    """Three empty replies in a row are no answer, and the status says so."""
    result = await play(run, ("", " ", ""))

    assert ("empty", None, 3) == (result.status, result.output, len(result.steps))
    assert "3 replies in a row led nowhere (Limits.attempts)" == result.detail


async def test_a_reply_cut_in_a_call_executes_nothing(run):
    """Calls of a reply that was cut are not made, even where their arguments are whole, and the model is told why."""
    cut = reply(calls=[call("fine"), call("fine", '{"a')], finish_reason="length")
    result = await play(run, (cut, "done"))

    assert [True, True] == [text.startswith("Not executed: your reply was cut off") for text in told(result)]
    assert ("completed", []) == (result.status, [kind for kind in kinds(result) if kind == "ToolStarted"])


async def test_replies_that_are_always_cut_end_a_run(run):
    """Three replies in a row that were cut inside a call end the run, and the status says so."""
    result = await play(run, [reply(calls=[call("fine", '{"a')], finish_reason="length")] * 3)

    assert ("cut", None) == (result.status, result.output)


async def test_an_answer_that_was_cut_is_kept(run):
    """A text cut at its length is the output, and the status says that it is not whole."""
    result = await play(run, (reply("The answer is", finish_reason="length"),))

    assert ("cut", "The answer is") == (result.status, result.output)


@pytest.mark.parametrize("text", ["I would rather", ""])
async def test_a_content_filter_ends_a_run(run, text):
    """A refusal is an outcome; what was said before it is kept."""
    result = await play(run, (reply(text, finish_reason="content_filter"),))

    assert ("refused", text or None) == (result.status, result.output)


async def test_a_content_filter_executes_nothing(run):
    """A filter breaks a reply off as a length limit does: its calls may be incomplete, and are not made."""
    broken_off = reply("I would", calls=[call("fine")], finish_reason="content_filter")
    result = await play(run, (broken_off,))

    assert ("refused", "I would", []) == (result.status, result.output, told(result))


# Endpoints that fail.


async def test_a_connection_cut_in_mid_reply_can_be_resumed(run):
    """The error holds the run so far, a valid conversation, and the run goes on from it without doing anything twice."""
    made = []

    async def note() -> str:
        made.append("note")
        return "noted"

    async with ModelServer(call("note"), Fault.cut("A long answer that never ends.", after=40), "done") as server:
        agent = Agent(chat(server), tools=[note])
        with pytest.raises(ModelError) as caught:
            await run(agent)
        result = caught.value.result
        check_history(result.messages)
        again = await agent.resume(result)

    assert ("connection_lost", True, "failed") == (caught.value.category, caught.value.retryable, result.status)
    assert ("completed", "done", ["note"]) == (again.status, again.output, made)
    assert [result.run_id, list(range(len(again.events)))] == [again.run_id, [each.seq for each in again.events]]


@pytest.mark.parametrize(
    ("status", "category"), [(500, "server_error"), (429, "rate_limited"), (401, "auth"), (400, "invalid_request")]
)
async def test_an_endpoint_that_refuses_is_the_operators_matter(run, status, category):
    """What the endpoint says is raised, with the run so far on it."""
    final = {"x-should-retry": "false"}
    async with ModelServer(call("fine"), Fault.status(status, {"error": {"message": "no"}}, headers=final)) as server:
        with pytest.raises(ModelError) as caught:
            await run(Agent(chat(server), tools=[fine]))

    assert (category, status) == (caught.value.category, caught.value.status)
    assert ("failed", ["fine"]) == (caught.value.result.status, told(caught.value.result))
    assert 15 == caught.value.result.usage.total


# The journal.


async def test_the_key_of_a_call_is_the_same_when_it_is_made_again():
    """An idempotent call that was cut off by a crash is made again, with the key that it had."""
    keys = []

    @tool(effect="idempotent")
    async def pay(context: Context) -> str:
        keys.append(context.key)
        return "paid"

    ports, start = ports_of(ScriptedModel(call("pay"), "done"), pay), RunStarted("r", "a", (Message("user", "go"),))
    await drive([], ports, Terms(), starting=[start])
    before = [each for each in ports.claim.kept if not isinstance(each.event, ToolFinished)][:4]
    again = ports_of(ScriptedModel("done"), pay, events=before)
    run = await drive(list(before), again, Terms())

    assert (["r:1.0", "r:1.0"], "completed") == (keys, run.ended.status)


def ports_of(model, *tools, events=(), journal=None, **more) -> Ports:
    return Ports(model=model, toolbox=FunctionToolbox(tools), claim=journal or MemoryClaim(events), **more)


def folded(events) -> Run:
    return reduce(apply, (each.event for each in events), Run())


async def test_a_crash_within_a_step_changes_nothing_that_the_model_is_told():
    """Two calls of one step with one mistake are told the same, also when the program stopped between them."""
    start = RunStarted("r", "a", (Message("user", "go"),))
    ports = ports_of(ScriptedModel([call("find"), call("find")], "done"), fine)
    run = await drive([], ports, Terms(), starting=[start])
    before = ports.claim.kept[:4]
    again = await drive(list(before), ports_of(ScriptedModel("done"), fine, events=before), Terms())

    assert run.messages == again.messages


class Full(Exception):
    """The disk has no room."""


class FullJournal(MemoryClaim):
    """Keeps so many events, and then raises."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def append(self, recorded) -> None:
        if len(self.kept) == self.room:
            raise Full(f"no room for {type(recorded.event).__name__}")
        super().append(recorded)


@pytest.mark.parametrize("room", range(11))
async def test_a_journal_that_fails_is_raised_as_itself(room):
    """A run whose record cannot be kept stops with the journal's own error, inside parallel tools too."""
    journal = FullJournal(room)
    ports = ports_of(ScriptedModel([call("fine"), call("fine"), call("fine")], "done"), fine, journal=journal)
    with pytest.raises(Full, match="no room for"):
        await drive([], ports, Terms(), starting=[RunStarted("r", "a", (Message("user", "go"),))])

    assert room == len(journal.kept)


async def test_an_event_is_journalled_before_anybody_acts_on_it():
    """When a tool runs, its start is on record already."""
    journal, seen = MemoryClaim(), []

    async def look() -> None:
        seen.append(type(journal.kept[-1].event).__name__)

    ports = ports_of(ScriptedModel(call("look"), "done"), look, journal=journal)
    await drive([], ports, Terms(), starting=[RunStarted("r", "a", (Message("user", "go"),))])

    assert ["ToolStarted"] == seen


async def test_a_call_that_may_have_been_made_is_not_made_again():
    """After a crash the model is told that the outcome is unknown, unless the tool may be called again."""
    made = []

    async def pay() -> str:
        made.append("pay")
        return "paid"

    ports, start = ports_of(ScriptedModel(call("pay"), "done"), pay), RunStarted("r", "a", (Message("user", "go"),))
    await drive([], ports, Terms(), starting=[start])
    before = ports.claim.kept[:4]
    again = ports_of(ScriptedModel("done"), pay, events=before)
    run = await drive(list(before), again, Terms())

    assert (["pay"], "completed") == (made, run.ended.status)
    assert "Whether it took effect is unknown, and it was not run again." in run.messages[2].text


# Those who watch.


async def test_an_observer_that_raises_is_dropped(caplog):
    """It is logged once and told nothing more; the run and the other observers go on."""
    seen = []

    def broken(recorded) -> None:
        seen.append(recorded.seq)
        raise ValueError("I cannot look")

    others = []
    result = await Agent(ScriptedModel(call("fine"), "done"), tools=[fine], observers=[broken, others.append]).run("go")

    assert ([0], len(result.events)) == (seen, len(others))
    assert [True] == ["I cannot look" in str(record.exc_info[1]) for record in caplog.records]


async def test_what_an_observer_returns_is_entered_around_the_effect():
    """A context manager given for a start is open while the tool or the model works, and closed when it has ended."""
    span = contextvars.ContextVar("span", default="none")
    log = []

    @contextmanager
    def around(name):
        token = span.set(name)
        yield
        span.reset(token)
        log.append(f"left {name}")

    def observe(recorded):
        match recorded.event:
            case ToolStarted(tool=name):
                return around(name)
            case ModelCalled():
                return around("model")
        return None

    async def look() -> str:
        return span.get()

    def look_in_thread() -> str:
        return span.get()

    def say(_):
        log.append(span.get())
        return "done"

    model = ScriptedModel(call("look"), call("look_in_thread"), say)
    result = await Agent(model, tools=[look, look_in_thread], observers=[observe]).run("go")

    assert (["look", "look_in_thread"], "none") == (told(result), span.get())
    assert ["left model", "left look", "left model", "left look_in_thread", "model", "left model"] == log


async def test_what_an_observer_returns_cannot_harm_the_effect(caplog):
    """A context manager that fails to open or to close, or that swallows exceptions, changes nothing."""

    class Wicked:
        def __init__(self, name) -> None:
            self.name = name

        def __enter__(self) -> None:
            if self.name == "fine":
                raise ValueError("not open")

        def __exit__(self, *_) -> bool:
            if self.name == "refuse":
                raise ValueError("not closed")
            return True

    async def refuse() -> None:
        raise ToolError("no")

    def observe(recorded):
        return Wicked(recorded.event.tool) if isinstance(recorded.event, ToolStarted) else None

    model = ScriptedModel([call("fine"), call("refuse")], "done")
    result = await Agent(model, tools=[fine, refuse], observers=[observe]).run("go")

    assert (["fine", "no"], "completed") == (told(result), result.status)
    assert 2 == len([record for record in caplog.records if "context" in record.getMessage()])


async def test_a_cancellation_waits_for_the_journal():
    """What the journal is writing when the run is cancelled is written and folded, and no number is given twice."""

    class SlowJournal(MemoryClaim):
        async def append(self, recorded) -> None:
            super().append(recorded)
            writing.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    writing, journal = asyncio.Event(), SlowJournal()
    ports = ports_of(ScriptedModel(call("fine"), "done"), fine, journal=journal)
    start = RunStarted("r", "a", (Message("user", "go"),))
    task = asyncio.create_task(drive([], ports, Terms(), starting=[start]))
    for _ in range(3):
        writing.clear()
        await writing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert list(range(len(journal.kept))) == [recorded.seq for recorded in journal.kept]
    assert "cancelled" == folded(journal.kept).ended.status


async def test_a_run_that_is_cancelled_twice_is_still_a_conversation():
    """Whenever the second cancellation comes, every call has its answer and the run its status."""

    class SlowJournal(MemoryClaim):
        async def append(self, recorded) -> None:
            await asyncio.sleep(0)
            super().append(recorded)

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    for turns in range(20):
        begun, journal = asyncio.Event(), SlowJournal()
        ports = ports_of(ScriptedModel([call("hang")] * 3), hang, journal=journal)
        start = RunStarted("r", "a", (Message("user", "go"),))
        task = asyncio.create_task(drive([], ports, Terms(), starting=[start]))
        await begun.wait()
        for wait in (turns, 0):
            task.cancel()
            for _ in range(wait):
                await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        run = folded(journal.kept)

        assert ("cancelled", ()) == (run.ended.status, run.unanswered)


async def test_what_was_left_behind_cannot_get_into_the_record():
    """A toolbox that ignores being cancelled comes too late with its result, and the record stays one run's."""

    class Stubborn(FunctionToolbox):
        async def call(self, ready, context, limits):
            begun.set()
            while not release.is_set():
                with suppress(asyncio.CancelledError):
                    await release.wait()
            late.set()
            return await super().call(ready, context, limits)

    begun, release, late = asyncio.Event(), asyncio.Event(), asyncio.Event()
    clock, journal = FakeClock(), MemoryClaim()
    model = ScriptedModel(call("fine"))
    ports = Ports(model=model, toolbox=Stubborn([fine]), claim=journal, clock=clock)
    start = RunStarted("r", "a", (Message("user", "go"),))
    task = asyncio.create_task(drive([], ports, Terms(limits=Limits(seconds=1)), starting=[start]))
    await begun.wait()
    for seconds in (2, GRACE + 1):
        await clock.asleep()
        clock.advance(seconds)
    run = await task
    release.set()
    await late.wait()
    for _ in range(20):
        await asyncio.sleep(0)

    assert ("time_limit", run) == (run.ended.status, folded(journal.kept))


async def test_a_result_that_a_tool_has_given_is_recorded():
    """Also when the run is cancelled while the journal still writes the result of another."""

    class SlowJournal(MemoryClaim):
        async def append(self, recorded) -> None:
            super().append(recorded)
            if isinstance(recorded.event, ToolFinished):
                writing.set()
                await written.wait()

    async def wait() -> str:
        await gate.wait()
        return "there"

    gate, writing, written, journal = asyncio.Barrier(3), asyncio.Event(), asyncio.Event(), SlowJournal()
    ports = ports_of(ScriptedModel([call("wait")] * 3), wait, journal=journal)
    start = RunStarted("r", "a", (Message("user", "go"),))
    task = asyncio.create_task(drive([], ports, Terms(), starting=[start]))
    await writing.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    written.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ["there"] * 3 == [message.text for message in folded(journal.kept).messages if message.role == "tool"]
