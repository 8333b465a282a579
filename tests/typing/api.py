"""
What users' type checkers see of the public interface; checked by mypy and pyright, never run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import assert_type

from clever_v4 import (
    AccessLogEntry,
    AddonLogEntry,
    ApiToken,
    CleverError,
    LogEntry,
    LogQuery,
    OAuth1,
    RateLimitedError,
    Session,
    Throttle,
)


async def fresh() -> ApiToken:
    return ApiToken("renewed")


async def sessions() -> None:
    async with Session() as anonymous:
        assert_type(anonymous, Session)
    async with Session(ApiToken("token"), base_url="https://api.example.com") as session:
        assert_type(session, Session)
    async with Session(
        OAuth1(token="token", token_secret="secret"), timeout=timedelta(seconds=5)
    ) as signed:
        assert_type(signed, Session)
    async with Session(fresh) as renewed:
        assert_type(renewed, Session)
    async with Session.from_environment() as found:
        assert_type(found, Session)


async def streams(session: Session) -> None:
    query = LogQuery(since=timedelta(hours=1), until=datetime.now(UTC), limit=10, services=("all",))
    throttle = Throttle(elements=2_000, per=timedelta(milliseconds=100))
    async with session.logs.stream("orga_1", "app_1", query, throttle=throttle) as stream:
        async for entry in stream:
            assert_type(entry, LogEntry)
            assert_type(entry.message, str | None)
            assert_type(entry.date, datetime | None)
        cursor = stream.cursor
    async for entry in session.logs.stream("orga_1", "app_1", resume_from=cursor):
        assert_type(entry, LogEntry)
    async for batch in session.logs.stream("orga_1", "app_1").batches():
        takes_entries(batch)
    async for addon_entry in session.logs.addon_stream("orga_1", "postgresql_1"):
        assert_type(addon_entry, AddonLogEntry)
    async for access in session.logs.access_stream("orga_1", "app_1"):
        assert_type(access, AccessLogEntry)
    # A stream is what the standard library takes an asynchronous generator for.
    async with aclosing(session.logs.stream("orga_1", "app_1")) as closing:
        takes_generator(closing)
        takes_iterator(closing)


def takes_entries(_entries: Sequence[LogEntry]) -> None: ...


def takes_generator(_entries: AsyncGenerator[LogEntry, None]) -> None: ...


def takes_iterator(_entries: AsyncIterator[LogEntry]) -> None: ...


async def groups(session: Session) -> None:
    for zone in await session.zones.list():
        assert_type(zone.country_code, str | None)
    for deployment in await session.deployments.list("orga_1", "app_1"):
        assert_type(deployment.state, str)
    for invoice in await session.billing.list_invoices("orga_1"):
        takes_money(invoice.total_tax_included.amount)
    response = await session.request("GET", "/v2/self")
    assert_type(response.status, int)
    assert_type(response.body, bytes)


def takes_money(_amount: Decimal) -> None: ...


async def errors(session: Session) -> None:
    try:
        await session.zones.list()
    except RateLimitedError as error:
        assert_type(error.retry_after, timedelta | None)
        assert_type(error.status, int)
        assert_type(error.request_id, str | None)
    except CleverError as error:
        takes_exception(error)


def takes_exception(_error: Exception) -> None: ...
