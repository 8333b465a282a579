"""
The tree of errors.
"""

from __future__ import annotations

import inspect
import pickle
import re
from datetime import UTC, datetime, timedelta

import pytest

from clever_v4 import errors
from clever_v4.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CertificateError,
    CleverError,
    ConflictError,
    ConnectionFailedError,
    CredentialsError,
    DeploymentWaitTimeoutError,
    DifferentEventLoopError,
    EventTooLargeError,
    HeartbeatTimeoutError,
    HubClosedError,
    NeverLoggedError,
    NotAnEventStreamError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ReconnectionGaveUpError,
    RequestTimeoutError,
    ResponseFormatError,
    ResponseTooLargeError,
    ServerError,
    SessionClosedError,
    SlowConsumerError,
    SourceFailedError,
    SourceTimeoutError,
    TooManyStreamsError,
    UnexpectedEndError,
    UnresolvedNameError,
    error_class_for,
)

SAMPLES: list[tuple[CleverError, str]] = [
    (ConnectionFailedError("GET https://x/: reset"), "GET https://x/: reset"),
    (
        CertificateError(reason="the certificate of x:443 is not trusted: it has expired"),
        "the certificate of x:443 is not trusted: it has expired",
    ),
    (RequestTimeoutError("no answer"), "no answer"),
    (
        ResponseTooLargeError(limit_bytes=1048576, request_id="01S"),
        "the answer exceeds the limit of 1,048,576 bytes (Sozu-Id 01S)",
    ),
    (
        NotFoundError(
            "no such zone",
            status=404,
            code="clever.core.not-found",
            request_id="01S",
            method="GET",
            url="https://x/v4/products/zones/nope",
        ),
        "GET https://x/v4/products/zones/nope: HTTP 404 clever.core.not-found: no such zone (Sozu-Id 01S)",
    ),
    (
        NeverLoggedError("Partitioned Topic not found", status=404),
        "HTTP 404: Partitioned Topic not found",
    ),
    (
        RateLimitedError("slow down", status=429, retry_after=timedelta(seconds=1.5)),
        "HTTP 429: slow down (retry after 1.5 s)",
    ),
    (
        ResponseFormatError("bad", paths=("$[3].lat",), request_id="01S"),
        "bad (Sozu-Id 01S)",
    ),
    (HeartbeatTimeoutError("silence"), "silence"),
    (
        NotAnEventStreamError(content_type="text/html", request_id="01S", body="<p>"),
        "expected text/event-stream, got text/html (Sozu-Id 01S)",
    ),
    (NotAnEventStreamError(), "expected text/event-stream, got no content type"),
    (EventTooLargeError(limit_bytes=1048576), "an event exceeds the limit of 1,048,576 bytes"),
    (
        ReconnectionGaveUpError(attempts=12, last_event_id="1:2:3"),
        "gave up connecting after 12 attempts",
    ),
    (
        SlowConsumerError(dropped=4096, since=datetime(2026, 1, 2, tzinfo=UTC)),
        "the consumer is too slow: 4,096 entries dropped since 2026-01-02T00:00:00+00:00",
    ),
    (
        TooManyStreamsError(limit=10000),
        "10,000 streams are open already; raise max_streams of the Session to open more",
    ),
    (
        UnexpectedEndError(reason="UNTIL_REACHED"),
        "the server ended the stream too soon: UNTIL_REACHED",
    ),
    (SourceFailedError(source="app_1"), "the source app_1 failed"),
    (
        SourceTimeoutError(source="app_1", waited=timedelta(seconds=2.5)),
        "the source app_1 is not connected after 2.5 s",
    ),
    (CredentialsError("no file"), "no file"),
    (
        UnresolvedNameError(name="shop"),
        "'shop' is neither an id nor a name visible with these credentials",
    ),
    (
        UnresolvedNameError(name="shop", candidates=("app_1", "app_2")),
        "'shop' is ambiguous: it could be app_1, app_2; use the id",
    ),
    (SessionClosedError("the session is closed"), "the session is closed"),
    (HubClosedError("the hub is closed"), "the hub is closed"),
    (DifferentEventLoopError("another loop"), "another loop"),
    (
        DeploymentWaitTimeoutError(
            deployment_id="deployment_1", state="QUEUED", waited=timedelta(seconds=30)
        ),
        "deployment deployment_1 is QUEUED still after 30 s",
    ),
]
IDS = [type(error).__name__ for error, _ in SAMPLES]


