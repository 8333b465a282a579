"""
What a stream is told about the API that it reads, and the values that it gives about itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Generic, TypeVar

import attrs
from yarl import URL

from clever_v4.pydantic_schema import known_to_pydantic

from .source import Opener

__all__ = ["StreamState", "StreamStatistics", "Subject"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Subject(Generic[T]):
    """
    What a stream reads: the only things that it knows about the API.

    Attributes:
        name: For messages: whose stream it is.
        key: For cursors: which stream it is, and no other has the same.
        opener: What opens connections.
        url: Address for the number of entries that may still come and, where it does not
            continue by id, the moment to begin at (None: as the query says).
        event_type: Name of the data events.
        read: From the data of an event to an entry; raises `ResponseFormatError`.
        date_of: The date of an entry.
        is_live: Whether it begins now: then a reconnect before the first entry must not leave a
            gap.
        until: Later entries are left out, and the stream ends; None: it does not.
        limit: How many entries come at most; None: no end.
        labels: For log records: what it is the stream of, by fields such as ``owner`` and
            ``resource``.
        is_resumable: Whether the server goes on after an id. Otherwise ids mean nothing from one
            connection to the next: none is sent, and no entry is taken for a repeated one.
        is_bounded: Whether END_OF_STREAM ends it, as with *until*; otherwise the server has only
            cut the connection.
    """

    name: str
    key: str
    opener: Opener
    url: Callable[[int | None, datetime | None], URL]
    event_type: bytes
    read: Callable[[bytes], T]
    date_of: Callable[[T], datetime | None]
    is_live: bool
    until: datetime | None
    limit: int | None
    labels: Mapping[str, str] = attrs.field(factory=dict)
    is_resumable: bool = True
    is_bounded: bool = attrs.field(
        default=attrs.Factory(lambda self: self.until is not None, takes_self=True)
    )


class StreamState(Enum):
    """
    Where a stream is in its life.

    Attributes:
        WAITING: Between two attempts.
    """

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    ENDED = "ended"


@known_to_pydantic
@attrs.frozen(kw_only=True)
class StreamStatistics:
    """
    What a stream did so far; a value, not a view.

    Attributes:
        entries: Entries received, those that did not fit their model included.
        duplicates: Entries that the server sent again after a resume, and that were dropped.
        reconnections: Connections accepted after the first one.
        bytes: Bytes read, after decompression.
        heartbeats: HEARTBEAT events received.
        late: Entries later than ``until``, which were left out and do not count as ``entries``.
        last_contact: When bytes arrived last; None before the first connection.
        lag: How old the newest entry was when it arrived, by our clock; None while no entry had
            a date.
        end_reason: The reason of the last END_OF_STREAM, ``UNKNOWN`` where it gave none; None:
            none came.

            A live stream goes on after it, so that it says more than ``ended_by``.
    """

    entries: int
    duplicates: int
    reconnections: int
    bytes: int
    heartbeats: int
    late: int
    last_contact: datetime | None
    lag: timedelta | None
    end_reason: str | None = None
