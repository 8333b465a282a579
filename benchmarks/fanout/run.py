"""
The rounds of the fan-out's measurements.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from benchmarks.processes import python, run_reader, seen_by_server

SUBSCRIBERS = (1, 10, 100, 500)

BATCH_WAYS = ("hub_batches", "hub_dropping", "queue_batches", "condition_batches", "anyio_batches")
ENTRY_WAYS = (
    "hub_entries",
    "queue_entries",
    "aiostream_entries",
    "janus_entries",
    "anyio_entries",
)
STEADY_WAYS = ("hub_batches", "hub_entries", "queue_batches", "queue_entries", "anyio_batches")
FASTEST_WAYS = ("hub_batches", "hub_entries")

Say = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Sizes:
    """
    How much is measured; of what takes long, in fewer rounds.
    """

    batches: Mapping[int, int]
    """How many entries come out of memory in batches, by how many subscribers there are."""
    entries: Mapping[int, int]
    """The same where subscribers take entries one by one."""
    steady: int
    """How many entries come from the server at a steady rate."""
    fastest: int
    """How many as fast as they are taken."""
    fleets: tuple[int, ...]
    fleet_s: int
    live: int = 100
    """How many live subscribers there are beside a stuck one."""
    stuck: int
    """How many entries pass it by."""
    outage: int
    long_rounds: int
    outage_rounds: int


FULL = Sizes(
    batches={0: 50_000, 1: 50_000, 10: 50_000, 100: 10_000, 500: 3_000},
    entries={0: 50_000, 1: 10_000, 10: 3_000, 100: 500, 500: 200},
    steady=10_000,
    fastest=30_000,
    fleets=(500, 2_000),
    fleet_s=3,
    stuck=12_000,
    outage=500,
    long_rounds=3,
    outage_rounds=2,
)
QUICK = Sizes(
    batches={0: 20_000, 1: 20_000, 10: 20_000, 100: 4_000, 500: 1_000},
    entries={0: 20_000, 1: 4_000, 10: 1_000, 100: 200, 500: 100},
    steady=2_000,
    fastest=5_000,
    fleets=(100, 200),
    fleet_s=2,
    stuck=10_000,
    outage=50,
    long_rounds=1,
    outage_rounds=1,
)


def measure(base_url: str, sizes: Sizes, rounds: int, say: Say) -> dict[str, Any]:
    """
    Measure everything; what takes long in fewer rounds.
    """
    long_rounds = min(rounds, sizes.long_rounds)
    return {
        "memory": _one_source(
            base_url,
            "memory",
            {
                **dict.fromkeys(BATCH_WAYS, sizes.batches),
                **dict.fromkeys(ENTRY_WAYS, sizes.entries),
            },
            rounds,
            say,
        ),
        "steady": _one_source(
            base_url,
            "steady",
            dict.fromkeys(STEADY_WAYS, dict.fromkeys((0, *SUBSCRIBERS), sizes.steady)),
            long_rounds,
            say,
        ),
        "fastest": _one_source(
            base_url,
            "chunks",
            dict.fromkeys(FASTEST_WAYS, dict.fromkeys((0, *SUBSCRIBERS), sizes.fastest)),
            long_rounds,
            say,
        ),
        "stuck": _stuck(base_url, sizes, rounds, say),
        "fleets": {
            str(streams): _fleet(base_url, streams, sizes, long_rounds, say)
            for streams in sizes.fleets
        },
        "outage": _outage(base_url, sizes, min(rounds, sizes.outage_rounds), say),
    }


def _one_source(
    base_url: str, source: str, ways: Mapping[str, Mapping[int, int]], rounds: int, say: Say
) -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    order = list(ways)
    chance = random.Random(1)
    for number in range(rounds):
        chance.shuffle(order)
        for way in order:
            amounts = [f"{subscribers}:{count}" for subscribers, count in ways[way].items()]
            command = python("fanout.one_source", way, source, base_url, *amounts)
            result = run_reader(command)
            measured[way].append(result)
            say(f"round {number + 1} fan-out {source} {way}: {result.get('error', 'done')}")
    return measured


def _stuck(base_url: str, sizes: Sizes, rounds: int, say: Say) -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = {"0": [], "1": []}
    for number in range(rounds):
        # In turns who is first: what the machine does at the start of a pair falls on both.
        for stuck in sorted(measured, reverse=number % 2 == 1):
            command = python("fanout.stuck", base_url, str(sizes.live), str(sizes.stuck), stuck)
            result = run_reader(command)
            measured[stuck].append(result)
            say(f"round {number + 1} fan-out, {stuck} stuck: {result}")
    return measured


def _fleet(
    base_url: str, streams: int, sizes: Sizes, rounds: int, say: Say
) -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = {"bare": [], "hub": [], "hub_uncollected": []}
    for number in range(rounds):
        for client in sorted(measured, reverse=number % 2 == 1):
            application = f"fleet-{streams}-{sizes.fleet_s}-{client}{number}"
            result = run_reader(python("readers.many", client), base_url, application, str(streams))
            if "error" not in result:
                result["expected"] = seen_by_server(base_url, application)["sent"]
            measured[client].append(result)
            say(f"round {number + 1} fan-out, {streams} sources, {client}: {result}")
    return measured


def _outage(base_url: str, sizes: Sizes, rounds: int, say: Say) -> dict[str, list[dict[str, Any]]]:
    measured: dict[str, list[dict[str, Any]]] = {"default": [], "off": []}
    for number in range(rounds):
        for pacing in measured:
            application = f"outage-{sizes.outage}-{pacing}{number}"
            command = python("fanout.outage", base_url, application, str(sizes.outage), pacing)
            result = run_reader(command)
            if "error" not in result:
                result |= seen_by_server(base_url, application)
                result["open_s"] = result["opened_at_s"] - result["started_s"]
            measured[pacing].append(result)
            say(f"round {number + 1} fan-out, outage, pacing {pacing}: {result}")
    return measured
