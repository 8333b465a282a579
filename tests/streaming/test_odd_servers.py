"""
What odd servers say: dates, ids, ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from clever_v4.api.logs import LogQuery
from clever_v4.errors import UnexpectedEndError
from clever_v4.streaming.policy import Reconnection
from clever_v4.streaming.resume import Cursor

from .planned import Answer, Asked, end_of_stream, entry, follow, planned, scripted, session_on
from .support import OPTIONS, QUICK


@pytest.fixture
def far_away() -> Iterator[None]:
    """
    This machine is nine and a half hours ahead of UTC.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "FAR-9:30")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize(
    "date",
    [
        b"Sun, 01 Mar 2026 12:00:00 GMT",
        b"Sunday, 01-Mar-26 12:00:00 GMT",
        b"Sun Mar  1 12:00:00 2026",
        b"Sun, 01 Mar 2026 12:00:00 -0000",
        b"Sun, 01 Mar 2026 12:00:00",
    ],
)
async def test_a_live_stream_goes_on_from_the_server_s_date(date: bytes) -> None:
    """
    However the server writes it, the moment of the first connection is that in UTC.
    """
    async with (
        planned(scripted(b"", entry(b"1:1:0", "first"), date=date)) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        assert (await anext(stream)).message == "first"
    since = [asked.query.get("since") for asked in server.asked]
    assert since == [None, "2026-03-01T12:00:00.000Z"]


@pytest.mark.parametrize(
    "date",
    [None, b"", b"soon", b"Fri, 31 Dec 9999 23:59:59 -1200", b"Sun, 01 Mar 2026 12:00:00 EST"],
)
async def test_a_date_that_is_none_is_our_own(date: bytes | None) -> None:
    """
    The stream goes on, from the moment of the first connection by our own clock.
    """
    before = datetime.now(UTC) - timedelta(seconds=1)
    async with (
        planned(scripted(b"", entry(b"1:1:0", "first"), date=date)) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        assert (await anext(stream)).message == "first"
    since = datetime.fromisoformat(server.asked[1].query["since"])
    assert before <= since <= datetime.now(UTC)


# --- ends --------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [None, "UNTIL_REACHED", "LIMIT_REACHED", "QUOTA"])
async def test_a_live_stream_outlives_an_end(reason: str | None) -> None:
    """
    Whatever reason the server gives, it has no end: it reconnects, and the reason is kept.
    """
    seen: list[Reconnection] = []
    handler = scripted(entry(b"1:1:0", "a") + end_of_stream(reason), entry(b"1:2:0", "b"))
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, on_reconnection=seen.append) as stream,
    ):
        assert stream.statistics().end_reason is None
        assert [(await anext(stream)).message for _ in range(2)] == ["a", "b"]
        assert stream.statistics().end_reason == (reason or "UNKNOWN")
    assert [asked.last_event_id for asked in server.asked] == [None, b"1:1:0"]
    (reconnection,) = seen
    assert isinstance(reconnection.cause, UnexpectedEndError)
    assert reconnection.cause.reason == (reason or "UNKNOWN")
    assert reconnection.delay >= timedelta()


async def test_a_caller_may_take_an_end_for_one() -> None:
    """
    The function that decides what is transient decides this, too.
    """
    options = attrs.evolve(OPTIONS, reconnect=attrs.evolve(QUICK, is_transient=lambda _: False))
    handler = scripted(entry(b"1:1:0", "a") + end_of_stream("DELETED"))
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, options=options) as stream,
    ):
        assert (await anext(stream)).message == "a"
        with pytest.raises(UnexpectedEndError, match="DELETED"):
            await anext(stream)


@pytest.mark.parametrize("until", [None, datetime(2026, 3, 2, tzinfo=UTC)])
async def test_an_end_after_repeats_is_no_end_before_the_limit(until: datetime | None) -> None:
    """
    A server that repeats entries after a resume, counts them, and says UNTIL_REACHED.
    """
    log = [entry(b"1:%d:0" % number, str(number)) for number in range(200)]

    async def handler(asked: Asked, answer: Answer) -> None:
        after = asked.last_event_id
        begin = 0 if after is None else int(after.split(b":")[1]) + 1
        sent = log[max(begin - 5, 0) :][: int(asked.query["limit"])]
        await answer.begin()
        if after is None:
            await answer.send(b"".join(sent[:100]))
        else:
            await answer.send(b"".join(sent) + end_of_stream("UNTIL_REACHED"))

    query = LogQuery(since=datetime(2026, 2, 28, tzinfo=UTC), until=until, limit=150)
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, query) as stream,
    ):
        got = [entry.message async for entry in stream]
    assert got == [str(number) for number in range(150)]
    assert stream.ended_by == "LIMIT_REACHED"
    assert stream.statistics().duplicates > 0


async def test_a_stream_that_goes_on_does_not_back_off() -> None:
    """
    A gateway that cuts after each entry: the longest delay stays that of a first attempt.
    """
    seen: list[Reconnection] = []
    handler = scripted(*(entry(b"1:%d:0" % number) for number in range(30)))
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, on_reconnection=seen.append) as stream,
    ):
        for _ in range(30):
            await anext(stream)
    assert {reconnection.attempt for reconnection in seen} == {1}


