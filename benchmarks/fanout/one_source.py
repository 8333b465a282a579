"""
One source to many subscribers, in one of the `WAYS`, with so many subscribers after one another.

``memory``: the source gives entries that are already there, as fast as they are taken. ``steady`` and
``chunks``: it is a log stream of the benchmark server, at a steady rate or as fast as it is taken.

Run ``python -m benchmarks.fanout.one_source WAY SOURCE BASE_URL SUBSCRIBERS:ENTRIES ...``: prints what
each number of subscribers cost; 0 tells what reading the source costs by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks import fixtures
from benchmarks.ending import LONG_AFTER
from benchmarks.fanout import BATCH_LENGTH, RATE
from benchmarks.fanout.sent import Sent
from benchmarks.fanout.ways import WAYS, Way
from clever_v4 import ApiToken, LogEntry, Session
from clever_v4.wire.converter import converter

PATIENCE_S = 1.0
"""A source that is not taken as fast as it sends is left after this time."""


async def from_memory(count: int) -> AsyncIterator[list[LogEntry]]:
    """
    Give so many entries in batches; ready-made, so that making them is not measured.
    """
    kept = _entries()
    for first in range(0, count, BATCH_LENGTH):
        place = first % len(kept)
        yield kept[place : place + min(BATCH_LENGTH, count - first)]
        # As one that reads from a socket does between two reads.
        await asyncio.sleep(0)


def _entries() -> list[LogEntry]:
    text = json.dumps([fixtures.entry(number) for number in range(10 * BATCH_LENGTH)])
    entries: list[LogEntry] = converter.loads(text.encode(), list[LogEntry])
    return entries


@asynccontextmanager
async def source(
    session: Session, kind: str, count: int
) -> AsyncIterator[AsyncIterator[list[LogEntry]]]:
    """
    Open the source.
    """
    if kind == "memory":
        yield from_memory(count)
        return
    application = f"steady-{RATE}-{count}" if kind == "steady" else f"{kind}-{count}"
    async with session.logs.stream("orga_1", application, LONG_AFTER) as stream:
        yield stream.batches()


async def measure(
    session: Session, way: Way, kind: str, subscribers: int, count: int
) -> dict[str, Any]:
    """
    Hand so many entries to so many subscribers.
    """
    async with source(session, kind, count) as batches:
        patience_s = None if kind == "memory" else PATIENCE_S
        sent = Sent(batches, batch_length=BATCH_LENGTH, patience_s=patience_s)
        await way(sent, subscribers)
    return {
        "subscribers": subscribers,
        "entries": len(sent.entries),
        "expected": count,
        "cpu_s": sent.cpu_s,
        "wall_s": sent.wall_s,
    }


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """
    Measure each amount after the other.
    """
    way = WAYS[options.way]
    async with Session(ApiToken("benchmark"), base_url=options.base_url) as session:
        # Whatever is done at the first time only is done here.
        for kind in {options.source, "chunks"}:
            await measure(session, way, kind, 2, BATCH_LENGTH)
        measured = [
            await measure(session, way, options.source, *map(int, amount.split(":")))
            for amount in options.amounts
        ]
    return {"amounts": measured}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("source", choices=("memory", "steady", "chunks"))
    parser.add_argument("base_url")
    parser.add_argument("amounts", nargs="+", metavar="SUBSCRIBERS:ENTRIES")
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
