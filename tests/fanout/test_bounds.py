"""
What a hub holds is bounded in entries and in bytes, by source, for the hub, and for what is left.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from clever_v4.errors import SlowConsumerError
from clever_v4.fanout import leftovers
from clever_v4.fanout.broadcast import Broadcast
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Batch, Gap, Overflow, SourceEnded
from clever_v4.fanout.options import Hooks, Start, SubscriptionEnd
from clever_v4.fanout.statistics import SourceState
from clever_v4.fanout.storage import Storage
from clever_v4.fanout.subscription import Subscription
from tests.fanout.sources import FedSource, settle, take

KIB = 2**10
MIB = 2**20


def kib(entry: int) -> int:
    return KIB


def sized(entry: tuple[str, int]) -> int:
    return entry[1]


async def read_all(subscription: Subscription[Any, Any]) -> list[Any]:
    """All items that are there now."""
    items, found = subscription.items(), []
    while (item := await take(items)) is not None:
        found.append(item)
    return found


def entries_of(items: list[Any]) -> list[Any]:
    return [entry for item in items if isinstance(item, Batch) for entry in item]


# --- One source -----------------------------------------------------------------------------


async def test_large_entries_hold_a_bounded_number_of_bytes_while_a_subscriber_keeps_up() -> None:
    """
    600 entries of 256 KiB, all read, hold the 16 MiB of a ring and not 150.
    """
    async with Hub[str, Any]() as hub:
        source = FedSource(lambda _: 256 * KIB)
        hub.follow("a", source)
        async with hub.subscribe() as subscription:
            got = 0
            for number in range(600):
                source.feed(number)
                got += len(await take(subscription.batches()))
                assert hub.statistics().held_bytes <= 16 * MIB
            assert got == 600
        (statistics,) = hub.statistics().sources
        assert (statistics.held, statistics.held_bytes) == (64, 16 * MIB)


async def test_a_batch_larger_than_the_ring_is_cut_by_its_bytes() -> None:
    """
    What one read returned enters the ring in pieces, each of which it can hold.
    """
    async with Hub[str, Any](ring_bytes=4 * KIB) as hub:
        source = FedSource(kib)
        hub.follow("a", source)
        async with hub.subscribe() as subscription:
            source.feed(*range(10))
            assert [list(await take(subscription.batches())) for _ in range(3)] == [
                [0, 1, 2, 3],
                [4, 5, 6, 7],
                [8, 9],
            ]
            assert hub.statistics().held_bytes == 2 * KIB


async def test_entries_larger_than_the_ring_come_one_by_one() -> None:
    """
    However large they are, each piece has one entry at least, and no more than must be.
    """
    async with Hub[str, Any](ring_bytes=4) as hub:
        source = FedSource(kib)
        hub.follow("a", source)
        async with hub.subscribe() as subscription:
            source.feed(1, 2, 3)
            assert [list(await take(subscription.batches())) for _ in range(3)] == [[1], [2], [3]]


@pytest.mark.parametrize("rounds", range(1, 5))
async def test_a_reader_stopped_anywhere_in_a_batch_appends_the_rest_once(rounds: int) -> None:
    """
    Whenever the task is cancelled that appends a batch piece by piece, each entry is there once.
    """
    ring: Broadcast[str, int] = Broadcast(
        "a", capacity=8, capacity_bytes=100, storage=Storage(1000)
    )
    task = asyncio.get_running_loop().create_task(ring.publish(range(20), 60))
    await settle(rounds)
    task.cancel()
    await asyncio.wait([task])
    assert (ring.end_position, ring.end_bytes) == (20, 60)
    assert [entry for batch in ring.batches.values() for entry in batch] == list(range(16, 20))


async def test_the_slowest_of_those_who_block_decides() -> None:
    """
    One that reads ahead of another neither lets the source go on nor takes what that has to read.
    """
    async with Hub[str, Any](ring_bytes=8 * KIB) as hub:
        source = FedSource(kib)
        hub.follow("a", source)
        async with (
            hub.subscribe(overflow=Overflow.BLOCK) as fast,
            hub.subscribe(overflow=Overflow.BLOCK) as slow,
        ):
            for number in range(20):
                source.feed(number)
            await settle()
            assert entries_of(await read_all(fast)) == list(range(8))
            await settle()
            assert source.unread == 11
            assert hub.statistics().sources[0].held_bytes == 8 * KIB
            for _ in range(20):
                await read_all(fast)
                if slow.lag:
                    await take(slow)
            assert (slow.statistics().missed, fast.statistics().missed) == (0, 0)
            assert (slow.statistics().delivered, fast.statistics().delivered) == (20, 20)


async def test_one_entry_larger_than_every_bound_still_arrives() -> None:
    """
    The newest batch is held whatever its size, also for a blocking subscriber, then it goes.
    """
    async with Hub[str, Any](ring_bytes=4, max_bytes=8) as hub:
        source = FedSource(sized)
        hub.follow("a", source)
        async with hub.subscribe(overflow=Overflow.BLOCK) as blocking, hub.subscribe() as live:
            source.feed(("a", 100))
            source.feed(("b", 1))
            await settle()
            assert hub.statistics().held_bytes == 100
            assert (await take(blocking)).entry == ("a", 100)
            await settle()
            assert (await take(blocking)).entry == ("b", 1)
            assert (await read_all(live))[0] == Gap(source="a", count=1)
            assert hub.statistics().held_bytes == 1


async def test_a_ring_full_of_bytes_counts_as_full_for_each_policy() -> None:
    """
    Whoever is so many bytes behind misses exactly what left, is disconnected, or pauses the source.
    """
    async with Hub[str, Any](ring_bytes=8 * KIB) as hub:
        source = FedSource(kib)
        hub.follow("a", source)
        async with (
            hub.subscribe() as dropping,
            hub.subscribe(overflow=Overflow.DISCONNECT) as disconnecting,
        ):
            for number in range(20):
                source.feed(number)
            await settle()
            assert dropping.statistics().missed == 12
            found = await read_all(dropping)
            assert found[0] == Gap(source="a", count=12)
            assert entries_of(found) == list(range(12, 20))
            assert disconnecting.ended_by is SubscriptionEnd.DISCONNECTED
            with pytest.raises(SlowConsumerError) as raised:
                await anext(disconnecting)
            assert raised.value.dropped == 9
            (share,) = disconnecting.shares()
            assert (share.missed, share.lag) == (9, 0)
        async with hub.subscribe(overflow=Overflow.BLOCK) as blocking:
            for number in range(20):
                source.feed(number)
            await settle()
            assert source.unread == 11  # eight in the ring, one in the hub's hand
            assert hub.statistics().sources[0].state is SourceState.PAUSED
            assert entries_of(await read_all(blocking)) == list(range(20))
            assert blocking.statistics().missed == 0


async def test_what_was_in_hand_at_the_end_comes_in_pieces_too() -> None:
    """
    A batch larger than the ring that was read before the source was stopped reaches a blocking
    subscriber whole, and one that drops as much as the ring holds.
    """
    async with Hub[str, Any](ring=8) as hub:
        source = FedSource(kib)
        hub.follow("a", source)
        async with hub.subscribe(overflow=Overflow.BLOCK) as blocking, hub.subscribe() as dropping:
            source.feed(*range(30))
            await settle()
            hub.unfollow("a")
            await settle()
            found = await read_all(blocking)
            assert entries_of(found) == list(range(30))
            assert found[-1] == SourceEnded(source="a", reason="unfollowed")
            found = await read_all(dropping)
            # The last piece has 6 entries, and with the one before it would be 14.
            assert found[0] == Gap(source="a", count=24)
            assert entries_of(found) == list(range(24, 30))
        assert hub.statistics().held_bytes == 0


# --- The hub ----------------------------------------------------------------------------------


async def test_the_hub_s_bound_takes_from_those_who_hold_most() -> None:
    """
    Where all rings hold too much the large ones give up their oldest; quiet logs keep theirs.
    """
    async with Hub[str, Any](max_bytes=64 * KIB) as hub:
        sources = {key: FedSource(kib) for key in "abcd"}
        for key, source in sources.items():
            hub.follow(key, source)
        async with hub.subscribe() as stuck:
            for number in range(3):
                sources["c"].feed(number)
                sources["d"].feed(number)
            await settle()
            for number in range(100):
                sources["a"].feed(number)
                sources["b"].feed(number)
                await settle()
                assert hub.statistics().held_bytes <= 64 * KIB
            held = {one.source: one.held for one in hub.statistics().sources}
            assert held["c"] == held["d"] == 3
            assert held["a"] + held["b"] == 58
            assert abs(held["a"] - held["b"]) <= 1
            assert hub.statistics().missed == 200 - 58
            found = await read_all(stuck)
            gaps = {item.source: item.count for item in found if isinstance(item, Gap)}
            assert gaps == {"a": 100 - held["a"], "b": 100 - held["b"]}
            assert len(entries_of(found)) == 64


async def test_the_newest_of_other_logs_gives_way_too() -> None:
    """
    Many logs with one huge entry each stay within the hub's bound.
    """
    async with Hub[int, Any](max_bytes=4 * MIB) as hub, hub.subscribe() as stuck:
        for key in range(20):
            source = FedSource(lambda _: MIB)
            hub.follow(key, source)
            source.feed(key)
            await settle()
            assert hub.statistics().held_bytes <= 4 * MIB
        assert stuck.statistics().missed == 16
        assert stuck.lag == 4
        found = await read_all(stuck)
        assert entries_of(found) == [16, 17, 18, 19]
        assert sum(item.count for item in found if isinstance(item, Gap)) == 16


async def test_the_hub_s_bound_disconnects_whom_it_takes_from() -> None:
    """
    A subscriber that chose it is disconnected when another log takes the room of its own.
    """
    async with Hub[str, Any](max_bytes=8 * KIB) as hub:
        a, b = FedSource(kib), FedSource(kib)
        hub.follow("a", a)
        hub.follow("b", b)
        async with hub.subscribe(sources=["a"], overflow=Overflow.DISCONNECT) as slow:
            for number in range(7):
                a.feed(number)
            await settle()
            assert slow.is_open
            b.feed(*range(3))
            await settle()
            with pytest.raises(SlowConsumerError) as raised:
                await anext(slow)
            assert raised.value.dropped == 7
            assert hub.statistics().missed == 7


async def test_the_hub_s_bound_pauses_those_who_block_and_takes_nothing_from_them() -> None:
    """
    What blocking subscribers have to read stays; their sources wait, and others go on.
    """
    async with Hub[str, Any](max_bytes=8 * KIB) as hub:
        sources = {key: FedSource(kib) for key in "abc"}
        for key, source in sources.items():
            hub.follow(key, source)
        async with (
            hub.subscribe(sources=["a", "b"], overflow=Overflow.BLOCK) as blocking,
            hub.subscribe(sources=["c"]) as live,
        ):
            for number in range(20):
                sources["a"].feed(number)
                sources["b"].feed(100 + number)
            await settle()
            assert hub.statistics().held_bytes == 8 * KIB
            states = [one.state for one in hub.statistics().sources]
            assert states == [SourceState.PAUSED, SourceState.PAUSED, SourceState.OPEN]
            for number in range(20):
                sources["c"].feed(number)
                assert (await take(live)).entry == number
                # The one that comes now, beside what must be held.
                assert hub.statistics().held_bytes <= 9 * KIB
            found = [entry for _ in range(30) for entry in entries_of(await read_all(blocking))]
            assert sorted(found) == [*range(20), *range(100, 120)]
            assert blocking.statistics().missed == live.statistics().missed == 0
            await settle()
            assert hub.statistics().held_bytes <= 8 * KIB


async def test_what_is_read_by_all_is_given_up_before_anybody_pauses() -> None:
    """
    A hub that is full of what was read already has room for a blocking subscriber.
    """
    async with Hub[str, Any](max_bytes=8 * KIB) as hub:
        a, b = FedSource(kib), FedSource(kib)
        hub.follow("a", a)
        hub.follow("b", b)
        async with hub.subscribe(overflow=Overflow.BLOCK) as blocking:
            a.feed(*range(8))
            await settle()
            assert len(entries_of(await read_all(blocking))) == 8
            for number in range(8):
                b.feed(number)
            await settle()
            assert b.unread == 0
            assert blocking.lag == 8
            # Now a is empty, and b full of what is to be read.
            b.feed(8)
            await settle()
            assert hub.statistics().sources[1].state is SourceState.PAUSED
            assert entries_of(await read_all(blocking)) == list(range(9))


async def test_several_batches_give_way_to_one_that_is_large() -> None:
    """
    Room is made for all of what comes, be it of one ring.
    """
    async with Hub[str, Any](max_bytes=100) as hub:
        small, large = FedSource(sized), FedSource(sized)
        hub.follow("small", small)
        hub.follow("large", large)
        for number in range(10):
            small.feed((f"{number}", 10))
        await settle()
        large.feed(("large", 50))
        await settle()
        assert hub.statistics().held_bytes == 100
        assert [one.held for one in hub.statistics().sources] == [5, 1]


async def test_what_a_blocking_filter_passed_over_gives_way() -> None:
    """
    A batch larger than the hub's bound goes as soon as something comes, if nobody has to read it.
    """
    async with Hub[str, Any](max_bytes=8) as hub:
        a, b = FedSource(sized), FedSource(sized)
        hub.follow("a", a)
        hub.follow("b", b)
        async with hub.subscribe(
            sources=["a"], overflow=Overflow.BLOCK, where=lambda _: False
        ) as blocking:
            a.feed(("large", 9))
            await settle()
            b.feed(("small", 1))
            await settle()
            assert hub.statistics().held_bytes == 1
            assert blocking.statistics().filtered == 1


async def test_what_stands_beyond_the_bounds_goes_as_it_is_read() -> None:
    """
    What was in hand when a blocked source was stopped is given up with each batch that is read.
    """
    async with (
        Hub[str, Any](ring_bytes=4 * KIB, max_bytes=8 * KIB) as hub,
        hub.subscribe(overflow=Overflow.BLOCK) as blocking,
    ):
        source = FedSource(kib)
        hub.follow("a", source)
        source.feed(*range(20))
        await settle()
        hub.unfollow("a")
        await settle()
        held = [hub.statistics().held_bytes // KIB]
        for _ in range(5):
            await take(blocking.batches())
            held.append(hub.statistics().held_bytes // KIB)
        assert held == [20, 16, 12, 8, 8, 8]
        assert isinstance(await take(blocking.items()), SourceEnded)
        assert hub.statistics().held_bytes == 0


async def test_sources_that_have_ended_and_are_still_followed_keep_their_rings() -> None:
    """
    Only what is no longer followed counts as one ring, also where the hub's bound takes some.
    """
    async with Hub[str, Any](ring=10, max_bytes=20 * KIB) as hub, hub.subscribe() as slow:
        for key in "ab":
            source = FedSource(kib)
            hub.follow(key, source)
            for number in range(8):
                source.feed(number)
            source.end()
        await settle()
        assert slow.lag == 16
        live = FedSource(kib)
        hub.follow("c", live)
        for number in range(6):
            live.feed(number)
        await settle()
        assert (slow.statistics().missed, slow.lag) == (2, 20)


# --- What is no longer followed -----------------------------------------------------------------


async def feed_and_unfollow(hub: Hub[int, Any], key: int, source: FedSource) -> None:
    """20 entries of 1 KiB, read by the hub; then the source is unfollowed."""
    for number in range(20):
        source.feed((key, number))
    await settle()
    hub.unfollow(key)
    await settle()


async def follow_and_unfollow(hub: Hub[int, Any], count: int, *, first: int = 0) -> None:
    """The same with so many sources, one after the other."""
    for key in range(first, first + count):
        source = FedSource(kib)
        hub.follow(key, source)
        await feed_and_unfollow(hub, key, source)


async def test_a_stuck_subscriber_keeps_one_ring_of_all_that_was_unfollowed() -> None:
    """
    The rings left over for a subscriber hold together what one may; the rest is told as missed.
    """
    told: list[int] = []
    hooks = Hooks(on_gap=lambda _, gap: told.append(gap.count))
    async with Hub[int, Any](ring=20, hooks=hooks) as hub, hub.subscribe() as stuck:
        await follow_and_unfollow(hub, 59)
        assert hub.statistics().held_bytes == 20 * KIB
        statistics = stuck.statistics()
        assert (statistics.missed, statistics.lag) == (58 * 20, 20)
        assert hub.statistics().missed == 58 * 20
        found = await read_all(stuck)
        assert entries_of(found) == [(58, number) for number in range(20)]
        assert found[0] == Gap(source=0, count=20)
        assert sum(isinstance(item, SourceEnded) for item in found) == 59
        statistics = stuck.statistics()
        assert (statistics.delivered, statistics.missed, statistics.lag) == (20, 58 * 20, 0)
        assert sum(share.missed for share in stuck.shares()) == 58 * 20
        assert told == [20] * 58
        assert hub.statistics().held_bytes == 0


async def test_the_bound_in_bytes_counts_for_what_is_unfollowed_as_well() -> None:
    """
    Few large entries of many logs that are gone are no more than a ring's bytes.
    """
    async with Hub[int, Any](ring_bytes=30 * KIB) as hub, hub.subscribe() as stuck:
        await follow_and_unfollow(hub, 5)
        assert hub.statistics().held_bytes == 30 * KIB
        found = await read_all(stuck)
        assert (
            entries_of(found) == [(key, number) for key in range(5) for number in range(20)][-30:]
        )
        assert Gap(source=3, count=10) in found


async def test_a_stuck_subscriber_is_disconnected_for_what_was_unfollowed() -> None:
    """
    Who is a ring behind in sources that are gone, taken together, gets SlowConsumerError.
    """
    async with (
        Hub[int, Any](ring=50) as hub,
        hub.subscribe(overflow=Overflow.DISCONNECT) as slow,
    ):
        await follow_and_unfollow(hub, 2)
        assert slow.is_open
        await follow_and_unfollow(hub, 1, first=2)
        with pytest.raises(SlowConsumerError) as raised:
            await anext(slow)
        assert raised.value.dropped == 60
        assert hub.statistics().missed == 60
        assert hub.statistics().held_bytes == 0


async def test_a_blocking_subscriber_pauses_its_sources_for_what_was_unfollowed() -> None:
    """
    With too much left over nothing more is read from what it follows, and nothing is lost.
    """
    async with Hub[int, Any](ring=50) as hub:
        live = FedSource(kib)
        hub.follow(-1, live)
        async with hub.subscribe(overflow=Overflow.BLOCK) as blocking:
            await follow_and_unfollow(hub, 3)
            live.feed((-1, 0))
            await settle()
            assert live.unread == 0  # in the hub's hand
            assert hub.statistics().sources[0].state is SourceState.PAUSED
            # Sources that come now are not read at all.
            await follow_and_unfollow(hub, 50, first=3)
            assert hub.statistics().held_bytes == 60 * KIB
            for number in range(1, 5):
                live.feed((-1, number))
            found = entries_of(await read_all(blocking))
            assert [one for one in found if one[0] >= 0] == [
                (key, number) for key in range(3) for number in range(20)
            ]
            assert [one for one in found if one[0] < 0] == [(-1, number) for number in range(5)]
            assert blocking.statistics().missed == 0
            assert hub.statistics().sources[0].state is SourceState.OPEN


async def test_one_batch_that_is_left_may_have_any_size() -> None:
    """
    An entry larger than the bound is not taken from who had no time to read it.
    """
    async with (
        Hub[int, Any](ring_bytes=10) as hub,
        hub.subscribe(overflow=Overflow.DISCONNECT) as slow,
    ):
        source = FedSource(kib)
        hub.follow(0, source)
        source.feed("large")
        await settle()
        hub.unfollow(0)
        await settle()
        assert slow.is_open
        assert entries_of(await read_all(slow)) == ["large"]


async def test_what_was_read_of_an_unfollowed_source_is_not_held() -> None:
    """
    Nobody will be attached to its ring any more: only what somebody has still to read stays.
    """
    async with Hub[int, Any]() as hub, hub.subscribe() as slow:
        source = FedSource(kib)
        hub.follow(0, source)
        for number in range(20):
            source.feed(number)
        await settle()
        for _ in range(15):
            await take(slow)
        hub.unfollow(0)
        await settle()
        assert hub.statistics().held_bytes == 5 * KIB
        assert entries_of(await read_all(slow)) == list(range(15, 20))


@pytest.mark.parametrize(("ring", "missed"), [(40, 15), (25, 20)])
async def test_what_the_hub_s_bound_took_is_not_taken_again(ring: int, missed: int) -> None:
    """
    Of a ring that is left over and gave up some for the hub, only what is left counts.
    """
    async with Hub[int, Any](ring=ring, max_bytes=30 * KIB) as hub, hub.subscribe() as stuck:
        await follow_and_unfollow(hub, 1)
        source = FedSource(kib)
        hub.follow(1, source)
        for number in range(25):
            source.feed((1, number))
        await settle()
        assert (stuck.statistics().missed, stuck.lag) == (15, 30)
        hub.unfollow(1)
        await settle()
        assert (stuck.statistics().missed, stuck.lag) == (missed, 45 - missed)
        found = await read_all(stuck)
        assert sum(item.count for item in found if isinstance(item, Gap)) == missed
        assert len(entries_of(found)) == 45 - missed


async def test_who_keeps_up_loses_nothing_by_others_that_do_not() -> None:
    """
    Each subscriber has its own bound: stuck ones take nothing from one that reads.
    """
    async with (
        Hub[int, Any](ring=20) as hub,
        hub.subscribe(overflow=Overflow.BLOCK),
        hub.subscribe(),
        hub.subscribe(overflow=Overflow.DISCONNECT) as live,
    ):
        source = FedSource(kib)
        hub.follow(0, source)
        source.feed(*range(20))
        await settle()
        hub.unfollow(0)
        assert entries_of(await read_all(live)) == list(range(20))
        await settle()
        assert live.is_open


@pytest.mark.parametrize(("ring", "missed"), [(70, 60), (30, 90)])
async def test_the_ends_of_very_many_sources_are_not_kept_either(
    monkeypatch: pytest.MonkeyPatch, ring: int, missed: int
) -> None:
    """
    Beyond a number of sources not even their ends are kept; what they had is counted as missed.
    """
    monkeypatch.setattr(leftovers, "MOST_RINGS", 3)
    told: list[Any] = []
    hooks = Hooks(on_gap=lambda _, gap: told.append(gap))
    async with Hub[int, Any](ring=ring, hooks=hooks) as hub:
        sources = [FedSource(kib) for _ in range(6)]
        for key, source in enumerate(sources):
            hub.follow(key, source)
        async with (
            hub.subscribe(sources=range(6)) as named,
            hub.subscribe(overflow=Overflow.DISCONNECT) as slow,
        ):
            for key, source in enumerate(sources):
                await feed_and_unfollow(hub, key, source)
            assert named.statistics().missed == missed
            assert sum(share.missed for share in named.shares()) == missed
            assert told == [Gap(source=key, count=20) for key in range(3)]
            assert slow.ended_by is SubscriptionEnd.DISCONNECTED
            assert hub.statistics().held_bytes == (120 - missed) * KIB
            # The sources that it named are over, those included whose end it was not told.
            found = [item async for item in named.items()]
            everything = [(key, number) for key in range(6) for number in range(20)]
            assert entries_of(found) == everything[missed:]
            assert named.ended_by is SubscriptionEnd.SOURCES_ENDED
            assert named.statistics().missed == missed
        assert hub.statistics().held_bytes == 0


async def test_very_many_ends_pause_the_sources_of_who_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A blocking subscriber is told every end, and its sources go on when it was.
    """
    monkeypatch.setattr(leftovers, "MOST_RINGS", 3)
    async with Hub[int, Any]() as hub, hub.subscribe(overflow=Overflow.BLOCK) as blocking:
        live = FedSource(kib)
        hub.follow(-1, live)
        await follow_and_unfollow(hub, 4)
        live.feed("in the hub's hand")
        live.feed("waits")
        await settle()
        assert live.unread == 1
        assert hub.statistics().sources[0].state is SourceState.PAUSED
        found = await read_all(blocking)
        assert len(entries_of(found)) == 82
        assert sum(isinstance(item, SourceEnded) for item in found) == 4
        assert hub.statistics().sources[0].state is SourceState.OPEN


