"""The page's server: who is let in, what is told, and what becomes of anything that is asked."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from viewing import EVIL, SHOP, agent, base_of, exchange, journal_in, keep, long_agent, served, visited

from agentkit import Agent, Chat, Limits
from agentkit.cli.deeds import Doing
from agentkit.debug import Change, fork
from agentkit.errors import UsageError
from agentkit.events import (
    ApprovalGiven,
    ModelCalled,
    ModelReplied,
    RunFinished,
    RunForked,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolFinished,
    ToolStarted,
    Unknown,
)
from agentkit.listing import Listed, grouped
from agentkit.messages import Image, Message, Reasoning, Text, ToolCall, ToolResult, Usage
from agentkit.model import Price
from agentkit.prices import known_prices
from agentkit.sqlite.state import state_of
from agentkit.testing import ModelServer, ScriptedModel, call, reply
from agentkit.viewer.app import static_files
from agentkit.viewer.bundle import page_with, script_of
from agentkit.viewer.guard import HEADERS
from agentkit.viewer.reading import Reading
from agentkit.viewer.rows import words_of
from agentkit.viewer.server import page
from agentkit.viewer.texts import MOST, SHOWN

QUESTIONS = ("about", "runs", "run", "steps", "step", "timeline", "text", "find", "diff")


@pytest.fixture
def journal(tmp_path):
    kept = journal_in(tmp_path)
    yield kept
    kept.close()


@pytest.fixture
def shop(journal):
    """The id of a run on record."""
    return agent(journal, *SHOP).run_sync("Refund my chair.").run_id


@pytest.fixture
def made(journal, shop):
    with served(journal) as one:
        yield one


@pytest.fixture
def client(made):
    with visited(made) as one:
        yield one


def ask(client: httpx.Client, question: str, **asked: object) -> dict:
    answer = client.get(f"/api/{question}", params=asked)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def refused(client: httpx.Client, question: str, **asked: object) -> tuple[int, str]:
    answer = client.get(f"/api/{question}", params=asked)
    return answer.status_code, answer.json()["error"]


# Who is let in.


@pytest.mark.parametrize("path", ["/", "/app.js", "/style.css", "/favicon.ico", "/api/runs", "/api/live", "/nothing"])
def test_nobody_comes_in_without_the_secret(made, path):
    """Not even the files of the page are handed to others, and they are told what to do."""
    answer = httpx.get(base_of(made) + path)

    assert 401 == answer.status_code
    assert "agentkit ui" in answer.text


def test_the_address_is_exchanged_for_a_cookie(made):
    """It is out of reach of scripts and of other sites, and named after the port; the address loses the secret."""
    entered = httpx.get(made.address)
    port = base_of(made).rpartition(":")[2]
    name, cookie = entered.headers["set-cookie"].split("=", 1)

    assert (303, "/") == (entered.status_code, entered.headers["location"])
    assert f"agentkit_{port}" == name
    assert {"HttpOnly", "SameSite=strict", "Path=/"} == {each.strip() for each in cookie.split(";")[1:]}
    assert made.address.partition("=")[2] not in cookie


@pytest.mark.parametrize("token", ["", "x", "\N{SNOWMAN}", "a" * 10_000])
def test_a_wrong_secret_opens_nothing(made, token):
    """Whatever it is."""
    assert 401 == httpx.get(base_of(made) + "/", params={"token": token}).status_code
    assert 401 == httpx.get(base_of(made) + "/", headers={"cookie": f"agentkit_1={token!a}; x"}).status_code


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1:{port}.evil.example", "0.0.0.0:{port}", "[::1]:{port}"],
)
def test_a_name_that_is_made_to_point_here_is_refused(made, client, host):
    """The server answers to its own names alone, also with the cookie."""
    port = base_of(made).rpartition(":")[2]
    answer = client.get("/api/runs", headers={"host": host.format(port=port)})

    assert 421 == answer.status_code


def test_two_names_are_none(made):
    """A request that names two hosts is none of a browser's."""
    own = base_of(made).removeprefix("http://")
    answer = exchange(made, ["GET / HTTP/1.1", f"host: {own}", "host: evil.example"])

    assert answer.split()[1] in {b"400", b"421"}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_other_pages_get_nothing(client, origin):
    """A page of another site, or of another port, is refused with the cookie."""
    assert 403 == client.get("/api/runs", headers={"origin": origin}).status_code


