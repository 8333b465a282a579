"""
Deployments and instances over the emulator and over canned answers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clever_v4.api.deployments import (
    Deployment,
    DeploymentAction,
    DeploymentQuery,
    DeploymentState,
    DeploymentStep,
)
from clever_v4.api.instances import InstanceQuery, InstanceState
from clever_v4.emulator import Application, Emulator
from clever_v4.errors import BadRequestError, NotFoundError, ResponseFormatError
from clever_v4.session import Session
from clever_v4.wire.choices import Order
from tests.api.canned import Canned

APP = "app_1"


@pytest.fixture
def application(emulator: Emulator) -> Application:
    return emulator.add_application("shop")


async def test_deployments_come_newest_first_by_default(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    A list without options holds every deployment, and each can be had alone.
    """
    found = await session.deployments.list(emulator.owner_id, application.id)
    dates = [one.start_date for one in found if one.start_date is not None]
    assert len(dates) == len(found) == 12
    assert dates == sorted(dates, reverse=True)
    alone = await session.deployments.get(emulator.owner_id, application.id, found[3].id)
    assert alone == found[3]


async def test_deployments_are_listed_as_asked(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    Limit, order and several actions reach the server.
    """
    actions = [DeploymentAction.DEPLOY, "UPSCALE"]
    query = DeploymentQuery(limit=5, order=Order.ASC, actions=tuple(actions))
    found = await session.deployments.list(emulator.owner_id, application.id, query)
    assert 1 <= len(found) <= 5
    assert {one.origin.action for one in found if one.origin} <= set(actions)
    assert [one.start_date for one in found] == sorted(one.start_date for one in found)  # type: ignore[type-var]  -- never None here


async def test_a_commit_may_be_absent(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    Some deployments name no commit.
    """
    commits = [
        one.commit_id for one in await session.deployments.list(emulator.owner_id, application.id)
    ]
    assert None in commits
    assert any(commits)


def deployment(state: str, *steps: tuple[str, int | None]) -> Deployment:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Deployment(
        id="d",
        state=state,
        start_date=start,
        steps=tuple(
            DeploymentStep(
                state=name, date=None if after is None else start + timedelta(seconds=after)
            )
            for name, after in steps
        ),
    )


def test_the_end_is_the_step_of_the_final_state() -> None:
    """
    A final deployment ended at the date of the step with its state, however many follow.
    """
    ended = deployment("FAILED", ("QUEUED", 0), ("FAILED", 90), ("CANCELLED", 95))
    assert ended.is_final
    assert ended.duration == timedelta(seconds=90)


@pytest.mark.parametrize(
    "unfinished",
    [
        deployment("WORK_IN_PROGRESS", ("QUEUED", 0), ("WORK_IN_PROGRESS", 1)),
        deployment("SUCCEEDED", ("QUEUED", 0)),
        deployment("SUCCEEDED", ("SUCCEEDED", None)),
        deployment("SOMETHING_NEW", ("SOMETHING_NEW", 4)),
        Deployment(id="d", state="QUEUED"),
    ],
)
def test_without_a_final_step_there_is_no_end(unfinished: Deployment) -> None:
    """
    A running deployment, an unknown state, a missing step or date: no end and no duration.
    """
    assert unfinished.ended_at is None
    assert unfinished.duration is None


def test_a_start_may_be_unknown() -> None:
    """
    The end is known without the start, the duration is not.
    """
    end = datetime(2026, 1, 1, tzinfo=UTC)
    ended = Deployment(
        id="d", state="SUCCEEDED", steps=(DeploymentStep(state="SUCCEEDED", date=end),)
    )
    assert ended.ended_at == end
    assert ended.duration is None


async def test_a_new_deployment_is_not_found_at_first(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    One look right after the start is a 404, as on the real API.
    """
    new = emulator.deploy(application.id, not_found_looks=1)
    with pytest.raises(NotFoundError):
        await session.deployments.get(emulator.owner_id, application.id, new)
    found = await session.deployments.get(emulator.owner_id, application.id, new)
    assert found.state == DeploymentState.QUEUED


async def test_instances_are_listed_with_every_filter(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    All eight filters reach the server under their names, repeated ones as repeated keys.
    """
    owner, app = emulator.owner_id, application.id
    everything = await session.instances.list(owner, app, InstanceQuery(limit=1000))
    last = (await session.deployments.list(owner, app, DeploymentQuery(limit=1)))[0]
    query = InstanceQuery(
        deployment_id=last.id,
        limit=10,
        exclude_deleted=True,
        since=timedelta(days=30),
        until=timedelta(0),
        order="ASC",
        include_states=(InstanceState.UP, InstanceState.BOOTING, "DELETED"),
        exclude_states=("GHOST",),
    )
    found = await session.instances.list(owner, app, query)
    assert {one.state for one in found} == {"UP", "BOOTING"}
    assert found == sorted(found, key=lambda one: one.index or 0)
    assert all(one in everything for one in found)
    assert len(everything) > len(found)


async def test_repeated_keys_are_what_is_sent(canned: Canned, canned_session: Session) -> None:
    """
    Several states are several keys, never a list with commas.
    """
    canned.answer("[]")
    query = InstanceQuery(include_states=["UP", "READY"], exclude_deleted=False)
    assert await canned_session.instances.list("o", APP, query) == []
    assert canned.requests[0][1].endswith(
        "/instances?excludeDeleted=false&includeState=UP&includeState=READY"
    )


async def test_one_instance_can_be_had(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    An instance by its id is the one of the list; one that is purged is not found.
    """
    owner, app = emulator.owner_id, application.id
    first = (await session.instances.list(owner, app))[0]
    assert await session.instances.get(owner, app, first.id) == first
    with pytest.raises(NotFoundError, match="Instance 0 not found"):
        await session.instances.get(owner, app, "0")


async def test_what_is_null_or_absent_early_in_life_is_none(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    A booting instance has no network, a living one no deletion date.
    """
    query = InstanceQuery(exclude_states=("DELETED", "GHOST"))
    found = await session.instances.list(emulator.owner_id, application.id, query)
    assert all(one.deletion_date is None for one in found)
    assert [one.network is None for one in found] == [one.state == "BOOTING" for one in found]


async def test_unknown_states_are_kept(canned: Canned, canned_session: Session) -> None:
    """
    States not yet known are text, in deployments, steps and instances.
    """
    canned.answer('[{"id": "i", "state": "LEVITATING"}]')
    (instance,) = await canned_session.instances.list("o", APP)
    assert instance.state == "LEVITATING"
    canned.answers.clear()
    canned.answer('{"id": "d", "state": "ON_HOLD", "steps": [{"state": "ON_HOLD"}]}')
    found = await canned_session.deployments.get("o", APP, "d")
    assert not found.is_final
    assert found.steps[0].state == "ON_HOLD"


async def test_lists_that_are_not_found_are_empty(canned: Canned, canned_session: Session) -> None:
    """
    The official clients take a 404 of these lists for no members.
    """
    canned.answer('{"code": "clever.core.not-found", "error": "no"}', status=404)
    assert await canned_session.deployments.list("o", APP) == []
    assert await canned_session.instances.list("o", APP) == []


async def test_one_may_come_as_an_array_of_one(canned: Canned, canned_session: Session) -> None:
    """
    The server's OpenAPI description says array for one deployment and one instance.
    """
    canned.answer('[{"id": "x", "state": "UP"}]')
    assert (await canned_session.deployments.get("o", APP, "x")).id == "x"
    assert (await canned_session.instances.get("o", APP, "x")).id == "x"
    canned.answers.clear()
    canned.answer("[]")
    with pytest.raises(ResponseFormatError, match="array of 0"):
        await canned_session.instances.get("o", APP, "x")


@pytest.mark.parametrize(
    ("options", "arguments", "error", "message"),
    [
        (DeploymentQuery, {"limit": 0}, ValueError, "limit must be at least 1, got 0"),
        (
            DeploymentQuery,
            {"order": "asc"},
            ValueError,
            "order must be one of ASC, DESC, got 'asc'",
        ),
        (DeploymentQuery, {"actions": "DEPLOY"}, TypeError, "actions must be several texts"),
        (DeploymentQuery, {"actions": ("deploy",)}, ValueError, "'deploy' must be 'DEPLOY'"),
        (InstanceQuery, {"limit": -1}, ValueError, "limit must be at least 1, got -1"),
        (InstanceQuery, {"deployment_id": ""}, ValueError, "deployment_id must not be empty"),
        (
            InstanceQuery,
            {"include_states": ("",)},
            ValueError,
            "each of include_states must not be",
        ),
        (
            InstanceQuery,
            {"include_states": (3,)},
            TypeError,
            "each of include_states must be text, got 3",
        ),
        (
            InstanceQuery,
            {"exclude_states": ("Up",)},
            ValueError,
            "exclude_states is case sensitive",
        ),
        (
            InstanceQuery,
            {"include_states": ("UP",), "exclude_states": ("UP", "READY")},
            ValueError,
            "include_states and exclude_states both hold UP",
        ),
        (InstanceQuery, {"exclude_deleted": "yes"}, TypeError, "exclude_deleted"),
        (
            InstanceQuery,
            {"since": timedelta(0), "until": timedelta(days=1)},
            ValueError,
            "since must not be after until",
        ),
        (InstanceQuery, {"since": timedelta(seconds=-1)}, ValueError, "since must not be negative"),
        (InstanceQuery, {"order": "UP"}, ValueError, "order must be"),
    ],
)
def test_options_refuse_nonsense(
    options: type[Any], arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """
    Each mistake is told by the argument's name and value.
    """
    with pytest.raises(error, match=message):
        options(**arguments)


async def test_ids_have_to_be_path_safe(session: Session) -> None:
    """
    An id that would change the path is refused by its name, whatever else it looks like.
    """
    with pytest.raises(ValueError, match=r"owner_id must be neither"):
        await session.deployments.list("..", APP)
    with pytest.raises(ValueError, match="application_id"):
        await session.instances.list("o", "")
    with pytest.raises(ValueError, match="deployment_id"):
        await session.deployments.get("o", APP, ".")
    with pytest.raises(ValueError, match="instance_id"):
        await session.instances.get("o", APP, "a\nb")


async def test_an_unknown_state_is_refused_by_the_server(
    emulator: Emulator, session: Session, application: Application
) -> None:
    """
    What only the server can judge comes back as its 400.
    """
    query = InstanceQuery(include_states=("SLEEPING",))
    with pytest.raises(BadRequestError, match="malformed"):
        await session.instances.list(emulator.owner_id, application.id, query)


async def test_the_options_of_another_call_are_refused(session: Session) -> None:
    """
    A mapping or the options of the neighbour are a TypeError, before anything is asked.
    """
    with pytest.raises(TypeError, match="query must be an InstanceQuery or None, got"):
        await session.instances.list("o", APP, {"limit": 1})  # type: ignore[arg-type]  -- the caller's mistake
    with pytest.raises(TypeError, match="query must be a DeploymentQuery or None, got Instance"):
        await session.deployments.list("o", APP, InstanceQuery())  # type: ignore[arg-type]  -- the caller's mistake
