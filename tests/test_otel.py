"""Runs as traces and metrics: what arrives at a backend over a real socket, live and from the record."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from otlp import At, Collector, agent_of, live
from strategies import events as any_event
from strategies import texts

from agentkit import (
    Agent,
    AgentkitError,
    Chat,
    File,
    Image,
    Limits,
    MemoryJournal,
    Message,
    ModelError,
    Recorded,
    RunFinished,
    RunStarted,
    Settings,
    SqliteJournal,
    Text,
    ToolError,
    UnknownRun,
    Usage,
    tool,
)
from agentkit.cli import group
from agentkit.cli.otel import sent
from agentkit.debug import Change, fork
from agentkit.endpoint import Endpoint
from agentkit.events import EVERYWHERE, ModelCalled, RunForked
from agentkit.otel import ExportFailed, Telemetry, export, names, send_to_otlp
from agentkit.otel.content import MESSAGES_CHARS, PART_CHARS, Writer, wanted
from agentkit.otel.export import readable
from agentkit.otel.facts import of_endpoint, of_request
from agentkit.otel.spans import Projection, spans_of
from agentkit.otel.values import run_span_id, tool_span_id, trace_id
from agentkit.testing import FakeClock, Fault, ModelServer, ScriptedModel, call, reply

INTERNAL, CLIENT = 1, 3
"""Kinds of spans, in the protocol."""


@tool(effect="read")
async def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
async def broken() -> str:
    """Fail."""
    raise ToolError("the password is hunter2hunter2")


@tool(approval="always")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


@pytest.fixture
def collector(monkeypatch):
    """A backend, to which the standard variables point."""
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
        for name in ("AGENTKIT_OTEL_CONTENT", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"):
            monkeypatch.delenv(name, raising=False)
        yield collector


def hexed(number, letters=16):
    return f"{number:0{letters}x}"


def comparable(received):
    """A span without what only the sending process knows."""
    return replace(received, resource={})


def orphans(spans):
    known = {each.id for each in spans}
    return [each.name for each in spans if each.parent and each.parent not in known]


# What arrives.


async def test_a_run_arrives_as_a_tree(collector):
    """The run is the parent of its requests and calls, and the call of an agent that of its run."""
    with Telemetry() as telemetry:
        helper = Agent(ScriptedModel(call("add", a=1, b=1), "two"), tools=[add], name="helper", observers=[telemetry])
        model = ScriptedModel([call("add", a=1, b=2), call("helper", task="1 + 1")], "3 and 2", name="big")
        outer = Agent(model, tools=[add, helper.as_tool()], name="adder", observers=[telemetry])
        result = await outer.run("1 + 2?")

    run, nested = collector.named("invoke_agent adder"), collector.named("invoke_agent helper")
    assert {hexed(trace_id(result.run_id), 32)} == {each.trace for each in collector.spans}
    assert [] == orphans(collector.spans)
    assert ("", hexed(run_span_id(result.run_id))) == (run.parent, run.id)
    assert collector.named("execute_tool helper").id == nested.parent
    assert ["chat big", "chat big", "execute_tool add", "execute_tool helper"] == sorted(
        each.name for each in collector.spans if each.parent == run.id
    )
    assert ["chat scripted", "chat scripted", "execute_tool add"] == sorted(
        each.name for each in collector.spans if each.parent == nested.id
    )
    assert {("chat", CLIENT), ("execute_tool", INTERNAL), ("invoke_agent", INTERNAL)} == {
        (each.attributes["gen_ai.operation.name"], each.kind) for each in collector.spans
    }
    assert all(run.start <= each.start <= each.end <= run.end for each in collector.spans)
    assert {("shop", "agentkit")} == {(each.resource["service.name"], each.scope) for each in collector.spans}
    assert {result.run_id} == {each.attributes["gen_ai.conversation.id"] for each in collector.spans}
    told = {name: run.attributes[name] for name in (names.STATUS, names.STEPS, names.TOOL_CALLS, names.AGENT)}
    assert {names.STATUS: "completed", names.STEPS: 2, names.TOOL_CALLS: 2, names.AGENT: "adder"} == told


async def test_a_request_says_who_was_asked_how_and_what_it_used(collector):
    """Model, settings, server, reasons and tokens are on the span of a request; what is not known is not there."""
    usage = Usage(input=100, output=20, cached=60, reasoning=5)
    script = (reply(calls=[call("add", a=1, b=2)], usage=usage), reply("3", usage=Usage(input=7)))
    with ModelServer(*script) as server, Telemetry() as telemetry:
        settings = Settings(temperature=0.5, max_tokens=99, stop=("END",))
        chat = Chat("seed", base_url=server.base_url, api_key="-", settings=settings)
        port = int(server.base_url.removesuffix("/v1").rpartition(":")[2])
        await Agent(chat, tools=[add], observers=[telemetry]).run("1 + 2?")

    first, second = sorted((each for each in collector.spans if each.name == "chat seed"), key=lambda each: each.start)
    asked = {
        "gen_ai.request.model": "seed",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.stop_sequences": ["END"],
        "server.address": "127.0.0.1",
        "server.port": port,
    }
    assert asked == {name: first.attributes[name] for name in asked}
    replied = {
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }
    assert replied == {name: first.attributes[name] for name in replied}
    assert first.attributes["gen_ai.response.id"]
    assert ["stop"] == second.attributes["gen_ai.response.finish_reasons"]
    assert names.REASONING_TOKENS not in second.attributes
    assert names.FIRST_CHUNK not in first.attributes


async def test_a_streamed_reply_says_when_it_began(collector):
    """The time to the first piece is on the span, and the pieces are measured."""
    with ModelServer("Hello, this is a long answer.") as server, Telemetry() as telemetry:
        agent = Agent(Chat("seed", base_url=server.base_url, api_key="-"), observers=[telemetry])
        async with agent.stream("Hi") as run:
            async for _ in run:
                pass

    chat = collector.named("chat seed")
    assert 0 < chat.attributes["gen_ai.response.time_to_first_chunk"] <= (chat.end - chat.start) / 1e9
    assert chat.attributes["gen_ai.request.stream"] is True
    assert 1 == collector.metrics["gen_ai.client.inference.time_to_first_chunk"].count
    assert collector.metrics["gen_ai.client.inference.time_per_output_chunk"].count > 1


async def test_attempts_that_failed_are_within_their_request():
    """A request that was tried three times is one span, as long as all of it, and tells of each failure."""
    out, clock = InMemorySpanExporter(), FakeClock(auto=True)
    busy = Fault.status(503, {"error": {"message": "busy"}})
    with ModelServer(busy, busy, "Hello.") as server, Telemetry(out) as telemetry:
        chat = Chat("seed", base_url=server.base_url, api_key="-")
        result = await Agent(chat, observers=[telemetry], clock=clock).run("Hi")

    (chat,) = [each for each in out.get_finished_spans() if each.name == "chat seed"]
    assert "Hello." == result.output
    assert (chat.end_time - chat.start_time) / 1e9 >= 1
    assert 2 == chat.attributes[names.FAILED_ATTEMPTS]
    assert [(names.MODEL_RETRIED, 1), (names.MODEL_RETRIED, 2)] == [
        (each.name, each.attributes[names.ATTEMPT]) for each in chat.events
    ]
    assert names.ERROR not in chat.attributes


async def test_what_failed_has_the_kind_of_its_error(collector):
    """A failed tool, an unknown one, a failed request and a run that came to no answer are errors; an answer is none."""
    script = ([call("broken"), call("nothing")], ModelError("no", category="auth"))
    with Telemetry() as telemetry:
        agent = Agent(ScriptedModel(*script), tools=[broken], observers=[telemetry])
        with pytest.raises(ModelError):
            await agent.run("Go")
        await Agent(
            ScriptedModel(call("broken"), repeat_last=True),
            tools=[broken],
            name="limited",
            observers=[telemetry],
            limits=Limits(steps=1),
        ).run("Go")

    failed = {each.attributes[names.CALL_ID]: each for each in collector.spans if names.CALL_ID in each.attributes}
    assert {"tool_error"} == {each.attributes[names.ERROR] for each in failed.values()}
    assert (True, False) == tuple(failed[each].attributes[names.EXECUTED] for each in ("call_1", "call_2"))
    last = max((each for each in collector.spans if each.name == "chat scripted"), key=lambda each: each.failed)
    assert ("model_error", ["error"]) == (last.attributes[names.ERROR], last.attributes[names.FINISH_REASONS])
    run, limited = collector.named("invoke_agent agent"), collector.named("invoke_agent limited")
    assert ("failed", "failed") == (run.attributes[names.STATUS], run.attributes[names.ERROR])
    assert "step_limit" == limited.attributes[names.ERROR]
    assert all(each.failed for each in (run, limited, last, *failed.values()))


@pytest.mark.parametrize(
    ("row", "expected"),
    [("seed", "seed"), ("openai_gpt54", "openai"), ("xai_fixed", "x_ai"), ("gemini", "gcp.gemini"), ("", "unknown")],
)
def test_a_provider_has_the_name_that_the_conventions_give_it(row, expected):
    """The table of providers has several rows for some, and other names for a few."""
    assert expected == of_endpoint(Endpoint("https://a.example/v1", "m", row))[names.PROVIDER]


@pytest.mark.parametrize("url", ["http://[", "http://a.example:99999999", "", "mailto:x"])
def test_an_address_that_is_none_is_left_out(url):
    """A record may hold anything."""
    assert names.SERVER_PORT not in of_endpoint(Endpoint(url, "m"))


@pytest.mark.parametrize(
    "settings",
    ["[1]", "{", '{"seed": true, "temperature": "hot", "stop": [1], "top_p": null}', f'{{"temperature": {10**400}}}'],
)
def test_settings_that_are_none_are_left_out(settings):
    """Only what fits its name is sent."""
    told = of_request(ModelCalled("m", 0, (), settings=settings), None)
    assert {names.PROVIDER: "unknown", names.REQUEST_MODEL: "m"} == told


def test_what_is_left_at_the_end_of_the_process_is_sent(collector):
    """A program that just ends, as scripts do, has sent everything, as its tracer says whose it is."""
    code = (
        "from opentelemetry import trace\nfrom opentelemetry.sdk.resources import Resource\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "trace.set_tracer_provider(TracerProvider(resource=Resource.create({'service.name': 'desk'})))\n"
        "from agentkit import Agent\nfrom agentkit.events import EVERYWHERE\nfrom agentkit.otel import Telemetry\n"
        "from agentkit.testing import ScriptedModel\nEVERYWHERE.append(Telemetry())\n"
        "print(Agent(ScriptedModel('Hi.')).run_sync('Hi').output)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)

    assert ("Hi.\n", "") == (done.stdout, done.stderr)
    assert {("chat scripted", "desk"), ("invoke_agent agent", "desk")} == {
        (each.name, each.resource["service.name"]) for each in collector.spans
    }
    assert "gen_ai.invoke_agent.duration" in collector.metrics


async def test_endpoint_and_headers_are_those_of_the_standard_variables(collector, monkeypatch):
    """What every exporter of OpenTelemetry reads is read here, too."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    with Telemetry() as telemetry:
        await Agent(ScriptedModel("Hi."), observers=[telemetry]).run("Hi")

    assert {"abc"} == {each["x-key"] for each in collector.headers}
    assert "test" == collector.named("invoke_agent agent").resource["deployment.environment"]
    assert {} == collector.metrics


