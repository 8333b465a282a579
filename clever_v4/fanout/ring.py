"""
What is held of one source: the bounded ring of its recent batches, and what else it told. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from clever_v4.fanout.items import Batch, NoticeDetail, SourceEnded, SourceFailed

__all__ = ["Ring", "Sequencer"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Sequencer:
    """
    Numbers the entries of all rings that share it, from 1.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last: int = 0


class Ring(Generic[K, T]):
    """
    The last entries of one source, in the batches in which they came.

    Batches are numbered from 0. A position counts the entries of the source that lie
    before a place. Bytes are those that a batch was said to have when it came.

    Args:
        source: The key that tags every batch.
        capacity: How many entries it holds.
        capacity_bytes: How many bytes it holds; the newest batch is held whatever its size.
        sequencer: Numbers the entries; rings of one hub share it.
        ordinal: The ring's own number in its hub, for cursors that are written down.
    """

    def __init__(
        self,
        source: K,
        *,
        capacity: int,
        capacity_bytes: int,
        sequencer: Sequencer | None = None,
        ordinal: int = 0,
    ) -> None:
        self.source = source
        self.capacity = capacity
        self.capacity_bytes = capacity_bytes
        self.sequencer: Sequencer = sequencer or Sequencer()
        self.ordinal = ordinal
        self.batches: dict[int, Batch[K, T]] = {}
        self.first_number: int = 0
        self.first_position: int = 0
        self.end_number: int = 0
        self.end_position: int = 0
        self.first_bytes: int = 0
        self.end_bytes: int = 0
        """How many bytes the source gave; ``first_bytes``: before the first batch held."""
        self._byte_ends: deque[int] = deque()  # the ``end_bytes`` after each batch held
        self.evicted_through: int = 0
        """The hub's number of the last entry that left the ring."""
        self.notices: int = 0
        self.notice: NoticeDetail = ""
        self.notice_number: int = 0
        self.notice_after: int = 0
        """The hub's number of the last entry before the notice."""
        self.ended: SourceEnded[K] | SourceFailed[K] | None = None
        self.ended_after: int | None = None
        """The hub's number of the last entry before the end."""
        self.last_received_at: float | None = None

    @property
    def held_bytes(self) -> int:
        """
        How many bytes it holds.
        """
        return self.end_bytes - self.first_bytes

    def bytes_from(self, number: int) -> int:
        """
        How many bytes it holds in the batches from this number on.
        """
        before = number - self.first_number
        if before <= 0:
            return self.held_bytes
        return self.end_bytes - self._byte_ends[before - 1]

    def place_after(self, sequence: int) -> tuple[int, int]:
        """
        The first batch that has something after this entry, and the position of that.
        """
        position = self.first_position
        for number, batch in self.batches.items():
            if batch.end > sequence:
                # It may end in the middle of the batch: entries of a batch are numbered in a row.
                return number, position + max(0, sequence - batch.first + 1)
            position += len(batch.entries)
        return self.end_number, self.end_position

    def position_through(self, sequence: int) -> int | None:
        """
        The position after all entries up to this number; None: they left the ring before it.
        """
        position = self.end_position
        for batch in reversed(self.batches.values()):
            if batch.end <= sequence:
                return position
            if batch.first <= sequence:
                return position - (batch.end - sequence)
            position -= len(batch.entries)
        return position if sequence >= self.evicted_through else None

    def hold(self, entries: tuple[T, ...], size_bytes: int, now: float) -> Batch[K, T]:
        """
        Append a batch of so many bytes that was received at *now*.
        """
        sequencer = self.sequencer
        first = sequencer.last + 1
        sequencer.last += len(entries)
        self.last_received_at = now
        batch = Batch(self.source, entries, first=first, end=sequencer.last, received_at=now)
        self.batches[self.end_number] = batch
        self.end_number += 1
        self.end_position += len(entries)
        self.end_bytes += size_bytes
        self._byte_ends.append(self.end_bytes)
        return batch

    def hold_notice(self, detail: NoticeDetail) -> None:
        """
        Keep a notice after the last entry, in place of one before it.
        """
        self.notices += 1
        self.notice = detail
        self.notice_number = self.end_number
        self.notice_after = self.sequencer.last

    def hold_end(self, ended: SourceEnded[K] | SourceFailed[K]) -> None:
        """
        Keep how it ended, after the last entry.
        """
        self.ended = ended
        self.ended_after = self.sequencer.last

    def shrink(self, floor: int) -> None:
        """
        Drop the oldest batches until the bounds hold, those from number *floor* on excepted.
        """
        floor = min(floor, self.end_number - 1)
        while (
            self.end_position - self.first_position > self.capacity
            or self.end_bytes - self.first_bytes > self.capacity_bytes
        ) and self.first_number < floor:
            self.drop_oldest()

    def drop_oldest(self) -> None:
        """
        Drop the oldest batch; there must be one.
        """
        batch = self.batches.pop(self.first_number)
        self.first_number += 1
        self.first_position += len(batch.entries)
        self.first_bytes = self._byte_ends.popleft()
        self.evicted_through = batch.end

    def clear(self) -> None:
        """
        Drop every batch; only when no cursor is attached.
        """
        self.batches.clear()
        self._byte_ends.clear()
        self.evicted_through = self.sequencer.last
        self.first_number, self.first_position = self.end_number, self.end_position
        self.first_bytes = self.end_bytes
