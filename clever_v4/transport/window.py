"""
The window of time that an options object asks for: it has to begin before it ends.
"""

from __future__ import annotations

from datetime import UTC, datetime

from .query import Moment, moment_to_datetime


def check_window(since: Moment | None, until: Moment | None) -> None:
    """
    Refuse a window that ends before it begins.

    Raises:
        ValueError: *since* is after *until*.
    """
    if since is None or until is None:
        return
    now = datetime.now(UTC)
    if moment_to_datetime(since, now=now) > moment_to_datetime(until, now=now):
        raise ValueError(f"since must not be after until, got since={since!r} and until={until!r}")
