"""The local model end to end: a real prompt, real weights, real tool calls, a final answer."""

import json
import os
import subprocess
import sys

import pytest

from agentkit import Agent, Chat, tool
from agentkit.testing.local import LocalServer, installed

pytestmark = [pytest.mark.local, pytest.mark.skipif(not installed(), reason="the [local] extra is not installed")]


@tool(effect="read")
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One number.
        b: The other number.
    """
    return a + b


def agentkit(*arguments, cwd=None, env=None):
    return subprocess.run(
        [sys.executable, "-m", "agentkit", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_demo_on_the_local_model_ends_in_right_answers():
    """`agentkit demo --local` calls its tools on real weights, and its answers are right."""
    done = agentkit("demo", "--local")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "135 million parameters" in done.stdout
    assert "add(a=639, b=263)" in done.stdout
    assert 2 == done.stdout.count("right: ")


def test_a_prompt_of_ones_own_is_answered_by_the_local_model(tmp_path):
    """`agentkit run --tools` asks the server that `agentkit local` keeps running."""
    (tmp_path / "tools.py").write_text(
        "def add(a: int, b: int) -> int:\n"
        '    """Add two numbers.\n\n    Args:\n        a: One number.\n        b: The other number.\n    """\n'
        "    return a + b\n"
    )
    serving = subprocess.Popen(
        [sys.executable, "-m", "agentkit", "local"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert serving.stdout is not None
        said = serving.stdout.readline()
        environment = dict(word.split("=", 1) for word in said.split() if "=" in word)
        done = agentkit("run", "--json", "--tools", "tools.py", "What is 58 plus 31?", cwd=tmp_path, env=environment)
    finally:
        serving.terminate()
        serving.communicate(timeout=30)

    told = json.loads(done.stdout)
    assert "completed" == told["status"]
    assert [("add", "89")] == [(c["tool"], c["result"]) for c in told["steps"][0]["calls"]]
    assert "89" in told["output"]


@pytest.mark.parametrize("question", ["What is 17 plus 25?", "What is 402 plus 99?"])
async def test_the_agent_streams_from_the_local_model(question):
    """Streamed from a real llama.cpp server, a run is the same run."""
    expected = sum(int(word.rstrip("?")) for word in question.split() if word.rstrip("?").isdigit())
    with LocalServer() as server:
        async with Agent(Chat(server.model, base_url=server.base_url), tools=[add]).stream(question) as run:
            kinds = {type(event).__name__ async for event in run}

    assert {"TextDelta", "ToolCallDelta", "ToolStarted", "ToolFinished"} <= kinds
    assert str(expected) in str(run.result.output)
    assert run.result.usage.input
