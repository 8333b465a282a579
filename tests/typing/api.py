"""
What users' type checkers see of the session, its answers and its errors; checked by mypy and pyright, never run.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, assert_type

import aiohttp
from yarl import URL

from clever_v4 import (
    APIError,
    ApiToken,
    CleverError,
    FoundCredentials,
    OAuth1,
    RateLimitedError,
    Response,
    ResponseFormatError,
    ResponseInfo,
    Retry,
    Session,
    SignatureMethod,
    Timeout,
    Zone,
    find_credentials,
)


async def fresh() -> ApiToken:
    return ApiToken("renewed")


class OwnAuth:
    base_url = "https://api.example.com"

    def authorization(self, method: str, url: str) -> str:
        return f"Own {method} {url}"


def note(info: ResponseInfo) -> None:
    assert_type(info.status, int)
    assert_type(info.request_id, str | None)
    assert_type(info.elapsed, timedelta)
    assert_type(info.headers, Mapping[str, str])


async def sessions(http: aiohttp.ClientSession) -> None:
    async with Session() as anonymous:
        assert_type(anonymous, Session)
    async with Session(ApiToken("token"), base_url="https://api.example.com") as session:
        assert_type(session, Session)
        assert_type(session.base_url, URL)
        assert_type(session.closed, bool)
        assert_type(session.open_stream_count, int)
    async with Session(
        OAuth1(
            token="token",
            token_secret="secret",
            signature_method=SignatureMethod.HMAC_SHA512,
        ),
        timeout=timedelta(seconds=5),
    ) as signed:
        assert_type(signed, Session)
    async with Session(fresh) as renewed:
        assert_type(renewed, Session)
    Session(OwnAuth())
    Session(
        http=http,
        stream_http=http,
        base_url=URL("https://api.example.com"),
        retry=Retry(attempts=5),
        timeout=Timeout(total=None),
        on_response=note,
        allow_insecure_http=True,
        ssl=ssl.create_default_context(),
        proxy="http://127.0.0.1:3128",
        trust_env=True,
        max_connections=10,
        max_streams=10,
        max_response_bytes=1_000_000,
    )
    Session(retry=None, timeout=None)


async def from_the_environment() -> None:
    async with Session.from_environment() as found:
        assert_type(found, Session)
    Session.from_environment({"CLEVER_API_TOKEN": "token"}, retry=None, trust_env=True)
    Session.from_environment(timout=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  -- misspelt
    credentials = find_credentials()
    assert_type(credentials, FoundCredentials)
    assert_type(credentials.base_url, str | None)


async def escape_hatch(session: Session) -> None:
    response = await session.request("GET", "/v2/self")
    assert_type(response, Response)
    assert_type(response.status, int)
    assert_type(response.body, bytes)
    assert_type(response.text, str)
    assert_type(response.request_id, str | None)
    assert_type(response.json(), Any)
    assert_type(response.json(list[Zone]), list[Zone])
    await session.request("PATCH", ("v2", "a/b"), json={"name": None}, headers={"X-A": "b"})
    await session.request("GET", "/x", query={"state": ["UP", "BOOTING"], "limit": 1})
    await session.request("GET", "/x", query=[("state", "UP"), ("state", "BOOTING")])


async def errors(session: Session) -> None:
    try:
        await session.zones.list()
    except RateLimitedError as error:
        assert_type(error.retry_after, timedelta | None)
        assert_type(error.status, int)
        assert_type(error.request_id, str | None)
    except APIError as error:
        assert_type(error.code, str | None)
        assert_type(error.context, Mapping[str, Any])
    except ResponseFormatError as error:
        assert_type(error.paths, tuple[str, ...])
    except CleverError as error:
        assert_type(error.message, str)
        assert_type(error.request_id, str | None)
        takes_exception(error)


def takes_exception(_error: Exception) -> None: ...
