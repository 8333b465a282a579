"""
The floor: aiohttp alone, bytes read and thrown away.
"""

from __future__ import annotations

import asyncio

import aiohttp

from benchmarks.readers._measure import Meter, arguments


async def main() -> None:
    options = arguments("bytes")
    size = reads = 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        meter = Meter()
        async with session.get(options.url) as response:
            async for body in response.content.iter_any():
                reads += 1
                size += len(body)
    meter.report(options.count, size_bytes=size, reads=reads)


if __name__ == "__main__":
    asyncio.run(main())
