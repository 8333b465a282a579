"""
One subscription on its way to one browser, whatever the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from clever_v4.errors import SlowConsumerError
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Batch
from clever_v4.fanout.options import SubscriptionEnd
from clever_v4.fanout.subscription import Subscription
from clever_v4.relay.events import HEARTBEAT, event, event_id, json_text

if TYPE_CHECKING:
    from clever_v4.relay.relay import Relay

__all__ = ["Sending"]


class Sending:
    """
    What is written, and when.

    Args:
        relay: How it is encoded, and how often a silent browser gets a heartbeat.
        subscription: It is to be entered before `run`.
        write: Gives bytes to the server, and waits while the browser is behind.
        cut: Cuts the connection, if `write` waits for a browser that reads nothing.
    """

    def __init__(
        self,
        relay: Relay,
        subscription: Subscription[Any, Any],
        write: Callable[[bytes], Awaitable[object]],
        cut: Callable[[], object],
    ) -> None:
        self._relay = relay
        self._subscription = subscription
        self._write = write
        self._cut = cut
        self._is_writing = False

    def end(self) -> None:
        """
        Let `run` end without another event: the browser is gone, or shall come back.
        """
        self._subscription.close()

    def cut(self) -> None:
        """
        Cut the connection.
        """
        self._cut()

    def _cut_if_stuck(self) -> None:
        # A browser that takes nothing would never be told that it is too slow.
        if self._is_writing:
            self._cut()

    async def _send(self, data: bytes) -> None:
        self._is_writing = True
        await self._write(data)
        self._is_writing = False

    async def run(self) -> None:
        """
        Send until nothing more comes.
        """
        subscription, relay = self._subscription, self._relay
        subscription.on_overrun(self._cut_if_stuck)
        # An id without data is no event, but where the browser goes on if it gets nothing else.
        told = subscription.cursor
        await self._send(relay.greeting(f"id: {event_id(told)}\n"))
        loop = asyncio.get_running_loop()
        items = subscription.items()
        heartbeat_s = relay.heartbeat.total_seconds()
        sent_at = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(sent_at + heartbeat_s):
                    item = await anext(items)
            except TimeoutError:
                position = subscription.cursor
                news = event("position", "{}", event_id(position)) if position != told else b""
                await self._send(HEARTBEAT + news)
                sent_at, told = loop.time(), position
                continue
            except StopAsyncIteration:
                if subscription.ended_by is SubscriptionEnd.SOURCES_ENDED:
                    await self._send(event("end", "{}"))
                return
            except SlowConsumerError as error:
                await self._send(event("slow", json_text({"dropped": error.dropped})))
                return
            data = relay.frames(subscription, item)
            if isinstance(item, Batch):
                told = HubCursor(subscription.hub_name, item.tagged[-1].sequence)
            if data:
                await self._send(data)
                sent_at = loop.time()