def test_a_page_within_another_site_gets_nothing(client):
    """A browser that says that a request comes from elsewhere is believed."""
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}

    assert 403 == client.get("/app.js", headers=embedded).status_code
    assert 200 == client.get("/", headers=followed).status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_page_that_reads_takes_nothing(client, made, method):
    """Whatever would change something is refused, and told how it could be done."""
    own = {"origin": base_of(made), "x-agentkit": "1"}
    answer = client.request(method, "/api/fork", headers=own, json={})

    assert 405 == answer.status_code
    assert "--write" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/../app.py",
        "/..%2fapp.py",
        "/%2e%2e/guard.py",
        "/static/app.js",
        "//etc/passwd",
        "/app.js/",
        "/api/",
        "/__init__.py",
    ],
)
def test_there_are_the_files_of_the_page_and_no_others(made, client, path):
    """No path leads anywhere else."""
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    own = base_of(made).removeprefix("http://")
    answer = exchange(made, [f"GET {path} HTTP/1.1", f"host: {own}", f"cookie: {cookie}"])

    assert answer.split()[1] in {b"404", b"307"}, answer[:200]


def test_every_answer_tells_the_browser_to_be_careful(made, client):
    """Also those that refuse."""
    answers = [client.get(path) for path in ("/", "/app.js", "/api/runs", "/nothing", "/api/run?id=nothing")]
    answers += [httpx.get(base_of(made)), client.get("/", headers={"host": "evil.example"})]

    for answer in answers:
        assert dict(HEADERS).items() <= dict(answer.headers).items()
        assert "server" not in answer.headers
    policy = answers[0].headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "unsafe" not in policy


def test_only_this_machine_is_served(made):
    """The server listens at the loopback address."""
    assert base_of(made).startswith("http://127.0.0.1:")
    assert "127.0.0.1" == made.at[0]


def test_the_page_is_made_of_nothing_that_takes_markup():
    """No script makes an element from a string, no page holds a script or a style, and nothing is loaded from elsewhere."""
    for name, (content, _) in static_files().items():
        text = content.decode()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|DOMParser|srcdoc", text
        )
        assert not re.search(r"https?://(?!www\.w3\.org/)", text), name
    html = static_files()["index.html"][0].decode()
    assert not re.search(r"<style|\son\w+=|\sstyle=|<script(?![^>]*src=)", html)


# What is told.


def test_a_list_tells_each_run(client, shop):
    """With what it cost in tokens and money; a price that is not known is no price."""
    told = ask(client, "runs")
    [row] = told["rows"]

    assert (shop, "completed", "shop", 3) == (row["run_id"], row["status"], row["agent"], row["steps"])
    assert (5_600, 3_200, 180, 65) == (row["input"], row["cached"], row["output"], row["reasoning"])
    assert {"text": "", "unpriced": 3} == row["money"]
    assert (1, 1, ["completed"]) == (told["total"], told["all"], told["statuses"])


def test_runs_stand_under_those_they_belong_to(journal):
    """Called, forked, and continued ones."""

    async def record():
        helper = Agent(ScriptedModel("Thirty days."), name="clerk")
        boss = Agent(
            ScriptedModel(call("clerk", task="The rules?"), "Thirty."), tools=[helper.as_tool()], journal=journal
        )
        run = await boss.run("How long?")
        more = Agent(ScriptedModel("Yes.", "No."), tools=[helper.as_tool()], journal=journal)
        await more.run("Sure?", continues=run.run_id)
        await fork(more, run.run_id, at=1)
        return run.run_id

    run_id = asyncio.run(record())
    with served(journal) as made, visited(made) as client:
        rows = ask(client, "runs")["rows"]
        below = ask(client, "run", id=run_id)["related"]

    assert [(0, ""), (1, "called"), (1, "goes on"), (1, "fork")] == [(row["depth"], row["relation"]) for row in rows]
    assert {"called", "goes on", "fork"} == {row["relation"] for row in below}


def test_a_circle_of_runs_is_listed():
    """As only a damaged journal has it: none of them is lost, and nothing turns for ever."""
    rows = [Listed(run_id="a", continues="b"), Listed(run_id="b", continues="a"), Listed(run_id="c", continues="c")]

    assert {"a", "b", "c"} == {row.run_id for row, _ in grouped(rows)}


