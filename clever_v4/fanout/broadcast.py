"""
One source's ring, and those who read it.

A batch enters the ring once, whoever reads it. A cursor is a place in the ring; handing
a batch over moves the cursor and copies nothing. Cursors that have read everything are
idle; publishing hands those, and only those, to their readers, so a stuck subscriber
costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol, TypeVar

from clever_v4.fanout.cursors import Cursor
from clever_v4.fanout.items import Batch, Overflow, SourceEnded, SourceFailed
from clever_v4.fanout.ring import Ring, Sequencer

__all__ = ["Broadcast", "Reader"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Reader(Protocol):
    """
    Who reads rings: told when there is something to read, or that it came too late.
    """

    def ready(self, ring: Broadcast[Any, Any], cursor: Cursor[Any, Any], order: int) -> None:
        """
        There is something to read at *cursor*, whose ``order`` is this.
        """
        ...

    def overrun(self) -> None:
        """
        What a cursor that is to disconnect then had to read left its ring.
        """
        ...


class Broadcast(Ring[K, T]):
    """
    A ring, its cursors with their overflow policies, and the publisher that may have to wait.

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
        super().__init__(source, capacity=capacity, sequencer=sequencer, ordinal=ordinal)
        self.cursors: dict[Cursor[K, T], Reader] = {}
        self.waiting: asyncio.Future[None] | None = None
        """What the publisher waits for while a ``block`` cursor is a whole ring behind."""
        self._clock = clock
        self._paused_s = 0.0
        self._paused_at: float | None = None
        self._idle: dict[Cursor[K, T], Reader] = {}
        self._blocking: set[Cursor[K, T]] = set()
        self._disconnecting: dict[Cursor[K, T], Reader] = {}

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
            number, position = self.place_after(resume_after)
        elif from_oldest:
            number, position = self.first_number, self.first_position
        cursor = Cursor(
            self,
            overflow=overflow,
            where=where,
            number=number,
            position=position,
            resume_after=resume_after or 0,
        )
        self.cursors[cursor] = reader
        if overflow is Overflow.BLOCK:
            self._blocking.add(cursor)
        elif overflow is Overflow.DISCONNECT:
            self._disconnecting[cursor] = reader
        if cursor.has_more:
            reader.ready(self, cursor, cursor.order)
        else:
            self._idle[cursor] = reader
        return cursor

    def detach(self, cursor: Cursor[K, T]) -> None:
        """
        Remove a cursor; a publisher that waited for it goes on.
        """
        self.cursors.pop(cursor, None)
        self._idle.pop(cursor, None)
        self._blocking.discard(cursor)
        self._disconnecting.pop(cursor, None)
        self.wake_publisher()

    def rest(self, cursor: Cursor[K, T], reader: Reader) -> None:
        """
        Tell the reader when there is something to read again; there is nothing now.
        """
        self._idle[cursor] = reader

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
        batch = self.hold(entries, self._clock())
        # What a block cursor still needs may stand beyond the bound: only entries that were
        # read from the source when it was stopped come here (see publish).
        self.shrink(min((cursor.number for cursor in self._blocking), default=self.end_number))
        if self._disconnecting:
            first_number = self.first_number
            for cursor, reader in list(self._disconnecting.items()):
                if cursor.number < first_number:
                    reader.overrun()
        order = 2 * batch.first
        idle, self._idle = self._idle, {}
        for cursor, reader in idle.items():
            if cursor.where is not None and self._passes_over(cursor, batch):
                self._idle[cursor] = reader
            else:
                reader.ready(self, cursor, order)

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

    def _wake_idle(self) -> None:
        idle, self._idle = self._idle, {}
        for cursor, reader in idle.items():
            reader.ready(self, cursor, cursor.order)
