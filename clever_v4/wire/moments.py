"""
Moments that a caller names: aware datetimes, or so long before now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import attrs

from clever_v4.validators import shown

__all__ = ["Moment", "aware_moment", "check_window", "moment_text", "moment_to_datetime"]

Moment: TypeAlias = datetime | timedelta
"""An aware datetime, or a timedelta: so long before now."""


def moment_to_datetime(
    moment: Moment, *, now: datetime | None = None, name: str = "moment"
) -> datetime:
    """
    Take a moment to an aware UTC datetime; a timedelta counts back from *now*.

    Raises:
        ValueError: In UTC it is before the year 1 or after 9999.
    """
    try:
        if isinstance(moment, timedelta):
            return (now or datetime.now(UTC)) - moment
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} must be within the years 1 to 9999, got {moment!r}") from None


def moment_text(moment: Moment, *, now: datetime | None = None, name: str = "moment") -> str:
    """
    Write a moment as the API wants it: ISO 8601, UTC, milliseconds, ``Z``.

    Raises:
        ValueError: The datetime is naive, or out of bounds in UTC.
    """
    if isinstance(moment, datetime) and moment.utcoffset() is None:
        raise ValueError(f"{name} must be an aware datetime, got the naive {moment!r}")
    text = moment_to_datetime(moment, now=now, name=name).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def aware_moment(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    A moment is an aware datetime or a timedelta before now.
    """
    if value is None:
        return
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise ValueError(
                f"{attribute.name} must not be negative (it counts back from now), got {value!r}"
            )
    elif isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{attribute.name} must be an aware datetime, got the naive {value!r}")
    else:
        raise TypeError(
            f"{attribute.name} must be an aware datetime or a timedelta before now, got {shown(value)}"
        )
    moment_to_datetime(value, name=attribute.name)


def check_window(since: Moment | None, until: Moment | None) -> None:
    """
    Refuse a window of time that ends before it begins.

    Raises:
        ValueError: *since* is after *until*.
    """
    if since is None or until is None:
        return
    now = datetime.now(UTC)
    if moment_to_datetime(since, now=now) > moment_to_datetime(until, now=now):
        raise ValueError(f"since must not be after until, got since={since!r} and until={until!r}")
