"""
Web applications as their users write them, to be run by the servers' own commands.

    python -m tests.relay_apps                     aiohttp.web
    python -m uvicorn --factory tests.relay_apps:fastapi_app
    python -m hypercorn "tests.relay_apps:starlette_app()"
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from clever_v4.fanout.hub import Hub
from clever_v4.fanout.options import Start
from clever_v4.relay import Relay
from tests.fanout.sources import FedSource

relay = Relay(encode=lambda tagged: f'{{"entry": "{tagged.entry}"}}')
A_DAY_S = 24 * 3600.0


@asynccontextmanager
async def running_hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any]() as hub:
        source = FedSource()
        hub.follow("a", source)
        source.feed("one")
        yield hub


def subscribe(hub: Hub[str, Any], headers: Any) -> Any:
    return hub.subscribe(sources=["a"], start=relay.start(headers, Start.OLDEST))


def aiohttp_app() -> web.Application:
    key: web.AppKey[Any] = web.AppKey("hub")

    async def follow(app: web.Application) -> AsyncIterator[None]:
        async with running_hub() as app[key]:
            yield

    async def events(request: web.Request) -> web.StreamResponse:
        return await relay.aiohttp(request, subscribe(request.app[key], request.headers))

    app = web.Application()
    app.cleanup_ctx.append(follow)
    app.add_routes([web.get("/events", events)])
    relay.setup(app)
    return app


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    async with running_hub() as app.state.hub, relay.lifespan():
        yield


def fastapi_app() -> Any:
    from fastapi import FastAPI, Request, Response

    app = FastAPI(lifespan=lifespan)

    async def events(request: Any) -> Any:
        return relay.response(subscribe(request.app.state.hub, request.headers))

    events.__annotations__ = {"request": Request, "return": Response}
    app.get("/events")(events)
    return app


def starlette_app() -> Any:
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def events(request: Any) -> Any:
        return relay.response(subscribe(request.app.state.hub, request.headers))

    return Starlette(routes=[Route("/events", events)], lifespan=lifespan)


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    web.run_app(aiohttp_app(), sock=listening, shutdown_timeout=A_DAY_S)
