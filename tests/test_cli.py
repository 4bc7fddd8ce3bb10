"""The command, as a person runs it: in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentkit.testing import Fault, ModelServer, call, reply

TOOLS = '''
from agentkit import tool


@tool(effect="read")
def find_orders(customer: str) -> list[str]:
    """Orders of one customer.

    Args:
        customer: Customer number.
    """
    return ["lamp"]


@tool(approval="always")
def refund(order: int) -> str:
    """Pay back.

    Args:
        order: Its number.
    """
    return f"refunded {order}"
'''

AGENT = (
    TOOLS
    + """
from agentkit import Agent, Chat

agent = Agent(Chat("doubao-seed-2.1-pro"), tools=[find_orders, refund])
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools.py").write_text(TOOLS)
    (tmp_path / "shop.py").write_text(AGENT)
    return tmp_path


def agentkit(
    folder: Path, *arguments: str, url: str = "", stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentkit", *arguments],
        cwd=folder,
        env=environment(url) | variables,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment(url: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTKIT_", "OPENAI_"))}
    return {**clean, "AGENTKIT_BASE_URL": url, "AGENTKIT_API_KEY": "k-123456789"} if url else clean


def test_the_demo_needs_no_key_and_no_network(tmp_path):
    """The demo ends with an answer that took at least three calls, two of them in one step, with reasoning shown."""
    done = agentkit(tmp_path, "demo")

    assert 0 == done.returncode, done.stderr
    assert "are scripted" in done.stdout
    assert "agentkit demo --model" in done.stdout
    step_one = done.stdout.split("step 1\n")[1].split("step 2\n")[0]
    assert 2 == step_one.count("→")
    assert "I need two things" in step_one
    assert done.stdout.count("→") >= 3
    assert "389.00" in done.stdout.split("step 4\n")[1]
    assert "completed" in done.stdout


def test_run_shows_what_happens(folder):
    """A run shows reasoning, calls with arguments, results and the answer."""
    with ModelServer(reply(reasoning="Look it up.", calls=[call("find_orders", customer="C-1")]), "A lamp.") as server:
        done = agentkit(folder, "run", "shop.py:agent", "What?", url=server.base_url)

    assert 0 == done.returncode, done.stderr
    for shown in ("Look it up.", 'find_orders(customer="C-1")', '["lamp"]', "A lamp.", "completed"):
        assert shown in done.stdout


def test_run_with_json_prints_one_object(folder):
    """For a program there is one JSON object on standard output, and nothing else."""
    with ModelServer(call("find_orders", customer="C-1"), "A lamp.") as server:
        done = agentkit(folder, "run", "--json", "--tools", "tools.py", "--model", "m", "What?", url=server.base_url)

    told = json.loads(done.stdout)
    assert ("completed", "A lamp.") == (told["status"], told["output"])
    assert '["lamp"]' == told["steps"][0]["calls"][0]["result"]
    assert "k-123456789" not in done.stdout + done.stderr


def test_run_without_an_approver_says_what_waits(folder):
    """Without a terminal to ask at, a call that needs a person suspends the run, and the exit code tells."""
    with ModelServer(call("refund", order=3)) as server:
        done = agentkit(folder, "run", "shop.py", "Refund 3", url=server.base_url)

    assert 1 == done.returncode
    assert "waiting (a person has to decide on refund" in done.stdout


def test_chat_remembers(folder):
    """Each line of a chat goes on from the one before."""
    with ModelServer("Hello Ada.", "Ada.") as server:
        done = agentkit(folder, "chat", "shop.py", url=server.base_url, stdin="I am Ada.\nWho am I?\n")
        sent = [message["content"] for message in server.requests[1]["messages"]]

    assert 0 == done.returncode, done.stderr
    assert ["I am Ada.", "Hello Ada.", "Who am I?"] == sent


def test_schema_prints_what_the_model_is_told(folder):
    """Tools are printed as they are sent, without an endpoint."""
    done = agentkit(folder, "schema", "shop.py")

    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)
    assert ["find_orders", "refund"] == [each["function"]["name"] for each in told]
    assert "Customer number." == told[0]["function"]["parameters"]["properties"]["customer"]["description"]


@pytest.mark.parametrize("provider", ["doubao", "deepseek", "kimi", "qwen", "openai", "gemini"])
def test_schema_prints_what_a_provider_gets(folder, provider):
    """Each provider's form of the schema can be looked at."""
    done = agentkit(folder, "schema", "tools.py:refund", "--for", provider)

    assert "refund" == json.loads(done.stdout)[0]["function"]["name"]


def test_call_calls_one_tool(folder):
    """A tool is called as a model would call it, and a mistake is told as a model would hear it."""
    good = agentkit(folder, "call", "tools.py", "find_orders", "--args", '{"customer": "C-1"}')
    bad = agentkit(folder, "call", "tools.py", "find_orders", "--args", '{"custmer": "C-1"}')

    assert (0, '["lamp"]\n') == (good.returncode, good.stdout)
    assert 1 == bad.returncode
    assert "customer" in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "shop.py:agent"), 2, "TARGET"),
        (("run", "missing.py:agent", "hi"), 2, "there is no file 'missing.py'"),
        (("run", "shop.py:agnet", "hi"), 2, "no agent 'agnet'; its agents are: agent"),
        (("run", "no_such_module:agent", "hi"), 2, "no module 'no_such_module'"),
        (("run", "tools.py:agent", "hi"), 2, "no agent"),
        (("run", "shop.py", " "), 2, "prompt is empty"),
        (("run", "--tools", "tools.py", "hi"), 2, "--model"),
        (("schema", "broken.py"), 2, "broken.py, line 1"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_a_mistake_is_one_sentence_and_an_exit_code(folder, arguments, code, said):
    """What cannot work is said in one sentence, with what to do, and no traceback."""
    (folder / "broken.py").write_text("1 / 0\n")
    done = agentkit(folder, *arguments, url="http://127.0.0.1:9/v1")

    assert code == done.returncode
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_endpoint_is_said_before_anything_is_spent(folder):
    """Without an address there is a sentence about the environment."""
    done = agentkit(folder, "run", "shop.py", "hi")

    assert 2 == done.returncode
    assert "AGENTKIT_BASE_URL" in done.stderr


def test_a_model_that_fails_has_an_exit_code_of_its_own(folder):
    """The endpoint's failure is told in one sentence."""
    with ModelServer(Fault.status(401, {"error": {"message": "Bad key"}})) as server:
        done = agentkit(folder, "run", "shop.py", "hi", url=server.base_url)

    assert 3 == done.returncode
    assert "Bad key" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_host_is_named(folder):
    """Nobody there: the sentence names the address."""
    done = agentkit(folder, "run", "shop.py", "hi", url="http://127.0.0.1:9/v1")

    assert 3 == done.returncode
    assert "127.0.0.1:9" in done.stderr


def test_ctrl_c_cancels_and_says_what_was_kept(folder):
    """An interrupt ends the run cleanly, with what it had."""
    with ModelServer(call("find_orders", customer="C-1"), Fault.silent(reply("never"), after=200)) as server:
        running = subprocess.Popen(
            [sys.executable, "-u", "-m", "agentkit", "run", "shop.py", "What?"],
            cwd=folder,
            env=environment(server.base_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        seen = ""
        for line in running.stdout:
            seen += line
            if "step 2" in line:
                break
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
        out = seen + out

    assert 130 == running.returncode, err
    assert "cancelled" in out
    assert "1 step · 1 call" in out
    assert "kept: 1 step and 1 tool result" in out
    assert "Traceback" not in err


def test_ctrl_c_while_a_command_is_being_loaded_is_no_fault(folder):
    """Whoever changes their mind at once is told as little as later on."""
    (folder / "rich").mkdir()
    (folder / "rich" / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = agentkit(folder, "runs", PYTHONPATH=str(folder))

    assert (130, "", "") == (done.returncode, done.stdout, done.stderr.strip())


def test_agents_among_the_tools_ask_the_endpoint_of_the_environment(folder):
    """Looking for tools makes up an endpoint only where there is none."""
    (folder / "nested.py").write_text(
        'from agentkit import Agent, Chat\nexpert = Agent(Chat("m"), name="expert").as_tool()\n'
    )
    with ModelServer("42") as server:
        arguments = ("call", "nested.py:expert", "expert", "--args", '{"task": "?"}')
        done = agentkit(folder, *arguments, OPENAI_BASE_URL=server.base_url)

    assert ("42", 0) == (done.stdout.strip(), done.returncode)
