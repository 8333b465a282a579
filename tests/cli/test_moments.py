"""
What people write for moments, durations, sizes and the throttle.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clever_v4.cli.moments import (
    duration,
    moment,
    optional_limit,
    period,
    positive_duration,
    size,
    throttle_pair,
)

NOW = datetime(2024, 3, 27, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", timedelta(0)),
        ("90", timedelta(seconds=90)),
        ("1.5", timedelta(seconds=1.5)),
        ("250ms", timedelta(milliseconds=250)),
        ("1h30m", timedelta(minutes=90)),
        (" 2d 1h ", timedelta(hours=49)),
        ("2w", timedelta(days=14)),
        ("3M", timedelta(days=90)),
        ("3m", timedelta(minutes=3)),
        ("1y", timedelta(days=365)),
        ("P1D", timedelta(days=1)),
        ("P1Y2M3W4DT5H6M7.5S", timedelta(days=365 + 60 + 21 + 4, hours=5, minutes=6, seconds=7.5)),
        ("PT90M", timedelta(minutes=90)),
        ("2024-03-27T10:00:00Z", NOW),
        ("2024-03-27T12:00:00+02:00", NOW),
    ],
)
def test_a_moment_is_a_date_or_that_long_ago(text: str, expected: datetime | timedelta) -> None:
    """
    With the units of the official command line: ``m`` minutes, ``M`` months.
    """
    assert moment("since", text) == expected


def test_a_date_without_an_offset_is_local() -> None:
    """
    What somebody's clock on the wall says.
    """
    read = moment("since", "2024-03-27T10:00")
    assert isinstance(read, datetime)
    assert read.replace(tzinfo=None) == datetime(2024, 3, 27, 10)  # noqa: DTZ001
    assert read.utcoffset() == read.replace(tzinfo=None).astimezone().utcoffset()


@pytest.mark.parametrize(
    "text", ["tomorrow", "", "1x", "P", "PT", "P1DT", "-5m", "1h-", "2024-13-01"]
)
def test_what_is_no_moment(text: str) -> None:
    """
    The message names the option and shows how one is written.
    """
    with pytest.raises(ValueError, match="since must be a date such as") as raised:
        moment("since", text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("text", ["soon", "now", "2024-03-27", f"{'9' * 400}d", "99999999999d"])
def test_what_is_no_duration(text: str) -> None:
    """
    A date is none, and nothing that no calendar holds.
    """
    with pytest.raises(ValueError, match="timeout must be a duration such as"):
        duration("timeout", text)


def test_a_positive_duration_is_not_nothing() -> None:
    """
    In the words of who wrote it.
    """
    assert positive_duration("timeout", "10m") == timedelta(minutes=10)
    with pytest.raises(ValueError, match="timeout must be longer than 0, got '0s'"):
        positive_duration("timeout", "0s")


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, (None, None)),
        ("2h", None, (timedelta(hours=2), None)),
        (None, "1h", (None, timedelta(hours=1))),
        ("2h", "1h", (timedelta(hours=2), timedelta(hours=1))),
        ("2024-03-27T09:00Z", "30m", (NOW - timedelta(hours=1), timedelta(minutes=30))),
        ("1h", "1h", (timedelta(hours=1), timedelta(hours=1))),
        ("900000d", "now", (timedelta(days=900_000), timedelta(0))),
    ],
)
def test_a_period(since: str | None, until: str | None, expected: tuple[object, object]) -> None:
    """
    Either end may be left out or be a duration.
    """
    assert period(since, until, now=NOW) == expected


@pytest.mark.parametrize(
    ("since", "until", "explained"),
    [
        (
            "1h",
            "2h",
            "got --since 1h (2024-03-27T09:00:00Z) and --until 2h (2024-03-27T08:00:00Z)",
        ),
        (
            "2024-03-27T09:30+01:00",
            "2h",
            (
                "got --since 2024-03-27T09:30+01:00 (2024-03-27T08:30:00Z) "
                "and --until 2h (2024-03-27T08:00:00Z)"
            ),
        ),
    ],
)
def test_a_period_does_not_end_before_it_begins(since: str, until: str, explained: str) -> None:
    """
    The message has both as they were written and what they mean.
    """
    with pytest.raises(ValueError) as raised:
        period(since, until, now=NOW)
    assert str(raised.value) == f"--since must not be after --until, {explained}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1500", 1500),
        ("0", 0),
        ("10MB", 10**7),
        ("10 MiB", 10 * 2**20),
        ("1.5gb", 15 * 10**8),
        ("1TB", 10**12),
    ],
)
def test_a_size(text: str, expected: int) -> None:
    """
    ``MB`` is a million bytes, ``MiB`` 1,048,576.
    """
    assert size("retention_size", text) == expected


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("much", "retention_size must be a size such as"),
        ("-1", "retention_size must be a size such as"),
        ("1.5b", "retention_size must be a whole number of bytes, got '1.5b'"),
    ],
)
def test_what_is_no_size(text: str, explained: str) -> None:
    """
    Nothing is rounded.
    """
    with pytest.raises(ValueError, match=explained):
        size("retention_size", text)


@pytest.mark.parametrize("text", ["none", "Unlimited", " infinite "])
def test_no_limit(text: str) -> None:
    """
    Three words for it; anything else is a limit.
    """
    assert optional_limit(text) is None
    assert optional_limit("7d") == "7d"


def test_a_throttle() -> None:
    """
    So many entries for each period.
    """
    assert throttle_pair("2000/100ms") == (2000, timedelta(milliseconds=100))
    assert throttle_pair(" 5 / 1") == (5, timedelta(seconds=1))


@pytest.mark.parametrize(
    ("text", "explained"),
    [
        ("fast", "throttle must be cli, console, server, or ELEMENTS/PERIOD such as 2000/100ms"),
        ("-1/1s", "throttle must be cli, console, server, or ELEMENTS/PERIOD"),
        ("5/", "the period of --throttle must be a duration such as"),
        ("5/0s", "the period of --throttle must be whole milliseconds, at least 1, got '0s'"),
        ("5/0.0005s", "the period of --throttle must be whole milliseconds, at least 1"),
    ],
)
def test_what_is_no_throttle(text: str, explained: str) -> None:
    """
    The message shows how one is written.
    """
    with pytest.raises(ValueError, match=explained):
        throttle_pair(text)
