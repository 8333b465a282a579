"""
What is remembered and decided between two connections of a stream; pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import ClassVar, Final

from .cursor import (
    MAX_ID_BYTES,
    Cursor,
    can_be_header,
    last_header,
    remembered,
    start_of_last,
)
from .policy import Reconnect

__all__ = [  # noqa: RUF022 -- the wire's own names first
    "HEARTBEAT",
    "END_OF_STREAM",
    "Backoff",
    "Cursor",
    "NO_ENTRY",
    "EndedBy",
    "RecentIds",
    "can_be_header",
    "end_reason",
    "last_of",
]

HEARTBEAT: Final = b"HEARTBEAT"
END_OF_STREAM: Final = b"END_OF_STREAM"

NO_ENTRY: Final = b"\0"
"""Stands in a list of ids for an event that is no entry; by the standard no id holds NUL."""


class EndedBy(StrEnum):
    """
    Known values of ``stream.ended_by``; the server may give others, which stay text.

    Attributes:
        UNTIL_REACHED: The server sent all up to ``until``.
        LIMIT_REACHED: ``limit`` entries arrived.
        SETTLED: ``until`` is past and no entry came for the settle time.
        NEVER_LOGGED: A bounded stream of an application that never logged.
        CLOSED: The caller closed it.
        FAILED: It raised an error that ends it.
        UNKNOWN: The server ended it without saying why.
    """

    UNTIL_REACHED = "UNTIL_REACHED"
    LIMIT_REACHED = "LIMIT_REACHED"
    SETTLED = "SETTLED"
    NEVER_LOGGED = "NEVER_LOGGED"
    CLOSED = "CLOSED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


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


class RecentIds:
    """
    The ids of the entries that arrived last, to recognise those that come again after a resume.

    A thousand: as many as Pulsar puts into one batch by default, so that a server
    that goes on from the beginning of a batch is recognised. Kept as bytes in one
    buffer beside those of the last read, up to 22 KiB of ids as the API makes them
    and 73 KiB of long ones. Cursors carry as many.
    """

    __slots__ = ("_buffer", "_count", "_most_bytes", "_suspects", "_trust_after", "expects_repeats")

    _USUAL_BYTES: ClassVar = 22 * 1024
    _TRUSTED_AFTER: ClassVar = 1000

    def __init__(self, ids: Iterable[bytes] = ()) -> None:
        # A line end before each id and one after the last: no id holds one.
        self._buffer = bytearray(b"\n")
        self._count = 0  # of the ids in it
        self._most_bytes: int = self._USUAL_BYTES
        self._suspects: set[bytes] = set()
        self._trust_after = 0
        self.expects_repeats: bool = False
        """Whether entries have to be looked up at all."""
        self.remember(list(ids))

    def remember(self, ids: list[bytes]) -> None:
        """
        Add ids in the order of their arrival.
        """
        if not all(ids):
            ids = [one for one in ids if one]
        if ids:
            joined = b"\n".join(ids)  # as the buffer holds them
            if len(joined) > MAX_ID_BYTES and max(map(len, ids)) > MAX_ID_BYTES:
                joined = b"\n".join(map(remembered, ids))
            self._append(joined, len(ids))

    def remember_one(self, id_: bytes) -> None:
        """
        Add the id of an entry that came alone.
        """
        self._append(id_ if len(id_) <= MAX_ID_BYTES else remembered(id_), 1)

    def _append(self, joined: bytes, count: int) -> None:
        buffer = self._buffer
        if len(buffer) > self._most_bytes:
            # Before, not after: those before the last read stay, however much that brought.
            start = max(start_of_last(buffer, len(buffer) - 1, lines=self._count), 1)
            self._count -= buffer.count(b"\n", 0, start - 1)
            del buffer[: start - 1]
            # A fifth more than is kept, so that this is done now and then only.
            self._most_bytes = max(self._USUAL_BYTES, len(buffer) * 11 // 9)
        buffer += joined + b"\n"
        self._count += count

    def up_to(self, id_: bytes, waiting: Sequence[bytes] = ()) -> bytes:
        """
        Give an id and about a thousand that arrived before it, oldest first, a line each.

        None where the id is not remembered.

        Args:
            id_: The last one.
            waiting: Those that arrived after it: an id may come more than once.
        """
        later = [remembered(one) for one in waiting if one and one != NO_ENTRY]
        end = max(len(self._buffer) - sum(map(len, later)) - len(later), 0)
        id_ = remembered(id_)
        place = self._buffer.rfind(b"\n%b\n" % id_, 0, end)
        if place < 0:
            return b""
        end = place + 1 + len(id_)
        lines = self._count + 1 - self._buffer.count(b"\n", end)
        start = start_of_last(self._buffer, end, lines=lines)
        return bytes(self._buffer[max(start, 1) : end])

    def last_header(self) -> bytes:
        """
        Give the last id that a header can carry; empty where there is none.
        """
        return last_header(bytes(self._buffer[1:-1]))

    def suspect(self) -> None:
        """
        Expect repeated entries: a new connection resumes.
        """
        self._suspects = set(bytes(self._buffer).split(b"\n")) - {b""}
        self.expects_repeats = bool(self._suspects)
        # A server may go back further than what is remembered: what comes first is unknown then.
        self._trust_after = max(len(self._suspects), self._TRUSTED_AFTER)

    def is_repeated(self, id_: bytes) -> bool:
        """
        Tell whether an entry after a resume arrived before.

        Each id is recognised once: where a server gives several entries the
        same one, they are not all taken for the first.
        """
        id_ = remembered(id_)
        if id_ in self._suspects:
            self._suspects.remove(id_)
            self.expects_repeats = bool(self._suspects)
            return True
        # A server repeats a run of entries, if any, before it goes on.
        self._trust_after -= 1
        if self._trust_after <= 0:
            self._suspects = set()
            self.expects_repeats = False
        return False


class Backoff:
    """
    How long to wait before the next attempt, and when to give up.
    """

    __slots__ = ("_count_at_opening", "_opened_at_s", "_policy", "attempts", "was_connected")

    def __init__(self, policy: Reconnect) -> None:
        self._policy = policy
        self._opened_at_s: float | None = None
        self._count_at_opening = 0
        self.attempts: int = 0
        """Failed attempts since the last healthy connection."""
        self.was_connected: bool = False
        """Whether the stream was ever connected."""

    def opened(self, now_s: float, entry_count: int) -> None:
        """
        Note that a connection was accepted, and how many new entries had come before it.
        """
        self.was_connected = True
        self._opened_at_s = now_s
        self._count_at_opening = entry_count

    def lost(self, now_s: float, entry_count: int) -> None:
        """
        Note that the connection was lost or refused; only a healthy one clears the count.

        One that brought a new entry has proved its health, however short it was: a
        gateway that cuts every few seconds does not slow down a stream that goes on.
        """
        healthy_s = self._policy.healthy_after.total_seconds()
        if self._opened_at_s is not None and (
            now_s - self._opened_at_s >= healthy_s or entry_count > self._count_at_opening
        ):
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
