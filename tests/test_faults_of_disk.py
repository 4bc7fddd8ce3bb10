"""Disks that are full, read-only or taken, and processes that race for a run, are stopped, or are gone: with real ones.

The program at the end is what runs in other processes.  What it says on its output, line by line, is what it did.
"""

import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from agentkit import Agent, Context, JournalError, SqliteJournal, ToolCall, ToolStarted, UnknownRun, tool
from agentkit.codec import line
from agentkit.sqlite import rows
from agentkit.sqlite.file import reading
from agentkit.sqlite.writer import BATCH, Writer
from agentkit.testing import ScriptedModel, call

CALLS = (call("look", n=0), call("look", n=1), call("pay", n=2), call("store", n=3))
ALONE = tuple([each] for each in CALLS)
"""Steps of one call each: what is written when is the same in every run."""

TOGETHER = ([CALLS[0]], [*CALLS[1:], call("helper", task="help")], [call("pay", n=4)])
"""Steps in which calls are made at the same time, one of them by another agent."""

Act = Callable[[str], Awaitable[None] | None]


def is_first(key: str) -> bool:
    """Whether a call is the first of a run that nobody has called."""
    return key.endswith(":1.0") and key.count(":") == 1


def agent_on(journal: SqliteJournal, act: Act, steps: Sequence[Sequence[ToolCall]] = TOGETHER) -> Agent[str]:
    """An agent that does the same in every process; `act` is told the key of each call while it is made."""

    @tool(effect="read")
    async def look(n: int, context: Context) -> str:
        """Look."""
        if (waiting := act(context.key)) is not None:
            await waiting
        return f"{n} was seen. " * 500

    @tool
    def pay(n: int, context: Context) -> str:
        """Pay."""
        act(context.key)
        return f"{n} was paid."

    @tool(effect="idempotent")
    async def store(n: int, context: Context) -> str:
        """Store."""
        act(context.key)
        return f"{n} was stored."

    def answer(request):
        number = sum(each.role == "assistant" for each in request.messages)
        asked = ([call("store", n=5)],) if request.messages[0].text == "help" else steps
        return asked[number] if number < len(asked) else "done"

    model = ScriptedModel(answer, repeat_last=True)
    helper = Agent(model, tools=[store], name="helper")
    return Agent(model, tools=[look, pay, store, helper.as_tool()], journal=journal)


def nothing(_: str) -> None:
    """A call that leaves no trace."""


