"""
The official client's commands and log streams against ours, on the same emulator.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
import pytest_asyncio

from clever_v4 import (
    ALL,
    AccessLogKind,
    ApiToken,
    BadRequestError,
    EndedBy,
    InstanceQuery,
    InvoiceQuery,
    InvoiceSummary,
    LoadBalancer,
    LoadBalancerKind,
    LogQuery,
    NotFoundError,
    Order,
    Session,
    Throttle,
    Zone,
)
from clever_v4.emulator import Emulator
from clever_v4.emulator.faults import Cut, EmptyError, RepeatLast
from clever_v4.transport.converter import parse_moment

from .content import content, moment, of_models
from .official import Official

ALL_SINCE = "2010-08-01T00:00:00.000Z"
"""What the web console sends to see all invoices."""

RETRY = {"retry": {"initRetryTimeout": 10, "backoffFactor": 1.25, "maxRetryCount": 10}}
"""Lets the official client come back at once."""

RENAMED = {
    # Where the official client's name is not the wire's in camel case.
    "address_id": "id",
    "country_alpha2": "country",
    "app_id": "applicationId",
    "zone_id": "zone",
    "runtime_policy_id": "policyId",
    "consumption_begin_date": "consumptionStartDate",
    "consumption_start": "consumptionStartDate",
    "consumption_end": "consumptionEndDate",
    "start_date": "consumptionStartDate",
    "end_date": "consumptionEndDate",
}


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator whose dates take every form that the sources name.
    """
    async with Emulator(zone_names=True) as running:
        yield running


# --- invoices --------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["oauth", "token"])
async def test_invoices_are_ours(
    official: Official, emulator: Emulator, session: Session, auth: str
) -> None:
    """
    The same summaries, of all time, of the default window and of a limited window.
    """
    owner_id = emulator.owner_id
    every = await session.billing.list_invoices(owner_id, InvoiceQuery(since=ALL))
    by_date = sorted(every, key=lambda one: one.emission_date)
    since, until = by_date[3].emission_date, by_date[-4].emission_date
    queries = (InvoiceQuery(since=ALL), None, InvoiceQuery(since=since, until=until, limit=4))

    theirs = await official.send(
        [
            call("invoice/list-invoice-command", ownerId=owner_id, **window)
            for window in (
                {"since": ALL_SINCE},
                {},
                {"since": moment(since), "until": moment(until), "limit": 4},
            )
        ],
        auth=auth,
    )

    for query, answer in zip(queries, theirs, strict=True):
        ours = await session.billing.list_invoices(owner_id, query)
        assert by_number(answer) == [summary(one) for one in sorted(ours, key=number_of)]
    assert len(theirs[0]) > len(theirs[1]) >= 0
    assert len(theirs[2]) == 4


async def test_unpaid_invoices_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The same summaries of what is still to be paid.
    """
    ours = await session.billing.list_unpaid_invoices(emulator.owner_id)
    [theirs] = await official.send(
        [call("invoice/list-unpaid-invoice-command", ownerId=emulator.owner_id)]
    )

    assert ours
    assert by_number(theirs) == [summary(one) for one in sorted(ours, key=number_of)]


async def test_each_invoice_with_its_lines_is_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Every member of every line of every invoice, whatever the official client calls it.
    """
    owner_id = emulator.owner_id
    listed = await session.billing.list_invoices(owner_id, InvoiceQuery(since=ALL))
    theirs = await official.send(
        call("invoice/get-invoice-command", ownerId=owner_id, invoiceNumber=one.invoice_number)
        for one in listed
    )

    for one, answer in zip(listed, theirs, strict=True):
        ours = await session.billing.get_invoice(owner_id, one.invoice_number)
        assert content(answer) == detail(of_models(ours))


