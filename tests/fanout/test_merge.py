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


def ordered(*, hub_clock: float = 10.0, max_entries: int = 10_000) -> OrderedMerge[str, Entry]:
    """A merge in a hub whose clock shows so many seconds after the epoch when it begins."""
    merge = Merge(by=date_of, window=timedelta(seconds=WINDOW_S), max_entries=max_entries)
    return OrderedMerge(merge, epoch=lambda: EPOCH.timestamp() + hub_clock)


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
    merge: OrderedMerge[str, Entry] = ordered(max_entries=max_entries)
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
    merge: OrderedMerge[str, Entry] = ordered()
    merge.push(1, batch("a", 1, [("a", 0, 20), ("a", 1, 40)], 0.0), 0.0)
    merge.push(2, batch("b", 3, [("b", 0, 10), ("b", 1, 30)], 0.1), 0.1)
    assert merge.pop_run(0.2) is None
    assert merge.due_at() == WINDOW_S
    out = []
    while (found := merge.pop_run(0.26)) is not None:
        out.extend(found[1].entries)  # type: ignore[union-attr]
    assert [entry[2] for entry in out] == [10, 20, 30, 40]
    assert merge.late == 0


class Merging:
    """
    Entries that arrive one by one, and come out as soon as they are due.

    Dates and times are milliseconds.
    """

    def __init__(self, *, hub_clock: float = 0.0) -> None:
        self.merge = ordered(hub_clock=hub_clock)
        self.out: list[Entry] = []
        self.arrived: dict[Entry, float] = {}
        self.sequence = 0

    def arrive(self, source: str, at: int, date: int | None) -> None:
        self.wait_until(at)
        self.sequence += 1
        entry = (source, self.sequence, date)
        self.arrived[entry] = at / 1000
        self.merge.push(ord(source), batch(source, self.sequence, [entry], at / 1000), at / 1000)

    def wait_until(self, at: int) -> None:
        while (due_at := self.merge.due_at()) is not None and due_at <= at / 1000:
            self.pop(due_at)
        self.pop(at / 1000)

    def pop(self, now: float) -> None:
        while (found := self.merge.pop_run(now)) is not None:
            assert isinstance(found[1], Batch)
            self.out.extend(found[1].entries)
        waiting = set(self.arrived) - set(self.out)
        assert all(now < self.arrived[entry] + WINDOW_S for entry in waiting)

    def dates(self, sources: str) -> list[int | None]:
        return [date for source, _, date in self.out if source in sources]


HOUR = 3_600_000


@pytest.mark.parametrize("hub_clock", [0.0, 0.05, -3600.0, -0.5])
def test_one_entry_dated_an_hour_ahead_ends_the_order_of_nobody(hub_clock: float) -> None:
    """
    Others that cross on the way come by date before it and after, also where the hub's own clock
    is an hour behind.
    """
    merging = Merging(hub_clock=hub_clock)
    for source in "bcd":
        merging.arrive(source, 10, 0)
    merging.arrive("b", 1010, 1010)
    merging.arrive("a", 1020, 1020 + HOUR)
    merging.arrive("c", 1030, 1005)
    for begin in range(2000, 10_000, 100):
        merging.arrive("b", begin, begin)
        merging.arrive("c", begin + 90, begin - 10)
        # Its own next ones are in order with the others again.
        merging.arrive("a", begin + 95, begin + 20)
    merging.wait_until(11_000)
    dates = merging.dates("bcd")
    assert len(dates) == 5 + 160
    assert dates == sorted(dates)  # type: ignore[type-var]
    after = [entry for entry in merging.out if entry[2] is not None and 2000 <= entry[2] < HOUR]
    assert after == sorted(after, key=lambda entry: entry[2] or 0)
    assert merging.merge.late == 0


