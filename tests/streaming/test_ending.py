"""
The stream ends when it should: at its bounds, settled, never logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from clever_v4.api.logs import LogEntry, LogQuery, LogStream
from clever_v4.emulator import Emulator, faults
from clever_v4.errors import (
    NotFoundError,
)
from clever_v4.session import Session
from clever_v4.streaming.resume import EndedBy

from .support import (
    DAY,
    END,
    HEARTBEAT,
    OPTIONS,
    Wire,
    bounded,
    by_hand,
    entry,
    open_stream,
    take,
)


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
    emulator.faults.push(faults.HeartbeatsOnly(after_entries=3, seconds=0.2))
    ids: list[str | None] = []
    async with stream:
        async for entry in stream:
            if not ids:
                await asyncio.sleep(1.1)
            ids.append(entry.id)
    assert ids == emulator.produced_ids(app)


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


UNTIL = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
PAST = LogQuery(since=UNTIL - DAY, until=UNTIL)


def dated(number: int, *, late: bool = False) -> bytes:
    return entry(number, UNTIL + timedelta(milliseconds=1 if late else 0))


VIEWS: dict[str, tuple[Callable[[LogStream[LogEntry]], AsyncIterator[Any]], Callable[[Any], Any]]]
VIEWS = {
    "entries": (lambda stream: stream, lambda one: [one.id]),
    "batches": (LogStream.batches, lambda batch: [one.id for one in batch]),
    "chunks": (LogStream.chunks, lambda batch: [one.id for one in batch]),
    "raw batches": (LogStream.raw_batches, lambda batch: [one.id for one in batch]),
    "events": (
        LogStream.events,
        lambda event: [event.last_event_id] if event.type == "APPLICATION_LOG" else [],
    ),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_entry_later_than_until_is_left_out_and_reading_goes_on(
    view: str, at_once: bool
) -> None:
    """
    Partitions are in order within each only: after a late entry others come that are not late.
    """
    make, ids_of = VIEWS[view]
    notice = b'event: NOTICE\ndata: {"date":"2030-01-01T00:00:00Z"}\n\n'
    sent = [dated(1), dated(2), dated(3, late=True), notice, dated(4), dated(5)]

    async def script(wire: Wire) -> None:
        for piece in [b"".join(sent)] if at_once else sent:
            await wire.send(piece)
            await asyncio.sleep(0.005)
        await wire.send(END)

    async with by_hand(script) as (opened, _), opened(PAST) as stream:
        got = [id_ async for item in make(stream) for id_ in ids_of(item)]
    assert got == ["1", "2", "4", "5"]
    assert stream.ended_by == EndedBy.UNTIL_REACHED
    assert (stream.statistics().entries, stream.statistics().late) == (4, 1)
    assert (stream.cursor.last_event_id, stream.cursor.entry_count) == ("5", 4)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("repeats", [0, 2])
async def test_late_entries_do_not_count_towards_the_limit(view: str, repeats: int) -> None:
    """
    A server counts what it sends, late entries too: what it did not send for them is asked for.
    """
    make, ids_of = VIEWS[view]
    log = [dated(number, late=number % 3 == 0) for number in range(1, 21)]

    async def script(wire: Wire) -> None:
        limit = int(wire.request.query["limit"])
        begin = int(wire.last_event_id or 0)
        for piece in log[max(begin - repeats, 0) :][:limit]:
            await wire.send(piece)
            await asyncio.sleep(0)
        await wire.send(END)

    query = attrs.evolve(PAST, limit=10)
    async with by_hand(script) as (opened, wires), opened(query) as stream:
        got = [id_ async for item in make(stream) for id_ in ids_of(item)]
        assert got == ["1", "2", "4", "5", "7", "8", "10", "11", "13", "14"]
        assert stream.ended_by in {EndedBy.LIMIT_REACHED, EndedBy.UNTIL_REACHED}
        assert stream.cursor.entry_count == 10
        assert 2 <= len(wires) <= 8
        assert all(int(wire.request.query["limit"]) >= 1 for wire in wires)


async def test_an_end_below_the_limit_is_believed() -> None:
    """
    A server that sent less than it was asked for, late entries included, has no more.
    """

    async def script(wire: Wire) -> None:
        await wire.send(dated(1) + dated(2, late=True) + dated(3))
        await asyncio.sleep(0.01)
        await wire.send(END)

    query = attrs.evolve(PAST, limit=10)
    async with by_hand(script) as (opened, wires), opened(query) as stream:
        assert [one.id async for one in stream] == ["1", "3"]
        assert len(wires) == 1
    assert stream.ended_by == EndedBy.UNTIL_REACHED


async def test_nothing_but_late_entries_settles() -> None:
    """
    A server that goes on past the end for ever does not make a bounded stream endless.
    """

    async def script(wire: Wire) -> None:
        await wire.send(dated(1))
        for number in range(2, 10_000):
            await wire.send(dated(number, late=True))
            await asyncio.sleep(0.005)

    async with by_hand(script) as (opened, wires), opened(PAST) as stream:
        assert [one.id async for one in stream] == ["1"]
        assert len(wires) == 1
    assert stream.ended_by == EndedBy.SETTLED
    assert stream.statistics().late > 5


async def test_a_late_entry_moves_where_the_next_connection_goes_on() -> None:
    """
    Within the stream it is not asked for again; the cursor is that of the last entry handed over.
    """

    async def script(wire: Wire) -> None:
        if wire.number == 0:
            await wire.send(dated(1) + dated(2, late=True))
            wire.cut()
        else:
            await wire.send(dated(3) + END)

    async with by_hand(script) as (opened, wires), opened(PAST) as stream:
        assert [one.id async for one in stream] == ["1", "3"]
        assert [wire.last_event_id for wire in wires] == [None, "2"]
    assert stream.cursor.last_event_id == "3"


@pytest.mark.parametrize("end", ["cut", "end of file", "silent cut"])
@pytest.mark.parametrize("patience", [None, 0.01])
async def test_connections_that_end_early_do_not_put_the_end_off(
    end: str, patience: float | None
) -> None:
    """
    The settle time counts over connections: a gateway that cuts sooner does not keep a stream open.
    """
    options = attrs.evolve(OPTIONS, settle_time=timedelta(milliseconds=250))

    async def script(wire: Wire) -> None:
        if wire.number == 0:
            await wire.send(b"".join(dated(number) for number in range(1, 13)))
        if end != "end of file":
            if end == "cut":
                await wire.send(HEARTBEAT)
            await asyncio.sleep(0.1)
            wire.cut()

    got = []
    async with by_hand(script) as (opened, wires), opened(PAST, options=options) as stream:
        async with asyncio.timeout(60):
            while True:
                try:
                    async with asyncio.timeout(patience):
                        got.append((await anext(stream)).id)
                except TimeoutError:
                    assert patience is not None
                except StopAsyncIteration:
                    break
        assert len(wires) >= 2
    assert got == [str(number) for number in range(1, 13)]
    assert stream.ended_by == EndedBy.SETTLED


async def test_an_outage_is_no_settling() -> None:
    """
    The time without a connection does not count: what comes after an outage is not lost.
    """
    options = attrs.evolve(OPTIONS, settle_time=timedelta(milliseconds=500))

    async def script(wire: Wire) -> None:
        if wire.number == 0:
            await wire.send(b"retry: 700\n\n" + dated(1))
            await asyncio.sleep(0.01)
            await wire.send(HEARTBEAT)
            wire.cut()
        else:
            await wire.send(HEARTBEAT)
            await asyncio.sleep(0.01)
            await wire.send(dated(2) + END)

    async with by_hand(script) as (opened, _), opened(PAST, options=options) as stream:
        assert [one.id async for one in stream] == ["1", "2"]
    assert stream.ended_by == EndedBy.UNTIL_REACHED


async def test_heartbeats_and_then_an_entry() -> None:
    """
    An entry that comes after heartbeats, within the settle time, begins it anew.
    """

    async def script(wire: Wire) -> None:
        for number in range(1, 4):
            for _ in range(3):
                await asyncio.sleep(0.04)
                await wire.send(HEARTBEAT)
            await wire.send(dated(number))
        while True:
            await asyncio.sleep(0.02)
            await wire.send(HEARTBEAT)

    options = attrs.evolve(OPTIONS, settle_time=timedelta(seconds=1))
    async with by_hand(script) as (opened, wires), opened(PAST, options=options) as stream:
        assert [one.id async for one in stream] == ["1", "2", "3"]
        assert len(wires) == 1
    assert stream.ended_by == EndedBy.SETTLED