async def test_invoice_documents_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The same HTML and the same bytes of the PDF, which also comes by a URL with credentials.
    """
    owner_id = emulator.owner_id
    listed = await session.billing.list_invoices(owner_id, InvoiceQuery(since=ALL))
    wanted = {"ownerId": owner_id, "invoiceNumber": listed[0].invoice_number}

    html, pdf, url = await official.send(
        [
            call("invoice/get-invoice-html-command", **wanted),
            call("invoice/get-invoice-pdf-command", **wanted),
            call("invoice/get-invoice-url", **wanted, format="pdf") | {"url": True},
        ]
    )
    by_url = await official.curl(url.removeprefix(emulator.url))

    ours = await session.billing.get_invoice_pdf(owner_id, listed[0].invoice_number)
    assert html == await session.billing.get_invoice_html(owner_id, listed[0].invoice_number)
    assert pdf == {"type": "application/pdf", "base64": base64.b64encode(ours).decode()}
    assert "authorization=" in url
    assert by_url.out == ours


# --- deployments and instances -----------------------------------------------------------------


async def test_deployments_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The list (by v2's route, which is the one that the official client has) and each by v4's.
    """
    application = emulator.applications[0]
    of = {"ownerId": application.owner_id, "applicationId": application.id}
    ours = await session.deployments.list(application.owner_id, application.id)
    [theirs, *each] = await official.send(
        [
            call("deployment/list-deployment-command", **of),
            *(
                call("deployment/get-deployment-command", **of, deploymentId=one.id)
                for one in ours
            ),
        ]
    )

    assert len(ours) == 12
    assert content(each) == of_models(ours)
    assert [legacy(one) for one in theirs] == [
        content(
            {
                "id": one.id,
                "applicationId": one.application_id,
                "date": one.start_date,
                "state": one.state,
                "action": one.origin and one.origin.action,
                "commit": one.commit_id,
                "cause": one.origin and one.origin.cause,
            }
        )
        for one in ours
    ]


async def test_instances_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The same instances for every filter that both know, and each alone.
    """
    application = emulator.applications[0]
    of = {"ownerId": application.owner_id, "applicationId": application.id}
    every = await session.instances.list(
        application.owner_id, application.id, InstanceQuery(limit=1000)
    )
    created = sorted(one.creation_date for one in every if one.creation_date is not None)
    since, until = created[4], created[-4]
    queries = (
        (InstanceQuery(), {}),
        (InstanceQuery(limit=5, order=Order.ASC), {"limit": 5, "order": "ASC"}),
        (
            InstanceQuery(include_states=("UP", "BOOTING")),
            {"includeState": ["UP", "BOOTING"]},
        ),
        (
            InstanceQuery(exclude_states=("DELETED", "GHOST"), deployment_id=every[0].deployment_id),
            {"excludeState": ["DELETED", "GHOST"], "deploymentId": every[0].deployment_id},
        ),
        (
            InstanceQuery(since=since, until=until),
            {"since": moment(since), "until": moment(until)},
        ),
    )

    theirs = await official.send(
        [
            *(call("instance/list-application-instance-command", **of, **q) for _, q in queries),
            *(
                call("instance/get-application-instance-command", **of, instanceId=one.id)
                for one in every
            ),
        ]
    )

    for (query, _), answer in zip(queries, theirs, strict=False):
        ours = await session.instances.list(application.owner_id, application.id, query)
        assert ours
        assert by_id(instance(one) for one in answer) == by_id(map(instance, of_models(ours)))
    assert [instance(one) for one in theirs[len(queries) :]] == [
        instance(one) for one in of_models(every)
    ]


# --- load balancers and zones ------------------------------------------------------------------


async def test_load_balancers_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Default and private ones, of an application and of an add-on.
    """
    application, addon = emulator.applications[0], emulator.addons[0]
    owner_id = emulator.owner_id
    theirs = await official.send(
        call("load-balancer/get-load-balancer-info-command", kind=kind, ownerId=owner_id, **of)
        for of in ({"applicationId": application.id}, {"addonId": addon.id})
        for kind in ("default", "private")
    )

    ours = [
        await ask(owner_id, id_, kind)
        for ask, id_ in (
            (session.load_balancers.list, application.id),
            (session.load_balancers.list_for_addon, addon.id),
        )
        for kind in LoadBalancerKind
    ]
    assert theirs == [[load_balancer(one) for one in found] for found in ours]
    assert [len(found) for found in ours] == [1, 0, 1, 0]


