"""
`Relay`: how subscriptions become event streams, and how they end with the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from types import NoneType
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Batch, Item, Tagged
from clever_v4.fanout.options import Start
from clever_v4.fanout.subscription import Subscription
from clever_v4.relay import aiohttp_web, asgi
from clever_v4.relay.browsers import Browsers
from clever_v4.relay.events import HEADERS, LONGEST_ID, entry_json, event, event_id, notice_json
from clever_v4.relay.signals import telling_of_signals
from clever_v4.validators import (
    check_callback,
    check_duration,
    check_headers,
    check_instance,
    field,
)

if TYPE_CHECKING:
    from clever_v4.relay.starlette import RelayResponse

__all__ = ["Relay"]


@attrs.frozen(kw_only=True, eq=False)
class Relay:
    """
    How subscriptions become event streams. One serves any number of browsers of one server.

    An entry is encoded once for all browsers whose subscriptions have equal filters.

    A server that stops waits for its clients, and browsers stay: `setup` (aiohttp.web) and
    `lifespan` (ASGI) let them go when it does, without a word and at once; they come back to
    the next process with the id that they got last.

    Attributes:
        encode: The data of an entry's event.
        encode_notice: Event type and data of what stands between entries; None: it is not sent.
        heartbeat: After so long without an event a comment is sent, so that proxies keep the
            connection, and a browser that is gone without a word is noticed. Where entries were
            received meanwhile that the subscription's ``where`` passed over, a ``position``
            event goes with it, so that they are no gap when the browser comes back.
        retry: How long browsers wait before they connect again.
    """

    encode: Callable[[Tagged[Any, Any]], str] = attrs.field(
        default=entry_json, validator=field(check_callback)
    )
    encode_notice: Callable[[Item[Any, Any]], tuple[str, str] | None] = attrs.field(
        default=notice_json, validator=field(check_callback)
    )
    heartbeat: timedelta = attrs.field(
        default=timedelta(seconds=15), validator=field(check_duration)
    )
    retry: timedelta = attrs.field(default=timedelta(seconds=1), validator=field(check_duration))
    _browsers: Browsers = attrs.field(factory=Browsers, init=False, repr=False)

    def start(
        self, headers: Mapping[str, str] | str | None, otherwise: Start | HubCursor = Start.NOW
    ) -> Start | HubCursor:
        """
        Where a subscription begins: after the ``Last-Event-ID`` among *headers*, or that itself.

        *otherwise* if there is none, or one that no relay wrote. A cursor of another hub (the
        process was restarted) begins at the oldest entry of each ring, after a ``gap``.

        Raises:
            TypeError: An argument is of another type.
        """
        check_instance("headers", headers, (Mapping, str, NoneType))
        check_instance("otherwise", otherwise, (Start, HubCursor))
        text = headers
        if isinstance(headers, Mapping):
            text = next((v for k, v in headers.items() if k.lower() == "last-event-id"), None)
        if not isinstance(text, str) or len(text) > LONGEST_ID:
            return otherwise
        try:
            return HubCursor.parse(text)
        except ValueError:
            return otherwise

    # --- Answers ----------------------------------------------------------------------------

    async def aiohttp(
        self,
        request: web.Request,
        subscription: Subscription[Any, Any],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        """
        Send a subscription, not yet entered, until it ends or the browser is gone.

        A HEAD request gets the head only, and enters no subscription.

        Args:
            request: What an aiohttp.web handler got.
            subscription: What ``hub.subscribe()`` gave.
            headers: Sent besides the relay's own, such as for requests from other origins.

        Raises:
            aiohttp.web.HTTPMethodNotAllowed: The method is none of GET, HEAD and POST.
            TypeError: An argument is of another type.
        """
        check_instance("request", request, web.BaseRequest)
        _check_answer(subscription, headers)
        return await aiohttp_web.answer(self, self._browsers, request, subscription, headers or {})

    def asgi(
        self, subscription: Subscription[Any, Any], *, headers: Mapping[str, str] | None = None
    ) -> asgi.ASGIApplication:
        """
        An ASGI application that sends a subscription, not yet entered, to one browser.

        It is called with ``(scope, receive, send)``. A HEAD request gets the head only, and
        enters no subscription; methods other than GET, HEAD and POST are answered with 405.

        Args:
            subscription: What ``hub.subscribe()`` gave.
            headers: Sent besides the relay's own, such as for requests from other origins.

        Raises:
            TypeError: An argument is of another type.
        """
        _check_answer(subscription, headers)
        answer = asgi.Answer(self, self._browsers, subscription)
        pairs = {**HEADERS, **(headers or {})}.items()
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]

        async def application(scope: Any, receive: asgi.Receive, send: asgi.Send) -> None:
            await answer(scope, receive, send, headers=raw)

        return application

    def response(
        self, subscription: Subscription[Any, Any], *, headers: Mapping[str, str] | None = None
    ) -> RelayResponse:
        """
        The response of a Starlette or FastAPI endpoint; the same as `asgi` in other respects.

        Args:
            subscription: What ``hub.subscribe()`` gave.
            headers: Sent besides the relay's own, such as for requests from other origins.

        Raises:
            ModuleNotFoundError: Starlette is not installed.
            TypeError: An argument is of another type.
        """
        _check_answer(subscription, headers)
        from clever_v4.relay.starlette import RelayResponse

        answer = asgi.Answer(self, self._browsers, subscription)
        return RelayResponse(answer, headers or {})

    # --- Ending with the server --------------------------------------------------------------

    def setup(self, app: web.Application) -> None:
        """
        Let the browsers go when *app*, of aiohttp.web, is shut down.

        Without it the server waits for them: 60 s by default (``shutdown_timeout``).

        Raises:
            TypeError: *app* is no application of aiohttp.web.
        """
        check_instance("app", app, web.Application)

        async def restart(_app: web.Application) -> None:
            self._browsers.restart()

        async def shutdown(_app: web.Application) -> None:
            await self.shutdown()

        app.on_startup.append(restart)
        app.on_shutdown.append(shutdown)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """
        Let the browsers go when an ASGI server stops: ``async with`` in the app's lifespan.

        ASGI servers end the lifespan only after the last request, and browsers' requests do
        not end. So this is told of SIGINT and SIGTERM before the server's own handlers are,
        where the server has any: uvicorn and hypercorn have, unless they run in a thread. A
        server that is stopped in another way needs `shutdown` to be called before.
        """
        loop = asyncio.get_running_loop()
        self._browsers.restart()

        def stop() -> None:
            loop.call_soon_threadsafe(self._browsers.stop)

        with telling_of_signals(stop):
            try:
                yield
            finally:
                await self.shutdown()

    async def shutdown(self) -> None:
        """
        Let all browsers go, and those that still come; returns when their answers have ended.

        Their connections end without an ``end`` event, so that they come back. One that reads
        nothing is cut off after half a second. A relay that was shut down takes browsers again
        in another event loop, or within the next `setup` or `lifespan`. Safe to repeat.
        """
        self._browsers.stop()
        await self._browsers.gone()

    # --- Encoding ------------------------------------------------------------------------------

    def greeting(self, more: str = "") -> bytes:
        """
        What every stream begins with: how long to wait before connecting again.
        """
        return f"retry: {self.retry // timedelta(milliseconds=1)}\n{more}\n".encode()

    def frames(self, subscription: Subscription[Any, Any], item: Item[Any, Any]) -> bytes:
        """
        The events of what a subscription handed over; the same bytes for all who share it.
        """
        if not isinstance(item, Batch):
            notice = self.encode_notice(item)
            return event(*notice) if notice is not None else b""
        if subscription.has_plain_cursor:
            hub = subscription.hub_name
            return item.memo(
                (self, hub),
                lambda batch: b"".join(
                    event("log", self.encode(tagged), f"{hub}.{tagged.sequence}")
                    for tagged in batch.tagged
                ),
            )
        return b"".join(
            event("log", self.encode(tagged), event_id(subscription.cursor_after(index)))
            for index, tagged in enumerate(item.tagged)
        )


def _check_answer(subscription: object, headers: object) -> None:
    check_instance("subscription", subscription, Subscription)
    if headers is not None:
        check_headers("headers", headers)
