"""
What a caller may decide about a stream, and what is refused.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clever_v4.errors import (
    APIError,
    EventTooLargeError,
    HeartbeatTimeoutError,
    NotAnEventStreamError,
    PermissionDeniedError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    SessionClosedError,
)
from clever_v4.streaming.policy import Reconnect, StreamOptions, is_transient

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("make", "members", "error", "told"),
    [
        (Reconnect, {"initial": 1}, TypeError, "initial must be a timedelta, got 1"),
        (Reconnect, {"initial": timedelta()}, ValueError, "initial must be positive, got "),
        (Reconnect, {"max_delay": -SECOND}, ValueError, "max_delay must be positive, got "),
        (Reconnect, {"max_asked_delay": 5}, TypeError, "max_asked_delay must be a timedelta, got"),
        (Reconnect, {"healthy_after": None}, TypeError, "healthy_after must be a timedelta, got"),
        (Reconnect, {"factor": 0.5}, ValueError, "factor must be at least 1, got 0.5"),
        (Reconnect, {"factor": float("nan")}, ValueError, "factor must be finite, got nan"),
        (Reconnect, {"factor": "2"}, TypeError, "factor must be a number, got '2'"),
        (Reconnect, {"factor": True}, TypeError, "factor must be a number, got True"),
        (Reconnect, {"attempts": 0}, ValueError, "attempts must be at least 1, got 0"),
        (Reconnect, {"attempts": 1.5}, TypeError, "attempts must be a whole number, got 1.5"),
        (Reconnect, {"first_attempts": True}, TypeError, "first_attempts must be a whole number"),
        (StreamOptions, {"heartbeat_timeout": 10}, TypeError, "heartbeat_timeout must be a time"),
        (StreamOptions, {"settle_time": -SECOND}, ValueError, "settle_time must be positive, got"),
        (StreamOptions, {"max_event_bytes": 0}, ValueError, "max_event_bytes must be at least 1"),
        (StreamOptions, {"reconnect": None}, TypeError, "reconnect"),
        (StreamOptions, {"compress": "gzip"}, TypeError, "compress"),
        (StreamOptions, {"wait_for_first_log": 1}, TypeError, "wait_for_first_log"),
    ],
)
def test_nonsense_is_refused_at_construction(
    make: Any, members: dict[str, Any], error: type[Exception], told: str
) -> None:
    """
    The error names the argument and its value.
    """
    with pytest.raises(error) as raised:
        make(**members)
    assert told in str(raised.value)


@pytest.mark.parametrize("name", ["heartbeat_timeout", "settle_time"])
def test_none_means_never(name: str) -> None:
    """
    A watch that is switched off is no mistake.
    """
    assert getattr(StreamOptions(**{name: None}), name) is None  # type: ignore[arg-type]  # one of them at a time


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *((APIError(status=status), True) for status in (408, 425)),
        (RateLimitedError(status=403), True),
        (ServerError(status=500), True),
        (RequestTimeoutError("late"), True),
        (HeartbeatTimeoutError("silent"), True),
        (NotAnEventStreamError(content_type="text/html"), True),
        *((APIError(status=status), False) for status in (204, 302, 400, 404, 410)),
        (PermissionDeniedError(status=403), False),
        (EventTooLargeError(limit_bytes=1), False),
        (SessionClosedError("closed"), False),
        (ZeroDivisionError(), False),
    ],
)
def test_what_is_worth_another_attempt(error: Exception, expected: bool) -> None:
    """
    Network faults, silence, a gateway's page and passing refusals; nothing else.
    """
    assert is_transient(error) is expected
