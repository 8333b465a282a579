"""
Subscriptions relayed to browsers over real sockets, by aiohttp.web, Starlette and FastAPI.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from clever_v4.errors import NotFoundError
from clever_v4.fanout.filters import OneOf
from clever_v4.fanout.hub import Hub
from clever_v4.fanout.hub_cursor import HubCursor
from clever_v4.fanout.items import Overflow, Tagged
from clever_v4.fanout.merge import Merge
from clever_v4.fanout.options import Start
from clever_v4.fanout.subscription import Subscription
from clever_v4.relay import Relay
from clever_v4.relay.events import LONGEST_ID, event_id
from clever_v4.streaming.policy import Reconnection
from tests.fanout.sources import FedSource, settle
from tests.relaying import (
    Browser,
    Event,
    Subscribe,
    aiohttp_server,
    browser,
    until,
    uvicorn_server,
    with_aiohttp,
    with_fastapi,
    with_starlette,
)
from tests.transport.tls import AUTHORITY, trusting

Serving = Callable[[Relay, Subscribe], AbstractAsyncContextManager[str]]
ROOT = Path(__file__).parents[1]
RING = 8
BIG = "x" * 100_000
"""An entry of which a browser that reads nothing takes a handful, in buffers."""


def plain(tagged: Tagged[str, Any]) -> str:
    return f'{{"entry": "{tagged.entry}"}}'


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection for requests as they are written."""
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


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
            position = None
            # One for each heartbeat in which it has come further, however slowly.
            while position is None or position.id != f"{hub.cursor_name}.{RING * 2}":
                (position,) = await page.take(1)
                assert (position.type, position.data) == ("position", {})
        await stage.feed(100)
        async with browser(url, position.id) as page:
            (found,) = await page.take(1)
            assert (found.type, found.data) == ("log", {"entry": "100"})


async def test_a_browser_that_leaves_ends_its_subscription(stage: Stage, serving: Serving) -> None:
    """
    Whether it leaves while nothing happens or while it is written to, the subscription ends: the
    connection's end is told, no heartbeat finds it.
    """
    stage.relay = Relay(encode=plain, heartbeat=timedelta(hours=1))
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


async def test_the_end_of_the_logs_is_an_event(stage: Stage, serving: Serving) -> None:
    """
    When all that a page asked for is over it is told not to come back, and the answer is complete.
    """
    stage.options["sources"] = ["a"]
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        await stage.feed("one")
        stage.source.end()
        events = await page.take(4)
        assert [event.type for event in events] == ["log", "ended", "end"]
        assert events[-1].data == {}
        assert page.answer.content.exception() is None


@pytest.mark.parametrize("way", ["aclose", "drain"])
async def test_the_end_of_the_hub_is_none_of_the_logs(
    stage: Stage, serving: Serving, way: str
) -> None:
    """
    A hub that is closed or drained ends the answer without ``end``: the browser is to come back.
    """
    stage.options["sources"] = ["a"]
    async with serving(stage.relay, stage.subscribe) as url, browser(url) as page:
        await stage.feed("one")
        assert len(await page.take(1)) == 1
        await getattr(stage.hub, way)()
        assert await page.next() is None
        assert page.answer.content.exception() is None
        assert page.last_event_id == f"{stage.hub.cursor_name}.1"


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


