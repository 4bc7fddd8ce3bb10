"""What an agent is told, what it answers with, whom it asks, and whom it hands work to."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from both_ways import told

from agentkit import (
    Agent,
    BrokenHistory,
    Chat,
    Context,
    Decision,
    DuplicateTool,
    File,
    Image,
    Limits,
    ModelReplied,
    Price,
    Result,
    RunStarted,
    RunSuspended,
    RunUnfinished,
    Settings,
    Text,
    UsageError,
    tool,
)
from agentkit.testing import ModelServer, ScriptedModel, call, reply


async def fine() -> str:
    """A tool that does its work."""
    return "fine"


# Instructions, prompts and histories.


async def test_instructions_are_told_first():
    """They are the system message; without any there is none."""
    model = ScriptedModel("done", "done")
    await Agent(model, instructions="Be brief.").run("go")
    await Agent(model).run("go")

    assert [["Be brief.", "go"], ["go"]] == [[message.text for message in each.messages] for each in model.requests]


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_instructions_may_be_a_function_of_the_context(asynchronous):
    """They are made once for each run, from what its caller handed in."""

    def words(context: Context[str]) -> str:
        return f"You serve {context.deps} in {context.run_id}."

    async def awaited(context: Context[str]) -> str:
        return words(context)

    result = await Agent(
        ScriptedModel(call("fine"), "done"), tools=[fine], instructions=awaited if asynchronous else words
    ).run("go", deps="Ada")

    assert f"You serve Ada in {result.run_id}." == result.messages[0].text


async def test_a_conversation_goes_on_from_its_messages():
    """A result's messages are the history of the next run, under the next agent's instructions."""
    model = ScriptedModel(call("fine"), "one", "two", "three")
    first = await Agent(model, tools=[fine], instructions="A").run("go")
    second = await Agent(model, tools=[fine], instructions="B").run("and?", history=first.messages)
    third = await Agent(model).run("and?", history=second.messages)

    assert ["system", "user", "assistant", "tool", "assistant", "user", "assistant"] == [
        m.role for m in second.messages
    ]
    assert (first.messages[1:], "B") == (second.messages[1:5], second.messages[0].text)
    assert (second.messages, "three") == (third.messages[: len(second.messages)], third.output)
    assert 3 == len({each.run_id for each in (first, second, third)})


async def test_calls_of_the_history_keep_their_ids_to_themselves():
    """A model that counts its calls from one again in each run is told apart from its past."""
    again = call("fine", call_id="c1")
    model = ScriptedModel(again, "one", again, "two")
    agent = Agent(model, tools=[fine])
    first = await agent.run("go")
    second = await agent.run("go", history=first.messages)

    assert ["c1", "c1_again"] == [c.id for message in second.messages for c in message.tool_calls]


async def test_a_broken_history_is_refused_before_anything_is_spent():
    """The message says which call has no answer."""
    model = ScriptedModel(call("fine"), "done")
    result = await Agent(model, tools=[fine]).run("go")

    with pytest.raises(BrokenHistory, match=r"before history\[2\] these calls have no answer: fine \(call_1\)"):
        await Agent(model).run("go", history=result.messages[:2])

    assert 2 == len(model.requests)


@pytest.mark.parametrize("prompt", ["", "  \n", (), []])
async def test_an_empty_prompt_is_refused(prompt):
    """There is nothing to answer."""
    with pytest.raises(UsageError, match="the prompt is empty"):
        await Agent(ScriptedModel()).run(prompt)


async def test_a_prompt_may_hold_pictures_and_documents():
    """Words, pictures and documents go out as the parts of one message."""
    parts = [Text("What is it?"), Image("https://example.com/x.png"), File("a.pdf", "data:application/pdf;base64,AA==")]
    async with ModelServer("A cat.", "A dog.") as server:
        agent = Agent(Chat("m", base_url=server.base_url, api_key="-"))
        await agent.run(parts)
        await agent.run(Image("https://example.com/y.png"))
        sent = [[part["type"] for part in request["messages"][0]["content"]] for request in server.requests]

    assert [["text", "image_url", "file"], ["image_url"]] == sent


async def test_a_forced_choice_of_tool_holds_for_the_first_request_only():
    """Otherwise the run could never end; the choices a run can live with stay."""
    for choice, later in (("required", None), ("fine", None), ("auto", "auto"), ("none", "none")):
        model = ScriptedModel(call("fine"), "done")
        await Agent(model, tools=[fine], settings=Settings(tool_choice=choice)).run("go")

        assert [choice, later] == [request.settings.tool_choice for request in model.requests]


def test_a_limit_of_cost_needs_a_price():
    """Money cannot be counted without one, and that is said before anything is spent."""
    with pytest.raises(UsageError, match=r"Limits\(cost=\.\.\.\) needs to know what 'scripted' costs"):
        Agent(ScriptedModel(), limits=Limits(cost=1.0))

    assert 1.0 == Agent(ScriptedModel(price=Price(1, 2)), limits=Limits(cost=1.0)).limits.cost


def test_two_tools_of_one_name_are_refused():
    """A call could mean either."""
    with pytest.raises(DuplicateTool, match="two tools are named 'fine'"):
        Agent(ScriptedModel(), tools=[fine, tool(fine)])


# Output in a type.


@dataclass
class Report:
    title: str
    pages: int


@dataclass
class Draft:
    title: str
    pages: int = 1


GOOD = '{"title": "Owls", "pages": 3}'
BAD = '{"title": "Owls", "pages": "many"}'


def answer(mode, raw):
    return call("final_answer", raw) if mode == "tool" else raw


def typed(mode, *script, **more) -> tuple[Agent[Report], ScriptedModel]:
    model = ScriptedModel(*script, output_mode=mode)
    return Agent(model, output=Report, tools=[fine], **more), model


MODES = ["json_schema", "tool", "json_object"]


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_of_the_type_is_the_output(mode):
    """In every way to bring a model to a schema, the output is a value of the type."""
    agent, model = typed(mode, call("fine"), answer(mode, GOOD))
    result: Result[Report] = await agent.run("go")

    assert ("completed", Report("Owls", 3)) == (result.status, result.require())
    assert [mode != "tool", "final_answer" in [spec.name for spec in model.requests[0].tools]] == [
        model.requests[0].output is not None,
        mode == "tool",
    ]


@pytest.mark.parametrize(("tools", "held"), [([], True), ([fine], False), (lambda context: [], False)])
async def test_a_schema_that_would_silence_tools_is_for_agents_without(tools, held):
    """Some servers hold every word to the schema, and no tool would ever be called."""
    model = ScriptedModel(GOOD if held else call("final_answer", GOOD), output_mode="json_schema_alone")
    result = await Agent(model, output=Report, tools=tools).run("go")

    assert Report("Owls", 3) == result.output
    assert held == (model.requests[0].output is not None)


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_that_does_not_fit_is_mended(mode):
    """The model is told what was expected, and answers again."""
    agent, model = typed(mode, answer(mode, BAD), answer(mode, GOOD))
    result = await agent.run("go")

    assert ("completed", Report("Owls", 3)) == (result.status, result.output)
    assert 'pages is "many": expected an integer.' == model.requests[1].messages[-1].text


@pytest.mark.parametrize("mode", MODES)
async def test_answers_that_never_fit_end_a_run(mode):
    """After three wrong answers in a row the status says what is wrong, and there is no output."""
    agent, _ = typed(mode, *[answer(mode, BAD.replace("many", f"many {n}")) for n in range(3)])
    result = await agent.run("go")

    assert ("output_invalid", None) == (result.status, result.output)
    with pytest.raises(RunUnfinished, match="ended as 'output_invalid'") as caught:
        result.require()
    assert result is caught.value.result


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_may_say_null_for_what_it_leaves_out(mode):
    """A strict schema has no other way to leave a field to its default."""
    model = ScriptedModel(answer(mode, '{"title": "Owls", "pages": null}'), output_mode=mode)
    result = await Agent(model, output=Draft).run("go")

    assert ("completed", Draft("Owls")) == (result.status, result.output)


async def test_an_answer_may_be_none():
    """Where the type allows it, that is the answer, for an agent as a tool as well."""
    result = await Agent(ScriptedModel('{"value": null}'), output=int | None).run("go")
    expert = Agent(ScriptedModel('{"value": null}'), output=int | None, name="expert")
    outer = await Agent(ScriptedModel(call("expert", task="?"), "done"), tools=[expert.as_tool()]).run("go")

    assert ("completed", None, ["null"]) == (result.status, result.require(), told(outer))


@pytest.mark.parametrize("mode", MODES)
async def test_the_answer_is_no_tool_call_to_a_limit(mode):
    """How a model is brought to its answer does not matter to a limit."""
    agent, _ = typed(mode, call("fine"), answer(mode, GOOD), limits=Limits(tool_calls=1))
    result = await agent.run("go")

    assert ("completed", 1) == (result.status, result.run.spent.tool_calls)


async def test_a_model_that_writes_its_answer_instead_of_calling_is_understood():
    """With the answer asked for by a tool, plain JSON of the type is an answer too."""
    result = await typed("tool", f"```json\n{GOOD}\n```")[0].run("go")

    assert Report("Owls", 3) == result.output


@pytest.mark.parametrize(("output", "raw", "expected"), [(int, "42", 42), (list[str], '{"value": ["a"]}', ["a"])])
async def test_an_answer_may_be_of_any_type(output, raw, expected):
    """What is no object is asked for in one and taken out again."""
    assert expected == (await Agent(ScriptedModel(raw), output=output).run("go")).output


# People.


@tool(approval="always")
async def pay(amount: int) -> str:
    """Pay.

    Args:
        amount: Euros.
    """
    return f"paid {amount}"


@tool(approval=lambda arguments: arguments["amount"] > 100)
async def pay_much(amount: int) -> str:
    """Pay, and ask first when it is much."""
    return f"paid {amount}"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (True, "paid 5"),
        (False, "Not executed: a person refused this call."),
        (Decision(granted=False, reason="Too late."), "Not executed: a person refused this call. Too late."),
        (
            Decision(granted=True, arguments={"amount": 4}),
            'paid 4\nNote: a person changed the arguments of this call to {"amount": 4}.',
        ),
        (
            Decision(granted=True, arguments={"amount": "x"}),
            'amount is "x": expected an integer.\n'
            'Note: a person changed the arguments of this call to {"amount": "x"}.',
        ),
    ],
)
async def test_a_person_decides_on_a_call(said, expected):
    """They see what would be called, and agree, refuse with a reason, or change the arguments."""
    questions = []

    async def approver(question):
        questions.append(question)
        return said

    model = ScriptedModel([call("pay", amount=5), call("fine")], "done")
    result = await Agent(model, tools=[pay, fine], approver=approver).run("go")

    assert ([expected, "fine"], "completed") == (told(result), result.status)
    assert [("pay", '{"amount": 5}', "Pay.", result.run_id)] == [
        (each.call.name, each.call.arguments, each.tool, each.run_id) for each in questions
    ]


async def test_a_function_says_which_calls_need_a_person():
    """It is given the arguments; when it cannot tell, a person is asked."""
    asked = []

    async def approver(question):
        asked.append(question.call.arguments)
        return True

    @tool(approval=lambda arguments: arguments["nothing"])
    async def odd() -> str:
        """Ask in an odd way."""
        return "odd"

    model = ScriptedModel([call("pay_much", amount=5), call("pay_much", amount=500), call("odd")], "done")
    result = await Agent(model, tools=[pay_much, odd], approver=approver).run("go")

    assert (['{"amount": 500}', "{}"], ["paid 5", "paid 500", "odd"]) == (asked, told(result))


async def test_a_run_waits_for_people_and_goes_on_with_their_word():
    """Without anybody to ask the run is suspended before any call of the step, and resumes with decisions."""
    model = ScriptedModel([call("pay", amount=1), call("pay", amount=2), call("fine")], "done")
    agent = Agent(model, tools=[pay, fine])
    result = await agent.run("go")
    waiting = [each.id for each in result.waiting]

    assert ("waiting", None, ["call_1", "call_2"]) == (result.status, result.output, waiting)
    assert "a person has to decide on pay (call_1), pay (call_2)" == result.detail

    half = await agent.resume(result, decisions={"call_1": True})
    again = await agent.resume(half, decisions={"call_2": Decision(granted=False, reason="No.")})

    assert ("waiting", ["call_2"]) == (half.status, [each.id for each in half.waiting])
    assert ("completed", result.run_id, 2) == (again.status, again.run_id, len(model.requests))
    assert ["paid 1", "Not executed: a person refused this call. No.", "fine"] == told(again)


async def test_decisions_that_nobody_waits_for_are_refused():
    """A decision on another call, or on a run that has ended, is a mistake of the program."""
    agent = Agent(ScriptedModel(call("pay", amount=1), "done"), tools=[pay])
    waiting = await agent.run("go")

    with pytest.raises(UsageError, match="no call call_9 waits for a decision; these do: call_1"):
        await agent.resume(waiting, decisions={"call_9": True})
    done = await agent.resume(waiting, decisions={"call_1": True})
    with pytest.raises(UsageError, match=r"has ended as 'completed'; go on with history=result\.messages"):
        await agent.resume(done)


# Agents as tools.


def nested(*script, limits=None, tools=(), **more) -> Agent:
    return Agent(ScriptedModel(*script), name="expert", limits=limits or Limits(), tools=tools, **more)


async def test_an_agent_is_a_tool_of_another():
    """Its run has an id made from the call's key, names its parent, and its usage counts for both."""
    seen = []
    expert = nested(call("fine"), "42", tools=[fine], observers=[seen.append])
    result = await Agent(ScriptedModel(call("expert", task="What is it?"), "done"), tools=[expert.as_tool()]).run("go")
    started = seen[0].event

    assert isinstance(started, RunStarted)
    assert (["42"], f"{result.run_id}:1.0", f"{result.run_id}/call_1") == (told(result), started.run_id, started.parent)
    assert (4, 4 * 15) == (result.run.spent.steps, result.usage.total)
    assert ["user: What is it?"] == [f"{m.role}: {m.text}" for m in expert.model.requests[0].messages]


