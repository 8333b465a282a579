"""
What a session sends with: borrowed aiohttp sessions, proxies, and what they bring along.
"""

from __future__ import annotations

import asyncio
import gzip
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from blockbuster import BlockBuster

from clever_v4.api.logs import LogQuery
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    NotFoundError,
    SessionClosedError,
)
from clever_v4.session import Session
from tests.serving import answers, serve


async def test_borrowed_client_session_is_used_and_left_open(emulator: Emulator) -> None:
    """
    Requests go through it; its owner closes it.
    """
    seen: list[str] = []
    trace = aiohttp.TraceConfig()

    async def note(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
        seen.append(params.url.path)

    trace.on_request_start.append(note)
    async with aiohttp.ClientSession(trace_configs=[trace]) as http:
        async with Session(ApiToken(emulator.token), http=http, base_url=emulator.url) as session:
            await session.zones.list()
        assert not http.closed
    assert seen == ["/v4/products/zones"]


async def test_borrowed_client_session_that_raises_by_itself_is_tamed() -> None:
    """
    ``raise_for_status=True`` of the lender's does not hide the API's own words.
    """
    async with (
        serve(answers((404, '{"code": "c", "error": "none"}'))) as server,
        aiohttp.ClientSession(raise_for_status=True) as http,
        Session(ApiToken("t"), http=http, base_url=server.url) as session,
    ):
        with pytest.raises(NotFoundError, match="none"):
            await session.request("GET", "/x")


async def test_borrowed_client_session_with_credentials_of_its_own_keeps_them() -> None:
    """
    Those of the session are sent, not the lender's; aiohttp alone would refuse to choose.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the lender's concern
        http = aiohttp.ClientSession(auth=aiohttp.BasicAuth("lender", "password"))
    async with (
        serve(answers((200, "{}"))) as server,
        http,
        Session(ApiToken("ours"), http=http, base_url=server.url) as session,
    ):
        await session.request("GET", "/x")
    assert server.requests[0].headers.getall("Authorization") == ["Bearer ours"]


async def test_borrowed_client_session_that_does_not_decompress_is_tamed() -> None:
    """
    ``auto_decompress=False`` of the lender's does not hand over compressed bytes as JSON.
    """
    plan = (200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"})
    async with (
        serve(answers(plan)) as server,
        aiohttp.ClientSession(auto_decompress=False) as http,
        Session(ApiToken("t"), http=http, base_url=server.url) as session,
    ):
        assert (await session.request("GET", "/x")).json() == {"a": 1}


async def test_streams_do_not_fill_a_borrowed_pool(emulator: Emulator) -> None:
    """
    They have a connector of the session's own, also where the one for requests is borrowed.
    """
    application = emulator.add_application(history=1)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http,
        Session(ApiToken(emulator.token), http=http, base_url=emulator.url) as session,
    ):
        streams = [
            session.logs.stream(application.owner_id, application.id, LogQuery(since=timedelta(1)))
            for _ in range(20)
        ]
        await asyncio.gather(*(anext(stream) for stream in streams))
        assert session.open_stream_count == 20
        assert await session.zones.list()
        for stream in streams:
            await stream.aclose()


async def test_borrowed_client_session_that_was_closed_is_told(emulator: Emulator) -> None:
    """
    The lender closed it: said in our words.
    """
    async with aiohttp.ClientSession() as http:
        session = Session(ApiToken(emulator.token), http=http, base_url=emulator.url)
        await session.zones.list()
    with pytest.raises(SessionClosedError, match="underlying aiohttp session is closed"):
        await session.zones.list()
    await session.close()


async def test_proxy_is_used_for_requests(emulator: Emulator) -> None:
    """
    The proxy gets the whole address.
    """
    async with (
        serve(answers((200, "[]"))) as proxy,
        Session(base_url="http://api.example.com", proxy=proxy.url) as session,
    ):
        assert await session.zones.list() == []
    assert proxy.requests[0].raw_path in {
        "/v4/products/zones",
        "http://api.example.com/v4/products/zones",
    }
    assert proxy.requests[0].host == "api.example.com"


async def test_environment_s_proxy_is_used_on_demand(
    blockbuster: BlockBuster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    ``trust_env`` obeys ``HTTP_PROXY``.
    """
    blockbuster.deactivate()  # aiohttp before 3.14 looks for ~/.netrc inside the event loop
    async with serve(answers((200, "[]"))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with Session(base_url="http://api.example.com", trust_env=True) as session:
            assert await session.zones.list() == []
    assert len(proxy.requests) == 1


async def test_proxy_is_used_for_streams(emulator: Emulator) -> None:
    """
    As for requests.
    """
    plan = (404, '{"code": "clever.core.not-found", "error": "from the proxy"}')
    async with (
        serve(answers(plan)) as proxy,
        Session(base_url="http://api.example.com", proxy=proxy.url) as session,
    ):
        with pytest.raises(NotFoundError, match="from the proxy"):
            await anext(session.logs.stream("orga_1", "app_1"))
    assert proxy.requests[0].host == "api.example.com"


async def test_netrc_does_not_replace_the_credentials(
    blockbuster: BlockBuster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    ``trust_env`` makes aiohttp read ~/.netrc, too, and refuse to choose.
    """
    blockbuster.deactivate()  # aiohttp before 3.14 reads it inside the event loop
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with (
        serve(answers((200, "{}"))) as server,
        Session(ApiToken("ours"), base_url=server.url, trust_env=True) as session,
    ):
        await session.request("GET", "/x")
    assert server.requests[0].headers.getall("Authorization") == ["Bearer ours"]