async def test_every_run_of_a_process_can_be_sent(collector):
    """As an observer everywhere it is told of runs whose agents know nothing of it."""
    with Telemetry() as telemetry:
        EVERYWHERE.append(telemetry)
        try:
            await Agent(ScriptedModel("Hi.")).run("Hi")
        finally:
            EVERYWHERE.remove(telemetry)
        assert telemetry.flush()
        assert ["chat scripted", "invoke_agent agent"] == [each.name for each in collector.spans]


async def test_one_that_is_told_twice_sends_once():
    """As an observer of the agent and everywhere it is told everything twice."""
    out = InMemorySpanExporter()
    with Telemetry(out) as telemetry:
        EVERYWHERE.append(telemetry)
        try:
            agent = Agent(ScriptedModel(call("pay", amount=1), "Paid."), tools=[pay], observers=[telemetry])
            waiting = await agent.run("Pay")
            await agent.resume(waiting, decisions={"call_1": True})
        finally:
            EVERYWHERE.remove(telemetry)

    expected = ["chat scripted", "invoke_agent agent", "execute_tool pay", "chat scripted", "invoke_agent agent"]
    assert expected == [each.name for each in out.get_finished_spans()]


async def test_runs_in_many_threads_are_told_apart():
    """One observer serves all of them, and each is a trace of its own."""
    out = InMemorySpanExporter()
    with Telemetry(out) as telemetry:

        def run(number):
            model = ScriptedModel(call("add", a=number, b=1), "done")
            return Agent(model, tools=[add], observers=[telemetry]).run_sync("go").run_id

        ids = await asyncio.gather(*(asyncio.to_thread(run, number) for number in range(8)))

    assert {trace_id(each) for each in ids} == {each.context.trace_id for each in out.get_finished_spans()}
    assert 8 * 4 == len({each.context.span_id for each in out.get_finished_spans()})


