"""A trace becomes a test: runs are recorded once, played ever after, and written out as tests."""

import os
import re
import subprocess
import sys
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest

from agentkit import (
    Agent,
    Context,
    Image,
    JournalError,
    Limits,
    MemoryJournal,
    Message,
    MissingCredentials,
    ModelError,
    SqliteJournal,
    Text,
    UnknownTarget,
    UsageError,
    tool,
)
from agentkit.cli.export import export
from agentkit.debug import Change, fork, replay
from agentkit.debug.export import as_lines, as_test, name_of
from agentkit.debug.scrubbed import in_json, scrubbed
from agentkit.events import Recorded, RunStarted, Unknown
from agentkit.messages import File
from agentkit.model import Settings
from agentkit.secrets import scrub
from agentkit.testing import Cassette, ModelServer, ScriptedModel, agent_at, call, reply, write_test
from agentkit.testing.tape import as_text, place_of, read, write, write_whole

KEY = "sk-abcdefgh12345678"

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
    "Nothing there.",
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cassettes" / "one.jsonl"


def agent_of(*script, tools=(look, pay), **more) -> Agent:
    return Agent(ScriptedModel(*script), tools=tools, instructions="You look.", **more)


async def recorded(path, *script, prompt="Is there a lamp?", **more):
    """A cassette with one run, at its place."""
    cassette = Cassette(path, record="all")
    result = await cassette.run(agent_of(*script, **more), prompt)
    cassette.save()
    made.clear()
    return result


# Recorded and played.


async def test_a_run_is_recorded_once_and_played_without_a_model_and_without_tools(path):
    """The result is the recorded one, and nothing was asked or made."""
    live = await recorded(path, *SCRIPT)
    cassette = Cassette(path)
    played = await cassette.run(agent_of(), "Is there a lamp?")
    cassette.assert_finished()
    cassette.save()

    assert ([], "completed", "Nothing there.") == (made, played.status, played.output)
    assert [step.reasoning for step in live.steps] == [step.reasoning for step in played.steps]


async def test_this_very_project_is_tested_with_the_fixture(cassette):
    """The recorded run of this test is beside its file."""
    result = await cassette.run(agent_of(*SCRIPT), "Is there a lamp?")

    assert ("completed", "Nothing there.") == (result.status, result.output)


@tool(name="look", effect="read")
async def look_well(place: str) -> str:
    """Look somewhere, and look well.

    Args:
        place: Where.
    """
    return place


@pytest.mark.parametrize(
    ("change", "prompt", "told"),
    [
        (
            {"instructions": "You look well."},
            None,
            "message 0 (system) differs in its content:\n-You look.\n+You look well.",
        ),
        ({}, "Is there a desk?", "message 1 (user) differs in its content:\n-Is there a lamp?\n+Is there a desk?"),
        ({"tools": [look_well, pay]}, None, "the tool 'look' is described differently"),
        ({"model": ScriptedModel(name="other")}, None, "the model was 'scripted', and is 'other'"),
        ({"settings": Settings(seed=7)}, None, "the settings differ"),
        ({"limits": Limits(steps=1)}, None, "the status was 'completed', and is 'step_limit'"),
    ],
)
async def test_a_miss_shows_which_message_differs_and_how(path, change, prompt, told):
    """Beside the step, the cassette, and how to record it anew."""
    await recorded(path, *SCRIPT)
    cassette = Cassette(path, test="tests/test_lamps.py::test_lamp")

    with pytest.raises(AssertionError) as caught:
        await cassette.run(replace(agent_of(), **change), prompt)

    assert f"In step 1, {told}" in str(caught.value)
    assert "one.jsonl, with 1 run." in str(caught.value)
    assert "pytest --agentkit-record=all tests/test_lamps.py::test_lamp" in str(caught.value)
    with pytest.raises(AssertionError, match="run 1 is not the recorded one"):
        cassette.assert_finished()


async def test_a_test_makes_several_runs_each_with_the_history_of_the_last(path):
    """They are played in the order they were recorded, and a conversation goes on."""
    agent = agent_of(*SCRIPT, "Nor a desk.")

    async def conversation(cassette):
        first = await cassette.run(agent, "Is there a lamp?")
        return await cassette.run(agent, "And a desk?", history=first.messages)

    cassette = Cassette(path, record="missing")
    await conversation(cassette)
    cassette.save()
    played = await conversation(Cassette(path))
    again = Cassette(path)
    await again.run(agent)
    alone = await again.run(agent)

    assert "Nor a desk." == played.output == alone.output
    with pytest.raises(AssertionError, match=r"message 1 \(user\) differs"):
        await Cassette(path).run(agent, "And a desk?")


