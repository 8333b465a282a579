"""
Entries by the chunk, with the cursor for after them; and that asking is safe to cancel.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from clever_v4 import Chunk
from clever_v4.errors import SlowConsumerError, SourceFailedError
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Batch, Gap, Notice, Overflow, SourceEnded
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.options import Start, SubscriptionEnd
from clever_v4.fanout.subscription import Subscription
from tests.fanout.sources import FedSource, settle, take

LONG = timedelta(hours=1)
AT_ONCE = timedelta(microseconds=1)


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=64) as running:
        yield running


def entries(chunk: Chunk[Any, HubCursor]) -> list[Any]:
    return [tagged.entry for tagged in chunk]


async def test_a_chunk_has_the_size_that_was_asked_for(hub: Hub[str, Any]) -> None:
    """
    Batches are put together and cut; what is left over begins the next chunk.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        for batch in ((1, 2), (3, 4, 5, 6), (7,)):
            source.feed(*batch)
        await settle()
        chunks = subscription.chunks(size=3, wait=LONG)
        assert entries(await anext(chunks)) == [1, 2, 3]
        assert entries(await anext(chunks)) == [4, 5, 6]
        assert await take(chunks) is None  # 7 waits for more
        source.feed(8, 9)
        assert entries(await anext(chunks)) == [7, 8, 9]


async def test_what_there_is_comes_after_the_wait(hub: Hub[str, Any]) -> None:
    """
    Counted from the first entry; without one there is nothing to hand over.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        chunks = subscription.chunks(size=100, wait=timedelta(milliseconds=20))
        assert await take(chunks) is None
        source.feed(1, 2)
        assert entries(await anext(chunks)) == [1, 2]


async def test_what_waits_already_is_taken_whatever_the_wait(hub: Hub[str, Any]) -> None:
    """
    A consumer that comes late gets whole chunks, not one batch each.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        for number in range(30):
            source.feed(number)
        await settle()
        chunk = await anext(subscription.chunks(size=20, wait=AT_ONCE))
        assert entries(chunk) == list(range(20))


async def test_the_cursor_of_the_chunk_is_the_one_after_it(hub: Hub[str, Any]) -> None:
    """
    That of the subscription is the one before it, until the next chunk is asked for.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1)
        source.feed(2, 3, 4)
        await settle()
        chunks = subscription.chunks(size=3, wait=LONG)
        before = subscription.cursor
        chunk = await anext(chunks)
        assert (chunk.cursor.through, subscription.cursor) == (3, before)
        assert await take(chunks) is None
        assert subscription.cursor.through == 3
    async with hub.subscribe(start=chunk.cursor) as again:
        assert (await anext(again)).entry == 4
    async with hub.subscribe(start=before) as once_more:
        assert (await anext(once_more)).entry == 1


async def test_a_failure_comes_after_what_came_before_it(hub: Hub[str, Any]) -> None:
    """
    At once: nothing is waited for; and the other sources go on.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    async with hub.subscribe() as subscription:
        a.feed(1)
        a.fail(ZeroDivisionError())
        await settle()
        b.feed(2)
        await settle()
        chunks = subscription.chunks(wait=LONG)
        assert entries(await anext(chunks)) == [1]
        with pytest.raises(SourceFailedError, match="the source a failed"):
            await anext(chunks)
        chunks = subscription.chunks(wait=AT_ONCE)
        assert entries(await anext(chunks)) == [2]


async def test_a_filter_s_error_comes_after_what_came_before_it(hub: Hub[str, Any]) -> None:
    """
    The entries before the one that the predicate stumbled over are not lost by it.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(where=lambda entry: 1 / entry) as subscription:
        for number in (1, 0, 2):
            source.feed(number)
        await settle()
        chunks = subscription.chunks(size=5, wait=AT_ONCE)
        assert entries(await anext(chunks)) == [1]
        with pytest.raises(ZeroDivisionError):
            await anext(chunks)
        assert entries(await anext(chunks)) == [2]


async def test_the_last_chunk_is_not_waited_for(hub: Hub[str, Any]) -> None:
    """
    When its sources are over a subscription hands over what there is, then ends.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(sources=["a"]) as subscription:
        source.feed(1, 2)
        source.end()
        found = [entries(chunk) async for chunk in subscription.chunks(wait=LONG)]
        assert found == [[1, 2]]
        assert subscription.ended_by is SubscriptionEnd.SOURCES_ENDED


