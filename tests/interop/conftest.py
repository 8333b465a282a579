"""
Fixtures of the official clients.

The ordinary run skips these tests: they need node and what npm installs. ``nox -s interop`` brings
both and says in ``CLEVER_V4_INTEROP`` where they are.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from clever_v4 import ApiToken, Session
from clever_v4.emulator import Emulator

from .official import Official

VARIABLE = "CLEVER_V4_INTEROP"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Mark every test in this folder; each starts processes of its own, on any machine.
    """
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.interop)
            item.add_marker(pytest.mark.timeout(120))


def pytest_runtest_setup() -> None:
    """
    Skip a test in this folder, with the reason, where nobody installed the official clients.
    """
    if VARIABLE not in os.environ:
        pytest.skip("needs node and the official clients; run it with: nox -s interop")


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator with the demo's account.
    """
    async with Emulator() as running:
        yield running


@pytest.fixture
def official(emulator: Emulator, tmp_path: Path) -> Official:
    """
    The official clients, pointed at the emulator.
    """
    return Official(emulator, installed=Path(os.environ[VARIABLE]), home=tmp_path / "home")


@pytest_asyncio.fixture
async def session(emulator: Emulator) -> AsyncIterator[Session]:
    """
    Our own client, pointed at the same emulator.
    """
    async with Session(ApiToken(emulator.token), base_url=emulator.url) as ours:
        yield ours
