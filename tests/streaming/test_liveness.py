"""
The stream lives: silence is noticed, faults are overcome or raised.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest

from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator, faults
from clever_v4.errors import (
    APIError,
    AuthenticationError,
    ConnectionFailedError,
    HeartbeatTimeoutError,
    NotFoundError,
    ReconnectionGaveUpError,
)
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnection, is_transient
from clever_v4.streaming.resume import EndedBy

from .support import OPTIONS, QUICK, Wire, bounded, by_hand, entry, open_stream, take


async def test_silence_replaces_the_connection(session: Session, emulator: Emulator) -> None:
    """
    A connection that carries not one byte for the heartbeat timeout is replaced, and nothing is lost.
    """
    seen: list[Reconnection] = []
    stream, app = open_stream(session, emulator, history=10, on_reconnection=seen.append)
    emulator.faults.push(faults.Stall(after_entries=4))
    async with stream:
        assert await take(stream, 10) == emulator.produced_ids(app)
    (reconnection,) = seen
    assert isinstance(reconnection.cause, HeartbeatTimeoutError)
    assert reconnection.cause.request_id
    assert str(reconnection.cause) == (
        f"not one byte arrived for 1 s (Sozu-Id {reconnection.cause.request_id})"
    )
    assert reconnection.last_event_id == emulator.produced_ids(app)[3]


async def test_heartbeats_keep_a_quiet_stream_alive(session: Session, emulator: Emulator) -> None:
    """
    A quiet application is no dead connection.
    """
    options = attrs.evolve(OPTIONS, heartbeat_timeout=timedelta(milliseconds=500))
    stream, app = open_stream(session, emulator, None, options=options)

    async def publish_later() -> None:
        # Three times the heartbeat timeout.
        while stream.statistics().heartbeats < 50:  # noqa: ASYNC110 -- a count has no event
            await asyncio.sleep(0.01)
        emulator.publish(app)

    async with stream, asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_later())
        await take(stream, 1)
    assert stream.statistics().reconnections == 0


async def test_neither_a_slow_consumer_nor_a_stalled_loop_trips_the_watchdog(
    session: Session, emulator: Emulator
) -> None:
    """
    The clock runs on bytes read from the socket, and only while they are waited for.
    """
    options = attrs.evolve(OPTIONS, heartbeat_timeout=timedelta(milliseconds=200))
    stream, app = open_stream(session, emulator, history=10, options=options)
    async with stream:
        await anext(stream)
        await asyncio.sleep(0.5)  # Slow consumer.
        for _ in range(9):
            await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))  # noqa: TID251 -- awaited below
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # the stalled event loop that the test is about  # noqa: ASYNC251 -- the stalled event loop that the test is about
        await asyncio.sleep(0.05)
        emulator.publish(app)
        await waiting
    assert stream.statistics().reconnections == 0


@pytest.mark.parametrize(
    "fault",
    [
        faults.EmptyError(status=500),
        faults.EmptyError(status=425),
        faults.EmptyError(status=408),
        faults.HtmlError(status=502),
        faults.TooManyRequests(retry_after="0"),
        faults.WrongContentType(),
        faults.Disconnect(),
        faults.Disconnect(reset=True),
        faults.EndOfFile(after_entries=3),
        faults.Cut(after_entries=3, reset=True),
        faults.Cut(after_entries=3, inside="chunk"),
        (faults.Gzip(), faults.Cut(after_bytes=333)),
    ],
    ids=str,
)
async def test_transient_faults_are_overcome(
    session: Session, emulator: Emulator, fault: Any
) -> None:
    """
    Whatever of these happens, first or later, every entry arrives once.
    """
    stream, app = open_stream(session, emulator, bounded(), history=10)
    emulator.faults.push(fault, faults.Cut(after_entries=1), fault)
    assert [entry.id async for entry in stream] == emulator.produced_ids(app)
    assert stream.statistics().reconnections >= 1


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (faults.Unauthorized(), AuthenticationError, "HTTP 401 clever.auth.unauthorized"),
        (faults.EmptyError(status=403), APIError, "HTTP 403"),
        (faults.NotFound(), NotFoundError, "Partitioned Topic not found"),
    ],
    ids=str,
)
async def test_fatal_refusals_are_raised_at_once(
    session: Session, emulator: Emulator, fault: Any, error: type[APIError], text: str
) -> None:
    """
    Other 4xx end the stream with the API's own words and the Sozu-Id.
    """
    stream, app = open_stream(session, emulator, history=10)
    emulator.faults.push((), fault)
    emulator.faults.clear()
    emulator.faults.push(faults.Cut(after_entries=4), fault)
    ids: list[str | None] = []
    with pytest.raises(error, match=text) as caught:  # noqa: PT012 -- the loop is what raises
        async with stream:
            async for entry in stream:
                ids.append(entry.id)  # noqa: PERF401 -- those before an error count
    assert ids == emulator.produced_ids(app)[:4]
    assert caught.value.request_id is not None
    assert caught.value.request_id in str(caught.value)
    assert stream.ended_by == EndedBy.FAILED
    assert len(emulator.connections) == 2


async def test_a_401_asks_the_credentials_once_more(emulator: Emulator) -> None:
    """
    A callable that gives credentials is asked for fresh ones, and the stream goes on.
    """
    tokens = iter(["stale-token", emulator.token])

    async def fresh() -> ApiToken:
        return ApiToken(next(tokens))

    async with Session(fresh, base_url=emulator.url) as session:
        stream, app = open_stream(session, emulator, bounded(), history=3)
        assert [entry.id async for entry in stream] == emulator.produced_ids(app)


async def test_it_gives_up_when_it_was_never_connected(
    session: Session, emulator: Emulator
) -> None:
    """
    After the bounded number of first attempts the last cause is told.
    """
    options = attrs.evolve(OPTIONS, reconnect=attrs.evolve(QUICK, first_attempts=3))
    stream, _ = open_stream(session, emulator, history=3, options=options)
    emulator.faults.push(*[faults.HtmlError(status=502)] * 9)
    with pytest.raises(ReconnectionGaveUpError, match="3 attempts") as caught:
        await anext(stream)
    assert isinstance(caught.value.__cause__, APIError)
    assert (caught.value.attempts, caught.value.last_event_id) == (3, None)
    assert len(emulator.connections) == 3


async def test_it_never_gives_up_once_it_was_connected(
    session: Session, emulator: Emulator
) -> None:
    """
    More failures in a row than the first attempts allow do not end a stream that was connected.
    """
    stream, app = open_stream(session, emulator, history=3)
    emulator.faults.push(faults.Cut(after_entries=1), *[faults.Disconnect()] * 12)
    async with stream:
        assert await take(stream, 3) == emulator.produced_ids(app)


async def test_the_decision_can_be_replaced(session: Session, emulator: Emulator) -> None:
    """
    A caller's function decides what is worth another attempt.
    """

    def stubborn(error: Exception) -> bool:
        return is_transient(error) or isinstance(error, AuthenticationError)

    options = attrs.evolve(OPTIONS, reconnect=attrs.evolve(QUICK, is_transient=stubborn))
    stream, app = open_stream(session, emulator, bounded(), history=3, options=options)
    emulator.faults.push(faults.Unauthorized())
    assert [entry.id async for entry in stream] == emulator.produced_ids(app)


async def test_every_reconnection_is_visible(
    session: Session, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A reconnection is logged with cause and delay, counted, and handed to the callback.
    """
    seen: list[Reconnection] = []
    stream, app = open_stream(session, emulator, history=3, on_reconnection=seen.append)
    emulator.faults.push(faults.EndOfFile(after_entries=1), faults.EmptyError(status=503))
    with caplog.at_level(logging.INFO, logger="clever_v4"):
        async with stream:
            await take(stream, 3)
    assert [one.attempt for one in seen] == [1, 2]
    assert stream.statistics().reconnections == 1
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("clever")]
    assert isinstance(seen[0].cause, ConnectionFailedError)
    assert lines[0] == (
        f"log stream of {app}: reconnecting in 0.0 seconds: the stream ended without END_OF_STREAM"
        f" (Sozu-Id {seen[0].cause.request_id})"
    )
    assert "HTTP 503" in lines[1]


