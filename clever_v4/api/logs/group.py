"""
The coroutines' side of logs: which address, which event, which model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from types import NoneType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from yarl import URL

from clever_v4.errors import ResponseFormatError
from clever_v4.streaming.lag import Lag
from clever_v4.streaming.policy import Reconnection, StreamOptions
from clever_v4.streaming.resume import Cursor
from clever_v4.streaming.source import Opener
from clever_v4.streaming.stream import EventStream
from clever_v4.streaming.subject import Subject
from clever_v4.transport.client import Client
from clever_v4.transport.streams import StreamOpener
from clever_v4.validators import check_callback, check_instance
from clever_v4.wire.converter import converter
from clever_v4.wire.ids import IdKind, check_id

from .entries import AccessLogEntry, AddonLogEntry, LogEntry
from .query import LogQuery, Throttle

__all__ = ["LogStream", "Logs"]

T = TypeVar("T")


class LogStream(EventStream[T]):
    """
    The entries of one log, each once and in the server's order: see `EventStream`.
    """

    __slots__ = ()


class _Kind(NamedTuple, Generic[T]):
    """
    What tells one kind of log from another.

    Attributes:
        stream: For messages.
        refused: Members of a query that this kind does not take.
    """

    stream: str
    event_type: bytes
    model: type[T]
    refused: tuple[str, ...] = ()


class _Address:
    """
    The address of one log.
    """

    __slots__ = ("_opener", "_path", "_query", "_throttle")

    def __init__(
        self,
        opener: StreamOpener,
        path: Sequence[str],
        query: LogQuery,
        throttle: Throttle | None,
    ) -> None:
        self._opener = opener
        self._path = path
        self._query = query
        self._throttle = throttle

    def __call__(self, limit: int | None, since: datetime | None) -> URL:
        pairs = self._query.pairs(limit=limit, since=since)
        return self._opener.url(
            self._path, [*pairs, *(self._throttle.pairs() if self._throttle else ())]
        )


class Logs:
    """
    Follow or read the logs of applications and add-ons as streams.

    Each gives a `LogStream`: an async context manager (entering it connects)
    and async generator of entries.
    """

    def __init__(
        self, client: Client, *, through: Callable[[Opener], Opener] | None = None
    ) -> None:
        self._client = client
        self._through = through

    def through(self, wrap: Callable[[Opener], Opener]) -> Logs:
        """
        Give the same logs with every connection opened by what *wrap* makes of the session's opener.

        For whoever follows many: each attempt to connect, reconnections included,
        passes through it, so that it can be counted or put off.

        Raises:
            TypeError: *wrap* is no function.
        """
        check_callback("wrap", wrap)
        return Logs(self._client, through=wrap)

    def stream(
        self,
        owner_id: str,
        application_id: str,
        query: LogQuery | None = None,
        *,
        throttle: Throttle | None = Throttle.CLI,
        options: StreamOptions | None = None,
        resume_from: Cursor | None = None,
        on_reconnection: Callable[[Reconnection], None] | None = None,
        on_bad_entry: Callable[[ResponseFormatError], None] | None = None,
        on_lag: Callable[[Lag], None] | None = None,
    ) -> LogStream[LogEntry]:
        """
        Follow the log of an application until it ends or is closed.

        Args:
            owner_id: The organisation or user that owns the application.
            application_id: The application, ``app_…``.
            query: What to read. None: from now on, for ever.
            throttle: How fast the server may send; by default what the
                official command line asks for, 2,000 entries per 100 ms. None:
                nothing is asked for, and the server sends some 333 a second,
                behind which a log that is written faster falls without a word.
            options: How the stream is kept alive and ended.
            resume_from: Continue after this cursor of an earlier stream with
                the same query, in this process or another.
            on_reconnection: Called before each reconnection with its cause
                and delay.
            on_bad_entry: Called with the error for an entry that does not fit
                its model, the raw event attached. None: the error is raised,
                and iterating again goes on after it.
            on_lag: Called when a stream without an end falls further and
                further behind, and again when it has caught up; see `Lag`. A
                warning is logged, too, once until then.

        Raises:
            ValueError: An id cannot be part of a path, the query is not one, or nothing can come:
                ``until`` is past, and neither ``since`` nor a cursor says where to begin.
            TypeError: An argument is of another type.

        While iterating:
            AuthenticationError: The credentials were refused (401).
            NeverLoggedError: There is no such application, or it never logged
                (see ``StreamOptions.wait_for_first_log``).
            ReconnectionGaveUpError: The attempts that the options allow are used up.
            EventTooLargeError: An event exceeds the cap.
            ResponseFormatError: An entry does not fit its model.
            TooManyStreamsError: The session's bound on open streams is reached.

        Source: ``GET /v4/logs/organisations/{ownerId}/applications/{applicationId}/logs``
        (reference of API v4; clever-client.js, ``esm/streams/application-logs.ts``).
        """
        path = ("v4", "logs", "organisations", owner_id, "applications", application_id, "logs")
        return self._open(
            _checked(path, owner_id, application_id=(application_id, IdKind.APPLICATION)),
            _APPLICATION,
            query,
            throttle,
            options=options,
            resume_from=resume_from,
            on_reconnection=on_reconnection,
            on_bad_entry=on_bad_entry,
            on_lag=on_lag,
        )

    def addon_stream(
        self,
        owner_id: str,
        addon_id: str,
        query: LogQuery | None = None,
        *,
        throttle: Throttle | None = Throttle.CLI,
        options: StreamOptions | None = None,
        resume_from: Cursor | None = None,
        on_reconnection: Callable[[Reconnection], None] | None = None,
        on_bad_entry: Callable[[ResponseFormatError], None] | None = None,
        on_lag: Callable[[Lag], None] | None = None,
    ) -> LogStream[AddonLogEntry]:
        """
        Follow the log of an add-on; everything else as `stream`.

        Args:
            owner_id: The organisation or user that owns the add-on.
            addon_id: The add-on's *real* id (``postgresql_…``), not ``addon_…``.
            query: What to read; ``services`` is for applications only.
            throttle: As in `stream`.
            options: As in `stream`.
            resume_from: As in `stream`.
            on_reconnection: As in `stream`.
            on_bad_entry: As in `stream`.
            on_lag: As in `stream`.

        Raises:
            ValueError: An id cannot be part of a path, is not a real id, or
                the query has members that this stream does not take.

        Source: ``GET /v4/logs/organisations/{ownerId}/resources/{addonId}/logs``
        (clever-client.js; clever-tools, ``logs.command.js``).
        """
        path = ("v4", "logs", "organisations", owner_id, "resources", addon_id, "logs")
        return self._open(
            _checked(path, owner_id, addon_id=(_real("addon_id", addon_id), IdKind.REAL)),
            _ADDON,
            query,
            throttle,
            options=options,
            resume_from=resume_from,
            on_reconnection=on_reconnection,
            on_bad_entry=on_bad_entry,
            on_lag=on_lag,
        )

    def access_stream(
        self,
        owner_id: str,
        resource_id: str,
        query: LogQuery | None = None,
        *,
        throttle: Throttle | None = Throttle.CLI,
        options: StreamOptions | None = None,
        resume_from: Cursor | None = None,
        on_reconnection: Callable[[Reconnection], None] | None = None,
        on_bad_entry: Callable[[ResponseFormatError], None] | None = None,
        on_lag: Callable[[Lag], None] | None = None,
    ) -> LogStream[AccessLogEntry]:
        """
        Follow the accesses to an application or an add-on; everything else as `stream`.

        Args:
            owner_id: The organisation or user that owns it.
            resource_id: The application, or the add-on's *real* id: with
                ``addon_…`` the API streams nothing, silently (clever-tools
                #1126), so that is refused here.
            query: What to read: ``since``, ``until``, ``limit`` and ``fields``.
            throttle: As in `stream`.
            options: As in `stream`.
            resume_from: As in `stream`.
            on_reconnection: As in `stream`.
            on_bad_entry: As in `stream`.
            on_lag: As in `stream`.

        Raises:
            ValueError: An id cannot be part of a path, is not a real id, or
                the query has members that this stream does not take.

        Source: ``GET /v4/accesslogs/organisations/{ownerId}/applications/{id}/accesslogs``
        (clever-client.js; the parameters from the server's OpenAPI).
        """
        path = (
            *("v4", "accesslogs", "organisations", owner_id),
            *("applications", resource_id, "accesslogs"),
        )
        return self._open(
            _checked(
                path,
                owner_id,
                resource_id=(_real("resource_id", resource_id), IdKind.APPLICATION, IdKind.REAL),
            ),
            _ACCESS,
            query,
            throttle,
            options=options,
            resume_from=resume_from,
            on_reconnection=on_reconnection,
            on_bad_entry=on_bad_entry,
            on_lag=on_lag,
        )

    def _open(
        self,
        path: tuple[str, ...],
        kind: _Kind[T],
        query: LogQuery | None,
        throttle: Throttle | None,
        **given: Any,
    ) -> LogStream[T]:
        check_instance("throttle", throttle, (Throttle, NoneType))
        check_instance("query", query, (LogQuery, NoneType))
        if query is not None:
            query.refuse(kind.stream, *kind.refused)
        fixed = (query or _FROM_NOW_ON).fixed(resumes=given.get("resume_from") is not None)
        opener = self._client.stream_opener()
        subject = Subject(
            name=path[5],
            key="/".join(path[1:]),
            labels={"owner": path[3], "resource": path[5]},
            opener=self._through(opener) if self._through is not None else opener,
            url=_Address(opener, path, fixed, throttle),
            event_type=kind.event_type,
            read=converter.get_loads_hook(kind.model),
            date_of=_date_of,
            is_live=fixed.since is None,
            until=fixed.until,  # type: ignore[arg-type]  # a fixed query has no timedelta
            limit=fixed.limit,
        )
        return LogStream(subject, **given)


_date_of: Final[Callable[[Any], datetime | None]] = attrgetter("date")
_FROM_NOW_ON: Final = LogQuery()
_APPLICATION: Final = _Kind("an application's log", b"APPLICATION_LOG", LogEntry)
_ADDON: Final = _Kind(
    "an add-on's log", b"RESOURCE_LOG", AddonLogEntry, ("services", "deployment_id")
)
_ACCESS: Final = _Kind(
    "an access log",
    b"ACCESS_LOG",
    AccessLogEntry,
    ("services", "deployment_id", "instance_ids", "filter"),
)


def _checked(
    path: tuple[str, ...], owner_id: str, **arguments: tuple[str, *tuple[IdKind, ...]]
) -> tuple[str, ...]:
    check_id("owner_id", owner_id, IdKind.OWNER)
    for name, (value, *kinds) in arguments.items():
        check_id(name, value, *kinds)
    return path


def _real(name: str, id_: str) -> str:
    if str(id_).startswith("addon_"):
        raise ValueError(
            f"{name} must be the add-on's real id (such as postgresql_…) for log streams, "
            f"got {id_!r}; session.owners finds it"
        )
    return id_
