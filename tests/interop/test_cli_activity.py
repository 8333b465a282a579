"""
``clever activity`` against our deployments of the same emulator.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clever_v4 import Deployment, DeploymentState, NotFoundError, Session
from clever_v4.emulator import Emulator

from .content import content
from .official import Official

SOON = timedelta(milliseconds=10)

STATES = {
    DeploymentState.SUCCEEDED: "OK",
    DeploymentState.FAILED: "FAIL",
    DeploymentState.CANCELLED: "CANCELLED",
    DeploymentState.QUEUED: "WIP",
    DeploymentState.WORK_IN_PROGRESS: "WIP",
}
"""v2's states by ours (clever-client.js, deployment-transform.js)."""


@pytest.mark.parametrize("options", [(), ("--show-all",)])
@pytest.mark.parametrize("format_", ["json", "json-stream"])
async def test_activity_as_json_is_our_deployments(
    official: Official, emulator: Emulator, session: Session, options: tuple[str, ...], format_: str
) -> None:
    """
    The same deployments, oldest first: the last ten, or all.
    """
    application = emulator.applications[0]
    printed = await official.clever(
        "activity", "--app", application.id, "--format", format_, *options
    )

    ours = await deployments(session, application.owner_id, application.id)
    if not options:
        ours = ours[-10:]
    count = len(ours)
    if format_ == "json":
        # The official CLI leaves out cancelled ones but the last (clever-tools, issue 745).
        ours = [one for one in ours if one.state != DeploymentState.CANCELLED or one is ours[-1]]
    theirs = printed.json if format_ == "json" else printed.json_lines
    assert printed.status == 0, printed.err
    assert count == (12 if options else 10)
    assert [content(dated(one)) for one in theirs] == [
        content(
            {
                "uuid": one.id,
                "date": one.start_date,
                "state": STATES[DeploymentState(one.state)],
                "action": one.origin and one.origin.action,
                "commit": one.commit_id,
                "cause": one.origin and one.origin.cause,
            }
        )
        for one in ours
    ]


async def test_activity_for_humans_is_our_deployments(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Every row has the date, id, state, action, commit and cause of our deployment.
    """
    application = emulator.applications[0]
    printed = await official.clever("activity", "--app", application.name, "--show-all")

    ours = await deployments(session, application.owner_id, application.id)
    assert printed.status == 0, printed.err
    # The official CLI writes midnight as 24 o'clock.
    lines = printed.text.replace("T24:", "T00:").splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        f"{one.start_date:%Y-%m-%dT%H:%M:%S}+00:00 {one.id} {STATES[DeploymentState(one.state)]} "
        f"{one.origin.action} {(one.commit_id or 'N/A')[:8]} {one.origin.cause}"
        for one in ours
        if one.origin is not None
    ]


async def test_activity_shows_a_deployment_that_runs(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Started over v2, it is the last row and in progress, until ours has waited for its end.
    """
    application = emulator.applications[0]
    started = await session.request(
        "POST", f"/v2/organisations/{application.owner_id}/applications/{application.id}/instances"
    )
    deployment_id = started.json()["deploymentId"]

    running = await official.clever("activity", "--app", application.id)
    done = await session.deployments.wait(
        application.owner_id, application.id, deployment_id, poll_interval=SOON
    )
    ended = await official.clever("activity", "--app", application.id)

    assert done.state == DeploymentState.SUCCEEDED
    assert " ".join(running.text.splitlines()[-1].split()).split(" ")[1:4] == [
        *(deployment_id, "IN", "PROGRESS"),
    ]
    assert ended.text.splitlines()[-1].split()[1:3] == [deployment_id, "OK"]


async def test_an_application_that_was_never_deployed_has_no_activity(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    An empty list at both, no error.
    """
    application = next(one for one in emulator.applications if one.behaviour == "never_logged")
    printed = await official.clever("activity", "--app", application.id, "--format", "json")

    assert (printed.status, printed.json) == (0, [])
    assert await session.deployments.list(application.owner_id, application.id) == []


async def test_an_unknown_application_is_an_error_at_both(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The official CLI finds no owner of it; we get the API's 404 or say the same.
    """
    unknown = f"app_{'0' * 8}-0000-4000-8000-{'0' * 12}"
    printed = await official.clever("activity", "--app", unknown)

    assert printed.status == 1
    assert "Application not found" in printed.err
    with pytest.raises(NotFoundError):
        await session.deployments.get(emulator.owner_id, unknown, "deployment_x")


async def deployments(session: Session, owner_id: str, application_id: str) -> list[Deployment]:
    """
    Our deployments, oldest first.
    """
    found = await session.deployments.list(owner_id, application_id)
    return sorted(found, key=lambda one: one.start_date or datetime.min.replace(tzinfo=UTC))


def dated(event: dict[str, object]) -> dict[str, object]:
    """
    v2 says a moment in milliseconds since 1970.
    """
    date = event["date"]
    assert isinstance(date, int)
    return event | {"date": datetime.fromtimestamp(date / 1000, UTC)}
