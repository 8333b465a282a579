"""
The hooks of our tests, in a run of their own: what fails hits nobody else, and skipping explains itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CONFTEST = """
from tests import hanging
from tests.hanging import pytest_timeout_set_timer
from tests.leftovers import pytest_runtest_makereport, pytest_runtest_teardown
from tests.skipped import pytest_terminal_summary

hanging.PATIENCE_S = 1.0
"""

INI = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""

INNOCENT = """
import gc

def test_innocent():
    gc.collect()
"""

NEVER_AWAITED = """
import pytest

async def follow():
    pass

class Hub:
    def __init__(self):
        self.itself, self.coroutine = self, follow()

def test_it_fails():
    hub = Hub()
    pytest.fail("here")
"""

CHAINED = """
async def follow():
    pass

def break_down():
    coroutine = follow()
    raise OSError("first")

def test_it_fails():
    try:
        break_down()
    except OSError as exc:
        raise ExceptionGroup("both", [ValueError("second")]) from exc
"""

UNCLOSED = """
import socket

def test_it_fails():
    left = socket.socket()
    assert left is None
"""

STUBBORN = """
import asyncio, pytest

@pytest.mark.asyncio
@pytest.mark.timeout(1)
async def test_it_hangs():
    async with asyncio.timeout(None):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()
"""

ENDED_FOR_HANGING = """
import asyncio, pytest
from datetime import timedelta
from clever_v4 import ApiToken, LogQuery, Session
from clever_v4.emulator import Emulator
from clever_v4.log_hub import LogHub

@pytest.mark.asyncio
@pytest.mark.timeout(2)
async def test_it_hangs():
    async with (
        Emulator(demo=False) as emulator,
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
        LogHub(session) as hub,
        hub.subscribe() as subscription,
        asyncio.TaskGroup() as tasks,
    ):
        async def follow():
            while True:
                application = emulator.add_application(history=20, rate_per_s=50)
                hub.follow(emulator.owner_id, application.id, LogQuery(since=timedelta(hours=1)))
                await asyncio.sleep(0.01)

        tasks.create_task(follow())
        async for item in subscription.items():
            pass
"""


def run(folder: Path, *tests: str) -> str:
    """
    Run them in a process of their own, warnings as errors.
    """
    (folder / "conftest.py").write_text(CONFTEST)
    for number, text in enumerate(tests):
        (folder / f"test_{number}.py").write_text(text)
    (folder / "pytest.ini").write_text(INI)
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    return told.stdout + told.stderr


@pytest.mark.parametrize(
    "guilty",
    [NEVER_AWAITED, CHAINED, UNCLOSED, ENDED_FOR_HANGING, STUBBORN],
    ids=["never awaited", "chained", "unclosed", "ended for hanging", "stubborn"],
)
def test_what_a_failed_test_leaves_hits_no_other(guilty: str, tmp_path: Path) -> None:
    """
    Coroutines, sockets and tasks of a test that failed or hung are gone before the next begins.
    """
    told = run(tmp_path, guilty, INNOCENT)
    # What the failed one closes late may be an error of its own, too.
    assert re.search(r"^1 failed, 1 passed(, 1 error)? in ", told, re.MULTILINE), told


SKIPPED = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_with_node(number):
    pytest.skip("needs node: nox -s interop")

@pytest.mark.skipif(True, reason="needs a browser: apt-get install chromium")
def test_with_a_browser():
    pass

def test_elsewhere():
    pytest.importorskip("no_such_module", reason="no such module")
"""


def test_each_reason_to_skip_is_one_line_with_what_brings_it(tmp_path: Path) -> None:
    """
    A newcomer reads how many tests were skipped, why, and the command that runs them.
    """
    told = run(tmp_path, SKIPPED).splitlines()
    start = told.index("3 tests need node: nox -s interop")
    assert told[start + 1 : start + 3] == [
        "1 test needs a browser: apt-get install chromium",
        "1 test skipped: no such module",
    ]
    assert told[start + 3].startswith("5 skipped in ")
