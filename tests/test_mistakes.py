"""Natural mistakes: each is told in a sentence, where it is made."""

import json
import subprocess
import sys

import pytest

from agentkit import Agent, Chat, Limits, ToolDefinitionError, UsageError, tool
from agentkit.observers.plain import kindly, printable
from agentkit.testing import ScriptedModel, call


@tool
def add(a: int) -> int:
    """Add."""
    return a


@tool(approval="always")
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


class Service:
    """An API client."""

    def fetch(self, name: str) -> str:
        """Fetch."""
        return name

    @tool
    def store(self, name: str) -> str:
        """Store."""
        return name


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Agent("doubao"), "model is 'doubao'; it must be a model, as in Agent\\(Chat"),
        (lambda: Agent(ScriptedModel(), limits={"steps": 3}), "it must be Limits"),
        (lambda: Agent(ScriptedModel(), settings={"seed": 3}), "it must be Settings"),
        (lambda: Agent(ScriptedModel(), tools=add), "it must be a list, as in tools="),
        (lambda: Agent(ScriptedModel(), observers=print), "observers is a function; it must be a list"),
        (lambda: Agent(ScriptedModel("x")).run_sync(3), "the prompt is 3; it must be text"),
        (lambda: Agent(ScriptedModel("x")).run_sync([{"role": "user"}]), "it must be text, or a list of Text"),
        (lambda: Limits(steps="3"), "is no number"),
        (lambda: Limits(concurrency=0), "would let nothing happen"),
        (lambda: Chat("", base_url="http://127.0.0.1"), "the model's id is empty"),
    ],
)
def test_what_is_easily_mistaken_is_said_at_once(make, said):
    """Before anything runs, with what was expected."""
    with pytest.raises(UsageError, match=said):
        make()


@pytest.mark.parametrize("method", [Service.fetch, Service.store])
def test_a_method_without_its_object_is_refused(method):
    """The model could never give it its `self`."""
    with pytest.raises(ToolDefinitionError, match=r"is a method without its object; give it bound"):
        Agent(ScriptedModel(), tools=[method])
    assert {"fetch", "store"} == {
        each.name
        for each in Agent(ScriptedModel(), tools=[Service().fetch, Service().store]).toolbox.offer(None).values()
    }


def test_an_option_that_does_not_exist_names_the_function():
    """Who has many tools must know which one is meant."""
    with pytest.raises(ToolDefinitionError, match=r"add: effect is 'reed'; it must be one of read"):
        tool(add.function, effect="reed")


@pytest.mark.parametrize("said", ["no", "yes", {"granted": False}, 1, None])
async def test_only_a_bool_or_a_decision_is_a_decision(said):
    """Nothing else is taken for a yes, from `resume` or from an approver."""
    waiting = await Agent(ScriptedModel(call("pay", amount=3), "done"), tools=[pay]).run("go")
    with pytest.raises(UsageError, match="must be True, False or a Decision"):
        await Agent(ScriptedModel("done"), tools=[pay]).resume(waiting, decisions={"call_1": said})
    with pytest.raises(UsageError, match="must be True, False or a Decision"):
        await Agent(ScriptedModel(call("pay", amount=3)), tools=[pay], approver=lambda _: said).run("go")


async def test_an_approver_may_be_a_plain_function():
    """Where nobody has to be waited for."""
    result = await Agent(ScriptedModel(call("pay", amount=3), "done"), tools=[pay], approver=lambda _: True).run("go")

    assert ["paid 3"] == [each.content for each in result.steps[0].results]


async def test_a_stream_that_was_not_entered_says_so():
    """Instead of waiting for events that never come."""
    events = aiter(Agent(ScriptedModel("x")).stream("go"))
    with pytest.raises(UsageError, match=r"async with agent\.stream"):
        await anext(events)


async def test_where_a_tool_raised_is_kept_for_people_and_not_told_to_the_model():
    """The line of the tool's own code is in the result, and in nothing that is sent."""

    @tool
    async def boom() -> str:
        """Fail."""
        raise KeyError("nope")

    model = ScriptedModel(call("boom"), "sorry")
    result = await Agent(model, tools=[boom]).run("go")

    failed = result.steps[0].results[0]
    assert "boom failed: KeyError: 'nope'" == failed.content
    assert 'raise KeyError("nope")' in failed.trace
    assert "test_mistakes.py" in failed.trace
    assert "toolbox.py" not in failed.trace
    assert "test_mistakes" not in str(model.requests)


def test_a_result_and_an_agent_are_told_in_a_line():
    """What a person prints is what a person wants to know."""
    agent = Agent(ScriptedModel("Hello."), name="greeter")

    assert "<Agent greeter: scripted>" == repr(agent)
    assert "<Result completed after 1 steps: 'Hello.'>" == repr(agent.run_sync("Hi"))


