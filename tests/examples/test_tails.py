"""
The two web applications, looked at with a real browser.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from clever_v4.emulator import Emulator
from clever_v4.log_hub import LogHub
from examples.live_tail import app as live_tail
from tests.examples.browser import LACKING, Browser, chromium
from tests.relaying import until, uvicorn_server

needs_browser = pytest.mark.skipif(
    bool(LACKING), reason=f"needs a browser: apt-get install {' '.join(LACKING)}"
)
DOCS = Path(__file__).parents[2] / "docs"
RING = 40


class Tail:
    def __init__(self, url: str, emulator: Emulator, hub: LogHub) -> None:
        self.url = url
        self.emulator = emulator
        self.hub = hub
        # It writes only when it is told to.
        self.quiet = next(one for one in emulator.applications if one.behaviour == "quiet")


@asynccontextmanager
async def with_aiohttp() -> AsyncIterator[Tail]:
    app = live_tail.create_app(ring=RING)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield Tail(f"http://127.0.0.1:{port}", app[live_tail.EMULATOR], app[live_tail.HUB])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def with_fastapi() -> AsyncIterator[Tail]:
    pytest.importorskip("fastapi", reason="FastAPI is not installed")
    from examples.fastapi_tail import app as fastapi_tail

    fastapi_tail.RING = RING
    async with uvicorn_server(fastapi_tail.app) as url:
        state = fastapi_tail.app.state
        yield Tail(url, state.emulator, state.hub)


@pytest.fixture(params=[with_aiohttp, with_fastapi], ids=["aiohttp", "fastapi"])
async def tail(request: pytest.FixtureRequest) -> AsyncIterator[Tail]:
    async with request.param() as running:
        yield running


@needs_browser
async def test_page_shows_filters_pauses_and_tells_what_was_missed(tail: Tail) -> None:
    """
    A browser sees entries live, only those of its filter, catches up after a pause as far as
    the ring reaches, and is told of reconnections and of what was missed.
    """
    async with chromium() as page:
        await page.open(tail.url)
        await page.until("return document.querySelectorAll('#log li').length > 4")
        assert await page.run("return document.getElementById('state').className") == "open"
        names = await page.texts("#application option")
        assert names[1:] == [one.name for one in tail.emulator.applications]

        tail.emulator.connections.abort_all()
        # The page counts at once, and draws with its next frames, lines and numbers each in theirs.
        await page.until(
            "return [...document.querySelectorAll('#log .notice .message')]"
            ".some(one => one.textContent.includes('connection lost (ConnectionFailedError)'))"
        )
        await page.until("return document.getElementById('reconnections').textContent !== '0'")
        await tail.emulator.connections.wait_until(active=5)
        await page.until("return document.querySelectorAll('#log li').length > 12")
        if os.environ.get("CLEVER_V4_SCREENSHOT"):  # renews the one in docs/
            await page.until("return counts.entries > 24")
            (DOCS / "live-tail.png").write_bytes(await page.screenshot())

        # Only this one: the small rings of the others may drop what the filter passes over.
        await page.click(f"#application option[value='{tail.quiet.id}']")
        await page.write("#filter", "needle")
        # Typed slowly, a part of the word is a filter too, whose lines are cleared away.
        await page.until(
            "return new URL(stream.url).searchParams.get('text') === 'needle'"
            " && stream.readyState === EventSource.OPEN"
        )
        tail.emulator.publish(tail.quiet.id, "a needle <b>{n}</b>", count=3)
        tail.emulator.publish(tail.quiet.id, "only hay", count=3)
        await page.until("return document.querySelectorAll('#log li:not(.notice)').length >= 3")
        assert await needles(page) == ["0", "1", "2"]
        # Text of a log is never read as HTML.
        assert await page.run("return document.querySelectorAll('#log b').length") == 0

        await page.click("#pause")
        await tail_is_alone(tail)
        tail.emulator.publish(tail.quiet.id, "a needle <b>{n}</b>", count=2)
        await hub_received(tail, 8)
        assert await needles(page) == ["0", "1", "2"]
        await page.click("#pause")
        await page.until("return document.querySelectorAll('#log li:not(.notice)').length >= 5")
        assert await needles(page) == ["0", "1", "2", "0", "1"]
        assert await page.number("#missed") == 0

        await page.click("#pause")
        await tail_is_alone(tail)
        tail.emulator.publish(tail.quiet.id, "a needle <b>{n}</b>", count=RING * 2)
        await hub_received(tail, 8 + RING * 2)
        await page.click("#pause")
        await page.until("return document.querySelectorAll('#log .notice').length > 0")
        (notice,) = await page.texts("#log .notice .message")
        assert "no longer held" in notice
        assert await page.number("#missed") > 0
    await tail_is_alone(tail)


async def needles(page: Browser) -> list[str]:
    found = await page.texts("#log li:not(.notice) .message")
    return [text.removeprefix("a needle <b>").removesuffix("</b>") for text in found]


async def tail_is_alone(tail: Tail) -> None:
    """Wait until no browser subscribes."""
    await until(lambda: not tail.hub.statistics().subscribers)


async def hub_received(tail: Tail, count: int) -> None:
    """Wait until the hub has so many entries of the quiet application."""

    def has() -> bool:
        sources = tail.hub.statistics().sources
        return any(
            one.source.application_id == tail.quiet.id and one.received >= count for one in sources
        )

    await until(has)


async def test_a_request_that_cannot_be_meant_is_refused(tail: Tail) -> None:
    """
    An unknown severity or application is answered with 4xx, not with an empty stream.
    """
    async with aiohttp.ClientSession(tail.url) as http:
        for query in ("severity=loud", "application=app_unknown"):
            async with http.get(f"/events?{query}") as answer:
                assert answer.status in (400, 422)


async def test_a_browser_that_leaves_ends_its_subscription(tail: Tail) -> None:
    """
    Closing the connection ends the subscription, though nothing is being written.
    """
    async with aiohttp.ClientSession(tail.url) as http:
        async with http.get(f"/events?application={tail.quiet.id}") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert (await answer.content.readline()) == b"retry: 1000\n"
            assert len(tail.hub.statistics().subscribers) == 1
        await tail_is_alone(tail)
