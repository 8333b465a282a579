"""
How a test that hangs is ended: so that it closes what it opened, and the run goes on.

pytest-timeout raises out of whatever runs in that moment. That may be any task or callback of the
event loop, which notes the exception and goes on: the test hangs for ever, or its tasks live on in
the tests after it. Here the tasks are cancelled first, the test's own among them.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys

import pytest
from pytest_timeout import Settings, timeout_sigalrm

__all__ = ["pytest_timeout_set_timer"]

PATIENCE_S = 10.0
"""How long what was cancelled may take to close, in seconds, before pytest-timeout's way."""


@pytest.hookimpl
def pytest_timeout_set_timer(item: pytest.Item, settings: Settings) -> bool | None:
    """
    Set the timer of a test; None: as pytest-timeout does, where there are no signals.
    """
    if settings.method != "signal":
        return None
    attempts = itertools.count()

    def end(_signal: int, _frame: object) -> None:
        loop = _running_loop()
        if loop is not None and next(attempts) == 0:
            reason = f"Timeout (>{settings.timeout}s): ended for hanging"
            # It may sleep: a mere call_soon would not wake it.
            loop.call_soon_threadsafe(_cancel_all, loop, reason)
        else:
            timeout_sigalrm(item, settings)

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel  # type: ignore[attr-defined]  -- where pytest-timeout looks for it
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, PATIENCE_S)
    return True


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _cancel_all(loop: asyncio.AbstractEventLoop, reason: str) -> None:
    for task in asyncio.all_tasks(loop):
        task.print_stack(file=sys.stderr)
        task.cancel(reason)
