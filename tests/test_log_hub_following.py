"""
What a web application and a program that is restarted need of the hub, over the emulator.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest

from clever_v4 import ApiToken, Cursor, LogHub, LogQuery, Session
from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f
from clever_v4.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NotFoundError,
    SourceTimeoutError,
)
from clever_v4.fanout.items import Overflow
from clever_v4.fanout.options import Start
from clever_v4.fanout.pacing import Pacing
from clever_v4.streaming.policy import Reconnect, StreamOptions

PATIENT = StreamOptions(
    reconnect=Reconnect(
        initial=timedelta(milliseconds=1), max_delay=timedelta(milliseconds=5), first_attempts=None
    )
)
NO_WAIT = Pacing(concurrency=100, per_second=10_000, jitter=timedelta(0))
HOUR = LogQuery(since=timedelta(hours=1))
LINGER = timedelta(milliseconds=1)


@pytest.fixture
async def session(emulator: Emulator) -> AsyncIterator[Session]:
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as opened:
        yield opened


@pytest.fixture
async def hub(session: Session) -> AsyncIterator[LogHub]:
    async with LogHub(session, options=PATIENT, pacing=NO_WAIT) as running:
        yield running


async def test_a_mistyped_id_is_told_before_anything_is_sent_and_stays_nowhere(
    emulator: Emulator, hub: LogHub
) -> None:
    """
    What a web endpoint does: follow what the URL names, and answer 404 where it is not there.
    """
    for number in range(10):
        source = hub.follow(emulator.owner_id, f"app_{number}", linger=LINGER, forget=True)
        with pytest.raises(NotFoundError) as caught:
            await hub.connected(source)
        assert caught.value.status == 404
        assert caught.value.request_id is not None
    while hub.sources:  # noqa: ASYNC110  -- the hub's state
        await asyncio.sleep(0.001)
    assert hub.statistics().sources == ()


async def test_a_log_that_is_there_is_read_over_the_same_connection(
    emulator: Emulator, hub: LogHub
) -> None:
    """
    The connection that told that it is there is the one that is then read.
    """
    application = emulator.add_application(history=3)
    owner, minute = emulator.owner_id, timedelta(minutes=1)
    source = hub.follow(owner, application.id, HOUR, linger=minute, forget=True)
    await hub.connected(source)
    async with hub.subscribe(sources=[source], start=Start.OLDEST) as subscription:
        got = [(await anext(subscription)).entry.id for _ in range(3)]
    assert got == emulator.produced_ids(application.id)
    assert len(emulator.connections) == 1


async def test_refused_credentials_are_told_as_what_they_are(emulator: Emulator) -> None:
    """
    Any refusal is raised as the error that it is.
    """
    async with Session(ApiToken("wrong"), base_url=emulator.url) as session, LogHub(session) as hub:
        source = hub.follow(emulator.owner_id, emulator.add_application().id)
        with pytest.raises(AuthenticationError):
            await hub.connected(source)


async def test_a_server_that_cannot_be_reached_is_told_with_its_cause(
    emulator: Emulator, hub: LogHub
) -> None:
    """
    The stream goes on trying; who waits is told in time, and why it is not there yet.
    """
    application = emulator.add_application()
    emulator.faults.push(*[f.Disconnect()] * 2_000)
    source = hub.follow(emulator.owner_id, application.id)
    with pytest.raises(SourceTimeoutError, match=application.id) as caught:
        await hub.connected(source, timeout=timedelta(seconds=0.2))
    assert isinstance(caught.value.__cause__, ConnectionFailedError)
    assert caught.value.source == source


async def test_a_log_goes_on_after_a_cursor_of_another_process(
    emulator: Emulator, session: Session, hub: LogHub
) -> None:
    """
    What an earlier stream had finished with does not come again, and nothing after it is missing.
    """
    application = emulator.add_application(history=20)
    async with session.logs.stream(emulator.owner_id, application.id, HOUR) as stream:
        async for _ in stream:
            if stream.statistics().entries and stream.cursor.entry_count == 7:
                break
        kept = str(stream.cursor)
    async with hub.subscribe() as subscription:
        hub.follow(emulator.owner_id, application.id, HOUR, resume_from=Cursor.parse(kept))
        got = [(await anext(subscription)).entry.id for _ in range(13)]
    assert got == emulator.produced_ids(application.id)[7:]


async def test_a_cursor_counts_for_the_first_connection_only(
    emulator: Emulator, hub: LogHub
) -> None:
    """
    A log that is connected on demand begins again as its query says, not at an old cursor.
    """
    application = emulator.add_application(history=5)
    ids = emulator.produced_ids(application.id)
    source = hub.follow(
        emulator.owner_id,
        application.id,
        HOUR,
        linger=timedelta(0),
        resume_from=Cursor(last_event_id=ids[2]),
    )
    got = []
    for number, count in enumerate((2, 5), start=1):
        async with hub.subscribe(sources=[source]) as subscription:
            got.append([(await anext(subscription)).entry.id for _ in range(count)])
        await emulator.connections.wait_until(opened=number, active=0)
    assert got == [ids[3:], ids]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("seed", range(4))
async def test_a_program_that_is_killed_and_started_again_stores_each_entry_once(
    emulator: Emulator, session: Session, seed: int, ordered: bool
) -> None:
    """
    Entries and the cursors of their sources are stored together; hubs come and go meanwhile.
    """
    random = Random(seed)
    applications = [emulator.add_application(history=random.randint(0, 60)) for _ in range(3)]
    stored: dict[str, list[str | None]] = {one.id: [] for one in applications}
    cursors: dict[str, str] = {}

    async def run(lives: int) -> None:
        """Store so many chunks, then die with one at hand."""
        async with LogHub(session, options=PATIENT, pacing=NO_WAIT) as hub:
            for one in applications:
                kept = Cursor.parse(cursors[one.id]) if one.id in cursors else None
                hub.follow(emulator.owner_id, one.id, HOUR, resume_from=kept)
            async with hub.subscribe(
                overflow=Overflow.BLOCK,
                start=Start.OLDEST,
                ordered=timedelta(milliseconds=1) if ordered else False,
            ) as subscription:
                wait = timedelta(milliseconds=1)
                async for chunk in subscription.chunks(size=random.randint(1, 20), wait=wait):
                    if not lives:
                        return
                    lives -= 1
                    moved = {tagged.source for tagged in chunk}
                    for source, cursor in subscription.source_cursors(chunk.cursor, moved).items():
                        cursors[source.resource_id] = str(cursor)
                    for tagged in chunk:
                        stored[tagged.source.resource_id].append(tagged.entry.id)
                    if sum(map(len, stored.values())) == total:
                        return

    for _ in range(6):
        emulator.faults.push(f.Cut(after_entries=random.randint(1, 9)), f.RepeatLast(count=3))
        for one in applications:
            for _ in range(random.randint(0, 5)):
                emulator.publish(one.id, "more")
        total = sum(len(emulator.produced_ids(one.id)) for one in applications)
        if sum(map(len, stored.values())) < total:
            await run(random.randint(0, 4))
    emulator.publish(applications[0].id, "the last")
    total = sum(len(emulator.produced_ids(one.id)) for one in applications)
    await run(10_000)
    assert stored == {one.id: emulator.produced_ids(one.id) for one in applications}


async def test_a_quiet_log_goes_on_at_the_moment_when_it_was_connected(
    emulator: Emulator, session: Session
) -> None:
    """
    What is logged while no process runs is there when the next one begins, also without a first id.
    """
    application = emulator.add_application()
    async with LogHub(session) as hub, hub.subscribe() as subscription:
        source = hub.follow(emulator.owner_id, application.id)
        assert subscription.source_cursors() == {}
        await hub.connected(source)
        kept = subscription.source_cursors()[source]
        assert kept.since is not None
    emulator.publish(application.id, "meanwhile")
    async with LogHub(session) as hub, hub.subscribe() as subscription:
        hub.follow(emulator.owner_id, application.id, resume_from=kept)
        assert (await anext(subscription)).entry.message == "meanwhile"
