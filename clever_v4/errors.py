"""
What goes wrong with the server, the network, the credentials or a stream, in one tree.

::

    CleverError
    ├── TransportError                  no usable HTTP answer
    │   ├── ConnectionFailedError       also a ConnectionError
    │   │   └── CertificateError        reason
    │   ├── RequestTimeoutError         also a TimeoutError
    │   └── ResponseTooLargeError       limit_bytes
    ├── APIError                        status, code, message, body, context, retry_after
    │   ├── BadRequestError             400, 422
    │   ├── AuthenticationError         401: credentials_source
    │   ├── PermissionDeniedError       403
    │   ├── NotFoundError               404
    │   │   └── NeverLoggedError        of a log that nothing was written to yet
    │   ├── ConflictError               409
    │   ├── RateLimitedError            429, and the 403 of API v2 that means the same
    │   └── ServerError                 5xx
    ├── ResponseFormatError             the answer did not fit the model: paths, event
    ├── StreamError
    │   ├── HeartbeatTimeoutError       also a TimeoutError
    │   ├── NotAnEventStreamError       content_type, body
    │   ├── EventTooLargeError          limit_bytes
    │   ├── ReconnectionGaveUpError     attempts, last_event_id
    │   ├── SlowConsumerError           dropped, since
    │   ├── SourceFailedError           source
    │   ├── SourceTimeoutError          also a TimeoutError: source, waited
    │   ├── TooManyStreamsError         limit
    │   └── UnexpectedEndError          reason
    ├── CredentialsError                also a ValueError: no credentials, or a file that cannot be used
    ├── UnresolvedNameError             also a LookupError: name, candidates
    ├── SessionClosedError              also a RuntimeError
    ├── HubClosedError                  also a RuntimeError
    ├── DifferentEventLoopError         also a RuntimeError
    └── DeploymentWaitTimeoutError      also a TimeoutError: deployment_id, state, waited

A caller's mistake (a bad argument) is not in the tree: it is a plain
``ValueError`` or ``TypeError`` where the argument is given, and names it and its
value. Every error of the tree can be pickled, and none carries credentials in
its message or attributes. Each has a ``request_id``: the ``Sozu-Id`` of the
answer that it is about, which Clever Cloud's support asks for, or None where no
answer came.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

__all__ = [
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "CertificateError",
    "CleverError",
    "ConflictError",
    "ConnectionFailedError",
    "CredentialsError",
    "DeploymentWaitTimeoutError",
    "DifferentEventLoopError",
    "EventTooLargeError",
    "HeartbeatTimeoutError",
    "HubClosedError",
    "NeverLoggedError",
    "NotAnEventStreamError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "ReconnectionGaveUpError",
    "RequestTimeoutError",
    "ResponseFormatError",
    "ResponseTooLargeError",
    "ServerError",
    "SessionClosedError",
    "SlowConsumerError",
    "SourceFailedError",
    "SourceTimeoutError",
    "StreamError",
    "TooManyStreamsError",
    "TransportError",
    "UnexpectedEndError",
    "UnresolvedNameError",
    "error_class_for",
]


def _rebuild(cls: type[CleverError], args: tuple[Any, ...], state: dict[str, Any]) -> CleverError:
    """
    Make the error anew from a pickle, without running its keyword-only constructor.
    """
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class CleverError(Exception):
    """
    The root of the tree: ``except CleverError`` catches what goes wrong with the server, the
    network, the credentials or a stream.

    A caller's mistake is a ``ValueError`` or ``TypeError`` instead, where the argument is given.

    Attributes:
        message: What went wrong, without the context that ``str(error)`` adds.
        request_id: The ``Sozu-Id`` of the answer that it is about: what Clever Cloud's support
            asks for.
    """

    message: str
    request_id: str | None = None

    def __init__(self, message: str = "", *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.request_id = request_id

    def __str__(self) -> str:
        # Not part of the arguments, since some learn it only later.
        told = str(self.args[0]) if self.args else ""
        return f"{told} (Sozu-Id {self.request_id})" if self.request_id else told

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, dict(self.__dict__))


# --- No usable HTTP answer ---------------------------------------------------


class TransportError(CleverError):
    """
    The exchange ended without a usable HTTP answer.
    """


class ConnectionFailedError(TransportError, ConnectionError):
    """
    The connection could not be made, or broke before the answer was complete.
    """


class CertificateError(ConnectionFailedError):
    """
    A certificate is not trusted: the server's by us, or ours by the server.

    It has expired, is of another host or of an unknown issuer, or its
    fingerprint is another one. Neither a request nor a stream tries again.

    Attributes:
        reason: Whose certificate it is, and what is wrong with it.
    """

    reason: str

    def __init__(self, message: str | None = None, *, reason: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class RequestTimeoutError(TransportError, TimeoutError):
    """
    Connecting or answering took longer than the session's timeout allows.
    """


class ResponseTooLargeError(TransportError):
    """
    The body of an answer is larger than the session accepts.
    """

    limit_bytes: int

    def __init__(
        self, message: str | None = None, *, limit_bytes: int, request_id: str | None = None
    ) -> None:
        super().__init__(
            message or f"the answer exceeds the limit of {limit_bytes:,} bytes",
            request_id=request_id,
        )
        self.limit_bytes = limit_bytes


# --- The API refused -----------------------------------------------------------


class APIError(CleverError):
    """
    The API, or a gateway before it, answered with a status that is no success.

    Source of the two generations of v4 error bodies and of v2's: the Go SDK's
    ``models/o_v_d_invalid_response_body.go`` and clever-client.js
    ``src/lib/error/handle-http-errors.ts``.

    Attributes:
        status: HTTP status.
        code: The API's own code: dotted in v4 (``clever.core.not-found``), a number in v2. An
            open set.
        message: The API's own words, or the beginning of a body that is not JSON; empty when
            there was no body.
        api_request_id: The request id inside the body (``apiRequestId`` or ``api_request_id``).
        body: The body as text, at most a few thousand characters of it.
        context: What the API adds to the code, such as the name of the bad parameter; empty
            when there is none.
        retry_after: How long the server asks to wait (``Retry-After``); None when it does not
            say.
        url: The address without its query, which may hold private text.
    """

    status: int
    code: str | None
    message: str
    api_request_id: str | None
    body: str
    context: Mapping[str, Any]
    retry_after: timedelta | None
    method: str | None
    url: str | None

    def __init__(
        self,
        message: str = "",
        *,
        status: int,
        code: str | None = None,
        request_id: str | None = None,
        api_request_id: str | None = None,
        body: str = "",
        context: Mapping[str, Any] | None = None,
        retry_after: timedelta | None = None,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        where = f"{method} {url}: " if method and url else ""
        text = f"{where}HTTP {status}"
        if code:
            text += f" {code}"
        if message:
            text += f": {message}"
        if retry_after is not None:
            text += f" (retry after {retry_after.total_seconds():g} s)"
        super().__init__(text, request_id=request_id)
        self.message = message
        self.status = status
        self.code = code
        self.api_request_id = api_request_id
        self.body = body
        self.context = dict(context or {})
        self.retry_after = retry_after
        self.method = method
        self.url = url


class BadRequestError(APIError):
    """
    400 or 422: a parameter or the body was refused; ``context`` often names it.
    """


class AuthenticationError(APIError):
    """
    401: the credentials are missing, wrong or expired.

    Attributes:
        credentials_source: Where the session found the credentials, such as
            ``CLEVER_API_TOKEN`` or the path of a file.

            None: they were given to it.
    """

    credentials_source: str | None = None

    def __str__(self) -> str:
        told = super().__str__()
        if self.credentials_source is None:
            return told
        return f"{told} (credentials of {self.credentials_source})"


class PermissionDeniedError(APIError):
    """
    403: the credentials are good but do not allow this.
    """


class NotFoundError(APIError):
    """
    404: there is no such thing, or it is not visible with these credentials.
    """


class NeverLoggedError(NotFoundError):
    """
    404 of a log: nothing was written to it yet, or there is no such resource.

    The API does not tell the two apart: a topic comes into being with the first
    entry (its test server's fixture: "Partitioned Topic not found").
    """


class ConflictError(APIError):
    """
    409: the request does not fit the state of the resource.
    """


class RateLimitedError(APIError):
    """
    429, or API v2's 403 whose body has the id 403: too many requests.

    ``retry_after`` is None when the server does not say how long to wait.
    """


class ServerError(APIError):
    """
    5xx: the API or a gateway before it failed.
    """


_CLASS_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: BadRequestError,
    429: RateLimitedError,
}


def error_class_for(status: int) -> type[APIError]:
    """
    Name the class that stands for an HTTP status.
    """
    if 500 <= status <= 599:
        return ServerError
    return _CLASS_BY_STATUS.get(status, APIError)


class ResponseFormatError(CleverError):
    """
    An answer or an entry of a stream did not fit its model.

    Attributes:
        paths: Where it did not fit, such as ``$[3].address.vat_percent``.
        event: The raw event (``MessageEvent``) of a stream; None for a plain answer.
    """

    paths: tuple[str, ...]
    event: Any

    def __init__(
        self,
        message: str = "the answer does not fit the model",
        *,
        paths: tuple[str, ...] = (),
        request_id: str | None = None,
        event: Any = None,
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.paths = tuple(paths)
        self.event = event


# --- Streams -------------------------------------------------------------------


class StreamError(CleverError):
    """
    A stream could not go on.
    """


class HeartbeatTimeoutError(StreamError, TimeoutError):
    """
    No byte arrived for the heartbeat timeout: the connection counts as dead.
    """


class NotAnEventStreamError(StreamError):
    """
    The server answered 200 with something else than ``text/event-stream``.

    Attributes:
        body: The beginning of what came instead.
    """

    content_type: str | None
    body: str

    def __init__(
        self,
        message: str | None = None,
        *,
        content_type: str | None = None,
        request_id: str | None = None,
        body: str = "",
    ) -> None:
        super().__init__(
            message or f"expected text/event-stream, got {content_type or 'no content type'}",
            request_id=request_id,
        )
        self.content_type = content_type
        self.body = body


class EventTooLargeError(StreamError):
    """
    One event is larger than the stream accepts.
    """

    limit_bytes: int

    def __init__(
        self, message: str | None = None, *, limit_bytes: int, request_id: str | None = None
    ) -> None:
        super().__init__(
            message or f"an event exceeds the limit of {limit_bytes:,} bytes",
            request_id=request_id,
        )
        self.limit_bytes = limit_bytes


class ReconnectionGaveUpError(StreamError):
    """
    The stream could not be (re)connected within its bounds; ``__cause__`` is the last failure.
    """

    attempts: int
    last_event_id: str | None

    def __init__(
        self, message: str | None = None, *, attempts: int, last_event_id: str | None = None
    ) -> None:
        super().__init__(message or f"gave up connecting after {attempts:,} attempts")
        self.attempts = attempts
        self.last_event_id = last_event_id


class SlowConsumerError(StreamError):
    """
    A subscriber fell behind by more than the ring holds and chose to be disconnected.

    Attributes:
        dropped: How many entries it missed.
        since: Since when it was behind.
    """

    dropped: int
    since: datetime | None

    def __init__(
        self, message: str | None = None, *, dropped: int, since: datetime | None = None
    ) -> None:
        behind = f" since {since.isoformat()}" if since is not None else ""
        super().__init__(
            message or f"the consumer is too slow: {dropped:,} entries dropped{behind}"
        )
        self.dropped = dropped
        self.since = since


class SourceFailedError(StreamError):
    """
    A source that a subscriber follows failed for good; ``__cause__`` says why.

    Attributes:
        source: The key under which it is followed.
    """

    source: object

    def __init__(self, message: str | None = None, *, source: object) -> None:
        super().__init__(message or f"the source {source} failed")
        self.source = source


class SourceTimeoutError(StreamError, TimeoutError):
    """
    A source that a hub follows is not connected in time; ``__cause__`` is its last failure, if any.

    Attributes:
        source: The key under which it is followed.
    """

    source: object
    waited: timedelta

    def __init__(self, message: str | None = None, *, source: object, waited: timedelta) -> None:
        super().__init__(
            message or f"the source {source} is not connected after {waited.total_seconds():g} s"
        )
        self.source = source
        self.waited = waited


class UnexpectedEndError(StreamError):
    """
    The server ended a stream that has no end, or not yet: a stream takes it for a cut, and reconnects.

    Attributes:
        reason: Its own word in END_OF_STREAM; ``UNKNOWN`` where it gave none.
    """

    reason: str

    def __init__(self, message: str | None = None, *, reason: str) -> None:
        super().__init__(message or f"the server ended the stream too soon: {reason}")
        self.reason = reason


class TooManyStreamsError(StreamError):
    """
    The session's bound on open streams is reached.
    """

    limit: int

    def __init__(self, message: str | None = None, *, limit: int) -> None:
        super().__init__(
            message
            or f"{limit:,} streams are open already; raise max_streams of the Session to open more",
        )
        self.limit = limit


# --- The session and what stands on it ----------------------------------------------


class CredentialsError(CleverError, ValueError):
    """
    No credentials were found, or a credentials file is unreadable or expired.

    The message names the file and never shows its content.
    """


class UnresolvedNameError(CleverError, LookupError):
    """
    An id or a name stands for nothing visible, or for more than one thing.

    Attributes:
        candidates: The ids that it could mean; empty when it means none.
    """

    name: str
    candidates: tuple[str, ...]

    def __init__(
        self, message: str | None = None, *, name: str, candidates: tuple[str, ...] = ()
    ) -> None:
        if message is None:
            if candidates:
                message = f"{name!r} is ambiguous: it could be {', '.join(candidates)}; use the id"
            else:
                message = f"{name!r} is neither an id nor a name visible with these credentials"
        super().__init__(message)
        self.name = name
        self.candidates = tuple(candidates)


class SessionClosedError(CleverError, RuntimeError):
    """
    The session was used before it was opened or after it was closed.
    """


class HubClosedError(CleverError, RuntimeError):
    """
    The hub was used before it was entered, or after it was drained or closed.
    """


class DifferentEventLoopError(CleverError, RuntimeError):
    """
    The session was used from another event loop than the one that it belongs to.
    """


class DeploymentWaitTimeoutError(CleverError, TimeoutError):
    """
    The deployment did not reach a final state in the time that the caller gave.

    Attributes:
        state: The last state seen; None when the deployment was never found.
    """

    deployment_id: str
    state: str | None
    waited: timedelta | None

    def __init__(
        self,
        message: str | None = None,
        *,
        deployment_id: str,
        state: str | None = None,
        waited: timedelta | None = None,
    ) -> None:
        after = f" after {waited.total_seconds():g} s" if waited is not None else ""
        super().__init__(
            message or f"deployment {deployment_id} is {state or 'not visible'} still{after}"
        )
        self.deployment_id = deployment_id
        self.state = state
        self.waited = waited
