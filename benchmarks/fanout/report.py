"""
From what was measured of the fan-out to its tables and goals.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.fanout import BATCH_LENGTH, RATE
from benchmarks.fanout.run import BATCH_WAYS, ENTRY_WAYS, SUBSCRIBERS
from benchmarks.fanout.scenarios import FLEET_RATES
from benchmarks.tables import Goals, Rows, error_in, ratio, table

NAMES = {
    "hub_batches": "**clever_v4**, `batches()`, `block`",
    "hub_dropping": "**clever_v4**, `batches()`, `drop_oldest`",
    "hub_entries": "**clever_v4**, `async for`, `block`",
    "queue_batches": "`asyncio.Queue` per subscriber, of batches",
    "queue_entries": "`asyncio.Queue` per subscriber, of entries",
    "aiostream_entries": "the same, read through aiostream",
    "janus_entries": "`janus.Queue` per subscriber, of entries",
    "anyio_batches": "anyio memory object stream per subscriber, of batches",
    "anyio_entries": "anyio memory object stream per subscriber, of entries",
    "condition_batches": "one list of batches, without bound, and an `asyncio.Condition`",
}
_COUNTS = tuple(f"{count:,}" for count in SUBSCRIBERS)
_MOST = SUBSCRIBERS[-1]

# A source that is read a little late at its end still keeps its rate.
_KEEPS_RATE = 0.95


def tables(measured: dict[str, Any], sizes: dict[str, Any], goals: Goals) -> list[str]:
    """
    Return the section of the fan-out.
    """
    rounds = _rounds(next(iter(measured["steady"].values())))
    _add_goals(measured, goals)
    return [
        "### Fan-out",
        "#### One source in memory: µs CPU per delivery",
        _in_memory(measured["memory"], BATCH_WAYS, f"in batches of {BATCH_LENGTH}, to"),
        _in_memory(measured["memory"], ENTRY_WAYS, "entry by entry, to"),
        f"#### A log stream of {RATE:,} entries/s, CPU % of the process ({rounds})",
        _steady(measured["steady"]),
        f"#### A log stream as fast as it is taken, entries/s ({rounds})",
        _fastest(measured["fastest"]),
        f"#### {sizes['live']} live subscribers beside a stuck one, {RATE:,} entries/s",
        _stuck(measured["stuck"]),
        (
            f"#### Many sources, {min(FLEET_RATES)} to {max(FLEET_RATES)} entries/s each, "
            f"one subscriber ({rounds})"
        ),
        _fleets(measured["fleets"]),
        (
            f"#### All {sizes['outage']} connections cut in one moment "
            f"({_rounds(measured['outage']['default'])})"
        ),
        _outage(measured["outage"]),
    ]


def _rounds(results: list[dict[str, Any]]) -> str:
    return f"{len(results)} rounds" if len(results) > 1 else "1 round"


# --- One source -------------------------------------------------------------------------------


def amounts(results: list[dict[str, Any]], subscribers: int) -> list[dict[str, Any]]:
    """
    Return what was measured with so many subscribers, in each round.
    """
    return [
        amount
        for result in results
        for amount in result["amounts"]
        if amount["subscribers"] == subscribers
    ]


def per_entry_us(results: list[dict[str, Any]], subscribers: int) -> float:
    """
    Return the median cost of an entry of the source with so many subscribers.
    """
    return statistics.median(
        _over(amount, "cpu_s", "entries") * 1e6 for amount in amounts(results, subscribers)
    )


def per_delivery_us(results: list[dict[str, Any]], subscribers: int) -> float | None:
    """
    Return what one delivery costs, less what reading the source costs by itself.
    """
    if error_in(results):
        return None
    return (per_entry_us(results, subscribers) - per_entry_us(results, 0)) / subscribers


def _over(result: dict[str, Any], what: str, by: str) -> float:
    return float(result[what]) / float(result[by])


def _per_second(results: list[dict[str, Any]], subscribers: int) -> float:
    return statistics.median(
        _over(amount, "entries", "wall_s") for amount in amounts(results, subscribers)
    )


def _in_memory(measured: Rows, ways: Iterable[str], head: str) -> str:
    def cells(results: list[dict[str, Any]]) -> Iterable[str]:
        return (f"{per_delivery_us(results, count):.3f}" for count in SUBSCRIBERS)

    return _per_count({way: measured[way] for way in ways}, head, _COUNTS, cells)


def _steady(measured: Rows) -> str:
    def cells(results: list[dict[str, Any]]) -> Iterable[str]:
        for count in (0, *SUBSCRIBERS):
            per_second = _per_second(results, count)
            if keeps_rate(results, count):
                cpu = per_second * per_entry_us(results, count) / 1e4
                yield f"{cpu:.0f} %"
            else:
                yield f"too slow: {per_second:,.0f}/s"

    return _per_count(measured, "to", ("nobody", *_COUNTS), cells)


def keeps_rate(results: list[dict[str, Any]], subscribers: int) -> bool:
    """
    Tell whether every subscriber had every entry as fast as the source sends them.
    """
    return _per_second(results, subscribers) >= _KEEPS_RATE * RATE and all(
        amount["entries"] == amount["expected"] for amount in amounts(results, subscribers)
    )


def _fastest(measured: Rows) -> str:
    def cells(results: list[dict[str, Any]]) -> Iterable[str]:
        return (f"{_per_second(results, count):,.0f}" for count in (0, *SUBSCRIBERS))

    return _per_count(measured, "to", ("nobody", *_COUNTS), cells)


def _per_count(
    measured: Rows,
    head: str,
    counts: tuple[str, ...],
    cells: Callable[[list[dict[str, Any]]], Iterable[str]],
) -> str:
    body = []
    for way, results in measured.items():
        if error := error_in(results):
            body.append((NAMES[way], f"fails: {error}", *[""] * (len(counts) - 1)))
        else:
            body.append((NAMES[way], *cells(results)))
    return table((head, *counts), body)


# --- A stuck one, many sources, an outage -----------------------------------------------------


def median(results: list[dict[str, Any]], value: Callable[[dict[str, Any]], float]) -> float | None:
    """
    Return the median of a value over the rounds; None: one of them failed.
    """
    return None if error_in(results) else statistics.median(map(value, results))


def _columns(
    head: str,
    rows: dict[str, list[dict[str, Any]]],
    columns: dict[str, tuple[str, Callable[[dict[str, Any]], float]]],
) -> str:
    body = []
    for name, results in rows.items():
        if error := error_in(results):
            body.append((name, f"fails: {error}", *[""] * (len(columns) - 1)))
        else:
            values = ((layout, median(results, value)) for layout, value in columns.values())
            body.append((name, *(format(value, layout) for layout, value in values)))
    return table((head, *columns), body)


def _per_delivery(result: dict[str, Any]) -> float:
    return _over(result, "cpu_s", "events") * 1e6


def _cpu_percent(result: dict[str, Any]) -> float:
    return _over(result, "cpu_s", "wall_s") * 100


def _p50_ms(result: dict[str, Any]) -> float:
    return float(result["p50_ms"])


def _p99_ms(result: dict[str, Any]) -> float:
    return float(result["p99_ms"])


def _stuck(measured: Rows) -> str:
    return _columns(
        "the live ones",
        {"alone": measured["0"], "beside a stuck one": measured["1"]},
        {
            "µs CPU per delivery": (".3f", _per_delivery),
            "p50 ms": (".2f", _p50_ms),
            "p99 ms": (".2f", _p99_ms),
        },
    )


def _fleets(fleets: dict[str, Rows]) -> str:
    names = {
        "bare": "aiohttp, split on blank lines (the floor)",
        "hub": "**clever_v4**, `LogHub`",
        "hub_uncollected": "the same without full garbage collections",
    }
    return _columns(
        "what reads them",
        {
            f"{int(streams):,} sources: {names[client]}": results
            for streams, measured in fleets.items()
            for client, results in measured.items()
        },
        {
            "entries/s": (",.0f", lambda result: _over(result, "events", "wall_s")),
            "delivered %": (".4g", _delivered_percent),
            "p50 ms": (".2f", _p50_ms),
            "p99 ms": (".2f", _p99_ms),
            "CPU %": (".0f", _cpu_percent),
            "KiB per source, open": (
                ".1f",
                lambda result: result["open_per_stream_bytes"] / 1024,
            ),
            "KiB per source, at the end": (
                ".1f",
                lambda result: result["memory_per_stream_bytes"] / 1024,
            ),
        },
    )


def _delivered_percent(result: dict[str, Any]) -> float:
    # Out of order is lost: no subscriber can use it.
    return (int(result["events"]) - int(result["out_of_order"])) / int(result["expected"]) * 100


def _outage(measured: Rows) -> str:
    return _columns(
        "pacing",
        {"the default, 100/s": measured["default"], "off": measured["off"]},
        {
            "all open after s": (".2f", lambda result: result["open_s"]),
            "most in 100 ms while opening": (".0f", lambda result: result["open_peak"]),
            "all back after s": (".2f", lambda result: result["back_s"]),
            "most in 100 ms while coming back": (".0f", lambda result: result["back_peak"]),
            "attempts": (".0f", lambda result: result["attempts"]),
        },
    )


# --- Goals ------------------------------------------------------------------------------------


def _add_goals(measured: dict[str, Any], goals: Goals) -> None:
    ours, steady = measured["memory"]["hub_batches"], measured["steady"]["hub_batches"]
    goals.add(f"fan-out, in batches to {_MOST}: µs per delivery", 0.5, per_delivery_us(ours, _MOST))
    goals.add(
        f"fan-out, {RATE:,} entries/s to {_MOST}: share of the rate kept",
        _KEEPS_RATE,
        None if error_in(steady) else _per_second(steady, _MOST) / RATE,
        at_least=True,
    )
    alone, beside = measured["stuck"]["0"], measured["stuck"]["1"]
    for what, value in (("µs per delivery", _per_delivery), ("p99", _p99_ms)):
        goals.add(
            f"fan-out, live ones beside a stuck one / alone: {what}",
            1.1,
            ratio(median(beside, value), median(alone, value)),
        )
    for streams, fleet in measured["fleets"].items():
        lost = error_in(fleet["hub"])
        goals.add(
            f"fan-out, {int(streams):,} sources: entries delivered, %",
            100,
            None if lost else min(map(_delivered_percent, fleet["hub"])),
            at_least=True,
        )
    goals.add(
        "fan-out, outage: connections in 100 ms, twice the default pacing",
        20,
        median(measured["outage"]["default"], lambda result: result["back_peak"]),
    )
