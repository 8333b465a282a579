"""
The emulator's deployments and instances, in API v4 and v2, read with a bare HTTP client.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from clever_v4.emulator import Application, Emulator
from tests.emulator.asking import Asker


@pytest.fixture
def ask(emulator: Emulator) -> Asker:
    return Asker(emulator)


@pytest.fixture
def application(emulator: Emulator) -> Application:
    return emulator.add_application("shop")


@pytest.fixture
def v4(application: Application) -> str:
    return f"/v4/orchestration/organisations/{application.owner_id}/applications/{application.id}"


@pytest.fixture
def v2(application: Application) -> str:
    return f"/v2/organisations/{application.owner_id}/applications/{application.id}"


async def test_steps_lead_from_queued_to_the_final_state(ask: Asker, v4: str) -> None:
    """
    Each deployment's steps go forward in time and end in its state.
    """
    for one in (await ask(f"{v4}/deployments")).json:
        dates = [datetime.fromisoformat(step["date"]) for step in one["steps"]]
        assert dates == sorted(dates)
        assert one["steps"][0]["state"] == "QUEUED"
        assert one["steps"][-1]["state"] == one["state"]


async def test_the_lists_of_both_versions_agree(ask: Asker, v4: str, v2: str) -> None:
    """
    v2 names states, ids and dates in its own way, of the same deployments.
    """
    newer, older = (await ask(f"{v4}/deployments")).json, (await ask(f"{v2}/deployments")).json
    assert [one["id"] for one in newer] == [one["uuid"] for one in older]
    words = {"SUCCEEDED": "OK", "FAILED": "FAIL", "CANCELLED": "CANCELLED"}
    assert [words[one["state"]] for one in newer] == [one["state"] for one in older]
    assert all(isinstance(one["date"], int) for one in older)
    assert [one["id"] for one in older] == list(range(len(older), 0, -1))


async def test_old_deployments_may_be_known_to_v2_only() -> None:
    """
    The oldest are 404 at v4 and still there at v2, when the emulator is asked for it.
    """
    async with Emulator(demo=False, forgotten_deployments=3) as emulator:
        ask, application = Asker(emulator), emulator.add_application("shop")
        path = f"organisations/{application.owner_id}/applications/{application.id}/deployments"
        every = (await ask(f"/v2/{path}")).json
        newer = (await ask(f"/v4/orchestration/{path}", {"order": "DESC"})).json
        assert [one["id"] for one in newer] == [one["uuid"] for one in every[:-3]]
        oldest = every[-1]["uuid"]
        assert (await ask(f"/v4/orchestration/{path}/{oldest}")).status == 404
        assert (await ask(f"/v2/{path}/{oldest}")).json == every[-1]


async def test_v2_pages_by_limit_and_offset(ask: Asker, v2: str) -> None:
    """
    Pages do not overlap, and an action chooses.
    """
    everything = (await ask(f"{v2}/deployments")).json
    page = (await ask(f"{v2}/deployments", {"limit": "3", "offset": "2"})).json
    assert page == everything[2:5]
    chosen = (await ask(f"{v2}/deployments", {"action": "DEPLOY"})).json
    assert chosen == [one for one in everything if one["action"] == "DEPLOY"]
    one = (await ask(f"{v2}/deployments/{page[0]['uuid']}")).json
    assert one == page[0]


async def test_a_deployment_started_by_v2_moves_on_with_each_look(
    ask: Asker, v4: str, v2: str
) -> None:
    """
    The answer names it; it is not visible at once, and then goes through its states.
    """
    started = await ask(f"{v2}/instances", method="POST")
    path = f"{v4}/deployments/{started.json['deploymentId']}"
    second = await ask(f"{v2}/instances", method="POST")
    answers = [await ask(path) for _ in range(5)]
    assert second.status == 409
    assert [answer.status for answer in answers] == [404, 200, 200, 200, 200]
    states = [answer.json["state"] for answer in answers[1:]]
    assert states == ["QUEUED", "WORK_IN_PROGRESS", "SUCCEEDED", "SUCCEEDED"]
    assert len(answers[-1].json["steps"]) == 3


async def test_instances_belong_to_deployments(ask: Asker, v4: str) -> None:
    """
    Every instance names a deployment of the list, but for a ghost, which names none.
    """
    deployments = {one["id"] for one in (await ask(f"{v4}/deployments")).json}
    for one in (await ask(f"{v4}/instances")).json:
        assert one["deploymentId"] in deployments or one["state"] == "GHOST"
        assert (await ask(f"{v4}/instances/{one['id']}")).json == one


async def test_what_is_not_there_is_not_found(ask: Asker, v4: str, v2: str) -> None:
    """
    Each version in its own words.
    """
    for path in (f"{v4}/deployments/deployment_0", f"{v4}/instances/0"):
        assert (await ask(path)).json["code"] == "clever.core.not-found"
    answer = await ask(f"{v2}/deployments/deployment_0")
    assert (answer.status, answer.json["id"]) == (404, 4004)


async def test_an_application_that_was_never_deployed_has_none(
    ask: Asker, emulator: Emulator
) -> None:
    """
    Both lists are empty, not missing.
    """
    never = emulator.add_application("never", behaviour="never_logged")
    path = f"/v4/orchestration/organisations/{never.owner_id}/applications/{never.id}"
    assert (await ask(f"{path}/deployments")).json == []
    assert (await ask(f"{path}/instances")).json == []


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("deployments", {"limit": "0"}, "limit"),
        ("deployments", {"limit": "1001"}, "limit"),
        ("deployments", {"order": "asc"}, "order"),
        ("deployments", {"action": "deploy"}, "action"),
        ("deployments", {"action": "DEPLOY,UPSCALE"}, "action"),
        ("deployments", {"includeApplicationConfiguration": "True"}, "includeApplicationConfiguration"),
        ("deployments", {"since": "2026-01-01T00:00:00Z"}, "since"),
        ("instances", {"limit": "1001"}, "limit"),
        ("instances", {"excludeDeleted": "1"}, "excludeDeleted"),
        ("instances", {"includeState": "up"}, "includeState"),
        ("instances", {"includeState": "UP,BOOTING"}, "includeState"),
        ("instances", {"excludeState": "Deleted"}, "excludeState"),
        ("instances", {"includestate": "UP"}, "includestate"),
        ("instances", {"since": "1700000000"}, "since"),
        ("instances", {"order": "NEWEST"}, "order"),
        ("instances", [("deploymentId", "a"), ("deploymentId", "b")], "deploymentId"),
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused(
    ask: Asker, v4: str, path: str, query: object, name: str
) -> None:
    """
    Type, range, casing and separators are checked, and the 400 names the parameter.
    """
    answer = await ask(f"{v4}/{path}", query)
    assert answer.status == 400
    assert answer.field[0] == name


async def test_wrong_parameters_are_refused_in_v2s_words(ask: Asker, v2: str) -> None:
    """
    A v2 path has v2's error body.
    """
    answer = await ask(f"{v2}/deployments", {"offset": "-1"})
    assert answer.status == 400
    assert answer.json["type"] == "error"
    assert set(answer.json["fields"]) == {"offset"}


async def test_order_and_window_are_honoured(ask: Asker, v4: str) -> None:
    """
    Oldest first when asked, and only those within the window.
    """
    oldest_first = (await ask(f"{v4}/instances", {"order": "ASC"})).json
    dates = [one["creationDate"] for one in oldest_first]
    assert dates == sorted(dates)
    window = {"since": dates[2], "until": dates[-3], "order": "ASC"}
    found = (await ask(f"{v4}/instances", window)).json
    assert [one["creationDate"] for one in found] == [
        date for date in dates if dates[2] <= date <= dates[-3]
    ]


async def test_steps_can_be_held_by_a_test(emulator: Emulator, application: Application, ask: Asker, v4: str) -> None:  # fmt: skip
    """
    A deployment with an outcome that is not final stays there.
    """
    held = emulator.deploy(application.id, outcome="TASK_IN_PROGRESS", not_found_looks=0)
    states = [(await ask(f"{v4}/deployments/{held}")).json["state"] for _ in range(4)]
    assert states == ["QUEUED", "WORK_IN_PROGRESS", "TASK_IN_PROGRESS", "TASK_IN_PROGRESS"]


async def test_the_log_tells_of_deployments_that_are_listed(emulator: Emulator, ask: Asker) -> None:
    """
    Deployment, commit and instance of a log entry are those of the lists.
    """
    logging = emulator.add_application("logging", history=300)
    path = f"/v4/orchestration/organisations/{logging.owner_id}/applications/{logging.id}"
    deployments = {one["id"]: one for one in (await ask(f"{path}/deployments")).json}
    instances = {one["id"]: one for one in (await ask(f"{path}/instances")).json}
    entries = emulator.produced(logging.id)
    assert len({entry["deploymentId"] for entry in entries}) == 3
    for entry in entries:
        deployment = deployments[str(entry["deploymentId"])]
        assert deployment["version"]["commitId"] == entry["commitId"]
        instance = instances[str(entry["instanceId"])]
        assert instance["deploymentId"] == deployment["id"]
    assert instances[str(entries[-1]["instanceId"])]["state"] == "UP"
