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

    Attributes:
        IDLE: Followed on demand, and nobody subscribes to it: not connected.
        CONNECTING: Waiting for its turn to connect, connecting, or reconnecting.
        PAUSED: Connected; not read, since a ``block`` subscriber is a whole ring behind.
    """

    IDLE = "idle"
    CONNECTING = "connecting"
    OPEN = "open"
    PAUSED = "paused"
    ENDED = "ended"
    FAILED = "failed"


@known_to_pydantic
@attrs.frozen(kw_only=True)
class SourceStatistics(Generic[K]):
    """
    One followed source.

    Attributes:
        source: The key that it is followed by.
        state: How it stands.
        received: How many entries it sent since it was followed.
        held: How many of them its ring holds now.
        held_bytes: How many bytes they have, as received; 0 for sources that do not count
            bytes.
        subscribers: How many subscribers read it.
        notices: How many notices it gave; for logs the reconnections.
        paused: How long ``block`` subscribers kept it from being read, in all.
        idle: How long ago it last sent an entry; None: never.
        error: Why it failed; None: it did not.
        upstream: Its stream's own statistics while it is open; None: it is not, or has none.
    """

    source: K
    state: SourceState
    received: int
    held: int
    held_bytes: int
    subscribers: int
    notices: int
    paused: timedelta
    idle: timedelta | None
    error: Exception | None
    upstream: StreamStatistics | None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class SourceShare(Generic[K]):
    """
    What became of one source's entries for one subscriber.

    ``delivered + filtered + missed + lag`` is what the source sent since the
    subscriber came.

    Attributes:
        source: The key that it is followed by.
        delivered: Handed over.
        filtered: Not accepted by the subscriber's ``where``.
        missed: Dropped from the ring before the subscriber read them.
        lag: Received by the hub and not yet handed over.
    """

    source: K
    delivered: int
    filtered: int
    missed: int
    lag: int


@known_to_pydantic
@attrs.frozen(kw_only=True)
class SubscriberStatistics:
    """
    One subscriber, over all its sources.

    Attributes:
        name: As given to ``hub.subscribe()``.
        overflow: What happens where it falls a whole ring behind.
        sources: How many sources it reads from now.
        delivered: How many entries were handed over.
        filtered: How many its ``where`` did not accept.
        missed: How many were dropped before it read them.
        lag: How many entries the hub has received and it has not yet been handed.
        lag_time: How long the oldest of those has been waiting.
        late: How many entries of an ordered merge came after the window.
    """

    name: str
    overflow: Overflow
    sources: int
    delivered: int
    filtered: int
    missed: int
    lag: int
    lag_time: timedelta
    late: int


@known_to_pydantic
@attrs.frozen(kw_only=True)
class HubStatistics(Generic[K]):
    """
    The whole hub. The totals include sources and subscribers that are gone.

    Attributes:
        sources: Each that is followed.
        subscribers: Each that reads.
        received: How many entries the sources sent.
        delivered: How many were handed to subscribers, each counted.
        missed: How many subscribers missed, each counted.
        notices: How many notices the sources gave, by the name of their type: for logs
            ``"Reconnection"`` and ``"ResponseFormatError"``.
        held_bytes: How many bytes all rings hold now, as received. Among them are those of
            sources no longer followed that a subscriber has not read.
    """

    sources: tuple[SourceStatistics[K], ...]
    subscribers: tuple[SubscriberStatistics, ...]
    received: int
    delivered: int
    missed: int
    notices: Mapping[str, int]
    held_bytes: int

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

    Attributes:
        undelivered: How many entries were not handed over in time, summed over subscribers.
        slow: The names of the subscribers that they were meant for.
    """

    undelivered: int
    slow: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """
        Whether every subscriber got all that the rings held.
        """
        return not self.slow
