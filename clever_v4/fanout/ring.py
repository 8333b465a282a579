"""
What is held of one source: the bounded ring of its recent batches, and what else it told. Pure.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from clever_v4.fanout.items import Batch, SourceEnded, SourceFailed

__all__ = ["Ring", "Sequencer"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Sequencer:
    """
    Numbers the entries of all rings that share it, from 1.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0


class Ring(Generic[K, T]):
    """
    The last *capacity* entries of one source, in the batches in which they came.

    Batches are numbered from 0. A position counts the entries of the source that lie
    before a place.

    Args:
        source: The key that tags every batch.
        capacity: How many entries it holds.
        sequencer: Numbers the entries; rings of one hub share it.
        ordinal: The ring's own number in its hub, for cursors that are written down.
    """

    def __init__(
        self, source: K, *, capacity: int, sequencer: Sequencer | None = None, ordinal: int = 0
    ) -> None:
        self.source = source
        self.capacity = capacity
        self.sequencer = sequencer or Sequencer()
        self.ordinal = ordinal
        self.batches: dict[int, Batch[K, T]] = {}
        self.first_number = 0
        self.first_position = 0
        self.end_number = 0
        self.end_position = 0
        self.evicted_through = 0
        """The hub's number of the last entry that left the ring."""
        self.notices = 0
        self.notice: object = None
        self.notice_number = 0
        self.notice_after = 0
        """The hub's number of the last entry before the notice."""
        self.ended: SourceEnded[K] | SourceFailed[K] | None = None
        self.ended_after: int | None = None
        """The hub's number of the last entry before the end."""
        self.last_received_at: float | None = None

    def place_after(self, sequence: int) -> tuple[int, int]:
        """
        The number and the position of the first batch that has something after this entry.
        """
        position = self.first_position
        for number, batch in self.batches.items():
            if batch.end > sequence:
                return number, position
            position += len(batch.entries)
        return self.end_number, self.end_position

    def hold(self, entries: tuple[T, ...], now: float) -> Batch[K, T]:
        """
        Append a batch that was received at *now*.
        """
        sequencer = self.sequencer
        first = sequencer.last + 1
        sequencer.last += len(entries)
        self.last_received_at = now
        batch = Batch(self.source, entries, first=first, end=sequencer.last, received_at=now)
        self.batches[self.end_number] = batch
        self.end_number += 1
        self.end_position += len(entries)
        return batch

    def shrink(self, floor: int) -> None:
        """
        Drop the oldest batches until the bound holds, those from number *floor* on excepted.
        """
        while (
            self.end_position - self.first_position > self.capacity
            and self.first_number < self.end_number - 1
            and self.first_number < floor
        ):
            batch = self.batches.pop(self.first_number)
            self.first_number += 1
            self.first_position += len(batch.entries)
            self.evicted_through = batch.end

    def clear(self) -> None:
        """
        Drop every batch; only when no cursor is attached.
        """
        self.batches.clear()
        self.evicted_through = self.sequencer.last
        self.first_number, self.first_position = self.end_number, self.end_position
