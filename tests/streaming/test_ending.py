"""
The stream ends when it should: at its bounds, settled, never logged.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import attrs
import pytest

from clever_v4.api.logs import LogQuery, LogStream
from clever_v4.emulator import Emulator, faults
from clever_v4.errors import (
    NotFoundError,
)
from clever_v4.session import Session
from clever_v4.streaming.resume import EndedBy

from .support import DAY, OPTIONS, bounded, open_stream, take


async def test_the_server_ends_a_bounded_stream(session: Session, emulator: Emulator) -> None:
    """
    END_OF_STREAM ends it with the server's reason; until then there is none.
    """
    stream, _ = open_stream(session, emulator, bounded(), history=5)
    async with stream:
        reasons = [stream.ended_by async for _ in stream]
    assert reasons == [None] * 5
    assert stream.ended_by == EndedBy.UNTIL_REACHED


async def test_a_quiet_bounded_stream_settles(session: Session, emulator: Emulator) -> None:
    """
    Where heartbeats come for ever, a bounded stream ends after the settle time without an entry.
    """
    stream, app = open_stream(session, emulator, bounded(), history=5, behaviour="quiet")
    async with stream:
        ids = [entry.id async for entry in stream]
    assert ids == emulator.produced_ids(app)
    assert stream.ended_by == EndedBy.SETTLED
    assert stream.statistics().heartbeats > 0


async def test_the_settle_time_does_not_run_while_the_consumer_works(
    session: Session, emulator: Emulator
) -> None:
    """
    A consumer slower than the settle time loses nothing of what comes later.
    """
    stream, app = open_stream(session, emulator, bounded(), history=5, behaviour="quiet")
    emulator.faults.push(faults.HeartbeatsOnly(after_entries=3, seconds=0.1))
    ids: list[str | None] = []
    async with stream:
        async for entry in stream:
            ids.append(entry.id)
            await asyncio.sleep(0.25)
    assert ids == emulator.produced_ids(app)


async def test_an_entry_later_than_until_ends_the_stream(
    session: Session, emulator: Emulator
) -> None:
    """
    A server that sends past the end does not make a bounded stream endless.
    """
    dates = ["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z", "2026-01-01T00:00:09Z"]
    data = tuple(json.dumps({"id": str(n), "date": date}) for n, date in enumerate(dates))
    until = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
    for view in ("entries", "events"):
        stream, app = open_stream(session, emulator, LogQuery(since=until - DAY, until=until))
        del app
        emulator.faults.push(faults.Unparsable(every=1, data=data))
        stream, _ = open_stream(
            session,
            emulator,
            LogQuery(since=until - DAY, until=datetime.now(UTC)),
            history=30,
        )
        # The query's end is told to the stream alone: the server is to send past it.
        subject = attrs.evolve(stream._subject, until=until)
        stream = LogStream(subject, options=OPTIONS)
        async with stream:
            if view == "entries":
                late = [entry async for entry in stream if entry.date and entry.date > until]
            else:
                late = [
                    event
                    async for event in stream.events()
                    if datetime.fromisoformat(json.loads(event.data)["date"]) > until
                ]
        assert late == []
        assert stream.ended_by == EndedBy.UNTIL_REACHED


async def test_a_bounded_stream_of_nothing_is_empty(session: Session, emulator: Emulator) -> None:
    """
    404 "Partitioned Topic not found" is an empty log where the stream is bounded.
    """
    stream, _ = open_stream(session, emulator, bounded(), behaviour="never_logged")
    assert [entry async for entry in stream] == []
    assert stream.ended_by == EndedBy.NEVER_LOGGED


async def test_a_live_stream_of_nothing_is_not_found(session: Session, emulator: Emulator) -> None:
    """
    A live stream raises, before its first entry.
    """
    stream, _ = open_stream(session, emulator, None, behaviour="never_logged")
    with pytest.raises(NotFoundError, match="Partitioned Topic not found"):
        async with stream:
            pass  # pragma: no cover -- entering raises


async def test_a_live_stream_may_wait_for_the_first_log(
    session: Session, emulator: Emulator
) -> None:
    """
    Told to wait, it goes on when the application logs, from its very first entry.
    """
    options = attrs.evolve(OPTIONS, wait_for_first_log=True)
    stream, app = open_stream(session, emulator, None, history=5, options=options)
    emulator.faults.push(*[faults.NotFound()] * 10)
    async with stream:
        assert await take(stream, 5) == emulator.produced_ids(app)
    assert len(emulator.connections) == 11


async def test_another_404_is_never_an_empty_log(session: Session, emulator: Emulator) -> None:
    """
    Only the words of an application that never logged mean an empty log.
    """
    stream, _ = open_stream(session, emulator, bounded(), history=3)
    emulator.faults.push(faults.NotFound(error="No such organisation"))
    with pytest.raises(NotFoundError, match="No such organisation"):
        await anext(stream)
