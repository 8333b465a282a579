"""
Following, subscribing and ending, with sources inside the process.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from clever_v4.errors import NotFoundError, SlowConsumerError, SourceFailedError
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Batch, Gap, Notice, Overflow, SourceEnded, SourceFailed
from clever_v4.fanout.options import Hooks, Start
from clever_v4.fanout.statistics import SourceState
from tests.fanout.sources import FedSource, settle, take


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=8) as running:
        yield running


def not_found() -> NotFoundError:
    return NotFoundError(status=404, code="x", message="gone", request_id=None, body=None)


async def test_a_source_is_opened_once_for_all_subscribers(hub: Hub[str, Any]) -> None:
    """
    Two subscribers of a source share one connection and are handed the very same batch.
    """
    source = FedSource()
    hub.follow("a", source)
    hub.follow("a", FedSource())  # followed already: nothing changes
    async with hub.subscribe() as one, hub.subscribe() as other:
        source.feed(1, 2, 3)
        first = await take(one.batches())
        assert list(first) == [1, 2, 3]
        assert await take(other.batches()) is first
        assert source.opened == 1


async def test_entries_come_tagged_in_the_order_the_hub_received_them(hub: Hub[str, Any]) -> None:
    """
    Entries of several sources are numbered and handed over in the order of their arrival.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    async with hub.subscribe() as subscription:
        a.feed("a1")
        await settle()
        b.feed("b1", "b2")
        await settle()
        a.feed("a2")
        await settle()
        found = [await take(subscription) for _ in range(4)]
        assert [tuple(one) for one in found] == [
            ("a", "a1", 1),
            ("b", "b1", 2),
            ("b", "b2", 3),
            ("a", "a2", 4),
        ]


async def test_a_stuck_drop_oldest_subscriber_is_told_where_it_was_skipped(
    hub: Hub[str, Any],
) -> None:
    """
    The gap stands before the oldest entry that is still held, and the counts add up.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(overflow=Overflow.DROP_OLDEST) as subscription:
        for number in range(20):
            source.feed(number)
        await settle()
        assert subscription.statistics().missed == 12
        items = subscription.items()
        assert await take(items) == Gap(source="a", count=12)
        assert [(await take(items))[0] for _ in range(8)] == list(range(12, 20))
        statistics = subscription.statistics()
        assert (statistics.delivered, statistics.missed, statistics.lag) == (8, 12, 0)


async def test_iterating_entries_passes_over_gaps_but_counts_them(hub: Hub[str, Any]) -> None:
    """
    Who does not ask for gaps gets entries only; the counters tell all the same.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        for number in range(20):
            source.feed(number)
        await settle()
        assert (await take(subscription)).entry == 12
        (share,) = subscription.shares()
        assert (share.delivered, share.missed, share.lag) == (1, 12, 7)


async def test_a_stuck_subscriber_changes_nothing_for_the_others(hub: Hub[str, Any]) -> None:
    """
    While one does not read at all, another gets every entry at once.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as stuck, hub.subscribe() as live:
        batches = live.batches()
        for number in range(50):
            source.feed(number)
            assert list(await take(batches)) == [number]
        assert live.statistics().missed == 0
        assert stuck.statistics().missed == 42
        assert stuck.statistics().lag == 8


async def test_block_pauses_only_the_source_that_is_not_read(hub: Hub[str, Any]) -> None:
    """
    A full ring stops its source until the blocking subscriber reads; other sources go on.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    async with (
        hub.subscribe(sources=["a"], overflow=Overflow.BLOCK) as blocking,
        hub.subscribe(sources=["b"]) as other,
    ):
        for number in range(20):
            a.feed(number)
            b.feed(number)
        await settle()
        assert a.unread == 11  # eight in the ring, one in the hub's hand
        assert b.unread == 0
        states = {one.source: one.state for one in hub.statistics().sources}
        assert states == {"a": SourceState.PAUSED, "b": SourceState.OPEN}
        assert [(await take(blocking)).entry for _ in range(20)] == list(range(20))
        assert (await take(other)).entry == 12
        await settle()
        assert hub.statistics().sources[0].paused > timedelta(0)


