"""What a failed response means.  Bodies come first, the status second: servers use one status for many things."""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from agentkit.chat.reading import Json, object_of, read_json, string_of
from agentkit.chat.waits import delay_in, retry_after
from agentkit.errors import Category, ModelError

_OK = range(200, 300)
_FAILED = range(400, 600)
_REFUSED = 400
_QUOTED = 500

_CODES: Mapping[str, Category] = {
    "1261": "context_length",
    "1301": "content_filter",
    "1026": "content_filter",
    "1027": "content_filter",
    "1113": "quota",
    "1304": "quota",
    "1308": "quota",
    "1309": "quota",
    "1310": "quota",
    "1008": "quota",
    "1211": "not_found",
    "1312": "overloaded",
    "1302": "rate_limited",
    "1303": "rate_limited",
    "1002": "rate_limited",
}
"""Codes that are numbers of their own; sources: the vendors' error tables of 2026."""

_TEXTS: tuple[tuple[Category, str], ...] = (
    (
        "context_length",
        r"maximum context length|context_length_exceeded|exceeds? the context window|prompt is too long"
        r"|input token count.{0,200}(?:exceeds|max)|maximum prompt length|reduce the length of the messages"
        r"|exceed(?:s|_context_size)?(?: the available)? ?context.?size|exceed_context|greater than the context length"
        r"|context window exceeds|exceeded model token limit|too large for model with|exceed max message tokens"
        r"|range of input length should be|prompt 超长|max_tokens.{0,200}exceed"
        # One request beyond a whole minute's budget: waiting cannot help, it has to shrink.
        r"|request.too.large",
    ),
    (
        "content_filter",
        r"sensitive|content_filter|content_policy|moderation|data_inspection|riskdetection|input was flagged|safety",
    ),
    (
        "quota",
        r"insufficient_(?:user_)?quota|quotaexceeded|setlimitexceeded|insufficient.balance|exceeded_current_quota"
        r"|overdue|billing|out of credits|payment",
    ),
    (
        "not_found",
        r"model_not_found|modelnotopen|model.{0,60}(?:not found|does not exist)|no such model|\bnotfound\b|modelidaccessdisabled",
    ),
    # llama.cpp answers these with status 500.
    ("invalid_request", r"(?:image|audio|video) input is not supported"),
    ("overloaded", r"serveroverloaded|overloaded|at capacity|currently unavailable"),
    ("rate_limited", r"rate.?limit|too many requests|requestbursttoofast|throttl|inflightbatchsize"),
)
"""Tried in this order on code, type and message; sources: the vendors' error tables of 2026."""

_STATUSES: Mapping[int, Category] = {
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    408: "timeout",
    413: "context_length",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    524: "timeout",
    529: "overloaded",
}

_FINISHES: tuple[tuple[Category, str], ...] = (
    ("overloaded", r"insufficient_system_resource"),
    ("malformed_response", r"malformed_function_call"),
    ("server_error", r"^(?:error|aborted|network_error)$"),
)

RETRYABLE: frozenset[Category] = frozenset(
    {"rate_limited", "overloaded", "server_error", "timeout", "connection_lost", "malformed_response"}
)

WORDS: Mapping[Category, str] = {
    "rate_limited": "asks to slow down",
    "overloaded": "is overloaded",
    "auth": "refused the key",
    "quota": "says that the account has nothing left",
    "invalid_request": "refused the request",
    "not_found": "does not know this model or address",
    "context_length": "says that the conversation is too long for the model",
    "content_filter": "refused the content",
    "malformed_response": "answered with something that is no reply",
    "connection_lost": "broke the connection",
    "server_error": "failed",
    "timeout": "took too long",
}
"""What a category means, after "the endpoint …"."""


def error_of(
    body: str,
    *,
    endpoint: str,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    now: float | None = None,
    wordless: Category | None = None,
) -> ModelError:
    """The error that a failed response, or a failure inside a good one, stands for.

    Args:
        body: The body or the part of it that tells of the failure, as text.
        endpoint: Host and model, for the message.
        status: HTTP status.
        headers: Headers of the response, with names in lower case.
        now: Seconds since 1970, for a server that names a time to come back and not its own.
        wordless: What status 400 means to this provider when the body is empty.
    """
    headers = headers or {}
    failure = _failure(body)
    refused = status is not None and status not in _OK
    # Inside of a good response, a code that could be a status is meant as one.
    meant = status if refused else _status_in(failure) or status
    category = _category(_searched(failure, body), _code(failure), meant, body)
    if wordless is not None and meant == _REFUSED and not body.strip():
        category = wordless
    told = headers.get("x-should-retry")
    return ModelError(
        f"{endpoint} {WORDS[category]}{f' (HTTP {meant})' if meant else ''}{_quoted(failure, body, meant)}",
        category=category,
        retryable=told == "true" if told in {"true", "false"} else category in RETRYABLE,
        # The headers of a good response were written before anything failed.
        retry_after=retry_after(headers if refused else {}, body, now),
        status=meant,
        code=_code(failure),
        request_id=request_id(headers),
        body=body,
    )


