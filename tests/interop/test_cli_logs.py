"""
``clever logs`` against what our streams yield of the same emulator.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from clever_v4 import (
    AuthenticationError,
    LogQuery,
    NotFoundError,
    OAuth1,
    Session,
    Throttle,
)
from clever_v4.emulator import Emulator
from clever_v4.emulator.faults import Cut, EmptyError

from .content import content, moment, of_models
from .official import Official
from .reading import options, read, window, written

RESET = "\x1b[0m"
"""A message that the official CLI leaves out, and what it writes after every other."""

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("format_", ["json", "json-stream"])
async def test_logs_as_json_are_our_entries(
    official: Official, emulator: Emulator, session: Session, format_: str
) -> None:
    """
    The official CLI prints the same members of the same entries in the same order.
    """
    application = emulator.applications[0]
    query = window(emulator, application.id, 400)

    ours = await read(session, application.id, query)
    printed = await official.clever(
        "logs", "--app", application.id, "--format", format_, *options(query)
    )

    assert printed.status == 0, printed.err
    theirs = printed.json if format_ == "json" else printed.json_lines
    assert len(ours) >= 300
    assert content(theirs) == of_models(ours)


async def test_logs_for_humans_are_our_dates_and_messages(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Each line of the official CLI is the date in milliseconds and the message, unchanged.
    """
    application = emulator.add_application("told", history=200)
    for message in (RESET, "Deploy failed in 3 seconds", "Build succeeded in 4 seconds", ""):
        emulator.publish(application.id, message)
    query = window(emulator, application.id, 204)

    ours = await read(session, application.id, query)
    printed = await official.clever("logs", "--app", application.name, *options(query))

    assert printed.status == 0, printed.err
    expected = "".join(
        f"{moment(entry.date)}: {entry.message}{RESET}\n"
        for entry in ours
        if entry.date is not None and entry.message != RESET
    )
    assert RESET in {entry.message for entry in ours}
    assert ANSI.sub("", printed.text) == ANSI.sub("", f"Waiting for application logs…\n{expected}")


@pytest.mark.parametrize("search", ["panier n° 13", "%", "data: this", "GET /health", "&field=id"])
async def test_search_finds_what_our_filter_finds(
    official: Official, emulator: Emulator, session: Session, search: str
) -> None:
    """
    ``--search`` and ``LogQuery.filter`` mean the same, also with characters that URLs escape.
    """
    application = emulator.applications[0]
    query = window(emulator, application.id, 2000)

    ours = await read(session, application.id, attrs.evolve(query, filter=search))
    printed = await official.clever(
        *("logs", "--app", application.id, "--search", search, "--format", "json-stream"),
        *options(query),
    )

    assert printed.status == 0, printed.err
    assert bool(ours) == (search != "&field=id")
    assert content(printed.json_lines) == of_models(ours)