async def test_a_message_that_is_new_or_gone_is_named(path):
    """With what it says."""
    history = (Message("user", "Is there a lamp?"), Message("assistant", "No."))
    await recorded(path, *SCRIPT)
    longer = path.with_name("longer.jsonl")
    cassette = Cassette(longer, record="all")
    await cassette.run(agent_of("None."), "And a desk?", history=history)
    cassette.save()

    with pytest.raises(AssertionError, match=r"message 2 \(assistant\) is new: No\."):
        await Cassette(path).run(agent_of(), "And a desk?", history=history)
    with pytest.raises(AssertionError, match=r"message 2 \(assistant\) is gone: No\."):
        await Cassette(longer).run(agent_of(), "Is there a lamp?")


async def test_a_recorded_run_that_is_not_made_any_more_fails_the_test(path):
    """As an entry of a script does that nobody asked for."""
    await recorded(path, *SCRIPT)

    with pytest.raises(AssertionError, match="run 1 was recorded, and is not made any more"):
        Cassette(path).assert_finished()


async def test_a_run_that_is_not_recorded_says_how_to_record_it(path):
    """Be it that there is no cassette, or that it ends too early."""
    with pytest.raises(UsageError, match=r"there is no cassette .*one.jsonl; to record it: .*'missing'"):
        await Cassette(path).run(agent_of(), "Is there a lamp?")
    await recorded(path, *SCRIPT)
    cassette = Cassette(path)
    await cassette.run(agent_of())
    with pytest.raises(AssertionError, match="run 2 is not on the cassette"):
        await cassette.run(agent_of(), "And a desk?")
    with pytest.raises(UsageError, match="give the prompt"):
        await Cassette(path.with_name("other.jsonl"), record="missing").run(agent_of())


async def test_what_is_missing_is_recorded_after_what_is_there(path):
    """The first run is played, the second one is asked."""
    await recorded(path, *SCRIPT)
    before = path.read_text()
    cassette = Cassette(path, record="missing")
    await cassette.run(agent_of())
    await cassette.run(agent_of("Nor a desk."), "And a desk?")
    cassette.save()

    assert path.read_text().startswith(before)
    assert 2 == len(read(path))


async def test_recorded_anew_a_run_is_asked_what_it_was_asked(path):
    """Also where the test leaves the prompt to the cassette; the file is the same but for what was said."""
    await recorded(path, *SCRIPT)
    before = path.read_text()
    cassette = Cassette(path, record="all")
    result = await cassette.run(agent_of(SCRIPT[0], "Nothing at all."))
    cassette.save()

    assert "Is there a lamp?" == result.messages[1].text
    assert before.replace("Nothing there.", "Nothing at all.") == path.read_text()


async def test_of_a_test_that_breaks_while_it_is_recorded_nothing_is_written(path):
    """A model that was down is no recording, and the error says so."""
    cassette = Cassette(path, record="all")
    await cassette.run(agent_of("Fine."), "First?")
    with pytest.raises(ModelError) as caught:
        await cassette.run(agent_of(ModelError("down", category="server_error")), "Second?")
    with pytest.raises(UsageError, match="give the prompt"):
        await cassette.run(agent_of())
    cassette.save()

    assert "nothing is written" in caught.value.__notes__[0]
    assert not path.exists()


async def test_todays_tools_can_run_on_the_recorded_replies(path):
    """And a result that is another one now is shown as the message that differs."""
    await recorded(path, *SCRIPT)
    result = await Cassette(path).run(agent_of(), tools="live")

    @tool(name="look", effect="read")
    async def look_badly(place: str) -> str:
        """Look somewhere.

        Args:
            place: Where.
        """
        return f"{place} is dark"

    assert (["shelf", "box"], "Nothing there.") == (made, result.output)
    with pytest.raises(AssertionError, match=r"(?s)step 2, message 3 \(tool\).*-shelf is empty\n\+shelf is dark"):
        await Cassette(path).run(agent_of(tools=[look_badly, pay]), tools="live")


async def test_typed_answers_deps_and_nested_agents_are_played(path):
    """An agent that is another one's tool is not asked."""

    @tool(effect="read")
    async def mine(context: Context[int]) -> int:
        """Mine."""
        return context.deps

    inner = Agent(ScriptedModel("Deep down."), name="inner")
    script = ([call("mine"), call("inner", task="How deep?")], '{"value": 4}')
    agent = Agent(ScriptedModel(*script), tools=[mine, inner.as_tool()], output=int)
    cassette = Cassette(path, record="all")
    live = await cassette.run(agent, "How many?", deps=4)
    cassette.save()
    played = await Cassette(path).run(agent, deps=4)

    assert 4 == live.output == played.output


