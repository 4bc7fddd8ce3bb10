"""Real responses, spoiled: what the fuzz tests feed, and what must hold of anything that is fed.

Every choice is made by bytes, so that Hypothesis can shrink them, a fuzzer that measures coverage can grow them, and a
seeded random source can make them up.
"""

import json
import re
from dataclasses import dataclass
from functools import cache

from pydantic import JsonValue
from wire import EVENTS, Case, Outcome, Ran, Wire, ask, asking, cases, chat_for, cut, run

from agentkit.chat.profiles import Profile
from agentkit.chat.providers import PROFILES, UNKNOWN, profile_named
from agentkit.messages import Message

BYTEWISE = 4000
"""Most bytes that are fed one by one, which takes as long as a thousand at once."""

LONGEST = 100_000
"""Most bytes that are inserted at one place."""


class Dice:
    """Choices from bytes; when they are used up, the first choice is always made."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def below(self, limit: int) -> int:
        """A number below a limit."""
        size = 1 if limit <= 1 << 8 else 2
        taken = self._data[self._place : self._place + size]
        self._place += size
        return int.from_bytes(taken, "big") % limit

    def one_of(self, some):
        """One of several."""
        return some[self.below(len(some))]

    def places(self, length: int) -> list[int]:
        """Where to cut so many bytes."""
        if length < BYTEWISE and not self.below(4):
            return list(range(length))
        return [self.below(max(length, 1)) for _ in range(self.below(12))]


@dataclass(frozen=True)
class Fed:
    """One response as it is fed, in two ways to cut it."""

    response: bytes
    stream: bool
    profile: str
    places: tuple[int, ...]
    half_of: str = ""
    """The case of which it is the beginning, and nothing else."""

    def saved(self) -> str:
        """It as text, to be fed again."""
        return json.dumps({**vars(self), "response": self.response.decode("latin-1")}, indent=1)

    @staticmethod
    def read(text: str) -> "Fed":
        found = json.loads(text)
        response = found["response"].encode("latin-1")
        return Fed(**{**found, "response": response, "places": tuple(found["places"])})


PROVIDERS = (UNKNOWN.name, *PROFILES)


def profile_for(name: str) -> Profile:
    return UNKNOWN if name == UNKNOWN.name else profile_named(name)


@cache
def corpus() -> tuple[Case, ...]:
    return tuple(cases())


# Spoiling bytes.

INSERTED = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\0", b"\xc3", b"\xe2\x80", b"\xf0\x9f", b"\xff",
    b"\xed\xa0\x80",
    b" ", b"<", b"max_tokens", b"```", b"'", b'"', b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"null",
    b"-", b"1e999", b"9" * 400, b"9" * 5000,
    b"NaN", b"-Infinity", b"data: ", b"data:", b"event: error\n", b": ping\n\n", b"data: [DONE]\n\n", b"error: ",
    b"<think>",
    b"</think>", b"[" * 900, b'{"a":' * 700, b"[" * 100_000, "\u2028".encode(), "\u0085".encode(), b"<html>", b"%s",
    b'data: {"choices":[]}\n\n', b'data: {"error":null}\n\n', b'data: {"error":{"message":"x","code":429}}\n\n',
)  # fmt: skip


def spoiled(data: bytes, dice: Dice) -> bytes:
    """The bytes with something done to them, at some place."""
    place, length = dice.below(len(data) + 1), 1 + dice.below(64)
    before, after = data[:place], data[place:]
    match dice.below(6):
        case 0:
            inserted = dice.one_of(INSERTED) * dice.one_of((1, 1, 1, 1, 2, 20_000))
            return before + inserted[:LONGEST] + after
        case 1:
            return before + bytes(byte ^ 1 << dice.below(8) for byte in after[:1]) + after[1:]
        case 2:
            return before + after[length:]
        case 3:
            return before + after[:length] * (2 + dice.below(3)) + after[length:]
        case 4:
            return before
    other = dice.one_of(corpus()).data
    return before + other[dice.below(len(other) + 1) :]


# Spoiling what the bytes say.

VALUES: tuple[JsonValue, ...] = (
    None, True, False, 0, 1, -1, 200, 429, 2**53, 10**400, 0.5, -0.0, 1e308, "", " ", "x", "\ud800", "\udc00 x",
    "\0", "0", "stop",
    "tool_calls", "error", "get_weather", "get_time", "call_1", "{}", '{"city":"Oslo"}', '{"city": NaN}', '{"city',
    "[]",
    '"x"', "null", "<think>", "<think>a</think>b", "a</think>b", "1e999", [], {}, [None], [[]], [{}], {"": ""},
    ["x", 1],
    {"text": "x"}, [{"type": "text", "text": "x"}], [{"type": "thinking", "thinking": "x"}],
    [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}], [{"type": 1, "index": 0, "text": "x"}],
    [{"type": "reasoning.text", "index": 0, "text": "x"}], {"name": "get_time", "arguments": "{}"}, {"city": "Oslo"},
    [{"id": "a", "function": {"name": "get_time", "arguments": "{}"}}], [{"delta": {"content": "x"}}],
    [{"message": {}}],
    {"message": "rate limit", "code": 429}, {"message": {"message": {"error": "x"}}}, {"content": "x"},
    {"prompt_tokens": 1e300, "completion_tokens": "1"}, {"cached_tokens": -5},
)  # fmt: skip

KEYS = (
    "choices", "delta", "message", "content", "tool_calls", "function", "arguments", "name", "id", "index",
    "finish_reason",
    "usage", "reasoning_content", "reasoning", "reasoning_details", "encrypted_content", "error", "code", "type",
    "refusal",
    "function_call", "extra_content", "base_resp", "status_code", "detail", "model", "x", "role", "text",
    "thinking", "cost",
    "prompt_tokens", "prompt_tokens_details", "object", "metadata", "raw", "reasoning_text", "audio", "tool_call_id",
)  # fmt: skip


def deep(value: JsonValue, dice: Dice) -> JsonValue:
    """A value inside of many others."""
    for _ in range(dice.one_of((3, 90, 101, 240, 480, 900))):
        value = [value]
    return value


def turned(value: JsonValue, dice: Dice) -> JsonValue:
    """A JSON value of which some part is of another kind than it was."""
    if not isinstance(value, (dict, list)) or not value or not dice.below(8):
        other = dice.one_of(VALUES)
        return other if dice.below(12) else deep(other, dice)
    if isinstance(value, list):
        place = dice.below(len(value))
        changed = turned(value[place], dice)
        return [*value[:place], changed, *([value[place]] * dice.below(2)), *value[place + 1 :]]
    key = dice.one_of(tuple(value))
    match dice.below(6):
        case 0:
            return {**value, dice.one_of(KEYS): dice.one_of(VALUES)}
        case 1:
            return {name: inner for name, inner in value.items() if name != key}
    return {**value, key: turned(value[key], dice)}


def reworded(data: bytes, dice: Dice) -> bytes:
    """Bytes in which one JSON text says something else; as they are where there is none."""
    lines = data.split(b"\n")
    place = dice.below(len(lines))
    head, brace, text = lines[place].partition(b"{")
    try:
        value = json.loads(brace + text)
    except ValueError:
        return data
    lines[place] = head + json.dumps(turned(value, dice), ensure_ascii=bool(dice.below(2))).encode("utf-8", "replace")
    return b"\n".join(lines)


# Streams that nobody sent yet.

WORDS = ("a", " ", "\n", "<", "think>", "</think>", "<think>", "</", "b c", "\u2028", "é世", "\ud83d", "{}", "")
PIECES = (
    "{}",
    "{",
    '{"city"',
    ':"Oslo"',
    "}",
    '{"city": "Oslo"}',
    "null",
    "",
    " ",
    '"{\\"tz\\":1}"',
    {"tz": "UTC"},
    None,
)
SAID = ("content", "reasoning_content", "reasoning", "encrypted_content", "refusal", "x")


def delta(dice: Dice) -> JsonValue:
    """A piece of a reply as some server might send it."""
    match dice.below(5):
        case 0 | 1:
            return {dice.one_of(SAID): dice.one_of(WORDS)}
        case 2:
            entry = {"type": dice.one_of(("t", "u")), "index": dice.one_of((0, 1, None)), "text": dice.one_of(WORDS)}
            return {"reasoning_details": [entry]}
        case 3:
            parts = ({"type": "text", "text": dice.one_of(WORDS)}, {"type": "thinking", "thinking": dice.one_of(WORDS)})
            return {"content": [dice.one_of(parts)]}
    call = {"id": dice.one_of(("a", "b", "", None, 7)), "index": dice.one_of((0, 1, 0, 5, None))}
    name = dice.one_of(("get_weather", "get_time", "get_", "time", "", None, "functions.get_time:0"))
    return {"tool_calls": [{**call, "function": {"name": name, "arguments": dice.one_of(PIECES)}}]}


def composed(dice: Dice) -> bytes:
    """A whole stream of such pieces."""
    deltas = [{"choices": [{"index": 0, "delta": delta(dice)}]} for _ in range(1 + dice.below(12))]
    reason = dice.one_of(("stop", "tool_calls", "length", None, "odd"))
    deltas.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    return b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in deltas) + b"data: [DONE]\n\n"


# Responses.

STATUSES = (200, 400, 429, 500, 503, 401, 402, 403, 404, 408, 413, 422, 502, 504, 524, 529, 201, 204, 302, 100, 299)

HEADERS = (
    b"Content-Type: text/event-stream", b"Content-Type: application/json", b"Content-Type: text/html; charset=utf-16",
    b"Content-Type: \xff", b"Content-Encoding: gzip", b"Content-Encoding: br, deflate", b"Content-Encoding: identity",
    b"Transfer-Encoding: chunked", b"Content-Length: 0", b"Content-Length: 40", b"Content-Length: 99999",
    b"Content-Length: -1", b"Retry-After: 20", b"Retry-After: 1e9", b"Retry-After: -3", b"Retry-After: \xb2",
    b"Retry-After: Wed, 21 Oct 2026 07:28:30 GMT", b"Retry-After: Mon, 99 Foo 99999 00:00:00", b"Retry-After: 5m3s",
    b"Retry-After-Ms: 12", b"Date: 0", b"Date: Wed, 21 Oct 2026 07:28:00 GMT", b"X-Should-Retry: true",
    b"X-Should-Retry: maybe", b"X-Request-Id: \xc3\xa9", b"Connection: close", b"Location: http://[",
    b"Set-Cookie: =;",
    b": no name", b"no colon", b"X: " + b"y" * 70_000,
)  # fmt: skip


def headed(body: bytes, dice: Dice) -> bytes:
    """A body under any status and any headers."""
    status = 200 if dice.below(4) else dice.one_of(STATUSES)
    headers = b"".join(dice.one_of(HEADERS) + b"\r\n" for _ in range(dice.one_of((0, 0, 0, 1, 2))))
    return b"HTTP/1.1 %d Any\r\n%b\r\n%b" % (status, headers, body)


def fed(data: bytes) -> Fed:
    """What some bytes choose to feed."""
    dice = Dice(data)
    match dice.below(6):
        case 1:
            return half(dice.one_of(calling()), dice.below(1 << 16), dice.one_of(PROMISES))
        case 2 | 3:
            response = EVENTS + composed(dice)
            return Fed(response, bool(dice.below(8)), dice.one_of(PROVIDERS), tuple(dice.places(len(response))))
    case = dice.one_of(corpus())
    body = case.data
    for _ in range(dice.one_of((1, 0, 1, 2, 3))):
        body = reworded(body, dice)
    for _ in range(dice.one_of((0, 0, 0, 1, 2))):
        body = spoiled(body, dice)
    response = body if case.kind == "http" and dice.below(4) else headed(body, dice)
    stream = case.stream != (not dice.below(8))
    return Fed(response, stream, dice.one_of(PROVIDERS), tuple(dice.places(len(response))))


# Responses that end too soon.

PROMISES = ("close", "length", "chunked")
"""Ways to say in a head how long a body is."""


@cache
def calling() -> tuple[Case, ...]:
    """The cases whose replies have calls."""
    return tuple(case for case in corpus() if case.expected["outcome"] == "ok" and case.expected["tool_calls"])


def half(case: Case, place: int, how: str) -> Fed:
    """A case's response of which only the first bytes of the body come, under a head that promises all of them."""
    kind = b"text/event-stream" if case.kind == "stream" else b"application/json"
    body = case.data
    if how == "chunked":
        lines = body.splitlines(keepends=True)
        body = b"".join(b"%x\r\n%b\r\n" % (len(line), line) for line in lines) + b"0\r\n\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    promise = {"close": b"", "chunked": b"Transfer-Encoding: chunked\r\n", "length": length}
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b\r\n" % (kind, promise[how])
    return Fed(head + body[: place % len(body)], case.stream, UNKNOWN.name, (), case.id)


