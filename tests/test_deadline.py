"""How long a reply may take, over real sockets."""

import asyncio
import itertools
import math
from contextlib import asynccontextmanager

import pytest

from agentkit import Chat, Message, ModelError, Request, Timeouts, UsageError

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nconnection: close\r\n\r\n"
STREAM = HEAD % b"text/event-stream"
JSON = HEAD % b"application/json"
PIECE = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'


@asynccontextmanager
async def dripping(begin: bytes, *drops: bytes):
    """A server that sends the drops over and over until nobody reads them, and its address."""
    clients = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(asyncio.current_task())
        writer.write(begin)
        try:
            for drop in itertools.cycle(drops):
                writer.write(drop)
                await writer.drain()
                await asyncio.sleep(0.01)
            await reader.read()
        except ConnectionError:
            """The client has given up."""
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def failure(url: str, *, stream: bool = True, **limits: float) -> ModelError:
    chat = Chat("m", base_url=url, timeout=Timeouts(**limits))
    with pytest.raises(ModelError) as caught:
        await chat.request(Request(messages=(Message("user", "Hi"),), stream=stream), lambda _: None)
    return caught.value


@pytest.mark.parametrize(
    ("begin", "drops", "stream"),
    [
        (STREAM, [b": keep-alive\n\n"], True),
        (STREAM, [b"\n"], True),
        (JSON, [b"\n"], False),
        (JSON, [b" ", b"\r\n"], False),
        (b"", [], True),
        (STREAM, [], True),
    ],
)
async def test_what_keeps_a_connection_alive_is_no_reply(begin, drops, stream):
    """Comments and blank lines count no more than silence does."""
    async with dripping(begin, *drops) as url:
        error = await failure(url, stream=stream, first_byte=0.2)

    assert ("timeout", True) == (error.category, error.retryable)
    assert str(error).endswith("no data came for 0.2 s (Timeouts.first_byte)")


@pytest.mark.parametrize("drops", [[b": keep-alive\n\n"], []])
async def test_a_reply_that_stops_coming_is_given_up(drops):
    """After it began, the time between two pieces counts."""
    async with dripping(STREAM + PIECE, *drops) as url:
        error = await failure(url, idle=0.2)

    assert ("timeout", True, 200) == (error.category, error.retryable, error.status)
    assert str(error).endswith("no data came for 0.2 s (Timeouts.idle)")


@pytest.mark.parametrize(("begin", "drop", "stream"), [(STREAM, PIECE, True), (JSON + b"[", b"1,", False)])
async def test_a_reply_that_never_ends_is_given_up(begin, drop, stream):
    """However much comes."""
    async with dripping(begin, drop) as url:
        error = await failure(url, stream=stream, reply=0.3)

    assert ("timeout", True, 200) == (error.category, error.retryable, error.status)
    assert str(error).endswith("the reply was not complete after 0.3 s (Timeouts.reply)")


async def test_a_refusal_that_never_ends_is_given_up_too():
    """A body of an error is read under the same limits."""
    async with dripping(b"HTTP/1.1 500 Oh\r\nconnection: close\r\n\r\n", b"x") as url:
        error = await failure(url, first_byte=0.2)

    assert "timeout" == error.category


async def test_a_reply_outlasts_a_limit_that_its_pieces_keep():
    """What counts is the time without data, not the time."""
    pieces = iter([PIECE] * 40 + [b"data: [DONE]\n\n"])
    async with dripping(STREAM, *pieces) as url:
        chat = Chat("m", base_url=url, timeout=Timeouts(first_byte=2.0, idle=2.0))
        reply = await chat.request(Request(messages=(Message("user", "Hi"),), stream=True), lambda _: None)

    assert "x" * 40 == reply.message.text


def test_one_number_is_the_time_without_data():
    """And connecting takes no longer than usual."""
    assert Timeouts(connect=5.0, first_byte=5.0, idle=5.0) == Timeouts.of(5.0)
    assert Timeouts(first_byte=3600.0, idle=3600.0, reply=3600.0) == Timeouts.of(3600.0)


@pytest.mark.parametrize("seconds", [0, -1, math.nan, "60"])
def test_a_limit_is_more_than_nothing(seconds):
    """A limit that could never be kept is the developer's error."""
    with pytest.raises(UsageError, match=r"Timeouts\(idle="):
        Timeouts(idle=seconds)


async def test_no_limit_is_a_limit():
    """`math.inf` waits for ever."""
    async with dripping(STREAM, PIECE, b"data: [DONE]\n\n") as url:
        limits = Timeouts(connect=math.inf, first_byte=math.inf, idle=math.inf, reply=math.inf)
        chat = Chat("m", base_url=url, timeout=limits)

        assert "x" == (await chat.request(Request(messages=(Message("user", "Hi"),)), lambda _: None)).message.text
