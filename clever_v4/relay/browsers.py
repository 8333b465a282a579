"""
Who is connected to a relay, so that all can be let go when the server stops.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

__all__ = ["Browsers"]

# How long answers have to end by themselves. A browser that reads nothing would hold one for ever.
_GRACE_S: Final = 0.5


class _Answer(Protocol):
    def end(self) -> None:
        """End without another event."""

    def cut(self) -> None:
        """Cut the connection."""


class Browsers:
    """
    The answers that are being sent.
    """

    def __init__(self) -> None:
        self._open: set[_Answer] = set()
        self._all_gone: asyncio.Future[None] | None = None
        # A relay often is a global of a module and outlives the server: what has stopped is the
        # event loop that the server ran in.
        self._stopped_on: weakref.ref[asyncio.AbstractEventLoop] | None = None

    def __len__(self) -> int:
        return len(self._open)

    @property
    def is_stopped(self) -> bool:
        """
        Whether those who come now are sent away, to come back to another process.
        """
        stopped_on = self._stopped_on
        return stopped_on is not None and stopped_on() is asyncio.get_running_loop()

    def restart(self) -> None:
        """
        Take browsers again.
        """
        self._stopped_on = None

    @contextmanager
    def holding(self, answer: _Answer) -> Iterator[None]:
        """
        Count an answer among the open ones.
        """
        self._open.add(answer)
        try:
            yield
        finally:
            self._open.discard(answer)
            waiter = self._all_gone
            if not self._open and waiter is not None and not waiter.done():
                waiter.set_result(None)

    def stop(self) -> None:
        """
        Let every answer end, and those that come.
        """
        loop = asyncio.get_running_loop()
        self._stopped_on = weakref.ref(loop)
        for answer in list(self._open):
            answer.end()
        if self._open:
            loop.call_later(_GRACE_S, self._cut, tuple(self._open))

    def _cut(self, answers: tuple[_Answer, ...]) -> None:
        for answer in answers:
            if answer in self._open:
                answer.cut()

    async def gone(self) -> None:
        """
        Wait until no answer is open.
        """
        while self._open:
            if self._all_gone is None or self._all_gone.done():
                self._all_gone = asyncio.get_running_loop().create_future()
            # Whoever waits here may be cancelled without taking the future from the others.
            await asyncio.shield(self._all_gone)
