"""The log: silent until asked for, one line a step, and never a key."""

import io
import json
import logging
import subprocess
import sys
from dataclasses import replace

import pytest

import agentkit.logs
from agentkit import Agent, Chat, Limits, ModelError, UsageError, tool
from agentkit.debug import fork
from agentkit.events import EVERYWHERE
from agentkit.journal import MemoryJournal
from agentkit.observers.log import log_steps
from agentkit.testing import FakeClock, Fault, ModelServer, ScriptedModel, call, reply


@tool(effect="read")
async def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
async def leak() -> str:
    """Fail with a key."""
    raise ValueError("the key sk-abcdefghijklmnop1234 was refused")


@pytest.fixture
def stream():
    """A stream that is no terminal; whatever a test configured is undone after it."""
    yield io.StringIO()
    agentkit.logs.silence()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def sums():
    return ScriptedModel(
        reply(reasoning="Two at once.", calls=[call("add", a=1, b=2), call("add", a=3, b=4)]),
        reply("3 and 7.", reasoning="Done."),
    )


def test_nothing_is_written_before_an_application_asks():
    """A run in a process that configured nothing prints nothing."""
    code = (
        "from agentkit import Agent; from agentkit.testing import ScriptedModel\n"
        "print(Agent(ScriptedModel('Hello.')).run_sync('Hi').output)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ("Hello.\n", "") == (done.stdout, done.stderr)


async def test_each_step_is_one_line_with_its_reasoning(stream):
    """What was asked, the reasoning, calls with arguments and results, usage and time."""
    agentkit.logs.configure(stream=stream)
    result = await Agent(sums(), tools=[add], name="adder").run("1 + 2, 3 + 4?")

    started, first, second, finished = lines(stream)
    assert ("run started", "adder", "1 + 2, 3 + 4?") == (started["event"], started["agent"], started["prompt"])
    assert {result.run_id} == {each["run_id"] for each in (started, first, second, finished)}
    assert (1, "Two at once.", "tool_calls") == (first["step"], first["reasoning"], first["finish_reason"])
    assert [("add", '{"a": 1, "b": 2}', "3", False), ("add", '{"a": 3, "b": 4}', "7", False)] == [
        (each["tool"], each["arguments"], each["result"], each["failed"]) for each in first["calls"]
    ]
    assert {"input": 10, "output": 5} == first["usage"]
    assert first["seconds"] >= 0
    assert (2, "3 and 7.", []) == (second["step"], second["text"], second["calls"])
    assert ("run finished", "completed", 2) == (finished["event"], finished["status"], finished["steps"])


async def test_keys_never_reach_the_log(stream):
    """Neither the model's key nor what a tool's error gives away."""
    agentkit.logs.configure(stream=stream)
    with ModelServer(call("leak"), "Sorry.", api_key="a-very-secret-key") as server:
        chat = Chat("any", base_url=server.base_url, api_key="a-very-secret-key")
        await Agent(chat, tools=[leak]).run("My password is hunter2hunter2, go.")

    written = stream.getvalue()
    for secret in ("a-very-secret-key", "sk-abcdefghijklmnop1234", "hunter2hunter2"):
        assert secret not in written
    assert "[secret]" in written


async def test_a_run_that_does_not_complete_is_a_warning(stream):
    """The level tells whom to wake."""
    agentkit.logs.configure(stream=stream)
    await Agent(ScriptedModel(call("add", a=1, b=2)), tools=[add], limits=Limits(steps=1)).run("go")

    assert ("warning", "step_limit") == (lines(stream)[-1]["level"], lines(stream)[-1]["status"])


async def test_configuring_again_replaces_and_silence_undoes(stream):
    """No line is written twice, and an application can fall silent again."""
    before = list(EVERYWHERE)
    agentkit.logs.configure(stream=io.StringIO())
    agentkit.logs.configure(stream=stream)
    await Agent(ScriptedModel("One.")).run("go")
    agentkit.logs.silence()
    await Agent(ScriptedModel("Two.")).run("go")

    assert ["One."] == [each["text"] for each in lines(stream) if each["event"] == "step"]
    assert before == EVERYWHERE


async def test_for_eyes_a_step_is_a_page(stream):
    """On a terminal: a heading, the reasoning, the calls and the words under it, and nothing a terminal obeys."""
    agentkit.logs.configure(stream=stream, pretty=True)
    await Agent(sums(), tools=[add], name="adder").run("1 + 2\x1b[31m?")

    page = stream.getvalue()
    assert "adder step 1 · 10 input · 5 output" in page
    assert '  Two at once.\n  add({"a": 1, "b": 2}) = 3' in page
    assert "\n  Done.\n  3 and 7.\n" in page
    assert "\x1b[31m" not in page


async def test_an_output_that_was_rejected_is_logged(stream):
    """Why the model had to answer again is on record."""
    agentkit.logs.configure(stream=stream)
    await Agent(ScriptedModel('{"value": "x"}', '{"value": 3}'), output=int).run("go")

    assert 1 == sum(each["event"] == "output rejected" and "integer" in each["problem"] for each in lines(stream))


async def test_nested_runs_keep_their_steps_apart(stream):
    """Two runs at once write their own lines, and the inner names the call it answers."""
    agentkit.logs.configure(stream=stream)
    inner = Agent(ScriptedModel("Inside."), name="inner")
    outer = Agent(ScriptedModel(call("inner", task="x"), "Outside."), tools=[inner.as_tool()], name="outer")
    result = await outer.run("go")

    steps = [(each["agent"], each["step"], each["text"]) for each in lines(stream) if each["event"] == "step"]
    assert [("inner", 1, "Inside."), ("outer", 1, ""), ("outer", 2, "Outside.")] == steps
    parents = [each["parent"] for each in lines(stream) if each["event"] == "run started"]
    assert [None, f"{result.run_id}/call_1"] == parents


async def test_an_application_s_own_logger_can_be_given_to_one_agent():
    """Without any configuration, to whatever has `info` and `warning`."""
    written = []

    class Keep:
        def info(self, event, **fields):
            written.append((event, fields.get("text")))

        warning = info

    await Agent(ScriptedModel("Hello."), observers=[log_steps(Keep())]).run("Hi")

    assert [("run started", None), ("step", "Hello."), ("run finished", None)] == written


async def test_a_step_that_waited_for_a_person_is_told_when_it_is_over():
    """Every step has its line, also one whose calls are made in a resumed run."""
    lines = []

    class Lines:
        def info(self, event, **fields) -> None:
            lines.append((event, fields.get("step"), [each["result"] for each in fields.get("calls", ())]))

        warning = info

    @tool(approval="always")
    async def pay() -> str:
        return "paid"

    agent = Agent(ScriptedModel(call("pay"), "done"), tools=[pay], observers=[log_steps(Lines())])
    waiting = await agent.run("go")
    await agent.resume(waiting, decisions={"call_1": True})

    assert [("step", 1, ["paid"]), ("step", 2, [])] == [line for line in lines if line[0] == "step"]


async def test_a_last_reply_that_asks_for_tools_all_the_same_is_a_line_too(stream):
    """Nothing that was billed is missing from the log."""
    agentkit.logs.configure(stream=stream)
    model = ScriptedModel(call("add", a=1, b=2), reply("Later.", calls=[call("add", a=3, b=4)]))
    await Agent(model, tools=[add], limits=Limits(steps=1, last_answer=True)).run("go")

    assert [(1, ""), (2, "Later.")] == [
        (each["step"], each["text"]) for each in lines(stream) if each["event"] == "step"
    ]


async def test_another_attempt_is_a_warning(stream):
    """Which failed, why, when the next is, and of whom; and no key that the server quotes."""
    agentkit.logs.configure(stream=stream)
    busy = Fault.status(503, {"error": {"message": "Busy, api_key=sk-abcdefghijklmnop1234"}})
    clock = FakeClock(auto=True)
    with ModelServer(busy, "Hello.") as server:
        await Agent(Chat("any", base_url=server.base_url), clock=clock).run("go")

    (line,) = [each for each in lines(stream) if each["event"] == "model retried"]
    assert ("warning", 1, 1, "overloaded", "any") == tuple(
        line[name] for name in ("level", "step", "attempt", "category", "model")
    )
    assert round(clock.slept[0], 3) == line["seconds"]
    assert "127.0.0.1/any is overloaded (HTTP 503): Busy, api_key=[secret]" == line["detail"]


async def test_who_takes_a_run_up_is_named_in_each_line(stream):
    """Also in a process that has not seen how the run began, and by another agent of another name."""
    journal = MemoryJournal()
    with ModelServer(call("add", a=1, b=2), Fault.status(401), "3.", "Three.") as server:
        agent = Agent(Chat("any", base_url=server.base_url), tools=[add], journal=journal, name="adder")
        with pytest.raises(ModelError) as failed:
            await agent.run("go")
        agentkit.logs.configure(stream=stream, level="debug")
        resumed = await agent.resume(failed.value.result.run_id)
        forked = await fork(replace(agent, name="counter"), resumed, at=2)

    named = {(each["run_id"], each["agent"]) for each in lines(stream)}
    assert {(resumed.run_id, "adder"), (forked.run_id, "counter")} == named


# What others write.


def own(stream):
    """The lines that no run has written itself."""
    return [each for each in lines(stream) if "logger" in each]


async def test_what_a_tool_writes_says_where_it_belongs(stream):
    """To structlog or to the standard library, in a thread or not: run, step and agent are bound while it is at work."""
    agentkit.logs.configure(stream=stream, standard=True)

    @tool(effect="read")
    def search(words: str) -> str:
        """Search."""
        logging.getLogger("shop").warning("searching for %s", words, extra={"shelf": 3})
        return "found"

    inner = Agent(ScriptedModel(call("search", words="lamp"), "Inside."), tools=[search], name="inner")
    outer = Agent(ScriptedModel(call("inner", task="x"), "Outside."), tools=[inner.as_tool()], name="outer")
    result = await outer.run("go")
    logging.getLogger("shop").warning("after it")

    written, after = own(stream)
    assert ("searching for lamp", "warning", "shop", 3) == tuple(
        written[name] for name in ("event", "level", "logger", "shelf")
    )
    assert (f"{result.run_id}:1.0", "inner", 1) == tuple(written[name] for name in ("run_id", "agent", "step"))
    assert {"event", "level", "logger", "timestamp"} == set(after)


async def test_every_line_of_a_run_says_run_step_and_agent(stream):
    """Also of one that was suspended, of attempts and of what was rejected."""
    agentkit.logs.configure(stream=stream, level="debug")
    await Agent(ScriptedModel(call("add", a=1, b=2), '{"value": "x"}', '{"value": 3}'), tools=[add], output=int).run(
        "go"
    )

    written = lines(stream)
    assert {"model called", "tool started", "output rejected", "step"} <= {each["event"] for each in written}
    assert all(each["run_id"] and each["agent"] == "agent" and "step" in each for each in written)
    assert {"debug", "info", "warning"} == {each["level"] for each in written}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", {"debug", "info", "warning", "error"}),
        ("info", {"info", "warning", "error"}),
        ("warning", {"warning", "error"}),
        ("error", {"error"}),
    ],
)
async def test_a_level_is_the_least_that_is_written(stream, level, expected):
    """A failed call warns; a model that fails is an error; requests are for those who debug."""
    agentkit.logs.configure(stream=stream, level=level)
    with ModelServer(call("leak"), Fault.status(401)) as server, pytest.raises(ModelError):
        await Agent(Chat("any", base_url=server.base_url), tools=[leak]).run("go")

    assert expected == {each["level"] for each in lines(stream)}


