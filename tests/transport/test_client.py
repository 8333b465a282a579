"""
Requests over real sockets: what is sent, and what an answer becomes.
"""

from __future__ import annotations

import gzip
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from clever_v4.auth import ApiToken, OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    ResponseFormatError,
    ResponseTooLargeError,
    ServerError,
)
from clever_v4.session import Session
from clever_v4.transport.policies import ResponseInfo
from tests.serving import answers, serve

from .support import session


async def test_request_carries_credentials_and_says_who_it_is() -> None:
    """
    Bearer, Accept and a User-Agent that names the library.
    """
    async with serve(answers((200, "{}"))) as server, session(server) as ours:
        await ours.request("GET", "/v2/self")
    headers = server.requests[0].headers
    assert headers["Authorization"] == "Bearer the-token"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"].startswith("clever-v4/")


async def test_unauthenticated_request_carries_no_credentials() -> None:
    """
    Neither without credentials, nor with them where they are not wanted.
    """
    async with serve(answers((200, "{}"))) as server:
        async with session(server) as ours:
            await ours.request("GET", "/x", authenticated=False)
        async with session(server, auth=None) as ours:
            await ours.request("GET", "/x")
    assert all("Authorization" not in request.headers for request in server.requests)


NASTY = [
    ("filter", "a b+c&d=e%20f/é?#~*'()!"),
    ("field", "date"),
    ("field", "message"),
    ("field", "a"),
    ("empty", ""),
    ("ключ", "значение"),
    ("field", "message"),
]


@pytest.mark.parametrize("method", ["PLAINTEXT", "HMAC-SHA512"])
async def test_what_is_signed_is_what_is_sent(emulator: Emulator, method: str) -> None:
    """
    The emulator verifies the signature over the raw bytes: nasty characters and repeated keys pass.
    """
    auth = OAuth1(
        token=emulator.oauth_token,
        token_secret=emulator.oauth_secret,
        consumer_key=emulator.consumer_key,
        consumer_secret=emulator.consumer_secret,
        signature_method=method,  # type: ignore[arg-type]  -- converted
    )
    async with Session(auth, base_url=emulator.url) as ours:
        me = (await ours.request("GET", "/v2/self", query=NASTY)).json()
        assert me["id"] == emulator.user_id
        # A nasty path is signed, too: were it not, this were a 401.
        with pytest.raises(NotFoundError):
            await ours.request("GET", ("v2", "organisations", "a/b c+é~*'()!&=", "applications"))


@pytest.mark.parametrize("method", ["PLAINTEXT", "HMAC-SHA512"])
async def test_wrong_secret_is_an_authentication_error(emulator: Emulator, method: str) -> None:
    """
    A 401 is told at once, with the API's code and the Sozu-Id.
    """
    auth = OAuth1(
        token=emulator.oauth_token,
        token_secret="wrong",
        consumer_key=emulator.consumer_key,
        consumer_secret=emulator.consumer_secret,
        signature_method=method,  # type: ignore[arg-type]  -- converted
    )
    async with Session(auth, base_url=emulator.url) as ours:
        with pytest.raises(AuthenticationError) as raised:
            await ours.request("GET", "/v2/self")
    assert raised.value.code == "2001"  # not connected, in the words of API v2
    assert raised.value.request_id
    assert raised.value.request_id in str(raised.value)


async def test_json_body_is_sent_with_its_null_members() -> None:
    """
    None is null, and no argument is no body.
    """
    async with serve(answers((200, "{}"))) as server, session(server) as ours:
        await ours.request("PATCH", "/x", json={"a": None, "b": 1})
        await ours.request("POST", "/x", json=None)
        await ours.request("POST", "/x")
    assert server.bodies == [b'{"a":null,"b":1}', b"null", b""]
    assert server.requests[0].headers["Content-Type"] == "application/json"
    assert "Content-Type" not in server.requests[2].headers  # no body has no type


async def test_own_headers_win() -> None:
    """
    An ``Authorization`` of the caller's replaces the session's.
    """
    async with serve(answers((200, "{}"))) as server, session(server) as ours:
        await ours.request("GET", "/x", headers={"authorization": "Bearer mine", "X-A": "1"})
    assert server.requests[0].headers.getall("Authorization") == ["Bearer mine"]
    assert server.requests[0].headers["X-A"] == "1"