async def test_people_decide_as_they_did(path):
    """What was approved is approved, and a run that waits for a person waits."""
    script = ([call("pay", amount=90)], "Paid.")
    await recorded(path, *script, approver=lambda question: True)
    waits = path.with_name("waits.jsonl")
    await recorded(waits, *script)

    played, waiting = await Cassette(path).run(agent_of()), await Cassette(waits).run(agent_of())

    assert ([], "Paid.", "waiting") == (made, played.output, waiting.status)
    assert ["pay"] == [one.name for one in waiting.waiting]


@tool
async def pay_at_once(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


async def test_a_call_that_waited_for_a_person_and_waits_no_more_is_a_miss(path):
    """So is one that waits where none did: what the model is told would not show it."""
    script = ([call("pay", amount=90)], "Paid.")
    free = tool(pay_at_once.function, name="pay")
    await recorded(path, *script)
    await recorded(path.with_name("free.jsonl"), *script, tools=[look, free])

    with pytest.raises(AssertionError, match=r"a person has to decide on pay \(call_1\), and now it asks the model"):
        await Cassette(path).run(agent_of(tools=[look, free]))
    with pytest.raises(AssertionError, match="the status was 'completed', and is 'waiting'"):
        await Cassette(path.with_name("free.jsonl")).run(agent_of())


async def test_a_wait_for_other_calls_is_a_miss(path):
    """The names of those that wait now are told."""

    @tool(name="look", effect="read", approval="always")
    async def look_asking(place: str) -> str:
        """Look somewhere.

        Args:
            place: Where.
        """
        return place

    script = ([call("pay", amount=90), call("look", place="box")],)
    await recorded(path, *script)

    with pytest.raises(AssertionError, match=r"decide on pay \(call_1\), and now a person .* look \(call_2\)"):
        await Cassette(path).run(agent_of(tools=[look_asking, pay]))


async def test_a_run_that_was_left_is_played_as_far_as_it_went(path):
    """It is returned as it stood, also where it could have ended now."""
    with pytest.raises(ModelError) as caught:
        await agent_of(SCRIPT[0], ModelError("down", category="server_error")).run("Is there a lamp?")
    failed = caught.value.result
    whole = await agent_of(*SCRIPT).run("Is there a lamp?")
    resumed = await agent_of(*SCRIPT[1:]).resume(failed)
    write(path, [failed.events, whole.events[:-1], resumed.events])
    cassette = Cassette(path)

    assert ["failed", "failed", "completed"] == [(await cassette.run(agent_of())).status for _ in range(3)]
    assert str(os.getpid()) not in path.read_text()
    with pytest.raises(AssertionError, match="message 0"):
        await Cassette(path).run(replace(agent_of(), instructions="Other."))


async def test_a_fork_is_played_without_a_prompt(path):
    """It begins as its parent did, and cannot be begun anew."""
    parent = await agent_of(*SCRIPT).run("Is there a lamp?")
    forked = await fork(agent_of("Yes."), parent, change=Change(prompt="Sure?"))
    write(path, [forked.events])

    said = await fork(agent_of(), parent, at=1, change=Change(reply="A lamp."))
    write(path.with_name("said.jsonl"), [said.events])

    assert "Yes." == (await Cassette(path).run(agent_of())).output
    assert "A lamp." == (await Cassette(path.with_name("said.jsonl")).run(agent_of())).output
    with pytest.raises(UsageError, match="the run is a fork"):
        await Cassette(path).run(agent_of(), "Sure?")
    with pytest.raises(UsageError, match="the run is a fork"):
        await Cassette(path, record="all").run(agent_of())


async def test_what_a_journal_hides_is_hidden_here_and_is_no_difference(path, tmp_path):
    """Patterns of one's own are those of the agent's journal; a test writes nothing into it."""
    agent = agent_of("Done.", journal=SqliteJournal(tmp_path / "runs.db", redact=[r"C-\d+"]))
    cassette = Cassette(path, record="all")
    await cassette.run(agent, "What about C-1024?")
    cassette.save()
    played = await Cassette(path).run(agent, "What about C-1024?")

    assert ("completed", "What about [secret]?") == (played.status, read(path)[0][0].event.messages[1].text)
    assert not (tmp_path / "runs.db").exists()


async def test_nested_runs_wait_while_they_are_recorded_as_with_the_agents_journal(path):
    """Because a journal in memory is in its place."""
    inner = Agent(ScriptedModel(call("pay", amount=1)), tools=[pay], name="inner")
    await recorded(path, call("inner", task="Pay."), tools=[inner.as_tool()], journal=MemoryJournal())

    assert "waiting" == (await Cassette(path).run(agent_of(tools=[inner.as_tool()]))).status


async def test_pictures_and_documents_are_told_apart_by_what_is_in_them(path):
    """Two that begin alike, or have one name, are not taken for one."""
    start = "data:image/png;base64," + "A" * 80

    async def miss(*parts):
        with pytest.raises(AssertionError) as caught:
            await Cassette(path).run(agent_of(), parts)
        return str(caught.value)

    asked = ("Look.", Image(start + "one"), File("a.pdf", "data:application/pdf;base64,AA"))
    await recorded(path, "A lamp.", prompt=asked)

    assert "A lamp." == (await Cassette(path).run(agent_of(), asked)).output
    assert "differs in its attachment 1" in await miss("Look.", Image(start + "two"), asked[2])
    assert "differs in its attachment 2" in await miss(*asked[:2], File("a.pdf", "data:application/pdf;base64,BB"))


# At the port of a model.


async def test_a_model_is_recorded_and_played_at_its_port(path):
    """For code that makes its own agent: its tools run, its model is not asked."""

    async def code_under_test(model):
        return await Agent(model, tools=[look], instructions="You look.").run("Is there a lamp?")

    cassette = Cassette(path, record="all")
    await code_under_test(cassette.model(ScriptedModel(*SCRIPT)))
    cassette.save()
    played = Cassette(path)
    result = await code_under_test(played.model(ScriptedModel()))
    played.assert_finished()

    assert ("Nothing there.", ["shelf", "box"] * 2) == (result.output, made)
    assert 2 == len(read(path))


async def test_a_request_at_the_port_that_differs_is_a_miss_even_if_nobody_hears_of_it(path):
    """An agent that is a tool turns the error into a result, and the test fails all the same."""
    inner = ScriptedModel("Deep down.")
    cassette = Cassette(path, record="all")
    await Agent(cassette.model(inner), instructions="You dig.", name="inner").run("How deep?")
    cassette.save()
    played = Cassette(path)
    taped = Agent(played.model(inner), instructions="You swim.", name="inner")
    await agent_of(call("inner", task="How deep?"), "Who knows.", tools=[taped.as_tool()]).run("How deep?")

    with pytest.raises(AssertionError, match=r"(?s)run 1 asks something else .*-You dig.\n\+You swim."):
        played.assert_finished()


async def test_a_played_reply_is_streamed_and_priced_as_one_is(path):
    """Who watches sees its text come."""
    like = ScriptedModel(SCRIPT[-1])
    cassette = Cassette(path, record="all")
    await Agent(cassette.model(like)).run("Lamp?")
    cassette.save()
    model = Cassette(path).model(like)
    async with Agent(model).stream("Lamp?") as run:
        pieces = [event.text async for event in run if type(event).__name__ == "TextDelta"]

    assert "Nothing there." == "".join(pieces)
    assert (like.name, like.price, like.output_mode) == (model.name, model.price, model.output_mode)


# The file.


async def test_what_says_nothing_is_not_in_the_file(path):
    """Two recordings of one run are the same bytes: ids of runs are counted, and times, traces and processes left out."""

    @tool
    async def break_down(context: Context) -> str:
        """Break."""
        raise ValueError(context.run_id)

    texts = []
    for _ in range(2):
        agent = agent_of(call("break_down"), "Broken.", tools=[break_down], journal=MemoryJournal())
        result = await agent.run("Break.")
        write(path, [result.events, result.events])
        texts.append(path.read_text())

    assert texts[0] == texts[1]
    assert result.run_id not in texts[0]
    assert "ValueError: run-1" in texts[0]
    assert not [word for word in ("seconds", "request", "definition", "trace") if f'"{word}"' in texts[0]]


async def test_a_run_that_was_told_its_id_is_played_with_its_new_one(path):
    """Instructions that name the run name it as the file does."""
    agent = Agent(ScriptedModel("Fine."), instructions=lambda context: f"You are {context.run_id}.")
    cassette = Cassette(path, record="all")
    await cassette.run(agent, "Who are you?")
    cassette.save()

    assert "You are run-1." == (await Cassette(path).run(agent)).messages[0].text


async def test_a_cassette_is_read_as_it_was_written(path):
    """Half surrogate pairs and line separators of Unicode included."""
    result = await agent_of("a\u2028b\u0085c \ud83d d").run("Say it.\r\n")
    write(path, [result.events])

    assert "a\u2028b\u0085c \ud83d d" == read(path)[0][-1].event.output
    assert as_text(read(path)) == path.read_bytes().decode()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda lines: [*lines[:-1], lines[-1][:40]], r"one.jsonl, line 6: this line is no recorded event"),
        (lambda lines: ["<<<<<<< HEAD", *lines], "line 1: this line is no recorded event: '<<<<<<< HEAD'"),
        (lambda lines: [lines[0], *lines[2:]], "line 2: here is event 2 where event 1 is expected"),
        (lambda lines: lines[1:], "line 1: here is event 1 where event 0 is expected"),
        (
            lambda lines: [lines[0].replace('"seq":0', '"seq":0'), lines[1].replace("ModelCalled", "ToolFinished")],
            "line 2",
        ),
        (lambda lines: [lines[0], lines[0].replace('"seq":0', '"seq":1')], "run 1: RunStarted cannot follow"),
    ],
)
async def test_a_damaged_cassette_says_in_which_line(path, spoil, told):
    """Nothing is played from it."""
    await recorded(path, call("look", place="x"), "No.", prompt="Lamp?")
    path.write_text("\n".join(spoil(path.read_text().splitlines()[:6])))

    with pytest.raises(JournalError, match=told):
        await Cassette(path).run(agent_of())


