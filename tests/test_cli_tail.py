"""A run followed at a terminal while another process drives it: real processes, and real files between them."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from agentkit import (
    Agent,
    ApprovalAsked,
    ApprovalGiven,
    Message,
    ModelCalled,
    ModelReplied,
    Recorded,
    RunFinished,
    RunStarted,
    RunSuspended,
    ToolCall,
    ToolFinished,
    ToolResult,
    ToolStarted,
    Usage,
)
from agentkit.cli.following import Following
from agentkit.events import FailedAttempt, RunForked, RunResumed
from agentkit.observers.console import RunView
from agentkit.sqlite.journal import SqliteJournal
from agentkit.testing import Fault, ModelServer, ScriptedModel, call, reply

SHOP = '''
from agentkit import Agent, Chat, tool


@tool(effect="read")
def look(item: str) -> str:
    """Look, once somebody opens the gate.

    Args:
        item: What for.
    """
    with open("gate") as gate:
        return f"{item}: {gate.read()}"


@tool(approval="always")
def pay(amount: int) -> str:
    """Pay.

    Args:
        amount: How much.
    """
    return "paid"


agent = Agent(Chat("any"), tools=[look, pay], name="shop")
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    os.mkfifo(tmp_path / "gate")
    return tmp_path


class Started:
    """The command at work in a process of its own."""

    def __init__(self, folder: Path, *arguments: str, url: str = "http://127.0.0.1:9/v1") -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTKIT_", "OPENAI_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "agentkit", *arguments],
            cwd=folder,
            env=clean | {"AGENTKIT_BASE_URL": url, "AGENTKIT_API_KEY": "k-123456789"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines: Iterator[str] = iter(self.process.stdout)

    def until(self, words: str) -> list[str]:
        """The lines up to the one with these words."""
        found = []
        for line in self.lines:
            found.append(line.rstrip("\n"))
            if words in line:
                return found
        raise AssertionError(f"{words!r} never came; what did: {found}, {self.process.stderr.read()}")

    def ended(self) -> tuple[int, list[str], str]:
        """Its exit code, the lines that are left, and what it complained of."""
        rest = [line.rstrip("\n") for line in self.lines]
        complaint = self.process.stderr.read()
        return self.process.wait(60), rest, complaint


@pytest.fixture
def start(folder):
    """Starts commands, and ends those that are left over."""
    started = []

    def start(*arguments, **options):
        started.append(Started(folder, *arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def open_gate(folder: Path, text: str) -> None:
    (folder / "gate").write_text(text)


def test_a_run_is_followed_while_another_process_drives_it(folder, start):
    """What is there at once, what comes when it comes, and the end with the run's; in the words of `agentkit run`."""
    asked = reply(reasoning="Let me look.", calls=[call("look", item="lamp")])
    with ModelServer(asked, reply("One lamp.", reasoning="So.")) as server:
        run = start("run", "shop.py:agent", "How many lamps?", url=server.base_url)
        run.until("→ look")
        tail = start("tail")
        before = tail.until("→ look")
        open_gate(folder, "one")
        code, after, complaint = tail.ended()
        watched = run.ended()[1]

    assert ["prompt: How many lamps?", "step 1", "Let me look.", '  → look(item="lamp")'] == before[1:]
    assert before[0].startswith("run ")
    assert before[0].endswith(" · shop")
    assert (0, "") == (code, complaint)
    assert watched == after
    assert ["step 2", "So.", "One lamp."] == after[1:4]
    assert after[-2].startswith("completed · 2 steps · 1 call · 20 in · 10 out · ")
    assert f"agentkit show {before[0].split()[1]}" == after[-1]


def test_a_run_whose_process_is_gone_ends_the_watch(folder, start):
    """Nobody writes any more, and how the run goes on is said."""
    with ModelServer(call("look", item="lamp")) as server:
        run = start("run", "shop.py:agent", "Go.", url=server.base_url)
        run.until("→ look")
        tail = start("tail")
        tail.until("→ look")
        run.process.kill()
        code, rest, complaint = tail.ended()

    assert (1, "") == (code, complaint)
    assert rest[0].startswith("stopped: its process is gone · 1 step")
    assert rest[1].startswith("agentkit resume ")


