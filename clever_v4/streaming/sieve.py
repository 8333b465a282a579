"""
Which events of a stream are new entries, over all its connections; pure.
"""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import Final, TypeAlias

from .decoder import RawEvent
from .resume import (
    END_OF_STREAM,
    HEARTBEAT,
    NO_ENTRY,
    Cursor,
    EndedBy,
    RecentIds,
    can_be_header,
    end_reason,
    last_of,
)

__all__ = ["AdaptingSieve", "Received", "Sieve"]

Received: TypeAlias = tuple[list[RawEvent], list[bytes]]
"""Data events, and beside each the id that it carried itself (empty where it carried none)."""

_id: Final = itemgetter(0)
_type: Final = itemgetter(1)
_mark: Final = itemgetter(3)


@cache
def _only(event_type: bytes) -> frozenset[bytes]:
    # One for all streams of a kind: there may be thousands.
    return frozenset((event_type,))


class Sieve:
    """
    Lets each entry through once, counts towards the limit, and notices the end.

    Args:
        event_type: Name of the data events.
        limit: Most entries over all connections.
        cursor: What an earlier stream has finished with.
        is_bounded: Whether the stream has an end in time.
    """

    __slots__ = (
        "_asked_count",
        "_count_at_opening",
        "_is_bounded",
        "_late_count",
        "_limit",
        "_repeated_count",
        "_wanted",
        "_wanted_only",
        "count",
        "duplicate_count",
        "end_reason",
        "ended_by",
        "heartbeat_count",
        "is_over",
        "last_id",
        "late_count",
        "recent",
    )

    def __init__(
        self, event_type: bytes, limit: int | None, cursor: Cursor, *, is_bounded: bool
    ) -> None:
        self._wanted = event_type
        self._wanted_only = _only(event_type)
        self._limit = limit
        self._is_bounded = is_bounded
        # Of the connection: what it was asked for, what it began with, what it repeated, and
        # what was left out of it.
        self._asked_count = 0
        self._count_at_opening = 0
        self._repeated_count = 0
        self._late_count = 0
        self.is_over: bool = False
        """Whether the connection has nothing more to give: the stream ended, or was cut by the server."""
        self.ended_by: str | None = None
        """Why there is nothing more to come."""
        self.end_reason: str | None = None
        """The reason that the server gave last for an end."""
        self.last_id: bytes = (cursor.last_event_id or "").encode()
        """The id of the last *data* event that carried one."""
        self.count: int = cursor.entry_count
        """Entries let through, those of the cursor included."""
        self.duplicate_count: int = 0
        self.heartbeat_count: int = 0
        self.late_count: int = 0
        """Entries that were let through and then left out."""
        self.recent: RecentIds = RecentIds(cursor.recent.split(b"\n"))

    @property
    def resume_id(self) -> bytes:
        """
        Where the next connection goes on: the last id that a header can carry; empty: by a moment.
        """
        return self.last_id if can_be_header(self.last_id) else self.recent.last_header()

    @property
    def remaining(self) -> int | None:
        """How many entries may still come; None: any number."""
        return None if self._limit is None else self._limit - self.count

    def ask(self) -> int | None:
        """
        Tell how many entries the next connection is asked for; None: any number.

        As many as remain. After a connection that the server ended too soon,
        since it counted repeated entries, as many more as it repeated: it may
        repeat them again, and the stream is to go on.
        """
        remaining = self.remaining
        if remaining is None:
            return None
        self._asked_count = remaining + (self._repeated_count if self.is_over else 0)
        return self._asked_count

    def connected(self) -> None:
        """
        Expect what a new connection may repeat.
        """
        self.is_over = False
        self.ended_by = None
        self._repeated_count = 0
        self._late_count = 0
        self._count_at_opening = self.count
        self.recent.suspect()

    def leave_out(self, count: int) -> None:
        """
        Take back some of the entries let through last: they are none of the consumer's.

        They stay where the next connection goes on from, and the server counted
        them towards its limit: what it did not send for them is still to come.
        """
        self._late_count += count
        self.count -= count
        self.late_count += count

    def sift(self, events: list[RawEvent], *, keep_unknown: bool) -> Received:
        """
        Keep the data events that are new; note what the others say.

        Args:
            events: What one read completed; at least one.
            keep_unknown: Whether events of unknown names are kept, too.
        """
        if len(events) == 1 and self._limit is None and not self.recent.expects_repeats:
            # A quiet stream gives one event a read; what holds for it costs less to ask.
            id_, type_, _, inherited = events[0]
            if type_ == self._wanted and id_ and not inherited:
                ids = [id_]
                self.count += 1
                self.recent.remember_one(id_)
                self.last_id = id_
                return events, ids
            if type_ == HEARTBEAT:
                self.heartbeat_count += 1
                return [], []
        if (
            self.recent.expects_repeats
            or set(map(_type, events)) != self._wanted_only
            or any(map(_mark, events))
        ):
            events, ids = self._sift_each(events, keep_unknown=keep_unknown)
            entry_ids = [one for one in ids if one != NO_ENTRY]
        else:
            entry_ids = ids = list(map(_id, events))
        if self._limit is not None and self.count + len(entry_ids) >= self._limit:
            events, ids, entry_ids = self._cut(events, ids)
        if entry_ids:
            self.count += len(entry_ids)
            self.recent.remember(entry_ids)
            self.last_id = last_of(entry_ids) or self.last_id
        return events, ids

    def _sift_each(self, events: list[RawEvent], *, keep_unknown: bool) -> Received:
        kept: list[RawEvent] = []
        ids: list[bytes] = []
        for event in events:
            id_, type_, data, inherited = event
            if type_ == self._wanted:
                own_id = b"" if inherited else id_
                if own_id and self.recent.expects_repeats and self.recent.is_repeated(own_id):
                    self.duplicate_count += 1
                    self._repeated_count += 1
                    continue
                kept.append(event)
                ids.append(own_id)
            elif type_ == HEARTBEAT:
                self.heartbeat_count += 1
            elif type_ == END_OF_STREAM:
                self.is_over = True
                self.end_reason = end_reason(data)
                if self._is_end(self.count + len(kept) - ids.count(NO_ENTRY)):
                    self.ended_by = self.end_reason
                break
            elif keep_unknown:
                kept.append(event)
                ids.append(NO_ENTRY)
        return kept, ids

    def _is_end(self, count: int) -> bool:
        """
        Tell whether an END_OF_STREAM ends the stream, or only its connection.

        A live stream has no end that a server could know of. With a limit, an
        end before it is none where entries were repeated or left out and the
        server may have counted them: where it sent as many as it was asked for,
        or repeated some and went on. One that only repeats has nothing more.
        """
        if self._limit is None:
            return self._is_bounded
        more_count = self._repeated_count + self._late_count
        if count >= self._limit or not more_count:
            return True
        new_count = count - self._count_at_opening
        if self._repeated_count and new_count:
            return False
        return new_count + more_count < self._asked_count

    def _cut(
        self, events: list[RawEvent], ids: list[bytes]
    ) -> tuple[list[RawEvent], list[bytes], list[bytes]]:
        """End at the limit: what comes after it is not ours."""
        remaining = self.remaining
        entry_ids: list[bytes] = []
        for position, one in enumerate(ids, 1):
            if one != NO_ENTRY:
                entry_ids.append(one)
            if len(entry_ids) == remaining:
                self.is_over = True
                self.ended_by = EndedBy.LIMIT_REACHED
                return events[:position], ids[:position], entry_ids
        raise AssertionError("the caller counted")  # pragma: no cover -- cannot happen


