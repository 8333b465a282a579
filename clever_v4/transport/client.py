"""
One HTTP exchange: build, sign, send, retry, read; decode or raise.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from ssl import SSLContext
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
from yarl import URL

from clever_v4.auth import API_BASE_URL, Auth, AuthProvider
from clever_v4.errors import (
    APIError,
    DifferentEventLoopError,
    ResponseTooLargeError,
    SessionClosedError,
)

from .addresses import checked_base_url, is_loopback, join, target
from .converter import UNSET, converter, decode
from .credentials import Credentials
from .downloads import Download
from .exchange import Exchange, Faults, Sending, read_some, seconds
from .policies import ResponseInfo, Retry, Timeout, retry_decision
from .query import QueryPairs
from .responses import ERROR_BODY_LIMIT_BYTES, REQUEST_ID_HEADER, Response, is_success
from .streams import OpenStreams, StreamOpener

__all__ = ["VERSION", "Client"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A constant, since asking the package's metadata reads files: 8 ms, and blocking.
VERSION: Final = "0.1.0.dev0"
"""The version of this package, as pyproject.toml has it."""

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_METHODS: Final = _IDEMPOTENT | {"POST", "PATCH"}

# Money leaves as the number that it is, with all its digits.
_encode_json: Final = msgspec.json.Encoder(decimal_format="number").encode


class Client:
    """
    What every API group holds: requests with one session's credentials, retries and errors.

    Belongs to the event loop of its first use. Its requests share one bounded
    pool of connections; its streams have a connector of their own, so that
    any number of open streams never blocks a request.
    """

    def __init__(
        self,
        *,
        auth: Auth | AuthProvider | None = None,
        http: aiohttp.ClientSession | None = None,
        stream_http: aiohttp.ClientSession | None = None,
        base_url: str | URL | None = None,
        retry: Retry | None = None,
        timeout: Timeout | None = None,
        on_response: Callable[[ResponseInfo], None] | None = None,
        allow_insecure_http: bool = False,
        ssl: SSLContext | aiohttp.Fingerprint | bool = True,
        proxy: str | URL | None = None,
        trust_env: bool = False,
        max_connections: int = 100,
        max_streams: int = 10_000,
        max_response_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        _check_count("max_connections", max_connections)
        _check_count("max_streams", max_streams)
        _check_count("max_response_bytes", max_response_bytes)
        self._credentials = Credentials(auth)
        self._allow_insecure_http = allow_insecure_http
        self._base_url = None if base_url is None else checked_base_url("base_url", base_url)
        if self._base_url is None and self._credentials.known is not None:
            self._base_url = checked_base_url("auth.base_url", self._credentials.known.base_url)
        if self._base_url is None and not self._credentials.expected:
            self._base_url = URL(API_BASE_URL)
        if self._base_url is not None:
            self._check_clear_text(self._base_url)
        self._retry = retry
        # Imported here and not above: 12 ms that only a session needs, and not in mid-request.
        from stamina import retry_context

        self._retry_context = retry_context
        self.timeout = timeout or Timeout(connect=None, read=None, total=None)
        self._on_response = on_response
        self._trust_env = trust_env
        self._max_connections = max_connections
        self._max_response_bytes = max_response_bytes
        self.user_agent = f"clever-v4/{VERSION} aiohttp/{aiohttp.__version__}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._borrowed_http = http
        self._borrowed_stream_http = stream_http
        self._owned: list[aiohttp.ClientSession] = []
        self.slots = asyncio.Semaphore(max_connections)
        self.streams = OpenStreams(max_streams)
        self._options: dict[str, Any] = {"allow_redirects": False, "ssl": ssl, "proxy": proxy}
        # A borrowed session may be set to raise by itself; the answer is ours to judge.
        self._options["raise_for_status"] = False

    # --- life ------------------------------------------------------------------------

    @property
    def base_url(self) -> URL:
        """
        Where requests go.

        Raises:
            SessionClosedError: It follows from credentials that were not yet
                asked for.
        """
        if self._base_url is None:
            raise SessionClosedError("the base URL is not known before the credentials were asked")
        return self._base_url

    @property
    def base_url_known(self) -> bool:
        """
        Whether the base URL is known: it may follow from credentials not yet asked for.
        """
        return self._base_url is not None

    @property
    def closed(self) -> bool:
        """
        Whether it was closed.
        """
        return self._closed

    async def open(self) -> None:
        """
        Bind to the running event loop and ask for credentials that are still to be given.
        """
        self._bind()
        await self._current_auth()

    async def close(self) -> None:
        """
        Close what is owned; open streams and requests end with an error. Idempotent.

        Raises:
            DifferentEventLoopError: Called from another event loop.
        """
        if self._loop is not None and not self._loop.is_closed():
            self._check_loop()
        self._closed = True
        # Streams on a borrowed connector are ours to close, too.
        self.streams.close()
        owned, self._owned = self._owned, []
        for http in owned:
            await http.close()

    def _check_loop(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise DifferentEventLoopError(
                "the session belongs to another event loop; open one session in each event loop"
            )

    def _bind(self) -> None:
        """
        Open on first use, and refuse a closed session or a second event loop.
        """
        if self._closed:
            raise SessionClosedError("the session is closed")
        if self._loop is not None:
            self._check_loop()
            return
        self._loop = asyncio.get_running_loop()
        self.http = self._borrowed_http or self._own(self._max_connections)
        self.stream_http = self._borrowed_stream_http or self._own(0)

    def _own(self, limit: int) -> aiohttp.ClientSession:
        http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit),
            # The API sets no cookies, and none may travel from one answer to another request.
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._trust_env,
        )
        self._owned.append(http)
        return http

    # --- credentials and addresses -----------------------------------------------------

    def _check_clear_text(self, base: URL) -> None:
        if base.scheme == "https" or self._allow_insecure_http or not self._credentials.expected:
            return
        if not is_loopback(base.host or ""):
            raise ValueError(
                f"base_url would send the credentials in clear text, got {str(base)!r}; "
                "use https, or allow_insecure_http=True where the network is trusted"
            )

    async def _current_auth(self) -> Auth | None:
        auth = await self._credentials.current()
        self._learn_base_url(auth)
        return auth

    def _learn_base_url(self, auth: Auth | None) -> None:
        if self._base_url is None and auth is not None:
            base = checked_base_url("auth.base_url", auth.base_url)
            self._check_clear_text(base)
            self._base_url = base

    def address(self, tail: str) -> URL:
        """
        Put an encoded path and query after the base URL.
        """
        return join(self.base_url, tail)

    # --- requests ----------------------------------------------------------------------

    async def get(
        self,
        path: Sequence[str],
        type_: type[T],
        *,
        query: QueryPairs = (),
        accept: str = "application/json",
        authenticated: bool = True,
    ) -> T:
        """
        Get a resource as a model.

        Raises:
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer does not fit the model.
        """
        response = await self.request(
            "GET", path, query=query, accept=accept, authenticated=authenticated
        )
        return decode(type_, response.body, request_id=response.request_id)

    async def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: QueryPairs = (),
        json: object = UNSET,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        authenticated: bool = True,
    ) -> Response:
        """
        Send a request and read its answer whole.

        Args:
            method: The HTTP method.
            path: Its segments, each percent-encoded here.
            query: Pairs; a list repeats its key.
            json: What to send as the body: a model or plain values. None is
                sent as null, ``UNSET`` sends no body.
            accept: The ``Accept`` header.
            headers: More headers.
            idempotent: Whether it may be sent twice, and so be retried. None:
                as the method says (all but POST and PATCH).
            authenticated: Whether to send the credentials.

        Raises:
            APIError: The API refused.
            TransportError: There was no usable answer.
            ValueError: The method or a segment of the path is none.
        """
        exchange = self._exchange_of(method, path, query, json, accept, headers, authenticated)
        may_retry = exchange.method in _IDEMPOTENT if idempotent is None else idempotent
        return await self.with_retries(
            lambda: self.attempt(exchange, lambda auth: self._send(exchange, auth)), may_retry
        )

    def download(
        self,
        path: Sequence[str],
        *,
        accept: str,
        query: QueryPairs = (),
    ) -> Download:
        """
        Get a body in pieces, of any size: ``async with client.download(...) as download``.

        Opening it is retried as a request is; reading it is not.
        """
        return Download(self, self._exchange_of("GET", path, query, UNSET, accept, None, True))

    def stream_opener(self) -> StreamOpener:
        """
        Give what opens the connections of a stream.
        """
        return StreamOpener(self)

    def _exchange_of(
        self,
        method: str,
        path: Sequence[str],
        query: QueryPairs,
        json: object,
        accept: str,
        headers: Mapping[str, str] | None,
        authenticated: bool,
    ) -> Exchange:
        verb = method.upper()
        if verb not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(sorted(_METHODS))}, got {method!r}")
        sent = {"Accept": accept, "User-Agent": self.user_agent}
        body = None
        if json is not UNSET:
            body = _encode_json(converter.unstructure(json))
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        return Exchange(verb, target(path, query), sent, body=body, authenticated=authenticated)

    async def with_retries(self, attempt: Callable[[], Awaitable[T]], may_retry: bool) -> T:
        """
        Repeat what failed for passing reasons, as the session's `Retry` says.
        """
        policy = self._retry
        if policy is None or not may_retry:
            return await attempt()
        async for context in self._retry_context(
            on=lambda error: _is_passing(error) and retry_decision(error, policy),
            attempts=policy.attempts,
            timeout=policy.timeout,
            wait_initial=policy.wait_initial,
            wait_max=policy.wait_max,
            wait_jitter=policy.wait_jitter,
        ):
            with context:
                return await attempt()
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    async def attempt(self, exchange: Exchange, send: Callable[[Auth | None], Awaitable[T]]) -> T:
        """
        Send once; after a 401, once more with fresh credentials where they can be renewed.
        """
        self._bind()
        auth = None
        if exchange.authenticated or self._base_url is None:
            # Credentials also say where to go, even for what is sent without them.
            given = await self._current_auth()
            auth = given if exchange.authenticated else None
        try:
            return await send(auth)
        except APIError as error:
            if error.status != 401 or auth is None or not self._credentials.renewable:
                raise
            return await send(await self._credentials.renew(auth))

    async def _send(self, exchange: Exchange, auth: Auth | None) -> Response:
        async with self.slots:
            sending = self.prepare(exchange, auth)
            total = seconds(self.timeout.total)
            with Faults(sending):
                async with (
                    asyncio.timeout(total),
                    await self.http.request(**self.arguments(sending, self.http)) as raw,
                ):
                    if is_success(raw.status):
                        body = await self._read_all(raw)
                    else:
                        body = await read_some(raw, ERROR_BODY_LIMIT_BYTES)
            self.tell(sending, raw)
        if not is_success(raw.status):
            raise sending.error(raw, body)
        return Response(
            status=raw.status,
            headers=raw.headers,
            body=body,
            request_id=raw.headers.get(REQUEST_ID_HEADER),
        )

    async def _read_all(self, raw: aiohttp.ClientResponse) -> bytes:
        limit = self._max_response_bytes
        pieces: list[bytes] = []
        size = 0
        async for piece in raw.content.iter_any():
            size += len(piece)
            if size > limit:
                raise ResponseTooLargeError(
                    limit_bytes=limit, request_id=raw.headers.get(REQUEST_ID_HEADER)
                )
            pieces.append(piece)
        return b"".join(pieces)

    # --- both ------------------------------------------------------------------------------

    def prepare(self, exchange: Exchange, auth: Auth | None) -> Sending:
        """
        Sign one attempt.
        """
        self._bind()  # again: the session may have been closed while this waited
        url = exchange.url or self.address(exchange.target)
        headers = dict(exchange.headers)
        if auth is not None and not any(name.lower() == "authorization" for name in headers):
            headers["Authorization"] = auth.authorization(exchange.method, str(url))
        return Sending(exchange.method, url, headers, exchange.body, time.monotonic())

    def arguments(self, sending: Sending, http: aiohttp.ClientSession) -> dict[str, Any]:
        """
        Give what aiohttp's ``request`` takes for one attempt.
        """
        return sending.arguments(http, self.timeout, self._options)

    def tell(self, sending: Sending, raw: aiohttp.ClientResponse) -> None:
        """
        Log an answer and hand it to ``on_response``.
        """
        elapsed = time.monotonic() - sending.started
        request_id = raw.headers.get(REQUEST_ID_HEADER)
        logger.debug(
            "%s %s: HTTP %d in %.3f s, Sozu-Id %s",
            sending.method, sending.place, raw.status, elapsed, request_id,
        )  # fmt: skip
        if self._on_response is not None:
            self._on_response(
                ResponseInfo(
                    method=sending.method,
                    url=sending.place,
                    status=raw.status,
                    request_id=request_id,
                    elapsed=timedelta(seconds=elapsed),
                    headers=raw.headers,
                )
            )


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def _is_passing(error: Exception) -> bool:
    # A certificate does not become right by asking again.
    return not isinstance(error.__cause__, aiohttp.ClientSSLError)
