"""
The bounded ring of one source's recent batches, and the cursors that read it.

A batch enters the ring once, whoever reads it. A cursor is a place in the ring;
handing a batch over moves the cursor and copies nothing. Cursors that have read
everything wait in the ring's ``_idle``; publishing hands those, and only those, to
their readers, so a stuck subscriber costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from clever_v4.fanout.cursors import Cursor, Reader
from clever_v4.fanout.items import Batch, Overflow, SourceEnded, SourceFailed

__all__ = ["Broadcast", "Sequencer"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Sequencer:
    """
    Numbers the entries of all rings that share it, from 1.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0


class Broadcast(Generic[K, T]):
    """
    One source's ring: the last *capacity* entries, in the batches in which they came.

    Args:
        source: The key that tags every batch.
        capacity: How many entries it holds at most. A longer batch is cut into pieces.
        sequencer: Numbers the entries; rings of one hub share it.
        clock: Monotonic seconds.
        ordinal: The ring's own number in its hub, for cursors that are written down.
    """

    def __init__(
        self,
        source: K,
        *,
        capacity: int,
        sequencer: Sequencer | None = None,
        clock: Callable[[], float] = time.monotonic,
        ordinal: int = 0,
    ) -> None:
        self.source = source
        self.capacity = capacity
        self.sequencer = sequencer or Sequencer()
        self.ordinal = ordinal
        self.batches: dict[int, Batch[K, T]] = {}
        self.first_number = 0
        self.first_position = 0
        self.end_position = 0
        self.end_number = 0
        self.evicted_through = 0
        """The hub's number of the last entry that left the ring."""
        self.notices = 0
        self.notice: object = None
        self.notice_number = 0
        self.notice_after = 0
        """The hub's number of the last entry before the notice."""
        self.ended_after: int | None = None
        """The same for the end of the ring."""
        self.ended: SourceEnded[K] | SourceFailed[K] | None = None
        self.waiting: asyncio.Future[None] | None = None
        self.last_received_at: float | None = None
        self.cursors: set[Cursor[K, T]] = set()
        self._clock = clock
        self._paused_s = 0.0
        self._paused_at: float | None = None
        self._idle: dict[Cursor[K, T], None] = {}
        self._blocking: set[Cursor[K, T]] = set()
        self._disconnecting: set[Cursor[K, T]] = set()

    # --- Reading ------------------------------------------------------------------

    def attach(
        self,
        reader: Reader,
        *,
        overflow: Overflow,
        where: Callable[[T], object] | None = None,
        from_oldest: bool = False,
        resume_after: int | None = None,
    ) -> Cursor[K, T]:
        """
        Add a cursor: at the end, at the oldest batch, or after the entry *resume_after*.
        """
        number, position = self.end_number, self.end_position
        if resume_after is not None:
            number, position = self._place_after(resume_after)
        elif from_oldest:
            number, position = self.first_number, self.first_position
        cursor = Cursor(
            self,
            reader,
            overflow=overflow,
            where=where,
            number=number,
            position=position,
            resume_after=resume_after or 0,
        )
        self.cursors.add(cursor)
        if overflow is Overflow.BLOCK:
            self._blocking.add(cursor)
        elif overflow is Overflow.DISCONNECT:
            self._disconnecting.add(cursor)
        self.rest(cursor)
        return cursor

    def _place_after(self, sequence: int) -> tuple[int, int]:
        position = self.first_position
        for number, batch in self.batches.items():
            if batch.end > sequence:
                return number, position
            position += len(batch.entries)
        return self.end_number, self.end_position

    def detach(self, cursor: Cursor[K, T]) -> None:
        """
        Remove a cursor; a publisher that waited for it goes on.
        """
        self.cursors.discard(cursor)
        self._blocking.discard(cursor)
        self._disconnecting.discard(cursor)
        self._idle.pop(cursor, None)
        self.wake_publisher()

    def rest(self, cursor: Cursor[K, T]) -> None:
        """
        Put a cursor to rest, or hand it to its reader at once if there is something to read.
        """
        if (
            cursor.number < self.end_number
            or self.ended is not None
            or cursor.notices_seen < self.notices
        ):
            cursor.reader.cursor_ready(cursor)
        else:
            self._idle[cursor] = None

    # --- Writing ------------------------------------------------------------------

    async def publish(self, entries: Sequence[T]) -> None:
        """
        Append entries, after waiting for room as long as a ``block`` cursor needs it.

        When cancelled while waiting, what was not yet appended is appended beyond the
        bound: the source was already read so far, and nothing may be lost.
        """
        for start in range(0, len(entries), self.capacity):
            piece = tuple(entries[start : start + self.capacity])
            if self._is_blocked(len(piece)):
                self._paused_at = self._clock()
                try:
                    while self._is_blocked(len(piece)):
                        self.waiting = asyncio.get_running_loop().create_future()
                        await self.waiting
                except asyncio.CancelledError:
                    self.append(tuple(entries[start:]))
                    raise
                finally:
                    self.waiting = None
                    self._paused_s += self._clock() - self._paused_at
                    self._paused_at = None
            self.append(piece)
            # Lets the readers just woken take the batch before the next one comes, so that a
            # burst that was read at once from a socket laps nobody who keeps up.
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if start + self.capacity < len(entries):
                    self.append(tuple(entries[start + self.capacity :]))
                raise

    def append(self, entries: tuple[T, ...]) -> None:
        """
        Append entries now, dropping the oldest batches that leave the bound.
        """
        sequencer = self.sequencer
        first = sequencer.last + 1
        sequencer.last += len(entries)
        now = self.last_received_at = self._clock()
        batch = Batch(self.source, entries, first=first, end=sequencer.last, received_at=now)
        number = self.end_number
        self.batches[number] = batch
        self.end_number += 1
        self.end_position += len(entries)
        self._evict()
        idle, self._idle = self._idle, {}
        for cursor in idle:
            if cursor.where is not None and self._passes_over(cursor, batch):
                self._idle[cursor] = None
            else:
                cursor.reader.cursor_ready(cursor)

    def _passes_over(self, cursor: Cursor[K, T], batch: Batch[K, T]) -> bool:
        """
        Move an idle cursor over a batch that has nothing for it, without waking its reader.
        """
        assert cursor.where is not None  # noqa: S101  -- the caller looked
        try:
            if batch.select(cursor.where).entries:
                return False
        except Exception:  # noqa: BLE001  -- raised again where the reader evaluates it
            return False
        cursor.number += 1
        cursor.position += len(batch.entries)
        cursor.filtered += len(batch.entries)
        return True

    def _evict(self) -> None:
        # What a block cursor still needs may stand beyond the bound: only entries that were
        # read from the source when it was stopped come here (see publish).
        floor = min((cursor.number for cursor in self._blocking), default=self.end_number)
        while (
            self.end_position - self.first_position > self.capacity
            and self.first_number < self.end_number - 1
            and self.first_number < floor
        ):
            batch = self.batches.pop(self.first_number)
            self.first_number += 1
            self.first_position += len(batch.entries)
            self.evicted_through = batch.end
        if self._disconnecting:
            for cursor in [c for c in self._disconnecting if c.number < self.first_number]:
                cursor.reader.cursor_overrun(cursor)

    def _is_blocked(self, length: int) -> bool:
        if not self._blocking or self.end_position + length - self.first_position <= self.capacity:
            return False
        lowest = min(cursor.position for cursor in self._blocking)
        return self.end_position + length - lowest > self.capacity

    def paused_for(self, now: float) -> float:
        """
        How many seconds ``block`` cursors kept the source from being read, until *now*.
        """
        return self._paused_s + (now - self._paused_at if self._paused_at is not None else 0.0)

    def wake_publisher(self) -> None:
        """
        Let a publisher that waits for room look again.
        """
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    def notify(self, detail: object) -> None:
        """
        Tell readers something about the source, where they stand now.
        """
        self.notices += 1
        self.notice = detail
        self.notice_number = self.end_number
        self.notice_after = self.sequencer.last
        self._wake_idle()

    def end(self, ended: SourceEnded[K] | SourceFailed[K]) -> None:
        """
        Close the ring; readers get what it holds, then *ended*.
        """
        if self.ended is None:
            self.ended = ended
            self.ended_after = self.sequencer.last
            self._wake_idle()

    def clear(self) -> None:
        """
        Drop every batch; only when no cursor is attached.
        """
        self.batches.clear()
        self.evicted_through = self.sequencer.last
        self.first_number, self.first_position = self.end_number, self.end_position

    def _wake_idle(self) -> None:
        idle, self._idle = self._idle, {}
        for cursor in idle:
            cursor.reader.cursor_ready(cursor)