@pytest.mark.parametrize(
    "plan",
    [
        [faults.TooManyRequests(retry_after="1")],
        [(faults.RetryFields(milliseconds=1000), faults.EndOfFile(after_entries=1))],
    ],
    ids=["Retry-After", "retry:"],
)
async def test_what_the_server_asks_for_is_waited(
    session: Session, emulator: Emulator, plan: Sequence[Any]
) -> None:
    """
    Retry-After and retry: are waited in full before the next attempt.
    """
    seen: list[Reconnection] = []
    stream, _ = open_stream(session, emulator, history=3, on_reconnection=seen.append)
    emulator.faults.push(*plan)
    async with stream:
        await take(stream, 3)
    (reconnection,) = seen
    assert timedelta(seconds=1) <= reconnection.delay < timedelta(seconds=1.1)


async def test_a_busy_consumer_gets_a_whole_time_out_again() -> None:
    """
    Silence while the consumer is elsewhere, however long, does not count when it asks again.
    """
    seen: list[Reconnection] = []
    asked_again = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(entry(1))
        await asked_again.wait()
        await asyncio.sleep(0.3)
        await wire.send(entry(2))
        await asyncio.sleep(30)

    options = attrs.evolve(OPTIONS, heartbeat_timeout=timedelta(seconds=0.6))
    async with (
        by_hand(script) as (opened, _),
        opened(options=options, on_reconnection=seen.append) as stream,
    ):
        assert (await anext(stream)).id == "1"
        await asyncio.sleep(0.8)
        asked_again.set()
        assert (await anext(stream)).id == "2"
    assert seen == []


