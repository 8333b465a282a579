"""
What the options objects of several groups have in common.
"""

from __future__ import annotations

from datetime import UTC, datetime

from .query import Moment, moment_to_datetime, query_pairs


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


def pairs_of(query: object, type_: type) -> list[tuple[str, str]]:
    """
    Take the options of a call to query pairs; None gives none.

    Raises:
        TypeError: They are the options of another call, or none at all.
    """
    if query is not None and not isinstance(query, type_):
        raise TypeError(f"query must be an instance of {type_.__name__} or None, got {query!r}")
    return query_pairs(query)