@pytest.mark.parametrize(("error", "text"), SAMPLES, ids=IDS)
def test_message_names_the_thing_and_the_number(error: CleverError, text: str) -> None:
    """
    What a user sees says what happened, with its numbers and the Sozu-Id.
    """
    assert str(error) == text


@pytest.mark.parametrize(("error", "text"), SAMPLES, ids=IDS)
def test_error_survives_pickling(error: CleverError, text: str) -> None:
    """
    An error comes out of a pickle with its class, message and all of its attributes.
    """
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == text
    assert vars(again) == vars(error)


@pytest.mark.parametrize(
    ("error_class", "builtin"),
    [
        (ConnectionFailedError, ConnectionError),
        (RequestTimeoutError, TimeoutError),
        (HeartbeatTimeoutError, TimeoutError),
        (CredentialsError, ValueError),
        (UnresolvedNameError, LookupError),
        (SessionClosedError, RuntimeError),
        (HubClosedError, RuntimeError),
        (SourceTimeoutError, TimeoutError),
        (DifferentEventLoopError, RuntimeError),
        (DeploymentWaitTimeoutError, TimeoutError),
    ],
)
def test_error_is_also_its_natural_builtin(
    error_class: type[CleverError], builtin: type[Exception]
) -> None:
    """
    Code that knows only Python's own errors catches ours.
    """
    assert issubclass(error_class, builtin)


def test_docstring_draws_every_class_under_its_parent() -> None:
    """
    The tree in the module's docstring is the tree that there is.
    """
    drawn: dict[str, str] = {}
    parents: list[str] = ["CleverError"]
    assert errors.__doc__ is not None
    for line in errors.__doc__.splitlines():
        found = re.match(r" {4}([│ ]*)[├└]── (\w+)", line)
        if found:
            depth = len(found[1]) // 4 + 1
            del parents[depth:]
            drawn[found[2]] = parents[-1]
            parents.append(found[2])
    real = {
        name: value.__bases__[0].__name__
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, CleverError) and value is not CleverError
    }
    assert drawn == real


def test_every_class_has_a_sample() -> None:
    """
    No error is without a test of what a user sees, but those that share a constructor's text.
    """
    shared = {"CleverError", "TransportError", "StreamError", "APIError"}
    shared |= {one.__name__ for one in APIError.__subclasses__()}
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, CleverError)
    }
    assert classes - shared <= set(IDS)


def test_all_names_every_class() -> None:
    """
    Each class of the tree is exported.
    """
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    ours = {name for name in classes if issubclass(getattr(errors, name), CleverError)}
    assert ours <= set(errors.__all__)


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (400, BadRequestError),
        (422, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (429, RateLimitedError),
        (500, ServerError),
        (599, ServerError),
        (302, APIError),
        (418, APIError),
    ],
)
def test_status_has_its_class(status: int, error_class: type[APIError]) -> None:
    """
    The HTTP status decides the class.
    """
    assert error_class_for(status) is error_class


def test_every_error_may_name_its_answer() -> None:
    """
    ``request_id`` is None where no answer came; what is learnt later is told, too.
    """
    for error, text in SAMPLES:
        if error.request_id is None:
            again = pickle.loads(pickle.dumps(error))
            again.request_id = "01LATE"
            assert str(again) == f"{text} (Sozu-Id 01LATE)"
        else:
            assert text.endswith(f"(Sozu-Id {error.request_id})")


def test_format_error_is_picklable_with_its_event() -> None:
    """
    The raw event of a stream goes with its error.
    """
    again = pickle.loads(pickle.dumps(ResponseFormatError("bad", event=("APPLICATION_LOG", "{"))))
    assert again.event == ("APPLICATION_LOG", "{")
    assert again.message == "bad"