async def test_the_standard_switch_turns_it_off(collector, monkeypatch):
    """Where OpenTelemetry is disabled, nothing is sent."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with Telemetry() as telemetry:
        await Agent(ScriptedModel("Hi."), observers=[telemetry]).run("Hi")

    assert ([], {}) == (collector.spans, collector.metrics)


async def test_metrics_say_what_the_spans_say(collector):
    """Durations, tokens and counts, each with the attributes that the conventions give it and no others."""
    usage = Usage(input=100, output=20, cached=60)
    script = (reply(calls=[call("add", a=1, b=2)], usage=usage), reply("3", usage=usage))
    with Telemetry() as telemetry:
        await Agent(ScriptedModel(*script), tools=[add], observers=[telemetry]).run("1 + 2?")

    found = collector.metrics
    assert ("s", 2) == (found["gen_ai.client.inference.duration"].unit, found["gen_ai.client.inference.duration"].count)
    assert 200 == found["gen_ai.client.inference.usage.input_tokens"].count
    assert 40 == found["gen_ai.client.inference.usage.output_tokens"].count
    assert 120 == found["gen_ai.client.inference.usage.cache_read.input_tokens"].count
    assert "gen_ai.client.inference.usage.reasoning.output_tokens" not in found
    assert (2, 200) == tuple(
        getattr(found["gen_ai.client.inference.operation.input_tokens"], name) for name in ("count", "total")
    )
    assert 1 == found["gen_ai.execute_tool.duration"].count
    assert (1, 2) == tuple(getattr(found["gen_ai.invoke_agent.inference_calls"], name) for name in ("count", "total"))
    assert 1 == found["gen_ai.invoke_agent.tool_calls"].total
    assert 1 == found["gen_ai.invoke_agent.duration"].count
    (told,) = found["gen_ai.client.inference.usage.input_tokens"].attributes
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "unknown",
        "gen_ai.request.model": "scripted",
        "gen_ai.response.model": "scripted",
        "gen_ai.token.modality": "unknown",
    } == told


async def test_metrics_can_go_to_the_applications_own_provider():
    """An exporter of one's own takes spans only; a provider of meters is given beside it."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    with Telemetry(InMemorySpanExporter(), meter_provider=provider) as telemetry:
        await Agent(ScriptedModel("Hi."), observers=[telemetry]).run("Hi")

    found = json.loads(reader.get_metrics_data().to_json())
    names_found = {
        metric["name"]
        for resource in found["resource_metrics"]
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
    }
    assert "gen_ai.client.inference.duration" in names_found
    provider.shutdown()


# One trace, whatever happens.


