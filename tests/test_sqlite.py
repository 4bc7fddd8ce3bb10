"""Runs in one SQLite file: kept, claimed, listed, found, and deleted."""

import asyncio
import os
import re
import sqlite3
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import events

from agentkit import (
    Agent,
    JournalError,
    Limits,
    Message,
    OutOfOrder,
    Reasoning,
    Recorded,
    Reply,
    RunStarted,
    RunTaken,
    SqliteJournal,
    UnknownRun,
    Usage,
    UsageError,
    tool,
)
from agentkit.events import RunForked, RunSuspended, ToolFinished, ToolStarted
from agentkit.journal import MemoryJournal
from agentkit.listing import Listed, Query
from agentkit.messages import ToolResult
from agentkit.sqlite.file import NEWEST, SCHEMAS, migrate
from agentkit.sqlite.journal import journal_at
from agentkit.testing import ScriptedModel, call, reply


@tool(effect="read")
async def look(n: int) -> str:
    """Look."""
    return f"seen {n}"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture(params=["full", "os"])
def journal(request, path):
    journal = SqliteJournal(path, durability=request.param)
    yield journal
    journal.close()


def recorded(seq: int, event, run_id: str = "r", *, time: float = 0.0) -> Recorded:
    return Recorded(run_id, seq, time + seq, 1, event)


START = RunStarted("r", "a", (Message("user", "go"),))


async def keep(claim, *given_events, first: int = 0, run_id: str = "r", time: float = 0.0) -> None:
    for seq, event in enumerate(given_events, first):
        if (kept := claim.append(recorded(seq, event, run_id, time=time))) is not None:
            await kept


async def test_what_was_kept_is_read_back(journal):
    """The events of a run, as they were, in their order, by whoever reads the file."""
    result = await Agent(ScriptedModel(call("look", n=1), "done"), tools=[look], journal=journal).run("go")

    assert result.events == journal.read(result.run_id)
    assert result.events == SqliteJournal(journal.path).read(result.run_id)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(events, max_size=8), st.sampled_from(["os", "full"]))
def test_any_event_is_kept_whole(tmp_path_factory, found, durability):
    """Long texts, pictures and half surrogate pairs included."""
    journal = SqliteJournal(tmp_path_factory.mktemp("any") / "runs.db", durability=durability, redact=())
    kept = [each for each in found if not isinstance(each, RunStarted | RunForked | ToolFinished)]

    async def write() -> None:
        claim = await journal.claim("r", create=True)
        claim.redact = lambda text: text
        await keep(claim, START, *kept)
        await claim.release()

    asyncio.run(write())

    assert [START, *kept] == [each.event for each in journal.read("r")]
    journal.close()


async def test_a_long_text_is_kept_once(journal):
    """What stands in a hundred runs is in the file once: instructions, tools' schemas, results."""
    long = "All of the rules. " * 5_000
    agent = Agent(ScriptedModel("done", repeat_last=True), instructions=long, journal=journal)
    await agent.run("go")
    one = size_of(journal)
    for _ in range(50):
        await agent.run("go")

    assert size_of(journal) - one < 4 * len(long)
    assert long == journal.read(journal.runs()[0].run_id)[0].event.messages[0].text


async def test_a_run_of_a_hundred_calls_of_5_kb_stays_under_a_megabyte(journal):
    """A run grows with what is new in it, not with what was said before."""

    @tool(effect="read")
    async def page(n: int) -> str:
        """Read a page."""
        return "".join(f"{n} {k} is not {k * n}. " for k in range(300))[:5_000]

    model = ScriptedModel(*(call("page", n=n) for n in range(100)), "read")
    result = await Agent(model, tools=[page], limits=Limits(steps=None), journal=journal).run("Read.")

    assert "completed" == result.status
    assert 500_000 < size_of(journal) < 1_000_000


async def test_a_conversation_grows_with_what_is_new(journal):
    """Each run of a conversation holds all that was said before, and the file holds it once."""
    agent = Agent(ScriptedModel(lambda _: "word " * 200, repeat_last=True), instructions="Talk.", journal=journal)
    sizes, before = [], None
    for _ in range(60):
        before = (await agent.run("And then? " * 20, continues=before)).run_id
        sizes.append(size_of(journal))

    early, late = sizes[29] - sizes[9], sizes[59] - sizes[39]
    assert late < 1.5 * early
    assert 120 == len(agent.result(before).messages) - 1


