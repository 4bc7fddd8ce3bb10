"""The pure heart, and the one driver over it."""

import asyncio
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import PlannedModel, PlannedStep, make_tools, plans

from agentkit import (
    Limits,
    Message,
    OutOfOrder,
    Recorded,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolResult,
    Usage,
)
from agentkit.approvals import Decision, Question
from agentkit.drive import Ports, Terms, drive
from agentkit.events import ApprovalAsked, Event, ModelCalled, ModelReplied, RunSuspended, ToolStarted
from agentkit.history import check_history
from agentkit.journal import MemoryClaim
from agentkit.loop import Answer, CallModel, CallTools, Finish, Run, apply, conversation, decide, fold
from agentkit.testing import FakeClock
from agentkit.toolbox import FunctionToolbox

START = RunStarted("run", "agent", (Message("user", "hi"),))


class Crash(BaseException):
    """The process died."""


class DyingJournal(MemoryClaim):
    """Keeps so many events, and then the process is gone."""

    def __init__(self, events: list[Recorded], dies_at: int | None) -> None:
        super().__init__(events)
        self.dies_at = dies_at

    def append(self, recorded: Recorded) -> None:
        if len(self.kept) == self.dies_at:
            raise Crash
        super().append(recorded)


async def approve(question: Question) -> Decision:
    return Decision(granted=len(question.call.arguments) % 2 == 0, reason="odd")


def play(
    plan: tuple[PlannedStep, ...],
    events: list[Recorded],
    *,
    dies_at: int | None = None,
    stream: bool = False,
    limits: Limits | None = None,
) -> tuple[Run, list[Recorded], list[str]]:
    """Drive a plan on from some events; the run, all its events, and what the tools did now."""
    ran: list[str] = []
    journal = DyingJournal(events, dies_at)
    ports = Ports(
        model=PlannedModel(plan),
        toolbox=FunctionToolbox(make_tools(ran)),
        claim=journal,
        approver=approve,
        clock=FakeClock(),
    )
    starting = [] if events else [START]
    terms = Terms(limits=limits or Limits(), stream=stream)
    try:
        run = asyncio.run(drive(list(events), ports, terms, starting=starting))
    except Crash:
        run = fold(journal.kept)
    return run, journal.kept, ran


@settings(deadline=None, max_examples=60)
@given(plans)
def test_folding_the_events_gives_the_live_run(plan):
    """A run is nothing but its events."""
    run, events, _ = play(plan, [])

    assert run == fold(events)
    assert list(range(len(events))) == [recorded.seq for recorded in events]


@settings(deadline=None, max_examples=60)
@given(plans, st.data())
def test_a_run_killed_anywhere_goes_on_to_the_same_conversation(plan, data):
    """Killed before any event and driven again, a run says the same, but for what a crash leaves in doubt."""
    whole, events, _ = play(plan, [])
    dies_at = data.draw(st.integers(1, len(events) - 1))
    _, before, _ = play(plan, [], dies_at=dies_at)

    again, after, ran = play(plan, list(before))

    begun = {e.event.call_id for e in before if isinstance(e.event, ToolStarted)}
    finished = {e.event.result.call_id for e in before if isinstance(e.event, ToolFinished)}
    in_doubt = {call_id for call_id in begun - finished if call_id_of(call_id, plan) not in {"look", "slow_look"}}
    same = [m for m in again.messages if m.call_id not in in_doubt]
    assert [m for m in whole.messages if m.call_id not in in_doubt] == same
    assert whole.ended == again.ended
    earned_again = {f"{call_id_of(each, plan)} {argument_of(each)}" for each in finished | in_doubt} & set(ran)
    assert set() == earned_again
    assert fold(after) == again


def call_id_of(call_id: str, plan: tuple[PlannedStep, ...]) -> str:
    """The name of the tool that a planned call is for."""
    step, place = call_id.removeprefix("c").split("-")
    return plan[int(step)].tools[int(place)]


def argument_of(call_id: str) -> int:
    step, place = call_id.removeprefix("c").split("-")
    return int(step) * 10 + int(place)


@settings(deadline=None, max_examples=40)
@given(plans)
def test_streamed_equals_not_streamed(plan):
    """Watching a reply while it comes changes nothing in the run, but that it is known when it began to come."""
    plain, plain_events, _ = play(plan, [])
    streamed, streamed_events, _ = play(plan, [], stream=True)

    assert plain == replace(streamed, reply=streamed.reply and replace(streamed.reply, first=None))
    assert sorted(str(type(e.event)) for e in plain_events) == sorted(str(type(e.event)) for e in streamed_events)


@settings(deadline=None, max_examples=60)
@given(plans, st.integers(1, 5), st.booleans())
def test_every_prefix_of_a_run_is_a_conversation_that_an_endpoint_accepts(plan, steps, last_answer):
    """Every call has one answer in the order asked, wherever a run stops and whatever stops it."""
    _, events, _ = play(plan, [], limits=Limits(steps=steps, last_answer=last_answer, attempts=2))

    for end in range(1, len(events) + 1):
        check_history(conversation(fold(events[:end])))


@settings(deadline=None, max_examples=60)
@given(plans)
def test_each_call_has_one_result_in_the_order_asked(plan):
    """The results follow the reply in its own order, not in that of arrival."""
    run, _, _ = play(plan, [])

    for place, message in enumerate(run.messages):
        ids = [call.id for call in message.tool_calls]
        assert ids == [m.call_id for m in run.messages[place + 1 : place + 1 + len(ids)]]


