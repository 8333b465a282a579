"""
The hub on log streams, over the emulator.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from clever_v4 import ApiToken, LogQuery, Session, Throttle
from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f
from clever_v4.errors import (
    AuthenticationError,
    NotFoundError,
    ResponseFormatError,
    SourceFailedError,
)
from clever_v4.fanout.items import Batch, Notice, Overflow, SourceEnded, SourceFailed
from clever_v4.fanout.options import Start
from clever_v4.fanout.pacing import Pacing
from clever_v4.fanout.statistics import SourceState
from clever_v4.log_filters import containing
from clever_v4.log_hub import AccessLogHub, AddonLogHub, LogHub, LogSource
from clever_v4.streaming.policy import Reconnect, Reconnection, StreamOptions

FAST = StreamOptions(
    reconnect=Reconnect(initial=timedelta(milliseconds=5), max_delay=timedelta(milliseconds=50))
)
NO_WAIT = Pacing(concurrency=100, per_second=10_000, jitter=timedelta(0))
HOUR = LogQuery(since=timedelta(hours=1))


@pytest.fixture
async def session(emulator: Emulator) -> AsyncIterator[Session]:
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as opened:
        yield opened


@pytest.fixture
async def hub(session: Session) -> AsyncIterator[LogHub]:
    async with LogHub(session, options=FAST, pacing=NO_WAIT) as running:
        yield running


async def received(hub: Any, count: int) -> None:
    """Wait until the hub has received so many entries; the test's timeout bounds it."""
    while hub.statistics().received < count:  # noqa: ASYNC110  -- the hub's state
        await asyncio.sleep(0.005)


async def test_one_connection_serves_all_subscribers(emulator: Emulator, hub: LogHub) -> None:
    """
    However many subscribe, an application is read once; entries come with their source.
    """
    application = emulator.add_application(history=30)
    async with hub.subscribe() as one, hub.subscribe() as other:
        source = hub.follow(emulator.owner_id, application.id, HOUR, throttle=Throttle.CLI)
        assert hub.follow(emulator.owner_id, application.id, HOUR) == source
        expected = emulator.produced_ids(application.id)
        for subscription in (one, other):
            got = [(await anext(subscription)) for _ in range(30)]
            assert [tagged.entry.id for tagged in got] == expected
            assert {tagged.source for tagged in got} == {source}
        assert source.application_id == str(source) == application.id
        assert len(emulator.connections) == 1
        (statistics,) = hub.statistics().sources
        assert statistics.state is SourceState.OPEN
        assert statistics.upstream is not None
        assert statistics.upstream.entries == 30
    hub.unfollow(source)
    await emulator.connections.wait_until(active=0)


async def test_what_is_held_of_a_log_is_bounded_by_its_bytes(
    emulator: Emulator, session: Session
) -> None:
    """
    A ring counts the bytes that its entries were received with, and drops what is too much.
    """
    text = "x" * 1000
    async with LogHub(session, ring_bytes=64 * 2**10, max_bytes=96 * 2**10) as hub:
        keys = [
            hub.follow(emulator.owner_id, emulator.add_application().id, throttle=Throttle.CLI)
            for _ in range(2)
        ]
        await emulator.connections.wait_until(active=2)
        async with hub.subscribe() as stuck, hub.subscribe() as live:
            for number in range(300):
                emulator.publish(keys[number % 2].application_id, text)
                await anext(live)
            statistics = hub.statistics()
            assert live.statistics().missed == 0
            held = sum(one.held for one in statistics.sources)
            assert stuck.lag == held
            assert stuck.statistics().missed == 300 - held
            assert statistics.held_bytes == sum(one.held_bytes for one in statistics.sources)
            # Beside the text, an entry of the emulator has some 700 bytes in 14 fields.
            assert 1000 * held < statistics.held_bytes <= 96 * 2**10
            assert all(one.held_bytes <= 64 * 2**10 for one in statistics.sources)
            upstream: Any = [one.upstream for one in statistics.sources]
            assert sum(one.bytes for one in upstream) > 300 * 1000


async def test_each_query_has_its_own_connection(emulator: Emulator, hub: LogHub) -> None:
    """
    The same application with two queries is two sources.
    """
    application = emulator.add_application()
    plain = hub.follow(emulator.owner_id, application.id)
    errors = hub.follow(emulator.owner_id, application.id, LogQuery(filter="error"))
    await emulator.connections.wait_until(active=2)
    assert hub.sources == (plain, errors)
    async with hub.subscribe(sources=[errors]) as filtered, hub.subscribe() as every:
        emulator.publish(application.id, "an error")
        assert (await anext(filtered)).source == errors
        assert {(await anext(every)).source for _ in range(2)} == {plain, errors}
    # By the application's id: both.
    async with hub.subscribe(sources=[application.id]) as both:
        emulator.publish(application.id, "another error")
        assert {(await anext(both)).source for _ in range(2)} == {plain, errors}