def size_of(journal: SqliteJournal) -> int:
    """Bytes of content in the file, its log included."""
    with closing(sqlite3.connect(journal.path)) as connection:
        return connection.execute("pragma page_count").fetchone()[0] * 4096


# Claims.


async def test_a_run_is_driven_by_one_at_a_time(journal):
    """Who comes second is told who is first, in one process and from another journal on the same file."""
    claim = await journal.claim("r", create=True)
    other = SqliteJournal(journal.path)
    for each in (journal, other):
        with pytest.raises(RunTaken, match=rf"run r is driven by process \S+:{os.getpid()}; wait until it stops"):
            await each.claim("r", create=True)
    await keep(claim, START)
    await claim.release()
    again = await other.claim("r")

    assert [START] == [each.event for each in again.events]
    await again.release()
    other.close()


async def test_of_many_who_race_one_wins(journal):
    """A hundred times, exactly one of several claims of one run succeeds."""
    others = [SqliteJournal(journal.path) for _ in range(3)]
    for number in range(100):
        claims = await asyncio.gather(
            *(each.claim(f"r{number}", create=True) for each in (journal, *others)), return_exceptions=True
        )
        won = [each for each in claims if not isinstance(each, RunTaken)]
        assert 1 == len(won)
        await won[0].release()
    for each in others:
        each.close()


async def test_who_lost_a_run_cannot_write_it_any_more(journal):
    """A claim that was taken over is told at the next event, which is not kept."""
    claim = await journal.claim("r", create=True)
    await keep(claim, START)
    expire(journal)
    other = SqliteJournal(journal.path)
    again = await other.claim("r")

    with pytest.raises(RunTaken, match="taken over"):
        await keep(claim, RunSuspended("failed"), first=1)
    await claim.release()
    await keep(again, RunSuspended("cancelled"), first=1)
    assert [START, RunSuspended("cancelled")] == [each.event for each in other.read("r")]
    await again.release()
    other.close()


def expire(journal: SqliteJournal) -> None:
    """Let it be later than any lease."""
    with closing(sqlite3.connect(journal.path)) as connection:
        connection.execute("update run set lease = 0")
        connection.commit()


async def test_a_claim_that_was_never_used_leaves_no_run(journal):
    """What was claimed and not begun is not listed, and is unknown."""
    await (await journal.claim("r", create=True)).release()

    assert [] == journal.runs()
    with pytest.raises(UnknownRun, match="there is no run 'r'"):
        await journal.claim("r")


async def test_a_result_is_recorded_once_at_most(journal):
    """The database itself refuses a second result of a call, and a second event of one number."""
    claim = await journal.claim("r", create=True)
    done = ToolFinished(ToolResult("c", "done"))
    await keep(claim, START, ToolStarted("c", "t", "k"), done)

    with pytest.raises(OutOfOrder, match="has this event already"):
        await keep(claim, done, first=3)
    with pytest.raises(OutOfOrder, match="has this event already"):
        await keep(claim, RunSuspended("failed"), first=2)
    await keep(claim, RunSuspended("failed"), first=3)
    assert 4 == len(journal.read("r"))
    await claim.release()


async def test_an_event_that_is_missing_is_damage(journal):
    """A run with a hole is not read as if there were none."""
    claim = await journal.claim("r", create=True)
    await keep(claim, START, RunSuspended("failed"), RunSuspended("failed"))
    await claim.release()
    with closing(sqlite3.connect(journal.path)) as connection:
        connection.execute("delete from event where seq = 1")
        connection.commit()

    with pytest.raises(JournalError, match="event 1 of run r is missing"):
        journal.read("r")


async def test_a_closed_journal_says_so(journal):
    """A claim that is still held finds out at the next event."""
    claim = await journal.claim("r", create=True)
    journal.close()

    with pytest.raises(JournalError, match="has been closed"):
        await keep(claim, START)


async def test_runs_at_work_share_what_a_transaction_costs(path):
    """Fifty runs at once are all kept, each whole."""
    journal = SqliteJournal(path)
    agents = [
        Agent(ScriptedModel(call("look", n=n), "done"), tools=[look], journal=journal, name=f"a{n}") for n in range(50)
    ]
    results = await asyncio.gather(*(agent.run("go") for agent in agents))

    for result in results:
        assert result.events == journal.read(result.run_id)
    journal.close()


