"""
``clever curl`` on every endpoint, against what our client makes of the same answers.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import attrs
import pytest
import pytest_asyncio

from clever_v4 import (
    ALL,
    ApiToken,
    DeploymentQuery,
    InstanceQuery,
    InvoiceQuery,
    LoadBalancerKind,
    LogQuery,
    LogStream,
    NotFoundError,
    Order,
    Session,
    StoragePoliciesChange,
    StoragePolicyChange,
)
from clever_v4.emulator import Emulator

from .content import content, moment, of_models
from .official import Official

START = datetime(2020, 1, 1, tzinfo=UTC)
"""Before every entry."""

HUNDRED = LogQuery(since=START, limit=100)


@attrs.frozen
class Ids:
    """
    What stands in the paths.
    """

    owner: str
    app: str
    addon: str
    real_addon: str
    private_app: str
    private_addon: str
    invoice: str
    deployment: str
    instance: str


@attrs.frozen
class Endpoint:
    """
    A path, and how we ask for the same.
    """

    path: str
    ask: Callable[[Session, Ids], Awaitable[Any]]


ENDPOINTS = {
    "invoices": Endpoint(
        "/v4/billing/organisations/{owner}/invoices?since=2010-08-01T00:00:00.000Z",
        lambda session, ids: session.invoices.list(ids.owner, InvoiceQuery(since=ALL)),
    ),
    "invoices limited": Endpoint(
        "/v4/billing/organisations/{owner}/invoices?since=2010-08-01T00:00:00.000Z&limit=3",
        lambda session, ids: session.invoices.list(ids.owner, InvoiceQuery(since=ALL, limit=3)),
    ),
    "invoices of the default window": Endpoint(
        "/v4/billing/organisations/{owner}/invoices",
        lambda session, ids: session.invoices.list(ids.owner),
    ),
    "unpaid invoices": Endpoint(
        "/v4/billing/organisations/{owner}/invoices/unpaid",
        lambda session, ids: session.invoices.list_unpaid(ids.owner),
    ),
    "invoice": Endpoint(
        "/v4/billing/organisations/{owner}/invoices/{invoice}",
        lambda session, ids: session.invoices.get(ids.owner, ids.invoice),
    ),
    "deployments": Endpoint(
        "/v4/orchestration/organisations/{owner}/applications/{app}/deployments",
        lambda session, ids: session.deployments.list(ids.owner, ids.app),
    ),
    "deployments chosen": Endpoint(
        "/v4/orchestration/organisations/{owner}/applications/{app}/deployments"
        "?action=DEPLOY&action=UPSCALE&limit=5&order=ASC",
        lambda session, ids: session.deployments.list(
            ids.owner,
            ids.app,
            DeploymentQuery(actions=("DEPLOY", "UPSCALE"), limit=5, order=Order.ASC),
        ),
    ),
    "deployment": Endpoint(
        "/v4/orchestration/organisations/{owner}/applications/{app}/deployments/{deployment}",
        lambda session, ids: session.deployments.get(ids.owner, ids.app, ids.deployment),
    ),
    "instances": Endpoint(
        "/v4/orchestration/organisations/{owner}/applications/{app}/instances",
        lambda session, ids: session.instances.list(ids.owner, ids.app),
    ),
    "instances chosen": Endpoint(
        "/v4/orchestration/organisations/{owner}/applications/{app}/instances"
        "?includeState=UP&includeState=BOOTING&excludeDeleted=true&limit=2&order=ASC",
        lambda session, ids: session.instances.list(
            ids.owner,
            ids.app,
            InstanceQuery(
                include_states=("UP", "BOOTING"), exclude_deleted=True, limit=2, order=Order.ASC
            ),
        ),
    ),
    "instance": Endpoint(
        "/v4/orchestration/organisations/{owner}/applications/{app}/instances/{instance}",
        lambda session, ids: session.instances.get(ids.owner, ids.app, ids.instance),
    ),
    "load balancers": Endpoint(
        "/v4/load-balancers/organisations/{owner}/applications/{app}/load-balancers/default",
        lambda session, ids: session.load_balancers.list(ids.owner, ids.app),
    ),
    "load balancers of an add-on": Endpoint(
        "/v4/load-balancers/organisations/{owner}/addons/{addon}/load-balancers/default",
        lambda session, ids: session.load_balancers.list(ids.owner, ids.addon),
    ),
    "private load balancers": Endpoint(
        "/v4/load-balancers/organisations/{owner}/applications/{private_app}/load-balancers/private",
        lambda session, ids: session.load_balancers.list(
            ids.owner, ids.private_app, LoadBalancerKind.PRIVATE
        ),
    ),
    "private load balancers of an add-on": Endpoint(
        "/v4/load-balancers/organisations/{owner}/addons/{private_addon}/load-balancers/private",
        lambda session, ids: session.load_balancers.list(
            ids.owner, ids.private_addon, LoadBalancerKind.PRIVATE
        ),
    ),
    "zones": Endpoint("/v4/products/zones", lambda session, _: session.zones.list()),
    "zones of an owner": Endpoint(
        "/v4/products/zones?ownerId={owner}&tag=region:eu&tag=scope:private",
        lambda session, ids: session.zones.list(
            owner_id=ids.owner, tags=("region:eu", "scope:private")
        ),
    ),
    "zone": Endpoint("/v4/products/zones/par", lambda session, _: session.zones.get("par")),
    "private zone": Endpoint(
        "/v4/products/zones/priv1?ownerId={owner}",
        lambda session, ids: session.zones.get("priv1", owner_id=ids.owner),
    ),
}


@pytest_asyncio.fixture
async def ids(emulator: Emulator, session: Session) -> AsyncIterator[Ids]:
    """
    Ids of the demo's account, and of what has private load balancers.
    """
    application, addon = emulator.applications[0], emulator.addons[0]
    owner_id = emulator.owner_id
    invoices = await session.invoices.list(owner_id, InvoiceQuery(since=ALL))
    deployments = await session.deployments.list(owner_id, application.id)
    instances = await session.instances.list(owner_id, application.id)
    yield Ids(
        owner=owner_id,
        app=application.id,
        addon=addon.id,
        real_addon=addon.real_id,
        private_app=emulator.add_application("apart", zone="rbx").id,
        private_addon=emulator.add_addon("apart-database", zone="rbx").id,
        invoice=invoices[1].invoice_number,
        deployment=deployments[0].id,
        instance=instances[0].id,
    )


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_each_answer_is_our_models(
    official: Official, session: Session, ids: Ids, name: str
) -> None:
    """
    Every member that the official CLI shows is in our model with its value, and none is invented.
    """
    endpoint = ENDPOINTS[name]
    printed = await official.curl(endpoint.path.format(**attrs.asdict(ids)))

    ours = of_models(await endpoint.ask(session, ids))
    assert printed.status == 0, printed.err
    assert ours
    assert told(content(printed.json)) == told(ours)


async def test_documents_are_the_bytes_of_ours(
    official: Official, session: Session, ids: Ids
) -> None:
    """
    The HTML and the PDF of an invoice.
    """
    path = f"/v4/billing/organisations/{ids.owner}/invoices/{ids.invoice}"
    html, pdf = await official.curl(f"{path}.html"), await official.curl(f"{path}.pdf")

    assert html.text == await session.invoices.get_html(ids.owner, ids.invoice)
    assert pdf.out == await session.invoices.get_pdf(ids.owner, ids.invoice)


@pytest.mark.parametrize(
    ("units", "size", "duration", "byte_count", "minutes"),
    [
        ("bytes", "sizeInBytes", "durationInMinutes", 1, 1),
        ("megabytes", "sizeInMB", "durationInDays", 10**6, 24 * 60),
    ],
)
async def test_storage_policies_are_kept_by_both(
    official: Official,
    units: Literal["bytes", "megabytes"],
    size: str,
    duration: str,
    byte_count: int,
    minutes: int,
) -> None:
    """
    What one of them patches the other reads, in either unit that the API speaks.
    """
    async with Emulator(pulsar_units=units) as other:
        theirs = official.pointed_at(other)
        addon = other.add_addon("bus", provider_id="addon-pulsar").real_id
        path = f"/v4/addon-providers/addon-pulsar/addons/{addon}/storage-policies"
        retention = StoragePolicyChange(size_bytes=8 * 10**9, duration=timedelta(days=14))
        async with Session(ApiToken(other.token), base_url=other.url) as session:
            kept = await session.pulsar.update_storage_policies(
                addon, StoragePoliciesChange(retention=retention)
            )
            printed = await theirs.curl(path)
            assert printed.json["retentionPolicies"] == {
                size: 8 * 10**9 // byte_count,
                duration: 14 * 24 * 60 // minutes,
            }

            patched = await theirs.curl(
                path,
                *("-X", "PATCH", "-H", "Content-Type: application/json"),
                *("-d", json.dumps({"offloadPolicies": {size: 3, duration: 9}})),
            )
            ours = await session.pulsar.get_storage_policies(addon)
            assert patched.json["offloadPolicies"] == {size: 3, duration: 9}
            assert ours.retention == kept.retention
            assert ours.offload.size_bytes == 3 * byte_count
            assert ours.offload.duration == timedelta(minutes=9 * minutes)


async def test_errors_are_our_errors(official: Official, session: Session, ids: Ids) -> None:
    """
    Status, code, text and Sozu-Id of a refusal.
    """
    path = f"/v4/orchestration/organisations/{ids.owner}/applications/{ids.app}/instances/none"
    printed = await official.curl(path, "--include")
    with pytest.raises(NotFoundError) as caught:
        await session.instances.get(ids.owner, ids.app, "none")

    head, _, body = printed.text.partition("\r\n\r\n")
    answer = json.loads(body)
    assert head.startswith("HTTP/1.1 404 ")
    assert "\r\nSozu-Id: 01" in head
    assert (answer["code"], answer["error"]) == (caught.value.code, caught.value.message)


STREAMS = {
    "APPLICATION_LOG": Endpoint(
        "/v4/logs/organisations/{owner}/applications/{app}/logs",
        lambda session, ids: events(session.logs.stream(ids.owner, ids.app, HUNDRED)),
    ),
    "RESOURCE_LOG": Endpoint(
        "/v4/logs/organisations/{owner}/resources/{real_addon}/logs",
        lambda session, ids: events(session.logs.addon_stream(ids.owner, ids.real_addon, HUNDRED)),
    ),
    "ACCESS_LOG": Endpoint(
        "/v4/accesslogs/organisations/{owner}/applications/{app}/accesslogs",
        lambda session, ids: events(session.logs.access_stream(ids.owner, ids.app, HUNDRED)),
    ),
}


async def events(stream: LogStream[Any]) -> list[tuple[str, Any]]:
    """
    The ids and the data of our raw events.
    """
    return [(event.last_event_id, json.loads(event.data)) async for event in stream.events()]


@pytest.mark.parametrize("name", STREAMS)
async def test_a_log_stream_is_our_raw_events(
    official: Official, session: Session, ids: Ids, name: str
) -> None:
    """
    The stream as it stands on the wire has the ids and data of our events, in order.
    """
    endpoint = STREAMS[name]
    ours = await endpoint.ask(session, ids)
    path = endpoint.path.format(**attrs.asdict(ids))
    printed = await official.curl(f"{path}?since={moment(START)}&limit=100")

    blocks = [block.split("\n") for block in printed.text.split("\n\n") if name in block]
    theirs = [
        (block[0].removeprefix("id:"), json.loads(block[2].removeprefix("data:")))
        for block in blocks
    ]
    assert len(theirs) == 100
    assert theirs == ours


def told(value: Any) -> Any:
    """
    Without empty lists: they are what an absent list of a model becomes.
    """
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items() if one != []}
    if isinstance(value, list):
        return [told(one) for one in value]
    return value
