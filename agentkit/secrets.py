"""Hides what looks like a credential in text that people or models will read.

A net, not a promise: it knows the shapes of common keys and the words that stand before one.  Every pattern is
linear in the length of the text, and none is tried on a text without the letters that it cannot do without.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic_core import SchemaValidator, core_schema

from agentkit.errors import UsageError

HIDDEN = "[secret]"


def _finder(needles: str) -> Callable[[str], bool]:
    """Whether a text holds one of the needles, a regular expression of Rust's."""
    # Pydantic's engine looks for all needles at once, in less time than `in` takes for one.
    return SchemaValidator(core_schema.str_schema(pattern=needles)).isinstance_python


# A lone surrogate makes a text unreadable to the finders.
_is_readable = _finder("")

_URL_PASSWORD = re.compile(r"(?<=://)[^\s/@:]{1,256}:[^\s/@]{1,256}(?=@)")
_may_hold_url_password = _finder("://[^/@:]+:[^/@]+@")

_PREFIX = "(?:sk|pk|rk|ark|xai|gsk|hf|glpat|npm|pypi)[-_][A-Za-z0-9_-]{8}"
_KEY = re.compile(
    rf"""\b(?:
        {_PREFIX}[A-Za-z0-9_-]*
      | gh[pousr]_[A-Za-z0-9]{{16,}} | github_pat_\w{{16,}}
      | xox[abeprs]-[A-Za-z0-9-]{{8,}}
      | (?:AKIA|ASIA)[A-Z0-9]{{12,}} | AIza[A-Za-z0-9_-]{{20,}}
      | eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{4,}}(?:\.[A-Za-z0-9_-]*)?
    )""",
    re.VERBOSE,
)
# A word that begins among all letters begins among those of ASCII too, where Rust is quicker to see it.
_may_hold_key = _finder(rf"(?-u:\b)(?:{_PREFIX}|gh[pousr]_|github_pat_|xox[abeprs]-|AKIA|ASIA|AIza|eyJ)")

# The patterns from here on are for folded text.  Each begins with plain letters, which the engine can skip to.
_BEARER = re.compile(r"(?P<before>b(?<!\wb)(?:earer|asic)\s{1,4})[a-z0-9._~+/=-]{8,}")
_may_hold_bearer = _finder("(?i)bearer|bas[iıİ]c")

_WORD = r"api[_-]?key|secret|token(?!s\b)|password|passwd|pwd|credential|authorization|access[_-]?key"
_NAMED = re.compile(
    rf"""(?x)
    (?P<before>
        (?: {_WORD} | key(?<!\wkey)(?!\w) ) \w{{0,32}} ["']? \s{{0,4}} (?: [=:] | \b(?:is|are)\b ) \s{{0,4}}
    )
    (?: "[^"\n]{{1,4096}}" | '[^'\n]{{1,4096}}' | [^\s,;&"'}})\]]{{4,}} )
    """
)
_LONG = re.compile(rf"(?P<before>(?:{_WORD})\W{{1,8}})[a-z0-9+/_-]{{20,}}={{0,2}}")
# In two: where case is ignored, Rust is quick with no more than a few needles at once.
_may_hold_word = _finder("(?i)key|token|secret|creden|passw|pwd")
_may_hold_authorization = _finder("(?i)author[iıİ]z")


def scrub(text: str) -> str:
    """The same text with whatever looks like a key, a token or a password as `[secret]`; itself if nothing does."""
    unknown = not _is_readable(text)
    if unknown or _may_hold_url_password(text):
        text = _without(_URL_PASSWORD, text)
    if unknown or _may_hold_key(text):
        text = _without(_KEY, text)
    if unknown or _may_hold_bearer(text):
        text = _without_values(_BEARER, text)
    if unknown or _may_hold_word(text) or _may_hold_authorization(text):
        text = _without_values(_LONG, _without_values(_NAMED, text))
    return text


# Within JSON text the letter of an escape, as in `\\n`, can stand before a key, which then begins no word.  One search for
# everything takes longer than four that are quick, but four have to be fetched into the processor's caches, and events are short.
_may_hide = _finder(
    f"{_PREFIX}|gh[pousr]_|github_pat_|xox[abeprs]-|AKIA|ASIA|AIza|eyJ|://[^/@:]+:[^/@]+@"
    "|(?i:key|token|secret|creden|passw|pwd|bearer|bas[iıİ]c|author[iıİ]z)"
)


@dataclass(frozen=True, init=False)
class Redaction:
    """Hides what `scrub` hides, and what matches patterns of one's own.

    Called with a text, it returns that very object if there was nothing to hide.
    """

    patterns: tuple[re.Pattern[str], ...]
    """What else is secret: regular expressions, each match of which is hidden whole."""

    def __init__(self, patterns: Sequence[str | re.Pattern[str]] = ()) -> None:
        if isinstance(patterns, str):
            raise UsageError(f"patterns is the string {patterns!r}; it takes a sequence: Redaction([{patterns!r}])")
        object.__setattr__(self, "patterns", tuple(_compiled(each) for each in patterns))

    def leaves(self, json: str) -> bool:
        """Whether it changes none of the texts within some short JSON text; False where that cannot be seen at a glance.

        JSON text that can be written as UTF-8 is meant: half of a surrogate pair would keep it from being read.
        """
        return not self.patterns and not _may_hide(json)

    def __call__(self, text: str) -> str:
        text = scrub(text)
        for pattern in self.patterns:
            text = _without(pattern, text)
        return text


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"pattern {pattern!r} is no regular expression: {error}; quote text by `re.escape`") from error
    if compiled.search(""):
        raise UsageError(f"pattern {compiled.pattern!r} matches the empty string; it has to match one letter at least")
    return compiled


def _without(pattern: re.Pattern[str], text: str) -> str:
    hidden = pattern.sub(_mark, text)
    return text if hidden == text else hidden


def _mark(match: re.Match[str]) -> str:
    """A mark for what is secret: not for nothing, and not for a part of another mark."""
    start, end = match.span()
    marked = match.string.find(HIDDEN, max(0, end - len(HIDDEN)), start + len(HIDDEN)) >= 0
    return match[0] if marked or start == end else HIDDEN


def _without_values(pattern: re.Pattern[str], text: str) -> str:
    """What introduces a secret stays, so that a reader knows what was hidden."""
    pieces, done = [], 0
    for match in pattern.finditer(_folded(text)):
        start, end = match.end("before"), match.end()
        if "[secret" in text[start:end]:
            continue
        quote = text[start] if text[start] in "\"'" else ""
        pieces += [text[done:start], f"{quote}{HIDDEN}{quote}"]
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _folded(text: str) -> str:
    """The text in small letters, each in its place: with all that `re.IGNORECASE` takes for an ASCII letter as one."""
    return text.replace("İ", "i").lower().replace("ſ", "s").replace("ı", "i")
