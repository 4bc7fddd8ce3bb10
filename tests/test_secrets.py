"""What looks like a credential is hidden, and prose is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.secrets import HIDDEN, scrub


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("sk-proj-abcdefgh12345678", HIDDEN),
        ("use ark-1234abcd-ef56 now", f"use {HIDDEN} now"),
        ("AKIAABCDEFGHIJKLMNOP", HIDDEN),
        ("ghp_abcdefghijklmnopqrst", HIDDEN),
        ("Bearer abcdefghijklm", f"Bearer {HIDDEN}"),
        ("key=abcdef1234", f"key={HIDDEN}"),
        ('{"password": "hunter2", "city": "Oslo"}', f'{{"password": "{HIDDEN}", "city": "Oslo"}}'),
        ("{'api_key': 'a b c'}", f"{{'api_key': '{HIDDEN}'}}"),
        ("postgres://bob:pa55@db:5432/x", f"postgres://{HIDDEN}@db:5432/x"),
        ("the token is 12345678", f"the token is {HIDDEN}"),
        ("secret 0123456789abcdef0123456789abcdef", f"secret {HIDDEN}"),
    ],
)
def test_credentials_are_hidden(text, scrubbed):
    """Keys by their shape, and values by the word before them."""
    assert scrubbed == scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "monkey=banana",
        "keyboard: yes it is",
        "max_tokens: 4096",
        "a token of appreciation",
        "secret garden is nice",
        "desk-lamp-standing",
        "https://example.com/a?b=c",
    ],
)
def test_prose_is_left_alone(text):
    """Words that only resemble those of credentials stay."""
    assert text == scrub(text)


@given(st.text())
def test_scrubbing_twice_changes_nothing_more(text):
    """A scrubbed text is clean."""
    assert scrub(scrub(text)) == scrub(text)


@pytest.mark.parametrize("piece", ["key", "password ", '"', "sk-", "://", "a:", "eyJ", "token", "key='"])
def test_hostile_texts_take_linear_time(piece):
    """A long text is scrubbed in one pass a pattern."""
    assert scrub("://" + piece * 50_000)
