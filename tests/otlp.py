"""A backend on this machine that takes OTLP over HTTP, and a program whose run is killed again and again.

The program, `python otlp.py FOLDER WHERE`, begins the run of the journal in the folder or goes on with it, sends what it does
to where the standard variables say, and at WHERE says so and waits to be killed.
"""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from agentkit import Agent, Message, Reply, Request, SqliteJournal, ToolCall, Usage, tool
from agentkit.model import Emit, OutputMode, Price, ToolSpec
from agentkit.otel import Telemetry


@dataclass(frozen=True)
class Received:
    """A span as it arrived."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    start: int
    end: int
    failed: bool
    attributes: Mapping[str, object]
    resource: Mapping[str, object] = field(compare=False)
    scope: str = ""
    marks: Sequence[tuple[str, Mapping[str, object]]] = ()
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Measured:
    """What arrived of one metric, over all its series."""

    unit: str
    count: float
    """Observations of a histogram, or the sum of a counter."""
    total: float
    attributes: tuple[Mapping[str, object], ...]


def value_of(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(each) for each in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def values_of(pairs: Sequence[KeyValue]) -> dict[str, object]:
    return {each.key: value_of(each.value) for each in pairs}


class Collector:
    """Takes spans and metrics while its `with` block lasts.

    Attributes:
        endpoint: For `OTEL_EXPORTER_OTLP_ENDPOINT`.
        spans: What has arrived, in order.
        metrics: The last that has arrived of each.
        headers: Those of every request, by name in lower case.
    """

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.spans: list[Received] = []
        self.metrics: dict[str, Measured] = {}
        self.headers: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-encoding"] == "gzip":
                    body = gzip.decompress(body)
                collector.headers.append({name.lower(): text for name, text in self.headers.items()})
                collector.take(self.path, body)
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is to be printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/metrics":
            self.take_metrics(ExportMetricsServiceRequest.FromString(body))
            return
        assert "/v1/traces" == path
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += [
                    Received(
                        name=span.name,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        kind=span.kind,
                        start=span.start_time_unix_nano,
                        end=span.end_time_unix_nano,
                        failed=span.status.code == 2,
                        attributes=values_of(span.attributes),
                        resource=values_of(resource.resource.attributes),
                        scope=scope.scope.name,
                        marks=[(each.name, values_of(each.attributes)) for each in span.events],
                        links=[(each.trace_id.hex(), each.span_id.hex()) for each in span.links],
                    )
                    for span in scope.spans
                ]

    def take_metrics(self, request: ExportMetricsServiceRequest) -> None:
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = metric.histogram.data_points or metric.sum.data_points
                    counts = [getattr(each, "count", None) or value_of_point(each) for each in points]
                    totals = [getattr(each, "sum", 0.0) for each in points]
                    told = tuple(values_of(each.attributes) for each in points)
                    self.metrics[metric.name] = Measured(metric.unit, sum(counts), sum(totals), told)

    def named(self, name: str) -> Received:
        """The one span of a name."""
        (found,) = [each for each in self.spans if each.name == name]
        return found

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def value_of_point(point: object) -> float:
    return getattr(point, "as_int", 0) or getattr(point, "as_double", 0.0)


# The program.

STEPS = (("look", "helper"), ("pay",), ("look",))
"""What the model asks for, step by step; the helper asks for a look and a pay."""


class Planned:
    """A model that says what the plan has, as one would that is asked again after a crash."""

    name = "planned"
    price: Price | None = None
    output_mode: OutputMode = "json_schema"

    def __init__(self, steps: Sequence[Sequence[str]], who: str, at: "At") -> None:
        self.steps, self.who, self.at = steps, who, at

    def check(self, tools: tuple[ToolSpec, ...]) -> None:
        """Anything goes."""

    async def request(self, request: Request, emit: Emit) -> Reply:
        number = sum(each.role == "assistant" for each in request.messages)
        self.at(f"{self.who} asks {number}")
        if number == len(self.steps):
            return Reply(message=Message("assistant", "done"), usage=Usage(20, 2, cached=10, reasoning=1))
        calls = tuple(
            ToolCall(f"c{number}-{place}", name, '{"task": "go"}') for place, name in enumerate(self.steps[number])
        )
        return Reply(message=Message("assistant", tool_calls=calls), usage=Usage(10, 1), finish_reason="tool_calls")


class At:
    """Says where the program is; at one place it waits to be killed."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __call__(self, place: str) -> None:
        if place == self.where:
            os.write(1, b"here\n")
            signal.pause()


def agent_of(journal: SqliteJournal, telemetry: Telemetry, at: At) -> Agent[str]:
    def tools(who: str) -> list[object]:
        @tool(effect="read")
        async def look(task: str) -> str:
            """Look."""
            at(f"{who} looks")
            return "seen"

        @tool
        async def pay(task: str) -> str:
            """Pay."""
            at(f"{who} pays")
            return "paid"

        return [look, pay]

    more = {"observers": [telemetry]}
    helper = Agent(Planned((("look",), ("pay",)), "helper", at), tools=tools("helper"), name="helper", **more)
    asked = Planned(STEPS, "main", at)
    return Agent(asked, tools=[*tools("main"), helper.as_tool()], name="main", journal=journal, **more)


async def drive(folder: Path, where: str) -> None:
    journal = SqliteJournal(folder / "runs.db", durability="os")
    begun = (folder / "begun").exists()
    with Telemetry(journal=journal) as telemetry:
        agent = agent_of(journal, telemetry, At(where))
        if begun:
            (row,) = [each for each in journal.runs() if each.parent is None]
            await agent.resume(row.run_id)
        else:
            (folder / "begun").touch()
            await agent.run("Go.")
    journal.close()


def live(folder: Path, where: str, endpoint: str) -> int:
    """One life of the program: killed where it says that it is there, or to its end."""
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SERVICE_NAME": "killed"}
    with subprocess.Popen(
        [sys.executable, __file__, str(folder), where], stdout=subprocess.PIPE, env=environment
    ) as it:
        assert it.stdout is not None
        if it.stdout.readline() == b"here\n":
            it.kill()
    return it.returncode


if __name__ == "__main__":
    asyncio.run(drive(Path(sys.argv[1]), sys.argv[2]))
