"""How long a server asks to wait, in the headers and bodies in use."""

import email.utils
import re
import time
from collections.abc import Mapping

_LENGTH = r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|h|m|s))+"


def retry_after(headers: Mapping[str, str], body: str = "", now: float | None = None) -> float | None:
    """Seconds the server asks to wait, from the headers in use, then from the body."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (milliseconds := _number(headers.get(name, ""))) is not None:
            return milliseconds / 1000
    header = headers.get("retry-after", "").strip()
    for seconds in (_number(header), _duration(header)):
        if seconds is not None:
            return seconds
    moment = _moment(header)
    if moment is None:
        return delay_in(body, rf"try again in ({_LENGTH})")
    # The server's clock counts: it is the one that will refuse.
    now = _moment(headers.get("date", "")) or now or time.time()
    return max(0.0, moment - now)


def delay_in(body: str, *patterns: str) -> float | None:
    """Seconds that a body names in a field of its own; else by one of the patterns, whose first group they are."""
    for pattern in (rf'"retryDelay"\s*:\s*"({_LENGTH})"', *patterns):
        if found := re.search(pattern, body):
            return _duration(found[1])
    return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text.strip(), re.ASCII) else None


def _duration(text: str) -> float | None:
    """As Go writes it: `1m30.5s`, `250ms`."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    if not re.fullmatch(_LENGTH, text, re.ASCII):
        return None
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text))


def _moment(text: str) -> float | None:
    """An HTTP date, in seconds since 1970."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError, IndexError, TypeError):
        return None
