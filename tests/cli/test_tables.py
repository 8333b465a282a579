"""
Tables for people.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from clever_v4.cli.tables import Column, cell, duration_text, state_style, table_text

COLUMNS = (
    Column("NAME"),
    Column("STATE"),
    Column("COUNT", 2, is_number=True),
    Column("NOTE", 1),
)
ROWS = [("first", "UP", 5, "a note"), ("second", "FAILED", 1234, None)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", "-"),
        ((), "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (Decimal("1.50"), "1.50"),
        (["a", None, "b"], "a, -, b"),
        (timedelta(seconds=80), "1 min 20 s"),
        (datetime(2024, 3, 27, 10, 0, 1, 999, tzinfo=UTC), "2024-03-27T10:00:01.000999Z"),
        (date(2024, 3, 27), "2024-03-27"),
        ("clear\x1b[2J\n", "clear␊"),
    ],
)
def test_a_cell(value: object, shown: str) -> None:
    """
    What is not known is a dash, and nothing can act on the terminal.
    """
    assert cell(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59.6, "1 min"), (3_600, "1 h"), (200, "3 min 20 s"), (93_784, "1 d 2 h")],
)
def test_a_duration_has_its_two_largest_units(seconds: float, shown: str) -> None:
    """
    More would not be read.
    """
    assert duration_text(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            None,
            "NAME    STATE   COUNT  NOTE\nfirst   UP          5  a note\nsecond  FAILED   1234  -\n",
        ),
        (24, "NAME    STATE   NOTE\nfirst   UP      a note\nsecond  FAILED  -\n"),
        (16, "NAME    STATE\nfirst   UP\nsecond  FAILED\n"),
        (9, "NA\nME  STATE\nfi  UP\nrs\nt\nse  FAILE\nco  D\nnd\n"),
    ],
)
def test_a_table_fits_its_width(width: int | None, shown: str) -> None:
    """
    What weighs most is left out first; what always stands there wraps.
    """
    assert table_text(COLUMNS, ROWS, width=width, in_colour=False) == shown


def test_states_are_coloured() -> None:
    """
    Only they, and only where colours are wanted.
    """
    shown = table_text(
        COLUMNS[:2], [row[:2] for row in ROWS], width=80, in_colour=True, state="STATE"
    )
    assert "\x1b[32mUP" in shown
    assert "\x1b[31mFAILED" in shown
    assert "\x1b" not in table_text(COLUMNS, ROWS, width=80, in_colour=False, state="STATE")


@pytest.mark.parametrize(
    ("state", "style"),
    [("SUCCEEDED", "green"), ("CANCELED", "red"), ("DELETED", "dim"), ("NEW", "yellow")],
)
def test_the_colours_of_states(state: str, style: str) -> None:
    """
    One not yet known is neither good nor bad.
    """
    assert state_style(state) == style
