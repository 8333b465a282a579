"""
Requests over real sockets: what is sent, retried, refused, bounded and given back.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import ssl
import traceback
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
import stamina
from aiohttp import web

from clever_v4.auth import ApiToken, Auth, OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseFormatError,
    ResponseTooLargeError,
    ServerError,
    SessionClosedError,
)
from clever_v4.session import Session
from clever_v4.transport.policies import ResponseInfo, Retry, Timeout
from tests.serving import Server, answers, serve

PROMPT = Retry(
    attempts=3, wait_initial=timedelta(0), wait_max=timedelta(0), wait_jitter=timedelta(0)
)


@pytest.fixture(autouse=True)
def _quiet_stamina() -> Iterator[None]:
    # Its default hook logs each retry; what we tell is tested below.
    hooks = stamina.instrumentation.get_on_retry_hooks()
    stamina.instrumentation.set_on_retry_hooks([])
    yield
    stamina.instrumentation.set_on_retry_hooks(hooks)


def session(server: Server, **options: Any) -> Session:
    auth = options.pop("auth", ApiToken("the-token"))
    return Session(auth, base_url=server.url, **{"retry": PROMPT, **options})


# --- what is sent --------------------------------------------------------------------------


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
    assert "application/json" not in server.requests[2].headers.get("Content-Type", "")


async def test_own_headers_win() -> None:
    """
    An ``Authorization`` of the caller's replaces the session's.
    """
    async with serve(answers((200, "{}"))) as server, session(server) as ours:
        await ours.request("GET", "/x", headers={"authorization": "Bearer mine", "X-A": "1"})
    assert server.requests[0].headers.getall("Authorization") == ["Bearer mine"]
    assert server.requests[0].headers["X-A"] == "1"


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


# --- answers ---------------------------------------------------------------------------------


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


# --- retries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
async def test_idempotent_request_is_repeated_after(status: int) -> None:
    """
    Each of these statuses passes.
    """
    async with serve(answers((status, ""), (200, "{}"))) as server, session(server) as ours:
        assert (await ours.request("GET", "/x")).status == 200
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 500, 501])
async def test_other_statuses_are_final(status: int) -> None:
    """
    Asking again would not change them.
    """
    async with serve(answers((status, ""), (200, "{}"))) as server, session(server) as ours:
        with pytest.raises(APIError):
            await ours.request("GET", "/x")
    assert len(server.requests) == 1


async def test_cut_connection_is_repeated() -> None:
    """
    A connection that breaks before the answer is a network fault.
    """
    async with (
        serve(answers(ConnectionResetError, (200, "{}"))) as server,
        session(server) as ours,
    ):
        assert (await ours.request("GET", "/x")).status == 200
    assert len(server.requests) == 2


async def test_cut_connection_is_repeated_by_us_alone() -> None:
    """
    aiohttp's own hidden repetition, with a used signature, is off: also on a reused connection.
    """
    plans = answers((200, "{}"), ConnectionResetError)
    async with serve(plans) as server, session(server, retry=None) as ours:
        await ours.request("GET", "/x")
        with pytest.raises(ConnectionFailedError, match="/y: Server disconnected"):
            await ours.request("GET", "/y")
    assert len(server.requests) == 2


async def test_lender_s_middlewares_stay_in_force() -> None:
    """
    A borrowed session's own middlewares still see every request.
    """

    async def mark(request: aiohttp.ClientRequest, handler: Any) -> aiohttp.ClientResponse:
        request.headers["X-Marked"] = "yes"
        return await handler(request)

    async with (
        serve(answers((200, "{}"))) as server,
        aiohttp.ClientSession(middlewares=(mark,)) as http,
        session(server, http=http) as ours,
    ):
        await ours.request("GET", "/x")
    assert server.requests[0].headers["X-Marked"] == "yes"


async def test_body_that_breaks_off_is_repeated() -> None:
    """
    An answer that ends before its Content-Length is no answer.
    """
    first = True

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal first
        if not first:
            return web.Response(text="{}")
        first = False
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    async with serve(handler) as server, session(server) as ours:
        assert (await ours.request("GET", "/x")).json() == {}
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_request_that_may_not_be_sent_twice_is_not(method: str) -> None:
    """
    POST and PATCH are repeated only where the caller says that they may be.
    """
    async with serve(answers((503, ""), (200, "{}"))) as server, session(server) as ours:
        with pytest.raises(ServerError):
            await ours.request(method, "/x", json={})
        assert len(server.requests) == 1
        await ours.request(method, "/x", json={}, idempotent=True)


async def test_attempts_are_bounded_and_the_last_error_is_told() -> None:
    """
    Three times by this policy; ``retry=None`` and ``idempotent=False`` send once.
    """
    async with serve(answers((503, "busy"))) as server:
        async with session(server) as ours:
            with pytest.raises(ServerError, match="busy"):
                await ours.request("GET", "/x")
            assert len(server.requests) == 3
            with pytest.raises(ServerError):
                await ours.request("GET", "/x", idempotent=False)
            assert len(server.requests) == 4
        async with session(server, retry=None) as ours:
            with pytest.raises(ServerError):
                await ours.request("GET", "/x")
            assert len(server.requests) == 5


async def test_every_attempt_is_signed_afresh(emulator: Emulator) -> None:
    """
    The second attempt has another nonce and signature.
    """
    auth = OAuth1(token="t", token_secret="s", signature_method="HMAC-SHA512")  # type: ignore[arg-type]
    plans = answers((503, ""), (200, "{}"))
    async with serve(plans) as server, session(server, auth=auth) as ours:
        await ours.request("GET", "/x")
    first, second = (request.headers["Authorization"] for request in server.requests)
    assert first != second


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """
    How long each retry was to wait, as stamina was told.
    """
    told: list[float] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: told.append(details.wait_for)])
    yield told
    stamina.instrumentation.set_on_retry_hooks([])


async def test_retry_after_in_seconds_is_waited_for(waits: list[float]) -> None:
    """
    It takes the place of the usual back-off.
    """
    plans = answers((429, "", {"Retry-After": "1"}), (200, "{}"))
    async with serve(plans) as server, session(server) as ours:
        await ours.request("GET", "/x")
    assert waits == [1.0]


async def test_retry_after_as_a_date_is_waited_for(waits: list[float]) -> None:
    """
    Counted from the answer's own Date.
    """
    headers = {
        "Retry-After": "Sun, 01 Mar 2026 12:00:01 GMT",
        "Date": "Sun, 01 Mar 2026 12:00:00 GMT",
    }
    plans = answers((503, "", headers), (200, "{}"))
    async with serve(plans) as server, session(server) as ours:
        await ours.request("GET", "/x")
    assert waits == [1.0]


async def test_retry_after_that_is_too_long_is_told_at_once(waits: list[float]) -> None:
    """
    The caller decides about hours; the error says how many.
    """
    plan = (
        429,
        '{"code": "clever.core.too-many-requests", "error": "Slow."}',
        {"Retry-After": "3600"},
    )
    async with serve(answers(plan)) as server, session(server) as ours:
        with pytest.raises(RateLimitedError) as raised:
            await ours.request("GET", "/x")
    assert raised.value.retry_after == timedelta(hours=1)
    assert "clever.core.too-many-requests: Slow. (retry after 3600 s)" in str(raised.value)
    assert waits == []


async def test_v2_rate_limit_is_a_rate_limited_error() -> None:
    """
    API v2 says 403 with the id 403; like every 403, it is not repeated.
    """
    body = '{"id":403,"message":"You have performed that request too much.","type":"error"}'
    async with serve(answers((403, body))) as server, session(server) as ours:
        with pytest.raises(RateLimitedError, match="too much"):
            await ours.request("GET", "/v2/self")
    assert len(server.requests) == 1


# --- faults and time-outs -----------------------------------------------------------------------


async def test_refused_connection_is_told(unused_tcp_port: int) -> None:
    """
    The message says where; the cause is aiohttp's.
    """
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with Session(ApiToken("t"), base_url=url, retry=None) as ours:
        with pytest.raises(ConnectionFailedError, match=rf"^GET {url}/x: Cannot connect") as raised:
            await ours.request("GET", "/x")
    assert isinstance(raised.value.__cause__, aiohttp.ClientConnectorError)


async def test_what_is_not_http_is_a_connection_error() -> None:
    """
    A server that speaks another protocol.
    """

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with Session(ApiToken("the-token"), base_url=url, retry=None) as ours:
            with pytest.raises(ConnectionFailedError, match=rf"^GET {url}/x: ") as raised:
                await ours.request("GET", "/x", query={"filter": "private"})
    # The source lines of a traceback show what this test wrote, so only what errors say counts.
    told = [line for line in traceback.format_exception(raised.value) if "Error" in line]
    chain = [raised.value, raised.value.__cause__]
    assert "the-token" not in f"{told}{chain!r}"
    assert "private" not in f"{told[-1]}{chain!r}"


async def test_error_whose_body_breaks_off_is_told_by_its_status() -> None:
    """
    Half a page says less, not nothing; an endless one is not read to its end.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        length = "100" if request.path == "/half" else "10000000"
        response = web.StreamResponse(status=500, headers={"Content-Length": length})
        await response.prepare(request)
        await response.write(b"half a page" + b"." * (0 if request.path == "/half" else 100_000))
        assert request.transport is not None
        request.transport.close()
        return response

    async with serve(handler) as server, session(server, max_connections=1) as ours:
        for path in ("/half", "/endless", "/half"):
            with pytest.raises(ServerError, match="half a page") as raised:
                await ours.request("GET", path)
            assert raised.value.status == 500


