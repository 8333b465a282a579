"""
One attempt to connect, which goes on while nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .decoder import Decoder
from .source import Connection, Source

__all__ = ["ATTEMPT_NAME", "Attempt"]

ATTEMPT_NAME: Final = "clever_v4: connecting a stream"
"""Name of its task."""

_CLOSING_S: Final = 1.0


class Attempt:
    """
    A task that connects; whoever asks for entries waits for it, with a deadline or without.

    A consumer that asks with deadlines shorter than a connection takes comes to
    one in the end, since giving up waiting does not give up connecting. Its
    owner is the stream: the task refers to nothing of it, and goes with it.
    """

    __slots__ = ("_connection", "_task")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._task = asyncio.get_running_loop().create_task(connection.connect(), name=ATTEMPT_NAME)
        # Where the stream is dropped, nobody comes for the error.
        self._task.add_done_callback(_look_at)

    @property
    def is_over(self) -> bool:
        """Whether it is decided."""
        return self._task.done()

    def tell(self, callback: Callable[[object], None]) -> None:
        """
        Have a callback called when it is over.
        """
        self._task.add_done_callback(callback)

    def tell_no_more(self, callback: Callable[[object], None]) -> None:
        """
        Take that back.
        """
        self._task.remove_done_callback(callback)

    def failure(self) -> BaseException | None:
        """
        Give why there is no connection, once the attempt is over.

        It is given, not raised: raising would note the frames that it passes in
        its traceback, and whoever keeps it would keep the stream with them.
        """
        return self._task.exception()

    def source(self, decoder: Decoder, heartbeat_timeout_s: float | None) -> Source:
        """
        Give what reads the connection, once the attempt is over without a failure.
        """
        return self._connection.source(decoder, heartbeat_timeout_s)

    def abort(self) -> None:
        """
        Give it up, or close at once what it opened. Idempotent.
        """
        if self._task.done():
            self._connection.abort()
        elif not self._task.get_loop().is_closed():
            self._task.cancel()

    async def gone(self) -> None:
        """
        Wait for the end of an attempt that was given up.
        """
        if not self._task.done():
            # Bounded: it may be in a caller's own coroutine, which gives fresh credentials.
            await asyncio.wait((self._task,), timeout=_CLOSING_S)


def _look_at(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()