async def test_a_reconnection_is_a_notice_and_loses_nothing(
    emulator: Emulator, hub: LogHub
) -> None:
    """
    A cut connection is told to who asks, in its place, and every entry comes once.
    """
    application = emulator.add_application(history=40)
    emulator.faults.push(f.Cut(after_entries=10), f.Cut(after_entries=10))
    got: list[str | None] = []
    notices: list[Notice[LogSource]] = []
    async with hub.subscribe(overflow=Overflow.BLOCK) as subscription:
        hub.follow(emulator.owner_id, application.id, HOUR)
        async for item in subscription.items():
            if isinstance(item, Batch):
                got += [entry.id for entry in item]
            else:
                assert isinstance(item, Notice)
                notices.append(item)
            if len(got) == 40:
                break
    assert got == emulator.produced_ids(application.id)
    assert notices
    assert all(isinstance(notice.detail, Reconnection) for notice in notices)
    assert hub.statistics().notices == {"Reconnection": 2}


async def test_a_bad_entry_is_a_notice_and_the_log_goes_on(emulator: Emulator, hub: LogHub) -> None:
    """
    An entry that does not fit its model ends neither the source nor a subscription.
    """
    application = emulator.add_application(history=4)
    emulator.faults.push(f.Unparsable(every=2))
    entries, bad = 0, []
    async with hub.subscribe() as subscription:
        hub.follow(emulator.owner_id, application.id, HOUR)
        async for item in subscription.items():
            if isinstance(item, Batch):
                entries += len(item)
            elif isinstance(item, Notice):
                bad.append(item.detail)
            if entries == 4 and bad:
                break
    assert isinstance(bad[0], ResponseFormatError)
    assert bad[0].event is not None


async def test_a_fatal_refusal_is_not_retried_and_touches_nobody_else(emulator: Emulator) -> None:
    """
    A 404 reaches who follows that application; the others go on.
    """
    statuses: list[int] = []
    missing = emulator.add_application(behaviour="never_logged")
    present = emulator.add_application(history=1)
    async with (
        Session(
            ApiToken(emulator.token),
            base_url=emulator.url,
            on_response=lambda info: statuses.append(info.status),
        ) as session,
        LogHub(session, options=FAST, pacing=NO_WAIT) as hub,
        hub.subscribe() as subscription,
    ):
        failed = hub.follow(emulator.owner_id, missing.id)
        with pytest.raises(SourceFailedError, match=missing.id) as raised:
            await anext(subscription)
        assert isinstance(raised.value.__cause__, NotFoundError)
        hub.follow(emulator.owner_id, present.id, HOUR)
        assert (await anext(subscription)).source.application_id == present.id
        statistics = {one.source: one for one in hub.statistics().sources}
        assert statistics[failed].state is SourceState.FAILED
    assert statuses == [404, 200]


async def test_credentials_can_be_renewed_while_it_runs(emulator: Emulator) -> None:
    """
    A stream that is refused after a cut asks the credentials anew, and loses nothing.
    """
    asked = 0

    async def credentials() -> ApiToken:
        nonlocal asked
        asked += 1
        return ApiToken(emulator.token)

    application = emulator.add_application(history=20)
    emulator.faults.push(f.Cut(after_entries=5), f.Unauthorized())
    async with (
        Session(credentials, base_url=emulator.url) as session,
        LogHub(session, options=FAST, pacing=NO_WAIT) as hub,
        hub.subscribe() as subscription,
    ):
        hub.follow(emulator.owner_id, application.id, HOUR)
        got = [(await anext(subscription)).entry.id for _ in range(20)]
    assert got == emulator.produced_ids(application.id)
    assert asked == 2


