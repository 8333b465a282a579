"""
What is counted, in the middle of things: exact for every subscriber, by source and in all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Batch, Gap, Notice, Overflow, SourceEnded
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.ring import Ring, Sequencer
from clever_v4.fanout.statistics import SourceState
from clever_v4.fanout.subscription import Subscription
from tests.fanout.sources import FedSource, settle, take


class ClockedHub(Hub[str, Any]):
    """
    A hub whose clock stands still until the test moves it.
    """

    time = 100.0

    def now(self) -> float:
        return self.time


@pytest.fixture
async def hub() -> AsyncIterator[ClockedHub]:
    async with ClockedHub(ring=8) as running:
        yield running


def counts(subscription: Subscription[str, Any]) -> tuple[int, int, int, int]:
    """Delivered, filtered, missed and lag: the same over all sources as in the sum of the shares."""
    total, shares = subscription.statistics(), subscription.shares()
    found = (total.delivered, total.filtered, total.missed, total.lag)
    assert found == tuple(
        sum(getattr(share, name) for share in shares)
        for name in ("delivered", "filtered", "missed", "lag")
    )
    return found


async def test_what_a_filter_passed_over_is_not_looked_at_again(hub: ClockedHub) -> None:
    """
    A batch without anything for a subscriber that waits is counted once, and wakes nobody.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(where=lambda entry: entry % 2 == 0) as subscription:
        source.feed(1)
        source.feed(3, 5)
        await settle()
        assert not subscription._reading.waiting
        assert counts(subscription) == (0, 3, 0, 0)
        source.feed(6)
        assert (await take(subscription)).entry == 6
        assert counts(subscription) == (1, 3, 0, 0)


async def test_what_waits_behind_a_filter_counts_before_it(hub: ClockedHub) -> None:
    """
    Missed and lag are what the source sent; filtered is what was passed over when it was read.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(where=lambda entry: entry % 2 == 0) as subscription:
        source.feed(1)
        await settle()
        assert counts(subscription) == (0, 1, 0, 0)  # passed over without waking anybody
        for number in range(2, 21):
            source.feed(number)
        await settle()
        assert counts(subscription) == (0, 1, 11, 8)
        items = subscription.items()
        assert await take(items) == Gap(source="a", count=11)
        assert counts(subscription) == (0, 1, 11, 8)
        assert list(await take(items)) == [14]
        assert counts(subscription) == (1, 2, 11, 6)
        assert [list(await take(items)) for _ in range(3)] == [[16], [18], [20]]
        assert counts(subscription) == (4, 5, 11, 0)


@pytest.mark.parametrize("is_merged", [False, True])
async def test_what_is_left_of_a_batch_is_not_yet_delivered(
    hub: ClockedHub, is_merged: bool
) -> None:
    """
    When one entry of three was taken, two are behind, by source and in all.
    """
    source = FedSource()
    hub.follow("a", source)
    merge: Merge[int] = Merge(by=lambda number: datetime.fromtimestamp(number, UTC))
    async with hub.subscribe(merge=merge if is_merged else None) as subscription:
        source.feed(1, 2, 3)
        await settle()
        hub.time += 5
        assert counts(subscription) == (0, 0, 0, 3)
        assert (await take(subscription)).entry == 1
        assert counts(subscription) == (1, 0, 0, 2)
        assert subscription.lag_time == timedelta(seconds=5)
        assert len(await take(subscription.batches())) == 2
        assert counts(subscription) == (3, 0, 0, 0)
        assert subscription.lag_time == timedelta(0)


async def test_what_is_given_up_in_the_hand_is_not_delivered(hub: ClockedHub) -> None:
    """
    A subscription closed with a batch half handed over tells what it got.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1, 2, 3)
        await settle()
        await take(subscription)
    assert hub.statistics().delivered == subscription.statistics().delivered == 1


