"""
How often a request is sent, by way of stamina, and what is told of it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from clever_v4.errors import CleverError

from .policies import Retry, retry_decision

__all__ = ["Retrying"]

logger: Final = logging.getLogger("clever_v4.requests")

T = TypeVar("T")

# What stamina tells by itself where nobody asked it to: a bare line, which Python's logging prints
# on stderr where a program has not set it up.
_UNASKED: Final = frozenset(
    {"stamina.instrumentation._logging", "stamina.instrumentation._structlog"}
)


class Retrying:
    """
    Sends again what failed for passing reasons, as a `Retry` says.
    """

    def __init__(self, policy: Retry) -> None:
        # Imported here and not above: 12 ms that only a session needs, and not in mid-request.
        import stamina

        self._policy = policy
        self._stamina = stamina

    async def run(self, attempt: Callable[[], Awaitable[T]], *, method: str, place: str) -> T:
        """
        Repeat an attempt until it succeeds, or fails for good.

        Args:
            attempt: Makes one.
            method: The HTTP method, to tell of.
            place: The address without its query, to tell of.
        """
        policy, started = self._policy, time.monotonic()
        contexts = self._stamina.retry_context(
            on=lambda error: retry_decision(
                error, policy, timedelta(seconds=time.monotonic() - started)
            ),
            attempts=policy.attempts,
            timeout=policy.timeout,
            wait_initial=policy.wait_initial,
            wait_max=policy.wait_max,
            wait_jitter=policy.wait_jitter,
        )
        attempts = aiter(contexts)
        with contextlib.ExitStack() as waiting:

            def before_sleep(state: Any) -> None:
                self._tell(state, method, place)
                self._call_hooks(state, waiting)

            # stamina calls the hooks of the whole process and no others: those of a caller's are
            # kept, its own lines are not written. A private member, so that its version is bounded.
            inner: Any = attempts._t_a_retrying  # type: ignore[attr-defined]  # noqa: SLF001
            # Where stamina was switched off there is one attempt, and nothing to tell.
            inner.before_sleep = before_sleep
            while True:  # another iteration over it would begin it anew, without the hook
                context = await anext(attempts)
                waiting.close()
                with context:
                    return await attempt()

    def _tell(self, state: Any, method: str, place: str) -> None:
        cause = state.outcome.exception()
        delay_s = state.next_action.sleep
        logger.info(
            "%s %s: attempt %d of %d failed, trying again in %.1f s: %s",
            method, place, state.attempt_number, self._policy.attempts, delay_s, cause,
            extra={
                "method": method,
                "url": place,
                "attempt": state.attempt_number,
                "delay_s": delay_s,
                "cause": str(cause),
                "cause_type": type(cause).__name__,
                "sozu_id": cause.request_id if isinstance(cause, CleverError) else None,
            },
        )  # fmt: skip

    def _call_hooks(self, state: Any, waiting: contextlib.ExitStack) -> None:
        instrumentation = self._stamina.instrumentation
        details = instrumentation.RetryDetails(
            name="<context block>",
            args=(),
            kwargs={},
            retry_num=state.attempt_number,
            wait_for=state.next_action.sleep,
            waited_so_far=state.idle_for - state.next_action.sleep,
            caused_by=state.outcome.exception(),
        )
        for hook in instrumentation.get_on_retry_hooks():
            if getattr(hook, "__module__", None) in _UNASKED:
                continue
            opened = hook(details)
            if isinstance(opened, contextlib.AbstractContextManager):
                waiting.enter_context(opened)
