"""
Sources that are open only while somebody subscribes, and closing that takes its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import SourceEnded
from clever_v4.fanout.options import Start
from clever_v4.fanout.statistics import SourceState
from tests.fanout.sources import FedSource, settle, take


class SlowlyClosed(FedSource):
    """
    A source that is closed only when the test lets it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.may_close = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FedSource]:
        async with super().open():
            try:
                yield self
            finally:
                await self.may_close.wait()


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=8) as running:
        yield running


async def test_a_source_stays_open_for_the_subscriber_that_is_left(hub: Hub[str, Any]) -> None:
    """
    One of two leaves, without a linger time: nothing is closed before the other leaves, too.
    """
    source = FedSource()
    hub.follow("a", source, linger=timedelta(0))
    async with hub.subscribe() as stays:
        async with hub.subscribe():
            await settle()
        await settle()
        assert (source.open_count, source.opened) == (1, 1)
        source.feed("still")
        assert (await take(stays)).entry == "still"
    await settle()
    assert source.open_count == 0


async def test_who_comes_while_a_source_closes_has_it_opened_again(hub: Hub[str, Any]) -> None:
    """
    A closing that has begun is not broken off, and not waited for by whoever else comes.
    """
    source = SlowlyClosed()
    hub.follow("a", source, linger=timedelta(0))
    async with hub.subscribe():
        await settle()
    await settle()  # it is being closed
    assert (source.open_count, source.opened) == (1, 1)
    async with hub.subscribe(start=Start.OLDEST) as late, hub.subscribe() as later:
        source.feed("again")
        await settle()
        assert (source.open_count, source.opened) == (1, 1)
        source.may_close.set()
        await settle()
        assert (source.open_count, source.opened) == (1, 2)
        assert (await take(late)).entry == "again"
        assert (await take(later)).entry == "again"
        assert hub.statistics().sources[0].state is SourceState.OPEN
    await settle()
    assert source.open_count == 0
    assert hub.statistics().sources[0].state is SourceState.IDLE


async def test_who_leaves_while_a_source_closes_does_not_break_into_it(hub: Hub[str, Any]) -> None:
    """
    However often subscribers come and go meanwhile, it is closed once, and then rests.
    """
    source = SlowlyClosed()
    hub.follow("a", source, linger=timedelta(0))
    for _ in range(3):
        async with hub.subscribe():
            await settle()
        await settle()
    assert (source.open_count, source.opened) == (1, 1)
    source.may_close.set()
    await settle()
    assert (source.open_count, source.opened) == (0, 1)
    assert hub.statistics().sources[0].state is SourceState.IDLE


async def test_a_source_unfollowed_while_it_closes_ends_when_it_has(hub: Hub[str, Any]) -> None:
    """
    Its subscriber is told the end, once the connection is gone.
    """
    source = SlowlyClosed()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        await settle()
        hub.unfollow("a")
        await settle()
        items = subscription.items()
        assert await take(items) is None
        source.may_close.set()
        await settle()
        assert await take(items) == SourceEnded(source="a", reason="unfollowed")
    assert hub.sources == ()


async def test_who_comes_after_the_end_of_a_source_is_told_it(hub: Hub[str, Any]) -> None:
    """
    A source that came to its end by itself is not opened again for a late subscriber.
    """
    source = FedSource()
    hub.follow("a", source, linger=timedelta(0))
    async with hub.subscribe() as first:
        source.feed("last")
        source.end()
        assert (await take(first)).entry == "last"
        await settle()
    for start, expected in ((Start.NOW, []), (Start.OLDEST, ["last"])):
        async with hub.subscribe(sources=["a"], start=start) as late:
            found: list[Any] = [item async for item in late.items()]
            assert found[-1] == SourceEnded(source="a", reason="ended")
            assert [entry for batch in found[:-1] for entry in batch] == expected
        await settle()
    assert source.opened == 1
    assert hub.statistics().sources[0].state is SourceState.ENDED
