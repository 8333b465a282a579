"""
The session: credentials, connections, and the API groups that stand on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack, overload

import aiohttp
from yarl import URL

from clever_v4.api._event_stream import open_event_stream
from clever_v4.api.deployments import Deployments
from clever_v4.api.instances import Instances
from clever_v4.api.invoices import Invoices
from clever_v4.api.load_balancers import LoadBalancers
from clever_v4.api.logs import Logs
from clever_v4.api.owners import Owners
from clever_v4.api.pulsar import Pulsar
from clever_v4.api.zones import Zones
from clever_v4.auth import Auth, AuthProvider
from clever_v4.environment import find_credentials
from clever_v4.errors import ResponseFormatError
from clever_v4.streaming.policy import Reconnection, StreamOptions
from clever_v4.streaming.resume import Cursor
from clever_v4.streaming.stream import EventStream
from clever_v4.transport.client import Client
from clever_v4.transport.policies import ResponseInfo, Retry, Timeout
from clever_v4.transport.responses import Response
from clever_v4.validators import check_duration
from clever_v4.wire.names import UNSET
from clever_v4.wire.query import QueryLike, to_pairs

__all__ = ["Session"]

T = TypeVar("T")


class _Options(TypedDict, total=False):
    """
    What `Session` takes by name.
    """

    http: aiohttp.ClientSession | None
    stream_http: aiohttp.ClientSession | None
    base_url: str | URL | None
    retry: Retry | None
    timeout: Timeout | timedelta | None
    on_response: Callable[[ResponseInfo], None] | None
    allow_insecure_http: bool
    ssl: SSLContext | aiohttp.Fingerprint | bool
    proxy: str | URL | None
    trust_env: bool
    max_connections: int
    max_streams: int
    max_response_bytes: int
    max_header_bytes: int


class Session:
    """
    The way to the API: ``async with Session(ApiToken("...")) as session``.

    A session belongs to the event loop of its first use. It may be shared by
    any number of tasks there.

    Args:
        auth: `ApiToken`, `OAuth1`, an own `Auth`, or an async callable that
            gives one: it is asked at first and once more after a 401. None:
            only what needs no credentials works.
        http: An ``aiohttp.ClientSession`` to send requests with; it is left
            open at the end. None: the session opens and closes its own, with
            *max_connections*.
        stream_http: The same for streams, also where *http* is borrowed.
            None: the session opens and closes its own, whose connections are
            not limited but by *max_streams*, so that open streams never block
            a request. A borrowed one should have a connector without limit:
            once aiohttp's default of 100 are open, all else that goes through
            it waits.
        base_url: Where requests go. None: as the credentials say, which is
            ``https://api-bridge.clever-cloud.com`` for an API token and
            ``https://api.clever-cloud.com`` otherwise.
        retry: How idempotent requests are repeated. None: never.
        timeout: How long to wait; a ``timedelta`` is the whole of one attempt,
            the rest by default. None: for ever.
        on_response: Called with a `ResponseInfo` for every answer, each
            attempt and stream included; must be quick. What it raises reaches
            the caller of the request.
        allow_insecure_http: Send credentials over clear-text http to other
            hosts than this one (``localhost``, ``127.0.0.0/8``, ``::1``).
        ssl: As in aiohttp: an ``SSLContext``, a ``Fingerprint``, or False to
            trust any certificate.
        proxy: Address of an HTTP proxy, for requests and streams.
        trust_env: Obey ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` as they
            are now, for owned connections and where *proxy* is not given. What
            is on this machine (``localhost``, ``127.0.0.0/8``, ``::1``) is
            asked for directly. A ``~/.netrc`` is not read.
        max_connections: How many requests are under way at once; more wait.
        max_streams: How many streams may be open; one more is a
            `TooManyStreamsError`.
        max_response_bytes: Largest answer that is read whole; a larger one is
            a `ResponseTooLargeError`. Downloads and streams are not bound by it.
        max_header_bytes: Largest header of an answer, and largest status line;
            a larger one is a `ResponseTooLargeError`, of downloads and streams
            as well. The default is aiohttp's.

    Raises:
        ValueError: An argument cannot be meant; also when *base_url* or *proxy*
            would send the credentials in clear text over a network.
        TypeError: An argument is of another type.

    Attributes:
        logs: Log streams of applications and add-ons (`Logs`).
        deployments: Deployments of an application, and waiting for one (`Deployments`).
        instances: Instances of an application (`Instances`).
        invoices: Invoices and credit notes, and their files (`Invoices`).
        load_balancers: Load balancers of applications and add-ons (`LoadBalancers`).
        owners: Who owns an application or an add-on (`Owners`).
        pulsar: Storage policies of Pulsar add-ons (`Pulsar`).
        zones: Where applications and add-ons can run (`Zones`).
    """

    def __init__(
        self,
        auth: Auth | AuthProvider | None = None,
        *,
        http: aiohttp.ClientSession | None = None,
        stream_http: aiohttp.ClientSession | None = None,
        base_url: str | URL | None = None,
        retry: Retry | None = Retry(),  # noqa: B008 -- frozen
        timeout: Timeout | timedelta | None = Timeout(),  # noqa: B008 -- frozen
        on_response: Callable[[ResponseInfo], None] | None = None,
        allow_insecure_http: bool = False,
        ssl: SSLContext | aiohttp.Fingerprint | bool = True,
        proxy: str | URL | None = None,
        trust_env: bool = False,
        max_connections: int = 100,
        max_streams: int = 10_000,
        max_response_bytes: int = 64 * 1024 * 1024,
        max_header_bytes: int = 8190,
    ) -> None:
        if isinstance(timeout, timedelta):
            check_duration("timeout", timeout)
            timeout = Timeout(total=timeout)
        self._client = Client(
            auth=auth,
            http=http,
            stream_http=stream_http,
            base_url=base_url,
            retry=retry,
            timeout=timeout,
            on_response=on_response,
            allow_insecure_http=allow_insecure_http,
            ssl=ssl,
            proxy=proxy,
            trust_env=trust_env,
            max_connections=max_connections,
            max_streams=max_streams,
            max_response_bytes=max_response_bytes,
            max_header_bytes=max_header_bytes,
        )
        self.invoices: Invoices = Invoices(self._client)
        self.deployments: Deployments = Deployments(self._client)
        self.instances: Instances = Instances(self._client)
        self.load_balancers: LoadBalancers = LoadBalancers(self._client)
        self.logs: Logs = Logs(self._client)
        self.pulsar: Pulsar = Pulsar(self._client)
        self.owners: Owners = Owners(self._client)
        self.zones: Zones = Zones(self._client)

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str] | None = None, **options: Unpack[_Options]
    ) -> Self:
        """
        Make a session with the credentials found in the environment.

        Looks for ``CLEVER_API_TOKEN``, then ``CLEVER_TOKEN`` and
        ``CLEVER_SECRET``, then the file of the official CLI, whose active
        profile may also name another API host (see
        `clever_v4.find_credentials`).

        Args:
            environ: The variables to read; those of the process when None.
            options: What ``Session`` takes besides *auth*. A *base_url* among
                them wins over the profile's.

        Raises:
            CredentialsError: There are none, or they cannot be used.
            ValueError: An option cannot be meant.
            TypeError: *environ* is no mapping of texts, or an option is of another type.
        """
        found = find_credentials(environ)
        if options.get("base_url") is None:
            options["base_url"] = found.base_url
        session = cls(found.auth, **options)
        session._client.credentials_source = found.source
        return session

    # --- life ------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._client.open()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def aclose(self) -> None:
        """
        Do what `close` does; everything else that is closed has this name.
        """
        await self.close()

    @property
    def is_open(self) -> bool:
        """
        Whether the session was not closed.
        """
        return not self.closed

    async def close(self) -> None:
        """
        Close the connections that the session owns, and all of its streams. Idempotent.

        A borrowed *http* is left open.

        Raises:
            DifferentEventLoopError: Called from another event loop than its own.
        """
        await self._client.close()

    @property
    def closed(self) -> bool:
        """
        Whether the session was closed.
        """
        return self._client.closed

    @property
    def base_url(self) -> URL:
        """
        Where requests go.

        Raises:
            SessionClosedError: It follows from credentials that an async
                callable was not yet asked for.
        """
        return self._client.base_url

    @property
    def credentials_source(self) -> str | None:
        """
        Where `from_environment` found the credentials: the variables, or the file and its profile.

        An `AuthenticationError` names it, too. None: they were given.
        """
        return self._client.credentials_source

    @property
    def open_stream_count(self) -> int:
        """
        How many streams are open or opening, of *max_streams*.
        """
        return self._client.open_stream_count

    def __repr__(self) -> str:
        if not hasattr(self, "_client"):  # its arguments are refused: a traceback shows it so
            return f"<{type(self).__name__} not made>"
        base = (
            str(self._client.base_url) if self._client.base_url_known else "base URL not yet known"
        )
        state = "closed" if self.closed else "open"
        return f"<{type(self).__name__} {base} {state}>"

    # --- the rest of the API -----------------------------------------------------------

    async def request(
        self,
        method: str,
        path: str | Sequence[str],
        *,
        query: QueryLike = (),
        json: object = UNSET,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        authenticated: bool = True,
    ) -> Response:
        """
        Ask for what no group covers, with the session's credentials, retries and errors.

        Args:
            method: The HTTP method.
            path: ``"/v2/self"``, or its segments (``("v2", "self")``) where
                one holds a slash. Percent-encoded here.
            query: A mapping, whose lists repeat their key, or pairs. None is
                left out; datetimes, numbers and booleans are written as the
                API wants them.
            json: What to send: plain values or a model. None is sent as null;
                left out, there is no body.
            accept: The ``Accept`` header.
            headers: More headers; one of the same name wins.
            idempotent: Whether it may be sent twice and so be retried. None:
                all but POST and PATCH.
            authenticated: Whether to send the credentials.

        Returns:
            The answer, whose ``json()`` reads it as plain values or a model.

        Raises:
            APIError: The API refused.
            TransportError: There was no usable answer.
            ValueError: The method, the path or the query cannot be meant.
            TypeError: An argument is of another type.
        """
        return await self._client.request(
            method,
            _segments(path) if isinstance(path, str) else path,
            query=to_pairs(query),
            json=json,
            accept=accept,
            headers=headers,
            idempotent=idempotent,
            authenticated=authenticated,
        )

    @overload
    def stream(
        self,
        path: str | Sequence[str],
        *,
        event: str = ...,
        model: type[T],
        query: QueryLike = ...,
        is_resumable: bool = ...,
        is_bounded: bool = ...,
        options: StreamOptions | None = ...,
        resume_from: Cursor | None = ...,
        on_reconnection: Callable[[Reconnection], None] | None = ...,
        on_bad_entry: Callable[[ResponseFormatError], None] | None = ...,
    ) -> EventStream[T]: ...
    @overload
    def stream(
        self,
        path: str | Sequence[str],
        *,
        event: str = ...,
        query: QueryLike = ...,
        is_resumable: bool = ...,
        is_bounded: bool = ...,
        options: StreamOptions | None = ...,
        resume_from: Cursor | None = ...,
        on_reconnection: Callable[[Reconnection], None] | None = ...,
        on_bad_entry: Callable[[ResponseFormatError], None] | None = ...,
    ) -> EventStream[Any]: ...
    def stream(
        self,
        path: str | Sequence[str],
        *,
        event: str = "message",
        model: Any = Any,
        query: QueryLike = (),
        is_resumable: bool = True,
        is_bounded: bool = False,
        options: StreamOptions | None = None,
        resume_from: Cursor | None = None,
        on_reconnection: Callable[[Reconnection], None] | None = None,
        on_bad_entry: Callable[[ResponseFormatError], None] | None = None,
    ) -> EventStream[Any]:
        """
        Follow an event stream (Server-Sent Events) that no group covers, as a log stream is followed.

        It reconnects, notices silence, closes and is bounded as a log stream
        is; each event comes once and in order where the endpoint resumes.

        Args:
            path: ``"/v4/…"``, or its segments; as in `request`.
            event: Name of the events that are wanted; ``"message"`` is what
                events without a name have. `EventStream.events` gives others,
                too.
            model: What to structure their data into: a model, or ``list[…]``
                of one. Plain JSON values when left out.
            query: As in `request`.
            is_resumable: Whether the endpoint goes on after ``Last-Event-ID``.
                False: ids are not sent and mean nothing; what the server
                sends while there is no connection is lost.
            is_bounded: Whether the stream has an end: then END_OF_STREAM ends
                it. Otherwise the stream reconnects after it, as a live log
                does. A connection that ends without it is a cut either way.
            options: How the stream is kept alive. Where the endpoint sends no
                heartbeats, ``StreamOptions(heartbeat_timeout=None)``.
            resume_from: Continue after this cursor of an earlier stream of
                the same path, query and event.
            on_reconnection: Told of each reconnection: cause and delay.
            on_bad_entry: Told of each event whose data does not fit *model*,
                instead of failing.

        Raises:
            ValueError: The path, the query or *event* cannot be meant, or
                *resume_from* is of another stream.
            TypeError: An argument is of another type.
        """
        return open_event_stream(
            self._client,
            _segments(path) if isinstance(path, str) else path,
            to_pairs(query),
            event=event,
            model=model,
            is_resumable=is_resumable,
            is_bounded=is_bounded,
            options=options,
            resume_from=resume_from,
            on_reconnection=on_reconnection,
            on_bad_entry=on_bad_entry,
        )


def _segments(path: str) -> list[str]:
    if not path.startswith("/"):
        raise ValueError(f"path must begin with '/', got {path!r}")
    if "?" in path or "#" in path:
        raise ValueError(f"path must not hold a query or fragment (use query=), got {path!r}")
    return path[1:].split("/")