async def test_a_nonsensical_number_of_tokens_is_kept(journal):
    """A server may count as it likes; the list shows the largest number that it can."""
    said = Reply(message=Message("assistant", "done"), usage=Usage(2**70, 1))
    result = await Agent(ScriptedModel(said), journal=journal).run("go")

    assert 2**70 == journal.read(result.run_id)[2].event.usage.input
    assert ("completed", 2**63 - 1) == (journal.runs()[0].status, journal.runs()[0].input)


# A fork's events.


async def test_a_fork_has_its_parents_events_without_a_copy(journal):
    """Those before it are read from the parent; a fork of a fork as well, also one that begins earlier."""
    parent = await journal.claim("r", create=True)
    await keep(parent, START, *(RunSuspended("failed", str(n)) for n in range(4)))
    await parent.release()
    for run_id, of, seq in (("f", "r", 3), ("g", "f", 5), ("h", "f", 2)):
        claim = await journal.claim(run_id, create=True)
        await keep(claim, RunForked(run_id, of), RunSuspended("failed", run_id), first=seq, run_id=run_id)
        await claim.release()

    told = {run_id: [getattr(e.event, "detail", "") for e in journal.read(run_id)] for run_id in "rfgh"}
    assert {
        "r": ["", "0", "1", "2", "3"],
        "f": ["", "0", "1", "", "f"],
        "g": ["", "0", "1", "", "f", "", "g"],
        "h": ["", "0", "", "h"],
    } == told
    with closing(sqlite3.connect(journal.path)) as connection:
        assert 5 + 3 * 2 == connection.execute("select count(*) from event").fetchone()[0]


async def test_memory_keeps_forks_as_the_file_does():
    """The two journals are read alike."""
    journal = MemoryJournal()
    parent = await journal.claim("r", create=True)
    await keep(parent, START, RunSuspended("failed", "0"), RunSuspended("failed", "1"))
    fork = await journal.claim("f", create=True)
    await keep(fork, RunForked("f", "r"), first=2, run_id="f")

    assert ["RunStarted", "RunSuspended", "RunForked"] == [type(e.event).__name__ for e in journal.read("f")]
    with pytest.raises(RunTaken, match="this process"):
        await journal.claim("f")
    with pytest.raises(UnknownRun):
        journal.read("x")


# Lists.


@pytest.fixture
async def several(journal):
    orders = Agent(
        ScriptedModel(call("look", n=1), reply("A lamp: it's “fine”.\nReally."), name="doubao-seed"),
        tools=[look],
        name="orders",
        journal=journal,
    )
    mails = Agent(ScriptedModel("x" * 9_000 + " needle 100% _ yes", name="kimi"), name="mails", journal=journal)
    await orders.run("What did C-1 order?")
    await mails.run("Read my mail.")
    return journal


@pytest.mark.parametrize(
    ("query", "agents"),
    [
        (Query(), ["mails", "orders"]),
        (Query(agent="ord"), ["orders"]),
        (Query(model="kimi"), ["mails"]),
        (Query(model="i_i"), []),
        (Query(tool="look"), ["orders"]),
        (Query(tool="loo"), []),
        (Query(status="completed"), ["mails", "orders"]),
        (Query(status="failed"), []),
        (Query(text="C-1 order"), ["orders"]),
        (Query(text="“fine”.\nReally"), ["orders"]),
        (Query(text="NEEDLE 100% _"), ["mails"]),
        (Query(text="needle 1009"), []),
        (Query(since=4e9), []),
        (Query(agent="orders", text="mail"), []),
    ],
)
async def test_runs_are_found(several, query, agents):
    """By each of the questions, and by several at once; the newest first."""
    assert agents == [row.agent for row in several.runs(query)]


async def test_a_call_that_could_not_be_made_is_found_by_its_tool(journal):
    """A run in which nothing but the call of a tool failed is found where people look for it."""
    await Agent(ScriptedModel(call("look", n="x"), "no"), tools=[look], name="clerk", journal=journal).run("go")

    assert ["clerk"] == [row.agent for row in journal.runs(Query(tool="look"))]