async def test_a_predicate_that_raises_on_the_only_batch_misses_it(hub: ClockedHub) -> None:
    """
    The batch counts as missed, nothing is behind, and what comes next arrives.
    """

    def picky(entry: int) -> bool:
        if entry == 2:
            raise LookupError("two")
        return True

    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(where=picky) as subscription:
        source.feed(1, 2)
        await settle()
        with pytest.raises(LookupError, match="two"):
            await take(subscription)
        assert counts(subscription) == (0, 0, 2, 0)
        assert await take(subscription) is None
        source.feed(3)
        assert (await take(subscription)).entry == 3
        assert counts(subscription) == (1, 0, 2, 0)


async def test_a_notice_waits_behind_the_last_batch(hub: ClockedHub) -> None:
    """
    A notice comes after what was received before it, of every source, and before the end.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    async with hub.subscribe() as subscription, hub.subscribe() as live:
        a.feed(1)
        await settle()
        b.feed(2)
        await settle()
        items = live.items()
        for _ in range(2):
            await take(items)
        hub.notify("a", "told")
        # One that has read all is told at once.
        assert await take(items) == Notice(source="a", detail="told", count=1)
        assert await take(items) is None
        b.feed(3)
        a.end()
        await settle()
        items = subscription.items()
        assert list(await take(items)) == [1]
        assert list(await take(items)) == [2]
        assert await take(items) == Notice(source="a", detail="told", count=1)
        assert list(await take(items)) == [3]
        assert await take(items) == SourceEnded(source="a", reason="ended")
        assert await take(items) is None


async def test_a_notice_stands_before_the_gap_s_end_only_once(hub: ClockedHub) -> None:
    """
    A notice of which what came before it was dropped comes after the gap, and not again.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(0)
        await settle()
        hub.notify("a", "told")
        for number in range(1, 11):
            source.feed(number)
        await settle()
        items = subscription.items()
        assert await take(items) == Gap(source="a", count=3)
        assert await take(items) == Notice(source="a", detail="told", count=1)
        found = [await take(items) for _ in range(8)]
        assert [list(item) for item in found if isinstance(item, Batch)] == [
            [number] for number in range(3, 11)
        ]
        assert await take(items) is None


async def test_pauses_are_summed_and_the_one_under_way_counts(hub: ClockedHub) -> None:
    """
    How long blocking subscribers kept a source from being read is told to the second.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(overflow=Overflow.BLOCK) as subscription:
        for number in range(10):
            source.feed(number)
        await settle()

        def paused() -> timedelta:
            return hub.statistics().sources[0].paused

        assert hub.statistics().sources[0].state is SourceState.PAUSED
        assert paused() == timedelta(0)
        hub.time += 5
        assert paused() == timedelta(seconds=5)
        await take(subscription)
        await settle()
        hub.time += 2
        assert paused() == timedelta(seconds=7)  # for the tenth now
        await take(subscription)
        await settle()
        assert hub.statistics().sources[0].state is SourceState.OPEN
        hub.time += 30
        assert paused() == timedelta(seconds=7)
        assert hub.statistics().sources[0].idle == timedelta(seconds=30)


async def test_the_lag_time_is_that_of_the_oldest_that_waits(hub: ClockedHub) -> None:
    """
    It begins when the hub received it, whatever came since, and ends when it is handed over.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    async with hub.subscribe() as subscription:
        assert hub.statistics().sources[0].idle is None
        b.feed(1)
        await settle()
        hub.time += 4
        a.feed(2)
        await settle()
        hub.time += 3
        assert subscription.lag_time == timedelta(seconds=7)
        assert hub.statistics().lag_time == timedelta(seconds=7)
        assert (await take(subscription)).entry == 1
        assert subscription.lag_time == timedelta(seconds=3)
        assert (await take(subscription)).entry == 2
        assert subscription.lag_time == timedelta(0)
        hub.notify("a", "told")
        hub.time += 9
        assert subscription.lag_time == timedelta(0)  # no entry waits