def test_ctrl_c_ends_the_watch_and_nothing_else(folder, start):
    """No traceback, and the run goes on."""
    with ModelServer(call("look", item="lamp"), "One.") as server:
        run = start("run", "shop.py:agent", "Go.", url=server.base_url)
        run.until("→ look")
        tail = start("tail")
        tail.until("→ look")
        tail.process.send_signal(signal.SIGINT)
        code, _, complaint = tail.ended()
        # If it ended otherwise the run has too, and nobody would come to the gate any more.
        assert (130, "") == (code, complaint.strip())
        open_gate(folder, "one")
        finished = run.ended()

    assert 0 == finished[0]


def test_a_reader_who_leaves_ends_the_watch(folder, start):
    """As `head` does; nobody is there to follow for."""
    with ModelServer(call("look", item="lamp"), "One.") as server:
        run = start("run", "shop.py:agent", "Go.", url=server.base_url)
        run.until("→ look")
        tail = start("tail")
        tail.until("→ look")
        tail.process.stdout.close()
        open_gate(folder, "one")
        run.ended()
        code, complaint = tail.process.wait(60), tail.process.stderr.read()

    assert "" == complaint
    assert code in {0, 1}


def test_a_look_without_following(folder, start):
    """How it stands now, with the last steps only, while the run is at work."""
    with ModelServer(call("pay", amount="x"), call("look", item="lamp"), "One.") as server:
        run = start("run", "shop.py:agent", "Go.", url=server.base_url)
        run.until("→ look")
        code, told, complaint = start("tail", "--no-follow", "-n", "1").ended()
        open_gate(folder, "one")
        run.ended()

    assert (0, "") == (code, complaint)
    assert ["prompt: Go.", "… 1 step before", "step 2", '  → look(item="lamp")'] == told[1:]


def test_a_run_that_stopped_is_told_with_its_way_on(folder, start):
    """One that waits for a person, and one whose model failed: with what is to be done."""
    with ModelServer(call("pay", amount=3), Fault.status(401, {"error": {"message": "No."}})) as server:
        start("run", "shop.py:agent", "Pay.", url=server.base_url).ended()
        waiting = start("tail").ended()
        start("run", "shop.py:agent", "Fail.", url=server.base_url).ended()
        failed = start("tail", "--no-follow").ended()

    assert 1 == waiting[0]
    assert "  ? pay waits for a person" in waiting[1]
    assert waiting[1][-1].startswith("agentkit approve ")
    assert 1 == failed[0]
    assert any(line.startswith("why: ") and "401" in line for line in failed[1])
    assert failed[1][-2].startswith("failed · 0 steps")
    assert failed[1][-1].startswith("agentkit resume ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["tail"], "there is no journal"), (["tail", "nowhere"], "there is no journal"), (["tail", "-n", "-1"], "-1")],
)
def test_a_mistake_is_one_sentence(start, arguments, told):
    """There is no journal yet, or no such number."""
    code, lines, complaint = start(*arguments).ended()

    assert (True, []) == (code in {1, 2}, lines)
    assert told in complaint
    assert "Traceback" not in complaint


async def test_hostile_text_is_shown_and_not_obeyed(folder, start):
    """Whatever a model, a tool or a prompt says."""
    hostile = "\x1b[2J\x9b31m[bold]\u202ecba\ud800"

    async def echo() -> str:
        return hostile

    journal = SqliteJournal(folder / ".agentkit" / "runs.db")
    model = ScriptedModel(reply(hostile, reasoning=hostile, calls=[call("echo")]), hostile)
    await Agent(model, tools=[echo], name=hostile, journal=journal).run(hostile)
    code, lines, complaint = start("tail").ended()

    assert (0, "") == (code, complaint)
    assert not set("\x1b\x9b\u202e\ud800") & set("".join(lines))
    assert "[bold]" in "".join(lines)


# What is told, event by event.


