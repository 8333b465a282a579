"""
Who asks and about what.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4.cli.account import Account, offer
from clever_v4.emulator import Emulator

from .running import Command

UNKNOWN = {
    "application": ("deployments", "nowhere"),
    "similar application": ("deployments", "Shop-Apo"),
    "application of another owner": ("deployments", "ada-blog", "--owner", "Analytical Engines"),
    "add-on": ("policies", "get", "shop-event"),
    "owner": ("invoices", "--owner", "analytical"),
    "owner of an application": ("instances", "shop-api", "--owner", "nobody"),
    "owner of an add-on": ("load-balancers", "--addon", "shop-cache", "--owner", "nobody"),
    "owner of a deployment": ("deployment", "deployment_1", "--owner", "nobody"),
}


@pytest.mark.parametrize("arguments", UNKNOWN.values(), ids=UNKNOWN)
def test_a_name_that_is_not_found(
    clever: Command, snapshot: SnapshotAssertion, arguments: tuple[str, ...]
) -> None:
    """
    Comes with those that are like it, or with those that there are.
    """
    ran = clever(*arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == snapshot


def test_a_name_that_several_have(
    clever: Command, emulator: Emulator, snapshot: SnapshotAssertion
) -> None:
    """
    Comes with their ids and owners; with the owner named, it is not ambiguous.
    """
    emulator.add_application("shop-api", owner_id=emulator.user_id)
    ran = clever("deployments", "shop-api")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == snapshot
    for owner in ("Analytical Engines", emulator.owner_id, "Ada Lovelace"):
        assert clever("deployments", "shop-api", "--owner", owner).code == 0


def test_several_owners_of_one_name(clever: Command, emulator: Emulator) -> None:
    """
    Are told apart by their ids.
    """
    emulator.state.user = attrs.evolve(emulator.state.user, name="Analytical Engines")
    ran = clever("invoices", "--owner", "Analytical Engines")
    assert (ran.code, ran.out) == (1, "")
    assert f"it could be {emulator.user_id}, {emulator.owner_id}; use the id" in ran.err


def test_the_owner_is_asked_for_only_where_there_are_several(clever: Command) -> None:
    """
    The message names them.
    """
    ran = clever("invoices")
    assert (ran.code, ran.out) == (2, "")
    assert "choose an owner with --owner: Ada Lovelace (user_" in ran.err
    assert "Analytical Engines (orga_" in ran.err


def test_the_only_owner_needs_no_name(clever: Command, emulator: Emulator) -> None:
    """
    As of somebody without an organisation.
    """
    named = clever("invoices", "--owner", emulator.user_id)
    del emulator.state.owners[emulator.owner_id]
    assert clever("invoices") == named


@pytest.mark.parametrize(
    ("name", "names", "offered"),
    [
        ("x", [], "there are none"),
        ("shop", ["shops", "blog"], "did you mean shops?"),
        ("SHOP", ["shop", "blog"], "did you mean shop?"),
        ("zzz", ["b", "a"], "there are a, b"),
        (
            "zzz",
            [f"app-{n:02}" for n in range(15)],
            f"there are {', '.join(f'app-{n:02}' for n in range(12))} and 3 more",
        ),
    ],
)
def test_what_is_offered_for_a_name(name: str, names: list[str], offered: str) -> None:
    """
    What looks like it, else the first of all.
    """
    assert offer(name, names) == offered


def test_the_token_is_in_no_representation() -> None:
    """
    A traceback or a log may show it.
    """
    assert "secret" not in repr(Account(api_token="secret"))


def test_options_win_over_the_environment(
    clever: Command, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The token and the address.
    """
    monkeypatch.setenv("CLEVER_API_TOKEN", "wrong")
    monkeypatch.setenv("CLEVER_API_URL", "http://127.0.0.1:9")
    ran = clever(
        *("load-balancers", "shop-api", "--format", "json"),
        *("--api-token", emulator.token, "--base-url", emulator.url),
    )
    assert (ran.code, ran.err) == (0, "")


def test_oauth_credentials_are_enough(
    command: Command, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What ``clever login`` gives, with the lines that ``clever-v4 emulator`` prints.
    """
    for name, value in (
        ("CLEVER_API_URL", emulator.url),
        ("CLEVER_TOKEN", emulator.oauth_token),
        ("CLEVER_SECRET", emulator.oauth_secret),
        ("OAUTH_CONSUMER_KEY", emulator.consumer_key),
        ("OAUTH_CONSUMER_SECRET", emulator.consumer_secret),
    ):
        monkeypatch.setenv(name, value)
    ran = command("deployments", "shop-api", "--limit", "1", "--format", "json")
    assert (ran.code, len(ran.json)) == (0, 1)


def test_an_address_from_the_environment_that_cannot_be_meant(
    clever: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Is explained; it is not tried.
    """
    monkeypatch.setenv("CLEVER_API_URL", "not an address")
    ran = clever("deployments", "shop-api")
    assert ran.code in {1, 2}
    assert "not an address" in ran.err
    assert len(ran.err.splitlines()) <= 2


@pytest.mark.parametrize(
    ("variables", "arguments", "told"),
    [
        (
            {"CLEVER_API_TOKEN": "mistaken"},
            (),
            "CLEVER_API_TOKEN was refused: set a new one, or unset it to use what `clever login` left",
        ),
        (
            {"CLEVER_TOKEN": "mistaken", "CLEVER_SECRET": "mistaken"},
            (),
            (
                "CLEVER_TOKEN and CLEVER_SECRET were refused: set new ones, or unset them to use "
                "what `clever login` left"
            ),
        ),
        ({}, ("--api-token", "mistaken"), "--api-token was refused: give another"),
        (
            {"CONFIGURATION_FILE": "{file}"},
            (),
            "what {file} (profile work) holds was refused: run `clever login`",
        ),
    ],
)
def test_wrong_credentials_are_told_with_where_they_were_found(
    command: Command,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str],
    arguments: tuple[str, ...],
    told: str,
) -> None:
    """
    And what to do about it; of a request and of a stream, and never with their content.
    """
    file = tmp_path / "clever-tools.json"
    profile = {"alias": "work", "token": "mistaken", "secret": "mistaken"}
    file.write_text(json.dumps({"profiles": [profile]}))
    monkeypatch.setenv("CLEVER_API_URL", emulator.url)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(file=file))
    application = emulator.applications[0]
    for subject in (("shop-api",), (application.id, "--owner", application.owner_id)):
        ran = command("logs", *subject, *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.endswith(f"; {told.format(file=file)}\n"), ran.err
        assert "HTTP 401" in ran.err
        assert "mistaken" not in ran.err
