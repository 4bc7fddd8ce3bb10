"""Kill a process that drives many runs, again and again, and judge its journal by what it did.

The worker, `python killing.py FOLDER RUNS SEED DURABILITY IN_DOUBT`, takes up the runs that it finds in its journal and begins
those that are missing, several at a time.  It writes to a file opened to append what it asks and does, one write for a line,
before it does it: the ledger, which no kill takes back.  Whoever besieges it kills it at random moments, reads the journal after each
death, and holds what the next worker does against what was on record when the last one died.
"""

import asyncio
import hashlib
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from agentkit import (
    Agent,
    Context,
    Journal,
    JournalError,
    Message,
    ModelReplied,
    Recorded,
    Reply,
    Request,
    RunFinished,
    RunStarted,
    SqliteJournal,
    ToolCall,
    ToolFinished,
    ToolStarted,
    Usage,
    tool,
)
from agentkit.journal import MemoryJournal
from agentkit.loop import conversation, fold
from agentkit.model import Emit, OutputMode, Price, ToolSpec
from agentkit.tools import Tool

Ledger = Callable[..., None]

AT_ONCE = 8
"""Runs that a worker drives at the same time."""

LEDGER = "ledger.txt"
"""A file that every execution is written to, opened to append, before it is done."""

EFFORT = 3_000
"""Rounds of hashing that a tool or a reply takes at most: milliseconds, in which a kill can fall."""

MANNERS: Mapping[str, dict[str, object]] = {
    "look": {"effect": "read"},
    "glance": {"effect": "read"},
    "store": {"effect": "idempotent"},
    "put": {"effect": "idempotent"},
    "mail": {},
    "pay": {},
    "alone": {"sequential": True},
    "order": {},
}
"""The tools, and how they may be called."""

PLAIN = {"look", "store", "mail"}
"""Tools that are plain functions, and run in threads; the others are async."""

ONCE = {"mail", "pay", "alone"}
"""Tools that must not be called twice, and of which nobody can tell later whether they were."""

UNKNOWN = "Whether it took effect is unknown"


# What the worker does.


def plan(seed: str, task: str) -> tuple[tuple[str, ...], ...]:
    """The tools that the model asks for in a task, step by step."""
    chance = Random(f"{seed} {task}")
    names = [*MANNERS, *([] if "part" in task else ["helper"])]
    return tuple(tuple(chance.choices(names, k=chance.randint(1, 4))) for _ in range(chance.randint(1, 4)))


def tasks(seed: str, task: str) -> list[str]:
    """A task and those that it hands over."""
    steps = enumerate(plan(seed, task))
    handed = [part(task, n, k) for n, step in steps for k, name in enumerate(step) if name == "helper"]
    return [task, *(each for other in handed for each in tasks(seed, other))]


def part(task: str, step: int, place: int) -> str:
    return f"{task} part {step}.{place}"


def lines_of(seed: str, task: str) -> int:
    """How many lines a task takes that nothing disturbs."""
    return sum(
        1 + sum(1 + 2 * sum(name != "helper" for name in step) for step in plan(seed, each))
        for each in tasks(seed, task)
    )


def effort(of: str) -> None:
    """Take a moment, which depends on nothing but the name."""
    hashlib.pbkdf2_hmac("sha256", of.encode(), b"", Random(of).randint(1, EFFORT))


class Planner:
    """A model that says what the plan has, as one would that is asked again after a crash."""

    name = "planner"
    price: Price | None = None
    output_mode: OutputMode = "json_schema"

    def __init__(self, seed: str, ledger: Ledger) -> None:
        self.seed = seed
        self.ledger = ledger

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        """Anything goes."""

    async def request(self, request: Request, emit: Emit) -> Reply:
        task = next(each.text for each in request.messages if each.role == "user")
        number = sum(each.role == "assistant" for each in request.messages)
        self.ledger("ask", task, number + 1)
        await asyncio.to_thread(effort, f"{task} {number}")
        steps = plan(self.seed, task)
        if number == len(steps):
            return Reply(message=Message("assistant", f"done: {task}"), usage=Usage(1, 1))
        calls = tuple(
            ToolCall(f"c{number}-{place}", name, json.dumps({"task": part(task, number, place)}))
            for place, name in enumerate(steps[number])
        )
        return Reply(message=Message("assistant", tool_calls=calls), usage=Usage(1, 1), finish_reason="tool_calls")


