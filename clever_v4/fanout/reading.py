"""
What a subscriber reads next: its cursors in the rings, in the hub's order or merged by date.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import attrs

from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.cursors import Cursor
from clever_v4.fanout.items import Batch, Gap, Item, Overflow
from clever_v4.fanout.merge import Merge, OrderedMerge
from clever_v4.fanout.statistics import SourceShare

__all__ = ["Reading", "not_yet"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Reading(Generic[K, T]):
    """
    The cursors of one subscription; nothing here waits.

    Cursors that have something to read stand in a heap by when what they read next was
    received, so that entries come in the order in which the hub received them.

    Args:
        wake: Called when there is something to read.
        overrun: Called when a ``disconnect`` cursor was overrun.
        detached: Called with the ring of each cursor that goes.
    """

    def __init__(
        self,
        *,
        overflow: Overflow,
        where: Callable[[T], object] | None,
        merge: Merge[T] | None,
        wake: Callable[[], None],
        overrun: Callable[[], None],
        detached: Callable[[Broadcast[K, T]], None],
    ) -> None:
        self.cursors: dict[Broadcast[K, T], Cursor[K, T]] = {}
        self.merge: OrderedMerge[K, T] | None = OrderedMerge(merge) if merge else None
        self.through = 0
        """Every entry up to this number was taken from the rings."""
        self.taken = 0
        self.missed = 0
        self._overflow = overflow
        self._where = where
        self._wake = wake
        self._overrun = overrun
        self._detached = detached
        self._ready: list[tuple[int, int, Cursor[K, T]]] = []
        self._first: deque[tuple[int, Item[K, T]]] = deque()
        self._gone: dict[K, SourceShare[K]] = {}
        self._gone_filtered = 0
        self._sources: dict[int, K] = {}

    # --- Cursors --------------------------------------------------------------------

    def attach(
        self, ring: Broadcast[K, T], *, from_oldest: bool, resume_after: int | None = None
    ) -> None:
        """
        Read from a ring too.
        """
        self._sources[ring.ordinal] = ring.source
        self.cursors[ring] = ring.attach(
            self,
            overflow=self._overflow,
            where=self._where,
            from_oldest=from_oldest,
            resume_after=resume_after,
        )

    def put_first(self, ring: Broadcast[K, T], item: Item[K, T]) -> None:
        """
        Hand over *item* before anything else.
        """
        self._first.append((ring.ordinal, item))

    def detach(self, cursor: Cursor[K, T], *, lag_is_missed: bool = False) -> None:
        """
        Stop reading from a ring; what became of its entries stays counted.
        """
        ring = cursor.ring
        missed = cursor.overrun + (cursor.lag if lag_is_missed else 0)
        cursor.missed += missed
        cursor.position = ring.end_position
        self.missed += missed
        ring.detach(cursor)
        del self.cursors[ring]
        self._gone_filtered += cursor.filtered
        share = _share(cursor, lag=0)
        earlier = self._gone.get(ring.source)
        self._gone[ring.source] = _sum(earlier, share) if earlier else share
        self._detached(ring)

    def close(self, *, lag_is_missed: bool) -> None:
        """
        Stop reading from every ring.
        """
        for cursor in list(self.cursors.values()):
            self.detach(cursor, lag_is_missed=lag_is_missed)
        self._ready.clear()
        self._first.clear()

    def cursor_ready(self, cursor: Cursor[Any, Any]) -> None:
        """
        Take note that a cursor has something to read.
        """
        heapq.heappush(self._ready, (cursor.order, cursor.ring.ordinal, cursor))
        self._wake()

    def cursor_overrun(self, cursor: Cursor[Any, Any]) -> None:
        """
        Take note that a cursor lost its place.
        """
        del cursor
        self._overrun()

    # --- Taking -----------------------------------------------------------------------

    def take(self, now: float, *, flush: bool) -> tuple[int, Item[K, T]] | None:
        """
        The next item, after the ordinal of its ring; None: there is nothing to hand over now.

        Args:
            now: The time by the hub's clock.
            flush: Nothing more comes, so that a merge need not wait.
        """
        if self.merge is None:
            return self._take()
        while not self.merge.is_full:
            found = self._take()
            if found is None:
                break
            self.merge.push(*found, now)
        return self.merge.pop_run(now, flush=flush and not self.cursors)

    def _take(self) -> tuple[int, Item[K, T]] | None:
        if self._first:
            return self._first.popleft()
        ready = self._ready
        while ready:
            cursor = ready[0][2]
            ring = cursor.ring
            try:
                item = cursor.take()
            except Exception:
                # The predicate's error; the batch that it stumbled over counts as missed.
                self.missed += len(ring.batches[cursor.number - 1])
                self._put_back(cursor)
                raise
            if item is None and ring.ended is not None:
                heapq.heappop(ready)
                self.detach(cursor)
                return ring.ordinal, ring.ended
            self._put_back(cursor)
            if isinstance(item, Batch):
                self.through = max(self.through, item.end)
                if item.entries:
                    self.taken += len(item.entries)
                    return ring.ordinal, item
            elif item is not None:
                if isinstance(item, Gap):
                    self.missed += item.count
                return ring.ordinal, item
        return None

    def _put_back(self, cursor: Cursor[K, T]) -> None:
        """
        Order the cursor at the top of the heap by what it reads next, or put it to rest.
        """
        ring = cursor.ring
        if (
            cursor.number < ring.end_number
            or ring.ended is not None
            or cursor.notices_seen < ring.notices
        ):
            heapq.heapreplace(self._ready, (cursor.order, ring.ordinal, cursor))
        else:
            heapq.heappop(self._ready)
            ring.rest(cursor)

    # --- Counting ---------------------------------------------------------------------

    def lag(self) -> int:
        """
        How many entries were received and not yet handed over.
        """
        waiting = sum(cursor.lag for _, _, cursor in list(self._ready))
        if self.merge is not None:
            waiting += sum(len(pending) for pending in list(self.merge.pending.values()))
        return waiting

    def waiting_since(self) -> float | None:
        """
        When the oldest of those was received; None: there are none.
        """
        times: list[float] = []
        if self._ready:
            cursor = self._ready[0][2]
            batch = cursor.ring.batches.get(max(cursor.number, cursor.ring.first_number))
            if batch is not None:
                times.append(batch.received_at)
        oldest = self.merge.oldest_received_at() if self.merge is not None else None
        if oldest is not None:
            times.append(oldest)
        return min(times, default=None)

    def filtered(self) -> int:
        """
        How many entries ``where`` did not accept.
        """
        if self._where is None:
            return 0
        return self._gone_filtered + sum(c.filtered for c in list(self.cursors.values()))

    def overrun(self) -> int:
        """
        How many entries left the rings unread and are not yet in `missed`.
        """
        return sum(cursor.overrun for _, _, cursor in list(self._ready))

    def shares(self) -> dict[K, SourceShare[K]]:
        """
        What became of the entries of each source; what waits in a merge counts as lag.
        """
        shares = dict(self._gone)
        for cursor in list(self.cursors.values()):
            share = _share(cursor, lag=cursor.lag)
            earlier = shares.get(share.source)
            shares[share.source] = _sum(earlier, share) if earlier else share
        for ordinal, pending in self.merge.pending.items() if self.merge is not None else ():
            source = self._sources[ordinal]
            shares[source] = not_yet(shares[source], len(pending))
        return shares


def not_yet(share: SourceShare[K], count: int) -> SourceShare[K]:
    """
    The share when *count* of the delivered entries still wait on the subscriber's side.
    """
    return attrs.evolve(share, delivered=share.delivered - count, lag=share.lag + count)


def _share(cursor: Cursor[K, T], *, lag: int) -> SourceShare[K]:
    return SourceShare(
        source=cursor.ring.source,
        delivered=cursor.delivered,
        filtered=cursor.filtered,
        missed=cursor.missed + cursor.overrun,
        lag=lag,
    )


def _sum(one: SourceShare[K], other: SourceShare[K]) -> SourceShare[K]:
    return SourceShare(
        source=one.source,
        delivered=one.delivered + other.delivered,
        filtered=one.filtered + other.filtered,
        missed=one.missed + other.missed,
        lag=one.lag + other.lag,
    )
