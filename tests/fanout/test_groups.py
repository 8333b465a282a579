"""
Consumer groups: each entry to one worker, the order within a key kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clever_v4.errors import NotFoundError, SourceFailedError
from clever_v4.fanout.groups import ConsumerGroup
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Overflow, Tagged
from tests.fanout.sources import FedSource, settle, take


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=16) as running:
        yield running


def by_letter(tagged: Tagged[Any, Any]) -> str:
    return str(tagged.entry[0])


entries = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=120)
plan = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(0, 4)),
        st.tuples(st.just("leave"), st.integers(0, 4)),
        st.tuples(st.just("take"), st.integers(0, 4)),
        st.tuples(st.just("feed"), st.integers(1, 9)),
    ),
    max_size=60,
)


def by_key(entries: list[tuple[str, int]]) -> dict[str, list[int]]:
    """
    The numbers of each letter's entries, in their order.
    """
    numbers: dict[str, list[int]] = {}
    for letter, number in entries:
        numbers.setdefault(letter, []).append(number)
    return numbers


@given(letters=entries, plan=plan, buffer=st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_each_entry_goes_to_one_member_in_the_order_of_its_key(
    letters: list[str], plan: list[tuple[str, int]], buffer: int
) -> None:
    """
    Whoever joins, leaves and works, every entry is handed over once, in order within its key,
    and no two members work on entries of one key at the same time.
    """

    async def check() -> None:
        source = FedSource()
        fed = [(letter, number) for number, letter in enumerate(letters)]
        waiting = list(fed)
        got: list[tuple[str, int]] = []
        members: dict[int, Any] = {}
        in_hand: dict[int, str] = {}

        async def take_one(number: int) -> bool:
            in_hand.pop(number, None)
            tagged = await take(members[number])
            if tagged is None:
                return False
            assert tagged.entry[0] not in in_hand.values()
            in_hand[number] = tagged.entry[0]
            got.append(tagged.entry)
            return True

        async with (
            Hub[str, Any](ring=16) as hub,
            hub.subscribe(overflow=Overflow.BLOCK) as subscription,
            ConsumerGroup(subscription, key=by_letter, buffer=buffer) as group,
        ):
            hub.follow("s", source)
            for step, number in plan:
                if step == "join" and number not in members:
                    members[number] = await group.join(f"m{number}").__aenter__()
                elif step == "leave" and number in members:
                    await members.pop(number).__aexit__(None, None, None)
                    in_hand.pop(number, None)
                elif step == "take" and number in members:
                    await take_one(number)
                elif step == "feed" and waiting:
                    source.feed(*waiting[:number])
                    del waiting[:number]
                await settle(5)
                assert all(member.waiting <= buffer + len(fed) for member in members.values())
            if waiting:
                source.feed(*waiting)
            if not members:
                members[0] = await group.join("m0").__aenter__()
            while len(got) < len(fed):
                assert any([await take_one(number) for number in list(members)])
            assert group.is_open
        assert by_key(got) == by_key(fed)

    asyncio.run(check())


async def test_a_full_member_stops_the_reading_of_the_subscription(hub: Hub[str, Any]) -> None:
    """
    What waits for members is bounded; beyond that the subscription's own policy counts.
    """
    source = FedSource()
    hub.follow("s", source)
    async with (
        hub.subscribe(overflow=Overflow.BLOCK) as subscription,
        ConsumerGroup(subscription, key=lambda _: 1, buffer=4) as group,
        group.join() as member,
    ):
        for number in range(40):
            source.feed(("a", number))
        await settle()
        assert member.waiting == 4
        assert source.unread > 10
        assert [(await anext(member)).entry[1] for _ in range(40)] == list(range(40))
        assert member.delivered == 40
        assert group.members == (member,)


async def test_members_end_when_the_subscription_does(hub: Hub[str, Any]) -> None:
    """
    Workers' loops end after the last entry once the hub is drained.
    """
    source = FedSource()
    got: list[Any] = []

    async def work(group: ConsumerGroup[str, Any]) -> None:
        async with group.join() as member:
            got.extend([tagged.entry async for tagged in member])

    async with (
        hub.subscribe(overflow=Overflow.BLOCK) as subscription,
        ConsumerGroup(subscription, key=by_letter) as group,
        asyncio.TaskGroup() as tasks,
    ):
        hub.follow("s", source)
        for _ in range(3):
            tasks.create_task(work(group))
        source.feed(*((letter, 0) for letter in "abcdefghij"))
        await settle()
        assert (await hub.drain()).is_complete
    assert sorted(got) == [(letter, 0) for letter in "abcdefghij"]


async def test_a_failed_source_is_raised_at_every_member_or_told(hub: Hub[str, Any]) -> None:
    """
    Without on_notice a failure is an exception at each member; with it, it is handed there.
    """
    error = NotFoundError(status=404, code="x", message="gone", request_id=None, body=None)
    source = FedSource()
    hub.follow("s", source)
    noticed: list[Any] = []
    async with (
        hub.subscribe() as first,
        hub.subscribe() as second,
        ConsumerGroup(first, key=by_letter) as group,
        ConsumerGroup(second, key=by_letter, on_notice=noticed.append) as telling,
        group.join() as one,
        group.join() as other,
        telling.join() as third,
    ):
        source.fail(error)
        await settle()
        for member in (one, other):
            with pytest.raises(SourceFailedError) as raised:
                await anext(member)
            assert raised.value.__cause__ is error
            assert await take(member) is None  # it may go on
        assert await take(third) is None
        assert noticed[0].error is error


async def test_an_error_of_the_key_reaches_the_members(hub: Hub[str, Any]) -> None:
    """
    A key function that raises ends the group with its error, not in silence.
    """
    source = FedSource()
    hub.follow("s", source)
    async with (
        hub.subscribe() as subscription,
        ConsumerGroup(subscription, key=lambda tagged: tagged.entry.missing) as group,
        group.join() as member,
    ):
        source.feed(("a", 1))
        await settle()
        with pytest.raises(AttributeError):
            await anext(member)
        with pytest.raises(StopAsyncIteration):
            await anext(member)


async def test_misuse_of_a_group_is_told(hub: Hub[str, Any]) -> None:
    """
    Bounds, names and the one task per member are checked.
    """
    async with hub.subscribe() as subscription:
        with pytest.raises(ValueError, match="buffer must be at least 1, got 0"):
            ConsumerGroup(subscription, key=by_letter, buffer=0)
        async with ConsumerGroup(subscription, key=by_letter) as group, group.join("x") as member:
            with pytest.raises(ValueError, match="got 'x' again"):
                await group.join("x").__aenter__()
            waiting = asyncio.get_running_loop().create_task(anext(member))
            await settle()
            with pytest.raises(RuntimeError, match="one task at a time"):
                await anext(member)
            waiting.cancel()
            await asyncio.wait([waiting])
            with pytest.raises(RuntimeError, match="entered once"):
                await group.__aenter__()
        with pytest.raises(StopAsyncIteration):
            await anext(member)
