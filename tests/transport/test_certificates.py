"""
Certificates that are not trusted: told at once and with the reason, whatever was asked.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from clever_v4.api.logs import LogQuery
from clever_v4.auth import ApiToken
from clever_v4.errors import CertificateError, ConnectionFailedError
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnection, is_transient
from clever_v4.transport.policies import Retry, retry_decision

from .support import PROMPT
from .tls import serve_tls, serving_only_known_clients, trusting

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


async def _request(session: Session) -> None:
    await session.request("GET", "/x")


async def _download(session: Session) -> None:
    async with session._client.download(("x",), accept="*/*"):
        pass


async def _stream(session: Session) -> None:
    def tell(reconnection: Reconnection) -> None:
        raise AssertionError(reconnection)

    stream = session.logs.stream("orga_1", "app_1", LogQuery(), on_reconnection=tell)
    await anext(stream)


Ask = Callable[[Session], Awaitable[None]]
ASKED: list[Ask] = [_request, _download, _stream]


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "certificate has expired"),
        ("of another host", "Hostname mismatch, certificate is not valid for 'localhost'."),
        ("of an unknown issuer", "unable to get local issuer certificate"),
    ],
)
async def test_certificate_that_is_not_trusted_is_told_at_once(
    kind: str, reason: str, ask: Ask
) -> None:
    """
    After one connection, with the host and what is wrong; the cause is that of the TLS library.
    """
    async with (
        serve_tls(kind) as server,
        Session(ApiToken("t"), base_url=server.url, retry=PROMPT, ssl=trusting()) as session,
    ):
        with pytest.raises(CertificateError) as raised:
            await ask(session)
    told = f"the certificate of localhost:{server.port} is not trusted: {reason}"
    assert raised.value.reason == told
    assert str(raised.value).endswith(f": {told}")
    assert isinstance(raised.value, ConnectionFailedError)
    assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)
    assert (server.connection_count, server.request_count) == (1, 0)


async def test_certificate_of_an_authority_that_the_system_does_not_know_is_not_trusted() -> None:
    """
    The default of every session; one that brings the authority gets its answer.
    """
    async with serve_tls("good", answer=OK) as server:
        async with Session(base_url=server.url) as session:
            with pytest.raises(CertificateError, match="is not trusted: "):
                await session.request("GET", "/x")
        async with Session(base_url=server.url, ssl=trusting()) as session:
            assert (await session.request("GET", "/x")).json() == {}


@pytest.mark.parametrize("ask", ASKED)
async def test_another_fingerprint_is_told_at_once(ask: Ask) -> None:
    """
    As any certificate that is not the right one.
    """
    async with serve_tls("good", answer=OK) as server:
        pinned: Any = aiohttp.Fingerprint(bytes(32))
        async with Session(base_url=server.url, retry=PROMPT, ssl=pinned) as session:
            with pytest.raises(CertificateError, match="has another fingerprint than was given"):
                await ask(session)
    assert (server.connection_count, server.request_count) == (1, 0)


@pytest.mark.parametrize("ask", ASKED)
async def test_certificate_that_the_server_wants_is_told_at_once(ask: Ask) -> None:
    """
    The server refuses what comes without one. (TLS 1.2 has no alert that says so.)
    """
    with serving_only_known_clients() as server:
        async with Session(base_url=server.url, retry=PROMPT, ssl=trusting()) as session:
            with pytest.raises(CertificateError, match="the server refused our certificate: "):
                await ask(session)
    assert (server.connection_count, server.request_count) == (1, 0)


async def test_what_is_no_tls_is_a_network_fault() -> None:
    """
    A handshake that breaks off may go better the next time.
    """
    async with serve_tls("good", answer=OK) as server:
        base = server.url.replace("https", "http")
        async with Session(base_url=base, retry=PROMPT) as session:
            with pytest.raises(ConnectionFailedError) as raised:
                await session.request("GET", "/x")
    assert not isinstance(raised.value, CertificateError)
    assert server.connection_count == PROMPT.attempts


def test_certificate_does_not_become_right_by_asking_again() -> None:
    """
    Neither for a request nor for a stream, one that was connected before included.
    """
    error = CertificateError(reason="expired")
    assert retry_decision(error, Retry(), timedelta(0)) is False
    assert is_transient(error) is False
    assert is_transient(ConnectionFailedError("reset")) is True
