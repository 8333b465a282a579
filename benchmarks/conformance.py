"""
How many of the conformance vectors of tests/corpus each Python reader of event streams gets right.

Each reader is fed the vector's reads one by one, in this process, and what it dispatches is compared
with what the standard asks for: type, data and last event id. An exception counts as wrong.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from unittest.mock import Mock

import aiohttp
import httpx
from aiohttp_sse_client.client import EventSource as AiohttpEventSource
from httpx_sse import EventSource as HttpxEventSource
from ld_eventsource.async_client import AsyncSSEClient
from ld_eventsource.config.async_connect_strategy import (
    AsyncConnectionClient,
    AsyncConnectionResult,
    AsyncConnectStrategy,
)

from clever_v4.streaming.decoder import Decoder
from tests.corpus.vectors import Dispatched, Vector, read

Reader = Callable[[list[bytes]], Coroutine[Any, Any, list[Dispatched]]]


async def ours(arrived: list[bytes]) -> list[Dispatched]:
    """
    Read with clever_v4's decoder.
    """
    decoder = Decoder()
    return [
        (_decoded(event_type) or "message", _decoded(data), _decoded(last_event_id))
        for body in arrived
        for last_event_id, event_type, data, _ in decoder.feed(body)
    ]


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


async def aiohttp_sse(arrived: list[bytes]) -> list[Dispatched]:
    """
    Read with aiohttp-sse-client.
    """
    stream = aiohttp.StreamReader(Mock(_reading_paused=False), limit=2**16)
    # At the end of the bytes it would wait and connect again: there the reading stops here.
    source = AiohttpEventSource("http://localhost/", session=Mock(), on_error=_stop)
    source._response = Mock(  # noqa: SLF001 -- no other way to feed it
        status=200, content=stream
    )
    events: list[Dispatched] = []

    async def feed() -> None:
        for body in arrived:
            stream.feed_data(body)
            await asyncio.sleep(0)
        stream.feed_eof()

    async def read() -> None:
        try:
            async for event in source:
                # One by one: what came before the end counts.
                events.append((event.type or "message", event.data, event.last_event_id))  # noqa: PERF401
        except EOFError:
            pass

    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        group.create_task(read())
    return events


def _stop() -> None:
    raise EOFError


async def httpx_sse(arrived: list[bytes]) -> list[Dispatched]:
    """
    Read with httpx-sse.
    """
    response = httpx.Response(
        200, headers={"content-type": "text/event-stream"}, content=_each(arrived)
    )
    return [
        (event.event, event.data, event.id)
        async for event in HttpxEventSource(response).aiter_sse()
    ]


async def launchdarkly(arrived: list[bytes]) -> list[Dispatched]:
    """
    Read with LaunchDarkly's eventsource.
    """

    class Client(AsyncConnectionClient):  # type: ignore[misc]  # untyped base
        async def connect(self, _last_event_id: str | None) -> AsyncConnectionResult:
            return AsyncConnectionResult(_each(arrived), None)

    class Strategy(AsyncConnectStrategy):  # type: ignore[misc]  # untyped base
        def create_client(self, _logger: logging.Logger) -> AsyncConnectionClient:
            return Client()

    async with AsyncSSEClient(Strategy()) as client:
        return [
            (event.event, event.data, event.last_event_id or "") async for event in client.events
        ]


async def _each(arrived: list[bytes]) -> AsyncIterator[bytes]:
    for body in arrived:
        yield body


READERS: dict[str, Reader] = {
    "clever_v4": ours,
    "LaunchDarkly eventsource": launchdarkly,
    "httpx-sse": httpx_sse,
    "aiohttp-sse-client": aiohttp_sse,
}


async def passed(reader: Reader, vectors: list[Vector]) -> int:
    """
    Return how many of *vectors* the *reader* gets right.
    """
    count = 0
    for vector in vectors:
        try:
            async with asyncio.timeout(20):
                events = await reader(vector.reads)
        except Exception:  # noqa: BLE001 -- whatever a peer raises, the vector is not passed
            continue
        count += events == vector.events
    return count


def main() -> None:
    logging.disable(logging.CRITICAL)
    vectors = read("standard")
    counts = {name: asyncio.run(passed(reader, vectors)) for name, reader in READERS.items()}
    print(json.dumps({"vectors": len(vectors), "passed": counts}))


if __name__ == "__main__":
    main()
