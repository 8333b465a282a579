"""
Small servers over real sockets, for answers that the emulator does not give.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """
    A running server: where it is, and what it was asked.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[Server]:
    """
    Serve every path with one handler.
    """
    app = web.Application()
    async with TestServer(app, host="127.0.0.1") as running:
        server = Server(str(running.make_url("")).rstrip("/"))

        async def record(request: web.Request) -> web.StreamResponse:
            server.requests.append(request)
            server.bodies.append(await request.read())
            return await handler(request)

        running.app.router._frozen = False  # the address is known only now
        running.app.router.add_route("*", "/{tail:.*}", record)
        yield server


def answers(*planned: Any) -> Handler:
    """
    Give planned answers in order; the last one again and again.

    A plan is a ``web.Response`` factory, an exception class to cut the
    connection, or ``(status, body)``, ``(status, body, headers)``.
    """
    left = list(planned)

    async def handler(request: web.Request) -> web.StreamResponse:
        plan = left.pop(0) if len(left) > 1 else left[0]
        if plan is ConnectionResetError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if callable(plan):
            return plan()
        status, body, *rest = plan
        headers = {"Sozu-Id": "01SOZU", **(rest[0] if rest else {})}
        return web.Response(
            status=status, body=body if isinstance(body, bytes) else body.encode(), headers=headers
        )

    return handler