async def test_a_blocking_subscriber_that_leaves_frees_its_source(hub: Hub[str, Any]) -> None:
    """
    A source that was paused for a subscriber goes on when that one is closed.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(overflow=Overflow.BLOCK):
        source.feed(*range(30))
        await settle()
        assert hub.statistics().sources[0].state is SourceState.PAUSED
    await settle()
    assert hub.statistics().sources[0].received == 30


async def test_disconnect_ends_the_subscription_with_what_was_lost(hub: Hub[str, Any]) -> None:
    """
    A subscriber that chose it gets SlowConsumerError once it is a whole ring behind.
    """
    source = FedSource()
    hub.follow("a", source)
    called: list[None] = []
    async with hub.subscribe(overflow=Overflow.DISCONNECT) as subscription:
        subscription.on_overrun(lambda: called.append(None))
        for number in range(9):
            source.feed(number)
        await settle()
        assert called == [None]
        assert not subscription.is_open
        with pytest.raises(SlowConsumerError) as raised:
            await anext(subscription)
        assert raised.value.dropped == 9
        assert raised.value.since is not None
        with pytest.raises(StopAsyncIteration):
            await anext(subscription)
    assert hub.statistics().missed == 9


async def test_a_failed_source_reaches_its_subscribers_alone(hub: Hub[str, Any]) -> None:
    """
    The error of one source is raised at who follows it, who may go on with the others.
    """
    a, b = FedSource(), FedSource()
    error = not_found()
    hub.follow("a", a)
    hub.follow("b", b)
    async with (
        hub.subscribe() as both,
        hub.subscribe() as asking,
        hub.subscribe(sources=["b"]) as only_b,
    ):
        a.feed("last")
        a.fail(error)
        await settle()
        b.feed("b1")
        await settle()
        assert (await take(both)).entry == "last"
        with pytest.raises(SourceFailedError, match="the source a failed") as raised:
            await take(both)
        assert raised.value.source == "a"
        assert raised.value.__cause__ is error
        assert (await take(both)).entry == "b1"
        items = asking.items()
        assert list(await take(items)) == ["last"]
        assert await take(items) == SourceFailed(source="a", error=error)
        assert list(await take(items)) == ["b1"]
        assert (await take(only_b)).entry == "b1"
        statistics = hub.statistics().sources[0]
        assert statistics.state is SourceState.FAILED
        assert statistics.error is error
        assert a.open_count == 0


async def test_a_source_that_failed_can_be_followed_again(hub: Hub[str, Any]) -> None:
    """
    Subscribers of a key get what comes when it is followed anew, also after a refused opening.
    """
    refused = FedSource()
    refused.refusal = not_found()
    hub.follow("a", refused)
    async with hub.subscribe() as subscription:
        await settle()
        with pytest.raises(SourceFailedError):
            await take(subscription)
        source = FedSource()
        hub.follow("a", source)
        source.feed("again")
        assert (await take(subscription)).entry == "again"


async def test_named_sources_that_have_all_ended_end_the_subscription(hub: Hub[str, Any]) -> None:
    """
    A loop over bounded sources ends by itself; one over all sources goes on.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    async with hub.subscribe(sources=["a", "b"]) as named, hub.subscribe() as every:
        a.feed(1)
        a.end()
        await settle()
        b.feed(2)
        await settle()
        hub.unfollow("b")
        assert [tagged.entry async for tagged in named] == [1, 2]
        items = every.items()
        found = [await take(items) for _ in range(5)]
        assert found[1] == SourceEnded(source="a", reason="ended")
        assert found[3] == SourceEnded(source="b", reason="unfollowed")
        assert found[4] is None


async def test_sources_followed_later_are_included_from_their_first_entry(
    hub: Hub[str, Any],
) -> None:
    """
    A subscription to all sources, or by a predicate, misses nothing of a source that is new.
    """
    async with hub.subscribe() as every, hub.subscribe(sources=lambda key: key > "a") as some:
        a, b = FedSource(), FedSource()
        a.feed("a1")
        b.feed("b1")
        hub.follow("a", a)
        hub.follow("b", b)
        await settle()
        assert {(await take(every)).entry for _ in range(2)} == {"a1", "b1"}
        assert (await take(some)).entry == "b1"
        assert await take(some) is None


async def test_a_subscriber_begins_now_or_at_the_ring_s_oldest(hub: Hub[str, Any]) -> None:
    """
    Start.OLDEST replays what the ring holds; Start.NOW begins with the next batch.
    """
    source = FedSource()
    hub.follow("a", source)
    for number in range(10):
        source.feed(number)
    await settle()
    async with hub.subscribe(start=Start.OLDEST) as replayed, hub.subscribe() as new:
        source.feed("next")
        await settle()
        # The ring's oldest left it when the next one came, and is counted.
        assert (await take(replayed)).entry == 3
        assert replayed.statistics().missed == 1
        assert (await take(new)).entry == "next"


