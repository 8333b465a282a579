"""
``clever accesslogs`` against what our streams yield of the same emulator.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from clever_v4 import AccessLogEntry, AccessLogKind, Session
from clever_v4.emulator import Emulator

from .content import content, moment, of_models
from .official import Official
from .reading import options, read_accesses, window


@pytest.mark.parametrize("format_", ["json", "json-stream"])
async def test_access_logs_as_json_are_our_entries(
    official: Official, emulator: Emulator, session: Session, format_: str
) -> None:
    """
    HTTP, TCP and SSH connections come alike, with every member.
    """
    application = emulator.applications[0]
    query = window(emulator, application.id, 200, access=True)
    ours = await read_accesses(session, application.id, query)

    printed = await official.clever(
        "accesslogs", "--app", application.id, "--format", format_, *options(query)
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
    query = window(emulator, application.id, 200, access=True)
    ours = await read_accesses(session, application.id, query)

    printed = await official.clever("accesslogs", "--app", application.id, *options(query))

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
    query = window(emulator, application.id, 200, access=True)
    ours = await read_accesses(session, application.id, query)

    printed = await official.clever(
        "accesslogs", "--app", application.id, "--format", "clf", *options(query)
    )

    assert printed.status == 0, printed.err
    assert printed.text.splitlines() == [clf_of(entry) for entry in ours if entry.http is not None]


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
