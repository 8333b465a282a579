"""
The data events of one stream over all its connections: connect, sift, reconnect, end.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from clever_v4.errors import APIError, ReconnectionGaveUpError, UnexpectedEndError

from .decoder import Decoder
from .policy import Reconnection, StreamOptions
from .resume import Backoff, Cursor, EndedBy
from .sieve import Received, Sieve
from .source import Connection, Source
from .subject import StreamState, StreamStatistics, Subject

__all__ = ["Intake"]

logger = logging.getLogger(__name__)


class Intake:
    """
    Each data event once and in order, whatever happens to the connections.

    One task receives at a time; any task may `end` it. Nothing that runs refers
    to it, so that it goes with the stream that owns it.
    """

    # A process may follow thousands of streams.
    __slots__ = (
        "_arrival_s",
        "_backoff",
        "_byte_count",
        "_connection_count",
        "_contact_s",
        "_decoder",
        "_idle_since_s",
        "_is_awaited",
        "_on_reconnection",
        "_options",
        "_scope",
        "_source",
        "_started_count",
        "_subject",
        "ended_by",
        "is_end_told",
        "origin",
        "request_id",
        "sieve",
        "since",
        "state",
    )

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
        self._idle_since_s: float | None = None
        self.state = StreamState.CONNECTING
        self.ended_by: str | None = None
        self.is_end_told = False
        """Whether the consumer knows: entries may be at hand when nothing more is to come."""
        self.origin = ""
        self.request_id: str | None = None
        self.sieve = Sieve(
            subject.event_type, subject.limit, cursor, is_bounded=subject.until is not None
        )
        self.since = cursor.since
        """While there is no id to go on from: the moment from which nothing may be missed."""
        self._started_count = cursor.entry_count
        self._connection_count = 0
        self._byte_count = 0
        self._contact_s: float | None = None
        self._arrival_s: float | None = None

    def __del__(self) -> None:
        # Left by a break without `async with`: the connection goes at once, not at some later time.
        source = getattr(self, "_source", None)
        if source is not None:
            source.abort()

    @property
    def byte_count(self) -> int:
        """
        How many bytes were read so far, over all connections.
        """
        return self._byte_count + (self._source.byte_count if self._source else 0)

    def statistics(self, newest: datetime | None) -> StreamStatistics:
        """
        Tell what was received so far.

        Args:
            newest: The date of the newest entry.
        """
        contact_s = self._source.contact_s if self._source else self._contact_s
        now, now_s = datetime.now(UTC), asyncio.get_running_loop().time()
        contact = None if contact_s is None else now - timedelta(seconds=now_s - contact_s)
        lag = None
        if newest is not None and self._arrival_s is not None:
            lag = now - timedelta(seconds=now_s - self._arrival_s) - newest
        return StreamStatistics(
            entries=self.sieve.count - self._started_count,
            duplicates=self.sieve.duplicate_count,
            reconnections=max(self._connection_count - 1, 0),
            bytes=self.byte_count,
            heartbeats=self.sieve.heartbeat_count,
            end_reason=self.sieve.end_reason,
            last_contact=contact,
            lag=lag,
        )

    # -- one task at a time -----------------------------------------------------------------

    async def open(self) -> None:
        """
        Connect, with as many attempts as it takes.

        Raises:
            CleverError: It is not to be had.
            RuntimeError: Another task is waiting for this stream.
        """
        self._begin()
        try:
            while self._source is None and self.state is not StreamState.ENDED:
                await self._connect()
        except BaseException as exc:
            self._fail(exc)
            raise
        finally:
            self._is_awaited = False

    async def receive(self, *, keep_unknown: bool) -> Received | None:
        """
        Wait for data events; None at the end.

        Args:
            keep_unknown: Whether events of unknown names count as data.

        Raises:
            CleverError: The stream failed for good.
            RuntimeError: Another task is waiting for this stream.
        """
        self._begin()
        self._idle_since_s = None
        try:
            while self.state is not StreamState.ENDED:
                source = self._source
                if source is None:
                    await self._connect()
                    continue
                try:
                    if self.sieve.is_over:
                        raise UnexpectedEndError(reason=self.sieve.end_reason or EndedBy.UNKNOWN)
                    events = source.take(await source.wait())
                except Exception as exc:  # noqa: BLE001 -- what is transient is decided in one place
                    await self._lost(source.fault(exc))
                    continue
                if events:
                    received = self.sieve.sift(events, keep_unknown=keep_unknown)
                    if self.sieve.ended_by is not None:
                        self.end(self.sieve.ended_by)
                    if received[0]:
                        self._arrival_s = source.contact_s
                        return received
                if self._subject.until is not None:
                    self._end_if_settled()
        except BaseException as exc:
            self._fail(exc)
            raise
        finally:
            self._is_awaited = False
        self.is_end_told = True
        return None

    def _begin(self) -> None:
        if self._is_awaited:
            raise RuntimeError(
                "another task is waiting for this stream; one task iterates at a time"
            )
        self._is_awaited = True

    def _fail(self, exc: BaseException) -> None:
        # As with any generator, an error or a cancellation ends it.
        self.is_end_told = True
        self.end(EndedBy.FAILED if isinstance(exc, Exception) else EndedBy.CLOSED)

    def _end_if_settled(self) -> None:
        """End a bounded stream when it is past its end and idle: heartbeats do not count."""
        settle, until = self._options.settle_time, self._subject.until
        now_s = asyncio.get_running_loop().time()
        if self._idle_since_s is None:
            self._idle_since_s = now_s
        elif (
            settle is not None
            and until is not None
            and now_s - self._idle_since_s >= settle.total_seconds()
            and datetime.now(UTC) > until
        ):
            self.end(EndedBy.SETTLED)

    # -- connecting ----------------------------------------------------------------------------

    async def _connect(self) -> None:
        """Make one attempt; where it fails, wait as long as the back-off says."""
        subject = self._subject
        remaining = self.sieve.remaining
        if remaining is not None and remaining < 1:
            self.end(EndedBy.LIMIT_REACHED)
            return
        self.state = StreamState.CONNECTING
        timeout = self._options.heartbeat_timeout
        resume_id = self.sieve.resume_id
        since = None if resume_id else self.since
        source: Source | None = None
        refusal: Exception | None = None
        connection = Connection(
            subject.opener,
            subject.url(self.sieve.ask(), since),
            last_event_id=resume_id.decode(),
            compress=self._options.compress,
        )
        try:
            async with asyncio.timeout(None) as self._scope:
                await connection.connect()
                # In here: it has to be at hand where the scope was ended meanwhile.
                source = connection.source(
                    self._decoder, None if timeout is None else timeout.total_seconds()
                )
        except Exception as exc:  # noqa: BLE001 -- what is transient is decided in one place
            refusal = exc
        finally:
            self._scope = None
        if self.state is StreamState.ENDED:
            if source is not None:
                source.abort()
        elif source is None:
            assert refusal is not None  # noqa: S101 -- narrows the type
            await self._lost(refusal)
        else:
            self._opened(source)

    def _opened(self, source: Source) -> None:
        self._source = source
        self.origin = source.origin
        self.request_id = source.request_id
        self.state = StreamState.OPEN
        self._connection_count += 1
        self._idle_since_s = None
        self._backoff.opened(asyncio.get_running_loop().time(), self.sieve.count)
        if self._subject.is_live and self.since is None:
            self.since = source.accepted_at
        self.sieve.connected()

    def _drop_source(self) -> None:
        if self._source is not None:
            self._contact_s = self._source.contact_s
            self._byte_count += self._source.byte_count
            self._source.abort()
            self._source = None

    async def _lost(self, cause: Exception) -> None:
        """Wait before the next attempt, or raise where there is none."""
        if self.state is StreamState.ENDED:
            return
        self._drop_source()
        self._decoder.reset()
        self._backoff.lost(asyncio.get_running_loop().time(), self.sieve.count)
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
                last_event_id=self.sieve.resume_id.decode() or None,
            ) from cause
        await self._wait(cause)

    async def _wait(self, cause: Exception) -> None:
        asked_s = (self._decoder.retry_ms or 0) / 1000
        if isinstance(cause, APIError) and cause.retry_after is not None:
            asked_s = max(asked_s, cause.retry_after.total_seconds())
        delay_s = self._backoff.delay_s(asked_s, random.random())
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
                    last_event_id=self.sieve.resume_id.decode() or None,
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
        self._drop_source()
        if self._scope is not None:
            # Wakes the task that connects or waits.
            self._scope.reschedule(asyncio.get_running_loop().time())
