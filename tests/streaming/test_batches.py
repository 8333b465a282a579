"""
Entries some at a time: gathered, with their cursors, as they were sent.
"""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta
from typing import Any

import attrs
import pytest

from clever_v4.api.logs import LogQuery
from clever_v4.emulator import Emulator, faults
from clever_v4.errors import AuthenticationError, ResponseFormatError
from clever_v4.session import Session
from clever_v4.streaming.chunk import Chunk
from clever_v4.streaming.cursor import Cursor
from clever_v4.streaming.resume import EndedBy
from clever_v4.streaming.stream import RawEntry

from .support import DAY, END, HEARTBEAT, OPTIONS, Wire, bounded, by_hand, entry, open_stream

LONG = timedelta(seconds=30)


def ids_of(entries: Any) -> list[str]:
    return [one.id for one in entries]


async def test_a_batch_is_full_or_has_waited() -> None:
    """
    It comes with max_entries at once, and with fewer max_wait after its first entry arrived.
    """

    async def script(wire: Wire) -> None:
        await wire.send(b"".join(entry(number) for number in range(1, 8)))
        await asyncio.sleep(0.02)
        await wire.send(entry(8) + entry(9))
        await asyncio.sleep(30)

    async with by_hand(script) as (opened, _), opened() as stream:
        loop = asyncio.get_running_loop()
        batches = stream.batches(max_entries=3, max_wait=LONG)
        begun = loop.time()
        assert ids_of(await anext(batches)) == ["1", "2", "3"]
        assert ids_of(await anext(batches)) == ["4", "5", "6"]
        assert ids_of(await anext(batches)) == ["7", "8", "9"]
        assert loop.time() - begun < LONG.total_seconds(), "a full batch does not wait"
        assert stream.cursor.last_event_id == "6"


async def test_what_waited_long_enough_goes_alone() -> None:
    """
    The time counts from the arrival of the first entry, and an empty batch never comes.
    """
    proceed = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(HEARTBEAT)
        await proceed.wait()
        await wire.send(entry(1))
        await asyncio.sleep(30)

    async with by_hand(script) as (opened, _), opened() as stream:
        loop = asyncio.get_running_loop()
        asked = asyncio.ensure_future(  # noqa: TID251 -- awaited below
            anext(stream.batches(max_entries=100, max_wait=timedelta(milliseconds=50)))
        )
        await asyncio.sleep(0.15)
        assert not asked.done(), "nothing came that could wait"
        proceed.set()
        begun = loop.time()
        assert ids_of(await asked) == ["1"]
        assert loop.time() - begun >= 0.05


async def test_without_a_wait_a_batch_is_cut_to_size(session: Session, emulator: Emulator) -> None:
    """
    max_entries alone bounds what one read returned; all of it comes.
    """
    stream, app = open_stream(session, emulator, bounded(), history=50)
    async with stream:
        batches = [batch async for batch in stream.batches(max_entries=8)]
    assert max(map(len, batches)) == 8
    assert min(map(len, batches)) >= 1
    assert [one for batch in batches for one in ids_of(batch)] == emulator.produced_ids(app)


async def test_a_wait_without_a_bound_gathers_all() -> None:
    """
    Without max_entries a batch has all that came in its time.
    """

    async def script(wire: Wire) -> None:
        for number in range(1, 6):
            await wire.send(entry(number))
            await asyncio.sleep(0.005)
        await asyncio.sleep(30)

    async with by_hand(script) as (opened, _), opened() as stream:
        batch = await anext(stream.batches(max_wait=timedelta(seconds=1)))
        assert ids_of(batch) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("end", "told"),
    [(END, EndedBy.UNTIL_REACHED), (b"", EndedBy.FAILED)],
    ids=["end", "error"],
)
async def test_what_was_gathered_comes_before_the_end(end: bytes, told: EndedBy) -> None:
    """
    An end or an error while entries are gathered is told after they were handed over.
    """

    async def script(wire: Wire) -> None:
        await wire.send(entry(1))
        await asyncio.sleep(0.02)
        await wire.send(entry(2))
        await asyncio.sleep(0.02)
        await wire.send(end)

    options = attrs.evolve(
        OPTIONS, reconnect=attrs.evolve(OPTIONS.reconnect, is_transient=lambda _: False)
    )
    async with by_hand(script) as (opened, _), opened(bounded(), options=options) as stream:
        batches = stream.batches(max_entries=10, max_wait=LONG)
        assert ids_of(await anext(batches)) == ["1", "2"]
        assert stream.ended_by is None
        with pytest.raises(StopAsyncIteration if end else ConnectionError):
            await anext(batches)
        assert stream.ended_by == told
        assert stream.cursor.last_event_id == "2"
        with pytest.raises(StopAsyncIteration):
            await anext(batches)


