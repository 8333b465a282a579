"""
The session: life, event loops, borrowed connections, and where credentials may go.
"""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from blockbuster import BlockBuster

from clever_v4.auth import ApiToken, Auth, OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    ConnectionFailedError,
    CredentialsError,
    DifferentEventLoopError,
    SessionClosedError,
)
from clever_v4.session import Session
from clever_v4.transport.policies import Retry, Timeout
from tests.serving import answers, serve


async def test_session_opens_works_and_closes(emulator: Emulator) -> None:
    """
    The ten lines that a user writes first.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        zones = await session.zones.list()
        assert "par" in {zone.name for zone in zones}
        assert not session.closed
    assert session.closed


async def test_session_works_without_its_with(emulator: Emulator) -> None:
    """
    It opens on first use; closing is then the caller's, and may be repeated.
    """
    session = Session(ApiToken(emulator.token), base_url=emulator.url)
    assert await session.zones.list()
    await session.close()
    await session.close()


async def test_session_that_was_never_used_closes(emulator: Emulator) -> None:
    """
    There is nothing to close, and nothing to complain about.
    """
    session = Session(ApiToken(emulator.token), base_url=emulator.url)
    await session.close()
    assert session.closed


async def test_closed_session_is_refused(emulator: Emulator) -> None:
    """
    The message says what happened, not what aiohttp thinks.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as session:
        pass
    with pytest.raises(SessionClosedError, match=r"^the session is closed$"):
        await session.zones.list()
    with pytest.raises(SessionClosedError, match=r"^the session is closed$"):
        async with session:
            pass


async def test_closing_ends_what_is_under_way() -> None:
    """
    A request that waits for its answer is an error at once, and is not repeated.
    """
    asked = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        return web.Response()

    async with serve(wait) as server:
        session = Session(ApiToken("t"), base_url=server.url)
        async with asyncio.TaskGroup() as group:
            call = group.create_task(_outcome(session.request("GET", "/x")))
            await asked.wait()
            await session.close()
        assert isinstance(call.result(), SessionClosedError | ConnectionFailedError)
    assert len(server.requests) == 1


async def _outcome(awaitable: Any) -> object:
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001 -- the outcome is what is asked for
        return error


def test_second_event_loop_is_refused() -> None:
    """
    A session belongs to the event loop of its first use, and says so.
    """
    session = Session(ApiToken("t"), base_url="http://127.0.0.1:9", retry=None)

    async def use() -> object:
        return await _outcome(session.zones.list())

    with asyncio.Runner() as first:
        assert isinstance(first.run(use()), ConnectionFailedError)
        with asyncio.Runner() as second:
            error = second.run(use())
            assert isinstance(error, DifferentEventLoopError)
            assert str(error) == (
                "the session belongs to another event loop; open one session in each event loop"
            )
            assert isinstance(second.run(_outcome(session.close())), DifferentEventLoopError)
        first.run(session.close())


async def test_session_leaves_no_connection_task_or_warning(emulator: Emulator) -> None:
    """
    After closing, nothing of it is left to be collected with a complaint.
    """
    before = _tasks_of_clients()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session = Session(ApiToken(emulator.token), base_url=emulator.url)
        async with session:
            await asyncio.gather(*(session.zones.list() for _ in range(20)))
            connector = session._client._connections.http.connector
        assert connector is not None
        assert connector.closed
        del session, connector
        gc.collect()
    assert not [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)]
    assert _tasks_of_clients() == before


def _tasks_of_clients() -> set[asyncio.Task[Any]]:
    # The emulator lives in the same event loop; its connections end a moment after ours.
    return {task for task in asyncio.all_tasks() if "RequestHandler.start" not in repr(task)}


# --- borrowed connections ---------------------------------------------------------------------


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
    from clever_v4.errors import NotFoundError

    async with (
        serve(answers((404, '{"code": "c", "error": "none"}'))) as server,
        aiohttp.ClientSession(raise_for_status=True) as http,
        Session(ApiToken("t"), http=http, base_url=server.url) as session,
    ):
        with pytest.raises(NotFoundError, match="none"):
            await session.request("GET", "/x")


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


# --- where credentials may go --------------------------------------------------------------------


@pytest.mark.parametrize("auth", [ApiToken("t"), OAuth1(token="t", token_secret="s")])
def test_clear_text_to_another_host_is_refused(auth: Auth) -> None:
    """
    The message says what to do; the credentials are not in it.
    """
    with pytest.raises(
        ValueError, match="base_url would send the credentials in clear text"
    ) as raised:
        Session(auth, base_url="http://api.example.com")
    assert str(raised.value) == (
        "base_url would send the credentials in clear text, got 'http://api.example.com'; "
        "use https, or allow_insecure_http=True where the network is trusted"
    )


async def test_clear_text_is_allowed_where_it_is_harmless() -> None:
    """
    To this machine, without credentials, or on demand.
    """
    for session in (
        Session(ApiToken("t"), base_url="http://127.0.0.1:1"),
        Session(ApiToken("t"), base_url="http://[::1]:1"),
        Session(ApiToken("t"), base_url="http://localhost:1"),
        Session(base_url="http://api.example.com"),
        Session(ApiToken("t"), base_url="http://api.example.com", allow_insecure_http=True),
    ):
        await session.close()