async def test_a_nested_run_that_does_not_finish_is_a_failed_result():
    """The model is told why, and what there is so far."""
    expert = nested(reply("It may be", finish_reason="length"))
    result = await Agent(ScriptedModel(call("expert", task="?"), "done"), tools=[expert.as_tool()]).run("go")

    assert told(result)[0].startswith("expert did not finish (cut): ")
    assert told(result)[0].endswith("What it has so far: It may be")


@pytest.mark.parametrize(
    ("limits", "status"),
    [(Limits(steps=4), "step_limit"), (Limits(tokens=60), "token_limit"), (Limits(cost=0.00006), "cost_limit")],
)
async def test_a_nested_run_cannot_outspend_the_run_that_calls_it(limits, status):
    """It stops when the limit of the outer run is reached, and so does the outer run."""
    price = Price(input=1.0, output=1.0)
    look = tool(fine, name="look")
    inner = ScriptedModel(*[call("look", f'{{"n": {n}}}') for n in range(9)], price=price)
    expert = Agent(inner, name="expert", tools=[look], limits=Limits(attempts=99))
    model = ScriptedModel(call("expert", task="?"), "never", price=price)
    result = await Agent(model, tools=[expert.as_tool()], limits=limits).run("go")

    assert (status, 4, 3) == (result.status, result.run.spent.steps, len(inner.requests))
    assert told(result)[0].startswith(f"expert did not finish ({status})")


