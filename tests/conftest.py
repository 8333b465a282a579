"""
What all tests share: an emulator of the API, a watch over blocking calls, and nothing else.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from clever_v4.emulator import Emulator
from tests.hanging import pytest_timeout_set_timer
from tests.leftovers import pytest_runtest_makereport, pytest_runtest_teardown
from tests.shell import cleared
from tests.skipped import pytest_terminal_summary

__all__ = [
    "pytest_runtest_makereport",
    "pytest_runtest_teardown",
    "pytest_terminal_summary",
    "pytest_timeout_set_timer",
]

# A property holds however slow or busy the machine is, and whatever an earlier run found.
settings.register_profile(
    "untimed",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A home without anything in it.
    """
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def shell(empty_home: Path) -> Iterator[None]:
    """
    The shell that started the tests does not matter: what could mislead them is cleared.
    """
    with cleared(empty_home):
        yield


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """
    A blocking call inside the event loop, made by this project, is an error.
    """
    watch = BlockBuster("clever_v4")
    if _is_traced():
        # coverage takes a lock at each call that it notes, and each would pass through the watch.
        for name in [one for one in watch.functions if one.startswith("threading.Lock.")]:
            del watch.functions[name]
    watch.activate()
    try:
        yield watch
    finally:
        watch.deactivate()


def _is_traced() -> bool:
    coverage = sys.modules.get("coverage")
    return coverage is not None and coverage.Coverage.current() is not None


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator without the demo's applications; a test creates what it needs. Dates take every
    form that a source names.
    """
    async with Emulator(demo=False, zone_names=True) as running:
        yield running


@pytest.fixture(autouse=True)
def heeds_signals() -> Iterator[None]:
    """
    Signals as a terminal's programs have them, for the processes of the tests, too.

    A shell lets what it starts in the background ignore SIGINT, nohup SIGHUP, and what that
    starts inherits this.
    """
    handlers: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler}
    if sys.platform != "win32":
        handlers |= {signal.SIGHUP: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
