"""Hides what looks like a credential in text that people or models will read.

A net, not a promise: it knows the shapes of common keys and the words that stand before one.  Every pattern is
linear in the length of the text.
"""

import re

HIDDEN = "[secret]"

_WORD = r"(?:api[_-]?key|apikey|secret|token(?!s\b)|password|passwd|pwd|credential|authorization|access[_-]?key)"

_URL_PASSWORD = re.compile(r"(?<=://)[^\s/@:]{1,256}:[^\s/@]{1,256}(?=@)")

_KEY = re.compile(
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

_BEARER = re.compile(r"(?i)\b(?P<before>bearer\s{1,4}|basic\s{1,4})[A-Za-z0-9._~+/=-]{8,}")

_NAMED = re.compile(
    rf"""(?ix)
    (?P<before>
        (?: {_WORD} \w{{0,32}} | (?<!\w)key ) ["']? \s{{0,4}} (?: [=:] | \b(?:is|are)\b ) \s{{0,4}}
    )
    (?: "[^"\n]{{1,4096}}" | '[^'\n]{{1,4096}}' | [^\s,;&"'}})\]]{{4,}} )
    """
)

_LONG = re.compile(rf"(?i)(?P<before>{_WORD}\W{{1,8}})[A-Za-z0-9+/_-]{{20,}}={{0,2}}")


def scrub(text: str) -> str:
    """The same text with whatever looks like a key, a token or a password as `[secret]`."""
    text = _URL_PASSWORD.sub(HIDDEN, text)
    text = _KEY.sub(HIDDEN, text)
    for pattern in (_BEARER, _NAMED, _LONG):
        text = pattern.sub(_keep_before, text)
    return text


def _keep_before(match: re.Match[str]) -> str:
    """What introduces a secret stays, so that a reader knows what was hidden."""
    found = match[0][len(match["before"]) :]
    if HIDDEN in found or "[secret" in found:
        return match[0]
    quote = found[0] if found[0] in "\"'" else ""
    return f"{match['before']}{quote}{HIDDEN}{quote}"
