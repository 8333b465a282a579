"""
Credentials that are asked for: at first, after a 401, and together.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from clever_v4.auth import ApiToken, Auth
from clever_v4.emulator import Emulator
from clever_v4.errors import (
    AuthenticationError,
    SessionClosedError,
)
from clever_v4.session import Session
from tests.serving import answers, serve

from .support import session


class Provider:
    def __init__(self, *tokens: str) -> None:
        self.left = list(tokens)
        self.calls = 0

    async def __call__(self) -> Auth:
        self.calls += 1
        await asyncio.sleep(0)
        return ApiToken(self.left.pop(0) if len(self.left) > 1 else self.left[0])


def _accepts(*tokens: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        good = request.headers.get("Authorization") in {f"Bearer {token}" for token in tokens}
        return web.Response(status=200 if good else 401, text="{}")

    return handler


async def test_refused_credentials_are_renewed_once() -> None:
    """
    A 401 asks the callable again, and the request goes on; also one that is not idempotent.
    """
    provider = Provider("old", "new")
    async with serve(_accepts("new")) as server, session(server, auth=provider) as ours:
        assert (await ours.request("POST", "/x", json={})).status == 200
        assert (await ours.request("GET", "/x")).status == 200
    assert provider.calls == 2
    assert len(server.requests) == 3


async def test_credentials_that_stay_refused_are_an_error() -> None:
    """
    They are asked for once more, not for ever.
    """
    provider = Provider("old")
    async with serve(_accepts("new")) as server, session(server, auth=provider) as ours:
        with pytest.raises(AuthenticationError):
            await ours.request("GET", "/x")
    assert provider.calls == 2
    assert len(server.requests) == 2


async def test_many_refused_at_once_renew_once() -> None:
    """
    However many calls meet the 401, one asks for fresh credentials.
    """
    provider = Provider("old", "new", "never")
    async with serve(_accepts("new")) as server, session(server, auth=provider) as ours:
        await asyncio.gather(*(ours.request("GET", "/x") for _ in range(50)))
    assert provider.calls == 2


async def test_same_credentials_given_again_are_a_renewal() -> None:
    """
    A callable that keeps its credentials is asked once more by all that were refused, not by each.
    """
    kept = ApiToken("old")
    calls = 0

    async def give() -> Auth:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return kept

    async with serve(_accepts("new")) as server, session(server, auth=give) as ours:
        outcomes = await asyncio.gather(
            *(ours.request("GET", "/x") for _ in range(20)), return_exceptions=True
        )
    assert all(isinstance(outcome, AuthenticationError) for outcome in outcomes)
    assert calls == 2


async def test_failure_of_the_callable_is_shared_by_those_who_wait() -> None:
    """
    One call fails for all of them; who comes later asks again.
    """
    calls = 0

    async def give() -> Auth:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls == 1:
            raise LookupError("vault is sealed")
        return ApiToken("new")

    async with serve(_accepts("new")) as server:
        ours = session(server, auth=give)
        outcomes = await asyncio.gather(
            *(ours.request("GET", "/x") for _ in range(20)), return_exceptions=True
        )
        assert {str(outcome) for outcome in outcomes} == {"vault is sealed"}
        assert calls == 1
        assert (await ours.request("GET", "/x")).status == 200
        await ours.close()


async def test_cancelled_call_of_the_callable_is_made_again_by_the_next() -> None:
    """
    Nobody fails because another was cancelled.
    """
    asked = asyncio.Event()

    async def give() -> Auth:
        if not asked.is_set():
            asked.set()
            await asyncio.Event().wait()
        return ApiToken("new")

    async with serve(_accepts("new")) as server:
        ours = session(server, auth=give)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(ours.request("GET", "/x"))
            second = group.create_task(ours.request("GET", "/x"))
            await asked.wait()
            first.cancel()
        assert first.cancelled()
        assert second.result().status == 200
        await ours.close()


async def test_given_credentials_are_not_asked_twice() -> None:
    """
    A token cannot renew itself: its 401 is final.
    """
    async with serve(_accepts("new")) as server, session(server) as ours:
        with pytest.raises(AuthenticationError):
            await ours.request("GET", "/x")
    assert len(server.requests) == 1


async def test_what_the_callable_raises_reaches_the_caller() -> None:
    """
    And what it gives must be credentials.
    """

    async def fail() -> Auth:
        raise LookupError("vault is sealed")

    async def nonsense() -> Any:
        return "a-token"

    def blocking() -> Any:
        return ApiToken("a-token")

    async with serve(answers((200, "{}"))) as server:
        with pytest.raises(LookupError, match="sealed"):
            async with session(server, auth=fail):
                pass
        with pytest.raises(TypeError, match=r"^the auth callable must give an Auth, got str$"):
            async with session(server, auth=nonsense):
                pass
        with pytest.raises(TypeError, match=r"^the auth callable must be async$"):
            async with session(server, auth=blocking):
                pass
    assert server.requests == []


async def test_callable_decides_where_requests_go(emulator: Emulator) -> None:
    """
    Without a base URL of the session's, that of the credentials is used, also for what needs none.
    """

    class Own:
        base_url = emulator.url

        def authorization(self, method: str, url: str) -> str:
            return f"Bearer {emulator.token}"

    async def give() -> Auth:
        return Own()

    ours = Session(give)
    with pytest.raises(SessionClosedError, match="not known before the credentials were asked"):
        _ = ours.base_url
    assert await ours.zones.list()
    assert str(ours.base_url).rstrip("/") == emulator.url
    await ours.close()
