"""
What is asked, how one attempt of it is sent, and what its faults mean.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from clever_v4.errors import (
    APIError,
    CleverError,
    ConnectionFailedError,
    RequestTimeoutError,
    SessionClosedError,
)

from .redaction import redact, secrets_in
from .responses import ERROR_BODY_LIMIT_BYTES, REQUEST_ID_HEADER, error_from

__all__ = ["USER_AGENT", "VERSION", "Exchange", "Faults", "Sending", "read_refusal", "seconds"]

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
        self.method = method
        self.target = target
        self.headers = CIMultiDict(headers)
        self.headers.update(more or {})
        self.authorization = self.headers.pop(hdrs.AUTHORIZATION, None)
        self.body = body
        self.authenticated = authenticated
        self.url = url


class Hidden(str):
    """
    A header's value that no repr shows: neither aiohttp's errors', nor that of a traceback's locals.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[redacted]'"


class Sending:
    """
    One attempt, signed; once sent, also the head of its answer.
    """

    __slots__ = (
        "answer",
        "authorization",
        "body",
        "headers",
        "method",
        "started",
        "url",
    )

    def __init__(self, exchange: Exchange, url: URL, signature: str | None) -> None:
        self.method = exchange.method
        self.url = url
        self.body = exchange.body
        self.headers = exchange.headers
        if exchange.authorization is not None:
            signature = exchange.authorization
        self.authorization = None if signature is None else Hidden(signature)
        self.started = time.monotonic()
        self.answer: aiohttp.ClientResponse | None = None

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
        return secrets_in(self.authorization)

    @property
    def request_id(self) -> str | None:
        """
        The ``Sozu-Id`` of the answer, once there is one.
        """
        return None if self.answer is None else self.answer.headers.get(REQUEST_ID_HEADER)

    def send(
        self,
        http: aiohttp.ClientSession,
        timeout: aiohttp.ClientTimeout,
        options: Mapping[str, Any],
    ) -> Awaitable[aiohttp.ClientResponse]:
        """
        Send it, and wait for the head of the answer.
        """
        return http.request(
            self.method,
            self.url,
            headers=self.headers,
            data=self.body,
            timeout=timeout,
            # Middlewares of a request replace those of its session: a lender's stay in force.
            middlewares=(*getattr(http, "_middlewares", ()), self._send_once),
            # A request without a body has no type either; ours say theirs. aiohttp gives none to GET.
            skip_auto_headers=None if self.method == hdrs.METH_GET else (hdrs.CONTENT_TYPE,),
            allow_redirects=False,
            # A borrowed session may be set otherwise; the answer is ours to read and to judge.
            raise_for_status=False,
            auto_decompress=True,
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
        if self.authorization is not None:
            # Only here, since aiohttp refuses a header beside what it finds by itself: in a
            # ~/.netrc, by trust_env, or as the default of a borrowed session.
            request.headers[hdrs.AUTHORIZATION] = self.authorization
        try:
            self.answer = await handler(request)
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
            raise  # never repeated
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
            raise _UnrepeatedError(str(exc)) from exc
        return self.answer

    def refusal(self, raw: aiohttp.ClientResponse, body: bytes) -> APIError:
        """
        Make the error that an answer to this stands for.
        """
        return error_from(
            raw.status,
            raw.headers,
            body,
            method=self.method,
            url=self.place,
            now=datetime.now(UTC),
            secrets=self.secrets,
        )


class _UnrepeatedError(aiohttp.ClientError):
    """
    A broken connection, in a form that aiohttp does not repeat by itself.
    """


class Faults:
    """
    Turns aiohttp's faults, and the operating system's, into ours.

    Args:
        sending: The attempt that they belong to.
        tell: Called at the end with the attempt, whose answer may have broken
            off, or may never have come.
    """

    __slots__ = ("_sending", "_tell")

    def __init__(self, sending: Sending, tell: Callable[[Sending], None] | None = None) -> None:
        self._sending = sending
        self._tell = tell

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._tell is not None and (exc is None or isinstance(exc, Exception)):
            self._tell(self._sending)
        if isinstance(exc, _UnrepeatedError):
            exc = exc.__cause__
        error = self._translate(exc)
        if error is None:
            return
        error.__cause__ = _without_request(exc)
        # What aiohttp raised may hold the request's headers, query and proxy: it goes no further,
        # neither as a context nor as a variable that a traceback shows.
        del exc, traceback
        try:
            raise error
        finally:
            error.__context__ = None

    def _translate(self, exc: BaseException | None) -> CleverError | None:
        sending = self._sending
        where = f"{sending.method} {sending.place}"
        if isinstance(exc, CleverError):
            return None
        if isinstance(exc, TimeoutError):
            wanted = "connection" if _is_connecting(exc) else "complete answer"
            waited = time.monotonic() - sending.started
            text = f"{where}: no {wanted} after {waited:.1f} s"
            return RequestTimeoutError(text, request_id=sending.request_id)
        if isinstance(exc, aiohttp.ClientError | OSError | EOFError):
            reason = redact(_reason(exc) or type(exc).__name__, sending.secrets)
            return ConnectionFailedError(f"{where}: {reason}", request_id=sending.request_id)
        if isinstance(exc, RuntimeError) and str(exc) == "Session is closed":
            return SessionClosedError("the underlying aiohttp session is closed")
        return None


def _is_connecting(exc: TimeoutError) -> bool:
    return isinstance(exc, aiohttp.ConnectionTimeoutError)


def _reason(exc: Exception) -> str:
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return f"the proxy answered HTTP {exc.status} {exc.message}"
    # What is not HTTP; all that aiohttp says of it includes the query.
    return exc.message if isinstance(exc, aiohttp.ClientResponseError) else str(exc)


def _without_request(exc: BaseException | None) -> BaseException | None:
    """
    Give what may be shown as the cause: not what holds the request's headers, query or proxy.
    """
    if isinstance(exc, aiohttp.ClientResponseError | aiohttp.ConnectionTimeoutError):
        return exc.__cause__
    if isinstance(exc, aiohttp.ClientProxyConnectionError):
        return exc.os_error
    return exc


async def read_refusal(raw: aiohttp.ClientResponse) -> bytes:
    """
    Read the beginning of a refusal's body; what is beyond is left, and the connection closed.
    """
    pieces: list[bytes] = []
    size = 0
    # The status is what matters: a body that breaks off or stalls says less, not nothing.
    try:
        async with asyncio.timeout(_REFUSAL_S):
            async for piece in raw.content.iter_any():
                pieces.append(piece)
                size += len(piece)
                if size >= ERROR_BODY_LIMIT_BYTES:
                    raw.close()
                    break
    except (aiohttp.ClientError, OSError):
        raw.close()
    return b"".join(pieces)[:ERROR_BODY_LIMIT_BYTES]


def seconds(duration: timedelta | None) -> float | None:
    """
    Take a duration to what asyncio and aiohttp count in.
    """
    return None if duration is None else duration.total_seconds()
