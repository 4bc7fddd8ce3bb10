"""What a failed response means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.chat.errors import error_of, failed_finish, retry_after
from agentkit.errors import ModelError

NOON = 1_792_584_000.0
"""Noon of 21 October 2026, UTC."""


def failed(status, body="", headers=None):
    text = body if isinstance(body, str) else json.dumps(body)
    return error_of(text, endpoint="example.com/m", status=status, headers=headers or {}, now=NOON)


def told(message="", **fields):
    return {"error": {"message": message, **fields}}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "code", "detail", "type", "x"]), inner, max_size=3)
        | inner.map(json.dumps)
    ),
    max_leaves=8,
)
bodies = st.text(max_size=50) | json_values.map(json.dumps) | st.just("[" * 100_000)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "date", "x-request-id"]),
    st.text(max_size=12)
    | st.sampled_from(["1", "9" * 400, "1m", "Wed, 21 Oct 2026 07:28:30 GMT", "Mon, 1 Jan 1 0:0:0"]),
)


@given(bodies, st.none() | st.integers(100, 999), headers)
def test_any_response_makes_an_error(body, status, headers):
    """No body and no header is so odd that it raises, and the body is kept."""
    error = error_of(body, endpoint="example.com/m", status=status, headers=headers)

    assert isinstance(error, ModelError)
    assert body == error.body
    assert error.retry_after is None or 0 <= error.retry_after < float("inf")


@pytest.mark.parametrize("said", ["input token count ", "max_tokens", "model ", "try again in 1s"])
def test_a_long_message_takes_no_longer_than_its_words(said):
    """A message that says the same thousands of times is read in a moment, not in minutes."""
    assert isinstance(failed(400, told(said * 20_000)), ModelError)


@pytest.mark.parametrize(
    ("status", "body", "category"),
    [
        (429, told("…", code="RateLimitExceeded.EndpointRPMExceeded"), "rate_limited"),
        (429, told("…", code="ServerOverloaded"), "overloaded"),
        (429, told("…", code="SetLimitExceeded"), "quota"),
        (429, told("…", code="insufficient_quota"), "quota"),
        (429, told("…", code="1302"), "rate_limited"),
        (429, told("…", code="1308"), "quota"),
        (
            429,
            told("Request too large for m: Limit 30000, Requested 40123.", code="rate_limit_exceeded"),
            "context_length",
        ),
        (
            400,
            told("Total tokens of image and text exceed max message tokens", code="InvalidParameter"),
            "context_length",
        ),
        (400, told("maximum context length is 1302 tokens", code=400), "context_length"),
        (403, told("Input token count + max_tokens parameter must be less than …"), "context_length"),
        (400, told("…", code="InputTextSensitiveContentDetected"), "content_filter"),
        (403, told("Your input was flagged", code=403), "content_filter"),
        (403, told("…", code="AccountOverdueError"), "quota"),
        (403, told("…", code="insufficient_user_quota"), "quota"),
        (402, told("Insufficient credits."), "quota"),
        (503, told("…", code="model_not_found"), "not_found"),
        (404, "", "not_found"),
        (307, "", "not_found"),
        (401, told("…", code=1002), "auth"),
        (403, "", "auth"),
        (400, told("Invalid signature", code="InvalidParameter"), "invalid_request"),
        (422, {"detail": [{"type": "extra_forbidden", "msg": "Extra inputs", "input": "payment"}]}, "invalid_request"),
        (413, "", "context_length"),
        (408, "", "timeout"),
        (524, "error code: 524", "timeout"),
        (503, "", "overloaded"),
        (500, told("…", code="InternalServiceError"), "server_error"),
        (502, "<html>payment overloaded</html>", "server_error"),
        (200, told("…", code=429), "rate_limited"),
        (200, {"base_resp": {"status_code": 1002, "status_msg": "…"}}, "rate_limited"),
        (200, "no JSON", "server_error"),
        (None, told("…"), "server_error"),
    ],
)
def test_the_body_counts_for_more_than_the_status(status, body, category):
    """One status is used for many failures, and the words tell them apart."""
    assert category == failed(status, body).category


@pytest.mark.parametrize(
    ("category", "status"),
    [("rate_limited", 429), ("overloaded", 503), ("server_error", 500), ("timeout", 504), ("server_error", 599)],
)
def test_a_failure_that_passes_may_be_tried_again(category, status):
    """What the server can mend itself is worth another attempt."""
    assert (category, True) == (failed(status).category, failed(status).retryable)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_failure_that_stays_may_not_be_tried_again(status):
    """The same request would fail in the same way."""
    assert not failed(status).retryable


def test_the_server_decides_about_another_attempt():
    """Its own word counts for more than the category."""
    assert not failed(500, headers={"x-should-retry": "false"}).retryable
    assert failed(400, headers={"x-should-retry": "true"}).retryable


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (told("No.", code="c", type="t"), "c", "No."),
        (told("No.", code=None, type="t"), "t", "No."),
        (told("No.", code="", type=""), None, "No."),
        (told("No.", code=400), "400", "No."),
        ([told("No.", code=429)], "429", "No."),
        ({"type": "error", "error": {"type": "too_big", "message": "No."}}, "too_big", "No."),
        ({"object": "error", "message": "No.", "type": "t", "code": 3280}, "3280", "No."),
        ({"error": "No."}, None, "No."),
        ({"code": "c", "error": "No."}, "c", "No."),
        ({"detail": "No."}, None, "No."),
        ({"detail": [{"type": "missing", "msg": "No."}]}, None, "No."),
        ({"detail": json.dumps(told("No.", code=400))}, "400", "No."),
        (told(json.dumps(told("No.")), code=400), "400", "No."),
        ({"base_resp": {"status_code": 9999, "status_msg": "No."}}, "9999", "No."),
        (told("Provider returned error", metadata={"raw": "No."}), None, "Provider returned error: No."),
        ("No.", None, "No."),
    ],
)
def test_the_words_are_found_wherever_they_are(body, code, message):
    """Servers agree on nothing; the innermost object is the one that tells."""
    error = failed(422, body)

    assert (code, f"example.com/m refused the request (HTTP 422): {message}") == (error.code, str(error))


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"retry-after": "20"}, "", 20.0),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after-ms": "250", "retry-after": "20"}, "", 0.25),
        ({"retry-after": "2m59.56s"}, "", 179.56),
        ({"retry-after": "Wed, 21 Oct 2026 12:00:30 GMT"}, "", 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 11:00:00 GMT"}, "", 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 12:00:30 GMT", "date": "Wed, 21 Oct 2026 12:00:20 GMT"}, "", 10.0),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "9" * 400}, "", None),
        ({}, '{"retryDelay": "37s"}', 37.0),
        ({}, "Please try again in 7.66s.", 7.66),
        ({}, "Please try again in 1m2s.", 62.0),
        ({}, "try again in 1.2.3s", None),
        ({}, "", None),
    ],
)
def test_the_wait_is_read_in_every_form_in_use(headers, body, expected):
    """Seconds, milliseconds, durations, dates by the server's clock, and what the body says."""
    assert expected == pytest.approx(retry_after(headers, body, NOON))


