"""
What was taken from the rings and is not yet handed over, while a chunk is gathered. Pure.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

from clever_v4.fanout.items import Batch, Item, SourceFailed

__all__ = ["LookAhead", "Taken"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Taken(NamedTuple, Generic[K, T]):
    """
    An item as it was taken from its ring or from the merge.

    Attributes:
        ordinal: The number of its ring in the hub.
        item: What was taken, or what was raised when it was.
        done_before: The ring's last entry before it that a merge gave; without a merge it means
            nothing.
    """

    ordinal: int
    item: Item[K, T] | Exception
    done_before: int = 0


class LookAhead(Generic[K, T]):
    """
    Items in the order in which they were taken.

    Whoever stops gathering, by a time-out say, leaves them here, and whatever is asked for next
    begins with them: so nothing is lost.
    """

    __slots__ = ("count", "items", "since")

    def __init__(self) -> None:
        self.items: deque[Taken[K, T]] = deque()
        self.count: int = 0
        """How many entries wait."""
        self.since: float | None = None
        """When the first of them was taken, by the hub's clock; None: there are none."""

    def __bool__(self) -> bool:
        return bool(self.items)

    @property
    def is_failed(self) -> bool:
        """
        Whether an error comes after the entries, so that nothing more is added to them.
        """
        return bool(self.items) and isinstance(self.items[-1].item, SourceFailed | Exception)

    def add(self, taken: Taken[K, T], now: float) -> None:
        """
        Add what was taken next.
        """
        self.items.append(taken)
        self._count(taken, now)

    def put_back(self, taken: Taken[K, T], now: float) -> None:
        """
        Put back what was taken before all others.
        """
        self.items.appendleft(taken)
        self._count(taken, now)

    def _count(self, taken: Taken[K, T], now: float) -> None:
        if isinstance(taken.item, Batch):
            self.count += len(taken.item.entries)
            self.since = now if self.since is None else self.since

    def pop(self) -> Taken[K, T]:
        """
        Take the first item; there must be one.
        """
        taken = self.items.popleft()
        if isinstance(taken.item, Batch):
            self.count -= len(taken.item.entries)
        if not self.count:
            self.since = None
        return taken

    def pop_batches(self, size: int) -> list[Taken[K, T]]:
        """
        Take batches of at most *size* entries together, passing over what stands between them.

        The last one is cut where it would be too many. An error stays, and ends them.
        """
        found: list[Taken[K, T]] = []
        since = self.since
        while size and self and not isinstance(self.items[0].item, SourceFailed | Exception):
            taken = self.pop()
            batch = taken.item
            if not isinstance(batch, Batch):
                continue
            if len(batch.entries) > size:
                first, rest = batch.split(size)
                found.append(taken._replace(item=first))
                self.put_back(
                    Taken(taken.ordinal, rest, done_before=first.tagged[-1].sequence), since or 0.0
                )
                break
            size -= len(batch.entries)
            found.append(taken)
        return found

    # --- Telling --------------------------------------------------------------------------

    @property
    def waiting(self) -> Counter[K]:
        """
        How many entries of each source wait.
        """
        counts: Counter[K] = Counter()
        for taken in self.items:
            if isinstance(taken.item, Batch):
                counts[taken.item.source] += len(taken.item.entries)
        return counts

    @property
    def oldest_received_at(self) -> float | None:
        """
        When the first of them was received; None: there are none.
        """
        times = (one.item.received_at for one in self.items if isinstance(one.item, Batch))
        return min(times, default=None)

    @property
    def lowest(self) -> float:
        """
        The lowest number of an entry that waits; infinite: there are none.
        """
        batches = (taken.item for taken in self.items if isinstance(taken.item, Batch))
        return min((batch.tagged[0].sequence for batch in batches), default=float("inf"))

    def undo(self, through: int, done: dict[int, int]) -> tuple[int, dict[int, int]]:
        """
        Take from what a merge has given, and from the number up to which it is all, what is here.
        """
        done = dict(done)
        for taken in reversed(self.items):
            if isinstance(taken.item, Batch):
                through = min(through, taken.item.tagged[0].sequence - 1)
                done[taken.ordinal] = taken.done_before
        return through, done
