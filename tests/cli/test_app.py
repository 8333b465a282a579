"""
The commands, put together.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys

import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4 import cli
from clever_v4.cli.app import run_command

from .running import Command, Ran

COMMANDS = [
    ("logs",),
    ("deployments",),
    ("deployment",),
    ("instances",),
    ("load-balancers",),
    ("zones",),
    ("invoices",),
    ("invoice",),
    ("policies",),
    ("policies", "get"),
    ("policies", "set"),
    ("emulator",),
    ("demo",),
]


@pytest.mark.parametrize("names", [(), *COMMANDS], ids=" ".join)
def test_the_help(command: Command, snapshot: SnapshotAssertion, names: tuple[str, ...]) -> None:
    """
    Of all, and of each command.
    """
    ran = command(*names, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "\n".join(line.rstrip() for line in ran.out.splitlines()) == snapshot


def test_the_help_comes_without_a_command_too(command: Command) -> None:
    """
    Of all commands, and of those of a group.
    """
    assert command() == command("--help")
    assert command("policies") == command("policies", "--help")


def test_the_version(command: Command) -> None:
    """
    That of the package.
    """
    version = importlib.metadata.version("clever-v4")
    assert command("--version") == Ran(0, f"{version}\n", "")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("log",), "Try: clever-v4 --help"),
        (("--colour",), "Try: clever-v4 --help"),
        (("zones", "--colour"), "Try: clever-v4 zones --help"),
        (("policies", "set", "shop-events", "--colour"), "Try: clever-v4 policies set --help"),
    ],
)
def test_a_mistake_comes_with_where_to_read_more(
    command: Command, arguments: tuple[str, ...], hint: str
) -> None:
    """
    In the help of the command that was meant.
    """
    ran = command(*arguments)
    assert (ran.code, ran.out) == (2, "")
    told, last = ran.err.splitlines()
    assert told.startswith("clever-v4: ")
    assert last == hint


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_a_pager_that_was_left_early_is_no_failure(command: Command, argument: str) -> None:
    """
    ``clever-v4 --help | head -0``.
    """

    def work() -> int:
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as closed, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", closed)
            return run_command([argument])

    assert command.catch(work) == Ran(0, "", "")


def main(*arguments: str) -> int:
    """
    The exit code of the entry point.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["clever-v4", *arguments])
        try:
            cli.main()
        except SystemExit as exc:
            return int(exc.code or 0)
    raise AssertionError("it did not exit")


def test_the_entry_point_exits_with_the_code(command: Command) -> None:
    """
    Of the command.
    """
    assert command.catch(lambda: main("--version")).code == 0
    assert command.catch(lambda: main("log")).code == 2


def test_without_the_extra_it_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    And is a usage error.
    """
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert command.catch(main) == Ran(
        2,
        "",
        "clever-v4: the command line needs cyclopts and rich: "
        "python -m pip install 'clever-v4[cli]'\n",
    )


def test_ctrl_c_while_it_starts(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Is no traceback.
    """

    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("clever_v4.cli.app.run_command", interrupted)
    assert command.catch(lambda: main("zones")) == Ran(130, "", "")


def test_the_module_runs_too() -> None:
    """
    ``python -m clever_v4``.
    """
    version = subprocess.run(
        [sys.executable, "-m", "clever_v4", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=15,
    ).stdout
    assert version.strip() == importlib.metadata.version("clever-v4")
