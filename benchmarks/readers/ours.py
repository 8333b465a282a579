"""
clever_v4 through its public interface: raw events, typed entries one by one, or in batches.
"""

from __future__ import annotations

import asyncio

from benchmarks.readers._measure import Meter, arguments
from clever_v4 import ApiToken, Session


async def main() -> None:
    options = arguments("raw", "typed", "batches")
    events = 0
    message: str | None = None
    meter = Meter()
    async with (
        Session(ApiToken("benchmark"), base_url=options.base_url) as session,
        session.logs.stream("orga_1", options.application) as stream,
    ):
        if options.mode == "raw":
            async for event in stream.events():
                if event.type != "APPLICATION_LOG":
                    continue
                events += 1
                message = event.data
        elif options.mode == "typed":
            async for entry in stream:
                events += 1
                message = entry.message
        else:
            async for batch in stream.batches():
                events += len(batch)
                message = batch[-1].message
    meter.report(events, last_characters=len(message or ""))


if __name__ == "__main__":
    asyncio.run(main())
