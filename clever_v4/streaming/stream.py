"""
A stream of typed entries: what an `Intake` receives, handed to one consumer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Self, TypeVar

from clever_v4.errors import ResponseFormatError
from clever_v4.validators import check_instance

from .cursor import can_be_header, cursor_of, last_header
from .decoder import RawEvent
from .intake import Intake
from .policy import Reconnection, StreamOptions
from .resume import NO_ENTRY, Cursor, EndedBy, last_of
from .source import MessageEvent, message_event
from .subject import StreamState, StreamStatistics, Subject
from .views import ClosableGenerator, View

__all__ = ["EventStream"]

T = TypeVar("T")

_START: Final = Cursor()
_USUAL: Final = StreamOptions()


class EventStream(ClosableGenerator[T]):
    """
    Entries of one stream as an async generator and async context manager.

    Use it in ``async with``, which connects, then ``async for``; a plain
    ``async for`` works too and closes the stream when the loop ends. One task
    iterates at a time; any task may close it.
    """

    # A process may follow thousands of streams.
    __slots__ = (
        "__weakref__",
        "_backlog",
        "_backlog_ids",
        "_bad_entry",
        "_done_count",
        "_done_id",
        "_held_count",
        "_ids",
        "_index",
        "_intake",
        "_is_closed",
        "_items",
        "_newest",
        "_on_bad_entry",
        "_subject",
    )

    def __init__(
        self,
        subject: Subject[T],
        *,
        options: StreamOptions | None = None,
        resume_from: Cursor | None = None,
        on_reconnection: Callable[[Reconnection], None] | None = None,
        on_bad_entry: Callable[[ResponseFormatError], None] | None = None,
    ) -> None:
        cursor = _START if resume_from is None else resume_from
        check_instance("resume_from", cursor, Cursor)
        if cursor.stream not in (None, subject.key):
            raise ValueError(
                f"resume_from must be a cursor of {subject.key}, got one of {cursor.stream}"
            )
        self._subject = subject
        self._intake = Intake(subject, options or _USUAL, cursor, on_reconnection)
        self._on_bad_entry = on_bad_entry
        # What was received and is not yet structured: more than nothing only after a bad entry.
        self._backlog: Sequence[RawEvent] = ()
        self._backlog_ids: Sequence[bytes] = ()
        self._bad_entry: ResponseFormatError | None = None
        # The batch on its way to the consumer, and how much of it was handed over.
        self._items: Sequence[Any] = ()
        self._ids: Sequence[bytes] = ()
        self._index = 0
        self._held_count = 1
        # What the consumer has finished with before that batch.
        self._done_id = cursor.recent.rpartition(b"\n")[2]
        self._done_count = cursor.entry_count
        self._is_closed = False
        self._newest: datetime | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._subject.name}: {self.state.value}>"

    # -- what a caller may look at ----------------------------------------------------------

    @property
    def state(self) -> StreamState:
        """Where its connection is in its life: ENDED when nothing more will be read from it."""
        return self._intake.state

    @property
    def ended_by(self) -> str | None:
        """
        Why it ended: a value of `EndedBy` or another word of the server.

        None while the consumer has not come to the end: entries may be at hand
        after the server said why it ends.
        """
        if self._is_closed:
            return EndedBy.CLOSED
        return self._intake.ended_by if self._intake.is_end_told else None

    @property
    def cursor(self) -> Cursor:
        """
        Where the consumer is: it has finished with an entry when it asks for the next one.

        Give it as ``resume_from`` to go on from there, in another process too:
        the entry that was at hand when a process died comes again.
        """
        finished = max(self._index - self._held_count, 0)
        ids = self._ids[:finished]
        done = last_of(ids) or self._done_id
        waiting = [*self._ids[finished:], *self._backlog_ids]
        recent = self._intake.sieve.recent.up_to(done, waiting) if done else b""
        last = done if can_be_header(done) else last_header(recent)
        return cursor_of(
            last_event_id=last,
            entry_count=self._done_count + finished - ids.count(NO_ENTRY),
            since=None if last else self._intake.since,
            stream=self._subject.key,
            recent=recent or last,
        )

    @property
    def received_bytes(self) -> int:
        """
        How many bytes were read so far, over all connections and after decompression.

        The same as in `statistics`, at less cost.
        """
        return self._intake.byte_count

    def statistics(self) -> StreamStatistics:
        """
        Tell what the stream did so far.
        """
        return self._intake.statistics(self._newest)

    # -- iterating ----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self._intake.open()
        return self

    async def __anext__(self) -> T:
        index = self._index
        if index >= len(self._items):
            self._finish()
            if not self._backlog and self._bad_entry is None:
                # The same without a coroutine in between: what a quiet stream does for each entry.
                received = await self._intake.receive(keep_unknown=False)
                if received is None:
                    raise StopAsyncIteration
                self._backlog, self._backlog_ids = received
                self._structure()
            if not self._items:
                await self._refill(self._structure)
            index = 0
        self._index = index + 1
        entry: T = self._items[index]
        return entry

    def batches(self) -> View[list[T]]:
        """
        Hand over lists of entries, as many as one read returned: the highest throughput.

        The cursor moves when the next batch is asked for.
        """
        return View(self._next_batch, self.aclose)

    def events(self) -> View[MessageEvent]:
        """
        Hand over raw events (aiohttp-sse-client's `MessageEvent`) instead of entries, for relays.

        Events of unknown names are among them; heartbeats and END_OF_STREAM are not.
        """
        return View(self._next_event, self.aclose)

    async def _next_batch(self) -> list[T]:
        if self._index >= len(self._items):
            self._finish()
            await self._refill(self._structure)
        batch = list(self._items[self._index :])
        self._held_count = len(batch)
        self._index = len(self._ids)
        self._items = ()
        return batch

    async def _next_event(self) -> MessageEvent:
        if self._index >= len(self._items):
            self._finish()
            await self._refill(self._as_messages, keep_unknown=True)
        self._index += 1
        return self._items[self._index - 1]

    def _finish(self) -> None:
        """Note that the consumer asks for more: it has finished with what it has."""
        ids = self._ids
        if ids:
            self._done_id = last_of(ids) or self._done_id
            self._done_count += len(ids) - ids.count(NO_ENTRY)
        self._items = self._ids = ()
        self._index = 0
        self._held_count = 1

    async def _refill(self, take: Callable[[], None], *, keep_unknown: bool = False) -> None:
        """Fill the empty batch; raises StopAsyncIteration at the end."""
        while not self._items:
            if self._bad_entry is not None:
                self._pass_bad_entry()
            elif not self._backlog:
                received = await self._intake.receive(keep_unknown=keep_unknown)
                if received is None:
                    raise StopAsyncIteration
                self._backlog, self._backlog_ids = received
            take()

    # -- from events to items -----------------------------------------------------------------

    def _structure(self) -> None:
        """Take the backlog to entries, up to one that does not fit its model."""
        events, ids = self._backlog, self._backlog_ids
        read = self._subject.read
        entries: list[T] = []
        self._backlog = self._backlog_ids = ()
        try:
            for event in events:
                entries.append(read(event[2]))  # a comprehension would lose those before an error  # noqa: PERF401 -- those before an error count
        except ResponseFormatError as exc:
            # Those before it come first, then the error, then what follows.
            position = len(entries)
            exc.event = message_event(events[position], self._intake.origin)
            exc.request_id = self._intake.request_id
            self._bad_entry = exc
            self._backlog = events[position:]
            self._backlog_ids = ids[position:]
            ids = ids[:position]
        self._items, self._ids = entries, ids
        if entries:
            self._mind_dates(entries)

    def _as_messages(self) -> None:
        origin = self._intake.origin
        self._items = [message_event(event, origin) for event in self._backlog]
        self._ids = self._backlog_ids
        if self._subject.until is not None:
            self._mind_dates([self._entry_of(event) for event in self._backlog])
        self._backlog = self._backlog_ids = ()

    def _entry_of(self, event: RawEvent) -> T | None:
        try:
            return self._subject.read(event[2])
        except ResponseFormatError:
            return None

    def _pass_bad_entry(self) -> None:
        bad, self._bad_entry = self._bad_entry, None
        assert bad is not None  # the caller looked  # noqa: S101 -- narrows the type
        self._done_id = self._backlog_ids[0] or self._done_id
        self._done_count += 1
        self._backlog = self._backlog[1:]
        self._backlog_ids = self._backlog_ids[1:]
        if self._on_bad_entry is None:
            raise bad
        self._on_bad_entry(bad)

    def _mind_dates(self, entries: Sequence[T | None]) -> None:
        """Note the newest date, and end a bounded stream at the first entry later than its end."""
        date_of = self._subject.date_of
        newest = entries[-1] if entries else None
        self._newest = None if newest is None else date_of(newest)
        until = self._subject.until
        if until is None:
            return
        for position, entry in enumerate(entries):
            if entry is not None and (date := date_of(entry)) is not None and date > until:
                self._items = self._items[:position]
                self._ids = self._ids[:position]
                self._backlog = self._backlog_ids = ()
                self._bad_entry = None
                self._intake.end(EndedBy.UNTIL_REACHED)
                return

    # -- the end --------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """
        Close the stream: its connection is aborted at once, and a task that waits for an entry is told.

        Idempotent; any task may call it.
        """
        self._is_closed = self._is_closed or not self._intake.is_end_told
        self._intake.end(EndedBy.CLOSED)
        self._backlog = self._backlog_ids = ()
        self._bad_entry = None
        self._items = self._items[: self._index]
        # The event loop closes the transport in its next round.
        await asyncio.sleep(0)
