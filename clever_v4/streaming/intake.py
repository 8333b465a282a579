"""
The data events of one stream over all its connections: connect, sift, reconnect, end.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from clever_v4.errors import (
    APIError,
    HeartbeatTimeoutError,
    NeverLoggedError,
    ReconnectionGaveUpError,
    ResponseFormatError,
    UnexpectedEndError,
)

from .attempt import Attempt
from .decoder import Decoder, RawEvent
from .policy import Reconnection, StreamOptions
from .resume import Backoff, Cursor, EndedBy
from .settling import Settling
from .sieve import AdaptingSieve, Received, Sieve
from .source import Connection, Source
from .subject import StreamState, StreamStatistics, Subject

__all__ = ["Intake"]

logger: Final = logging.getLogger("clever_v4.streams")


def sieve_for(subject: Subject[Any], cursor: Cursor) -> Sieve:
    """
    Give what sorts the events of a stream; logs, which come fast, need no adapting.
    """
    type_, limit, is_bounded = subject.event_type, subject.limit, subject.is_bounded
    if subject.is_resumable and type_ != b"message":
        return Sieve(type_, limit, cursor, is_bounded=is_bounded)
    return AdaptingSieve(
        type_, limit, cursor, is_bounded=is_bounded, is_resumable=subject.is_resumable
    )


class Intake:
    """
    Each data event once and in order, whatever happens to the connections.

    One task receives at a time; any task may `end` it. Whoever gives up waiting
    loses nothing: bytes stay in the connection's buffer, an attempt to connect
    goes on, a delay before the next one keeps its end. Nothing that runs refers
    to it meanwhile, so that it goes with the stream that owns it.
    """

    # A process may follow thousands of streams.
    __slots__ = (
        "_attempt",
        "_backoff",
        "_byte_count",
        "_connection_count",
        "_contact_s",
        "_decoder",
        "_failure",
        "_is_awaited",
        "_is_settling",
        "_loop",
        "_lost_at_s",
        "_on_reconnection",
        "_options",
        "_retry_at_s",
        "_settling",
        "_source",
        "_started_count",
        "_subject",
        "_waker",
        "arrival_s",
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
        self._lost_at_s: float | None = None
        self._attempt: Attempt | None = None
        self._retry_at_s: float | None = None
        self._waker: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        until = subject.until
        self._settling = None if until is None else Settling(options.settle_time, until)
        self._is_settling = False
        self._is_awaited = False
        self._failure: Exception | None = None
        self.state: StreamState = StreamState.CONNECTING
        self.ended_by: str | None = None
        self.is_end_told: bool = False
        """Whether the consumer knows: entries may be at hand when nothing more is to come."""
        self.origin: str = ""
        self.request_id: str | None = None
        self.sieve: Sieve = sieve_for(subject, cursor)
        self.since = cursor.since
        """While there is no id to go on from: the moment from which nothing may be missed."""
        self._started_count = cursor.entry_count
        self._connection_count = 0
        self._byte_count = 0
        self._contact_s: float | None = None
        self.arrival_s: float | None = None
        """When entries arrived last, by the event loop's clock."""

    def __del__(self) -> None:
        # Left by a break without `async with`: the connection goes at once, not at some later time.
        for one in (getattr(self, "_source", None), getattr(self, "_attempt", None)):
            if one is not None:
                one.abort()

    @property
    def byte_count(self) -> int:
        """
        How many bytes were read so far, over all connections.
        """
        return self._byte_count + (self._source.byte_count if self._source else 0)

    def statistics(self, newest: datetime | None, newest_s: float | None) -> StreamStatistics:
        """
        Tell what was received so far.

        Args:
            newest: The date of the newest entry.
            newest_s: When it arrived, by the event loop's clock.
        """
        contact = self.moment(self._source.contact_s if self._source else self._contact_s)
        arrival = self.moment(newest_s)
        lag = None if newest is None or arrival is None else arrival - newest
        return StreamStatistics(
            entries=self.sieve.count - self._started_count,
            duplicates=self.sieve.duplicate_count,
            reconnections=max(self._connection_count - 1, 0),
            bytes=self.byte_count,
            heartbeats=self.sieve.heartbeat_count,
            end_reason=self.sieve.end_reason,
            late=self.sieve.late_count,
            last_contact=contact,
            lag=lag,
        )

    def moment(self, at_s: float | None) -> datetime | None:
        """
        Tell what the calendar said at a moment of the loop's clock, which runs on after the loop.
        """
        if at_s is None or self._loop is None:
            return None
        return datetime.now(UTC) - timedelta(seconds=self._loop.time() - at_s)

    # -- one task at a time -----------------------------------------------------------------

    async def open(self) -> None:
        """
        Connect, with as many attempts as it takes; ends it where this is given up.

        Raises:
            CleverError: It is not to be had.
            RuntimeError: Another task is waiting for this stream.
        """
        self._begin()
        try:
            while self._source is None and self.state is not StreamState.ENDED:
                await self._reach()
        except Exception:
            self._fail()
            raise
        except BaseException:
            # Cancelled on entering ``async with``, which is then never left.
            self.is_end_told = True
            self.end(EndedBy.CLOSED)
            raise
        finally:
            self._rest()

    async def receive(self, *, keep_unknown: bool) -> Received | None:
        """
        Wait for data events; None at the end. Safe to cancel.

        Args:
            keep_unknown: Whether events of unknown names count as data.

        Raises:
            CleverError: The stream failed for good.
            RuntimeError: Another task is waiting for this stream.
        """
        self._begin()
        try:
            while self.state is not StreamState.ENDED:
                source = self._source
                if source is None:
                    await self._reach()
                    continue
                if self.sieve.is_over:
                    reason = self.sieve.end_reason or EndedBy.UNKNOWN
                    self._lost(source.fault(UnexpectedEndError(reason=reason)))
                    continue
                try:
                    events = source.take(await source.wait())
                except Exception as exc:  # noqa: BLE001 -- what is transient is decided in one place
                    # Its traceback would keep this frame, and with it the entries that it had in
                    # hand, in cycles of aiohttp's until a full garbage collection.
                    events = self._rescued(source, exc.with_traceback(None))
                    if not events:
                        continue
                if events:
                    received = self.sieve.sift(events, keep_unknown=keep_unknown)
                    if self.sieve.ended_by is not None:
                        self._end_as_told(self.sieve.ended_by)
                    if received[0]:
                        self.arrival_s = source.contact_s
                        return received
                if self._settling is not None:
                    self._end_if_settled(self._settling)
        except Exception:
            self._fail()
            raise
        finally:
            self._rest()
        self.is_end_told = True
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return None

    def _rescued(self, source: Source, cause: Exception) -> list[RawEvent]:
        """Give what had arrived before a connection was lost; none once it is dealt with."""
        try:
            events = source.rescue()
        except Exception as exc:  # noqa: BLE001 -- decided with the others
            events, cause = [], exc
        if not events:
            self._lost(source.fault(cause))
        return events

    def put_off(self, failure: Exception | None) -> None:
        """
        Take an end back, or an error: the consumer has entries before it, and is told after them.
        """
        self._failure = failure
        self.is_end_told = False

    def check_is_free(self) -> None:
        """
        Refuse a second task.

        Raises:
            RuntimeError: Another task is waiting for this stream.
        """
        if self._is_awaited:
            raise RuntimeError(
                "another task is waiting for this stream; one task iterates at a time"
            )

    def _begin(self) -> None:
        self.check_is_free()
        self._is_awaited = True
        if self._settling is not None and self._is_settling:
            self._settling.run(asyncio.get_running_loop().time())

    def _rest(self) -> None:
        """Note that nobody waits any more, be it for an entry, an error or a cancellation."""
        self._is_awaited = False
        if self._source is not None:
            self._source.leave()
        if self._settling is not None and self._loop is not None:
            self._settling.leave(self._loop.time())

    def _fail(self) -> None:
        # As with any generator, an error ends it.
        self.is_end_told = True
        self.end(EndedBy.FAILED)

    def _end_as_told(self, reason: str) -> None:
        """End it for a reason that the events gave."""
        if self.sieve.remaining == 0 and self._subject.until is not None:
            # Some of them may be later than `until` and not count: the consumer's side says
            # which, and then either the rest is asked for or the end is told.
            self._drop_source()
        else:
            self.end(reason)

    def sorted_out(self, kept_count: int, late_count: int) -> None:
        """
        Take note, on a bounded stream, of what became of the entries received last.

        Args:
            kept_count: How many of them are not later than ``until``.
            late_count: How many are.
        """
        self.sieve.leave_out(late_count)
        if self._settling is None:
            return
        if kept_count:
            self._settling.begin_anew()
        else:
            self._end_if_settled(self._settling)

    def _end_if_settled(self, settling: Settling) -> None:
        if settling.is_over(asyncio.get_running_loop().time(), datetime.now(UTC)):
            self.end(EndedBy.SETTLED)

    # -- connecting ----------------------------------------------------------------------------

    async def _reach(self) -> None:
        """Come one step closer to a connection; what was begun is kept where this is cancelled."""
        loop = self._loop = asyncio.get_running_loop()
        if self._retry_at_s is not None:
            waker = self._waker = loop.create_future()
            timer = loop.call_at(self._retry_at_s, _wake, waker)
            try:
                await waker
            finally:
                timer.cancel()
                self._waker = None
            self._retry_at_s = None
            return
        if self._attempt is None:
            remaining = self.sieve.remaining
            if remaining is not None and remaining < 1:
                self.end(EndedBy.LIMIT_REACHED)
                return
            self._attempt = self._begin_attempt()
        attempt = self._attempt
        if not attempt.is_over:
            waker = self._waker = loop.create_future()
            # Of its own: what was scheduled for a wait that was given up must not end this one.
            wake = partial(_wake, waker)
            attempt.tell(wake)
            try:
                await waker
            finally:
                attempt.tell_no_more(wake)
                self._waker = None
            if self.state is StreamState.ENDED:
                return
        self._attempt = None
        failure = attempt.failure()
        if failure is None:
            timeout = self._options.heartbeat_timeout
            timeout_s = None if timeout is None else timeout.total_seconds()
            self._opened(attempt.source(self._decoder, timeout_s))
        elif isinstance(failure, Exception):
            self._lost(failure)
        else:
            raise failure

    def _begin_attempt(self) -> Attempt:
        self.state = StreamState.CONNECTING
        resume_id = self.sieve.resume_id
        since = None if resume_id else self.since
        return Attempt(
            Connection(
                self._subject.opener,
                self._subject.url(self.sieve.ask(), since),
                last_event_id=resume_id.decode(),
                compress=self._options.compress,
            )
        )

    def _opened(self, source: Source) -> None:
        self._source = source
        self.origin = source.origin
        self.request_id = source.request_id
        self.state = StreamState.OPEN
        self._connection_count += 1
        now_s = asyncio.get_running_loop().time()
        self._tell_opened(now_s)
        self._backoff.opened(now_s, self.sieve.count)
        if self._settling is not None:
            self._is_settling = True
            self._settling.run(now_s)
        if self._subject.is_live and self.since is None:
            self.since = source.accepted_at
        self.sieve.connected()

    def _drop_source(self) -> None:
        if self._source is not None:
            self._contact_s = self._source.contact_s
            self._byte_count += self._source.byte_count
            self._source.abort()
            self._source = None
        # What was half received dies with its connection.
        self._decoder.reset()

    def _lost(self, cause: Exception) -> None:
        """Put the next attempt off, or raise where there is none."""
        if self.state is StreamState.ENDED:
            return
        now_s = asyncio.get_running_loop().time()
        if self._settling is not None and self._settle_at_loss(self._settling, cause, now_s):
            return
        self._drop_source()
        self._backoff.lost(now_s, self.sieve.count)
        policy = self._options.reconnect
        if not self._backoff.was_connected and isinstance(cause, NeverLoggedError):
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
            self._tell(
                logging.WARNING, "gave up after %d attempts: %s", self._backoff.attempts, cause,
                attempt=self._backoff.attempts, cause=cause,
            )  # fmt: skip
            raise ReconnectionGaveUpError(
                attempts=self._backoff.attempts,
                last_event_id=self.sieve.resume_id.decode() or None,
            ) from cause
        self._delay(cause, now_s)

    def _settle_at_loss(self, settling: Settling, cause: Exception, now_s: float) -> bool:
        """Stop the clock of a bounded stream, and end the stream where it has run out."""
        source = self._source
        # Where the server ended it in good order it had nothing more: the clock runs on.
        self._is_settling = source is not None and source.is_finished
        if source is None or isinstance(cause, HeartbeatTimeoutError):
            settling.forget()
        elif not self._is_settling:
            settling.lose(now_s)
        if source is not None:
            self._end_if_settled(settling)
        return self.state is StreamState.ENDED

    def _delay(self, cause: Exception, now_s: float) -> None:
        asked_s = (self._decoder.retry_ms or 0) / 1000
        if isinstance(cause, APIError) and cause.retry_after is not None:
            asked_s = max(asked_s, cause.retry_after.total_seconds())
        delay_s = self._backoff.delay_s(asked_s, random.random())
        if self._lost_at_s is None:
            self._lost_at_s = now_s
        self._tell(
            logging.INFO, "reconnecting in %.1f seconds: %s", delay_s, cause,
            attempt=self._backoff.attempts, delay_s=delay_s, cause=cause,
        )  # fmt: skip
        self.state = StreamState.WAITING
        self._retry_at_s = now_s + delay_s
        if self._on_reconnection is not None:
            self._on_reconnection(
                Reconnection(
                    attempt=self._backoff.attempts,
                    cause=cause,
                    delay=timedelta(seconds=delay_s),
                    last_event_id=self.sieve.resume_id.decode() or None,
                )
            )

    def _tell_opened(self, now_s: float) -> None:
        lost_at_s, self._lost_at_s = self._lost_at_s, None
        if lost_at_s is None:
            self._tell(logging.DEBUG, "connected", sozu_id=self.request_id)
            return
        self._tell(
            logging.INFO, "connected again after %.1f seconds", now_s - lost_at_s,
            elapsed_s=now_s - lost_at_s, attempt=self._backoff.attempts, sozu_id=self.request_id,
        )  # fmt: skip

    def tell_bad_entry(self, error: ResponseFormatError) -> None:
        """
        Log an entry that does not fit its model, and that is left out.
        """
        self._tell(
            logging.WARNING, "an entry is left out: %s", error,
            cause=error, event_id=getattr(error.event, "last_event_id", None),
        )  # fmt: skip

    def _tell(
        self, level: int, text: str, *args: object, cause: Exception | None = None, **fields: object
    ) -> None:
        """Log what became of the stream, with what it is of, and with the fields of the event."""
        if not logger.isEnabledFor(level):
            return
        if cause is not None:
            fields["cause"], fields["cause_type"] = str(cause), type(cause).__name__
            fields["sozu_id"] = getattr(cause, "request_id", None)
        logger.log(
            level,
            f"log stream of %s: {text}",  # noqa: G004 -- a text of ours, and arguments apart
            self._subject.name,
            *args,
            extra={**self._subject.labels, **fields},
        )

    def end(self, reason: str) -> None:
        """
        End it: the connection is aborted at once, and a task that waits is told. Idempotent.
        """
        if self.state is StreamState.ENDED:
            return
        self.state = StreamState.ENDED
        self.ended_by = reason
        self._drop_source()
        if self._attempt is not None:
            self._attempt.abort()
        if self._waker is not None:
            _wake(self._waker)

    async def closed(self) -> None:
        """
        Wait until nothing of it is left in the event loop.
        """
        # The event loop closes the transport in its next round.
        await asyncio.sleep(0)
        if self._attempt is not None:
            await self._attempt.gone()


def _wake(waker: asyncio.Future[None], _over: object = None) -> None:
    if not waker.done():
        waker.set_result(None)
