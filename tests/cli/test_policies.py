"""
``clever-v4 policies``.
"""

from __future__ import annotations

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4.emulator import Emulator

from .running import EPOCH_S, Command, Elsewhere


def test_the_policies(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    For people and as JSON.
    """
    assert clever("policies", "get", "shop-events").shown == snapshot
    assert clever("policies", "get", "shop-events", "--format", "json").json == snapshot


@pytest.mark.parametrize("by", ["name", "id", "real_id"])
def test_the_addon(clever: Command, emulator: Emulator, by: str) -> None:
    """
    By name and by either of its ids.
    """
    ran = clever("policies", "get", getattr(emulator.addons[2], by), "-F", "json")
    assert (ran.code, ran.json["offload"]["sizeInBytes"]) == (0, None)


def test_what_is_changed_and_what_stays(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    The answer is what holds now.
    """
    ran = clever(
        *("policies", "set", "shop-events", "--retention-size", "12.5GB"),
        *("--offload-duration", "90m", "--offload-size", "4GiB"),
    )
    assert ran.shown == snapshot
    assert clever("policies", "get", "shop-events").out == ran.out
    cleared = clever(
        *("policies", "set", "shop-events", "--retention-size", "none"),
        *("--retention-duration", "Unlimited", "-F", "json"),
    )
    assert cleared.json == {
        "retention": {"sizeInBytes": None, "durationInSeconds": None},
        "offload": {"sizeInBytes": 4 * 2**30, "durationInSeconds": 5400},
    }


@pytest.mark.parametrize(
    ("size", "shown"),
    [("0", "0 B"), ("999", "999 B"), ("1500kb", "1.5 MB"), ("3TB", "3 TB"), ("1kib", "1,024 B")],
)
def test_a_size_is_shown_exactly(clever: Command, size: str, shown: str) -> None:
    """
    In a larger unit only where nothing is lost.
    """
    ran = clever("policies", "set", "shop-events", "--retention-size", size)
    assert ran.code == 0
    assert re.split(r"\s{2,}", ran.out.splitlines()[1])[1] == shown


def test_the_older_units(
    elsewhere: Elsewhere, command: Command, snapshot: SnapshotAssertion
) -> None:
    """
    What they cannot say exactly is refused; the message says why.
    """
    older = elsewhere.enter(
        Emulator(epoch_s=EPOCH_S, clock=lambda: EPOCH_S, pulsar_units="megabytes")
    )
    clever = command.pointed_at(older)
    assert clever("policies", "set", "shop-events", "--retention-duration", "3d").code == 0
    ran = clever("policies", "set", "shop-events", "--retention-duration", "36h")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == snapshot
    ran = clever(
        *("policies", "set", "shop-events", "--units", "megabytes", "--offload-size", "7MB")
    )
    assert (ran.code, ran.err) == (0, "")


def test_an_addon_that_is_no_pulsar(clever: Command) -> None:
    """
    With the answer of the API.
    """
    ran = clever("policies", "get", "shop-database")
    assert ran.code == 1
    assert "HTTP 404" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "shop-events"),
        ("set", "shop-events", "--retention-size", "much"),
        ("set", "shop-events", "--retention-duration", "long"),
        ("set", "shop-events", "--units", "furlongs"),
        ("drop", "shop-events"),
        ("get",),
    ],
)
def test_a_mistake_is_explained(
    clever: Command, snapshot: SnapshotAssertion, arguments: tuple[str, ...]
) -> None:
    """
    In one line, with where to read more.
    """
    ran = clever("policies", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == snapshot
