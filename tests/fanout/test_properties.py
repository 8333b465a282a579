"""
What holds of a hub for any interleaving of what can happen to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from clever_v4.errors import SlowConsumerError
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Batch, Gap, Overflow, SourceEnded
from clever_v4.fanout.options import Start
from clever_v4.fanout.subscription import Subscription
from tests.fanout.sources import FedSource, settle, take

CAPACITY = 8
CAPACITY_BYTES = 40
HUB_BYTES = 70


def is_even(entry: tuple[str, int]) -> bool:
    return entry[1] % 2 == 0


def size_of(entry: tuple[str, int]) -> int:
    return (5, 1, 30, 2, 60)[entry[1] % 5]


class Incarnation:
    """
    One followed source, from follow to unfollow, and all that it produced.
    """

    def __init__(self, key: str, first: int) -> None:
        self.key = key
        self.source = FedSource(size_of)
        self.number = first
        self.fed: list[tuple[str, int]] = []

    @property
    def first(self) -> int:
        return self.number - len(self.fed)

    def feed(self, length: int) -> None:
        batch = [(self.key, self.number + n) for n in range(length)]
        self.number += length
        self.fed += batch
        self.source.feed(*batch)


class Consumer:
    """
    A subscription and a model of what it must get from each incarnation.
    """

    def __init__(self, subscription: Subscription[str, Any], *, is_filtered: bool) -> None:
        self.subscription = subscription
        self.items = subscription.items()
        self.is_filtered = is_filtered
        self.start: dict[str, int] = {}
        self.next: dict[str, set[int]] = {}
        """Where it may stand with each key: a filter passes over odd entries without a word,
        so that they may lie before a gap or in it."""
        self.last_sequence = 0
        self.is_over = False

    def came(self, key: str, number: int) -> None:
        """Entries of the key from this number on are owed to it."""
        self.start.setdefault(key, number)
        self.next.setdefault(key, {number})

    def places(self, key: str) -> set[int]:
        """Where it may stand with a key, the odd entry passed over or not."""
        places = self.next[key]
        return places | {place + place % 2 for place in places} if self.is_filtered else places

    def got(self, item: Any) -> None:
        if isinstance(item, Gap):
            assert self.subscription.overflow is Overflow.DROP_OLDEST
            assert item.count > 0
            assert item.is_exact
            self.next[item.source] = {place + item.count for place in self.places(item.source)}
        elif isinstance(item, Batch):
            assert item.entries
            for tagged in item.tagged:
                assert tagged.sequence > self.last_sequence
                self.last_sequence = tagged.sequence
                key, number = tagged.entry
                assert tagged.source == key
                assert is_even(tagged.entry) or not self.is_filtered
                assert number in self.places(key)
                self.next[key] = {number + 1}
        else:
            assert isinstance(item, SourceEnded)


class HubMachine(RuleBasedStateMachine):
    """
    Feeds, follows, unfollows, subscribes, reads and closes in any order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.live: dict[str, Incarnation] = {}
        self.numbers: dict[str, int] = {}
        self.open: list[Consumer] = []
        self.sources: list[FedSource] = []

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def enter(self) -> None:
        async def enter() -> None:
            self.hub: Hub[str, Any] = Hub(
                ring=CAPACITY, ring_bytes=CAPACITY_BYTES, max_bytes=HUB_BYTES
            )
            await self.hub.__aenter__()

        self.run(enter())
        self.follow("a")
        for overflow in Overflow:
            self.subscribe(overflow, Start.NOW, is_filtered=False)

    @rule(key=st.sampled_from("abc"))
    def follow(self, key: str) -> None:
        async def follow() -> None:
            if key not in self.live:
                incarnation = Incarnation(key, self.numbers.get(key, 0))
                self.live[key] = incarnation
                self.sources.append(incarnation.source)
                self.hub.follow(key, incarnation.source)
                for consumer in self.open:
                    consumer.came(key, incarnation.number)
                await settle()

        self.run(follow())

    @rule(key=st.sampled_from("aabc"), lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5))
    def feed(self, key: str, lengths: list[int]) -> None:
        async def feed() -> None:
            if key in self.live:
                for length in lengths:
                    self.live[key].feed(length)
                await settle()

        self.run(feed())

    @rule(key=st.sampled_from("abc"))
    def unfollow(self, key: str) -> None:
        async def unfollow() -> None:
            if key in self.live:
                incarnation = self.live.pop(key)
                unread = sum(map(len, incarnation.source._pending))
                self.hub.unfollow(key)
                await settle()
                # What the hub had not read from the source was never received.
                self.numbers[key] = incarnation.number - unread
                assert incarnation.source.open_count == 0

        self.run(unfollow())

    @precondition(lambda self: len(self.open) < 8)
    @rule(
        overflow=st.sampled_from(Overflow),
        start=st.sampled_from(Start),
        is_filtered=st.booleans(),
    )
    def subscribe(self, overflow: Overflow, start: Start, is_filtered: bool) -> None:
        async def subscribe() -> Consumer:
            subscription = self.hub.subscribe(
                overflow=overflow, start=start, where=is_even if is_filtered else None
            )
            await subscription.__aenter__()
            consumer = Consumer(subscription, is_filtered=is_filtered)
            for statistics in self.hub.statistics().sources:
                key = statistics.source
                received = self.live[key].fed[: statistics.received]
                number = received[-1][1] + 1 if received else self.live[key].first
                held = statistics.held if start is Start.OLDEST else 0
                consumer.came(key, number - held)
            return consumer

        self.open.append(self.run(subscribe()))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 20), count=st.integers(1, 6))
    def read(self, which: int, count: int) -> None:
        consumer = self.open[which % len(self.open)]

        async def read() -> None:
            for _ in range(count):
                if consumer.is_over:
                    return
                lag = consumer.subscription.lag
                try:
                    item = await take(consumer.items)
                except StopAsyncIteration:
                    self.over(consumer)
                    return
                except SlowConsumerError as error:
                    assert consumer.subscription.overflow is Overflow.DISCONNECT
                    assert error.dropped > 0  # noqa: PT017  -- may or may not be raised
                    self.over(consumer)
                    return
                if item is None:
                    assert lag == 0 or consumer.is_filtered
                    return
                consumer.got(item)

        self.run(read())

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 20))
    def close(self, which: int) -> None:
        consumer = self.open[which % len(self.open)]

        async def close() -> None:
            consumer.subscription.close()
            await settle()
            self.over(consumer)

        self.run(close())

    def over(self, consumer: Consumer) -> None:
        consumer.is_over = True
        if consumer in self.open:
            self.open.remove(consumer)

    @invariant()
    def counts_are_exact_and_memory_is_bounded(self) -> None:
        if not hasattr(self, "hub"):
            return
        statistics = self.hub.statistics()
        through = dict(self.numbers)
        for source in statistics.sources:
            assert source.held <= CAPACITY
            if source.source in self.live:
                through[source.source] = self.live[source.source].first + source.received
            # A batch alone may have any size.
            assert source.held_bytes <= CAPACITY_BYTES or source.held == len(
                self.hub._sources[source.source].ring.batches[
                    self.hub._sources[source.source].ring.first_number
                ]
            )
        for one in statistics.subscribers:
            assert one.lag_time >= timedelta(0)
            assert one.lag_time == timedelta(0) or one.lag
        for consumer in self.open:
            if not consumer.subscription.is_open:
                continue  # disconnected, and not yet told: what comes now is not for it
            shares = consumer.subscription.shares()
            for share in shares:
                assert min(attrs.astuple(share)[1:]) >= 0
                owed = through[share.source] - consumer.start[share.source]
                assert share.delivered + share.filtered + share.missed + share.lag == owed
                if consumer.subscription.overflow is Overflow.BLOCK:
                    assert share.missed == 0
            total = consumer.subscription.statistics()
            for name in ("delivered", "filtered", "missed", "lag"):
                assert getattr(total, name) == sum(getattr(share, name) for share in shares)
            self.left_over_is_bounded(consumer)
        self.bytes_are_bounded(statistics.held_bytes)

    def left_over_is_bounded(self, consumer: Consumer) -> None:
        """What is no longer followed is at most a ring for who may miss something."""
        reading = consumer.subscription._reading
        left = [cursor for ring, cursor in reading.cursors.items() if not ring.is_followed]
        if consumer.subscription.overflow is not Overflow.BLOCK:
            batches = sum(c.ring.end_number - max(c.number, c.ring.first_number) for c in left)
            assert batches <= 1 or sum(cursor.lag for cursor in left) <= CAPACITY
            assert batches <= 1 or sum(cursor.lag_bytes for cursor in left) <= CAPACITY_BYTES

    def bytes_are_bounded(self, held_bytes: int) -> None:
        """What all rings hold is counted rightly, and no more than may be or blockers need."""
        readings = [consumer.subscription._reading for consumer in self.open]
        rings = {followed.ring for followed in self.hub._sources.values()}
        rings.update(ring for reading in readings for ring in reading.cursors)
        assert held_bytes == sum(ring.held_bytes for ring in rings)
        needed, largest = 0, 0
        for ring in rings:
            blocking = [cursor.number for cursor in ring._blocking]
            needed += ring.bytes_from(min(blocking)) if blocking else 0
            sizes = [sum(map(size_of, batch)) for batch in ring.batches.values()]
            largest = max([largest, *sizes])
        assert held_bytes <= max(HUB_BYTES, needed + largest)

    def teardown(self) -> None:
        async def end() -> None:
            # Everything is read to its end while the hub drains: then nothing may be missing.
            async def read_all(consumer: Consumer) -> None:
                try:
                    async for item in consumer.items:
                        consumer.got(item)
                except SlowConsumerError:
                    assert consumer.subscription.overflow is Overflow.DISCONNECT
                    return
                for key in consumer.next:
                    assert self.numbers[key] in consumer.places(key)

            readers = list(self.open)
            ends = dict(self.live)
            async with asyncio.TaskGroup() as tasks:
                drained = tasks.create_task(self.hub.drain(timedelta(seconds=10)))
                await settle()
                for key, incarnation in ends.items():
                    unread = sum(map(len, incarnation.source._pending))
                    self.numbers[key] = incarnation.number - unread
                for consumer in readers:
                    tasks.create_task(read_all(consumer))
            assert drained.result().is_complete
            await self.hub.__aexit__(None, None, None)
            assert [source.open_count for source in self.sources] == [0] * len(self.sources)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        try:
            if hasattr(self, "hub"):
                self.run(end())
        finally:
            self.loop.close()


HubMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


class TestHub(HubMachine.TestCase):
    """
    Some interleavings, different ones each time.
    """


class ThoroughHubMachine(HubMachine):
    """
    The same; a class of its own has examples of its own.
    """


ThoroughHubMachine.TestCase.settings = settings(
    max_examples=400, stateful_step_count=50, deadline=None
)


@pytest.mark.slow
class TestHubThoroughly(ThoroughHubMachine.TestCase):
    """
    Many interleavings.
    """