async def test_logs_of_one_deployment_are_our_entries_of_it(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    ``--deployment-id`` chooses the entries that ``LogQuery.deployment_id`` chooses.
    """
    application = emulator.applications[2]
    query = window(emulator, application.id, 800)
    every = await read(session, application.id, query)
    deployment_id = every[400].deployment_id

    ours = await read(session, application.id, attrs.evolve(query, deployment_id=deployment_id))
    printed = await official.clever(
        *("logs", "--app", application.id, "--format", "json-stream"),
        *("--deployment-id", str(deployment_id), *options(query)),
    )

    assert printed.status == 0, printed.err
    assert 0 < len(ours) < len(every)
    assert content(printed.json_lines) == of_models(ours)


async def test_addon_logs_are_our_entries(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    By the marketplace id the official CLI reads what we read by the real one.
    """
    addon = emulator.addons[0]
    query = window(emulator, addon.real_id, 200)

    ours = [
        entry async for entry in session.logs.addon_stream(addon.owner_id, addon.real_id, query)
    ]
    printed = await official.clever(
        "logs", "--addon", addon.id, "--format", "json-stream", *options(query)
    )

    assert printed.status == 0, printed.err
    assert len(ours) >= 200
    assert content(printed.json_lines) == of_models(ours)


async def test_both_follow_live_logs(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    What is written while both follow arrives at both, in order; Ctrl-C ends the official CLI.
    """
    application = emulator.add_application("live")
    following = session.logs.stream(application.owner_id, application.id, throttle=Throttle.CLI)
    arguments = ("logs", "--app", application.id, "--format", "json-stream")
    async with following as stream, official.clever_running(*arguments) as process:
        async with asyncio.TaskGroup() as group:
            opening = group.create_task(anext(stream))
            await emulator.connections.wait_until(active=2)
            for number in range(20):
                emulator.publish(application.id, f"line {{n}} of batch {number}", count=25)
        ours = [opening.result(), *[await anext(stream) for _ in range(499)]]
        assert process.stdout is not None
        theirs = [json.loads(await process.stdout.readline()) for _ in range(500)]
        process.send_signal(signal.SIGINT)
        assert await process.wait() == -signal.SIGINT

    assert content(theirs) == of_models(ours)
    assert [entry["id"] for entry in theirs] == emulator.produced_ids(application.id)


async def test_the_official_cli_resumes_after_a_cut(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Cut in the middle of a line and refused once, it loses and doubles nothing, as we do not.
    """
    application = emulator.applications[0]
    query = window(emulator, application.id, 600)
    expected = await read(session, application.id, query)

    plans = (Cut(after_entries=217, inside="line"), EmptyError(status=503))
    emulator.faults.push(*plans, application_id=application.id)
    ours = await read(session, application.id, query)
    emulator.faults.push(*plans, application_id=application.id)
    printed = await official.clever(
        "logs", "--app", application.id, "--format", "json-stream", *options(query)
    )

    assert printed.status == 0, printed.err
    assert ours == expected
    assert content(printed.json_lines) == of_models(expected)


async def test_relative_times_mean_the_same(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Durations of the official CLI and timedeltas begin and end at the same entries of a sparse log.
    """
    application = emulator.add_application("sparse", history=120, history_interval_s=60)
    now = datetime.now(UTC)
    expected = [
        entry["id"]
        for entry in emulator.produced(application.id)
        if timedelta(minutes=20.5) <= now - written(entry) <= timedelta(minutes=90.5)
        and entry["service"] in {"bas.service", "bas-deploy.service"}
    ]
    query = LogQuery(since=timedelta(minutes=90.5), until=timedelta(minutes=20.5))

    ours = await read(session, application.id, query)
    printed = await official.clever(
        *("logs", "--app", application.id, "--format", "json-stream"),
        *("--since", "5430s", "--until", "PT1230S"),
    )

    assert printed.status == 0, printed.err
    assert [entry.id for entry in ours] == expected
    assert [entry["id"] for entry in printed.json_lines] == expected


async def test_an_application_that_never_logged_is_the_same_error(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The official CLI fails with the API's own text, which our NotFoundError has as its message.
    """
    application = next(one for one in emulator.applications if one.behaviour == "never_logged")

    printed = await official.clever("logs", "--app", application.id)
    with pytest.raises(NotFoundError) as caught:
        await read(session, application.id, LogQuery())

    assert printed.status == 1
    assert caught.value.message.startswith("Partitioned Topic not found")
    assert f"[ERROR] HTTP error 404: {caught.value.message}" in printed.err


async def test_wrong_credentials_are_refused_by_both(
    official: Official, emulator: Emulator
) -> None:
    """
    With another secret the official CLI says that nobody is logged in, and we 401.
    """
    application = emulator.applications[0]
    printed = await official.clever("logs", "--app", application.id, CLEVER_SECRET="wrong")
    auth = OAuth1(
        token=emulator.oauth_token,
        token_secret="wrong",
        consumer_key=emulator.consumer_key,
        consumer_secret=emulator.consumer_secret,
    )
    async with Session(auth, base_url=emulator.url) as session:
        with pytest.raises(AuthenticationError):
            await anext(session.logs.stream(emulator.owner_id, application.id))

    assert printed.status == 1
    assert "You're not logged in" in printed.err