def failed_finish(reason: str) -> Category | None:
    """The failure that a server reports as its reason to stop; None when it stopped for another."""
    return next((category for category, pattern in _FINISHES if re.search(pattern, reason, re.IGNORECASE)), None)


def lost(why: str, *, endpoint: str, category: Category = "connection_lost", reached: bool = True) -> ModelError:
    """The error for a reply that did not come to its end.

    Args:
        why: What happened.
        endpoint: Host and model, for the message.
        category: `connection_lost`, or `timeout`.
        reached: Whether the response had begun, with a status that promised a reply.
    """
    return ModelError(
        f"{endpoint} {WORDS[category]}: {why}", category=category, retryable=True, status=200 if reached else None
    )


def malformed(why: str, body: str, *, code: str, endpoint: str, status: int, headers: Mapping[str, str]) -> ModelError:
    """The error for an answer that is no reply.

    Args:
        why: What it lacks.
        body: The body, or the piece of it that could not be read.
        code: The same in one word.
        endpoint: Host and model, for the message.
        status: HTTP status.
        headers: Headers of the response, with names in lower case.
    """
    hint = "; it is a web page: is the base URL right, and does it end in /v1?" if _is_page(body) else ""
    return ModelError(
        f"{endpoint} {WORDS['malformed_response']}: {why}{hint}",
        category="malformed_response",
        # A wrong address stays wrong.
        retryable=not hint,
        status=status,
        code=code,
        request_id=request_id(headers),
        body=body,
    )


# What the body says.


def _failure(body: str) -> Json:
    """The keys that tell of the failure, the innermost first: some are an object in an object, or JSON in a text."""
    found: dict[str, JsonValue] = {}
    value: JsonValue = body
    while True:
        if isinstance(value, str) and value.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
            value = _json(value)
        if isinstance(value, list):
            value = next(iter(value), None)
        if not isinstance(value, dict):
            return found
        found |= value
        names = ("error", "detail", "base_resp", "message")
        value = next((inner for inner in map(value.get, names) if inner), None)


def _json(text: str) -> JsonValue:
    try:
        return read_json(text.lstrip("\ufeff"))
    except ValueError:
        return None


def _code(failure: Json) -> str | None:
    for name in ("code", "status_code"):
        value = failure.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return str(value)
    # Beside no message, a type is a matter of the format; and that it is an error was known.
    kind = string_of(failure.get("type")) if "message" in failure else ""
    return kind if kind != "error" and kind else None


def _status_in(failure: Json) -> int | None:
    numbers = (failure.get("status_code"), failure.get("code"))
    return next((number for number in numbers if isinstance(number, int) and number in _FAILED), None)


def _message(failure: Json) -> str:
    """What happened in the server's words, with those of the server behind it."""
    names = ("message", "msg", "error", "detail", "status_msg")
    message = next((text for text in (string_of(failure.get(name)).strip() for name in names) if text), "")
    raw = string_of(object_of(failure.get("metadata")).get("raw")).strip()
    return ": ".join(filter(None, (message, raw)))


def _searched(failure: Json, body: str) -> str:
    """The words that tell one failure from another; what the server quotes of the request is not among them."""
    kinds = (string_of(failure.get(name)) for name in ("code", "type", "status", "reason"))
    said = "\n".join(filter(None, (*kinds, _message(failure))))
    return said or ("" if _is_page(body) else body[:2000])


def _category(searched: str, code: str | None, status: int | None, body: str) -> Category:
    if code is not None and code in _CODES and status != 401:  # noqa: PLR2004 - as HTTP has it
        return _CODES[code]
    for category, pattern in _TEXTS:
        if re.search(pattern, searched, re.IGNORECASE):
            # Who says when to come back speaks of a limit that passes.
            return "rate_limited" if category == "quota" and delay_in(body) is not None else category
    return _category_of_status(status)


def _category_of_status(status: int | None) -> Category:
    if status is None or status in _OK:
        return "server_error"
    if status in _STATUSES:
        return _STATUSES[status]
    if status < _FAILED.start:
        # A redirection: the address is another one.
        return "not_found"
    return "server_error" if status >= 500 else "invalid_request"  # noqa: PLR2004 - as HTTP has it


def _is_page(body: str) -> bool:
    return body.lstrip()[:1] == "<"


def _quoted(failure: Json, body: str, status: int | None) -> str:
    if message := _message(failure):
        return f": {message[:_QUOTED]}"
    if _is_page(body):
        hint = "" if status in range(500, 600) else "; is the base URL right, and does it end in /v1?"
        return f": it answered with a web page{hint}"
    return f": {body.strip()[:_QUOTED]}" if body.strip() else ""


def request_id(headers: Mapping[str, str]) -> str | None:
    """The server's name for a request, under the names in use."""
    names = ("x-request-id", "request-id", "x-tt-logid", "x-ms-request-id", "cf-ray")
    return next((headers[name] for name in names if name in headers), None)