async def test_a_connection_without_a_byte_is_cut_after_one_time_out() -> None:
    """
    What was accepted and never sends anything is as dead as what falls silent later.
    """
    cut_at: list[float] = []
    loop = asyncio.get_running_loop()
    accepted_at: list[float] = []

    async def script(wire: Wire) -> None:
        accepted_at.append(loop.time())
        if wire.number == 0:
            await asyncio.sleep(30)
        await wire.send(entry(1))

    options = attrs.evolve(OPTIONS, heartbeat_timeout=timedelta(seconds=1))
    async with (
        by_hand(script) as (opened, _),
        opened(options=options, on_reconnection=lambda _: cut_at.append(loop.time())) as stream,
    ):
        assert (await anext(stream)).id == "1"
    assert 1 <= cut_at[0] - accepted_at[0] + 0.1 < 2


@pytest.mark.parametrize("is_away", [False, True])
async def test_only_time_that_is_waited_counts_as_silence(is_away: bool) -> None:
    """
    Of a consumer that asks now and then, with deadlines, only the waiting adds up.
    """
    seen: list[Reconnection] = []
    silent = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(entry(wire.number + 1))
        silent.set()
        await asyncio.sleep(30)

    options = attrs.evolve(OPTIONS, heartbeat_timeout=timedelta(seconds=0.5))
    async with (
        by_hand(script) as (opened, _),
        opened(options=options, on_reconnection=seen.append) as stream,
    ):
        assert (await anext(stream)).id == "1"
        await silent.wait()
        for _ in range(20 if is_away else 1000):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.005 if is_away else 0.02):
                    await anext(stream)
                    break
            await asyncio.sleep(0.05 if is_away else 0)
    causes = [type(one.cause) for one in seen]
    assert causes == ([] if is_away else [HeartbeatTimeoutError])
