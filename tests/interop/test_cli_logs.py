"""
``clever logs`` and ``clever accesslogs`` against what our streams yield of the same emulator.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clever_v4 import (
    AccessLogEntry,
    AccessLogKind,
    AuthenticationError,
    LogEntry,
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

RESET = "\x1b[0m"
"""A message that the official CLI leaves out, and what it writes after every other."""

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def window(emulator: Emulator, application_id: str, start: int, stop: int) -> LogQuery:
    """
    From the start-th entry up to just after the stop-th, by the dates that they have.
    """
    entries = emulator.produced(application_id, start=start, stop=stop)
    first, last = (datetime.fromisoformat(str(entries[at]["date"])[:23] + "+00:00") for at in (0, -1))
    return LogQuery(since=first, until=last + timedelta(milliseconds=1))


def span(query: LogQuery) -> list[str]:
    """
    The options of the official CLI for a window.
    """
    assert isinstance(query.since, datetime)
    assert isinstance(query.until, datetime)
    return ["--since", moment(query.since), "--until", moment(query.until)]


@pytest.mark.parametrize("format_", ["json", "json-stream"])
async def test_logs_as_json_are_our_entries(
    official: Official, emulator: Emulator, session: Session, format_: str
) -> None:
    """
    The official CLI prints the same members of the same entries in the same order.
    """
    application = emulator.applications[0]
    query = window(emulator, application.id, 100, 400)

    ours = await read(session, application.id, query)
    printed = await official.clever(
        "logs", "--app", application.id, "--format", format_, *span(query)
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
    query = window(emulator, application.id, 0, 204)

    ours = await read(session, application.id, query)
    printed = await official.clever("logs", "--app", application.name, *span(query))

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
    query = window(emulator, application.id, 0, 2000)
    assert query.since is not None

    ours = await read(
        session, application.id, LogQuery(since=query.since, until=query.until, filter=search)
    )
    printed = await official.clever(
        *("logs", "--app", application.id, "--search", search, "--format", "json-stream"),
        *span(query),
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
    query = window(emulator, application.id, 0, 800)
    every = await read(session, application.id, query)
    deployment_id = every[400].deployment_id

    chosen = LogQuery(since=query.since, until=query.until, deployment_id=deployment_id)
    ours = await read(session, application.id, chosen)
    printed = await official.clever(
        *("logs", "--app", application.id, "--format", "json-stream"),
        *("--deployment-id", str(deployment_id), *span(query)),
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
    query = window(emulator, addon.real_id, 0, 200)

    ours = [
        entry async for entry in session.logs.addon_stream(addon.owner_id, addon.real_id, query)
    ]
    printed = await official.clever(
        "logs", "--addon", addon.id, "--format", "json-stream", *span(query)
    )

    assert printed.status == 0, printed.err
    assert len(ours) >= 200
    assert content(printed.json_lines) == of_models(ours)


@pytest.mark.parametrize("format_", ["json", "json-stream"])
async def test_access_logs_as_json_are_our_entries(
    official: Official, emulator: Emulator, session: Session, format_: str
) -> None:
    """
    HTTP, TCP and SSH connections come alike, with every member.
    """
    application = emulator.applications[0]
    query, ours = await accesses(emulator, session, application.id)

    printed = await official.clever(
        "accesslogs", "--app", application.id, "--format", format_, *span(query)
    )

    assert printed.status == 0, printed.err
    # With json-stream the official CLI spreads an entry over many lines.
    theirs = printed.json if format_ == "json" else documents(printed.text)
    assert content(theirs) == of_models(ours)
    assert {entry.kind for entry in ours} == set(AccessLogKind) - {AccessLogKind.UNKNOWN}


async def test_access_logs_for_humans_are_our_http_entries(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The official CLI's table has the date, address, place, status and request of each HTTP access.
    """
    application = emulator.applications[0]
    query, ours = await accesses(emulator, session, application.id)

    printed = await official.clever("accesslogs", "--app", application.id, *span(query))

    assert printed.status == 0, printed.err
    banner, *lines = printed.text.splitlines()
    assert "Beta" in banner
    rows = [" ".join(line.split()) for line in lines]
    assert rows == [row_of(entry) for entry in ours if entry.http is not None]


