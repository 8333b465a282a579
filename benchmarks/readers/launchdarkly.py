"""
LaunchDarkly's eventsource, its asynchronous client on aiohttp: its events.
"""

from __future__ import annotations

import asyncio

import aiohttp
from ld_eventsource.async_client import AsyncSSEClient
from ld_eventsource.config.async_connect_strategy import AsyncConnectStrategy

from benchmarks.readers._measure import Meter, arguments


async def main() -> None:
    options = arguments("raw")
    events = 0
    data = ""
    strategy = AsyncConnectStrategy.http(
        options.url, aiohttp_request_options={"timeout": aiohttp.ClientTimeout(total=None)}
    )
    meter = Meter()
    async with AsyncSSEClient(strategy) as client:
        async for event in client.events:
            if event.event != "APPLICATION_LOG":
                break
            data = event.data
            events += 1
    meter.report(events, last_characters=len(data))


if __name__ == "__main__":
    asyncio.run(main())
