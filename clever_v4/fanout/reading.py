"""
What a subscriber reads next: its cursors in the rings, in the hub's order or merged by date.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.cursors import Cursor
from clever_v4.fanout.items import Batch, Gap, Item, Overflow
from clever_v4.fanout.leftovers import Leftovers
from clever_v4.fanout.merge import Merge, OrderedMerge

__all__ = ["Reading"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def _epoch() -> float:
    return time.time() - time.monotonic()


class Reading(Generic[K, T]):
    """
    The cursors of one subscription; nothing here waits.

    Cursors that have something to read stand in a heap by when what they read next was
    received, so that entries come in the order in which the hub received them.

    Args:
        overflow: What happens to the cursors when they are overrun.
        where: What the cursors pass over is what it does not accept.
        merge: How entries are put in the order of their dates, if they are.
        wake: Called when there is something to read.
        overrun: Called when a ``disconnect`` cursor was overrun.
        detached: Called with each cursor that goes, after its last count.
        given_up: Called with each ring of which not even the end will be read, and how many
            entries of it no gap was told of.
    """

    def __init__(
        self,
        *,
        overflow: Overflow,
        where: Callable[[T], object] | None,
        merge: Merge[T] | None,
        wake: Callable[[], None],
        overrun: Callable[[], None],
        detached: Callable[[Broadcast[K, T], Cursor[K, T]], None],
        given_up: Callable[[Broadcast[K, T], int], None],
    ) -> None:
        self.cursors: dict[Broadcast[K, T], Cursor[K, T]] = {}
        self.merge: OrderedMerge[K, T] | None = None
        if merge is not None:
            self.merge = OrderedMerge(merge, epoch=_epoch)
        self.waiting: list[tuple[int, int, Broadcast[K, T], Cursor[K, T]]] = []
        """The heap: by the cursors' order; no two rings of a hub have the same ordinal."""
        self.through: int = 0
        """Every entry up to this number was taken from the rings."""
        self.taken: int = 0
        """How many entries were taken from the rings."""
        self.missed: int = 0
        """How many are known to be missed, since a gap was taken or a cursor has gone."""
        self.overrun = overrun
        self._sources: Counter[K] = Counter()
        self._overflow = overflow
        self._where = where
        self._wake = wake
        self._detached = detached
        self._given_up = given_up
        self.holds_back: bool = False
        """Whether nothing is to be read from its sources: with ``block``, too much is left over."""
        self._leftovers: Leftovers[K, T] = Leftovers()
        self._first: deque[tuple[int, Item[K, T]]] = deque()

    # --- Cursors --------------------------------------------------------------------

    def attach(
        self, ring: Broadcast[K, T], *, from_oldest: bool, resume_after: int | None = None
    ) -> None:
        """
        Read from a ring too.
        """
        self._sources[ring.source] += 1
        self.cursors[ring] = ring.attach(
            self,
            overflow=self._overflow,
            where=self._where,
            from_oldest=from_oldest,
            resume_after=resume_after,
        )

    def reads(self, source: K) -> bool:
        """
        Whether a ring of a source is read: one that ended may have been followed again.
        """
        return source in self._sources

    def put_first(self, ring: Broadcast[K, T], item: Item[K, T]) -> None:
        """
        Hand over *item* before anything else.
        """
        self._first.append((ring.ordinal, item))

    def detach(self, ring: Broadcast[K, T], *, lag_is_missed: bool = False) -> None:
        """
        Stop reading from a ring; what became of its entries stays counted.
        """
        cursor = self.cursors.pop(ring)
        self._sources[ring.source] -= 1
        if not self._sources[ring.source]:
            del self._sources[ring.source]
        missed = cursor.overrun + (cursor.lag if lag_is_missed else 0)
        cursor.missed += missed
        cursor.position, cursor.skipped = ring.end_position, 0
        self.missed += missed
        ring.detach(cursor)
        self._leftovers.discard(ring)
        self._go_on()
        self._detached(ring, cursor)

    def close(self, *, lag_is_missed: bool) -> None:
        """
        Stop reading from every ring.
        """
        for ring in list(self.cursors):
            self.detach(ring, lag_is_missed=lag_is_missed)
        self.waiting.clear()
        self._first.clear()

    def ready(self, ring: Broadcast[Any, Any], cursor: Cursor[Any, Any], order: int) -> None:
        """
        Take note that a cursor has something to read; called by its ring.
        """
        heapq.heappush(self.waiting, (order, ring.ordinal, ring, cursor))
        self._wake()

    def left_over(self, ring: Broadcast[Any, Any], cursor: Cursor[Any, Any]) -> None:
        """
        Bound what is held of rings that are no longer followed; called by each of them.
        """
        left = self._leftovers
        left.count(ring, cursor)
        if not left.is_too_much:
            return
        if self._overflow is Overflow.BLOCK:
            self.holds_back = True
        elif self._overflow is Overflow.DISCONNECT:
            self.overrun()
        else:
            left.skip()
            while left.are_too_many:
                self._give_up(next(iter(left.cursors)))

    def _give_up(self, ring: Broadcast[K, T]) -> None:
        cursor = self.cursors[ring]
        missed = cursor.overrun + cursor.lag
        self.waiting[:] = [waits for waits in self.waiting if waits[3] is not cursor]
        heapq.heapify(self.waiting)
        self.detach(ring, lag_is_missed=True)
        self._given_up(ring, missed)

    def _go_on(self) -> None:
        """
        Let the sources be read again once not too much is left over.
        """
        if self.holds_back and not self._leftovers.is_too_much:
            self.holds_back = False
            for ring in self.cursors:
                ring.wake_publisher()

    @property
    def has_more(self) -> bool:
        """
        Whether something was received that was not handed over.
        """
        return bool(self._first or self.waiting or self.merge)

    # --- Taking -----------------------------------------------------------------------

    def take(self) -> tuple[int, Item[K, T]] | None:
        """
        The next item, after the ordinal of its ring; None: there is nothing.
        """
        if self._first:
            return self._first.popleft()
        waiting = self.waiting
        while waiting:
            _, ordinal, ring, cursor = waiting[0]
            missed = cursor.missed
            try:
                item = cursor.take()
            except Exception:
                # The predicate's error; the batch that it stumbled over counts as missed.
                self.missed += cursor.missed - missed
                self._put_back(ring, cursor)
                raise
            if item is None and ring.ended is not None:
                heapq.heappop(waiting)
                self.detach(ring)
                return ordinal, ring.ended
            self._put_back(ring, cursor)
            if isinstance(item, Batch):
                if item.end > self.through:
                    self.through = item.end
                if item.entries:
                    self.taken += len(item.entries)
                    return ordinal, item
            elif item is not None:
                if isinstance(item, Gap):
                    self.missed += item.count
                return ordinal, item
        return None

    def take_merged(self, now: float, *, flush: bool) -> tuple[int, Item[K, T]] | None:
        """
        The same with the entries in the order of their dates; only with a merge.

        Args:
            now: The time by the hub's clock.
            flush: Nothing more comes, so that a merge need not wait.
        """
        merge = self.merge
        assert merge is not None  # noqa: S101  -- the caller looked
        while not merge.is_full:
            found = self.take()
            if found is None:
                break
            merge.push(*found, now)
        return merge.pop_run(now, flush=flush and not self.cursors)

    def _put_back(self, ring: Broadcast[K, T], cursor: Cursor[K, T]) -> None:
        """
        Order the cursor at the top of the heap by what it reads next, or put it to rest.
        """
        if not ring.is_followed and ring in self._leftovers.cursors:
            self._leftovers.count(ring, cursor)
            self._go_on()
        if self._overflow is Overflow.BLOCK and (ring.waiting is not None or ring.is_stuck):
            ring.moved_on()
        if cursor.has_more:
            heapq.heapreplace(self.waiting, (cursor.order, ring.ordinal, ring, cursor))
        else:
            heapq.heappop(self.waiting)
            ring.rest(cursor, self)
