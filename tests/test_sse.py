"""Server-sent events from bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.chat.sse import Framer, ServerSent

lines = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b"event: error",
        b": comment",
        b"error: {}",
        b'{"a":1}',
        b"",
        "data: é\u2028世".encode(),
    ]
)
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
streams = st.one_of(
    st.binary(max_size=60),
    st.lists(st.tuples(lines, ends).map(b"".join), max_size=12).map(b"".join),
    st.lists(st.tuples(lines, ends).map(b"".join), max_size=12).map(lambda found: b"\xef\xbb\xbf" + b"".join(found)),
)
"""Bytes of any kind, and bytes that look like a stream."""


def framed(*pieces: bytes) -> list[ServerSent]:
    framer = Framer()
    events = [event for piece in pieces for event in framer.feed(piece)]
    return events + framer.end()


@given(streams, st.lists(st.integers(0, 200), max_size=20))
def test_any_split_of_the_bytes_gives_the_same_events(stream, cuts):
    """How the bytes are cut makes no difference, and no bytes raise."""
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    assert framed(stream) == framed(*(stream[start:end] for start, end in pairwise(bounds)))


@given(streams)
def test_single_bytes_give_the_same_events(stream):
    """A stream that comes byte by byte is the same stream."""
    assert framed(stream) == framed(*(stream[place : place + 1] for place in range(len(stream))))


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [ServerSent("a"), ServerSent("b")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [ServerSent("a"), ServerSent("b"), ServerSent("c")]),
        (b"data:a\n\n", [ServerSent("a")]),
        (b"data:  a\n\n", [ServerSent(" a")]),
        (b"data: a\ndata: b\n\n", [ServerSent("a\nb")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [ServerSent("a", "error"), ServerSent("b")]),
        (b": ping\nid: 7\nretry: 1\ndata: a\n\n", [ServerSent("a")]),
        (b"event: ping\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", [ServerSent("a")]),
        (b"\xef\xbb\xbf", []),
        (b"data: a", [ServerSent("a")]),
        (b"data: a\n", [ServerSent("a")]),
        (b"error: no\n\n", [ServerSent("no", "error")]),
        (b'{"error":"no"}\n', [ServerSent('{"error":"no"}')]),
        (b"data: \xff\n\n", [ServerSent("\ufffd")]),
        (b"", []),
    ],
)
def test_a_stream_is_cut_as_the_standard_says(stream, expected):
    """Every line end counts, comments and unknown fields do not, and a forgotten last blank line is forgiven."""
    assert expected == framed(stream)


def test_a_text_may_hold_what_unicode_calls_a_line_end():
    """Only CR and LF end a line; U+2028 and its like are letters."""
    assert [ServerSent("a\u2028b\u2029c\x85d\x0be")] == framed("data: a\u2028b\u2029c\x85d\x0be\n\n".encode())


def test_a_mark_of_byte_order_counts_at_the_beginning_only():
    """The same bytes later are a letter of the text."""
    assert [ServerSent("\ufeffa")] == framed("data: \ufeffa\n\n".encode())
    assert [] == framed(b"\n\xef\xbb\xbfdata: a\n\n")


def test_an_event_is_told_as_soon_as_it_is_complete():
    """Nothing waits for the bytes after the blank line."""
    framer = Framer()

    assert [] == framer.feed(b"data: a\r\n")
    assert [ServerSent("a")] == framer.feed(b"\r")
    assert [] == framer.feed(b"\n")


def test_a_long_line_takes_no_longer_than_its_bytes():
    """A line that is still to end is looked at once: a piece of 64 KB, as sockets give it, must not take minutes."""
    long = b"data: " + b"a" * 1_000_000

    assert [ServerSent("b"), ServerSent("a" * 1_000_000)] == framed(b"data: b\n\n" + long)
