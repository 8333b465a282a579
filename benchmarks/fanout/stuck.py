"""
A hundred live subscribers of a steady source, alone or beside one that is stuck.

Each live subscriber takes batches, checks that it misses nothing, and notes how late each batch
is. The stuck one takes a batch and then nothing more, while more than a ring passes by.

Run ``python -m benchmarks.fanout.stuck BASE_URL SUBSCRIBERS ENTRIES STUCK``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from array import array
from typing import Any

from benchmarks.ending import LONG_AFTER
from benchmarks.fanout import RATE
from benchmarks.readers._measure import cpu_s
from benchmarks.wire import number_of, sent_ns
from clever_v4 import ApiToken, LogEntry, Session
from clever_v4.fanout.items import Overflow
from clever_v4.log_hub import LogHub, LogSource


class Live:
    """
    What all live subscribers got.
    """

    def __init__(self, count: int) -> None:
        self.latencies_ns = array("q")
        self.entries = 0
        self._count = count

    async def take(self, hub: LogHub, source: LogSource) -> None:
        """
        Be one of them.
        """
        place = 0
        async with hub.subscribe(sources=[source], overflow=Overflow.DROP_OLDEST) as subscription:
            async for batch in subscription.batches():
                first = batch[0].message or ""
                self.latencies_ns.append(time.monotonic_ns() - sent_ns(first))
                if number_of(first) != place:
                    raise RuntimeError(f"entry {number_of(first)} came instead of {place}")
                place += len(batch)
        if place != self._count:
            raise RuntimeError(f"{place} of {self._count} entries")
        self.entries += place


async def be_stuck(hub: LogHub, source: LogSource, count: int, ended: asyncio.Event) -> None:
    """
    Take one batch, and look up when all is over: what was missed is told exactly.
    """
    async with hub.subscribe(sources=[source], overflow=Overflow.DROP_OLDEST) as subscription:
        async for first in subscription.batches():
            await ended.wait()
            missed = subscription.statistics().missed
            got = len(first) + sum([len(batch) async for batch in subscription.batches()])
            if not missed or got + missed != count:
                raise RuntimeError(f"{got} entries and {missed} missed are not {count}")


async def measure(base_url: str, subscribers: int, count: int, stuck: int) -> dict[str, Any]:
    """
    Run it, and say how the live subscribers fared.
    """
    live = Live(count)
    async with (
        Session(ApiToken("benchmark"), base_url=base_url) as session,
        LogHub(session) as hub,
    ):
        # Whatever is done at the first time only is done here.
        async with session.logs.stream("orga_1", "chunks-1000", LONG_AFTER) as stream:
            entries: list[LogEntry] = [entry async for entry in stream]
        if len(entries) != 1000:
            raise RuntimeError("the first stream lost entries")
        ended = asyncio.Event()
        cpu = cpu_s()
        source = hub.follow("orga_1", f"steady-{RATE}-{count}", LONG_AFTER)
        async with asyncio.TaskGroup() as group:
            for _ in range(stuck):
                group.create_task(be_stuck(hub, source, count, ended))
            async with asyncio.TaskGroup() as alive:
                for _ in range(subscribers):
                    alive.create_task(live.take(hub, source))
            cpu = cpu_s() - cpu
            ended.set()
    ordered = sorted(live.latencies_ns)
    return {
        "events": live.entries,
        "cpu_s": cpu,
        "p50_ms": ordered[len(ordered) // 2] / 1e6,
        "p99_ms": ordered[len(ordered) * 99 // 100] / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("subscribers", type=int)
    parser.add_argument("entries", type=int)
    parser.add_argument("stuck", type=int)
    options = parser.parse_args()
    told = asyncio.run(
        measure(options.base_url, options.subscribers, options.entries, options.stuck)
    )
    print(json.dumps(told))


if __name__ == "__main__":
    main()