class World:
    """What the tools have an effect on, and what is told of them."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.orders = folder / "orders"
        self.orders.mkdir(exist_ok=True)
        self.ledger = ledger

    def tools(self) -> list[Tool[..., object]]:
        return [self.tool(name) for name in MANNERS]

    def tool(self, name: str) -> Tool[..., object]:
        async def work(task: str, context: Context[object]) -> str:
            """Do a part of a task."""
            return await asyncio.to_thread(self.act, name, task, context)

        def work_in_thread(task: str, context: Context[object]) -> str:
            """Do a part of a task."""
            return self.act(name, task, context)

        verify = {"verify": self.ordered} if name == "order" else {}
        return tool(work_in_thread if name in PLAIN else work, name=name, **MANNERS[name], **verify)

    def act(self, name: str, task: str, context: Context[object]) -> str:
        self.ledger("start", name, context.key, context.run_id, context.call_id)
        effort(f"{name} {task}")
        # A long result is kept by its content.
        result = f"{name}: {task}." * (500 if name == "look" else 1)
        if name == "order":
            # There all at once or not at all, and never twice.
            (self.orders / context.key).symlink_to(result)
        self.ledger("finish", name, context.key)
        return result

    def ordered(self, key: str) -> object:
        """The result of an order that has taken effect."""
        place = self.orders / key
        return str(place.readlink()) if place.is_symlink() else False


def agent_of(seed: str, world: World, journal: Journal, in_doubt: str) -> Agent[str]:
    """An agent with tools of every manner, one of which is another agent."""
    model, more = Planner(seed, world.ledger), {"in_doubt": in_doubt}
    helper = Agent(model, tools=world.tools(), name="helper", **more)
    return Agent(model, tools=[*world.tools(), helper.as_tool()], name="main", journal=journal, **more)


async def work(agent: Agent[str], wanted: Sequence[str], known: Mapping[str, str]) -> None:
    """Drive every task to its end, several at a time; those that are known by their run are taken up."""
    room = asyncio.Semaphore(AT_ONCE)

    async def drive(task: str) -> None:
        async with room:
            result = await (agent.resume(known[task]) if task in known else agent.run(task))
            result.require()

    async with asyncio.TaskGroup() as group:
        for task in wanted:
            group.create_task(drive(task))


def names(runs: int) -> list[str]:
    return [f"task {number}" for number in range(runs)]


def main(folder: str, runs: str, seed: str, durability: Literal["full", "os"], in_doubt: str) -> None:
    """What a worker does from its birth on."""

    book = os.open(Path(folder) / LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def ledger(*words: object) -> None:
        line = ("\t".join(map(str, words)) + "\n").encode()
        os.write(book, line)
        # Whoever besieges counts the lines to know when to strike.
        os.write(1, line)

    ledger("born")
    journal = SqliteJournal(Path(folder) / "runs.db", durability=durability)
    # Only a journal in which there is nothing yet is not read.
    listed = journal.runs() if Path(folder, "begun").exists() else []
    own = [row for row in listed if row.parent is None]
    ended = {row.prompt for row in own if row.status == "completed"}
    known = {row.prompt: row.run_id for row in own if row.status != "completed"}
    agent = agent_of(seed, World(Path(folder), ledger), journal, in_doubt)
    asyncio.run(work(agent, [task for task in names(int(runs)) if task not in ended], known))
    journal.close()


# What is read after a death.


@dataclass
class Kept:
    """What stands in a journal."""

    events: dict[str, tuple[Recorded, ...]] = field(default_factory=dict)
    """Of each run."""
    task_of: dict[str, str] = field(default_factory=dict)
    """What each run was asked."""
    replied: set[tuple[str, int]] = field(default_factory=set)
    """Tasks and steps whose reply is on record."""
    intents: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Run and call of each idempotency key with which a tool was started."""
    finished: set[tuple[str, str]] = field(default_factory=set)
    """Runs and calls whose result is on record."""

    def add(self, run_id: str, events: tuple[Recorded, ...]) -> None:
        self.events[run_id] = events
        for recorded in events:
            match recorded.event:
                case RunStarted(messages=messages):
                    self.task_of[run_id] = messages[-1].text
                case ModelReplied():
                    self.replied.add((self.task_of[run_id], recorded.step))
                case ToolStarted(call_id, _, key):
                    self.intents[key] = (run_id, call_id)
                case ToolFinished(result):
                    self.finished.add((run_id, result.call_id))

    def open_keys(self) -> set[str]:
        """Keys of the calls that were started and have no result."""
        return {key for key, place in self.intents.items() if place not in self.finished}


def autopsy(path: Path, before: Kept) -> Kept:
    """What is on record; runs that had ended are not read again, before the very end."""
    kept, journal = Kept(), SqliteJournal(path)
    for row in journal.runs():
        known = before.events.get(row.run_id, ())
        kept.add(row.run_id, known if ended_well(known) else journal.read(row.run_id))
    return kept


# The siege.


