"""
The stream closes, whoever closes it and when.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from contextlib import aclosing
from typing import Any

import pytest

from clever_v4.api.logs import LogEntry, LogStream
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator, faults
from clever_v4.session import Session
from clever_v4.streaming.resume import EndedBy
from clever_v4.streaming.subject import StreamState

from .support import HISTORY, open_stream, take


async def test_a_plain_loop_closes_on_break(
    session: Session, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without async with, leaving the loop closes the connection at once and without a complaint.
    """
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    application = emulator.add_application(history=10)
    views = (
        lambda stream: stream,
        LogStream.batches,
        LogStream.chunks,
        LogStream.raw_batches,
        LogStream.events,
    )
    tasks = len(asyncio.all_tasks())
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for number, view in enumerate(views, 1):
            items = []
            async for item in view(session.logs.stream(emulator.owner_id, application.id, HISTORY)):
                items.append(item)
                break
            assert len(items) == 1
            await emulator.connections.wait_until(active=0)
            assert len(emulator.connections) == number
        gc.collect()
        await asyncio.sleep(0)
    assert complaints == []
    assert [str(one.message) for one in warned] == []
    assert len(asyncio.all_tasks()) <= tasks


async def test_aclose_from_another_task_wakes_the_consumer(
    session: Session, emulator: Emulator
) -> None:
    """
    A consumer that waits for an entry is told that the stream is closed.
    """
    stream, _ = open_stream(session, emulator, None)
    async with stream:
        waiting = asyncio.ensure_future(anext(stream, "end"))  # noqa: TID251 -- awaited below
        await emulator.connections.wait_until(active=1)
        await stream.aclose()
        assert await waiting == "end"
    await emulator.connections.wait_until(active=0)
    assert stream.ended_by == EndedBy.CLOSED
    await stream.aclose()


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (faults.SlowAnswer(seconds=3600), StreamState.CONNECTING),
        (faults.TooManyRequests(retry_after="280"), StreamState.WAITING),
    ],
    ids=["connecting", "waiting"],
)
async def test_aclose_ends_connecting_and_waiting(
    session: Session, emulator: Emulator, plan: Any, state: StreamState
) -> None:
    """
    Closing does not wait for a slow server or a long back-off.
    """
    stream, _ = open_stream(session, emulator, None)
    emulator.faults.push(plan)
    waiting = asyncio.ensure_future(anext(stream, "end"))  # noqa: TID251 -- awaited below
    await emulator.connections.wait_until(opened=1)
    while stream.state is not state:  # noqa: ASYNC110 -- a state has no event
        await asyncio.sleep(0.001)
    await stream.aclose()
    assert await waiting == "end"
    assert stream.ended_by == EndedBy.CLOSED


async def test_aclosing_and_athrow_work_as_on_a_generator(
    session: Session, emulator: Emulator
) -> None:
    """
    The stream is an async generator to the standard library.
    """
    stream, _ = open_stream(session, emulator, history=3)
    async with aclosing(stream) as generator:
        assert isinstance(await generator.asend(None), LogEntry)
        with pytest.raises(KeyError):
            await generator.athrow(KeyError("x"))
        with pytest.raises(StopAsyncIteration):
            await anext(generator)


async def test_a_timeout_around_the_loop_closes_it(session: Session, emulator: Emulator) -> None:
    """
    asyncio.timeout around the loop ends it and leaves no connection.
    """
    stream, _ = open_stream(session, emulator, None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), stream:
            await take(stream, 1)
    await emulator.connections.wait_until(active=0)


async def test_closing_the_session_ends_its_streams(emulator: Emulator) -> None:
    """
    A stream of a closed session does not reconnect for ever.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        stream, _ = open_stream(session, emulator, None)
        waiting = asyncio.ensure_future(anext(stream))  # noqa: TID251 -- awaited below
        await emulator.connections.wait_until(active=1)
    with pytest.raises(RuntimeError, match="the session is closed"):
        await waiting
    await emulator.connections.wait_until(active=0)


async def test_two_tasks_at_once_are_refused(session: Session, emulator: Emulator) -> None:
    """
    A second task that asks for an entry is told so, and the first one is not disturbed.
    """
    stream, app = open_stream(session, emulator, None)
    async with stream:
        waiting = asyncio.ensure_future(anext(stream))  # noqa: TID251 -- awaited below
        await asyncio.sleep(0)  # it begins to wait
        with pytest.raises(RuntimeError, match="another task is waiting"):
            await anext(stream)
        emulator.publish(app)
        assert (await waiting).id == emulator.produced_ids(app)[0]