def told(*happened, steps=10):
    """Events with their steps and the seconds at which they happened, as they are shown."""
    shown = io.StringIO()
    following = Following(RunView(Console(file=shown, width=200, highlight=False)))
    events = [Recorded("run", seq, 1e9 + time, step, event) for seq, (step, time, event) in enumerate(happened)]
    following.begin(events, steps)
    return following, shown.getvalue().splitlines()


def asked(*calls, attempts=()):
    message = Message("assistant", tool_calls=tuple(ToolCall(each, each, "{}") for each in calls))
    return ModelReplied(message, Usage(), "tool_calls", attempts=attempts)


STARTED = (0, 0, RunStarted("run", "clerk", (Message("user", "Go."),)))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (ApprovalGiven("pay", True), "  pay: granted by a person"),
        (ApprovalGiven("pay", True, "fine", '{"amount": 1}'), "  pay: granted by a person, with amount=1: fine"),
        (ApprovalGiven("pay", True, answer="x"), "  pay: answered by a person instead of the tool"),
        (ApprovalGiven("pay", False, "too much"), "  pay: refused by a person: too much"),
    ],
)
def test_what_a_person_was_asked_and_said_is_told(given, line):
    """One who watches another process has not seen it."""
    _, lines = told(STARTED, (1, 0, asked("pay")), (1, 1, ApprovalAsked("pay", "it is dear")), (1, 9, given))

    assert ["  ? pay waits for a person: it is dear", line] == lines[-2:]


def test_interruptions_are_told():
    """A run that was taken up again has not stopped, whatever was before; a call in doubt is started again."""
    following, lines = told(
        STARTED,
        (1, 0, asked("pay")),
        (1, 1, ToolStarted("pay", "pay", "key")),
        (1, 2, RunSuspended("cancelled", "it was stopped")),
        (1, 3_602, RunResumed("host:1")),
        (1, 3_602, ToolStarted("pay", "pay", "key", again=True)),
    )

    assert ["— taken up again by host:1 after 1 h 0 min —", "  pay: started again"] == lines[-2:]
    assert "" == following.status


def test_a_fork_is_told_with_its_parent():
    """And what was changed."""
    _, lines = told(STARTED, (1, 0, asked()), (1, 5, RunForked("fork", "run", "another prompt")))

    assert ["— run fork: forked from run —", "change: another prompt"] == lines[-2:]


def test_attempts_that_failed_before_a_reply_are_told():
    """They are on record with the reply, and are shown before it."""
    attempts = (FailedAttempt(1, "overloaded", "busy", 0.1, 2.0, "any"),)
    _, lines = told(STARTED, (1, 0, ModelCalled("any", 1, ())), (1, 3, asked("look", attempts=attempts)))

    assert ["step 1", "  asked again in 2.0 s (overloaded: busy)", "  → look()"] == lines[-3:]


def test_what_is_at_work_is_known():
    """The model, or the tools that have no result yet, and since when."""
    begun = (STARTED, (1, 1, ModelCalled("any", 1, ())))
    both = (
        (1, 2, asked("look", "pay")),
        (1, 2, ToolStarted("look", "look", "k")),
        (1, 3, ToolStarted("pay", "pay", "k")),
    )
    done = ((1, 4, ToolFinished(ToolResult("look", "x"))),)
    moments = [told(*begun)[0], told(*begun, *both)[0], told(*begun, *both, *done)[0]]

    assert [
        "the model 4.0 s · the run 5.0 s",
        "look 3.0 s · pay 2.0 s · the run 5.0 s",
        "pay 2.0 s · the run 5.0 s",
    ] == [each.at_work(1e9 + 5) for each in moments]


def test_steps_that_are_left_out_count_all_the_same():
    """Their tokens are the run's."""
    replies = [(number, number, asked()) for number in range(1, 5)]
    following, lines = told(STARTED, *replies, (4, 9, RunFinished("completed")), steps=0)

    assert ["prompt: Go.", "… 4 steps before"] == lines[1:3]
    assert [True] == [line.startswith("completed · 4 steps · 0 calls · ") for line in lines[3:]]
    assert "completed" == following.status
