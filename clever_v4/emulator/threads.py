"""
An event loop in a thread of its own, for programs and tests that have none.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """
    Runs an event loop until it is stopped; what runs on it is asked for from other threads.

    Args:
        name: The thread's name.
    """

    def __init__(self, name: str) -> None:
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name=name, daemon=True)
        self._thread.start()
        self._loop = started.result()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run a coroutine there, and wait for what it gives or raises.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call(self, function: Callable[[], T]) -> T:
        """
        Call a function there, or here where this is that thread; give what it gives or raises.
        """
        if threading.current_thread() is self._thread:
            return function()

        async def called() -> T:
            return function()

        return self.run(called())

    def stop(self) -> None:
        """
        End the loop, cancelling what still runs on it, and the thread.
        """
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        asyncio.run(self._until_stopped(started))

    async def _until_stopped(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        self._stopping = asyncio.Event()
        started.set_result(asyncio.get_running_loop())
        await self._stopping.wait()


def is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """
    Whether the caller runs on this loop, so that it may touch what belongs to it.
    """
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
