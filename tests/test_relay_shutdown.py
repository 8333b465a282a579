"""
Servers that stop while browsers are connected: run by their own commands, and stopped by SIGTERM.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from clever_v4.fanout.hub import Hub
from clever_v4.relay import Relay
from clever_v4.relay.signals import telling_of_signals
from tests.fanout.sources import FedSource, settle
from tests.relaying import browser, until, with_aiohttp, with_starlette
from tests.test_relay import BIG, Serving, plain

ROOT = Path(__file__).parents[1]
BROWSERS = 25
SERVERS = {
    # What each waits for its clients at most is a day, or has no end (uvicorn's default).
    "aiohttp": [],
    "uvicorn": ["--factory", "tests.relay_apps:fastapi_app", "--port", "0"],
    "hypercorn": [
        *("tests.relay_apps:starlette_app()", "--bind", "127.0.0.1:0", "--workers", "0"),
        *("--graceful-timeout", str(24 * 3600)),
    ],
}


@asynccontextmanager
async def served(name: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, list[str]]]:
    """
    The process, its address and, growing, the lines that it prints.
    """
    module = "tests.relay_apps" if name == "aiohttp" else name
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *SERVERS[name]),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines: list[str] = []
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(output: asyncio.StreamReader) -> None:
        async for line in output:
            lines.append(line.decode())
            found = re.search(r"http://127\.0\.0\.1:\d+", lines[-1])
            if found and not address.done():
                address.set_result(found[0])
        if not address.done():
            address.set_exception(AssertionError("".join(lines)))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read(process.stdout))
        try:
            yield process, await address, lines
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_that_stops_lets_its_browsers_go(name: str) -> None:
    """
    It ends at once, though it would wait a day for its clients, and says nothing of them; they
    are not told that the logs are over, and have the id to come back with.
    """
    if name != "aiohttp" and not importlib.util.find_spec(name):
        pytest.skip(f"{name} is not installed")
    async with AsyncExitStack() as stack:
        process, url, lines = await stack.enter_async_context(served(name))
        pages = [await stack.enter_async_context(browser(url)) for _ in range(BROWSERS)]
        for page in pages:
            (one,) = await page.take(1)
            assert one.data == {"entry": "one"}
        process.send_signal(signal.SIGTERM)
        assert [await page.next() for page in pages] == [None] * BROWSERS
        assert all(page.answer.content.exception() is None for page in pages)
        assert all(page.last_event_id == one.id for page in pages)
        await process.wait()
    told = "".join(lines)
    assert not re.search(r"Traceback|Error|ERROR|WARNING|Exception|[Cc]ancel", told), told
    # uvicorn raises the signal again when it is done, as programs do that were asked to stop.
    assert process.returncode in (0, -signal.SIGTERM), told


class Stage:
    """
    A relay on a hub with one source, in this process.
    """

    def __init__(self, hub: Hub[str, Any]) -> None:
        self.hub = hub
        self.relay = Relay(encode=plain)
        self.source = FedSource()
        hub.follow("a", self.source)

    def subscribe(self, headers: Any) -> Any:
        return self.hub.subscribe(start=self.relay.start(headers))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Hub[str, Any](ring=8) as hub:
        yield Stage(hub)


@pytest.fixture(params=[with_aiohttp, with_starlette])
def serving(request: pytest.FixtureRequest) -> Serving:
    found: Serving = request.param
    return found


async def test_who_comes_after_the_shutdown_is_sent_away(stage: Stage, serving: Serving) -> None:
    """
    A request that was under way gets an answer that ends at once, after which a browser comes
    back; an error would keep it away for good. A relay that is used again takes browsers again.
    """
    async with serving(stage.relay, stage.subscribe) as url:
        async with browser(url) as page:
            await stage.relay.shutdown()
            assert not stage.hub.statistics().subscribers
            assert await page.next() is None
        async with browser(url) as page:
            assert page.answer.status == 200
            assert await page.next() is None
            assert page.retry == 1000
        assert not stage.hub.statistics().subscribers
        async with stage.relay.lifespan(), browser(url) as page:
            await until(lambda: len(stage.hub.statistics().subscribers) == 1)
            stage.source.feed("one")
            (one,) = await page.take(1)
            assert one.data == {"entry": "one"}


async def test_a_browser_that_reads_nothing_is_cut_off(stage: Stage, serving: Serving) -> None:
    """
    Shutting down does not wait for what cannot be written.
    """
    async with serving(stage.relay, stage.subscribe) as url, browser(url):
        while not any(one.missed for one in stage.hub.statistics().subscribers):
            stage.source.feed(BIG)
            await settle()
        await stage.relay.shutdown()
        assert not stage.hub.statistics().subscribers


async def test_a_relay_of_another_loop_is_not_shut_down(stage: Stage) -> None:
    """
    A relay that is a global of a module serves the next server in the same process.
    """
    await asyncio.to_thread(asyncio.run, stage.relay.shutdown())
    async with with_aiohttp(stage.relay, stage.subscribe) as url, browser(url) as page:
        stage.source.feed("one")
        (one,) = await page.take(1)
        assert one.data == {"entry": "one"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_told_and_passed_on(number: signal.Signals) -> None:
    """
    The server's own handler still gets its signal, and gets its place back.
    """
    told: list[object] = []

    def handler(signalled: int, _frame: object) -> None:
        told.append(signalled)

    before = signal.signal(number, handler)
    try:
        with telling_of_signals(lambda: told.append("stop")):
            signal.raise_signal(number)
            assert told == ["stop", number]
        assert signal.getsignal(number) is handler
        signal.raise_signal(number)
        assert told == ["stop", number, number]
    finally:
        signal.signal(number, before)


def test_signals_that_nobody_handles_stay_as_they_are() -> None:
    """
    One that ends the process still does, and one that is ignored is; in a thread, where Python
    takes no signals, none is touched.
    """
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        for kept in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(signal.SIGTERM, kept)
            with telling_of_signals(lambda: None):
                assert signal.getsignal(signal.SIGTERM) is kept
    finally:
        signal.signal(signal.SIGTERM, before)

    def in_a_thread() -> None:
        with telling_of_signals(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    seen: list[object] = []
    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


def test_a_handler_that_was_put_before_ours_stays() -> None:
    """
    Who takes the signal later, and passes it on, keeps it; ours then only passes on.
    """
    told: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: told.append("server"))
    try:
        with telling_of_signals(lambda: told.append("stop")):
            ours: Any = signal.getsignal(signal.SIGTERM)

            def later(number: int, frame: Any) -> None:
                told.append("later")
                ours(number, frame)

            signal.signal(signal.SIGTERM, later)
        assert signal.getsignal(signal.SIGTERM) is later
        signal.raise_signal(signal.SIGTERM)
        assert told == ["later", "server"]
    finally:
        signal.signal(signal.SIGTERM, before)
