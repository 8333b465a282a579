"""
Asking for the next entry is safe to give up: nothing is lost, and the stream stays open.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
import weakref
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from clever_v4.api.logs import LogEntry, LogStream
from clever_v4.emulator import Emulator, faults
from clever_v4.errors import HeartbeatTimeoutError
from clever_v4.session import Session
from clever_v4.streaming.attempt import ATTEMPT_NAME
from clever_v4.streaming.policy import Reconnection
from clever_v4.streaming.resume import EndedBy
from clever_v4.streaming.subject import StreamState

from .support import OPTIONS, QUICK, Wire, bounded, by_hand, entry, open_stream

Ids = Callable[[Any], list[str | None]]

VIEWS: dict[str, tuple[Callable[[LogStream[LogEntry]], AsyncIterator[Any]], Ids]] = {
    "entries": (lambda stream: stream, lambda one: [one.id]),
    "batches": (LogStream.batches, lambda batch: [one.id for one in batch]),
    "gathered": (
        lambda stream: stream.batches(max_entries=7, max_wait=timedelta(milliseconds=15)),
        lambda batch: [one.id for one in batch],
    ),
    "chunks": (
        lambda stream: stream.chunks(size=7, wait=timedelta(milliseconds=15)),
        lambda chunk: [one.id for one in chunk],
    ),
    "raw batches": (LogStream.raw_batches, lambda batch: [one.id for one in batch]),
    "events": (LogStream.events, lambda event: [event.last_event_id]),
}


async def with_timeout(asked: Any, seconds: float) -> Any:
    async with asyncio.timeout(seconds):
        return await asked


async def with_wait_for(asked: Any, seconds: float) -> Any:
    return await asyncio.wait_for(asked, seconds)  # noqa: TID251 -- what many users write


async def ask_until_end(
    items: AsyncIterator[Any], ids_of: Ids, wait: Callable[[Any, float], Any], seconds: float
) -> tuple[list[str | None], int]:
    """
    Ask with deadlines until the end, and count those that passed.
    """
    got: list[str | None] = []
    passed = 0
    while True:
        try:
            got += ids_of(await wait(anext(items), seconds))
        except TimeoutError:
            passed += 1
        except StopAsyncIteration:
            return got, passed


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("wait", [with_timeout, with_wait_for])
async def test_a_deadline_loses_nothing(view: str, wait: Callable[[Any, float], Any]) -> None:
    """
    Whatever is asked for, with deadlines that pass before, between and amid entries.
    """
    make, ids_of = VIEWS[view]

    async def script(wire: Wire) -> None:
        for number in range(int(wire.last_event_id or 0) + 1, 61):
            whole = entry(number)
            await wire.send(whole[:20])
            await asyncio.sleep(0.004)
            await wire.send(whole[20:])
            if number in {20, 40} and wire.last_event_id != str(number):
                return
        await wire.send(b'event: END_OF_STREAM\ndata: {"endedBy":"UNTIL_REACHED"}\n\n')

    async with by_hand(script) as (opened, wires), opened(bounded()) as stream:
        got, passed = await ask_until_end(make(stream), ids_of, wait, 0.003)
        assert got == [str(number) for number in range(1, 61)]
        assert passed > 20
        assert len(wires) == 3
        assert stream.ended_by == EndedBy.UNTIL_REACHED
        assert stream.cursor.entry_count == 60


async def test_a_slow_connection_comes_about_for_an_impatient_consumer(
    session: Session, emulator: Emulator
) -> None:
    """
    Deadlines shorter than connecting takes give up waiting, not connecting.
    """
    stream, app = open_stream(session, emulator, bounded(), history=3)
    emulator.faults.push(faults.SlowAnswer(seconds=0.3))
    got, passed = await ask_until_end(stream, lambda one: [one.id], with_timeout, 0.02)
    assert got == emulator.produced_ids(app)
    assert passed >= 5
    assert len(emulator.connections) == 1


async def test_a_delay_goes_on_while_nobody_waits(session: Session, emulator: Emulator) -> None:
    """
    The delay before the next attempt keeps its end, and is told once.
    """
    seen: list[Reconnection] = []
    stream, app = open_stream(session, emulator, bounded(), history=3, on_reconnection=seen.append)
    emulator.faults.push(faults.TooManyRequests(retry_after="1"))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    got, passed = await ask_until_end(stream, lambda one: [one.id], with_timeout, 0.02)
    assert got == emulator.produced_ids(app)
    assert passed >= 10
    assert loop.time() - begun >= 1
    assert len(seen) == 1
    assert len(emulator.connections) == 2


async def test_silence_is_noticed_over_many_short_waits(
    session: Session, emulator: Emulator
) -> None:
    """
    A dead connection is replaced for a consumer whose deadlines are shorter than the heartbeat timeout.
    """
    seen: list[Reconnection] = []
    stream, app = open_stream(session, emulator, bounded(), history=10, on_reconnection=seen.append)
    emulator.faults.push(faults.Stall(after_entries=4))
    async with stream:
        got, _ = await ask_until_end(stream, lambda one: [one.id], with_timeout, 0.02)
    assert got == emulator.produced_ids(app)
    assert [type(one.cause) for one in seen] == [HeartbeatTimeoutError]


async def test_cancellation_inside_async_with_closes_at_once(
    session: Session, emulator: Emulator
) -> None:
    """
    The cancellation passes through the block, which closes the stream on the way out.
    """
    stream, _ = open_stream(session, emulator, None)

    async def follow() -> None:
        async with stream:
            async for _ in stream:
                pass

    task = asyncio.ensure_future(follow())  # noqa: TID251 -- awaited below
    await emulator.connections.wait_until(active=1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stream.state is StreamState.ENDED
    assert stream.ended_by == EndedBy.CLOSED
    await emulator.connections.wait_until(active=0)


async def test_cancellation_on_entering_closes_at_once(
    session: Session, emulator: Emulator
) -> None:
    """
    A block that was never entered is never left: the attempt to connect ends with it.
    """
    stream, _ = open_stream(session, emulator, None)
    emulator.faults.push(faults.SlowAnswer(seconds=30))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), stream:
            pass  # pragma: no cover -- it is not entered
    assert stream.ended_by == EndedBy.CLOSED
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await emulator.connections.wait_until(active=0)


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        ((), StreamState.OPEN),
        (faults.SlowAnswer(seconds=30), StreamState.CONNECTING),
        (faults.TooManyRequests(retry_after="30"), StreamState.WAITING),
        (faults.SlowAnswer(seconds=0.1), StreamState.CONNECTING),
    ],
    ids=["open", "connecting", "waiting", "connected meanwhile"],
)
@pytest.mark.parametrize("end", ["dropped", "closed"])
async def test_what_is_left_in_the_middle_leaks_nothing(
    session: Session, emulator: Emulator, plan: Any, state: StreamState, end: str
) -> None:
    """
    A stream dropped or closed after an ask was given up takes its connection, attempt and timers along.
    """
    emulator.faults.push(plan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream, _ = open_stream(session, emulator, None)
        await ask_until(stream, state)
        assert stream.state is state
        assert stream.ended_by is None
        if plan == faults.SlowAnswer(seconds=0.1):
            await emulator.connections.wait_until(active=1)
            await until(lambda: not attempts())
        left = weakref.ref(stream)
        if end == "closed":
            await stream.aclose()
            assert not attempts()
            assert stream.ended_by == EndedBy.CLOSED
        del stream
        await asyncio.sleep(0)  # asyncio keeps the cancellation's traceback to the end of a step
        assert left() is None
        await emulator.connections.wait_until(active=0)
        await until(lambda: not attempts())


def attempts() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == ATTEMPT_NAME]


async def ask_until(stream: LogStream[LogEntry], state: StreamState) -> None:
    """
    Ask for an entry, and give it up when the stream is in this state.
    """
    asking = asyncio.ensure_future(anext(stream))  # noqa: TID251 -- waited for below
    await asyncio.sleep(0)  # it begins
    await until(lambda: stream.state is state)
    asking.cancel()
    # Its error must not pass here: this frame would keep the stream.
    await asyncio.wait((asking,))
    assert asking.cancelled()


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 -- what it looks at has no event
        await asyncio.sleep(0.001)


async def test_a_failed_attempt_that_nobody_waits_for_says_nothing(
    session: Session, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Its error waits for the next ask; dropped with the stream, asyncio does not complain of it.
    """
    stream, app = open_stream(session, emulator, bounded(), history=2)
    emulator.faults.push(*[(faults.SlowAnswer(seconds=0.05), faults.EmptyError(status=403))] * 2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(stream)
    await emulator.connections.wait_until(opened=1, active=0)
    del stream
    gc.collect()
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == []
    del app


async def test_what_arrived_before_a_cut_is_not_thrown_away() -> None:
    """
    A consumer slower than the connections break gets on: what a broken one had brought counts.
    """

    async def script(wire: Wire) -> None:
        begin = int(wire.last_event_id or 0) + 1
        await wire.send(entry(begin))
        await asyncio.sleep(0.02)
        await wire.send(b"".join(entry(number) for number in range(begin + 1, begin + 5)))
        wire.cut()

    async with by_hand(script) as (opened, wires), opened() as stream:
        got = []
        for _ in range(10):
            got.append((await anext(stream)).id)
            await asyncio.sleep(0.04)  # what is left arrives and the connection breaks
        assert got == [str(number) for number in range(1, 11)]
        assert len(wires) == 2


async def test_two_tasks_at_once_are_refused_while_one_gathers() -> None:
    """
    Entries that one task gathers are not given to another.
    """
    proceed = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(entry(1))
        await proceed.wait()
        await wire.send(entry(2))
        await asyncio.sleep(30)

    async with by_hand(script) as (opened, _), opened() as stream:
        batches = stream.batches(max_entries=2, max_wait=timedelta(seconds=30))
        gathering = asyncio.ensure_future(anext(batches))  # noqa: TID251 -- awaited below
        await until(lambda: stream.statistics().entries == 1)
        for asked in (stream, stream.batches(), stream.events(), stream.raw_batches()):
            with pytest.raises(RuntimeError, match="another task is waiting"):
                await anext(asked)
        proceed.set()
        assert [one.id for one in await gathering] == ["1", "2"]


async def test_a_first_attempt_that_fails_while_nobody_waits_is_told_once(
    session: Session, emulator: Emulator
) -> None:
    """
    Attempts are counted however often they are asked for.
    """
    seen: list[Reconnection] = []
    options = attrs.evolve(OPTIONS, reconnect=QUICK)
    stream, app = open_stream(
        session, emulator, bounded(), history=2, options=options, on_reconnection=seen.append
    )
    emulator.faults.push(*[(faults.SlowAnswer(seconds=0.03), faults.EmptyError(status=500))] * 3)
    got, _ = await ask_until_end(stream, lambda one: [one.id], with_timeout, 0.01)
    assert got == emulator.produced_ids(app)
    assert [one.attempt for one in seen] == [1, 2, 3]
