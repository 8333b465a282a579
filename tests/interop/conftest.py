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
    Mark the tests of this folder that start the official clients.
    """
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.name != "test_install.py":
            item.add_marker(pytest.mark.interop)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """
    Skip them, with the reason, where nobody installed the official clients.
    """
    if VARIABLE not in os.environ and item.get_closest_marker("interop"):
        pytest.skip("needs node and the official clients: nox -s interop")


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
