"""
Connecting many sources without a stampede: so many at once, so many per second, with jitter.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import attrs

from clever_v4.validators import check_duration, check_number, check_whole_number, field

__all__ = ["Pacer", "Pacing"]


@attrs.frozen(kw_only=True)
class Pacing:
    """
    How fast a hub connects its sources, and connects them again after a shared outage.

    Attributes:
        concurrency: How many connections are being made at once.
        per_second: How many attempts begin per second; they are evenly spaced.
        jitter: Each attempt is put off by a random time up to this, so that several processes
            that were started together do not march in step.
    """

    concurrency: int = attrs.field(default=32, validator=field(check_whole_number))
    per_second: float = attrs.field(default=100.0, validator=field(check_number, more_than=0))
    jitter: timedelta = attrs.field(
        default=timedelta(milliseconds=100), validator=field(check_duration, or_zero=True)
    )


class Pacer:
    """
    Gives out turns to connect.

    Args:
        pacing: How fast.
        clock: Monotonic seconds.
        chance: Evenly distributed in [0, 1).
    """

    def __init__(
        self,
        pacing: Pacing | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.pacing: Pacing = pacing or Pacing()
        self._clock = clock
        self._chance = chance
        self._slots = asyncio.Semaphore(self.pacing.concurrency)
        self._next_at = float("-inf")

    def delay_s(self) -> float:
        """
        Take the next turn; in how many seconds it comes.
        """
        now = self._clock()
        turn_at = max(now, self._next_at)
        self._next_at = turn_at + 1.0 / self.pacing.per_second
        return turn_at - now

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """
        Wait for a turn to connect, and hold it while connecting.
        """
        # The jitter comes first: it mixes up who asks when, and the turns stay evenly spaced.
        await asyncio.sleep(self._chance() * self.pacing.jitter.total_seconds())
        async with self._slots:
            await asyncio.sleep(self.delay_s())
            yield
