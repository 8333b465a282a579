"""
A subscription as the answer of an aiohttp.web handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from clever_v4.fanout.subscription import Subscription
from clever_v4.relay.browsers import Browsers
from clever_v4.relay.connection import telling_when_lost
from clever_v4.relay.events import HEADERS, METHODS
from clever_v4.relay.sending import Sending

if TYPE_CHECKING:
    from clever_v4.relay.relay import Relay

__all__ = ["answer"]


async def answer(
    relay: Relay,
    browsers: Browsers,
    request: web.Request,
    subscription: Subscription[Any, Any],
    headers: Mapping[str, str],
) -> web.StreamResponse:
    """
    Answer a request with a subscription that is not yet entered.
    """
    if request.method not in METHODS:
        raise web.HTTPMethodNotAllowed(request.method, METHODS)
    response = web.StreamResponse(headers={**HEADERS, **headers})
    with suppress(ConnectionError):  # the browser is gone
        if request.method == "HEAD" or browsers.is_stopped:
            subscription.close()
            await response.prepare(request)
            if request.method != "HEAD":
                await response.write(relay.greeting())
            await response.write_eof()
        else:
            await _send(relay, browsers, request, subscription, response)
    return response


async def _send(
    relay: Relay,
    browsers: Browsers,
    request: web.Request,
    subscription: Subscription[Any, Any],
    response: web.StreamResponse,
) -> None:
    def cut() -> None:
        if request.transport is not None:
            request.transport.abort()

    async with subscription:
        await response.prepare(request)
        sending = Sending(relay, subscription, response.write, cut)
        with browsers.holding(sending), telling_when_lost(request.transport, sending.end):
            await sending.run()
            if request.transport is not None:
                await response.write_eof()