@pytest.mark.parametrize("hub_clock", [0.0, -3600.0])
def test_a_clock_that_is_always_fast_ends_the_order_of_nobody(hub_clock: float) -> None:
    """
    A source of which every entry is dated an hour ahead stands about where it arrives.
    """
    merging = Merging(hub_clock=hub_clock)
    for source in "bc":
        merging.arrive(source, 10, 0)
    for begin in range(1000, 5_000, 50):
        merging.arrive("a", begin, begin + HOUR)
        merging.arrive("b", begin + 10, begin + 10)
        merging.arrive("c", begin + 40, begin - 50)
    merging.wait_until(10_000)
    dates = merging.dates("bc")
    assert dates == sorted(dates)  # type: ignore[type-var]
    assert len(dates) == 162
    for position, (source, _, date) in enumerate(merging.out):
        if source == "a" and date is not None and position:
            nearby = [d for s, _, d in merging.out[max(0, position - 20) : position] if s != "a"]
            assert nearby
            assert abs(date - HOUR - (nearby[-1] or 0)) <= 500


def test_the_past_is_merged_by_date_however_long_ago_it_was() -> None:
    """
    Of what is read again from hours ago the sources may be far apart; that is believed.
    """
    merging = Merging(hub_clock=10_000.0)
    for number in range(100):
        merging.arrive("a", number, 60_000 * number + 500)
        merging.arrive("b", number, 60_000 * number)
    merging.wait_until(1000)
    dates = merging.dates("ab")
    assert dates == sorted(dates)  # type: ignore[type-var]


honest = st.tuples(st.sampled_from("bcd"), st.integers(0, 60), st.sampled_from([0, 0, 60, 120]))
odd = st.tuples(
    st.just("a"),
    st.integers(0, 60),
    st.one_of(st.none(), st.sampled_from([HOUR, 5000, 300, 100, 0, -HOUR])),
)


@given(
    steps=st.lists(st.one_of(honest, honest, odd), min_size=8, max_size=60),
    hub_clock=st.sampled_from([0.0, 0.004, -0.06, -3600.0]),
)
def test_whatever_one_source_says_the_others_come_by_date(
    steps: list[tuple[str, int, int | None]], hub_clock: float
) -> None:
    """
    Entries that arrive within half a window of their dates come in the order of these, every one
    once and in time, though another source dates its entries as it likes.
    """
    arrivals: list[tuple[int, str, int | None]] = []
    now, last = 1000, dict.fromkeys("bcd", 0)
    for source, pause, what in steps:
        now += pause
        if source == "a":
            arrivals.append((now, source, None if what is None else now + what))
        else:
            last[source] = max(last[source], now + (what or 0))
            arrivals.append((last[source], source, now))
    arrivals.sort(key=lambda arrival: arrival[0])
    merging = Merging(hub_clock=hub_clock)
    for source in "bcd":
        merging.arrive(source, 0, 0)
    for at, source, date in arrivals:
        merging.arrive(source, at, date)
    merging.wait_until(100_000)
    assert sorted(merging.out, key=lambda entry: entry[1]) == list(merging.arrived)
    dates = merging.dates("bcd")
    assert dates == sorted(dates)  # type: ignore[type-var]
    numbers = [number for source, number, _ in merging.out if source == "a"]
    assert numbers == sorted(numbers)


def test_a_source_that_has_ended_leaves_nothing_behind() -> None:
    """
    Sources that come and go do not fill the memory of a merge.
    """
    merge = ordered()
    for number in range(5):
        entries = batch("a", number + 1, [("a", number, 0)], float(number))
        merge.push(number, entries, float(number))
        merge.push(number, SourceEnded(source="a", reason="ended"), float(number))
        while merge.pop_run(number + 0.5) is not None:
            pass
    assert not merge.pending


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


async def test_a_merge_goes_by_the_hub_s_own_clock(hub: Hub[str, Any]) -> None:
    """
    What is dated far ahead counts as dated about now, by the clock of the machine.
    """
    async with hub.subscribe(merge=Merge(by=date_of)) as subscription:
        merge = subscription._reading.merge
        assert merge is not None
        now = datetime.now(UTC).timestamp()
        assert merge._clocks.believed(now - 7200, hub.now()) == now - 7200
        assert abs(merge._clocks.believed(now + 7200, hub.now()) - now) < 3600


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