async def test_own_header_replaces_ours_in_any_case() -> None:
    """
    One of the same name wins, however it is written.
    """
    async with serve(answers((200, "{}"))) as server, session(server) as ours:
        await ours.request("GET", "/x", headers={"accept": "text/html", "USER-AGENT": "mine"})
    assert server.requests[0].headers.getall("Accept") == ["text/html"]
    assert server.requests[0].headers.getall("User-Agent") == ["mine"]


async def test_base_url_may_have_a_prefix() -> None:
    """
    A proxy in front of the API may live under a path.
    """
    async with (
        serve(answers((200, "{}"))) as server,
        Session(ApiToken("t"), base_url=f"{server.url}/clever/") as ours,
    ):
        await ours.request("GET", "/v4/x", query={"a": 1})
    assert server.requests[0].path_qs == "/clever/v4/x?a=1"


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("FETCH", "/x", r"^method must be one of DELETE, GET, .*, got 'FETCH'"),
        ("GET", "x", r"^path must begin with '/', got 'x'"),
        ("GET", "/x?a=1", r"^path must not hold a query or fragment"),
        ("GET", "/x/../y", r"^path segment 2 must be neither empty, '\.' nor '\.\.', got '\.\.'"),
        ("GET", "/x//y", r"^path segment 2 must be neither empty"),
        ("GET", "https://evil.example.com/", r"^path must begin with '/'"),
    ],
)
async def test_request_that_cannot_be_meant_is_refused(
    emulator: Emulator, method: str, path: str, text: str
) -> None:
    """
    Before anything is sent.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as ours:
        with pytest.raises(ValueError, match=text):
            await ours.request(method, path)


def test_json_numbers_keep_their_digits() -> None:
    """
    A Decimal leaves as a number with all its digits.
    """
    from decimal import Decimal

    from clever_v4.transport.client import _encode_json

    assert _encode_json({"amount": Decimal("12.340")}) == b'{"amount":12.340}'
    assert json.loads(_encode_json({"at": datetime(2026, 1, 1, tzinfo=UTC)})) == {
        "at": "2026-01-01T00:00:00Z"
    }


async def test_answer_has_status_headers_body_and_sozu_id() -> None:
    """
    The escape hatch hands over the whole answer; JSON may come as text/plain.
    """
    plan = (201, '{"a": 1}', {"Content-Type": "text/plain", "X-A": "b"})
    async with serve(answers(plan)) as server, session(server) as ours:
        answer = await ours.request("POST", "/x", json={})
    assert (answer.status, answer.request_id, answer.json()) == (201, "01SOZU", {"a": 1})
    assert answer.headers["x-a"] == "b"


async def test_answer_that_is_no_model_names_the_sozu_id() -> None:
    """
    A page with status 200 is a format error, not a crash.
    """
    async with serve(answers((200, "<html>maintenance"))) as server, session(server) as ours:
        with pytest.raises(ResponseFormatError, match=r"not JSON.*\(Sozu-Id 01SOZU\)") as raised:
            await ours.zones.list()
    assert raised.value.request_id == "01SOZU"


@pytest.mark.parametrize("status", [200, 204])
async def test_empty_answer_is_an_answer_but_no_model(status: int) -> None:
    """
    The escape hatch hands it over; where a model is wanted, its absence is told.
    """
    async with serve(answers((status, ""))) as server, session(server) as ours:
        answer = await ours.request("DELETE", "/x")
        assert (answer.status, answer.body, answer.text) == (status, b"", "")
        with pytest.raises(ResponseFormatError, match=r"it is empty \(Sozu-Id 01SOZU\)"):
            answer.json()
        with pytest.raises(ResponseFormatError, match="it is empty"):
            await ours.zones.list()


async def test_page_of_a_gateway_becomes_a_server_error() -> None:
    """
    An HTML 502 gives its title.
    """
    page = "<html><head><title>502 Bad Gateway</title></head></html>"
    async with serve(answers((502, page))) as server, session(server, retry=None) as ours:
        with pytest.raises(ServerError) as raised:
            await ours.zones.list()
    assert str(raised.value) == (
        f"GET {server.url}/v4/products/zones: HTTP 502: 502 Bad Gateway (Sozu-Id 01SOZU)"
    )


@pytest.mark.parametrize("generation", ["2023", "2026"])
async def test_both_generations_of_error_bodies_are_read(generation: Any) -> None:
    """
    The emulator speaks either.
    """
    async with (
        Emulator(error_generation=generation) as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as ours,
    ):
        with pytest.raises(NotFoundError) as raised:
            await ours.zones.get("nowhere")
    assert raised.value.code == "clever.core.not-found"
    assert raised.value.api_request_id
    assert raised.value.request_id


async def test_redirect_is_not_followed() -> None:
    """
    Credentials do not travel to where a redirect points.
    """
    plan = (302, "", {"Location": "/elsewhere"})
    async with serve(answers(plan)) as server, session(server) as ours:
        with pytest.raises(APIError, match="a redirect to /elsewhere, which is not followed"):
            await ours.request("GET", "/x")
    assert len(server.requests) == 1


async def test_error_shows_no_credentials_even_if_the_server_echoes_them() -> None:
    """
    A debugging page of a gateway does not put the token into a log.
    """

    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=400, text=str(dict(request.headers)))

    async with serve(echo) as server, session(server) as ours:
        with pytest.raises(BadRequestError) as raised:
            await ours.request("GET", "/x", query={"secret-filter": "private"})
    shown = f"{raised.value!r} {raised.value.body}"
    assert "the-token" not in shown
    assert "private" not in shown
    assert "[redacted]" in shown


async def test_answer_beyond_the_cap_is_refused() -> None:
    """
    The message says the limit; decompressed bytes count.
    """
    zipped = gzip.compress(b"x" * 100_000)
    plan = (200, zipped, {"Content-Encoding": "gzip"})
    async with serve(answers(plan)) as server, session(server, max_response_bytes=50_000) as ours:
        with pytest.raises(ResponseTooLargeError) as raised:
            await ours.request("GET", "/x")
    assert str(raised.value) == "the answer exceeds the limit of 50,000 bytes (Sozu-Id 01SOZU)"
    assert len(server.requests) == 1


async def test_cap_holds_without_a_content_length() -> None:
    """
    A chunked answer does not say how long it will be, and may never end.
    """

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    async with (
        serve(endless) as server,
        session(server, max_response_bytes=50_000, max_connections=1) as ours,
    ):
        for _ in range(2):
            with pytest.raises(ResponseTooLargeError, match="exceeds the limit of 50,000 bytes"):
                await ours.request("GET", "/x")


async def test_on_response_is_told_of_every_answer() -> None:
    """
    Retried ones and errors too, with their Sozu-Id, and without the query.
    """
    told: list[ResponseInfo] = []
    plans = answers((503, "", {"Sozu-Id": "A"}), (200, "{}", {"Sozu-Id": "B"}), (404, ""))
    async with serve(plans) as server, session(server, on_response=told.append) as ours:
        await ours.request("GET", "/x", query={"a": "private"})
        with pytest.raises(NotFoundError):
            await ours.request("GET", "/y")
    assert [(info.status, info.request_id) for info in told] == [
        (503, "A"),
        (200, "B"),
        (404, "01SOZU"),
    ]
    assert told[0].url == f"{server.url}/x"
    assert told[0].method == "GET"
    assert told[0].elapsed > timedelta(0)
    assert "private" not in repr(told)


async def test_what_on_response_raises_reaches_the_caller() -> None:
    """
    Nothing is swallowed, and the connection is not lost by it.
    """

    def fail(_: ResponseInfo) -> None:
        raise KeyError("mine")

    async with (
        serve(answers((200, "{}"))) as server,
        session(server, on_response=fail, max_connections=1) as ours,
    ):
        for _ in range(3):
            with pytest.raises(KeyError, match="mine"):
                await ours.request("GET", "/x")


async def test_wire_facts_are_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """
    DEBUG tells method, address, status and Sozu-Id; never the token or the query.
    """
    caplog.set_level(logging.DEBUG, logger="clever_v4")
    async with serve(answers((200, "{}"))) as server, session(server) as ours:
        await ours.request("GET", "/x", query={"a": "private"})
    text = caplog.text
    assert f"GET {server.url}/x: HTTP 200 in" in text
    assert "Sozu-Id 01SOZU" in text
    assert "the-token" not in text
    assert "private" not in text
