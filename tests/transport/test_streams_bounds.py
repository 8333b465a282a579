"""
Open streams are counted and bounded, take nothing from requests, and end with their session.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from clever_v4.errors import (
    ConnectionFailedError,
    NotAnEventStreamError,
    NotFoundError,
    ServerError,
    SessionClosedError,
    TooManyStreamsError,
)
from tests.serving import answers, serve

from .streaming import heartbeats, open_one
from .support import session


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