async def test_a_drain_gives_the_last_chunk(hub: Hub[str, Any]) -> None:
    """
    A consumer that is gathering gets what was received before the hub went.
    """
    source = FedSource()
    hub.follow("a", source)
    found: list[Any] = []

    async def consume() -> None:
        async with hub.subscribe(overflow=Overflow.BLOCK) as subscription:
            async for chunk in subscription.chunks(wait=LONG):
                found.extend(entries(chunk))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consume())
        await settle()
        source.feed(*range(100))
        await settle()
        report = await hub.drain()
    assert report.is_complete
    assert found == list(range(100))


async def test_a_hub_that_closes_gives_nothing_more(hub: Hub[str, Any]) -> None:
    """
    What was gathered is not handed over then, and was not counted as delivered.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1, 2)
        await settle()
        assert await take(subscription.chunks(wait=LONG)) is None
        await hub.aclose()
        for view in (subscription.chunks(size=1), subscription, subscription.items()):
            with pytest.raises(StopAsyncIteration):
                await anext(view)
        assert hub.statistics().delivered == 0


async def test_who_is_disconnected_is_told_at_once(hub: Hub[str, Any]) -> None:
    """
    What is gathered counts among what was lost.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(overflow=Overflow.DISCONNECT) as subscription:
        source.feed(1)
        await settle()
        chunks = subscription.chunks(wait=LONG)
        assert await take(chunks) is None
        for number in range(70):
            source.feed(number)
        await settle()
        with pytest.raises(SlowConsumerError) as caught:
            await anext(chunks)
        assert caught.value.dropped == 66  # one in hand, a ring, and the one too many


async def test_what_is_gathered_counts_as_lag_until_it_is_handed_over(hub: Hub[str, Any]) -> None:
    """
    The numbers add up while a chunk is gathered, in all and for each source.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    async with hub.subscribe() as subscription:
        a.feed(1, 2)
        b.feed(3)
        await settle()
        chunks = subscription.chunks(size=4, wait=LONG)
        assert await take(chunks) is None
        statistics = subscription.statistics()
        assert (statistics.delivered, statistics.lag) == (0, 3)
        assert {s.source: (s.delivered, s.lag) for s in subscription.shares()} == {
            "a": (0, 2),
            "b": (0, 1),
        }
        assert subscription.lag_time > timedelta(0)
        b.feed(4, 5)
        assert entries(await anext(chunks)) == [1, 2, 3, 4]
        statistics = subscription.statistics()
        assert (statistics.delivered, statistics.lag) == (4, 1)


async def test_what_was_being_gathered_goes_to_who_asks_in_another_way(hub: Hub[str, Any]) -> None:
    """
    Entries, batches and notices stand where they stood.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1, 2)
        await settle()
        hub.notify("a", "hello")
        source.feed(3, 4)
        source.end()
        await settle()
        assert await take(subscription.chunks(wait=LONG)) is None
        assert (await anext(subscription)).entry == 1
        found = [await take(subscription.items()) for _ in range(4)]
        assert [type(item) for item in found] == [Batch, Notice, Batch, SourceEnded]
        assert [list(item) for item in found if isinstance(item, Batch)] == [[2], [3, 4]]


