"""
Waiting for a deployment: every state is seen, 404s are bridged for a while, time is bounded.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from clever_v4.api.deployments.waiting import delay_after
from clever_v4.auth import ApiToken
from clever_v4.emulator import Application, Emulator
from clever_v4.errors import (
    ConnectionFailedError,
    DeploymentWaitTimeoutError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseFormatError,
    ServerError,
)
from clever_v4.session import Session
from tests.api.canned import Canned

FAST = timedelta(milliseconds=1)
NEVER = timedelta(hours=1)


@pytest.fixture
def application(emulator: Emulator) -> Application:
    return emulator.add_application("shop")


async def states(session: Session, application: Application, deployment_id: str) -> list[str]:
    watched = session.deployments.watch(
        application.owner_id, application.id, deployment_id, poll_interval=FAST
    )
    return [deployment.state async for deployment in watched]


async def test_watch_sees_every_state_once(
    session: Session, application: Application, emulator: Emulator
) -> None:
    """
    A new deployment is invisible for two looks, and then goes through its states to the end.
    """
    new = emulator.deploy(application.id, not_found_looks=2)
    assert await states(session, application, new) == [
        "QUEUED",
        "WORK_IN_PROGRESS",
        "SUCCEEDED",
    ]


@pytest.mark.parametrize("outcome", ["SUCCEEDED", "FAILED", "CANCELLED"])
async def test_wait_gives_the_final_deployment_whatever_it_is(
    session: Session, application: Application, emulator: Emulator, outcome: str
) -> None:
    """
    A failed or cancelled deployment is an answer, not an error.
    """
    new = emulator.deploy(application.id, outcome=outcome)
    final = await session.deployments.wait(
        application.owner_id, application.id, new, poll_interval=FAST
    )
    assert final.state == outcome
    assert final.is_final
    assert final.ended_at is not None


async def test_one_that_is_final_already_is_seen_once(
    session: Session, application: Application, emulator: Emulator
) -> None:
    """
    There is nothing to wait for, and nobody waits.
    """
    old = emulator.state.deployments.of(application)[0]
    final = await session.deployments.wait(
        application.owner_id, application.id, old["id"], poll_interval=NEVER
    )
    assert final.id == old["id"]


async def test_a_404_is_not_bridged_without_grace(
    session: Session, application: Application, emulator: Emulator
) -> None:
    """
    With no start-up grace the first 404 counts.
    """
    new = emulator.deploy(application.id, not_found_looks=1)
    with pytest.raises(NotFoundError):
        await session.deployments.wait(
            application.owner_id,
            application.id,
            new,
            poll_interval=FAST,
            startup_grace=timedelta(0),
        )


async def test_the_grace_is_bounded(session: Session, application: Application) -> None:
    """
    A deployment that never appears is not found once the grace is over.
    """
    with pytest.raises(NotFoundError):
        await session.deployments.wait(
            application.owner_id,
            application.id,
            "deployment_0",
            poll_interval=FAST,
            startup_grace=timedelta(milliseconds=30),
        )


async def test_the_callers_timeout_tells_the_last_state(
    session: Session, application: Application, emulator: Emulator
) -> None:
    """
    When the time is over, the error says where the deployment was.
    """
    new = emulator.deploy(application.id, not_found_looks=0)
    with pytest.raises(DeploymentWaitTimeoutError, match="is QUEUED still") as caught:
        await session.deployments.wait(
            application.owner_id,
            application.id,
            new,
            poll_interval=NEVER,
            timeout=timedelta(seconds=2),
        )
    assert caught.value.state == "QUEUED"
    assert caught.value.deployment_id == new
    assert isinstance(caught.value, TimeoutError)


async def test_the_timeout_counts_before_it_is_visible(
    session: Session, application: Application
) -> None:
    """
    A deployment that was never found has no last state.
    """
    with pytest.raises(DeploymentWaitTimeoutError, match="is not visible still") as caught:
        await session.deployments.wait(
            application.owner_id,
            application.id,
            "deployment_0",
            poll_interval=NEVER,
            timeout=timedelta(milliseconds=50),
        )
    assert caught.value.state is None


async def test_a_passing_failure_is_bridged_and_logged(
    canned: Canned, canned_session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A gateway's error does not end a wait of many minutes, and does not go unseen.
    """
    canned.answer('{"id": "d", "state": "QUEUED"}')
    canned.answer("<html>", status=502, times=4)
    canned.answer('{"id": "d", "state": "SUCCEEDED"}')
    with caplog.at_level(logging.INFO, "clever_v4.deployments"):
        final = await canned_session.deployments.wait("o", "a", "d", poll_interval=FAST)
    assert final.state == "SUCCEEDED"
    assert sum("HTTP 502" in record.message for record in caplog.records) == 4


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (None, timedelta(seconds=5)),
        (timedelta(seconds=1), timedelta(seconds=5)),
        (timedelta(seconds=40), timedelta(seconds=40)),
        (timedelta(days=3), timedelta(minutes=5)),
    ],
)
def test_the_server_may_ask_for_a_pause_but_not_for_days(
    asked: timedelta | None, waited: timedelta
) -> None:
    """
    A ``Retry-After`` is obeyed up to five minutes, and never shortens the interval.
    """
    refusal = RateLimitedError("slow down", status=429, retry_after=asked)
    assert delay_after(refusal, timedelta(seconds=5)) == waited


