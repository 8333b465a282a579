"""
What is asked, and how one attempt of it is sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from clever_v4.errors import APIError

from .addresses import is_loopback
from .bodies import Body
from .proxies import Proxy
from .redaction import Hidden, redact, secrets_in
from .responses import ERROR_BODY_LIMIT_BYTES, REQUEST_ID_HEADER, error_from

__all__ = [
    "USER_AGENT",
    "VERSION",
    "Exchange",
    "Sending",
    "UnrepeatedError",
    "seconds",
]

# A constant, since asking the package's metadata reads files: 8 ms, and blocking.
VERSION: Final = "0.1.0.dev0"
"""The version of this package, as pyproject.toml has it."""

USER_AGENT: Final = f"clever-v4/{VERSION} aiohttp/{aiohttp.__version__}"

_REFUSAL_S: Final = 5.0


class Exchange:
    """
    What is asked, before it is signed.

    Args:
        method: The HTTP method.
        target: The encoded path and query, for after the base URL.
        headers: Ours.
        more: The caller's, which win over ours of the same name; an
            ``Authorization`` among them is sent instead of a signature.
        body: What is sent with it.
        authenticated: Whether credentials are sent.
        url: The whole address, where it is known already.
    """

    __slots__ = ("authenticated", "authorization", "body", "headers", "method", "target", "url")

    def __init__(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        more: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        authenticated: bool = True,
        url: URL | None = None,
    ) -> None:
        self.method: str = method
        self.target: str = target
        self.headers: CIMultiDict[str] = CIMultiDict(headers)
        self.headers.update(more or {})
        self.authorization: str | None = self.headers.pop(hdrs.AUTHORIZATION, None)
        self.body: bytes | None = body
        self.authenticated: bool = authenticated
        self.url: URL | None = url


class Sending:
    """
    One attempt, signed; once sent, also the head of its answer.

    The answer is no variable of who handles it: its ``repr`` shows its headers
    and its reason, in which a server may send back what it was sent.
    """

    __slots__ = (
        "answer",
        "authorization",
        "body",
        "header_limit_bytes",
        "headers",
        "method",
        "proxy",
        "request_id",
        "started",
        "url",
    )

    def __init__(
        self,
        exchange: Exchange,
        url: URL,
        signature: str | None,
        *,
        header_limit_bytes: int,
    ) -> None:
        self.method: str = exchange.method
        self.url: URL = url
        self.body: bytes | None = exchange.body
        self.headers: CIMultiDict[str] = exchange.headers
        if exchange.authorization is not None:
            signature = exchange.authorization
        self.authorization: Hidden | None = None if signature is None else Hidden(signature)
        self.header_limit_bytes: int = header_limit_bytes
        self.proxy: Proxy | None = None
        self.started: float = time.monotonic()
        self.answer: aiohttp.ClientResponse | None = None
        self.request_id: str | None = None
        """The ``Sozu-Id`` of the answer, once there is one; it is shown, so nothing secret is in it."""

    @property
    def place(self) -> str:
        """
        The address without its query, which may hold private text.
        """
        return str(self.url).partition("?")[0]

    @property
    def secrets(self) -> tuple[str, ...]:
        """
        What must not be shown.
        """
        ours = secrets_in(self.authorization)
        return ours if self.proxy is None else (*ours, *self.proxy.secrets)

    @property
    def private(self) -> tuple[str, ...]:
        """
        What must not be shown where a server sends the request itself back: the query as well.
        """
        query = {self.url.raw_query_string, self.url.query_string} - {""}
        return (*self.secrets, *sorted(query))

    @property
    def status(self) -> int:
        """
        The status of the answer, once there is one.
        """
        return self._answered.status

    @property
    def response_headers(self) -> Mapping[str, str]:
        """
        The headers of the answer, once there is one; case-insensitive.
        """
        return self._answered.headers

    @property
    def _answered(self) -> aiohttp.ClientResponse:
        assert self.answer is not None  # noqa: S101 -- a fact of the callers
        return self.answer

    def close(self) -> None:
        """
        Close the answer, if there is one, and its connection with it.
        """
        if self.answer is not None:
            self.answer.close()

    def send(
        self,
        http: aiohttp.ClientSession,
        timeout: aiohttp.ClientTimeout,
        proxy: Proxy | None,
        options: Mapping[str, Any],
        *,
        is_decoded: bool,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """
        Send it, and wait for the head of the answer.
        """
        self.proxy = proxy
        headers = self.headers
        proxy_headers = None
        if proxy is not None and proxy.authorization is not None:
            # A tunnel's request to the proxy has headers of its own; in clear text there is one.
            told = {hdrs.PROXY_AUTHORIZATION: proxy.authorization}
            if self.url.scheme == "https":
                proxy_headers = told
            else:
                headers = CIMultiDict(headers)
                headers.update(told)
        return http.request(
            self.method,
            self.url,
            headers=headers,
            proxy=None if proxy is None else proxy.url,
            proxy_headers=proxy_headers,
            max_line_size=self.header_limit_bytes,
            max_field_size=self.header_limit_bytes,
            data=self.body,
            timeout=timeout,
            # Middlewares of a request replace those of its session: a lender's stay in force.
            middlewares=(*getattr(http, "_middlewares", ()), self._send_once),
            # A request without a body has no type either; ours say theirs. aiohttp gives none to GET.
            skip_auto_headers=None if self.method == hdrs.METH_GET else (hdrs.CONTENT_TYPE,),
            allow_redirects=False,
            # A borrowed session may be set otherwise; the answer is ours to read and to judge.
            raise_for_status=False,
            auto_decompress=is_decoded,
            **options,
        )

    async def _send_once(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """
        Put the signature on, and keep aiohttp from sending it twice (a client middleware).

        It repeats GET, PUT, DELETE and the like once after a broken connection,
        with the same signature, whose nonce may be used up, and uncounted. The
        session's own retries sign afresh.
        """
        if self.proxy is None and self._leaves_in_vain(request):
            request.update_proxy(None, None, None)
        if self.authorization is not None:
            # Only here, since aiohttp refuses a header beside what it finds by itself: in a
            # ~/.netrc, by trust_env, or as the default of a borrowed session.
            request.headers[hdrs.AUTHORIZATION] = self.authorization
        try:
            self.answer = await handler(request)
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
            raise  # never repeated
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
            raise UnrepeatedError(str(exc)) from exc
        request_id = self.answer.headers.get(REQUEST_ID_HEADER)
        if request_id is not None:
            self.request_id = redact(request_id, self.secrets)
        return self.answer

    @staticmethod
    def _leaves_in_vain(request: aiohttp.ClientRequest) -> bool:
        """
        Tell whether a borrowed session would ask for what is on this machine through a proxy that
        is not, in clear text: it would read the credentials.
        """
        return (
            request.proxy is not None
            and request.url.scheme == "http"
            and is_loopback(request.url.host)
            and not is_loopback(request.proxy.host)
        )

    async def refusal(self, *, is_decoded: bool = False) -> APIError:
        """
        Make the error that the answer to this stands for.
        """
        return error_from(
            self.status,
            self.response_headers,
            await self.read_refusal(is_decoded=is_decoded),
            method=self.method,
            url=self.place,
            now=datetime.now(UTC),
            secrets=self.secrets,
        )

    def body_of_answer(self, *, is_decoded: bool = False) -> Body:
        """
        Give what reads the body of the answer, once there is one.

        Args:
            is_decoded: Whether aiohttp was made to decode it.
        """
        return Body(self._answered, is_decoded=is_decoded)

    async def read_refusal(self, *, is_decoded: bool = False) -> bytes:
        """
        Read the beginning of a refusal's body; what is beyond is left, and the connection closed.
        """
        pieces: list[bytes] = []
        size = 0
        # The status is what matters: a body that breaks off or stalls says less, not nothing.
        try:
            async with asyncio.timeout(_REFUSAL_S):
                body = self.body_of_answer(is_decoded=is_decoded)
                while piece := await body.read():
                    pieces.append(piece)
                    size += len(piece)
                    if size >= ERROR_BODY_LIMIT_BYTES:
                        self.close()
                        break
                body.close()
        except (aiohttp.ClientError, OSError):
            self.close()
        return b"".join(pieces)[:ERROR_BODY_LIMIT_BYTES]


class UnrepeatedError(aiohttp.ClientError):
    """
    A broken connection, in a form that aiohttp does not repeat by itself.
    """


def seconds(duration: timedelta | None) -> float | None:
    """
    Take a duration to what asyncio and aiohttp count in.
    """
    return None if duration is None else duration.total_seconds()
