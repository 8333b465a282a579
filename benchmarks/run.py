"""
Run the benchmarks: ``python -m benchmarks.run [--quick] [--rounds N] [--only PART ...]``.

A full run measures everything in interleaved rounds and writes the tables into benchmarks/README.md;
``--quick`` measures small amounts in two rounds and only prints them.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from benchmarks import imports, javascript, report
from benchmarks.fanout import run as fanout
from benchmarks.processes import python, run_reader, seen_by_server, server
from benchmarks.tables import error_in

PARTS = ("throughput", "live", "fanout", "imports", "conformance", "structuring")


@attrs.frozen
class Reader:
    """
    One row of the tables: a name and the command that reads one stream.
    """

    name: str
    command: tuple[str, ...]


@attrs.frozen
class Sizes:
    """
    How much a run measures.
    """

    counts: dict[str, int]
    streams: int
    entries: int
    rounds: int
    fanout: fanout.Sizes


FULL = Sizes(
    counts={"chunks": 100_000, "single": 50_000, "paced": 5_000, "pieces": 50_000, "big": 4},
    streams=5_000,
    entries=10,
    rounds=5,
    fanout=fanout.FULL,
)
QUICK = Sizes(
    counts={"chunks": 20_000, "single": 10_000, "paced": 2_000, "pieces": 10_000, "big": 1},
    streams=1_000,
    entries=4,
    rounds=2,
    fanout=fanout.QUICK,
)


def readers() -> list[Reader]:
    """
    Return everything that is measured on one stream and can run here.
    """
    rows = [
        Reader(report.FLOOR, python("readers.floor", "bytes")),
        Reader(report.OURS_RAW, python("readers.ours", "raw")),
        Reader(report.OURS_TYPED, python("readers.ours", "typed")),
        Reader(report.OURS_BATCHES, python("readers.ours", "batches")),
        Reader(report.LAUNCHDARKLY_RAW, python("readers.launchdarkly", "raw")),
        Reader(report.HTTPX_RAW, python("readers.httpx_sse", "raw")),
        Reader(report.AIOHTTP_RAW, python("readers.aiohttp_sse", "raw")),
        Reader(report.HTTPX_TYPED, python("readers.httpx_sse", "typed")),
        Reader(report.AIOHTTP_TYPED, python("readers.aiohttp_sse", "typed")),
    ]
    if lacking := javascript.missing():
        print(f"the JavaScript client is left out: {lacking}", file=sys.stderr)
        return rows
    for version in javascript.VERSIONS:
        package = javascript.installed(version)
        command = ("node", str(javascript.READER), str(package))
        rows.append(Reader(report.official(version), command))
    return rows


def throughput(base_url: str, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """
    Measure each reader on each way of arriving, one stream at a time.
    """
    measured: dict[str, dict[str, list[dict[str, Any]]]] = {}
    order = readers()
    chance = random.Random(1)
    for number in range(sizes.rounds):
        for scenario, count in sizes.counts.items():
            chance.shuffle(order)
            for reader in order:
                rows = measured.setdefault(scenario, {}).setdefault(reader.name, [])
                if error_in(rows):
                    continue
                result = run_reader(reader.command, base_url, f"{scenario}-{count}", str(count))
                if "error" not in result and result["events"] != count:
                    result = {"error": f"read {result['events']} of {count} events"}
                rows.append(result)
                say(f"round {number + 1} {scenario} {reader.name}: {_short(result)}")
    return measured


def live(base_url: str, sizes: Sizes, say: Callable[[str], None]) -> dict[str, Any]:
    """
    Measure many concurrent streams in one process, one client at a time.
    """
    clients = {
        report.LIVE_FLOOR: "bare",
        report.OURS_TYPED: "ours",
        report.AIOHTTP_TYPED: "aiohttp_sse",
        report.HTTPX_TYPED: "httpx_sse",
    }
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in clients}
    order = list(clients)
    chance = random.Random(1)
    for number in range(sizes.rounds):
        chance.shuffle(order)
        for name in order:
            client = clients[name]
            if error_in(measured[name]):
                continue  # it takes two minutes to fail
            application = f"live-{sizes.streams}-{sizes.entries}-{client}{number}"
            command = python("readers.many", client)
            result = run_reader(command, base_url, application, str(sizes.streams))
            if "error" not in result:
                result |= seen_by_server(base_url, application)
                result["open_s"] = result["opened_at_s"] - result["started_s"]
                result["expected"] = sizes.streams * sizes.entries
            measured[name].append(result)
            say(f"round {number + 1} live {name}: {_short(result)}")
    return measured


def structuring(*, quick: bool) -> str:
    """
    Return what `benchmarks.structuring` prints.
    """
    command = python("structuring", *(("--rounds", "5") if quick else ()))
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _short(result: dict[str, Any]) -> str:
    if "error" in result:
        return str(result["error"])
    text = f"{result['cpu_s'] / result['events'] * 1e6:.2f} us CPU per event"
    if "p99_ms" in result:
        text += f", p99 {result['p99_ms']:.1f} ms, open in {result['open_s']:.2f} s"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small amounts, printed only")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (default 5, quick 2)")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure only this part")
    parser.add_argument("--output", type=Path, help="write what was measured to this file as JSON")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    if options.rounds:
        sizes = attrs.evolve(sizes, rounds=options.rounds)
    parts = options.only or PARTS

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    results: dict[str, Any] = {"machine": report.machine(), "sizes": attrs.asdict(sizes)}
    with server() as base_url:
        if "throughput" in parts:
            results["throughput"] = throughput(base_url, sizes, say)
        if "live" in parts:
            results["live"] = live(base_url, sizes, say)
        if "fanout" in parts:
            results["fanout"] = fanout.measure(base_url, sizes.fanout, sizes.rounds, say)
    if "imports" in parts:
        results["imports"] = imports.measure(2 * sizes.rounds + 1)
    if "conformance" in parts:
        results["conformance"] = run_reader(python("conformance"))
    if "structuring" in parts:
        say("structuring answers")
        results["structuring"] = structuring(quick=options.quick)
    if options.output:
        options.output.write_text(json.dumps(results, indent=1))
    text = report.tables(results)
    print(text)
    if not options.quick and set(parts) == set(PARTS):
        report.write(text)


if __name__ == "__main__":
    main()
