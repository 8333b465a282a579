"""
The ids that a source's stream gave, by the entry's place in its ring: for cursors that outlive the hub. Pure.
"""

from __future__ import annotations

from typing import Final

from clever_v4.streaming.chunk import Given
from clever_v4.streaming.cursor import (
    MAX_ID_BYTES,
    Cursor,
    cursor_of,
    last_header,
    start_of_last,
)

__all__ = ["Trail"]

# What is kept before the oldest entry of the ring, so that the cursor after that one carries as
# many ids as a stream's own; and how much more before some are dropped, which costs a pass.
_KEPT: Final = 1_000
_SLACK: Final = 1_000
# Of ids as the API makes them, 20 bytes each, a ring's are a tenth of it.
_MOST_BYTES: Final = 1024 * 1024


class Trail:
    """
    From a place among the entries of a source to its stream's cursor after them.

    A position counts the entries that lie before a place, as in the ring.
    """

    __slots__ = ("_counts", "_end", "_first", "_ids", "_start")

    def __init__(self) -> None:
        self._start: Cursor | None = None
        self._ids = bytearray()  # a line each
        self._first = 0
        self._end = 0
        # From which position on entry_count is so much more than the position.
        self._counts: list[tuple[int, int]] = []

    def begin(self, cursor: Cursor) -> None:
        """
        Take note where a stream begins that was connected.
        """
        if not self._end:
            self._start = cursor
        self._count(cursor.entry_count)

    def append(self, given: Given, held_from: int) -> None:
        """
        Add what came; the ring holds entries from the position *held_from* on.
        """
        self._count(given.count_before)
        # Longer ones cannot be sent back.
        self._ids += b"\n".join([one if len(one) <= MAX_ID_BYTES else b"" for one in given.ids])
        self._ids += b"\n"
        self._end += len(given.ids)
        keep_from = held_from - _KEPT
        if len(self._ids) > _MOST_BYTES:
            keep_from = self._first + self._ids.count(b"\n", 0, _MOST_BYTES // 2)
            self._drop(keep_from)
        elif keep_from > self._first + _SLACK:
            self._drop(keep_from)

    def _count(self, entry_count: int) -> None:
        more = entry_count - self._end
        if not self._counts or self._counts[-1][1] != more:
            self._counts.append((self._end, more))

    def _drop(self, position: int) -> None:
        start = 0
        for _ in range(position - self._first):
            start = self._ids.index(b"\n", start) + 1
        del self._ids[:start]
        self._first = position
        while len(self._counts) > 1 and self._counts[1][0] <= position:
            del self._counts[0]

    def cursor_at(self, position: int) -> Cursor | None:
        """
        The cursor of who has finished with the entries before *position*.

        None: it was never connected, or the entries lie too far back.
        """
        start = self._start
        if start is None or position < self._first:
            return None
        more = [count for place, count in self._counts if place < position] or [start.entry_count]
        end = len(self._ids)
        for _ in range(self._end - position):
            end = self._ids.rfind(b"\n", 0, end - 1) + 1
        begin = start_of_last(self._ids, end)
        recent = bytes(self._ids[begin:end])
        if not begin and not self._first and start.recent:
            recent = start.recent + b"\n" + recent
            recent = recent[start_of_last(recent, len(recent)) :]
        recent = b"\n".join(filter(None, recent.split(b"\n")))
        last = last_header(recent) or (start.last_event_id or "").encode()
        return cursor_of(
            last_event_id=last,
            entry_count=position + more[-1],
            since=None if last else start.since,
            stream=start.stream,
            recent=recent or last,
        )
