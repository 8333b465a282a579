"""
aiohttp-sse-client as it is: its events, or each structured with json and cattrs.
"""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp_sse_client.client import EventSource

from benchmarks.readers._measure import Meter, arguments
from benchmarks.readers._model import Entry, structurer


async def main() -> None:
    options = arguments("raw", "typed")
    structure = structurer() if options.mode == "typed" else str
    events = 0
    entry: Entry | str = ""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        meter = Meter()
        async with EventSource(options.url, session=session) as source:
            async for event in source:
                if event.type != "APPLICATION_LOG":
                    break
                entry = structure(event.data)
                events += 1
    meter.report(events, last_characters=len(entry if isinstance(entry, str) else entry.message))


if __name__ == "__main__":
    asyncio.run(main())
