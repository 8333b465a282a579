"""
A session on an emulator whose heart beats fast.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.session import Session


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator without applications whose heart beats fast.
    """
    async with Emulator(demo=False, heartbeat_s=0.03) as running:
        yield running


@pytest_asyncio.fixture
async def session(emulator: Emulator) -> AsyncIterator[Session]:
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as opened:
        yield opened