async def test_a_file_that_is_no_text_is_no_cassette(path):
    """It may be packed, or a picture."""
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(JournalError, match="is no cassette"):
        await Cassette(path).run(agent_of())


async def test_a_file_that_cannot_be_written_stays_as_it_was(path):
    """And nothing is left beside it."""
    await recorded(path, *SCRIPT)
    before = path.read_text()
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud83d")

    assert [path.name] == [each.name for each in path.parent.iterdir()]
    assert before == path.read_text()


@pytest.mark.parametrize(
    ("names", "file"),
    [
        (["test_lamp"], "test_lamp.jsonl"),
        (["TestShop", "test_lamp"], "TestShop.test_lamp.jsonl"),
        (["test_lamp[shelf-2]"], "test_lamp-shelf-2.jsonl"),
    ],
)
def test_a_cassette_is_named_for_its_test(names, file):
    """In a folder beside the test's file, and named for that."""
    assert Path("tests/cassettes/test_shop") / file == place_of(Path("tests/test_shop.py"), names)


def test_a_name_that_a_file_system_may_refuse_is_made_safe():
    """Names that come to look alike are told apart, and long ones are cut."""
    names = ["test[a/b]", "test[a?b]", "test[a_b]", "test[a][b]", "test[\u00fc]", "test[..\\\\x]", f"test[{'x' * 300}]"]
    found = [place_of(Path("test_x.py"), [name]) for name in names]

    assert len(names) == len(set(found))
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,120}", each.name) for each in found)
    assert {Path("cassettes/test_x")} == {each.parent for each in found}