async def test_cancelling_a_run_cancels_the_run_inside():
    """The nested run is told to stop, and what it had spent is not forgotten."""
    seen, begun = [], asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    expert = nested(call("hang"), tools=[hang], observers=[seen.append])
    outer = Agent(ScriptedModel(call("expert", task="?")), tools=[expert.as_tool()])
    async with outer.stream("go") as run:
        await begun.wait()
        await run.cancel()

    assert "cancelled" == seen[-1].event.status
    assert ("cancelled", 30) == (run.result.status, run.result.usage.total)
    assert 2 == sum(isinstance(each.event, ModelReplied) for each in (*seen, *run.result.events))


# Without an event loop.


def test_run_sync_works_again_and_again():
    """Each call has an event loop of its own, and the model's connections do not outlive it."""
    with ModelServer(call("fine"), "one", "two", "three") as server:
        agent = Agent(Chat("m", base_url=server.base_url, api_key="-"), tools=[fine])
        outputs = [agent.run_sync("go").output for _ in range(3)]

    assert ["one", "two", "three"] == outputs


async def test_run_sync_inside_a_loop_is_refused():
    """The message says what to write instead."""
    with pytest.raises(UsageError, match=r"write `await agent.run\(\.\.\.\)` there"):
        Agent(ScriptedModel()).run_sync("go")


