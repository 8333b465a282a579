"""
What users' type checkers see of log streams; checked by mypy and pyright, never run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from clever_v4 import (
    AccessLogEntry,
    AccessLogKind,
    AddonLogEntry,
    Chunk,
    Cursor,
    EventStream,
    LogEntry,
    LogQuery,
    LogStream,
    MessageEvent,
    RawEntry,
    Reconnect,
    Reconnection,
    ResponseFormatError,
    Session,
    StreamOptions,
    StreamState,
    StreamStatistics,
    Throttle,
    is_transient,
)


def note(reconnection: Reconnection) -> None:
    assert_type(reconnection.delay, timedelta)
    assert_type(reconnection.cause, Exception)


def note_bad(error: ResponseFormatError) -> None:
    assert_type(error.paths, tuple[str, ...])


def decide(error: Exception) -> bool:
    return is_transient(error)


async def application_logs(session: Session) -> None:
    query = LogQuery(since=timedelta(hours=1), until=datetime.now(UTC), limit=10, services=("all",))
    throttle = Throttle(elements=2_000, per=timedelta(milliseconds=100))
    async with session.logs.stream("orga_1", "app_1", query, throttle=throttle) as stream:
        assert_type(stream, LogStream[LogEntry])
        async for entry in stream:
            assert_type(entry, LogEntry)
            assert_type(entry.message, str | None)
            assert_type(entry.date, datetime | None)
        assert_type(await anext(stream), LogEntry)
        assert_type(stream.state, StreamState)
        assert_type(stream.ended_by, str | None)
        assert_type(stream.statistics(), StreamStatistics)
        cursor = stream.cursor
        assert_type(cursor, Cursor)
    options = StreamOptions(reconnect=Reconnect(attempts=3, is_transient=decide), compress=True)
    async for entry in session.logs.stream(
        "orga_1",
        "app_1",
        resume_from=cursor,
        options=options,
        on_reconnection=note,
        on_bad_entry=note_bad,
    ):
        assert_type(entry, LogEntry)


async def views(session: Session) -> None:
    async for batch in session.logs.stream("orga_1", "app_1").batches():
        assert_type(batch, list[LogEntry])
        takes_entries(batch)
    async with session.logs.stream("orga_1", "app_1").events() as events:
        async for event in events:
            assert_type(event, MessageEvent)
            assert_type(event.type, str)
            assert_type(event.message, str)
            assert_type(event.data, str)
            assert_type(event.origin, str)
            assert_type(event.last_event_id, str)
            takes_text(event.data)
    async with session.logs.stream("orga_1", "app_1") as stream:
        async for batch in stream.batches(max_entries=500, max_wait=timedelta(seconds=1)):
            assert_type(batch, list[LogEntry])
        async for chunk in stream.chunks(size=500, wait=timedelta(seconds=1)):
            assert_type(chunk, Chunk[LogEntry, Cursor])
            assert_type(chunk[0], LogEntry)
            assert_type(chunk[1:], tuple[LogEntry, ...])
            assert_type(chunk.cursor, Cursor)
            takes_entries(chunk)
        async for raw in stream.raw_batches():
            assert_type(raw, list[RawEntry])
            assert_type(raw[0].id, str | None)
            assert_type(raw[0].data, bytes)


async def other_logs(session: Session) -> None:
    async for addon_entry in session.logs.addon_stream("orga_1", "postgresql_1"):
        assert_type(addon_entry, AddonLogEntry)
    async for access in session.logs.access_stream("orga_1", "app_1"):
        assert_type(access, AccessLogEntry)
        assert_type(access.kind, AccessLogKind)


async def generators(session: Session) -> None:
    # A stream is what the standard library takes an asynchronous generator for.
    async with aclosing(session.logs.stream("orga_1", "app_1")) as closing:
        takes_generator(closing)
        takes_iterator(closing)
    async with aclosing(session.logs.stream("orga_1", "app_1").batches()) as batches:
        async for batch in batches:
            takes_entries(batch)


def takes_text(_text: str) -> None: ...


def takes_entries(_entries: Sequence[LogEntry]) -> None: ...


def takes_generator(_entries: AsyncGenerator[LogEntry, None]) -> None: ...


def takes_iterator(_entries: AsyncIterator[LogEntry]) -> None: ...


async def any_event_stream(session: Session) -> None:
    assert_type(session.stream("/v4/any"), EventStream[Any])
    typed = session.stream("/v4/any", event="APPLICATION_LOG", model=LogEntry)
    assert_type(typed, EventStream[LogEntry])
    async for entry in typed:
        assert_type(entry, LogEntry)
    assert_type(session.stream("/v4/any", model=list[LogEntry]), EventStream[list[LogEntry]])
