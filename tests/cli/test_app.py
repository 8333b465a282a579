"""
The commands, put together.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4 import cli
from clever_v4.cli.app import run_command
from clever_v4.emulator import Emulator

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


@pytest.mark.parametrize(
    ("name", "by"),
    [
        # From what the package itself imports first to what a command does.
        *(("attrs", "script"), ("attrs", "module")),
        *(("aiohttp", "module"), ("cyclopts", "script"), ("rich.cells", "module")),
    ],
)
def test_ctrl_c_while_it_starts(tmp_path: Path, name: str, by: str) -> None:
    """
    Is silent, whatever is being imported and however it was started.
    """
    hook = f"""
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
"""
    (tmp_path / "sitecustomize.py").write_text(hook)
    script = tmp_path / "clever-v4"
    script.write_text("from clever_v4.cli import main\nmain()\n")
    arguments = [str(script)] if by == "script" else ["-m", "clever_v4"]
    with subprocess.Popen(
        [sys.executable, *arguments, "zones"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        assert (*process.communicate(timeout=60), process.returncode) == ("", "", 130)


def test_the_library_leaves_ctrl_c_alone() -> None:
    """
    Only the command decides what it does; also where a program's name is like its.
    """
    asked = (
        "import signal, sys; sys.argv = [{!r}]; import clever_v4; "
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    )
    for name, is_left in (("-c", True), ("my-clever-v4", True), ("/bin/clever-v4", False)):
        told = subprocess.run(
            [sys.executable, "-c", asked.format(name)], capture_output=True, text=True, check=True
        ).stdout
        assert told == f"{is_left}\n", name


def test_a_package_that_uses_the_library_keeps_ctrl_c(tmp_path: Path) -> None:
    """
    Also where it is run by ``-m``, and imports the library while it is itself being imported.
    """
    package = tmp_path / "tailer"
    package.mkdir()
    (package / "__init__.py").write_text("import clever_v4\n")
    (package / "__main__.py").write_text(
        "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    )
    told = subprocess.run(
        [sys.executable, "-m", "tailer"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told == "True\n"


CLOSED = {
    # Commands, and what they give with standard error and with standard output closed.
    ("zones",): ((0, "NAME "), (1, "clever-v4: cannot write the output: it is closed\n")),
    ("--version",): ((0, "0."), (1, "clever-v4: cannot write the output: it is closed\n")),
    ("--help",): ((0, "Usage:"), (1, "clever-v4: cannot write the output: it is closed\n")),
    ("zones", "nowhere"): ((1, ""), (1, "clever-v4: there is no zone 'nowhere'; ")),
    ("zones", "--nope"): ((2, ""), (2, "clever-v4: ")),
    ("logs", "nowhere"): ((1, ""), (1, "clever-v4: no application 'nowhere' ")),
    ("deployments", "shop-api"): (
        (0, "ID "),
        (1, "clever-v4: cannot write the output: it is closed\n"),
    ),
}


@pytest.mark.parametrize("arguments", CLOSED, ids=" ".join)
def test_with_an_output_that_was_closed(clever: Command, arguments: tuple[str, ...]) -> None:
    """
    As a daemon's may be: what can be told is told, and the exit code is that of what happened.
    """

    def without(*names: str) -> Ran:
        def work() -> int:
            with pytest.MonkeyPatch.context() as patch:
                for name in names:
                    patch.setattr(sys, name, None)
                return run_command(arguments)

        return clever.catch(work)

    (code, begin), (code_without_data, begin_without_data) = CLOSED[arguments]
    ran = without("stderr")
    assert (ran.code, ran.out.startswith(begin), bool(ran.out)) == (code, True, bool(begin))
    ran = without("stdout")
    assert (ran.code, ran.err.startswith(begin_without_data)) == (code_without_data, True)
    assert without("stdout", "stderr").code == code_without_data


@pytest.mark.parametrize(
    ("closed", "code", "out", "err"),
    [
        ("2>&-", 0, "NAME ", ""),
        (">&-", 1, "", "clever-v4: cannot write the output: it is closed\n"),
        ("<&- >&- 2>&-", 1, "", ""),
    ],
)
def test_a_process_with_closed_outputs(
    command: Command, emulator: Emulator, closed: str, code: int, out: str, err: str
) -> None:
    """
    Nothing that it opens gets their numbers.
    """
    command.pointed_at(emulator)
    ran = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", "clever_v4", "zones"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout[:5], ran.stderr) == (code, out, err)


def test_the_numbers_of_closed_outputs_are_taken() -> None:
    """
    So that no connection gets them, and what a library in C writes to standard error.
    """
    code = (
        "import os, sys\n"
        "from clever_v4.cli import main\n"
        "sys.argv = ['clever-v4', '--version']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "os._exit(os.open(os.devnull, os.O_RDONLY))\n"
    )
    ran = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code], timeout=60
    )
    assert ran.returncode > 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_help_on_a_full_disk_is_a_failure() -> None:
    """
    With its reason, and nothing else.
    """
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "clever_v4", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (ran.returncode, ran.stderr) == (
        1,
        "clever-v4: cannot write the output: No space left on device\n",
    )


def test_the_module_runs_too() -> None:
    """
    ``python -m clever_v4``.
    """
    version = subprocess.run(
        [sys.executable, "-m", "clever_v4", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert version.strip() == importlib.metadata.version("clever-v4")
