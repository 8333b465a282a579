"""
What the stream hands over: bad entries, unknown and raw events, statistics.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from aiohttp_sse_client.client import MessageEvent

from clever_v4.api.logs import LogEntry, LogQuery, LogStream
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator, faults
from clever_v4.errors import (
    ResponseFormatError,
)
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions
from clever_v4.streaming.resume import EndedBy
from clever_v4.streaming.subject import StreamStatistics

from .support import DAY, bounded, open_stream, take


async def test_a_bad_entry_is_raised_and_the_stream_goes_on(
    session: Session, emulator: Emulator
) -> None:
    """
    The error carries the raw event and the path, and iterating again goes on after the entry.
    """
    stream, app = open_stream(session, emulator, bounded(), history=20)
    emulator.faults.push(
        faults.Unparsable(every=5, replace=True, data=('{"id":5,"date":"soon"}', "{not JSON"))
    )
    good: list[str | None] = []
    errors: list[ResponseFormatError] = []
    async with stream:
        while True:
            try:
                async for entry in stream:
                    good.append(entry.id)  # noqa: PERF401 -- those before an error count
                break
            except ResponseFormatError as error:
                errors.append(error)
                assert stream.cursor.last_event_id == error.event.last_event_id  # noqa: PT017 -- the loop goes on after it
    ids = emulator.produced_ids(app)
    bad = [error.event.last_event_id for error in errors]
    assert sorted([*good, *bad], key=ids.index) == ids
    assert good == [one for one in ids if one not in bad]
    assert {error.paths for error in errors} == {("$.id", "$.date"), ()}
    assert errors[0].event.data == '{"id":5,"date":"soon"}'
    assert errors[0].request_id is not None
    assert stream.statistics().entries == 20


async def test_bad_entries_may_go_to_a_handler(session: Session, emulator: Emulator) -> None:
    """
    With a handler the loop sees the good entries only, in order.
    """
    errors: list[ResponseFormatError] = []
    stream, app = open_stream(session, emulator, bounded(), history=20, on_bad_entry=errors.append)
    emulator.faults.push(faults.Unparsable(every=3))
    assert [entry.id async for entry in stream] == emulator.produced_ids(app)
    assert len(errors) > 3
    assert stream.ended_by == EndedBy.UNTIL_REACHED


async def test_raw_events_keep_what_entries_leave_out(session: Session, emulator: Emulator) -> None:
    """
    `events()` gives MessageEvents, those of unknown names among them, no heartbeats.
    """
    stream, app = open_stream(session, emulator, bounded(), history=10)
    emulator.faults.push(
        (faults.UnknownEvents(every=3), faults.HeartbeatIds(every=2), faults.Cut(after_entries=6)),
        faults.RepeatLast(count=3),
    )
    async with stream:
        events = [event async for event in stream.events()]
    assert all(type(event) is MessageEvent for event in events)
    logs = [event for event in events if event.type == "APPLICATION_LOG"]
    assert [event.last_event_id for event in logs] == emulator.produced_ids(app)
    assert [json.loads(event.data) for event in logs] == emulator.produced(app)
    assert {event.type for event in events} == {"APPLICATION_LOG", "NOTICE"}
    assert {event.origin for event in events} == {emulator.url}
    assert stream.cursor.entry_count == 10


async def test_unknown_events_are_no_entries(session: Session, emulator: Emulator) -> None:
    """
    An event of another name is not structured and does not count towards the limit.
    """
    stream, app = open_stream(session, emulator, LogQuery(since=DAY, limit=8), history=10)
    emulator.faults.push(faults.UnknownEvents(every=1))
    assert [entry.id async for entry in stream] == emulator.produced_ids(app)[:8]


async def test_statistics_are_a_frozen_value(session: Session, emulator: Emulator) -> None:
    """
    What the stream did so far, as numbers that do not change under the reader.
    """
    stream, _ = open_stream(session, emulator, history=10)
    before = stream.statistics()
    assert (before.entries, before.bytes, before.last_contact, before.lag) == (0, 0, None, None)
    async with stream:
        await take(stream, 10)
        statistics = stream.statistics()
        assert statistics.entries == 10
        assert statistics.bytes > 1000
        assert statistics.last_contact is not None
        assert abs(datetime.now(UTC) - statistics.last_contact) < timedelta(seconds=2)
        assert statistics.lag is not None
        assert statistics.lag > timedelta(0)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            statistics.entries = 11  # type: ignore[misc]  # it is frozen


def test_the_default_options_are_the_documented_ones() -> None:
    """
    The defaults are part of the promise.
    """
    options = StreamOptions()
    assert options.heartbeat_timeout == timedelta(seconds=10)
    assert options.settle_time == timedelta(seconds=16)
    assert options.max_event_bytes == 16 * 1024 * 1024
    assert not options.compress
    assert not options.wait_for_first_log
    assert options.reconnect == Reconnect(attempts=None, first_attempts=6)


def test_statistics_may_be_asked_for_after_the_loop_has_ended() -> None:
    """
    When the last bytes and the newest entry came does not change by that.
    """

    async def read() -> tuple[LogStream[LogEntry], StreamStatistics]:
        async with (
            Emulator(demo=False) as emulator,
            Session(ApiToken(emulator.token), base_url=emulator.url) as session,
        ):
            stream, _ = open_stream(session, emulator, history=10)
            async with stream:
                await take(stream, 10)
            return stream, stream.statistics()

    stream, within = asyncio.run(read())
    after = stream.statistics()
    assert after.entries == within.entries == 10
    assert within.last_contact is not None
    assert after.last_contact is not None
    assert within.lag is not None
    assert after.lag is not None
    assert abs(after.last_contact - within.last_contact) < timedelta(milliseconds=50)
    assert abs(after.lag - within.lag) < timedelta(milliseconds=50)


def test_statistics_of_a_stream_that_was_never_opened_need_no_loop() -> None:
    """
    There is nothing to tell, and that is told.
    """

    async def make() -> LogStream[LogEntry]:
        async with Session(base_url="http://127.0.0.1:9") as session:
            return session.logs.stream("orga_1", "app_1")

    statistics = asyncio.run(make()).statistics()
    assert (statistics.entries, statistics.last_contact, statistics.lag) == (0, None, None)