def test_a_run_killed_and_resumed_in_other_processes_is_one_trace(collector, tmp_path):
    """Three processes die at work, a fourth ends the run: one whole tree arrives, the same as from the record.

    What a dead process had not sent is sent by the next one, under the same ids.
    """
    lives = [live(tmp_path, where, collector.endpoint) for where in ("helper pays", "main asks 1", "main pays", "")]
    sent = {each.id: comparable(each) for each in collector.spans}
    journal = SqliteJournal(tmp_path / "runs.db")
    (row,) = [each for each in journal.runs() if each.parent is None]
    count = send_to_otlp(journal, row.run_id)
    again = [comparable(each) for each in collector.spans[-count:]]

    assert [-signal.SIGKILL] * 3 + [0] == lives
    assert {hexed(trace_id(row.run_id), 32)} == {each.trace for each in collector.spans}
    assert [] == orphans(collector.spans)
    assert sent == {each.id: each for each in again}
    assert len(sent) == count
    run = sent[hexed(run_span_id(row.run_id))]
    assert ("completed", 3) == (run.attributes[names.STATUS], run.attributes[names.RESUMED])
    assert [names.RUN_RESUMED] * 3 == [name for name, _ in run.marks]
    left = sorted(each.name for each in again if each.attributes.get(names.INTERRUPTED))
    assert ["chat planned", "execute_tool helper", "execute_tool pay", "execute_tool pay"] == left
    doubted = [each for each in again if each.attributes.get(names.IN_DOUBT) and not each.attributes[names.EXECUTED]]
    assert ["execute_tool pay", "execute_tool pay"] == [each.name for each in doubted]
    (helped,) = [each for each in again if each.attributes.get(names.AGAIN)]
    assert ("execute_tool helper", False) == (helped.name, helped.failed)


async def test_wherever_a_process_dies_its_run_is_one_whole_trace():
    """For every event after which a run of nested calls can lose its process: resumed, it arrives whole, as from the record."""
    told, whole = [], MemoryJournal()
    result = await agent_of(whole, told.append, At("")).run("Go.")
    durable = [each for each in told if each.event.durable]
    for count in range(1, len(durable)):
        journal, out, taken = MemoryJournal(), InMemorySpanExporter(), InMemorySpanExporter()
        for each in durable[:count]:
            journal._runs.setdefault(each.run_id, []).append(each)
        with Telemetry(out, journal=journal) as telemetry:
            resumed = await agent_of(journal, telemetry, At("")).resume(result.run_id)
        send_to_otlp(journal, result.run_id, taken)

        once = {each.context.span_id: each.to_json() for each in out.get_finished_spans()}
        assert "completed" == resumed.status
        assert once == {each.context.span_id: each.to_json() for each in taken.get_finished_spans()}
        assert {trace_id(result.run_id)} == {each.context.trace_id for each in out.get_finished_spans()}
        assert {each.parent.span_id for each in out.get_finished_spans() if each.parent} <= once.keys()


async def test_what_is_sent_live_is_what_is_sent_from_the_record():
    """The same spans with the same ids, times and attributes, however often they are sent."""
    lived, recorded = InMemorySpanExporter(), InMemorySpanExporter()
    with Telemetry(lived, content=True) as telemetry:
        script = (reply(reasoning="Two.", calls=[call("add", a=1, b=2), call("broken")]), "3")
        result = await Agent(ScriptedModel(*script), tools=[add, broken], observers=[telemetry]).run("1 + 2?")
    for _ in range(2):
        assert 5 == export(result.events, recorded, content=True)

    once = sorted(each.to_json() for each in lived.get_finished_spans())
    sent = [each.to_json() for each in recorded.get_finished_spans()]
    assert once == sorted(sent[:5]) == sorted(sent[5:])


async def test_a_run_that_waits_is_sent_when_it_pauses_and_when_it_ends(tmp_path):
    """Both times under one id; the pause and the person's word are moments of the run."""
    out, journal = InMemorySpanExporter(), SqliteJournal(tmp_path / "runs.db", durability="os")
    with Telemetry(out, journal=tmp_path / "runs.db") as telemetry:
        model = ScriptedModel(call("pay", amount=5), "Paid.")
        agent = Agent(model, tools=[pay], observers=[telemetry], journal=journal)
        waiting = await agent.run("Pay 5")
        result = await agent.resume(waiting.run_id, decisions={waiting.waiting[0].id: True})
    journal.close()

    paused, ended = [each for each in out.get_finished_spans() if each.name == "invoke_agent agent"]
    assert (paused.context.span_id, paused.start_time) == (ended.context.span_id, ended.start_time)
    assert ("waiting", "completed") == (paused.attributes[names.STATUS], ended.attributes[names.STATUS])
    assert not any(names.ERROR in each.attributes for each in (paused, ended))
    assert (1, 1) == (ended.attributes[names.SUSPENDED], ended.attributes[names.RESUMED])
    assert [names.APPROVAL_ASKED, names.RUN_SUSPENDED, names.RUN_RESUMED, names.APPROVAL_GIVEN] == [
        each.name for each in ended.events
    ]
    assert ended.to_json() == next(
        each.to_json() for each in map(readable_here, spans_of(result.events)) if each.name == ended.name
    )


def readable_here(span):
    """A span as a process would send it that has no name of its own."""
    return readable(span, Resource.create())


