"""
Whether a live stream falls behind what its application logs; pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

__all__ = ["WINDOW_S", "Lag", "Lagging"]

WINDOW_S: Final = 5.0
"""How often a busy stream is looked at."""

_GROWN_S: Final = 5.0
_WINDOWS: Final = 3


@attrs.frozen(kw_only=True)
class Lag:
    """
    How far a live stream is behind, as told to ``on_lag`` when that has changed.

    Attributes:
        is_growing: True: it falls further and further behind. False: it has
            caught up again.
        lag: How old the newest entries were when they arrived: our clock
            against the clock that dates entries.
        grown_by: How much more that is than when the stream kept up.
    """

    is_growing: bool
    lag: timedelta
    grown_by: timedelta


class Lagging:
    """
    Looks every few seconds at how old the newest entry was when it arrived.

    What counts is the growth: a clock that is wrong is wrong all the time, and
    a stream of the past begins far behind. It has to stand for three windows in
    a row, so that single entries with odd dates, from a partition that is late
    or an instance whose clock is fast, say nothing, and what is caught up with
    after an outage says nothing either.
    """

    __slots__ = ("_is_growing", "_lags_s", "_newest", "_newest_s", "_when_kept_up_s", "due_s")

    def __init__(self) -> None:
        self.due_s: float = float("-inf")
        """When it is to be looked at again, by the clock of arrivals."""
        self._newest: datetime | None = None
        self._newest_s = 0.0
        # Of the last windows, oldest first, and the highest of a few when the stream kept up.
        self._lags_s: list[float] = []
        self._when_kept_up_s = float("inf")
        self._is_growing = False

    def note(self, date: datetime, arrival_s: float) -> None:
        """
        Take note of the date of an entry that arrived.
        """
        if self._newest is None or date > self._newest:
            self._newest, self._newest_s = date, arrival_s

    def look(self, now_s: float, now: datetime) -> Lag | None:
        """
        Close a window; tell a change.

        Args:
            now_s: When entries arrive next, by the clock of arrivals.
            now: The same by the calendar.
        """
        if now_s >= self.due_s + WINDOW_S:
            self._lags_s.clear()  # a quiet time lies between, or there was no window yet
        self.due_s = now_s + WINDOW_S
        newest, self._newest = self._newest, None
        if newest is None:
            return None
        arrived = now - timedelta(seconds=now_s - self._newest_s)
        self._lags_s = [*self._lags_s[-_WINDOWS:], (arrived - newest).total_seconds()]
        if len(self._lags_s) <= _WINDOWS:
            return None
        return self._change()

    def _change(self) -> Lag | None:
        _, *lags_s = self._lags_s
        self._when_kept_up_s = min(self._when_kept_up_s, max(lags_s))
        grown_s = min(lags_s) - self._when_kept_up_s
        if self._is_growing:
            is_growing = max(lags_s) - self._when_kept_up_s >= _GROWN_S / 2
        else:
            is_growing = grown_s >= _GROWN_S and lags_s[-1] > lags_s[0]
        if is_growing == self._is_growing:
            return None
        self._is_growing = is_growing
        return Lag(
            is_growing=is_growing,
            lag=timedelta(seconds=lags_s[-1]),
            grown_by=timedelta(seconds=max(lags_s[-1] - self._when_kept_up_s, 0.0)),
        )