async def test_clear_text_is_refused_for_credentials_given_later() -> None:
    """
    Credentials that name a clear-text host are refused when they are known.
    """

    class Own:
        base_url = "http://api.example.com"

        def authorization(self, method: str, url: str) -> str:
            raise AssertionError("never signed")

    async def give() -> Auth:
        return Own()

    with pytest.raises(ValueError, match="clear text"):
        async with Session(give):
            pass
    with pytest.raises(ValueError, match="clear text"):
        Session(Own())
    with pytest.raises(ValueError, match="clear text"):
        Session(give, base_url="http://api.example.com")


@pytest.mark.parametrize(
    ("auth", "base"),
    [
        (None, "https://api.clever-cloud.com/"),
        (ApiToken("t"), "https://api-bridge.clever-cloud.com/"),
        (OAuth1(token="t", token_secret="s"), "https://api.clever-cloud.com/"),
    ],
)
def test_base_url_follows_the_credentials(auth: Auth | None, base: str) -> None:
    """
    The bridge for API tokens, the API itself otherwise.
    """
    assert str(Session(auth).base_url).rstrip("/") == base.rstrip("/")


def test_repr_shows_no_secret() -> None:
    """
    Where it goes and whether it is open, no more.
    """
    session = Session(ApiToken("the-token"))
    assert repr(session) == "<Session https://api-bridge.clever-cloud.com open>"


@pytest.mark.parametrize("auth", ["the-token", b"x", 3, ApiToken, OAuth1])
def test_auth_that_is_none_is_refused_and_not_shown(auth: Any) -> None:
    """
    A bare string is the likeliest mistake, and the secret itself.
    """
    with pytest.raises(TypeError, match=r"^auth must be ApiToken\(\.\.\.\), OAuth1") as raised:
        Session(auth)
    assert "the-token" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"max_connections": 0}, ValueError, r"^max_connections must be at least 1, got 0"),
        ({"max_streams": -1}, ValueError, r"^max_streams must be at least 1, got -1"),
        ({"max_response_bytes": 1.5}, TypeError, r"^max_response_bytes must be an int, got 1\.5"),
        ({"base_url": "api.clever-cloud.com"}, ValueError, r"^base_url must be an http"),
        ({"timeout": timedelta(0)}, ValueError, r"^total must be greater than zero"),
    ],
)
def test_nonsense_is_refused_by_name(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """
    On construction, with the argument's name and value.
    """
    with pytest.raises(error, match=text):
        Session(ApiToken("t"), **options)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Retry(attempts=0), ValueError, r"^attempts must be at least 1, got 0"),
        (lambda: Retry(attempts=True), TypeError, r"^attempts must be an int, got True"),
        (lambda: Retry(wait_max=5), TypeError, r"^wait_max must be a timedelta, got 5"),  # type: ignore[arg-type]
        (
            lambda: Retry(wait_jitter=timedelta(-1)),
            ValueError,
            r"^wait_jitter must not be negative",
        ),
        (lambda: Retry(timeout=timedelta(0)), ValueError, r"^timeout must be greater than zero"),
        (lambda: Timeout(connect=3), TypeError, r"^connect must be a timedelta, got 3"),  # type: ignore[arg-type]
    ],
)
def test_policies_refuse_nonsense_by_name(make: Any, error: type[Exception], text: str) -> None:
    """
    On construction, with the argument's name and value.
    """
    with pytest.raises(error, match=text):
        make()


# --- from the environment --------------------------------------------------------------------------


async def test_session_from_the_environment(emulator: Emulator) -> None:
    """
    A token of the environment, and options as ``Session`` takes them.
    """
    environ = {"CLEVER_API_TOKEN": emulator.token}
    async with Session.from_environment(environ, base_url=emulator.url) as session:
        assert (await session.request("GET", "/v2/self")).json()["id"] == emulator.user_id


async def test_session_from_the_cli_s_file(emulator: Emulator, tmp_path: Path) -> None:
    """
    The active profile's tokens, consumer and API host.
    """
    path = tmp_path / "clever-tools.json"
    profile = {
        "alias": "default",
        "token": emulator.oauth_token,
        "secret": emulator.oauth_secret,
        "overrides": {
            "API_HOST": emulator.url,
            "OAUTH_CONSUMER_KEY": emulator.consumer_key,
            "OAUTH_CONSUMER_SECRET": emulator.consumer_secret,
        },
    }
    path.write_text(json.dumps({"version": 1, "profiles": [profile]}))
    # In a thread only because this test counts reading a file as blocking the event loop.
    found = await asyncio.to_thread(Session.from_environment, {"CONFIGURATION_FILE": str(path)})
    async with found as session:
        assert (await session.request("GET", "/v2/self")).json()["id"] == emulator.user_id


def test_session_from_an_empty_environment_says_what_to_do(tmp_path: Path) -> None:
    """
    A clear error, also catchable as a ValueError.
    """
    with pytest.raises(CredentialsError, match="CLEVER_API_TOKEN"):
        Session.from_environment({"HOME": str(tmp_path)})
    with pytest.raises(ValueError, match="clever login"):
        Session.from_environment({"HOME": str(tmp_path)})


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