async def test_a_row_tells_what_a_run_is(several):
    """Its agent, model, prompt, steps, calls, tokens and times."""
    row = several.runs(Query(agent="orders"))[0]

    assert ("doubao-seed", "completed", "What did C-1 order?") == (row.model, row.status, row.prompt)
    assert (2, 1, 20, 10) == (row.steps, row.calls, row.input, row.output)
    assert row.started <= row.updated


def test_a_call_id_with_a_slash_does_not_hide_who_called():
    """A run is listed under the one that called it, whatever its server makes of the ids of calls."""
    assert "r" == Listed(run_id="r:1.0", parent="r/functions/look:0").before


async def test_a_run_at_work_is_listed_as_its_events_tell(journal):
    """`running` while somebody drives it, `stopped` when its process is gone, with the steps so far."""
    seen = []

    @tool
    async def list_runs() -> str:
        """List."""
        seen.extend(journal.runs())
        return "listed"

    await Agent(ScriptedModel(call("list_runs"), "done"), tools=[list_runs], journal=journal).run("go")
    claim = await journal.claim("r", create=True)
    await keep(claim, START, time=4e9)
    expire(journal)

    assert [("running", 1, 10)] == [(row.status, row.steps, row.input) for row in seen]
    assert "stopped" == journal.runs()[0].status
    await claim.release()


async def test_the_list_can_be_made_again_from_the_events(several):
    """Whatever became of it, the events are enough."""
    before = several.runs()
    with closing(sqlite3.connect(several.path)) as connection:
        connection.execute("delete from run")
        connection.commit()
    assert [] == several.runs()

    await several.rebuild()

    assert before == several.runs()


async def test_deleted_runs_are_gone_with_their_texts(several):
    """The others keep theirs, also those they share."""
    shared = "shared " * 2_000
    agents = [Agent(ScriptedModel("done"), instructions=shared, name=name, journal=several) for name in ("one", "two")]
    one, two = [await agent.run("go") for agent in agents]
    mails = several.runs(Query(agent="mails"))[0].run_id

    await several.prune([one.run_id, mails])

    assert ["two", "orders"] == [row.agent for row in several.runs()]
    assert two.events == several.read(two.run_id)
    with closing(sqlite3.connect(several.path)) as connection:
        held = [bytes(data).decode() for (data,) in connection.execute("select data from blob")]
    assert [] == [text[:9] for text in held if "needle" in text]
    assert 1 == held.count(shared)


async def test_a_run_at_work_is_not_deleted(journal):
    """Nothing is deleted then."""
    claim = await journal.claim("r", create=True)
    await keep(claim, START)

    with pytest.raises(RunTaken, match="run r is driven by process"):
        await journal.prune(["r"])
    await claim.release()
    await journal.prune(["r"])
    assert [] == journal.runs()


async def test_a_run_that_a_fork_begins_as_is_not_deleted_without_it(journal):
    """A fork has its parent's events by reference."""
    parent = await journal.claim("r", create=True)
    await keep(parent, START, RunSuspended("failed"))
    fork = await journal.claim("f", create=True)
    await keep(fork, RunForked("f", "r"), first=2, run_id="f")
    await parent.release()
    await fork.release()

    with pytest.raises(JournalError, match="run f begins as r does"):
        await journal.prune(["r"])
    await journal.prune(["r", "f"])
    assert [] == journal.runs()


# Secrets.


async def test_secrets_are_hidden_where_a_run_is_written(path):
    """In every text; the run goes on with what was really said, and the record tells that something is hidden."""
    heard = []

    @tool(effect="read")
    async def settings_of(user: str) -> str:
        """Read settings."""
        return "api_key=sk-abcdefgh12345678 customer C-4711"

    def answer(request):
        heard.append(request.messages[-1].text)
        return "done with sk-abcdefgh12345678"

    journal = SqliteJournal(path, redact=[r"C-\d+", re.compile("ada", re.IGNORECASE)])
    agent = Agent(ScriptedModel(call("settings_of", user="Ada"), answer), tools=[settings_of], journal=journal)
    result = await agent.run("Settings of Ada, password: hunter22?")
    journal.close()

    kept = journal.read(result.run_id)
    raw = path.read_bytes().decode("latin-1")
    assert "sk-abcdefgh12345678" in heard[0]
    assert "C-4711" in heard[0]
    for secret in ("sk-abcdefgh", "C-4711", "hunter22", "Ada"):
        assert secret not in raw
    assert "api_key=[secret] customer [secret]" == kept[4].event.result.content
    assert [1, 0, 1, 0, 1, 0, 1, 1] == [each.hidden for each in kept]