async def test_failing_for_long_ends_the_wait(canned: Canned, canned_session: Session) -> None:
    """
    The fifth failure in a row is raised.
    """
    canned.answer("", status=503)
    with pytest.raises(ServerError):
        await canned_session.deployments.wait("o", "a", "d", poll_interval=FAST)
    assert len(canned.requests) == 5


async def test_what_does_not_pass_ends_the_wait_at_once(
    canned: Canned, canned_session: Session
) -> None:
    """
    A refusal or a body that does not fit is raised at the first look.
    """
    canned.answer("{}", status=403)
    with pytest.raises(PermissionDeniedError):
        await canned_session.deployments.wait("o", "a", "d", poll_interval=FAST)
    canned.answers.clear()
    canned.answer("{}")
    with pytest.raises(ResponseFormatError):
        await canned_session.deployments.wait("o", "a", "d", poll_interval=FAST)
    assert len(canned.requests) == 2


async def test_no_server_ends_the_wait(emulator: Emulator) -> None:
    """
    Refused connections are bridged as often as other failures, and then raised.
    """
    async with Session(ApiToken("t"), base_url="http://127.0.0.1:9", retry=None) as session:
        with pytest.raises(ConnectionFailedError):
            await session.deployments.wait("o", "a", "d", poll_interval=FAST)


async def test_a_requests_own_timeout_is_not_the_callers(emulator: Emulator) -> None:
    """
    A request that times out is a `RequestTimeoutError`, also inside a wait with a timeout.
    """
    async with Session(
        ApiToken(emulator.token),
        base_url=emulator.url,
        retry=None,
        timeout=timedelta(microseconds=1),
    ) as session:
        with pytest.raises(RequestTimeoutError):
            await session.deployments.wait(
                emulator.owner_id, "a", "d", poll_interval=FAST, timeout=NEVER
            )


async def test_the_consumer_is_not_under_the_timeout(
    session: Session, application: Application, emulator: Emulator
) -> None:
    """
    Between two items the caller's own code is not cancelled, however long it takes.
    """
    new = emulator.deploy(application.id, not_found_looks=0)
    watched = session.deployments.watch(
        application.owner_id,
        application.id,
        new,
        poll_interval=FAST,
        timeout=timedelta(seconds=1),
    )
    first = await anext(watched)
    await asyncio.sleep(1.1)
    assert first.state == "QUEUED"
    with pytest.raises(DeploymentWaitTimeoutError, match="is QUEUED still"):
        await anext(watched)


async def test_a_cancelled_wait_ends_at_once(session: Session, application: Application) -> None:
    """
    Cancelling is passed on, and no request is left.
    """
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            session.deployments.wait(
                application.owner_id, application.id, "deployment_0", poll_interval=NEVER
            )
        )
        await asyncio.sleep(0.05)
        task.cancel()
    assert task.cancelled()


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("poll_interval", timedelta(0), ValueError),
        ("timeout", timedelta(seconds=-1), ValueError),
        ("timeout", 30, TypeError),
        ("startup_grace", timedelta(seconds=-1), ValueError),
        ("startup_grace", None, TypeError),
    ],
)
async def test_durations_have_to_be_sensible(
    session: Session, name: str, value: object, error: type[Exception]
) -> None:
    """
    Nonsense is refused at the call, by the argument's name.
    """
    with pytest.raises(error, match=name):
        session.deployments.watch("o", "a", "d", **{name: value})  # type: ignore[arg-type]  -- the caller's mistake


async def test_ids_are_refused_at_the_call(session: Session) -> None:
    """
    Not when the first state is asked for.
    """
    with pytest.raises(ValueError, match=r"^application_id must be neither empty"):
        session.deployments.watch("o", "", "d")
    with pytest.raises(ValueError, match=r"^deployment_id must not hold a slash, got 'd/x'"):
        session.deployments.watch("o", "a", "d/x")


async def test_a_watch_that_is_left_early_leaves_nothing(
    session: Session, application: Application, emulator: Emulator
) -> None:
    """
    Between two states no request, no timeout and no task is alive: there is nothing to close.
    """
    new = emulator.deploy(application.id)
    await session.zones.list()  # opens the one connection, which stays
    before = asyncio.all_tasks()
    watched = session.deployments.watch(
        application.owner_id, application.id, new, poll_interval=FAST, timeout=NEVER
    )
    async for deployment in watched:
        assert deployment.state == "QUEUED"
        break
    assert asyncio.all_tasks() == before
    await watched.aclose()
    assert len(await session.deployments.list(application.owner_id, application.id)) == 13
