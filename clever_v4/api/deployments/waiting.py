"""
Wait for a deployment: poll it, bridge what is transient, tell what changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, Protocol, TypeVar

from clever_v4.errors import (
    APIError,
    DeploymentWaitTimeoutError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TransportError,
)
from clever_v4.streaming.policy import MAX_ASKED_DELAY

POLL_INTERVAL: Final = timedelta(seconds=5)
"""Between two looks, as in the official command line."""
STARTUP_GRACE: Final = timedelta(seconds=15)
"""A new deployment was seen to be invisible for up to 5 s (end-to-end tests of clever-client.js)."""
STARTUP_POLL_INTERVAL: Final = timedelta(seconds=1)
"""Between two looks for a deployment that is not visible yet, at most."""
FAILURES_IN_A_ROW: Final = 5
"""So many looks may fail one after the other, each already retried by the session."""

logger: Final = logging.getLogger("clever_v4.deployments")


class Watchable(Protocol):
    """
    What is known of a deployment here.
    """

    @property
    def state(self) -> str:
        """Where it is."""
        ...

    @property
    def steps(self) -> tuple[Any, ...]:
        """Where it was."""
        ...

    @property
    def is_final(self) -> bool:
        """It will not change any more."""
        ...


W = TypeVar("W", bound=Watchable)


async def watch(
    look: Callable[[], Awaitable[W]],
    deployment_id: str,
    *,
    timeout: timedelta | None,
    poll_interval: timedelta,
    startup_grace: timedelta,
) -> AsyncGenerator[W, None]:
    """
    Yield what *look* finds whenever its state or steps changed, until it is final.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    grace_until = started + startup_grace.total_seconds()
    deadline = None if timeout is None else started + timeout.total_seconds()
    last: W | None = None
    failures = 0
    while True:
        # No yield in here: a timeout must not be alive while the caller works.
        scope = asyncio.timeout_at(deadline)
        current: W | None = None
        try:
            async with scope:
                if last is not None:
                    await asyncio.sleep(poll_interval.total_seconds())
                while True:
                    try:
                        current = await look()
                        break
                    except NotFoundError:
                        left = grace_until - loop.time()
                        if left <= 0:
                            raise
                        delay = min(poll_interval, STARTUP_POLL_INTERVAL, timedelta(seconds=left))
                    except (TransportError, APIError) as exc:
                        failures += 1
                        if failures >= FAILURES_IN_A_ROW or not _is_transient(exc):
                            raise
                        delay = delay_after(exc, poll_interval)
                        logger.info(
                            "looking at %s failed, trying again in %.1f s: %s",
                            deployment_id,
                            delay.total_seconds(),
                            exc,
                            extra={
                                "resource": deployment_id,
                                "attempt": failures,
                                "delay_s": delay.total_seconds(),
                                "cause": str(exc),
                                "cause_type": type(exc).__name__,
                                "sozu_id": exc.request_id,
                            },
                        )
                    await asyncio.sleep(delay.total_seconds())
        except TimeoutError as exc:
            if not scope.expired():
                raise  # a RequestTimeoutError, the request's own
            raise DeploymentWaitTimeoutError(
                deployment_id=deployment_id,
                state=last.state if last is not None else None,
                waited=timedelta(seconds=round(loop.time() - started, 3)),
            ) from exc
        assert current is not None  # noqa: S101  -- the scope raises or has one
        failures = 0
        if last is None or (current.state, current.steps) != (last.state, last.steps):
            yield current
        if current.is_final:
            return
        last = current


def _is_transient(exc: TransportError | APIError) -> bool:
    if isinstance(exc, APIError):
        return isinstance(exc, ServerError | RateLimitedError) or exc.status == 408
    return True


def delay_after(exc: TransportError | APIError, poll_interval: timedelta) -> timedelta:
    """
    Give the time until the next look after one that failed; what the server asks for is bounded, as for streams.
    """
    asked = exc.retry_after if isinstance(exc, APIError) else None
    return max(poll_interval, min(asked or timedelta(0), MAX_ASKED_DELAY))
