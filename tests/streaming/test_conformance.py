"""
The conformance vectors over a real connection: what `events()` hands over is what the standard dispatches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from clever_v4.auth import ApiToken
from clever_v4.errors import ReconnectionGaveUpError
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions

from .oracle import Dispatched
from .vectors import VECTORS, Vector

ONCE = StreamOptions(reconnect=Reconnect(initial=timedelta(milliseconds=1), attempts=1))
CONTROL = ("HEARTBEAT", "END_OF_STREAM")


@asynccontextmanager
async def serving(content_type: str, chunks: list[bytes]) -> AsyncIterator[str]:
    """
    Answer with the chunks, one HTTP chunk each, and close.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked"
            writer.write(f"{head}\r\n\r\n".encode())
            for chunk in chunks:
                writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
        except ConnectionError:
            pass  # the client has seen the end of the stream
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


async def read(url: str) -> list[Dispatched]:
    """
    Read one connection's events.
    """
    events: list[Dispatched] = []
    async with Session(ApiToken("token"), base_url=url) as session:
        stream = session.logs.stream("orga_1", "app_1", options=ONCE)
        try:
            async for event in stream.events():
                events.append((event.type, event.data, event.last_event_id))  # noqa: PERF401 -- those before an error count
        except ReconnectionGaveUpError:
            assert stream.ended_by == "FAILED"
        else:
            assert stream.ended_by not in {None, "FAILED"}
    return events


@pytest.mark.parametrize("vector", VECTORS)
async def test_conformance_vector(vector: Vector) -> None:
    """
    All data events arrive as the standard says; heartbeats and the end of the stream are acted upon.
    """
    chunks = [chunk for chunk in vector.reads if chunk]  # an empty one ends the body
    async with serving(vector.content_type, chunks) as url:
        events = await read(url)
    expected = vector.events
    ends = [place for place, event in enumerate(expected) if event[0] == "END_OF_STREAM"]
    expected = expected[: ends[0]] if ends else expected
    assert events == [event for event in expected if event[0] not in CONTROL]