async def test_what_a_provider_wants_back_is_kept_to_the_letter(journal):
    """A signature looks like a key and is none: changed, it would be refused."""
    signature = '{"signature":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh","token":"0123456789abcdef0123456789"}'
    said = Reply(message=Message("assistant", "done", reasoning=Reasoning("thought", "reasoning", signature)))
    result = await Agent(ScriptedModel(said), journal=journal).run("go")

    assert signature == journal.read(result.run_id)[2].event.message.reasoning.opaque


@pytest.mark.parametrize("pattern", ["(", "x*"])
def test_a_pattern_that_cannot_work_is_refused(path, pattern):
    """One that is none, and one that is found everywhere."""
    with pytest.raises(UsageError, match=re.escape(pattern)):
        SqliteJournal(path, redact=[pattern])


def test_a_durability_that_nobody_knows_is_refused(path):
    """The error names the two."""
    with pytest.raises(UsageError, match="'full' or 'os'"):
        SqliteJournal(path, durability="maybe")


# The file.


def test_a_path_is_one_journal_in_a_process(path):
    """Agents with the same file share its one writer."""
    agents = [Agent(ScriptedModel("x"), journal=place) for place in (path, str(path))]

    assert journal_at(path) is agents[0]._journal is agents[1]._journal


async def test_a_file_is_brought_up_to_date(path):
    """What an older version has written is there after the schema has changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, 0)
        connection.execute("insert into run (run_id, agent) values ('old', 'a')")
        later = {**SCHEMAS, NEWEST + 1: ("alter table run add column mood text default 'fine'",)}
        migrate(connection, NEWEST, later)

        assert [("old", "fine")] == connection.execute("select run_id, mood from run").fetchall()
        assert (NEWEST + 1,) == connection.execute("pragma user_version").fetchone()


def test_the_schema_only_grows():
    """Each version brings a file on from the one before it."""
    assert all(later == earlier + 1 for earlier, later in pairwise(sorted(SCHEMAS)))


async def bad_claim(path) -> str:
    journal = SqliteJournal(path)
    with pytest.raises(JournalError) as caught:
        await journal.claim("r", create=True)
    journal.close()
    with pytest.raises(JournalError):
        journal.read("r")
    return str(caught.value)


async def test_a_file_of_something_else_is_left_alone(path):
    """Text, another program's database: the error says so, and not a byte is changed."""
    path.write_text("Dear diary, today nothing happened at all, and nobody wrote.\n" * 100)
    before = path.read_bytes()
    assert "is no journal but some other file" in await bad_claim(path)
    assert before == path.read_bytes()

    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table diary (page text)")
    before = path.read_bytes()
    assert "is a database of something else" in await bad_claim(path)
    assert before == path.read_bytes()


async def test_a_file_of_a_newer_version_is_left_alone(path):
    """The error says what to do."""
    journal = SqliteJournal(path)
    await (await journal.claim("r", create=True)).release()
    journal.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma user_version={NEWEST + 1}")

    told = await bad_claim(path)
    assert f"schema {NEWEST + 1}; this one knows {NEWEST}" in told
    assert "update agentkit" in told


async def test_a_damaged_file_is_an_error_that_names_the_way_on(path):
    """A file whose pages were overwritten is not read, nor written."""
    journal = SqliteJournal(path)
    await Agent(ScriptedModel("x" * 100_000), journal=journal).run("go")
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    assert ".recover" in await bad_claim(path)


async def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    """Where a file stands in the way of a folder, there can be no journal."""
    (tmp_path / "file").write_text("x")

    assert "see to its permissions" in await bad_claim(tmp_path / "file" / "runs.db")


def test_a_journal_that_is_not_there_says_how_one_comes_to_be(path):
    """Reading makes no file."""
    with pytest.raises(JournalError, match="there is no journal"):
        SqliteJournal(path).runs()
    path.touch()
    with pytest.raises(JournalError, match="is empty"):
        SqliteJournal(path).runs()
    assert 0 == path.stat().st_size
