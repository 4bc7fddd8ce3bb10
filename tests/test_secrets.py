"""What looks like a credential is hidden, and prose is left alone."""

import copy
import itertools
import json
import pickle
import re
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentkit.errors import UsageError
from agentkit.secrets import HIDDEN, Redaction, _folded, scrub

WORD = r"(?:api[_-]?key|apikey|secret|token(?!s\b)|password|passwd|pwd|credential|authorization|access[_-]?key)"

URL_PASSWORD = re.compile(r"(?<=://)[^\s/@:]{1,256}:[^\s/@]{1,256}(?=@)")

KEY = re.compile(
    r"""\b(?:
        (?:sk|pk|rk|ark|xai|gsk|hf|glpat|npm|pypi)[-_][A-Za-z0-9_-]{8,}
      | gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{16,}
      | xox[abeprs]-[A-Za-z0-9-]{8,}
      | (?:AKIA|ASIA)[A-Z0-9]{12,}
      | AIza[A-Za-z0-9_-]{20,}
      | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?
    )""",
    re.VERBOSE,
)

INTRODUCED = (
    re.compile(r"(?i)\b(?P<before>bearer\s{1,4}|basic\s{1,4})[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(
        rf"""(?ix)
        (?P<before>
            (?: {WORD} \w{{0,32}} | (?<!\w)key ) ["']? \s{{0,4}} (?: [=:] | \b(?:is|are)\b ) \s{{0,4}}
        )
        (?: "[^"\n]{{1,4096}}" | '[^'\n]{{1,4096}}' | [^\s,;&"'}})\]]{{4,}} )
        """
    ),
    re.compile(rf"(?i)(?P<before>{WORD}\W{{1,8}})[A-Za-z0-9+/_-]{{20,}}={{0,2}}"),
)


def plainly_scrubbed(text):
    """What `scrub` gives, by patterns that ignore case and are tried on every text: slow, and easy to believe."""
    text = URL_PASSWORD.sub(HIDDEN, text)
    text = KEY.sub(HIDDEN, text)
    for pattern in INTRODUCED:
        text = pattern.sub(_keep_before, text)
    return text


def _keep_before(match):
    found = match[0][len(match["before"]) :]
    if "[secret" in found:
        return match[0]
    quote = found[0] if found[0] in "\"'" else ""
    return f"{match['before']}{quote}{HIDDEN}{quote}"


# Letters that every match holds, by which a text is chosen to be searched.
WORDS_AND_PREFIXES = """
api_key apikey api-key access_key access-key accesskey key keys secret token tokens password passwd pwd
credential credentials authorization bearer basic

sk- pk_ rk- ark- xai- gsk_ hf_ glpat- npm_ pypi- ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ xoxb- AKIA ASIA AIza eyJ
"""
WORDS, PREFIXES = map(str.split, WORDS_AND_PREFIXES.split("\n\n"))
JOINTS = [
    ":",
    "=",
    " ",
    " is ",
    " are ",
    '": "',
    "='",
    '"',
    "'",
    "://",
    "@",
    ".",
    "-",
    "_",
    ",",
    "}",
    "\n",
    "\x1c",
    "\xa0",
]
VALUES = ["x", "hunter2", "abcdefgh", "0123456789abcdef", "ABCDEFGHIJKL0123", "aB3" * 7, "abcd.efgh", "==", HIDDEN]
ODDITIES = ["²", "é", "中", "ſ", "\u212a", "İ", "ı", "\u0307", "\ud800", "\udfff"]

# All that a pattern which ignores case takes for one of these letters.
SPELLINGS = {"s": "sSſ", "k": "kK\u212a", "i": "iIİı"}


def spelled(letter):
    return st.sampled_from(SPELLINGS.get(letter.lower(), (letter.lower(), letter.upper())))


def oddly_spelled(text):
    return st.tuples(*map(spelled, text)).map("".join)