async def test_a_cursor_resumes_in_the_middle_of_a_batch(hub: Hub[str, Any]) -> None:
    """
    A new subscription that starts at an old one's cursor goes on where that one was finished.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as first:
        source.feed(1, 2, 3, 4)
        await settle()
        for _ in range(3):
            await take(first)
        cursor = first.cursor  # it has 3 in hand, and has not finished with it
    async with hub.subscribe(start=cursor) as second:
        source.feed(5)
        await settle()
        assert [(await take(second)).entry for _ in range(3)] == [3, 4, 5]
        (share,) = second.shares()
        assert (share.missed, share.lag) == (0, 0)


async def test_a_cursor_that_the_ring_no_longer_reaches_begins_with_a_gap(
    hub: Hub[str, Any],
) -> None:
    """
    What was dropped between two subscriptions is told, as not exactly counted.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as first:
        source.feed(1)
        await settle()
        await take(first)
        cursor = first.cursor_after(0)
    for number in range(2, 14):
        source.feed(number)
    await settle()
    async with hub.subscribe(start=cursor) as second:
        items = second.items()
        gap = await take(items)
        assert isinstance(gap, Gap)
        assert not gap.is_exact
        assert list(await take(items)) == [6]


async def test_a_cursor_of_another_hub_begins_at_the_oldest_with_a_gap(hub: Hub[str, Any]) -> None:
    """
    After a restart of the process nothing that is held is passed over, and the break is told.
    """
    async with Hub[str, Any]() as earlier, earlier.subscribe() as old:
        cursor = old.cursor
    source = FedSource()
    hub.follow("a", source)
    source.feed(1, 2)
    await settle()
    async with hub.subscribe(start=cursor) as subscription:
        items = subscription.items()
        assert await take(items) == Gap(source="a", count=0, is_exact=False)
        assert list(await take(items)) == [1, 2]


