"""
Sources on one side, subscribers on the other: follow and unfollow, subscribe, statistics, drain.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from datetime import timedelta
from types import NoneType, TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from clever_v4.errors import CleverError, HubClosedError, SourceTimeoutError
from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.gap_log import GapLog
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Gap, NoticeDetail, Overflow
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.options import Hooks, Start, SubscriptionEnd, SubscriptionOptions
from clever_v4.fanout.pacing import Pacer, Pacing
from clever_v4.fanout.ring import Sequencer
from clever_v4.fanout.source import Followed, Source
from clever_v4.fanout.statistics import DrainReport, HubStatistics, SourceState
from clever_v4.fanout.storage import MAX_BYTES, RING_BYTES, Storage
from clever_v4.fanout.subscription import Subscription
from clever_v4.streaming.cursor import Cursor as StreamCursor
from clever_v4.streaming.policy import Reconnection
from clever_v4.validators import (
    check_callback,
    check_choice,
    check_duration,
    check_flag,
    check_hashable,
    check_instance,
    check_method,
    check_text,
    check_whole_number,
    shown,
)

__all__ = ["Hub"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

logger: Final = logging.getLogger("clever_v4.hub")


def _again(error: Exception) -> Exception:
    """
    An error of ours as a value of its own for each who is told it.

    One that is raised over and over grows a longer traceback each time, and keeps alive what
    those who were told had at hand.
    """
    if not isinstance(error, CleverError):
        return error
    copied = copy.copy(error).with_traceback(error.__traceback__)
    copied.__cause__ = error.__cause__
    return copied


class Hub(Generic[K, T]):
    """
    Many sources, each read once, handed to any number of subscribers.

    Used as ``async with``: it owns the tasks that read the sources, and leaving it
    closes every source and ends every subscription at once. `drain` ends it gracefully.

    Args:
        ring: How many of its last entries are held of each source; also how far a
            subscriber may fall behind before its overflow policy counts.
        ring_bytes: How many bytes of each source are held at most, as the source counts them
            (``received_bytes``). One entry that is larger is held all the same.
        max_bytes: How many bytes of all sources are held at most. Where it is too much, those
            that hold most give up their oldest, and overflow policies count as for a full ring.
        pacing: How fast sources are connected. None: they see to that themselves.
        hooks: Called when something happens.

    Raises:
        ValueError: *ring*, *ring_bytes* or *max_bytes* is not at least 1.
        TypeError: An argument is of another type.
    """

    def __init__(
        self,
        *,
        ring: int = 4096,
        ring_bytes: int = RING_BYTES,
        max_bytes: int = MAX_BYTES,
        pacing: Pacing | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        check_whole_number("ring", ring)
        check_whole_number("ring_bytes", ring_bytes)
        check_whole_number("max_bytes", max_bytes)
        check_instance("pacing", pacing, (Pacing, NoneType))
        check_instance("hooks", hooks, (Hooks, NoneType))
        self._ring = ring
        self._ring_bytes = min(ring_bytes, max_bytes)
        self._storage = Storage(max_bytes)
        self._pacer = Pacer(pacing) if pacing is not None else None
        self._hooks = hooks or Hooks()
        self._gaps = GapLog()
        self._sequencer = Sequencer()
        self._ordinal = 0
        self._name = secrets.token_hex(4)
        self._sources: dict[K, Followed[K, T]] = {}
        self._stopping: set[Followed[K, T]] = set()
        self._subscriptions: dict[Subscription[K, T], None] = {}
        self._subscription_count = 0
        self._gone = {"received": 0, "delivered": 0, "missed": 0}
        self._notices: Counter[str] = Counter()
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._is_draining = False
        self._is_closed = False
        self._all_finished: asyncio.Future[None] | None = None

    # --- Life -----------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._tasks is not None or self._is_closed:
            raise RuntimeError("a hub is entered once; make another one")
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close("closed")
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            # Every task was cancelled already; told of the error, the group would do so again,
            # in the middle of their closing. The error goes on when this returns.
            await tasks.__aexit__(None, None, None)

    async def aclose(self) -> None:
        """
        Close every source and end every subscription at once. Safe to repeat, from any task.
        """
        self._close("closed")
        running = [task for task in self._running if task is not asyncio.current_task()]
        if running:
            await asyncio.wait(running)

    @property
    def is_open(self) -> bool:
        """
        Whether sources can be followed and subscribed to: entered, and not yet drained or closed.
        """
        return self._tasks is not None and not self._is_closed and not self._is_draining

    def _close(self, reason: str) -> None:
        self._is_closed = True
        for followed in list(self._sources.values()):
            self._stop(followed, reason)
        for subscription in list(self._subscriptions):
            undelivered = subscription.abort(SubscriptionEnd.HUB_CLOSED, is_error=False)
            if undelivered:
                logger.warning(
                    "hub closed: %d entries not delivered to %s",
                    undelivered,
                    subscription.name,
                    extra={"subscription": subscription.name, "count": undelivered},
                )

    def _check_open(self) -> None:
        if self._tasks is None or self._is_closed:
            raise HubClosedError("the hub is not open; use it inside `async with`")
        if self._is_draining:
            raise HubClosedError("the hub is being drained")

    async def drain(self, timeout: timedelta = timedelta(seconds=10)) -> DrainReport:
        """
        Stop reading the sources, let subscribers take what the rings hold, then close.

        A subscriber has taken it all when it comes back for more. One that has not when
        *timeout* is over gets `SlowConsumerError`, and is in the report.

        Raises:
            ValueError: *timeout* is negative.
            TypeError: *timeout* is no ``timedelta``.
            HubClosedError: The hub is not open.
        """
        check_duration("timeout", timeout, or_zero=True)
        self._check_open()
        self._is_draining = True
        for followed in list(self._sources.values()):
            self._stop(followed, "drained")
        undelivered: dict[str, int] = {}
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                stopped = [task for task in self._running if task is not asyncio.current_task()]
                if stopped:
                    await asyncio.wait(stopped)
                for subscription in list(self._subscriptions):
                    subscription.end_when_read()
                self._all_finished = asyncio.get_running_loop().create_future()
                if self._subscriptions:
                    await self._all_finished
        except TimeoutError:
            for subscription in list(self._subscriptions):
                lost = subscription.abort(SubscriptionEnd.DRAINED, is_error=True)
                undelivered[subscription.name] = lost
                logger.warning(
                    "drain: %d entries not delivered to %s in time",
                    lost,
                    subscription.name,
                    extra={"subscription": subscription.name, "count": lost},
                )
        finally:
            self._close("drained")
        return DrainReport(undelivered=sum(undelivered.values()), slow=tuple(undelivered))

    # --- Sources ----------------------------------------------------------------------

    def follow(
        self,
        key: K,
        source: Source[T],
        *,
        linger: timedelta | None = None,
        forget: bool = False,
    ) -> None:
        """
        Read a source from now on; a key that is followed already stays as it is.

        Args:
            key: Names the source and tags its entries. A key whose source ended or
                failed, or was unfollowed, can be followed again.
            source: What is opened, once, however many subscribe.
            linger: None: it is opened now and read until it is unfollowed. A duration:
                it is opened by its first subscriber, and closed that long after the
                last one left.
            forget: Unfollow it the linger time (None: at once) after it ended or failed and,
                where it has a linger time, when nobody subscribed to it, asked `connected`
                or followed it again for so long. For those who follow what others name:
                without it whatever was followed stays, and is told by `statistics`, until
                it is unfollowed.

        Raises:
            ValueError: *linger* is negative.
            TypeError: *key* cannot be hashed, *source* cannot be opened, *linger* is no
                ``timedelta``, or *forget* neither True nor False.
            HubClosedError: The hub is not open.
        """
        check_hashable("key", key)
        check_method("source", source, "open")
        if linger is not None:
            check_duration("linger", linger, or_zero=True)
        check_flag("forget", forget)
        self._check_open()
        earlier = self._sources.get(key)
        if earlier is not None:
            if earlier.ring.ended is None:
                earlier.release()
                return
            self._forget(earlier)
        self._ordinal += 1
        ring: Broadcast[K, T] = Broadcast(
            key,
            capacity=self._ring,
            capacity_bytes=self._ring_bytes,
            storage=self._storage,
            sequencer=self._sequencer,
            clock=self.now,
            ordinal=self._ordinal,
        )
        followed = self._sources[key] = Followed(
            ring,
            source,
            linger=linger,
            start_task=self._start_task,
            pacer=self._pacer,
            changed=self._changed,
            forget=self._forget_unused if forget else None,
        )
        for subscription in list(self._subscriptions):
            if subscription.wants(key):
                subscription.attach(ring, is_new=True)
        if linger is None or ring.cursors:
            followed.demand()
        else:
            followed.release()

    def unfollow(self, key: K) -> None:
        """
        Read a source no longer: its connection is closed, its subscribers get what its ring holds.

        Raises:
            KeyError: Nothing is followed under *key*.
            TypeError: *key* cannot be hashed.
        """
        check_hashable("key", key)
        followed = self._sources[key]
        self._stop(followed, "unfollowed")
        self._forget(followed)

    async def connected(self, key: K, *, timeout: timedelta | None = timedelta(seconds=10)) -> None:
        """
        Wait until a source is connected; one that is followed on demand is connected for it.

        Once it was connected that is so, also while it reconnects. Nor is there anything to
        wait for when it has come to its end by itself.

        Args:
            key: Names the source.
            timeout: How long to wait at most. None: as long as it takes.

        Raises:
            CleverError: The source failed: with its own error, such as `NotFoundError`.
            SourceTimeoutError: It is not connected in time, but still being tried.
            KeyError: Nothing is followed under *key*, or no longer.
            ValueError: *timeout* is not positive.
            TypeError: *key* cannot be hashed, or *timeout* is no ``timedelta``.
            HubClosedError: The hub is not open, or no longer.
        """
        check_hashable("key", key)
        if timeout is not None:
            check_duration("timeout", timeout)
        self._check_open()
        followed = self._sources[key]
        try:
            async with asyncio.timeout(timeout.total_seconds() if timeout is not None else None):
                await followed.connected()
        except TimeoutError:
            waited = timeout or timedelta(0)
            told = followed.ring.notice
            cause = told.cause if isinstance(told, Reconnection) else None
            raise SourceTimeoutError(source=key, waited=waited) from cause
        if followed.error is not None:
            raise _again(followed.error)
        if followed.is_stopped:
            self._check_open()
            raise KeyError(key)

    def _changed(self, key: K, state: SourceState) -> None:
        self._collect()
        self._hooks.on_state(key, state)

    def _stop(self, followed: Followed[K, T], reason: str) -> None:
        if followed.ring.ended is None:
            followed.stop(reason)

    def _forget_unused(self, followed: Followed[K, T]) -> None:
        self._stop(followed, "unfollowed")
        self._forget(followed)
        for subscription in self._subscriptions:
            subscription.forget(followed.ring)

    def _forget(self, followed: Followed[K, T]) -> None:
        followed.forgotten()
        del self._sources[followed.ring.source]
        followed.ring.leave()
        # What is stopping still appends what it has in hand; it is counted when that is done.
        self._stopping.add(followed)
        self._collect()

    def _collect(self) -> None:
        for followed in [f for f in self._stopping if f.ring.ended is not None]:
            self._stopping.discard(followed)
            self._gone["received"] += followed.ring.end_position

    def notify(self, key: K, detail: NoticeDetail) -> None:
        """
        Put a `Notice` into the streams of those who follow *key*; unknown keys are ignored.

        Raises:
            TypeError: *key* cannot be hashed.
        """
        check_hashable("key", key)
        followed = self._sources.get(key)
        if followed is not None and followed.ring.ended is None:
            followed.ring.notify(detail)
            self._notices[type(detail).__name__] += 1
            self._hooks.on_notice(key, detail)

    @property
    def sources(self) -> tuple[K, ...]:
        """
        The keys that are followed, those of ended and failed sources included.
        """
        return tuple(self._sources)

    def _start_task(self, coroutine: Any) -> asyncio.Task[None]:
        assert self._tasks is not None  # noqa: S101  -- whoever comes here checked
        try:
            task: asyncio.Task[None] = self._tasks.create_task(coroutine)
        except RuntimeError:  # the group breaks down, and may leave the coroutine to us
            coroutine.close()
            raise
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    # --- Subscribers ---------------------------------------------------------------------

    def subscribe(
        self,
        *,
        sources: Iterable[K] | Callable[[K], bool] | None = None,
        where: Callable[[T], object] | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
        start: Start | HubCursor = Start.NOW,
        merge: Merge[T] | None = None,
        name: str | None = None,
    ) -> Subscription[K, T]:
        """
        Make a subscription; it begins where it is entered (``async with``).

        Args:
            sources: The keys to follow, or a predicate over keys; None: all. With None or
                a predicate, sources that are followed later are included, from their
                first entry.
            where: Only entries that it accepts are handed over. It is evaluated once per
                batch for all subscribers with an equal one: see ``fanout.filters``.
            overflow: What happens when it falls a whole ring behind.
            start: Where to begin in the rings that exist, or after what was read before:
                the `HubCursor` of an earlier subscription.
            merge: Hand entries over by date; None: as they were received.
            name: For statistics and logs; None: a number.

        Raises:
            ValueError: A key in *sources* is not followed (a subscription to it would wait
                for ever; a predicate accepts what comes later), *overflow* is no policy, or
                *name* is empty.
            TypeError: *sources* is one string, an argument is of another type, a predicate is
                a coroutine function, or *where* cannot be hashed.
            HubClosedError: The hub is not open.
        """
        if where is not None:
            check_callback("where", where)
            check_hashable("where", where)
        check_choice("overflow", overflow, Overflow)
        check_instance("start", start, (Start, HubCursor))
        check_instance("merge", merge, (Merge, NoneType))
        if name is not None:
            check_text("name", name)
        self._check_open()
        wanted = self._wanted(sources)
        self._subscription_count += 1
        return Subscription(
            self,
            SubscriptionOptions(
                name=name or f"subscriber-{self._subscription_count}",
                sources=wanted,
                where=where,
                overflow=Overflow(overflow),
                start=start,
                merge=merge,
            ),
        )

    def _wanted(
        self, sources: Iterable[K] | Callable[[K], bool] | None
    ) -> frozenset[K] | Callable[[K], bool] | None:
        if sources is None:
            return None
        if callable(sources):
            check_callback("sources", sources)
            return sources
        if isinstance(sources, str | bytes) or not isinstance(sources, Iterable):
            raise TypeError(f"sources must be keys or a predicate, got {shown(sources)}")
        keys = list(sources)
        for key in keys:
            check_hashable("each of sources", key)
            if key not in self._sources:
                raise ValueError(f"sources must be followed, {shown(key)} is not")
        return frozenset(keys)

    def source_cursors(
        self, cursor: HubCursor, wants: Callable[[K], bool]
    ) -> dict[K, StreamCursor]:
        """
        Where in its sources somebody stands; see ``subscription.source_cursors()``.

        Args:
            cursor: Of this hub.
            wants: Which sources.
        """
        found: dict[K, StreamCursor] = {}
        for key, followed in list(self._sources.items()):
            if wants(key):
                one = followed.cursor_through(cursor.for_ring(followed.ring.ordinal))
                if one is not None:
                    found[key] = one
        return found

    def entered(self, subscription: Subscription[K, T]) -> None:
        """
        Attach a subscription that begins; called by it.
        """
        self._check_open()
        self._subscriptions[subscription] = None
        for key, followed in list(self._sources.items()):
            if subscription.wants(key):
                subscription.attach(followed.ring, is_new=False)
                followed.demand()

    def detached(self, ring: Broadcast[K, T]) -> None:
        """
        Take note that a subscription left a ring; called by it.
        """
        followed = self._sources.get(ring.source)
        if followed is not None and followed.ring is ring and not self._is_closed:
            followed.release()

    def missed(self, subscription: Subscription[K, T], gap: Gap[K]) -> None:
        """
        Take note of a gap; called by the subscription that has it.
        """
        self._gaps.tell(subscription.name, gap, self.now())
        self._hooks.on_gap(subscription.name, gap)

    def finished(self, subscription: Subscription[K, T]) -> None:
        """
        Take note that a subscription is over; called by it.
        """
        self._gaps.forget(subscription.name)
        if self._subscriptions.pop(subscription, self) is None:
            statistics = subscription.statistics()
            self._gone["delivered"] += statistics.delivered
            self._gone["missed"] += statistics.missed
        waiter = self._all_finished
        if waiter is not None and not waiter.done() and not self._subscriptions:
            waiter.set_result(None)

    # --- Telling ---------------------------------------------------------------------------

    def statistics(self) -> HubStatistics[K]:
        """
        How every source and every subscriber stands; per source and subscriber see
        ``subscription.shares()``.
        """
        now = self.now()
        sources = tuple(followed.statistics(now) for followed in list(self._sources.values()))
        stopping = [followed.statistics(now) for followed in list(self._stopping)]
        subscribers = tuple(one.statistics() for one in list(self._subscriptions))
        every = (*sources, *stopping)
        return HubStatistics(
            sources=sources,
            subscribers=subscribers,
            received=self._gone["received"] + sum(one.received for one in every),
            delivered=self._gone["delivered"] + sum(one.delivered for one in subscribers),
            missed=self._gone["missed"] + sum(one.missed for one in subscribers),
            notices=dict(self._notices),
            held_bytes=self._storage.held_bytes,
        )

    @property
    def is_draining(self) -> bool:
        """
        Whether the sources end since the hub is being drained.
        """
        return self._is_draining

    @property
    def cursor_name(self) -> str:
        """
        What cursors of this hub are marked with.
        """
        return self._name

    @property
    def last_sequence(self) -> int:
        """
        The number of the last entry received.
        """
        return self._sequencer.last

    def now(self) -> float:
        """
        The hub's clock: monotonic seconds.
        """
        return time.monotonic()