async def test_a_bad_entry_comes_between_batches(session: Session, emulator: Emulator) -> None:
    """
    Those before it are handed over, then its error, then those after it.
    """
    stream, app = open_stream(session, emulator, bounded(), history=20)
    emulator.faults.push(faults.Unparsable(every=5, replace=True))
    seen: list[Any] = []
    async with stream:
        batches = stream.batches(max_entries=100, max_wait=LONG)
        while True:
            try:
                seen += ids_of(await anext(batches))
            except ResponseFormatError as error:
                seen.append(error.event.last_event_id)
            except StopAsyncIteration:
                break
    assert seen == emulator.produced_ids(app)


async def test_a_handler_of_bad_entries_lets_batches_go_on(
    session: Session, emulator: Emulator
) -> None:
    """
    With a handler no batch is lost, and the cursor counts the bad ones.
    """
    errors: list[ResponseFormatError] = []
    stream, app = open_stream(session, emulator, bounded(), history=20, on_bad_entry=errors.append)
    emulator.faults.push(faults.Unparsable(every=5, replace=True))
    async with stream:
        good = [
            one
            async for chunk in stream.chunks(size=6, wait=timedelta(milliseconds=50))
            for one in ids_of(chunk)
        ]
    bad = [error.event.last_event_id for error in errors]
    assert sorted([*good, *bad], key=emulator.produced_ids(app).index) == emulator.produced_ids(app)
    assert good == [one for one in emulator.produced_ids(app) if one not in bad]
    assert stream.cursor.entry_count == 20


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"max_entries": 0}, ValueError, "max_entries must be at least 1, got 0"),
        ({"max_entries": "9"}, TypeError, "max_entries must be a whole number, got '9'"),
        ({"max_wait": timedelta()}, ValueError, "max_wait must be"),
        ({"max_wait": 1}, TypeError, "max_wait must be a timedelta, got 1"),
        ({"size": 0}, ValueError, "size must be at least 1, got 0"),
        ({"size": None}, TypeError, "size must be a whole number, got None"),
        ({"wait": -LONG}, ValueError, "wait must be"),
        ({"wait": None}, TypeError, "wait must be a timedelta, got None"),
    ],
)
async def test_arguments_are_checked_at_the_call(
    session: Session, emulator: Emulator, arguments: Any, error: type[Exception], text: str
) -> None:
    """
    A size or a wait that is none is refused by name, before anything is asked for.
    """
    stream, _ = open_stream(session, emulator)
    ask = stream.batches if "max" in next(iter(arguments)) else stream.chunks
    with pytest.raises(error, match=text):
        ask(**arguments)


async def test_a_chunk_carries_the_cursor_for_after_it(
    session: Session, emulator: Emulator
) -> None:
    """
    The stream's own cursor is the one before it, until the next is asked for.
    """
    stream, app = open_stream(session, emulator, bounded(), history=10)
    ids = emulator.produced_ids(app)
    async with stream:
        before = stream.cursor
        async for chunk in stream.chunks(size=4, wait=LONG):
            assert isinstance(chunk, Chunk)
            assert stream.cursor == before
            assert chunk.cursor.last_event_id == chunk[-1].id
            assert chunk.cursor.entry_count == ids.index(str(chunk[-1].id)) + 1
            before = chunk.cursor
    assert stream.cursor == before


async def test_the_obvious_loop_stores_each_entry_once(
    session: Session, emulator: Emulator
) -> None:
    """
    Killed before, in and after storing and while entries are gathered: 800 rows, none lost or doubled.
    """
    application = emulator.add_application(history=800, history_interval_s=1)
    rows: list[str] = []
    stored = ""

    class Killed(BaseException):
        """Nothing that a program could catch by accident."""

    async def store(chunk: Chunk[Any, Cursor], place: str | None) -> None:
        nonlocal rows, stored
        if place == "before":
            raise Killed
        new = [*rows, *ids_of(chunk)]
        if place == "in":
            raise Killed
        rows, stored = new, str(chunk.cursor)
        if place == "after":
            raise Killed

    async def run(kill_at: int, place: str | None) -> None:
        cursor = Cursor.parse(stored) if stored else None
        stream, _ = open_stream(
            session,
            emulator,
            LogQuery(since=DAY, limit=800),
            application_id=application.id,
            resume_from=cursor,
        )
        count = 0
        async with stream:
            async for chunk in stream.chunks(size=23, wait=timedelta(seconds=1)):
                count += 1
                await store(chunk, place if count == kill_at else None)
                if place == "gathering" and count == kill_at:
                    gathering = asyncio.ensure_future(  # noqa: TID251 -- awaited below
                        anext(stream.chunks(size=10_000, wait=timedelta(seconds=30)))
                    )
                    await asyncio.sleep(0)
                    gathering.cancel()
                    await asyncio.wait([gathering])
                    raise Killed

    for place in ("before", "in", "after", "gathering"):
        with pytest.raises(Killed):
            await run(random.Random(place).randrange(2, 8), place)
        assert 0 < len(rows) < 800 or place in {"before", "in"}
    await run(0, None)
    assert rows == emulator.produced_ids(application.id)
    assert Cursor.parse(stored).entry_count == 800


