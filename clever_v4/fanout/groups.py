"""
Consumer groups: several workers share one subscription, each entry going to one of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from hashlib import blake2b
from operator import itemgetter
from types import TracebackType
from typing import Generic, Self, TypeVar

from clever_v4.errors import SourceFailedError
from clever_v4.fanout.items import Batch, Item, SourceFailed, Tagged
from clever_v4.fanout.subscription import Subscription
from clever_v4.validators import check_callback, check_instance, check_text, check_whole_number

__all__ = ["ConsumerGroup", "Member"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

# So that keys that come and go, such as instances, do not fill the memory.
_REMEMBERED_KEYS = 10_000


class Member(Generic[K, T]):
    """
    One worker of a group: ``async with group.join() as member: async for tagged in member``.

    An entry is its business from when it is handed over; what waits for it when it
    leaves goes to the others, in order.
    """

    def __init__(self, group: ConsumerGroup[K, T], name: str) -> None:
        self.name = name
        self.delivered: int = 0
        """How many entries it was handed."""
        self._group = group
        self.in_hand: Tagged[K, T] | None = None
        """What it was handed last and, since it has not asked for more, still works on."""
        self._queue: deque[tuple[int, Tagged[K, T]]] = deque()
        self._errors: deque[Exception] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_member = False

    async def __aenter__(self) -> Self:
        self._is_member = True
        self._group.joined(self)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def is_open(self) -> bool:
        """
        Whether it takes part.
        """
        return self._is_member

    async def aclose(self) -> None:
        """
        Leave the group; whoever iterates the member sees its end. Idempotent.
        """
        if self._is_member:
            self._is_member = False
            self.in_hand = None
            self.wake()
            self._group.left(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Tagged[K, T]:
        if self._waiter is not None:
            raise RuntimeError("one task at a time iterates a member; join again for another")
        self.in_hand = None
        while True:
            if not self._is_member:
                raise StopAsyncIteration
            if self._queue:
                self.delivered += 1
                self.in_hand = tagged = self._queue.popleft()[1]
                self._group.taken(self)
                return tagged
            if self._errors:
                raise self._errors.popleft()
            if not self._group.is_open:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    @property
    def waiting(self) -> int:
        """
        How many entries wait for it.
        """
        return len(self._queue)

    def put(self, number: int, tagged: Tagged[K, T]) -> None:
        """
        Have an entry, the group's so-manieth, wait for the worker; called by the group.
        """
        self._queue.append((number, tagged))
        self.wake()

    def fail(self, error: Exception) -> None:
        """
        Raise an error where the worker iterates, after what waits; called by the group.
        """
        self._errors.append(error)
        self.wake()

    def take_all(self) -> list[tuple[int, Tagged[K, T]]]:
        """
        Take back what waits; called by the group.
        """
        waiting = list(self._queue)
        self._queue.clear()
        return waiting

    def peek(self) -> list[Tagged[K, T]]:
        """
        What it works on and what waits.
        """
        in_hand = [self.in_hand] if self.in_hand is not None else []
        return in_hand + [tagged for _, tagged in self._queue]

    def wake(self) -> None:
        """
        Let the worker look again.
        """
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class ConsumerGroup(Generic[K, T]):
    """
    Shares an entered subscription among workers of this process.

    Every key belongs to one member at a time, so the order within a key is kept. Keys
    move only when members join or leave, and then as few as can be, with the entries that
    wait; the key of an entry that a member works on stays with that member.

    Args:
        subscription: Entered, and iterated by nobody else.
        key: What must stay in order: the instance of an entry, say, or its source.
        buffer: How many entries wait for one member at most. When one member's are that
            many, the subscription is not read: then its overflow policy counts.
        on_notice: Told of gaps, notices, ends and failures. None: a source's failure is
            raised at every member, the rest is passed over.

    What *key*, *on_notice* or the subscription raises is raised at every member, and ends
    the group.

    Raises:
        ValueError: *buffer* is not at least 1.
        TypeError: An argument is of another type, or a callback a coroutine function.
    """

    def __init__(
        self,
        subscription: Subscription[K, T],
        *,
        key: Callable[[Tagged[K, T]], Hashable],
        buffer: int = 1024,
        on_notice: Callable[[Item[K, T]], object] | None = None,
    ) -> None:
        check_instance("subscription", subscription, Subscription)
        check_callback("key", key)
        check_whole_number("buffer", buffer)
        if on_notice is not None:
            check_callback("on_notice", on_notice)
        self._is_over = False
        self._subscription = subscription
        self._key = key
        self._buffer = buffer
        self._on_notice = on_notice
        self._members: list[Member[K, T]] = []
        self._owners: dict[Hashable, Member[K, T]] = {}
        self._unowned: list[tuple[int, Tagged[K, T]]] = []
        self._given = 0
        self._member_count = 0
        self._room: asyncio.Future[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._tasks is not None:
            raise RuntimeError("a group is entered once; make another one")
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._reader = self._tasks.create_task(self._read())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
        if self._tasks is not None:
            await self._tasks.__aexit__(None, None, None)

    @property
    def is_open(self) -> bool:
        """
        Whether more may come than what waits for members.
        """
        return not self._is_over

    async def aclose(self) -> None:
        """
        Read the subscription no more; members get what waits for them, and then see the end.

        The subscription stays open. Idempotent.
        """
        self._end()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait((self._reader,))

    def join(self, name: str | None = None) -> Member[K, T]:
        """
        Make a member; it belongs to the group while it is entered.

        Args:
            name: Its own in the group; None: a number.

        Raises:
            ValueError: *name* is empty.
            TypeError: *name* is no text.
        """
        if name is not None:
            check_text("name", name)
        self._member_count += 1
        return Member(self, name or f"member-{self._member_count}")

    @property
    def members(self) -> tuple[Member[K, T], ...]:
        """
        Who shares the subscription now.
        """
        return tuple(self._members)

    # --- Reading the subscription ----------------------------------------------------------

    async def _read(self) -> None:
        try:
            async for item in self._subscription.items():
                if isinstance(item, Batch):
                    for tagged in item.tagged:
                        while self._is_full():
                            self._room = asyncio.get_running_loop().create_future()
                            await self._room
                        self._give(tagged)
                elif self._on_notice is not None:
                    self._on_notice(item)
                elif isinstance(item, SourceFailed):
                    for member in self._members:
                        error = SourceFailedError(source=item.source)
                        error.__cause__ = item.error
                        member.fail(error)
        except Exception as exc:  # noqa: BLE001  -- raised at every member
            for member in self._members:
                member.fail(exc)
        self._end()

    def _end(self) -> None:
        self._is_over = True
        for member in self._members:
            member.wake()

    def _is_full(self) -> bool:
        return not self._members or any(m.waiting >= self._buffer for m in self._members)

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done() and not self._is_full():
            self._room.set_result(None)

    def _give(self, tagged: Tagged[K, T]) -> None:
        self._given += 1
        self._hand_to_owner(self._given, tagged)

    def _hand_to_owner(self, number: int, tagged: Tagged[K, T]) -> None:
        key = self._key(tagged)
        owner = self._owners.get(key)
        if owner is None:
            if len(self._owners) >= _REMEMBERED_KEYS:
                self._owners = {self._key(t): m for m in self._members for t in m.peek()}
            owner = self._owners[key] = self._choose(key)
        owner.put(number, tagged)

    def _choose(self, key: Hashable) -> Member[K, T]:
        """
        The member with the highest score for the key: few keys move when members change.
        """
        text = repr(key).encode()
        return max(self._members, key=lambda m: blake2b(text, key=m.name.encode()[:64]).digest())

    # --- Members ------------------------------------------------------------------------------

    def joined(self, member: Member[K, T]) -> None:
        """
        Give a new member its share of the keys; called by the member.
        """
        if any(other.name == member.name for other in self._members):
            raise ValueError(f"name must be its own in the group, got {member.name!r} again")
        self._change_members(lambda: self._members.append(member))

    def left(self, member: Member[K, T]) -> None:
        """
        Give what a member had to the others; called by the member.
        """
        self._change_members(lambda: self._members.remove(member))

    def _change_members(self, change: Callable[[], None]) -> None:
        waiting = self._unowned
        waiting += [waits for member in self._members for waits in member.take_all()]
        waiting.sort(key=itemgetter(0))
        change()
        self._unowned = [] if self._members else waiting
        self._owners = {self._key(t): member for member in self._members for t in member.peek()}
        for number, tagged in waiting if self._members else ():
            self._hand_to_owner(number, tagged)
        self._make_room()

    def taken(self, member: Member[K, T]) -> None:
        """
        Take note that a member took an entry; called by the member.
        """
        if member.waiting == self._buffer - 1:
            self._make_room()