def test_runs_are_found(journal, client, shop):
    """By words, status, tool, model, agent, time and cost."""
    agent(journal, reply("Cut", finish_reason="length"), name="other").run_sync("Something else")

    def found(**asked: object) -> list[str]:
        return [row["agent"] for row in ask(client, "runs", **asked)["rows"]]

    assert ["other", "shop"] == found()
    assert ["shop"] == found(text="wants money back") == found(tool="stock") == found(agent="sho")
    assert ["other"] == found(status="cut")
    assert ["other", "shop"] == found(model="scripted", since="1h")
    assert [] == found(text="100%_nothing") == found(cost="0.1")
    assert ["shop"] == found(text="back wants orders") == found(text='"money back" shop') == found(text='"money back')
    assert [] == found(text='"back money"')
    assert ["other", "shop"] == found(odd="yes") == found(text='""')
    assert ["shop"] == found(start="1", count="1")


def test_the_words_of_a_search(journal):
    """Each once, those in quotes as one; a text of many words was copied, and is looked for as it stands."""
    assert ["back", "money"] == words_of(" back  money back ")
    assert ["a b", "c", 'd"e'] == words_of('"a b" c "" d"e')
    assert ["a b"] == words_of('"a b')
    assert [] == words_of('""  "')
    assert ["a b c d e f g h i"] == words_of(" a b c d e f g h i ")


def test_a_list_tells_what_is_odd(journal):
    """Errors and warnings, and nothing that the status says as well."""
    agent(journal, "Hello.").run_sync("Good morning")
    agent(journal, *SHOP).run_sync("Refund my chair.")
    agent(journal, call("refund", order=1)).run_sync("Refund 1.")
    with served(journal) as made, visited(made) as client:
        waiting, shop, well = ask(client, "runs")["rows"]
        odd = ask(client, "runs", odd="yes")["rows"]

    assert (None, "waiting") == (waiting["odd"], waiting["status"])
    assert ("stock failed, 2 times", "completed") == (shop["odd"]["title"], shop["status"])
    assert shop["odd"]["feel"] in {"bad", "warn"}
    assert well["odd"] is None
    assert ["Refund 1.", "Refund my chair."] == [row["prompt"] for row in odd]


@pytest.mark.parametrize(
    ("question", "asked", "words"),
    [
        ("runs", {"odd": "no"}, "write odd:yes"),
        ("runs", {"cost": "nan"}, "write a number"),
        ("runs", {"since": "yesterday"}, "30m, 2h or 7d"),
        ("runs", {"cost": "much"}, "write a number"),
        ("runs", {"count": "-1"}, "must be a number"),
        ("run", {}, "lacks id="),
        ("step", {"n": "9"}, "it has 3"),
        ("step", {"call": "nothing"}, "no call 'nothing'"),
        ("steps", {"start": "1e9"}, "must be a number"),
        ("steps", {"start": "9" * 400}, "must be a number"),
        ("text", {"name": "nothing"}, "no long text"),
        ("text", {"name": "٣.reasoning"}, "no long text"),
        ("find", {"text": ""}, "lacks text="),
        ("diff", {"a": "x"}, "lacks b="),
    ],
)
def test_nonsense_is_told_in_a_sentence(client, shop, question, asked, words):
    """What was asked, what was expected."""
    own = {} if question in {"runs", "diff"} or not asked else {"id": shop}
    status, error = refused(client, question, **own, **asked)

    assert 400 == status
    assert words in error


def test_an_unknown_run_is_told(client):
    """As at the terminal."""
    status, error = refused(client, "run", id="x")

    assert 404 == status
    assert "there is no run 'x'" in error


def test_a_run_is_told_at_a_glance(client, shop):
    """What it came to, what is odd about it, its tools and its problems."""
    told = ask(client, "run", id=shop)

    assert ("completed", "completed", "Refund my chair.", 3) == (
        told["status"],
        told["state"],
        told["title"],
        told["steps"],
    )
    assert [1, 2] == told["problems"]
    assert {"find_orders": (1, 0), "stock": (2, 2), "refund": (0, 0), "manual": (0, 0)} == {
        each["name"]: (each["calls"], each["failed"]) for each in told["tools"]
    }
    assert {"failing_tool", "repeated_call"} <= {each["kind"] for each in told["anomalies"]}
    assert {"bad", "warn", "idle"} >= {each["feel"] for each in told["anomalies"]}


