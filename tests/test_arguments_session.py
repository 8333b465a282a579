"""
Arguments of the session, its options and credentials, of queries, streams and cursors that cannot
be meant; see ``test_arguments.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from clever_v4 import (
    ApiToken,
    Cursor,
    DeploymentQuery,
    InstanceQuery,
    InvoiceQuery,
    LogEntry,
    LogQuery,
    LogStream,
    OAuth1,
    Reconnect,
    Retry,
    Session,
    StoragePoliciesChange,
    StoragePolicyChange,
    StreamOptions,
    Throttle,
    Timeout,
    find_credentials,
    is_transient,
)
from tests.arguments import (
    ANY,
    CALLBACK,
    COUNT,
    COUNT_OR_ZERO,
    DURATION,
    DURATION_OR_ZERO,
    FLAG,
    HEADERS,
    NEGATIVE,
    TEXT,
    TEXTS,
    TUPLE_OF_TEXTS,
    Row,
    Wrong,
    also,
    cases,
    check_refused,
    check_row,
    instance,
    method,
    one_of,
    optional,
    row,
)

NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001 -- that is the point
NOT_IN_UTC = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))

MOMENT: Wrong = {TypeError: ["1h", 5, NAIVE.date()], ValueError: [NAIVE, NEGATIVE, NOT_IN_UTC]}
SECRET: Wrong = {TypeError: [5678, None, b"text"], ValueError: ["", "two words", "café", "a\nb"]}
STATES: Wrong = {TypeError: ["UP", 5, [5], None], ValueError: [[""], ["up", "deploy"]]}
ENVIRON: Wrong = {TypeError: ["text", 5, [("a", "b")], {5: "a"}, {"CLEVER_API_TOKEN": 5678}]}


@attrs.frozen(kw_only=True)
class Ground:
    """
    What methods are called on.
    """

    session: Session
    stream: LogStream[LogEntry]


def _stream(name: str, application: str, kind: Wrong, resource: str) -> Row:
    return method(
        f"Logs.{name}",
        lambda ground: getattr(ground.session.logs, name),
        {"owner_id": "orga_1", application: resource},
        owner_id=also(TEXT, ValueError=["..", "a/b", "app_1"]),
        **{application: kind},
        query=instance({}, Throttle.CLI),
        throttle=instance(100, timedelta(1)),
        options=instance(Reconnect(), timedelta(1)),
        resume_from=instance("1:2:3", datetime.now(UTC)),
        on_reconnection=optional(CALLBACK),
        on_bad_entry=optional(CALLBACK),
        on_lag=optional(CALLBACK),
    )


def _credentials(name: str, make: Any, right: dict[str, object], **wrong: Wrong) -> Row:
    secrets = [argument for argument, kind in wrong.items() if kind is SECRET]
    return Row(name, lambda _: make, lambda _: right, wrong, hidden=secrets)


PATH: Wrong = {
    TypeError: [5, None, b"/v2/self", ["v2", 5]],
    ValueError: ["v2", "/v2?a=b", "/v2#a", ["v2", ".."], ["v2", ""]],
}
QUERY_LIKE: Wrong = {
    TypeError: [5, "a=b", None, ["ab"], [("a", "b", "c")], {"a": object()}, {5: "a"}],
    ValueError: [{"a": NAIVE}, {"a": float("inf")}],
}

TABLE: list[Row] = [
    # The session and who asks
    Row(
        "Session",
        lambda _: Session,
        lambda _: {},
        {
            "auth": {TypeError: ["a-secret", 5678, ApiToken]},
            "http": instance(object()),
            "stream_http": instance(object()),
            "base_url": {
                TypeError: [5, b"http://localhost"],
                ValueError: ["nonsense", "ftp://localhost", "http://localhost/?a=b", ""],
            },
            "retry": instance(3, Timeout()),
            "timeout": {TypeError: [30, "1s", Retry()], ValueError: [timedelta(0), NEGATIVE]},
            "on_response": optional(CALLBACK),
            "allow_insecure_http": FLAG,
            "ssl": {TypeError: ["text", 0, None]},
            "proxy": {TypeError: [5678, b"http://proxy"], ValueError: ["nonsense", "ftp://secret"]},
            "trust_env": FLAG,
            "max_connections": COUNT,
            "max_streams": COUNT,
            "max_response_bytes": COUNT,
            "max_header_bytes": COUNT,
        },
        hidden=("auth", "proxy"),
    ),
    # Its options are passed on as they are.
    Row(
        "Session.from_environment",
        lambda _: Session.from_environment,
        lambda _: {},
        {"environ": ENVIRON, "options": ANY},
        hidden=("environ",),
    ),
    Row(
        "Session.request",
        lambda ground: ground.session.request,
        lambda _: {"method": "GET", "path": "/v2/self"},
        {
            "method": also(TEXT, ValueError=["BREW"]),
            "path": PATH,
            "query": QUERY_LIKE,
            "json": {TypeError: [object(), {"a": object()}]},
            "accept": {TypeError: [5678, None, b"text"], ValueError: ["a\r\nb"]},
            "headers": HEADERS,
            "idempotent": optional(FLAG),
            "authenticated": FLAG,
        },
        hidden=("accept",),
    ),
    Row(
        "Session.stream",
        lambda ground: ground.session.stream,
        lambda _: {"path": "/v2/self"},
        {
            "path": PATH,
            "event": TEXT,
            "model": ANY,
            "query": QUERY_LIKE,
            "is_resumable": FLAG,
            "is_bounded": FLAG,
            "options": instance(Reconnect(), timedelta(1)),
            "resume_from": instance("1:2:3", datetime.now(UTC)),
            "on_reconnection": optional(CALLBACK),
            "on_bad_entry": optional(CALLBACK),
        },
    ),
    _credentials("ApiToken", ApiToken, {}, token=SECRET),
    _credentials(
        "OAuth1",
        OAuth1,
        {"token": "a", "token_secret": "b", "consumer_key": "c", "consumer_secret": "d"},
        token=SECRET,
        token_secret=SECRET,
        consumer_key=SECRET,
        consumer_secret=SECRET,
        signature_method=one_of("HMAC-MD5", "plaintext"),
    ),
    Row(
        "find_credentials",
        lambda _: find_credentials,
        lambda _: {},
        {"environ": ENVIRON},
        hidden=("environ",),
    ),
    row("Timeout", Timeout, **dict.fromkeys(("connect", "read", "total"), optional(DURATION))),
    row(
        "Retry",
        Retry,
        attempts=COUNT,
        timeout=optional(DURATION),
        wait_initial=DURATION_OR_ZERO,
        wait_max=DURATION_OR_ZERO,
        wait_jitter=DURATION_OR_ZERO,
        retry_after_max=DURATION_OR_ZERO,
    ),
    # Streams
    row(
        "Reconnect",
        Reconnect,
        initial=DURATION,
        factor={TypeError: ["2", True, None], ValueError: [0.5, float("inf"), float("nan")]},
        max_delay=DURATION,
        max_asked_delay=optional(DURATION),
        healthy_after=DURATION,
        attempts=optional(COUNT),
        first_attempts=optional(COUNT),
        is_transient=CALLBACK,
    ),
    row(
        "StreamOptions",
        StreamOptions,
        heartbeat_timeout=optional(DURATION),
        settle_time=optional(DURATION),
        reconnect=instance(None, is_transient),
        max_event_bytes=COUNT,
        compress=FLAG,
        wait_for_first_log=FLAG,
    ),
    row("is_transient", is_transient, error=instance(None, ValueError)),
    row(
        "Throttle",
        Throttle,
        {"elements": 1, "per": timedelta(seconds=1)},
        elements=also(COUNT, ValueError=[2**31]),
        per=also(DURATION, ValueError=[timedelta(microseconds=1500)]),
    ),
    row(
        "LogQuery",
        LogQuery,
        since=MOMENT,
        until=MOMENT,
        limit=optional(COUNT),
        deployment_id=optional(TEXT),
        instance_ids=TUPLE_OF_TEXTS,
        fields=TUPLE_OF_TEXTS,
        filter=optional(TEXT),
        services=TUPLE_OF_TEXTS,
    ),
    _stream(
        "stream",
        "application_id",
        also(TEXT, ValueError=["..", "a/b", "orga_1", "addon_1"]),
        "app_1",
    ),
    _stream(
        "addon_stream",
        "addon_id",
        also(TEXT, ValueError=["..", "a/b", "app_1", "addon_1"]),
        "redis_1",
    ),
    _stream(
        "access_stream",
        "resource_id",
        also(TEXT, ValueError=["..", "a/b", "orga_1", "addon_1"]),
        "app_1",
    ),
    method("Logs.through", lambda ground: ground.session.logs.through, wrap=CALLBACK),
    method(
        "LogStream.batches",
        lambda ground: ground.stream.batches,
        max_entries=optional(COUNT),
        max_wait=optional(DURATION),
    ),
    method("LogStream.chunks", lambda ground: ground.stream.chunks, size=COUNT, wait=DURATION),
    row(
        "Cursor",
        Cursor,
        last_event_id=also(optional(TEXT), ValueError=["a\nb", " a", "a" * 10_000]),
        entry_count=also(COUNT_OR_ZERO, ValueError=[2**63]),
        since={TypeError: ["1h", 5, timedelta(1)], ValueError: [NAIVE, NOT_IN_UTC]},
        stream=optional(TEXT),
        recent_ids=also(TEXTS, ValueError=[["a\nb"]]),
    ),
    row(
        "Cursor.after",
        Cursor.after,
        {"ids": ["1:2:3"]},
        ids=also(TEXTS, ValueError=[["a\nb"], []]),
        entry_count=also(COUNT_OR_ZERO, ValueError=[2**63]),
        stream=optional(TEXT),
    ),
    row(
        "Cursor.at",
        Cursor.at,
        {"moment": datetime.now(UTC)},
        moment={TypeError: ["1h", 5, timedelta(1), None], ValueError: [NAIVE, NOT_IN_UTC]},
        entry_count=also(COUNT_OR_ZERO, ValueError=[2**63]),
        stream=optional(TEXT),
    ),
    row("Cursor.parse", Cursor.parse, text={TypeError: [5, None, b"{}"], ValueError: ["", "[]"]}),
    # What the groups take
    row(
        "DeploymentQuery",
        DeploymentQuery,
        limit=optional(COUNT),
        order=optional(one_of("asc")),
        actions=also(STATES, ValueError=[["deploy"]]),
    ),
    row(
        "InstanceQuery",
        InstanceQuery,
        deployment_id=optional(TEXT),
        limit=optional(COUNT),
        exclude_deleted=optional(FLAG),
        since=MOMENT,
        until=MOMENT,
        order=optional(one_of("asc")),
        include_states=STATES,
        exclude_states=STATES,
    ),
    row("InvoiceQuery", InvoiceQuery, limit=optional(COUNT), since=MOMENT, until=MOMENT),
    row(
        "StoragePolicyChange",
        StoragePolicyChange,
        size_bytes=also(optional(COUNT_OR_ZERO), ValueError=[2**63]),
        duration=optional(DURATION_OR_ZERO),
    ),
    row(
        "StoragePoliciesChange",
        StoragePoliciesChange,
        retention=also(instance(timedelta(1)), ValueError=[StoragePolicyChange()]),
        offload=also(instance(timedelta(1)), ValueError=[StoragePolicyChange()]),
    ),
]


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    # Nothing listens there: what is not refused fails in another way.
    session = Session(ApiToken("token"), base_url="http://127.0.0.1:9", retry=None)
    async with session:
        yield Ground(session=session, stream=session.logs.stream("orga_1", "app_1"))


@pytest.mark.parametrize(("one", "argument", "value", "error"), cases(TABLE))
async def test_what_cannot_be_meant_is_refused(
    ground: Ground, one: Row, argument: str, value: object, error: type[Exception]
) -> None:
    """
    The error is of Python's own kind, and names the argument and its value where that is no secret.
    """
    await check_refused(ground, one, argument, value, error)
    assert not ground.session.closed


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
async def test_a_row_names_every_argument(ground: Ground, one: Row) -> None:
    """
    No argument is left out of a callable's row, so that a new one has its line here.
    """
    check_row(ground, one)


@pytest.mark.parametrize("option", ["max_streams", "max_connections"])
def test_options_given_with_the_environment_are_checked_as_well(option: str) -> None:
    """
    They are those of the session, under the same names.
    """
    environ = {"CLEVER_API_TOKEN": "token"}
    with pytest.raises(ValueError, match=rf"^{option} must be at least 1, got 0"):
        Session.from_environment(environ, **{option: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("stream", ["stream", "addon_stream", "access_stream"])
async def test_a_text_is_no_cursor(ground: Ground, stream: str) -> None:
    """
    A stored one is text, which has to be read: the error says what is wanted.
    """
    open_ = getattr(ground.session.logs, stream)
    with pytest.raises(TypeError, match=r"^resume_from must be a Cursor, got 'text'"):
        open_("orga_1", "redis_1" if stream == "addon_stream" else "app_1", resume_from="text")


async def test_a_password_in_an_address_is_not_shown() -> None:
    """
    Not even where the address is of the wrong kind.
    """
    for value in (b"http://user:pass@localhost", "http://user:pass@localhost", "//user:pass@a:b"):
        with pytest.raises((TypeError, ValueError), match=r"^base_url") as caught:
            Session(base_url=value)  # type: ignore[arg-type]
        assert "pass" not in str(caught.value)
