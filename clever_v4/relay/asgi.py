"""
A subscription as an ASGI application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from clever_v4.fanout.subscription import Subscription
from clever_v4.relay.browsers import Browsers
from clever_v4.relay.events import METHODS
from clever_v4.relay.sending import Sending

if TYPE_CHECKING:
    from clever_v4.relay.relay import Relay

__all__ = ["ASGIApplication", "Answer"]

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApplication: TypeAlias = Callable[[Any, Receive, Send], Awaitable[None]]


class Answer:
    """
    Answers one request with a subscription that is not yet entered.
    """

    def __init__(
        self, relay: Relay, browsers: Browsers, subscription: Subscription[Any, Any]
    ) -> None:
        self._relay = relay
        self._browsers = browsers
        self._subscription = subscription

    async def __call__(
        self,
        scope: Any,
        receive: Receive,
        send: Send,
        *,
        headers: Iterable[tuple[bytes, bytes]],
        status: int = 200,
    ) -> None:
        """
        Send head and body; the status is another where the method is none of ours.

        Raises:
            ValueError: The scope is not that of an HTTP request.
        """
        if scope["type"] != "http":
            raise ValueError(f"scope must be of type http, got {scope['type']!r}")
        method, body = scope["method"], b""
        if method not in METHODS:
            status = 405
            headers = [(b"allow", ", ".join(METHODS).encode()), (b"content-length", b"0")]
        start: Message = {
            "type": "http.response.start",
            "status": status,
            "headers": list(headers),
        }
        if status != 405 and method != "HEAD":
            if not self._browsers.is_stopped:
                await self._send_all(start, receive, send)
                return
            body = self._relay.greeting()
        self._subscription.close()
        with suppress(OSError):  # what servers raise when the browser is gone
            await send(start)
            await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send_all(self, start: Message, receive: Receive, send: Send) -> None:
        async with self._subscription, asyncio.TaskGroup() as tasks:
            relaying = tasks.create_task(self._relay_to(send, start))
            watching = tasks.create_task(_until_disconnect(receive, relaying))
            relaying.add_done_callback(lambda _: watching.cancel())

    async def _relay_to(self, send: Send, start: Message) -> None:
        task = asyncio.current_task()

        async def write(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        def cut() -> None:
            if task is not None:
                task.cancel()

        sending = Sending(self._relay, self._subscription, write, cut)
        with self._browsers.holding(sending), suppress(OSError):
            await send(start)
            await sending.run()
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_disconnect(receive: Receive, relaying: asyncio.Task[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    relaying.cancel()
