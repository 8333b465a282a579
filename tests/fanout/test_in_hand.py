"""
What a subscription has in hand, and where its cursor stands meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Batch
from clever_v4.fanout.merge import Merge, OrderedMerge
from tests.fanout.sources import FedSource, settle, take


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=100) as running:
        yield running


@pytest.fixture
async def source(hub: Hub[str, Any]) -> FedSource:
    fed = FedSource()
    hub.follow("a", fed)
    return fed


async def read_after(hub: Hub[str, Any], cursor: Any) -> list[Any]:
    """All entries that a subscription gets which begins at a cursor."""
    async with hub.subscribe(start=cursor) as subscription:
        found = []
        while (batch := await take(subscription.batches())) is not None:
            found += list(batch)
        assert subscription.statistics().missed == 0
        return found


@pytest.mark.parametrize("way", ["batches", "items"])
async def test_a_batch_in_hand_is_not_finished_with(
    hub: Hub[str, Any], source: FedSource, way: str
) -> None:
    """
    Who breaks off while it works on a batch gets all of it again, and only that.
    """
    async with hub.subscribe() as subscription:
        view = getattr(subscription, way)()
        source.feed(0)
        await settle()
        await take(view)
        source.feed(1, 2, 3)
        assert list(await take(view)) == [1, 2, 3]
        cursor = subscription.cursor
        assert cursor.through == 1
        assert subscription.cursor_after(0).through == 2
        assert subscription.cursor_after(2).through == 4
    assert await read_after(hub, cursor) == [1, 2, 3]


async def test_an_entry_is_finished_with_when_the_rest_is_asked_for_as_a_batch(
    hub: Hub[str, Any], source: FedSource
) -> None:
    """
    The first entry was handled when a batch is asked for; what that holds was not.
    """
    async with hub.subscribe() as subscription:
        source.feed("x", "y", "z")
        assert (await take(subscription)).entry == "x"
        assert subscription.cursor.through == 0
        assert list(await take(subscription.batches())) == ["y", "z"]
        cursor = subscription.cursor
        assert cursor.through == 1
        assert subscription.cursor_after(0).through == 2
        assert subscription.cursor_after(1).through == 3
    assert await read_after(hub, cursor) == ["y", "z"]


async def test_each_entry_is_finished_with_when_the_next_is_asked_for(
    hub: Hub[str, Any], source: FedSource
) -> None:
    """
    Entry by entry the cursor stands before the one in hand, until there is nothing more.
    """
    async with hub.subscribe() as subscription:
        source.feed("x", "y", "z")
        through = []
        for _ in range(3):
            await take(subscription)
            through.append(subscription.cursor.through)
        assert await take(subscription) is None
        assert through == [0, 1, 2]
        assert subscription.cursor.through == 3


async def test_what_a_filter_left_out_of_a_batch_is_finished_with_it(
    hub: Hub[str, Any], source: FedSource
) -> None:
    """
    After the last entry that was accepted, the rest of its batch as it arrived is done, too.
    """
    async with hub.subscribe(where=lambda entry: entry in "bd") as subscription:
        source.feed(*"abcde")
        source.feed(*"b")
        assert (await take(subscription)).sequence == 2
        assert subscription.cursor.through == 0
        assert subscription.cursor_after(0).through == 2
        assert (await take(subscription)).sequence == 4
        assert subscription.cursor.through == 2
        assert subscription.cursor_after(1).through == 5


async def test_a_resumed_batch_is_begun_where_it_was_left(
    hub: Hub[str, Any], source: FedSource
) -> None:
    """
    With the rest of a batch in hand a cursor does not fall back to the batch's beginning.
    """
    async with hub.subscribe() as subscription:
        source.feed(1, 2, 3)
        for _ in range(3):
            await take(subscription)
        cursor = subscription.cursor
    async with hub.subscribe(start=cursor) as resumed:
        assert list(await take(resumed.batches())) == [3]
        assert resumed.cursor == cursor


def test_a_merge_tells_how_far_each_ring_is_finished_with() -> None:
    """
    With some of three entries of one ring finished, all before the next is, in the ring and in all.
    """
    merge: OrderedMerge[str, int] = OrderedMerge(
        Merge(by=lambda number: datetime.fromtimestamp(number, UTC)), epoch=lambda: 1e6
    )
    merge.push(1, Batch("a", (1, 2, 3), first=1, end=3, received_at=0.0), 0.0)
    assert merge.progress(3, 1, (), 0) == (0, {})
    found = merge.pop_run(1.0)
    assert found is not None
    run = found[1]
    assert isinstance(run, Batch)
    told = [merge.progress(3, 1, run.tagged, finished) for finished in range(4)]
    assert told == [(0, {1: 0}), (1, {1: 1}), (2, {1: 2}), (3, {1: 3})]
    # Another ring holds the number that all is finished through, not its own.
    merge.push(2, Batch("b", (50,), first=4, end=4, received_at=1.0), 1.0)
    merge.push(1, Batch("a", (9,), first=5, end=5, received_at=1.0), 1.0)
    found = merge.pop_run(2.0)
    assert found is not None
    assert isinstance(found[1], Batch)
    assert merge.progress(5, 1, found[1].tagged, 1) == (3, {1: 5})
    assert merge.progress(5, 1, found[1].tagged, 0) == (3, {1: 3})
