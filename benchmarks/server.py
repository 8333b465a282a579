"""
A small fast server of pre-encoded log streams, run as a process of its own.

It is not the emulator: it checks nothing and does nothing but write, so that the readers are what is
measured. What it sends is named by the application in the path of the logs endpoint:

- ``chunks-N``: N events in HTTP chunks of 64 KiB, as fast as the reader takes them;
- ``pieces-N``: the same in pieces of 4 KiB;
- ``single-N``: N events, each in its own HTTP chunk and write, as fast as the reader takes them;
- ``paced-N``: the same, 200 microseconds apart, so that each is read by itself;
- ``big-N``: N events of 8 MiB in pieces of 4 KiB;
- ``live-STREAMS-N-RUN``: waits until STREAMS connections are open, then sends each one entry a second,
  N in all, with heartbeats every two seconds from the start. ``/statistics/`` and the same name
  answers when the last one was there, on the clock that all processes of a machine share;
- ``steady-RATE-N``, ``fleet-STREAMS-SECONDS-RUN``, ``outage-STREAMS-RUN``: what a hub is measured with,
  see ``fanout/scenarios.py``.

Run ``python -m benchmarks.server``: prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from benchmarks import fixtures
from benchmarks.fanout.scenarios import Fleet, Outage, Scenario, steady
from benchmarks.wire import HEAD, LAST_CHUNK, http_chunk, timed_event

CHUNK_BYTES = 64 * 1024
PIECE_BYTES = 4 * 1024
BIG_EVENT_BYTES = 8 * 1024 * 1024
PACED_INTERVAL_S = 200e-6
LIVE_BUCKETS = 100

_PATH = re.compile(rb"GET \S*?/applications/([a-z0-9_-]+)/logs[ ?]")
_STATISTICS = re.compile(rb"GET /statistics/([a-z0-9_-]+) ")


@lru_cache(maxsize=6)
def writes(scenario: str, count: int) -> tuple[bytes, ...]:
    """
    Return what is written, write by write, for a *scenario* that is sent at full speed.
    """
    if scenario in ("single", "paced"):
        bodies: Iterable[bytes] = (*fixtures.frames(count), fixtures.END_OF_STREAM)
    elif scenario == "big":
        bodies = (
            piece
            for number in range(count)
            for piece in fixtures.pieces(fixtures.big_frame(number, BIG_EVENT_BYTES), PIECE_BYTES)
        )
        bodies = (*bodies, fixtures.END_OF_STREAM)
    else:
        size = CHUNK_BYTES if scenario == "chunks" else PIECE_BYTES
        whole = b"".join((*fixtures.frames(count), fixtures.END_OF_STREAM))
        bodies = fixtures.pieces(whole, size)
    return (*map(http_chunk, bodies), LAST_CHUNK)


class Live:
    """
    One run of many streams at one entry a second each.
    """

    def __init__(self, streams: int, entries: int) -> None:
        self.streams = streams
        self.entries = entries
        self.opened_at_s: float | None = None
        self.finished = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    def add(self, writer: asyncio.StreamWriter) -> None:
        """
        Take one more stream; the entries start when the last one is here.
        """
        writer.write(HEAD + http_chunk(fixtures.HEARTBEAT))
        self._writers.append(writer)
        if len(self._writers) == self.streams:
            self.opened_at_s = time.monotonic()

    async def run(self) -> None:
        """
        Send heartbeats and entries until every stream has had all of its entries.
        """
        tick_s = 1 / LIVE_BUCKETS
        start = time.monotonic()
        tick = 0
        first_tick: int | None = None
        sent = 0
        while sent < self.entries:
            bucket = tick % LIVE_BUCKETS
            if first_tick is None and self.opened_at_s is not None and bucket == 0:
                # The moment of opening is over before the entries start.
                first_tick = tick + LIVE_BUCKETS
            if (tick // LIVE_BUCKETS) % 2 == 0:
                heartbeat = http_chunk(fixtures.HEARTBEAT)
                for writer in self._writers[bucket::LIVE_BUCKETS]:
                    writer.write(heartbeat)
            if first_tick is not None and tick >= first_tick:
                sent = (tick - first_tick) // LIVE_BUCKETS
                if sent < self.entries:
                    self._send(bucket, sent)
            tick += 1
            await asyncio.sleep(max(0.0, start + tick * tick_s - time.monotonic()))
        for writer in self._writers:
            writer.write(http_chunk(fixtures.END_OF_STREAM) + LAST_CHUNK)
        self.finished.set()

    def _send(self, bucket: int, number: int) -> None:
        for stream in range(bucket, len(self._writers), LIVE_BUCKETS):
            event = timed_event(b"%d:%d:0" % (stream, number), number)
            self._writers[stream].write(http_chunk(event))

    def statistics(self) -> dict[str, Any]:
        """
        Return what the server saw.
        """
        return {"opened_at_s": self.opened_at_s}


class Server:
    """
    What the connections share: the scenarios of many streams and the task group that drives them.
    """

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: dict[str, Scenario] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """
        Answer the requests of one connection.
        """
        try:
            while True:
                await self._answer(await reader.readuntil(b"\r\n\r\n"), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            pass  # the server ends; asyncio would print a traceback for each connection
        finally:
            writer.close()

    async def _answer(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        if match := _STATISTICS.match(request):
            body = json.dumps(self._running[match[1].decode()].statistics()).encode()
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            writer.write(head % len(body) + body)
            return
        match = _PATH.match(request)
        if match is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        application = match[1].decode()
        scenario, *numbers = application.split("-")
        if scenario in ("live", "fleet", "outage"):
            await self._many(application, writer)
            return
        if scenario == "steady":
            await steady(writer, int(numbers[0]), int(numbers[1]))
            return
        prepared = writes(scenario, int(numbers[0]))
        writer.write(HEAD)
        if scenario == "paced":
            await _write_apart(prepared, writer)
            return
        for body in prepared:
            writer.write(body)
            await writer.drain()

    async def _many(self, application: str, writer: asyncio.StreamWriter) -> None:
        running = self._running.get(application)
        if running is None:
            running = self._running[application] = _scenario(application)
            self._group.create_task(running.run())
        running.add(writer)
        await running.finished.wait()


def _scenario(application: str) -> Scenario:
    name, streams, *rest = application.split("-")
    if name == "outage":
        return Outage(int(streams))
    kind = Fleet if name == "fleet" else Live
    return kind(int(streams), int(rest[0]))


async def _write_apart(prepared: Iterable[bytes], writer: asyncio.StreamWriter) -> None:
    due = time.perf_counter()
    for body in prepared:
        # Sleeping is too coarse for microseconds: give way to the loop until it is time.
        while time.perf_counter() < due:  # noqa: ASYNC110 -- no event tells the time
            await asyncio.sleep(0)
        writer.write(body)
        await writer.drain()
        due = max(due + PACED_INTERVAL_S, time.perf_counter() - PACED_INTERVAL_S)


async def main() -> None:
    """
    Serve until the standard input ends.
    """
    # Nothing here is cyclic garbage, and a collection in the middle would show as latency.
    gc.disable()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        server = await asyncio.start_server(
            Server(group).serve, "127.0.0.1", 0, backlog=4096, limit=1 << 20
        )
        async with server:
            print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
            await loop.run_in_executor(None, sys.stdin.read)
            # Connections that a reader left open must not keep the server.
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
