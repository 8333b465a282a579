"""
The stream resumes: nothing lost, nothing doubled, the cursor, the limit.
"""

from __future__ import annotations

from clever_v4.api.logs import LogQuery
from clever_v4.emulator import Emulator, faults
from clever_v4.session import Session
from clever_v4.streaming.resume import Cursor, EndedBy

from .support import DAY, bounded, open_stream, take


async def test_resume_sends_the_last_dispatched_id(session: Session, emulator: Emulator) -> None:
    """
    After a cut in the middle of an event, the next request carries the id of the event before it.
    """
    stream, app = open_stream(session, emulator, history=20)
    emulator.faults.push(faults.Cut(after_entries=5, inside="line"))
    async with stream:
        ids = await take(stream, 20)
    assert ids == emulator.produced_ids(app)
    assert [one.last_event_id for one in emulator.connections] == [None, ids[4]]


async def test_a_heartbeat_never_moves_the_id(session: Session, emulator: Emulator) -> None:
    """
    An id on a heartbeat is not resumed from, and not lent to an entry.
    """
    stream, app = open_stream(session, emulator, history=20)
    emulator.faults.push(
        (faults.HeartbeatIds(every=1), faults.Cut(after_entries=7)),
        (faults.HeartbeatIds(every=1), faults.Cut(after_entries=3, inside="line")),
    )
    async with stream:
        assert await take(stream, 20) == emulator.produced_ids(app)
    assert [one.last_event_id for one in emulator.connections][1:] == [
        emulator.produced_ids(app)[6],
        emulator.produced_ids(app)[9],
    ]


async def test_repeated_entries_are_dropped_and_counted(
    session: Session, emulator: Emulator
) -> None:
    """
    Entries that the server sends again after a resume arrive once.
    """
    stream, app = open_stream(session, emulator, history=60)
    emulator.faults.push(faults.Cut(after_entries=40), faults.RepeatLast(count=30))
    async with stream:
        assert await take(stream, 60) == emulator.produced_ids(app)
        statistics = stream.statistics()
    assert (statistics.entries, statistics.duplicates, statistics.reconnections) == (60, 30, 1)


async def test_no_gap_before_the_first_live_entry(session: Session, emulator: Emulator) -> None:
    """
    A live stream cut before its first entry asks since the moment its first connection was accepted.
    """
    stream, app = open_stream(session, emulator, None)
    emulator.faults.push(faults.Cut(after_entries=0), faults.EmptyError(status=503))
    async with stream:
        await emulator.connections.wait_until(opened=1, active=0)
        published = emulator.publish(app, count=3)  # Nobody is connected now.
        assert await take(stream, 3) == published
    queries = [dict(one.query) for one in emulator.connections]
    assert "since" not in queries[0]
    assert {query.get("since") for query in queries[1:]} == {queries[1]["since"]}


async def test_the_cursor_says_what_the_consumer_has_finished_with(
    session: Session, emulator: Emulator
) -> None:
    """
    The cursor moves when the consumer asks for the next entry, not when it gets one.
    """
    stream, app = open_stream(session, emulator, history=10)
    ids = emulator.produced_ids(app)
    async with stream:
        assert stream.cursor.entry_count == 0
        await anext(stream)
        assert (stream.cursor.last_event_id, stream.cursor.entry_count) == (None, 0)
        await anext(stream)
        assert (stream.cursor.last_event_id, stream.cursor.entry_count) == (ids[0], 1)
    again, _ = open_stream(
        session, emulator, application_id=app, resume_from=Cursor.parse(str(stream.cursor))
    )
    async with again:
        assert await take(again, 9) == ids[1:]


async def test_the_cursor_moves_by_whole_batches(session: Session, emulator: Emulator) -> None:
    """
    A batch counts as finished when the next one is asked for.
    """
    stream, app = open_stream(session, emulator, history=10)
    async with stream:
        batches = stream.batches()
        first = await anext(batches)
        assert stream.cursor.entry_count == 0
        emulator.publish(app)
        while stream.cursor.entry_count + len(first) < 11:
            done = stream.cursor.entry_count + len(first)
            first = await anext(batches)
            assert stream.cursor.entry_count == done


async def test_entries_and_batches_can_be_mixed(session: Session, emulator: Emulator) -> None:
    """
    A batch after single entries holds the rest of what was read.
    """
    stream, app = open_stream(session, emulator, bounded(), history=30)
    ids: list[str | None] = []
    async with stream:
        for _ in range(3):
            ids.append((await anext(stream)).id)  # noqa: PERF401 -- those before an error count
        async for batch in stream.batches():
            ids += [entry.id for entry in batch]
    assert ids == emulator.produced_ids(app)


async def test_the_limit_counts_over_all_connections(session: Session, emulator: Emulator) -> None:
    """
    Each connection asks for what is left, and the stream ends locally at the limit.
    """
    stream, app = open_stream(session, emulator, LogQuery(since=DAY, limit=10), history=50)
    emulator.faults.push(faults.Cut(after_entries=3), faults.Cut(after_entries=6))
    async with stream:
        ids = [entry.id async for entry in stream]
    assert ids == emulator.produced_ids(app)[:10]
    assert [dict(one.query)["limit"] for one in emulator.connections] == ["10", "7", "1"]
    assert stream.ended_by == EndedBy.LIMIT_REACHED


async def test_a_limit_that_is_reached_opens_no_connection(
    session: Session, emulator: Emulator
) -> None:
    """
    A cursor at the limit ends the stream without asking for limit=0.
    """
    cursor = Cursor(last_event_id="1:2:3", entry_count=10)
    stream, _ = open_stream(
        session, emulator, LogQuery(since=DAY, limit=10), history=50, resume_from=cursor
    )
    assert [entry async for entry in stream] == []
    assert len(emulator.connections) == 0
    assert stream.ended_by == "LIMIT_REACHED"
