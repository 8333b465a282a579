"""
What one source gave, what its subscribers were handed, and what that cost.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.readers._measure import cpu_s

PENDING_ENTRIES = 4096
"""How many entries may wait for one subscriber, in every way: the default of a hub's ring."""


class WrongEntryError(Exception):
    """
    A subscriber did not get what was sent.
    """


class Sent:
    """
    What the source gave so far, and whether each subscriber gets the same.

    What it costs is measured from the source's first read until the last subscriber has its end.

    Args:
        batches: The source.
        batch_length: How many entries its batches have, more or less.
        patience_s: After so long the source ends where it is. None: it ends by itself.
    """

    def __init__(
        self, batches: AsyncIterator[list[Any]], *, batch_length: int, patience_s: float | None
    ) -> None:
        self.entries: list[Any] = []
        self.pending_batches = PENDING_ENTRIES // batch_length
        self.cpu_s = 0.0
        self.wall_s = 0.0
        self._batches = batches
        self._patience_s = patience_s
        self._began = (0.0, 0.0)

    async def batches(self) -> AsyncIterator[list[Any]]:
        """
        Iterate the source's batches.
        """
        start = time.perf_counter()
        self._began = (cpu_s(), start)
        async for batch in self._batches:
            self.entries += batch
            yield batch
            if self._patience_s is not None and time.perf_counter() - start > self._patience_s:
                break
        self._note_cost()

    def _note_cost(self) -> None:
        cpu, wall = self._began
        self.cpu_s, self.wall_s = cpu_s() - cpu, time.perf_counter() - wall

    def check_end(self, place: int) -> None:
        """
        Make sure that a subscriber that ends at *place* had everything.
        """
        if place != len(self.entries):
            raise WrongEntryError(f"{place} of {len(self.entries)} entries")
        self._note_cost()

    async def take_batches(self, batches: AsyncIterator[Any]) -> None:
        """
        Be a subscriber that takes batches.
        """
        place = 0
        sent = self.entries
        async for batch in batches:
            end = place + len(batch)
            if batch[0] is not sent[place] or batch[-1] is not sent[end - 1]:
                raise WrongEntryError(f"batch at {place}")
            place = end
        self.check_end(place)

    async def take_entries(self, entries: AsyncIterator[Any]) -> None:
        """
        Be a subscriber that takes entries one by one.
        """
        place = 0
        sent = self.entries
        async for entry in entries:
            if entry is not sent[place]:
                raise WrongEntryError(f"entry {place}")
            place += 1
        self.check_end(place)
