"""
Bodies that are read in pieces, over real sockets.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from clever_v4.errors import (
    ConnectionFailedError,
    NotFoundError,
)
from tests.serving import Server, serve

from .support import session


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
