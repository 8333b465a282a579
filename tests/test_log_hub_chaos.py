"""
A hundred logs whose connections fail at random, and subscribers of every kind.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from clever_v4 import ApiToken, LogQuery, Session, Throttle
from clever_v4.emulator import Emulator
from clever_v4.errors import SlowConsumerError
from clever_v4.fanout.items import Batch, Gap, Notice, Overflow, SourceEnded
from clever_v4.fanout.options import Start
from clever_v4.fanout.pacing import Pacing
from clever_v4.log_hub import LogHub, LogSource
from clever_v4.streaming.policy import Reconnect, StreamOptions

HOUR = LogQuery(since=timedelta(hours=1))
OPTIONS = StreamOptions(
    heartbeat_timeout=timedelta(seconds=2),
    reconnect=Reconnect(initial=timedelta(milliseconds=20), max_delay=timedelta(milliseconds=300)),
)
STEADY, CHANGING = 90, 10


class Produced:
    """
    What the emulator wrote so far: the ids of each application's entries, and their places.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._places: dict[str, dict[str, int]] = defaultdict(dict)

    def id_at(self, source: LogSource, place: int) -> str:
        """The id of an application's entry at a place."""
        if place >= len(self._ids[source.application_id]):
            self._look(source.application_id)
        return self._ids[source.application_id][place]

    def place_of(self, source: LogSource, id_: str | None) -> int:
        """Which of its application's entries has this id."""
        if id_ not in self._places[source.application_id]:
            self._look(source.application_id)
        return self._places[source.application_id][id_ or ""]

    def _look(self, application_id: str) -> None:
        ids, places = self._ids[application_id], self._places[application_id]
        for id_ in self._emulator.produced_ids(application_id, start=len(ids)):
            places[id_] = len(ids)
            ids.append(id_)


class Checker:
    """
    Follows what one subscriber is handed, entry by entry, against what the emulator produced.
    """

    def __init__(self, produced: Produced, name: str) -> None:
        self.produced = produced
        self.name = name
        self.positions: dict[LogSource, int | None] = defaultdict(lambda: 0)
        self.ends: dict[LogSource, list[int | None]] = defaultdict(list)
        self.entries = self.missed = self.gaps = self.notices = 0

    def check(self, item: Any) -> None:
        if isinstance(item, Batch):
            position = self.positions[item.source]
            if position is None:  # it came in the middle
                position = self.produced.place_of(item.source, item[0].id)
            for entry in item:
                assert entry.id == self.produced.id_at(item.source, position), self.name
                position += 1
            self.positions[item.source] = position
            self.entries += len(item)
        elif isinstance(item, Gap):
            assert item.is_exact
            position = self.positions[item.source]
            self.positions[item.source] = None if position is None else position + item.count
            self.missed += item.count
            self.gaps += 1
        elif isinstance(item, SourceEnded):
            self.ends[item.source].append(self.positions[item.source])
            self.positions[item.source] = 0  # followed again, it begins anew
        else:
            assert isinstance(item, Notice)
            self.notices += 1


async def consume(
    hub: LogHub, checker: Checker, overflow: Overflow, pause_s: float, calm: asyncio.Event
) -> None:
    """
    One subscriber: checks all it gets, at its own speed until *calm*, and comes back when
    disconnected.
    """
    start = Start.NOW
    while hub.is_open:
        async with hub.subscribe(overflow=overflow, start=start, name=checker.name) as mine:
            try:
                async for item in mine.items():
                    checker.check(item)
                    if pause_s and not calm.is_set():
                        await asyncio.sleep(pause_s)
            except SlowConsumerError as error:
                assert overflow is Overflow.DISCONNECT
                checker.missed += error.dropped
                checker.positions = defaultdict(lambda: None)
                # With a full ring it would soon be a whole ring behind again, and do nothing else.
                start = Start.NOW if start is Start.OLDEST else Start.OLDEST


