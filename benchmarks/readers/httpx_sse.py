"""
httpx-sse as it is: its events, or each structured with json and cattrs.
"""

from __future__ import annotations

import asyncio

import httpx
from httpx_sse import aconnect_sse

from benchmarks.readers._measure import Meter, arguments
from benchmarks.readers._model import Entry, structurer


async def main() -> None:
    options = arguments("raw", "typed")
    structure = structurer() if options.mode == "typed" else str
    events = 0
    entry: Entry | str = ""
    async with httpx.AsyncClient(timeout=None) as client:
        meter = Meter()
        async with aconnect_sse(client, "GET", options.url) as source:
            async for event in source.aiter_sse():
                if event.event != "APPLICATION_LOG":
                    break
                entry = structure(event.data)
                events += 1
    meter.report(events, last_characters=len(entry if isinstance(entry, str) else entry.message))


if __name__ == "__main__":
    asyncio.run(main())
