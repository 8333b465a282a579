"""
Turns to connect.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from clever_v4.fanout.pacing import Pacer, Pacing
from tests.fanout.sources import settle


def test_turns_are_evenly_spaced() -> None:
    """
    However many ask at once, no more than so many per second get their turn.
    """
    now = 0.0
    pacer = Pacer(Pacing(per_second=10), clock=lambda: now)
    assert [round(pacer.delay_s(), 3) for _ in range(4)] == [0, 0.1, 0.2, 0.3]
    now = 0.35
    assert round(pacer.delay_s(), 3) == 0.05
    now = 5.0
    assert pacer.delay_s() == 0  # turns that nobody took are not saved up
    assert round(pacer.delay_s(), 3) == 0.1


async def test_only_so_many_connect_at_once() -> None:
    """
    A turn is held while connecting; the next one waits for it, also after a cancellation.
    """
    pacer = Pacer(Pacing(concurrency=2, per_second=1e9, jitter=timedelta(0)))
    connecting: list[int] = []

    async def connect(number: int) -> None:
        async with pacer.turn():
            connecting.append(number)
            await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(connect(number)) for number in range(4)]
    await settle()
    assert connecting == [0, 1]
    tasks[2].cancel()  # while it waits for its turn
    tasks[0].cancel()  # while it connects
    await settle()
    assert connecting == [0, 1, 3]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_pacing_that_cannot_be_meant_is_refused() -> None:
    """
    Each argument has its limits, told with the value.
    """
    for arguments in ({"concurrency": 0}, {"per_second": 0}, {"per_second": float("inf")}):
        with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
            Pacing(**arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="jitter must not be negative"):
        Pacing(jitter=timedelta(seconds=-1))