def test_an_unknown_level_is_refused():
    """Before anything is changed."""
    with pytest.raises(UsageError, match="level is 'loud'; it must be one of debug, info, warning, error"):
        agentkit.logs.configure(level="loud")


def test_nothing_is_changed_in_the_standard_library_unless_asked(stream):
    """And what was, is as before when the log falls silent."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    agentkit.logs.configure(stream=stream)
    untouched = (root.level, list(root.handlers))
    agentkit.logs.configure(stream=stream, standard=True, level="debug")
    agentkit.logs.configure(stream=stream, standard=True, level="error")
    changed = root.level
    agentkit.logs.silence()

    assert (before, logging.ERROR, before) == (untouched, changed, (root.level, list(root.handlers)))


async def test_httpx_and_uvicorn_come_out_in_the_same_form(stream):
    """Real libraries, without a line of theirs being configured."""
    agentkit.logs.configure(stream=stream, standard=True)
    with ModelServer("Hello.") as server:
        await Agent(Chat("any", base_url=server.base_url)).run("go")
    logging.getLogger("uvicorn.error").info("Started %d", 1, extra={"color_message": "\x1b[36mStarted\x1b[0m"})

    written = {each["logger"]: each for each in own(stream)}
    assert "HTTP Request: POST" in written["httpx"]["event"]
    assert 1 == written["httpx"]["step"]
    assert ("Started 1", False) == (written["uvicorn.error"]["event"], "color_message" in written["uvicorn.error"])


HOSTILE = "\x1b[2J\x9b31m\u202ecba\ud800\nsecond"


@pytest.mark.parametrize("pretty", [True, False])
def test_no_secret_and_nothing_a_terminal_obeys_gets_out(stream, pretty):
    """In a message, in a field, in the name of a field, and in an exception."""
    agentkit.logs.configure(stream=stream, pretty=pretty, standard=True)
    logger = logging.getLogger("shop")
    deep = []
    for _ in range(10_000):
        deep = [deep]
    fields = {"password": "hunter2", "headers": {"authorization": "abc", "n": [1, float("nan")]}, "odd": HOSTILE}
    logger.warning("the key sk-abcdefghijklmnop1234 was refused %s", HOSTILE, extra={**fields, "deep": deep[0][0]})
    try:
        raise ValueError("Bearer abcdefghijklmnop")
    except ValueError:
        logger.exception("failed")

    written = stream.getvalue()
    assert 0 == sum(each in written for each in ("sk-abcdefghijklmnop1234", "hunter2", '"abc"', "abcdefghijklmnop"))
    assert not set("\x1b\x9b\u202e\ud800") & set(written)
    assert "ValueError" in written
    if not pretty:
        assert HOSTILE in lines(stream)[0]["event"]


# To those who know the standard library only.


class Kept(logging.Handler):
    """Keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def kept():
    """The records of a logger that an application has configured."""
    logger, handler = logging.getLogger("shop.agents"), Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.records
    agentkit.logs.silence()
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


