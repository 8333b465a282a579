"""
Web servers over real sockets that relay a hub's subscriptions, and a browser's side of them.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web

from clever_v4.fanout.subscription import Subscription
from clever_v4.relay import Relay

Subscribe = Callable[[Mapping[str, str]], Subscription[Any, Any]]
"""From a request's headers to what it subscribes to."""


async def until(holds: Callable[[], bool]) -> None:
    """
    Wait until it holds; the test's timeout bounds it.
    """
    while not holds():  # noqa: ASYNC110  -- other people's state
        await asyncio.sleep(0.01)


@asynccontextmanager
async def uvicorn_server(app: Any) -> AsyncIterator[str]:
    """
    Serve an ASGI application; gives its address.
    """
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", ws="none", timeout_graceful_shutdown=1)
    )
    async with asyncio.TaskGroup() as tasks:
        # Not ``serve``: that takes over the process's signals.
        serving = tasks.create_task(server._serve())
        await until(lambda: server.started or serving.done())
        assert server.started, "the application did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True


@asynccontextmanager
async def aiohttp_server(
    app: web.Application, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """
    Serve an application of aiohttp.web; gives its address.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        host = "localhost" if tls else "127.0.0.1"
        yield f"http{'s' if tls else ''}://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def with_aiohttp(
    relay: Relay, subscribe: Subscribe, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """
    Relay with aiohttp.web as it is by default: it tells no handler that its client is gone.
    """

    async def events(request: web.Request) -> web.StreamResponse:
        return await relay.aiohttp(request, subscribe(request.headers))

    app = web.Application()
    app.add_routes([web.route("*", "/events", events)])
    async with aiohttp_server(app, tls) as url:
        yield url


METHODS = ["GET", "HEAD", "POST", "DELETE"]


@asynccontextmanager
async def with_starlette(relay: Relay, subscribe: Subscribe) -> AsyncIterator[str]:
    """
    Relay with Starlette: the ASGI application that the relay makes is the response.
    """
    applications = pytest.importorskip("starlette.applications", reason="no Starlette")
    routing = pytest.importorskip("starlette.routing", reason="no Starlette")

    async def events(request: Any) -> Any:
        return relay.asgi(subscribe(request.headers))

    route = routing.Route("/events", events, methods=METHODS)
    async with uvicorn_server(applications.Starlette(routes=[route])) as url:
        yield url


@asynccontextmanager
async def with_fastapi(relay: Relay, subscribe: Subscribe) -> AsyncIterator[str]:
    """
    Relay with FastAPI, by a response of its kind, within the middlewares that wrap ``send``.
    """
    fastapi = pytest.importorskip("fastapi", reason="FastAPI is not installed")
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.gzip import GZipMiddleware

    app = fastapi.FastAPI()

    async def events(request: Any) -> Any:
        return relay.response(subscribe(request.headers))

    async def passing(request: Any, call_next: Any) -> Any:
        answer = await call_next(request)
        answer.headers["X-Passed"] = "yes"
        return answer

    events.__annotations__ = {"request": fastapi.Request}
    app.api_route("/events", methods=METHODS)(events)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(BaseHTTPMiddleware, dispatch=passing)
    async with uvicorn_server(app) as url:
        yield url


@attrs.frozen(kw_only=True)
class Event:
    """
    What a browser dispatches.
    """

    type: str
    data: Any
    id: str | None


class Browser:
    """
    One open event stream.
    """

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self._buffer = b""
        self.comments: list[str] = []
        self.retry: int | None = None
        self.last_event_id: str | None = None

    async def next(self) -> Event | None:
        """
        The next event; None: the server ended the stream, or cut it.
        """
        fields: dict[str, str] = {}
        while True:
            line = await self.line()
            if not line:
                return None
            name, _, value = line.rstrip("\n").partition(": ")
            if line.startswith(":"):
                self.comments.append(line.strip())
            elif name == "retry":
                self.retry = int(value)
            elif name == "data" and "data" in fields:
                fields["data"] += f"\n{value}"
            elif name:
                fields[name] = value
            elif fields:
                self.last_event_id = fields.get("id", self.last_event_id)
                if "data" not in fields:
                    fields = {}  # not dispatched, though its id counts
                    continue
                data = fields["data"]
                parsed = json.loads(data) if data[:1] in "{[" else data
                return Event(type=fields["event"], data=parsed, id=fields.get("id"))

    async def line(self) -> str:
        """
        The next line, however long; empty at the end.
        """
        while b"\n" not in self._buffer:
            try:
                chunk = await self.answer.content.readany()
            except (aiohttp.ClientError, ConnectionError):
                chunk = b""
            if not chunk:
                return ""
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return f"{line.decode()}\n"

    async def take(self, count: int) -> list[Event]:
        """
        So many events.
        """
        found = [await self.next() for _ in range(count)]
        return [event for event in found if event is not None]


@asynccontextmanager
async def browser(
    url: str, last_event_id: str | None = None, tls: ssl.SSLContext | bool = True
) -> AsyncIterator[Browser]:
    """
    Open an event stream as a browser does; leaving it closes the connection.
    """
    headers = {"Last-Event-ID": last_event_id} if last_event_id is not None else {}
    # It reads little ahead, so that one that does not read is soon a slow one.
    async with (
        aiohttp.ClientSession(read_bufsize=4096) as http,
        http.get(f"{url}/events", headers=headers, ssl=tls) as answer,
    ):
        yield Browser(answer)
