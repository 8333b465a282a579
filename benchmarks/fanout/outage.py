"""
A hub follows many sources; the server cuts all of their connections in one moment.

Every source must come back, and each entry from before and after the cut arrive exactly once. When
they came is what the server saw.

Run ``python -m benchmarks.fanout.outage BASE_URL APPLICATION SOURCES default|off``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from datetime import timedelta
from typing import Any

from benchmarks.ending import LONG_AFTER
from benchmarks.readers._measure import cpu_s
from benchmarks.wire import number_of
from clever_v4 import ApiToken, Session
from clever_v4.fanout.items import Overflow
from clever_v4.fanout.pacing import Pacing
from clever_v4.log_hub import LogHub, LogSource

PACINGS = {
    "default": Pacing(),
    "off": Pacing(concurrency=10_000, per_second=1e6, jitter=timedelta(0)),
}


async def measure(base_url: str, application: str, sources: int, pacing: Pacing) -> dict[str, Any]:
    """
    Follow so many sources through the outage.
    """
    got: dict[LogSource, list[int]] = {}
    started_s = time.monotonic()
    async with (
        Session(ApiToken("benchmark"), base_url=base_url) as session,
        LogHub(session, pacing=pacing) as hub,
    ):
        cpu = cpu_s()
        for number in range(sources):
            got[hub.follow(f"orga_{number}", application, LONG_AFTER)] = []
        async with hub.subscribe(sources=got, overflow=Overflow.BLOCK) as subscription:
            async for source, entry, _ in subscription:
                got[source].append(number_of(entry.message or ""))
        cpu = cpu_s() - cpu
        attempts = hub.statistics().notices["Reconnection"]
    wrong = [numbers for numbers in got.values() if numbers != [0, 1]]
    if wrong:
        raise RuntimeError(f"{len(wrong)} sources lost or repeated entries, such as {wrong[0]}")
    return {
        "events": 2 * sources,
        "cpu_s": cpu,
        "attempts": attempts,
        "started_s": started_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("application")
    parser.add_argument("sources", type=int)
    parser.add_argument("pacing", choices=PACINGS)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, options.sources + 1_000), most))
    told = asyncio.run(
        measure(options.base_url, options.application, options.sources, PACINGS[options.pacing])
    )
    print(json.dumps(told))


if __name__ == "__main__":
    main()
