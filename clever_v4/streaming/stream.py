"""
A stream of typed entries: what an `Intake` receives, handed to one consumer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import compress
from types import NoneType
from typing import Any, Final, NamedTuple, Self, TypeAlias, TypeVar

from clever_v4.errors import ResponseFormatError
from clever_v4.validators import (
    check_callback,
    check_duration,
    check_instance,
    check_whole_number,
)

from .chunk import Chunk, Given
from .cursor import can_be_header, cursor_of, last_header
from .decoder import RawEvent
from .intake import Intake
from .lag import Lag, Lagging
from .policy import Reconnection, StreamOptions
from .resume import NO_ENTRY, Cursor, EndedBy, last_of
from .source import MessageEvent, message_event
from .subject import StreamState, StreamStatistics, Subject
from .views import ClosableGenerator, View

__all__ = ["EventStream", "RawEntry"]

logger: Final = logging.getLogger("clever_v4.streams")

T = TypeVar("T")
V = TypeVar("V")

_Made: TypeAlias = tuple[Sequence[V], Sequence[RawEvent], Sequence[bytes]]
"""Things to hand over, and beside each the event that it was made of and the event's own id."""

# What can be asked for.
_ENTRIES: Final = object()
_MESSAGES: Final = object()
_RAW: Final = object()

_START: Final = Cursor()
_USUAL: Final = StreamOptions()


class RawEntry(NamedTuple):
    """
    One entry as the server sent it.

    Attributes:
        id: Its own id; None where it came without, whatever id came before.
        data: Its data, byte for byte; where it came in several lines, joined by a line feed.
    """

    id: str | None
    data: bytes