def test_steps_tell_what_was_new_in_them(client, shop):
    """What was added to the prompt, thought, called and returned; the beginning is the first."""
    beginning, first, second, third = ask(client, "steps", id=shop)["steps"]

    assert ["You help in a shop.", "Refund my chair."] == [each["text"]["text"] for each in beginning["messages"]]
    assert ["system", "user"] == [each["role"] for each in first["added"]]
    assert ["assistant", "tool", "tool"] == [each["role"] for each in second["added"]]
    assert "The customer wants" in first["reply"]["reasoning"]["text"]
    assert [("done", "valid"), ("failed", "valid")] == [(each["state"], each["checked"]) for each in first["calls"]]
    assert ["find_orders", "stock", "refund", "manual"] == second["tools"]
    assert (True, False) == (first["tools_new"], second["tools_new"])
    assert ["RunFinished"] == [each["kind"] for each in third["marks"]]


def test_a_step_has_what_went_over_the_wire(journal):
    """The request and ways to send it again, without the key; and the reply."""
    with ModelServer(call("find_orders", customer="C-1"), "A lamp.") as server:
        online = agent(journal)
        chat = Chat("doubao-seed-1-6-250615", base_url=server.base_url, api_key="sk-very-secret-12345678")
        run_id = replace(online, model=chat).run_sync("What did C-1 order?").run_id
        sent = server.requests[1]
    with served(journal) as made, visited(made) as client:
        told = ask(client, "step", id=run_id, n=2)
        found = ask(client, "step", id=run_id, call=ask(client, "step", id=run_id, n=1)["step"]["calls"][0]["id"])
        test = ask(client, "text", id=run_id, name="test")
    wire = told["wire"]

    assert sent["messages"] == json.loads(wire["request"]["text"])["body"]["messages"]
    assert wire["curl"]["text"].startswith("curl ")
    assert "import httpx" in wire["python"]["text"]
    assert wire["exact"]
    assert "async def test_what_did_c_1_order(cassette)" in test["text"]
    assert "A lamp." in wire["response"]["text"]
    assert 1 == found["step"]["n"]
    assert "Orders of one customer" in told["schemas"]["find_orders"]
    assert "very-secret" not in json.dumps([told, found])


def test_steps_are_told_a_page_at_a_time(journal):
    """From any of them on."""
    run_id = long_agent(journal, 90).run_sync("Go on.").run_id
    with served(journal) as made, visited(made) as client:
        first = ask(client, "steps", id=run_id)
        later = ask(client, "steps", id=run_id, start=80, count=40)
        timeline = ask(client, "timeline", id=run_id)
        thought = ask(client, "find", id=run_id, text="thought 77.")

    assert (40, 91) == (len(first["steps"]), first["total"])
    assert [*range(80, 91)] == [each["n"] for each in later["steps"]]
    assert ["assistant", "tool"] == [each["role"] for each in later["steps"][0]["added"]]
    assert 91 == len(timeline["steps"])
    assert [77] == thought["steps"]


def test_a_large_result_comes_in_parts(journal):
    """The page has the beginning of it, and the rest when somebody asks."""
    large = agent(journal, call("manual", pages=1_000), "Read.", limits=Limits(result_chars=10_000_000))
    run_id = large.run_sync("Read it.").run_id
    with served(journal) as made, visited(made) as client:
        answer = client.get("/api/steps", params={"id": run_id})
        cut = answer.json()["steps"][1]["calls"][0]["result"]["text"]
        whole, start = cut["text"], len(cut["text"])
        while start < cut["size"]:
            part = ask(client, "text", id=run_id, name=cut["name"], start=start)
            whole, start = whole + part["text"], part["next"]

    assert len(answer.content) < 60_000
    assert (SHOWN, True) == (len(cut["text"]), cut["size"] > 3 * MOST)
    assert "".join(f"page {number}: {'lorem ipsum ' * 80}\n" for number in range(1_000)) == whole


def test_two_runs_are_told_side_by_side(journal, shop):
    """The first difference, and the lines in which they differ."""

    async def changed():
        other = agent(journal, "It is there.")
        lost = other.result(shop).steps[1].calls[0].id
        return await fork(other, shop, change=Change(results={lost: "4 chairs"}))

    other = asyncio.run(changed()).run_id
    with served(journal) as made, visited(made) as client:
        told = ask(client, "diff", a=shop, b=other)
        rest = ask(client, "diff", a=shop, b=other, start=3)
        same = ask(client, "diff", a=shop, b=shop)

    assert (2, False) == (told["first"], told["same"])
    assert ["the same", "the same", "different", "different"] == [each["kind"] for each in told["steps"]]
    assert "+4 chairs" in told["steps"][2]["differences"][0]["lines"]
    assert [3] == [each["n"] for each in rest["steps"]]
    assert (None, True) == (same["first"], same["same"])


