"""
What the emulator's own tests share.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from clever_v4.emulator import Emulator
from tests.emulator.reading import Reader


@pytest_asyncio.fixture
async def reader(emulator: Emulator) -> AsyncIterator[Reader]:
    """
    A bare client.
    """
    async with aiohttp.ClientSession() as http:
        yield Reader(emulator, http)