# Secrets.


def test_json_stays_json_where_a_secret_is_hidden_in_it():
    """Schemas and settings are read again: by name or by shape, only texts are replaced."""
    hidden = in_json(
        f'{{"api_key":"hunter2","max_tokens":12345678,"a":["{KEY}",1.50,"fine"],"title":"Password"}}', scrub
    )

    assert '{"api_key":"[secret]","max_tokens":12345678,"a":["[secret]",1.5,"fine"],"title":"Password"}' == hidden
    assert f"data:{KEY}" == in_json(f"data:{KEY}", scrub)
    assert "https://[secret]@example.com" == in_json("https://ada:hunter2@example.com", scrub)


def test_secrets_are_hidden_where_no_journal_looks():
    """In the target, and in events of a newer version."""
    events = (
        Recorded(
            "r",
            0,
            0.0,
            0,
            RunStarted("r", "a", (Message("user", (Text(KEY),)),), target=f"shop.py --base-url http://a:{KEY}@h"),
        ),
        Recorded("r", 1, 0.0, 0, Unknown("Newer", f'{{"text":"{KEY}"}}')),
    )

    assert KEY not in as_lines(events)
    assert 1 == scrubbed(events)[0].hidden


async def test_a_secret_in_a_tools_default_or_in_the_settings_is_in_no_cassette_and_no_difference(path):
    """What the model was told of them is compared as it is kept."""

    @tool(effect="read")
    async def ask(question: str, api_key: str = KEY) -> str:
        """Ask."""
        return KEY

    picture = Image(f"https://example.com/{'x' * 25}/cat.png?token=0123456789abcdef0123456789")
    settings = Settings(extra_body={"api_key": "hunter2", "depth": 2})
    agent = agent_of(call("ask", question="x", api_key=KEY), f"It is {KEY}.", tools=[ask], settings=settings)
    cassette = Cassette(path, record="all")
    await cassette.run(agent, ("password: hunter2", picture))
    cassette.save()

    assert "It is [secret]." == (await Cassette(path).run(agent, ("password: hunter2", picture))).output
    assert not [secret for secret in (KEY, "hunter2", "0123456789abcdef") if secret in path.read_text()]
    with pytest.raises(AssertionError, match=r'(?s)settings differ.*-  "depth": 2'):
        await Cassette(path).run(replace(agent, settings=Settings(extra_body={"api_key": "hunter2", "depth": 3})))