# --- ids ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [b"2\x01", b"2\t3", b"\x7f", b"caf\xe9", b"  2", b"2 ", b"2" * 5000],
    ids=lambda odd: odd[:4],
)
async def test_an_id_that_no_header_carries_is_not_sent(odd: bytes) -> None:
    """
    The stream goes on after an earlier one, and what comes again is dropped.
    """
    first = entry(b"1:1:0", "a") + entry(odd, "b")
    handler = scripted(first, entry(odd, "b") + entry(b"1:3:0", "c"))
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        assert [(await anext(stream)).message for _ in range(3)] == ["a", "b", "c"]
        assert stream.cursor.last_event_id == "1:1:0"
        resumed = Cursor.parse(str(stream.cursor))
    assert [asked.last_event_id for asked in server.asked] == [None, b"1:1:0"]
    async with (
        planned(scripted(entry(odd, "b") + entry(b"1:3:0", "c"))) as server,
        session_on(server) as session,
        follow(session, resume_from=resumed) as stream,
    ):
        assert (await anext(stream)).message == "c"
    assert server.asked[0].last_event_id == b"1:1:0"


async def test_where_no_id_is_sent_a_live_stream_goes_on_by_its_moment() -> None:
    """
    All ids are odd: what the moment of the first connection brings again is dropped.
    """
    log = [entry(b"%d\xff" % number, str(number)) for number in range(4)]
    async with (
        planned(scripted(b"".join(log[:2]), b"".join(log))) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        assert [(await anext(stream)).message for _ in range(4)] == ["0", "1", "2", "3"]
        cursor = stream.cursor
    assert [asked.last_event_id for asked in server.asked] == [None, None]
    assert server.asked[1].query["since"] == "2026-03-01T12:00:00.000Z"
    assert cursor.last_event_id is None
    assert cursor.since == datetime(2026, 3, 1, 12, tzinfo=UTC)
    async with (
        planned(scripted(b"".join(log))) as server,
        session_on(server) as session,
        follow(session, resume_from=Cursor.parse(str(cursor))) as stream,
    ):
        # The last one was at hand.
        assert (await anext(stream)).message == "3"


async def test_an_id_beyond_ascii_arrives_as_it_is() -> None:
    """
    The standard wants it in UTF-8.
    """
    async with (
        planned(scripted(entry("é:1".encode(), "a"), entry(b"2", "b"))) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        assert [(await anext(stream)).message for _ in range(2)] == ["a", "b"]
    assert server.asked[1].last_event_id == "é:1".encode()


async def test_entries_that_share_one_id_are_not_all_repeated() -> None:
    """
    After a cut one of them is taken for the one before; the others are new.
    """
    handler = scripted(entry(b"same") * 10, entry(b"same") * 1500)
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        for _ in range(10 + 1499):
            await anext(stream)
    assert stream.statistics().duplicates == 1


@pytest.mark.parametrize("repeated", [1, 200, 1000])
async def test_what_is_repeated_in_another_process_is_recognised(repeated: int) -> None:
    """
    A cursor carries as many ids as the stream itself remembers, and nothing of what it had not finished.
    """
    log = [entry(b"210041493:%d:2" % (43875 + n), str(n)) for n in range(3000)]
    async with (
        planned(scripted(b"".join(log[:2000]))) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        for _ in range(1501):
            await anext(stream)
        cursor = Cursor.parse(str(stream.cursor))
    assert cursor.entry_count == 1500
    assert len(str(cursor)) < 4500
    async with (
        planned(scripted(b"".join(log[1500 - repeated :]))) as server,
        session_on(server) as session,
        follow(session, resume_from=cursor) as stream,
    ):
        got = [(await anext(stream)).message for _ in range(1500)]
    assert got == [str(number) for number in range(1500, 3000)]
    assert stream.statistics().duplicates == repeated


# --- whose cursor it is --------------------------------------------------------------------


async def test_another_stream_s_cursor_is_refused() -> None:
    """
    Swapped files are no silent loss: neither another application, nor owner, nor kind takes it.
    """
    async with planned(scripted(entry(b"1:1:0"))) as server, session_on(server) as session:
        stream = follow(session)
        cursor = Cursor.parse(str(stream.cursor))
        assert cursor.stream == "logs/organisations/orga_planned/applications/app_planned/logs"
        logs = session.logs
        for open_stream in (
            lambda: logs.stream("orga_planned", "app_other", resume_from=cursor),
            lambda: logs.stream("orga_other", "app_planned", resume_from=cursor),
            lambda: logs.addon_stream("orga_planned", "postgresql_1", resume_from=cursor),
            lambda: logs.access_stream("orga_planned", "app_planned", resume_from=cursor),
        ):
            with pytest.raises(
                ValueError, match=r"resume_from must be a cursor of .*, got one of "
            ):
                open_stream()
        with pytest.raises(TypeError, match="resume_from must be a Cursor, got 'text'"):
            logs.stream("orga_planned", "app_planned", resume_from="text")  # type: ignore[arg-type]  # that is the point
        logs.stream("orga_planned", "app_planned", resume_from=cursor)
        logs.stream("orga_planned", "app_other", resume_from=Cursor.after(["1:1:0"]))
