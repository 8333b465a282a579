"""
What the emulator's own tests share.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from clever_v4.emulator import Application, Emulator
from tests.emulator.reading import Reader


@pytest_asyncio.fixture
async def reader(emulator: Emulator) -> AsyncIterator[Reader]:
    """
    A bare client.
    """
    async with aiohttp.ClientSession() as http:
        yield Reader(emulator, http)


@pytest.fixture
def application(emulator: Emulator) -> Application:
    """
    A hundred entries.
    """
    return emulator.add_application(history=100, services=["bas.service"])


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """
    Neither a fault nor a refusal is an error of the server.
    """
    yield
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