async def test_iterating_goes_on_by_batch_where_it_stopped_by_entry(hub: Hub[str, Any]) -> None:
    """
    Entries, batches and items are views of one position.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1, 2, 3)
        source.feed(4)
        await settle()
        assert (await take(subscription)).entry == 1
        rest = await take(subscription.batches())
        assert list(rest) == [2, 3]
        assert [tagged.sequence for tagged in rest.tagged] == [2, 3]
        assert (await take(subscription)).entry == 4


async def test_a_shared_filter_is_evaluated_once_per_entry(hub: Hub[str, Any]) -> None:
    """
    Many subscribers with an equal predicate cost one evaluation, and wake for nothing else.
    """
    asked: list[int] = []

    def is_even(entry: int) -> bool:
        asked.append(entry)
        return entry % 2 == 0

    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(where=is_even) as one, hub.subscribe(where=is_even) as other:
        source.feed(1, 2, 3, 4)
        source.feed(5)
        await settle()
        first = await take(one.batches())
        assert list(first) == [2, 4]
        assert [tagged.sequence for tagged in first.tagged] == [2, 4]
        assert await take(other.batches()) is first
        assert await take(one.batches()) is None
        assert asked == [1, 2, 3, 4, 5]
        assert one.statistics().filtered == 3


async def test_a_predicate_that_raises_fails_its_own_subscriber_only(hub: Hub[str, Any]) -> None:
    """
    The error is raised where that subscriber iterates; it may go on after that batch.
    """

    def picky(entry: int) -> bool:
        if entry == 2:
            raise LookupError("two")
        return True

    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(where=picky) as failing, hub.subscribe() as other:
        source.feed(1)
        source.feed(2)
        source.feed(3)
        await settle()
        assert (await take(failing)).entry == 1
        with pytest.raises(LookupError):
            await take(failing)
        assert (await take(failing)).entry == 3
        assert [(await take(other)).entry for _ in range(3)] == [1, 2, 3]
        (share,) = failing.shares()
        assert (share.delivered, share.missed) == (2, 1)


async def test_a_source_followed_on_demand_lives_as_long_as_its_subscribers(
    hub: Hub[str, Any],
) -> None:
    """
    The first subscriber opens it; it is closed a linger time after the last one left.
    """
    source = FedSource()
    hub.follow("a", source, linger=timedelta(0))
    await settle()
    assert source.opened == 0
    assert hub.statistics().sources[0].state is SourceState.IDLE
    async with hub.subscribe() as one:
        await settle()
        assert source.open_count == 1
        source.feed(1)
        assert (await take(one)).entry == 1
    async with hub.subscribe():
        await settle()
        assert source.opened == 1  # it lingered
    await settle()
    assert source.open_count == 0
    assert hub.statistics().sources[0].state is SourceState.IDLE
    async with hub.subscribe(start=Start.OLDEST) as again:
        await settle()
        assert source.opened == 2
        source.feed(2)
        assert (await take(again)).entry == 2  # what was held before is gone


async def test_notices_stand_where_they_were_given(hub: Hub[str, Any]) -> None:
    """
    A notice comes between the batches it came between; a slow subscriber gets the latest.
    """
    noted: list[Any] = []
    hub._hooks = Hooks(on_notice=lambda key, detail: noted.append((key, detail)))
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1)
        await settle()
        hub.notify("a", "first")
        hub.notify("a", "second")
        source.feed(2)
        await settle()
        items = subscription.items()
        assert list(await take(items)) == [1]
        assert await take(items) == Notice(source="a", detail="second", count=2)
        assert list(await take(items)) == [2]
    assert noted == [("a", "first"), ("a", "second")]
    assert hub.statistics().notices == {"str": 2}
    hub.notify("nobody", "ignored")


async def test_drain_delivers_what_the_rings_hold(hub: Hub[str, Any]) -> None:
    """
    After a drain every subscriber has all that was received, and its loop has ended.
    """
    source = FedSource()
    hub.follow("a", source)
    got: list[int] = []

    async def consume() -> None:
        async with hub.subscribe(overflow=Overflow.BLOCK) as subscription:
            got.extend([tagged.entry async for tagged in subscription])

    assert not Hub().is_open
    assert hub.is_open
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consume())
        await settle()
        source.feed(*range(20))  # more than a ring: the rest is in the hub's hand
        await settle(3)
        draining = tasks.create_task(hub.drain())
        await asyncio.sleep(0)
        assert not hub.is_open
    assert not hub.is_open
    report = draining.result()
    assert report.is_complete
    assert report.undelivered == 0
    assert got == list(range(20))
    assert source.open_count == 0
    with pytest.raises(RuntimeError, match="not open"):
        hub.subscribe()


async def test_drain_tells_whom_it_could_not_deliver_to(hub: Hub[str, Any]) -> None:
    """
    When time is up a subscriber that did not read gets SlowConsumerError, and is reported.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(name="sleepy") as subscription:
        source.feed(1, 2, 3)
        await settle()
        report = await hub.drain(timedelta(milliseconds=1))
        assert (report.undelivered, report.slow) == (3, ("sleepy",))
        assert not report.is_complete
        with pytest.raises(SlowConsumerError):
            await anext(subscription)


