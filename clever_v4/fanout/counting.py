"""
How a subscriber stands: counted from its cursors, what waits in its merge, and what is in its hand.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

import attrs

from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.cursors import Cursor
from clever_v4.fanout.hand import Hand
from clever_v4.fanout.lookahead import LookAhead
from clever_v4.fanout.reading import Reading
from clever_v4.fanout.statistics import SourceShare

__all__ = ["Counting"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Counting(Generic[K, T]):
    """
    What became of the entries that one subscriber was to get.
    """

    def __init__(self, reading: Reading[K, T], hand: Hand[K, T], ahead: LookAhead[K, T]) -> None:
        self._reading = reading
        self._hand = hand
        self._ahead = ahead
        self._gone: dict[K, SourceShare[K]] = {}
        self._gone_filtered = 0
        self._sources: dict[int, K] = {}
        self._forgotten: set[K] = set()
        self._leaving: set[K] = set()

    def came(self, ordinal: int, source: K) -> None:
        """
        Take note of a ring that is read from now on.
        """
        self._sources[ordinal] = source
        self._forgotten.discard(source)
        self._leaving.discard(source)

    def went(self, cursor: Cursor[K, T]) -> None:
        """
        Keep what became of the entries of a cursor that has gone.
        """
        self._gone_filtered += cursor.filtered
        if self._reading.merge is None:
            # Only what waits in a merge outlives its cursor.
            self._sources.pop(cursor.ring.ordinal, None)
        _add(self._gone, _share(cursor, lag=0))
        source = cursor.ring.source
        if source in self._leaving:
            self._leaving.discard(source)
            self._forgotten.add(source)
            self._drop_forgotten()

    def forget(self, ring: Broadcast[K, T]) -> None:
        """
        Keep nothing of a source, once it is read to its end, but what is in the totals.
        """
        if ring in self._reading.cursors:
            self._leaving.add(ring.source)
        else:
            self._forgotten.add(ring.source)
            self._drop_forgotten()

    def _drop_forgotten(self) -> None:
        merge, in_hand = self._reading.merge, self._hand.unfinished
        pending = merge.pending if merge is not None else {}
        waits = {self._sources[ordinal] for ordinal, numbers in pending.items() if numbers}
        waits.update(self._ahead.waiting)
        if in_hand is not None:
            waits.add(in_hand.source)
        # Those of which something still waits on this side go with the next that is forgotten.
        going = self._forgotten - waits
        self._forgotten &= waits
        for source in going:
            self._gone.pop(source, None)
        if merge is not None:
            kept = self._sources.items()
            self._sources = {ordinal: key for ordinal, key in kept if key not in going}

    # --- Over all sources ---------------------------------------------------------------

    @property
    def delivered(self) -> int:
        """
        How many entries were handed over.
        """
        return self._reading.taken - self._merging - self._ahead.count - self._hand.left

    @property
    def filtered(self) -> int:
        """
        How many entries ``where`` did not accept.
        """
        return self._gone_filtered + sum(c.filtered for c in list(self._reading.cursors.values()))

    @property
    def missed(self) -> int:
        """
        How many entries left the rings unread, those included of which no gap was told yet.
        """
        return self._reading.missed + self.overrun

    @property
    def overrun(self) -> int:
        """
        How many of them no gap was told of.
        """
        return sum(cursor.overrun for _, _, _, cursor in list(self._reading.waiting))

    @property
    def lag(self) -> int:
        """
        How many entries were received and not yet handed over.
        """
        waiting = sum(cursor.lag for _, _, _, cursor in list(self._reading.waiting))
        return waiting + self._merging + self._ahead.count + self._hand.left

    @property
    def waiting_since(self) -> float | None:
        """
        When the oldest of those was received; None: there are none.
        """
        times: list[float | None] = []
        reading, in_hand = self._reading, self._hand.unfinished
        for _, _, ring, cursor in reading.waiting[:1]:
            batch = ring.batches.get(max(cursor.number, ring.first_number))
            times.append(batch.received_at if batch is not None else None)
        if reading.merge is not None:
            times.append(reading.merge.oldest_received_at())
        times.append(self._ahead.oldest_received_at)
        if in_hand is not None:
            times.append(in_hand.received_at)
        return min((time for time in times if time is not None), default=None)

    @property
    def late(self) -> int:
        """
        How many entries came after the window of the merge.
        """
        return self._reading.merge.late if self._reading.merge is not None else 0

    @property
    def _merging(self) -> int:
        merge = self._reading.merge
        return sum(map(len, list(merge.pending.values()))) if merge is not None else 0

    # --- By source ------------------------------------------------------------------------

    def shares(self) -> tuple[SourceShare[K], ...]:
        """
        What became of the entries of each source; what waits on this side counts as lag.
        """
        shares = dict(self._gone)
        for cursor in list(self._reading.cursors.values()):
            _add(shares, _share(cursor, lag=cursor.lag))
        merge = self._reading.merge
        for ordinal, pending in merge.pending.items() if merge is not None else ():
            if pending:
                _not_yet(shares, self._sources[ordinal], len(pending))
        for source, count in self._ahead.waiting.items():
            _not_yet(shares, source, count)
        in_hand = self._hand.unfinished
        if in_hand is not None:
            _not_yet(shares, in_hand.source, self._hand.left)
        return tuple(shares.values())


def _share(cursor: Cursor[K, T], *, lag: int) -> SourceShare[K]:
    return SourceShare(
        source=cursor.ring.source,
        delivered=cursor.delivered,
        filtered=cursor.filtered,
        missed=cursor.missed + cursor.overrun,
        lag=lag,
    )


def _add(shares: dict[K, SourceShare[K]], one: SourceShare[K]) -> None:
    earlier = shares.get(one.source)
    if earlier is not None:
        one = SourceShare(
            source=one.source,
            delivered=earlier.delivered + one.delivered,
            filtered=earlier.filtered + one.filtered,
            missed=earlier.missed + one.missed,
            lag=earlier.lag + one.lag,
        )
    shares[one.source] = one


def _not_yet(shares: dict[K, SourceShare[K]], source: K, count: int) -> None:
    """
    Count so many of the delivered entries as waiting still.
    """
    share = shares[source]
    shares[source] = attrs.evolve(share, delivered=share.delivered - count, lag=share.lag + count)