async def test_certificate_is_not_asked_twice(
    unused_tcp_port: int, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """
    An untrusted certificate does not become right by asking again; a context that trusts it does.
    """
    ours_context, theirs = tls
    shaken = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal shaken
        shaken += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", unused_tcp_port, ssl=theirs)
    base = f"https://localhost:{unused_tcp_port}"
    told: list[float] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: told.append(1)])
    async with server:
        async with Session(base_url=base, retry=PROMPT) as ours:
            with pytest.raises(ConnectionFailedError, match="certificate"):
                await ours.request("GET", "/x")
        assert told == []
        async with Session(base_url=base, retry=PROMPT, ssl=ours_context) as ours:
            assert (await ours.request("GET", "/x")).json() == {}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """
    A context that trusts a self-signed certificate for localhost, and the server's.
    """
    import subprocess

    where = tmp_path_factory.mktemp("tls")
    certificate, key = where / "cert.pem", where / "key.pem"
    try:
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", key, "-out", certificate,
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is needed to make a certificate")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return ssl.create_default_context(cafile=certificate), server


async def _stall(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"{")
    await asyncio.Event().wait()
    return response


@pytest.mark.parametrize(
    "timeout",
    [
        timedelta(milliseconds=50),
        Timeout(total=timedelta(milliseconds=50)),
        Timeout(total=None, read=timedelta(milliseconds=50)),
    ],
)
async def test_answer_that_does_not_come_is_a_timeout(timeout: Any) -> None:
    """
    The whole of an attempt is bounded, and so is silence.
    """
    async with (
        serve(_stall) as server,
        session(server, retry=None, timeout=timeout, max_connections=1) as ours,
    ):
        for _ in range(2):
            with pytest.raises(RequestTimeoutError, match=r"/x: no complete answer after 0\.\d s$"):
                await ours.request("GET", "/x")


