"""
Being told that the process shall stop before the server waits for its clients.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["telling_of_signals"]

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")


@contextmanager
def telling_of_signals(stop: Callable[[], object]) -> Iterator[None]:
    """
    Call *stop* when the process is asked to stop, before the server's own handler of the signal.

    Only where there is such a handler: a signal that would end the process still does, and
    one that is ignored still is. Outside the main thread, where Python handles no signals,
    nothing happens.

    Args:
        stop: Called as a signal handler is: in the midst of whatever runs.
    """
    undo = []
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        undo = [_put_before(number, stop) for number in numbers]
    try:
        yield
    finally:
        for one in undo:
            one()


def _put_before(number: int, stop: Callable[[], object]) -> Callable[[], object]:
    handler: Any = signal.getsignal(number)
    is_over = False
    if not callable(handler):  # the system's: to end, or to ignore
        return lambda: None

    def handle(signalled: int, frame: FrameType | None) -> None:
        if not is_over:
            stop()
        handler(signalled, frame)

    def undo() -> None:
        nonlocal is_over
        is_over = True  # should somebody else have put theirs before ours meanwhile
        if signal.getsignal(number) is handle:
            signal.signal(number, handler)

    signal.signal(number, handle)
    return undo
