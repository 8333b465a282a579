"""
What a caller may decide about a stream, and what is transient; pure.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import attrs

from clever_v4.errors import (
    APIError,
    CertificateError,
    HeartbeatTimeoutError,
    NotAnEventStreamError,
    RateLimitedError,
    ResponseTooLargeError,
    TransportError,
    UnexpectedEndError,
)
from clever_v4.validators import (
    check_callback,
    check_duration,
    check_flag,
    check_instance,
    check_number,
    check_whole_number,
    field,
)

from .decoder import DEFAULT_MAX_EVENT_BYTES

__all__ = ["Reconnect", "Reconnection", "StreamOptions", "is_transient"]

MAX_ASKED_DELAY: Final = timedelta(minutes=5)
"""The longest delay that a server may ask for, unless a caller says otherwise."""

TRANSIENT_STATUSES: Final = frozenset({408, 425, 429})


def is_transient(error: Exception) -> bool:
    """
    Tell whether a stream reconnects after an error, or raises it at once.

    Transient are network faults, the end of the connection without
    ``END_OF_STREAM`` or with one that comes too soon, silence, an answer that
    is no event stream (a gateway's page), and the statuses 408, 425, 429 and 5xx. Everything else is fatal: any
    other 4xx, a certificate that is not trusted, an event or a header over its
    size cap, a closed session. Give
    ``Reconnect(is_transient=...)`` a function of the same shape to decide
    otherwise; it may call this one.
    """
    check_instance("error", error, Exception)
    if isinstance(error, APIError):
        return (
            error.status >= 500
            or error.status in TRANSIENT_STATUSES
            or isinstance(error, RateLimitedError)
        )
    if isinstance(error, CertificateError | ResponseTooLargeError):
        return False
    return isinstance(
        error,
        TransportError | HeartbeatTimeoutError | NotAnEventStreamError | UnexpectedEndError,
    )


@attrs.frozen(kw_only=True)
class Reconnect:
    """
    How a stream reconnects: exponential back-off with full jitter and a cap.

    The delay before attempt n is drawn evenly from 0 to ``initial * factor ** n``,
    at most ``max_delay``. What the server asks for with ``retry:`` or
    ``Retry-After``, at most ``max_asked_delay``, is waited in full before that.

    Attributes:
        initial: Longest delay before the first attempt.
        factor: What the longest delay grows by with each failed attempt.
        max_delay: The longest delay of our own; the server may ask for more.
        max_asked_delay: The longest delay that the server may ask for: a slip there must not
            stall a stream for days.

            None: whatever it asks for.
        healthy_after: How long a connection must have lasted for the back-off to start over,
            unless it brought a new entry.

            A server that accepts and drops is then not hammered, and one that is cut every few
            seconds but goes on each time is not waited for.
        attempts: Failed attempts in a row, once connected, before the stream gives up. None: it
            never does.
        first_attempts: Failed attempts before the stream gives up when it was never connected.
            None: it never does.
        is_transient: Decides which errors are worth another attempt.
    """

    initial: timedelta = attrs.field(default=timedelta(seconds=1), validator=field(check_duration))
    factor: float = attrs.field(default=2.0, validator=field(check_number, at_least=1))
    max_delay: timedelta = attrs.field(
        default=timedelta(seconds=30), validator=field(check_duration)
    )
    max_asked_delay: timedelta | None = attrs.field(
        default=MAX_ASKED_DELAY, validator=field(check_duration, optional=True)
    )
    healthy_after: timedelta = attrs.field(
        default=timedelta(seconds=10), validator=field(check_duration)
    )
    attempts: int | None = attrs.field(
        default=None, validator=field(check_whole_number, optional=True)
    )
    first_attempts: int | None = attrs.field(
        default=6, validator=field(check_whole_number, optional=True)
    )
    is_transient: Callable[[Exception], bool] = attrs.field(
        default=is_transient, validator=field(check_callback)
    )


@attrs.frozen(kw_only=True)
class StreamOptions:
    """
    How a stream is kept alive, bounded and ended.

    Attributes:
        heartbeat_timeout: Longest silence, not one byte, before the connection counts as dead
            and is replaced.

            The API sends a heartbeat every 2 s; the official clients' 2.5 to 4 s cut live
            connections. None: never.
        settle_time: After ``until`` has passed, how long without an entry ends the stream.

            Heartbeats and entries later than ``until`` do not count, nor does a new connection;
            it runs while the stream is connected and asked for entries. The real API is
            reported to send heartbeats for ever on quiet applications; the web console takes 16
            s for the end. None: only the server ends it.
        reconnect: How it reconnects.
        max_event_bytes: Largest event; a larger one ends the stream with `EventTooLargeError`.
            Default 16 MiB.
        compress: Whether to accept gzip. Worth it for history; a live stream is most prompt
            without.
        wait_for_first_log: Whether a live stream of an application that never logged waits
            instead of raising `NotFoundError`.
    """

    heartbeat_timeout: timedelta | None = attrs.field(
        default=timedelta(seconds=10), validator=field(check_duration, optional=True)
    )
    settle_time: timedelta | None = attrs.field(
        default=timedelta(seconds=16), validator=field(check_duration, optional=True)
    )
    reconnect: Reconnect = attrs.field(
        factory=Reconnect, validator=field(check_instance, kind=Reconnect)
    )
    max_event_bytes: int = attrs.field(
        default=DEFAULT_MAX_EVENT_BYTES, validator=field(check_whole_number)
    )
    compress: bool = attrs.field(default=False, validator=field(check_flag))
    wait_for_first_log: bool = attrs.field(default=False, validator=field(check_flag))


@attrs.frozen(kw_only=True)
class Reconnection:
    """
    One reconnection, as told to the caller before its delay begins.

    Attributes:
        attempt: 1 for the first attempt since the last healthy connection.
        cause: Why the connection was lost or refused.
        delay: How long the stream waits before it connects.
        last_event_id: Where it will continue; None when no entry arrived yet.
    """

    attempt: int
    cause: Exception
    delay: timedelta
    last_event_id: str | None
