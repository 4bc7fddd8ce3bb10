"""The corpus of what servers really send: 202 cases, each with what a robust client makes of it."""

import asyncio
import copy
import json
from collections.abc import Iterable
from itertools import chain

import pytest
from wire import CORPUS, Case, Outcome, Wire, ask, asking, bytewise, cases, chat_for, cut, play, ragged, run

from agentkit.arguments import ArgumentsUnreadable, read_arguments
from agentkit.chat.chat import Chat
from agentkit.messages import Message, ToolCall

CASES = cases()
ANSWERED = [case for case in CASES if case.expected["outcome"] == "ok"]

CHOSEN = {
    "stream/deepseek_dsml_in_content": "a call that is written as text is text: a quoted document must not run a tool",
    "stream/moonshot_markup_in_content": "as above",
    "stream/hermes_tool_call_in_content": "as above",
    "nonstream/arguments_code_fence": "the fence is taken off: it was closed, so nothing can be missing inside of it",
}
"""Cases with an alternative that would do, and why the expected outcome is chosen."""

BY_THE_RUN = {"duplicate_tool_call_id": "tool_call_id_duplicate"}
"""Warnings that a run gives, because ids are unique in a run and not in a reply alone, and their names here."""


def named(some: Iterable[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in some])


# What a case expects, and what was found, in the same words.


def expected_of(case: Case) -> dict[str, object]:
    expected = case.expected
    # A refusal is what the model says, so it is told as its words are.
    text = str(expected["content"]) + str(expected.get("refusal", ""))
    told = [text, expected["reasoning"]] if case.stream else ["", ""]
    if "error" in expected:
        error = {key: value for key, value in expected["error"].items() if key != "auto_retry"}
        calls = [(call["name"], call["arguments_raw"]) for call in expected["tool_calls"]]
        return {"told": told, "error": error, "calls told": calls}
    usage = expected["usage"] or {}
    return {
        "told": told,
        "text": text,
        "reasoning": expected["reasoning"],
        "finish_reason": expected["finish_reason"],
        "calls": [expected_call(call) for call in expected["tool_calls"]],
        "usage": [usage.get(f"{kind}_tokens") for kind in ("prompt", "completion", "cached", "reasoning")],
        "warnings": [warning for warning in expected["warnings"] if warning not in BY_THE_RUN],
        "provider_data": expected.get("provider_data", {}),
    }


def expected_call(call: dict[str, object]) -> dict[str, object]:
    return {"id": call["id"], "name": call["name"], "extra_content": call.get("extra_content")} | (
        {"raw": call["arguments_raw"], "fault": call["arguments_error"]}
        if "arguments_raw" in call
        else {"arguments": call["arguments"], "repair": call.get("repair")}
    )


def found_in(outcome: Outcome, case: Case) -> dict[str, object]:
    told = [outcome.text_told, outcome.reasoning_told]
    if outcome.reply is None:
        names = ("category", "retryable", "retry_after", "status", "code")
        error = {name: getattr(outcome.error, name) for name in names}
        return {"told": told, "error": error, "calls told": outcome.calls_told}
    message, usage = outcome.reply.message, outcome.reply.usage
    reasoning = message.reasoning
    opaque = json.loads((reasoning and reasoning.opaque) or "{}") | json.loads(message.extra or "{}")
    ids = [call["id"] for call in case.expected["tool_calls"]]
    kept = case.expected.get("provider_data", {})
    return {
        "told": told,
        "text": message.text,
        "reasoning": reasoning.text if reasoning else "",
        "finish_reason": outcome.reply.finish_reason,
        # The run makes ids where a server sent none that can be used.
        "calls": [
            found_call(call) | ({"id": None} if place < len(ids) and ids[place] is None else {})
            for place, call in enumerate(message.tool_calls)
        ],
        "usage": [usage.input, usage.output, usage.cached, usage.reasoning],
        "warnings": list(outcome.reply.warnings),
        "provider_data": {key: opaque.get(key) for key in kept},
    }


def found_call(call: ToolCall) -> dict[str, object]:
    extra = json.loads(call.extra or "{}").get("extra_content")
    found = {"id": call.id, "name": call.name, "extra_content": extra}
    try:
        arguments = read_arguments(call.arguments)
    except ArgumentsUnreadable as unreadable:
        return found | {"raw": call.arguments, "fault": unreadable.kind}
    return found | {"arguments": arguments.value, "repair": arguments.repair}


# The corpus itself.


