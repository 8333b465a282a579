"""
``clever-v4 deployments`` and ``clever-v4 deployment``.
"""

from __future__ import annotations

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from clever_v4.emulator import Emulator

from .running import Command, Elsewhere

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def newest(emulator: Emulator, state: str) -> str:
    """
    The id of a deployment in the history of the first application.
    """

    known = emulator.state.deployments.of(emulator.applications[0])
    return next(str(one["id"]) for one in known if one["state"] == state)


def test_the_deployments_of_an_application(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    The newest first.
    """
    assert clever("deployments", "shop-api").shown == snapshot


def test_a_table_on_a_terminal(clever: Command, snapshot: SnapshotAssertion) -> None:
    """
    Fits it, with the states in colour.
    """
    ran = clever("deployments", "shop-api", "--limit", "6", on_terminal=True)
    assert max(len(ANSI.sub("", line)) for line in ran.out.splitlines()) <= 100
    assert ran.shown == snapshot


def test_the_options(clever: Command) -> None:
    """
    How many, in which order, of which actions.
    """
    ran = clever(
        *("deployments", "shop-api", "--limit", "2", "--order", "ASC"),
        *("--action", "UPSCALE", "--action", "DOWNSCALE", "--format", "json"),
    )
    assert ran.code == 0
    assert [one["origin"]["action"] for one in ran.json] == ["UPSCALE", "UPSCALE"]
    dates = [one["startDate"] for one in ran.json]
    assert dates == sorted(dates)


def test_no_deployments(clever: Command) -> None:
    """
    Are told, or are an empty list.
    """
    ran = clever("deployments", "shop-api", "--action", "CANCEL")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "clever-v4: no such deployments of shop-api\n"
    assert clever("deployments", "shop-api", "--action", "CANCEL", "-F", "json").json == []


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_one_deployment(
    clever: Command, emulator: Emulator, snapshot: SnapshotAssertion, state: str
) -> None:
    """
    Is found without its application; that it failed is no failure to show it.
    """
    assert clever("deployment", newest(emulator, state)).shown == snapshot


def test_one_deployment_as_json(clever: Command, emulator: Emulator) -> None:
    """
    What the API says of it; the application may be named, by any of the option's names.
    """
    id_ = newest(emulator, "SUCCEEDED")
    for option in ("--application", "--app", "-a"):
        ran = clever("deployment", id_, option, "shop-api", "--format", "json")
        assert (ran.code, ran.json["id"], ran.json["state"]) == (0, id_, "SUCCEEDED")


def test_a_deployment_that_no_application_has(clever: Command) -> None:
    """
    The message says what may be the matter.
    """
    ran = clever("deployment", "deployment_1", "--owner", "Analytical Engines")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("clever-v4: no application has the deployment deployment_1; ")


def test_the_only_application_is_not_searched(clever: Command, emulator: Emulator) -> None:
    """
    A new deployment may not be visible yet: it is waited for.
    """
    blog = emulator.applications[-1]
    id_ = emulator.deploy(blog.id, not_found_looks=2)
    ran = clever("deployment", id_, "--owner", "Ada Lovelace", "--wait", "--poll-interval", "1ms")
    assert ran.code == 0


@pytest.mark.parametrize(("outcome", "code"), [("SUCCEEDED", 0), ("FAILED", 1), ("CANCELLED", 1)])
def test_waiting_tells_each_state(
    clever: Command, emulator: Emulator, snapshot: SnapshotAssertion, outcome: str, code: int
) -> None:
    """
    Line by line where nobody watches; the exit code is the outcome.
    """
    id_ = emulator.deploy(emulator.applications[0].id, outcome=outcome)
    ran = clever("deployment", id_, "--app", "shop-api", "--wait", "--poll-interval", "1ms")
    assert ran.code == code
    assert ran.shown == snapshot


def test_waiting_as_json(clever: Command, emulator: Emulator) -> None:
    """
    Only the end is data.
    """
    id_ = emulator.deploy(emulator.applications[0].id, outcome="FAILED")
    ran = clever(
        *("deployment", id_, "--app", "shop-api", "--wait", "--poll-interval", "1ms"),
        *("--format", "json"),
    )
    assert (ran.code, ran.json["state"]) == (1, "FAILED")


def test_waiting_is_limited(clever: Command, emulator: Emulator) -> None:
    """
    By the time that was given; then it is a failure.
    """
    id_ = emulator.deploy(emulator.applications[0].id, outcome="WORK_IN_PROGRESS")
    ran = clever(
        *("deployment", id_, "--app", "shop-api", "--wait", "--poll-interval", "1ms"),
        *("--timeout", "300ms"),
    )
    assert (ran.code, ran.out) == (1, "")
    assert "WORK_IN_PROGRESS" in ran.err.splitlines()[-1]


@pytest.mark.parametrize("outcome", ["SUCCEEDED", "FAILED"])
def test_the_steps_are_shown_live_on_a_terminal(
    clever_live: Command, live: Emulator, elsewhere: Elsewhere, outcome: str
) -> None:
    """
    Each with a mark and how long it took; nothing is left of what was overwritten.
    """
    application = live.add_application("shop")
    id_ = live.deploy(application.id, outcome=outcome)
    ran = clever_live(
        *("deployment", id_, "--app", "shop", "--wait", "--poll-interval", "1ms"),
        on_terminal=True,
    )
    assert ran.code == (0 if outcome == "SUCCEEDED" else 1)
    assert "waiting for the deployment to appear" in ran.err
    assert "\x1b[1A" in ran.err or "\x1b[2K" in ran.err  # drawn over
    last = ANSI.sub("", ran.err).split("waiting for the deployment to appear")[-1]
    assert f"{'✓' if outcome == 'SUCCEEDED' else '✗'}  {outcome}" in last
    assert re.search(r"✓  QUEUED\s+\d+ s", last)
    assert ran.err.endswith("\x1b[?25h")  # the cursor is back


def test_the_steps_are_shown_without_colour_where_none_is_wanted(
    clever_live: Command, live: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    ``NO_COLOR`` is about colour: the display stays live.
    """
    monkeypatch.setenv("NO_COLOR", "1")
    id_ = live.deploy(live.add_application("shop").id)
    ran = clever_live(
        *("deployment", id_, "--app", "shop", "--wait", "--poll-interval", "1ms"),
        on_terminal=True,
    )
    assert ran.code == 0
    assert not re.search(r"\x1b\[[0-9;]*3\dm", ran.err + ran.out)
    assert "✓  SUCCEEDED" in ANSI.sub("", ran.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("deployments",),
        ("deployments", "shop-api", "--limit", "0"),
        ("deployments", "shop-api", "--order", "up"),
        ("deployment", "deployment_1", "--timeout", "soon"),
        ("deployment", "deployment_1", "--poll-interval", "0"),
        ("deployment",),
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
