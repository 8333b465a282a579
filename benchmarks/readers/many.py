"""
Thousands of streams in one process: delivery, processor time, memory and lost entries.

Each entry's message starts with the moment when it was sent and its number in its stream, both of a
fixed width, on the clock that all processes of a machine share.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import time
from array import array
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from aiohttp_sse_client.client import EventSource
from httpx_sse import aconnect_sse

from benchmarks.ending import LONG_AFTER
from benchmarks.readers._measure import cpu_s, logs_url
from benchmarks.readers._model import structurer
from benchmarks.wire import number_of, sent_ns
from clever_v4 import ApiToken, Session
from clever_v4.fanout.pacing import Pacing
from clever_v4.log_hub import LogHub

Read = Callable[[int], Coroutine[Any, Any, None]]


class Deliveries:
    """
    What arrived: how late, and whether each stream's entries came once and in order.
    """

    def __init__(self, streams: int) -> None:
        self.started_s = time.monotonic()
        self.latencies_ns = array("q")
        self.first_cpu_s = 0.0
        self.first_wall_s = 0.0
        self.last_cpu_s = 0.0
        self.last_wall_s = 0.0
        self.open_bytes = 0
        self.resident_bytes = 0
        self.out_of_order = 0
        self._next = array("l", [0]) * streams
        self._streams = streams

    def record(self, stream: int, text: str | bytes) -> None:
        """
        Take the message of one entry.
        """
        now = time.monotonic_ns()
        if not self.latencies_ns:
            self.first_cpu_s, self.first_wall_s = cpu_s(), time.perf_counter()
            self.open_bytes = resident_bytes()
        self.latencies_ns.append(now - sent_ns(text))
        number = number_of(text)
        if number != self._next[stream]:
            self.out_of_order += 1
        self._next[stream] = number + 1
        if len(self.latencies_ns) % self._streams == 0:
            # As many entries as streams came: here is the end of the measurement so far.
            self.last_cpu_s, self.last_wall_s = cpu_s(), time.perf_counter()
            self.resident_bytes = resident_bytes()

    def report(self, idle_bytes: int) -> None:
        """
        Print the line that the runner reads.
        """
        ordered = sorted(self.latencies_ns)
        count = len(ordered)
        # The processor time before the first entry belongs to opening, not to delivery.
        print(
            json.dumps(
                {
                    "events": count,
                    "started_s": self.started_s,
                    "out_of_order": self.out_of_order,
                    "cpu_s": self.last_cpu_s - self.first_cpu_s,
                    "wall_s": self.last_wall_s - self.first_wall_s,
                    "p50_ms": ordered[count // 2] / 1e6,
                    "p99_ms": ordered[count * 99 // 100] / 1e6,
                    "max_ms": ordered[-1] / 1e6,
                    "open_per_stream_bytes": (self.open_bytes - idle_bytes) / self._streams,
                    "memory_per_stream_bytes": (self.resident_bytes - idle_bytes) / self._streams,
                }
            )
        )


def resident_bytes() -> int:
    """
    Return the memory that this process holds.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def bare(base_url: str, application: str, streams: int, deliveries: Deliveries) -> None:
    """
    Bare aiohttp: read, split on blank lines, look no further.
    """
    url = logs_url(base_url, application)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:

        async def read(stream: int) -> None:
            rest = b""
            async with session.get(url) as response:
                async for body in response.content.iter_any():
                    *events, rest = (rest + body).split(b"\n\n")
                    for event in events:
                        place = event.find(b"sent=")
                        if place >= 0:
                            deliveries.record(stream, event[place : place + 43])

        await _gather(streams, read)


async def aiohttp_sse(
    base_url: str, application: str, streams: int, deliveries: Deliveries
) -> None:
    """
    aiohttp-sse-client with json and cattrs.
    """
    structure = structurer()
    url = logs_url(base_url, application)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:

        async def read(stream: int) -> None:
            async with EventSource(url, session=session) as source:
                async for event in source:
                    if event.type == "APPLICATION_LOG":
                        deliveries.record(stream, structure(event.data).message)
                    elif event.type == "END_OF_STREAM":
                        break

        await _gather(streams, read)


async def httpx_sse(base_url: str, application: str, streams: int, deliveries: Deliveries) -> None:
    """
    httpx-sse with json and cattrs.
    """
    structure = structurer()
    url = logs_url(base_url, application)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=None, limits=limits) as client:

        async def read(stream: int) -> None:
            async with aconnect_sse(client, "GET", url) as source:
                async for event in source.aiter_sse():
                    if event.event == "APPLICATION_LOG":
                        deliveries.record(stream, structure(event.data).message)

        await _gather(streams, read)


async def ours(base_url: str, application: str, streams: int, deliveries: Deliveries) -> None:
    """
    clever_v4: typed entries through the public ``async for``.
    """
    async with Session(ApiToken("benchmark"), base_url=base_url, max_streams=streams) as session:

        async def read(stream: int) -> None:
            async with session.logs.stream("orga_1", application, LONG_AFTER) as entries:
                async for entry in entries:
                    deliveries.record(stream, entry.message or "")

        await _gather(streams, read)


async def hub(base_url: str, application: str, streams: int, deliveries: Deliveries) -> None:
    """
    clever_v4: a hub that follows all of them, and one subscriber that reads all.
    """
    at_once = Pacing(concurrency=1_000, per_second=2_000)
    async with (
        Session(ApiToken("benchmark"), base_url=base_url, max_streams=streams) as session,
        LogHub(session, pacing=at_once) as hub,
    ):
        # One application is one run of the server's; another owner makes it another source.
        places = {
            hub.follow(f"orga_{place}", application, LONG_AFTER): place for place in range(streams)
        }
        async with hub.subscribe(sources=places) as subscription:
            async for source, entry, _ in subscription:
                deliveries.record(places[source], entry.message or "")


async def hub_uncollected(
    base_url: str, application: str, streams: int, deliveries: Deliveries
) -> None:
    """
    The same where the garbage collector looks at new objects only, as docs/fan-out.md advises.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 1_000_000)
    await hub(base_url, application, streams, deliveries)


async def _gather(streams: int, read: Read) -> None:
    async with asyncio.TaskGroup() as group:
        for stream in range(streams):
            group.create_task(read(stream))


CLIENTS = {
    "bare": bare,
    "aiohttp_sse": aiohttp_sse,
    "httpx_sse": httpx_sse,
    "ours": ours,
    "hub": hub,
    "hub_uncollected": hub_uncollected,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("base_url")
    parser.add_argument("application")
    parser.add_argument("streams", type=int)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, options.streams + 1_000), most))
    gc.collect()
    idle_bytes = resident_bytes()
    deliveries = Deliveries(options.streams)
    work = CLIENTS[options.client](
        options.base_url, options.application, options.streams, deliveries
    )
    asyncio.run(work)
    deliveries.report(idle_bytes)


if __name__ == "__main__":
    main()