def test_two_runs_are_told_with_their_prompts_and_costs(journal):
    """Of each side, and of each step, as far as somebody has a price; an answer is told once."""
    dear, unpriced = (
        Agent(ScriptedModel(answer, price=price), journal=journal)
        for answer, price in (("In the hall.", Price(1_000_000, 1_000_000)), ("In the yard.", None))
    )
    a, b = (each.run_sync("Where is it?").run_id for each in (dear, unpriced))
    with served(journal) as made, visited(made) as client:
        told = ask(client, "diff", a=a, b=b)

    step = told["steps"][1]
    assert ("Where is it?", "Where is it?") == (told["a"]["title"], told["b"]["title"])
    assert (told["a"]["money"]["text"], "") == (step["spent"]["a"]["money"], step["spent"]["b"]["money"])
    assert told["a"]["money"]["text"]
    assert {"text": "", "unpriced": 1} == told["b"]["money"]
    assert ("answered", "answered", []) == (step["a"], step["b"], told["end"])


def test_pictures_come_from_the_message_and_nowhere_else(journal):
    """An address is never followed, and nothing is taken for a picture that could hold a script."""
    kinds = (
        "data:image/png;base64,AAAA",
        "data:image/svg+xml;base64,AAAA",
        "https://evil.example/x.png",
        "data:text/html,x",
    )
    prompt = [Text("Look."), *map(Image, kinds)]
    run_id = agent(journal, "Nice.").run_sync(prompt).run_id
    with served(journal) as made, visited(made) as client:
        message = ask(client, "steps", id=run_id)["steps"][0]["messages"][-1]

    assert [kinds[0]] == message["pictures"]


# Runs as nobody would like to have them.


DEEP = "[" * 3_000 + "]" * 3_000
ODD = f"{EVIL}\x00\x1b[31m\u202e\ud800\r\n{'x' * 9_000}"

ODD_RUNS = {
    "nothing but a beginning": [(0, RunStarted("r", "a", (Message("user", "Hi"),)))],
    "asked and no reply": [
        (0, RunStarted("r", "a", (Message("user", "Hi"),))),
        (1, ModelCalled("m", 1, ("t",))),
        (1, RunResumed("vm:1")),
        (1, ModelCalled("m", 1, ("t",))),
    ],
    "no beginning": [
        (1, ModelReplied(Message("assistant", tool_calls=(ToolCall("c", "t", "{}"),)), Usage(), "tool_calls")),
        (1, ToolStarted("c", "t", "k")),
    ],
    "in doubt": [
        (0, RunStarted("r", "a", (Message("user", "Hi"),))),
        (1, ModelCalled("m", 1, ("t",), offer="no json", settings="{")),
        (1, ModelReplied(Message("assistant", tool_calls=(ToolCall("c", "t", "{}"),)), Usage(), "tool_calls")),
        (1, ToolStarted("c", "t", "k")),
        (1, RunResumed("vm:2")),
        (1, ToolFinished(ToolResult("c", "unknown", failed=True))),
    ],
    "odd texts": [
        (0, RunStarted("r", ODD, (Message("system", ODD), Message("user", ODD)), target=ODD)),
        (1, ModelCalled(ODD, 1, (ODD,), settings=DEEP, offer=DEEP)),
        (
            1,
            ModelReplied(
                Message("assistant", ODD, Reasoning(ODD, ODD, DEEP), (ToolCall(ODD, ODD, DEEP),), extra=DEEP),
                Usage(-1, 10**30, None, 0),
                "other",
                warnings=(ODD,),
                model=ODD,
                seconds=-5.0,
            ),
        ),
        (1, ToolStarted(ODD, ODD, ODD, repair=ODD)),
        (1, ToolFinished(ToolResult(ODD, ODD, failed=True, whole=ODD * 3, trace=ODD))),
        (1, RunSuspended("waiting", ODD)),
        (1, Unknown("Tomorrow", '{"x": 1}')),
        (1, RunFinished("failed", ODD, ODD)),
    ],
    "events in no order": [
        (3, ToolFinished(ToolResult("nobody", "x"))),
        (1, RunFinished("completed", "x")),
        (2, ApprovalGiven("nobody", granted=True)),
        (0, RunStarted("r", "a", ())),
        (9, RunForked("r", "elsewhere")),
    ],
}


