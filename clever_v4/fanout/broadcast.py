"""
One source's ring, and those who read it.

A batch enters the ring once, whoever reads it. A cursor is a place in the ring; handing
a batch over moves the cursor and copies nothing. Cursors that have read everything are
idle; publishing hands those, and only those, to their readers, so a stuck subscriber
costs nothing.

All rings of a hub share one `Storage`. A ring that is no longer followed is *left over*: it is
held for those who have not read it, each of whom bounds what it has of such rings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from clever_v4.fanout.cursors import Cursor
from clever_v4.fanout.items import Batch, NoticeDetail, Overflow, SourceEnded, SourceFailed
from clever_v4.fanout.ring import Ring, Sequencer
from clever_v4.fanout.storage import Storage

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

    def left_over(self, ring: Broadcast[Any, Any], cursor: Cursor[Any, Any]) -> None:
        """
        The ring of a cursor is no longer followed, or holds less than when it was said so.
        """
        ...

    @property
    def holds_back(self) -> bool:
        """
        Whether its ``block`` cursors want nothing to be read from their sources now.
        """
        ...


class Broadcast(Ring[K, T]):
    """
    A ring, its cursors with their overflow policies, and the publisher that may have to wait.

    Args:
        source: The key that tags every batch.
        capacity: How many entries it holds at most. A longer batch is cut into pieces.
        capacity_bytes: How many bytes it holds at most, or one entry that has more.
        storage: Counts the bytes; rings of one hub share it.
        sequencer: Numbers the entries; rings of one hub share it.
        clock: Monotonic seconds.
        ordinal: The ring's own number in its hub, for cursors that are written down.
    """

    def __init__(
        self,
        source: K,
        *,
        capacity: int,
        capacity_bytes: int,
        storage: Storage,
        sequencer: Sequencer | None = None,
        clock: Callable[[], float] = time.monotonic,
        ordinal: int = 0,
    ) -> None:
        super().__init__(
            source,
            capacity=capacity,
            capacity_bytes=capacity_bytes,
            sequencer=sequencer,
            ordinal=ordinal,
        )
        self.cursors: dict[Cursor[K, T], Reader] = {}
        self.waiting: asyncio.Future[None] | None = None
        """What the publisher waits for while a ``block`` cursor is a whole ring behind."""
        self.is_followed: bool = True
        self.is_stuck = False
        """Whether it could give up nothing, since a ``block`` cursor has to read its oldest batch."""
        self._storage = storage
        self._is_appending = False
        self._clock = clock
        self._paused_s = 0.0
        self._paused_at: float | None = None
        self._idle: dict[Cursor[K, T], Reader] = {}
        self._blocking: dict[Cursor[K, T], Reader] = {}
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
            self._blocking[cursor] = reader
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
        self._blocking.pop(cursor, None)
        self._disconnecting.pop(cursor, None)
        self.moved_on()
        if not self.is_followed and not self.cursors:
            self.clear()

    def rest(self, cursor: Cursor[K, T], reader: Reader) -> None:
        """
        Tell the reader when there is something to read again; there is nothing now.
        """
        self._idle[cursor] = reader

    # --- Writing ------------------------------------------------------------------

    async def publish(self, entries: Sequence[T], size_bytes: int = 0) -> None:
        """
        Append entries, after waiting for room as long as a ``block`` cursor needs it.

        When cancelled while waiting, what was not yet appended is appended beyond the
        bounds: the source was already read so far, and nothing may be lost.

        Args:
            entries: At least one.
            size_bytes: How many bytes they have together; what of them falls to each is not known.
        """
        if (
            len(entries) <= self.capacity
            and size_bytes <= self.capacity_bytes
            and not self._is_blocked(len(entries), size_bytes)
        ):
            # What nearly always comes, at the least cost.
            self.append(tuple(entries), size_bytes)
            await asyncio.sleep(0)
            return
        pieces = self._pieces(entries, size_bytes)
        in_hand: tuple[tuple[T, ...], int] | None = None
        try:
            for in_hand in pieces:
                if self._is_blocked(len(in_hand[0]), in_hand[1]):
                    await self._wait_while(self._is_blocked, len(in_hand[0]), in_hand[1])
                self.append(*in_hand)
                in_hand = None
                # Lets the readers just woken take the batch before the next one comes, so that a
                # burst that was read at once from a socket laps nobody who keeps up.
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            if in_hand is not None:
                self.append(*in_hand)
            for piece in pieces:
                self.append(*piece)
            raise

    async def room(self) -> None:
        """
        Wait as long as a ``block`` cursor wants nothing to be read from the source.
        """
        if self._is_held_back():
            await self._wait_while(self._is_held_back)

    async def _wait_while(self, is_blocked: Callable[..., bool], *arguments: int) -> None:
        self._paused_at = self._clock()
        try:
            while is_blocked(*arguments):
                self.waiting = asyncio.get_running_loop().create_future()
                await self.waiting
        finally:
            self.waiting = None
            self._paused_s += self._clock() - self._paused_at
            self._paused_at = None

    def _pieces(self, entries: Sequence[T], size_bytes: int) -> Iterator[tuple[tuple[T, ...], int]]:
        """
        The entries in pieces that the ring can hold, each with its even share of the bytes.
        """
        length = step = len(entries)
        if size_bytes > self.capacity_bytes:
            step = max(1, length * self.capacity_bytes // size_bytes)
        step = min(step, self.capacity)
        told = 0
        for start in range(0, length, step):
            piece = tuple(entries[start : start + step])
            through = size_bytes * (start + len(piece)) // length
            yield piece, through - told
            told = through

    def append(self, entries: tuple[T, ...], size_bytes: int = 0) -> None:
        """
        Append entries now, dropping the oldest batches that leave the bounds.
        """
        before, self._is_appending = self.held_bytes, True
        batch = self.hold(entries, size_bytes, self._clock())
        # What a block cursor still needs may stand beyond the bounds: only entries that were
        # read from the source when it was stopped come here (see publish).
        self.shrink(self._floor())
        self._storage.changed(self, before)
        if self._storage.held_bytes > self._storage.max_bytes:
            self._storage.make_room()
        self._is_appending = False
        if self._disconnecting:
            self._tell_overrun()
        order = 2 * batch.first
        idle, self._idle = self._idle, {}
        for cursor, reader in idle.items():
            if cursor.where is not None and self._passes_over(cursor, batch):
                self._idle[cursor] = reader
            else:
                reader.ready(self, cursor, order)
        if self.is_stuck and self._can_give_up():
            self._storage.may_give_up(self)

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

    def _floor(self) -> int:
        """
        The number of the oldest batch that a ``block`` cursor still has to read.
        """
        if not self._blocking:
            return self.end_number
        return min([cursor.number for cursor in self._blocking])

    def _is_blocked(self, length: int, size_bytes: int) -> bool:
        """
        Whether appending so much would drop what a ``block`` cursor has to read.
        """
        if not self._blocking:
            return False
        if self._is_held_back():
            return True
        unread = self.end_position - min([cursor.position for cursor in self._blocking])
        if not unread:
            return False  # however large it is, it can only come now
        if unread + length > self.capacity:
            return True
        unread_bytes = self.bytes_from(self._floor())
        return unread_bytes + size_bytes > self.capacity_bytes or (
            self._storage.held_bytes + size_bytes > self._storage.max_bytes
            and not self._storage.make_room(size_bytes)
        )

    def _is_held_back(self) -> bool:
        return any(reader.holds_back for reader in self._blocking.values())

    def _tell_overrun(self) -> None:
        """
        Tell the readers that are to be disconnected for what has left the ring.
        """
        first_number = self.first_number
        for cursor, reader in list(self._disconnecting.items()):
            if cursor.number < first_number:
                reader.overrun()

    # --- Giving up ----------------------------------------------------------------

    def give_up_oldest(self) -> bool:
        """
        Drop the oldest batch for the bound of the hub; returns whether it could be.

        It cannot where a ``block`` cursor has to read it, nor while it comes.
        """
        if not self._can_give_up():
            return False
        before = self.held_bytes
        self.drop_oldest()
        self._storage.changed(self, before)
        self._tell_overrun()
        self._tell_left_over()
        return True

    def _can_give_up(self) -> bool:
        return self.first_number < min(self._floor(), self.end_number - self._is_appending)

    def clear(self) -> None:
        """
        Drop every batch; only when no cursor is attached.
        """
        before = self.held_bytes
        super().clear()
        self._storage.changed(self, before)

    def leave(self) -> None:
        """
        Be no longer followed: what every cursor has read is not held.
        """
        self.is_followed = False
        self.trim()
        self._tell_left_over()

    def trim(self) -> None:
        """
        Drop what every cursor has read; only of a ring that nobody will be attached to.
        """
        before = self.held_bytes
        lowest = min((cursor.number for cursor in self.cursors), default=self.end_number)
        while self.first_number < min(lowest, self.end_number):
            self.drop_oldest()
        self._storage.changed(self, before)
        self._storage.make_room()

    def _tell_left_over(self) -> None:
        if not self.is_followed and self.ended is not None:
            for cursor, reader in list(self.cursors.items()):
                reader.left_over(self, cursor)

    def paused_for(self, now: float) -> float:
        """
        How many seconds ``block`` cursors kept the source from being read, until *now*.
        """
        return self._paused_s + (now - self._paused_at if self._paused_at is not None else 0.0)

    def moved_on(self) -> None:
        """
        Take note that a ``block`` cursor has read something, or is gone.
        """
        if self.is_stuck:
            self._storage.may_give_up(self)
            self._storage.make_room()
        self.wake_publisher()

    def wake_publisher(self) -> None:
        """
        Let a publisher that waits for room look again.
        """
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    def notify(self, detail: NoticeDetail) -> None:
        """
        Tell readers something about the source, where they stand now.
        """
        self.hold_notice(detail)
        self._wake_idle()

    def end(self, ended: SourceEnded[K] | SourceFailed[K]) -> None:
        """
        Close the ring; readers get what it holds, then *ended*.
        """
        if self.ended is None:
            self.hold_end(ended)
            self._wake_idle()
            if not self.is_followed:
                self.leave()

    def _wake_idle(self) -> None:
        idle, self._idle = self._idle, {}
        for cursor, reader in idle.items():
            reader.ready(self, cursor, cursor.order)
