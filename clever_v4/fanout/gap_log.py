"""
Gaps as they are logged: the first of a subscriber at once, those after it summed up.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from clever_v4.fanout.items import Gap

__all__ = ["GapLog"]

logger: Final = logging.getLogger("clever_v4.hub")

_INTERVAL_S: Final = 10.0
"""A subscriber that is too slow for good misses something many times a second: one line in so long."""


class GapLog:
    """
    Logs what the subscribers of one hub missed.
    """

    def __init__(self) -> None:
        # By subscriber: when it was told of last, what it missed since, and how often.
        self._told: dict[str, tuple[float, int, int]] = {}

    def tell(self, subscription: str, gap: Gap[Any], now_s: float) -> None:
        """
        Take note of a gap, and log it unless its subscriber was told of a moment ago.
        """
        told_at, count, times = self._told.get(subscription, (None, 0, 0))
        count, times = count + gap.count, times + 1
        if told_at is not None and now_s - told_at < _INTERVAL_S:
            self._told[subscription] = told_at, count, times
            return
        self._told[subscription] = now_s, 0, 0
        self._log(subscription, count, times, str(gap.source))

    def forget(self, subscription: str) -> None:
        """
        Log what is left of a subscriber that is over.
        """
        _, count, times = self._told.pop(subscription, (None, 0, 0))
        if times:
            self._log(subscription, count, times, None)

    def _log(self, subscription: str, count: int, times: int, source: str | None) -> None:
        logger.warning(
            "%s missed %d entries in %d gaps%s", subscription, count, times,
            "" if source is None else f", the last of {source}",
            extra={"subscription": subscription, "count": count, "gaps": times, "source": source},
        )  # fmt: skip
