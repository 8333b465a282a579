"""
Arguments of the API groups' coroutines that cannot be meant; see ``test_arguments.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from io import StringIO
from operator import attrgetter
from typing import Any

import pytest

from clever_v4 import (
    ApiToken,
    DeploymentQuery,
    InstanceQuery,
    Session,
    StoragePoliciesChange,
    StoragePolicyChange,
)
from tests.arguments import (
    CALLBACK,
    DURATION,
    DURATION_OR_ZERO,
    FLAG,
    TEXT,
    TEXTS,
    Row,
    Wrong,
    also,
    cases,
    check_refused,
    check_row,
    instance,
    method,
    one_of,
    optional,
)

NO_SEGMENT: Sequence[object] = ["..", "a/b", "a\n"]


def _id(*of_others: object) -> Wrong:
    """An id of one kind, given by those of others."""
    return also(TEXT, ValueError=[*NO_SEGMENT, *of_others])


OWNER_ID = _id("app_1", "addon_1", "redis_1", "deployment_1")
APPLICATION_ID = _id("orga_1", "addon_1", "redis_1", "deployment_1")
DEPLOYMENT_ID = _id("orga_1", "app_1")
INSTANCE_ID = _id("orga_1", "app_1", "deployment_1")
REAL_ID = _id("orga_1", "app_1", "addon_1")
NAME = also(TEXT, ValueError=NO_SEGMENT)

IDS: dict[str, object] = {"owner_id": "orga_1", "application_id": "app_1"}
DEPLOYMENT: dict[str, object] = {**IDS, "deployment_id": "deployment_1"}
INVOICE: dict[str, object] = {"owner_id": "orga_1", "invoice_number": "F1"}
CHANGE = StoragePoliciesChange(retention=StoragePolicyChange(size_bytes=1))


def _group(name: str, right: dict[str, object] | None = None, /, **wrong: Wrong) -> Row:
    group, _, coroutine = name.partition(".")
    attribute = {"LoadBalancers": "load_balancers"}.get(group, group.lower())
    return method(name, attrgetter(f"{attribute}.{coroutine}"), right, **wrong)


WAITING: dict[str, Wrong] = {
    "owner_id": OWNER_ID,
    "application_id": APPLICATION_ID,
    "deployment_id": DEPLOYMENT_ID,
    "timeout": optional(DURATION),
    "poll_interval": DURATION,
    "startup_grace": DURATION_OR_ZERO,
}
DOWNLOAD: dict[str, Wrong] = {
    "owner_id": OWNER_ID,
    "invoice_number": NAME,
    "destination": {TypeError: [5, None, b"file", StringIO()], ValueError: ["", "/"]},
    "on_progress": optional(CALLBACK),
}

TABLE: list[Row] = [
    _group(
        "Deployments.get",
        DEPLOYMENT,
        owner_id=OWNER_ID,
        application_id=APPLICATION_ID,
        deployment_id=DEPLOYMENT_ID,
    ),
    _group("Deployments.wait", DEPLOYMENT, **WAITING),
    _group("Deployments.watch", DEPLOYMENT, **WAITING),
    _group(
        "Deployments.list",
        IDS,
        owner_id=OWNER_ID,
        application_id=APPLICATION_ID,
        query=instance({}, InstanceQuery()),
        missing_ok=FLAG,
    ),
    _group(
        "Instances.get",
        {**IDS, "instance_id": "5a9bd0a5-9a6f-4f0e-b7a5-d0b2e4d5f1c3"},
        owner_id=OWNER_ID,
        application_id=APPLICATION_ID,
        instance_id=INSTANCE_ID,
    ),
    _group(
        "Instances.list",
        IDS,
        owner_id=OWNER_ID,
        application_id=APPLICATION_ID,
        query=instance({}, DeploymentQuery()),
        missing_ok=FLAG,
    ),
    _group(
        "Invoices.list",
        {"owner_id": "orga_1"},
        owner_id=OWNER_ID,
        query=instance({}, DeploymentQuery()),
        missing_ok=FLAG,
    ),
    _group("Invoices.list_unpaid", {"owner_id": "orga_1"}, owner_id=OWNER_ID, missing_ok=FLAG),
    _group("Invoices.get", INVOICE, owner_id=OWNER_ID, invoice_number=NAME),
    _group("Invoices.get_html", INVOICE, owner_id=OWNER_ID, invoice_number=NAME),
    _group("Invoices.get_pdf", INVOICE, owner_id=OWNER_ID, invoice_number=NAME),
    _group("Invoices.download_html", {**INVOICE, "destination": "invoice.html"}, **DOWNLOAD),
    _group("Invoices.download_pdf", {**INVOICE, "destination": "invoice.pdf"}, **DOWNLOAD),
    _group(
        "LoadBalancers.list",
        {"owner_id": "orga_1", "resource_id": "app_1"},
        owner_id=OWNER_ID,
        resource_id=_id("orga_1", "redis_1", "deployment_1"),
        kind=one_of("public"),
        missing_ok=FLAG,
    ),
    _group("Owners.owner_of", resource_id=NAME),
    _group("Owners.find_application", {"id_or_name": "a"}, id_or_name=TEXT, owner=optional(TEXT)),
    _group("Owners.find_addon", {"id_or_name": "a"}, id_or_name=TEXT, owner=optional(TEXT)),
    _group("Owners.find_owner", id_or_name=TEXT),
    _group("Owners.addon_id", addon=NAME),
    _group("Owners.real_id", addon=NAME),
    _group("Pulsar.get_storage_policies", addon_id=REAL_ID),
    _group(
        "Pulsar.update_storage_policies",
        {"addon_id": "pulsar_1", "change": CHANGE},
        addon_id=REAL_ID,
        change=instance(None, {}, StoragePolicyChange()),
        units=optional(one_of("GB")),
    ),
    _group("Zones.list", owner_id=optional(OWNER_ID), tags=TEXTS),
    _group("Zones.get", {"name": "par"}, name=NAME, owner_id=optional(OWNER_ID)),
]


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    # Nothing listens there: what is not refused fails in another way.
    async with Session(ApiToken("token"), base_url="http://127.0.0.1:9", retry=None) as session:
        yield session


@pytest.mark.parametrize(("one", "argument", "value", "error"), cases(TABLE))
async def test_what_cannot_be_meant_is_refused(
    session: Session, one: Row, argument: str, value: object, error: type[Exception]
) -> None:
    """
    The error is of Python's own kind, names the argument and its value, and nothing is sent.
    """
    await check_refused(session, one, argument, value, error)


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
async def test_a_row_names_every_argument(session: Session, one: Row) -> None:
    """
    No argument is left out of a coroutine's row, so that a new one has its line here.
    """
    check_row(session, one)


async def test_a_wait_is_refused_at_its_call(session: Session) -> None:
    """
    Not when it is iterated: that may be elsewhere.
    """
    arguments: dict[str, Any] = {**DEPLOYMENT, "timeout": 30}
    with pytest.raises(TypeError, match=r"^timeout must be a timedelta, got 30"):
        session.deployments.watch(**arguments)
    assert session.deployments.watch(**{**arguments, "timeout": timedelta(seconds=30)})
