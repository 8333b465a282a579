"""
The official client's commands against ours, on the same emulator.
"""

from __future__ import annotations

import base64
from typing import Literal

import pytest

from clever_v4 import (
    ALL,
    ApiToken,
    BadRequestError,
    InstanceQuery,
    InvoiceQuery,
    LoadBalancerKind,
    NotFoundError,
    Order,
    Session,
)
from clever_v4.emulator import Emulator

from .content import content, moment, of_models
from .names import by_id, by_number, detail, instance, legacy, load_balancer, summary, zones
from .official import Official, call

ALL_SINCE = "2010-08-01T00:00:00.000Z"
"""What the web console sends to see all invoices."""


@pytest.mark.parametrize("auth", ["oauth", "token"])
async def test_invoices_are_ours(
    official: Official, emulator: Emulator, session: Session, auth: str
) -> None:
    """
    The same summaries, of all time, of the default window and of a limited window.
    """
    owner_id = emulator.owner_id
    every = await session.invoices.list(owner_id, InvoiceQuery(since=ALL))
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
        ours = await session.invoices.list(owner_id, query)
        assert by_number(content(answer)) == by_number(map(summary, ours))
    assert len(theirs[0]) > len(theirs[1]) >= 0
    assert len(theirs[2]) == 4


async def test_unpaid_invoices_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The same summaries of what is still to be paid.
    """
    ours = await session.invoices.list_unpaid(emulator.owner_id)
    [theirs] = await official.send(
        [call("invoice/list-unpaid-invoice-command", ownerId=emulator.owner_id)]
    )

    assert ours
    assert by_number(content(theirs)) == by_number(map(summary, ours))


async def test_each_invoice_with_its_lines_is_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Every member of every line of every invoice, whatever the official client calls it.
    """
    owner_id = emulator.owner_id
    listed = await session.invoices.list(owner_id, InvoiceQuery(since=ALL))
    theirs = await official.send(
        call("invoice/get-invoice-command", ownerId=owner_id, invoiceNumber=one.invoice_number)
        for one in listed
    )

    for one, answer in zip(listed, theirs, strict=True):
        ours = await session.invoices.get(owner_id, one.invoice_number)
        assert content(answer) == detail(of_models(ours))


async def test_invoice_documents_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    The same HTML and the same bytes of the PDF, which also comes by a URL with credentials.
    """
    owner_id = emulator.owner_id
    listed = await session.invoices.list(owner_id, InvoiceQuery(since=ALL))
    wanted = {"ownerId": owner_id, "invoiceNumber": listed[0].invoice_number}

    html, pdf, url = await official.send(
        [
            call("invoice/get-invoice-html-command", **wanted),
            call("invoice/get-invoice-pdf-command", **wanted),
            call("invoice/get-invoice-url", **wanted, format="pdf") | {"url": True},
        ]
    )
    by_url = await official.curl(url.removeprefix(emulator.url))

    ours = await session.invoices.get_pdf(owner_id, listed[0].invoice_number)
    assert html == await session.invoices.get_html(owner_id, listed[0].invoice_number)
    assert pdf == {"type": "application/pdf", "base64": base64.b64encode(ours).decode()}
    assert "authorization=" in url
    assert by_url.out == ours


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
            *(call("deployment/get-deployment-command", **of, deploymentId=one.id) for one in ours),
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


async def test_instances_are_ours(official: Official, emulator: Emulator, session: Session) -> None:
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
    queries: tuple[tuple[InstanceQuery, dict[str, object]], ...] = (
        (InstanceQuery(), {}),
        (InstanceQuery(limit=5, order=Order.ASC), {"limit": 5, "order": "ASC"}),
        (
            InstanceQuery(include_states=("UP", "BOOTING")),
            {"includeState": ["UP", "BOOTING"]},
        ),
        (
            InstanceQuery(
                exclude_states=("DELETED", "GHOST"), deployment_id=every[0].deployment_id
            ),
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


async def test_load_balancers_are_ours(
    official: Official, emulator: Emulator, session: Session
) -> None:
    """
    Default and private ones, of an application that has both and of an add-on.
    """
    application, addon = emulator.add_application("apart", zone="rbx"), emulator.addons[0]
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
            (session.load_balancers.list, addon.id),
        )
        for kind in LoadBalancerKind
    ]
    assert theirs == [[load_balancer(one) for one in found] for found in ours]
    assert [len(found) for found in ours] == [1, 1, 1, 0]


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


@pytest.mark.parametrize("generation", ["2023", "2026"])
async def test_errors_are_ours(official: Official, generation: Literal["2023", "2026"]) -> None:
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
                | {"stream": {}},
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
