"""
What users' type checkers see of the coroutines of every API group; checked by mypy and pyright, never run.
"""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import assert_type

from clever_v4 import (
    ALL,
    Deployment,
    DeploymentAction,
    DeploymentQuery,
    DeploymentState,
    Instance,
    InstanceQuery,
    InstanceState,
    Invoice,
    InvoiceQuery,
    InvoiceSummary,
    LoadBalancer,
    LoadBalancerKind,
    Order,
    OwnedAddon,
    OwnedApplication,
    Owner,
    PulsarUnits,
    Session,
    StoragePolicies,
    StoragePoliciesChange,
    StoragePolicyChange,
    Summary,
    Zone,
)


async def billing(session: Session) -> None:
    invoices = await session.invoices.list("orga_1", InvoiceQuery(since=ALL, limit=10))
    assert_type(invoices, list[InvoiceSummary])
    assert_type(invoices[0].total_tax_included.amount, Decimal)
    assert_type(await session.invoices.list_unpaid("orga_1"), list[InvoiceSummary])
    assert_type(await session.invoices.get("orga_1", "F1"), Invoice)
    assert_type(await session.invoices.get_html("orga_1", "F1"), str)
    assert_type(await session.invoices.get_pdf("orga_1", "F1"), bytes)
    assert_type(await session.invoices.download_html("orga_1", "F1", "f.html"), int)
    assert_type(await session.invoices.download_pdf("orga_1", "F1", Path("f.pdf")), int)
    await session.invoices.download_pdf("orga_1", "F1", io.BytesIO(), on_progress=progress)


def progress(_written: int, _total: int | None) -> None: ...


async def deployments(session: Session) -> None:
    query = DeploymentQuery(limit=5, order=Order.DESC, actions=(DeploymentAction.DEPLOY,))
    found = await session.deployments.list("orga_1", "app_1", query)
    assert_type(found, list[Deployment])
    one = await session.deployments.get("orga_1", "app_1", "deployment_1")
    assert_type(one, Deployment)
    assert_type(one.state, str)
    assert_type(one.is_final, bool)
    assert_type(one.commit_id, str | None)
    assert_type(one.ended_at, datetime | None)
    assert_type(one.duration, timedelta | None)
    takes_truth(one.state == DeploymentState.SUCCEEDED)
    waited = await session.deployments.wait("orga_1", "app_1", one.id, timeout=timedelta(minutes=5))
    assert_type(waited, Deployment)
    seen = session.deployments.watch("orga_1", "app_1", one.id)
    assert_type(seen, AsyncGenerator[Deployment, None])
    async for state in seen:
        assert_type(state, Deployment)


def takes_truth(_truth: bool) -> None: ...


async def instances(session: Session) -> None:
    query = InstanceQuery(include_states=(InstanceState.UP,), since=timedelta(hours=1))
    assert_type(await session.instances.list("orga_1", "app_1", query), list[Instance])
    one = await session.instances.get("orga_1", "app_1", "00000000-0000-0000-0000-000000000000")
    assert_type(one, Instance)
    assert_type(one.state, str)
    assert_type(one.deletion_date, datetime | None)


async def load_balancers(session: Session) -> None:
    found = await session.load_balancers.list("orga_1", "app_1", LoadBalancerKind.PRIVATE)
    assert_type(found, list[LoadBalancer])
    of_addon = await session.load_balancers.list("orga_1", "addon_1", "default")
    assert_type(of_addon, list[LoadBalancer])


async def zones(session: Session) -> None:
    for zone in await session.zones.list(owner_id="orga_1", tags=("infra:clever-cloud",)):
        assert_type(zone, Zone)
        assert_type(zone.country_code, str | None)
    assert_type(await session.zones.get("par"), Zone)


async def pulsar(session: Session) -> None:
    policies = await session.pulsar.get_storage_policies("pulsar_1")
    assert_type(policies, StoragePolicies)
    change = StoragePoliciesChange(
        retention=StoragePolicyChange(size_bytes=1_000_000), offload=None
    )
    changed = await session.pulsar.update_storage_policies(
        "pulsar_1", change, units=PulsarUnits.BYTES_AND_MINUTES
    )
    assert_type(changed, StoragePolicies)


async def owners(session: Session) -> None:
    assert_type(await session.owners.summary(), Summary)
    assert_type(await session.owners.owner_of("app_1"), str)
    assert_type(await session.owners.find_application("shop"), OwnedApplication)
    assert_type(await session.owners.find_addon("database", owner="orga_1"), OwnedAddon)
    assert_type(await session.owners.find_owner("us"), Owner)
    assert_type(await session.owners.addon_id("postgresql_1"), str)
    assert_type(await session.owners.real_id("addon_1"), str)
    session.owners.forget()