async def test_gaps_are_told_to_the_hooks_though_chunks_pass_them_over(
    hub: Hub[str, Any],
) -> None:
    """
    A subscriber that was too slow goes on, and its counts say what it missed.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        for number in range(70):
            source.feed(number)
        await settle()
        chunk = await anext(subscription.chunks(size=3, wait=LONG))
        assert entries(chunk) == [6, 7, 8]
        assert subscription.statistics().missed == 6
        source.feed(70)
        assert not isinstance(await take(subscription.items()), Gap)


# --- Anything may be cancelled at any time ---------------------------------------------------


async def _ask(view: Any, rounds: int, found: list[Any]) -> None:
    """Ask once; give up after so many rounds of the loop."""
    item = await take(view, rounds)
    if isinstance(item, Batch):
        found += item.tagged
    elif isinstance(item, Chunk):
        found += item.entries
    elif item is not None and hasattr(item, "sequence"):
        found.append(item)


def _views(subscription: Subscription[str, Any], size: int) -> list[Callable[[], Any]]:
    return [
        lambda: subscription,
        subscription.batches,
        subscription.items,
        lambda: subscription.chunks(size=size, wait=AT_ONCE),
        lambda: subscription.chunks(size=size, wait=LONG),
    ]


def _date(entry: tuple[str, int]) -> datetime:
    return datetime.fromtimestamp(entry[1] % 7, UTC)


@pytest.mark.parametrize("merge", [None, Merge(by=_date, window=timedelta(microseconds=50))])
@pytest.mark.parametrize("where", [None, lambda entry: entry[1] % 3])
@pytest.mark.parametrize("seed", range(12))
async def test_asking_is_safe_to_cancel(
    seed: int, where: Callable[[Any], object] | None, merge: Merge[Any] | None
) -> None:
    """
    However it is asked, given up and resumed by its cursor, each entry comes once and in order.
    """
    random = Random(seed)
    sources = {key: FedSource() for key in "abc"}
    expected: dict[str, list[Any]] = {key: [] for key in sources}
    async with Hub[str, Any](ring=4096) as hub:
        for key, source in sources.items():
            hub.follow(key, source)
        found: list[Any] = []
        start: Start | HubCursor = Start.OLDEST
        for part in range(4):
            async with hub.subscribe(start=start, where=where, merge=merge) as subscription:
                views = _views(subscription, random.randint(1, 9))
                if part == 2:
                    sources["c"].end()
                for _ in range(25):
                    key = random.choice("abc" if part < 2 else "ab")
                    batch = [(key, random.randrange(100)) for _ in range(random.randint(1, 5))]
                    if random.random() < 0.7:
                        sources[key].feed(*batch)
                        expected[key] += [one for one in batch if where is None or where(one)]
                    await _ask(random.choice(views)(), random.randint(0, 6), found)
                if part == 3:
                    await _read_all(subscription, found, sum(map(len, expected.values())))
                # What is not yet finished with comes again.
                before = len(found)
                with suppress(StopAsyncIteration):
                    await _ask(subscription.chunks(size=3, wait=AT_ONCE), 6, found)
                cursor, start = subscription.cursor, subscription.cursor
                assert HubCursor.parse(str(cursor)) == cursor
                del found[before:]
        got = {key: [t.entry for t in found if t.source == key] for key in sources}
        assert got == expected


async def test_a_source_that_ended_does_not_come_again_by_the_cursor(hub: Hub[str, Any]) -> None:
    """
    By date its entry went before an older one that is gathered still: the cursor says so.
    """
    late, early = FedSource(), FedSource()
    hub.follow("late", late)
    hub.follow("early", early)
    window = timedelta(microseconds=1)
    async with hub.subscribe(merge=Merge(by=_date, window=window)) as subscription:
        late.feed(("late", 5))
        await settle()
        early.feed(("early", 1))
        await settle()
        chunks = subscription.chunks(size=3, wait=LONG)
        asking = asyncio.get_running_loop().create_task(anext(chunks))
        while subscription._ahead.count < 2:  # noqa: ASYNC110  -- what it gathers
            await asyncio.sleep(0.001)
        early.end()
        while len(subscription._ahead.items) < 3:  # noqa: ASYNC110  -- what it gathers
            await asyncio.sleep(0.001)
        asking.cancel()
        await asyncio.wait([asking])
        chunk = await anext(subscription.chunks(size=1, wait=LONG))
        assert entries(chunk) == [("early", 1)]
        assert (chunk.cursor.through, chunk.cursor.ahead) == (0, ((2, 2),))
    async with hub.subscribe(start=chunk.cursor) as again:
        found = [await take(again.items()) for _ in range(2)]
        assert [list(item) for item in found if isinstance(item, Batch)] == [[("late", 5)]]


async def _read_all(subscription: Subscription[str, Any], found: list[Any], count: int) -> None:
    chunks = subscription.chunks(size=7, wait=AT_ONCE)
    while len(found) < count:
        found += await anext(chunks)
