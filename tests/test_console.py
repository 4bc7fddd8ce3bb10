"""The view of a run at a terminal."""

import io

from rich.console import Console

from agentkit import Agent, Chat, Decision, Fallback, ModelError, Price, Question, ToolCall, tool
from agentkit.cli.ask import ask_at_terminal
from agentkit.observers.console import console_view, shown_arguments
from agentkit.observers.plain import duration, printable
from agentkit.prices import NO_PRICES, Prices, Row, Tier
from agentkit.testing import FakeClock, Fault, ModelServer, ScriptedModel, call, reply


@tool(effect="read")
async def look(name: str) -> str:
    """Look."""
    return "\n".join(f"line {number} of {name}" for number in range(9))


@tool
async def fail() -> str:
    """Fail."""
    raise ValueError("no luck")


def view() -> tuple[Console, io.StringIO]:
    shown = io.StringIO()
    return Console(file=shown, width=100, highlight=False), shown


async def test_streamed_and_not_a_run_shows_the_same():
    """Reasoning, calls, results and the answer are there however the reply came."""
    pages = []
    for watched in (False, True):
        console, shown = view()
        model = ScriptedModel(
            reply(reasoning="Hm.", calls=[call("look", name="x")]), reply("Nine lines.", reasoning="So.")
        )
        agent = Agent(model, tools=[look], observers=[console_view(console)])
        if watched:
            async with agent.stream("go") as run:
                await run.wait()
        else:
            await agent.run("go")
        pages.append([line for line in shown.getvalue().splitlines() if "ms" not in line])

    assert pages[0] == pages[1]
    assert ["step 1", "Hm.", '  → look(name="x")'] == pages[0][:3]
    assert "      … 3 more lines" in pages[0]
    assert ["step 2", "So.", "Nine lines."] == pages[0][-3:]


async def test_what_a_terminal_would_obey_is_shown_instead():
    """Escapes, markup and turned writing from a model or a tool stay text."""
    console, shown = view()
    hostile = "\x1b[2J[bold red]boo[/] \u202eabc\r"
    model = ScriptedModel(reply(reasoning=hostile, calls=[call("look", name=hostile)]), hostile)
    await Agent(model, tools=[look], observers=[console_view(console)]).run("go")

    page = shown.getvalue()
    assert "[bold red]boo[/]" in page
    assert not {"\x1b", "\u202e", "\r"} & set(page)


async def test_a_failed_call_and_the_end_are_told():
    """What went wrong is on the line of the call, and the last line sums the run up."""
    console, shown = view()
    await Agent(ScriptedModel(call("fail"), "Sorry."), tools=[fail], observers=[console_view(console)]).run("go")

    page = shown.getvalue()
    assert "ValueError: no luck" in page
    assert "completed · 2 steps · 1 call · 20 in · 10 out" in page


async def test_what_a_run_cost_is_told_as_far_as_it_is_known():
    """What is on record, else what a list says today; nested runs are part of it, and what nobody knows is left out."""
    told = []
    for prices in (NO_PRICES, Prices(((Row(models=("m",), currency="EUR", tiers=(Tier(input=1e6, output=1e6),)),),))):
        console, shown = view()
        inner = Agent(ScriptedModel("Inside.", price=Price(10_000, 30_000)), name="inner")
        model = ScriptedModel(call("inner", task="x"), "Outside.", name="m")
        agent = Agent(model, tools=[inner.as_tool()], observers=[console_view(console, prices=prices)])
        await agent.run("go")
        told.append(shown.getvalue().splitlines()[-1])

    assert "completed · 2 steps · 1 call · 30 in · 15 out · cost at least 0.25 (2 steps unpriced)" in told[0]
    assert "completed · 2 steps · 1 call · 30 in · 15 out · cost 30 EUR and 0.25" in told[1]


def test_arguments_are_shown_as_a_person_reads_them():
    """As keywords where they are an object, else as they came."""
    assert 'city="Oslo", days=3' == shown_arguments('{"city": "Oslo", "days": 3}')
    assert '{"city": ' == shown_arguments('{"city": ')
    assert "[1]" == shown_arguments("[1]")
    assert 401 == len(shown_arguments('{"text": "' + "x" * 900 + '"}'))


def test_plain_text_for_terminals():
    """Controls become a mark; times are said as people say them."""
    assert "a\N{REPLACEMENT CHARACTER}[0mb\n\t" == printable("a\x1b[0mb\n\t")
    assert ("12 ms", "3.2 s") == (duration(0.0123), duration(3.21))
    assert ("1 min 0 s", "2 h 1 min", "3 d 4 h") == (duration(60), duration(7_290), duration(276_000))
    assert ("inf s", "nan s") == (duration(float("inf")), duration(float("nan")))


async def test_a_person_at_the_terminal_agrees_or_says_why_not():
    """Yes is a yes; anything else is a no, and its words are the reason; so is a terminal that was closed."""
    question = Question(ToolCall("c", "pay", '{"amount": 9}'), "Pay.", "run")
    said = []
    for line in ("y\n", "\n", "too much\n", ""):
        console, shown = view()

        async def read(line=line):
            return line

        said.append(await ask_at_terminal(console, read)(question))
        assert "pay(amount=9)" in shown.getvalue()

    no = Decision(granted=False)
    assert [Decision(granted=True), no, Decision(granted=False, reason="They said: too much"), no] == said


async def test_a_reply_that_is_asked_for_again_is_taken_back():
    """The line says when and why, and that what was printed of the step so far does not count."""
    console, shown = view()
    clock, busy = FakeClock(auto=True), Fault.status(503, {"error": {"message": "Busy\nnow"}})
    script = (Fault.cut("Good evening to everybody out there.", after=900), busy, "Good morning.")
    async with ModelServer(*script) as server:
        model = Chat("m", base_url=server.base_url)
        async with Agent(model, observers=[console_view(console)], clock=clock).stream("go") as run:
            await run.wait()

    first, second = (line for line in shown.getvalue().splitlines() if "asked again" in line)
    assert first.startswith(f"  asked again in {duration(clock.slept[0])} (connection_lost: 127.0.0.1/m broke the")
    assert first.endswith("; what this step has said so far is discarded")
    assert second.endswith("(overloaded: 127.0.0.1/m is overloaded (HTTP 503): Busy now)")
    assert "Good morning." == shown.getvalue().splitlines()[-2]


async def test_a_model_that_stands_in_is_named():
    """Who is asked instead of one that failed, and why."""
    console, shown = view()
    model = Fallback(ScriptedModel(ModelError("no money", category="quota")), ScriptedModel("Hello.", name="other"))
    await Agent(model, observers=[console_view(console)]).run("go")

    assert ["step 1", "  other is asked instead (quota: no money)", "Hello."] == shown.getvalue().splitlines()[:3]
