"""
Every way to fan out that is measured hands over everything, and a loss is found out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks import server
from benchmarks.fanout import one_source, outage, scenarios, stuck
from benchmarks.fanout.sent import Sent, WrongEntryError
from benchmarks.fanout.ways import WAYS
from benchmarks.readers import many
from clever_v4.fanout.pacing import Pacing


def _sent(count: int) -> Sent:
    return Sent(one_source.from_memory(count), batch_length=100, patience_s=None)


@asynccontextmanager
async def _serving() -> AsyncIterator[str]:
    async with asyncio.TaskGroup() as group:
        listening = await asyncio.start_server(server.Server(group).serve, "127.0.0.1", 0)
        async with listening:
            yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("subscribers", [0, 1, 3])
async def test_every_way_hands_over_everything(way: str, subscribers: int) -> None:
    """
    Each subscriber gets every entry, also more than may wait for it; it checks that by itself.
    """
    sent = _sent(5_050)
    ends: list[int] = []
    check_end = sent.check_end

    def note(place: int) -> None:
        check_end(place)
        ends.append(place)

    sent.check_end = note
    await WAYS[way](sent, subscribers)
    assert ends == [5_050] * subscribers
    assert sent.cpu_s > 0


@pytest.mark.parametrize("take", ["take_batches", "take_entries"])
@pytest.mark.parametrize("place", [0, 120, 199])
async def test_a_lost_entry_is_found_out(take: str, place: int) -> None:
    """
    A subscriber that lacks one entry fails, wherever it is missing.
    """
    sent = _sent(200)
    batches = [batch async for batch in sent.batches()]

    async def lossy() -> AsyncIterator[object]:
        passed = 0
        for batch in batches:
            kept = [one for number, one in enumerate(batch, passed) if number != place]
            passed += len(batch)
            if take == "take_batches":
                yield kept
            else:
                for one in kept:
                    yield one

    with pytest.raises(WrongEntryError):
        await getattr(sent, take)(lossy())


async def test_a_source_that_is_too_slow_is_left() -> None:
    """
    When patience is over, the source ends and subscribers get what it gave.
    """
    sent = Sent(one_source.from_memory(10_000), batch_length=100, patience_s=0.0)
    await WAYS["hub_batches"](sent, 2)
    assert len(sent.entries) == 100


@pytest.mark.parametrize("subscribers", [0, 2])
async def test_a_steady_source_is_read_from_the_server(subscribers: int) -> None:
    """
    The entries of a steady source come over a socket, at about its rate.
    """
    async with _serving() as base_url, one_source.Session(base_url=base_url) as session:
        # From before the server's first write: what is measured begins when the reader is at it.
        begun = time.perf_counter()
        told = await one_source.measure(session, WAYS["hub_batches"], "steady", subscribers, 1_000)
        elapsed_s = time.perf_counter() - begun
    assert told["entries"] == told["expected"] == 1_000
    assert 0 < told["wall_s"] <= elapsed_s
    assert elapsed_s >= 0.04  # 45 ms from the first write to the last


async def test_a_stuck_subscriber_misses_and_the_live_do_not() -> None:
    """
    The measurement checks both by itself, so that it fails if either is not so.
    """
    async with _serving() as base_url:
        told = await stuck.measure(base_url, 3, 8_000, 1)
    assert told["events"] == 3 * 8_000
    assert 0 <= told["p50_ms"] <= told["p99_ms"]


async def test_a_fleet_sends_at_many_rates() -> None:
    """
    Every source of a fleet gives entries at its own rate, and a hub delivers all of them.
    """
    deliveries = many.Deliveries(12)
    async with _serving() as base_url:
        await many.hub(base_url, "fleet-12-1-test", 12, deliveries)
    assert len(deliveries.latencies_ns) == 2 * sum(scenarios.FLEET_RATES)
    assert deliveries.out_of_order == 0


async def test_all_sources_come_back_after_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    All connections are cut once, each source comes back, and the server has seen when.
    """
    monkeypatch.setattr(scenarios, "_CALM_S", 0.1)
    seen: list[scenarios.Outage] = []
    monkeypatch.setattr(
        server, "Outage", lambda streams: seen.append(scenarios.Outage(streams)) or seen[-1]
    )
    async with _serving() as base_url:
        told = await outage.measure(base_url, "outage-5-test", 5, Pacing(per_second=1_000))
    assert told["events"] == 10
    assert told["attempts"] >= 5
    assert set(seen[0].statistics()) == {"opened_at_s", "open_peak", "back_s", "back_peak"}


@pytest.mark.parametrize(
    ("moments", "peak"),
    [([], 0), ([1.0], 1), ([0.0, 0.05, 0.099, 0.101, 0.3], 3), ([0.0, 0.1, 0.2], 1)],
)
def test_the_peak_is_the_most_within_a_tenth_of_a_second(moments: list[float], peak: int) -> None:
    """
    The window moves with the moments: a peak across two tenths counts too.
    """
    assert scenarios.peak_count(moments) == peak
