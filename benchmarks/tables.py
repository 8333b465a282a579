"""
Tables in Markdown, and the goals that what they hold is measured against.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Rows = dict[str, list[dict[str, Any]]]
"""What was measured in each round, by what is told of it in the first column."""


def table(head: tuple[str, ...], body: Iterable[tuple[str, ...]]) -> str:
    """
    Return a table.
    """
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in body]
    return "\n".join(lines)


def error_in(results: list[dict[str, Any]]) -> str | None:
    """
    Return the first error among the rounds.
    """
    return next((str(result["error"]) for result in results if "error" in result), None)


def ratio(value: float | None, reference: float | None) -> float | None:
    """
    Return *value* as a multiple of *reference*, if both were measured.
    """
    return None if value is None or not reference else value / reference


class Goals:
    """
    What was to be reached, and whether it was.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, str]] = []

    def add(
        self,
        what: str,
        limit: float,
        value: float | None,
        unit: str = "",
        *,
        at_least: bool = False,
    ) -> None:
        """
        Compare a value with its limit; None was not measured, and misses its goal.
        """
        told = f"{'≥' if at_least else '≤'} {limit:.3g}{unit}"
        if value is None:
            self._rows.append((what, told, "not measured", "**no**"))
            return
        met = value >= limit if at_least else value <= limit
        self._rows.append((what, told, f"{value:.3g}{unit}", "yes" if met else "**no**"))

    def table(self) -> str:
        """
        Return them all.
        """
        return table(("goal", "limit", "measured", "met"), self._rows)