async def test_the_lag_time_of_who_was_skipped_is_that_of_the_oldest_left(hub: ClockedHub) -> None:
    """
    What left the ring waits no more.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        for number in range(10):
            source.feed(number)
            await settle()
            hub.time += 1
        assert counts(subscription) == (0, 0, 2, 8)
        assert subscription.lag_time == timedelta(seconds=8)


@pytest.mark.parametrize("overflow", Overflow)
async def test_a_subscription_that_is_over_leaves_nothing_in_the_rings(
    hub: ClockedHub, overflow: Overflow
) -> None:
    """
    Whether it waited or was behind, no ring knows it any more, and nothing wakes it.
    """
    source = FedSource()
    hub.follow("a", source)
    ring = hub._sources["a"].ring
    for is_behind in (False, True):
        async with hub.subscribe(overflow=overflow) as subscription:
            if is_behind:
                source.feed(1)
                await settle()
        left = [ring.cursors, ring._idle, ring._blocking, ring._disconnecting]
        assert not any(left)
        source.feed(2)
        await settle()
        assert not subscription._reading.waiting


async def test_a_source_that_comes_again_is_still_expected(hub: ClockedHub) -> None:
    """
    A subscription to named sources goes on while one that ended is followed anew.
    """
    first, second = FedSource(), FedSource()
    hub.follow("a", first)
    async with hub.subscribe(sources=["a"]) as subscription:
        first.end()
        await settle()
        hub.follow("a", second)
        items = subscription.items()
        assert await take(items) == SourceEnded(source="a", reason="ended")
        assert await take(items) is None
        assert subscription.is_open
        second.end()
        await settle()
        assert [item async for item in items] == [SourceEnded(source="a", reason="ended")]


def test_the_place_after_an_entry_is_where_what_follows_begins() -> None:
    """
    The batch and the position after each number, also in the middle of a batch and past the ends.
    """
    ring: Ring[str, int] = Ring("a", capacity=8, capacity_bytes=100)
    for length in (3, 2, 1):
        ring.hold(tuple(range(length)), 10, 0.0)
    places = [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (3, 6)]
    assert [ring.place_after(number) for number in range(7)] == places
    assert ring.place_after(100) == (3, 6)
    ring.drop_oldest()
    assert [ring.place_after(number) for number in range(7)] == [(1, 3)] * 4 + places[4:]


def test_the_numbers_of_other_rings_lie_between_those_of_one() -> None:
    """
    Places in one ring are found by numbers that all rings of a hub share.
    """
    sequencer = Sequencer()
    one: Ring[str, int] = Ring("a", capacity=8, capacity_bytes=9, sequencer=sequencer)
    other: Ring[str, int] = Ring("b", capacity=8, capacity_bytes=9, sequencer=sequencer)
    one.hold((1, 2), 0, 0.0)
    other.hold((3, 4), 0, 0.0)
    one.hold((5,), 0, 0.0)
    assert [one.place_after(number) for number in range(6)] == [
        (0, 0),
        (0, 1),
        (1, 2),
        (1, 2),
        (1, 2),
        (2, 3),
    ]


def test_the_newest_batch_stays_whatever_the_bounds() -> None:
    """
    A ring shrinks to its bounds or to one batch, and not past what somebody has to read.
    """
    ring: Ring[str, int] = Ring("a", capacity=2, capacity_bytes=10)
    ring.hold((1, 2, 3), 30, 0.0)
    ring.shrink(ring.end_number)
    assert (len(ring.batches), ring.held_bytes) == (1, 30)
    ring.hold((4,), 10, 0.0)
    ring.shrink(0)
    assert len(ring.batches) == 2
    ring.shrink(ring.end_number)
    assert (len(ring.batches), ring.held_bytes, ring.first_position) == (1, 10, 3)


def test_a_ring_that_is_cleared_holds_nothing_and_tells_what_left_it() -> None:
    """
    What was held is gone from every count but that of what the source gave.
    """
    ring: Ring[str, int] = Ring("a", capacity=8, capacity_bytes=100)
    ring.hold((1, 2, 3), 30, 0.0)
    ring.clear()
    assert (ring.batches, ring.held_bytes, ring.evicted_through) == ({}, 0, 3)
    ring.hold((4,), 10, 0.0)
    assert (ring.bytes_from(0), ring.bytes_from(1), ring.bytes_from(2)) == (10, 10, 0)
    assert ring.place_after(0) == (1, 3)
