"""
Why a subscription is over: what a relay tells browsers depends on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from clever_v4.errors import SlowConsumerError
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Overflow
from clever_v4.fanout.options import Start, SubscriptionEnd
from clever_v4.fanout.subscription import Subscription
from tests.fanout.sources import FedSource, settle, take


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=8) as running:
        yield running


async def read(subscription: Subscription[str, Any]) -> list[Any]:
    return [item async for item in subscription.items()]


async def test_named_sources_that_are_over_end_it(hub: Hub[str, Any]) -> None:
    """
    Whether they ended, failed or were unfollowed; while one is left it is not over.
    """
    ending, failing = FedSource(), FedSource()
    for key, source in {"ends": ending, "fails": failing, "goes": FedSource()}.items():
        hub.follow(key, source)
    subscription = hub.subscribe(sources=["ends", "fails", "goes"])
    assert subscription.ended_by is None
    async with subscription, asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(subscription))
        ending.end()
        failing.fail(ZeroDivisionError())
        await settle()
        assert subscription.ended_by is None
        hub.unfollow("goes")
    assert len(reading.result()) == 3
    assert subscription.ended_by is SubscriptionEnd.SOURCES_ENDED


@pytest.mark.parametrize("sources", [["a"], None])
async def test_a_hub_that_closes_is_told_from_logs_that_are_over(
    hub: Hub[str, Any], sources: list[str] | None
) -> None:
    """
    A subscriber of a hub that is closed sees that, though its named sources end with it.
    """
    hub.follow("a", FedSource())
    async with hub.subscribe(sources=sources) as subscription, asyncio.TaskGroup() as tasks:
        tasks.create_task(read(subscription))
        await settle()
        await hub.aclose()
    assert subscription.ended_by is SubscriptionEnd.HUB_CLOSED


@pytest.mark.parametrize("linger", [None, timedelta(0)])
@pytest.mark.parametrize("sources", [["a", "b"], None])
async def test_a_hub_that_is_drained_is_told_from_logs_that_are_over(
    hub: Hub[str, Any], sources: list[str] | None, linger: timedelta | None
) -> None:
    """
    Also where a named source stops at once and another takes its time to close.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a, linger=linger)
    hub.follow("b", b)
    async with hub.subscribe(sources=sources) as subscription, asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(subscription))
        a.feed(1)
        await settle()
        report = await hub.drain()
    assert report.is_complete
    assert reading.result()[0].entries == (1,)
    assert subscription.ended_by is SubscriptionEnd.DRAINED


async def test_a_drain_that_ran_out_of_time_is_one(hub: Hub[str, Any]) -> None:
    """
    Who did not come back in time was drained, too, besides the error that it gets.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe() as subscription:
        source.feed(1)
        await settle()
        await hub.drain(timedelta(milliseconds=1))
        assert subscription.ended_by is SubscriptionEnd.DRAINED
        with pytest.raises(SlowConsumerError):
            await anext(subscription)


async def test_the_consumer_s_own_close_is_told(hub: Hub[str, Any]) -> None:
    """
    By its method or by leaving the block; a hub that closes later changes nothing about it.
    """
    async with hub.subscribe() as one:
        pass
    async with hub.subscribe() as other:
        other.close()
    await hub.aclose()
    assert one.ended_by is other.ended_by is SubscriptionEnd.CLOSED


async def test_too_slow_under_disconnect_is_told(hub: Hub[str, Any]) -> None:
    """
    A whole ring behind ends it, and it says so before the consumer comes back.
    """
    source = FedSource()
    hub.follow("a", source)
    async with hub.subscribe(overflow=Overflow.DISCONNECT, start=Start.OLDEST) as subscription:
        for number in range(10):
            source.feed(number)
        await settle()
        assert subscription.ended_by is SubscriptionEnd.DISCONNECTED
        with pytest.raises(SlowConsumerError):
            await take(subscription)
