"""
Many requests at once over real sockets: one bounded pool, and nothing lost by cancelling.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from tests.serving import serve

from .streaming import heartbeats, open_one
from .support import session


async def test_requests_share_a_bounded_pool() -> None:
    """
    Hundreds at once open no more connections than the bound, and waiting does not time out.
    """
    under_way, most = 0, 0

    async def count(request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        # The first three rounds take longer than a request may; one of them far from as long.
        await asyncio.sleep(0.7 if len(server.requests) <= 15 else 0.001)
        under_way -= 1
        return web.Response(text="{}")

    async with (
        serve(count) as server,
        session(server, max_connections=5, timeout=timedelta(seconds=2)) as ours,
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


@pytest.mark.parametrize("is_called_again", [False, True])
async def test_close_that_is_given_up_closes_all_the_same(is_called_again: bool) -> None:
    """
    What is owned for requests and for streams, in whichever the close was cancelled.
    """
    async with serve(heartbeats) as server:
        ours = session(server)
        await ours.request("GET", "/x")  # leaves a connection in the pool, which is waited for
        await open_one(ours._client.stream_opener())
        closing = asyncio.ensure_future(ours.close())  # noqa: TID251 -- it is cancelled here
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        if is_called_again:
            await ours.close()
    owned = ours._client._connections
    assert owned.http.closed
    assert owned.stream_http.closed