def test_half_a_character_from_a_tool_does_not_end_the_view(tmp_path):
    """A lone surrogate is shown as a mark, at the terminal and as JSON."""
    (tmp_path / "broken.py").write_text(
        "from agentkit import Agent\nfrom agentkit.testing import ScriptedModel, call\n\n\n"
        'def look() -> str:\n    """Look."""\n    return "a" + chr(0xD800) + "b"\n\n\n'
        'agent = Agent(ScriptedModel(call("look"), "Seen."), tools=[look])\n'
    )
    for option in ((), ("--json",)):
        done = subprocess.run(
            [sys.executable, "-m", "agentkit", "run", *option, "broken.py", "go"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr)
        assert "Seen." in done.stdout
    assert "Seen." == json.loads(done.stdout)["output"]
    assert "a\N{REPLACEMENT CHARACTER}b" == printable("a\ud800b")


def test_a_long_result_is_shown_in_part():
    """To eyes; the whole is in the events."""
    assert "0\n1\n2\n3\n4\n5\n… 4 more lines" == kindly("\n".join(map(str, range(10))))
    assert 401 == len(kindly("x" * 900))


def test_the_command_says_whose_fault_an_import_is(tmp_path):
    """The line of the user's own file, and the package that is missing."""
    (tmp_path / "wrong.py").write_text("import os\n\nos.environ['NOT_THERE']\n")
    (tmp_path / "needs.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "syntax.py").write_text("def f(:\n")
    said = {}
    for name in ("wrong", "needs", "syntax"):
        done = subprocess.run(
            [sys.executable, "-m", "agentkit", "schema", f"{name}.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        said[name] = done.stderr

    assert "KeyError: 'NOT_THERE'" in said["wrong"]
    assert "wrong.py, line 3" in said["wrong"]
    assert "needs 'not_installed_anywhere', which is not installed" in said["needs"]
    assert "syntax.py, line 1" in said["syntax"]


async def test_an_approver_that_raises_leaves_the_run_in_order():
    """The developer hears of it, and the run can go on with a decision."""

    def approver(question):
        raise LookupError("nobody is on duty")

    with pytest.raises(UsageError, match="the approver raised LookupError on pay: nobody is on duty") as caught:
        await Agent(ScriptedModel(call("pay", amount=3)), tools=[pay], approver=approver).run("go")

    result = caught.value.result
    assert ["call_1"] == [each.id for each in result.waiting]
    again = await Agent(ScriptedModel("done"), tools=[pay]).resume(result, decisions={"call_1": True})
    assert ["paid 3"] == [each.content for each in again.steps[0].results]


async def test_a_nested_run_asks_whom_its_parent_asks():
    """A call that needs a person does not end a nested run where somebody is at hand."""
    inner = Agent(ScriptedModel(call("pay", amount=3), "It is paid."), tools=[pay], name="clerk")
    outer = Agent(ScriptedModel(call("clerk", task="Pay 3."), "done"), tools=[inner.as_tool()], approver=lambda _: True)
    result = await outer.run("go")

    assert ["It is paid."] == [each.content for each in result.steps[0].results]


async def test_an_answer_under_a_limit_is_a_value_where_it_is_whole():
    """The last request may bring what was asked for, and the status still names the limit."""
    script = [call("add", a=1), '{"value": 7}']
    limits = Limits(steps=1, last_answer=True)
    good = await Agent(ScriptedModel(*script), tools=[add], output=int, limits=limits).run("go")
    bad = await Agent(ScriptedModel(script[0], "seven"), tools=[add], output=int, limits=limits).run("go")

    assert [("step_limit", 7), ("step_limit", None)] == [(each.status, each.output) for each in (good, bad)]


@pytest.mark.parametrize("option", ["", "--json"])
def test_a_reader_that_leaves_is_no_error(tmp_path, option):
    """`agentkit run ... | head -1` ends without a traceback."""
    (tmp_path / "big.py").write_text(
        "from agentkit import Agent\nfrom agentkit.testing import ScriptedModel, call\n\n\n"
        'def look(n: int) -> str:\n    """Look."""\n    return "line\\n" * 9000\n\n\n'
        'agent = Agent(ScriptedModel(*[call("look", n=n) for n in range(30)], "Seen."), tools=[look])\n'
    )
    piped = subprocess.run(
        f"{sys.executable} -m agentkit run {option} big.py go | head -1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    # Whether the writer notices depends on how much the pipe holds.
    assert piped.returncode in {0, 1}
    assert "" == piped.stderr


def test_an_agent_s_own_code_that_raises_is_one_sentence(tmp_path):
    """Its instructions, for one: what, and in which line."""
    (tmp_path / "odd.py").write_text(
        "from agentkit import Agent\nfrom agentkit.testing import ScriptedModel\n\n\n"
        "def greet(context):\n    return context.deps[0]\n\n\n"
        'agent = Agent(ScriptedModel("Hi."), instructions=greet)\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "agentkit", "run", "odd.py", "go"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 1 == done.returncode
    assert "error: TypeError: 'NoneType' object is not subscriptable" in done.stderr
    assert "odd.py, line 6" in done.stderr
    assert "Traceback" not in done.stderr
