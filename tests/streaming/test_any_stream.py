"""
Any event stream: ``session.stream()`` keeps a log stream's promises for other endpoints.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from clever_v4 import (
    ApiToken,
    EndedBy,
    EventStream,
    LogEntry,
    ResponseFormatError,
    Session,
    StreamOptions,
)
from clever_v4.emulator import Emulator, faults
from tests.serving import Server, serve

from .support import QUICK

OPTIONS = StreamOptions(reconnect=QUICK)


@asynccontextmanager
async def connections(*bodies: bytes) -> AsyncIterator[tuple[Server, Session]]:
    """
    A server that sends one of them on each connection, and then leaves the last one open.
    """
    left = list(bodies)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(left.pop(0))
        if not left:
            await asyncio.Event().wait()
        return response

    async with serve(answer) as server, Session(ApiToken("t"), base_url=server.url) as session:
        yield server, session


async def take(stream: EventStream[Any], count: int) -> list[Any]:
    async with stream:
        return [await anext(stream) for _ in range(count)]


async def test_a_log_read_by_its_path_is_the_log(session: Session, emulator: Emulator) -> None:
    """
    With cuts and repeats, and on from a cursor, in the model that was asked for.
    """
    app = emulator.add_application(history=30)
    path = ("v4", "logs", "organisations", emulator.owner_id, "applications", app.id, "logs")

    def open_log(**given: Any) -> EventStream[LogEntry]:
        return session.stream(
            path,
            event="APPLICATION_LOG",
            model=LogEntry,
            query={"since": "2000-01-01T00:00:00Z"},
            options=OPTIONS,
            **given,
        )

    emulator.faults.push(faults.Cut(after_entries=7), (faults.RepeatLast(count=3),))
    stream = open_log()
    ids = [entry.id for entry in await take(stream, 20)]
    more = [entry.id for entry in await take(open_log(resume_from=stream.cursor), 11)]
    log = list(emulator.produced_ids(app.id))
    assert ids == log[:20]
    assert more == log[19:]  # the one in hand again
    with pytest.raises(ValueError, match="resume_from must be a cursor of"):
        session.stream("/v4/other", resume_from=stream.cursor)


async def test_ids_of_a_stream_that_does_not_resume_mean_nothing() -> None:
    """
    Each connection counts anew: nothing is taken for repeated, and no id is sent back.
    """
    body = b"id: 1\nevent: REQUESTS\ndata: [%d]\n\nid: 2\nevent: REQUESTS\ndata: [%d]\n\n"
    async with connections(body % (1, 2), body % (3, 4)) as (server, session):
        stream = session.stream(
            "/v4/live", event="REQUESTS", model=list[int], is_resumable=False, options=OPTIONS
        )
        assert await take(stream, 4) == [[1], [2], [3], [4]]
        assert stream.cursor.last_event_id is None
    assert [request.headers.get("Last-Event-ID") for request in server.requests] == [None, None]
    with pytest.raises(ValueError, match="resume_from needs a stream that is_resumable"):
        session.stream("/v4/live", is_resumable=False, resume_from=stream.cursor)


@pytest.mark.parametrize("is_resumable", [True, False])
async def test_events_without_a_name_are_messages(is_resumable: bool) -> None:
    """
    Named or not: the standard makes no difference. The data are plain values.
    """
    body = b'id: 1\ndata: {"a": 1}\n\nevent: message\nid: 2\ndata: null\n\nevent: x\ndata: 3\n\n'
    async with connections(body, b'id: 2\ndata: null\n\nid: 3\ndata: "b"\n\n') as (_, session):
        stream = session.stream("/v4/any", is_resumable=is_resumable, options=OPTIONS)
        repeated = [] if is_resumable else [None]
        assert await take(stream, 3 + len(repeated)) == [{"a": 1}, None, *repeated, "b"]


@pytest.mark.parametrize("is_bounded", [True, False])
async def test_the_end_that_the_server_tells_ends_what_has_an_end(is_bounded: bool) -> None:
    """
    It cuts what has none.
    """
    end = b'event: END_OF_STREAM\ndata: {"endedBy":"DONE"}\n\n'
    async with connections(b"id: 1\ndata: 1\n\n" + end, b"id: 2\ndata: 2\n\n") as (_, session):
        stream = session.stream("/v4/any", is_bounded=is_bounded, options=OPTIONS)
        async with stream:
            assert await anext(stream) == 1
            if is_bounded:
                with pytest.raises(StopAsyncIteration):
                    await anext(stream)
                assert stream.ended_by == "DONE"
            else:
                assert await anext(stream) == 2
    assert stream.ended_by == ("DONE" if is_bounded else EndedBy.CLOSED)


async def test_data_that_does_not_fit_is_told_of_or_raised() -> None:
    """
    As for a log: by *on_bad_entry*, or as an error that ends the stream.
    """
    told: list[ResponseFormatError] = []
    body = b'id: 1\ndata: {"id": 5}\n\nid: 2\ndata: {"message": "good"}\n\n'
    async with connections(body, body) as (_, session):
        stream = session.stream("/v4/any", model=LogEntry, on_bad_entry=told.append)
        (entry,) = await take(stream, 1)
        assert entry.message == "good"
        assert len(told) == 1
        with pytest.raises(ResponseFormatError):
            await take(session.stream("/v4/any", model=LogEntry), 1)


async def test_what_cannot_be_meant_is_refused_at_the_call() -> None:
    """
    By name.
    """
    session = Session(ApiToken("token"))
    with pytest.raises(ValueError, match="path must begin with"):
        session.stream("v4/any")
    with pytest.raises(ValueError, match="event"):
        session.stream("/v4/any", event="")
    with pytest.raises(TypeError, match="is_resumable"):
        session.stream("/v4/any", is_resumable="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="options"):
        session.stream("/v4/any", options=5)  # type: ignore[arg-type]
