"""
The connections of streams: apart from requests, signed afresh, vetted.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp_sse_client.client import EventSource

from clever_v4.auth import ApiToken, Auth, OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    APIError,
    AuthenticationError,
    NotAnEventStreamError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
)
from clever_v4.session import Session
from clever_v4.transport.policies import ResponseInfo, Timeout
from tests.serving import answers, serve

from .streaming import PATH, heartbeats, open_one
from .support import session


async def test_stream_is_opened_with_credentials_and_no_compression() -> None:
    """
    ``identity`` unless the caller names an encoding, so that no compressor holds events back.
    """
    async with serve(heartbeats) as server, session(server) as ours:
        opener = ours._client.stream_opener()
        (await open_one(opener)).close()
        (await open_one(opener, headers={"accept-encoding": "gzip", "Last-Event-Id": "7"})).close()
    first, second = (request.headers for request in server.requests)
    assert first["Authorization"] == "Bearer the-token"
    assert first["Accept"] == "text/event-stream"
    assert first.getall("Accept-Encoding") == ["identity"]
    assert second.getall("Accept-Encoding") == ["gzip"]
    assert second["Last-Event-Id"] == "7"
    assert server.requests[0].path_qs == "/v4/logs?limit=1"


async def test_opener_stands_where_an_event_source_expects_its_session(
    emulator: Emulator,
) -> None:
    """
    aiohttp-sse-client connects through it.
    """
    application = emulator.add_application(history=3)
    path = ("v4", "logs", "organisations", application.owner_id, "applications", application.id)
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as ours:
        opener = ours._client.stream_opener()
        url = opener.url((*path, "logs"), [("limit", "1"), ("since", "2020-01-01T00:00:00.000Z")])
        async with EventSource(url, session=opener, max_connect_retry=0) as source:
            assert source._response.status == 200
        with pytest.raises(NotFoundError) as raised:
            await opener.request("GET", opener.url((*path[:-1], "app_none", "logs"), ()))
    assert raised.value.request_id


async def test_hmac_signs_the_address_of_a_stream(emulator: Emulator) -> None:
    """
    Repeated keys and nasty characters of a stream's query pass the emulator's verification.
    """
    application = emulator.add_application(history=3)
    auth = OAuth1(
        token=emulator.oauth_token,
        token_secret=emulator.oauth_secret,
        consumer_key=emulator.consumer_key,
        consumer_secret=emulator.consumer_secret,
        signature_method="HMAC-SHA512",  # type: ignore[arg-type]  -- converted
    )
    query = [("filter", "a b+&=%é*'"), ("field", "date"), ("field", "message"), ("field", "date")]
    path = ("v4", "logs", "organisations", application.owner_id, "applications", application.id)
    async with Session(auth, base_url=emulator.url) as ours:
        opener = ours._client.stream_opener()
        response = await opener.request("GET", opener.url((*path, "logs"), query))
        assert response.status == 200
        response.close()


async def test_refusal_carries_what_the_server_asks_for() -> None:
    """
    Status, code, Sozu-Id and ``retry_after``, on a 429 as on a 503; nothing is retried here.
    """
    body = '{"apiRequestId": "r", "code": "clever.core.too-many-requests", "error": "Slow."}'
    plans = answers((429, body, {"Retry-After": "7"}), (503, "", {"Retry-After": "3"}))
    async with serve(plans) as server, session(server) as ours:
        opener = ours._client.stream_opener()
        with pytest.raises(RateLimitedError) as limited:
            await open_one(opener)
        with pytest.raises(ServerError) as busy:
            await open_one(opener)
    assert limited.value.retry_after == timedelta(seconds=7)
    assert limited.value.code == "clever.core.too-many-requests"
    assert limited.value.request_id == "01SOZU"
    assert busy.value.retry_after == timedelta(seconds=3)
    assert len(server.requests) == 2


async def test_what_is_no_event_stream_is_told() -> None:
    """
    The content type, the Sozu-Id and the beginning of what came instead.
    """
    plan = (200, "<h1>Welcome</h1>" * 1000, {"Content-Type": "text/html"})
    async with serve(answers(plan)) as server, session(server) as ours:
        with pytest.raises(NotAnEventStreamError) as raised:
            await open_one(ours._client.stream_opener())
    assert str(raised.value) == "expected text/event-stream, got text/html (Sozu-Id 01SOZU)"
    assert raised.value.body.startswith("<h1>Welcome</h1>")
    assert len(raised.value.body) == 2048


async def test_redirect_of_a_stream_is_not_followed() -> None:
    """
    Credentials do not travel to where it points.
    """
    async with serve(answers((307, "", {"Location": "/y"}))) as server, session(server) as ours:
        with pytest.raises(APIError, match="a redirect to /y, which is not followed") as raised:
            await open_one(ours._client.stream_opener())
    assert raised.value.status == 307
    assert len(server.requests) == 1


async def test_refused_stream_renews_credentials_once() -> None:
    """
    A 401 asks the callable again; given credentials cannot, and are refused at once.
    """
    calls = 0

    async def give() -> Auth:
        nonlocal calls
        calls += 1
        return ApiToken(f"token-{calls}")

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] != "Bearer token-2":
            return web.Response(status=401)
        return await heartbeats(request)

    async with serve(handler) as server:
        async with session(server, auth=give) as ours:
            (await open_one(ours._client.stream_opener())).close()
            assert calls == 2
        async with session(server) as ours:
            with pytest.raises(AuthenticationError):
                await open_one(ours._client.stream_opener())


async def test_every_connection_of_a_stream_is_signed_afresh() -> None:
    """
    A reconnection has its own nonce.
    """
    auth = OAuth1(token="t", token_secret="s", signature_method="HMAC-SHA512")  # type: ignore[arg-type]
    async with serve(heartbeats) as server, session(server, auth=auth) as ours:
        opener = ours._client.stream_opener()
        url = opener.url(PATH, ())
        for _ in range(2):
            (await opener.request("GET", url)).close()
    first, second = (request.headers["Authorization"] for request in server.requests)
    assert first != second


async def test_stream_may_be_silent_for_longer_than_a_request() -> None:
    """
    No time-out of a request's bounds an open stream.
    """
    go_on = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await go_on.wait()
        await response.write(b"data: late\n\n")
        return response

    short = timedelta(seconds=1)
    async with (
        serve(handler) as server,
        session(server, timeout=Timeout(connect=short, read=short, total=short)) as ours,
    ):
        response = await open_one(ours._client.stream_opener())
        await asyncio.sleep(1.1)
        go_on.set()
        assert await response.content.readany() == b"data: late\n\n"
        response.close()


async def test_stream_whose_head_does_not_come_is_a_timeout() -> None:
    """
    Opening is bounded by ``timeout.read``.
    """

    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    short = Timeout(read=timedelta(milliseconds=50))
    async with serve(never) as server, session(server, timeout=short) as ours:
        with pytest.raises(RequestTimeoutError, match="no complete answer after"):
            await open_one(ours._client.stream_opener())
        assert ours.open_stream_count == 0


async def test_on_response_is_told_of_streams() -> None:
    """
    Accepted and refused ones, with the time to their head.
    """
    told: list[ResponseInfo] = []
    async with serve(heartbeats) as server, session(server, on_response=told.append) as ours:
        (await open_one(ours._client.stream_opener())).close()
    assert [(info.status, info.url) for info in told] == [(200, f"{server.url}/v4/logs")]


async def test_stalled_body_of_a_refusal_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The status decides whether the stream goes on; it is not taken for a passing silence.
    """
    monkeypatch.setattr("clever_v4.transport.exchange._REFUSAL_S", 0.1)
    told: list[ResponseInfo] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404, headers={"Sozu-Id": "01SOZU"})
        await response.prepare(request)
        await response.write(b"half a page")
        await asyncio.Event().wait()
        return response

    async with serve(handler) as server, session(server, on_response=told.append) as ours:
        with pytest.raises(NotFoundError, match=r"half a page \(Sozu-Id 01SOZU\)"):
            await open_one(ours._client.stream_opener())
        assert ours.open_stream_count == 0
    assert [(info.status, info.request_id) for info in told] == [(404, "01SOZU")]
