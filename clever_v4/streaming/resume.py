"""
What is remembered and decided between two connections of a stream; pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

import attrs

from .policy import Reconnect

__all__ = [  # noqa: RUF022 -- the wire's own names first
    "CURSOR_IDS",
    "HEARTBEAT",
    "END_OF_STREAM",
    "Backoff",
    "Cursor",
    "NO_ENTRY",
    "EndedBy",
    "RecentIds",
    "end_reason",
    "last_of",
]

HEARTBEAT: Final = b"HEARTBEAT"
END_OF_STREAM: Final = b"END_OF_STREAM"

CURSOR_IDS: Final = 32
"""How many ids a cursor carries: a server may repeat that many entries in another process."""

NO_ENTRY: Final = b"\0"
"""Stands in a list of ids for an event that is no entry; by the standard no id holds NUL."""


class EndedBy(StrEnum):
    """
    Known values of ``stream.ended_by``; the server may give others, which stay text.
    """

    UNTIL_REACHED = "UNTIL_REACHED"
    """The server sent all up to ``until``, or an entry later than ``until`` arrived."""
    LIMIT_REACHED = "LIMIT_REACHED"
    """``limit`` entries arrived."""
    SETTLED = "SETTLED"
    """``until`` is past and no entry came for the settle time."""
    NEVER_LOGGED = "NEVER_LOGGED"
    """A bounded stream of an application that never logged."""
    CLOSED = "CLOSED"
    """The caller closed it."""
    FAILED = "FAILED"
    """It raised an error that ends it."""
    UNKNOWN = "UNKNOWN"
    """The server ended it without saying why."""


def end_reason(data: bytes) -> str:
    """
    Read the reason of an END_OF_STREAM event: an open set of words.
    """
    try:
        ended_by = json.loads(data)["endedBy"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return EndedBy.UNKNOWN
    return ended_by if isinstance(ended_by, str) and ended_by else EndedBy.UNKNOWN


def last_of(ids: Sequence[bytes]) -> bytes:
    """
    Give the last id that is one: an entry may come without.
    """
    if ids and ids[-1] and ids[-1] != NO_ENTRY:
        return ids[-1]
    return next((one for one in reversed(ids) if one and one != NO_ENTRY), b"")


@attrs.frozen(kw_only=True)
class Cursor:
    """
    Where a consumer of a stream is: small, immutable, serialisable.

    ``str(cursor)`` is one line of text, and `parse` reads it in another process.
    """

    last_event_id: str | None = None
    """Id of the last entry that the consumer has finished with."""
    entry_count: int = 0
    """How many entries it has finished with; counts towards ``limit``."""
    since: datetime | None = None
    """While there is no id yet: when the first connection was accepted."""
    recent_ids: tuple[str, ...] = ()
    """The last few ids before `last_event_id`, to recognise an entry that is sent again."""

    def __str__(self) -> str:
        return json.dumps(
            {
                "id": self.last_event_id,
                "count": self.entry_count,
                "since": self.since.isoformat() if self.since else None,
                "recent": list(self.recent_ids),
            },
            separators=(",", ":"),
        )

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """
        Read a cursor from its text.

        Raises:
            ValueError: The text is not that of a cursor.
        """
        try:
            value: dict[str, Any] = json.loads(text)
            since = value["since"]
            cursor = cls(
                last_event_id=value["id"],
                entry_count=value["count"],
                since=None if since is None else datetime.fromisoformat(since).astimezone(UTC),
                recent_ids=tuple(value["recent"]),
            )
        except (ValueError, KeyError, TypeError):
            cursor = None
        if cursor is None or not cursor._is_well_formed():  # noqa: SLF001 -- its own class
            raise ValueError(f"text must be that of a cursor, not {text[:100]!r}")
        return cursor

    def _is_well_formed(self) -> bool:
        members: tuple[Any, ...] = (self.last_event_id or "", *self.recent_ids)
        count: Any = self.entry_count
        return all(type(one) is str for one in members) and type(count) is int and count >= 0


_NONE: Final[frozenset[bytes]] = frozenset()


class RecentIds:
    """
    The ids of the entries that arrived last, to recognise those that come again after a resume.

    Kept as bytes in one buffer of up to 22 KiB, a thousand ids as the API makes
    them: as many as Pulsar puts into one batch by default, so that a server that
    goes on from the beginning of a batch is recognised.
    """

    __slots__ = ("_buffer", "_suspects", "_trust_after", "expects_repeats")

    KEPT_BYTES: ClassVar = 18 * 1024
    _MOST_BYTES: ClassVar = 22 * 1024

    def __init__(self, ids: Iterable[bytes] = ()) -> None:
        # A line end before each id and one after the last: no id holds one.
        self._buffer = bytearray(b"\n")
        self._suspects: frozenset[bytes] = _NONE
        self._trust_after = 0
        self.expects_repeats = False
        """Whether entries have to be looked up at all."""
        self.remember(list(ids))

    def remember(self, ids: list[bytes]) -> None:
        """
        Add ids in the order of their arrival.
        """
        if not all(ids):
            ids = [one for one in ids if one]
        if ids:
            self.remember_one(b"\n".join(ids))  # joined as the buffer holds them

    def remember_one(self, id_: bytes) -> None:
        """
        Add the id of an entry that came alone.
        """
        self._buffer += id_ + b"\n"
        if len(self._buffer) > self._MOST_BYTES:
            del self._buffer[: len(self._buffer) - self.KEPT_BYTES]
            # The first id is cut now.
            del self._buffer[: self._buffer.find(b"\n")]

    def up_to(self, id_: bytes, count: int) -> list[bytes]:
        """
        Give an id and those that arrived before it, oldest first; none where it is not remembered.

        Args:
            id_: The last one.
            count: How many at most.
        """
        place = self._buffer.rfind(b"\n%b\n" % id_)
        if place < 0:
            return []
        ids = bytes(self._buffer[1 : place + 1 + len(id_)]).rsplit(b"\n", count)
        return ids[-count:]

    def suspect(self) -> None:
        """
        Expect repeated entries: a new connection resumes.
        """
        self._suspects = frozenset(bytes(self._buffer).split(b"\n")) - {b""}
        self._trust_after = len(self._suspects)
        self.expects_repeats = self._trust_after > 0

    def is_repeated(self, id_: bytes) -> bool:
        """
        Tell whether an entry after a resume arrived before.
        """
        if id_ in self._suspects:
            return True
        # A server repeats a run of entries, if any, before it goes on.
        self._trust_after -= 1
        if self._trust_after <= 0:
            self._suspects = _NONE
            self.expects_repeats = False
        return False


class Backoff:
    """
    How long to wait before the next attempt, and when to give up.
    """

    __slots__ = ("_opened_at_s", "_policy", "attempts", "was_connected")

    def __init__(self, policy: Reconnect) -> None:
        self._policy = policy
        self._opened_at_s: float | None = None
        self.attempts = 0
        """Failed attempts since the last healthy connection."""
        self.was_connected = False
        """Whether the stream was ever connected."""

    def opened(self, now_s: float) -> None:
        """
        Note that a connection was accepted.
        """
        self.was_connected = True
        self._opened_at_s = now_s

    def lost(self, now_s: float) -> None:
        """
        Note that the connection was lost or refused; only a healthy one clears the count.
        """
        healthy_s = self._policy.healthy_after.total_seconds()
        if self._opened_at_s is not None and now_s - self._opened_at_s >= healthy_s:
            self.attempts = 0
        self._opened_at_s = None
        self.attempts += 1

    @property
    def is_exhausted(self) -> bool:
        """Whether the attempts that the policy allows are used up."""
        allowed = self._policy.attempts if self.was_connected else self._policy.first_attempts
        return allowed is not None and self.attempts >= allowed

    def delay_s(self, asked_s: float, chance: float) -> float:
        """
        Give the delay before the next attempt.

        Args:
            asked_s: What the server asked for: waited in full, up to the policy's bound.
            chance: Evenly drawn from 0 to 1, for the jitter.
        """
        policy = self._policy
        longest_s = policy.max_delay.total_seconds()
        if policy.max_asked_delay is not None:
            asked_s = min(asked_s, policy.max_asked_delay.total_seconds())
        try:
            grown_s = policy.initial.total_seconds() * policy.factor ** (self.attempts - 1)
        except OverflowError:
            grown_s = longest_s
        return asked_s + chance * min(longest_s, grown_s)