async def test_a_run_paused_here_and_gone_on_with_elsewhere_is_known_here(tmp_path):
    """What another process did with a run meanwhile is read from the journal."""
    here, there, path = InMemorySpanExporter(), InMemorySpanExporter(), tmp_path / "runs.db"
    journal = SqliteJournal(path, durability="os")
    script = (call("pay", amount=1), call("pay", amount=2), call("pay", amount=3), "Paid.")
    model = ScriptedModel(*script)
    with Telemetry(here, journal=journal) as one, Telemetry(there, journal=journal) as other:
        first = Agent(model, tools=[pay], observers=[one], journal=journal)
        second = Agent(model, tools=[pay], observers=[other], journal=journal)
        run = await first.run("Pay")
        for agent in (second, first, second):
            run = await agent.resume(run.run_id, decisions={run.waiting[0].id: True})
    journal.close()

    *_, ended = there.get_finished_spans()
    *_, paused = here.get_finished_spans()
    assert "completed" == run.status
    assert (4, 3) == (ended.attributes[names.STEPS], paused.attributes[names.STEPS])
    assert not any(names.PARTIAL in each.attributes for each in (ended, paused))


async def test_a_run_resumed_without_its_beginning_is_sent_in_part():
    """Where nobody says what was before, the spans are in the same trace all the same, and the run says that it is a part."""
    out, journal = InMemorySpanExporter(), MemoryJournal()
    model = ScriptedModel(call("pay", amount=5), "Paid.")
    waiting = await Agent(model, tools=[pay], journal=journal).run("Pay 5")
    with Telemetry(out) as telemetry:
        agent = Agent(model, tools=[pay], journal=journal, observers=[telemetry])
        await agent.resume(waiting.run_id, decisions={waiting.waiting[0].id: True})

    *_, run = out.get_finished_spans()
    assert {trace_id(waiting.run_id)} == {each.context.trace_id for each in out.get_finished_spans()}
    assert {run_span_id(waiting.run_id)} == {each.parent.span_id for each in out.get_finished_spans() if each.parent}
    assert (run_span_id(waiting.run_id), True) == (run.context.span_id, run.attributes[names.PARTIAL])


async def test_a_nested_run_that_waits_is_the_child_of_its_first_call(tmp_path):
    """The call that was left for a person is over, not failed; its run keeps its place."""
    journal = SqliteJournal(tmp_path / "runs.db", durability="os")
    out = InMemorySpanExporter()
    with Telemetry(out, journal=journal) as telemetry:
        more = {"observers": [telemetry]}
        helper = Agent(ScriptedModel(call("pay", amount=5), "Paid."), tools=[pay], name="helper", **more)
        agent = Agent(
            ScriptedModel(call("helper", task="pay"), "Done."), tools=[helper.as_tool()], journal=journal, **more
        )
        waiting = await agent.run("Pay")
        (inner,) = [each for each in journal.runs() if each.parent is not None]
        await helper_of(helper, journal).resume(inner.run_id, decisions={"call_1": True})
        await agent.resume(waiting.run_id)
    taken = InMemorySpanExporter()
    send_to_otlp(journal, waiting.run_id, taken)
    journal.close()

    spans = {each.context.span_id: each for each in taken.get_finished_spans()}
    assert {each.context.span_id for each in out.get_finished_spans()} == spans.keys()
    nested = spans[run_span_id(inner.run_id)]
    first = spans[tool_span_id(waiting.run_id, "call_1")]
    assert nested.parent.span_id == first.context.span_id
    assert (True, False) == (first.attributes[names.TOOL_SUSPENDED], names.ERROR in first.attributes)


def helper_of(helper, journal):
    return Agent(helper.model, tools=helper.tools, name="helper", journal=journal, observers=helper.observers)


async def test_a_fork_is_a_trace_of_its_own_that_points_to_its_parent(tmp_path):
    """What it shares with its parent is not sent twice; its own nested runs are in its trace."""
    journal, out = SqliteJournal(tmp_path / "runs.db", durability="os"), InMemorySpanExporter()
    with Telemetry(out, journal=journal) as telemetry:
        helper = Agent(ScriptedModel("one", "two"), name="helper", observers=[telemetry])
        model = ScriptedModel(call("add", a=1, b=2), call("helper", task="x"), "3", call("helper", task="y"), "9")
        agent = Agent(model, tools=[add, helper.as_tool()], journal=journal, observers=[telemetry])
        parent = await agent.run("1 + 2?")
        forked = await fork(agent, parent.run_id, change=Change(results={"call_1": "9"}))
    taken = InMemorySpanExporter()
    send_to_otlp(journal, forked.run_id, taken)
    journal.close()

    own = [each for each in out.get_finished_spans() if each.context.trace_id == trace_id(forked.run_id)]
    others = ["execute_tool add", "execute_tool helper", "invoke_agent agent", "invoke_agent helper"]
    assert [*["chat scripted"] * 3, *others] == sorted(each.name for each in own)
    assert {each.context.span_id for each in own} == {each.context.span_id for each in taken.get_finished_spans()}
    (run,) = [each for each in own if each.parent is None]
    (link,) = run.links
    assert (trace_id(parent.run_id), run_span_id(parent.run_id)) == (link.context.trace_id, link.context.span_id)
    assert (parent.run_id, forked.run_id) == (run.attributes[names.FORK_OF], run.attributes[names.CONVERSATION])


