"""
Subscriptions relayed to browsers over real sockets, by aiohttp.web, Starlette and FastAPI.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clever_v4.errors import NotFoundError
from clever_v4.fanout.filters import OneOf
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.items import Overflow, Tagged
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.options import Start
from clever_v4.fanout.subscription import Subscription
from clever_v4.relay import Relay
from clever_v4.streaming.policy import Reconnection
from tests.fanout.sources import FedSource, settle
from tests.relaying import (
    Event,
    Subscribe,
    browser,
    until,
    with_aiohttp,
    with_fastapi,
    with_starlette,
)

Serving = Callable[[Relay, Subscribe], AbstractAsyncContextManager[str]]

RING = 8
BIG = "x" * 100_000
"""An entry of which a browser that reads nothing takes a handful, in buffers."""


def plain(tagged: Tagged[str, Any]) -> str:
    return f'{{"entry": "{tagged.entry}"}}'


@pytest.fixture(params=[with_aiohttp, with_starlette, with_fastapi])
def serving(request: pytest.FixtureRequest) -> Serving:
    found: Serving = request.param
    return found


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=RING) as running:
        yield running


class Stage:
    """
    A hub with the source "a", relayed as the test says.
    """

    def __init__(self, hub: Hub[str, Any], relay: Relay) -> None:
        self.hub = hub
        self.relay = relay
        self.source = FedSource()
        self.options: dict[str, Any] = {}
        self.otherwise = Start.NOW
        hub.follow("a", self.source)

    def subscribe(self, headers: Mapping[str, str]) -> Subscription[str, Any]:
        start = self.relay.start(headers, self.otherwise)
        return self.hub.subscribe(start=start, **self.options)

    async def feed(self, *entries: Any) -> None:
        """Have each received as a batch of its own."""
        for entry in entries:
            self.source.feed(entry)
        await until(lambda: not self.source.unread)
        await settle()

    async def left(self) -> None:
        """Wait until nobody subscribes."""
        await until(lambda: not self.hub.statistics().subscribers)


@pytest.fixture
def relay() -> Relay:
    return Relay(encode=plain)


@pytest.fixture
async def stage(hub: Hub[str, Any], relay: Relay) -> Stage:
    return Stage(hub, relay)


async def test_entries_are_events_with_ids(stage: Stage, serving: Serving) -> None:
    """
    Each entry is one event with an id, and the head says what proxies and browsers have to know.
    """
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        assert page.answer.status == 200
        assert page.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert page.answer.headers["Cache-Control"] == "no-cache, no-transform"
        assert page.answer.headers["X-Accel-Buffering"] == "no"
        await stage.feed("one", "two")
        one, two = await page.take(2)
        assert page.retry == 1000
        name = stage.hub.cursor_name
        assert one == Event(type="log", data={"entry": "one"}, id=f"{name}.1")
        assert two == Event(type="log", data={"entry": "two"}, id=f"{name}.2")


async def test_a_browser_resumes_from_the_ring(stage: Stage, serving: Serving) -> None:
    """
    The id that a browser sends back is where it goes on, with nothing lost and nothing doubled.
    """
    async with serving(stage.relay, stage.subscribe) as url:
        async with browser(url) as page:
            stage.source.feed("one", "two", "three")
            one, two = await page.take(2)
        await stage.left()
        await stage.feed("four")
        async with browser(url, two.id) as page:
            assert [e.data["entry"] for e in await page.take(2)] == ["three", "four"]
            await stage.feed("five")
            (five,) = await page.take(1)
            assert five.data == {"entry": "five"}
        async with browser(url, one.id) as page:
            assert [e.data["entry"] for e in await page.take(4)] == ["two", "three", "four", "five"]


async def test_a_browser_that_comes_too_late_is_told_of_the_gap(
    stage: Stage, serving: Serving
) -> None:
    """
    What the ring dropped meanwhile, or another process sent, is a gap before the oldest entry.
    """
    async with serving(stage.relay, stage.subscribe) as url:
        async with browser(url) as page:
            await stage.feed("first")
            (first,) = await page.take(1)
        await stage.feed(*range(RING + 5))
        async with browser(url, first.id) as page:
            gap, oldest = await page.take(2)
            assert gap.type == "gap"
            assert gap.data == {"source": "a", "count": 1, "exact": False}
            assert gap.id is None
            assert oldest.data == {"entry": "5"}
        async with browser(url, "0123abcd.7") as page:
            gap, oldest = await page.take(2)
            assert gap.data == {"source": "a", "count": 0, "exact": False}
            assert oldest.data == {"entry": "5"}
        async with browser(url, "not ours") as page:
            await stage.feed("new")
            (new,) = await page.take(1)
            assert new.data == {"entry": "new"}


async def test_a_browser_that_got_nothing_yet_resumes_too(stage: Stage, serving: Serving) -> None:
    """
    What comes while a browser reconnects is not lost, though it has seen no event before.
    """
    async with serving(stage.relay, stage.subscribe) as url:
        async with browser(url) as page:
            stage.hub.notify("a", "something")
            await page.take(1)
            assert page.last_event_id == f"{stage.hub.cursor_name}.0"
        await stage.left()
        await stage.feed("one")
        async with browser(url, page.last_event_id) as page:
            (one,) = await page.take(1)
            assert one.data == {"entry": "one"}


async def test_ids_of_a_merged_subscription_resume_too(stage: Stage, serving: Serving) -> None:
    """
    Entries that are handed over in the order of their dates come once across a resume.
    """

    def at(second: int) -> datetime:
        return datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)

    other = FedSource()
    stage.hub.follow("b", other)
    stage.options["merge"] = Merge(by=at, window=timedelta(milliseconds=50))
    async with serving(stage.relay, stage.subscribe) as url:
        async with browser(url) as page:
            stage.source.feed(1, 3, 5)
            other.feed(2, 4, 6)
            events = await page.take(4)
            assert [event.data["entry"] for event in events] == ["1", "2", "3", "4"]
        for count in range(4):
            async with browser(url, events[count].id) as page:
                rest = [event.data["entry"] for event in await page.take(5 - count)]
                assert rest == [str(number) for number in range(count + 2, 7)]


async def test_heartbeats_are_comments(hub: Hub[str, Any], serving: Serving) -> None:
    """
    While nothing is to be sent, comments are, and no events.
    """
    stage = Stage(hub, Relay(encode=plain, heartbeat=timedelta(milliseconds=20)))
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        start = f"id: {hub.cursor_name}.0\n"
        while len(page.comments) < 3:
            line = await page.line()
            assert line in {"retry: 1000\n", start, "\n", ": heartbeat\n"}
            page.comments += [line] if line.startswith(":") else []
        await stage.feed("one")
        (one,) = await page.take(1)
        assert one.data == {"entry": "one"}


async def test_a_filtered_browser_is_told_where_to_go_on(
    hub: Hub[str, Any], serving: Serving
) -> None:
    """
    What its filter passed over does not come back as a gap: an event says how far it has come.
    """
    stage = Stage(hub, Relay(encode=plain, heartbeat=timedelta(milliseconds=50)))
    stage.options["where"] = OneOf("real", [1, 100])
    async with serving(stage.relay, stage.subscribe) as url:
        async with browser(url) as page:
            await stage.feed(*range(RING * 2))
            (one,) = await page.take(1)
            assert one.data == {"entry": "1"}
            (position,) = await page.take(1)
            assert (position.type, position.data) == ("position", {})
            assert position.id == f"{hub.cursor_name}.{RING * 2}"
        await stage.feed(100)
        async with browser(url, position.id) as page:
            (found,) = await page.take(1)
            assert (found.type, found.data) == ("log", {"entry": "100"})


async def test_a_browser_that_leaves_ends_its_subscription(stage: Stage, serving: Serving) -> None:
    """
    Whether it leaves while nothing happens or while it is written to, the subscription ends.
    """
    async with serving(stage.relay, stage.subscribe) as url:
        async with browser(url):
            assert len(stage.hub.statistics().subscribers) == 1
        await stage.left()
        async with browser(url):
            for _ in range(60):
                stage.source.feed(BIG)
        await stage.left()


async def test_a_browser_that_does_not_read_misses_the_oldest(
    stage: Stage, serving: Serving
) -> None:
    """
    Under drop_oldest what it missed is told by gaps whose counts are exact.
    """
    stage.options["overflow"] = Overflow.DROP_OLDEST
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        sent = 0
        while not any(one.missed for one in stage.hub.statistics().subscribers):
            await stage.feed(BIG)
            sent += 1
        await stage.feed("last")
        got = missed = 0
        while True:
            (event,) = await page.take(1)
            if event.type == "gap":
                assert event.data["exact"]
                missed += event.data["count"]
            elif event.data == {"entry": "last"}:
                break
            else:
                got += 1
        assert missed > 0
        assert got + missed == sent


async def test_a_browser_that_does_not_read_pauses_the_source(
    stage: Stage, serving: Serving
) -> None:
    """
    Under block the source waits for the browser, which gets everything.
    """
    stage.options["overflow"] = Overflow.BLOCK
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        for _ in range(150):
            stage.source.feed(BIG)
        stage.source.feed("last")
        await until(lambda: stage.hub.statistics().sources[0].state == "paused")
        events = await page.take(151)
        assert events[-1].data == {"entry": "last"}
        assert all(event.type == "log" for event in events)


async def test_a_browser_that_does_not_read_is_disconnected(stage: Stage, serving: Serving) -> None:
    """
    Under disconnect the subscription ends at once, and the connection with it.
    """
    stage.options["overflow"] = Overflow.DISCONNECT
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        while stage.hub.statistics().subscribers:
            await stage.feed(BIG)
        received = 0
        while await page.next() is not None:
            received += 1
        assert received < stage.hub.statistics().received


async def test_a_browser_that_reads_is_told_that_it_was_too_slow(
    stage: Stage, serving: Serving
) -> None:
    """
    Where nothing is stuck in the connection, the reason is the last event.
    """
    stage.options["overflow"] = Overflow.DISCONNECT
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        await stage.feed("one")
        await page.take(1)
        # More than a ring in one go, which no subscriber can take in between.
        stage.hub._sources["a"].ring.append(tuple(range(RING)))
        stage.hub._sources["a"].ring.append(("more",))
        (slow,) = await page.take(1)
        assert slow == Event(type="slow", data={"dropped": RING + 1}, id=None)
        assert await page.next() is None


async def test_what_happens_to_sources_is_told_without_its_text(
    stage: Stage, serving: Serving
) -> None:
    """
    Reconnections, failures and ends are events; messages of errors are not for browsers.
    """
    other = FedSource()
    stage.hub.follow("b", other)
    error = NotFoundError(status=404, code="x", message="secret", request_id=None, body=None)
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        stage.hub.notify(
            "a",
            Reconnection(
                attempt=2, cause=error, delay=timedelta(seconds=1.5), last_event_id="secret"
            ),
        )
        assert await page.take(1) == [
            Event(
                type="reconnection",
                data={"source": "a", "attempt": 2, "delay": 1.5, "error": "NotFoundError"},
                id=None,
            )
        ]
        stage.hub.notify("a", ValueError("secret"))
        assert await page.take(1) == [
            Event(type="notice", data={"source": "a", "kind": "ValueError"}, id=None)
        ]
        other.fail(error)
        assert await page.take(1) == [
            Event(type="failed", data={"source": "b", "error": "NotFoundError"}, id=None)
        ]
        stage.source.end()
        assert await page.take(1) == [
            Event(type="ended", data={"source": "a", "reason": "ended"}, id=None)
        ]


async def test_the_end_is_an_event(stage: Stage, serving: Serving) -> None:
    """
    When the hub is drained the page is told that nothing more comes, and the answer is complete.
    """
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        await stage.feed("one")
        report = await stage.hub.drain()
        events = await page.take(3)
        assert [event.type for event in events] == ["log", "ended", "end"]
        assert events[-1].data == {}
        assert await page.next() is None
        assert page.answer.content.exception() is None
        assert report.is_complete


async def test_an_entry_is_encoded_once_for_all_browsers(
    hub: Hub[str, Any], serving: Serving
) -> None:
    """
    Browsers whose subscriptions are alike are sent the same bytes.
    """
    encoded: list[Any] = []

    def encode(tagged: Tagged[str, Any]) -> str:
        encoded.append(tagged.entry)
        return f"first line\r\nsecond line\n{tagged.entry}"

    stage = Stage(hub, Relay(encode=encode, encode_notice=lambda _: None))
    async with (
        serving(stage.relay, stage.subscribe) as url,
        browser(url) as one,
        browser(url) as other,
    ):
        hub.notify("a", "not sent")
        await stage.feed("x", "y")
        for page in (one, other):
            events = await page.take(2)
            assert [e.data for e in events] == [
                "first line\nsecond line\nx",
                "first line\nsecond line\ny",
            ]
    assert encoded == ["x", "y"]


async def test_a_failing_encoder_ends_the_connection(hub: Hub[str, Any], serving: Serving) -> None:
    """
    An error of the application's own code leaves no subscription behind.
    """

    def encode(tagged: Tagged[str, Any]) -> str:
        raise ZeroDivisionError

    stage = Stage(hub, Relay(encode=encode))
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        await stage.feed("x")
        assert await page.next() is None
        await stage.left()


async def test_a_server_that_stops_ends_its_subscriptions(
    hub: Hub[str, Any], serving: Serving
) -> None:
    """
    Stopping the server while browsers are connected leaves no subscription and no task.
    """
    before = asyncio.all_tasks()
    stage = Stage(hub, Relay(encode=plain))
    await settle()
    tasks = asyncio.all_tasks() - before

    async def stay() -> None:
        async with browser(url) as page:
            assert await page.next() is None

    async with asyncio.TaskGroup() as pages:
        async with serving(stage.relay, stage.subscribe) as url:
            for _ in range(3):
                pages.create_task(stay())
            await until(lambda: len(hub.statistics().subscribers) == 3)
        await stage.left()
    await until(lambda: asyncio.all_tasks() - before <= tasks)


async def test_a_relay_answers_http_only(stage: Stage) -> None:
    """
    A WebSocket that is routed to it is a mistake that is told.
    """
    application = stage.relay.asgi(stage.subscribe({}))

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    with pytest.raises(ValueError, match="a relay answers http, not 'websocket'"):
        await application({"type": "websocket"}, nothing, nothing)


def test_where_a_subscription_starts(hub: Hub[str, Any]) -> None:
    """
    The header is found whatever its case; without one, or with another's, it is as said.
    """
    relay = Relay()
    cursor = relay.start("0123abcd.42")
    assert str(cursor) == "0123abcd.42"
    for headers in ({"last-event-id": "0123abcd.42"}, {"LAST-EVENT-ID": "0123abcd.42"}):
        assert relay.start(headers) == cursor
    for nothing in (None, "", "garbage", {}, {"Last-Event-ID": "garbage"}):
        assert relay.start(nothing) is Start.NOW
        assert relay.start(nothing, Start.OLDEST) is Start.OLDEST


@pytest.mark.parametrize("name", ["heartbeat", "retry"])
def test_durations_are_positive(name: str) -> None:
    """
    What cannot be meant is refused.
    """
    arguments: dict[str, Any] = {name: timedelta(0)}
    with pytest.raises(ValueError, match=f"{name} must be positive, got 0:00:00"):
        Relay(**arguments)
