"""
The ordered merge: by date within a window, each source's own order kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Batch, SourceEnded
from clever_v4.fanout.merge import Merge, OrderedMerge
from clever_v4.fanout.options import Start
from tests.fanout.sources import FedSource, settle, take

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
Entry = tuple[str, int, int | None]
WINDOW_S = 0.25


def date_of(entry: Entry) -> datetime | None:
    return None if entry[2] is None else EPOCH + timedelta(milliseconds=entry[2])


def batch(source: str, first: int, entries: list[Entry], received_at: float) -> Batch[str, Any]:
    return Batch(
        source,
        tuple(entries),
        first=first,
        end=first + len(entries) - 1,
        received_at=received_at,
    )


steps = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from("abc"),
            st.lists(st.one_of(st.none(), st.integers(0, 2000)), min_size=1, max_size=5),
        ),
        st.floats(0, 0.4),
    ),
    max_size=30,
)


@given(steps=steps, max_entries=st.integers(1, 20))
def test_nothing_is_lost_and_each_source_keeps_its_order(steps: Any, max_entries: int) -> None:
    """
    Whatever the dates and the arrivals, every entry comes out once, no source is reordered,
    and the late ones are counted.
    """
    merge: OrderedMerge[str, Entry] = OrderedMerge(Merge(by=date_of, max_entries=max_entries))
    now, sequence, out = 0.0, 0, []
    pushed: dict[str, list[Entry]] = {"a": [], "b": [], "c": []}
    received: dict[Entry, float] = {}

    def drain(*, flush: bool = False) -> None:
        while (found := merge.pop_run(now, flush=flush)) is not None:
            ordinal, run = found
            assert isinstance(run, Batch)
            assert ordinal == ord(run.source)
            out.extend(run.entries)

    for step in steps:
        if isinstance(step, float):
            now += step
        else:
            source, dates = step
            while merge.is_full:
                drain_length = len(out)
                drain()
                assert len(out) > drain_length  # a full merge always lets something go
            entries = [(source, len(pushed[source]) + n, date) for n, date in enumerate(dates)]
            pushed[source] += entries
            received |= dict.fromkeys(entries, now)
            merge.push(ord(source), batch(source, sequence + 1, entries, now), now)
            sequence += len(entries)
        drain()
        assert len(merge) <= max_entries + 5
        # Nothing waits longer than the window.
        waiting = set(received) - set(out)
        assert all(now < received[entry] + WINDOW_S for entry in waiting)
        due_at = merge.due_at()
        assert due_at is None or due_at > now or not len(merge)
    drain(flush=True)
    for source, entries in pushed.items():
        assert [entry for entry in out if entry[0] == source] == entries
    # Late is what came out after an entry with a later date, where a source's own disorder
    # does not count.
    newest: dict[str, int] = {}
    highest, late = -1, 0
    for source, _, date in out:
        newest[source] = max(newest.get(source, -1), -1 if date is None else date)
        late += newest[source] < highest
        highest = max(highest, newest[source])
    assert merge.late == late


def test_entries_within_the_window_come_by_date() -> None:
    """
    Two sources whose entries cross on the way come out in the order of their dates.
    """
    merge: OrderedMerge[str, Entry] = OrderedMerge(Merge(by=date_of))
    merge.push(1, batch("a", 1, [("a", 0, 20), ("a", 1, 40)], 0.0), 0.0)
    merge.push(2, batch("b", 3, [("b", 0, 10), ("b", 1, 30)], 0.1), 0.1)
    assert merge.pop_run(0.2) is None
    assert merge.due_at() == WINDOW_S
    out = []
    while (found := merge.pop_run(0.26)) is not None:
        out.extend(found[1].entries)  # type: ignore[union-attr]
    assert [entry[2] for entry in out] == [10, 20, 30, 40]
    assert merge.late == 0


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=100) as running:
        yield running


async def test_a_merging_subscription_waits_and_then_tells_the_end(hub: Hub[str, Any]) -> None:
    """
    A subscription gets entries by date; the end of a source stays behind its entries.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    merge: Merge[Entry] = Merge(by=date_of, window=timedelta(milliseconds=20))
    async with hub.subscribe(sources=["a", "b"], merge=merge) as subscription:
        a.feed(("a", 0, 20), ("a", 1, 40))
        a.end()
        await settle()
        b.feed(("b", 0, 10), ("b", 1, 30))
        b.end()
        found: list[Any] = []
        async for item in subscription.items():
            if isinstance(item, Batch):
                found += [entry[2] for entry in item]
            else:
                assert isinstance(item, SourceEnded)
                found.append(item.source)
        assert [one for one in found if isinstance(one, int)] == [10, 20, 30, 40]
        assert found.index("a") > found.index(40)
        assert found.index("b") > found.index(30)
        assert subscription.statistics().delivered == 4
        assert subscription.statistics().lag == 0


async def test_a_cursor_of_a_merge_resumes_without_loss_or_repetition(hub: Hub[str, Any]) -> None:
    """
    Wherever a merging subscription is left, one from its cursor gets exactly the rest.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    merge: Merge[Entry] = Merge(by=date_of, window=timedelta(milliseconds=1))
    a.feed(*(("a", n, 10 * n) for n in range(4)))
    await settle()
    b.feed(*(("b", n, 10 * n + 5) for n in range(4)))
    await settle()
    expected = [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3)]
    for count in range(8):
        async with hub.subscribe(start=Start.OLDEST, merge=merge) as first:
            begun = [(await anext(first)).entry[:2] for _ in range(count)]
            before = first.cursor if count == 0 else first.cursor_after(first._hand.index - 1)
            in_hand = first.cursor
            assert first.cursor_after(0).hub == hub.cursor_name
        assert begun == expected[:count]
        async with hub.subscribe(start=before, merge=merge) as second:
            assert [(await anext(second)).entry[:2] for _ in range(8 - count)] == expected[count:]
        if count:
            async with hub.subscribe(start=in_hand, merge=merge) as again:
                # It had not finished with the last one.
                assert (await anext(again)).entry[:2] == expected[count - 1]


async def test_what_waits_in_a_merge_is_lag(hub: Hub[str, Any]) -> None:
    """
    Entries that are held back count as not yet delivered, in total and per source.
    """
    source = FedSource()
    hub.follow("a", source)
    merge: Merge[Entry] = Merge(by=date_of, window=timedelta(seconds=10))
    async with hub.subscribe(merge=merge) as subscription:
        source.feed(("a", 0, 1), ("a", 1, 2))
        await settle()
        assert await take(subscription) is None
        statistics = subscription.statistics()
        assert (statistics.delivered, statistics.lag) == (0, 2)
        (share,) = subscription.shares()
        assert (share.delivered, share.lag) == (0, 2)
        assert statistics.lag_time > timedelta(0)


def test_a_merge_that_cannot_be_meant_is_refused() -> None:
    """
    Windows and bounds have limits, told with the value.
    """
    with pytest.raises(ValueError, match="window must be positive, got 0:00:00"):
        Merge(by=date_of, window=timedelta(0))
    with pytest.raises(ValueError, match="max_entries must be at least 1, got 0"):
        Merge(by=date_of, max_entries=0)
