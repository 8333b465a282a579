"""
Sessions for the tests of the API groups: on the emulator, and on a server of canned answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.session import Session
from tests.api.canned import Canned, canned_server


@pytest_asyncio.fixture
async def session(emulator: Emulator) -> AsyncIterator[Session]:
    """
    A session on the emulator, with its API token.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as opened:
        yield opened


@pytest_asyncio.fixture
async def canned() -> AsyncIterator[Canned]:
    """
    A server whose answers the test writes itself.
    """
    async with canned_server() as running:
        yield running


@pytest_asyncio.fixture
async def canned_session(canned: Canned) -> AsyncIterator[Session]:
    """
    A session on the server of canned answers, which asks once only.
    """
    async with Session(ApiToken("t"), base_url=canned.url, retry=None) as opened:
        yield opened
