"""
What users' type checkers see of hubs and their subscriptions; checked by mypy and pyright, never run.
"""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from clever_v4 import (
    AccessLogEntry,
    AddonLogEntry,
    Chunk,
    Cursor,
    HubCursor,
    Lag,
    LogEntry,
    LogQuery,
    Reconnection,
    ResponseFormatError,
    Session,
    StreamStatistics,
    SubscriptionEnd,
    Throttle,
)
from clever_v4.fanout.groups import ConsumerGroup
from clever_v4.fanout.items import Batch, Gap, Notice, Overflow, SourceEnded, SourceFailed, Tagged
from clever_v4.fanout.statistics import DrainReport, HubStatistics
from clever_v4.fanout.subscription import Subscription
from clever_v4.log_filters import severity_at_least
from clever_v4.log_hub import AccessLogHub, AddonLogHub, LogHub, LogSource


async def hubs(session: Session) -> None:
    async with LogHub(session) as hub:
        source = hub.follow("orga_1", "app_1", LogQuery(), throttle=Throttle.CLI)
        assert_type(source, LogSource)
        async with hub.subscribe(
            sources=[source, "app_2"],
            where=severity_at_least("warning"),
            overflow=Overflow.BLOCK,
            ordered=timedelta(milliseconds=100),
        ) as subscription:
            assert_type(subscription, Subscription[LogSource, LogEntry])
            async for tagged in subscription:
                assert_type(tagged, Tagged[LogSource, LogEntry])
                assert_type(tagged.source, LogSource)
                assert_type(tagged.entry, LogEntry)
        assert_type(hub.statistics(), HubStatistics[LogSource])
        assert_type(await hub.drain(timedelta(seconds=1)), DrainReport)
        hub.unfollow(source)


async def batches_and_items(subscription: Subscription[LogSource, LogEntry]) -> None:
    async for batch in subscription.batches():
        assert_type(batch, Batch[LogSource, LogEntry])
        for entry in batch:
            assert_type(entry, LogEntry)
    async for item in subscription.items():
        if isinstance(item, Gap):
            assert_type(item.source, LogSource)
            assert_type(item.count, int)
        elif isinstance(item, Notice):
            if isinstance(item.detail, Reconnection):
                assert_type(item.detail.delay, timedelta)
            elif isinstance(item.detail, ResponseFormatError):
                assert_type(item.detail.paths, tuple[str, ...])
            elif isinstance(item.detail, Lag):
                assert_type(item.detail.lag, timedelta)
            else:
                assert_type(item.detail, str)
        elif isinstance(item, SourceFailed):
            assert_type(item.error, Exception)
        elif isinstance(item, SourceEnded):
            assert_type(item.source, LogSource)


async def chunks(subscription: Subscription[LogSource, LogEntry]) -> None:
    async for chunk in subscription.chunks():
        assert_type(chunk, Chunk[Tagged[LogSource, LogEntry], HubCursor])
        assert_type(chunk.cursor, HubCursor)
        assert_type(subscription.source_cursors(chunk.cursor), dict[LogSource, Cursor])
    assert_type(subscription.ended_by, SubscriptionEnd | None)


async def statistics(hub: LogHub) -> None:
    for one in hub.statistics().sources:
        if one.upstream is not None:
            assert_type(one.upstream, StreamStatistics)
            assert_type(one.upstream.lag, timedelta | None)


async def groups(subscription: Subscription[LogSource, LogEntry]) -> None:
    async with ConsumerGroup(subscription, key=by_application) as group:
        assert_type(group, ConsumerGroup[LogSource, LogEntry])
        async with group.join("worker") as worker:
            async for tagged in worker:
                assert_type(tagged, Tagged[LogSource, LogEntry])


def by_application(tagged: Tagged[LogSource, LogEntry]) -> str:
    return tagged.source.resource_id


async def other_hubs(session: Session) -> None:
    async with AddonLogHub(session) as addons, addons.subscribe() as of_addons:
        assert_type(await anext(of_addons), Tagged[LogSource, AddonLogEntry])
    async with AccessLogHub(session) as accesses, accesses.subscribe() as of_accesses:
        assert_type(await anext(of_accesses), Tagged[LogSource, AccessLogEntry])
