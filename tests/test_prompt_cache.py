"""A prefix that a provider can cache, and a word when it does not."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from agentkit import Agent, Chat, Image, ModelReplied, Text, Usage, logs, tool
from agentkit.observers.console import console_view
from agentkit.prompt_cache import cache_lost
from agentkit.testing import ModelServer, ScriptedModel, call, reply


@tool(effect="read")
async def look(name: str) -> list[Text | Image]:
    """Look."""
    return [Text(f"Seen: {name} \ud800 é"), Image("https://example.com/a.png")]


@pytest.mark.parametrize("profile", ["doubao_seed", "deepseek", "mistral", "gemini", "vllm"])
async def test_each_request_of_a_run_begins_with_the_bytes_of_the_one_before(profile):
    """Tools, instructions and every message so far, with pictures, reasoning and arguments as the model wrote them."""
    thinking = [
        reply("Hm.", reasoning=f"So {n}…", calls=[call("look", '{ "name" :"é\\u00e9"}'), call("look", name=str(n))])
        for n in range(4)
    ]
    async with ModelServer(*thinking, "Done.", strict=False) as server:
        chat = Chat("m", base_url=server.base_url, profile=profile)
        await Agent(chat, tools=[look], instructions="Be brief.").run("go")

    assert 5 == len(server.bodies)
    for before, after in zip(server.bodies, server.bodies[1:], strict=False):
        assert after.startswith(before.removesuffix(b"]}"))
        assert json.loads(before)["tools"] == json.loads(after)["tools"]


def counted(cached: int | None, prompt: int = 5000, origin: str = "") -> object:
    said = reply("x", usage=Usage(prompt, 5, cached))
    return replace(said, message=replace(said.message, origin=origin))


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        (counted(4096), counted(0, 6000), True),
        (counted(4096), counted(None, 6000), True),
        (counted(4096), counted(2000, 6000), True),
        (counted(4096), counted(4096, 6000), False),
        (counted(4096), counted(2048, 6000), False),
        # Short prefixes are not kept by anybody.
        (counted(1000), counted(0, 6000), False),
        (counted(None), counted(None, 6000), False),
        # Another conversation, or another model.
        (counted(4096), counted(0, 100), False),
        (counted(4096, origin="a/m"), counted(0, 6000, origin="b/m"), False),
        (None, counted(0), False),
    ],
)
def test_a_long_prefix_that_is_suddenly_not_cached_is_noticed(before, now, lost):
    """When the same model was sent the same beginning and more."""
    assert lost == cache_lost(before, now)


def forgetful() -> ScriptedModel:
    usages = [Usage(5000, 5, 0), Usage(6000, 5, 4900), Usage(7000, 5, 0)]
    steps = [reply(calls=[call("look", name=str(n))], usage=usage) for n, usage in enumerate(usages)]
    return ScriptedModel(*steps, reply("Done.", usage=Usage(8000, 5, 6900)))


async def test_the_step_has_a_warning():
    """On the reply that cost more than it should have."""
    result = await Agent(forgetful(), tools=[look]).run("go")

    replies = [recorded.event for recorded in result.events if isinstance(recorded.event, ModelReplied)]
    assert [(), (), ("cache_lost",), ()] == [event.warnings for event in replies]


async def test_the_log_and_the_terminal_show_it():
    """Each step's line has the cached tokens, and the one that lost them is a warning."""
    lines, shown = io.StringIO(), io.StringIO()
    observers = [console_view(Console(file=shown, width=100))]
    logs.configure(pretty=False, stream=lines)
    try:
        await Agent(forgetful(), tools=[look], observers=observers).run("go")
    finally:
        logs.silence()

    steps = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["event"] == "step"]
    assert [0, 4900, 0, 6900] == [step["usage"]["cached"] for step in steps]
    assert ["info", "info", "warning", "info"] == [step["level"] for step in steps]
    assert 1 == shown.getvalue().count("note: cache_lost")