async def test_runs_that_continue_each_other_are_one_conversation(tmp_path):
    """The first of them names it, for those after it and for what is nested in them, live and from the record."""
    journal, lived = SqliteJournal(tmp_path / "runs.db", durability="os"), InMemorySpanExporter()
    with Telemetry(lived) as telemetry:
        helper = Agent(ScriptedModel("one"), name="helper", observers=[telemetry])
        model = ScriptedModel("a", "b", call("helper", task="x"), "c")
        agent = Agent(model, tools=[helper.as_tool()], journal=journal, observers=[telemetry])
        first = await agent.run("A?")
        second = await agent.run("B?", continues=first.run_id)
        third = await agent.run("C?", continues=second.run_id)
    assert {first.run_id} == {each.attributes[names.CONVERSATION] for each in lived.get_finished_spans()}
    assert 3 == len({each.context.trace_id for each in lived.get_finished_spans()})

    taken = InMemorySpanExporter()
    assert 6 == send_to_otlp(journal, third.run_id, taken)
    journal.close()
    assert {first.run_id} == {each.attributes[names.CONVERSATION] for each in taken.get_finished_spans()}


def test_runs_that_continue_each_other_in_a_circle_are_sent():
    """A record that nobody can have made is no reason to look for ever."""
    journal = MemoryJournal()
    for run_id, other in (("a", "b"), ("b", "a")):
        journal._runs[run_id] = [Recorded(run_id, 0, 1.0, 0, RunStarted(run_id, "agent", (), continues=other))]

    out = InMemorySpanExporter()
    assert 1 == send_to_otlp(journal, "a", out)


def test_a_run_that_goes_on_from_one_that_is_gone_names_it():
    """Its conversation is that of the run that it says, which may have been deleted."""
    journal, out = MemoryJournal(), InMemorySpanExporter()
    journal._runs["b"] = [Recorded("b", 0, 1.0, 0, RunStarted("b", "agent", (), continues="gone"))]
    send_to_otlp(journal, "b", out)

    (run,) = out.get_finished_spans()
    assert ("gone", "gone") == (run.attributes[names.CONVERSATION], run.attributes[names.CONTINUES])


# Parents for what tools do.


