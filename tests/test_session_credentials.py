"""
Where credentials may go, and where a session finds them.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path

import pytest

from clever_v4.api.logs import LogQuery
from clever_v4.auth import ApiToken, Auth, OAuth1
from clever_v4.emulator import Emulator
from clever_v4.errors import AuthenticationError, CredentialsError
from clever_v4.session import Session


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


def test_clear_text_to_a_proxy_is_refused() -> None:
    """
    It would read the credentials on their way, here too; its password is not shown.
    """
    proxy = "http://user:password@proxy.example.com:3128"
    with pytest.raises(ValueError, match="clear text") as raised:
        Session(ApiToken("t"), base_url="http://localhost:8080", proxy=proxy)
    assert str(raised.value) == (
        "proxy would be sent the credentials for 'http://localhost:8080' in clear text; "
        "use https, or allow_insecure_http=True where the network is trusted"
    )


async def test_clear_text_is_allowed_where_it_is_harmless() -> None:
    """
    To this machine, without credentials, or on demand: the session is made, and goes there.
    """
    for session, base in (
        (Session(ApiToken("t"), base_url="http://127.0.0.1:1"), "http://127.0.0.1:1"),
        (Session(ApiToken("t"), base_url="http://[::1]:1"), "http://[::1]:1"),
        (Session(ApiToken("t"), base_url="http://localhost:1"), "http://localhost:1"),
        (
            Session(ApiToken("t"), base_url="http://localhost:1", proxy="http://127.0.0.1:3128"),
            "http://localhost:1",
        ),
        (
            Session(ApiToken("t"), proxy="http://proxy.example.com:3128"),
            "https://api-bridge.clever-cloud.com",
        ),
        (
            Session(base_url="http://api.example.com", proxy="http://proxy.example.com:3128"),
            "http://api.example.com",
        ),
        (Session(base_url="http://api.example.com"), "http://api.example.com"),
        (
            Session(ApiToken("t"), base_url="http://api.example.com", allow_insecure_http=True),
            "http://api.example.com",
        ),
    ):
        assert str(session.base_url).rstrip("/") == base
        await session.close()
        assert session.closed


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


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({"CLEVER_API_TOKEN": "stale-secret"}, "CLEVER_API_TOKEN"),
        (
            {"CLEVER_TOKEN": "stale-secret", "CLEVER_SECRET": "stale-secret"},
            "CLEVER_TOKEN and CLEVER_SECRET",
        ),
        ({"CONFIGURATION_FILE": "clever-tools.json"}, "clever-tools.json (profile work)"),
    ],
)
async def test_refused_credentials_say_where_they_were_found(
    emulator: Emulator,
    environ: dict[str, str],
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Whatever was asked, a stream too; the credentials themselves are not told.
    """
    monkeypatch.chdir(tmp_path)
    profile = {"alias": "work", "token": "stale-secret", "secret": "stale-secret"}
    (tmp_path / "clever-tools.json").write_text(json.dumps({"profiles": [profile]}))
    # In a thread only because this test counts reading a file as blocking the event loop.
    session = await asyncio.to_thread(Session.from_environment, environ, base_url=emulator.url)
    assert session.credentials_source == source
    async with session:
        with pytest.raises(AuthenticationError) as asked:
            await session.request("GET", "/v2/self")
        with pytest.raises(AuthenticationError) as streamed:
            await anext(session.logs.stream("orga_1", "app_1", LogQuery()))
    for raised in (asked, streamed):
        assert raised.value.credentials_source == source
        assert str(raised.value).endswith(f" (credentials of {source})")
        assert "stale" not in str(raised.value)


async def test_refused_credentials_that_were_given_have_no_source(emulator: Emulator) -> None:
    """
    Nor has a refusal of what was sent without any.
    """
    async with Session(ApiToken("stale"), base_url=emulator.url) as session:
        assert session.credentials_source is None
        with pytest.raises(AuthenticationError) as raised:
            await session.request("GET", "/v2/self")
        assert raised.value.credentials_source is None
    environ = {"CLEVER_API_TOKEN": "stale"}
    async with Session.from_environment(environ, base_url=emulator.url) as session:
        with pytest.raises(AuthenticationError) as raised:
            await session.request("GET", "/v2/self", authenticated=False)
        assert raised.value.credentials_source is None


def test_options_of_the_environment_s_session_are_those_of_every_session() -> None:
    """
    Type checkers see the same names and types on either way.
    """
    from clever_v4.session import _Options

    parameters = inspect.signature(Session).parameters.values()
    by_name = {one.name: one.annotation for one in parameters if one.kind is one.KEYWORD_ONLY}
    assert _Options.__annotations__.keys() == by_name.keys()
    for name, annotation in _Options.__annotations__.items():
        assert annotation.__forward_arg__ == by_name[name], name
