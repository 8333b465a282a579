"""
Credentials stay where they are needed: no error, cause, context, traceback or log holds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import traceback
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from types import FrameType
from typing import Any

import aiohttp
import pytest
import stamina
from aiohttp import web

from clever_v4.api.deployments import Deployment
from clever_v4.auth import ApiToken, Auth, OAuth1
from clever_v4.errors import CleverError, ServerError
from clever_v4.session import Session
from clever_v4.streaming.policy import Reconnect, StreamOptions
from clever_v4.streaming.stream import EventStream
from clever_v4.streaming.subject import Subject
from clever_v4.transport.policies import Timeout
from tests.serving import answers, serve

from .raw import answering, nothing, saying, speaking
from .support import PROMPT
from .tls import serve_tls, trusting, tunnel

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
BRIEF = Timeout(connect=timedelta(minutes=5), read=timedelta(milliseconds=60))
PATIENT_PROXY = Timeout(connect=timedelta(milliseconds=60))


async def misbehave(request: web.Request) -> web.StreamResponse:
    """
    Fail as the path says.
    """
    path = request.path.removeprefix("/prefix/")
    assert request.transport is not None
    if path == "cut":
        request.transport.abort()
    if path == "redirect":
        return web.Response(status=302, headers={"Location": str(request.url)})
    if path == "echo":
        return web.Response(status=400, text=str(dict(request.headers)))
    if path == "echo as JSON":
        body = json.dumps({"message": request.headers["Authorization"]})
        return web.Response(status=400, text=body)
    if path == "echo as a page":
        body = request.headers["Authorization"]
        return web.Response(text=body, content_type="text/html")
    if path == "large":
        return web.Response(body=b"x" * 2_000)
    if path in {"half", "silent"}:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        if path == "half":
            request.transport.close()
        else:
            await asyncio.Event().wait()
        return response
    return web.Response(status=401, text='{"id": 2001, "message": "Not connected"}')


Say = Callable[[bytes], list[bytes]]
"""From the head of a request to what is sent, in several writes."""


def _credentials(head: bytes) -> bytes:
    return b" ".join(line for line in head.split(b"\r\n") if b"uthorization" in line)


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
RAW: dict[str, Say] = {
    "not HTTP": lambda head: [b"220 mail\r\n"],
    "echo instead of HTTP": lambda head: [head],
    "echo in the first line": lambda head: [_credentials(head) + b"\r\n\r\n"],
    "echo in a broken header": lambda head: [JSON + b"X\x00: " + _credentials(head) + b"\r\n\r\n"],
    "echo in a length": lambda head: [
        JSON + b"Content-Length: " + _credentials(head) + b"\r\n\r\n"
    ],
    "echo in a long header": lambda head: [JSON + b"X: " + _credentials(head) * 500 + b"\r\n\r\n"],
    "echo in the reason": lambda head: [b"HTTP/1.1 400 " + _credentials(head) + b"\r\n\r\n"],
    "echo in a chunk": lambda head: [EVENTS, _credentials(head) + b"\r\n"],
    "echo in a later chunk": lambda head: [EVENTS, b"1\r\n:\r\n", _credentials(head) + b"\r\n"],
    "echo of no gzip": lambda head: [
        JSON + b"Content-Encoding: gzip\r\nContent-Length: 500\r\n\r\n",
        _credentials(head) + b"." * 500,
    ],
    "echo of an id": lambda head: [
        b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nSozu-Id: " + _credentials(head) + b"\r\n\r\n"
    ],
    "echo of an id, then half": lambda head: [
        EVENTS[:-2] + b"Sozu-Id: " + _credentials(head) + b"\r\n\r\n1\r\n"
    ],
    "echo of a type": lambda head: [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: " + _credentials(head) + b"\r\n\r\n"
    ],
}


async def _request(session: Session, path: str) -> None:
    response = await session.request("GET", f"/prefix/{path}", query={"filter": "private text"})
    response.json(Deployment)


async def _get(session: Session, path: str) -> None:
    query = [("filter", "private text")]
    await session._client.get(("prefix", path), Deployment, query=query)


async def _document(session: Session, path: str) -> None:
    await session._client.get_document(("prefix", path), "application/pdf")
    raise ServerError("read to its end", status=500)


async def _download(session: Session, path: str) -> None:
    query = [("filter", "private text")]
    async with session._client.download(
        ("prefix", path), accept="text/html", query=query
    ) as opened:
        async for _ in opened.chunks():
            pass
    raise ServerError("read to its end", status=500)


async def _stream(session: Session, path: str) -> None:
    brief = timedelta(milliseconds=1)
    reconnect = Reconnect(initial=brief, max_delay=brief, first_attempts=2, attempts=2)
    options = StreamOptions(reconnect=reconnect, heartbeat_timeout=timedelta(milliseconds=200))
    opener = session._client.stream_opener()
    stream: EventStream[bytes] = EventStream(
        Subject(
            name=path,
            key="test",
            opener=opener,
            url=lambda limit, since: opener.url(("prefix", path), [("filter", "private text")]),
            event_type=b"LOG",
            read=bytes,
            date_of=lambda entry: None,
            is_live=True,
            until=None,
            limit=None,
        ),
        options=options,
    )
    async for _ in stream:
        pass


ASKED = {
    "request": _request,
    "get": _get,
    "document": _document,
    "download": _download,
    "stream": _stream,
}
PATHS = (
    "401",
    "cut",
    "half",
    "silent",
    "redirect",
    "echo",
    "echo as JSON",
    "echo as a page",
    "large",
)
FAILURES = (
    *PATHS,
    *RAW,
    "refused",
    "407 of the proxy",
    "echo of the proxy",
    "no proxy",
    "silent proxy",
    "silent proxy in clear text",
    "silence behind the proxy",
    "certificate behind the proxy",
    "the caller's own time-out",
    "the caller's own time-out at a proxy",
)


@contextlib.asynccontextmanager
async def failing(failure: str, unused_tcp_port: int) -> AsyncIterator[dict[str, Any]]:
    """
    Somewhere where it fails: the options of a session that goes there.
    """
    proxy = f"http://user:{PASSWORD}@{{}}"
    api = "https://api.example.com"
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        if failure in PATHS:
            yield {"base_url": (await enter(serve(misbehave))).url}
        elif failure in RAW:
            yield {
                "base_url": f"http://{await enter(speaking(answering(RAW[failure]), is_patient=False))}"
            }
        elif failure == "refused":
            yield {"base_url": f"http://127.0.0.1:{unused_tcp_port}"}
        elif failure == "407 of the proxy":
            place = await enter(speaking(saying(b"HTTP/1.1 407 No\r\n\r\n")))
            yield {"base_url": api, "proxy": proxy.format(place)}
        elif failure == "echo of the proxy":
            refusal = lambda head: [b"HTTP/1.1 407 " + _credentials(head) + b"\r\n\r\n"]  # noqa: E731
            yield {
                "base_url": api,
                "proxy": proxy.format(await enter(speaking(answering(refusal)))),
            }
        elif failure == "no proxy":
            yield {"base_url": api, "proxy": proxy.format(f"127.0.0.1:{unused_tcp_port}")}
        elif failure == "silent proxy in clear text":
            place = await enter(speaking(nothing))
            yield {"base_url": "http://127.0.0.1:1", "proxy": proxy.format(place)}
        elif failure == "silence behind the proxy":
            consent = await enter(speaking(saying(b"HTTP/1.1 200 OK\r\n\r\n")))
            yield {"base_url": api, "proxy": proxy.format(consent), "timeout": PATIENT_PROXY}
        elif failure == "certificate behind the proxy":
            server = await enter(serve_tls("expired"))
            place, _ = await enter(tunnel(server.port))
            yield {"base_url": api, "proxy": proxy.format(place), "ssl": trusting()}
        elif failure == "the caller's own time-out":
            yield {"base_url": f"http://{await enter(speaking(nothing))}", "timeout": None}
        elif failure == "the caller's own time-out at a proxy":
            place = await enter(speaking(nothing))
            yield {"base_url": api, "proxy": proxy.format(place), "timeout": None}
        else:
            assert failure == "silent proxy"
            place = await enter(speaking(nothing))
            yield {"base_url": api, "proxy": proxy.format(place), "timeout": PATIENT_PROXY}


@pytest.mark.parametrize(
    ("failure", "kind", "asked"),
    [
        (failure, kind, asked)
        for failure in FAILURES
        # What is echoed differs by kind.
        for kind in (AUTHS if "echo" in failure else ["token"])
        for asked in ASKED
        # A page where JSON is expected is data, which the error that it does not fit may hold.
        if failure != "echo as a page" or asked in {"download", "stream"}
    ],
)
async def test_failure_shows_no_secret(
    kind: str,
    asked: str,
    failure: str,
    unused_tcp_port: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    However it fails: not the error, nor what it came from, nor any frame's variables, nor the log.
    """
    monkeypatch.setattr("clever_v4.transport.exchange._REFUSAL_S", 0.05)
    caplog.set_level(logging.DEBUG)
    # As it is by default: each retry is logged with its cause.
    stamina.instrumentation.set_on_retry_hooks(None)
    options: dict[str, Any] = {"timeout": BRIEF, "retry": PROMPT, "max_response_bytes": 1_000}
    async with failing(failure, unused_tcp_port) as there:
        ours = Session(AUTHS[kind], **{**options, **there})
        async with ours:
            with pytest.raises((CleverError, TimeoutError)) as raised:
                async with asyncio.timeout(0.1 if "own time-out" in failure else None):
                    await ASKED[asked](ours, failure)
    # Not the log of the server that stands here for theirs.
    logged = "\n".join(
        f"{record.getMessage()}{vars(record)}"
        for record in caplog.records
        if record.name not in {"aiohttp.access", "asyncio"}
    )
    # Whoever gives up waiting knows it.
    assert logged or "own time-out" in failure
    shown = [repr(ours), logged]
    for error in _chain(raised.value):
        shown += [str(error), repr(error), repr(vars(error)), repr(error.args)]
        for frame in _frames(error):
            shown += [repr(value) for value in frame.f_locals.values()]
    everything = "\n".join(shown)
    assert "top-secret" not in everything.lower()
    assert "top%2dsecret" not in everything.lower()
    assert b64encode(f"user:{PASSWORD}".encode()).decode() not in everything
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