async def test_a_token_that_expires_meanwhile_is_renewed_once_for_all(
    emulator: Emulator,
) -> None:
    """
    When the server no longer takes the token, a new one is asked for once, and every log goes on.
    """
    tokens = [emulator.token]

    def expire() -> None:
        tokens.append("a-new-token")
        emulator.state.authenticator._credentials = attrs.evolve(
            emulator.state.credentials, token=tokens[-1]
        )
        emulator.connections.abort_all()

    asked = 0
    statuses: Counter[int] = Counter()

    async def credentials() -> ApiToken:
        nonlocal asked
        asked += 1
        return ApiToken(tokens[-1])

    applications = [emulator.add_application(history=5) for _ in range(10)]
    async with (
        Session(
            credentials,
            base_url=emulator.url,
            on_response=lambda info: statuses.update([info.status]),
        ) as session,
        LogHub(session, options=FAST, pacing=NO_WAIT) as hub,
        hub.subscribe(overflow=Overflow.BLOCK) as subscription,
    ):
        for application in applications:
            hub.follow(emulator.owner_id, application.id, HOUR)
        got = defaultdict[str, list[Any]](list)

        async def read(count: int) -> None:
            for _ in range(count):
                source, entry, _ = await anext(subscription)
                got[source.application_id].append(entry.id)

        await read(50)
        await emulator.connections.wait_until(active=10)
        expire()
        for application in applications:
            emulator.publish(application.id, count=5)
        await read(50)
        assert {one.state for one in hub.statistics().sources} == {SourceState.OPEN}
    assert got == {one.id: emulator.produced_ids(one.id) for one in applications}
    assert asked == 2
    assert statuses[401] >= 1


async def test_a_refused_token_fails_the_source_until_it_is_followed_again(
    emulator: Emulator, hub: LogHub
) -> None:
    """
    A 401 that stays is fatal; once the cause is gone, following again works.
    """
    application = emulator.add_application(history=1)
    emulator.faults.push(f.Unauthorized())
    async with hub.subscribe() as subscription:
        hub.follow(emulator.owner_id, application.id, HOUR)
        item = await anext(subscription.items())
        assert isinstance(item, SourceFailed)
        assert isinstance(item.error, AuthenticationError)
        hub.follow(emulator.owner_id, application.id, HOUR)
        assert (await anext(subscription)).entry.id is not None


async def test_a_bounded_log_ends_its_subscription(emulator: Emulator, hub: LogHub) -> None:
    """
    A subscription to named sources that all have an end is a loop that ends, with the reason told.
    """
    applications = [emulator.add_application(history=5) for _ in range(3)]
    past = LogQuery(since=timedelta(hours=1), until=datetime.now(UTC) + timedelta(milliseconds=50))
    sources = [hub.follow(emulator.owner_id, one.id, past) for one in applications]
    async with hub.subscribe(sources=sources, start=Start.OLDEST) as subscription:
        items = [item async for item in subscription.items()]
    assert sum(len(item) for item in items if isinstance(item, Batch)) == 15
    ends = [item for item in items if isinstance(item, SourceEnded)]
    assert {end.source for end in ends} == set(sources)
    assert {end.reason for end in ends} == {"UNTIL_REACHED"}


async def test_on_demand_connects_with_the_first_subscriber(
    emulator: Emulator, hub: LogHub
) -> None:
    """
    A log followed with a linger time is connected only while somebody subscribes.
    """
    application = emulator.add_application()
    source = hub.follow(emulator.owner_id, application.id, linger=timedelta(0))
    async with hub.subscribe(sources=[source]):
        await emulator.connections.wait_until(active=1)
    await emulator.connections.wait_until(active=0)
    async with hub.subscribe(sources=[source]) as subscription:
        await emulator.connections.wait_until(opened=2, active=1)
        emulator.publish(application.id, "hello")
        assert (await anext(subscription)).entry.message == "hello"


async def test_ordered_puts_applications_by_date(emulator: Emulator, hub: LogHub) -> None:
    """
    Entries of several applications come by their dates, though each log arrived in one piece.
    """
    for _ in range(3):
        application = emulator.add_application(history=20, history_interval_s=0.1)
        hub.follow(emulator.owner_id, application.id, HOUR)
    await received(hub, 60)
    window = timedelta(milliseconds=20)
    async with hub.subscribe(start=Start.OLDEST, ordered=window) as subscription:
        got = [(await anext(subscription)) for _ in range(60)]
        assert subscription.statistics().late == 0
    dates = [tagged.entry.date for tagged in got]
    assert dates == sorted(dates)
    assert len({tagged.source for tagged in got[:6]}) == 3