# What a program asks that cannot work.


def test_an_agent_can_be_copied_with_a_change():
    """Also when its tools could be iterated once only."""
    agent = replace(Agent(ScriptedModel(), tools=(each for each in [fine])), name="other")

    assert ["fine"] == list(agent.toolbox.offer(Context(None)))


def test_a_tool_cannot_have_the_name_of_the_answer():
    """Where a model answers by calling a tool, one of that name would never be called."""
    with pytest.raises(DuplicateTool, match="a tool is named 'final_answer', which is how this model gives its answer"):
        Agent(ScriptedModel(output_mode="tool"), output=Report, tools=[tool(fine, name="final_answer")])


async def test_tools_that_clash_in_the_middle_of_a_run_keep_what_it_has():
    """The error holds the run so far, those who watch see it end, and it can be resumed."""
    seen = []

    def tools(context):
        return [fine] if context.step == 1 or mended else [fine, tool(fine)]

    mended = []
    agent = Agent(ScriptedModel(call("fine"), "done"), tools=tools, observers=[lambda each: seen.append(each.event)])
    with pytest.raises(DuplicateTool) as caught:
        await agent.run("go")
    mended.append(True)
    again = await agent.resume(caught.value.result)

    so_far = caught.value.result
    assert ("failed", ["fine"], "completed") == (so_far.status, told(so_far), again.status)
    assert RunSuspended("failed", str(caught.value)) in seen


def test_a_model_cannot_force_a_tool_for_ever():
    """A forced choice belongs to an agent, where it holds for the first request."""
    with pytest.raises(UsageError, match="tool_choice='required' in a model's settings would hold for every request"):
        Chat("m", base_url="http://localhost/v1", settings=Settings(tool_choice="required"))
