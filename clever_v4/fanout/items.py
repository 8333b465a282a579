"""
What passes through a hub: batches of entries, and the notices that stand between them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, overload

import attrs

from clever_v4.errors import ResponseFormatError
from clever_v4.streaming.lag import Lag
from clever_v4.streaming.policy import Reconnection

__all__ = [
    "Batch",
    "Gap",
    "Item",
    "Notice",
    "NoticeDetail",
    "Overflow",
    "SourceEnded",
    "SourceFailed",
    "Tagged",
]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")

NoticeDetail: TypeAlias = Reconnection | Lag | ResponseFormatError | str
"""What a source tells of itself."""


class Overflow(StrEnum):
    """
    What happens to a subscriber that falls a whole ring behind.

    Attributes:
        BLOCK: The source is paused until the subscriber caught up: nothing is lost, and every
            other subscriber of that source waits too.
        DROP_OLDEST: The subscriber skips ahead to the oldest entry that the ring still holds.
            How many it missed is counted, and told by a `Gap` to those who iterate ``items()``.
        DISCONNECT: The subscription ends with `SlowConsumerError`.
    """

    BLOCK = "block"
    DROP_OLDEST = "drop_oldest"
    DISCONNECT = "disconnect"


class Tagged(NamedTuple, Generic[K, T]):
    """
    One entry and where it came from.

    Attributes:
        source: The key under which the source is followed.
        sequence: The entry's number in the hub: entries of all sources are numbered, from 1, in
            the order in which the hub received them.
    """

    source: K
    entry: T
    sequence: int


class Batch(Sequence[T], Generic[K, T]):
    """
    Consecutive entries of one source, as they arrived; one object for all subscribers.

    It is a sequence of the entries, and never changes: that is why a thousand
    subscribers can be handed the same one.

    Attributes:
        source: The key under which the source is followed.
        first: The number in the hub of the first entry of the batch as it arrived.
        end: The number in the hub of the last entry of the batch as it arrived.
        picked: Which entries of the batch as it arrived these are; None: all of them.
        received_at: When the hub received it, in seconds of the hub's monotonic clock.
    """

    __slots__ = ("_memo", "_tagged", "end", "entries", "first", "picked", "received_at", "source")

    source: K
    entries: tuple[T, ...]
    first: int
    end: int
    picked: Sequence[int] | None
    received_at: float

    def __init__(
        self,
        source: K,
        entries: tuple[T, ...],
        *,
        first: int,
        end: int,
        received_at: float,
        picked: Sequence[int] | None = None,
    ) -> None:
        self.source = source
        self.entries = entries
        self.first = first
        self.end = end
        self.picked = picked
        self.received_at = received_at
        self._memo: dict[Hashable, Any] | None = None
        self._tagged: tuple[Tagged[K, T], ...] | None = None

    @classmethod
    def of(cls, run: Sequence[Tagged[K, T]], *, received_at: float) -> Batch[K, T]:
        """
        A batch of tagged entries of one source, in the order of their numbers.
        """
        first = run[0].sequence
        batch = Batch(
            run[0].source,
            tuple([tagged.entry for tagged in run]),
            first=first,
            end=run[-1].sequence,
            received_at=received_at,
            picked=[tagged.sequence - first for tagged in run],
        )
        batch._tagged = tuple(run)
        return batch

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self.entries)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.entries[index]

    def __repr__(self) -> str:
        return f"<Batch of {len(self.entries)} from {self.source!r}, {self.first} to {self.end}>"

    @property
    def tagged(self) -> tuple[Tagged[K, T], ...]:
        """
        The entries with their source and number, built once for all subscribers.
        """
        if self._tagged is None:
            source, first = self.source, self.first
            numbers = self.picked if self.picked is not None else range(len(self.entries))
            self._tagged = tuple(
                Tagged(source, entry, first + number)
                for entry, number in zip(self.entries, numbers, strict=True)
            )
        return self._tagged

    def memo(self, key: Hashable, compute: Callable[[Batch[K, T]], R]) -> R:
        """
        The result of *compute* for this batch, computed once for all who ask with the same *key*.

        A relay keeps here the bytes that it sends to every browser.
        """
        if self._memo is None:
            self._memo = {}
        try:
            result: R = self._memo[key]
        except KeyError:
            result = self._memo[key] = compute(self)
        return result

    def select(self, where: Callable[[T], object]) -> Batch[K, T]:
        """
        The batch of the entries that *where* accepts, evaluated once for all who share it.

        Predicates are the same when they are equal, as the ready-made ones of
        ``fanout.filters`` are.
        """
        return self.memo(where, lambda _: self._selected(where))

    def _selected(self, where: Callable[[T], object]) -> Batch[K, T]:
        picked = [number for number, entry in enumerate(self.entries) if where(entry)]
        return self if len(picked) == len(self.entries) else self._pick(picked)

    def split(self, count: int) -> tuple[Batch[K, T], Batch[K, T]]:
        """
        The first *count* entries, fewer than all and at least one, and the others.
        """
        tagged = self.tagged
        first = Batch.of(tagged[:count], received_at=self.received_at)
        return first, Batch.of(tagged[count:], received_at=self.received_at)

    def after(self, sequence: int) -> Batch[K, T]:
        """
        What of the batch comes after the entry with the number *sequence*.
        """
        if sequence < self.first:
            return self
        numbers = self.picked if self.picked is not None else range(len(self.entries))
        first = self.first
        return self._pick(
            [place for place, number in enumerate(numbers) if first + number > sequence]
        )

    def _pick(self, places: list[int]) -> Batch[K, T]:
        entries, picked = self.entries, self.picked
        return Batch(
            self.source,
            tuple([entries[place] for place in places]),
            first=self.first,
            end=self.end,
            received_at=self.received_at,
            picked=places if picked is None else [picked[place] for place in places],
        )


@attrs.frozen(kw_only=True)
class Gap(Generic[K]):
    """
    Entries that a subscriber did not get, standing where they would have stood.

    Attributes:
        source: Whose entries are missing.
        count: How many entries the source had there, before any ``where``.
        is_exact: Whether *count* is exact. It is but for one case: a cursor that is resumed
            after the ring dropped what followed it; then at least so many are missing.
    """

    source: K
    count: int
    is_exact: bool = True


@attrs.frozen(kw_only=True)
class Notice(Generic[K]):
    """
    Something a source told of itself, such as a reconnection.

    A slow subscriber gets the latest one only; *count* then shows that there were more.

    Attributes:
        source: The key that it is followed by.
        detail: What happened; for logs a ``Reconnection``, a ``Lag`` where it falls behind or
            has caught up, or the ``ResponseFormatError`` of an entry that did not fit its
            model. Sources of one's own may give a text.
        count: How many notices the source gave since it was followed, this one included.
    """

    source: K
    detail: NoticeDetail
    count: int


@attrs.frozen(kw_only=True)
class SourceEnded(Generic[K]):
    """
    A source came to its end, or is no longer followed; nothing follows from it.

    Attributes:
        source: The key that it is followed by.
        reason: ``"unfollowed"``, ``"drained"``, ``"closed"``, or why the source itself ended.
    """

    source: K
    reason: str


@attrs.frozen(kw_only=True)
class SourceFailed(Generic[K]):
    """
    A source failed for good; nothing follows from it unless it is followed again.

    Attributes:
        source: The key that it is followed by.
        error: Why.
    """

    source: K
    error: Exception


Item: TypeAlias = "Batch[K, T] | Gap[K] | Notice[K] | SourceEnded[K] | SourceFailed[K]"
