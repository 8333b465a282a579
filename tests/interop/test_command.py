"""
Our command line beside the official one, on the same emulator.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from clever_v4 import Session
from clever_v4.emulator import Emulator

from .content import content
from .official import Official, Printed
from .reading import options, window

ANSI = re.compile(r"\x1b\[[0-9;]*m")
STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z):? ?(.*)")
"""A line that begins an entry: the official CLI sets a colon after its date."""


@pytest.mark.parametrize(("theirs", "ours"), [("json", "json"), ("json-stream", "jsonl")])
@pytest.mark.parametrize("chosen", [(), ("--search", "order"), ("--search", "%")])
async def test_logs_as_json_are_the_same(
    official: Official, emulator: Emulator, theirs: str, ours: str, chosen: Sequence[str]
) -> None:
    """
    The same entries in the same order, as an array and line by line, with and without a search.
    """
    application = emulator.applications[0]
    arguments = (*options(window(emulator, application.id, 300)), *chosen)
    printed = await official.clever(
        "logs", "--app", application.name, "--format", theirs, *arguments
    )
    own = await official.clever_v4("logs", application.name, "--format", ours, *arguments)

    assert (printed.status, own.status) == (0, 0), own.err
    assert entries(own, ours)
    assert content(entries(own, ours)) == content(entries(printed, theirs))


async def test_logs_for_humans_say_the_same(official: Official, emulator: Emulator) -> None:
    """
    The same dates and messages; ours indents the further lines of a message.
    """
    application = emulator.applications[0]
    arguments = options(window(emulator, application.id, 600))
    printed = await official.clever("logs", "--app", application.id, *arguments)
    own = await official.clever_v4("logs", application.id, *arguments)

    assert (printed.status, own.status) == (0, 0), own.err
    theirs = told(printed.text.partition("\n")[2])
    assert len(theirs) > 400
    # A lone change of colour is left out by the official CLI, and an empty line here.
    assert [one for one in told(own.text) if one[1:] != [""]] == theirs


async def test_addon_logs_are_the_same(official: Official, emulator: Emulator) -> None:
    """
    Of an add-on by its marketplace id.
    """
    addon = emulator.addons[0]
    arguments = ("--addon", addon.id, *options(window(emulator, addon.real_id, 200)))
    printed = await official.clever("logs", "--format", "json", *arguments)
    own = await official.clever_v4("logs", "--format", "json", *arguments)

    assert (printed.status, own.status) == (0, 0), own.err
    assert len(own.json) >= 200
    assert content(own.json) == content(printed.json)


async def test_access_logs_are_the_same(official: Official, emulator: Emulator) -> None:
    """
    HTTP, TCP and SSH connections alike.
    """
    application = emulator.applications[0]
    arguments = options(window(emulator, application.id, 200, access=True))
    printed = await official.clever(
        "accesslogs", "--app", application.id, "--format", "json", *arguments
    )
    own = await official.clever_v4(
        "logs", "--access", application.id, "--format", "json", *arguments
    )

    assert (printed.status, own.status) == (0, 0), own.err
    assert len(own.json) >= 200
    assert content(own.json) == content(printed.json)


async def test_activity_is_our_deployments(official: Official, emulator: Emulator) -> None:
    """
    Ids, moments, actions and causes, oldest first, and for people the same rows.
    """
    application = emulator.applications[0]
    printed = await official.clever(
        "activity", "--show-all", "--app", application.id, "--format", "json-stream"
    )
    own = await official.clever_v4(
        "deployments", application.id, "--order", "ASC", "--format", "json"
    )
    table = await official.clever_v4("deployments", application.id, "--order", "ASC")

    assert (printed.status, own.status, table.status) == (0, 0, 0), own.err + table.err
    theirs = printed.json_lines
    assert len(theirs) == 12
    assert [
        (one["id"], one["origin"]["action"], one["origin"]["cause"], one["version"].get("commitId"))
        for one in own.json
    ] == [(one["uuid"], one["action"], one["cause"], one.get("commit")) for one in theirs]
    rows = [re.split(r"\s{2,}", line.strip()) for line in table.text.splitlines()]
    assert [row[0] for row in rows[1:]] == [one["uuid"] for one in theirs]


ANSWERS = {
    "zones": ("/v4/products/zones", ("zones",)),
    "zone": ("/v4/products/zones/par", ("zones", "par")),
    "load balancers": (
        "/v4/load-balancers/organisations/{owner}/applications/{app}/load-balancers/default",
        ("load-balancers", "{app}"),
    ),
    "private load balancers of an add-on": (
        "/v4/load-balancers/organisations/{owner}/addons/{addon}/load-balancers/private",
        ("load-balancers", "--addon", "{addon}", "--kind", "private"),
    ),
    "deployment": (
        "/v4/orchestration/organisations/{owner}/applications/{app}/deployments/{deployment}",
        ("deployment", "{deployment}", "--application", "{app}"),
    ),
    "deployments": (
        "/v4/orchestration/organisations/{owner}/applications/{app}/deployments?limit=5",
        ("deployments", "{app}", "--limit", "5"),
    ),
    "instances": (
        "/v4/orchestration/organisations/{owner}/applications/{app}/instances?includeState=UP",
        ("instances", "{app}", "--include-state", "UP"),
    ),
    "invoices": (
        "/v4/billing/organisations/{owner}/invoices?since=2010-08-01T00:00:00.000Z",
        ("invoices", "--owner", "{owner}", "--since", "all"),
    ),
    "unpaid invoices": (
        "/v4/billing/organisations/{owner}/invoices/unpaid",
        ("invoices", "--owner", "{owner}", "--unpaid"),
    ),
    "invoice": (
        "/v4/billing/organisations/{owner}/invoices/{invoice}",
        ("invoice", "{invoice}", "--owner", "{owner}"),
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_we_show_as_json_is_what_the_api_answers(
    official: Official, emulator: Emulator, session: Session, name: str
) -> None:
    """
    Every member that ``clever curl`` shows, under the API's name and with its value.
    """
    unpaid = await session.invoices.list_unpaid(emulator.owner_id)
    app_id = emulator.applications[0].id
    deployments = await session.deployments.list(emulator.owner_id, app_id)
    ids = {
        "owner": emulator.owner_id,
        "app": app_id,
        "addon": emulator.add_addon("apart", zone="rbx").id,
        "deployment": deployments[0].id,
        "invoice": unpaid[0].invoice_number,
    }
    path, arguments = ANSWERS[name]
    printed = await official.curl(path.format(**ids))
    own = await official.clever_v4(*(one.format(**ids) for one in arguments), "--format", "json")

    assert own.status == 0, own.err
    assert own.json
    assert filled(content(own.json)) == filled(content(printed.json))


async def test_policies_are_what_the_api_keeps(official: Official, emulator: Emulator) -> None:
    """
    What ``policies set`` writes is what ``clever curl`` reads, and ``policies get`` says the same.
    """
    addon = emulator.add_addon("bus", provider_id="addon-pulsar")
    path = f"/v4/addon-providers/addon-pulsar/addons/{addon.real_id}/storage-policies"
    own = await official.clever_v4(
        *("policies", "set", addon.id, "--retention-size", "3GB", "--retention-duration", "none"),
        *("--offload-duration", "2h"),
    )
    printed = await official.curl(path)
    told = await official.clever_v4("policies", "get", addon.id, "--format", "json")

    assert (own.status, told.status) == (0, 0), own.err + told.err
    assert printed.json == {
        "retentionPolicies": {"sizeInBytes": 3 * 10**9, "durationInMinutes": None},
        "offloadPolicies": {"sizeInBytes": None, "durationInMinutes": 120},
    }
    assert told.json == {
        "retention": {"sizeInBytes": 3 * 10**9, "durationInSeconds": None},
        "offload": {"sizeInBytes": None, "durationInSeconds": 7200},
    }


@pytest.mark.parametrize("form", ["pdf", "html"])
async def test_a_saved_invoice_is_the_same_file(
    official: Official, emulator: Emulator, session: Session, tmp_path: Path, form: str
) -> None:
    """
    ``invoice NUMBER --pdf -o FILE`` saves the bytes that ``clever curl`` gets.
    """
    [first, *_] = await session.invoices.list_unpaid(emulator.owner_id)
    path = f"/v4/billing/organisations/{emulator.owner_id}/invoices/{first.invoice_number}.{form}"
    printed = await official.curl(path)
    saved = tmp_path / "invoice"
    own = await official.clever_v4(
        *("invoice", first.invoice_number, "--owner", emulator.owner_id),
        *(f"--{form}", "-o", str(saved)),
    )

    assert own.status == 0, own.err
    assert saved.read_bytes() == printed.out


async def test_the_same_failures_are_failures(official: Official, emulator: Emulator) -> None:
    """
    An unknown application, and one that never logged: both exit with 1 and say it on stderr.
    """
    never = next(one for one in emulator.applications if one.behaviour == "never_logged")
    for name, text in (("nowhere", "nowhere"), (never.name, "Partitioned Topic not found")):
        printed = await official.clever("logs", "--app", name)
        own = await official.clever_v4("logs", name)

        assert (printed.status, own.status) == (1, 1), own.err
        assert own.text == ""
        assert text in own.err


def entries(printed: Printed, format_: str) -> Any:
    """
    The entries in one of the machine's formats.
    """
    return printed.json if format_ == "json" else printed.json_lines


def told(text: str) -> list[list[str]]:
    """
    Entries as people read them: the date, then the lines of the message without their indent.
    """
    found: list[list[str]] = []
    for line in ANSI.sub("", text.replace("\r\n", "\n")).split("\n"):
        match = STAMPED.fullmatch(line)
        if match:
            found.append([match[1], match[2].strip()])
        elif line.strip():
            found[-1].append(line.strip())
    return found


def filled(value: Any) -> Any:
    """
    Without empty lists: they are what an absent list of a model becomes.
    """
    if isinstance(value, dict):
        return {name: filled(one) for name, one in value.items() if one != []}
    if isinstance(value, list):
        return [filled(one) for one in value]
    return value