@pytest.fixture
def tracer_provider(collector):
    """The application's own tracing, by which its HTTP client makes spans."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    yield provider
    provider.shutdown()


async def test_requests_that_a_tool_makes_are_its_children(collector, tracer_provider):
    """Spans of an instrumented client have the call as their parent, in the loop, in a thread and in a nested run."""

    def answer(request):
        seen.append(request.headers["traceparent"])
        return httpx.Response(200, text="sunny")

    seen = []
    instrument = HTTPXClientInstrumentor.instrument_client
    soon = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    plain = httpx.Client(transport=httpx.MockTransport(answer))
    for client in (soon, plain):
        instrument(client, tracer_provider=tracer_provider)

    @tool(effect="read")
    async def look(city: str) -> str:
        """Look."""
        return (await soon.get(f"http://weather.example/{city}")).text

    @tool(effect="read")
    def look_in_thread(city: str) -> str:
        """Look."""
        return plain.get(f"http://weather.example/{city}").text

    with Telemetry() as telemetry:
        helper = Agent(ScriptedModel(call("look", city="C"), "C"), tools=[look], name="helper", observers=[telemetry])
        model = ScriptedModel(
            [call("look", city="A"), call("look_in_thread", city="B"), call("helper", task="C")], "Sunny."
        )
        result = await Agent(model, tools=[look, look_in_thread, helper.as_tool()], observers=[telemetry]).run("?")
    await soon.aclose()

    spans = {each.id: each for each in collector.spans}
    requests = [each for each in collector.spans if each.name == "GET"]
    assert ["execute_tool look", "execute_tool look", "execute_tool look_in_thread"] == sorted(
        spans[each.parent].name for each in requests
    )
    assert {hexed(trace_id(result.run_id), 32)} == {each.trace for each in collector.spans}
    assert {f"00-{each.trace}-{each.id}-01" for each in requests} == set(seen)
    assert not trace.get_current_span().get_span_context().is_valid


async def test_the_request_of_a_model_is_within_its_span(collector, tracer_provider):
    """The client that speaks to the model is a client like any other."""
    client = httpx.AsyncClient()
    HTTPXClientInstrumentor.instrument_client(client, tracer_provider=tracer_provider)
    with ModelServer("Hi.") as server, Telemetry() as telemetry:
        chat = Chat("seed", base_url=server.base_url, api_key="-", client=client)
        await Agent(chat, observers=[telemetry]).run("Hi")
    await client.aclose()

    assert collector.named("chat seed").id == collector.named("POST").parent


async def test_a_run_points_to_what_the_program_was_doing(tracer_provider):
    """It has a trace of its own, with a link to the span in which it was begun."""
    out = InMemorySpanExporter()
    with Telemetry(out) as telemetry, tracer_provider.get_tracer("shop").start_as_current_span("order") as order:
        await Agent(ScriptedModel("Hi."), observers=[telemetry]).run("Hi")

    *_, run = out.get_finished_spans()
    (link,) = run.links
    assert order.get_span_context().span_id == link.context.span_id
    assert (None, {names.LINK: "caller"}) == (run.parent, dict(link.attributes))


# Content.

SECRET, WORDS = "sk-abcdefghijklmnop1234", "The customer is Ada"


async def spoken(telemetry):
    """A run in which the prompt, the reasoning, the arguments, the results and the answer say something."""

    @tool(effect="read")
    def find(name: str) -> str:
        """Find somebody."""
        return f"{WORDS}, her key is {SECRET}"

    script = (
        reply(reasoning=f"{WORDS}, I think.", calls=[call("find", name=WORDS), call("broken")]),
        reply(f"{WORDS}.", reasoning="Done."),
    )
    agent = Agent(
        ScriptedModel(*script), tools=[find, broken], instructions=f"{WORDS}, be kind.", observers=[telemetry]
    )
    return await agent.run(f"Who has the key {SECRET} ? {WORDS}?")


async def test_content_stays_here_unless_it_is_asked_for(collector):
    """No word of prompt, reasoning, arguments, results, errors or answer is sent, and nothing that holds it."""
    with Telemetry() as telemetry:
        await spoken(telemetry)
        with pytest.raises(ModelError):
            await Agent(ScriptedModel(ModelError(WORDS, category="auth")), observers=[telemetry]).run(WORDS)

    assert 7 == len(collector.spans)
    everything = repr(collector.spans) + repr(collector.metrics)
    for secret in ("Ada", "hunter2", SECRET, "messages", "instructions"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"AGENTKIT_OTEL_CONTENT": "1"}, True),
        ({"AGENTKIT_OTEL_CONTENT": " True "}, True),
        ({"AGENTKIT_OTEL_CONTENT": "0"}, False),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}, True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}, True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "event_only"}, False),
        ({"AGENTKIT_OTEL_CONTENT": "0", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}, False),
    ],
)
def test_the_environment_asks_for_content(environment, expected):
    """By our variable, which decides, or by the one that other libraries know."""
    assert expected == wanted(environment)


async def test_content_that_is_asked_for_is_complete_and_scrubbed(collector, monkeypatch):
    """Messages in parts, reasoning among them, with instructions, tools, arguments and results, and without keys."""
    monkeypatch.setenv("AGENTKIT_OTEL_CONTENT", "1")
    with Telemetry() as telemetry:
        await spoken(telemetry)

    chats = sorted((each for each in collector.spans if each.name == "chat scripted"), key=lambda each: each.start)
    first, second = ({name: each.attributes[name] for name in each.attributes} for each in chats)
    (asked,) = json.loads(first["gen_ai.input.messages"])
    assert {"role": "user", "parts": [{"type": "text", "content": f"Who has the key [secret] ? {WORDS}?"}]} == asked
    assert [{"type": "text", "content": f"{WORDS}, be kind."}] == json.loads(first["gen_ai.system_instructions"])
    (said,) = json.loads(first["gen_ai.output.messages"])
    assert ["reasoning", "tool_call", "tool_call"] == [each["type"] for each in said["parts"]]
    assert f"{WORDS}, I think." == said["parts"][0]["content"]
    assert {"find", "broken"} == {each["name"] for each in json.loads(first["gen_ai.tool.definitions"])}
    roles = [each["role"] for each in json.loads(second["gen_ai.input.messages"])]
    assert ["user", "assistant", "tool", "tool"] == roles
    found = collector.named("execute_tool find").attributes
    assert {"name": WORDS} == json.loads(found["gen_ai.tool.call.arguments"])
    assert f"{WORDS}, her key is [secret]" == found["gen_ai.tool.call.result"]
    run = collector.named("invoke_agent agent").attributes
    assert [{"role": "assistant", "parts": [{"type": "text", "content": f"{WORDS}."}]}] == json.loads(
        run["gen_ai.output.messages"]
    )
    assert SECRET not in repr(collector.spans)
    assert "hunter2" not in repr(collector.spans)


def test_long_content_is_cut_and_attachments_are_named():
    """The newest messages are kept within a bound; a picture is its kind and its size."""
    long = Message("user", "x" * (PART_CHARS + 1))
    writer = Writer()
    text, cut = writer.messages([replace(long, content=f"{n}{long.content}") for n in range(20)])
    assert cut
    assert len(text) <= MESSAGES_CHARS
    assert json.loads(text)[-1]["parts"][0]["content"].startswith("19x")

    parts = (
        Text("Look"),
        Image("data:image/png;base64,AAAA"),
        Image("https://a.example/b.png"),
        File("a.pdf", "data:,"),
    )
    ((message,), cut) = json.loads(writer.messages([Message("user", parts)])[0]), False
    assert not cut
    assert ["text", "blob", "uri", "blob"] == [each["type"] for each in message["parts"]]
    assert "AAAA" not in repr(message)


def test_what_a_model_is_told_of_its_tools_stays_json():
    """A secret in a schema is hidden within it; one that is too deep to look into is hidden as a text."""
    assert [{"default": "[secret]"}] == json.loads(Writer().json(f'[{{"default": "{SECRET}"}}]'))
    deep = f'{"[" * 700}"{SECRET}"{"]" * 700}'
    assert SECRET not in Writer().json(deep)


async def test_a_redaction_of_ones_own_hides_more(collector):
    """What is secret to a company is hidden by its own function."""
    with Telemetry(content=True, redact=lambda text: text.replace("Ada", "…")) as telemetry:
        await spoken(telemetry)

    assert "Ada" not in repr(collector.spans)
    assert "The customer is …" in repr(collector.spans)


# Whatever the backend does, the run goes on.


class Raising(SpanExporter):
    """An exporter that does not work."""

    def export(self, spans):
        raise OSError("no route to host")


@pytest.mark.parametrize("kind", ["dead", "refusing", "raising"])
async def test_a_backend_that_fails_harms_no_run(kind, monkeypatch, caplog):
    """Nobody listens, the collector refuses, the exporter raises: the answer is the same, and closing says no more than a log."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with Collector(status=400) as collector:
        dead = "http://127.0.0.1:1"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint if kind == "refusing" else dead)
        with Telemetry(Raising() if kind == "raising" else None) as telemetry:
            result = await Agent(ScriptedModel(call("add", a=1, b=2), "3"), tools=[add], observers=[telemetry]).run("?")
            telemetry.flush()

    assert ("completed", "3") == (result.status, result.output)
    assert not [record for record in caplog.records if record.name == "agentkit"]