def test_a_quota_with_a_delay_is_a_limit_that_passes():
    """The words are the same; who says when to come back means it."""
    body = told("You exceeded your current quota, please check your billing", details=[{"retryDelay": "37s"}])
    error = failed(429, body)

    assert ("rate_limited", True, 37.0) == (error.category, error.retryable, error.retry_after)


def test_the_headers_of_a_good_response_ask_for_no_wait():
    """They were written before anything failed."""
    assert failed(200, told("…", code=429), {"retry-after": "5"}).retry_after is None


@pytest.mark.parametrize(
    ("body", "status"),
    [(told("…", code=429), 429), (told("…", status_code=400, code="x"), 400), (told("…", code=1302), 200), ("", 200)],
)
def test_a_code_inside_a_good_response_is_its_status(body, status):
    """A server that failed too late for a status puts it in the body."""
    assert status == failed(200, body).status


def test_a_page_is_a_hint_at_the_address():
    """A person sees that the address is wrong, not a heap of HTML; of a gateway's page that would be wrong."""
    assert (
        "example.com/m refused the request (HTTP 405): it answered with a web page; is the base URL right, and does it end in /v1?"
        == str(failed(405, "<!DOCTYPE html><html></html>"))
    )
    assert "example.com/m failed (HTTP 502): it answered with a web page" == str(failed(502, "<html></html>"))


def test_the_request_has_the_servers_name():
    """So that its operator can be asked."""
    assert "r1" == failed(500, headers={"x-request-id": "r1"}).request_id
    assert failed(500).request_id is None


@pytest.mark.parametrize(
    ("reason", "category"),
    [
        ("insufficient_system_resource", "overloaded"),
        ("network_error", "server_error"),
        ("error", "server_error"),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", "malformed_response"),
        ("stop", None),
        ("", None),
        ("no_error", None),
    ],
)
def test_a_reason_to_stop_may_be_a_failure(reason, category):
    """Some servers fail with nothing but that word."""
    assert category == failed_finish(reason)