@pytest.mark.parametrize("events", ODD_RUNS.values(), ids=ODD_RUNS)
async def test_a_run_in_any_state_can_be_looked_at(journal, events):
    """Half written, torn, from a newer version, or full of what nobody should write: it is told, or a sentence is."""
    await keep(journal, "r", *events)
    with served(journal) as made, visited(made) as client:
        told = {
            question: client.get(f"/api/{question}", params={"id": "r"}) for question in ("run", "steps", "timeline")
        }
        told |= {f"step {n}": client.get("/api/step", params={"id": "r", "n": n}) for n in (1, 2, 3)}
        told["runs"] = client.get("/api/runs")
        told["find"] = client.get("/api/find", params={"id": "r", "text": "x"})
        told["diff"] = client.get("/api/diff", params={"a": "r", "b": "r"})

    for question, answer in told.items():
        assert answer.status_code in ({200, 400} if question.startswith("step ") else {200}), (
            question,
            answer.text[:300],
        )
        assert isinstance(json.loads(answer.content), dict)
    if any(isinstance(event, RunStarted) for _, event in events[:1]):
        assert [] != told["steps"].json()["steps"]


async def test_a_call_in_doubt_says_so(journal):
    """It had been started, its process was gone, and it was not run again."""
    await keep(journal, "r", *ODD_RUNS["in doubt"])
    with served(journal) as made, visited(made) as client:
        [one] = ask(client, "steps", id="r")["steps"][1]["calls"]

    assert ("failed", True) == (one["state"], one["doubtful"])


@pytest.mark.parametrize("damage", ["gone", "garbage", "newer"])
def test_a_journal_that_is_spoiled_meanwhile_is_told(journal, client, damage):
    """The page gets a sentence, and the server lives on."""
    journal.close()
    for end in ("-wal", "-shm"):
        journal.path.with_name(f"runs.db{end}").unlink(missing_ok=True)
    if damage == "newer":
        with sqlite3.connect(journal.path) as connection:
            connection.execute("pragma user_version=99")
        connection.close()
    elif damage == "garbage":
        journal.path.write_bytes(os.urandom(8_192))
    else:
        journal.path.unlink()
    status, error = refused(client, "runs")

    assert 503 == status
    assert str(journal.path) in error
    assert 200 == client.get("/").status_code


# While it happens.


CHILD = """
import sys
from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call

@tool(effect="read")
def wait_for_line(number: int) -> str:
    '''Wait.

    Args:
        number: Which.
    '''
    print(number, flush=True)
    return sys.stdin.readline().strip()

said = [call("wait_for_line", number=number) for number in range(3)]
Agent(ScriptedModel(*said, "Done."), tools=[wait_for_line], journal=sys.argv[1], name="child").run_sync("Wait.")
"""


def test_changes_by_another_process_are_told(journal, client):
    """Each thing that it writes is told at once to those who watch."""
    words = [sys.executable, "-c", CHILD, str(journal.path)]
    with (
        client.stream("GET", "/api/live") as live,
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child,
    ):
        lines = (line for line in live.iter_lines() if line.startswith("data: "))
        assert "data: 0" == next(lines)
        for number in range(3):
            assert f"{number}\n" == child.stdout.readline()
            next(lines)
            row = ask(client, "runs", agent="child")["rows"][0]
            assert ("running", number + 1) == (row["status"], row["steps"])
            child.stdin.write("go on\n")
            child.stdin.flush()
        child.wait()
        next(lines)
    assert "completed" == ask(client, "runs", agent="child")["rows"][0]["status"]


def test_what_was_read_is_kept_until_the_file_changes(journal, shop):
    """A page that asks again and again does not read again and again."""
    reading = Reading(journal, known_prices())
    while not any(reading.told(shop) is reading.told(shop) for _ in range(3)):
        # A file that has only just changed is read each time.
        assert time.time() - journal.path.stat().st_mtime < 5
    before = reading.told(shop), state_of(journal)
    agent(journal, "More.").run_sync("More?")

    assert before[1] != state_of(journal)
    assert before[0] is not reading.told(shop)


# Where writing is allowed.


TARGET = """
import os
from agentkit import Agent, tool
from agentkit.testing import ScriptedModel, call

@tool(approval="always")
def refund(order: int) -> str:
    '''Pay back.

    Args:
        order: Its number.
    '''
    return f"refunded {order}"

script = [call("refund", order=7), "Paid back."][int(os.environ.get("SKIP", "0")):]
agent = Agent(ScriptedModel(*script), tools=[refund], name="teller", target=os.path.abspath(__file__) + ":agent", journal=os.environ["AGENTKIT_JOURNAL"])
"""


