"""
What people write on a command line for moments, durations, sizes and the throttle; pure.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

__all__ = ["duration", "moment", "optional_limit", "size", "throttle_pair"]

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
    elements, slash, period = text.partition("/")
    number = elements.strip()
    if not slash or not number.isascii() or not number.isdigit():
        raise ValueError(
            f"throttle must be cli, console, server, or ELEMENTS/PERIOD such as 2000/100ms, got {text!r}"
        )
    return int(number), duration("the period of throttle", period)


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
