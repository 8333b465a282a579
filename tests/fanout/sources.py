"""
Sources inside the process, fed by the test.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any


class FedSource:
    """
    A source that hands over what the test feeds it, and counts how often it is open.

    Its entries have as many bytes as *size_of* says.
    """

    def __init__(self, size_of: Callable[[Any], int] = lambda _: 0) -> None:
        self.received_bytes = 0
        self._size_of = size_of
        self.open_count = 0
        self.opened = 0
        self._pending: deque[Any] = deque()
        self._changed = asyncio.Event()
        self.refusal: Exception | None = None

    def feed(self, *entries: object) -> None:
        self._put(list(entries))

    def fail(self, error: Exception) -> None:
        self._put(error)

    def end(self) -> None:
        self._put(None)

    def _put(self, what: object) -> None:
        self._pending.append(what)
        self._changed.set()

    @property
    def unread(self) -> int:
        """How many batches the hub has not read."""
        return len(self._pending)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FedSource]:
        self.opened += 1
        self.received_bytes = 0
        if self.refusal is not None:
            raise self.refusal
        self.open_count += 1
        try:
            yield self
        finally:
            self.open_count -= 1

    async def batches(self) -> AsyncIterator[Sequence[Any]]:
        while True:
            while not self._pending:
                self._changed.clear()
                await self._changed.wait()
            what = self._pending.popleft()
            if what is None:
                return
            if isinstance(what, Exception):
                raise what
            self.received_bytes += sum(map(self._size_of, what))
            yield what


async def settle(rounds: int | None = None) -> None:
    """
    Let everything run that can run without waiting for time to pass, or for so many rounds.
    """
    loop: Any = asyncio.get_running_loop()
    for _ in range(1000 if rounds is None else rounds):
        await asyncio.sleep(0)
        if rounds is None and not loop._ready:
            return
    assert rounds is not None, "it never comes to rest"


async def take(iterator: Any, rounds: int = 12) -> Any:
    """
    The next item if there is one now, else None; the waiting call is cancelled then.
    """
    task = asyncio.get_running_loop().create_task(anext(iterator))
    for _ in range(rounds):
        if task.done():
            return task.result()
        await asyncio.sleep(0)
    task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None
