"""
Moments, numbers and amounts of the wire: read in every form that a source names, or refused.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.wire.scalars import amount, number, parse_moment, read_json, whole_number


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02t03:04:05z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.5Z[UTC]", datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2026-01-02T03:04:05+01:00[Europe/Paris]", datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05,25Z", datetime(2026, 1, 2, 3, 4, 5, 250000, tzinfo=UTC)),
        ("2026-01-02T03:04:05.9999995Z", datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)),
        ("2026-01-02T03:04:05.9999994Z", datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=UTC)),
        ("2026-01-02T03:04:05.0000004999-00:30", datetime(2026, 1, 2, 3, 34, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        (1767323045678, datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
        (Decimal("1767323045678.5"), datetime(2026, 1, 2, 3, 4, 5, 678500, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
    ],
)
def test_every_form_of_a_moment_is_read(text: object, moment: datetime) -> None:
    """
    It comes out aware, and in the UTC that can be compared by identity.
    """
    read = parse_moment(text)
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "[UTC]",
        "2026-01-01T00:00:00Z]",
        "2026-02-30T00:00:00Z",
        "2026-06-30T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59-00:01",
        "0001-01-01T00:00:00+14:00",
        "2026-01-01T00:00:00\x00Z",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-01-01T00:00:00.\u0665Z",
        "1767323045678",
        "\ud800",
        10**400,
        10**17,
        float("inf"),
        float("nan"),
        Decimal("1e400"),
    ],
)
def test_what_is_no_moment_is_refused(value: object) -> None:
    """
    A leap second, a year before 1 or after 9999, another script's digits: a ValueError of ours.
    """
    with pytest.raises(ValueError, match=r"^expected (an ISO 8601 date|epoch milli|a moment)"):
        parse_moment(value)


@pytest.mark.parametrize("value", [None, True, [], {}, b"2026"])
def test_another_type_is_no_moment(value: object) -> None:
    """
    True is no number here.
    """
    with pytest.raises(TypeError, match=r"^expected a date and time, got "):
        parse_moment(value)


@given(
    st.text(max_size=30)
    | st.from_regex(r"[0-9]{4,5}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{5,8}([.,][0-9]{0,10})?[Zz+\-0-9:]{0,6}(\[UTC\])?")
    | st.integers()
    | st.floats()
    | st.decimals()
)  # fmt: skip
def test_whatever_it_is_it_is_a_moment_or_refused(value: object) -> None:
    """
    Nothing but an aware UTC datetime or a ValueError comes out.
    """
    try:
        moment = parse_moment(value)
    except ValueError:
        return
    assert moment.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_a_moment_written_here_is_read_again(moment: datetime, offset: int) -> None:
    """
    In whatever offset it is written.
    """
    try:
        text = moment.astimezone(timezone(timedelta(minutes=offset))).isoformat()
    except OverflowError:
        return
    assert parse_moment(text) == moment


@pytest.mark.parametrize("value", [float("inf"), Decimal("1e400"), -(10**400), Decimal("-1e309")])
def test_a_number_has_to_fit_a_double(value: Any) -> None:
    """
    Infinity is no latitude.
    """
    with pytest.raises(ValueError, match=r"^expected a number that fits a double$"):
        number(value)


def test_whole_numbers_may_be_written_with_an_exponent() -> None:
    """
    8e3 is a port, 8.5 is none.
    """
    assert whole_number(Decimal("8e3")) == 8000
    assert type(whole_number(8000.0)) is int
    for value in (Decimal("8.5"), float("nan"), float("inf"), True, "8"):
        with pytest.raises(TypeError, match="expected a whole number"):
            whole_number(value)


@pytest.mark.parametrize(
    "text", ["12.10", "1E+2", "0", "-0.00", "1" * 300, "0.1000000000000000000001"]
)
def test_an_amount_has_the_digits_of_the_wire(text: str) -> None:
    """
    From a number and from text, not one more or less.
    """
    assert str(amount(read_json(text.encode()))) == text
    assert str(amount(text)) == text


@pytest.mark.parametrize("text", ["1e309", "-1e999999999", "1e-309", "0e-999999999", "1" * 5000, "1e99999999999999999999"])  # fmt: skip
def test_an_amount_beyond_all_bounds_is_refused(text: str) -> None:
    """
    Ten bytes on the wire would be a gigabyte in a table.
    """
    with pytest.raises(
        ValueError, match=r"expected (a finite amount that fits a double|an amount)$"
    ):
        amount(text)
    with pytest.raises(ValueError, match="expected a finite amount that fits a double"):
        amount(read_json(text.encode()))


def test_json_is_read_with_a_mark_of_the_byte_order() -> None:
    """
    And not without anything.
    """
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
    for nothing in (b"", b" \r\n", b"\xef\xbb\xbf"):
        with pytest.raises(ValueError, match=r"^it is empty$"):
            read_json(nothing)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_what_python_writes_is_read(value: object) -> None:
    """
    All of JSON but fractions comes out as it went in.
    """
    assert read_json(json.dumps(value).encode()) == value