async def test_callers_own_timeout_is_the_callers() -> None:
    """
    An ``asyncio.timeout`` around a call is a plain TimeoutError, not ours.
    """
    async with serve(_stall) as server, session(server) as ours:
        with pytest.raises(TimeoutError) as raised:
            async with asyncio.timeout(0.05):
                await ours.request("GET", "/x")
    assert type(raised.value) is TimeoutError


# --- many at once ---------------------------------------------------------------------------------


async def test_requests_share_a_bounded_pool() -> None:
    """
    Hundreds at once open no more connections than the bound, and waiting does not time out.
    """
    under_way, most = 0, 0

    async def count(request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.005)
        under_way -= 1
        return web.Response(text="{}")

    async with (
        serve(count) as server,
        session(server, max_connections=5, timeout=timedelta(seconds=0.5)) as ours,
    ):
        await asyncio.gather(*(ours.request("GET", "/x") for _ in range(300)))
    assert most == 5


async def test_cancelled_call_gives_its_connection_back() -> None:
    """
    With a pool of one, the next call goes through.
    """
    stalled = asyncio.Event()
    first = True

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal first
        if first:
            first = False
            stalled.set()
            await asyncio.Event().wait()
        return web.Response(text="{}")

    async with serve(handler) as server, session(server, max_connections=1) as ours:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(ours.request("GET", "/x"))
            waiting = group.create_task(ours.request("GET", "/y"))
            cancelled_while_waiting = group.create_task(ours.request("GET", "/z"))
            await stalled.wait()
            cancelled_while_waiting.cancel()
            call.cancel()
        assert (await waiting).status == 200
        assert call.cancelled()
        assert cancelled_while_waiting.cancelled()


# --- credentials that are given afresh ------------------------------------------------------------


class Provider:
    def __init__(self, *tokens: str) -> None:
        self.left = list(tokens)
        self.calls = 0

    async def __call__(self) -> Auth:
        self.calls += 1
        await asyncio.sleep(0)
        return ApiToken(self.left.pop(0) if len(self.left) > 1 else self.left[0])


