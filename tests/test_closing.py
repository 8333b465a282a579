"""
Closing is one habit: ``await it.aclose()``, twice if need be, and ``it.is_open`` tells.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clever_v4 import ApiToken, ConsumerGroup, LogHub, Session
from clever_v4.emulator import Emulator
from clever_v4.fanout.hub import Hub
from tests.fanout.sources import FedSource


async def close_twice(one: Any) -> None:
    assert one.is_open
    await one.aclose()
    assert not one.is_open
    await one.aclose()
    assert not one.is_open


async def test_a_session_and_what_it_gives_close_alike() -> None:
    """
    The emulator, a session, a hub, a stream, and each of its views.
    """
    emulator = Emulator(demo=False)
    async with emulator:
        app = emulator.add_application(history=3)
        async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
            for view in ("batches", "chunks", "events", "raw_batches"):
                stream = session.logs.stream(emulator.owner_id, app.id)
                await close_twice(getattr(stream, view)())
                assert not stream.is_open
            await close_twice(session.logs.stream(emulator.owner_id, app.id))
            async with LogHub(session) as hub:
                await close_twice(hub)
            await close_twice(session)
            assert session.closed
        await close_twice(emulator)


@pytest.mark.parametrize("view", ["batches", "chunks", "items"])
async def test_a_view_of_a_subscription_closes_it(view: str) -> None:
    """
    Whoever iterates it sees its end, and the hub forgets it.
    """
    async with Hub[str, int](ring=16) as hub, hub.subscribe() as subscription:
        waiting = asyncio.ensure_future(anext(subscription.items()))  # noqa: TID251 -- awaited below
        await asyncio.sleep(0)
        await close_twice(getattr(subscription, view)())
        assert not subscription.is_open
        assert hub.statistics().subscribers == ()
        with pytest.raises(StopAsyncIteration):
            await waiting


async def test_a_member_that_closes_leaves_what_waits_for_it_to_the_others() -> None:
    """
    It takes part while it is entered; the group goes on, until it is closed itself, by any task.
    """
    source = FedSource()
    async with (
        Hub[str, int](ring=16) as hub,
        hub.subscribe() as subscription,
        ConsumerGroup(subscription, key=lambda tagged: tagged.entry) as group,
    ):
        hub.follow("s", source)
        async with group.join("one") as one, group.join("two") as two:
            await close_twice(one)
            assert group.members == (two,)
            source.feed(1, 2)
            assert [(await anext(two)).entry, (await anext(two)).entry] == [1, 2]
            closing = asyncio.ensure_future(close_twice(group))  # noqa: TID251 -- awaited below
            with pytest.raises(StopAsyncIteration):
                await anext(two)
            await closing
        assert subscription.is_open
