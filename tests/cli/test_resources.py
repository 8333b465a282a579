"""
``clever-v4 instances`` and ``clever-v4 load-balancers``.
"""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4.emulator import Emulator

from .running import Command


def test_the_instances_of_an_application(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    What is not known is a dash.
    """
    assert clever("instances", "shop-api", "--limit", "6").shown == snapshot


@pytest.mark.parametrize("columns", [200, 120, 80, 50])
def test_the_instances_fit_the_terminal(
    clever: Command,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    """
    Id and state stay to the end.
    """
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    ran = clever("instances", "shop-api", "--limit", "3", on_terminal=True)
    assert max(map(len, ran.out.splitlines())) <= columns
    assert ran.out == snapshot


def test_the_options_of_instances(clever: Command) -> None:
    """
    All eight filters.
    """
    every = clever("instances", "shop-api", "--format", "json").json
    assert {one["state"] for one in every} >= {"UP", "BOOTING", "DELETED"}
    deployment = every[0]["deploymentId"]
    chosen = clever(
        *("instances", "shop-api", "--deployment-id", deployment, "--order", "ASC"),
        *("--include-state", "UP", "--include-state", "READY", "--exclude-state", "BOOTING"),
        *("--exclude-deleted", "--limit", "1", "--since", "2024-01-01T00:00Z"),
        *("--until", "2024-03-27T10:00:00Z", "--format", "json"),
    )
    up = [one for one in every if one["state"] == "UP" and one["deploymentId"] == deployment]
    assert chosen.code == 0
    assert chosen.json == [min(up, key=lambda one: str(one["creationDate"]))]


def test_no_instances(clever: Command) -> None:
    """
    Are told, or are an empty list.
    """
    arguments = ("instances", "shop-api", "--until", "2020-01-01T00:00Z")
    ran = clever(*arguments)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "clever-v4: no such instances of shop-api\n"
    assert clever(*arguments, "--format", "json").json == []


def test_the_load_balancers_of_an_application(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    Where its domains have to point to.
    """
    assert clever("load-balancers", "shop-api").shown == snapshot


@pytest.mark.parametrize("by", ["name", "id", "real_id"])
def test_the_load_balancers_of_an_addon(clever: Command, emulator: Emulator, by: str) -> None:
    """
    By name and by either of its ids.
    """
    ran = clever("load-balancers", "--addon", getattr(emulator.addons[0], by), "-F", "json")
    assert (ran.code, [one["name"] for one in ran.json]) == (0, ["par"])


def test_no_private_load_balancers(clever: Command) -> None:
    """
    Most applications have none.
    """
    ran = clever("load-balancers", "shop-api", "--kind", "private")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "clever-v4: no private load balancers of shop-api\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("instances",),
        ("instances", "shop-api", "--include-state", "up"),
        ("instances", "shop-api", "--since", "1h", "--until", "never"),
        ("load-balancers",),
        ("load-balancers", "shop-api", "--addon", "shop-cache"),
        ("load-balancers", "shop-api", "--kind", "public"),
    ],
)
def test_a_mistake_is_explained(
    clever: Command, snapshot: SnapshotAssertion, arguments: tuple[str, ...]
) -> None:
    """
    In one line, with where to read more.
    """
    ran = clever(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == snapshot
