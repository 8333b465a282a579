"""
What is asked, how one attempt of it is sent, and what its faults mean.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import aiohttp
from yarl import URL

from clever_v4.errors import (
    APIError,
    CleverError,
    ConnectionFailedError,
    RequestTimeoutError,
    SessionClosedError,
)

from .policies import Timeout
from .responses import error_from, redact, secrets_in

__all__ = ["Exchange", "Faults", "Sending", "read_some", "seconds", "send_once"]


class Exchange:
    """
    What is asked, before it is signed.
    """

    __slots__ = ("authenticated", "body", "headers", "method", "target", "url")

    def __init__(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        authenticated: bool = True,
        url: URL | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.authenticated = authenticated
        self.url = url


class Sending:
    """
    One attempt, signed.
    """

    __slots__ = ("body", "headers", "method", "secrets", "started", "url")

    def __init__(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None, started: float
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.started = started
        given = next((v for name, v in headers.items() if name.lower() == "authorization"), None)
        self.secrets = secrets_in(given)

    @property
    def place(self) -> str:
        """
        The address without its query, which may hold private text.
        """
        return str(self.url).partition("?")[0]

    def arguments(
        self, http: aiohttp.ClientSession, timeout: Timeout, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """
        Give what aiohttp's ``request`` takes.
        """
        return {
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "data": self.body,
            "timeout": aiohttp.ClientTimeout(
                total=None,
                sock_connect=seconds(timeout.connect),
                sock_read=seconds(timeout.read),
            ),
            # Middlewares of a request replace those of its session: a lender's stay in force.
            "middlewares": (*getattr(http, "_middlewares", ()), send_once),
            **options,
        }

    def error(self, raw: aiohttp.ClientResponse, body: bytes) -> APIError:
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


class Faults:
    """
    Turns aiohttp's faults, and the operating system's, into ours.
    """

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(exc, Unrepeated):
            exc = exc.__cause__
        where = f"{self._sending.method} {self._sending.place}"
        if isinstance(exc, CleverError):
            return
        if isinstance(exc, TimeoutError):
            waited = time.monotonic() - self._sending.started
            text = f"{where}: no complete answer after {waited:.1f} s"
            raise RequestTimeoutError(text) from exc
        if isinstance(exc, aiohttp.ClientResponseError):
            # What came is not HTTP. The error itself stays out of the chain: it holds the
            # request's headers and query.
            raise ConnectionFailedError(f"{where}: {exc.message}") from exc.__cause__
        if isinstance(exc, aiohttp.ClientError | OSError | EOFError):
            reason = redact(str(exc) or type(exc).__name__, self._sending.secrets)
            raise ConnectionFailedError(f"{where}: {reason}") from exc
        if isinstance(exc, RuntimeError) and str(exc) == "Session is closed":
            raise SessionClosedError("the underlying aiohttp session is closed") from exc


class Unrepeated(aiohttp.ClientError):
    """
    A broken connection, in a form that aiohttp does not repeat by itself.
    """


async def send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """
    Keep aiohttp from sending a request again (a client middleware).

    It repeats GET, PUT, DELETE and the like once after a broken connection,
    with the same signature, whose nonce may be used up, and uncounted. The
    session's own retries sign afresh.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
        raise  # never repeated
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as exc:
        raise Unrepeated(str(exc)) from exc


async def read_some(raw: aiohttp.ClientResponse, limit: int) -> bytes:
    """
    Read the beginning of a body; what is beyond *limit* is left and the connection is closed.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in raw.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size >= limit:
                raw.close()
                break
    except (aiohttp.ClientError, OSError):
        # The status is what matters; a body that breaks off says less, not nothing.
        raw.close()
    return b"".join(pieces)[:limit]


def seconds(duration: timedelta | None) -> float | None:
    """
    Take a duration to what asyncio and aiohttp count in.
    """
    return None if duration is None else duration.total_seconds()
