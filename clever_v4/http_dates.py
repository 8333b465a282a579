"""
The dates in HTTP headers, such as ``Date`` and ``Retry-After``; pure.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["parse_http_date"]

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_DAY: Final = r"\s*(?:[a-z]+,?\s+|[a-z]+,)?"
_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)"
_ZONE: Final = r"(?:\s*(?:(?:gmt|utc?|z)|(?P<offset>[+-](?:[01]\d|2[0-3])[0-5]\d)))?\s*"
_FORMS: Final = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        # Sun, 06 Nov 1994 08:49:37 GMT, and Sunday, 06-Nov-94 08:49:37 GMT
        rf"{_DAY}(?P<day>\d{{1,2}})[ -](?P<month>[a-z]{{3}})[ -](?P<year>\d\d(?:\d\d)?)\s+{_TIME}{_ZONE}",
        # Sun Nov  6 08:49:37 1994
        rf"{_DAY}(?P<month>[a-z]{{3}})\s+(?P<day>\d{{1,2}})\s+{_TIME}\s+(?P<year>\d{{4}}){_ZONE}",
    )
)
_LONGEST: Final = 100


def parse_http_date(text: str, *, now: datetime | None) -> datetime | None:
    """
    Read a date of a header in any of the three forms that HTTP knows; None where it is none.

    All of them are in UTC. Of what servers write against the rule, a numeric
    offset from UTC is heeded (``-0000`` is none) and a missing zone is UTC. A
    date that cannot be told in UTC, or that no calendar has, is none. What is
    to follow from None is the caller's to decide.

    Args:
        text: The value of the header.
        now: An aware moment, by which a year of two digits is understood: one
            that would be more than 50 years ahead is of the century before.
            None: it is not known, and such a year is none.

    Source: RFC 9110, section 5.6.7.
    """
    if len(text) > _LONGEST:
        return None
    found = next(filter(None, (form.fullmatch(text) for form in _FORMS)), None)
    if found is None:
        return None
    month = _MONTHS.get(found["month"].lower())
    year, day, second = int(found["year"]), int(found["day"]), int(found["second"])
    is_short = len(found["year"]) == 2
    if month is None or second > 60 or (is_short and now is None):
        return None
    try:
        if is_short and now is not None:
            year = _whole_year(year, month, day, now.astimezone(UTC))
        # 60 is a leap second, which Python's calendar does not have: the next second.
        moment = datetime(
            *(year, month, day),
            *(int(found["hour"]), int(found["minute"]), min(second, 59)),
            tzinfo=UTC,
        )
        return moment - _offset(found["offset"]) + timedelta(seconds=1 if second == 60 else 0)
    except (ValueError, OverflowError):
        return None


def _whole_year(year: int, month: int, day: int, now: datetime) -> int:
    """Give the year that two digits stand for: at most 50 years from now."""
    year += now.year // 100 * 100
    if (year - 50, month, day) > (now.year, now.month, now.day):
        return year - 100
    if (year + 50, month, day) <= (now.year, now.month, now.day):
        # Seen from the end of a century, the next one's first years are ahead.
        return year + 100
    return year


def _offset(text: str | None) -> timedelta:
    if text is None:
        return timedelta()
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    return -offset if text[0] == "-" else offset
