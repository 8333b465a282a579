"""
A small server of streams, and one connection to it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from aiohttp import web

from clever_v4.transport.streams import StreamOpener

PATH = ("v4", "logs")


async def heartbeats(request: web.Request) -> web.StreamResponse:
    if request.path != "/v4/logs":
        return web.Response(text="{}")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    await response.write(b"event: HEARTBEAT\ndata:\n\n")
    await asyncio.Event().wait()
    return response


async def open_one(opener: StreamOpener, **options: Any) -> aiohttp.ClientResponse:
    return await opener.request("GET", opener.url(PATH, [("limit", "1")]), **options)
