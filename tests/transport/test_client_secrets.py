"""
Credentials stay where they are needed: no error, cause, context, traceback or log holds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from types import FrameType
from typing import Any

import aiohttp
import pytest
import stamina
from aiohttp import web

from clever_v4.auth import ApiToken, Auth, OAuth1
from clever_v4.errors import CleverError
from clever_v4.session import Session
from clever_v4.transport.policies import Timeout
from tests.serving import answers, serve

from .support import PROMPT

AUTHS: dict[str, Auth] = {
    "token": ApiToken("TOP-SECRET-1"),
    "plaintext": OAuth1(
        token="TOP-SECRET-1",
        token_secret="TOP-SECRET-2",
        consumer_key="TOP-SECRET-3",
        consumer_secret="TOP-SECRET-4",
    ),
    "hmac": OAuth1(
        token="TOP-SECRET-1",
        token_secret="TOP-SECRET-2",
        consumer_key="TOP-SECRET-3",
        consumer_secret="TOP-SECRET-4",
        signature_method="HMAC-SHA512",  # type: ignore[arg-type]  -- converted
    ),
}
PASSWORD = "TOP-SECRET-PROXY"

FAILURES = (
    "/401",
    "/cut",
    "/half",
    "/silent",
    "/redirect",
    "/echo",
    "/large",
    "not HTTP",
    "refused",
    "refused by the proxy",
    "no proxy",
)


async def misbehave(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    if request.path == "/cut":
        request.transport.abort()
    if request.path == "/redirect":
        return web.Response(status=302, headers={"Location": str(request.url)})
    if request.path == "/echo":
        return web.Response(status=400, text=str(dict(request.headers)))
    if request.path == "/large":
        return web.Response(body=b"x" * 2_000)
    if request.path in {"/half", "/silent"}:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        if request.path == "/half":
            request.transport.close()
        else:
            await asyncio.Event().wait()
        return response
    return web.Response(status=401, text='{"id": 2001, "message": "Not connected"}')


@contextlib.asynccontextmanager
async def speaking(answer: bytes) -> AsyncIterator[str]:
    """
    Serve the same bytes to everybody.
    """

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("kind", AUTHS)
@pytest.mark.parametrize("failure", FAILURES)
async def test_failure_shows_no_secret(
    kind: str, failure: str, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """
    However it fails: not the error, nor what it came from, nor any frame's variables, nor the log.
    """
    caplog.set_level(logging.DEBUG)
    # As it is by default: each retry is logged with its cause.
    stamina.instrumentation.set_on_retry_hooks(None)
    options: dict[str, Any] = {}
    async with contextlib.AsyncExitStack() as stack:
        base = (await stack.enter_async_context(serve(misbehave))).url
        path = failure if failure.startswith("/") else "/x"
        if failure == "not HTTP":
            base = "http://" + await stack.enter_async_context(speaking(b"220 mail\r\n"))
        elif failure == "refused":
            base = f"http://127.0.0.1:{unused_tcp_port}"
        elif failure == "refused by the proxy":
            base = "https://api.example.com"
            proxy = await stack.enter_async_context(speaking(b"HTTP/1.1 407 No\r\n\r\n"))
            options["proxy"] = f"http://user:{PASSWORD}@{proxy}"
        elif failure == "no proxy":
            base = "https://api.example.com"
            options["proxy"] = f"http://user:{PASSWORD}@127.0.0.1:{unused_tcp_port}"
        ours = Session(
            AUTHS[kind],
            base_url=base,
            retry=PROMPT,
            timeout=Timeout(read=timedelta(milliseconds=300)),
            max_response_bytes=1_000,
            **options,
        )
        await stack.enter_async_context(ours)
        with pytest.raises(CleverError) as raised:
            await ours.request("GET", path, query={"filter": "private text"})
    # Not the log of the server that stands here for theirs.
    logged = "\n".join(
        record.getMessage() for record in caplog.records if record.name != "aiohttp.access"
    )
    assert logged
    shown = [repr(ours), logged]
    for error in _chain(raised.value):
        shown += [str(error), repr(error), repr(vars(error)), repr(error.args)]
        for frame in _frames(error):
            shown += [repr(value) for value in frame.f_locals.values()]
    everything = "\n".join(shown)
    assert "TOP-SECRET" not in everything
    assert "TOP%2DSECRET" not in everything
    assert not [error for error in _chain(raised.value) if hasattr(error, "request_info")]
    # The query may be seen where it is handled, not where errors are told.
    told = [f"{error}{error!r}" for error in _chain(raised.value)]
    assert "private" not in f"{told}{logged}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    if error is not None:
        yield error
        yield from _chain(error.__cause__)
        yield from _chain(error.__context__)


def _frames(error: BaseException) -> Iterator[FrameType]:
    """
    Give the frames that an error passed, in the library and in those that it uses.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename != __file__:
            yield frame


async def test_header_that_is_looked_at_on_its_way_is_not_shown() -> None:
    """
    What traces and middlewares of a borrowed session print of the request has no credentials in it.
    """
    seen: list[str] = []
    trace = aiohttp.TraceConfig()

    async def look(_: Any, __: Any, params: aiohttp.TraceRequestHeadersSentParams) -> None:
        seen.append(repr(params.headers))

    trace.on_request_headers_sent.append(look)
    async with (
        serve(answers((200, "{}"))) as server,
        aiohttp.ClientSession(trace_configs=[trace]) as http,
        Session(AUTHS["token"], base_url=server.url, http=http) as ours,
    ):
        await ours.request("GET", "/x")
    assert server.requests[0].headers["Authorization"] == "Bearer TOP-SECRET-1"
    assert "'Authorization': '[redacted]'" in seen[0]
    assert "TOP-SECRET" not in seen[0]