async def test_leaving_the_hub_closes_everything() -> None:
    """
    No task and no open source is left when the hub's block is left, also by an error.
    """
    sources = [FedSource() for _ in range(5)]

    async def fail() -> None:
        async with Hub[int, Any]() as hub:
            for number, source in enumerate(sources):
                hub.follow(number, source)
            async with hub.subscribe():
                await settle()
                assert [source.open_count for source in sources] == [1] * 5
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert [source.open_count for source in sources] == [0] * 5
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("rounds", range(0, 40, 3))
async def test_cancellation_at_any_point_leaves_nothing(rounds: int) -> None:
    """
    Whenever the task that owns a hub is cancelled, no task and no open source is left.
    """
    sources = [FedSource() for _ in range(3)]

    async def own() -> None:
        async with Hub[int, Any](ring=2) as hub:
            for number, source in enumerate(sources):
                hub.follow(number, source)
            async with hub.subscribe(overflow=Overflow.BLOCK) as subscription:
                for source in sources:
                    source.feed(1, 2, 3, 4, 5)
                async for _ in subscription:
                    await asyncio.sleep(0)
                    if subscription.statistics().delivered == 7:
                        await hub.drain()

    task = asyncio.get_running_loop().create_task(own())
    await settle(rounds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [source.open_count for source in sources] == [0] * 3
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_source_unfollowed_at_once_ends_all_the_same(hub: Hub[str, Any]) -> None:
    """
    Its task may be cancelled before it began; the subscriber still sees the end.
    """
    async with hub.subscribe() as subscription:
        hub.follow("a", FedSource())
        hub.unfollow("a")
        await settle()
        assert await take(subscription.items()) == SourceEnded(source="a", reason="unfollowed")
    with pytest.raises(KeyError):
        hub.unfollow("a")


async def test_closing_ends_who_waits(hub: Hub[str, Any]) -> None:
    """
    A subscription closed by another task ends the loop that waits on it, as does the hub.
    """
    ended: list[str] = []

    async def wait(name: str) -> None:
        async with hub.subscribe() as subscription:
            subscriptions[name] = subscription
            async for _ in subscription:
                pass
        ended.append(name)

    subscriptions: dict[str, Any] = {}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(wait("one"))
        tasks.create_task(wait("other"))
        await settle()
        subscriptions["one"].close()
        await settle()
        assert ended == ["one"]
        await hub.aclose()
    assert ended == ["one", "other"]


async def test_misuse_is_told(hub: Hub[str, Any]) -> None:
    """
    What cannot be meant is refused with the argument's name and value.
    """
    with pytest.raises(ValueError, match="ring must be at least 1, got 0"):
        Hub(ring=0)
    with pytest.raises(TypeError, match="keys or a predicate, got 'abc'"):
        hub.subscribe(sources="abc")
    with pytest.raises(TypeError, match="start must be"):
        hub.subscribe(start="now")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'sometimes'"):
        hub.subscribe(overflow="sometimes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="where must be a function"):
        hub.subscribe(where=[])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="linger must not be negative"):
        hub.follow("a", FedSource(), linger=timedelta(seconds=-1))
    with pytest.raises(RuntimeError, match="async with"):
        Hub[str, Any]().follow("a", FedSource())
    subscription = hub.subscribe()
    with pytest.raises(RuntimeError, match="enter the subscription first"):
        await anext(subscription)
    async with subscription:
        waiting = asyncio.get_running_loop().create_task(anext(subscription))
        await settle()
        with pytest.raises(RuntimeError, match="one task at a time"):
            await anext(subscription)
        waiting.cancel()
        await asyncio.wait([waiting])
    with pytest.raises(RuntimeError, match="entered once"):
        await subscription.__aenter__()


async def test_a_ring_s_memory_is_freed_with_its_readers(hub: Hub[str, Any]) -> None:
    """
    Nothing of an unfollowed source is held once its subscribers are gone.
    """
    source = FedSource()
    hub.follow("freed", source)  # a key that no other test has
    source.feed(*range(5))
    async with hub.subscribe(start=Start.OLDEST) as subscription:
        await settle()
        hub.unfollow("freed")
        await settle()
        assert list(await take(subscription.batches())) == list(range(5))
    del subscription
    hub.statistics()
    hub.follow("b", FedSource())
    hub.unfollow("b")
    await settle()
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is Batch and one.source == "freed"]


async def test_totals_outlive_sources_and_subscribers(hub: Hub[str, Any]) -> None:
    """
    What is gone stays in the hub's totals, and its states were told to the hooks.
    """
    states: list[tuple[str, SourceState]] = []
    hub._hooks = Hooks(on_state=lambda key, state: states.append((key, state)))
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1, 2, 3)
        await settle()
        await take(subscription.batches())
    hub.unfollow("a")
    await settle()
    statistics = hub.statistics()
    assert (statistics.received, statistics.delivered, statistics.missed) == (3, 3, 0)
    assert statistics.sources == ()
    assert statistics.lag == 0
    assert statistics.lag_time == timedelta(0)
    assert states == [
        ("a", SourceState.CONNECTING),
        ("a", SourceState.OPEN),
        ("a", SourceState.ENDED),
    ]


class KilledError(BaseException):
    """
    As what raises out of any task: a debugger, a test's time-out, Ctrl-C.
    """


async def test_a_hub_that_breaks_down_leaves_no_coroutine_behind() -> None:
    """
    Whoever follows a source while the hub breaks down is refused, and nothing is left unawaited.
    """
    killed: Any = FedSource()
    killed.refusal = KilledError()

    async def break_down() -> None:
        async with Hub[str, Any]() as hub:
            hub.follow("other", FedSource())
            hub.follow("killed", killed)
            try:
                await asyncio.Event().wait()
            finally:
                with pytest.raises(RuntimeError):
                    hub.follow("new", FedSource())

    with pytest.raises(BaseExceptionGroup) as caught:
        await break_down()
    assert caught.group_contains(KilledError)
    gc.collect()
