"""
The file that ``clever login`` writes, read by us.
"""

from __future__ import annotations

import asyncio

from clever_v4 import CredentialsError, Session, find_credentials
from clever_v4.emulator import Emulator

from .official import Official, Printed

LOGGED_OUT = dict.fromkeys(
    (
        *("CLEVER_TOKEN", "CLEVER_SECRET", "API_HOST", "AUTH_BRIDGE_HOST"),
        *("OAUTH_CONSUMER_KEY", "OAUTH_CONSUMER_SECRET"),
    )
)
"""Leaves the official CLI with nothing but its file."""


async def test_a_login_of_the_official_cli_is_ours(official: Official, emulator: Emulator) -> None:
    """
    Token, consumer and API host come from the active profile, the one of the last login.
    """
    async with Emulator(seed=2) as other:
        for alias, one in (("first", emulator), ("second", other), ("first", emulator)):
            printed = await login(official, alias, one)
            assert printed.status == 0, printed.err
            environ = official.environment(**LOGGED_OUT)

            # Reading the file blocks, which is found out inside an event loop.
            found = await asyncio.to_thread(find_credentials, environ)
            session = await asyncio.to_thread(Session.from_environment, environ)
            async with session:
                user = await session.owners.find_owner(one.user_id)

            assert found.base_url == one.url
            assert f"(profile {alias})" in found.source
            assert user.id == one.user_id


async def test_a_logout_of_the_official_cli_leaves_nothing(
    official: Official, emulator: Emulator
) -> None:
    """
    Where the file holds no profile any more, we say what to do, as before the first login.
    """
    environ = official.environment(**LOGGED_OUT)
    before = await asyncio.to_thread(refusal, environ)
    await login(official, "first", emulator)
    printed = await official.clever("logout", **LOGGED_OUT)

    assert printed.status == 0, printed.err
    after = await asyncio.to_thread(refusal, environ)
    assert "does not exist" in before
    assert "clever login" in after
    assert "does not exist" not in after
    assert emulator.oauth_secret not in after


def refusal(environ: dict[str, str]) -> str:
    """
    What we say where there are no credentials.
    """
    try:
        found = find_credentials(environ)
    except CredentialsError as exc:
        return str(exc)
    raise AssertionError(f"found credentials in {found.source}")


async def login(official: Official, alias: str, emulator: Emulator) -> Printed:
    """
    Log the official CLI in.
    """
    return await official.clever(
        *("login", "--alias", alias, "--api-host", emulator.url),
        *("--token", emulator.oauth_token, "--secret", emulator.oauth_secret),
        *("--oauth-consumer-key", emulator.consumer_key),
        *("--oauth-consumer-secret", emulator.consumer_secret),
        **LOGGED_OUT,
    )
