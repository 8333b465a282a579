"""
Half a million entries over a hundred connections: all of them, in order, in flat memory.
"""

from __future__ import annotations

import gc
import resource
import sys
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clever_v4.api.logs import LogQuery, Throttle
from clever_v4.emulator import Emulator, faults
from clever_v4.session import Session

from .support import OPTIONS

ENTRIES = 500_000
CONNECTION = 5_000


@pytest.mark.slow
async def test_half_a_million_entries_keep_memory_flat(
    session: Session, emulator: Emulator
) -> None:
    """
    With a reconnection every 5,000 entries nothing is lost, doubled or kept.
    """
    application = emulator.add_application(
        history=ENTRIES, services=("bas.service",), history_interval_s=0.01
    )
    emulator.faults.push(*[faults.Cut(after_entries=CONNECTION)] * (ENTRIES // CONNECTION - 1))
    expected = iter(emulator.produced_ids(application.id))
    stream = session.logs.stream(
        emulator.owner_id,
        application.id,
        LogQuery(since=timedelta(days=7), until=datetime.now(UTC)),
        throttle=Throttle(elements=1_000_000, per=timedelta(milliseconds=1)),
        options=OPTIONS,
    )
    held: list[int] = []
    resident: list[int] = []
    count = 0
    async with stream:
        async for batch in stream.batches():
            for entry in batch:
                assert entry.id == next(expected)
            count += len(batch)
            if count * 10 // ENTRIES > len(held):
                del batch, entry
                held.append(held_bytes(stream))
                resident.append(resident_bytes())
    assert next(expected, None) is None
    assert count == ENTRIES
    assert stream.statistics().reconnections == ENTRIES // CONNECTION - 1
    # The first tenths fill what is bounded: the recent ids here, the emulator's caches.
    assert max(held[2:]) <= min(held[2:]) + 32 * 1024, held
    assert resident[-1] <= resident[3] + 16 * 1024 * 1024, resident


def held_bytes(root: object) -> int:
    """Sum the sizes of all that a stream holds on to, aiohttp's part of the connection left out."""
    seen: set[int] = set()
    total = 0
    pending: list[object] = [root]
    while pending:
        one = pending.pop()
        ours = type(one).__module__.startswith(("clever_v4.", "builtins", "collections"))
        code = isinstance(one, type | types.ModuleType | types.FunctionType)
        if ours and not code and id(one) not in seen:
            seen.add(id(one))
            total += sys.getsizeof(one)
            pending += gc.get_referents(one)
    return total


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
