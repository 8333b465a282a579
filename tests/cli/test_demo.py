"""
``clever-v4 demo``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from clever_v4.cli import demo
from clever_v4.cli.demo import Proof

from .running import Command

RECEIVED = ["a", "b", "c", "d"]


def test_it_shows_the_main_job(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Zones, a merged tail, a connection that is cut and resumes, and a last line that proves it; in
    this order, without a message elsewhere.
    """
    ran = command("demo", "--seconds", "2")
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(
        r"received (\d+), expected \1, lost 0, doubled 0, in order, reconnections 1",
        ran.out.splitlines()[-1],
    )
    marks = (
        "An emulated Clever Cloud API runs at http://127.0.0.1:",
        "\nZones\n",
        "\npar ",
        "\nLive logs\n",
        ">>> shop-api: the stream broke off; reconnecting in",
        ">>> shop-api: connected again, resumed after",
        "; 3 entries came again and were dropped",
        "\nStatistics\n",
    )
    places = [ran.out.index(mark) for mark in marks]
    assert places == sorted(places)
    for name in ("shop-api", "shop-worker", "shop-frontend", "ada-blog"):
        assert re.search(rf"^{name} +\| \d{{4}}-", ran.out, re.MULTILINE)


def test_it_is_in_colour_on_a_terminal(command: Command) -> None:
    """
    The last line is green.
    """
    ran = command("demo", "--seconds", "1", on_terminal=True)
    assert ran.code == 0
    assert re.match(r"\x1b\[1;32mreceived \d+, .*\x1b\[0m$", ran.out.splitlines()[-1])
    assert "\x1b[1;33m>>> shop-api: " in ran.out


def test_it_needs_neither_configuration_nor_account(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Credentials that cannot be used, and an address that leads nowhere, are not even looked at.
    """
    broken = tmp_path / "clever-tools.json"
    broken.write_text("{")
    monkeypatch.setenv("CONFIGURATION_FILE", str(broken))
    monkeypatch.setenv("CLEVER_API_URL", "http://192.0.2.1")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1")
    assert command("demo", "--seconds", "1").code == 0


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9", "long"])
def test_a_time_that_cannot_be_meant(command: Command, seconds: str) -> None:
    """
    Is a mistake in the arguments.
    """
    ran = command("demo", f"--seconds={seconds}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("Try: clever-v4 demo --help\n")


def test_a_failure_of_one_log_is_a_failure(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The statistics say what is missing.
    """
    from clever_v4.emulator import faults as f

    cut_once = demo._cut_once

    def refuse(emulator, victim, seconds):
        emulator.faults.push(f.Unauthorized(), application_id=victim.id)

    monkeypatch.setattr(demo, "_cut_once", refuse)
    assert cut_once is not refuse
    ran = command("demo", "--seconds", "1")
    assert ran.code == 1
    assert ran.err.startswith("clever-v4: shop-api: GET http://127.0.0.1:")
    assert re.search(r"lost [1-9]\d*, doubled 0, in order, reconnections 0$", ran.out)


@pytest.mark.parametrize(
    ("received", "lost", "doubled", "is_in_order"),
    [
        (RECEIVED, 0, 0, True),
        ("abd", 1, 0, True),
        ("abcdc", 0, 1, True),
        ("abdc", 0, 0, False),
        ("abcdx", 0, 1, True),
        (["a", None, "b", "c", "d"], 0, 1, True),
        ((), 4, 0, True),
    ],
)
def test_a_proof_finds_what_is_wrong(
    received: Sequence[str | None], lost: int, doubled: int, is_in_order: bool
) -> None:
    """
    What is missing, there twice or never written, and out of order.
    """
    proof = Proof.of(list(received), RECEIVED)
    assert (proof.lost, proof.doubled, proof.is_in_order) == (lost, doubled, is_in_order)
    assert (proof.received, proof.expected) == (len(received), 4)
