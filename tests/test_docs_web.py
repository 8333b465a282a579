"""
What docs/web.md shows works: its applications as they stand, served to a browser.
"""

from __future__ import annotations

import re
import sys
import types
from typing import Any

import aiohttp
import pytest

from clever_v4.emulator import Emulator
from clever_v4.relay import Relay
from tests import test_readme
from tests.relaying import Browser, aiohttp_server, uvicorn_server
from tests.test_readme import ROOT, broken_links, programs, with_real_ids

DOCUMENT = ROOT / "docs" / "web.md"
AIOHTTP, FASTAPI = programs(DOCUMENT)

# Credentials are read from a file when the application starts.
blockbuster = test_readme.blockbuster
logged_in = test_readme.logged_in


@pytest.fixture
def module(request: pytest.FixtureRequest, logged_in: Emulator) -> Any:
    """
    One of the programs as a module, the ids put in.
    """
    made = types.ModuleType("documented")
    code = compile(with_real_ids(request.param, logged_in), DOCUMENT.name, "exec")
    sys.modules[made.__name__] = made  # where FastAPI looks up the names in annotations
    try:
        exec(code, made.__dict__)
        yield made
    finally:
        del sys.modules[made.__name__]


async def first_entry(url: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/logs") as answer:
        assert answer.content_type == "text/event-stream"
        page = Browser(answer)
        while True:
            event = await page.next()
            assert event is not None
            if event.type == "log":
                return event.data["entry"]


@pytest.mark.parametrize("module", [AIOHTTP], indirect=True, ids=["aiohttp"])
async def test_the_aiohttp_application_serves_logs(module: Any) -> None:
    """
    The handler relays entries of the applications that it names.
    """
    async with aiohttp_server(module.create_app()) as url:
        assert (await first_entry(url))["applicationId"] in module.APPLICATIONS


@pytest.mark.parametrize("module", [FASTAPI], indirect=True, ids=["fastapi"])
async def test_the_fastapi_application_serves_logs_and_models(module: Any) -> None:
    """
    One endpoint relays entries, the other returns models; the API's document knows both.
    """
    async with uvicorn_server(module.app) as url, aiohttp.ClientSession() as http:
        assert (await first_entry(url))["applicationId"] in module.APPLICATIONS
        async with http.get(f"{url}/deployments") as answer:
            found = await answer.json()
        assert found
        assert all(one["application_id"] == module.APPLICATIONS[0] for one in found)
    paths = module.app.openapi()["paths"]
    assert "text/event-stream" in paths["/logs"]["get"]["responses"]["200"]["content"]


def test_the_table_of_events_is_that_of_the_code() -> None:
    """
    The document and the docstring of the package name the same events and members.
    """
    import clever_v4.relay

    def rows(text: str) -> set[str]:
        return set(re.findall(r"^\| `([a-z]+)` \| `\{.*?\}`", text, re.MULTILINE))

    def members(text: str) -> list[str]:
        return re.findall(r"^\| `[a-z]+` \| `(\{.*?\})`", text, re.MULTILINE)

    code, document = (clever_v4.relay.__doc__ or "").replace("``", "`"), DOCUMENT.read_text()
    assert len(rows(code)) == 9
    assert rows(code) == rows(document)
    assert members(code) == members(document)


def test_what_it_says_of_defaults_is_so() -> None:
    """
    The numbers in the text are those of the code.
    """
    text = DOCUMENT.read_text()
    relay = Relay()
    assert f"a heartbeat every {relay.heartbeat.seconds} s" in text
    assert "connects again after a second" in text
    assert relay.retry.total_seconds() == 1


def test_links_lead_somewhere() -> None:
    """
    Every file that the document links to exists.
    """
    assert broken_links(DOCUMENT) == []
