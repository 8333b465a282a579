"""
What is skipped is told in one line for each reason, with the command that brings what it needs.
"""

from __future__ import annotations

from collections import Counter

import pytest

__all__ = ["pytest_terminal_summary"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Write the reasons; one says ``"needs node: nox -s interop"``.
    """
    reports = terminalreporter.stats.get("skipped", [])
    for reason, count in Counter(map(_reason, reports)).items():
        subject = "1 test" if count == 1 else f"{count} tests"
        if reason.startswith("needs "):
            needs = reason if count == 1 else f"need {reason.removeprefix('needs ')}"
            terminalreporter.write_line(f"{subject} {needs}")
        else:
            terminalreporter.write_line(f"{subject} skipped: {reason}")


def _reason(report: pytest.TestReport) -> str:
    assert isinstance(report.longrepr, tuple)
    return report.longrepr[2].removeprefix("Skipped: ")
