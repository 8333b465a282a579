"""
Requests over real sockets: what is repeated, when and how often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import stamina
from aiohttp import web

from clever_v4.auth import OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    APIError,
    ConnectionFailedError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    SessionClosedError,
)
from clever_v4.transport.policies import Retry, Timeout, retry_decision
from tests.serving import answers, serve

from .support import session


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


async def test_silence_is_repeated() -> None:
    """
    An attempt that took too long is a passing fault.
    """
    first = True

    async def handler(request: web.Request) -> web.Response:
        nonlocal first
        if first:
            first = False
            await asyncio.Event().wait()
        return web.Response(text="{}")

    timeout = Timeout(read=timedelta(seconds=1))
    async with serve(handler) as server, session(server, timeout=timeout) as ours:
        assert (await ours.request("GET", "/x")).json() == {}
    assert len(server.requests) == 2


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
    async with serve(answers(ConnectionResetError)) as server, session(server) as ours:
        with pytest.raises(ConnectionFailedError):
            await ours.request(method, "/x", json={})
        assert len(server.requests) == 1


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


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "0"},
        {"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"Retry-After": "Sunday, 06-Nov-94 08:49:37 GMT"},
    ],
)
async def test_retry_after_that_is_over_is_not_waited_for(
    waits: list[float], headers: dict[str, str]
) -> None:
    """
    A date in the past means now.
    """
    plans = answers((503, "", headers), (200, "{}"))
    async with serve(plans) as server, session(server) as ours:
        await ours.request("GET", "/x")
    assert waits == [0.0]


def _busy(retry_after: timedelta | None) -> APIError:
    return ServerError("busy", status=503, retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "elapsed_s", "decision"),
    [
        (_busy(None), 0, True),
        (_busy(timedelta(seconds=60)), 0, timedelta(seconds=60)),
        (_busy(timedelta(seconds=61)), 0, False),
        (_busy(timedelta(days=11_574)), 0, False),
        (_busy(timedelta(seconds=60)), 30, timedelta(seconds=60)),
        (_busy(timedelta(seconds=60)), 31, False),
        (_busy(timedelta(0)), 90, timedelta(0)),
        (ServerError("broken", status=500, retry_after=timedelta(0)), 0, False),
        (ConnectionFailedError("reset"), 0, True),
        (RequestTimeoutError("silence"), 0, True),
        (SessionClosedError("closed"), 0, False),
        (KeyError("a caller's"), 0, False),
    ],
    ids=str,
)
def test_whole_of_all_attempts_is_bounded(
    error: Exception, elapsed_s: int, decision: bool | timedelta
) -> None:
    """
    By default 60 s are waited for at most, and none beyond 90 s since the first attempt.
    """
    assert retry_decision(error, Retry(), timedelta(seconds=elapsed_s)) == decision


async def test_v2_rate_limit_is_a_rate_limited_error() -> None:
    """
    API v2 says 403 with the id 403; like every 403, it is not repeated.
    """
    body = '{"id":403,"message":"You have performed that request too much.","type":"error"}'
    async with serve(answers((403, body))) as server, session(server) as ours:
        with pytest.raises(RateLimitedError, match="too much"):
            await ours.request("GET", "/v2/self")
    assert len(server.requests) == 1