def test_the_corpus_is_complete():
    """No case has lost its file, no file its case, and every choice has its reason."""
    files = {path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*") if path.is_file()} - {"index.json"}
    index = json.loads((CORPUS / "index.json").read_bytes())

    assert 202 == len(CASES) == len({case.id for case in CASES})
    assert files == {entry["file"] for entry in index["cases"]}
    assert set(CHOSEN) == {case.id for case in CASES if case.has_alternative}


def test_line_ends_survived():
    """The corpus came through the checkout as it is: with every CR and every LF."""
    data = {case.id: case.data for case in CASES}

    assert b"\r\n" in data["stream/sse_crlf"]
    assert b"\r" not in data["stream/baseline_text"]


# Each case, in pieces.


@named(CASES)
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(lambda data: [data], id="whole"),
        pytest.param(bytewise, id="bytewise"),
        pytest.param(lambda data: ragged(data, len(data)), id="ragged"),
    ],
)
async def test_a_case_comes_to_what_it_should(case, pieces):
    """What a server sent is understood, however its bytes are split."""
    outcome = await play(case, pieces(case.response))

    assert expected_of(case) == found_in(outcome, case)


@named(case for case in CASES if case.delivery)
async def test_a_case_survives_its_own_delivery(case):
    """A character that is split over reads is put together."""
    head = len(case.response) - len(case.data)
    outcome = await play(case, cut(case.response, [head, *(head + place for place in case.delivery)]))

    assert expected_of(case) == found_in(outcome, case)


# Each case, over a socket.


def on_the_wire(case: Case) -> list[bytes]:
    """A response as a server writes it: a stream in ragged chunks, anything else at once."""
    if case.kind != "stream":
        return [case.response]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in ragged(case.data, len(case.data))]
    return [head, *chunks, b"0\r\n\r\n"]


async def overheard(case: Case) -> Outcome:
    """What a case comes to over a real connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        for piece in on_the_wire(case):
            writer.write(piece)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        chat = Chat("m", base_url=f"http://127.0.0.1:{port}/v1", profile=case.profile, retry=None)
        return await ask(chat, asking(stream=case.stream))


@named(CASES)
async def test_a_case_comes_to_the_same_over_a_socket(case):
    """The same is understood of a real server over a real connection."""
    assert expected_of(case) == found_in(await overheard(case), case)


# Each reply, sent back.


async def sent_back(case: Case) -> dict[str, object] | None:
    """The message of a reply as the next request has it, whose body must be JSON; None where it is left out."""
    wire = Wire([case.response])
    async with wire.client() as client:
        chat = chat_for(case.profile, client)
        first = await ask(chat, asking(stream=case.stream))
        results = [Message("tool", "ok", call_id=call.id) for call in first.reply.message.tool_calls]
        await ask(chat, asking(first.reply.message, *results, stream=case.stream))
    body = json.loads(wire.body(1), parse_constant=pytest.fail)
    return next((message for message in body["messages"] if message["role"] == "assistant"), None)


@named(case for case in ANSWERED if "replay" in case.expected)
async def test_a_reply_goes_back_as_its_provider_wants_it(case):
    """Reasoning, signatures, content and calls of a reply are in the next request as the provider demands them."""
    assert read(case.expected["replay"]["message"]) == read(await sent_back(case))


def read(message: dict[str, object]) -> dict[str, object]:
    """A message with its arguments read: the corpus has other spaces in them than the server sent."""
    calls = copy.deepcopy(message.get("tool_calls", []))
    for call in calls:
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return {**message, "tool_calls": calls}


@named(case for case in ANSWERED if "replay" not in case.expected)
async def test_any_reply_can_go_back(case):
    """Whatever a server sent, the next request is JSON, with an object for the arguments of every call."""
    message = await sent_back(case)

    # A message that says nothing may be left out: there are servers that refuse it.
    assert case.expected["content"] == "" if message is None else {"role", "content"} <= set(message)
    for call in (message or {}).get("tool_calls", ()):
        assert isinstance(json.loads(call["function"]["arguments"]), dict)


# Each reply, in a run.


@named(case for case in ANSWERED if case.expected["tool_calls"])
async def test_a_run_calls_what_was_asked_and_nothing_else(case):
    """A call that can be read runs once with its arguments, one that cannot does not run, and every id is unique."""
    expected = case.expected["tool_calls"]
    ran = await run(case.profile, [case.response], stream=case.stream)
    asked = ran.result.messages[1].tool_calls
    ids = [call.id for call in asked]

    readable = [(call["name"], call["arguments"]) for call in expected if "arguments" in call]
    assert sorted(readable, key=str) == sorted(ran.calls, key=str)
    assert [call["name"] for call in expected] == [call.name for call in asked]
    assert [call["id"] or made for call, made in zip(expected, ids, strict=True)] == ids
    assert all(ids)
    assert len(set(ids)) == len(ids)
    warned = set(chain.from_iterable(step.warnings for step in ran.result.steps))
    assert {BY_THE_RUN[name] for name in case.expected["warnings"] if name in BY_THE_RUN} <= warned