async def test_after_its_end_telemetry_takes_no_more(collector):
    """A run that outlives it goes on; closing twice is closing once."""
    telemetry = Telemetry()
    telemetry.close()
    telemetry.close()
    result = await Agent(ScriptedModel("Hi."), observers=[telemetry]).run("Hi")

    assert ("Hi.", []) == (result.output, collector.spans)


async def test_what_was_not_taken_is_said(monkeypatch):
    """Sending from the record fails with a sentence that names the address to look at."""
    result = await Agent(ScriptedModel("Hi.")).run("Hi")
    with Collector(status=400) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        with pytest.raises(ExportFailed, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
            export(result.events)


def test_the_command_says_where_a_run_was_sent(collector, tmp_path, monkeypatch):
    """One line for a person, with the number of spans and the address."""
    monkeypatch.setenv("AGENTKIT_JOURNAL", str(tmp_path / "runs.db"))
    result = Agent(ScriptedModel("Hi."), journal=tmp_path / "runs.db").run_sync("Hi")

    said = CliRunner().invoke(group, ["export", "last", "--otlp"])

    assert (f"sent 2 spans of run {result.run_id} to {collector.endpoint}\n", 0) == (said.output, said.exit_code)


async def test_the_command_says_why_a_run_was_not_taken(monkeypatch, caplog):
    """In its one sentence, and not beside it: what the exporter logs is part of it."""
    journal = MemoryJournal()
    result = await Agent(ScriptedModel("Hi."), journal=journal).run("Hi")
    with Collector(status=401) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        with pytest.raises(AgentkitError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT.*401"):
            sent(journal, result.run_id)

    assert [] == caplog.records


def test_a_run_that_is_not_there_cannot_be_sent():
    """It is the journal that says so."""
    with pytest.raises(UnknownRun):
        send_to_otlp(MemoryJournal(), "nobody", InMemorySpanExporter())


def test_without_its_packages_one_is_told_how_to_install_them(tmp_path):
    """A sentence with the command, not a traceback of an import."""
    (tmp_path / "opentelemetry.py").write_text("raise ImportError('not here')")
    code = "from agentkit import UsageError\ntry:\n import agentkit.otel\nexcept UsageError as error:\n print(error)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    assert "pip install 'agentkit-core[otel]'" in done.stdout


# Any events at all.

times = st.floats() | st.floats(0, 2e9)
counted = st.lists(st.tuples(times, st.integers(0, 5), any_event), max_size=20).map(
    lambda rows: [Recorded("run", seq, *row) for seq, row in enumerate(rows)]
)
hostile = counted | st.lists(
    st.tuples(
        st.sampled_from(["run", "run:1.0", ""]) | texts, st.integers(-1, 30), times, st.integers(0, 5), any_event
    ),
    max_size=20,
).map(lambda rows: [Recorded(*row) for row in rows])


@given(hostile, st.booleans())
def test_ids_are_unique_and_parents_exist_for_any_events(events, content):
    """Whatever a record holds, its spans form one tree within one trace, and can be sent."""
    spans = spans_of(events, writer=Writer() if content else None)
    ids = [each.context.span for each in spans]
    runs = [each for each in spans if each.attributes[names.OPERATION] == names.INVOKE_AGENT]

    assert len(set(ids)) == len(ids)
    assert bool(spans) == bool(runs)
    assert all(each.parent in ids for each in spans if each not in runs)
    assert len({each.context.trace for each in spans}) <= 1
    assert all(each.start <= each.end for each in spans)
    request = encode_spans([readable(each, Resource({})) for each in spans])
    assert len(spans) == sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)
    assert len(request.SerializeToString()) > 0 or not spans


@given(hostile)
def test_any_events_can_be_watched(events):
    """Told one by one, in any order and of several runs, they do no harm, and a span that is over stays what it was."""
    projection = Projection()
    over = [span for recorded in events for span in projection.take(recorded)]

    assert all(each.start <= each.end for each in over)


@given(texts, texts)
def test_names_are_one_line_and_cannot_be_obeyed(agent, model):
    """Control characters and half surrogate pairs are nothing for a backend's page."""
    events = (
        Recorded("r", 0, 1.0, 0, RunStarted("r", agent, ())),
        Recorded("r", 1, 2.0, 1, ModelCalled(model, 0, ())),
        Recorded("r", 2, 3.0, 1, RunFinished("completed")),
    )
    for span in spans_of(events):
        assert span.name.encode().decode() == span.name
        assert 1 == len(span.name.splitlines())


def test_a_fork_of_a_nested_run_points_into_the_trace_of_its_root():
    """Where the parent is known by its id alone, the id says whose trace it is in."""
    (span,) = spans_of([Recorded("f", 4, 1.0, 1, RunForked("f", "root:1.0:2.1"))])
    (link,) = span.links

    assert (trace_id("root"), run_span_id("root:1.0:2.1")) == (link.to.trace, link.to.span)


def test_a_failed_export_is_told_by_its_result():
    """An exporter says by its result that it failed; one's own is not closed."""

    class Failing(InMemorySpanExporter):
        def export(self, spans):
            return SpanExportResult.FAILURE

    with pytest.raises(ExportFailed):
        export([Recorded("r", 0, 1.0, 0, RunStarted("r", "agent", ()))], Failing())