@pytest.mark.parametrize("auth", ["oauth", "token", "none"])
async def test_zones_are_ours(
    official: Official, emulator: Emulator, session: Session, auth: str
) -> None:
    """
    The public zones, an owner's private one, and one by its name; also without credentials.
    """
    every, own, paris = await official.send(
        [
            {"module": "zone/list-zone-command", "command": "ListZoneCommand"},
            call("zone/list-zone-command", ownerId=emulator.owner_id),
            call("zone/get-zone-command", zoneName="par"),
        ],
        auth=auth,
    )

    assert content(every) == zones(await session.zones.list())
    assert content(own) == zones(await session.zones.list(owner_id=emulator.owner_id))
    assert [content(paris)] == zones([await session.zones.get("par")])
    assert len(own) == len(every) + 1


# --- log streams -------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["oauth", "token"])
async def test_application_logs_are_ours(
    official: Official, emulator: Emulator, session: Session, auth: str
) -> None:
    """
    The same entries, end and members, with dates in every form, a filter and chosen fields.
    """
    application = emulator.applications[0]
    window = {"since": date_of(emulator, application.id, 0), "until": date_of(emulator, application.id, 500)}
    query = {name: parse_moment(value) for name, value in window.items()}
    throttled = window | {"throttleElements": 2000, "throttlePerInMilliseconds": 100}
    instance_id = str(emulator.produced(application.id, stop=1)[0]["instanceId"])
    variants: tuple[tuple[LogQuery, dict[str, object]], ...] = (
        (LogQuery(**query), {}),
        (LogQuery(**query, filter="ORDER"), {"filter": "ORDER"}),
        (LogQuery(**query, limit=77), {"limit": 77}),
        (LogQuery(**query, instance_ids=(instance_id,)), {"instanceId": [instance_id]}),
        (
            LogQuery(**query, fields=("id", "date", "message")),
            {"field": ["id", "date", "message"]},
        ),
    )

    theirs = await official.send(
        (
            call(
                "log/stream-application-runtime-log-command",
                ownerId=application.owner_id,
                applicationId=application.id,
                **throttled,
                **more,
            )
            | {"stream": RETRY}
            for _, more in variants
        ),
        auth=auth,
    )

    for (chosen, _), answer in zip(variants, theirs, strict=True):
        stream = session.logs.stream(
            application.owner_id, application.id, chosen, throttle=Throttle.CLI
        )
        ours = [entry async for entry in stream]
        assert ours
        assert answer["errors"] == []
        assert content(answer["logs"]) == without(of_models(ours), "region")
    assert {answer["endedBy"] for answer in (theirs[0], theirs[1])} == {EndedBy.UNTIL_REACHED}
    assert len(theirs[2]["logs"]) == 77


