"""
What a subscriber has in hand, and what of it the consumer has finished with.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Batch, Tagged
from clever_v4.fanout.lookahead import LookAhead
from clever_v4.fanout.reading import Reading

__all__ = ["Hand"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Hand(Generic[K, T]):
    """
    The batch that a subscriber took last.
    """

    __slots__ = ("ahead", "batch", "begun", "finished", "index", "ordinal", "tagged")

    def __init__(self) -> None:
        self.batch: Batch[K, T] | None = None
        self.tagged: tuple[Tagged[K, T], ...] = ()
        """The entries of the batch, if they are iterated one by one."""
        self.ordinal: int = 0
        self.index: int = 0
        """How many entries of the batch were handed over."""
        self.finished: int = 0
        """How many of them the consumer has finished with: it asked for more."""
        self.begun: int = 0
        """The number through which everything before the batch is finished with."""
        self.ahead: dict[int, int] = {}
        """Rings that an earlier subscription had read further; see `HubCursor`."""

    @property
    def left(self) -> int:
        """
        How many entries of the batch were not handed over.
        """
        return len(self.batch.entries) - self.index if self.batch is not None else 0

    @property
    def unfinished(self) -> Batch[K, T] | None:
        """
        The batch, if not all of it was handed over.
        """
        return self.batch if self.left else None

    def take(self, batch: Batch[K, T], ordinal: int) -> None:
        """
        Have this batch in hand, of the ring with this ordinal.
        """
        self.batch, self.ordinal, self.tagged = batch, ordinal, ()
        self.index = self.finished = 0

    def put_down(self) -> None:
        """
        Be finished with the batch.
        """
        if self.batch is not None:
            self.begun, self.batch = max(self.begun, self.batch.end), None
            self.tagged = ()
        self.index = self.finished = 0

    def rest(self) -> Batch[K, T] | None:
        """
        What is left of a batch of which entries were handed over one by one.
        """
        batch = self.batch
        if batch is None or not 0 < self.index < len(batch.entries):
            self.finished = self.index
            return None
        self.begun = batch.tagged[self.index - 1].sequence
        rest = Batch.of(batch.tagged[self.index :], received_at=batch.received_at)
        self.take(rest, self.ordinal)
        return rest

    def cursor(
        self, hub: str, reading: Reading[K, T], ahead: LookAhead[K, T], finished: int
    ) -> HubCursor:
        """
        Where the consumer stands when it has finished with so many entries of the batch.

        What *ahead* holds was taken, but not handed over.
        """
        batch, merge = self.batch, reading.merge
        through, done = self.begun, self.ahead
        if merge is not None:
            tagged = batch.tagged if batch is not None else ()
            last = max(self.begun, reading.through)
            through, done = merge.progress(last, self.ordinal, tagged, finished)
            through, done = ahead.undo(through, done)
        elif batch is not None:
            if finished == len(batch.entries):
                through = batch.end
            elif finished:
                through = batch.tagged[finished - 1].sequence
            else:
                through = max(through, batch.first - 1)
        further = tuple((ring, number) for ring, number in done.items() if number > through)
        return HubCursor(hub, through, further)
