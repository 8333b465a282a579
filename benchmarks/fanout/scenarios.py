"""
What the benchmark server does to a hub: a steady source, a fleet of sources, an outage of all of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any, Protocol

from benchmarks import fixtures
from benchmarks.wire import HEAD, LAST_CHUNK, http_chunk, timed_event

STEADY_WRITE_S = 0.005
"""A steady source writes every so often, as many entries as are due."""

FLEET_RATES = (1, 2, 4, 5, 10, 20)
"""Entries per second; the sources of a fleet take them in turn. Each divides the ticks of a second."""

_TICKS_PER_S = 100
_HEARTBEAT_TICKS = 2 * _TICKS_PER_S
_CALM_S = 1.0
_WINDOW_S = 0.1


class Scenario(Protocol):
    """
    Something that happens to many connections together.
    """

    finished: asyncio.Event

    def add(self, writer: asyncio.StreamWriter) -> None:
        """
        Take one more connection, whose request was just read.
        """
        ...

    async def run(self) -> None:
        """
        Do it, and set `finished`.
        """
        ...

    def statistics(self) -> dict[str, Any]:
        """
        Return what the server saw.
        """
        ...


async def steady(writer: asyncio.StreamWriter, per_second: int, count: int) -> None:
    """
    Write *count* entries at a steady rate, in small groups; behind a slow reader as fast as it takes.
    """
    writer.write(HEAD)
    together = max(1, round(per_second * STEADY_WRITE_S))
    start = time.monotonic()
    for first in range(0, count, together):
        await asyncio.sleep(max(0.0, start + first / per_second - time.monotonic()))
        numbers = range(first, min(first + together, count))
        events = [timed_event(b"0:%d:0" % number, number) for number in numbers]
        writer.write(http_chunk(b"".join(events)))
        await writer.drain()
    writer.write(http_chunk(fixtures.END_OF_STREAM) + LAST_CHUNK)
    await writer.drain()


class Fleet:
    """
    Many sources, each at its own rate of `FLEET_RATES`, with heartbeats every two seconds.

    The entries begin a second after the last connection came.
    """

    def __init__(self, streams: int, seconds: int) -> None:
        self.finished = asyncio.Event()
        self._streams = streams
        self._seconds = seconds
        self._writers: list[asyncio.StreamWriter] = []
        self._numbers = [0] * streams
        self._all_here = asyncio.Event()

    def add(self, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + http_chunk(fixtures.HEARTBEAT))
        self._writers.append(writer)
        if len(self._writers) == self._streams:
            self._all_here.set()

    async def run(self) -> None:
        start = time.monotonic()
        tick = 0
        first_tick: int | None = None
        # Evenly over the time: those due at a tick, by the period of their rate.
        due: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for stream in range(self._streams):
            period = _TICKS_PER_S // FLEET_RATES[stream % len(FLEET_RATES)]
            due[period][stream // len(FLEET_RATES) % period].append(stream)
        while first_tick is None or tick < first_tick + self._seconds * _TICKS_PER_S:
            if first_tick is None and self._all_here.is_set():
                first_tick = tick + _TICKS_PER_S
            heartbeat = http_chunk(fixtures.HEARTBEAT)
            for writer in self._writers[tick % _HEARTBEAT_TICKS :: _HEARTBEAT_TICKS]:
                writer.write(heartbeat)
            if first_tick is not None and tick >= first_tick:
                for period, phases in due.items():
                    for stream in phases[tick % period]:
                        self._send(stream)
            tick += 1
            await asyncio.sleep(max(0.0, start + tick / _TICKS_PER_S - time.monotonic()))
        for writer in self._writers:
            writer.write(http_chunk(fixtures.END_OF_STREAM) + LAST_CHUNK)
        self.finished.set()

    def _send(self, stream: int) -> None:
        number = self._numbers[stream]
        self._numbers[stream] += 1
        event = timed_event(b"%d:%d:0" % (stream, number), number)
        self._writers[stream].write(http_chunk(event))

    def statistics(self) -> dict[str, Any]:
        return {"sent": sum(self._numbers)}


class Outage:
    """
    All connections of many sources are cut in one moment; the sources come back as they like.

    Each source gets one entry before the cut and one after, when all are back.
    """

    def __init__(self, streams: int) -> None:
        self.finished = asyncio.Event()
        self._streams = streams
        self._open: list[asyncio.StreamWriter] = []
        self._all_here = asyncio.Event()
        self._came: list[float] = []
        self._seen: dict[str, Any] = {}

    def add(self, writer: asyncio.StreamWriter) -> None:
        self._came.append(time.monotonic())
        writer.write(HEAD + http_chunk(fixtures.HEARTBEAT))
        self._open.append(writer)
        if len(self._open) == self._streams:
            self._all_here.set()

    async def run(self) -> None:
        await self._when_all_are_here()
        self._seen["opened_at_s"] = self._came[-1]
        self._seen["open_peak"] = peak_count(self._came)
        self._send(0)
        await asyncio.sleep(_CALM_S)
        cut, self._open, self._came = self._open, [], []
        self._all_here.clear()
        cut_at = time.monotonic()
        for writer in cut:
            writer.transport.abort()
        await self._when_all_are_here()
        self._seen["back_s"] = self._came[-1] - cut_at
        self._seen["back_peak"] = peak_count(self._came)
        self._send(1)
        for writer in self._open:
            writer.write(http_chunk(fixtures.END_OF_STREAM) + LAST_CHUNK)
        self.finished.set()

    async def _when_all_are_here(self) -> None:
        while not self._all_here.is_set():
            try:
                async with asyncio.timeout(_HEARTBEAT_TICKS / _TICKS_PER_S):
                    await self._all_here.wait()
            except TimeoutError:
                for writer in self._open:
                    writer.write(http_chunk(fixtures.HEARTBEAT))

    def _send(self, number: int) -> None:
        for place, writer in enumerate(self._open):
            # The number first: a connection's place changes, and its ids must not come again.
            writer.write(http_chunk(timed_event(b"%d:%d:0" % (number, place), number)))

    def statistics(self) -> dict[str, Any]:
        return self._seen


def peak_count(moments: list[float]) -> int:
    """
    Return how many of *moments*, in ascending order, lie within one tenth of a second at most.
    """
    peak = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - _WINDOW_S:
            first += 1
        peak = max(peak, last - first + 1)
    return peak
