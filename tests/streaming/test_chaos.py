"""
Random faults over the emulator: nothing lost, nothing doubled, order kept, nothing left open.

Each case is a function of its seed, so that a failure can be run again alone:
``pytest tests/streaming/test_chaos.py -k "seed17-"``.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from clever_v4.api.logs import LogEntry, LogQuery, LogStream, Throttle
from clever_v4.auth import ApiToken
from clever_v4.emulator import Application, Emulator
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions
from clever_v4.streaming.resume import Cursor

pytestmark = pytest.mark.slow

HISTORY = 150
LONG_AGO = timedelta(days=1)
IMPATIENT = StreamOptions(
    heartbeat_timeout=timedelta(milliseconds=150),
    reconnect=Reconnect(
        initial=timedelta(milliseconds=1),
        max_delay=timedelta(milliseconds=5),
        first_attempts=None,
    ),
)
STALL_S = 0.3


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(seed=7, demo=False, heartbeat_s=0.04) as running:
        yield running


@pytest_asyncio.fixture
async def session(emulator: Emulator) -> AsyncIterator[Session]:
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as opened:
        yield opened


class Case:
    """One application under random faults, and how its log is read."""

    def __init__(self, emulator: Emulator, session: Session, seed: int) -> None:
        self.draw = random.Random(f"case {seed}")
        self.session = session
        self.emulator = emulator
        self.application = _application(emulator, seed)
        self.ids = emulator.produced_ids(self.application.id)
        emulator.faults.random(seed, stall_s=STALL_S if seed % 5 == 0 else None)

    def open(self, query: LogQuery, cursor: Cursor | None = None) -> LogStream[LogEntry]:
        return self.session.logs.stream(
            self.emulator.owner_id,
            self.application.id,
            query,
            throttle=Throttle.CONSOLE,
            options=IMPATIENT,
            resume_from=cursor,
        )

    async def read(self, stream: LogStream[LogEntry], stop_after: int | None = None) -> list[str]:
        """Read to the end, or to the entry after which the reader stops; by entry or by batch."""
        ids: list[str] = []
        async with stream:
            if self.draw.random() < 0.5:
                async for entry in stream:
                    ids.append(entry.id or "")
                    if len(ids) == stop_after:
                        break
                    if self.draw.random() < 0.02:
                        await asyncio.sleep(0.002)
            else:
                async for batch in stream.batches():
                    ids += [entry.id or "" for entry in batch]
                    if stop_after is not None and len(ids) >= stop_after:
                        break
        return ids


def _application(emulator: Emulator, seed: int) -> Application:
    return emulator.add_application(
        f"chaos-{seed}", history=HISTORY, services=("bas.service",), history_interval_s=1
    )


@pytest.mark.parametrize("seed", range(100), ids="seed{}-".format)
async def test_an_unlimited_stream_keeps_every_entry(
    emulator: Emulator, session: Session, seed: int
) -> None:
    """
    A live stream that began in the past gives all history and what is published while it runs.
    """
    case = Case(emulator, session, seed)
    published = case.draw.randrange(1, 40)
    stream = case.open(LogQuery(since=LONG_AGO))
    expected = len(case.ids) + published

    async def publish() -> None:
        for _ in range(published):
            case.ids += emulator.publish(case.application.id)
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
        ids = await case.read(stream, stop_after=expected)
    assert ids == case.ids
    await emulator.connections.wait_until(active=0)


@pytest.mark.parametrize("seed", range(1000, 1100), ids="seed{}-".format)
async def test_a_limited_stream_keeps_the_first_entries(
    emulator: Emulator, session: Session, seed: int
) -> None:
    """
    The limit counts over all connections, and the stream ends by itself.
    """
    case = Case(emulator, session, seed)
    limit = case.draw.randrange(1, HISTORY + 1)
    stream = case.open(LogQuery(since=LONG_AGO, limit=limit))
    assert await case.read(stream) == case.ids[:limit]
    assert stream.ended_by == "LIMIT_REACHED"
    await emulator.connections.wait_until(active=0)
    mine = [one for one in emulator.connections if case.application.id in one.path]
    assert "0" not in [dict(one.query)["limit"] for one in mine]


@pytest.mark.parametrize("seed", range(2000, 2100), ids="seed{}-".format)
async def test_a_bounded_stream_keeps_all_up_to_its_end(
    emulator: Emulator, session: Session, seed: int
) -> None:
    """
    With until in the past the stream gives all up to then, and ends by itself.
    """
    case = Case(emulator, session, seed)
    stream = case.open(LogQuery(since=LONG_AGO, until=datetime.now(UTC)))
    assert await case.read(stream) == case.ids
    assert stream.ended_by == "UNTIL_REACHED"
    await emulator.connections.wait_until(active=0)


@pytest.mark.parametrize("seed", range(3000, 3050), ids="seed{}-".format)
async def test_a_process_that_dies_goes_on_where_it_was(
    emulator: Emulator, session: Session, seed: int
) -> None:
    """
    A reader stopped at any entry goes on from its cursor's text: the entry at hand comes again.
    """
    case = Case(emulator, session, seed)
    seen: list[str] = []
    cursor: Cursor | None = None
    query = LogQuery(since=LONG_AGO, until=datetime.now(UTC))
    while True:
        stream = case.open(query, cursor)
        stop = case.draw.randrange(1, 60)
        ids: list[str] = []
        async with stream:
            async for entry in stream:
                ids.append(entry.id or "")
                if len(ids) == stop:
                    break
            cursor = Cursor.parse(str(stream.cursor))
        if stream.ended_by != "CLOSED":
            seen += ids
            break
        # The last one was at hand when the reader stopped, so it was not finished.
        seen += ids[:-1]
    assert seen == case.ids
    assert cursor.entry_count == len(case.ids)


@pytest.mark.parametrize("seed", range(4000, 4050), ids="seed{}-".format)
async def test_a_cancelled_reader_leaves_nothing(
    emulator: Emulator, session: Session, seed: int
) -> None:
    """
    Cancelled at any moment, a reader leaves no task and no open connection.
    """
    case = Case(emulator, session, seed)
    before = asyncio.all_tasks()
    reader = asyncio.create_task(case.read(case.open(LogQuery(since=LONG_AGO))))  # noqa: TID251 -- awaited below
    await asyncio.sleep(case.draw.random() * 0.05)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await emulator.connections.wait_until(active=0)
    clients = {
        task for task in asyncio.all_tasks() - before if "clever_v4" in repr(task.get_coro())
    }
    assert clients == set()
