"""
One subscriber: an async context manager around its `Reading`, and three ways to iterate it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from types import NoneType, TracebackType
from typing import Generic, NoReturn, Self, TypeVar

from clever_v4.errors import SlowConsumerError, SourceFailedError
from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.counting import Counting
from clever_v4.fanout.cursors import Cursor
from clever_v4.fanout.hand import Hand
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Batch, Gap, Item, Overflow, SourceEnded, SourceFailed, Tagged
from clever_v4.fanout.lookahead import LookAhead, Taken
from clever_v4.fanout.options import Owner, Start, SubscriptionEnd, SubscriptionOptions
from clever_v4.fanout.reading import Reading
from clever_v4.fanout.statistics import SourceShare, SubscriberStatistics
from clever_v4.streaming.chunk import Chunk
from clever_v4.streaming.cursor import Cursor as StreamCursor
from clever_v4.streaming.views import View
from clever_v4.validators import (
    check_callback,
    check_duration,
    check_instance,
    check_keys,
    check_whole_number,
)

__all__ = ["Subscription"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
V = TypeVar("V")


class _State(Enum):
    NEW = "new"
    ACTIVE = "active"
    CLOSED = "closed"


class Subscription(Generic[K, T]):
    """
    A subscriber's side of a hub; made by ``hub.subscribe()``, used as ``async with``.

    Entries come in the order in which the hub received them, or merged by date; each
    source's own order is kept. Iterate it, by one task at a time, in one of four ways:

    - ``async for tagged in subscription``: entries, each with its source;
    - ``async for batch in subscription.batches()``: the same as `Batch` objects, for
      the highest throughput;
    - ``async for item in subscription.items()``: batches and, where they belong between
      them, `Gap`, `Notice`, `SourceFailed` and `SourceEnded`;
    - ``async for chunk in subscription.chunks()``: entries, many at a time, with the cursor
      for after them, to be stored together.

    Asking is safe to cancel: a time-out around ``anext(subscription)``, or around the next of
    one of the others, loses nothing.

    Where a source fails for good, all but ``items()`` raise `SourceFailedError` and may then
    be iterated on: the other sources are not touched. All end when the hub is closed or
    drained, and when the sources were named and all of them have ended; `ended_by` tells which.
    """

    def __init__(self, hub: Owner, options: SubscriptionOptions[K, T]) -> None:
        self.name: str = options.name
        self.overflow: Overflow = options.overflow
        self._hub = hub
        self._options = options
        self._wanted = options.sources
        self._is_open_ended = not isinstance(self._wanted, frozenset)
        self._expected: set[K] = set()
        """Which of the sources that were named are not over."""
        self._state = _State.NEW
        self._is_ending = False
        self._ended_by: SubscriptionEnd | None = None
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._hand: Hand[K, T] = Hand()
        self._ahead: LookAhead[K, T] = LookAhead()
        self._before_chunk: HubCursor | None = None
        self._overrun_callbacks: list[Callable[[], object]] = []
        self._reading: Reading[K, T] = Reading(
            overflow=options.overflow,
            where=options.where,
            merge=options.merge,
            wake=self._wake,
            overrun=self._overrun,
            detached=self._detached,
            given_up=self._given_up,
        )
        self._counting: Counting[K, T] = Counting(self._reading, self._hand, self._ahead)

    # --- Life -----------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._state is not _State.NEW:
            raise RuntimeError("a subscription is entered once; subscribe again")
        self._state = _State.ACTIVE
        hand, reading, start = self._hand, self._reading, self._options.start
        if isinstance(start, HubCursor):
            if start.hub == self._hub.cursor_name:
                # Anybody can write a cursor: none has finished with what was not received.
                hand.begun = min(start.through, self._hub.last_sequence)
        elif start is Start.NOW:
            hand.begun = self._hub.last_sequence
        reading.through = hand.begun
        self._hub.entered(self)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """
        Whether more may come: it was neither closed nor came to its end.
        """
        return self._state is not _State.CLOSED

    @property
    def ended_by(self) -> SubscriptionEnd | None:
        """
        Why nothing more comes; None: it is not over.
        """
        return self._ended_by

    async def aclose(self) -> None:
        """
        Close the subscription; whoever iterates it sees its end. Idempotent.
        """
        self.close()

    def close(self) -> None:
        """
        Do what `aclose` does, where nothing can be awaited, such as in a callback.
        """
        self._close(SubscriptionEnd.CLOSED, lag_is_missed=False)

    def _close(self, ended_by: SubscriptionEnd, *, lag_is_missed: bool) -> None:
        if self._state is _State.CLOSED:
            return
        was_active = self._state is _State.ACTIVE
        self._state = _State.CLOSED
        self._ended_by = ended_by
        self._reading.close(lag_is_missed=lag_is_missed)
        self._hand.tagged = ()
        self._wake()
        if was_active:
            self._hub.finished(self)

    def on_overrun(self, callback: Callable[[], object]) -> None:
        """
        Have *callback* called when ``Overflow.DISCONNECT`` ends the subscription.

        For a consumer that is stuck elsewhere, such as in writing to a slow client, and
        so does not come back to be told.

        Raises:
            TypeError: *callback* is no function, or a coroutine function.
        """
        check_callback("callback", callback)
        self._overrun_callbacks.append(callback)

    # --- What the hub calls -----------------------------------------------------------

    def wants(self, source: K) -> bool:
        """
        Whether the subscription follows *source*; called by the hub.
        """
        if self._wanted is None:
            return True
        if isinstance(self._wanted, frozenset):
            return source in self._wanted
        return bool(self._wanted(source))

    def attach(self, ring: Broadcast[K, T], *, is_new: bool) -> None:
        """
        Read from a ring too: a new one from its beginning, another from the chosen start;
        called by the hub.
        """
        resume_after: int | None = None
        start = self._options.start
        if isinstance(start, HubCursor) and not is_new:
            is_ours = start.hub == self._hub.cursor_name
            if is_ours:
                resume_after = min(start.for_ring(ring.ordinal), self._hub.last_sequence)
                self._resume_ahead(ring.ordinal, resume_after)
            else:
                resume_after = 0
            if ring.evicted_through > resume_after or not is_ours:
                gap = Gap(source=ring.source, count=int(is_ours), is_exact=False)
                self._reading.put_first(ring, gap)
        if isinstance(self._wanted, frozenset):
            self._expected.add(ring.source)
        from_oldest = is_new or start is Start.OLDEST
        self._counting.came(ring.ordinal, ring.source)
        self._reading.attach(ring, from_oldest=from_oldest, resume_after=resume_after)

    def _resume_ahead(self, ordinal: int, number: int) -> None:
        # Only rings that it reads: a cursor that was made up names as many as it likes, and each
        # would come back in every cursor of the subscription.
        hand, merge = self._hand, self._reading.merge
        if number > hand.begun:
            hand.ahead[ordinal] = number
            if merge is not None:
                merge.done[ordinal] = number

    def forget(self, ring: Broadcast[K, T]) -> None:
        """
        Keep nothing, once it is read to its end, of a source that the hub has forgotten;
        called by the hub.
        """
        self._counting.forget(ring)

    def end_when_read(self) -> None:
        """
        Let the subscription end once everything in its rings was handed over;
        called by the hub.
        """
        self._is_ending = True
        self._wake()

    def abort(self, ended_by: SubscriptionEnd, *, is_error: bool) -> int:
        """
        End the subscription before it got everything; what it did not get counts as missed;
        called by the hub.

        Returns: How many entries that are. With *is_error* the consumer is told by
        `SlowConsumerError`, if there are any.
        """
        lost = self.lag + self._counting.overrun
        if is_error and lost:
            since = datetime.now(UTC) - self.lag_time
            self._failure = SlowConsumerError(dropped=lost, since=since)
        self._close(ended_by, lag_is_missed=True)
        return lost

    def _detached(self, ring: Broadcast[K, T], cursor: Cursor[K, T]) -> None:
        self._counting.went(cursor)
        self._hub.detached(ring)

    def _given_up(self, ring: Broadcast[K, T], missed: int) -> None:
        self._over_with(ring.source)
        if missed:
            self._hub.missed(self, Gap(source=ring.source, count=missed))
        self._wake()

    def _overrun(self) -> None:
        if self._state is _State.ACTIVE:
            self.abort(SubscriptionEnd.DISCONNECTED, is_error=True)
            for callback in self._overrun_callbacks:
                callback()

    # --- Iterating ----------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Tagged[K, T]:
        hand = self._hand
        index = hand.index
        if index >= len(hand.tagged):
            hand.finished = index
            batch = await self._next_batch()
            hand.tagged, index = batch.tagged, 0
        hand.finished = index
        hand.index = index + 1
        return hand.tagged[index]

    def batches(self) -> View[Batch[K, T]]:
        """
        Iterate the entries as batches, each of one source and shared with other subscribers.
        """
        return View(self, self._next_batch)

    def items(self) -> View[Item[K, T]]:
        """
        Iterate batches and the notices between them.
        """
        return View(self, self._next_whole_item)

    def chunks(
        self, *, size: int = 500, wait: timedelta = timedelta(seconds=1)
    ) -> View[Chunk[Tagged[K, T], HubCursor]]:
        """
        Iterate the entries in chunks, each with the cursor for after it.

        Stored in one transaction with its entries, ``chunk.cursor`` is right by itself:
        ``hub.subscribe(start=chunk.cursor)`` goes on after them, in this hub; for another
        process see `source_cursors`. ``subscription.cursor`` is the one *before* the chunk
        until the next is asked for.

        Args:
            size: Most entries of a chunk.
            wait: How long to wait for more, once the first one is there.

        Raises:
            ValueError: *size* is not at least 1, or *wait* not positive.
            TypeError: One of them is of another type.
        """
        check_whole_number("size", size)
        check_duration("wait", wait)
        return View(self, partial(self._next_chunk, size, wait.total_seconds()))

    async def _next_whole_item(self) -> Item[K, T]:
        item = self._rest() or await self._next_item()
        if isinstance(item, Batch):
            self._hand.index = len(item.entries)
        return item

    def _rest(self) -> Batch[K, T] | None:
        return self._hand.rest() if self._state is _State.ACTIVE else None

    async def _next_batch(self) -> Batch[K, T]:
        item: Item[K, T] | None = self._rest()
        while not isinstance(item, Batch):
            if isinstance(item, SourceFailed):
                raise SourceFailedError(source=item.source) from item.error
            item = await self._next_item()
        self._hand.index = len(item.entries)
        return item

    async def _next_item(self) -> Item[K, T]:
        self._ask_for_more()
        is_ahead = self._ahead and self._state is _State.ACTIVE
        taken = self._ahead.pop() if is_ahead else await self._fetch()
        assert taken is not None  # noqa: S101  -- no deadline was given
        return self._handed(taken)

    async def _next_chunk(self, size: int, wait_s: float) -> Chunk[Tagged[K, T], HubCursor]:
        ahead = self._ahead
        rest = self._rest()
        if rest is not None:
            # What is left of a batch that was iterated entry by entry comes first.
            ahead.put_back(Taken(self._hand.ordinal, rest, self._hand.begun), self._hub.now())
            self._hand.batch = None
        self._ask_for_more()
        while True:
            await self._gather(size, wait_s)
            before = self.cursor
            parts = ahead.pop_batches(size)
            if parts:
                self._before_chunk = before
                return self._chunk(parts)
            if ahead:
                item = self._handed(ahead.pop())
                assert isinstance(item, SourceFailed)  # noqa: S101  -- it ended the gathering
                raise SourceFailedError(source=item.source) from item.error

    async def _gather(self, size: int, wait_s: float) -> None:
        """
        Look ahead until there is enough for a chunk, or what there is has waited long enough.
        """
        ahead, hub = self._ahead, self._hub
        if self._state is _State.CLOSED:
            self._raise_end()
        while ahead.count < size and not ahead.is_failed:
            deadline = ahead.since + wait_s if ahead.since is not None else None
            try:
                taken = await self._fetch(deadline)
            except Exception as exc:
                if not ahead.count or not self.is_open:
                    raise
                taken = Taken(0, exc)
            if taken is None:
                return
            ahead.add(taken, hub.now())

    def _chunk(self, parts: list[Taken[K, T]]) -> Chunk[Tagged[K, T], HubCursor]:
        """
        Hand over batches together.
        """
        hand = self._hand
        entries: list[Tagged[K, T]] = []
        for taken in parts:
            hand.put_down()
            batch = self._handed(taken)
            assert isinstance(batch, Batch)  # noqa: S101  -- narrows the type
            entries += batch.tagged
            hand.index = len(batch.entries)
        return Chunk(tuple(entries), self.cursor_after(hand.index - 1))

    def _ask_for_more(self) -> None:
        """
        Note that the consumer has finished with what it was handed.
        """
        if self._state is _State.NEW:
            raise RuntimeError("enter the subscription first: async with hub.subscribe(...)")
        if self._waiter is not None:
            raise RuntimeError("one task at a time iterates a subscription; see ConsumerGroup")
        self._before_chunk = None
        if self._state is _State.ACTIVE:
            self._hand.put_down()

    async def _fetch(self, deadline: float | None = None) -> Taken[K, T] | None:
        """
        Wait for what comes next.

        None: nothing did until the *deadline*, or nothing will, but something is at hand still.
        """
        reading, hub = self._reading, self._hub
        while True:
            if self._state is _State.CLOSED:
                self._raise_end()
            is_ending = self._is_ending or not (self._expected or self._is_open_ended)
            taken = self._take(flush=is_ending)
            if taken is not None:
                return taken
            if is_ending and not reading.cursors:
                if self._ahead.count:
                    return None
                is_drained = self._is_ending or hub.is_draining
                ended_by = SubscriptionEnd.DRAINED if is_drained else SubscriptionEnd.SOURCES_ENDED
                self._close(ended_by, lag_is_missed=False)
                continue
            if deadline is not None and hub.now() >= deadline:
                return None
            due_at = reading.merge.due_at() if reading.merge is not None else None
            times = [time for time in (due_at, deadline) if time is not None]
            await self._wait(min(times, default=None))

    def _take(self, *, flush: bool) -> Taken[K, T] | None:
        reading = self._reading
        if reading.merge is None:
            found = reading.take()
        else:
            found = reading.take_merged(self._hub.now(), flush=flush)
        if found is None:
            return None
        ordinal, item = found
        if isinstance(item, SourceEnded | SourceFailed):
            self._over_with(item.source)
            if reading.merge is not None:
                reading.merge.prune(self._ahead.lowest)
        elif isinstance(item, Gap):
            self._hub.missed(self, item)
        return Taken(ordinal, item, reading.merge.done_before if reading.merge is not None else 0)

    async def _wait(self, until: float | None) -> None:
        """
        Wait to be woken, at the latest at this time of the hub's clock.
        """
        loop = asyncio.get_running_loop()
        timer = None
        if until is not None:
            timer = loop.call_later(max(0.0, until - self._hub.now()), self._wake)
        self._waiter = loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _handed(self, taken: Taken[K, T]) -> Item[K, T]:
        item = taken.item
        if isinstance(item, Exception):
            raise item
        if isinstance(item, Batch):
            self._hand.take(item, taken.ordinal)
            if self._reading.merge is not None:
                self._reading.merge.done_before = taken.done_before
        return item

    def _over_with(self, source: K) -> None:
        # Unless it is followed again already.
        if not self._reading.reads(source):
            self._expected.discard(source)

    def _raise_end(self) -> NoReturn:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        raise StopAsyncIteration

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --- Telling ------------------------------------------------------------------------

    @property
    def cursor(self) -> HubCursor:
        """
        What the consumer has finished with: what it was handed before it last asked for more.

        Once it has asked for more and there is nothing, that is all that was received, what its
        filter passed over included.
        """
        if self._before_chunk is not None:
            return self._before_chunk
        hand, reading, ahead = self._hand, self._reading, self._ahead
        is_idle = hand.batch is None and not reading.has_more and not ahead
        if self._state is _State.ACTIVE and is_idle:
            hand.begun = max(hand.begun, self._hub.last_sequence)
        return hand.cursor(self._hub.cursor_name, reading, ahead, hand.finished)

    def source_cursors(
        self, after: HubCursor | None = None, sources: Iterable[K] | None = None
    ) -> dict[K, StreamCursor]:
        """
        Where in its sources the consumer stands: what outlives the hub and the process.

        Each is a cursor of the source's own stream. ``hub.follow(..., resume_from=...)`` of
        another process goes on after it, without a gap and without what was finished with::

            async for chunk in subscription.chunks():
                moved = subscription.source_cursors(chunk.cursor, {one.source for one in chunk})
                await store(chunk, moved)  # in one transaction

        A source is left out that is not followed any more, that was never connected, that gives
        no cursors, or of which so much was received since that it is no longer known: then an
        earlier one stands.

        Args:
            after: A cursor of this hub, not much older than its rings: that of a chunk. None:
                that of the subscription, of what the consumer has finished with.
            sources: Of which. None: all that it follows.

        Raises:
            ValueError: *after* is of another hub.
            TypeError: An argument is of another type.
        """
        check_instance("after", after, (HubCursor, NoneType))
        if after is not None and after.hub != self._hub.cursor_name:
            raise ValueError(f"after must be a cursor of this hub, got {after}")
        if sources is None:
            return self._hub.source_cursors(after or self.cursor, self.wants)
        check_keys("sources", sources)
        return self._hub.source_cursors(after or self.cursor, frozenset(sources).__contains__)

    def cursor_after(self, index: int) -> HubCursor:
        """
        What the consumer will have finished with after entry *index* of the batch it has in hand.
        """
        hand, ahead = self._hand, self._ahead
        return hand.cursor(self._hub.cursor_name, self._reading, ahead, index + 1)

    @property
    def has_plain_cursor(self) -> bool:
        """
        Whether the cursor after an entry is its number alone, the same for every subscriber.
        """
        return self._reading.merge is None and all(
            number <= self._hand.begun for number in self._hand.ahead.values()
        )

    @property
    def hub_name(self) -> str:
        """
        What cursors of its hub are marked with.
        """
        return self._hub.cursor_name

    @property
    def lag(self) -> int:
        """
        How many entries the hub has received for it that were not handed over.
        """
        return self._counting.lag

    @property
    def lag_time(self) -> timedelta:
        """
        How long the oldest of those has been waiting.
        """
        since = self._counting.waiting_since
        return timedelta(seconds=max(0.0, self._hub.now() - since) if since is not None else 0)

    def statistics(self) -> SubscriberStatistics:
        """
        How the subscriber stands, over all its sources.
        """
        counting = self._counting
        return SubscriberStatistics(
            name=self.name,
            overflow=self.overflow,
            sources=len(self._reading.cursors),
            delivered=counting.delivered,
            filtered=counting.filtered,
            missed=counting.missed,
            lag=counting.lag,
            lag_time=self.lag_time,
            late=counting.late,
        )

    def shares(self) -> tuple[SourceShare[K], ...]:
        """
        How the subscriber stands with each source, those included that it no longer reads.

        Sources that the hub has forgotten of itself (``follow(forget=True)``) are not among
        them; what they gave stays in the totals of `statistics`.
        """
        return self._counting.shares()
