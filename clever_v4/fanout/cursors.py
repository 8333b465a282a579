"""
A reader's place in one ring. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from clever_v4.fanout.items import Gap, Item, Notice, Overflow
from clever_v4.fanout.ring import Ring

__all__ = ["Cursor"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Cursor(Generic[K, T]):
    """
    A reader's place in one ring, and the exact count of what became of its entries.
    """

    __slots__ = (
        "delivered",
        "filtered",
        "missed",
        "notices_seen",
        "number",
        "overflow",
        "position",
        "resume_after",
        "ring",
        "skipped",
        "where",
    )

    def __init__(
        self,
        ring: Ring[K, T],
        *,
        overflow: Overflow,
        where: Callable[[T], object] | None,
        number: int,
        position: int,
        resume_after: int = 0,
    ) -> None:
        self.ring: Ring[K, T] = ring
        self.overflow: Overflow = overflow
        self.where: Callable[[T], object] | None = where
        self.number: int = number
        """The next batch to read."""
        self.position: int = position
        """How many entries of the source lie before what is read next."""
        self.resume_after: int = resume_after
        """Entries up to this number were read in an earlier subscription."""
        self.notices_seen: int = ring.notices
        self.delivered: int = 0
        self.filtered: int = 0
        self.missed: int = 0
        self.skipped: int = 0
        """How many entries were passed over unread and are not yet in ``missed``."""

    @property
    def has_more(self) -> bool:
        """
        Whether there is something to read: a batch, a gap, a notice or the end.
        """
        ring = self.ring
        return (
            self.number < ring.end_number
            or self.skipped > 0
            or ring.ended is not None
            or self.notices_seen < ring.notices
        )

    @property
    def lag(self) -> int:
        """
        How many entries wait in the ring for this cursor.
        """
        return self.ring.end_position - max(self.position, self.ring.first_position)

    @property
    def lag_bytes(self) -> int:
        """
        How many bytes wait in the ring for this cursor.
        """
        return self.ring.bytes_from(self.number)

    @property
    def overrun(self) -> int:
        """
        How many entries are lost to this cursor, since they left the ring before it read them,
        and are not yet in ``missed``.
        """
        return self.skipped + max(0, self.ring.first_position - self.position)

    @property
    def order(self) -> int:
        """
        By what readers order their cursors: when what comes next was received, over all rings.

        Even for entries, from the hub's number of the next one; odd for a notice or an
        end, which stand between two numbers.
        """
        ring = self.ring
        batch = ring.batches.get(max(self.number, ring.first_number))
        if batch is not None:
            return 2 * batch.first
        last = ring.ended_after
        if self.notices_seen < ring.notices:
            last = ring.notice_after
        return 2 * (ring.sequencer.last if last is None else last) + 1

    def skip(self) -> bool:
        """
        Pass over the next batch as if it had left the ring; returns whether there was one.
        """
        ring = self.ring
        self.skipped = self.overrun
        if self.number < ring.first_number:
            self.number, self.position = ring.first_number, ring.first_position
        batch = ring.batches.get(self.number)
        if batch is None:
            return False
        count = min(len(batch.entries), batch.end - self.resume_after)
        self.number += 1
        self.position += count
        self.skipped += count
        return True

    def take(self) -> Item[K, T] | None:
        """
        Move over the next thing to read and return it; None: there is nothing.

        A batch may be empty, since ``where`` left nothing of it.
        """
        ring = self.ring
        if self.number < ring.first_number or self.skipped:
            missed = self.overrun
            if self.number < ring.first_number:
                self.number, self.position = ring.first_number, ring.first_position
            self.skipped = 0
            self.missed += missed
            return Gap(source=ring.source, count=missed)
        if self.notices_seen < ring.notices and ring.notice_number <= self.number:
            self.notices_seen = ring.notices
            return Notice(source=ring.source, detail=ring.notice, count=ring.notices)
        batch = ring.batches.get(self.number)
        if batch is None:
            return None
        # A predicate may raise; who gave it gets its error, and reads on after the batch.
        self.number += 1
        if self.resume_after >= batch.first:
            batch = batch.after(self.resume_after)
        length = len(batch.entries)
        self.position += length
        if self.where is not None:
            try:
                batch = batch.select(self.where)
            except Exception:
                self.missed += length
                raise
            self.filtered += length - len(batch.entries)
        self.delivered += len(batch.entries)
        return batch
