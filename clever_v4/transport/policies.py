"""
How a session exchanges: time-outs, retries, and what it tells of each answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import attrs

from clever_v4.errors import (
    APIError,
    CertificateError,
    ConnectionFailedError,
    RequestTimeoutError,
)
from clever_v4.validators import check_duration, check_whole_number, field

__all__ = ["RETRIED_STATUSES", "ResponseInfo", "Retry", "Timeout", "retry_decision"]

RETRIED_STATUSES: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses after which an idempotent request is worth another attempt."""


@attrs.frozen(kw_only=True)
class Timeout:
    """
    How long a session waits. Streams obey *connect* and *read* until they are open.

    Attributes:
        connect: For the connection: the look-up of the name, a proxy's consent and TLS
            included, and a free place where the aiohttp session is borrowed. None: for ever.
        read: Until the head of the answer has come, from the start of the attempt (for what
            sends a body: from its last byte), and the longest silence between the pieces of its
            body. None: for ever.
        total: For one attempt of a request from its first byte to the last of its answer.
            Waiting for a free connection and downloads do not count. None: without bound.
    """

    connect: timedelta | None = attrs.field(
        default=timedelta(seconds=10), validator=field(check_duration, optional=True)
    )
    read: timedelta | None = attrs.field(
        default=timedelta(seconds=30), validator=field(check_duration, optional=True)
    )
    total: timedelta | None = attrs.field(
        default=timedelta(seconds=60), validator=field(check_duration, optional=True)
    )


@attrs.frozen(kw_only=True)
class Retry:
    """
    How idempotent requests are retried: after network faults, time-outs, 408, 429, 502, 503 and 504.

    The back-off is exponential with jitter; a ``Retry-After`` of the server
    takes its place. Every attempt is signed afresh.

    Attributes:
        attempts: How often a request is sent at most, the first time included. 1: never
            retried.
        timeout: After so long, what fails is not tried again, and no ``Retry-After`` beyond it
            is waited for. None: only *attempts* counts.
        wait_initial: Back-off before the second attempt; doubled before each one more.
        wait_max: Longest back-off.
        wait_jitter: Up to so much is added to each back-off, by chance.
        retry_after_max: A ``Retry-After`` longer than this is not waited for: the error is
            raised at once and carries it.
    """

    attempts: int = attrs.field(default=3, validator=field(check_whole_number))
    timeout: timedelta | None = attrs.field(
        default=timedelta(seconds=90), validator=field(check_duration, optional=True)
    )
    wait_initial: timedelta = attrs.field(
        default=timedelta(milliseconds=200), validator=field(check_duration, or_zero=True)
    )
    wait_max: timedelta = attrs.field(
        default=timedelta(seconds=10), validator=field(check_duration, or_zero=True)
    )
    wait_jitter: timedelta = attrs.field(
        default=timedelta(seconds=1), validator=field(check_duration, or_zero=True)
    )
    retry_after_max: timedelta = attrs.field(
        default=timedelta(seconds=60), validator=field(check_duration, or_zero=True)
    )


@attrs.frozen(kw_only=True)
class ResponseInfo:
    """
    What ``Session(on_response=...)`` is told of every answer, each attempt and stream included.

    Attributes:
        method: Such as ``GET``.
        url: The address without its query.
        status: The status, such as 200.
        request_id: The ``Sozu-Id`` header.
        elapsed: From sending to the last byte of the answer; for streams and downloads, to its
            head.
        headers: Case-insensitive.
    """

    method: str
    url: str
    status: int
    request_id: str | None
    elapsed: timedelta
    headers: Mapping[str, str] = attrs.field(repr=False)


def retry_decision(error: Exception, policy: Retry, elapsed: timedelta) -> bool | timedelta:
    """
    Decide whether a failed attempt is repeated: never, with the usual back-off, or after so long.

    Args:
        error: What it failed with.
        policy: The session's.
        elapsed: Since the first attempt began.
    """
    if isinstance(error, APIError):
        if error.status not in RETRIED_STATUSES:
            return False
        wait = error.retry_after
        if wait is None:
            return True
        too_late = policy.timeout is not None and elapsed + wait > policy.timeout
        return False if too_late or wait > policy.retry_after_max else wait
    if isinstance(error, CertificateError):  # it does not become right by asking again
        return False
    return isinstance(error, ConnectionFailedError | RequestTimeoutError)
