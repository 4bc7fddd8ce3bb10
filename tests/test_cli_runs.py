"""The command over runs on record, as a person uses it: in processes of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentkit.testing import Fault, ModelServer, call, reply

SHOP = '''
import os
import signal

from agentkit import Agent, Chat, Context, ask_user, tool


@tool(effect="read")
def find_orders(customer: str) -> list[str]:
    """Orders of one customer.

    Args:
        customer: Customer number.
    """
    return ["lamp"]


@tool(approval="always")
def refund(order: int, context: Context) -> str:
    """Pay back.

    Args:
        order: Its number.
    """
    with open("ledger.txt", "a") as ledger:
        ledger.write(f"{order} {context.key}\\n")
    return f"refunded {order}"


@tool
def fragile(order: int) -> str:
    """Take the process down, the first time."""
    with open("ledger.txt", "a") as ledger:
        ledger.write(f"fragile {order}\\n")
    if not os.path.exists("crashed"):
        open("crashed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[find_orders, refund, fragile, ask_user], name="shop")
boss = Agent(Chat("doubao-seed-2.1-pro"), tools=[agent.as_tool()], name="boss")
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def agentkit(folder: Path, *arguments: str, url: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTKIT_", "OPENAI_"))}
    address = {"AGENTKIT_BASE_URL": url or "http://127.0.0.1:9/v1", "AGENTKIT_API_KEY": "k-123456789"}
    return subprocess.run(
        [sys.executable, "-m", "agentkit", *arguments],
        cwd=folder,
        env=clean | address | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rows(folder: Path, *options: str) -> list[dict[str, object]]:
    done = agentkit(folder, "runs", "--json", *options)
    assert 0 == done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ledger(folder: Path) -> list[str]:
    path = folder / "ledger.txt"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_a_run_of_the_command_is_on_record(folder):
    """In a folder that nobody commits; it is listed and told with its reasoning."""
    with ModelServer(reply(reasoning="Look it up.", calls=[call("find_orders", customer="C-1")]), "A lamp.") as server:
        done = agentkit(folder, "run", "shop.py:agent", "What did C-1 order?", url=server.base_url)
    run_id = rows(folder)[0]["run_id"]
    told = agentkit(folder, "show", "last").stdout

    assert done.stdout.endswith(f"agentkit show {run_id}\n")
    assert "*\n" == (folder / ".agentkit" / ".gitignore").read_text()
    for words in ("What did C-1 order?", "Look it up.", 'find_orders(customer="C-1")', '["lamp"]', "A lamp."):
        assert words in told
    assert told == agentkit(folder, "show", str(run_id)[-6:]).stdout
    assert run_id == json.loads(agentkit(folder, "show", "last", "--json").stdout)["run_id"]
    assert agentkit(folder, "show", "last", "--md").stdout.startswith("#")


@pytest.mark.parametrize("value", ["", "off"])
def test_the_journal_can_be_turned_off(folder, value):
    """Nothing is written then, and what needs it says so."""
    with ModelServer("Hello.") as server:
        done = agentkit(folder, "run", "shop.py:agent", "Hi", url=server.base_url, AGENTKIT_JOURNAL=value)
    asked = agentkit(folder, "runs", AGENTKIT_JOURNAL=value)

    assert 0 == done.returncode
    assert not (folder / ".agentkit").exists()
    assert (2, True) == (asked.returncode, "turns the journal off" in asked.stderr)


def test_a_journal_elsewhere_is_used(folder):
    """The environment names the file."""
    with ModelServer("Hello.") as server:
        agentkit(folder, "run", "shop.py:agent", "Hi", url=server.base_url, AGENTKIT_JOURNAL="deep/er/runs.db")

    assert not (folder / ".agentkit").exists()
    assert "Hi" in agentkit(folder, "runs", AGENTKIT_JOURNAL="deep/er/runs.db").stdout


def test_a_killed_run_is_resumed(folder):
    """The process is gone in the middle of a call that must not happen twice: it is not made again, and the model is told."""
    with ModelServer(call("find_orders", customer="C-1"), call("fragile", order=1), "Found out.") as server:
        died = agentkit(folder, "run", "shop.py:agent", "Go.", url=server.base_url)
        stopped = rows(folder)[0]
        done = agentkit(folder, "resume", "last", url=server.base_url)
        told = server.requests[-1]["messages"][-1]["content"]

    assert -signal.SIGKILL == died.returncode
    assert ("stopped", 2) == (stopped["status"], stopped["steps"])
    assert (0, ["fragile"]) == (done.returncode, ledger(folder))
    assert "Whether it took effect is unknown" in told
    assert "Found out." in done.stdout
    assert "taken up again" in agentkit(folder, "show", "last").stdout
    assert "completed" == rows(folder)[0]["status"]


def test_a_person_decides_in_another_process(folder):
    """The run waits on record; approved, it goes on where it was, with what was edited."""
    with ModelServer(call("refund", order=7), "Paid back.") as server:
        first = agentkit(folder, "run", "shop.py:agent", "Refund 7.", url=server.base_url)
        waiting = rows(folder, "--status", "waiting")
        done = agentkit(folder, "approve", "last", "--edit", '{"order": 8}', url=server.base_url)
        again = agentkit(folder, "approve", "last")

    assert (1, True) == (first.returncode, first.stdout.endswith(f"agentkit approve {waiting[0]['run_id']}\n"))
    assert (0, ["8"]) == (done.returncode, ledger(folder))
    assert "approved: refund(order=7)" in done.stdout
    assert "Paid back." in done.stdout
    assert (2, True) == (again.returncode, "waits for no decision" in again.stderr)


def test_of_several_calls_each_is_decided_by_its_name(folder):
    """Refused with a reason, answered by hand, approved; the run goes on when the last one is decided."""
    asked = [call("refund", order=n, call_id=f"c{n}") for n in (1, 2, 3)]
    with ModelServer(asked, "One of three.") as server:
        agentkit(folder, "run", "shop.py:agent", "Refund.", url=server.base_url)
        unclear = agentkit(folder, "approve", "last")
        wrong = agentkit(folder, "approve", "last", "c9")
        agentkit(folder, "approve", "last", "c1", "--deny", "Too late.")
        agentkit(folder, "approve", "last", "c2", "--answer", "Paid in cash.")
        done = agentkit(folder, "approve", "last", "c3", "--later")
        resumed = agentkit(folder, "resume", "last", url=server.base_url)
        results = [message["content"] for message in server.requests[-1]["messages"] if message["role"] == "tool"]

    assert (2, True) == (unclear.returncode, "3 calls wait; name one of them. c1: refund(order=1)" in unclear.stderr)
    assert (2, True) == (wrong.returncode, "no call 'c9' waits" in wrong.stderr)
    assert "agentkit resume" in done.stdout
    assert ["Not executed: a person refused this call. Too late.", "Paid in cash.", "refunded 3"] == results
    assert (0, ["3"]) == (resumed.returncode, ledger(folder))


def test_a_run_waits_for_what_only_the_user_knows(folder):
    """The model asks, the run waits for the answer, and goes on with it."""
    with ModelServer(call("ask_user", question="Which order?"), "Order 7, then.") as server:
        agentkit(folder, "run", "shop.py:agent", "Refund it.", url=server.base_url)
        done = agentkit(folder, "approve", "last", "--answer", "Number 7.", url=server.base_url)

    assert "Number 7." == server.requests[-1]["messages"][-1]["content"]
    assert 'answered: ask_user(question="Which order?")' in done.stdout


def test_a_run_within_a_run_waits_for_both(folder):
    """A call of the agent that is a tool waits; decided, both go on, and neither begins again."""
    with ModelServer(call("shop", task="Refund 5."), call("refund", order=5), "Refunded.", "All well.") as server:
        first = agentkit(folder, "run", "shop.py:boss", "Refund 5.", url=server.base_url)
        listed = agentkit(folder, "runs").stdout
        done = agentkit(folder, "approve", "last", url=server.base_url)

    assert 1 == first.returncode
    assert "called by the run above" in listed
    assert (0, ["5"]) == (done.returncode, ledger(folder))
    assert "All well." in done.stdout
    assert ["completed"] * 2 == [row["status"] for row in rows(folder)]


def test_a_conversation_is_listed_together(folder):
    """A run that goes on from another says so."""
    with ModelServer("Four.", "Five.") as server:
        agentkit(folder, "run", "shop.py:agent", "Two and two?", url=server.base_url)
        agentkit(folder, "run", "--continue", "last", "shop.py:agent", "And one?", url=server.base_url)

    assert ["Two and two?", "Four.", "And one?"] == [m["content"] for m in server.requests[-1]["messages"]]
    assert "goes on from" in agentkit(folder, "runs").stdout


def test_a_fork_is_driven_and_compared_with_its_parent(folder):
    """One result is another; what came of it stands beside what had come of the first."""
    with ModelServer(call("find_orders", customer="C-1", call_id="c1"), "A lamp.", "A chair.") as server:
        agentkit(folder, "run", "shop.py:agent", "What?", url=server.base_url)
        done = agentkit(folder, "fork", "last", "--result", 'c1=["chair"]', url=server.base_url)
        told = server.requests[-1]["messages"][-1]["content"]
    differs = agentkit(folder, "diff", "last")

    assert (0, '["chair"]') == (done.returncode, told)
    assert "A chair." in done.stdout
    for words in ("the first difference is in step 1", '- "lamp"', '+ "chair"', "-A lamp.", "+A chair."):
        assert words in differs.stdout
    assert "fork of" in agentkit(folder, "runs").stdout
    assert 1 == json.loads(agentkit(folder, "diff", "last", "--json").stdout)["first"]


def test_a_replay_shows_what_todays_code_asks_differently(folder):
    """The same as long as nothing has changed; else which message, and how."""
    with ModelServer(call("find_orders", customer="C-1"), "A lamp.") as server:
        agentkit(folder, "run", "shop.py:agent", "What?", url=server.base_url)
    same = agentkit(folder, "replay", "last")
    (folder / "shop.py").write_text(SHOP.replace("Orders of one customer.", "All orders of a customer."))
    other = agentkit(folder, "replay", "last")

    assert (0, "the same: 2 requests as recorded\n") == (same.returncode, same.stdout)
    assert 1 == other.returncode
    assert "step 1 is different: the tool 'find_orders' is described differently" in other.stdout
    assert "All orders of a customer." in other.stdout


def test_a_run_of_another_agent_is_not_resumed(folder):
    """What differs is said, and the way on."""
    with ModelServer(call("refund", order=7)) as server:
        agentkit(folder, "run", "shop.py:agent", "Refund 7.", url=server.base_url)
        agentkit(folder, "approve", "last", "--deny", "No.", "--later")
        (folder / "shop.py").write_text(SHOP.replace("Orders of one customer.", "All orders of a customer."))
        refused = agentkit(folder, "resume", "last", url=server.base_url)

    assert 1 == refused.returncode
    assert "tool find_orders is another one" in refused.stderr
    assert "agentkit fork" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["show", "x"], 1, "there is no journal"),
        (["runs"], 1, "there is no journal"),
        (["resume", "last"], 1, "there is no journal"),
        (["runs", "--since", "soon"], 2, "'soon' is no moment"),
        (["prune"], 2, "say which runs"),
        (["approve", "last", "--deny", "x", "--answer", "y"], 2, "exclude each other"),
        (["approve", "last", "--edit", "[]"], 2, "must be a JSON object"),
        (["approve", "last", "--edit", "{"], 2, "is no JSON"),
        (["show", "last", "--md", "--json"], 2, "exclude each other"),
    ],
)
def test_a_mistake_is_one_sentence(folder, arguments, code, told):
    """Without a traceback, and with what would do."""
    done = agentkit(folder, *arguments)

    assert (code, True, 1) == (done.returncode, told in done.stderr, done.stderr.count("\n")), done.stderr


def test_runs_that_are_not_wanted_any_more_are_deleted(folder):
    """By their names or by rules; a run that a fork begins as stays."""
    with ModelServer("One.", "Two.", "Three.") as server:
        for prompt in ("One?", "Two?"):
            agentkit(folder, "run", "shop.py:agent", prompt, url=server.base_url)
        agentkit(folder, "fork", "last", "--at", "1", url=server.base_url)
    two, fork, one = [str(row["run_id"]) for row in rows(folder)]
    would = agentkit(folder, "prune", "--before", "0s", "--dry-run")
    kept = agentkit(folder, "prune", two)
    done = agentkit(folder, "prune", one)
    left = [row["run_id"] for row in rows(folder)]
    agentkit(folder, "prune", "--status", "completed")

    assert "3 runs would be deleted\n" == would.stdout
    assert ("0 runs deleted\n", f"{two} stays: {fork} begins as it does\n") == (kept.stdout, kept.stderr)
    assert ("1 run deleted\n", [two, fork]) == (done.stdout, left)
    assert [] == rows(folder)


def test_a_run_that_its_model_leaves_says_how_it_goes_on(folder):
    """The endpoint is down; later it is not, and the run goes on."""
    down = Fault.status(401)
    with ModelServer(call("find_orders", customer="C-1"), down) as server:
        failed = agentkit(folder, "run", "shop.py:agent", "What?", url=server.base_url)
    with ModelServer("A lamp.") as server:
        done = agentkit(folder, "resume", "last", url=server.base_url)

    assert (3, True) == (failed.returncode, "agentkit resume" in failed.stdout)
    assert (0, True) == (done.returncode, "A lamp." in done.stdout)


def test_a_fork_that_its_model_leaves_says_how_it_goes_on(folder):
    """As a run does: its id is what is needed to take it up again, or to see where it parted from its parent."""
    with ModelServer("Hello.", Fault.status(401, {"error": {"message": "No."}})) as server:
        agentkit(folder, "run", "shop.py:agent", "Hi", url=server.base_url)
        failed = agentkit(folder, "fork", "last", "--at", "1", url=server.base_url)
    fork = next(row["run_id"] for row in rows(folder) if row["fork_of"])

    assert 3 == failed.returncode
    assert [f"agentkit diff {fork}", f"agentkit resume {fork}"] == failed.stdout.splitlines()[-2:]


PRICES = """
[[price]]
models = ["doubao-seed-2.1-pro"]
hosts = ["127.0.0.1"]
currency = "EUR"
tiers = [{ input = 1000, output = PRICE }]
"""


def test_what_a_run_cost_is_what_the_lists_say_today(folder):
    """At the end of the run, in the list and in the story; a price that is corrected corrects all of them."""
    prices = folder / "prices.toml"
    prices.write_text(PRICES.replace("PRICE", "2000"))
    with ModelServer(call("find_orders", customer="C-1"), "A lamp.") as server:
        done = agentkit(folder, "run", "shop.py:agent", "Hi", url=server.base_url, AGENTKIT_PRICES=str(prices))
    (listed,) = agentkit(folder, "runs", "--json", AGENTKIT_PRICES=str(prices)).stdout.splitlines()
    prices.write_text(PRICES.replace("PRICE", "4000"))
    corrected = agentkit(folder, "show", "last", AGENTKIT_PRICES=str(prices)).stdout
    asked = [
        agentkit(folder, "runs", "--cost", least, AGENTKIT_PRICES=str(prices)).stdout for least in ("0.06", "0.0601")
    ]

    assert " · cost 0.04 EUR · " in done.stdout
    assert ([{"amount": 0.04, "currency": "EUR"}], 0) == tuple(
        json.loads(listed)[name] for name in ("costs", "unpriced")
    )
    assert 1 == corrected.count("cost 0.06 EUR")
    assert 2 == corrected.count("cost 0.03 EUR")
    assert [True, False] == ["cost 0.06 EUR" in each for each in asked]
    assert "cost unknown" in agentkit(folder, "show", "last").stdout


def test_a_broken_list_of_prices_is_one_sentence(folder):
    """It is named, and what is wrong with it."""
    (folder / "prices.toml").write_text("[[price")
    with ModelServer("Hello.") as server:
        agentkit(folder, "run", "shop.py:agent", "Hi", url=server.base_url)
    refused = agentkit(folder, "runs", AGENTKIT_PRICES="prices.toml")

    assert (2, "") == (refused.returncode, refused.stdout)
    assert refused.stderr.startswith("error: prices.toml is no TOML: ")
