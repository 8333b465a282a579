"""
The ways to hand one source's batches to many subscribers in one process.

Each way reads the batches to their end, gives every entry to every subscriber, waits where one is
too far behind, and returns when all have had everything. Every subscriber checks what it gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import Any, Protocol

import aiostream
import anyio
import attrs
import janus

from benchmarks.fanout.sent import PENDING_ENTRIES, Sent, WrongEntryError
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Overflow
from clever_v4.fanout.options import Hooks
from clever_v4.fanout.statistics import SourceState
from clever_v4.fanout.subscription import Subscription

_END: Any = None


Way = Callable[[Sent, int], Coroutine[Any, Any, None]]


# --- clever_v4 ------------------------------------------------------------------------------


@attrs.frozen
class _Source:
    sent: Sent

    def open(self) -> AbstractAsyncContextManager[Sent]:
        return nullcontext(self.sent)


Take = Callable[[Sent, Subscription[str, Any]], Coroutine[Any, Any, None]]


async def _hub(sent: Sent, subscribers: int, take: Take, overflow: Overflow) -> None:
    ended = asyncio.Event()

    def note(_key: str, state: SourceState) -> None:
        if state in (SourceState.ENDED, SourceState.FAILED):
            ended.set()

    async def subscribe(subscription: Subscription[str, Any]) -> None:
        async with subscription:
            await take(sent, subscription)

    async with (
        Hub[str, Any](ring=PENDING_ENTRIES, hooks=Hooks(on_state=note)) as hub,
        asyncio.TaskGroup() as group,
    ):
        # Opened by the first of them, whose turn comes before that of the task that reads it.
        hub.follow("source", _Source(sent), linger=timedelta(0) if subscribers else None)
        for _ in range(subscribers):
            subscription = hub.subscribe(sources=["source"], overflow=overflow)
            group.create_task(subscribe(subscription))
        await ended.wait()


async def _take_batches(sent: Sent, subscription: Subscription[str, Any]) -> None:
    await sent.take_batches(subscription.batches())


async def _take_entries(sent: Sent, subscription: Subscription[str, Any]) -> None:
    place = 0
    expected = sent.entries
    async for _, entry, _ in subscription:
        if entry is not expected[place]:
            raise WrongEntryError(f"entry {place}")
        place += 1
    sent.check_end(place)


async def hub_batches(sent: Sent, subscribers: int) -> None:
    """
    A hub, batch by batch.
    """
    await _hub(sent, subscribers, _take_batches, Overflow.BLOCK)


async def hub_dropping(sent: Sent, subscribers: int) -> None:
    """
    A hub, batch by batch; who falls a ring behind would miss some, and the check would fail.
    """
    await _hub(sent, subscribers, _take_batches, Overflow.DROP_OLDEST)


async def hub_entries(sent: Sent, subscribers: int) -> None:
    """
    A hub, entry by entry.
    """
    await _hub(sent, subscribers, _take_entries, Overflow.BLOCK)


# --- A queue for each subscriber --------------------------------------------------------------


class _Queue(Protocol):
    async def put(self, item: Any, /) -> None: ...
    async def get(self) -> Any: ...


async def _items(queue: _Queue) -> AsyncIterator[Any]:
    while (item := await queue.get()) is not _END:
        yield item


async def _put_batches(sent: Sent, queues: list[_Queue]) -> None:
    async for batch in sent.batches():
        for queue in queues:
            await queue.put(batch)
    for queue in queues:
        await queue.put(_END)


async def _put_entries(sent: Sent, queues: list[_Queue]) -> None:
    async for batch in sent.batches():
        for queue in queues:
            for entry in batch:
                await queue.put(entry)
    for queue in queues:
        await queue.put(_END)


async def queue_batches(sent: Sent, subscribers: int) -> None:
    """
    asyncio.Queue, of batches.
    """
    queues: list[_Queue] = [asyncio.Queue(sent.pending_batches) for _ in range(subscribers)]
    async with asyncio.TaskGroup() as group:
        for queue in queues:
            group.create_task(sent.take_batches(_items(queue)))
        await _put_batches(sent, queues)


async def queue_entries(sent: Sent, subscribers: int) -> None:
    """
    asyncio.Queue, of entries.
    """
    queues: list[_Queue] = [asyncio.Queue(PENDING_ENTRIES) for _ in range(subscribers)]
    async with asyncio.TaskGroup() as group:
        for queue in queues:
            group.create_task(sent.take_entries(_items(queue)))
        await _put_entries(sent, queues)


async def aiostream_entries(sent: Sent, subscribers: int) -> None:
    """
    asyncio.Queue, of entries, read as a stream of aiostream.
    """

    async def subscribe(queue: _Queue) -> None:
        async with aiostream.stream.iterate(_items(queue)).stream() as entries:
            await sent.take_entries(entries)

    queues: list[_Queue] = [asyncio.Queue(PENDING_ENTRIES) for _ in range(subscribers)]
    async with asyncio.TaskGroup() as group:
        for queue in queues:
            group.create_task(subscribe(queue))
        await _put_entries(sent, queues)


async def janus_entries(sent: Sent, subscribers: int) -> None:
    """
    janus.Queue, of entries.
    """
    made: list[janus.Queue[Any]] = [janus.Queue(PENDING_ENTRIES) for _ in range(subscribers)]
    async with asyncio.TaskGroup() as group:
        for queue in made:
            group.create_task(sent.take_entries(_items(queue.async_q)))
        await _put_entries(sent, [queue.async_q for queue in made])
    for queue in made:
        await queue.aclose()


# --- Others -----------------------------------------------------------------------------------


async def _anyio(
    sent: Sent,
    subscribers: int,
    size: int,
    take: Callable[[AsyncIterator[Any]], Coroutine[Any, Any, None]],
    *,
    is_whole: bool,
) -> None:
    streams = [anyio.create_memory_object_stream[Any](size) for _ in range(subscribers)]
    async with asyncio.TaskGroup() as group:
        for _, receive in streams:
            group.create_task(_close_after(receive, take))
        async for batch in sent.batches():
            for send, _ in streams:
                if is_whole:
                    await send.send(batch)
                else:
                    for entry in batch:
                        await send.send(entry)
        for send, _ in streams:
            send.close()


async def _close_after(receive: Any, take: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    with receive:
        await take(receive)


async def anyio_batches(sent: Sent, subscribers: int) -> None:
    """
    Anyio's memory object streams, of batches.
    """
    await _anyio(sent, subscribers, sent.pending_batches, sent.take_batches, is_whole=True)


async def anyio_entries(sent: Sent, subscribers: int) -> None:
    """
    Anyio's memory object streams, of entries.
    """
    await _anyio(sent, subscribers, PENDING_ENTRIES, sent.take_entries, is_whole=False)


async def condition_batches(sent: Sent, subscribers: int) -> None:
    """
    One list of batches and an asyncio.Condition; nothing bounds the list, and nobody waits for anybody.
    """
    changed = asyncio.Condition()
    batches: list[Any] = []

    async def read() -> AsyncIterator[Any]:
        place = 0
        while True:
            async with changed:
                while place == len(batches):
                    await changed.wait()
            for batch in batches[place:]:
                if batch is _END:
                    return
                place += 1
                yield batch

    async def publish(batch: Any) -> None:
        async with changed:
            batches.append(batch)
            changed.notify_all()

    async with asyncio.TaskGroup() as group:
        for _ in range(subscribers):
            group.create_task(sent.take_batches(read()))
        async for batch in sent.batches():
            await publish(batch)
        await publish(_END)


WAYS: dict[str, Way] = {
    "hub_batches": hub_batches,
    "hub_dropping": hub_dropping,
    "hub_entries": hub_entries,
    "queue_batches": queue_batches,
    "queue_entries": queue_entries,
    "aiostream_entries": aiostream_entries,
    "janus_entries": janus_entries,
    "anyio_batches": anyio_batches,
    "anyio_entries": anyio_entries,
    "condition_batches": condition_batches,
}
