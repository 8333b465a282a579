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

from clever_v4 import pytest_plugin

PROJECT = Path(__file__).parent.parent

USERS_TEST = """
import pytest

@pytest.fixture
def clever_emulator_options():
    return {"seed": 7, "demo": False}

@pytest.mark.asyncio
async def test_own(clever_emulator, clever_session):
    assert clever_emulator.applications == []
    application = clever_emulator.add_application("mine")
    assert await clever_session.owners.owner_of(application.id) == clever_emulator.owner_id
    assert any(zone.name == "par" for zone in await clever_session.zones.list())
"""


def run(directory: Path, *plugins: str) -> subprocess.CompletedProcess[str]:
    """
    Run pytest in a directory with these plugins and no others.
    """
    ini = directory / "pytest.ini"
    ini.write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        if "pytest_asyncio.plugin" in plugins
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


def test_a_users_test_gets_the_emulator_and_a_session(tmp_path: Path) -> None:
    """
    With pytest-asyncio there is a running emulator with the user's options, and a session on it;
    the example in the plugin's own words works as it stands there.
    """
    (example,) = re.findall(r"```python\n(.*?)```", str(pytest_plugin.__doc__), re.DOTALL)
    (tmp_path / "test_users.py").write_text(USERS_TEST)
    (tmp_path / "test_example.py").write_text(example)
    done = run(tmp_path, "pytest_asyncio.plugin", "clever_v4.pytest_plugin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_installed_package_brings_the_plugin() -> None:
    """
    Its entry point leads pytest to the fixtures.
    """
    (entry,) = entry_points(group="pytest11", name="clever_v4")
    assert entry.load() is pytest_plugin


def test_without_pytest_asyncio_the_fixture_says_what_it_needs(tmp_path: Path) -> None:
    """
    Only a test that asks for the fixture fails, and it says why.
    """
    (tmp_path / "hidden.py").write_text("import sys\nsys.modules['pytest_asyncio'] = None\n")
    (tmp_path / "test_users.py").write_text(
        "def test_one(clever_emulator): pass\ndef test_two(): pass\n"
    )
    done = run(tmp_path, "hidden", "clever_v4.pytest_plugin")
    assert "the fixture clever_emulator needs pytest-asyncio" in done.stdout
    assert "1 passed, 1 error" in done.stdout


def test_the_plugin_does_not_load_the_emulator_by_itself(tmp_path: Path) -> None:
    """
    A project that does not use the fixtures does not pay for the emulator.
    """
    (tmp_path / "test_users.py").write_text(
        "import sys\ndef test_one(): assert 'clever_v4.emulator' not in sys.modules\n"
    )
    done = run(tmp_path, "clever_v4.pytest_plugin")
    assert done.returncode == 0, done.stdout + done.stderr