# What must hold.


async def check(fed: Fed) -> Outcome:
    """Feed it whole and in pieces, and send the reply back, where one came of it.

    Raises:
        Exception: Something does not hold.
    """
    one = await _play(fed, [fed.response])
    ran = await run(profile_for(fed.profile), [fed.response], stream=fed.stream)
    if fed.half_of:
        check_half(fed, ran)
    other = await _play(fed, cut(fed.response, fed.places))
    # What is undone of a coding comes in httpx's own pieces, and so do its errors.
    if b"content-encoding" not in fed.response.lower():
        assert _gist(one) == _gist(other), "the bytes in pieces came to something else"
    return one


def check_half(fed: Fed, ran: Ran) -> None:
    """A reply that was cut before its end was said runs nothing; one that ended runs only what was asked in full."""
    case = next(case for case in calling() if case.id == fed.half_of)
    asked = [(call["name"], call.get("arguments")) for call in case.expected["tool_calls"]]
    assert not ran.calls or _end_was_said(fed.response), "a tool ran on half a reply"
    assert all(call in asked for call in ran.calls), "a tool ran with other arguments"


def _end_was_said(response: bytes) -> bool:
    """Whether a response says that its reply is complete; read as simply as can be, and by nothing that is tested."""
    body = response.partition(b"\r\n\r\n")[2]
    for line in (body, *body.replace(b"\r", b"\n").split(b"\n")):
        text = line.removeprefix(b"data:").strip()
        if text == b"[DONE]":
            return True
        try:
            value = json.loads(text)
        except ValueError:
            continue
        choices = value.get("choices") if isinstance(value, dict) else None
        if any(choice.get("finish_reason") or "message" in choice for choice in choices or ()):
            return True
    return False