async def test_access_logs_in_common_log_format_are_our_http_entries(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Address, moment in seconds, request line, status and bytes are those of our entries.
    """
    application = emulator.applications[0]
    query, ours = await accesses(emulator, session, application.id)

    printed = await official.clever(
        "accesslogs", "--app", application.id, "--format", "clf", *span(query)
    )

    assert printed.status == 0, printed.err
    assert printed.text.splitlines() == [clf_of(entry) for entry in ours if entry.http is not None]


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
    query = window(emulator, application.id, 0, 600)
    expected = await read(session, application.id, query)

    plans = (Cut(after_entries=217, inside="line"), EmptyError(status=503))
    emulator.faults.push(*plans, application_id=application.id)
    ours = await read(session, application.id, query)
    emulator.faults.push(*plans, application_id=application.id)
    printed = await official.clever(
        "logs", "--app", application.id, "--format", "json-stream", *span(query)
    )

    assert printed.status == 0, printed.err
    assert ours == expected
    assert content(printed.json_lines) == of_models(expected)


async def test_relative_times_mean_the_same(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    ``--since 1h`` and ``timedelta(hours=1)`` begin and end at the same entries of a sparse log.
    """
    application = emulator.add_application("sparse", history=120, history_interval_s=60)
    expected = [
        entry["id"]
        for entry in emulator.produced(application.id)
        if timedelta(minutes=20.5) <= age_of(entry["date"]) <= timedelta(minutes=90.5)
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
    printed = await official.clever("logs", "--app", application.id, CLEVER_SECRET="wrong")  # noqa: S106
    auth = OAuth1(
        token=emulator.oauth_token,
        token_secret="wrong",  # noqa: S106
        consumer_key=emulator.consumer_key,
        consumer_secret=emulator.consumer_secret,
    )
    async with Session(auth, base_url=emulator.url) as session:
        with pytest.raises(AuthenticationError):
            await read(session, application.id, LogQuery(), owner_id=emulator.owner_id)

    assert printed.status == 1
    assert "You're not logged in" in printed.err


async def read(
    session: Session, application_id: str, query: LogQuery, *, owner_id: str | None = None
) -> list[LogEntry]:
    """
    The entries that our own stream yields.
    """
    if owner_id is None:
        owner_id = await session.owners.owner_of(application_id)
    stream = session.logs.stream(owner_id, application_id, query, throttle=Throttle.CLI)
    return [entry async for entry in stream]


async def accesses(
    emulator: Emulator, session: Session, application_id: str
) -> tuple[LogQuery, list[AccessLogEntry]]:
    """
    A window of an access log with every kind of access, and what our own stream yields of it.
    """
    entries = emulator.produced(application_id, access=True, start=0, stop=200)
    dates = [datetime.fromisoformat(str(entry["date"])[:23] + "+00:00") for entry in entries]
    query = LogQuery(since=dates[0], until=dates[-1] + timedelta(milliseconds=1))
    stream = session.logs.access_stream(
        emulator.owner_id, application_id, query, throttle=Throttle.CLI
    )
    return query, [entry async for entry in stream]


def documents(text: str) -> list[Any]:
    """
    JSON documents one after the other.
    """
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        one, end = decoder.raw_decode(text, at)
        found.append(one)
        at = end + 1
    return found


def row_of(entry: AccessLogEntry) -> str:
    """
    A row of the official CLI's table, with single spaces.
    """
    assert entry.date is not None
    assert entry.source is not None
    place = entry.source.country_code or "(unknown)"
    if entry.source.city:
        place += f"/{entry.source.city}"
    status, method, path = exchange_of(entry)
    return f"{moment(entry.date)} {entry.source.ip} {place} {status} {method} {path}"


def clf_of(entry: AccessLogEntry) -> str:
    """
    A line of the Common Log Format, without a version of HTTP.
    """
    assert entry.date is not None
    assert entry.source is not None
    status, method, path = exchange_of(entry)
    date = f"{entry.date:%d/%b/%Y:%H:%M:%S} +0000"
    return f'{entry.source.ip} - - [{date}] "{method} {path}" {status} {entry.bytes_out}'


def exchange_of(entry: AccessLogEntry) -> tuple[int | None, str | None, str | None]:
    """
    Status, method and path of an HTTP access.
    """
    assert entry.http is not None
    assert entry.http.request is not None
    assert entry.http.response is not None
    return (
        entry.http.response.status_code,
        entry.http.request.method,
        entry.http.request.path,
    )


def age_of(date: object) -> timedelta:
    """
    How long ago an entry of the emulator was written.
    """
    return datetime.now(UTC) - datetime.fromisoformat(f"{str(date)[:23]}+00:00")