async def test_the_standard_library_gets_a_line_a_step_with_its_fields(kept):
    """For people a line; for a formatter attributes; the application's level decides."""
    agentkit.logs.to_standard("shop.agents")
    result = await Agent(sums(), tools=[add], name="adder").run("1 + 2,\n3 + 4?")

    started, first, _, finished = kept
    assert f"adder · run started · prompt=1 + 2, 3 + 4? · {result.run_id}" == started.getMessage()
    assert first.getMessage().startswith("adder step 1 · 10 input · 5 output · ")
    assert 'add({"a": 1, "b": 2}) = 3 · add({"a": 3, "b": 4}) = 7' in first.getMessage()
    assert (result.run_id, "adder", 1, "Two at once.") == (first.run_id, first.agent, first.step, first.reasoning)
    assert (logging.INFO, "shop.agents", "completed") == (finished.levelno, finished.name, finished.status)


async def test_a_resumed_and_a_failed_run_are_records_too(kept):
    """No field of ours is in the way of one that a record has already."""
    agentkit.logs.to_standard("shop.agents")
    logging.getLogger("shop.agents").setLevel(logging.DEBUG)
    journal = MemoryJournal()
    with ModelServer(call("add", a=1, b=2), Fault.status(401), "3.") as server:
        agent = Agent(Chat("any", base_url=server.base_url), tools=[add], journal=journal)
        with pytest.raises(ModelError) as failed:
            await agent.run("go")
        await agent.resume(failed.value.result.run_id)

    written = [(each.levelname, each.getMessage()) for each in kept]
    assert {"DEBUG", "INFO", "ERROR"} == {level for level, _ in written}
    assert any("run resumed · by=" in message for _, message in written)
    assert all("\n" not in message for _, message in written)