async def _play(fed: Fed, pieces: list[bytes]) -> Outcome:
    wire = Wire(pieces)
    async with wire.client() as client:
        chat = chat_for(profile_for(fed.profile), client)
        outcome = await ask(chat, asking(stream=fed.stream))
        if (reply := outcome.reply) is not None:
            thought = reply.message.reasoning.text if reply.message.reasoning else ""
            told = (outcome.text_told, outcome.reasoning_told)
            assert ((reply.message.text, thought) if fed.stream else ("", "")) == told, "it told something else"
            arguments = [_after_placeholders(call.arguments) for call in reply.message.tool_calls]
            heard = [_after_placeholders(arguments) for name, arguments in outcome.calls_told if name]
            assert not fed.stream or arguments == heard, "it told other calls"
            results = [Message("tool", "ok", call_id=call.id) for call in reply.message.tool_calls]
            again = await ask(chat, asking(reply.message, *results, stream=fed.stream))
            assert again.reply is not None
            assert "done" == again.reply.message.text
            _check_body(wire.body(-1), len(results))
    return outcome


def _after_placeholders(arguments: str) -> str:
    """Arguments without each `{}` before them, which is told because nobody knows yet whether more will come."""
    return re.sub(r"\A(?:\{\})+", "", arguments)


def _gist(outcome: Outcome) -> tuple[object, ...]:
    error = outcome.error
    told = (outcome.text_told, outcome.reasoning_told, outcome.calls_told)
    return (outcome.reply, error and (error.category, error.code, error.status, error.retry_after), told)


def _check_body(body: bytes, results: int) -> None:
    """A body must be JSON as every server reads it, with an object for the arguments of each call."""
    messages = json.loads(body.decode(), parse_constant=_refuse)["messages"]
    calls = [call for message in messages for call in message.get("tool_calls", ())]
    assert results == len(calls) == sum(message["role"] == "tool" for message in messages)
    for call in calls:
        assert isinstance(json.loads(call["function"]["arguments"], parse_constant=_refuse), dict)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