async def test_head_gets_the_head_only(stage: Stage, serving: Serving) -> None:
    """
    HEAD is answered without a body, which the next on that connection would take for its answer
    (RFC 9110, 9.3.2), and holds no subscription.
    """
    async with serving(stage.relay, stage.subscribe) as url:
        reader, writer = await connect(url)
        for _ in range(2):
            writer.write(b"HEAD /events HTTP/1.1\r\nHost: here\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert b"content-type: text/event-stream; charset=utf-8\r\n" in head.lower()
            assert b"content-length" not in head.lower()
            await settle()
            assert not stage.hub.statistics().subscribers
            await stage.feed("an entry that nobody asked for")
        writer.close()


async def test_a_fetch_with_a_body_gets_events_too(stage: Stage, serving: Serving) -> None:
    """
    Pages that send what they ask for in a body, by POST, are answered as those by GET are.
    """
    async with (
        serving(stage.relay, stage.subscribe) as url,
        aiohttp.ClientSession() as http,
        http.post(f"{url}/events", json={"application": "a"}) as answer,
    ):
        assert answer.status == 200
        await stage.feed("one")
        (one,) = await Browser(answer).take(1)
        assert one.data == {"entry": "one"}


async def test_other_methods_are_refused(stage: Stage, serving: Serving) -> None:
    """
    Where a route takes every method, one that makes no sense starts no stream.
    """
    async with (
        serving(stage.relay, stage.subscribe) as url,
        aiohttp.ClientSession() as http,
        http.delete(f"{url}/events") as answer,
    ):
        assert answer.status == 405
        assert set(answer.headers["Allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "POST"}
        assert not stage.hub.statistics().subscribers


async def test_an_idle_browser_wakes_nobody(stage: Stage, serving: Serving) -> None:
    """
    While nothing happens nothing is done until the next heartbeat: no looking around.
    """
    relay = Relay(encode=plain, heartbeat=timedelta(hours=1))
    loop: Any = asyncio.get_running_loop()

    def timers() -> list[float]:
        named = ((one, getattr(one._callback, "__qualname__", "")) for one in loop._scheduled)
        return [
            one.when() - loop.time()
            for one, name in named
            if name == "Timeout._on_timeout" and not one.cancelled()
        ]

    async with serving(relay, stage.subscribe) as url, browser(url):
        await until(lambda: len(stage.hub.statistics().subscribers) == 1)
        await settle()
        assert [round(in_s, -2) for in_s in timers()] == [3600]


async def test_a_connection_is_given_back(stage: Stage) -> None:
    """
    The server goes on with a connection whose answer has ended, as with any other.
    """
    stage.options["sources"] = ["a"]
    async with with_aiohttp(stage.relay, stage.subscribe) as url:
        reader, writer = await connect(url)
        writer.write(b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        stage.source.end()
        await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.write(b"HEAD /events HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()


async def test_a_browser_that_leaves_over_tls_is_noticed(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Whether a browser leaves or stays to the end, over TLS as without, nothing is logged.
    """
    stage.relay = Relay(encode=plain, heartbeat=timedelta(hours=1))
    theirs, ours = trusting(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(ours)
    async with with_aiohttp(stage.relay, stage.subscribe, ours) as url:
        async with browser(url, tls=theirs) as page:
            stage.source.feed("one")
            await page.take(1)
        await stage.left()
        async with browser(url, tls=theirs) as page:
            await stage.relay.shutdown()
            assert await page.next() is None
    assert not caplog.records


async def test_headers_of_the_application_are_sent(stage: Stage) -> None:
    """
    What other origins, proxies or the page need goes with the relay's own, in each of its ways.
    """
    background = pytest.importorskip("starlette.background", reason="no Starlette")
    wanted = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
    relay = stage.relay

    async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
        await relay.asgi(stage.subscribe({}), headers=wanted)(scope, receive, send)

    async def of_starlette(scope: Any, receive: Any, send: Any) -> None:
        response = relay.response(stage.subscribe({}), headers=wanted)
        response.set_cookie("seen", "yes")
        response.background = background.BackgroundTask(told.append, "background")
        await response(scope, receive, send)

    async def of_aiohttp(request: web.Request) -> web.StreamResponse:
        return await relay.aiohttp(request, stage.subscribe({}), headers=wanted)

    def without_lifespan(app: Any) -> Any:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            assert scope["type"] == "http"
            await app(scope, receive, send)

        return application

    told: list[str] = []
    app = web.Application()
    app.add_routes([web.get("/events", of_aiohttp)])
    async with (
        uvicorn_server(without_lifespan(plain_asgi)) as one,
        uvicorn_server(without_lifespan(of_starlette)) as two,
        aiohttp_server(app) as three,
    ):
        for url in (one, two, three):
            async with browser(url) as page:
                found = page.answer.headers
                assert {name: found[name] for name in wanted} == wanted
                assert found.getall("Content-Type") == ["text/event-stream; charset=utf-8"]
                assert ("Set-Cookie" in found) == (url == two)
        await stage.left()
        await until(lambda: told == ["background"])


async def test_the_documentation_of_an_api_names_the_type() -> None:
    """
    FastAPI's OpenAPI says that the endpoint sends events.
    """
    fastapi = pytest.importorskip("fastapi", reason="FastAPI is not installed")
    from clever_v4.relay.starlette import RelayResponse

    app = fastapi.FastAPI()

    @app.get("/events", response_class=RelayResponse)
    async def events() -> None: ...

    answers = app.openapi()["paths"]["/events"]["get"]["responses"]
    assert list(answers["200"]["content"]) == ["text/event-stream"]


def test_starlette_waits_until_it_is_used() -> None:
    """
    Who relays with aiohttp.web need not have it.
    """
    code = (
        "import sys; sys.modules['starlette'] = None; import clever_v4.relay as r; print(r.Relay())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("Relay("), done.stderr


async def test_a_forged_id_costs_nothing(stage: Stage, serving: Serving) -> None:
    """
    What an id says of rings that the browser does not read, or of entries that were not yet
    received, does not come back in the ids that it is sent.
    """

    def same_moment(_entry: object) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    stage.options["merge"] = Merge(by=same_moment, window=timedelta(milliseconds=1))
    await stage.feed("one")
    name = stage.hub.cursor_name
    forged = f"{name}.0" + "".join(f"~{ring}.9" for ring in range(1, 600))
    async with serving(stage.relay, stage.subscribe) as url, browser(url, forged) as page:
        await until(lambda: len(stage.hub.statistics().subscribers) == 1)
        await stage.feed("two")
        (two,) = await page.take(1)
        assert two == Event(type="log", data={"entry": "two"}, id=f"{name}.2")


@pytest.mark.parametrize(
    "middle",
    ["0~1.1" + "~1.1" * 2000, "0" * 5000, "99999999999999999999", "1~1.99999999999999999999"],
)
async def test_an_id_that_nobody_was_sent_starts_a_stream(
    stage: Stage, serving: Serving, middle: str
) -> None:
    """
    One that is longer than any that a relay sends is ignored, like one that is malformed; one
    that is ahead of the hub goes on with what comes.
    """
    await stage.feed("one")
    sent = f"{stage.hub.cursor_name}.{middle}"
    async with serving(stage.relay, stage.subscribe) as url, browser(url, sent) as page:
        await until(lambda: len(stage.hub.statistics().subscribers) == 1)
        await stage.feed("two")
        (two,) = await page.take(1)
        assert two.data == {"entry": "two"}
        assert two.id == f"{stage.hub.cursor_name}.2"


async def test_ids_are_no_longer_than_those_that_are_taken(hub: Hub[str, Any]) -> None:
    """
    An id of very many merged sources leaves some out, and repeats their entries rather than being
    refused when it comes back.
    """
    relay = Relay(encode=plain)
    ahead = tuple((ring, 10**12 + ring) for ring in range(1, 1001))
    cursor = HubCursor(hub.cursor_name, 10**12 - 5, ahead)
    text = event_id(cursor)
    assert len(text) <= LONGEST_ID
    assert relay.start(str(cursor)) is Start.NOW  # longer than any that is sent
    taken = relay.start(text)
    assert isinstance(taken, HubCursor)
    assert (taken.hub, taken.through) == (cursor.hub, cursor.through)
    assert len(taken.ahead) > 100
    assert set(taken.ahead) < set(ahead)
    assert event_id(taken) == text


async def test_a_relay_answers_http_only(stage: Stage) -> None:
    """
    A WebSocket that is routed to it is a mistake that is told.
    """
    application = stage.relay.asgi(stage.subscribe({}))

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    with pytest.raises(ValueError, match="scope must be of type http, got 'websocket'"):
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
