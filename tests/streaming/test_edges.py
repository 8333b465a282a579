"""
What happens to a stream at the edges of a read, of a connection and of its life.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clever_v4.errors import (
    AuthenticationError,
    CleverError,
    NotFoundError,
    ReconnectionGaveUpError,
    ResponseFormatError,
)
from clever_v4.streaming.policy import Reconnect, Reconnection, StreamOptions
from clever_v4.streaming.resume import EndedBy
from clever_v4.streaming.subject import StreamState

from .planned import (
    Answer,
    Asked,
    end_of_stream,
    entry,
    follow,
    heartbeat,
    planned,
    scripted,
    session_on,
)
from .support import DAY, QUICK, bounded

BAD = b"id:1:2:0\nevent:APPLICATION_LOG\ndata:{not JSON\n\n"
NEVER_LOGGED = b'{"error":"Partitioned Topic not found"}'


async def test_the_entry_at_hand_after_a_bad_one_is_not_finished() -> None:
    """
    Of good, bad and good in one read two are finished with while the third is at hand.
    """
    read = entry(b"1:1:0", "a") + BAD + entry(b"1:3:0", "c")
    bad: list[ResponseFormatError] = []
    async with (
        planned(scripted(read)) as server,
        session_on(server) as session,
        follow(session, on_bad_entry=bad.append) as stream,
    ):
        told = [((await anext(stream)).message, stream.cursor) for _ in range(2)]
    assert [(message, cursor.entry_count) for message, cursor in told] == [("a", 0), ("c", 2)]
    assert [cursor.last_event_id for _, cursor in told] == [None, "1:2:0"]
    assert told[1][1].recent_ids == ("1:1:0", "1:2:0")
    assert len(bad) == 1


async def test_an_entry_after_an_end_in_one_read_is_not_of_the_stream() -> None:
    """
    As it would not be in a read of its own: the connection ends with END_OF_STREAM.
    """
    read = entry(b"1:1:0", "a") + end_of_stream("UNTIL_REACHED") + entry(b"1:2:0", "b")
    async with (
        planned(scripted(read)) as server,
        session_on(server) as session,
        follow(session, bounded()) as stream,
    ):
        assert [one.message async for one in stream] == ["a"]
    assert stream.ended_by == EndedBy.UNTIL_REACHED
    assert stream.cursor.last_event_id == "1:1:0"
    assert stream.statistics().entries == 1


async def test_the_server_s_word_for_a_limit_is_its_own() -> None:
    """
    LIMIT_REACHED before the limit ends a bounded stream as any other word does.
    """
    read = entry(b"1:1:0", "a") + end_of_stream("LIMIT_REACHED")
    async with (
        planned(scripted(read)) as server,
        session_on(server) as session,
        follow(session, bounded(limit=5)) as stream,
    ):
        assert [one.message async for one in stream] == ["a"]
    assert stream.ended_by == EndedBy.LIMIT_REACHED
    assert len(server.asked) == 1


async def test_half_an_event_after_the_limit_dies_with_its_connection() -> None:
    """
    The limit was reached with an entry later than until: the next connection is asked for another.
    """
    late = entry(b"1:1:0", "late", date=(datetime.now(UTC) + DAY).isoformat())
    async with (
        planned(scripted(late + b"id:9\ndata:half", entry(b"1:2:0", "a"))) as server,
        session_on(server) as session,
        follow(session, bounded(limit=1)) as stream,
    ):
        assert [one.message async for one in stream] == ["a"]
    assert [asked.last_event_id for asked in server.asked] == [None, b"1:1:0"]


async def test_a_heartbeat_that_comes_alone_with_an_id_is_no_entry() -> None:
    """
    Nor is it what the next connection goes on from.
    """
    steps = [entry(b"1:1:0", "a"), heartbeat(b"9:9:9"), entry(None, "b")]

    async def handler(_asked: Asked, answer: Answer) -> None:
        await answer.begin()
        await answer.send(steps.pop(0))
        if not steps:
            await answer.hold()

    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session) as stream,
    ):
        assert [(await anext(stream)).message for _ in range(2)] == ["a", "b"]
        assert stream.statistics().entries == 2
    assert [asked.last_event_id for asked in server.asked] == [None, b"1:1:0", b"1:1:0"]


@pytest.mark.parametrize("query", [None, bounded()], ids=["live", "bounded"])
async def test_what_has_logged_has_not_never_logged(query: object) -> None:
    """
    A 404 "topic not found" after a good connection is an error: neither an end, nor waited out.
    """

    async def handler(asked: Asked, answer: Answer) -> None:
        if len(server.asked) > 1:
            await answer.refuse(404, NEVER_LOGGED)
        else:
            await answer.begin()
            await answer.send(entry(b"1:1:0", "a"))

    options = StreamOptions(reconnect=QUICK, wait_for_first_log=True)
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, query, options=options) as stream,  # type: ignore[arg-type]  # a query or None
    ):
        assert (await anext(stream)).message == "a"
        with pytest.raises(NotFoundError, match="Partitioned Topic not found"):
            await anext(stream)
        assert stream.ended_by == EndedBy.FAILED


async def test_attempts_are_counted_anew_after_a_new_entry() -> None:
    """
    One is the first attempt after a healthy connection; a refusal and an empty connection add to it.
    """
    plan = ["a", 503, None, "b", 503, "c"]
    seen: list[Reconnection] = []

    async def handler(_asked: Asked, answer: Answer) -> None:
        step = plan.pop(0)
        if step == 503:
            await answer.refuse(503)
            return
        await answer.begin()
        if isinstance(step, str):
            await answer.send(entry(step.encode(), step))
        if not plan:
            await answer.hold()

    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, on_reconnection=seen.append) as stream,
    ):
        assert [(await anext(stream)).message for _ in range(3)] == ["a", "b", "c"]
    assert [reconnection.attempt for reconnection in seen] == [1, 2, 3, 1, 2]


async def test_it_gives_up_after_as_many_attempts_as_it_may_make() -> None:
    """
    Once connected, too; and the count begins anew with the entry.
    """
    plan: list[bytes | None] = [None, None, entry(b"1:1:0", "a"), None, None, None]
    options = StreamOptions(
        reconnect=Reconnect(initial=QUICK.initial, max_delay=QUICK.max_delay, attempts=3)
    )

    async def handler(_asked: Asked, answer: Answer) -> None:
        await answer.begin()
        await answer.send(plan.pop(0) or b"")

    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, options=options) as stream,
    ):
        assert (await anext(stream)).message == "a"
        with pytest.raises(ReconnectionGaveUpError, match="3 attempts") as raised:
            await anext(stream)
    assert (raised.value.attempts, raised.value.last_event_id) == (3, "1:1:0")
    # The connection that brought the entry is the first of the three that were lost.
    assert plan == [None]


async def test_the_server_may_set_its_delay_back() -> None:
    """
    What it asked for last counts.
    """
    seen: list[Reconnection] = []
    handler = scripted(b"retry:40\n\n", b"retry:0\n\n", entry(b"1:1:0", "a"))
    async with (
        planned(handler) as server,
        session_on(server) as session,
        follow(session, on_reconnection=seen.append) as stream,
    ):
        await anext(stream)
    delays_s = [reconnection.delay.total_seconds() for reconnection in seen]
    assert delays_s[0] >= 0.04
    assert delays_s[1] <= QUICK.max_delay.total_seconds()


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (503, ReconnectionGaveUpError)]
)
async def test_a_stream_that_cannot_be_opened_has_failed(
    status: int, error: type[CleverError]
) -> None:
    """
    It is over, it says so, and asking it gives no entry.
    """

    async def handler(_asked: Asked, answer: Answer) -> None:
        await answer.refuse(status)

    options = StreamOptions(
        reconnect=Reconnect(initial=QUICK.initial, max_delay=QUICK.max_delay, first_attempts=2)
    )
    async with planned(handler) as server, session_on(server) as session:
        stream = follow(session, options=options)
        with pytest.raises(error):
            async with stream:
                pass  # pragma: no cover -- entering raises
        assert stream.state is StreamState.ENDED
        assert stream.ended_by == EndedBy.FAILED
        assert [one async for one in stream] == []
    assert len(server.asked) == (1 if status == 401 else 2)
