"""
Telling that a log was cut off, and that it is back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .terminal import Terminal

if TYPE_CHECKING:
    from clever_v4.api.logs import LogStream
    from clever_v4.streaming.policy import Reconnection

__all__ = ["Outages"]

LOOK_AGAIN_S = 0.1
"""How often to look whether a log is back, while it is not."""


class Outages:
    """
    What is told of the connection of one log.

    A reconnection is known when its connection is accepted. A quiet log then brings nothing for
    hours, so somebody has to look.
    """

    def __init__(self, terminal: Terminal, label: str) -> None:
        self._terminal = terminal
        self._label = label
        self._stream: LogStream[Any] | None = None
        self._lost_at: float | None = None
        self._before: tuple[object, ...] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._repeated = 0

    def watch(self, stream: LogStream[Any]) -> None:
        """
        Name the stream that it is about.
        """
        self._stream = stream

    def lost(self, reconnection: Reconnection) -> None:
        """
        Tell of a loss, or of an attempt that failed.
        """
        loop = asyncio.get_running_loop()
        if self._lost_at is None:
            self._lost_at = loop.time()
            self._before = self._contact()
            self._timer = loop.call_later(LOOK_AGAIN_S, self._look_again)
        delay_s = reconnection.delay.total_seconds()
        self._terminal.tell(
            f"clever-v4: {self._label}: reconnecting in {delay_s:.1f} s: {reconnection.cause}",
            code="33",
        )

    def look(self) -> None:
        """
        Tell that it is back, if it is and has not been told.
        """
        if self._lost_at is None or self._stream is None or self._contact() == self._before:
            return
        after_s = asyncio.get_running_loop().time() - self._lost_at
        statistics = self._stream.statistics()
        text = f"connected again after {after_s:.1f} s, nothing lost"
        if again := statistics.duplicates - self._repeated:
            text += f"; {again} {'entry' if again == 1 else 'entries'} came again, left out"
        self._terminal.tell(f"clever-v4: {self._label}: {text}", code="32")
        self._repeated = statistics.duplicates
        self.close()

    def close(self) -> None:
        """
        Look no more.
        """
        self._lost_at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self) -> None:
        self.look()
        if self._lost_at is not None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._look_again)

    def _contact(self) -> tuple[object, ...]:
        if self._stream is None:
            return ()
        statistics = self._stream.statistics()
        # The first connection counts as none that came again; its first bytes tell of it.
        was_reached = statistics.last_contact is not None
        return (statistics.reconnections, was_reached)
