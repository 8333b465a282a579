"""
No test depends on the shell that started it.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clever_v4 import auth
from tests.shell import HOSTILE, cleared, misleads

PACKAGE = Path(__file__).resolve().parents[1] / "clever_v4"


def variables(path: Path) -> Iterator[str]:
    """
    The variables that a file reads: ``os.environ.get("NAME")``, ``environ["NAME"]``, or by our
    ``variable("NAME")``.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[name, *_]):
                is_read = ast.unparse(owner).endswith("environ")
            case ast.Call(func=ast.Name(id="variable") | ast.Attribute(attr="getenv"), args=[name]):
                is_read = True
            case ast.Subscript(value=owner, slice=name):
                is_read = ast.unparse(owner).endswith("environ")
            case _:
                continue
        if is_read and isinstance(name, ast.Constant):
            yield str(name.value)
        elif is_read and isinstance(name, ast.Name) and name.id.isupper():
            yield str(getattr(auth, name.id))


def test_each_variable_that_the_package_reads_is_cleared() -> None:
    """
    Whoever reads another variable names it in tests/shell.py.
    """
    read = {name for path in PACKAGE.rglob("*.py") for name in variables(path)}
    assert {"CLEVER_API_URL", "CLEVER_TOKEN", "HOME", "NO_COLOR", "XDG_CONFIG_HOME"} <= read
    assert {name for name in read if not misleads(name)} == set()


def test_what_misleads_is_cleared_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Proxies in upper and lower case, ours, the terminal's and the language's are gone, the time
    zone is UTC, for C as for Python; afterwards all is as it was.
    """
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FTP_PROXY", "http://127.0.0.1:9")
    time.tzset()
    try:
        assert time.localtime(0).tm_min == 30
        before = dict(os.environ)
        with cleared(tmp_path):
            left = {name for name in os.environ if misleads(name)}
            assert left == {"HOME", "TZ"}
            assert (os.environ["HOME"], time.localtime(0).tm_min) == (str(tmp_path), 0)
        assert dict(os.environ) == before
        assert time.localtime(0).tm_min == 30
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_tests_run_with_it() -> None:
    """
    Every test has a shell of its own kind: this one, too.
    """
    assert {name for name in os.environ if misleads(name)} == {"HOME", "TZ"}
    assert time.localtime(0).tm_hour == 0
    assert list(Path.home().iterdir()) == []


def test_the_hostile_home_cannot_be_written() -> None:
    """
    Nobody, root neither, makes a folder below a file.
    """
    with pytest.raises(NotADirectoryError):
        Path(HOSTILE["HOME"]).mkdir(parents=True)


def test_a_process_that_ignores_hangups_tests_those_that_do_not(tmp_path: Path) -> None:
    """
    Under nohup, or in a shell's background, the tests' own processes heed signals all the same.
    """
    (tmp_path / "test_it.py").write_text(
        "import signal\n"
        "from tests.conftest import heeds_signals\n"
        "def test_it(heeds_signals):\n"
        "    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL\n"
        "    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    shell = f"trap '' HUP INT; exec {shlex.join(command)}"
    ran = subprocess.run(["sh", "-c", shell], capture_output=True, text=True)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