pieces = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(WORDS).flatmap(oddly_spelled),
    st.sampled_from(PREFIXES),
    st.sampled_from(VALUES),
    st.sampled_from(VALUES).flatmap(oddly_spelled),
    st.sampled_from(ODDITIES),
    st.text(max_size=3),
)
texts = st.lists(st.one_of(pieces, st.sampled_from(JOINTS)), max_size=14).map("".join)


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
        ("https://Bob.ß-1 :x@a https://Bob.ß-1%20:é?#!@a", f"https://Bob.ß-1 :x@a https://{HIDDEN}@a"),
        ("the token is 12345678", f"the token is {HIDDEN}"),
        ("secret 0123456789abcdef0123456789abcdef", f"secret {HIDDEN}"),
        ("ſeCRet: hunter2", f"ſeCRet: {HIDDEN}"),
        ("to\u212aen=hunter2", f"to\u212aen={HIDDEN}"),
        ("AUTHORİZATıON: hunter2", f"AUTHORİZATıON: {HIDDEN}"),
        ("\ud800 password=hunter2", f"\ud800 password={HIDDEN}"),
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
        "a forbearer understands",
        "https://example.com/a?b=c",
        "Ελλάδα 中文 İstanbul",
        "\ud800",
        f"password={HIDDEN}",
        "",
    ],
)
def test_prose_is_left_alone(text):
    """Words that only resemble those of credentials stay, and the text is the object that was given."""
    assert text is scrub(text)


@given(texts)
@example("[secret] 0123456789abcdef0123")
@example("://a:b@ 0123456789abcdef0123")
def test_nothing_is_missed_for_the_sake_of_speed(text):
    """A text is scrubbed exactly as by trying each pattern on all of it; it is the same object if nothing was hidden."""
    expected = plainly_scrubbed(text)

    assert expected == scrub(text)
    assert (expected == text) == (scrub(text) is text)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("joint", [" ", "=", ": '", " is "])
def test_a_word_is_known_in_any_spelling(word, joint):
    """A word in letters that only pass for those of ASCII hides what it would in ASCII's."""
    for letters in itertools.product(*(SPELLINGS.get(letter, letter) for letter in word)):
        text = f"{''.join(letters)}{joint}0123456789abcdef0123'"

        assert plainly_scrubbed(text) == scrub(text)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("before", ["", " ", "é", "\u0307", "²", "_", "x", "-", "\ud800"])
def test_a_key_is_known_wherever_it_begins(prefix, before):
    """The shapes of keys are looked for at the beginnings of words, of whatever alphabet the letters before are."""
    text = f"{before}{prefix}ABCDEFGHIJKLMNOP0123.abcd"

    assert plainly_scrubbed(text) == scrub(text)


@pytest.mark.parametrize("shape", [r"\w", r"\s", "[A-Za-z0-9._~+/=-]", "[A-Za-z0-9+/_-]", """[^\\s,;&"'})\\]]"""])
def test_folding_keeps_every_character_in_place(shape):
    """What a pattern finds in folded text is where it finds it in the text when it ignores case."""
    everything = "".join(map(chr, range(sys.maxunicode + 1)))

    assert len(everything) == len(_folded(everything))
    assert [found.start() for found in re.finditer(shape, everything, re.IGNORECASE)] == [
        found.start() for found in re.finditer(shape.replace("A-Z", ""), _folded(everything))
    ]


@given(st.text())
def test_scrubbing_twice_changes_nothing_more(text):
    """A scrubbed text is clean."""
    assert scrub(scrub(text)) == scrub(text)


@pytest.mark.parametrize(
    "piece", ["key", "password ", '"', "sk-", "://", "a:", "eyJ", "token", "key='", "é://a:", "basic "]
)
def test_hostile_texts_take_linear_time(piece):
    """A long text is scrubbed in one pass a pattern."""
    assert scrub("://" + piece * 50_000)


def seconds(function, text):
    """What the quickest of some rounds takes a call."""
    rounds = []
    for _ in range(5):
        before = time.process_time()
        for _ in range(20):
            function(text)
        rounds.append(time.process_time() - before)
    return min(rounds) / 20


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("The ferry came in at noon - nobody on the quay expected it. " * 40, 20),
        ('{"task_id": 7, "updated_at": "2026-10-03T12:00:00Z", "url": "https://example.com:80/a"}, ' * 25, 20),
        ("Öffentliche Verkehrsmittel fahren ſelten, 公共交通. " * 40, 20),
        ('{"max_tokens": 4096, "keys": ["a", "b"]}, ' * 50, 2),
    ],
    ids=["prose", "json", "unicode", "words"],
)
def test_a_clean_text_costs_little(text, times):
    """Patterns are tried only where they can match, so that every text on its way can be scrubbed."""
    assert seconds(scrub, text) * times < seconds(plainly_scrubbed, text)


