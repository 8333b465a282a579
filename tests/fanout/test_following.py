"""
Following what others name: whether a source is there, and that nothing of it stays.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from clever_v4.errors import HubClosedError, NotFoundError, SourceFailedError, SourceTimeoutError
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import SourceEnded, SourceFailed
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.options import Hooks, Start, SubscriptionEnd
from clever_v4.fanout.statistics import SourceState
from clever_v4.streaming.policy import Reconnection
from tests.fanout.sources import FedSource, settle, take

NONE = timedelta(0)
LONG = timedelta(hours=1)


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=8) as running:
        yield running


def refused() -> FedSource:
    source = FedSource()
    source.refusal = NotFoundError("gone", status=404)
    return source


class SlowSource(FedSource):
    """A source whose connection is made, and closed, when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.may_open = asyncio.Event()
        self.closing = asyncio.Event()
        self.may_close = asyncio.Event()
        self.may_close.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SlowSource]:
        await self.may_open.wait()
        async with super().open():
            try:
                yield self
            finally:
                self.closing.set()
                await self.may_close.wait()


async def until_forgotten(hub: Hub[str, Any]) -> None:
    while hub.sources:  # noqa: ASYNC110  -- the hub's state
        await asyncio.sleep(0)


# --- connected -----------------------------------------------------------------------------


@pytest.mark.parametrize("linger", [None, LONG])
async def test_connected_returns_once_the_source_is_open(
    hub: Hub[str, Any], linger: timedelta | None
) -> None:
    """
    Whether it is read anyway or on demand; then it stays open for who subscribes next.
    """
    source = SlowSource()
    hub.follow("a", source, linger=linger)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(hub.connected("a"))
        await settle()
        assert not waiting.done()
        source.may_open.set()
    async with hub.subscribe(sources=["a"]) as subscription:
        source.feed(1)
        assert (await take(subscription)).entry == 1
    assert source.opened == 1
    await hub.connected("a")


async def test_connected_raises_why_the_source_failed(hub: Hub[str, Any]) -> None:
    """
    Each who asks gets the source's own error, as a value of its own: none grows by being raised.
    """
    hub.follow("a", refused(), linger=LONG)
    errors = []
    for _ in range(2):
        with pytest.raises(NotFoundError, match="gone") as caught:
            await hub.connected("a")
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert errors[0].status == 404
    assert errors[0] is not hub.statistics().sources[0].error


async def test_an_error_of_another_kind_is_raised_as_it_is(hub: Hub[str, Any]) -> None:
    """
    What a source of one's own raises need not be a value that can be copied.
    """
    source = FedSource()
    source.refusal = ZeroDivisionError("mine")
    hub.follow("a", source)
    with pytest.raises(ZeroDivisionError, match="mine"):
        await hub.connected("a")


async def test_connected_gives_up_in_time_and_says_why(hub: Hub[str, Any]) -> None:
    """
    The error is a TimeoutError of ours, caused by what the source last told, if it did.
    """
    cause = ConnectionRefusedError("no")
    source = SlowSource()
    hub.follow("a", source)
    hub.notify("a", Reconnection(attempt=1, cause=cause, delay=NONE, last_event_id=None))
    with pytest.raises(SourceTimeoutError, match=r"source a is not connected after 0\.001 s") as e:
        await hub.connected("a", timeout=timedelta(milliseconds=1))
    assert isinstance(e.value, TimeoutError)
    assert e.value.__cause__ is cause
    assert hub.statistics().sources[0].state is SourceState.CONNECTING
    source.may_open.set()
    await hub.connected("a", timeout=None)


async def test_a_source_that_came_to_its_end_was_connected(hub: Hub[str, Any]) -> None:
    """
    A bounded source that is read already is nothing to wait for.
    """
    source = FedSource()
    source.end()
    hub.follow("a", source)
    await settle()
    assert hub.statistics().sources[0].state is SourceState.ENDED
    await hub.connected("a")


