"""
The stream is prompt and bounded.
"""

from __future__ import annotations

import asyncio

import attrs
import pytest

from clever_v4.api.logs import LogQuery
from clever_v4.emulator import Emulator, faults
from clever_v4.errors import (
    EventTooLargeError,
)
from clever_v4.session import Session

from .support import DAY, OPTIONS, open_stream, take


@pytest.mark.parametrize("compress", [False, True])
async def test_an_entry_arrives_when_it_is_written(
    emulator: Emulator, session: Session, compress: bool
) -> None:
    """
    Each entry arrives before the next one is published, compressed or not.
    """
    options = attrs.evolve(OPTIONS, compress=compress, heartbeat_timeout=None)
    stream, app = open_stream(session, emulator, None, options=options)
    emulator.faults.push((faults.Gzip(),) if compress else ())
    async with stream:
        for number in range(20):
            emulator.publish(app, message=f"entry {number}")
            assert (await anext(stream)).message == f"entry {number}"
    (connection,) = emulator.connections
    wanted = "gzip" if compress else "identity"
    assert connection.headers["Accept-Encoding"] == wanted


async def test_an_event_over_the_cap_ends_the_stream(session: Session, emulator: Emulator) -> None:
    """
    The entries before it arrive, then the error names the cap; it is not tried again for ever.
    """
    options = attrs.evolve(OPTIONS, max_event_bytes=10_000)
    stream, app = open_stream(session, emulator, history=3, options=options)
    emulator.publish(app, message="x" * 20_000)
    ids: list[str | None] = []
    with pytest.raises(EventTooLargeError, match="exceeds the limit of 10,000 bytes"):  # noqa: PT012 -- the loop is what raises
        async for entry in stream:
            ids.append(entry.id)  # noqa: PERF401 -- those before an error count
    assert ids == emulator.produced_ids(app)[:3]
    assert len(emulator.connections) == 1


async def test_a_slow_consumer_pushes_back_on_the_server(
    session: Session, emulator: Emulator
) -> None:
    """
    The server is paused by TCP; what is buffered here does not grow with the log.
    """
    stream, app = open_stream(session, emulator, LogQuery(since=30 * DAY), history=100_000)
    async with stream:
        await anext(stream)
        sent = -1
        (connection,) = emulator.connections
        while connection.entries_sent != sent:
            sent = connection.entries_sent
            await asyncio.sleep(0.1)
        assert sent < 50_000
        assert await take(stream, sent + 1000) == emulator.produced_ids(app)[1 : sent + 1001]
