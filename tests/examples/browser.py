"""
Headless Chromium, driven over the WebDriver protocol of its chromedriver.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
LACKING = [
    package
    for package, found in (("chromium", CHROMIUM), ("chromium-driver", CHROMEDRIVER))
    if found is None
]

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_OPTIONS = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1200,760",
]


class Browser:
    """
    One page of a browser.
    """

    def __init__(self, http: aiohttp.ClientSession, session: str) -> None:
        self._http = http
        self._session = session

    async def _do(self, method: str, path: str, **body: Any) -> Any:
        url = f"{self._session}/{path}"
        json = body if method == "POST" else None
        async with self._http.request(method, url, json=json) as answer:
            value = (await answer.json())["value"]
            assert answer.status == 200, value
            return value

    async def open(self, url: str) -> None:
        await self._do("POST", "url", url=url)

    async def run(self, script: str) -> Any:
        """What the JavaScript returns."""
        return await self._do("POST", "execute/sync", script=script, args=[])

    async def _find(self, selector: str) -> str:
        found = await self._do("POST", "element", using="css selector", value=selector)
        return str(found[_ELEMENT])

    async def click(self, selector: str) -> None:
        await self._do("POST", f"element/{await self._find(selector)}/click")

    async def write(self, selector: str, text: str) -> None:
        await self._do("POST", f"element/{await self._find(selector)}/value", text=text)

    async def text(self, selector: str) -> str:
        return str(await self._do("GET", f"element/{await self._find(selector)}/text"))

    async def number(self, selector: str) -> int:
        return int((await self.text(selector)).replace(",", ""))

    async def texts(self, selector: str) -> list[str]:
        """The texts of all that match."""
        script = f"return [...document.querySelectorAll({selector!r})].map(e => e.textContent)"
        found: list[str] = await self.run(script)
        return found

    async def until(self, script: str) -> Any:
        """Wait until what the JavaScript returns is true, and give it."""
        while not (value := await self.run(script)):  # noqa: ASYNC110  -- the page's state
            await asyncio.sleep(0.05)
        return value

    async def screenshot(self) -> bytes:
        return base64.b64decode(await self._do("GET", "screenshot"))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """
    Start a browser of its own, and end it.
    """
    assert CHROMEDRIVER is not None
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    driver = await asyncio.create_subprocess_exec(
        CHROMEDRIVER,
        "--port=0",
        stdout=asyncio.subprocess.PIPE,
        # It leaves settings and caches in its home, which is not that of the tests.
        env=os.environ | {"HOME": home.name},
    )
    try:
        assert driver.stdout is not None
        url = ""
        while not url:
            line = (await driver.stdout.readline()).decode()
            assert line, "chromedriver ended"
            if "on port" in line and "started" in line:
                url = f"http://127.0.0.1:{line.rstrip().rstrip('.').rsplit(' ', 1)[1]}"
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            options = [*_OPTIONS, *sandbox, f"--user-data-dir={profile}"]
            capabilities = {"goog:chromeOptions": {"binary": CHROMIUM, "args": options}}
            body = {"capabilities": {"alwaysMatch": capabilities}}
            async with aiohttp.ClientSession() as http:
                async with http.post(f"{url}/session", json=body) as answer:
                    value = (await answer.json())["value"]
                    assert answer.status == 200, value
                session = f"{url}/session/{value['sessionId']}"
                try:
                    yield Browser(http, session)
                finally:
                    async with http.delete(session):
                        pass
    finally:
        driver.terminate()
        await driver.wait()
        home.cleanup()