# Tests that are written.


async def test_the_source_of_a_test_is_short_and_says_what_it_shows():
    """What was asked, called and answered, whatever signs stand in it."""
    result = await agent_of(*SCRIPT).run('Is there a """lamp"""? \\ {x}')

    assert f'''"""What run {result.run_id} did, played again from its cassette: no model is asked, and no tool runs."""

from pathlib import Path

import pytest

from agentkit.testing import agent_at


@pytest.mark.asyncio
async def test_is_there_a_lamp_x(cassette):
    """Asked 'Is there a \'\'\'lamp\'\'\'? / {{x}}', the agent calls look, and ends as 'completed'."""
    agent = agent_at("shop.py:agent --model M", folder=Path(__file__).parent.parent / "src")

    result = await cassette.run(agent)

    assert "completed" == result.status
    assert ["look", "look"] == [call.name for step in result.steps for call in step.calls]
    assert "Nothing there." == result.output
''' == as_test(result.events, target="shop.py:agent --model M", folder="../src")


async def test_a_long_answer_stands_in_several_lines_and_a_very_long_one_in_none():
    """The cassette has it anyway."""
    calls = [call("look", place=str(place)) for place in range(9)]
    long = await agent_of(calls, "One line.\n" + "word " * 30).run("Is there a lamp?")
    longer = await agent_of("word " * 100).run("Is there a lamp?")
    source = as_test(long.events, target="shop.py")

    compile(source, "test.py", "exec")
    assert 'assert [\n        "look",\n' in source
    assert 'assert (\n        "One line.\\n"\n        "word word' in source
    assert "result.output" not in as_test(longer.events, target="shop.py")


async def test_a_typed_answer_is_compared_as_it_was_written():
    """Its type is the agent's, and the record shows that there is one."""
    for more in ({"journal": MemoryJournal()}, {}):
        for mode, said in (("tool", call("final_answer", value=4)), ("json_schema", '{"value": 4}')):
            agent = Agent(ScriptedModel(said, output_mode=mode), output=int, **more)
            events = (await agent.run("How many?")).events

            assert "== result.run.ended.output" in as_test(events, target="shop.py")


async def test_a_run_that_waits_becomes_a_test_that_it_waits():
    """With the names of the calls."""
    waiting = await agent_of(call("pay", amount=1)).run("Pay.")

    assert 'assert ["pay"] == [call.name for call in result.waiting]' in as_test(waiting.events, target="shop.py")


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Refund order 4711, it was 389 euros!", "test_refund_order_4711_it_was_389"),
        ("退款", "test_run_"),
        ("1 + 2?", "test_run_"),
        ("x" * 80, f"test_{'x' * 50}"),
    ],
)
async def test_a_test_is_named_for_what_was_asked(prompt, name):
    """Or for the run, where that makes no name."""
    events = (await agent_of("Fine.").run(prompt)).events
    found = name_of(events)

    assert found == name or (name.endswith("run_") and found == f"{name}{events[0].run_id.replace('-', '_')}")


async def test_a_test_is_written_over_nothing(tmp_path):
    """Unless that is said; and it is a Python file."""
    events = (await agent_of(*SCRIPT).run("Is there a lamp?")).events
    test = tmp_path / "test_lamp.py"
    cassette = write_test(events, test, target="shop.py")

    assert tmp_path / "cassettes" / "test_lamp" / "test_is_there_a_lamp.jsonl" == cassette
    with pytest.raises(UsageError, match=r"test_lamp.py and .*\.jsonl would be written over"):
        write_test(events, test, target="shop.py")
    with pytest.raises(UsageError, match="is a Python file"):
        write_test(events, tmp_path / "test_lamp.jsonl", target="shop.py")
    write_test(events, test, target="other.py", folder=tmp_path, force=True)
    assert 'agent_at("other.py", folder=Path(__file__).parent)' in test.read_text()


