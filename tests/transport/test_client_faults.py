"""
Requests over real sockets: what breaks, what does not come, and how it is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import traceback
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from clever_v4.auth import ApiToken
from clever_v4.errors import (
    ConnectionFailedError,
    NotFoundError,
    RequestTimeoutError,
    ServerError,
)
from clever_v4.session import Session
from clever_v4.transport.policies import ResponseInfo, Timeout
from tests.serving import serve

from .support import session


async def test_refused_connection_is_told(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The message says where; the cause is the operating system's. The attempt is a wire fact, as an
    answer is.
    """
    caplog.set_level(logging.DEBUG, logger="clever_v4")
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with Session(ApiToken("t"), base_url=url, retry=None) as ours:
        with pytest.raises(ConnectionFailedError, match=rf"^GET {url}/x: Cannot connect") as raised:
            await ours.request("GET", "/x")
    assert isinstance(raised.value.__cause__, ConnectionRefusedError)
    assert raised.value.request_id is None
    assert re.search(rf"GET {url}/x: no answer after \d", caplog.text)


async def test_what_is_not_http_is_a_connection_error() -> None:
    """
    A server that speaks another protocol.
    """

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.com ESMTP\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with Session(ApiToken("the-token"), base_url=url, retry=None) as ours:
            with pytest.raises(ConnectionFailedError, match=rf"^GET {url}/x: ") as raised:
                await ours.request("GET", "/x", query={"filter": "private"})
    # The source lines of a traceback show what this test wrote, so only what errors say counts.
    told = [line for line in traceback.format_exception(raised.value) if "Error" in line]
    chain = [raised.value, raised.value.__cause__]
    assert "the-token" not in f"{told}{chain!r}"
    assert "private" not in f"{told[-1]}{chain!r}"


async def test_error_whose_body_breaks_off_is_told_by_its_status() -> None:
    """
    Half a page says less, not nothing; an endless one is not read to its end.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        length = "100" if request.path == "/half" else "10000000"
        response = web.StreamResponse(status=500, headers={"Content-Length": length})
        await response.prepare(request)
        await response.write(b"half a page" + b"." * (0 if request.path == "/half" else 100_000))
        assert request.transport is not None
        request.transport.close()
        return response

    async with serve(handler) as server, session(server, max_connections=1) as ours:
        for path in ("/half", "/endless", "/half"):
            with pytest.raises(ServerError, match="half a page") as raised:
                await ours.request("GET", path)
            assert raised.value.status == 500


async def test_stalled_body_of_a_refusal_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The status is known, and it is what matters.
    """
    monkeypatch.setattr("clever_v4.transport.exchange._REFUSAL_S", 0.1)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=404)
        await response.prepare(request)
        await response.write(b"half a page")
        await asyncio.Event().wait()
        return response

    async with serve(handler) as server, session(server, max_connections=1) as ours:
        for _ in range(2):
            with pytest.raises(NotFoundError, match="half a page"):
                await ours.request("GET", "/x")


async def test_answer_that_breaks_off_is_told_with_its_sozu_id() -> None:
    """
    Its head came: the error names it to the support, and ``on_response`` is told.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100", "Sozu-Id": "01SOZU"})
        await response.prepare(request)
        await response.write(b"{")
        if request.path == "/broken":
            assert request.transport is not None
            request.transport.close()
        else:
            await asyncio.Event().wait()
        return response

    told: list[ResponseInfo] = []
    brief = Timeout(read=timedelta(seconds=1))
    async with (
        serve(handler) as server,
        session(server, retry=None, on_response=told.append) as ours,
        session(server, retry=None, on_response=told.append, timeout=brief) as impatient,
    ):
        with pytest.raises(ConnectionFailedError, match=r"\(Sozu-Id 01SOZU\)$") as broken:
            await ours.request("GET", "/broken")
        with pytest.raises(RequestTimeoutError, match=r"\(Sozu-Id 01SOZU\)$") as silent:
            await impatient.request("GET", "/silent")
    assert broken.value.request_id == silent.value.request_id == "01SOZU"
    assert [(info.status, info.request_id) for info in told] == [(200, "01SOZU")] * 2


async def test_connection_that_is_not_made_is_a_timeout() -> None:
    """
    A host that does not answer: said as such, and without the query.
    """
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        # Nobody accepts: when the queue is full, the next connection is neither made nor refused.
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        timeout = Timeout(connect=timedelta(milliseconds=200))
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with Session(ApiToken("t"), base_url=base, retry=None, timeout=timeout) as ours:
            with pytest.raises(RequestTimeoutError) as raised:
                await ours.request("GET", "/x", query={"filter": "private"})
    assert re.fullmatch(rf"GET {base}/x: no connection after \d+\.\d s", str(raised.value))
    assert "private" not in repr(raised.value.__cause__)


async def test_refusal_of_a_proxy_is_told_as_such() -> None:
    """
    It is not the API that said so.
    """

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Session(
            ApiToken("t"), base_url="https://api.example.com", proxy=proxy, retry=None
        ) as ours:
            with pytest.raises(ConnectionFailedError) as raised:
                await ours.request("GET", "/x")
    assert str(raised.value) == (
        "GET https://api.example.com/x: the proxy answered HTTP 407 Proxy Authentication Required"
    )


async def _stall(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"{")
    await asyncio.Event().wait()
    return response


@pytest.mark.parametrize(
    "timeout",
    [
        timedelta(milliseconds=50),
        Timeout(total=timedelta(milliseconds=50)),
        Timeout(total=None, read=timedelta(milliseconds=50)),
    ],
)
async def test_answer_that_does_not_come_is_a_timeout(timeout: Any) -> None:
    """
    The whole of an attempt is bounded, and so is silence.
    """
    async with (
        serve(_stall) as server,
        session(server, retry=None, timeout=timeout, max_connections=1) as ours,
    ):
        for _ in range(2):
            with pytest.raises(RequestTimeoutError, match=r"/x: no complete answer after 0\.\d s$"):
                await ours.request("GET", "/x")


async def test_callers_own_timeout_is_the_callers() -> None:
    """
    An ``asyncio.timeout`` around a call is a plain TimeoutError, not ours.
    """
    async with serve(_stall) as server, session(server) as ours:
        with pytest.raises(TimeoutError) as raised:
            async with asyncio.timeout(0.05):
                await ours.request("GET", "/x")
    assert type(raised.value) is TimeoutError