class EventStream(ClosableGenerator[T]):
    """
    Entries of one stream as an async generator and async context manager.

    Use it in ``async with``, which connects, then ``async for``; a plain
    ``async for`` works too and closes the stream when the loop ends. One task
    iterates at a time; any task may close it.

    Asking is safe to cancel: a time-out or a cancellation around
    ``anext(stream)``, or around the next of a view, loses nothing and leaves
    the stream open, so that a consumer can wait for an entry *or* a deadline. A
    task that is cancelled inside ``async with`` closes the stream on its way
    out; one cancelled in a plain ``async for`` leaves it open until it is
    closed or nothing refers to it any more, which closes it as well.
    """

    # A process may follow thousands of streams.
    __slots__ = (
        "__weakref__",
        "_backlog",
        "_backlog_ids",
        "_bad_entry",
        "_done_count",
        "_done_id",
        "_events",
        "_gathering_since_s",
        "_held_count",
        "_hidden",
        "_ids",
        "_index",
        "_intake",
        "_is_closed",
        "_items",
        "_kind",
        "_lagging",
        "_newest",
        "_newest_s",
        "_on_bad_entry",
        "_on_lag",
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
        on_lag: Callable[[Lag], None] | None = None,
    ) -> None:
        cursor = _START if resume_from is None else resume_from
        check_instance("resume_from", cursor, Cursor)
        check_instance("options", options, (StreamOptions, NoneType))
        if on_reconnection is not None:
            check_callback("on_reconnection", on_reconnection)
        if on_bad_entry is not None:
            check_callback("on_bad_entry", on_bad_entry)
        if on_lag is not None:
            check_callback("on_lag", on_lag)
        if cursor.stream not in (None, subject.key):
            raise ValueError(
                f"resume_from must be a cursor of {subject.key}, got one of {cursor.stream}"
            )
        self._subject = subject
        self._intake = Intake(subject, options or _USUAL, cursor, on_reconnection)
        self._on_bad_entry = on_bad_entry
        self._on_lag = on_lag
        # A stream with an end in time is no longer behind when it has read it.
        self._lagging = Lagging() if subject.until is None else None
        # What was received and is not yet structured: more than nothing only after a bad entry.
        self._backlog: Sequence[RawEvent] = ()
        self._backlog_ids: Sequence[bytes] = ()
        self._bad_entry: ResponseFormatError | None = None
        # What is on its way to the consumer, how much of it was handed over, and how much of
        # that last. Entries in `_items` go one by one; those in `_hidden` are being gathered, or
        # are of another kind.
        self._items: Sequence[T] = ()
        self._hidden: Sequence[Any] = ()
        self._kind: object = _ENTRIES
        self._events: Sequence[RawEvent] = ()
        self._ids: Sequence[bytes] = ()
        self._index = 0
        self._held_count = 1
        self._gathering_since_s: float | None = None
        # What the consumer has finished with before that batch.
        self._done_id = cursor.recent.rpartition(b"\n")[2]
        self._done_count = cursor.entry_count
        self._is_closed = False
        self._newest: datetime | None = None
        self._newest_s: float | None = None

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
        return self._cursor_after(max(self._index - self._held_count, 0))

    def _cursor_after(self, finished: int) -> Cursor:
        """Give the cursor for after so many of those on their way."""
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

    @property
    def given(self) -> Given:
        """
        The ids of the entries that were handed over since more was asked for last; called by the
        hub.
        """
        return Given(self._ids[: self._index], self._done_count)

    def statistics(self) -> StreamStatistics:
        """
        Tell what the stream did so far.
        """
        return self._intake.statistics(self._newest, self._newest_s)

    # -- iterating ----------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self._intake.open()
        return self

    async def __anext__(self) -> T:
        index = self._index
        if index >= len(self._items):
            self._finish()
            if not self._items and not self._backlog:
                # The same without a coroutine in between: what a quiet stream does for each entry.
                received = await self._intake.receive(keep_unknown=False)
                if received is None:
                    raise StopAsyncIteration
                self._backlog, self._backlog_ids = received
                self._items, self._events, self._ids = self._structured()
            if not self._items:
                self._items = await self._refill(self._structured)
            index = 0
        self._index = index + 1
        return self._items[index]

    def batches(
        self, *, max_entries: int | None = None, max_wait: timedelta | None = None
    ) -> View[list[T]]:
        """
        Hand over lists of entries, never an empty one: the highest throughput.

        The cursor moves when the next batch is asked for; `chunks` gives with
        each the cursor for after it.

        Args:
            max_entries: Most entries of a batch. None: any number.
            max_wait: How long to gather more, counted from the arrival of the
                first one: a batch is handed over when it has *max_entries*, at
                the latest then. None: not at all, a batch is what one read
                returned.

        Raises:
            ValueError: An argument is less than 1, or not positive.
            TypeError: It is of another type.
        """
        if max_entries is not None:
            check_whole_number("max_entries", max_entries)
        if max_wait is not None:
            check_duration("max_wait", max_wait)
        wait_s = None if max_wait is None else max_wait.total_seconds()
        return View(self, partial(self._next_batch, max_entries, wait_s))

    def chunks(
        self, *, size: int = 500, wait: timedelta = timedelta(seconds=1)
    ) -> View[Chunk[T, Cursor]]:
        """
        Hand over batches that carry the cursor for after them, to be stored with them.

        ```python
        async for chunk in stream.chunks(size=500, wait=timedelta(seconds=1)):
            await store(chunk, str(chunk.cursor))  # in one transaction
        ```

        With that each entry is stored once, whenever the process dies.

        Args:
            size: Most entries of a chunk.
            wait: How long to gather them, counted from the arrival of the first.

        Raises:
            ValueError: An argument is less than 1, or not positive.
            TypeError: It is of another type.
        """
        check_whole_number("size", size)
        check_duration("wait", wait)
        return View(self, partial(self._next_chunk, size, wait.total_seconds()))

    def events(self) -> View[MessageEvent]:
        """
        Hand over raw events (aiohttp-sse-client's `MessageEvent`) instead of entries, for relays.

        Events of unknown names are among them; heartbeats and END_OF_STREAM are not.
        """
        return View(self, self._next_event)

    def raw_batches(self) -> View[list[RawEntry]]:
        """
        Hand over lists of entries as the server sent them, as many as one read returned.

        For whoever passes them on: nothing is decoded. The cursor moves when
        the next batch is asked for.
        """
        return View(self, self._next_raw_batch)

    # -- one step of each --------------------------------------------------------------------

    async def _next_batch(self, size: int | None, wait_s: float | None) -> list[T]:
        self._finish()
        if not self._items:
            self._items = await self._refill(self._structured)
        if wait_s is not None:
            await self._gather(size, wait_s)
        return self._hand_over(self._hidden or self._items, size)

    async def _next_chunk(self, size: int, wait_s: float) -> Chunk[T, Cursor]:
        batch = await self._next_batch(size, wait_s)
        return Chunk(tuple(batch), self._cursor_after(len(batch)))

    async def _next_raw_batch(self) -> list[RawEntry]:
        self._finish(_RAW)
        if not self._hidden:
            self._hidden = await self._refill(self._raw)
        return self._hand_over(self._hidden)

    async def _next_event(self) -> MessageEvent:
        index = self._index
        if index >= len(self._hidden) or self._kind is not _MESSAGES:
            self._finish(_MESSAGES)
            if not self._hidden:
                self._hidden = await self._refill(self._messages, keep_unknown=True)
            index = 0
        self._index = index + 1
        event: MessageEvent = self._hidden[index]
        return event

    async def _gather(self, size: int | None, wait_s: float) -> None:
        """Add to the entries at hand until they are enough or the oldest has waited long enough."""
        intake = self._intake
        if self._gathering_since_s is None:
            self._gathering_since_s = intake.arrival_s
        # Hidden while this waits, so that they are where they were if it is cancelled.
        gathered = self._hidden = list(self._items)
        events, ids = list(self._events), list(self._ids)
        self._items, self._events, self._ids = (), events, ids
        scope = asyncio.timeout_at((self._gathering_since_s or 0.0) + wait_s)
        try:
            async with scope:
                while (
                    (size is None or len(gathered) < size)
                    and not self._backlog  # a bad entry comes next
                    and intake.state is not StreamState.ENDED
                ):
                    received = await intake.receive(keep_unknown=False)
                    if received is None:
                        intake.put_off(None)
                        return
                    self._backlog, self._backlog_ids = received
                    more, more_events, more_ids = self._structured()
                    gathered += more
                    events += more_events
                    ids += more_ids
        except Exception as exc:  # noqa: BLE001 -- raised when those before it were handed over
            if not (isinstance(exc, TimeoutError) and scope.expired()):
                intake.put_off(exc)

    def _hand_over(self, pool: Sequence[V], size: int | None = None) -> list[V]:
        """Hand over the first of those at hand, at most *size*."""
        batch = list(pool if size is None else pool[:size])
        self._held_count = self._index = len(batch)
        if len(batch) == len(pool):
            self._hidden, self._events = (), ()
        else:
            self._hidden = pool
        self._items = ()
        self._gathering_since_s = None
        return batch

    def _finish(self, kind: object = _ENTRIES) -> None:
        """
        Note that the consumer asks for more: it has finished with what was handed over.

        Args:
            kind: What it asks for; what is at hand of another kind is made anew.
        """
        self._intake.check_is_free()
        index, ids = self._index, self._ids
        if index:
            finished = ids if index == len(ids) else ids[:index]
            self._done_id = last_of(finished) or self._done_id
            self._done_count += index - finished.count(NO_ENTRY)
            self._index = 0
            self._held_count = 1
        if index < len(ids):
            self._keep(index, kind)
        else:
            self._hidden, self._items, self._events, self._ids = (), (), (), ()
            self._gathering_since_s = None
        self._kind = kind

    def _keep(self, index: int, kind: object) -> None:
        """Keep what was not handed over, as what is asked for."""
        left = (self._items or self._hidden)[index:]
        events, ids = self._events[index:], self._ids[index:]
        self._hidden, self._items, self._events, self._ids = (), (), (), ()
        if kind is not self._kind:
            pairs = [
                (event, one)
                for event, one in zip(events, ids, strict=True)
                if one != NO_ENTRY or kind is _MESSAGES
            ]
            self._backlog = [*(event for event, _ in pairs), *self._backlog]
            self._backlog_ids = [*(one for _, one in pairs), *self._backlog_ids]
            self._bad_entry = None  # it is found again
            return
        self._events, self._ids = events, ids
        if kind is _ENTRIES:
            self._items = left
        else:
            self._hidden = left

    async def _refill(
        self, make: Callable[[], _Made[V]], *, keep_unknown: bool = False
    ) -> Sequence[V]:
        """Make something of what comes next; raises StopAsyncIteration at the end."""
        while True:
            if self._bad_entry is not None:
                self._pass_bad_entry()
            elif not self._backlog:
                received = await self._intake.receive(keep_unknown=keep_unknown)
                if received is None:
                    raise StopAsyncIteration
                self._backlog, self._backlog_ids = received
            made, self._events, self._ids = make()
            if made:
                return made

    # -- from events to items -----------------------------------------------------------------

    def _structured(self) -> _Made[T]:
        """Take the backlog to entries, up to one that does not fit its model."""
        arrival_s = self._intake.arrival_s or 0.0
        lagging = self._lagging
        if lagging is not None and arrival_s >= lagging.due_s:
            self._mind_lag(lagging, arrival_s)
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
            events, ids = events[:position], ids[:position]
        if entries and (newest := self._subject.date_of(entries[-1])) is not None:
            self._newest, self._newest_s = newest, arrival_s
            if lagging is not None:
                lagging.note(newest, arrival_s)
        if self._subject.until is not None:
            return self._without_late(entries, entries, events, ids)
        return entries, events, ids

    def _messages(self) -> _Made[MessageEvent]:
        origin = self._intake.origin
        return self._as_they_came([message_event(event, origin) for event in self._backlog])

    def _raw(self) -> _Made[RawEntry]:
        made = [
            RawEntry(one.decode("utf-8", "replace") or None, event[2])
            for event, one in zip(self._backlog, self._backlog_ids, strict=True)
        ]
        return self._as_they_came(made)

    def _as_they_came(self, made: list[V]) -> _Made[V]:
        """Pass the backlog on, made to something else than entries."""
        arrival_s = self._intake.arrival_s or 0.0
        lagging = self._lagging
        if lagging is not None and arrival_s >= lagging.due_s:
            self._mind_lag(lagging, arrival_s)
            # Nothing else here needs an entry: one now and then is enough for this.
            entry = self._entry_of(self._backlog[-1])
            if entry is not None and (newest := self._subject.date_of(entry)) is not None:
                self._newest, self._newest_s = newest, arrival_s
                lagging.note(newest, arrival_s)
        events, ids = self._backlog, self._backlog_ids
        self._backlog = self._backlog_ids = ()
        if self._subject.until is None:
            return made, events, ids
        entries = [
            None if one == NO_ENTRY else self._entry_of(event)
            for event, one in zip(events, ids, strict=True)
        ]
        return self._without_late(entries, made, events, ids)

    def _entry_of(self, event: RawEvent) -> T | None:
        try:
            return self._subject.read(event[2])
        except ResponseFormatError:
            return None

    def _mind_lag(self, lagging: Lagging, arrival_s: float) -> None:
        """Look at how far the stream is behind, before what came now; warn once until it has caught up."""
        now = self._intake.moment(arrival_s)
        lag = None if now is None else lagging.look(arrival_s, now)
        if lag is None:
            return
        lag_s, grown_by_s = lag.lag.total_seconds(), lag.grown_by.total_seconds()
        fields = {**self._subject.labels, "lag_s": lag_s, "grown_by_s": grown_by_s}
        if lag.is_growing:
            logger.warning(
                "log stream of %s: falling behind: its newest entry was %.1f seconds old when it "
                "arrived, %.1f more than when it kept up; a higher throttle or a faster reader helps",
                *(self._subject.name, lag_s, grown_by_s),
                extra=fields,
            )
        else:
            logger.info(
                "log stream of %s: caught up: its newest entry was %.1f seconds old when it arrived",
                *(self._subject.name, lag_s),
                extra=fields,
            )
        if self._on_lag is not None:
            self._on_lag(lag)

    def _without_late(
        self,
        entries: Sequence[T | None],
        made: Sequence[V],
        events: Sequence[RawEvent],
        ids: Sequence[bytes],
    ) -> _Made[V]:
        """
        Leave out entries later than the end of a bounded stream.

        They come merged from partitions, in order within each only: after a late
        one others may come that are not. Where the server goes on is known by
        the intake; the cursor does not move by them.
        """
        date_of, until = self._subject.date_of, self._subject.until
        assert until is not None  # the caller looked  # noqa: S101 -- narrows the type
        is_kept = [
            entry is None or (date := date_of(entry)) is None or date <= until for entry in entries
        ]
        late_count = is_kept.count(False)
        kept_count = len(ids) - late_count - ids.count(NO_ENTRY)
        self._intake.sorted_out(kept_count + (self._bad_entry is not None), late_count)
        if not late_count:
            return made, events, ids
        return (
            list(compress(made, is_kept)),
            list(compress(events, is_kept)),
            list(compress(ids, is_kept)),
        )

    def _pass_bad_entry(self) -> None:
        bad, self._bad_entry = self._bad_entry, None
        assert bad is not None  # the caller looked  # noqa: S101 -- narrows the type
        self._done_id = self._backlog_ids[0] or self._done_id
        self._done_count += 1
        self._backlog = self._backlog[1:]
        self._backlog_ids = self._backlog_ids[1:]
        if self._on_bad_entry is None:
            raise bad
        self._intake.tell_bad_entry(bad)
        self._on_bad_entry(bad)

    # -- the end --------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """
        Whether more may come, over whatever connections: it was neither closed, nor did it end or fail.
        """
        return not (self._is_closed or self._intake.is_end_told)

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
        self._hidden = self._hidden[: self._index]
        self._ids = self._ids[: self._index]
        await self._intake.closed()
