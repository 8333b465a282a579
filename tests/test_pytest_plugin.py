"""
The fixtures as another project's tests get them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from clever_v4 import pytest_plugin

PROJECT = Path(__file__).parent.parent

OURS, ASYNCIO, ANYIO = "clever_v4.pytest_plugin", "pytest_asyncio.plugin", "anyio.pytest_plugin"

COROUTINE = """
import pytest

@pytest.fixture
def clever_emulator_options():
    return {"seed": 7, "demo": False}

MARK
async def test_own(clever_emulator, clever_session):
    assert clever_emulator.applications == []
    application = clever_emulator.add_application("mine")
    assert await clever_session.owners.owner_of(application.id) == clever_emulator.owner_id
    async with clever_session.logs.stream(application.owner_id, application.id) as stream:
        await clever_emulator.connections.wait_until(active=1)
        (written,) = clever_emulator.publish(application.id, "hello")
        assert (await anext(stream)).id == written
    await clever_emulator.connections.wait_until(active=0)
"""

PLAIN = """
import subprocess, sys, urllib.request

READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).status)"

def test_plain(clever_emulator):
    url = f"{clever_emulator.url}/v4/products/zones"
    assert urllib.request.urlopen(url).status == 200
    assert subprocess.check_output([sys.executable, "-c", READ, url]).strip() == b"200"
    application = clever_emulator.add_application("mine")
    assert clever_emulator.publish(application.id) == clever_emulator.produced_ids(application.id)
    clever_emulator.connections.wait(active=0)
"""


def run(directory: Path, *plugins: str, mode: str = "strict") -> subprocess.CompletedProcess[str]:
    """
    Run pytest in a directory with these plugins and no others, pytest-asyncio in this mode.
    """
    ini = directory / "pytest.ini"
    ini.write_text(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n"
        if ASYNCIO in plugins
        else "[pytest]\n"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(PROJECT), str(directory))),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    arguments = [argument for plugin in plugins for argument in ("-p", plugin)]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "-c",
            str(ini),
            *arguments,
            str(directory),
        ],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def passes(directory: Path, source: str, *plugins: str, mode: str = "strict") -> None:
    """
    All of a user's tests pass, with a warning none.
    """
    (directory / "test_users.py").write_text(source)
    done = run(directory, OURS, *plugins, mode=mode)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_the_examples_in_its_own_words_work(tmp_path: Path) -> None:
    """
    What the plugin's documentation shows works as it stands there.
    """
    examples = re.findall(r"```python\n(.*?)```", str(pytest_plugin.__doc__), re.DOTALL)
    assert len(examples) == 2
    passes(tmp_path, "\n".join(examples), ASYNCIO)


@pytest.mark.parametrize(
    ("mark", "plugin", "mode"),
    [
        ("@pytest.mark.asyncio", ASYNCIO, "strict"),
        ("", ASYNCIO, "auto"),
        ("@pytest.mark.anyio", ANYIO, ""),
    ],
    ids=["pytest-asyncio strict", "pytest-asyncio auto", "anyio"],
)
def test_a_coroutine_gets_the_emulator_and_a_session(
    tmp_path: Path, mark: str, plugin: str, mode: str
) -> None:
    """
    Whichever plugin runs the coroutine, there is an emulator with the user's options, and a
    session on it.
    """
    backend = "\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    source = COROUTINE.replace("MARK", mark) + (backend if plugin == ANYIO else "")
    passes(tmp_path, source, plugin, mode=mode)


@pytest.mark.parametrize("plugins", [(), (ASYNCIO,), (ANYIO,)], ids=["none", "asyncio", "anyio"])
def test_a_plain_test_may_block(tmp_path: Path, plugins: tuple[str, ...]) -> None:
    """
    A synchronous client and a process of its own get their answers: the emulator has a thread.
    """
    passes(tmp_path, PLAIN, *plugins)


@pytest.mark.parametrize(
    ("source", "plugins", "reason"),
    [
        (
            "def test_one(clever_session): pass",
            (ASYNCIO,),
            "clever_session is for a test that is a coroutine",
        ),
        (
            "async def test_one(clever_session): pass",
            (),
            "the fixture clever_session needs pytest-asyncio or anyio",
        ),
        (
            """
import pytest
@pytest.fixture
def anyio_backend(): return 'trio'
@pytest.mark.anyio
async def test_one(clever_session): pass
""",
            (ANYIO,),
            "clever_v4 runs on asyncio, not on trio",
        ),
    ],
    ids=["plain", "no plugin", "trio"],
)
def test_a_session_that_cannot_be_is_refused_by_name(
    tmp_path: Path, source: str, plugins: tuple[str, ...], reason: str
) -> None:
    """
    Only the test that asks for it fails, and it says why.
    """
    (tmp_path / "test_users.py").write_text(f"{source}\ndef test_two(): pass\n")
    done = run(tmp_path, OURS, *plugins)
    assert reason in done.stdout
    assert "1 passed, 1 error" in done.stdout


def test_the_installed_package_brings_the_plugin() -> None:
    """
    Its entry point leads pytest to the fixtures.
    """
    (entry,) = entry_points(group="pytest11", name="clever_v4")
    assert entry.load() is pytest_plugin


def test_the_plugin_does_not_load_the_emulator_by_itself(tmp_path: Path) -> None:
    """
    A project that does not use the fixtures does not pay for the emulator.
    """
    (tmp_path / "test_users.py").write_text(
        "import sys\ndef test_one(): assert 'clever_v4.emulator' not in sys.modules\n"
    )
    done = run(tmp_path, OURS)
    assert done.returncode == 0, done.stdout + done.stderr
