"""
What is asked of a log, and what its entries say of themselves.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clever_v4.api.logs import AccessLogEntry, AccessLogKind, LogEntry, LogQuery, Throttle
from clever_v4.api.logs.entries import Endpoint, HttpExchange
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.session import Session
from clever_v4.wire.converter import converter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_query_is_sent_under_the_names_of_the_reference() -> None:
    """
    Several values repeat their key, moments are UTC with milliseconds, what is not asked for is not sent.
    """
    query = LogQuery(
        since=NOON,
        until=NOON + timedelta(hours=1),
        limit=10,
        deployment_id="deployment_1",
        instance_ids=("i1", "i2"),
        fields=("date", "message"),
        filter="Error",
        services=("all",),
    )
    assert query.pairs(limit=7, since=None) == [
        ("since", "2026-01-01T12:00:00.000Z"),
        ("until", "2026-01-01T13:00:00.000Z"),
        ("limit", "7"),
        ("deploymentId", "deployment_1"),
        ("instanceId", "i1"),
        ("instanceId", "i2"),
        ("field", "date"),
        ("field", "message"),
        ("filter", "Error"),
        ("service", "all"),
    ]
    assert LogQuery().pairs(limit=None, since=None) == []


def test_a_server_s_clock_that_is_ahead_breaks_no_reconnection() -> None:
    """
    Where to go on from is the server's word, also where it is after the end that was asked for.
    """
    query = LogQuery(until=NOON)
    later = NOON + timedelta(seconds=10)
    assert query.pairs(limit=None, since=later)[0] == ("since", "2026-01-01T12:00:10.000Z")


def test_a_fixed_query_counts_back_from_one_moment() -> None:
    """
    Both ends are as far from each other as was asked for, however often it is sent.
    """
    fixed = LogQuery(since=timedelta(hours=2), until=timedelta(hours=1)).fixed()
    assert isinstance(fixed.since, datetime)
    assert isinstance(fixed.until, datetime)
    assert fixed.until - fixed.since == timedelta(hours=1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"limit": 0}, ValueError, "limit must be at least 1, got 0"),
        ({"limit": True}, TypeError, "limit must be a whole number, got True"),
        ({"since": datetime(2026, 1, 1)}, ValueError, "since must be an aware datetime, got the naive"),  # noqa: DTZ001
        ({"until": timedelta.max}, ValueError, "until must be within the years 1 to 9999, got"),
        ({"since": NOON, "until": NOON - timedelta(1)}, ValueError, "since must not be after until"),
        ({"since": timedelta(0), "until": timedelta(1)}, ValueError, "since must not be after until"),
        ({"since": timedelta(days=1), "until": NOON - timedelta(days=9999)}, ValueError, "since must not be after"),
        ({"deployment_id": ""}, ValueError, "deployment_id must not be empty, got ''"),
        ({"deployment_id": 3}, TypeError, "deployment_id must be text, got 3"),
        ({"instance_ids": "i1"}, TypeError, "instance_ids must be a tuple of texts, got 'i1'"),
        ({"instance_ids": ("",)}, ValueError, "each of instance_ids must not be empty"),
        ({"fields": (3,)}, TypeError, "each of fields must be text"),
        ({"filter": ""}, ValueError, "filter must not be empty, got ''"),
        ({"services": ["all"]}, TypeError, "services must be a tuple of texts"),
    ],
)  # fmt: skip
def test_a_query_refuses_nonsense(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """
    Each mistake is told by the argument's name and value.
    """
    with pytest.raises(error, match=message):
        LogQuery(**arguments)


@pytest.mark.parametrize(
    ("elements", "per", "error", "message"),
    [
        (0, timedelta(seconds=1), ValueError, "elements must be at least 1, got 0"),
        (2**31, timedelta(seconds=1), ValueError, "elements must be at most 2147483647, got 2147483648"),
        (True, timedelta(seconds=1), TypeError, "elements must be a whole number, got True"),
        (None, timedelta(seconds=1), TypeError, "elements must be a whole number, got None"),
        (1, timedelta(microseconds=1500), ValueError, "per must be whole milliseconds, at least 1, got"),
        (1, timedelta(0), ValueError, "per must be whole milliseconds, at least 1, got"),
        (1, 300, TypeError, "per must be a timedelta, got 300"),
    ],
)  # fmt: skip
def test_a_throttle_refuses_nonsense(
    elements: Any, per: Any, error: type[Exception], message: str
) -> None:
    """
    Each mistake is told by the argument's name and value.
    """
    with pytest.raises(error, match=message):
        Throttle(elements=elements, per=per)


def test_a_throttle_is_sent_in_milliseconds() -> None:
    """
    As the official command line sends it.
    """
    assert Throttle.CLI.pairs() == [
        ("throttleElements", "2000"),
        ("throttlePerInMilliseconds", "100"),
    ]


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (AccessLogEntry(request_id="r", http=HttpExchange()), AccessLogKind.HTTP),
        (AccessLogEntry(request_id="r", source=Endpoint()), AccessLogKind.TCP),
        (AccessLogEntry(source=Endpoint()), AccessLogKind.SSH),
        (AccessLogEntry(destination=Endpoint()), AccessLogKind.SSH),
        (AccessLogEntry(id="1"), AccessLogKind.UNKNOWN),
    ],
)
def test_the_kind_of_an_access_follows_from_what_it_tells(
    entry: AccessLogEntry, kind: AccessLogKind
) -> None:
    """
    The payload does not say, so it is told as the official command line tells it.
    """
    assert entry.kind == kind


@pytest.mark.parametrize("facility", [3, "daemon", None])
@pytest.mark.parametrize("suffix", ["", "[UTC]"])
def test_what_sources_disagree_on_is_kept_as_it_comes(facility: object, suffix: str) -> None:
    """
    A facility is a number or a keyword, and a date may have the name of its zone.
    """
    written = "null" if facility is None else f'"{facility}"' if facility == "daemon" else facility
    body = f'{{"date": "2026-01-01T12:00:00Z{suffix}", "facility": {written}}}'.encode()
    expected = LogEntry(date=NOON, facility=facility)  # type: ignore[arg-type]  -- one of the three
    assert converter.get_loads_hook(LogEntry)(body) == converter.loads(body, LogEntry) == expected


@pytest.mark.parametrize(
    ("stream", "arguments", "error", "message"),
    [
        ("stream", ("", "app_1"), ValueError, "owner_id must be neither empty"),
        (
            "stream",
            ("orga_1", "a/b"),
            ValueError,
            "application_id must not hold a slash, got 'a/b'",
        ),
        (
            "stream",
            ("orga_1", "app_1", "since=1h"),
            TypeError,
            "query must be a LogQuery or None, got 'sin",
        ),
        ("addon_stream", ("orga_1", "addon_1"), ValueError, "real id .* got 'addon_1'"),
        (
            "addon_stream",
            ("orga_1", "pg_1", {}),
            TypeError,
            "query must be a LogQuery or None, got {}",
        ),
        (
            "addon_stream",
            ("orga_1", "pg_1", LogQuery(services=("all",))),
            ValueError,
            "services is not a parameter of an add-on's log, got",
        ),
        ("access_stream", ("orga_1", "addon_1"), ValueError, "real id .* got 'addon_1'"),
        (
            "access_stream",
            ("orga_1", "app_1", LogQuery(filter="x")),
            ValueError,
            "filter is not a parameter of an access log, got 'x'",
        ),
    ],
)
async def test_a_stream_refuses_what_cannot_be_meant(
    stream: str, arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    """
    At once, and not when it is iterated; the argument is named.
    """
    async with Session(ApiToken("token")) as session:
        with pytest.raises(error, match=message):
            getattr(session.logs, stream)(*arguments)


async def test_a_stream_refuses_a_throttle_of_another_type() -> None:
    """
    A number would be taken for either half of it.
    """
    async with Session(ApiToken("token")) as session:
        with pytest.raises(TypeError, match="throttle must be a Throttle or None, got 100"):
            session.logs.stream("orga_1", "app_1", throttle=100)  # type: ignore[arg-type]


@pytest.mark.parametrize("until", [timedelta(0), timedelta(hours=1), NOON - timedelta(days=365)])
async def test_an_end_in_the_past_needs_a_beginning(
    until: timedelta | datetime, emulator: Emulator, session: Session
) -> None:
    """
    Without one, and without a cursor, a stream is from now on: nothing could come.
    """
    application = emulator.add_application("shop")
    ids = (application.owner_id, application.id)
    with pytest.raises(ValueError, match="until is past and since is not given"):
        session.logs.stream(*ids, LogQuery(until=until))
    session.logs.stream(*ids, LogQuery(until=until, since=timedelta(days=365 * 5)))
    session.logs.stream(*ids, LogQuery(until=datetime.now(UTC) + timedelta(hours=1)))
    cursor = session.logs.stream(*ids).cursor
    session.logs.stream(*ids, LogQuery(until=until), resume_from=cursor)
