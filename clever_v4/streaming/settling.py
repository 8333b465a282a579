"""
When a bounded stream has had its last entry though the server does not say so; pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["Settling"]


class Settling:
    """
    How long nothing came that belongs to the stream, over all its connections.

    Only an entry sets the clock back: heartbeats, entries later than ``until``
    and new connections do not, or a gateway that cuts every second would keep
    a stream open for ever. It runs only while the stream is connected and asked
    for entries, so that neither an outage nor a slow consumer ends a stream
    whose entries are still to come.

    Args:
        settle_time: How long it takes. None: for ever.
        until: The end of the stream; the time before it does not count.
    """

    __slots__ = ("_idle_s", "_left_s", "_settle_time", "_since_s", "_until")

    def __init__(self, settle_time: timedelta | None, until: datetime) -> None:
        self._settle_time = settle_time
        self._until = until
        # Up to the last sign of life; since when, as if it had never stood still; and since
        # when nobody asks.
        self._idle_s = 0.0
        self._since_s: float | None = None
        self._left_s: float | None = None

    def run(self, now_s: float) -> None:
        """
        Let the clock run: the stream is connected and asked.
        """
        if self._since_s is None:
            self._since_s = now_s - self._idle_s
        elif self._left_s is not None:
            self._since_s += now_s - self._left_s
        self._left_s = None

    def leave(self, now_s: float) -> None:
        """
        Let it stand until it is asked again.
        """
        if self._left_s is None:
            self._left_s = now_s

    def lose(self, now_s: float) -> None:
        """
        Let it stand: the connection is lost, which was seen now.
        """
        self._note(now_s)
        self._since_s = None

    def forget(self) -> None:
        """
        Set it back to the last sign of life and let it stand: the connection was dead since then.
        """
        self._since_s = None

    def begin_anew(self) -> None:
        """
        Note an entry.
        """
        self._idle_s = 0.0
        self._since_s = None

    def is_over(self, now_s: float, now: datetime) -> bool:
        """
        Tell, at a sign of life, whether nothing more is to come.

        Args:
            now_s: The moment by the clock that it runs on.
            now: The same by the calendar.
        """
        self._note(now_s)
        if self._settle_time is None or now - self._until < self._settle_time:
            return False
        return self._idle_s >= self._settle_time.total_seconds()

    def _note(self, now_s: float) -> None:
        if self._since_s is not None:
            self._idle_s = (now_s if self._left_s is None else self._left_s) - self._since_s
