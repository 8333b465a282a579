"""
What one subscriber has still to read of sources that are no longer followed, and its bound.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, NamedTuple, TypeVar

from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.cursors import Cursor

__all__ = ["MOST_RINGS", "Leftovers"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MOST_RINGS: Final = 10_000
"""Of how many sources the end waits to be told; each takes 1 to 2 KiB, be its ring empty."""


class _Lag(NamedTuple):
    entries: int
    size_bytes: int
    batches: int


_NOTHING: Final = _Lag(0, 0, 0)


class Leftovers(Generic[K, T]):
    """
    The cursors of one subscriber in rings that are left over, oldest first.

    Together they may be as far behind as one cursor in one ring: without this bound, who is
    stuck would hold the ring of every source that was unfollowed since.
    """

    def __init__(self) -> None:
        self.cursors: dict[Broadcast[K, T], Cursor[K, T]] = {}
        self._lags: dict[Broadcast[K, T], _Lag] = {}
        self._total = _NOTHING
        self._most = _NOTHING

    @property
    def is_too_much(self) -> bool:
        """
        Whether something has to give: too many entries or bytes, or too many rings.
        """
        return self._is_too_long() or self.are_too_many

    @property
    def are_too_many(self) -> bool:
        """
        Whether there are more rings than may be, whatever they hold.
        """
        return len(self.cursors) > MOST_RINGS

    def _is_too_long(self) -> bool:
        """
        Whether there is more than one ring may hold. A batch alone may have any size.
        """
        total, most = self._total, self._most
        return total.batches > 1 and (
            total.entries > most.entries or total.size_bytes > most.size_bytes
        )

    def count(self, ring: Broadcast[K, T], cursor: Cursor[K, T]) -> None:
        """
        Take note of a cursor in a ring that is left over, and of how far it is behind now.
        """
        self.cursors[ring] = cursor
        self._most = _Lag(ring.capacity, ring.capacity_bytes, 1)
        batches = ring.end_number - max(cursor.number, ring.first_number)
        self._set(ring, _Lag(cursor.lag, cursor.lag_bytes, batches))

    def discard(self, ring: Broadcast[K, T]) -> None:
        """
        Forget a ring that is no longer read.
        """
        if self.cursors.pop(ring, None) is not None:
            self._set(ring, _NOTHING)
            del self._lags[ring]

    def _set(self, ring: Broadcast[K, T], lag: _Lag) -> None:
        before, total = self._lags.get(ring, _NOTHING), self._total
        self._lags[ring] = lag
        self._total = _Lag(
            *(had - was + now for had, was, now in zip(total, before, lag, strict=True))
        )

    def skip(self) -> None:
        """
        Have the cursors pass over their oldest batches until there is no more than may be.
        """
        for ring, cursor in list(self.cursors.items()):
            if not self._is_too_long():
                return
            while self._is_too_long() and cursor.skip():
                self.count(ring, cursor)
            ring.trim()