async def test_who_waits_is_told_that_the_hub_or_the_source_goes(hub: Hub[str, Any]) -> None:
    """
    An unfollowed source is a KeyError, a closed hub a HubClosedError; nobody waits for ever.
    """
    hub.follow("a", SlowSource())
    hub.follow("b", SlowSource())
    loop = asyncio.get_running_loop()
    waiting = [loop.create_task(hub.connected(key)) for key in ("a", "b")]
    await settle()
    hub.unfollow("a")
    with pytest.raises(KeyError, match="a"):
        await waiting[0]
    await hub.aclose()
    with pytest.raises(HubClosedError):
        await waiting[1]
    with pytest.raises(HubClosedError):
        await hub.connected("b")


async def test_connected_waits_over_a_close_that_is_under_way(hub: Hub[str, Any]) -> None:
    """
    A source that was closing for want of subscribers is opened again, not taken for open.
    """
    source = SlowSource()
    source.may_open.set()
    source.may_close.clear()
    hub.follow("a", source, linger=NONE)
    async with hub.subscribe():
        await settle()
    await source.closing.wait()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(hub.connected("a"))
        await settle()
        assert not waiting.done()
        source.may_close.set()
    assert source.opened == 2
    assert source.open_count == 1


async def test_a_cancelled_wait_leaves_the_source_to_its_linger_time(hub: Hub[str, Any]) -> None:
    """
    A browser that goes while it waits holds nothing open.
    """
    source = FedSource()
    hub.follow("a", source, linger=NONE)
    await hub.connected("a")
    while hub.statistics().sources[0].state is not SourceState.IDLE:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert source.open_count == 0


# --- forget ----------------------------------------------------------------------------------


async def test_what_failed_is_forgotten_when_nobody_asks(hub: Hub[str, Any]) -> None:
    """
    Who waits for it gets its error first, and it can be followed anew.
    """
    hub.follow("a", refused(), linger=NONE, forget=True)
    with pytest.raises(NotFoundError):
        await hub.connected("a")
    await until_forgotten(hub)
    with pytest.raises(KeyError):
        await hub.connected("a")
    with pytest.raises(ValueError, match="sources must be followed, 'a' is not"):
        hub.subscribe(sources=["a"])
    source = FedSource()
    hub.follow("a", source, linger=NONE, forget=True)
    await hub.connected("a")


async def test_what_ended_is_forgotten_whoever_still_reads_it(hub: Hub[str, Any]) -> None:
    """
    A subscriber that is stuck keeps no source followed; it gets what was received all the same.
    """
    source = FedSource()
    hub.follow("a", source, forget=True)
    async with hub.subscribe(sources=["a"]) as subscription:
        source.feed(1, 2, 3)
        source.end()
        await until_forgotten(hub)
        (share,) = subscription.shares()
        assert (share.delivered, share.lag) == (0, 3)
        assert [tagged.entry async for tagged in subscription] == [1, 2, 3]
        assert subscription.shares() == ()
        assert subscription.ended_by is SubscriptionEnd.SOURCES_ENDED
    statistics = hub.statistics()
    assert statistics.sources == ()
    assert (statistics.received, statistics.delivered, statistics.missed) == (3, 3, 0)


async def test_what_lingered_out_is_forgotten(hub: Hub[str, Any]) -> None:
    """
    Its connection is closed with it, and its entries still count.
    """
    source = FedSource()
    hub.follow("a", source, linger=NONE, forget=True)
    async with hub.subscribe(sources=["a"]) as subscription:
        source.feed(1)
        assert (await take(subscription)).entry == 1
    await until_forgotten(hub)
    await settle()
    assert source.open_count == 0
    assert hub.statistics().received == 1


async def test_what_nobody_ever_asked_for_is_forgotten(hub: Hub[str, Any]) -> None:
    """
    A browser that goes before it subscribes leaves nothing behind.
    """
    hub.follow("a", FedSource(), linger=NONE, forget=True)
    await until_forgotten(hub)


async def test_following_again_is_asking(hub: Hub[str, Any]) -> None:
    """
    Who follows a source whose time is nearly up finds it when it subscribes a moment later.
    """
    linger = timedelta(seconds=0.05)
    source = FedSource()
    hub.follow("a", source, linger=linger, forget=True)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while loop.time() < begun + 4 * linger.total_seconds():
        hub.follow("a", FedSource(), linger=linger, forget=True)
        await asyncio.sleep(0)
        assert hub.sources == ("a",)


