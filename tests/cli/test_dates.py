"""
Every date that is printed says its zone, and can be pasted back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.cli.entries import date_text
from clever_v4.cli.moments import moment
from clever_v4.cli.tables import cell

from .running import Command

PRINTED = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[^\s\",]*)?")
OWNER = ("--owner", "Analytical Engines")
WINDOW = ("--since", "2024-03-27T09:59:30Z", "--until", "2024-03-27T10:00:00Z")
DEPLOYMENT = "deployment_46c2918d-3cf9-4c00-afea-21b6a7480905"


@pytest.fixture(params=["UTC", "Asia/Kolkata", "America/St_Johns"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """
    The zone of the machine.
    """
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


COMMANDS = [
    ("logs", "shop-api", *WINDOW),
    ("deployments", "shop-api"),
    ("deployment", DEPLOYMENT, "--app", "shop-api"),
    ("instances", "shop-api"),
    ("invoices", *OWNER),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda one: str(one[0]))
def test_a_printed_date_is_read_as_the_same_moment(
    clever: Command, zone: str, arguments: tuple[str, ...]
) -> None:
    """
    Wherever the machine stands; people's format and JSON print the same moments.
    """
    moments = []
    for output_format in ("human", "json"):
        ran = clever(*arguments, "--format", output_format)
        assert ran.code == 0, ran.err
        printed = PRINTED.findall(ran.out)
        assert printed
        assert [text for text in printed if not text.endswith("Z")] == []
        read = [moment("--since", text) for text in printed]
        assert all(isinstance(one, datetime) for one in read)
        # A line of a log has its date to the millisecond.
        moments.append({str(one)[:23] for one in read})
    # Some members are only in JSON.
    assert moments[0] <= moments[1]


SINCE_2000 = st.timedeltas(
    min_value=timedelta(days=-365 * 1900), max_value=timedelta(days=365 * 7900)
)
OFFSETS = st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(SINCE_2000, OFFSETS)
def test_any_date_can_be_pasted(after: timedelta, offset: timezone) -> None:
    """
    From a table and from JSON, to the microsecond.
    """
    date = (datetime(2000, 1, 1, tzinfo=UTC) + after).astimezone(offset)
    assert moment("--since", cell(date)) == date
    assert moment("--since", date_text(date)) == date


def test_a_pasted_date_gives_the_entries_from_there_on(clever: Command, zone: str) -> None:
    """
    Not hours off.
    """
    lines = clever("logs", "shop-api", *WINDOW).out.splitlines()
    pasted = lines[3].split(" ")[0]
    again = clever("logs", "shop-api", "--since", pasted, "--until", WINDOW[3]).out.splitlines()
    assert again[0].startswith(pasted)
    assert again == [line for line in lines if line >= pasted]