@pytest.fixture
def teller(tmp_path, monkeypatch):
    """A journal with a run that waits for a person, and the file of its agent."""
    (tmp_path / "teller.py").write_text(TARGET)
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(tmp_path / "runs.db"))
    begin = "import runpy; runpy.run_path('teller.py')['agent'].run_sync('Refund 7.')"
    done = subprocess.run([sys.executable, "-c", begin], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    monkeypatch.setenv("SKIP", "1")
    kept = journal_in(tmp_path)
    yield kept
    kept.close()


@pytest.fixture
def writing(teller):
    with served(teller, Doing(teller)) as made, visited(made) as client:
        client.headers.update({"origin": base_of(made), "x-agentkit": "1"})
        yield client


def until(client: httpx.Client, run_id: str, status: str) -> dict:
    """The run, as soon as it has come to a status; the server says when something has changed."""
    with client.stream("GET", "/api/live") as live:
        for line in live.iter_lines():
            assert not line.startswith(":"), f"nothing happens, and the run is not {status}"
            if line.startswith("data:") and (told := ask(client, "run", id=run_id))["state"] == status:
                return told
    raise AssertionError(status)


def test_a_person_decides_on_the_page(teller, writing):
    """The call is made as it was changed, and the run goes on."""
    [row] = ask(writing, "runs")["rows"]
    [waiting] = ask(writing, "run", id=row["run_id"])["waiting"]
    wish = {"run": row["run_id"], "call": waiting["id"], "granted": True, "arguments": '{"order": 8}'}
    answer = writing.post("/api/decide", json=wish)
    assert 200 == answer.status_code, answer.text
    told = until(writing, row["run_id"], "completed")

    assert "Taken down; the run goes on." == answer.json()["told"]
    assert "Paid back." == told["output"]["text"]
    step = ask(writing, "steps", id=row["run_id"])["steps"][1]
    assert "refunded 8" in step["calls"][0]["result"]["text"]["text"]
    again = writing.post("/api/decide", json=wish)
    assert (400, True) == (again.status_code, "waits for a decision" in again.json()["error"])


def test_a_run_is_forked_on_the_page(teller, writing):
    """The new run is named at once, and goes on by itself."""
    [row] = ask(writing, "runs")["rows"]
    wish = {"run": row["run_id"], "at": 1, "change": "prompt", "text": "Just say that it is done."}
    answer = writing.post("/api/fork", json=wish)
    assert 200 == answer.status_code, answer.text
    told = until(writing, answer.json()["run_id"], "completed")

    assert ("Just say that it is done.", row["run_id"]) == (told["title"], told["forks"][0]["parent"])


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"run": "nobody", "at": 1}, "nobody"),
        ({"run": 7}, "must be a text"),
        ({"at": "x"}, "number of a step"),
        ({"at": 99}, "no step 99"),
        ({"at": 1, "change": "everything"}, "must be one of"),
        ({"at": 1, "change": "result", "call": "nobody", "text": "x"}, "no call nobody"),
    ],
)
def test_a_fork_that_cannot_begin_says_why(writing, wish, words):
    """In a sentence, and nothing is recorded."""
    [row] = ask(writing, "runs")["rows"]
    answer = writing.post("/api/fork", json={"run": row["run_id"], **wish})

    assert answer.status_code in {400, 404}
    assert words in answer.json()["error"]
    assert 1 == ask(writing, "runs")["all"]


def test_what_writes_comes_from_the_page_itself(teller):
    """With its origin and with a header that no form has; anything else is refused."""
    with served(teller, Doing(teller)) as made, visited(made) as client:
        own = {"origin": base_of(made), "x-agentkit": "1"}
        answers = [
            client.post("/api/fork", headers=headers, content=content).status_code
            for headers, content in (
                ({}, b"{}"),
                ({"x-agentkit": "1"}, b"{}"),
                ({"origin": base_of(made)}, b"{}"),
                (own | {"origin": "http://evil.example"}, b"{}"),
                (own, b"[]"),
                (own, b"[" * 100_000),
                (own, b'"' + b"x" * 5_000_000 + b'"'),
            )
        ]
        stranger = httpx.post(base_of(made) + "/api/fork", headers=own, json={}).status_code
        unread = client.put("/api/fork", headers=own, json={}).status_code

    assert [403, 403, 403, 403, 400, 400, 400] == answers
    assert (401, 405) == (stranger, unread)


# The command.


