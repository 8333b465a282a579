"""
Proxies: which one is asked, what it is told, and what never passes it.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import aiohttp
import pytest
from yarl import URL

from clever_v4.auth import ApiToken
from clever_v4.session import Session
from clever_v4.transport.proxies import proxy_from, proxy_of_environment
from tests.serving import Server, answers, serve

from .streaming import heartbeats, open_one
from .tls import serve_tls, trusting, tunnel

BASIC = "Basic " + b64encode(b"user:p@ss word").decode()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def on_the_network(server: Server) -> str:
    """
    An address of a server that does not count as this machine's, and still leads there.
    """
    return server.url.replace("127.0.0.1", "0.0.0.0")


@pytest.mark.parametrize(
    ("environ", "base", "found"),
    [
        ({}, "https://api.example.com", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://api.example.com", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "https://api.example.com", "http://p:1"),
        ({"https_proxy": "p:1"}, "https://api.example.com", "http://p:1"),
        ({"https_proxy": ""}, "https://api.example.com", None),
        ({"HTTP_PROXY": "http://p:1"}, "https://api.example.com", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://api.example.com", "http://p:1"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "other"}, "https://api.example.com", "http://p"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "example.com"}, "https://api.example.com", None),
        ({"HTTPS_PROXY": "http://p", "no_proxy": ".example.com"}, "https://api.example.com", None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "*"}, "https://api.example.com", None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "a.b:8443"}, "https://a.b:8443", None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "a.b:8443"}, "https://a.b", "http://p"),
        ({"HTTP_PROXY": "http://p"}, "http://localhost:8080", None),
        ({"HTTP_PROXY": "http://p"}, "http://127.0.0.1:8080", None),
        ({"HTTP_PROXY": "http://p"}, "http://127.8.8.8", None),
        ({"HTTP_PROXY": "http://p"}, "http://[::1]:8080", None),
        ({"HTTPS_PROXY": "http://p"}, "https://localhost", None),
    ],
)
def test_proxy_of_the_environment(
    environ: dict[str, str], base: str, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As everybody names it, but never for what is on this machine.
    """
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_of_environment(URL(base))
    assert (None if proxy is None else proxy.url) == (None if found is None else URL(found))


@pytest.mark.parametrize(
    "value", ["socks5://user:TOP-SECRET@p:1", "http://", "ftp://p", "http://["]
)
def test_proxy_of_the_environment_that_is_none_is_refused(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When the session is made; what is set is not shown, nor is it in any frame.
    """
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ValueError, match="that the environment sets for https must be") as raised:
        Session(ApiToken("t"), trust_env=True)
    traceback = raised.value.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename != __file__:
            assert "TOP-SECRET" not in repr(traceback.tb_frame.f_locals)
        traceback = traceback.tb_next


def test_password_of_a_proxy_is_kept_apart_from_its_address() -> None:
    """
    It is sent as a header, whose value no repr shows.
    """
    proxy = proxy_from("http://user:p%40ss%20word@proxy.example.com:3128")
    assert proxy is not None
    assert proxy.url == URL("http://proxy.example.com:3128")
    assert str(proxy.authorization) == BASIC
    assert "p@ss" not in repr(proxy)
    assert BASIC[6:] not in repr(proxy)
    assert set(proxy.secrets) == {BASIC[6:], "user:p@ss word", "p@ss word"}


async def _ask_all(session: Session) -> None:
    await session.request("GET", "/x")
    async with session._client.download(("x",), accept="*/*"):
        pass
    (await open_one(session._client.stream_opener())).close()


@pytest.mark.parametrize("is_borrowed", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_what_is_on_this_machine_is_never_asked_for_through_the_environment_s_proxy(
    host: str, is_borrowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its credentials would leave in clear text; a borrowed aiohttp session that trusts the
    environment is held to it, too.
    """
    async with (
        serve(heartbeats) as server,
        serve(answers((200, "{}"))) as proxy,
        aiohttp.ClientSession(trust_env=True) as http,
    ):
        monkeypatch.setenv("HTTP_PROXY", on_the_network(proxy))
        lent: dict[str, Any] = {"http": http, "stream_http": http} if is_borrowed else {}
        base = server.url.replace("127.0.0.1", host)
        async with Session(ApiToken("t"), base_url=base, trust_env=True, **lent) as session:
            await _ask_all(session)
    assert proxy.requests == []
    assert [one.headers["Authorization"] for one in server.requests] == ["Bearer t"] * 3


async def test_credentials_in_clear_text_pass_a_proxy_where_the_network_is_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    On demand only; without that, neither a base nor a proxy of the network is taken.
    """
    async with serve(answers((200, "{}"))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", on_the_network(proxy))
        base = "http://api.example.com"
        with pytest.raises(ValueError, match="in clear text"):
            Session(ApiToken("t"), base_url=base, trust_env=True)
        with pytest.raises(ValueError, match="in clear text"):
            Session(ApiToken("t"), base_url="http://localhost", proxy=on_the_network(proxy))
        async with Session(
            ApiToken("t"), base_url=base, trust_env=True, allow_insecure_http=True
        ) as session:
            await session.request("GET", "/x")
    assert [one.host for one in proxy.requests] == ["api.example.com"]


@pytest.mark.parametrize("is_given", [True, False])
async def test_proxy_in_clear_text_is_told_its_password(
    is_given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    In the one request that there is, whoever named it; a given proxy wins over the environment's.
    """
    plan = (200, "{}", {"Content-Type": "text/event-stream"})
    async with serve(answers(plan)) as proxy:
        address = proxy.url.replace("//", "//user:p%40ss%20word@")
        monkeypatch.setenv("HTTP_PROXY", "http://other.example.com" if is_given else address)
        given: dict[str, Any] = {"proxy": address} if is_given else {}
        async with Session(base_url="http://api.example.com", trust_env=True, **given) as session:
            await _ask_all(session)
    assert [one.headers["Proxy-Authorization"] for one in proxy.requests] == [BASIC] * 3


@pytest.mark.parametrize("is_given", [True, False])
async def test_tunnel_is_told_its_password_and_who_is_behind_it_is_not(
    is_given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The proxy sees CONNECT and its own credentials; the API sees the session's.
    """
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    async with (
        serve_tls("of another host", answer=answer) as server,
        tunnel(server.port) as (place, heads),
    ):
        address = f"http://user:p%40ss%20word@{place}"
        monkeypatch.setenv("HTTPS_PROXY", "http://other.example.com" if is_given else address)
        given: dict[str, Any] = {"proxy": address} if is_given else {}
        async with Session(
            ApiToken("the-token"),
            base_url="https://api.example.com",
            ssl=trusting(),
            trust_env=True,
            **given,
        ) as session:
            assert (await session.request("GET", "/x")).json() == {}
    assert len(heads) == 1
    assert heads[0].startswith("CONNECT api.example.com:443 HTTP/1.1\r\n")
    assert f"Proxy-Authorization: {BASIC}\r\n" in heads[0]
    assert "the-token" not in heads[0]
    assert "Authorization: Bearer the-token\r\n" in server.heads[0]
    assert "Proxy-Authorization" not in server.heads[0]