async def test_addon_logs_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The official client finds the real id by itself; what it calls addonId is that id.
    """
    addon = emulator.addons[0]
    window = {"since": date_of(emulator, addon.real_id, 0), "until": date_of(emulator, addon.real_id, 300)}
    [theirs] = await official.send(
        [
            call("log/stream-addon-runtime-log-command", addonId=addon.id, **window)
            | {"stream": RETRY}
        ]
    )

    query = LogQuery(since=parse_moment(window["since"]), until=parse_moment(window["until"]))
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
    entries = emulator.produced(application.id, access=True, stop=200)
    window = {"since": str(entries[0]["date"])[:23] + "Z", "until": str(entries[-1]["date"])[:23] + "Z"}
    [theirs] = await official.send(
        [
            call(
                "log/stream-application-access-log-command",
                applicationId=application.id,
                **window,
            )
            | {"stream": RETRY}
        ]
    )

    query = LogQuery(since=parse_moment(window["since"]), until=parse_moment(window["until"]))
    stream = session.logs.access_stream(application.owner_id, application.id, query)
    ours = [entry async for entry in stream if entry.kind is AccessLogKind.HTTP]
    assert len(ours) > 100
    assert content(theirs["logs"]) == [access(one) for one in of_models(ours)]


async def test_a_live_stream_loses_nothing_over_cuts(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Cut three times, the official client and ours both get every entry once and in order.
    """
    application = emulator.add_application("cut", history=900)
    since = date_of(emulator, application.id, 0)
    plans = (
        Cut(after_entries=100, inside="line"),
        EmptyError(status=503),
        Cut(after_entries=250, inside="character", reset=True),
        Cut(after_entries=1),
    )
    emulator.faults.push(*plans, application_id=application.id)
    query = LogQuery(since=parse_moment(since))
    ours = []
    async with session.logs.stream(
        application.owner_id, application.id, query, throttle=Throttle.CLI
    ) as stream:
        while len(ours) < 900:
            ours.append(await anext(stream))

    emulator.faults.push(*plans, application_id=application.id)
    [theirs] = await official.send(
        [
            call(
                "log/stream-application-runtime-log-command",
                applicationId=application.id,
                since=since,
                throttleElements=2000,
                throttlePerInMilliseconds=100,
            )
            | {"stream": RETRY | {"count": 900}}
        ]
    )

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
    window = {"since": date_of(emulator, application.id, 0), "until": date_of(emulator, application.id, 300)}
    plans = (Cut(after_entries=150), RepeatLast(count=7))
    query = LogQuery(since=parse_moment(window["since"]), until=parse_moment(window["until"]))
    emulator.faults.push(*plans, application_id=application.id)
    ours = [
        entry.id
        async for entry in session.logs.stream(application.owner_id, application.id, query)
    ]

    emulator.faults.push(*plans, application_id=application.id)
    [theirs] = await official.send(
        [
            call(
                "log/stream-application-runtime-log-command", applicationId=application.id, **window
            )
            | {"stream": RETRY}
        ]
    )

    ids = emulator.produced_ids(application.id)
    assert ours == ids
    assert [log["id"] for log in theirs["logs"]] == ids[:150] + ids[143:]


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", ["2023", "2026"])
async def test_errors_are_ours(
    official: Official, generation: Literal["2023", "2026"]
) -> None:
    """
    Status, code and message of a refusal, in both generations of its body.
    """
    async with Emulator(error_generation=generation) as other:
        theirs = official.pointed_at(other)
        application = other.applications[0]
        of = {"ownerId": application.owner_id, "applicationId": application.id}
        missing, malformed, never = await theirs.send(
            [
                call("zone/get-zone-command", zoneName="nowhere"),
                call("instance/list-application-instance-command", **of, limit=5000),
                call(
                    "log/stream-application-runtime-log-command",
                    ownerId=other.owner_id,
                    applicationId=other.applications[4].id,
                )
                | {"stream": RETRY},
            ]
        )
        async with Session(ApiToken(other.token), base_url=other.url) as session:
            with pytest.raises(NotFoundError) as no_zone:
                await session.zones.get("nowhere")
            with pytest.raises(BadRequestError) as too_many:
                await session.instances.list(
                    application.owner_id, application.id, InstanceQuery(limit=5000)
                )
            with pytest.raises(NotFoundError) as no_topic:
                await anext(session.logs.stream(other.owner_id, other.applications[4].id))

    for answer, caught in (
        (missing, no_zone.value),
        (malformed, too_many.value),
        (never, no_topic.value),
    ):
        assert answer["error"]["status"] == caught.status
        assert answer["error"]["code"] == caught.code
        assert answer["error"]["message"].removeprefix(f"[{caught.status}]: ") in caught.message


# --- names -------------------------------------------------------------------------------------


def call(module: str, **params: object) -> dict[str, Any]:
    """
    A call of the command that a module is named after.
    """
    name = module.rpartition("/")[2]
    command = "".join(part.title() for part in name.split("-"))
    return {"module": module, "command": command, "params": params}


def renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """
    The same members under other names.
    """
    return {names.get(name, name): one for name, one in value.items()}


def without(values: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """
    Entries without the members that the official client drops.
    """
    return [{name: one for name, one in value.items() if name not in names} for value in values]


def number_of(one: InvoiceSummary) -> str:
    """
    By what invoices are sorted here: several may be of the same day.
    """
    return one.invoice_number


def by_number(invoices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    The official client's invoices in that order.
    """
    return sorted(content(invoices), key=lambda one: str(one["invoiceNumber"]))


def by_id(values: Any) -> list[dict[str, Any]]:
    """
    Sorted by id: the official client has an order of its own.
    """
    return sorted(values, key=lambda one: str(one["id"]))


def summary(invoice: InvoiceSummary) -> dict[str, Any]:
    """
    Our summary as the official client has it: without owner and type, money with its wire names.
    """
    wire = {
        name: one for name, one in of_models(invoice).items() if name not in {"owner_id", "type"}
    }
    money = {name: wire.pop(name) for name in ("total_tax_excluded", "total_tax")}
    return camel(wire) | {camel_name(name): one for name, one in money.items()}


def detail(invoice: dict[str, Any]) -> dict[str, Any]:
    """
    Our invoice as the official client has it.
    """
    made = camel({name: one for name, one in invoice.items() if name != "owner_id"})
    for name in ("uptimes", "countables", "classic", "unusable"):
        made[name] = [renamed(line, {"itemId": "id"}) for line in made[name]]
    return made


def camel(value: Any) -> Any:
    """
    Billing's names as the official client writes them; money is an amount and a currency.
    """
    match value:
        case {"amount": amount, "currency": currency}:
            return {"amount": amount, "currency": currency}
        case dict():
            named = {name: camel(one) for name, one in value.items()}
            # The official client drops the owner of an address.
            if "address_id" in named:
                named.pop("owner_id", None)
            return {RENAMED.get(name, camel_name(name)): one for name, one in named.items()}
        case list():
            return [camel(one) for one in value]
        case _:
            return value


def camel_name(name: str) -> str:
    """
    A wire name of billing in camel case.
    """
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def legacy(deployment: dict[str, Any]) -> Any:
    """
    What v2's list and v4's have in common.
    """
    dropped = {"index", "instances", "author"}
    return content({name: one for name, one in deployment.items() if name not in dropped})


def instance(one: dict[str, Any]) -> Any:
    """
    Without the date of deletion, where the official client gives that of creation.
    """
    return content({name: value for name, value in one.items() if name != "deletionDate"})


def load_balancer(one: LoadBalancer) -> Any:
    """
    Our load balancer as the official client has it: it calls its name a zone.
    """
    return renamed(of_models(one), {"name": "zone"})


def zones(found: list[Zone]) -> list[dict[str, Any]]:
    """
    Our zones as the official client sorts them, their addresses and their tags.
    """
    return sorted(
        (
            of_models(one)
            | {"outboundIPs": sorted(one.outbound_ips), "tags": sorted(one.tags)}
            for one in found
        ),
        key=lambda one: str(one["name"]),
    )


def access(entry: dict[str, Any]) -> dict[str, Any]:
    """
    Our entry of an HTTP access as the official client has it.
    """
    http = entry.pop("http")
    entry.pop("region", None)
    http["response"].pop("serviceTime", None)
    return entry | {"type": "http", "detail": http}


def date_of(emulator: Emulator, resource_id: str, index: int) -> str:
    """
    The date of an entry, as a query says it; of the entry after the last one, a bit later.
    """
    entries = emulator.produced(resource_id, start=max(index - 1, 0), stop=index + 1)
    date = datetime.fromisoformat(f"{str(entries[-1]['date'])[:23]}+00:00")
    return moment(date if index == 0 or len(entries) == 2 else date + timedelta(milliseconds=1))
