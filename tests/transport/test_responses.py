"""
Answers to errors: every kind of body that the API and its gateways send.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from clever_v4.errors import (
    APIError,
    BadRequestError,
    PermissionDeniedError,
    RateLimitedError,
    ResponseFormatError,
    ServerError,
    error_class_for,
)
from clever_v4.transport.redaction import secrets_in
from clever_v4.transport.responses import Response, error_from, is_success, retry_after_from

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def made(status: int, body: object, **headers: str) -> APIError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from(status, CIMultiDict(named), raw, now=NOW)


def test_older_generation_of_v4() -> None:
    """
    ``api_request_id`` and a context wrapped in its class's name.
    """
    error = made(
        400,
        {
            "api_request_id": "request_http_1",
            "code": "clever.core.bad-request",
            "context": {
                "OVDErrorFieldContext": {
                    "fieldName": "limit",
                    "fieldValue": "'a' is not a valid 32-bit signed integer value",
                }
            },
            "error": "The query parameter was malformed.",
        },
        sozu_id="01SOZU",
    )
    assert type(error) is BadRequestError
    assert error.code == "clever.core.bad-request"
    assert error.api_request_id == "request_http_1"
    assert error.request_id == "01SOZU"
    assert error.context["OVDErrorFieldContext"]["fieldName"] == "limit"
    assert str(error) == (
        "HTTP 400 clever.core.bad-request: The query parameter was malformed. "
        "(limit: 'a' is not a valid 32-bit signed integer value) (Sozu-Id 01SOZU)"
    )


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"type": "empty"}, "Refused."),
        ({"type": "field", "fieldName": "limit", "fieldValue": "a"}, "Refused. (limit: a)"),
        (
            {"type": "field", "name": "limit", "error": {"value": "a", "reason": "no number"}},
            "Refused. (limit: a, no number)",
        ),
        (
            {"type": "fields", "fields": {"a": {"fieldValue": "1"}, "b": {"reason": "odd"}}},
            "Refused. (a: 1; b: odd)",
        ),
        ({"type": "input", "inputNames": ["a", "b"]}, "Refused. (input: a, b)"),
        ({"type": "input", "names": ["a"]}, "Refused. (input: a)"),
        (
            {"type": "resource", "resourceName": "app_1", "resourceType": "application"},
            "Refused. (application app_1)",
        ),
        (
            {"type": "resource.operation", "operation": "DELETE", "resourceType": "addon"},
            "Refused. (DELETE addon)",
        ),
        (
            {"type": "bag", "elem": [{"type": "field", "fieldName": "a", "fieldValue": "1"}, 7]},
            "Refused. (a: 1)",
        ),
        (
            {"type": "gateway", "originalBody": "oops", "originalStatus": 503},
            "Refused. (the gateway's origin answered 503)",
        ),
        ({"type": "not.yet.known", "x": 1}, "Refused."),
        ("no object", "Refused."),
        (None, "Refused."),
    ],
)
def test_newer_generation_of_v4(context: Any, words: str) -> None:
    """
    ``apiRequestId`` and a context told apart by its ``type``, said in words.
    """
    error = made(
        400,
        {"apiRequestId": "r1", "code": "clever.core.x", "context": context, "error": "Refused."},
    )
    assert error.api_request_id == "r1"
    assert error.message == words


def test_v2_body() -> None:
    """
    v2 says ``id`` and ``message``, and sometimes ``fields``.
    """
    error = made(404, {"id": 4004, "message": "Unknown app", "type": "error"})
    assert (error.code, error.message) == ("4004", "Unknown app")
    error = made(
        400, {"id": 1000, "message": "Bad", "type": "error", "fields": {"name": "too short"}}
    )
    assert error.message == "Bad (name: too short)"
    assert error.context == {"fields": {"name": "too short"}}


def test_v2_validation_map() -> None:
    """
    Play's map of faults names each member.
    """
    error = made(400, {"obj.urls": [{"msg": ["error.path.missing"], "args": []}]})
    assert error.message == "obj.urls: error.path.missing"


def test_v2_403_that_means_too_many_requests() -> None:
    """
    A 403 with the id 403 is API v2's rate limit; any other 403 is a refusal.
    """
    limited = made(403, {"id": 403, "message": "You have performed that request too much."})
    assert type(limited) is RateLimitedError
    assert limited.status == 403
    assert type(made(403, {"id": 4003, "message": "no"})) is PermissionDeniedError
    assert type(made(403, b"")) is PermissionDeniedError


def test_json_as_text_plain_is_read_as_json() -> None:
    """
    The content type is not asked.
    """
    error = made(400, {"code": "c", "error": "e"}, content_type="text/plain")
    assert (error.code, error.message) == ("c", "e")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"<html><head><title>502 Bad Gateway</title></head><body>x</body></html>",
            "502 Bad Gateway",
        ),
        (
            b"<html><style>p {}</style><p>It &amp; that\n  failed</p></html>",
            "It & that failed",
        ),
        (b"<?xml version='1.0'?><Error><Code>Busy</Code></Error>", "Busy"),
        (b"upstream connect error", "upstream connect error"),
        (b'"quoted text"', "quoted text"),
        (b"", ""),
        (b"{broken", "{broken"),
        (b"[1, 2]", "[1, 2]"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_what_gateways_say_becomes_words(body: bytes, message: str) -> None:
    """
    A page gives its title or its text, anything else itself.
    """
    error = made(502, body)
    assert type(error) is ServerError
    assert error.message == message


def test_long_body_is_clipped() -> None:
    """
    An error keeps the beginning of what came, not all of it.
    """
    error = made(500, b"x" * 100_000)
    assert len(error.body) == 2048
    assert len(error.message) == 500


def test_redirect_is_told_and_not_followed() -> None:
    """
    Where it points is said without its query, which may hold secrets.
    """
    error = made(302, b"", Location="https://elsewhere/x?token=abc")
    assert type(error) is APIError
    assert error.message == "a redirect to https://elsewhere/x, which is not followed"


def test_secrets_echoed_by_a_gateway_are_taken_out() -> None:
    """
    No part of the error shows what was sent to prove who asks.
    """
    header = 'OAuth oauth_consumer_key="CONSUMER", oauth_token="THETOKEN", oauth_signature="SECRET1%26SECRET2"'
    body = b"you sent " + header.encode() + b" and SECRET2"
    error = error_from(400, CIMultiDict(), body, secrets=secrets_in(header))
    shown = f"{error!r}{error}{vars(error)}"
    for secret in ("CONSUMER", "THETOKEN", "SECRET1", "SECRET2"):
        assert secret not in shown
    assert "[redacted]" in shown


@given(st.binary(), st.sampled_from([301, 400, 401, 403, 404, 429, 500, 502]))
def test_any_body_makes_an_error_of_its_status(body: bytes, status: int) -> None:
    """
    Whatever the bytes, the answer is an error that says its status.
    """
    error = error_from(status, CIMultiDict(), body)
    assert type(error) in {error_class_for(status), RateLimitedError}
    assert f"HTTP {status}" in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id", "message", "error", "code", "context", "fields", "type", "elem", "names",
                    "name", "fieldName", "resourceType", "originalStatus", "OVDErrorFieldContext",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_any_json_makes_an_error(value: object) -> None:
    """
    Known members with unknown values break nothing.
    """
    assert isinstance(made(400, value), APIError)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "0"}, timedelta(0)),
        ({"Retry-After": " 120 "}, timedelta(seconds=120)),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9" * 30}, timedelta(seconds=10**9)),
        ({"Retry-After": "Sun, 01 Mar 2026 12:01:00 GMT"}, timedelta(seconds=60)),
        ({"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT"}, timedelta(0)),
        (
            {
                "Retry-After": "Sun, 01 Mar 2026 09:00:10 GMT",
                "Date": "Sun, 01 Mar 2026 09:00:00 GMT",
            },
            timedelta(seconds=10),
        ),
        ({"Retry-After": "Sun, 99 Mar 2026 12:01:00 GMT"}, None),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 -1200"}, None),
        ({"Retry-After": "Sun Mar  1 12:01:00 2026"}, timedelta(seconds=60)),
        ({"Retry-After": "Sunday, 01-Mar-26 12:01:00 GMT"}, timedelta(seconds=60)),
        ({"Retry-After": "Sun, 01 Mar 2026 12:01:00 -0000"}, timedelta(seconds=60)),
    ],
)
def test_retry_after_in_both_forms(headers: dict[str, str], expected: timedelta | None) -> None:
    """
    Seconds or a date; a date counts from the answer's own Date, so that a wrong clock does not matter.
    """
    assert retry_after_from(CIMultiDict(headers), now=NOW) == expected


def test_success_ends_at_299() -> None:
    """
    A redirect is no success.
    """
    assert [is_success(status) for status in (199, 200, 204, 299, 300, 404)] == [
        False, True, True, True, False, False,
    ]  # fmt: skip


def test_response_reads_its_body() -> None:
    """
    As text, as plain values, as a model.
    """
    response = Response(
        status=200, headers=CIMultiDict(), body='{"a": [1, "é"]}'.encode(), request_id="01S"
    )
    assert response.text == '{"a": [1, "é"]}'
    assert response.json() == {"a": [1, "é"]}
    assert response.json(dict[str, list[int | str]]) == {"a": [1, "é"]}
    assert "é" not in repr(response)
    with pytest.raises(ResponseFormatError, match="Sozu-Id 01S"):
        response.json(list[int])


@pytest.mark.parametrize(
    "body",
    [
        b"<" * 65_536,
        b"<title>" * 9_000,
        b"<style>" * 9_000,
        b"<script" * 9_000,
        b"</style" * 9_000,
        b"<style>" + b"</style " * 8_000,
        b"<a " * 20_000,
    ],
)
def test_a_broken_page_is_read_in_no_time(body: bytes) -> None:
    """
    As much of a body as is read of an error; looking again from every tag took a minute of it.
    """
    started = time.process_time()
    error = error_from(502, {}, body)
    assert error.status == 502
    assert time.process_time() - started < 5


@pytest.mark.parametrize("depth", [100, 450, 900, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"msg":', b"}]"), (b'{"elem":[', b"]}")],
)
def test_a_deep_body_makes_an_error(depth: int, opening: bytes, closing: bytes) -> None:
    """
    However deep it is nested, in an unknown member and in the context.
    """
    nested = opening * depth + b"1" + closing * depth
    for body in (b'{"a":%s}' % nested, b'{"error":"no","context":%s}' % nested):
        assert error_from(400, {}, body).status == 400


def test_an_error_s_text_can_be_written() -> None:
    """
    Half a surrogate pair in it could not be printed; a mark of the byte order is no part of it.
    """
    error = error_from(400, {}, b'\xef\xbb\xbf{"error":"cut \\ud83d","code":"a\\udc00"}')
    assert (error.message, error.code) == ("cut \ufffd", "a\ufffd")
    assert error_from(502, {}, b'"\\ud83d"').message == "\ufffd"
    str(error).encode()