def program(*words: object) -> subprocess.Popen[str]:
    """This file as a program in another process."""
    command = [sys.executable, __file__, *map(str, words)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def told(*words: object) -> list[dict]:
    """What a program has to say from its beginning to its end."""
    with program(*words) as process:
        said, _ = process.communicate()
    assert 0 == process.returncode
    return [json.loads(each) for each in said.splitlines()]


def told_and_killed(*words: object) -> list[dict]:
    """What a program has said before it killed itself."""
    with program(*words) as process:
        said, _ = process.communicate()
    assert -signal.SIGKILL == process.returncode
    return [json.loads(each) for each in said.splitlines()]


def written(path: Path, run_id: str) -> list[str]:
    return [line(each) for each in SqliteJournal(path).read(run_id)]


def keys_in(path: Path) -> set[str]:
    """The keys of the calls that began, by what is on record of all runs."""
    journal = SqliteJournal(path)
    events = [each.event for row in journal.runs() for each in journal.read(row.run_id)]
    return {each.key for each in events if isinstance(each, ToolStarted)}


def is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("pragma integrity_check").fetchone() == ("ok",)


def is_kept(acknowledged: list[str], kept: list[str]) -> bool:
    """Whether all that was acknowledged is there, but for the end of it, after which nothing has happened outside the run.

    What the model said, and the last result of a step, are written with what follows them.
    """
    missing = [json.loads(each)["kind"] for each in acknowledged[len(kept) :]]
    return kept == acknowledged[: len(kept)] and set(missing) <= {"ModelReplied", "ToolFinished"}


# Disks with no room.


WRITES = {"claim", "RunStarted", "ModelCalled", "ToolStarted", "RunFinished"}
"""What is written by itself, where a step has one call: the other events go with these."""


@pytest.mark.parametrize("file", ["new", "used"])
@pytest.mark.parametrize("durability", ["full", "os"])
async def test_whatever_write_fails_nothing_acknowledged_is_lost(tmp_path, durability, file):
    """A run stops at the first event that has no room, before it acts on it; with room, it goes on to its end.

    The system lets no file grow beyond a size, which is a little more from run to run, so that each write fails in turn.
    """
    failed_at = set()
    *stopped, last = told("fill", tmp_path, durability, file)
    whole = [json.loads(each)["kind"] for each in last["acknowledged"]]
    for run in stopped:
        path, acknowledged = Path(run["path"]), run["acknowledged"]
        assert "JournalError" == run["error"]
        assert "see to the disk, and resume the run" in run["message"]
        failed_at.add(whole[len(acknowledged)] if run["claimed"] else "claim")
        assert await go_on(path, run["run_id"], acknowledged, run["made"])

    assert ("", "completed") == (last["error"], last["status"])
    # In a new file the index of the log takes more room than the beginning of a run.
    assert failed_at == WRITES - (set() if file == "used" else {"RunStarted"})


async def go_on(path: Path, run_id: str, acknowledged: list[str], made: list[str]) -> bool:
    """Look at a run that stopped, and finish it; one that had not begun is begun."""
    agent = agent_on(SqliteJournal(path), nothing, ALONE)
    if not run_id:
        assert [] == made
        return "done" == (await agent.run("go")).output
    kept = written(path, run_id)
    assert is_kept(acknowledged, kept)
    assert set(made) <= keys_in(path)
    assert is_whole(path)
    return "done" == (await agent.resume(run_id)).output


@pytest.fixture
def small_disk(tmp_path):
    """A disk of half a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=512k", "tmpfs", place)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def mount(*words: object) -> None:
    if shutil.which("mount") is None:
        pytest.skip("there is no mount here, so no disk can be filled")
    done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk may be mounted here: {done.stderr.strip()}")


@pytest.mark.parametrize("durability", ["full", "os"])
def test_a_run_on_a_full_disk_goes_on_when_there_is_room(small_disk, durability):
    """The run stops with `JournalFull`, can be read while the disk is full, and is resumed by the process that it stopped."""
    stops = told("crowd", small_disk, durability)

    assert {"JournalFull"} == {run["error"] for run in stops}
    for run in stops:
        kept = run["kept"]
        assert "make some, and resume the run" in run["message"]
        assert is_kept(run["acknowledged"], kept)
        assert set(run["made"]) <= set(run["keys"])
        assert (kept, "completed") == (run["resumed"][: len(kept)], run["status"])
    assert len({len(run["acknowledged"]) for run in stops}) > 3


async def test_a_claim_that_could_not_be_given_back_is_given_back_later(tmp_path):
    """The process that had no room to write anything, not even that it stopped, takes its run up again."""
    (run,) = told("return", tmp_path)

    assert ("JournalError", "completed") == (run["error"], run["status"])


# Disks that belong to others.


async def test_a_lock_of_another_program_only_delays(tmp_path):
    """A run waits for the other program to be ready, and loses nothing."""
    path = tmp_path / "runs.db"
    journal = SqliteJournal(path)
    locked = asyncio.Event()

    def act(key: str) -> None:
        if is_first(key):
            print("lock", file=other.stdin, flush=True)
            assert "locked\n" == other.stdout.readline()
            locked.set()

    with program("lock", path) as other:
        run = asyncio.create_task(agent_on(journal, act).run("go"))
        await locked.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not run.done()
        other.communicate("release\n")
        result = await run

    assert ("completed", result.events) == (result.status, journal.read(result.run_id))
    journal.close()


async def test_a_read_in_a_process_that_writes_takes_no_lock_away(tmp_path):
    """Another program that closes the file while we write leaves the log where it is, whatever we have read before."""
    path = tmp_path / "runs.db"
    journal = SqliteJournal(path)

    def act(key: str) -> None:
        if is_first(key):
            journal.read(key.partition(":")[0])
            with program("close", path) as other:
                other.communicate()

    result = await agent_on(journal, act).run("go")
    with program("read", path, result.run_id) as other:
        seen, _ = other.communicate()

    assert [line(each) for each in result.events] == seen.splitlines()
    journal.close()


@pytest.mark.parametrize("end", ["closed", "killed"])
async def test_a_journal_that_cannot_be_written_can_be_read(small_disk, end):
    """Where a disk is read-only a run ends with an error that says so, and those that are there can be read."""
    path = small_disk / "runs.db"
    (run,) = (told if end == "closed" else told_and_killed)("leave", path, end)
    mount("-o", "remount,ro", small_disk)
    journal = SqliteJournal(path)

    assert run["acknowledged"] == written(path, run["run_id"])
    assert [run["run_id"]] == [row.run_id for row in journal.runs() if row.parent is None]
    with pytest.raises(JournalError, match=r"cannot be (written|opened)") as caught:
        await agent_on(journal, nothing).run("go")
    assert str(path) in str(caught.value)


def test_a_read_only_journal_without_its_log_is_not_read_as_if_it_were_whole(small_disk):
    """A log that cannot be read is not left out."""
    path = small_disk / "runs.db"
    (run,) = told_and_killed("leave", path, "killed")
    path.with_name("runs.db-shm").unlink()
    mount("-o", "remount,ro", small_disk)

    with pytest.raises(JournalError, match=r"runs\.db cannot be opened"):
        SqliteJournal(path).read(run["run_id"])


# Processes.


RACERS = 4


def test_of_processes_that_race_for_a_run_one_drives_it(tmp_path):
    """A hundred times of a hundred; the others are told who does.  The process that had it before was killed.

    Nobody waits for the end of its lease.
    """
    path = tmp_path / "runs.db"
    runs = [each["run_id"] for each in told_and_killed("begin", path, 100)]
    lease_until(path, 4e9)
    with ExitStack() as running:
        racers = [running.enter_context(program("race", path)) for _ in range(RACERS)]
        assert ["ready\n"] * RACERS == [racer.stdout.readline() for racer in racers]
        outcomes = [race(racers, run_id) for run_id in runs]

    assert [(1, "completed")] * 100 == outcomes
    for run_id in runs:
        kinds = [json.loads(each)["kind"] for each in written(path, run_id)]
        assert (1, 1, 1) == tuple(map(kinds.count, ("RunStarted", "RunResumed", "RunFinished")))


def test_processes_that_make_one_journal_at_the_same_time_all_have_it(tmp_path):
    """Whoever comes first makes the file, the others wait for that, and nobody fails."""
    with ExitStack() as running:
        makers = [running.enter_context(program("make")) for _ in range(RACERS)]
        assert ["ready\n"] * RACERS == [maker.stdout.readline() for maker in makers]
        for number in range(50):
            for maker in makers:
                print(tmp_path / f"{number}.db", file=maker.stdin, flush=True)
            assert ["made\n"] * RACERS == [maker.stdout.readline() for maker in makers]


def race(racers: list[subprocess.Popen[str]], run_id: str) -> tuple[int, str]:
    """Let all resume a run; how many drive it, and how it ends for the one that does."""
    for racer in racers:
        print(run_id, file=racer.stdin, flush=True)
    said = [json.loads(racer.stdout.readline()) for racer in racers]
    winner = next(each for each, words in zip(racers, said, strict=True) if words["drives"])
    sentence = f"run {run_id} is driven by process {os.uname().nodename}:{winner.pid}; wait until it stops"
    assert all(words["message"].startswith(sentence) for words in said if not words["drives"])
    print("go on", file=winner.stdin, flush=True)
    return sum(words["drives"] for words in said), json.loads(winner.stdout.readline())["status"]


async def test_a_process_that_was_frozen_cannot_go_on_with_a_run_that_was_taken_over(tmp_path):
    """After the lease of its claim another one finishes the run; awake again, it writes nothing, and is told why."""
    path = tmp_path / "runs.db"
    with program("begin", path, 1) as killed:
        run_id = json.loads(killed.communicate()[0])["run_id"]
    with program("race", path) as frozen:
        assert "ready\n" == frozen.stdout.readline()
        print(run_id, file=frozen.stdin, flush=True)
        assert json.loads(frozen.stdout.readline())["drives"]
        os.kill(frozen.pid, signal.SIGSTOP)
        try:
            lease_until(path, 0)
            result = await agent_on(SqliteJournal(path), nothing).resume(run_id)
        finally:
            os.kill(frozen.pid, signal.SIGCONT)
        said, _ = frozen.communicate("go on\n")

    ended = json.loads(said)
    assert "RunTaken" == ended["status"]
    assert f"run {run_id} was taken over by another process, which goes on with it" in ended["message"]
    assert ("completed", result.events) == (result.status, SqliteJournal(path).read(run_id))


def lease_until(path: Path, moment: float) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update run set lease = ?", (moment,))
        connection.commit()


def test_processes_that_are_killed_leave_no_log_that_grows(tmp_path):
    """The next one moves what they have left into the file, and begins the log anew."""
    path, sizes = tmp_path / "runs.db", []
    for _ in range(4):
        told_and_killed("leave", path, "killed")
        sizes.append(path.with_name("runs.db-wal").stat().st_size)

    assert sizes[-1] < 2 * sizes[0]


async def test_what_is_read_is_of_one_moment(tmp_path):
    """A run that another process deletes meanwhile is there as a whole; whoever comes later does not find it."""
    journal = SqliteJournal(tmp_path / "runs.db")
    result = await agent_on(journal, nothing).run("go")
    with reading(journal.path) as connection:
        connection.execute("select count(*) from run").fetchone()
        with program("prune", journal.path, result.run_id) as other:
            other.communicate()
        assert list(result.events) == rows.read(connection, result.run_id)

    with pytest.raises(UnknownRun):
        journal.read(result.run_id)
    journal.close()


async def test_leases_are_made_longer_however_busy_the_journal_is(tmp_path):
    """A process that writes all the time gives a sign of life all the same."""
    done = []
    writer = Writer(tmp_path / "runs.db", at_once=False, idle=lambda _: done.append("sign"), seconds=0.0)
    await asyncio.gather(*(writer.put(lambda _: done.append("work")) for _ in range(4 * BATCH)))
    writer.close()

    assert "sign" in done[: done.index("work", 3 * BATCH)]


# The program.


def say(**words: object) -> None:
    utter(json.dumps(words))


def utter(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def allow(size: int) -> None:
    """Let no file of this process be longer."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def attempt(journal: SqliteJournal, steps: Sequence[Sequence[ToolCall]] = TOGETHER) -> dict[str, object]:
    """Run until it ends or there is no room, and tell what happened."""
    made: list[str] = []
    error: JournalError | None = None
    try:
        result = await agent_on(journal, made.append, steps).run("go")
    except JournalError as raised:
        error, result = raised, raised.result
    return {
        "error": "" if error is None else type(error).__name__,
        "message": str(error),
        "claimed": result is not None,
        "run_id": "" if result is None else result.run_id,
        "status": "" if result is None else result.status,
        "acknowledged": [] if result is None else [line(each) for each in result.events],
        "made": made,
    }


def fill(folder: str, durability: str, file: str) -> None:
    """Run with more and more room, until there is enough; in a new file, or beside a run that is there."""
    size, said = 0, {"error": "not yet"}
    while said["error"]:
        journal = SqliteJournal(Path(folder) / f"{size}.db", durability=durability)
        there = log_of_a_run(journal) if file == "used" else 0
        allow(there + size)
        said = asyncio.run(attempt(journal, ALONE))
        journal.close()
        allow(resource.RLIM_INFINITY)
        say(**said, path=str(journal.path))
        size += 4_000


def crowd(folder: str, durability: str) -> None:
    """Run on a disk with more and more room, and go on when there is enough."""
    room = 100_000
    while asyncio.run(crowded(Path(folder), durability, room)):
        room += 8_192
        for each in Path(folder).iterdir():
            each.unlink()


def log_of_a_run(journal: SqliteJournal) -> int:
    """How long the log is when a run is in it."""
    asyncio.run(attempt(journal, ALONE))
    return journal.path.with_name(f"{journal.path.name}-wal").stat().st_size


async def crowded(folder: Path, durability: str, room: int) -> bool:
    ballast, journal = folder / "ballast", SqliteJournal(folder / "runs.db", durability=durability)
    ballast.write_bytes(bytes(shutil.disk_usage(folder).free - room))
    said = await attempt(journal)
    if said["run_id"] and said["error"]:
        kept, keys = written(journal.path, said["run_id"]), sorted(keys_in(journal.path))
        ballast.unlink()
        result = await agent_on(journal, nothing).resume(said["run_id"])
        resumed = written(journal.path, result.run_id)
        say(**{**said, "status": result.status}, kept=kept, keys=keys, resumed=resumed)
    journal.close()
    return bool(said["error"])


def give_back(folder: str) -> None:
    """Run out of room altogether within a run, and resume it when there is room again."""
    journal = SqliteJournal(Path(folder) / "runs.db")

    async def run() -> None:
        try:
            await agent_on(journal, lambda _: allow(1_000)).run("go")
        except JournalError as error:
            allow(resource.RLIM_INFINITY)
            result = await agent_on(journal, nothing).resume(error.result.run_id)
            say(error=type(error).__name__, status=result.status)

    asyncio.run(run())
    journal.close()


def lock(path: str) -> None:
    """Lock a file from one word to the next."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        sys.stdin.readline()
        connection.execute("begin immediate")
        utter("locked")
        sys.stdin.readline()
        connection.execute("commit")


def close(path: str) -> None:
    """Be, as far as the locks tell, the last one who closes the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("select count(*) from event").fetchall()


def read(path: str, run_id: str) -> None:
    utter("\n".join(written(Path(path), run_id)))


def prune(path: str, run_id: str) -> None:
    journal = SqliteJournal(path)
    asyncio.run(journal.prune([run_id]))
    journal.close()


def leave(path: str, end: str) -> None:
    """Make a run, and close the journal or not."""
    journal = SqliteJournal(path)
    say(**asyncio.run(attempt(journal)))
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    journal.close()


def begin(path: str, runs: str) -> None:
    """Begin runs, and be killed when each of them is at its first call."""
    journal, begun = SqliteJournal(path), []

    async def act(key: str) -> None:
        begun.append(key.partition(":")[0])
        if len(begun) == int(runs):
            for run_id in begun:
                say(run_id=run_id)
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()

    async def run() -> None:
        await asyncio.gather(*(agent_on(journal, act).run("go") for _ in range(int(runs))))

    asyncio.run(run())


def compete(path: str) -> None:
    """Resume each run that is named, and hold it until told to go on."""
    journal = SqliteJournal(path)

    def act(key: str) -> None:
        if is_first(key):
            say(drives=True)
            sys.stdin.readline()

    async def resume(run_id: str) -> None:
        try:
            result = await agent_on(journal, act).resume(run_id)
            say(status=result.status)
        except JournalError as error:
            say(status=type(error).__name__, message=str(error), drives=False)

    utter("ready")
    for run_id in iter(sys.stdin.readline, ""):
        asyncio.run(resume(run_id.strip()))
    journal.close()


def make() -> None:
    """Claim a run in each file that is named, which may not be there."""

    async def claim(journal: SqliteJournal) -> None:
        await (await journal.claim(str(os.getpid()), create=True)).release()

    utter("ready")
    for path in iter(sys.stdin.readline, ""):
        journal = SqliteJournal(path.strip())
        asyncio.run(claim(journal))
        journal.close()
        utter("made")


PARTS = {
    "fill": fill,
    "crowd": crowd,
    "return": give_back,
    "lock": lock,
    "close": close,
    "read": read,
    "prune": prune,
    "leave": leave,
    "begin": begin,
    "race": compete,
    "make": make,
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
