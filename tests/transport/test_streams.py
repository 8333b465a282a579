"""
The connections of streams: bounded, apart from requests, signed afresh, vetted.
"""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp_sse_client.client import EventSource

from clever_v4.auth import ApiToken, Auth, OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NotAnEventStreamError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    SessionClosedError,
    TooManyStreamsError,
)
from clever_v4.session import Session
from clever_v4.transport.policies import ResponseInfo, Timeout
from clever_v4.transport.streams import StreamOpener
from tests.serving import Server, answers, serve

PATH = ("v4", "logs")


async def heartbeats(request: web.Request) -> web.StreamResponse:
    if request.path != "/v4/logs":
        return web.Response(text="{}")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    await response.write(b"event: HEARTBEAT\ndata:\n\n")
    await asyncio.Event().wait()
    return response


def session(server: Server, **options: Any) -> Session:
    auth = options.pop("auth", ApiToken("the-token"))
    return Session(auth, base_url=server.url, **options)


async def open_one(opener: StreamOpener, **options: Any) -> aiohttp.ClientResponse:
    return await opener.request("GET", opener.url(PATH, [("limit", "1")]), **options)


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


async def test_open_streams_never_block_a_request() -> None:
    """
    A pool of one connection serves requests beside 150 open streams.
    """
    async with serve(heartbeats) as server, session(server, max_connections=1) as ours:
        opener = ours._client.stream_opener()
        streams = await asyncio.gather(*(open_one(opener) for _ in range(150)))
        assert ours.open_stream_count == 150
        assert (await ours.request("GET", "/x")).status == 200
        for stream in streams:
            stream.close()
        assert ours.open_stream_count == 0


async def test_bound_on_open_streams_is_told() -> None:
    """
    One more is refused by name and number; a closed or ended one makes room.
    """
    async with serve(heartbeats) as server, session(server, max_streams=2) as ours:
        opener = ours._client.stream_opener()
        first, second = await open_one(opener), await open_one(opener)
        with pytest.raises(TooManyStreamsError) as raised:
            await open_one(ours._client.stream_opener())
        assert str(raised.value) == (
            "2 streams are open already; raise max_streams of the Session to open more"
        )
        assert raised.value.limit == 2
        first.close()
        third = await open_one(opener)
        second.close()
        third.close()


async def test_bound_counts_streams_that_are_opening() -> None:
    """
    A hundred that begin at once do not slip through together.
    """
    async with serve(heartbeats) as server, session(server, max_streams=3) as ours:
        opener = ours._client.stream_opener()
        outcomes = await asyncio.gather(
            *(open_one(opener) for _ in range(10)), return_exceptions=True
        )
        assert sum(isinstance(one, TooManyStreamsError) for one in outcomes) == 7
        for one in outcomes:
            if isinstance(one, aiohttp.ClientResponse):
                one.close()


async def test_failed_openings_are_not_counted() -> None:
    """
    A refused or broken attempt gives its place back.
    """
    plans = answers((404, ""), ConnectionResetError, (200, "page"), (503, ""))
    async with serve(plans) as server, session(server, max_streams=1) as ours:
        for error in (NotFoundError, ConnectionFailedError, NotAnEventStreamError, ServerError):
            with pytest.raises(error):
                await open_one(ours._client.stream_opener())
            assert ours.open_stream_count == 0


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
        with pytest.raises(Exception, match="a redirect to /y, which is not followed"):
            await open_one(ours._client.stream_opener())
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

    short = timedelta(milliseconds=400)
    async with (
        serve(handler) as server,
        session(server, timeout=Timeout(connect=short, read=short, total=short)) as ours,
    ):
        response = await open_one(ours._client.stream_opener())
        await asyncio.sleep(0.5)
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


async def test_cancelled_opening_leaves_nothing() -> None:
    """
    Its place and its connection are given back.
    """
    asked = asyncio.Event()

    async def never(_: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serve(never) as server, session(server) as ours:
        async with asyncio.TaskGroup() as group:
            opening = group.create_task(open_one(ours._client.stream_opener()))
            await asked.wait()
            assert ours.open_stream_count == 1
            opening.cancel()
        assert ours.open_stream_count == 0


async def test_closing_the_session_ends_its_streams() -> None:
    """
    A reader that waits gets an error, and cannot open another.
    """
    async with serve(heartbeats) as server:
        ours = session(server)
        opener = ours._client.stream_opener()
        response = await open_one(opener)
        await response.content.readany()
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_outcome(response.content.readany()))
            await asyncio.sleep(0)
            await ours.close()
        assert isinstance(reading.result(), aiohttp.ClientError)
        with pytest.raises(SessionClosedError):
            await open_one(opener)


async def _outcome(awaitable: Any) -> object:
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001 -- the outcome is what is asked for
        return error


async def test_borrowed_stream_session_is_used_and_left_open() -> None:
    """
    Streams of ours on it are closed, it is not.
    """
    async with serve(heartbeats) as server, aiohttp.ClientSession() as http:
        async with session(server, stream_http=http) as ours:
            response = await open_one(ours._client.stream_opener())
        assert response.closed
        assert not http.closed


async def test_on_response_is_told_of_streams() -> None:
    """
    Accepted and refused ones, with the time to their head.
    """
    told: list[ResponseInfo] = []
    async with serve(heartbeats) as server, session(server, on_response=told.append) as ours:
        (await open_one(ours._client.stream_opener())).close()
    assert [(info.status, info.url) for info in told] == [(200, f"{server.url}/v4/logs")]


async def test_streams_that_ended_and_are_forgotten_are_not_counted() -> None:
    """
    A response that was collected holds no place.
    """
    plan = (200, "data: x\n\n", {"Content-Type": "text/event-stream"})
    async with serve(answers(plan)) as server, session(server, max_streams=1) as ours:
        for _ in range(3):
            response = await open_one(ours._client.stream_opener())
            assert await response.read() == b"data: x\n\n"
            del response
            gc.collect()
        assert ours.open_stream_count == 0