async def test_a_source_that_is_open_anyway_is_forgotten_only_when_it_is_over(
    hub: Hub[str, Any],
) -> None:
    """
    Without a linger time nobody need ask for it.
    """
    source = FedSource()
    hub.follow("a", source, forget=True)
    async with hub.subscribe():
        await settle()
    await settle()
    assert hub.sources == ("a",)
    source.fail(ZeroDivisionError())
    await until_forgotten(hub)


async def test_without_forget_all_stay(hub: Hub[str, Any]) -> None:
    """
    An operator sees what failed and what is not needed until it is unfollowed.
    """
    ending = FedSource()
    ending.end()
    hub.follow("ended", ending)
    hub.follow("failed", refused())
    hub.follow("idle", FedSource(), linger=NONE)
    async with hub.subscribe(sources=["idle"]):
        await settle()
    for _ in range(5):
        await settle()
    states = {one.source: one.state for one in hub.statistics().sources}
    assert states == {
        "ended": SourceState.ENDED,
        "failed": SourceState.FAILED,
        "idle": SourceState.IDLE,
    }


async def test_a_timer_of_the_one_before_does_not_touch_its_successor(hub: Hub[str, Any]) -> None:
    """
    A source that failed and is followed anew is not forgotten by the clock of the first.
    """
    hub.follow("a", refused(), linger=timedelta(milliseconds=5), forget=True)
    with pytest.raises(NotFoundError):
        await hub.connected("a")
    hub.follow("a", FedSource(), linger=LONG, forget=True)
    await asyncio.sleep(0.02)
    assert hub.sources == ("a",)


@pytest.mark.parametrize("merge", [None, Merge(by=lambda _: None)])
async def test_a_subscriber_to_all_keeps_nothing_of_what_is_forgotten(
    merge: Merge[Any] | None,
) -> None:
    """
    Thousands of sources come and go; its totals grow, its memory does not.
    """
    rings: list[Any] = []
    states: list[tuple[str, SourceState]] = []
    hooks = Hooks(on_state=lambda key, state: states.append((key, state)))
    async with Hub[str, Any](ring=8, hooks=hooks) as hub, hub.subscribe(merge=merge) as every:
        for number in range(20):
            source = FedSource()
            hub.follow(str(number), source, forget=True)
            rings.append(weakref.ref(hub._sources[str(number)].ring))
            source.feed(number)
            source.end()
            while hub.sources:
                await take(every.items())
        statistics = hub.statistics()
        assert (statistics.received, statistics.sources) == (20, ())
        if merge is not None:
            assert len(every.shares()) == 20  # their entries wait for older ones
            items = every.items()
            told = [await anext(items) for _ in range(40)]
            assert sum(isinstance(item, SourceEnded) for item in told) == 20
            last = FedSource()
            last.end()
            hub.follow("last", last, forget=True)
            assert await anext(items) == SourceEnded(source="last", reason="ended")
            kept = every._reading.merge
            assert kept is not None
            assert (kept.pending, kept.done, kept._newest) == ({}, {}, {})
        assert every.shares() == ()
        assert every._counting._sources == {}
        assert hub.statistics().delivered == 20
        assert every.cursor.ahead == ()
        await settle()
        gc.collect()
        assert [ring for ring in rings if ring() is not None] == []
        assert states.count(("19", SourceState.ENDED)) == 1


async def test_a_named_source_that_is_gone_when_it_is_entered_ends_at_once(
    hub: Hub[str, Any],
) -> None:
    """
    Between asking and entering it may be unfollowed; nobody waits for it then.
    """
    hub.follow("a", FedSource())
    subscription = hub.subscribe(sources=["a"])
    hub.unfollow("a")
    async with subscription:
        assert [tagged async for tagged in subscription] == []
        assert subscription.ended_by is SubscriptionEnd.SOURCES_ENDED


async def test_a_late_subscriber_of_a_failed_source_is_told(hub: Hub[str, Any]) -> None:
    """
    Within the linger time a source that failed is still there, with its error.
    """
    hub.follow("a", refused(), linger=LONG, forget=True)
    with pytest.raises(NotFoundError):
        await hub.connected("a")
    async with hub.subscribe(sources=["a"], start=Start.OLDEST) as subscription:
        with pytest.raises(SourceFailedError):
            await anext(subscription)
    async with hub.subscribe(sources=["a"]) as subscription:
        assert isinstance(await take(subscription.items()), SourceFailed)