async def test_connecting_is_paced(emulator: Emulator, session: Session) -> None:
    """
    No more connections are being made at once than allowed, also after a shared outage.
    """
    connecting = most = 0
    pacing = Pacing(concurrency=3, per_second=10_000, jitter=timedelta(milliseconds=1))
    async with LogHub(session, pacing=pacing, options=FAST) as hub:
        for number in range(20):
            application = emulator.add_application(f"app-{number}")
            hub.follow(emulator.owner_id, application.id)
        pacer = hub._pacer
        original = pacer._slots.acquire

        async def acquire() -> bool:
            nonlocal connecting, most
            result = await original()
            connecting = 3 - pacer._slots._value
            most = max(most, connecting)
            return bool(result)

        pacer._slots.acquire = acquire  # type: ignore[method-assign]
        await emulator.connections.wait_until(active=20)
        assert most == 3
        most = 0
        emulator.connections.abort_all()
        await emulator.connections.wait_until(opened=40, active=20)
        assert most == 3


async def test_drain_closes_every_connection(emulator: Emulator, hub: LogHub) -> None:
    """
    After a drain the subscriber has what was received, and no connection is left.
    """
    for _ in range(5):
        application = emulator.add_application(history=50)
        hub.follow(emulator.owner_id, application.id, HOUR)
    got = 0
    async with hub.subscribe(start=Start.OLDEST, overflow=Overflow.BLOCK) as subscription:
        await received(hub, 250)

        async def consume() -> None:
            nonlocal got
            async for batch in subscription.batches():
                got += len(batch)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(consume())
            report = await hub.drain()
    assert report.is_complete
    assert got == 250
    await emulator.connections.wait_until(active=0)


@pytest.mark.parametrize("milliseconds", [0, 3, 10, 30, 80, 200])
async def test_cancellation_leaves_no_connection_and_no_task(
    emulator: Emulator, session: Session, milliseconds: int
) -> None:
    """
    Cancelled while connecting, reading or draining, the hub leaves nothing behind.
    """
    applications = [emulator.add_application(history=200) for _ in range(10)]
    before = asyncio.all_tasks()

    async def own() -> None:
        async with LogHub(session, ring=16) as hub, hub.subscribe() as subscription:
            for application in applications:
                hub.follow(emulator.owner_id, application.id, HOUR)
            async for _ in subscription:
                await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(milliseconds / 1000):
            await own()
    await emulator.connections.wait_until(active=0)
    left = {task for task in asyncio.all_tasks() - before if "clever_v4" in repr(task.get_coro())}
    left = {task for task in left if "emulator" not in repr(task) and "aiohttp" not in repr(task)}
    assert left == set()
    assert session.open_stream_count == 0


async def test_addons_and_accesses_have_hubs_of_their_own(
    emulator: Emulator, session: Session
) -> None:
    """
    The same hub serves the logs of add-ons and access logs, typed as such.
    """
    addon = emulator.add_addon(history=3)
    application = emulator.add_application()
    async with (
        AddonLogHub(session, pacing=NO_WAIT) as addons,
        AccessLogHub(session, pacing=NO_WAIT) as accesses,
        addons.subscribe() as addon_entries,
        accesses.subscribe() as access_entries,
    ):
        addons.follow(emulator.owner_id, addon.real_id, HOUR)
        accesses.follow(emulator.owner_id, application.id)
        assert (await anext(addon_entries)).entry.resource_id == addon.real_id
        await emulator.connections.wait_until(active=2)
        emulator.publish(application.id, access=True)
        assert (await anext(access_entries)).entry.application_id == application.id


async def test_what_cannot_be_meant_is_refused_at_once(hub: LogHub) -> None:
    """
    Bad ids, queries and sources are errors where they are given, not in a task.
    """
    with pytest.raises(ValueError, match="resource_id"):
        hub.follow("orga_1", "..")
    with pytest.raises(TypeError, match="throttle"):
        hub.follow("orga_1", "app_1", throttle=100)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'app_1' is not"):
        hub.subscribe(sources=["app_1"])
    with pytest.raises(TypeError, match="keys or a predicate"):
        hub.subscribe(sources="app_1")
    with pytest.raises(ValueError, match="ordered must be positive"):
        hub.subscribe(ordered=timedelta(0))
    assert hub.sources == ()


async def test_a_filter_is_one_for_all_who_made_it_alike(emulator: Emulator, hub: LogHub) -> None:
    """
    Subscribers with equal ready-made filters are handed the same batch.
    """
    application = emulator.add_application()
    hub.follow(emulator.owner_id, application.id)
    await emulator.connections.wait_until(active=1)
    async with (
        hub.subscribe(where=containing("Needle")) as one,
        hub.subscribe(where=containing("Needle")) as other,
    ):
        emulator.publish(application.id, "hay")
        emulator.publish(application.id, "the needle")
        batch = await anext(one.batches())
        assert [entry.message for entry in batch] == ["the needle"]
        assert await anext(other.batches()) is batch
