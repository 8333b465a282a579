"""
How a session sends: where to, with which credentials, how often, and whom it tells.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from ssl import SSLContext
from types import NoneType
from typing import Any, Final, TypeVar

import aiohttp
from yarl import URL

from clever_v4.auth import API_BASE_URL, Auth, AuthProvider
from clever_v4.errors import AuthenticationError, SessionClosedError
from clever_v4.validators import check_callback, check_flag, check_instance

from .addresses import checked_base_url, is_loopback, join
from .connections import Connections
from .credentials import Credentials
from .exchange import Exchange, Sending, seconds
from .faults import Faults
from .policies import ResponseInfo, Retry, Timeout
from .proxies import Proxy, proxy_from, proxy_of_environment
from .retrying import Retrying

__all__ = ["Sender"]

logger: Final = logging.getLogger("clever_v4.requests")

T = TypeVar("T")


class Sender:
    """
    What requests, downloads and streams have in common: one session's way of sending.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        auth: Auth | AuthProvider | None,
        base_url: str | URL | None,
        retry: Retry | None,
        timeout: Timeout | None,
        on_response: Callable[[ResponseInfo], None] | None,
        allow_insecure_http: bool,
        ssl: SSLContext | aiohttp.Fingerprint | bool,
        proxy: str | URL | None,
        trust_env: bool,
        max_header_bytes: int,
    ) -> None:
        check_instance("retry", retry, (Retry, NoneType))
        check_instance("timeout", timeout, (Timeout, NoneType))
        if on_response is not None:
            check_callback("on_response", on_response)
        check_flag("allow_insecure_http", allow_insecure_http)
        check_instance("ssl", ssl, (SSLContext, aiohttp.Fingerprint, bool))
        check_flag("trust_env", trust_env)
        self.connections = connections
        self.credentials_source: str | None = None
        self.timeout: Timeout = timeout or Timeout(connect=None, read=None, total=None)
        self._credentials = Credentials(auth)
        self._allow_insecure_http = allow_insecure_http
        self._proxy = proxy_from(proxy)
        self._trust_env = trust_env
        self._proxy_of_environment: Proxy | None = None
        self._header_limit_bytes = max_header_bytes
        self._options: Mapping[str, Any] = {"ssl": ssl}
        connect_s, read_s = seconds(self.timeout.connect), seconds(self.timeout.read)
        # *sock_connect* knows neither the look-up of a name nor a proxy's consent; *connect* does.
        self._patience = aiohttp.ClientTimeout(
            total=None, connect=connect_s, sock_connect=connect_s, sock_read=read_s
        )
        self._endless_patience = aiohttp.ClientTimeout(
            total=None, connect=connect_s, sock_connect=connect_s, sock_read=None
        )
        self._read_s = read_s
        self._retrying = None if retry is None else Retrying(retry)
        self._on_response = on_response
        self._base_url: URL | None = None
        if base_url is not None:
            self._go_to("base_url", base_url)
        elif self._credentials.known is not None:
            self._go_to("auth.base_url", self._credentials.known.base_url)
        elif not self._credentials.expected:
            self._go_to("base_url", API_BASE_URL)

    # --- where to ------------------------------------------------------------------------

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

    def address(self, tail: str) -> URL:
        """
        Put an encoded path and query after the base URL.
        """
        return join(self.base_url, tail)

    def _go_to(self, name: str, value: str | URL) -> None:
        self._base_url = self._checked(name, value)
        if self._trust_env:
            self._proxy_of_environment = proxy_of_environment(self._base_url)

    def _checked(self, name: str, value: str | URL) -> URL:
        base = checked_base_url(name, value)
        if base.scheme == "https" or self._allow_insecure_http or not self._credentials.expected:
            return base
        if not is_loopback(base.host):
            sent = f"base_url would send the credentials in clear text, got {str(base)!r}"
        elif self._proxy is not None and not self._proxy.is_loopback:
            # Its address is not shown: it may hold a password.
            sent = f"proxy would be sent the credentials for {str(base)!r} in clear text"
        else:
            return base
        raise ValueError(
            f"{sent}; use https, or allow_insecure_http=True where the network is trusted"
        )

    # --- with which credentials ---------------------------------------------------------------

    async def current_auth(self) -> Auth | None:
        """
        Give the credentials in use, asking for the first ones where they were not given.
        """
        auth = await self._credentials.current()
        if self._base_url is None and auth is not None:
            self._go_to("auth.base_url", auth.base_url)
        return auth

    async def attempt(
        self, exchange: Exchange, send: Callable[[Exchange, Auth | None], Awaitable[T]]
    ) -> T:
        """
        Send once; after a 401, once more with fresh credentials where they can be renewed.
        """
        self.connections.bind()
        auth = None
        if exchange.authenticated or self._base_url is None:
            # Credentials also say where to go, even for what is sent without them.
            given = await self.current_auth()
            auth = given if exchange.authenticated else None
        asked_count = self._credentials.asked_count
        try:
            return await send(exchange, auth)
        except AuthenticationError as error:
            if auth is not None:
                error.credentials_source = self.credentials_source
            if auth is None or not self._credentials.renewable:
                raise
        return await send(exchange, await self._credentials.renew(asked_count))

    def prepare(self, exchange: Exchange, auth: Auth | None) -> Sending:
        """
        Sign one attempt.
        """
        self.connections.bind()  # again: the session may have been closed while this waited
        url = exchange.url or self.address(exchange.target)
        signature = None if auth is None else auth.authorization(exchange.method, str(url))
        return Sending(exchange, url, signature, header_limit_bytes=self._header_limit_bytes)

    # --- how often ------------------------------------------------------------------------------

    async def with_retries(
        self, exchange: Exchange, attempt: Callable[[], Awaitable[T]], may_retry: bool
    ) -> T:
        """
        Repeat what failed for passing reasons, as the session's `Retry` says.
        """
        if self._retrying is None or not may_retry:
            return await attempt()
        if self._base_url is None:
            await self.current_auth()  # credentials say where to go
        place = str(self.address(exchange.target)).partition("?")[0]
        return await self._retrying.run(attempt, method=exchange.method, place=place)

    # --- one attempt, and whom it is told -----------------------------------------------------------

    def send(
        self, sending: Sending, http: aiohttp.ClientSession, *, endless: bool = False
    ) -> Awaitable[aiohttp.ClientResponse]:
        """
        Send one attempt and wait for the head of its answer.

        Args:
            sending: What to send.
            http: What to send it with.
            endless: Whether the answer may be silent for any time, as a stream.
        """
        # No coroutine of our own in between: thousands of streams may be opening.
        timeout = self._endless_patience if endless else self._patience
        proxy = self._proxy
        if proxy is None and self.connections.owns(http):
            proxy = self._proxy_of_environment
        # Where a stream ends it says so; what it is compressed with is aiohttp's concern.
        return sending.send(http, timeout, proxy, self._options, is_decoded=endless)

    def opening(self, sending: Sending) -> asyncio.Timeout:
        """
        Bound, in an ``async with``, how long the head of the answer may take: ``timeout.read``.

        A server that says a little of it now and then is never silent, and yet
        does not answer. What is sent with a body takes its own time.
        """
        return asyncio.timeout(None if sending.body else self._read_s)

    def exchanging(self, sending: Sending) -> Faults:
        """
        Turn faults into ours in a ``with``, and tell of the answer, also of one that broke off.
        """
        return Faults(sending, self._tell)

    def _tell(self, sending: Sending) -> None:
        """
        Log what came of an attempt, and hand an answer to ``on_response``.
        """
        elapsed = time.monotonic() - sending.started
        told = {"method": sending.method, "url": sending.place, "elapsed_s": elapsed}
        if sending.answer is None:
            logger.debug(
                "%s %s: no answer after %.3f s", sending.method, sending.place, elapsed, extra=told
            )
            return
        logger.debug(
            "%s %s: HTTP %d in %.3f s, Sozu-Id %s",
            sending.method, sending.place, sending.status, elapsed, sending.request_id,
            extra={**told, "status": sending.status, "sozu_id": sending.request_id},
        )  # fmt: skip
        if self._on_response is not None:
            self._on_response(
                ResponseInfo(
                    method=sending.method,
                    url=sending.place,
                    status=sending.status,
                    request_id=sending.request_id,
                    elapsed=timedelta(seconds=elapsed),
                    headers=sending.response_headers,
                )
            )