async def change(hub: LogHub, emulator: Emulator, draw: random.Random) -> None:
    """
    Unfollow and follow again some of the logs, for ever.
    """
    changing = [one.id for one in emulator.applications[STEADY:]]
    followed: dict[str, LogSource] = {}
    while True:
        chosen = draw.choice(changing)
        if chosen in followed:
            hub.unfollow(followed.pop(chosen))
        else:
            followed[chosen] = hub.follow(emulator.owner_id, chosen, HOUR, throttle=Throttle.CLI)
        await asyncio.sleep(draw.random() * 0.3)


async def reconnections(hub: LogHub, count: int) -> None:
    """
    Wait until the hub has reconnected so often.
    """
    while hub.statistics().notices.get("Reconnection", 0) < count:  # noqa: ASYNC110 -- the faults' own time
        await asyncio.sleep(0.02)


async def chaos(seed: int, outages: int) -> None:
    """
    Let faults come, and now and then one that meets all logs at once, then read all that was
    written.
    """
    draw = random.Random(seed)
    async with (
        Emulator(seed=seed, demo=False, heartbeat_s=0.5) as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
        LogHub(
            session,
            ring=64,
            options=OPTIONS,
            pacing=Pacing(per_second=1000, jitter=timedelta(milliseconds=10)),
        ) as hub,
    ):
        for number in range(STEADY + CHANGING):
            emulator.add_application(f"app-{number}", history=20, rate_per_s=draw.uniform(1, 6))
        emulator.faults.random(seed, stall_s=2.5)
        produced, calm = Produced(emulator), asyncio.Event()
        checkers: dict[Overflow, list[Checker]] = defaultdict(list)
        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                overflow = list(Overflow)[number % 3]
                pause_s = draw.choice((0, 0, 0.001, 0.05 if overflow is not Overflow.BLOCK else 0))
                checker = Checker(produced, f"{overflow}-{number}")
                checkers[overflow].append(checker)
                tasks.create_task(consume(hub, checker, overflow, pause_s, calm))
            await asyncio.sleep(0)
            steady = [
                hub.follow(emulator.owner_id, one.id, HOUR, throttle=Throttle.CLI)
                for one in emulator.applications[:STEADY]
            ]
            changer = tasks.create_task(change(hub, emulator, draw))
            for outage in range(1, outages + 1):
                await reconnections(hub, outage * STEADY)
                emulator.connections.abort_all()
            await reconnections(hub, (outages + 1) * STEADY)

            changer.cancel()
            emulator.faults.clear()
            # The slow ones recover: in their own time some would need minutes for what is held.
            calm.set()
            goal = {one: emulator.produced_count(one.application_id) for one in steady}
            while True:  # until all that was produced so far has come through
                has = {one.source: one.received for one in hub.statistics().sources}
                if all(has[source] >= count for source, count in goal.items()):
                    break
                await asyncio.sleep(0.05)
            report = await hub.drain(timedelta(minutes=4))
        assert report.is_complete
        # Each had every entry, once: its positions were followed one by one, to the end.
        ends = {one.source: [one.received] for one in hub.statistics().sources}
        for checker in checkers[Overflow.BLOCK]:
            assert checker.missed == 0
            assert checker.gaps == 0
            assert checker.notices > 0
            for source in steady:
                assert checker.ends[source] == ends[source]
                assert ends[source] >= [goal[source]]
        assert len({checker.entries for checker in checkers[Overflow.BLOCK]}) == 1
        total = checkers[Overflow.BLOCK][0].entries
        for checker in checkers[Overflow.DROP_OLDEST]:
            assert checker.entries + checker.missed == total
        statistics = hub.statistics()
        assert statistics.received == total
        await emulator.connections.wait_until(active=0)
        assert session.open_stream_count == 0


async def test_every_blocking_subscriber_has_each_entry_exactly_once() -> None:
    """
    A hundred logs with random faults, twenty subscribers of mixed policies and speeds, logs
    added and removed: block has all, drop_oldest all but what it was told it missed.
    """
    await chaos(seed=4, outages=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
async def test_every_blocking_subscriber_has_each_entry_exactly_once_for_long(
    seed: int,
) -> None:
    """
    The same for longer.
    """
    await chaos(seed=seed, outages=6)