async def test_raw_batches_are_what_the_server_sent() -> None:
    """
    The data comes byte for byte, and only an entry's own id beside it.
    """
    data = [b'{"a":"\xff\xfe no UTF-8"}', b'{"b":\n "two lines"}', b" 3", b"{}"]
    wire_bytes = (
        b"id: 1:1\nevent: APPLICATION_LOG\ndata: " + data[0] + b"\n\n"
        b'event: APPLICATION_LOG\ndata: {"b":\ndata:  "two lines"}\n\n'
        b"event: NOTICE\nid: 9:9\ndata: no entry\n\n" + HEARTBEAT + b"event: APPLICATION_LOG\n"
        b"data: " + data[2] + b"\n\n"
        b"id: 1:4\r\nevent: APPLICATION_LOG\r\ndata: {}\r\n\r\n"
    )

    async def script(wire: Wire) -> None:
        await wire.send(wire_bytes)
        await wire.send(END)

    async with by_hand(script) as (opened, _), opened(bounded()) as stream:
        got: list[RawEntry] = []
        async for batch in stream.raw_batches():
            assert stream.cursor.entry_count == len(got), "it moves when the next is asked for"
            got += batch
    assert got == [("1:1", data[0]), (None, data[1]), (None, data[2]), ("1:4", data[3])]
    assert got[0].id == "1:1"
    assert got[0].data == data[0]
    assert stream.cursor.last_event_id == "1:4"
    assert stream.cursor.entry_count == 4


async def test_views_may_be_changed_at_any_place(session: Session, emulator: Emulator) -> None:
    """
    What is at hand when another view is asked goes to it, as what it gives: each entry once.
    """
    stream, app = open_stream(session, emulator, bounded(), history=300)
    emulator.faults.push(faults.UnknownEvents(every=7))
    chance = random.Random(3)
    got: list[str | None] = []
    gathered = stream.batches(max_entries=5, max_wait=timedelta(milliseconds=1))
    views: list[tuple[Any, Any]] = [
        (stream, lambda one: [one.id]),
        (stream.batches(max_entries=3), ids_of),
        (gathered, ids_of),
        (stream.raw_batches(), ids_of),
        (stream.events(), lambda one: [one.last_event_id] if one.type != "NOTICE" else []),
    ]
    async with stream:
        while len(got) < 300:
            view, read = chance.choice(views[:3] if chance.random() < 0.9 else views)
            new = read(await anext(view))
            got += new
            if view is not views[4][0]:
                assert stream.cursor.entry_count == len(got) - len(new)
    assert got == emulator.produced_ids(app)


async def test_a_cursor_read_with_a_batch_in_hand_is_the_one_before_it() -> None:
    """
    Three were fed and the batch of them is in hand: whoever resumes gets all three again.
    """

    async def script(wire: Wire) -> None:
        begin = int(wire.last_event_id or 0) + 1
        await wire.send(b"".join(entry(number) for number in range(begin, 4)))
        await wire.send(entry(4))
        await asyncio.sleep(30)

    async with by_hand(script) as (opened, wires):
        async with opened(LogQuery(since=DAY)) as stream:
            batch = await anext(stream.batches(max_entries=3, max_wait=LONG))
            assert ids_of(batch) == ["1", "2", "3"]
            cursor = stream.cursor
        assert (cursor.last_event_id, cursor.entry_count) == (None, 0)
        async with opened(LogQuery(since=DAY), resume_from=cursor) as stream:
            batch = await anext(stream.batches(max_entries=3, max_wait=LONG))
            assert ids_of(batch) == ["1", "2", "3"]
            assert ids_of([await anext(stream)]) == ["4"]
            assert stream.cursor.last_event_id == "3"
            assert stream.cursor.entry_count == 3
        assert [wire.last_event_id for wire in wires] == [None, None]


async def test_one_entry_then_batches(session: Session, emulator: Emulator) -> None:
    """
    After one entry taken alone, the cursor at the next batch is the one after that entry.
    """
    stream, app = open_stream(session, emulator, bounded(), history=5)
    ids = emulator.produced_ids(app)
    async with stream:
        await anext(stream)
        batch = await anext(stream.batches(max_entries=10, max_wait=LONG))
        assert ids_of(batch) == ids[1:]
        assert stream.cursor.last_event_id == ids[0]
        assert stream.cursor.entry_count == 1


async def test_a_refusal_while_gathering_keeps_what_is_at_hand(
    session: Session, emulator: Emulator
) -> None:
    """
    A 401 after a cut ends the stream, after the entries before it.
    """
    stream, app = open_stream(session, emulator, bounded(), history=10)
    emulator.faults.push(faults.Cut(after_entries=4), faults.Unauthorized())
    async with stream:
        batches = stream.batches(max_entries=10, max_wait=LONG)
        assert ids_of(await anext(batches)) == emulator.produced_ids(app)[:4]
        with pytest.raises(AuthenticationError):
            await anext(batches)
    assert stream.ended_by == EndedBy.FAILED


def test_support_writes_what_the_model_reads() -> None:
    """
    The entries written by hand are JSON with the id that the event has.
    """
    lines = entry(7).decode().splitlines()
    assert lines[0] == "id: 7"
    assert json.loads(lines[2].removeprefix("data: "))["id"] == "7"