async def test_who_is_closed_after_it_was_skipped_counts_that_once() -> None:
    """
    What was passed over for the bound is missed once, by source and in all.
    """
    async with Hub[int, Any](ring=30) as hub:
        async with hub.subscribe() as stuck:
            await follow_and_unfollow(hub, 4)
        assert stuck.statistics().missed == 50
        assert sum(share.missed for share in stuck.shares()) == 50


async def test_a_drain_keeps_all_whatever_was_followed() -> None:
    """
    What the rings hold when a hub is drained is delivered, though no source is followed any more.
    """
    async with Hub[int, Any](ring=20) as hub, hub.subscribe() as subscription:
        for key in range(10):
            source = FedSource(kib)
            hub.follow(key, source)
            source.feed(*range(20))
        await settle()
        async with asyncio.TaskGroup() as tasks:
            drained = tasks.create_task(hub.drain(timedelta(seconds=30)))
            await settle()
            assert len(entries_of([item async for item in subscription.items()])) == 200
        assert drained.result().is_complete


# --- Cursors in the middle of a batch ------------------------------------------------------------


async def test_a_gap_after_a_cursor_counts_only_what_was_not_read_before() -> None:
    """
    A subscription that resumes in the middle of a batch is behind by the rest of it alone.
    """
    async with Hub[str, Any](ring=8) as hub:
        source = FedSource(kib)
        hub.follow("a", source)
        async with hub.subscribe() as first:
            source.feed(1, 2, 3, 4)
            await settle()
            for _ in range(3):
                await take(first)
            cursor = first.cursor  # it has 3 in hand
        async with hub.subscribe(start=cursor) as second:
            assert second.lag == 2
            source.feed(*range(5, 13))
            await settle()
            assert (second.statistics().missed, second.lag) == (2, 8)
            assert (await read_all(second))[0] == Gap(source="a", count=2)
            hub.unfollow("a")
        async with hub.subscribe(start=Start.OLDEST) as third:
            assert third.lag == 0


def test_bounds_that_cannot_be_meant_are_refused() -> None:
    """
    Every bound is a whole number of at least 1.
    """
    for name in ("ring", "ring_bytes", "max_bytes"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            Hub(**{name: 0})
        with pytest.raises(TypeError, match=f"{name} must be a whole number, got '1'"):
            Hub(**{name: "1"})
