"""
What all tests share: an emulator of the API, and a watch over blocking calls.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

from clever_v4.emulator import Emulator

# A property holds however slow or busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """
    A blocking call inside the event loop, made by this project, is an error.
    """
    with blockbuster_ctx("clever_v4") as watch:
        yield watch


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator without the demo's applications; a test creates what it needs. Dates take every
    form that a source names.
    """
    async with Emulator(demo=False, zone_names=True) as running:
        yield running


@pytest.fixture(autouse=True)
def heeds_ctrl_c() -> Iterator[None]:
    """
    SIGINT as a terminal's programs have it, for the processes of the tests, too.

    A shell lets what it starts in the background ignore it, and what that starts inherits this.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
