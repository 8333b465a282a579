"""
Dates in HTTP headers: three forms, all in UTC, and nothing that is raised.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.http_dates import parse_http_date

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXAMPLE = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 -- the zone comes beside it
    lambda moment: moment.replace(microsecond=0)
)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        # Against the rule, and yet plain.
        "06 Nov 1994 08:49:37 GMT",
        "  sun, 6 NOV 1994 08:49:37 utc ",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 -0000",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 10:49:37 +0200",
        "Sat, 05 Nov 1994 20:49:37 -1200",
        "Sun, 06 Nov 1994 08:49:37 Z",
    ],
)
def test_every_form_is_the_same_moment_in_utc(text: str) -> None:
    """
    The three forms of RFC 9110 and what servers make of them.
    """
    moment = parse_http_date(text, now=NOW)
    assert moment == EXAMPLE
    assert moment.utcoffset() == timedelta()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Sat, 01 Jan 0001 00:00:00 +0100",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:60 GMT",
        "Sun, 99 Mar 2026 12:01:00 GMT",
        "Sun, 29 Feb 2026 12:01:00 GMT",
        "Sun, 01 Foo 2026 12:01:00 GMT",
        "Sun, 01 Mar 2026 24:00:00 GMT",
        "Sun, 01 Mar 2026 12:60:00 GMT",
        "Sun, 01 Mar 2026 12:01:61 GMT",
        "Sun, 01 Mar 2026 12:01:00 +9999",
        "Sun, 01 Mar 2026 12:01:00 EST",
        "Sun, 01 Mar 20260 12:01:00 GMT",
        "Sun, 01 Mar \uff12\uff10\uff12\uff16 12:01:00 GMT",
        "Sun, 01 Mar 2026 12:01 GMT",
        "2026-03-01T12:01:00Z",
        "Sun, 01 Mar 2026 12:01:00 GMT, Sun, 01 Mar 2026 12:01:00 GMT",
        pytest.param(" " * 1_000_000, id="a megabyte of blanks"),
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    """
    Neither an error nor a moment that nobody meant.
    """
    assert parse_http_date(text, now=NOW) is None


@pytest.mark.parametrize(
    ("now", "text", "year"),
    [
        ("2026-03-01", "Monday, 01-Mar-76 12:00:00 GMT", 2076),
        ("2026-03-01", "Monday, 02-Mar-76 12:00:00 GMT", 1976),
        ("2026-03-01", "Monday, 01-Mar-77 12:00:00 GMT", 1977),
        ("2026-03-01", "Monday, 01-Mar-26 12:00:00 GMT", 2026),
        ("2026-03-01", "Monday, 01-Mar-00 12:00:00 GMT", 2000),
        ("1999-12-31", "Monday, 01-Mar-00 12:00:00 GMT", 2000),
        ("1999-12-31", "Monday, 01-Mar-70 12:00:00 GMT", 1970),
        ("2000-01-01", "Monday, 31-Dec-99 12:00:00 GMT", 1999),
    ],
)
def test_two_digits_are_a_year_at_most_fifty_years_ahead(now: str, text: str, year: int) -> None:
    """
    What appears to lie more than 50 years ahead lies in the century before.
    """
    moment = parse_http_date(text, now=datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert moment is not None
    assert moment.year == year


def test_two_digits_mean_nothing_without_a_now() -> None:
    """
    A whole year needs none.
    """
    assert parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now=None) is None
    assert parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now=None) == EXAMPLE


def test_a_leap_second_is_the_next_second() -> None:
    """
    Python's calendar has none.
    """
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", now=NOW) == datetime(
        2017, 1, 1, tzinfo=UTC
    )


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_what_is_written_is_read(moment: datetime, minutes: int) -> None:
    """
    Any moment, in all forms and with any offset.
    """
    for form in ("%a, %d %b {:04} %H:%M:%S GMT", "%a %b %e %H:%M:%S {:04}"):
        text = moment.strftime(form.format(moment.year))
        assert parse_http_date(text, now=NOW) == moment
    try:
        local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    text = local.strftime(f"%a, %d %b {local.year:04} %H:%M:%S %z")
    assert parse_http_date(text, now=NOW) == moment


@given(
    st.text()
    | st.from_regex(
        r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", fullmatch=True
    )
)
def test_nothing_is_raised(text: str) -> None:
    """
    Whatever a server writes.
    """
    moment = parse_http_date(text, now=NOW)
    assert moment is None or moment.utcoffset() == timedelta()