def _accepts(*tokens: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        good = request.headers.get("Authorization") in {f"Bearer {token}" for token in tokens}
        return web.Response(status=200 if good else 401, text="{}")

    return handler


async def test_refused_credentials_are_renewed_once() -> None:
    """
    A 401 asks the callable again, and the request goes on; also one that is not idempotent.
    """
    provider = Provider("old", "new")
    async with serve(_accepts("new")) as server, session(server, auth=provider) as ours:
        assert (await ours.request("POST", "/x", json={})).status == 200
        assert (await ours.request("GET", "/x")).status == 200
    assert provider.calls == 2
    assert len(server.requests) == 3


async def test_credentials_that_stay_refused_are_an_error() -> None:
    """
    They are asked for once more, not for ever.
    """
    provider = Provider("old")
    async with serve(_accepts("new")) as server, session(server, auth=provider) as ours:
        with pytest.raises(AuthenticationError):
            await ours.request("GET", "/x")
    assert provider.calls == 2
    assert len(server.requests) == 2


async def test_many_refused_at_once_renew_once() -> None:
    """
    However many calls meet the 401, one asks for fresh credentials.
    """
    provider = Provider("old", "new", "never")
    async with serve(_accepts("new")) as server, session(server, auth=provider) as ours:
        await asyncio.gather(*(ours.request("GET", "/x") for _ in range(50)))
    assert provider.calls == 2


async def test_given_credentials_are_not_asked_twice() -> None:
    """
    A token cannot renew itself: its 401 is final.
    """
    async with serve(_accepts("new")) as server, session(server) as ours:
        with pytest.raises(AuthenticationError):
            await ours.request("GET", "/x")
    assert len(server.requests) == 1


async def test_what_the_callable_raises_reaches_the_caller() -> None:
    """
    And what it gives must be credentials.
    """

    async def fail() -> Auth:
        raise LookupError("vault is sealed")

    async def nonsense() -> Any:
        return "a-token"

    async with serve(answers((200, "{}"))) as server:
        with pytest.raises(LookupError, match="sealed"):
            async with session(server, auth=fail):
                pass
        with pytest.raises(TypeError, match=r"^the auth callable must give an Auth, got str$"):
            async with session(server, auth=nonsense):
                pass
    assert server.requests == []


async def test_callable_decides_where_requests_go(emulator: Emulator) -> None:
    """
    Without a base URL of the session's, that of the credentials is used, also for what needs none.
    """

    class Own:
        base_url = emulator.url

        def authorization(self, method: str, url: str) -> str:
            return f"Bearer {emulator.token}"

    async def give() -> Auth:
        return Own()

    ours = Session(give)
    with pytest.raises(SessionClosedError, match="not known before the credentials were asked"):
        _ = ours.base_url
    assert await ours.zones.list()
    assert str(ours.base_url).rstrip("/") == emulator.url
    await ours.close()


# --- downloads --------------------------------------------------------------------------------------


@pytest.fixture
async def megabytes() -> AsyncIterator[Server]:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/missing":
            return web.Response(status=404, text='{"error": "no such invoice"}')
        response = web.StreamResponse(headers={"Sozu-Id": "01SOZU", "Content-Length": "1000000"})
        await response.prepare(request)
        for _ in range(5 if request.path == "/broken" else 10):
            await response.write(b"x" * 100_000)
        if request.path == "/broken":
            assert request.transport is not None
            request.transport.close()
        return response

    async with serve(handler) as server:
        yield server


async def test_download_arrives_in_pieces_beyond_the_cap(megabytes: Server) -> None:
    """
    The cap on answers does not bound a download.
    """
    async with (
        session(megabytes, max_response_bytes=10) as ours,
        ours._client.download(("whole",), accept="application/pdf") as download,
    ):
        assert (download.request_id, download.content_length) == ("01SOZU", 1_000_000)
        size = 0
        async for chunk in download.chunks():
            size += len(chunk)
    assert size == 1_000_000
    assert megabytes.requests[0].headers["Accept"] == "application/pdf"


async def test_download_that_breaks_off_is_an_error(megabytes: Server) -> None:
    """
    Half a file is never mistaken for a whole one.
    """
    async with (
        session(megabytes) as ours,
        ours._client.download(("broken",), accept="*/*") as download,
    ):
        with pytest.raises(ConnectionFailedError):
            async for _ in download.chunks():
                pass


async def test_download_that_is_refused_is_an_api_error(megabytes: Server) -> None:
    """
    As for a plain request.
    """
    async with session(megabytes, max_connections=1) as ours:
        for _ in range(2):
            with pytest.raises(NotFoundError, match="no such invoice"):
                async with ours._client.download(("missing",), accept="*/*"):
                    pass


async def test_download_left_early_gives_its_connection_back(megabytes: Server) -> None:
    """
    Its rest is not read; with a pool of one, the next goes through.
    """
    async with session(megabytes, max_connections=1) as ours:
        for _ in range(3):
            async with ours._client.download(("whole",), accept="*/*") as download:
                async for _chunk in download.chunks():
                    break
        with pytest.raises(NotFoundError):
            await ours.request("GET", "/missing")


async def test_download_is_used_inside_its_with(megabytes: Server) -> None:
    """
    Before it there is nothing to read.
    """
    async with session(megabytes) as ours:
        download = ours._client.download(("whole",), accept="*/*")
        with pytest.raises(RuntimeError, match="read inside its `async with`"):
            download.chunks()
        async with download:
            with pytest.raises(RuntimeError, match="opened once"):
                async with download:
                    pass


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