@settings(deadline=None, max_examples=60)
@given(plans)
def test_a_cut_reply_executes_nothing(plan):
    """Arguments that may be incomplete are never run, those that parse included."""
    _, _, ran = play(plan, [])

    cut = {
        f"{name} {number * 10 + place}"
        for number, step in enumerate(plan)
        if step.finish_reason == "length"
        for place, name in enumerate(step.tools)
    }
    assert set() == cut & set(ran)


@given(st.lists(st.sampled_from(["started", "replied", "finished", "tool", "asked"]), max_size=4))
def test_events_of_another_run_are_refused(kinds):
    """Whatever order events come in, they make a run or are refused by name."""
    made: dict[str, Event] = {
        "started": START,
        "replied": ModelReplied(
            Message("assistant", "x", tool_calls=(ToolCall("a", "t", "{}"),)), Usage(), "tool_calls"
        ),
        "finished": RunFinished("completed", "x"),
        "tool": ToolFinished(ToolResult("a", "ok")),
        "asked": ApprovalAsked("a"),
    }
    run = Run()
    for kind in kinds:
        try:
            run = apply(run, made[kind])
        except OutOfOrder as error:
            assert type(made[kind]).__name__ in str(error)
            return
    assert bool(kinds) == bool(run.id)


def test_passing_events_change_nothing():
    """Deltas are for watchers only."""
    run = apply(Run(), START)

    assert run is apply(run, TextDelta("x"))


def test_the_loop_asks_the_model_first():
    """A run that has begun needs a reply."""
    assert CallModel() == decide(apply(Run(), START), Limits())


def reply_with(
    *calls: ToolCall, text: str = "", finish: str = "tool_calls", usage: Usage | None = None
) -> ModelReplied:
    return ModelReplied(Message("assistant", text, tool_calls=calls), usage or Usage(1, 1), finish)


def step_of(run: Run, *calls: ToolCall) -> Run:
    run = reduce(apply, [ModelCalled("m", 1, ()), reply_with(*calls)], run)
    for call in calls:
        run = apply(run, ToolFinished(ToolResult(call.id, "same")))
    return run


def test_an_identical_call_is_told_at_the_third_and_ends_the_run_at_the_fifth():
    """Same tool, same arguments: the third result carries a note, the fifth call is not made."""
    run = apply(Run(), START)
    notes = []
    for number in range(4):
        call = ToolCall(f"c{number}", "poll", '{"id": 1}')
        action = decide(apply(run, reply_with(call)), Limits())
        assert isinstance(action, CallTools)
        notes.append(action.due[0].note)
        run = step_of(run, call)
    fifth = apply(run, reply_with(ToolCall("c4", "poll", '{"id":1}')))
    answer = decide(fifth, Limits())

    assert [False, False, True, True] == [bool(note) for note in notes]
    assert "3 times" in notes[2]
    assert isinstance(answer, Answer)
    ended = decide(apply(fifth, ToolFinished(answer.results[0])), Limits())
    assert isinstance(ended, Finish)
    assert "repeat_limit" == ended.finished.status


def test_a_new_call_starts_the_count_of_repeats_again():
    """Looking again after each change is work, not a loop."""
    run = apply(Run(), START)
    for number in range(20):
        run = step_of(run, ToolCall(f"e{number}", "edit", f'{{"line": {number}}}'))
        run = step_of(run, ToolCall(f"l{number}", "list", "{}"))

    assert CallModel() == decide(run, Limits(steps=None))


def test_two_calls_in_turn_are_a_loop_too():
    """A, B, A, B, … brings nothing new and ends."""
    run = apply(Run(), START)
    for number in range(5):
        run = step_of(run, ToolCall(f"a{number}", "a", "{}"))
        run = step_of(run, ToolCall(f"b{number}", "b", "{}"))
        if isinstance(decide(run, Limits()), Finish):
            break

    assert isinstance(decide(run, Limits()), Finish)


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (Limits(steps=2), "step_limit"),
        (Limits(tokens=4), "token_limit"),
        (Limits(tool_calls=1), "tool_call_limit"),
    ],
)
def test_a_limit_ends_a_run_with_a_status_that_says_which(limits, status):
    """Each limit has its own outcome."""
    run, _, _ = play(tuple(PlannedStep(tools=("look",)) for _ in range(9)), [], limits=limits)

    assert status == run.ended.status


def test_one_more_request_without_tools_is_spent_on_an_answer_when_asked():
    """With `last_answer`, a limit still ends in words, and the status says which limit it was."""
    run, events, _ = play(
        tuple(PlannedStep(tools=("look",)) for _ in range(9)), [], limits=Limits(steps=2, last_answer=True)
    )

    called = [e.event for e in events if isinstance(e.event, ModelCalled)]
    assert [False, False, True] == [event.last for event in called]
    assert () == called[-1].tools
    assert "step_limit" == run.ended.status


def test_a_suspended_run_goes_on_where_it_was():
    """A model's failure is no end: the same question is asked again."""
    run = reduce(apply, [START, ModelCalled("m", 1, ()), RunSuspended("failed", "down")], Run())

    assert CallModel() == decide(run, Limits())
    assert None is apply(run, ModelCalled("m", 1, ())).ended