class AdaptingSieve(Sieve):
    """
    The same for streams of other endpoints than the logs'.

    Events without a name are those named ``message``, as the standard has it.
    Where ids mean nothing from one connection to the next, none is kept: no
    event is taken for a repeated one, and there is no id to go on from.

    Args:
        event_type: Name of the data events.
        limit: Most entries over all connections.
        cursor: What an earlier stream has finished with.
        is_bounded: Whether the stream has an end in time.
        is_resumable: Whether ids mean something.
    """

    __slots__ = ("_is_resumable",)

    def __init__(
        self,
        event_type: bytes,
        limit: int | None,
        cursor: Cursor,
        *,
        is_bounded: bool,
        is_resumable: bool,
    ) -> None:
        super().__init__(_named(event_type), limit, cursor, is_bounded=is_bounded)
        self._is_resumable = is_resumable

    def sift(self, events: list[RawEvent], *, keep_unknown: bool) -> Received:
        """
        Keep the data events that are new; note what the others say.
        """
        if self._is_resumable:
            adapted = [(id_, _named(type_), data, mark) for id_, type_, data, mark in events]
        else:
            adapted = [(b"", _named(type_), data, b"") for _, type_, data, _ in events]
        return super().sift(adapted, keep_unknown=keep_unknown)


def _named(event_type: bytes) -> bytes:
    return b"" if event_type == b"message" else event_type