# As people have it: pytest and the command, in processes of their own.

SHOP = '''
from agentkit import Agent, Chat, tool


@tool(effect="read")
def find_orders(customer: str) -> list[str]:
    """Orders of one customer.

    Args:
        customer: Customer number.
    """
    return ["lamp", "api_key=sk-abcdefgh12345678"]


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[find_orders], instructions="You help.")
'''

ORDERS = (call("find_orders", customer="C-1"), "They ordered a lamp.")


def started(folder: Path, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTKIT_", "OPENAI_", "COV"))}
    reached = {"AGENTKIT_BASE_URL": url, "AGENTKIT_API_KEY": "k-123456789"} if url else {}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=clean | reached | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def agentkit(folder: Path, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
    command = "import agentkit.cli as c; from agentkit.cli.export import export; c.group.add_command(export); c.main()"
    return started(folder, "-c", command, *arguments, url=url)


def run_pytest(folder: Path, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
    return started(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, url=url)


@pytest.fixture
def shop(tmp_path):
    """A folder with an agent, and one run of it on record."""
    (tmp_path / "shop.py").write_text(SHOP)
    with ModelServer(*ORDERS) as server:
        done = agentkit(
            tmp_path, "run", "shop.py:agent", "What did C-1 order? My password is hunter2.", url=server.base_url
        )
    assert 0 == done.returncode, done.stderr
    return tmp_path


def test_an_exported_run_is_a_test_that_passes_and_fails_when_the_agent_changes(shop):
    """From a fresh folder, without a network; what fails is shown as a message that differs, and no secret is in a file."""
    exported = agentkit(shop, "export", "last", "--test", "tests/test_orders.py")
    passed = run_pytest(shop, "tests/test_orders.py")
    (shop / "shop.py").write_text(SHOP.replace("You help.", "You help people."))
    instructed = run_pytest(shop, "tests")
    (shop / "shop.py").write_text(SHOP.replace("Orders of one customer.", "All orders of one customer."))
    described = run_pytest(shop / "tests", "test_orders.py")

    assert 0 == exported.returncode, exported.stderr
    assert "play it: pytest tests/test_orders.py" in exported.stdout
    assert (0, True) == (passed.returncode, "1 passed" in passed.stdout), passed.stdout
    assert (
        "message 0 (system) differs in its content:\nE       -You help.\nE       +You help people." in instructed.stdout
    )
    assert "the tool 'find_orders' is described differently" in described.stdout
    assert re.search(r'\+ *"description": "All orders of one customer.",', described.stdout)
    assert "1 failed" in described.stdout
    written = "".join(each.read_text() for each in (shop / "tests").rglob("*") if each.suffix in {".py", ".jsonl"})
    assert [] == [secret for secret in (KEY, "hunter2") if secret in written]


@pytest.fixture
def own_environment():
    """An environment that names no endpoint and no journal."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("AGENTKIT_", "OPENAI_")):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
async def folder(tmp_path, own_environment):
    """A folder with one run on record, where the command is at work."""
    journal = SqliteJournal(tmp_path / ".agentkit" / "runs.db", durability="os")
    await agent_of(*SCRIPT, journal=journal).run(f"Is there a lamp? My key is {KEY}.")
    journal.close()
    with chdir(tmp_path):
        yield tmp_path


def test_a_run_is_exported_as_lines_and_as_markdown(folder, capsys):
    """To the terminal or to a file, scrubbed, and over no file that is there."""
    export.main(["last"], standalone_mode=False)
    lines = capsys.readouterr().out
    export.main(["last", "-o", "run.jsonl"], standalone_mode=False)
    export.main(["last", "-o", "run.md"], standalone_mode=False)

    assert "wrote run.jsonl\nwrote run.md\n" == capsys.readouterr().out
    assert lines == (folder / "run.jsonl").read_text()
    assert "## step 1" in (folder / "run.md").read_text()
    assert KEY not in lines + (folder / "run.md").read_text()
    with pytest.raises(UsageError, match="--force"):
        export.main(["last", "-o", "run.md"], standalone_mode=False)
    with pytest.raises(UsageError, match=r"ends in \.jsonl or \.md"):
        export.main(["last", "-o", "run.pdf"], standalone_mode=False)


def test_a_run_of_nobody_is_exported_with_the_agent_that_is_named(folder):
    """The run does not know its agent, and the error says so."""
    with pytest.raises(UsageError, match=r"--agent file\.py:agent"):
        export.main(["last", "--test", "test_lamp.py"], standalone_mode=False)
    export.main(["last", "--test", "test_lamp.py", "--agent", "lamps:agent"], standalone_mode=False)

    assert 'agent_at("lamps:agent", ' in (folder / "test_lamp.py").read_text()


FIXTURE = """
import pytest
from agentkit.testing import agent_at

class TestShop:
    @pytest.mark.asyncio
    @pytest.mark.parametrize("customer", ["C-1", "C/2"])
    async def test_orders(self, cassette, customer):
        agent = agent_at("shop.py:agent")
        result = await cassette.run(agent, f"What did {customer} order?")
        assert "They ordered a lamp." == result.output
        if EXTRA:
            await cassette.run(agent, "And then?")
"""


def test_the_fixture_records_with_a_server_and_plays_without_one(tmp_path):
    """In both modes of pytest-asyncio; what is not recorded, or not played, fails the test and says so."""
    (tmp_path / "shop.py").write_text(SHOP)
    test = tmp_path / "test_shop.py"
    test.write_text(f"EXTRA = False\n{FIXTURE}")
    absent = run_pytest(tmp_path)
    with ModelServer(*ORDERS, *ORDERS) as server:
        recorded = run_pytest(tmp_path, "--agentkit-record=missing", url=server.base_url)
    played = run_pytest(tmp_path, "-o", "asyncio_mode=auto")
    test.write_text(f"EXTRA = True\n{FIXTURE}")
    more = run_pytest(tmp_path)

    assert "there is no cassette cassettes/test_shop/TestShop.test_orders-C-1.jsonl" in absent.stdout
    assert "pytest --agentkit-record=missing 'test_shop.py::TestShop::test_orders[C-1]'" in absent.stdout
    assert [True, True] == ["2 passed" in each.stdout for each in (recorded, played)], recorded.stdout + played.stdout
    assert "2 failed" in more.stdout
    assert "run 2 is not on the cassette" in more.stdout


def test_a_run_that_is_left_out_fails_the_test_and_not_its_end(tmp_path):
    """It is a failure of the test, as an entry of a script that nobody asked for."""
    (tmp_path / "test_lamp.py").write_text("def test_lamp(cassette):\n    pass\n")
    cassette = place_of(tmp_path / "test_lamp.py", ["test_lamp"])
    write(cassette, [(Recorded("r", 0, 0.0, 0, RunStarted("r", "a", (Message("user", "Go."),))),)])
    done = run_pytest(tmp_path)

    assert "1 failed" in done.stdout
    assert "run 1 was recorded, and is not made any more" in done.stdout


def test_a_pytest_that_needs_no_cassette_loads_nothing_for_it(tmp_path):
    """The plugin is loaded wherever agentkit is installed."""
    (tmp_path / "test_x.py").write_text(
        "import sys\ndef test_x():\n    assert 'pytest_agentkit' in sys.modules\n"
        "    assert not [name for name in ('agentkit', 'httpx', 'rich', 'sqlite3', 'pydantic') if name in sys.modules]\n"
    )
    done = run_pytest(tmp_path, "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:pytest_cov")

    assert "1 passed" in done.stdout, done.stdout


def test_an_agent_is_found_where_its_words_were_said(tmp_path, own_environment):
    """Without a key in the environment, which is as it was afterwards; asked all the same, the agent says what is missing."""
    os.environ["AGENTKIT_BASE_URL"] = "https://example.com/v1"
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "far.py").write_text(
        SHOP.replace('seed-2.1-pro"', 'seed-2.1-pro", base_url="https://ark.example.com/v3"')
    )
    before = dict(os.environ), Path.cwd()

    agent = agent_at("shop.py:agent --model other", folder=tmp_path)

    assert ("other", None) == (agent.model.name, agent.model.price)
    assert "doubao-seed-2.1-pro" == agent_at("far.py", folder=tmp_path).model.name
    assert before == (dict(os.environ), Path.cwd())
    with pytest.raises(MissingCredentials, match=r"no key is given for example\.com"):
        agent.run_sync("Is there a lamp?")
    with pytest.raises(UnknownTarget, match=r"no file 'none\.py'"):
        agent_at("none.py", folder=tmp_path)


async def test_verify_takes_a_cassettes_events_as_any_others(path):
    """A recorded run is a run: what else plays or tells runs takes it."""
    await recorded(path, *SCRIPT)
    result = await Cassette(path).run(agent_of())

    assert (await replay(agent_of(), result)).same
