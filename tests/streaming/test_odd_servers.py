"""
What odd servers say in their headers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from clever_v4.auth import ApiToken
from clever_v4.session import Session

from .planned import entry, follow, planned, scripted


@pytest.fixture
def far_away() -> Iterator[None]:
    """
    This machine is nine and a half hours ahead of UTC.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "FAR-9:30")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize(
    "date",
    [
        b"Sun, 01 Mar 2026 12:00:00 GMT",
        b"Sunday, 01-Mar-26 12:00:00 GMT",
        b"Sun Mar  1 12:00:00 2026",
        b"Sun, 01 Mar 2026 12:00:00 -0000",
        b"Sun, 01 Mar 2026 12:00:00",
    ],
)
async def test_a_live_stream_goes_on_from_the_server_s_date(date: bytes) -> None:
    """
    However the server writes it, the moment of the first connection is that in UTC.
    """
    async with (
        planned(scripted(b"", entry(b"1:1:0", "first"), date=date)) as server,
        Session(ApiToken("a-token"), base_url=server.url) as session,
        follow(session) as stream,
    ):
        assert (await anext(stream)).message == "first"
    since = [asked.query.get("since") for asked in server.asked]
    assert since == [None, "2026-03-01T12:00:00.000Z"]


@pytest.mark.parametrize(
    "date",
    [None, b"", b"soon", b"Fri, 31 Dec 9999 23:59:59 -1200", b"Sun, 01 Mar 2026 12:00:00 EST"],
)
async def test_a_date_that_is_none_is_our_own(date: bytes | None) -> None:
    """
    The stream goes on, from the moment of the first connection by our own clock.
    """
    before = datetime.now(UTC) - timedelta(seconds=1)
    async with (
        planned(scripted(b"", entry(b"1:1:0", "first"), date=date)) as server,
        Session(ApiToken("a-token"), base_url=server.url) as session,
        follow(session) as stream,
    ):
        assert (await anext(stream)).message == "first"
    since = datetime.fromisoformat(server.asked[1].query["since"])
    assert before <= since <= datetime.now(UTC)
