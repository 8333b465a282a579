"""
The official client's log streams against ours, on the same emulator.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import pytest_asyncio

from clever_v4 import AccessLogKind, EndedBy, LogEntry, LogQuery, Session, Throttle
from clever_v4.emulator import Emulator
from clever_v4.emulator.faults import Cut, EmptyError, RepeatLast

from .content import content, of_models
from .names import access, renamed, without
from .official import Official, call
from .reading import ends, read, read_accesses, window

RETRY = {"retry": {"initRetryTimeout": 10, "backoffFactor": 1.25, "maxRetryCount": 10}}
"""Lets the official client come back at once."""

THROTTLE = {"throttleElements": 2000, "throttlePerInMilliseconds": 100}
"""As the official CLI asks, so that nothing is waited for."""

LOGS = "log/stream-application-runtime-log-command"


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator whose dates take every form that the sources name.
    """
    async with Emulator(zone_names=True) as running:
        yield running


@pytest.mark.parametrize("auth", ["oauth", "token"])
async def test_application_logs_are_ours(
    official: Official, emulator: Emulator, session: Session, auth: str
) -> None:
    """
    The same entries, end and members, with dates in every form, a filter and chosen fields.
    """
    application = emulator.applications[0]
    query = window(emulator, application.id, 500)
    instance_id = str(emulator.produced(application.id, stop=1)[0]["instanceId"])
    fields = ("id", "date", "message")
    variants: tuple[tuple[LogQuery, dict[str, object]], ...] = (
        (query, {}),
        (attrs.evolve(query, filter="ORDER"), {"filter": "ORDER"}),
        (attrs.evolve(query, limit=77), {"limit": 77}),
        (attrs.evolve(query, instance_ids=(instance_id,)), {"instanceId": [instance_id]}),
        (attrs.evolve(query, fields=fields), {"field": fields}),
    )

    theirs = await official.send(
        (stream(application.id, **ends(query), **more) for _, more in variants), auth=auth
    )

    for (chosen, _), answer in zip(variants, theirs, strict=True):
        ours = await read(session, application.id, chosen)
        assert ours
        assert answer["errors"] == []
        assert content(answer["logs"]) == without(of_models(ours), "region")
    assert {answer["endedBy"] for answer in theirs[:2]} == {EndedBy.UNTIL_REACHED}
    assert len(theirs[2]["logs"]) == 77


async def test_addon_logs_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The official client finds the real id by itself; what it calls addonId is that id.
    """
    addon = emulator.addons[0]
    query = window(emulator, addon.real_id, 300)
    command = call("log/stream-addon-runtime-log-command", addonId=addon.id, **ends(query))
    [theirs] = await official.send([command | {"stream": RETRY}])

    owner_id = await session.owners.owner_of(addon.id)
    real_id = await session.owners.real_id(addon.id)
    ours = [entry async for entry in session.logs.addon_stream(owner_id, real_id, query)]
    assert len(ours) >= 300
    assert content(theirs["logs"]) == [
        renamed(one, {"resourceId": "addonId"}) for one in without(of_models(ours), "region")
    ]


async def test_access_logs_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Of all connections the official client yet yields the HTTP ones, with the same members.
    """
    application = emulator.applications[0]
    query = window(emulator, application.id, 200, access=True)
    command = call(
        "log/stream-application-access-log-command", applicationId=application.id, **ends(query)
    )
    [theirs] = await official.send([command | {"stream": RETRY}])

    every = await read_accesses(session, application.id, query)
    ours = [entry for entry in every if entry.kind is AccessLogKind.HTTP]
    assert 100 < len(ours) < len(every)
    assert content(theirs["logs"]) == [access(one) for one in of_models(ours)]


async def test_a_live_stream_loses_nothing_over_cuts(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Cut three times, the official client and ours both get every entry once and in order.
    """
    application = emulator.add_application("cut", history=900)
    plans = (
        Cut(after_entries=100, inside="line"),
        EmptyError(status=503),
        Cut(after_entries=250, inside="character", reset=True),
        Cut(after_entries=1),
    )
    since = window(emulator, application.id, 1).since
    ours: list[LogEntry] = []
    emulator.faults.push(*plans, application_id=application.id)
    async with session.logs.stream(
        application.owner_id, application.id, LogQuery(since=since), throttle=Throttle.CLI
    ) as following:
        while len(ours) < 900:
            ours.append(await anext(following))

    emulator.faults.push(*plans, application_id=application.id)
    command = stream(application.id, since=ends(window(emulator, application.id, 1))["since"])
    [theirs] = await official.send([command | {"stream": RETRY | {"count": 900}}])

    assert theirs["endedBy"] == "COUNT_REACHED"
    assert len(theirs["errors"]) == 4
    assert content(theirs["logs"]) == without(of_models(ours), "region")
    assert [entry.id for entry in ours] == emulator.produced_ids(application.id)


async def test_only_ours_drops_what_is_repeated_after_a_resume(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Where the server repeats entries after a resume, the official client yields them twice.
    """
    application = emulator.add_application("repeated", history=300)
    query = window(emulator, application.id, 300)
    plans = (Cut(after_entries=150), RepeatLast(count=7))
    emulator.faults.push(*plans, application_id=application.id)
    ours = await read(session, application.id, query)
    emulator.faults.push(*plans, application_id=application.id)
    [theirs] = await official.send([stream(application.id, **ends(query))])

    ids = emulator.produced_ids(application.id)
    assert [entry.id for entry in ours] == ids
    assert [log["id"] for log in theirs["logs"]] == ids[:150] + ids[143:]


def stream(application_id: str, **params: object) -> dict[str, Any]:
    """
    A call that reads the log of an application.
    """
    return call(LOGS, applicationId=application_id, **params, **THROTTLE) | {"stream": RETRY}