@dataclass
class Report:
    """What came of a siege."""

    kills: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    """Asked, started, finished: how often."""
    asked_again: int = 0
    started_again: int = 0
    doubts: int = 0
    """Calls that had started and had no result when their process died."""
    told: int = 0
    """Of these, how many the model was told are unknown."""
    runs: int = 0
    nested: int = 0
    events: int = 0
    violations: list[str] = field(default_factory=list)


class Siege:
    """A worker, killed and started again until its work is done and enough kills were survived.

    Args:
        folder: Where its journal is.
        runs: How many runs there are at least.
        kills: How often it is killed at least.
        seed: For the plans of the runs and the moments of the kills.
        durability: Of the journal.
        in_doubt: The policy of the agents.
    """

    def __init__(
        self,
        folder: Path,
        *,
        runs: int,
        kills: int,
        seed: str,
        durability: Literal["full", "os"] = "full",
        in_doubt: str = "tell",
    ) -> None:
        self.folder, self.path = folder, folder / "runs.db"
        self.runs, self.kills = runs, kills
        self.seed, self.durability, self.in_doubt = seed, durability, in_doubt
        self.chance = Random(f"{seed} moments")
        self.kept = Kept()
        self.asks = Counter[tuple[str, int]]()
        self.starts = Counter[str]()
        self.places: dict[str, tuple[str, str]] = {}
        """Run and call of each key, as the tools were told."""
        self.doubts = set[str]()
        """Keys of calls that may have been made when a worker died."""
        self.report = Report()
        self.read = 0
        """How much of the ledger has been judged."""

    def hold(self) -> Report:
        """Besiege the worker, and judge."""
        expected = sum(lines_of(self.seed, task) for task in names(self.runs))
        most = max(2, round(2.5 * expected / self.kills))
        ended, finished, in_vain = False, 0, 0
        while not ended or self.report.kills < self.kills:
            if ended:
                self.runs += AT_ONCE
            # Where calls begin faster than any of them ends, workers that were always killed as early would never get further.
            ended = self.live(self.chance.randint(0, most + in_vain), self.chance.random() * 0.005)
            in_vain = in_vain + 1 if finished == len(self.kept.finished) else 0
            finished = len(self.kept.finished)
            if self.report.violations:
                break
        else:
            self.judge_the_end()
        return self.report

    def live(self, lines: int, moment: float) -> bool:
        """One worker, which is killed some moments after it has written so many lines; whether it came to its end first."""
        place, words = str(self.folder), (str(self.runs), self.seed, self.durability, self.in_doubt)
        command = [sys.executable, __file__, place, *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
            assert worker.stdout is not None
            assert worker.stderr is not None
            hear(worker.stdout.fileno(), lines, moment)
            worker.kill()
            worker.stdout.read()
            errors = worker.stderr.read().decode()
        if worker.returncode not in {0, -signal.SIGKILL}:
            self.report.violations.append(f"the worker failed: {errors}")
        self.report.kills += worker.returncode == -signal.SIGKILL
        self.judge([line.split("\t") for line in self.news().decode().splitlines()])
        return worker.returncode == 0

    def news(self) -> bytes:
        """What is in the ledger since it was read before."""
        path = self.folder / LEDGER
        whole = path.read_bytes() if path.exists() else b""
        written, self.read = whole[self.read :], len(whole)
        return written

    def judge(self, ledger: list[list[str]]) -> None:
        """Hold what a worker did against what was on record before, and what is now."""
        before = self.kept
        try:
            self.kept = autopsy(self.path, before)
        except JournalError as error:
            if before.events:
                self.expect(f"the journal can be read: {error}", holds=False)
            return
        if self.kept.events:
            (self.folder / "begun").touch()
        for run_id, events in before.events.items():
            found = self.kept.events.get(run_id, ())[: len(events)]
            self.expect(f"what was read of {run_id} stays", holds=found == events)
        self.report.lines.update(line[0] for line in ledger)
        self.judge_asking([(task, int(step)) for kind, *(task, step) in only("ask", ledger)], before)
        self.judge_starts(only("start", ledger), before)
        open_keys = self.kept.open_keys()
        self.report.doubts += len(open_keys)
        self.doubts |= open_keys

    def judge_asking(self, asked: list[tuple[str, int]], before: Kept) -> None:
        begun = set(self.kept.task_of.values())
        for task, step in asked:
            where = f"step {step} of {task}"
            self.expect(f"{where} is asked once by one worker", holds=asked.count((task, step)) == 1)
            self.expect(f"{where} is not asked when its reply is on record", holds=(task, step) not in before.replied)
            follows = task in begun if step == 1 else (task, step - 1) in self.kept.replied
            self.expect(f"what {where} follows from is on record", holds=follows)
            self.report.asked_again += (task, step) in self.asks
            self.asks[task, step] += 1

    def judge_starts(self, started: list[list[str]], before: Kept) -> None:
        keys = [line[2] for line in started]
        for _, name, key, run_id, call_id in started:
            place, what = (run_id, call_id), f"{name} of {key}"
            self.expect(f"{what} starts once in one worker", holds=keys.count(key) == 1)
            self.expect(f"{what} is not made when its result is on record", holds=place not in before.finished)
            self.expect(f"that {what} starts is on record", holds=self.kept.intents.get(key) == place)
            self.expect(f"{key} is the key of one call", holds=self.places.setdefault(key, place) == place)
            self.report.started_again += key in self.starts
            self.starts[key] += 1
            if name in ONCE and self.in_doubt == "tell":
                self.expect(f"{what} starts once and never again", holds=self.starts[key] == 1)

    def judge_the_end(self) -> None:
        """Every run has ended, and was for the model what it would have been undisturbed, but for what is in doubt."""
        journal = SqliteJournal(self.path)
        wanted = undisturbed(self.folder / "undisturbed", self.seed, names(self.runs))
        tasks = list(self.kept.task_of.values())
        self.expect("each task has one run", holds=sorted(wanted) == sorted(tasks))
        self.expect("places and keys belong together", holds=len(set(self.places.values())) == len(self.places))
        places = map(self.kept.intents.__getitem__, self.doubts)
        unknown = {each for each in places if self.tool_at(each) in ONCE and self.in_doubt == "tell"}
        for run_id, task in self.kept.task_of.items():
            events = journal.read(run_id)
            self.expect(f"what was read of {task} stays to the end", holds=events == self.kept.events[run_id])
            self.expect(f"{task} is completed", holds=ended_well(events))
            told = [(run_id, call_id) in unknown for call_id in calls_of(wanted[task])]
            self.report.told += sum(told)
            as_wanted = shape(messages(events)) == shape(wanted[task], told)
            self.expect(f"{task} went as it would have undisturbed", holds=as_wanted)
            self.report.nested += " part " in task
        orders = {key for key, place in self.places.items() if self.tool_at(place) == "order"}
        made = {each.name for each in (self.folder / "orders").iterdir()}
        self.expect("every order was made once", holds=orders == made)
        with closing(sqlite3.connect(self.path)) as connection:
            self.expect("the file is whole", holds=connection.execute("pragma integrity_check").fetchone() == ("ok",))
        self.report.runs = len(tasks) - self.report.nested
        self.report.events = sum(map(len, self.kept.events.values()))

    def tool_at(self, place: tuple[str, str]) -> str:
        step, _, number = place[1].removeprefix("c").partition("-")
        return plan(self.seed, self.kept.task_of[place[0]])[int(step)][int(number)]

    def expect(self, what: str, *, holds: bool) -> None:
        if not holds:
            self.report.violations.append(f"not so after {self.report.kills} kills, seed {self.seed}: {what}")


def hear(stream: int, lines: int, moment: float) -> None:
    """Wait until so many lines have been written and a moment has passed, or the writer is gone."""
    heard, until = 0, None
    while True:
        if until is None and heard > lines:
            until = time.monotonic() + moment
        left = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([stream], [], [], left)[0]:
            return
        piece = os.read(stream, 4096)
        heard += piece.count(b"\n")
        if not piece or left == 0:
            return


def only(kind: str, ledger: list[list[str]]) -> list[list[str]]:
    return [line for line in ledger if line[0] == kind]


def undisturbed(folder: Path, seed: str, wanted: Sequence[str]) -> dict[str, tuple[Message, ...]]:
    """What each task comes to, those that are handed over included, when nobody is killed."""
    folder.mkdir()
    journal = MemoryJournal()
    agent = agent_of(seed, World(folder, lambda *_: None), journal, "tell")
    asyncio.run(work(agent, wanted, {}))
    return {told[0].text: told for told in map(messages, journal._runs.values())}


def messages(events: Sequence[Recorded]) -> tuple[Message, ...]:
    return conversation(fold(events))


def ended_well(events: Sequence[Recorded]) -> bool:
    return bool(events) and isinstance(events[-1].event, RunFinished) and events[-1].event.status == "completed"


def calls_of(told: Sequence[Message]) -> list[str]:
    """The calls that were answered, in order."""
    return [each.call_id for each in told if each.role == "tool"]


def shape(told: Sequence[Message], unknown: Sequence[bool] | None = None) -> list[Message | str]:
    """A conversation; of results in doubt, which are those that say so when nobody else does, only that they are."""
    answers = iter(unknown or [UNKNOWN in each.text for each in told if each.role == "tool"])
    return [UNKNOWN if each.role == "tool" and next(answers) else each for each in told]


if __name__ == "__main__":
    # Whoever kills it wants no traceback of a broken pipe.
    with suppress(BrokenPipeError):
        main(*sys.argv[1:])
