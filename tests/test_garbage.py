"""
Entries are freed as soon as nobody has them: the garbage collector has nothing to do for them.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from clever_v4 import (
    ApiToken,
    LogHub,
    LogQuery,
    Overflow,
    Reconnect,
    Session,
    Start,
    StreamOptions,
    Throttle,
)
from clever_v4.emulator import Emulator
from clever_v4.emulator.faults import Cut

ENTRIES = 3_000
HISTORY = LogQuery(since=timedelta(days=1), limit=ENTRIES)


@pytest.fixture
async def session(emulator: Emulator) -> AsyncIterator[Session]:
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as opened:
        yield opened


@contextmanager
def at_most_garbage(count: int) -> Iterator[None]:
    """
    Fail if what happens inside leaves more than so many objects that only the collector finds.
    """
    gc.collect()
    gc.disable()
    try:
        yield
        found = gc.collect()
    finally:
        gc.enable()
    assert found <= count


@pytest.mark.parametrize("in_batches", [False, True])
async def test_entries_of_a_stream_leave_no_cycles(
    emulator: Emulator, session: Session, in_batches: bool
) -> None:
    """
    What a few thousand entries leave is what their one connection leaves.
    """
    application = emulator.add_application("busy", history=ENTRIES)
    count = 0
    with at_most_garbage(ENTRIES // 10):
        async with session.logs.stream(
            emulator.owner_id, application.id, HISTORY, throttle=Throttle.CONSOLE
        ) as stream:
            if in_batches:
                async for batch in stream.batches():
                    count += len(batch)
            else:
                async for _ in stream:
                    count += 1
    assert count == ENTRIES


async def test_lost_connections_leave_no_entries(emulator: Emulator, session: Session) -> None:
    """
    What was in hand when a connection was cut is not kept by the error that tells of it.
    """
    application = emulator.add_application("busy", history=ENTRIES)
    emulator.faults.push(*[Cut(after_entries=1_000)] * 2)
    count = 0
    with at_most_garbage(ENTRIES // 10):
        async with session.logs.stream(
            emulator.owner_id,
            application.id,
            HISTORY,
            throttle=Throttle.CONSOLE,
            options=StreamOptions(reconnect=Reconnect(initial=timedelta(milliseconds=1))),
        ) as stream:
            async for batch in stream.batches():
                count += len(batch)
    assert count == ENTRIES
    assert stream.statistics().reconnections == 2


async def test_entries_of_a_hub_leave_no_cycles(emulator: Emulator, session: Session) -> None:
    """
    Nor do their batches, in the rings and at the subscribers.
    """
    application = emulator.add_application("busy", history=ENTRIES)
    count = 0
    with at_most_garbage(ENTRIES // 10):
        async with LogHub(session, ring=100) as hub:
            source = hub.follow(
                emulator.owner_id, application.id, HISTORY, throttle=Throttle.CONSOLE
            )
            async with hub.subscribe(
                sources=[source], overflow=Overflow.BLOCK, start=Start.OLDEST
            ) as subscription:
                async for _ in subscription:
                    count += 1
    assert count == ENTRIES
