"""
What breaks in an exchange, in our words: aiohttp's faults and the operating system's.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

import aiohttp
from aiohttp.http_exceptions import LineTooLong

from clever_v4.errors import (
    CertificateError,
    CleverError,
    ConnectionFailedError,
    RequestTimeoutError,
    ResponseTooLargeError,
    SessionClosedError,
)

from .exchange import Sending, UnrepeatedError
from .redaction import redact

__all__ = ["Faults"]

# A chain of causes is a few long; one that is tied into a ring has no end.
_LONGEST_CHAIN: Final = 20


class Faults:
    """
    Turns aiohttp's faults, and the operating system's, into ours, in a ``with``.

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
        is_told = exc is None or isinstance(exc, Exception)
        if isinstance(exc, UnrepeatedError):
            exc = exc.__cause__
        error = None if exc is None else _translate(exc, self._sending)
        if error is not None and exc is not None:
            error.__cause__ = _cause_of(exc, self._sending.private)
            # What aiohttp raised may hold the request's headers, query and proxy: it goes no
            # further, neither as a context nor as a variable that a traceback shows.
            del exc, traceback
        if self._tell is not None and is_told:
            try:
                self._tell(self._sending)
            except BaseException as told:
                told.__context__ = error
                raise
        if error is not None:
            try:
                raise error
            finally:
                error.__context__ = None


def _translate(exc: BaseException, sending: Sending) -> CleverError | None:
    where = f"{sending.method} {sending.place}"
    if isinstance(exc, CleverError):
        return None
    if (reason := certificate_reason(exc)) is not None:
        return CertificateError(f"{where}: {redact(reason, sending.private)}", reason=reason)
    if isinstance(exc, TimeoutError):
        wanted = "connection" if _is_connecting(exc) else "complete answer"
        waited = time.monotonic() - sending.started
        text = f"{where}: no {wanted} after {waited:.1f} s"
        return RequestTimeoutError(text, request_id=sending.request_id)
    if _is_head_too_large(exc):
        return ResponseTooLargeError(
            f"{where}: a header of the answer exceeds the limit of {sending.header_limit_bytes:,} "
            "bytes; raise max_header_bytes of the Session to allow it",
            limit_bytes=sending.header_limit_bytes,
        )
    if isinstance(exc, aiohttp.ClientError | OSError | EOFError):
        reason = redact(_reason(exc) or type(exc).__name__, sending.private)
        return ConnectionFailedError(f"{where}: {reason}", request_id=sending.request_id)
    if isinstance(exc, RuntimeError) and str(exc) == "Session is closed":
        return SessionClosedError("the underlying aiohttp session is closed")
    return None


def certificate_reason(exc: BaseException) -> str | None:
    """
    Say why a certificate was refused, the server's by us or ours by the server; None for other faults.
    """
    if isinstance(exc, aiohttp.ServerFingerprintMismatch):
        return f"the certificate of {exc.host}:{exc.port} has another fingerprint than was given"
    fault: object = exc
    where = "the server"
    if isinstance(exc, aiohttp.ClientConnectorError):
        where = f"{exc.host}:{exc.port}"
        if isinstance(exc, aiohttp.ClientConnectorCertificateError):
            fault = exc.certificate_error
        else:
            fault = exc.os_error
    if isinstance(exc, aiohttp.ClientOSError) and exc.__cause__ is not None:
        fault = exc.__cause__ if isinstance(exc.__cause__, ssl.SSLError) else fault
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"the certificate of {where} is not trusted: {fault.verify_message}"
    if isinstance(fault, ssl.SSLError):
        # An alert: the server wants a certificate of ours, or refuses the one it got.
        alert = fault.reason or ""
        if "ALERT" in alert and ("CERTIFICATE" in alert or "UNKNOWN_CA" in alert):
            words = alert.partition("ALERT_")[2].lower().replace("_", " ")
            return f"the server refused our certificate: {words}"
    return None


def _is_connecting(exc: TimeoutError) -> bool:
    return isinstance(exc, aiohttp.ConnectionTimeoutError)


def _is_head_too_large(exc: BaseException) -> bool:
    fault: BaseException | None = exc if isinstance(exc, aiohttp.ClientResponseError) else None
    for _ in range(_LONGEST_CHAIN):
        if fault is None:
            return False
        if isinstance(fault, LineTooLong):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


def _reason(exc: Exception) -> str:
    if isinstance(exc, aiohttp.ClientHttpProxyError):
        return f"the proxy answered HTTP {exc.status} {exc.message}"
    if isinstance(exc, aiohttp.ClientConnectorError):
        fault = exc.os_error
        return f"Cannot connect to {exc.host}:{exc.port}: {fault.strerror or fault}"
    # What is not HTTP; all that aiohttp says of it includes the query.
    return exc.message if isinstance(exc, aiohttp.ClientResponseError) else str(exc)


def _cause_of(exc: BaseException, secrets: tuple[str, ...]) -> BaseException | None:
    """
    Give what may be shown as the cause: not what holds the request's headers, query or proxy.
    """
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        return _bare(exc.certificate_error, secrets)
    if isinstance(exc, aiohttp.ClientConnectorError):
        return _bare(exc.os_error, secrets)
    if _is_head_too_large(exc):
        return None  # it quotes the header
    if isinstance(exc, aiohttp.ClientResponseError | aiohttp.ConnectionTimeoutError):
        return _bare(exc.__cause__, secrets)
    return _bare(exc, secrets)


def _bare(
    exc: BaseException | None, secrets: tuple[str, ...], depth: int = 0
) -> BaseException | None:
    """
    Take from an error, and from all that it came from, the frames that it passed, and secrets.

    The frames are aiohttp's and asyncio's, whose variables are the request and
    the proxy. What a server sent may be quoted in the error, and a server may
    send back what it was sent: then words stand in for the error.
    """
    if exc is None or depth == _LONGEST_CHAIN:
        return None
    shown = f"{exc}{exc!r}{exc.args!r}{vars(exc)!r}"
    if redact(shown, secrets) != shown:
        return ConnectionError(f"{type(exc).__name__}: {redact(str(exc), secrets)}")
    is_context_hidden = exc.__suppress_context__
    exc.__traceback__ = None
    exc.__context__ = _bare(exc.__context__, secrets, depth + 1)
    exc.__cause__ = _bare(exc.__cause__, secrets, depth + 1)
    exc.__suppress_context__ = is_context_hidden
    return exc
