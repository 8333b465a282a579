"""
clever_v4 through its public interface: raw events, typed entries one by one, or in batches.
"""

from __future__ import annotations

import asyncio

from benchmarks.ending import ONCE, until_the_end
from benchmarks.readers._measure import Meter, arguments
from clever_v4 import ApiToken, LogEntry, LogStream, Session


async def raw(stream: LogStream[LogEntry]) -> tuple[int, str | None]:
    events = 0
    data = ""
    with until_the_end():
        async for event in stream.events():
            events += 1
            data = event.data
    return events, data


async def typed(stream: LogStream[LogEntry]) -> tuple[int, str | None]:
    events = 0
    message = None
    with until_the_end():
        async for entry in stream:
            events += 1
            message = entry.message
    return events, message


async def batches(stream: LogStream[LogEntry]) -> tuple[int, str | None]:
    events = 0
    message = None
    with until_the_end():
        async for batch in stream.batches():
            events += len(batch)
            message = batch[-1].message
    return events, message


MODES = {"raw": raw, "typed": typed, "batches": batches}


async def main() -> None:
    options = arguments(*MODES)
    async with Session(ApiToken("benchmark"), base_url=options.base_url) as session:
        meter = Meter()
        async with session.logs.stream("orga_1", options.application, options=ONCE) as stream:
            events, last = await MODES[options.mode](stream)
    meter.report(events, last_characters=len(last or ""))


if __name__ == "__main__":
    asyncio.run(main())
