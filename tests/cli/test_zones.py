"""
``clever-v4 zones``.
"""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4.emulator import Emulator

from .running import Command, Ran


def test_the_zones_are_a_table(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    As wide as it needs to be, where no terminal bounds it.
    """
    assert clever("zones").shown == snapshot


@pytest.mark.parametrize("columns", [100, 60, 30])
def test_a_table_fits_the_terminal(
    clever: Command,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    """
    What matters least is left out; no line is longer than the terminal is wide.
    """
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    ran = clever("zones", on_terminal=True)
    assert max(map(len, ran.out.splitlines())) <= columns
    assert ran.shown == snapshot


def test_one_zone(clever: Command) -> None:
    """
    By its name.
    """
    ran = clever("zones", "par", "--format", "json")
    assert (ran.code, ran.json["name"], ran.json["city"]) == (0, "par", "Paris")
    assert clever("zones", "par").out.splitlines()[1].split()[0] == "par"


def test_zones_by_tag_and_owner(clever: Command, emulator: Emulator) -> None:
    """
    The tags and the owner are the API's to judge.
    """
    ran = clever(
        *("zones", "--tag", "certification:hds", "--owner", "Analytical Engines"),
        *("--format", "json"),
    )
    assert [zone["name"] for zone in ran.json] == ["parhds", "fr-north-hds", "grahds", "rbxhds"]
    nothing = clever("zones", "--tag", "nowhere")
    assert nothing == Ran(0, "", "clever-v4: no such zones\n")
    assert clever("zones", "--tag", "nowhere", "--format", "json").json == []


def test_zones_need_no_credentials(
    command: Command, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Only the address.
    """
    monkeypatch.setenv("CLEVER_API_URL", emulator.url)
    ran = command("zones", "par")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("arguments", [("nowhere",), ("pars",), ("par", "--tag", "infra:ovh")])
def test_what_is_no_zone(
    clever: Command, snapshot: SnapshotAssertion, arguments: tuple[str, ...]
) -> None:
    """
    Names that there are come with the refusal.
    """
    assert clever("zones", *arguments).shown == snapshot


@pytest.mark.parametrize("arguments", [(), ("par",)])
def test_zones_with_a_stale_token(
    clever: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """
    They need none: it is told, and done without. With an owner the token matters.
    """
    good = clever("zones", *arguments)
    monkeypatch.setenv("CLEVER_API_TOKEN", "stale")
    told = "clever-v4: the credentials of CLEVER_API_TOKEN were refused; zones need none\n"
    assert clever("zones", *arguments) == Ran(0, good.out, told)
    ran = clever("zones", *arguments, "--owner", "orga_1")
    assert (ran.code, ran.out) == (1, "")
    assert "CLEVER_API_TOKEN was refused: set a new one" in ran.err
