"""
What can be asked of a hub.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import Enum, StrEnum
from typing import Any, Generic, Protocol, TypeVar

import attrs

from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Gap, NoticeDetail, Overflow
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.statistics import SourceState
from clever_v4.validators import check_callback, field

__all__ = ["Hooks", "Owner", "Start", "SubscriptionEnd", "SubscriptionOptions"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Start(Enum):
    """
    Where a subscription begins in the rings that are there when it is entered.

    Attributes:
        NOW: With the next batch of each source.
        OLDEST: With the oldest entry that each ring still holds.
    """

    NOW = "now"
    OLDEST = "oldest"


class SubscriptionEnd(StrEnum):
    """
    Why a subscription is over: ``subscription.ended_by``.

    Attributes:
        SOURCES_ENDED: The sources that it named are over: each ended, failed, or was
            unfollowed. The only end that says something about the logs; after every other one,
            asking again makes sense.
        HUB_CLOSED: The hub was closed, since the process stops, say; not all was handed over,
            maybe.
        DRAINED: The hub was drained: all that it had received was handed over, or the time for
            it was up.
        CLOSED: The consumer closed it, or left its ``async with``.
        DISCONNECTED: It fell a whole ring behind under ``Overflow.DISCONNECT``.
    """

    SOURCES_ENDED = "sources_ended"
    HUB_CLOSED = "hub_closed"
    DRAINED = "drained"
    CLOSED = "closed"
    DISCONNECTED = "disconnected"


@attrs.frozen(kw_only=True)
class SubscriptionOptions(Generic[K, T]):
    """
    What a subscriber asked for; ``hub.subscribe()`` documents it.

    Attributes:
        name: What the statistics call it.
        sources: Which it reads, by key or predicate; None: all.
        where: Which entries it wants; None: all.
        overflow: What happens where it falls a whole ring behind.
        start: Where it begins.
        merge: How entries are put in order; None: as they come.
    """

    name: str
    sources: frozenset[K] | Callable[[K], bool] | None
    where: Callable[[T], object] | None
    overflow: Overflow
    start: Start | HubCursor
    merge: Merge[T] | None


class Owner(Protocol):
    """
    What a subscription needs of its hub.
    """

    @property
    def cursor_name(self) -> str:
        """What cursors of this hub are marked with."""
        ...

    @property
    def last_sequence(self) -> int:
        """The number of the last entry received."""
        ...

    @property
    def is_draining(self) -> bool:
        """Whether the sources end since the hub is being drained."""
        ...

    def now(self) -> float:
        """The hub's clock: monotonic seconds."""
        ...

    def source_cursors(self, cursor: HubCursor, wants: Callable[[Any], bool]) -> dict[Any, Any]:
        """Where in its sources somebody stands, by their own cursors."""
        ...

    def entered(self, subscription: Any) -> None:
        """A subscription begins."""
        ...

    def detached(self, ring: Any) -> None:
        """A subscription left a ring."""
        ...

    def missed(self, subscription: Any, gap: Gap[Any]) -> None:
        """A subscription has a gap."""
        ...

    def finished(self, subscription: Any) -> None:
        """A subscription is over."""
        ...


def _nothing(*_: object) -> None:
    pass


@attrs.frozen(kw_only=True)
class Hooks:
    """
    Called by a hub when something happens, for metrics of one's own; must be quick.

    Attributes:
        on_state: A source's key and its new state.
        on_gap: A subscriber's name and what it missed.
        on_notice: A source's key and what it told, such as a reconnection.
    """

    on_state: Callable[[Any, SourceState], object] = attrs.field(
        default=_nothing, validator=field(check_callback)
    )
    on_gap: Callable[[str, Gap[Any]], object] = attrs.field(
        default=_nothing, validator=field(check_callback)
    )
    on_notice: Callable[[Any, NoticeDetail], object] = attrs.field(
        default=_nothing, validator=field(check_callback)
    )
