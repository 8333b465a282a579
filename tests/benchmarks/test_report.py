"""
The tables say what was measured, what failed, and which goals are missed.
"""

from __future__ import annotations

import pytest

from benchmarks import report

SIZES = {
    "counts": {"chunks": 100, "single": 100, "paced": 10, "pieces": 100, "big": 1},
    "streams": 10,
    "entries": 2,
    "rounds": 1,
}


def _results(cpu_s: dict[str, float]) -> dict[str, object]:
    throughput = {
        scenario: {
            name: [{"events": count, "cpu_s": cpu * count / 1e6, "wall_s": 1.0}]
            for name, cpu in cpu_s.items()
        }
        for scenario, count in SIZES["counts"].items()
    }
    return {"machine": {"processor": "one"}, "sizes": SIZES, "throughput": throughput}


COSTS = {
    report.FLOOR: 0.5,
    report.OURS_RAW: 2.0,
    report.OURS_TYPED: 3.0,
    report.OURS_BATCHES: 3.5,
    report.AIOHTTP_TYPED: 20.0,
}


def test_costs_are_told_from_cheap_to_dear():
    """
    The readers stand in the order of their cost, each with its ratio to the plain way.
    """
    text = report.tables(_results(COSTS))
    table = text[text.index("large chunks") : text.index("one per write")]
    assert table.index(report.FLOOR) < table.index(report.OURS_TYPED)
    assert f"| {report.OURS_TYPED} | 3.00 | 3.00 to 3.00 | 0.15 |" in table


@pytest.mark.parametrize(
    ("goal", "met"),
    [("typed `async for`, µs | ≤ 3.3 | 3", "yes"), ("`batches()`, µs | ≤ 3 | 3.5", "**no**")],
)
def test_goals_say_whether_they_are_met(goal, met):
    """
    A goal that is missed is marked as such.
    """
    assert f"| {goal} | {met} |" in report.tables(_results(COSTS))


def test_a_reader_that_fails_is_told_with_its_error():
    """
    A failure stands in the table instead of a number.
    """
    results = _results(COSTS)
    results["throughput"]["big"][report.AIOHTTP_TYPED] = [{"error": "Got more than 65536 bytes"}]
    assert f"| {report.AIOHTTP_TYPED} | fails: Got more than 65536 bytes |" in report.tables(
        results
    )


def test_the_tables_replace_only_what_stands_between_the_markers(tmp_path, monkeypatch):
    """
    Writing the tables leaves the words around them as they were.
    """
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    monkeypatch.setattr(report, "README", readme)
    report.write("new")
    assert readme.read_text() == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
