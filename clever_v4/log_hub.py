"""
The hub on a session's log streams: hundreds of logs, each read once, for many consumers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import NoneType, TracebackType
from typing import Any, Generic, Self, TypeVar

import attrs

from clever_v4.api.logs import AccessLogEntry, AddonLogEntry, LogEntry, LogQuery, Logs, Throttle
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import NoticeDetail, Overflow
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.options import Hooks, Start
from clever_v4.fanout.pacing import Pacer, Pacing
from clever_v4.fanout.statistics import DrainReport, HubStatistics
from clever_v4.fanout.storage import MAX_BYTES, RING_BYTES
from clever_v4.fanout.subscription import Subscription
from clever_v4.session import Session
from clever_v4.streaming.chunk import Given
from clever_v4.streaming.policy import StreamOptions
from clever_v4.streaming.resume import Cursor
from clever_v4.streaming.source import Opener
from clever_v4.streaming.stream import EventStream
from clever_v4.streaming.subject import StreamState
from clever_v4.validators import check_instance, check_text, field, shown
from clever_v4.wire.paths import check_path_segment

__all__ = ["AccessLogHub", "AddonLogHub", "LogHub", "LogSource", "SessionHub"]

E = TypeVar("E")


@attrs.frozen(kw_only=True)
class LogSource:
    """
    A followed log: the key that tags its entries. One upstream connection belongs to each.

    Attributes:
        owner_id: The organisation or user that owns it.
        resource_id: The application, or the add-on by its real id.
        query: What of the log is read.
    """

    owner_id: str = attrs.field(validator=field(check_text))
    resource_id: str = attrs.field(validator=field(check_text))
    query: LogQuery = attrs.field(factory=LogQuery, validator=field(check_instance, kind=LogQuery))

    @property
    def application_id(self) -> str:
        """
        The application; the same as ``resource_id``.
        """
        return self.resource_id

    def __str__(self) -> str:
        return self.resource_id


class _PacedOpener:
    """
    Opens connections of streams when their turn has come, reconnections included.
    """

    def __init__(self, opener: Opener, pacer: Pacer) -> None:
        self._opener = opener
        self._pacer = pacer

    async def request(self, method: str, url: Any, *, headers: Mapping[str, str]) -> Any:
        """
        Wait for a turn, and hold it until the answer's head is there.
        """
        async with self._pacer.turn():
            return await self._opener.request(method, url, headers=headers)


class _OpenLog(Generic[E]):
    """
    An open log stream, as the hub wants it.
    """

    def __init__(self, stream: EventStream[E]) -> None:
        self._stream = stream
        self.batches = stream.batches
        self.statistics = stream.statistics

    @property
    def is_connected(self) -> bool:
        return self._stream.state is StreamState.OPEN

    @property
    def cursor(self) -> Cursor:
        return self._stream.cursor

    @property
    def given(self) -> Given:
        return self._stream.given

    @property
    def received_bytes(self) -> int:
        return self._stream.received_bytes

    @property
    def ended_by(self) -> str | None:
        return self._stream.ended_by


class _Log(Generic[E]):
    """
    A log that can be opened.
    """

    def __init__(
        self, make: Callable[[Cursor | None], EventStream[E]], resume_from: Cursor | None
    ) -> None:
        self._make = make
        self._resume_from = resume_from
        make(resume_from)  # what cannot be meant is told to who gave it

    @asynccontextmanager
    async def open(self) -> AsyncIterator[_OpenLog[E]]:
        resume_from, self._resume_from = self._resume_from, None
        async with self._make(resume_from) as stream:
            yield _OpenLog(stream)


def _date(entry: Any) -> datetime | None:
    date: datetime | None = entry.date
    return date


def _merge(ordered: bool | timedelta) -> Merge[Any] | None:
    check_instance("ordered", ordered, (bool, timedelta))
    if not isinstance(ordered, timedelta):
        return Merge(by=_date) if ordered else None
    try:
        return Merge(by=_date, window=ordered)
    except ValueError as exc:
        raise ValueError(str(exc).replace("window", "ordered", 1)) from None


class SessionHub(Generic[E]):
    """
    What the three hubs on a session's log streams have in common.

    Used as ``async with``: leaving it closes every stream and ends every subscription at
    once; `drain` ends it gracefully. The session must outlive it.

    Args:
        session: An open session.
        ring: How many of its last entries are held of each log, 1 to 1.5 KiB of memory
            for each; also how far a subscriber may fall behind before its overflow
            policy counts.
        ring_bytes: How many bytes of each log are held at most, counted as received; as
            objects, small entries take about twice as much. One entry that is larger is
            held all the same. By default 16 MiB.
        max_bytes: How many bytes of all logs are held at most. Where it is too much, the logs
            that hold most give up their oldest entries, and overflow policies count as for a
            full ring. By default 256 MiB.
        pacing: How fast streams are connected, and connected again after a shared
            outage.
        options: How each stream is kept alive, and when it is given up.
        hooks: Called when something happens.

    Raises:
        ValueError: *ring*, *ring_bytes* or *max_bytes* is not at least 1.
        TypeError: An argument is of another type.
    """

    def __init__(
        self,
        session: Session,
        *,
        ring: int = 4096,
        ring_bytes: int = RING_BYTES,
        max_bytes: int = MAX_BYTES,
        pacing: Pacing | None = None,
        options: StreamOptions | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        check_instance("session", session, Session)
        check_instance("pacing", pacing, (Pacing, NoneType))
        check_instance("options", options, (StreamOptions, NoneType))
        self._pacer = pacer = Pacer(pacing)
        self._logs = session.logs.through(lambda opener: _PacedOpener(opener, pacer))
        self._open_stream = self._opener_of(self._logs)
        self._options = options
        self._hub: Hub[LogSource, E] = Hub(
            ring=ring, ring_bytes=ring_bytes, max_bytes=max_bytes, hooks=hooks
        )

    def _opener_of(self, logs: Logs) -> Callable[..., EventStream[E]]:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self._hub.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._hub.__aexit__(exc_type, exc, traceback)

    async def aclose(self) -> None:
        """
        Close every stream and end every subscription at once. Safe to repeat, from any task.
        """
        await self._hub.aclose()

    @property
    def is_open(self) -> bool:
        """
        Whether logs can be followed and subscribed to: entered, and not yet drained or closed.
        """
        return self._hub.is_open

    async def drain(self, timeout: timedelta = timedelta(seconds=10)) -> DrainReport:
        """
        Stop reading the logs, let subscribers take what the rings hold, then close.

        A subscriber has taken it all when it comes back for more. One that has not when
        *timeout* is over gets `SlowConsumerError`, and is in the report.

        Raises:
            ValueError: *timeout* is negative.
            TypeError: *timeout* is no ``timedelta``.
            HubClosedError: The hub is not open.
        """
        return await self._hub.drain(timeout)

    def follow(
        self,
        owner_id: str,
        resource_id: str,
        query: LogQuery | None = None,
        *,
        throttle: Throttle | None = Throttle.CLI,
        linger: timedelta | None = None,
        forget: bool = False,
        resume_from: Cursor | None = None,
    ) -> LogSource:
        """
        Read a log from now on, over one connection, however many subscribe.

        A log that is followed already with the same query stays as it is. One that
        failed or ended is followed anew.

        Args:
            owner_id: The organisation or user that owns it.
            resource_id: The application, or the add-on by its real id.
            query: What to read. None: from now on, for ever.
            throttle: How fast the server may send; by default what the official command
                line asks for, 2,000 entries per 100 ms. None: some 333 a second.
            linger: None: it is connected now and until it is unfollowed. A duration: its
                first subscriber connects it, and it is closed that long after the last
                one left.
            forget: Unfollow it the linger time (None: at once) after it ended or failed and,
                where it has a linger time, when nobody subscribed to it, asked `connected`
                or followed it again for so long. For a web application that follows what
                its URLs name: without it whatever was followed stays, and is told by
                `statistics`, until it is unfollowed.
            resume_from: Go on after this cursor of an earlier stream of the same log and
                query, in this process or another, the first time that it is connected.

        Returns: The key that tags its entries, for ``subscribe(sources=...)`` and `unfollow`.

        Raises:
            ValueError: An id or the query cannot be meant, or *linger* is negative.
            TypeError: An argument is of another type.
            HubClosedError: The hub is not open.
        """
        check_path_segment("owner_id", owner_id)
        check_path_segment("resource_id", resource_id)
        check_instance("query", query, (LogQuery, NoneType))
        check_instance("resume_from", resume_from, (Cursor, NoneType))
        query = query or LogQuery()
        source = LogSource(owner_id=owner_id, resource_id=resource_id, query=query)

        def tell(detail: NoticeDetail) -> None:
            self._hub.notify(source, detail)

        def make(resume_from: Cursor | None) -> EventStream[E]:
            return self._open_stream(
                owner_id,
                resource_id,
                query,
                throttle=throttle,
                options=self._options,
                resume_from=resume_from,
                on_reconnection=tell,
                on_bad_entry=tell,
                on_lag=tell,
            )

        self._hub.follow(source, _Log(make, resume_from), linger=linger, forget=forget)
        return source

    async def connected(
        self, source: LogSource, *, timeout: timedelta | None = timedelta(seconds=10)
    ) -> None:
        """
        Wait until a log is connected; one that is followed on demand is connected for it.

        So that a web application answers 404 for a log that is not there, before it
        answers 200 and sends entries::

            source = hub.follow(owner_id, name, linger=timedelta(seconds=30), forget=True)
            try:
                await hub.connected(source)
            except NotFoundError:
                raise web.HTTPNotFound from None
            return await relay.aiohttp(request, hub.subscribe(sources=[source]))

        Once it was connected that is so, also while it reconnects. Nor is there anything to
        wait for when it has come to its end by itself.

        Args:
            source: What `follow` gave.
            timeout: How long to wait at most. None: as long as it takes.

        Raises:
            NotFoundError: There is no such log, or nothing was ever logged to it.
            CleverError: The log failed otherwise, with its own error.
            SourceTimeoutError: It is not connected in time, but still being tried.
            KeyError: It is not followed, or no longer.
            ValueError: *timeout* is not positive.
            TypeError: An argument is of another type.
            HubClosedError: The hub is not open, or no longer.
        """
        check_instance("source", source, LogSource)
        await self._hub.connected(source, timeout=timeout)

    def unfollow(self, source: LogSource) -> None:
        """
        Read a log no longer: its stream is closed, its subscribers get what its ring holds.

        Raises:
            KeyError: It is not followed.
            TypeError: It is no `LogSource`.
        """
        check_instance("source", source, LogSource)
        self._hub.unfollow(source)

    @property
    def sources(self) -> tuple[LogSource, ...]:
        """
        What is followed, ended and failed logs included.
        """
        return self._hub.sources

    def subscribe(
        self,
        *,
        sources: Iterable[LogSource | str] | Callable[[LogSource], bool] | None = None,
        where: Callable[[E], object] | None = None,
        overflow: Overflow = Overflow.DROP_OLDEST,
        start: Start | HubCursor = Start.NOW,
        ordered: bool | timedelta = False,
        name: str | None = None,
    ) -> Subscription[LogSource, E]:
        """
        Make a subscription; it begins where it is entered (``async with``).

        Its items (``subscription.items()``) include a `Notice` with a `Reconnection` for
        each reconnection, and one with a `ResponseFormatError` for each entry that does
        not fit its model, the raw event attached.

        Args:
            sources: Which logs: what `follow` gave, or ids of applications that are
                followed, or a predicate over keys; None: all. With None or a predicate,
                what is followed later is included, from its first entry.
            where: Only entries that it accepts; see ``clever_v4.log_filters``.
            overflow: What happens when it falls a whole ring behind.
            start: Where to begin in the rings that exist, or after what was read before:
                the `HubCursor` of an earlier subscription.
            ordered: Hand entries over by their date, each held back so long for older
                ones of other sources; True: 250 ms. Later ones are passed on, and counted.
            name: For statistics and logs; None: a number.

        Raises:
            ValueError: One of *sources* is not followed, *ordered* is not positive or over 5
                minutes, *overflow* is no policy, or *name* is empty.
            TypeError: *sources* is one string, an argument is of another type, a predicate is
                a coroutine function, or *where* cannot be hashed.
            HubClosedError: The hub is not open.
        """
        return self._hub.subscribe(
            sources=self._wanted(sources),
            where=where,
            overflow=overflow,
            start=start,
            merge=_merge(ordered),
            name=name,
        )

    def _wanted(
        self, sources: Iterable[LogSource | str] | Callable[[LogSource], bool] | None
    ) -> Iterable[LogSource] | Callable[[LogSource], bool] | None:
        if sources is None or callable(sources):
            return sources
        if isinstance(sources, str | bytes) or not isinstance(sources, Iterable):
            raise TypeError(f"sources must be keys or a predicate, got {shown(sources)}")
        return [key for given in sources for key in self._keys(given)]

    def _keys(self, given: LogSource | str) -> list[LogSource]:
        check_instance("each of sources", given, (LogSource, str))
        if isinstance(given, LogSource):
            return [given]
        keys = [key for key in self._hub.sources if key.resource_id == given]
        if not keys:
            raise ValueError(f"sources must be followed, {given!r} is not")
        return keys

    def statistics(self) -> HubStatistics[LogSource]:
        """
        How every log and every subscriber stands; a frozen value.
        """
        return self._hub.statistics()


class LogHub(SessionHub[LogEntry]):
    """
    Follows the logs of applications.

    ```python
    async with LogHub(session) as hub:
        hub.follow(owner_id, application_id, throttle=Throttle.CLI)
        async with hub.subscribe(overflow=Overflow.DROP_OLDEST) as subscription:
            async for source, entry, _ in subscription:
                print(source.application_id, entry.message)
    ```
    """

    def _opener_of(self, logs: Logs) -> Callable[..., EventStream[LogEntry]]:
        return logs.stream


class AddonLogHub(SessionHub[AddonLogEntry]):
    """
    Follows the logs of add-ons, by their real ids.
    """

    def _opener_of(self, logs: Logs) -> Callable[..., EventStream[AddonLogEntry]]:
        return logs.addon_stream


class AccessLogHub(SessionHub[AccessLogEntry]):
    """
    Follows the accesses to applications and add-ons.
    """

    def _opener_of(self, logs: Logs) -> Callable[..., EventStream[AccessLogEntry]]:
        return logs.access_stream
