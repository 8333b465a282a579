"""
When the emulator sends, and how it ends.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from clever_v4.emulator import Application, Emulator, faults
from clever_v4.emulator.faults import (
    Drip,
)
from tests.emulator.wire import WHOLE, connect, exchange, logs


async def test_the_throttle_takes_its_time(emulator: Emulator, application: Application) -> None:
    """
    A hundred entries at 20 per 50 ms take four whole periods; each period's entries come at once.
    """
    target = logs(application, f"{WHOLE}&throttlePerInMilliseconds=50".replace("100000", "20"))
    start = time.monotonic()
    got = await exchange(emulator, target)
    assert time.monotonic() - start >= 4 * 0.05
    assert [chunk.count(b"event:A") for _, chunk in got.chunks if b"event:A" in chunk] == [20] * 5


async def test_the_default_throttle_is_100_per_300_ms(emulator: Emulator) -> None:
    """
    Of 150 entries the last 50 come after a period of 300 ms.
    """
    application = emulator.add_application(history=150, services=["bas.service"])
    start = time.monotonic()
    got = await exchange(emulator, logs(application, "since=2001-01-01T00:00:00Z&limit=150"))
    assert time.monotonic() - start >= 0.3
    assert [chunk.count(b"event:A") for _, chunk in got.chunks if b"event:A" in chunk] == [100, 50]


async def test_heartbeats_come_at_their_interval() -> None:
    """
    Every 2 seconds unless another interval is asked for, never sooner, and with empty data.
    """
    assert Emulator().state.options.heartbeat_s == 2.0
    async with Emulator(demo=False, heartbeat_s=0.03) as emulator:
        start = time.monotonic()
        reader, writer = await connect(emulator, logs(emulator.add_application(), "limit=1"))
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(5):
            frame = await reader.readuntil(b"\n\n\r\n")
            assert frame.endswith(b"\r\nevent:HEARTBEAT\ndata:\n\n\r\n")
        assert time.monotonic() - start >= 5 * 0.03
        writer.close()


@pytest.mark.parametrize(
    "fault",
    [
        (),
        faults.Stall(),
        faults.HeartbeatsOnly(),
        faults.SlowAnswer(seconds=3600),
        faults.Stall(after_entries=3, seconds=3600),
        Drip(),
    ],
    ids=str,
)
async def test_nothing_is_left_when_the_emulator_stops(fault: faults.Fault) -> None:
    """
    No task and no listening socket, and each open stream is ended, also one that nobody reads.
    """
    before = asyncio.all_tasks()
    async with Emulator(demo=False) as emulator:
        application = emulator.add_application(history=20_000)
        emulator.faults.push(fault)
        fast = "since=2001-01-01T00:00:00Z&throttleElements=1000000&throttlePerInMilliseconds=1"
        reader, writer = await connect(emulator, logs(application, fast))
        idle = await connect(emulator, "/v2/self", "Connection: keep-alive")
        await emulator.connections.wait_until(opened=1)
    assert emulator.connections.active == 0
    with pytest.raises(ConnectionRefusedError):
        await connect(emulator, "/v2/self")
    for one in (writer, idle[1]):
        one.close()
    try:
        while await reader.read(65_536):
            pass
    except ConnectionResetError:
        pass
    assert asyncio.all_tasks() == before


async def test_an_emulator_can_be_stopped_and_started_again(emulator: Emulator) -> None:
    """
    On the same port and with the same account, as an API that is redeployed.
    """
    async with Emulator(demo=False) as other:
        url, application = other.url, other.add_application(history=100, services=["bas.service"])
        first = await exchange(other, logs(application))
    async with other:
        assert other.url == url
        assert (await exchange(other, logs(application))).text == first.text


async def test_hundreds_of_streams_are_served_and_stopped_at_once() -> None:
    """
    Each gets what is published, and the end of the emulator ends them all.
    """
    async with Emulator(demo=False) as emulator:
        target = logs(emulator.add_application(), "limit=2")
        opened = await asyncio.gather(*(connect(emulator, target) for _ in range(200)))
        await emulator.connections.wait_until(active=200)
        await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader, _ in opened))
        (identity,) = emulator.publish(emulator.applications[0].id, "for all")
        frames = await asyncio.gather(*(reader.readuntil(b"\n\n\r\n") for reader, _ in opened))
    assert all(f"\r\nid:{identity}\n".encode() in frame for frame in frames)
    assert (emulator.connections.active, emulator.connections.peak) == (0, 200)
    for _, writer in opened:
        writer.close()