def command(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentkit", *words],
        cwd=folder,
        env=os.environ | {"AGENTKIT_JOURNAL": str(folder / "runs.db")} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_serves_the_page_until_it_is_ended(journal, shop, tmp_path):
    """It prints the address, of one run if it is asked for, and Ctrl-C is a good end."""
    words = [sys.executable, "-m", "agentkit", "ui", shop[-6:], "--no-open"]
    variables = os.environ | {"AGENTKIT_JOURNAL": str(journal.path)}
    with subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        address, _, place = running.stdout.readline().strip().partition("#")
        with httpx.Client(follow_redirects=True) as client:
            html = client.get(address).text
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)

    assert f"/run/{shop}" == place
    assert "<title>agentkit</title>" in html
    assert (0, "") == (running.returncode, errors)


def test_a_port_in_use_is_told(journal, shop, made, tmp_path):
    """With what to do."""
    port = base_of(made).rpartition(":")[2]
    done = command(tmp_path, "ui", "--port", port)

    assert (
        2,
        f"error: port {port} is in use by another program; give another one with --port, or none for any that is free\n",
    ) == (
        done.returncode,
        done.stderr,
    )
    with pytest.raises(UsageError, match="in use"):
        page(journal, port=int(port))


def test_what_is_wrong_with_the_journal_is_told(tmp_path):
    """Before a browser is opened: there is none, it is off, it is newer, or the run is not in it."""
    missing = command(tmp_path, "ui")
    off = command(tmp_path, "ui", AGENTKIT_JOURNAL="off")
    journal = journal_in(tmp_path)
    agent(journal, "Hello.").run_sync("Hi")
    journal.close()
    unknown = command(tmp_path, "ui", "nothing")
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute("pragma user_version=99")
    connection.close()
    newer = command(tmp_path, "ui")

    for done, words in (
        (missing, "there is no journal"),
        (off, "off"),
        (unknown, "no run 'nothing'"),
        (newer, "newer"),
    ):
        assert 0 < done.returncode < 3
        assert done.stderr.startswith("error: ")
        assert words in done.stderr
        assert 1 == done.stderr.count("\n")


def test_the_command_loads_no_server_unless_it_serves():
    """The other commands stay as quick as they are."""
    code = "import sys, agentkit.cli; print([name for name in ('starlette', 'uvicorn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


# As a file.


def test_a_run_is_exported_as_one_page(journal, shop, tmp_path):
    """It holds all that it shows, and its policy lets nothing else run or be loaded."""
    done = command(tmp_path, "export", shop, "-o", "run.html")
    html = (tmp_path / "run.html").read_text()
    policy = re.search(r'http-equiv="content-security-policy" content="([^"]*)"', html)[1]

    assert (0, "wrote run.html\n") == (done.returncode, done.stdout), done.stderr
    assert "default-src 'none'" in policy
    assert "trusted-types 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src" not in policy
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert 2 == command(tmp_path, "export", shop, "-o", "run.html").returncode
    assert 0 == command(tmp_path, "export", shop, "-o", "run.html", "--force").returncode
    assert ".html" in command(tmp_path, "export", shop, "-o", "run.pdf").stderr


def test_an_exported_page_has_no_secrets(journal, tmp_path):
    """Also where the journal keeps texts to the letter."""
    secret = "sk-abcdefghijklmnop1234567890"

    def look(where: str) -> str:
        return where

    look.__doc__ = f"Look it up with {secret}."
    shown = Agent(ScriptedModel("Done."), tools=[look], journal=journal, target=f"x.py:agent --key {secret}")
    run_id = shown.run_sync("Hi").run_id
    done = command(tmp_path, "export", run_id, "-o", "run.html")

    assert 0 == done.returncode, done.stderr
    assert secret not in (tmp_path / "run.html").read_text()


def test_no_text_ends_the_data_of_a_page():
    """Whatever a run says stays within the data."""
    hostile = {"text": "</script><script>alert(1)</script><!--\u2028\ud800"}
    html = page_with(hostile)
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1]

    assert hostile == json.loads(held)
    assert 2 == html.count("</script>")


def test_modules_become_one_script_in_order():
    """Each after those that it imports from, and with its own names."""
    modules = {
        "app": 'import { a } from "./one.js";\nimport { b as c } from "./two.js";\nconst x = a + c();\n',
        "one": 'import { b } from "./two.js";\nexport const a = 1;\nconst x = b;\n',
        "two": "export function b() {}\n",
    }
    script = script_of(modules)

    assert script.index("const $two") < script.index("const $one") < script.index("const $app")
    assert "const { b: c } = $two;" in script
    assert "export" not in script
    assert "import" not in script
