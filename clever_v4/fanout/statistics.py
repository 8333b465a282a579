"""
What a hub tells about itself: frozen values, cheap enough to ask for every second.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import attrs

from clever_v4.fanout.items import Overflow
from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.streaming.subject import StreamStatistics

__all__ = [
    "DrainReport",
    "HubStatistics",
    "SourceShare",
    "SourceState",
    "SourceStatistics",
    "SubscriberStatistics",
]

K = TypeVar("K", bound=Hashable)


class SourceState(StrEnum):
    """
    How a followed source stands.
    """

    IDLE = "idle"
    """Followed on demand, and nobody subscribes to it: not connected."""
    CONNECTING = "connecting"
    """Waiting for its turn to connect, connecting, or reconnecting."""
    OPEN = "open"
    PAUSED = "paused"
    """Connected; not read, since a ``block`` subscriber is a whole ring behind."""
    ENDED = "ended"
    FAILED = "failed"


@known_to_pydantic
@attrs.frozen(kw_only=True)
class SourceStatistics(Generic[K]):
    """
    One followed source.
    """

    source: K
    state: SourceState
    received: int
    """How many entries it sent since it was followed."""
    held: int
    """How many of them its ring holds now."""
    held_bytes: int
    """How many bytes they have, as received; 0 for sources that do not count bytes."""
    subscribers: int
    notices: int
    """How many notices it gave; for logs the reconnections."""
    paused: timedelta
    """How long ``block`` subscribers kept it from being read, in all."""
    idle: timedelta | None
    """How long ago it last sent an entry; None: never."""
    error: Exception | None
    """Why it failed; None: it did not."""
    upstream: StreamStatistics | None
    """Its stream's own statistics while it is open; None: it is not, or has none."""


@known_to_pydantic
@attrs.frozen(kw_only=True)
class SourceShare(Generic[K]):
    """
    What became of one source's entries for one subscriber.

    ``delivered + filtered + missed + lag`` is what the source sent since the
    subscriber came.
    """

    source: K
    delivered: int
    filtered: int
    """Not accepted by the subscriber's ``where``."""
    missed: int
    """Dropped from the ring before the subscriber read them."""
    lag: int
    """Received by the hub and not yet handed over."""


@known_to_pydantic
@attrs.frozen(kw_only=True)
class SubscriberStatistics:
    """
    One subscriber, over all its sources.
    """

    name: str
    overflow: Overflow
    sources: int
    """How many sources it reads from now."""
    delivered: int
    filtered: int
    missed: int
    lag: int
    """How many entries the hub has received and it has not yet been handed."""
    lag_time: timedelta
    """How long the oldest of those has been waiting."""
    late: int
    """How many entries of an ordered merge came after the window."""


@known_to_pydantic
@attrs.frozen(kw_only=True)
class HubStatistics(Generic[K]):
    """
    The whole hub. The totals include sources and subscribers that are gone.
    """

    sources: tuple[SourceStatistics[K], ...]
    subscribers: tuple[SubscriberStatistics, ...]
    received: int
    delivered: int
    missed: int
    notices: Mapping[str, int]
    """How many notices the sources gave, by the name of their type: for logs
    ``"Reconnection"`` and ``"ResponseFormatError"``."""
    held_bytes: int
    """How many bytes all rings hold now, as received. Among them are those of sources no longer
    followed that a subscriber has not read."""

    @property
    def connected(self) -> int:
        """
        How many sources are connected.
        """
        return sum(s.state in (SourceState.OPEN, SourceState.PAUSED) for s in self.sources)

    @property
    def lag(self) -> int:
        """
        The lag in entries of the subscriber that is furthest behind.
        """
        return max((subscriber.lag for subscriber in self.subscribers), default=0)

    @property
    def lag_time(self) -> timedelta:
        """
        The longest that a received entry has been waiting for a subscriber.
        """
        return max((s.lag_time for s in self.subscribers), default=timedelta(0))


@known_to_pydantic
@attrs.frozen(kw_only=True)
class DrainReport:
    """
    How a hub's drain ended.
    """

    undelivered: int
    """How many entries were not handed over in time, summed over subscribers."""
    slow: tuple[str, ...]
    """The names of the subscribers that they were meant for."""

    @property
    def is_complete(self) -> bool:
        """
        Whether every subscriber got all that the rings held.
        """
        return not self.slow
