"""
The data events of one stream over all its connections: connect, sift, reconnect, end.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Final, TypeAlias

from clever_v4.errors import APIError, ReconnectionGaveUpError

from .decoder import Decoder, RawEvent
from .policy import Reconnection, StreamOptions
from .resume import (
    END_OF_STREAM,
    HEARTBEAT,
    NO_ENTRY,
    Backoff,
    Cursor,
    EndedBy,
    RecentIds,
    end_reason,
    last_of,
)
from .source import Source, SourceAbortedError
from .subject import StreamState, StreamStatistics, Subject

__all__ = ["Intake", "Received"]

logger = logging.getLogger(__name__)

Received: TypeAlias = tuple[list[RawEvent], list[bytes]]
"""Data events, and beside each the id that it carried itself (empty where it carried none)."""

_id: Final = itemgetter(0)
_type: Final = itemgetter(1)
_mark: Final = itemgetter(3)


class Intake:
    """
    Each data event once and in order, whatever happens to the connections.

    One task receives at a time; any task may `end` it. Nothing that runs refers
    to it, so that it goes with the stream that owns it.
    """

    def __init__(
        self,
        subject: Subject[Any],
        options: StreamOptions,
        cursor: Cursor,
        on_reconnection: Callable[[Reconnection], None] | None,
    ) -> None:
        self._subject = subject
        self._options = options
        self._on_reconnection = on_reconnection
        self._decoder = Decoder(max_event_bytes=options.max_event_bytes)
        self._backoff = Backoff(options.reconnect)
        self._source: Source | None = None
        self._scope: asyncio.Timeout | None = None
        self._is_awaited = False
        self._has_repeats = False
        self._wanted = {subject.event_type}
        self.state = StreamState.CONNECTING
        self.ended_by: str | None = None
        self.origin = ""
        self.request_id: str | None = None
        # Where the next connection goes on.
        self.received_id = (cursor.last_event_id or "").encode()
        self._received_count = self._started_count = cursor.entry_count
        self.since = cursor.since
        self.recent = RecentIds(one.encode() for one in cursor.recent_ids)
        if cursor.last_event_id and cursor.last_event_id not in cursor.recent_ids:
            self.recent.remember([self.received_id])
        # Statistics.
        self._duplicate_count = 0
        self._connection_count = 0
        self._byte_count = 0
        self._heartbeat_count = 0
        self._contact_s: float | None = None

    def __del__(self) -> None:
        # Left by a break without `async with`: the connection goes at once, not at some later time.
        source = getattr(self, "_source", None)
        if source is not None:
            source.abort()

    def statistics(self, lag: timedelta | None) -> StreamStatistics:
        """
        Tell what was received so far.
        """
        contact_s = self._source.contact_s if self._source else self._contact_s
        contact = None
        if contact_s is not None:
            ago = timedelta(seconds=asyncio.get_running_loop().time() - contact_s)
            contact = datetime.now(UTC) - ago
        return StreamStatistics(
            entries=self._received_count - self._started_count,
            duplicates=self._duplicate_count,
            reconnections=max(self._connection_count - 1, 0),
            bytes=self._byte_count,
            heartbeats=self._heartbeat_count,
            last_contact=contact,
            lag=lag,
        )

    # -- one task at a time -----------------------------------------------------------------

    async def open(self) -> None:
        """
        Connect, with as many attempts as it takes.

        Raises:
            CleverError: It is not to be had.
        """
        with self._sole_task():
            while self._source is None and self.state is not StreamState.ENDED:
                await self._connect()

    async def receive(self, *, keep_unknown: bool) -> Received | None:
        """
        Wait for data events; None at the end.

        Args:
            keep_unknown: Whether events of unknown names count as data.

        Raises:
            CleverError: The stream failed for good.
        """
        loop = asyncio.get_running_loop()
        with self._sole_task():
            idle_since_s = loop.time()
            while self.state is not StreamState.ENDED:
                if self._source is None:
                    await self._connect()
                    idle_since_s = loop.time()
                    continue
                try:
                    events, size = await self._source.read()
                except SourceAbortedError:
                    continue
                except Exception as exc:  # what is transient is decided in one place  # noqa: BLE001 -- what is transient is decided in one place
                    await self._lost(exc)
                    continue
                self._byte_count += size
                if events:
                    received = self._sift(events, keep_unknown=keep_unknown)
                    if received[0]:
                        return received
                self._end_if_settled(loop.time() - idle_since_s)
        return None

    @contextmanager
    def _sole_task(self) -> Iterator[None]:
        if self._is_awaited:
            raise RuntimeError(
                "another task is waiting for this stream; one task iterates at a time"
            )
        self._is_awaited = True
        try:
            yield
        except BaseException as exc:
            # As with any generator, an error or a cancellation ends it.
            self.end(EndedBy.FAILED if isinstance(exc, Exception) else EndedBy.CLOSED)
            raise
        finally:
            self._is_awaited = False

    # -- sifting ----------------------------------------------------------------------------

    def _sift(self, events: list[RawEvent], *, keep_unknown: bool) -> Received:
        """Keep the data events that are new; the rest is for the stream itself."""
        if (
            set(map(_type, events)) == self._wanted
            and not any(map(_mark, events))
            and not self.recent.expects_repeats
        ):
            ids = list(map(_id, events))
        else:
            events, ids = self._sift_each(events, keep_unknown=keep_unknown)
        limit = self._subject.limit
        if limit is not None:
            events, ids = self._within(limit, events, ids)
        else:
            self._received_count += len(ids) - ids.count(NO_ENTRY)
        self.recent.remember(ids)
        self.received_id = last_of(ids) or self.received_id
        return events, ids

    def _sift_each(self, events: list[RawEvent], *, keep_unknown: bool) -> Received:
        kept: list[RawEvent] = []
        ids: list[bytes] = []
        for event in events:
            id_, type_, data, inherited = event
            if type_ in self._wanted:
                own_id = b"" if inherited else id_
                if own_id and self.recent.expects_repeats and self.recent.is_repeated(own_id):
                    self._duplicate_count += 1
                    self._has_repeats = True
                    continue
                kept.append(event)
                ids.append(own_id)
            elif type_ == HEARTBEAT:
                self._heartbeat_count += 1
            elif type_ == END_OF_STREAM:
                reason = end_reason(data)
                if self._is_short(reason, self._received_count + len(kept)):
                    continue
                self.end(reason)
                break
            elif keep_unknown:
                kept.append(event)
                ids.append(NO_ENTRY)
        return kept, ids

    def _is_short(self, reason: str, received_count: int) -> bool:
        """
        Tell an end that comes too soon: the server counted repeated entries towards the limit.

        The connection ends after it in any case, and the next one asks for what is left.
        """
        limit = self._subject.limit
        return (
            self._has_repeats
            and limit is not None
            and received_count < limit
            and reason != EndedBy.UNTIL_REACHED
        )

    def _within(self, limit: int, events: list[RawEvent], ids: list[bytes]) -> Received:
        """Count entries over the whole stream, and end it at its limit."""
        for position in range(1, len(events) + 1):
            self._received_count += ids[position - 1] != NO_ENTRY
            if self._received_count >= limit:
                self.end(EndedBy.LIMIT_REACHED)
                return events[:position], ids[:position]
        return events, ids

    def _end_if_settled(self, idle_s: float) -> None:
        settle, until = self._options.settle_time, self._subject.until
        if (
            settle is not None
            and until is not None
            and idle_s >= settle.total_seconds()
            and datetime.now(UTC) > until
        ):
            self.end(EndedBy.SETTLED)

    # -- connecting ----------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Make one attempt; where it fails, wait as long as the back-off says."""
        subject = self._subject
        remaining = None if subject.limit is None else subject.limit - self._received_count
        if remaining is not None and remaining < 1:
            self.end(EndedBy.LIMIT_REACHED)
            return
        self.state = StreamState.CONNECTING
        timeout = self._options.heartbeat_timeout
        source = Source(
            subject.opener,
            subject.url(remaining, None if self.received_id else self.since),
            self._decoder,
            last_event_id=self.received_id.decode("utf-8", "replace"),
            compress=self._options.compress,
            heartbeat_timeout_s=None if timeout is None else timeout.total_seconds(),
        )
        refusal: Exception | None = None
        try:
            async with asyncio.timeout(None) as self._scope:
                await source.open()
        except Exception as exc:  # what is transient is decided in one place  # noqa: BLE001 -- what is transient is decided in one place
            refusal = exc
        except BaseException:
            source.abort()
            raise
        finally:
            self._scope = None
        if refusal is not None or self.state is StreamState.ENDED:
            source.abort()
            if refusal is not None:
                await self._lost(refusal)
            return
        self._source = source
        self._has_repeats = False
        self.origin = source.origin
        self.request_id = source.request_id
        self.state = StreamState.OPEN
        self._connection_count += 1
        self._backoff.opened(asyncio.get_running_loop().time())
        if subject.is_live and self.since is None:
            self.since = source.accepted_at
        if self.received_id:
            self.recent.suspect()

    async def _lost(self, cause: Exception) -> None:
        """Wait before the next attempt, or raise where there is none."""
        if self.state is StreamState.ENDED:
            return
        if self._source is not None:
            self._contact_s = self._source.contact_s
            self._source.abort()
            self._source = None
        self._decoder.reset()
        self._backoff.lost(asyncio.get_running_loop().time())
        policy = self._options.reconnect
        if not self._backoff.was_connected and self._subject.never_logged(cause):
            if self._subject.until is not None:
                self.end(EndedBy.NEVER_LOGGED)
                return
            if not self._options.wait_for_first_log:
                raise cause
            # All that it will ever have logged is later than this.
            self.since = self.since or datetime.now(UTC) - timedelta(hours=1)
        elif not policy.is_transient(cause):
            raise cause
        elif self._backoff.is_exhausted:
            raise ReconnectionGaveUpError(
                attempts=self._backoff.attempts,
                last_event_id=self.received_id.decode("utf-8", "replace") or None,
            ) from cause
        await self._wait(cause)

    async def _wait(self, cause: Exception) -> None:
        asked_s = (self._decoder.retry_ms or 0) / 1000
        if isinstance(cause, APIError) and cause.retry_after is not None:
            asked_s = max(asked_s, cause.retry_after.total_seconds())
        delay_s = self._backoff.delay_s(asked_s, random.random())  # jitter, no secret
        logger.info(
            "log stream of %s: reconnecting in %.1f seconds: %s",
            self._subject.name,
            delay_s,
            cause,
        )
        self.state = StreamState.WAITING
        if self._on_reconnection is not None:
            self._on_reconnection(
                Reconnection(
                    attempt=self._backoff.attempts,
                    cause=cause,
                    delay=timedelta(seconds=delay_s),
                    last_event_id=self.received_id.decode("utf-8", "replace") or None,
                )
            )
        try:
            async with asyncio.timeout(None) as self._scope:
                await asyncio.sleep(delay_s)
        except TimeoutError:
            if self.state is not StreamState.ENDED:
                raise
        finally:
            self._scope = None

    def end(self, reason: str) -> None:
        """
        End it: the connection is aborted at once, and a task that waits is told. Idempotent.
        """
        if self.state is StreamState.ENDED:
            return
        self.state = StreamState.ENDED
        self.ended_by = reason
        if self._source is not None:
            self._contact_s = self._source.contact_s
            self._source.abort()
            self._source = None
        if self._scope is not None:
            # Wakes the task that connects or waits.
            self._scope.reschedule(asyncio.get_running_loop().time())
