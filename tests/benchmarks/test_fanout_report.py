"""
The fan-out's tables say what was measured, what was too slow, what failed, and which goals are missed.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.fanout import report, run
from benchmarks.tables import Goals

US_PER_ENTRY = 2.0
US_PER_DELIVERY = {"hub_batches": 0.1, "hub_dropping": 0.2, "queue_entries": 1.5}


def _one_source(command: tuple[str, ...]) -> dict[str, Any]:
    way, source, _, *amounts = command[3:]
    told = []
    for amount in amounts:
        subscribers, count = map(int, amount.split(":"))
        per_entry_us = US_PER_ENTRY + subscribers * US_PER_DELIVERY.get(way, 1.0)
        sent_s = count / 20_000 if source == "steady" else 0.0
        told.append(
            {
                "subscribers": subscribers,
                "entries": count,
                "expected": count,
                "cpu_s": per_entry_us * count / 1e6,
                "wall_s": max(sent_s, per_entry_us * count / 1e6),
            }
        )
    return {"amounts": told}


def _answer(command: tuple[str, ...], *arguments: str) -> dict[str, Any]:
    if "benchmarks.fanout.one_source" in command:
        return _one_source(command)
    if "benchmarks.fanout.stuck" in command:
        is_beside = command[-1] == "1"
        return {"events": 1_000, "cpu_s": 2e-4, "p50_ms": 1.0, "p99_ms": 3.0 if is_beside else 2.0}
    if "benchmarks.fanout.outage" in command:
        return {"events": 100, "cpu_s": 1.0, "attempts": 51, "started_s": 3.0}
    if command[-1] == "bare":
        return {"error": "Connection refused"}
    return {
        "events": 999,
        "out_of_order": 0,
        "cpu_s": 0.5,
        "wall_s": 2.0,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "open_per_stream_bytes": 20_480,
        "memory_per_stream_bytes": 30_720,
    }


def _seen(_base_url: str, application: str) -> dict[str, Any]:
    if application.startswith("outage"):
        peak = 12 if "default" in application else 50
        return {"opened_at_s": 3.5, "open_peak": peak, "back_s": 1.25, "back_peak": peak}
    return {"sent": 1_000}


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> str:
    """
    The tables and goals of a run whose readers give the numbers above.
    """
    monkeypatch.setattr(run, "run_reader", _answer)
    monkeypatch.setattr(run, "seen_by_server", _seen)
    goals = Goals()
    measured = run.measure("http://127.0.0.1:1", run.QUICK, 2, lambda _: None)
    parts = report.tables(measured, {"live": run.QUICK.live, "outage": run.QUICK.outage}, goals)
    return "\n\n".join([*parts, goals.table()])


def test_a_delivery_is_told_without_what_reading_costs(text: str) -> None:
    """
    The floor, with nobody subscribed, is taken off.
    """
    name = report.NAMES["hub_batches"]
    assert f"| {name} | 0.100 | 0.100 | 0.100 | 0.100 |" in text


def test_who_cannot_keep_the_rate_is_told(text: str) -> None:
    """
    Instead of its share of a processor stands how fast it was.
    """
    name = report.NAMES["queue_entries"]
    assert f"| {name} | 4 % | 7 % | 34 % | too slow: 6,579/s | too slow: 1,330/s |" in text


def test_a_failure_and_a_loss_are_told(text: str) -> None:
    """
    The error stands in its row, a lost entry in the share of those delivered.
    """
    assert "| 100 sources: aiohttp, split on blank lines (the floor) | fails: Connection" in text
    assert "| 100 sources: **clever_v4**, `LogHub` | 500 | 99.9 | 1.00 | 2.00 | 25 | 20.0 |" in text


@pytest.mark.parametrize(
    "goal",
    [
        "fan-out, in batches to 500: µs per delivery | ≤ 0.5 | 0.1 | yes",
        "fan-out, 20,000 entries/s to 500: share of the rate kept | ≥ 0.95 | 0.962 | yes",
        "fan-out, live ones beside a stuck one / alone: µs per delivery | ≤ 1.1 | 1 | yes",
        "fan-out, live ones beside a stuck one / alone: p99 | ≤ 1.1 | 1.5 | **no**",
        "fan-out, 100 sources: entries delivered, % | ≥ 100 | 99.9 | **no**",
        "fan-out, outage: connections in 100 ms, twice the default pacing | ≤ 20 | 12 | yes",
    ],
)
def test_goals_say_whether_they_are_met(text: str, goal: str) -> None:
    """
    Each goal is compared with what was measured.
    """
    assert f"| {goal} |" in text


def test_every_way_has_a_name() -> None:
    """
    What is measured can be told.
    """
    assert {*run.BATCH_WAYS, *run.ENTRY_WAYS, *run.STEADY_WAYS, *run.FASTEST_WAYS} <= set(
        report.NAMES
    )
