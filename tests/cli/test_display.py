"""
The options that all commands share: colours, and the log of the library.
"""

from __future__ import annotations

import logging

import pytest

from clever_v4.cli.display import options_last
from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f

from .running import Command


@pytest.mark.parametrize(
    ("variables", "option", "on_terminal", "coloured"),
    [
        ({}, (), True, True),
        ({}, (), False, False),
        ({"NO_COLOR": "1"}, (), True, False),
        ({"NO_COLOR": ""}, (), True, True),
        ({"TERM": "dumb"}, (), True, False),
        ({"FORCE_COLOR": "1"}, (), False, True),
        ({"FORCE_COLOR": ""}, (), False, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, (), False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), True, False),
        ({}, ("--color", "always"), False, True),
        ({"NO_COLOR": "1"}, ("--color=always",), False, True),
        ({"FORCE_COLOR": "1"}, ("--color", "never"), True, False),
        ({}, ("--color", "never"), True, False),
        ({}, ("--color", "auto"), False, False),
    ],
)
def test_colours_where_they_are_wanted(
    clever: Command,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    option: tuple[str, ...],
    on_terminal: bool,
    coloured: bool,
) -> None:
    """
    The option goes first, then NO_COLOR, then FORCE_COLOR, then what the output is; also for messages.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for arguments in (("zones", *option), (*option, "zones")):
        ran = clever(*arguments, on_terminal=on_terminal)
        assert ("\x1b[1m" in ran.out, ran.code) == (coloured, 0)
    told = clever("zones", "nowhere", *option, on_terminal=on_terminal).err
    assert ("\x1b[31m" in told) is coloured


@pytest.mark.parametrize(
    ("arguments", "ordered"),
    [
        (["zones", "-v"], ["zones", "-v"]),
        (["-v", "zones", "par"], ["zones", "par", "-v"]),
        (["--color", "never", "-vv", "zones"], ["zones", "--color", "never", "-vv"]),
        (["--color=never", "logs", "--", "-a"], ["logs", "--color=never", "--", "-a"]),
        (["-v"], ["--version"]),
        (["--verbose"], ["--verbose"]),
        ([], []),
    ],
)
def test_the_options_may_stand_before_the_command(arguments: list[str], ordered: list[str]) -> None:
    """
    By itself, -v asks for the version, as -V does.
    """
    assert options_last(arguments) == ordered


@pytest.mark.parametrize("option", ["-V", "-v", "--version"])
def test_the_version_in_short(command: Command, option: str) -> None:
    """
    As most commands have it.
    """
    assert command(option) == command("--version")
    assert command(option).code == 0


def test_the_log_of_the_library_is_shown_where_it_is_wanted(
    clever: Command, emulator: Emulator
) -> None:
    """
    With -v on standard error, each record on a line with its logger; without it, nothing of it.
    """
    library = logging.getLogger("clever_v4")
    before = (library.level, library.propagate, list(library.handlers))
    window = ("--since", "2024-03-27T09:59:30Z", "--until", "2024-03-27T10:00:00Z")
    told = {}
    for option in ((), ("-v",), ("-vv",)):
        emulator.faults.push(f.EmptyError(status=503, retry_after="0"), path="/v2/summary")
        emulator.faults.push(f.Cut(after_entries=3), application_id=emulator.applications[0].id)
        ran = clever("logs", "shop-api", *window, *option)
        assert (ran.code, len(ran.out.splitlines())) == (0, 16)
        told[option] = ran.err.splitlines()
        assert not [line for line in told[option] if line.startswith("stamina")]
        assert (library.level, library.propagate, list(library.handlers)) == before
    assert all(line.startswith("clever-v4: ") for line in told[()])
    assert [line for line in told["-v",] if line.startswith("info: clever_v4.")]
    assert not [line for line in told["-v",] if line.startswith("debug: ")]
    assert [line for line in told["-vv",] if line.startswith("debug: clever_v4.")]
