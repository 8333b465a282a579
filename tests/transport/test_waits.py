"""
Every wait is bounded: for a name, a connection, a proxy, TLS, the head of an answer, and its body.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from clever_v4.auth import ApiToken
from clever_v4.errors import RequestTimeoutError
from clever_v4.session import Session
from clever_v4.transport.policies import Timeout

from .raw import Speak, nothing, speaking
from .streaming import open_one

SHORT = timedelta(milliseconds=50)
# What is not tested for has ample time.
LONG = timedelta(minutes=5)
TIMEOUTS = {
    "connection": Timeout(connect=SHORT, read=LONG, total=None),
    "complete answer": Timeout(connect=LONG, read=SHORT, total=None),
}


async def _request(session: Session) -> None:
    await session.request("GET", "/x")


async def _download(session: Session) -> None:
    async with session._client.download(("x",), accept="*/*") as download:
        async for _ in download.chunks():
            pass


async def _stream(session: Session) -> None:
    await open_one(session._client.stream_opener())


Ask = Callable[[Session], Awaitable[None]]
ASKED: list[Ask] = [_request, _download, _stream]


async def _consent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """
    Take CONNECT; there is nobody behind it.
    """
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """
    Begin a head that has no end, a byte at a time.
    """
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """
    Send a head and the beginning of a body.
    """
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


class _SilentResolver(AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    ("speak", "base", "is_proxy", "awaited"),
    [
        (nothing, "https://api.example.com", True, "connection"),
        (_consent, "https://api.example.com", True, "connection"),
        (nothing, "http://api.example.com", True, "complete answer"),
        (nothing, "https://{}", False, "connection"),
        (nothing, "http://{}", False, "complete answer"),
        (_drip, "http://{}", False, "complete answer"),
        (_drip, "http://api.example.com", True, "complete answer"),
        (_drip, "https://api.example.com", True, "connection"),
    ],
    ids=[
        "CONNECT is not answered",
        "nobody is behind the tunnel",
        "the proxy does not answer",
        "TLS is not answered",
        "no head comes",
        "the head does not end",
        "the proxy's head does not end",
        "the consent does not end",
    ],
)
async def test_what_does_not_come_is_a_timeout(
    ask: Ask, speak: Speak, base: str, is_proxy: bool, awaited: str
) -> None:
    """
    For requests, downloads and streams alike; nothing is held by them afterwards.
    """
    async with speaking(speak) as place:
        options: dict[str, Any] = {"proxy": f"http://{place}"} if is_proxy else {}
        async with Session(
            ApiToken("t") if base.startswith("https") else None,
            base_url=base.format(place),
            retry=None,
            timeout=TIMEOUTS[awaited],
            max_connections=1,
            max_streams=1,
            **options,
        ) as session:
            for _ in range(2):  # the first one gave its place back
                with pytest.raises(RequestTimeoutError, match=f": no {awaited} after "):
                    await ask(session)
            assert session.open_stream_count == 0


@pytest.mark.parametrize("ask", ASKED)
async def test_name_that_is_not_resolved_is_a_timeout(ask: Ask) -> None:
    """
    A resolver that does not answer, here that of a borrowed aiohttp session.
    """
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=_SilentResolver())) as http,
        Session(
            base_url="http://api.example.com",
            http=http,
            stream_http=http,
            retry=None,
            timeout=TIMEOUTS["connection"],
        ) as session,
    ):
        with pytest.raises(RequestTimeoutError, match="no connection after"):
            await ask(session)


@pytest.mark.parametrize("ask", ASKED)
async def test_borrowed_pool_that_is_full_is_a_timeout(ask: Ask) -> None:
    """
    Its lender holds all of its connections.
    """
    async with (
        speaking(_begin) as place,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http,
        http.get(f"http://{place}"),
        Session(
            base_url=f"http://{place}",
            http=http,
            stream_http=http,
            retry=None,
            timeout=TIMEOUTS["connection"],
        ) as session,
    ):
        with pytest.raises(RequestTimeoutError, match="no connection after"):
            await ask(session)


@pytest.mark.parametrize("ask", [_request, _download])
async def test_body_that_stalls_is_a_timeout(ask: Ask) -> None:
    """
    A stream's silence is its watchdog's concern.
    """
    async with (
        speaking(_begin) as place,
        Session(
            base_url=f"http://{place}", retry=None, timeout=TIMEOUTS["complete answer"]
        ) as session,
    ):
        with pytest.raises(RequestTimeoutError, match="no complete answer after"):
            await ask(session)


async def test_what_is_sent_with_a_body_takes_its_time() -> None:
    """
    A head that comes within its time after the last byte was sent is in time.
    """
    patience = timedelta(milliseconds=300)
    sent = b"x" * 16_000_000  # more than the buffers of both ends hold

    async def take_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2 * patience.total_seconds())
        await reader.readexactly(len(sent) + 2)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with (
        speaking(take_slowly) as place,
        Session(base_url=f"http://{place}", retry=None, timeout=Timeout(read=patience)) as session,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # aiohttp's, of the size
            answer = await session.request("POST", "/x", json=sent.decode())
    assert answer.json() == {}
