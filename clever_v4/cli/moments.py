"""
What people write on a command line for moments, durations, sizes and the throttle; pure.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from cyclopts import Parameter

from .mistakes import whole_number

__all__ = [
    "Count",
    "at_most",
    "counted_back",
    "duration",
    "moment",
    "optional_limit",
    "period",
    "positive_duration",
    "size",
    "throttle_pair",
]

Count = Annotated[int, Parameter(converter=whole_number)]
"""A whole number, which is not rounded."""

_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "M": timedelta(days=30),
    "y": timedelta(days=365),
}
"""The units of the official command line (clever-tools, src/parsers.js): ``m`` minutes, ``M`` months."""

_SIZES: Final = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdwMy])")
_PARTS = re.compile(rf"(?:{_PART.pattern}\s*)+")
_ISO_DURATION = re.compile(
    r"P(?=.)(?:(?P<y>\d+)Y)?(?:(?P<M>\d+)M)?(?:(?P<w>\d+)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=.)(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?b|)", re.IGNORECASE)


def moment(name: str, text: str) -> datetime | timedelta:
    """
    Read a moment: a date (ISO 8601), or a duration before now.

    A date without an offset is in the local time of this machine.

    Args:
        name: The option, for the message.
        text: Such as ``2024-03-27T10:00:00Z``, ``2024-03-27``, ``1h30m``, ``P1D``, ``now``; a
            number alone is seconds, as in the official command line.

    Raises:
        ValueError: It is none of these.
    """
    given = text.strip()
    if given == "now":
        return timedelta(0)
    read = _duration(given)
    if read is not None:
        return read
    try:
        date = datetime.fromisoformat(given)
        return date if date.tzinfo is not None else date.astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"{name} must be a date such as 2024-03-27T10:00:00Z or a duration such as 1h, 30m, 2d "
            f"or P1D (that long ago), got {text!r}"
        ) from None


def period(
    since: str | None, until: str | None, *, now: datetime
) -> tuple[datetime | timedelta | None, datetime | timedelta | None]:
    """
    Read the two moments between which something lies.

    Args:
        since: Its begin, or None.
        until: Its end, or None.
        now: What a duration is counted back from, to compare it with a date.

    Raises:
        ValueError: One of them is no moment, or the begin is after the end.
    """
    begin = None if since is None else moment("--since", since)
    end = None if until is None else moment("--until", until)
    if begin is not None and end is not None and counted_back(begin, now) > counted_back(end, now):
        raise ValueError(
            f"--since must not be after --until, got --since {since} ({_written(begin, now)}) "
            f"and --until {until} ({_written(end, now)})"
        )
    return begin, end


def duration(name: str, text: str) -> timedelta:
    """
    Read a duration: ``90s``, ``1h30m``, ``P1DT12H``; a number alone is seconds.

    Raises:
        ValueError: It is none.
    """
    read = _duration(text.strip())
    if read is None:
        raise ValueError(f"{name} must be a duration such as 90s, 1h30m, 2d or P1D, got {text!r}")
    return read


def positive_duration(name: str, text: str) -> timedelta:
    """
    Read a duration that is longer than nothing.

    Raises:
        ValueError: It is none, or 0.
    """
    read = duration(name, text)
    if not read:
        raise ValueError(f"{name} must be longer than 0, got {text!r}")
    return read


def size(name: str, text: str) -> int:
    """
    Read a number of bytes: ``1500``, ``10MB`` (a million bytes each), ``10MiB``.

    Raises:
        ValueError: It is none, or no whole number of bytes.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{name} must be a size such as 500MB, 10GB or 4GiB, got {text!r}")
    whole, _, fraction = match[1].partition(".")
    factor = _SIZES[match[2].lower() or "b"]
    scale: int = 10 ** len(fraction)
    count, rest = divmod(int(whole + fraction) * factor, scale)
    if rest:
        raise ValueError(f"{name} must be a whole number of bytes, got {text!r}")
    return count


def at_most(name: str, value: int | None, most: int) -> int | None:
    """
    Take a number that is from 1 to a bound which the API has, too; None passes.

    Raises:
        ValueError: It is not.
    """
    if value is not None and not 1 <= value <= most:
        raise ValueError(f"{name} must be 1 to {most}, got {value}")
    return value


def optional_limit(text: str) -> str | None:
    """
    Take ``none``, ``unlimited`` and ``infinite`` for no limit.
    """
    return None if text.strip().lower() in {"none", "unlimited", "infinite"} else text


def throttle_pair(text: str) -> tuple[int, timedelta]:
    """
    Read ``ELEMENTS/PERIOD``, such as ``2000/100ms``.

    Raises:
        ValueError: It is none.
    """
    elements, slash, period_text = text.partition("/")
    number = elements.strip()
    if not slash or not number.isascii() or not number.isdigit():
        raise ValueError(
            f"--throttle must be cli, console, server, or ELEMENTS/PERIOD such as 2000/100ms, got {text!r}"
        )
    per = duration("the period of --throttle", period_text)
    if not per or per % timedelta(milliseconds=1):
        raise ValueError(
            f"the period of --throttle must be whole milliseconds, at least 1, got {period_text!r}"
        )
    return int(number), per


def counted_back(given: datetime | timedelta, now: datetime) -> datetime:
    """
    Give the date that is meant; one before the calendar's first is the first.
    """
    try:
        return now - given if isinstance(given, timedelta) else given
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _written(given: datetime | timedelta, now: datetime) -> str:
    text = counted_back(given, now).astimezone(UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def _duration(text: str) -> timedelta | None:
    if _NUMBER.fullmatch(text):
        parts = [(text, "s")]
    elif _PARTS.fullmatch(text):
        parts = [(match[1], match[2]) for match in _PART.finditer(text)]
    elif iso := _ISO_DURATION.fullmatch(text):
        parts = [(number, unit) for unit, number in iso.groupdict().items() if number is not None]
    else:
        return None
    try:
        return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta(0))
    except OverflowError:
        return None
