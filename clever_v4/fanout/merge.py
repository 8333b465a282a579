"""
Entries of several sources by date, as far as a bounded window allows.

Dates are what servers say, and one of them may have a clock that is fast. An entry counts as
dated no later than entries can be that arrive now, see `_Clocks`: else one that is dated an hour
ahead would be the newest for an hour, and nobody be waited for.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import attrs

from clever_v4.fanout.items import Batch, Item, SourceEnded, SourceFailed, Tagged
from clever_v4.validators import check_callback, check_duration, check_whole_number, field

__all__ = ["Merge", "OrderedMerge"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_PAST = float("-inf")
_LONGEST_WINDOW = timedelta(minutes=5)
_LOOK_EVERY_S = 0.25
"""How often the clocks of all sources are compared: it takes a moment with thousands of them."""


def _check_window(_instance: Any, _attribute: Any, value: timedelta) -> None:
    check_duration("window", value)
    if value > _LONGEST_WINDOW:
        raise ValueError(f"window must be at most {_LONGEST_WINDOW}, got {value}")


@attrs.frozen(kw_only=True)
class Merge(Generic[T]):
    """
    How a subscription puts the entries of its sources in the order of their dates.

    Each source's own order is kept whatever its dates say. An entry that is older than
    one already handed over is passed on all the same, and counted as late.

    Attributes:
        by: The date of an entry; None: it stands with the entry before it of its source. One
            that is further ahead than entries can be that arrive now counts as dated about now.
        window: How long an entry waits for older ones of other sources.
        max_entries: How many entries wait at most; beyond that the longest waiting are handed
            over early.
    """

    by: Callable[[T], datetime | None] = attrs.field(validator=field(check_callback))
    window: timedelta = attrs.field(default=timedelta(milliseconds=250), validator=_check_window)
    max_entries: int = attrs.field(default=10_000, validator=field(check_whole_number))


class _Clocks:
    """
    How late entries can be dated that arrive now, however the clocks of servers go.

    What is dated up to half a window after its arrival is believed. Arrival is told by the
    hub's clock or, where that is behind, by what most sources agree on: how far the dates of
    their newest entries are from when those arrived. Where no two sources have told, it is
    the hub's clock alone. Where the hub's clock is ahead of the servers', so much more is believed:
    old entries that are read again look the same.

    Args:
        epoch: The time by the hub's clock where its monotonic seconds began.
        window_s: The window of the merge.
    """

    def __init__(self, epoch: Callable[[], float], window_s: float) -> None:
        self._epoch = epoch
        self._tolerance_s = window_s / 2
        self._ahead: dict[int, float] = {}
        self._looked_at = _PAST
        self._looked_at_count = 0
        self._own = self._agreed = 0.0

    def told(self, ordinal: int, date: float, received_at: float) -> None:
        """
        Take note of the newest date of a source.
        """
        self._ahead[ordinal] = date - received_at

    def gone(self, ordinal: int) -> None:
        """
        Forget a source.
        """
        self._ahead.pop(ordinal, None)

    def believed(self, date: float, received_at: float) -> float:
        """
        The date, or one in its place where it is too far ahead.
        """
        if received_at >= self._looked_at + _LOOK_EVERY_S:
            self._look(received_at)
        tolerance = received_at + self._tolerance_s
        if date > tolerance + max(self._own, self._agreed):
            if len(self._ahead) >= 2 * self._looked_at_count:
                self._look(received_at)  # many more have told meanwhile
            if date > tolerance + max(self._own, self._agreed):
                return tolerance + self._agreed
        return date

    def _look(self, received_at: float) -> None:
        self._looked_at, self._looked_at_count = received_at, len(self._ahead)
        self._own = self._agreed = self._epoch()
        if len(self._ahead) > 1:
            ahead = sorted(self._ahead.values())
            self._agreed = ahead[(len(ahead) - 1) // 2]


class OrderedMerge(Generic[K, T]):
    """
    The waiting items of one merging subscription.

    An entry is due a window after it was received. When it goes, everything waiting
    with an earlier date goes before it. What is no entry (a `Gap`, the end of a source)
    stands where it stood among its source's entries.

    Args:
        merge: What was asked for.
        epoch: The time by the hub's clock where its monotonic seconds began; it may be set.
    """

    def __init__(self, merge: Merge[T], *, epoch: Callable[[], float]) -> None:
        self._by = merge.by
        self._window_s = merge.window.total_seconds()
        self._max_entries = merge.max_entries
        self._clocks = _Clocks(epoch, self._window_s)
        self._tick = 0
        # By date, then in order of arrival: (date as seconds, tick, ring's ordinal, received at, item).
        self._heap: list[tuple[float, int, int, float, Tagged[K, T] | Item[K, T]]] = []
        # In order of arrival: (received at, date, tick).
        self._arrivals: deque[tuple[float, float, int]] = deque()
        self._released = (_PAST, 0)
        self._newest: dict[int, float] = {}
        self._highest = _PAST
        self.pending: dict[int, deque[int]] = {}
        """The numbers of the waiting entries of each ring, in the ring's order."""
        self.done: dict[int, int] = {}
        """The number of the last entry handed over of each ring."""
        self.done_before: int = 0
        """The number of the last entry of the same ring before the last run."""
        self.late: int = 0
        """How many entries were older than one handed over before."""

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def is_full(self) -> bool:
        """
        Whether something should be popped before more is pushed.
        """
        return len(self._heap) >= self._max_entries

    def push(self, ordinal: int, item: Item[K, T], now: float) -> None:
        """
        Add what was read from the ring with this ordinal.
        """
        newest = self._newest.get(ordinal, _PAST)
        if not isinstance(item, Batch):
            self._push(newest, now, ordinal, item)
            return
        by, pending = self._by, self.pending.setdefault(ordinal, deque())
        clocks, received_at, told = self._clocks, item.received_at, None
        for tagged in item.tagged:
            date = by(tagged.entry)
            # A source's order stands above the dates: none of its entries overtakes another.
            if date is not None:
                told = date.timestamp()
                newest = max(newest, clocks.believed(told, received_at))
            self._push(newest, received_at, ordinal, tagged)
            pending.append(tagged.sequence)
        self._newest[ordinal] = newest
        if told is not None:
            clocks.told(ordinal, told, received_at)

    def _push(
        self, date: float, received_at: float, ordinal: int, item: Tagged[K, T] | Item[K, T]
    ) -> None:
        self._tick += 1
        heapq.heappush(self._heap, (date, self._tick, ordinal, received_at, item))
        self._arrivals.append((received_at, date, self._tick))

    def pop_run(self, now: float, *, flush: bool = False) -> tuple[int, Item[K, T]] | None:
        """
        What is due now: consecutive entries of one source as a batch, or another item.

        With *flush* the window no longer counts. The result begins with the ring's ordinal.
        """
        self._release(now, flush=flush)
        heap = self._heap
        if not heap or heap[0][:2] > self._released:
            return None
        ordinal, received_at, item = heap[0][2:]
        if not isinstance(item, Tagged):
            heapq.heappop(heap)
            if isinstance(item, SourceEnded | SourceFailed):
                self._drop(ordinal)
            return ordinal, item
        run: list[Tagged[K, T]] = []
        pending = self.pending[ordinal]
        while heap and heap[0][2] == ordinal and heap[0][:2] <= self._released:
            date, item = heap[0][0], heap[0][4]
            if not isinstance(item, Tagged):
                break
            heapq.heappop(heap)
            run.append(item)
            pending.popleft()
            if date < self._highest:
                self.late += 1
            else:
                self._highest = date
        self.done_before = self.done.get(ordinal, 0)
        self.done[ordinal] = run[-1].sequence
        # Of one ring, so that the first was received first.
        return ordinal, Batch.of(run, received_at=received_at)

    def _drop(self, ordinal: int) -> None:
        """
        Keep nothing of a ring that is over but what cursors need; see `prune`.
        """
        self.pending.pop(ordinal, None)
        self._newest.pop(ordinal, None)
        self._clocks.gone(ordinal)

    def prune(self, lowest: float) -> None:
        """
        Keep nothing for cursors that none needs: what lies before all that waits.

        Args:
            lowest: The lowest number that was given and not yet handed over; infinite: none.
        """
        for numbers in self.pending.values():
            if numbers:
                lowest = min(lowest, numbers[0])
        self.done = {ring: number for ring, number in self.done.items() if number >= lowest}

    def _release(self, now: float, *, flush: bool) -> None:
        """
        Move the mark up to which entries go.
        """
        arrivals = self._arrivals
        is_overfull = self.is_full
        while arrivals:
            received_at, date, tick = arrivals[0]
            is_waiting = (date, tick) > self._released and not flush
            if is_waiting and received_at + self._window_s > now:
                if not is_overfull:
                    break
                is_overfull = False  # one is let go early, with what is older than it
            self._released = max(self._released, (date, tick))
            arrivals.popleft()

    def due_at(self) -> float | None:
        """
        When the next entry is due; None: nothing waits.
        """
        return self._arrivals[0][0] + self._window_s if self._arrivals else None

    def oldest_received_at(self) -> float | None:
        """
        When the entry that waits longest was received; None: nothing waits.
        """
        return self._arrivals[0][0] if self._arrivals and self._heap else None

    def progress(
        self, last: int, ordinal: int, run: Sequence[Tagged[K, T]], finished: int
    ) -> tuple[int, dict[int, int]]:
        """
        Up to which number all is finished with, and up to which for each ring.

        Args:
            last: The number of the last entry pushed.
            ordinal: The ring of the last run.
            run: What the consumer has in hand of it.
            finished: How many entries of *run* it has finished with.
        """
        done = dict(self.done)
        waiting = [pending[0] for pending in self.pending.values() if pending]
        if finished < len(run):
            waiting.append(run[finished].sequence)
            done[ordinal] = run[finished - 1].sequence if finished else self.done_before
        return (min(waiting) - 1 if waiting else last), done