@pytest.mark.parametrize(
    ("patterns", "text", "redacted"),
    [
        ([r"ACME-\d+"], "order ACME-123, ACME-9", f"order {HIDDEN}, {HIDDEN}"),
        ([re.compile("oslo", re.IGNORECASE)], "from OSLO", f"from {HIDDEN}"),
        ([r"\d{4}", "Oslo"], "Oslo 1234, password=hunter2", f"{HIDDEN} {HIDDEN}, password={HIDDEN}"),
        ([r"(?<=pin )(\d)(\d+)"], "pin 1234", f"pin {HIDDEN}"),
        (["e"], "the", f"th{HIDDEN}"),
        ([r"x\[secret"], "x[secret]", f"{HIDDEN}]"),
        ([r"secret\]x"], "[secret]x", f"[{HIDDEN}"),
        (["\ud800"], "a\ud800", f"a{HIDDEN}"),
        ([], "password=hunter2", f"password={HIDDEN}"),
    ],
)
def test_a_redaction_hides_what_its_patterns_match(patterns, text, redacted):
    """Each match is hidden whole, after all that looks like a credential."""
    assert redacted == Redaction(patterns)(text)


@pytest.mark.parametrize("pattern", ["secret", r"\w+", r"\[.*?\]", "e"])
def test_a_mark_is_not_marked_again(pattern):
    """A pattern that matches in what stands for a secret leaves it, so that a text can be redacted twice."""
    once = Redaction([pattern])("sk-abcdefgh1234")

    assert HIDDEN == once
    assert once is Redaction([pattern])(once)


@given(texts, st.lists(st.sampled_from([r"\d+", "[a-k]", "é", r"\[", "token", r"\bx?", "(?=b)c*"]), max_size=3))
def test_a_text_with_nothing_to_hide_is_returned_itself(text, patterns):
    """Whoever counts what was hidden compares by identity."""
    redacted = Redaction(patterns)(text)

    assert (redacted == text) == (redacted is text)


def test_a_match_of_nothing_hides_nothing():
    """A pattern that may match between letters marks only what it takes."""
    assert f"a {HIDDEN} a" == Redaction([r"\b(?:b+)?"])("a bb a")


def test_a_redaction_is_a_value():
    """Redactions of the same patterns are equal, whether these were compiled before, and survive a copy."""
    redaction = Redaction(["a", re.compile("b", re.IGNORECASE)])

    assert redaction == Redaction((re.compile("a"), re.compile("b", re.IGNORECASE)))
    assert hash(redaction) == hash(Redaction([re.compile("a"), re.compile("b", re.IGNORECASE)]))
    assert redaction != Redaction(["a", "b"])
    assert redaction == copy.deepcopy(redaction)
    assert redaction == pickle.loads(pickle.dumps(redaction))
    assert Redaction() == Redaction([])


@pytest.mark.parametrize(
    ("patterns", "why"),
    [
        (["fine", "a("], r"pattern 'a\(' is no regular expression: missing \), unterminated subpattern at position 1"),
        (["a{99999999999999999999}"], "is no regular expression: the repetition number is too large"),
        (["x*"], r"pattern 'x\*' matches the empty string"),
        ([re.compile("$")], r"pattern '\$' matches the empty string"),
        ([""], "pattern '' matches the empty string"),
        ("sk-", r"patterns is the string 'sk-'; it takes a sequence: Redaction\(\['sk-'\]\)"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(patterns, why):
    """A broken pattern, and one that would hide the gaps between all letters, are reported before anything runs."""
    with pytest.raises(UsageError, match=why):
        Redaction(patterns)


@given(
    st.lists(
        st.sampled_from(
            ["\n", "\t", '"', "\\", "x", " ", "sk-", "abcdefgh12", "key=", "ark-", "://a:b@", "ghp_", "eyJ"]
        )
    )
)
def test_what_could_be_hidden_is_seen_within_json(pieces):
    """No text is changed that its JSON, with line breaks and quotes as escapes, was said to leave alone."""
    text = "".join(pieces)

    assert not Redaction().leaves(json.dumps({"content": text})) or text == scrub(text)
