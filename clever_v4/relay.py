"""
A subscription handed to a browser as Server-Sent Events, by aiohttp.web or any ASGI server.

Each entry is one event whose id is a cursor of the hub: a browser that lost its
connection sends it back as ``Last-Event-ID``, and goes on from the hub's ring.

```python
relay = Relay()


async def logs(request: web.Request) -> web.StreamResponse:
    return await relay.aiohttp(request, hub.subscribe(start=relay.start(request.headers)))
```

| event | data |
|---|---|
| ``log`` | ``{"source", "entry"}``, the entry with its names on the wire, what is null left out |
| ``gap`` | ``{"source", "count", "exact"}``: entries missing here |
| ``reconnection`` | ``{"source", "attempt", "delay", "error"}``, the delay in seconds |
| ``notice`` | ``{"source", "kind"}``: anything else that a source told |
| ``failed`` | ``{"source", "error"}``: a source failed for good |
| ``ended`` | ``{"source", "reason"}``: a source ended, or is no longer followed |
| ``slow`` | ``{"dropped"}``: the browser was too slow and is disconnected |
| ``position`` | ``{}``: no news, but an id: how far a filter has passed over entries |
| ``end`` | ``{}``: nothing more comes; the page should close its ``EventSource`` |

Errors are told by their type's name only: what their messages say is not for browsers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

import attrs
import msgspec
from aiohttp import web

from clever_v4.errors import SlowConsumerError
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Batch, Gap, Item, Notice, SourceEnded, SourceFailed, Tagged
from clever_v4.fanout.options import Start
from clever_v4.fanout.subscription import Subscription
from clever_v4.streaming.policy import Reconnection
from clever_v4.transport.converter import converter

__all__ = ["ASGIApplication", "Relay", "entry_json", "notice_json"]

K = TypeVar("K")

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
Message: TypeAlias = MutableMapping[str, Any]
ASGIApplication: TypeAlias = Callable[
    [Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}
_HEARTBEAT = b": heartbeat\n\n"
# How often a waiting relay looks whether its browser is still there. aiohttp.web tells a
# handler only if the runner was made with handler_cancellation=True.
_LOOK_S = 0.25


def entry_json(tagged: Tagged[Any, Any]) -> str:
    """
    The data of a ``log`` event.
    """
    entry = converter.unstructure(tagged.entry)
    if isinstance(entry, dict):
        entry = {name: value for name, value in entry.items() if value is not None}
    return _json({"source": str(tagged.source), "entry": entry})


def notice_json(item: Item[Any, Any]) -> tuple[str, str] | None:
    """
    The event type and the data of what is no entry; None: it is not sent.
    """
    members: Mapping[str, object]
    match item:
        case Gap():
            members = {"count": item.count, "exact": item.is_exact}
            event = "gap"
        case Notice(detail=Reconnection() as detail):
            event = "reconnection"
            members = {
                "attempt": detail.attempt,
                "delay": detail.delay.total_seconds(),
                "error": type(detail.cause).__name__,
            }
        case Notice():
            event, members = "notice", {"kind": type(item.detail).__name__}
        case SourceFailed():
            event, members = "failed", {"error": type(item.error).__name__}
        case SourceEnded():
            event, members = "ended", {"reason": item.reason}
        case _:
            return None
    return event, _json({"source": str(item.source), **members})


def _json(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def _positive(_instance: Any, attribute: Any, value: timedelta) -> None:
    if value <= timedelta(0):
        raise ValueError(f"{attribute.name} must be positive, got {value}")


@attrs.frozen(kw_only=True, eq=False)
class Relay:
    """
    How subscriptions become event streams. One serves any number of browsers.

    An entry is encoded once for all browsers whose subscriptions have equal filters.
    """

    encode: Callable[[Tagged[Any, Any]], str] = entry_json
    """The data of an entry's event."""
    encode_notice: Callable[[Item[Any, Any]], tuple[str, str] | None] = notice_json
    """Event type and data of what stands between entries; None: it is not sent."""
    heartbeat: timedelta = attrs.field(default=timedelta(seconds=15), validator=_positive)
    """After so long without an event a comment is sent, so that proxies keep the
    connection, and a browser that is gone without a word is noticed. Where entries were
    received meanwhile that the subscription's ``where`` passed over, a ``position`` event
    goes with it, so that they are no gap when the browser comes back."""
    retry: timedelta = attrs.field(default=timedelta(seconds=1), validator=_positive)
    """How long browsers wait before they connect again."""

    def start(
        self, headers: Mapping[str, str] | str | None, otherwise: Start | HubCursor = Start.NOW
    ) -> Start | HubCursor:
        """
        Where a subscription begins: after the ``Last-Event-ID`` among *headers*, or that itself.

        *otherwise* if there is none, or one that is not ours. A cursor of another hub (the
        process was restarted) begins at the oldest entry of each ring, after a ``gap``.
        """
        text = headers
        if isinstance(headers, Mapping):
            text = next((v for k, v in headers.items() if k.lower() == "last-event-id"), None)
        if not isinstance(text, str):
            return otherwise
        try:
            return HubCursor.parse(text)
        except ValueError:
            return otherwise

    # --- aiohttp.web ------------------------------------------------------------------------

    async def aiohttp(
        self, request: web.Request, subscription: Subscription[Any, Any]
    ) -> web.StreamResponse:
        """
        Send a subscription, not yet entered, until it ends or the browser is gone.
        """
        response = web.StreamResponse(headers=_HEADERS)
        async with subscription:
            await response.prepare(request)
            is_writing = False

            async def send(data: bytes) -> None:
                nonlocal is_writing
                is_writing = True
                await response.write(data)
                is_writing = False

            def cut() -> None:
                # A client that takes nothing would never be told that it is too slow.
                if is_writing and request.transport is not None:
                    request.transport.abort()

            def is_gone() -> bool:
                return request.transport is None or request.transport.is_closing()

            subscription.on_overrun(cut)
            try:
                await self._send_all(subscription, send, is_gone)
                await response.write_eof()
            except ConnectionError:
                pass  # the browser is gone
        return response

    # --- ASGI -------------------------------------------------------------------------------

    def asgi(self, subscription: Subscription[Any, Any]) -> ASGIApplication:
        """
        An ASGI application that sends a subscription, not yet entered, to one browser.

        Starlette takes it as the response of an endpoint; elsewhere it is called with
        ``(scope, receive, send)``.
        """

        async def application(
            scope: Any,
            receive: Callable[[], Awaitable[Message]],
            send: Callable[[Message], Awaitable[None]],
        ) -> None:
            if scope["type"] != "http":
                raise ValueError(f"a relay answers http, not {scope['type']!r}")
            async with subscription, asyncio.TaskGroup() as tasks:
                relaying = tasks.create_task(self._send_asgi(subscription, send))
                watching = tasks.create_task(_until_disconnect(receive, relaying))
                relaying.add_done_callback(lambda _: watching.cancel())

        return application

    async def _send_asgi(
        self, subscription: Subscription[Any, Any], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        is_writing = False
        task = asyncio.current_task()

        async def send_data(data: bytes) -> None:
            nonlocal is_writing
            is_writing = True
            await send({"type": "http.response.body", "body": data, "more_body": True})
            is_writing = False

        def cut() -> None:
            if is_writing and task is not None:
                task.cancel()

        subscription.on_overrun(cut)
        headers = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send_all(subscription, send_data, None)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            pass  # what servers raise when the browser is gone

    # --- Both -------------------------------------------------------------------------------

    async def _send_all(
        self, subscription: Subscription[Any, Any], send: Send, is_gone: Callable[[], bool] | None
    ) -> None:
        """
        Send until nothing more comes, or until *is_gone* (None: who calls is told otherwise).
        """
        # An id without data is no event, but where the browser goes on if it gets nothing else.
        told = subscription.cursor
        retry_ms = self.retry // timedelta(milliseconds=1)
        await send(f"retry: {retry_ms}\nid: {told}\n\n".encode())
        loop = asyncio.get_running_loop()
        items = subscription.items()
        heartbeat_s = self.heartbeat.total_seconds()
        look_s = heartbeat_s if is_gone is None else _LOOK_S
        sent_at = loop.time()
        while is_gone is None or not is_gone():
            try:
                async with asyncio.timeout_at(min(sent_at + heartbeat_s, loop.time() + look_s)):
                    item = await anext(items)
            except TimeoutError:
                if loop.time() >= sent_at + heartbeat_s:
                    position = subscription.cursor
                    news = _event("position", "{}", str(position)) if position != told else b""
                    await send(_HEARTBEAT + news)
                    sent_at, told = loop.time(), position
                continue
            except StopAsyncIteration:
                await send(_event("end", "{}"))
                return
            except SlowConsumerError as error:
                await send(_event("slow", _json({"dropped": error.dropped})))
                return
            data = self._frames(subscription, item)
            if isinstance(item, Batch):
                told = HubCursor(subscription.hub_name, item.tagged[-1].sequence)
            if data:
                await send(data)
                sent_at = loop.time()

    def _frames(self, subscription: Subscription[Any, Any], item: Item[Any, Any]) -> bytes:
        if not isinstance(item, Batch):
            notice = self.encode_notice(item)
            return _event(*notice) if notice is not None else b""
        if subscription.has_plain_cursor:
            hub = subscription.hub_name
            return item.memo(
                (self, hub),
                lambda batch: b"".join(
                    _event("log", self.encode(tagged), f"{hub}.{tagged.sequence}")
                    for tagged in batch.tagged
                ),
            )
        return b"".join(
            _event("log", self.encode(tagged), str(subscription.cursor_after(index)))
            for index, tagged in enumerate(item.tagged)
        )


async def _until_disconnect(
    receive: Callable[[], Awaitable[Message]], relaying: asyncio.Task[None]
) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    relaying.cancel()


def _event(event: str, data: str, event_id: str | None = None) -> bytes:
    head = f"id: {event_id}\nevent: {event}\n" if event_id is not None else f"event: {event}\n"
    if "\n" in data or "\r" in data:
        data = "\ndata: ".join(data.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return f"{head}data: {data}\n\n".encode()
