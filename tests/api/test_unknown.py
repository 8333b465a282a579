"""
Ids that are of nothing, or of something else: what the lists make of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from clever_v4.emulator import Emulator
from clever_v4.errors import NotFoundError
from clever_v4.session import Session

UUID = "01234567-89ab-4def-8123-456789abcdef"
OWNER, APPLICATION, ADDON, REAL, DEPLOYMENT = (
    f"{prefix}_{UUID}" for prefix in ("orga", "app", "addon", "postgresql", "deployment")
)

Call = Callable[[Session, dict[str, str]], Any]

LISTS: dict[str, Callable[..., Awaitable[list[Any]]]] = {
    "deployments": lambda s, **k: s.deployments.list(OWNER, APPLICATION, **k),
    "instances": lambda s, **k: s.instances.list(OWNER, APPLICATION, **k),
    "invoices": lambda s, **k: s.invoices.list(OWNER, **k),
    "unpaid invoices": lambda s, **k: s.invoices.list_unpaid(OWNER, **k),
    "load balancers": lambda s, **k: s.load_balancers.list(OWNER, APPLICATION, **k),
    "load balancers of an add-on": lambda s, **k: s.load_balancers.list(OWNER, ADDON, **k),
}

CALLS: dict[str, tuple[dict[str, str], Call]] = {
    "deployments.list": (
        {"owner_id": OWNER, "application_id": APPLICATION},
        lambda s, k: s.deployments.list(**k),
    ),
    "deployments.get": (
        {"owner_id": OWNER, "application_id": APPLICATION, "deployment_id": DEPLOYMENT},
        lambda s, k: s.deployments.get(**k),
    ),
    "deployments.wait": (
        {"owner_id": OWNER, "application_id": APPLICATION, "deployment_id": DEPLOYMENT},
        lambda s, k: s.deployments.wait(**k),
    ),
    "instances.list": (
        {"owner_id": OWNER, "application_id": APPLICATION},
        lambda s, k: s.instances.list(**k),
    ),
    "instances.get": (
        {"owner_id": OWNER, "application_id": APPLICATION, "instance_id": UUID},
        lambda s, k: s.instances.get(**k),
    ),
    "invoices.list": ({"owner_id": OWNER}, lambda s, k: s.invoices.list(**k)),
    "invoices.list_unpaid": (
        {"owner_id": OWNER},
        lambda s, k: s.invoices.list_unpaid(**k),
    ),
    "invoices.get": (
        {"owner_id": OWNER},
        lambda s, k: s.invoices.get(invoice_number="F1", **k),
    ),
    "load_balancers.list": (
        {"owner_id": OWNER, "resource_id": APPLICATION},
        lambda s, k: s.load_balancers.list(**k),
    ),
    "zones.list": ({"owner_id": OWNER}, lambda s, k: s.zones.list(**k)),
    "zones.get": ({"owner_id": OWNER}, lambda s, k: s.zones.get("par", **k)),
    "pulsar.get_storage_policies": (
        {"addon_id": REAL},
        lambda s, k: s.pulsar.get_storage_policies(**k),
    ),
    "logs.stream": (
        {"owner_id": OWNER, "application_id": APPLICATION},
        lambda s, k: s.logs.stream(**k),
    ),
    "logs.addon_stream": (
        {"owner_id": OWNER, "addon_id": REAL},
        lambda s, k: s.logs.addon_stream(**k),
    ),
    "logs.access_stream": (
        {"owner_id": OWNER, "resource_id": APPLICATION},
        lambda s, k: s.logs.access_stream(**k),
    ),
}

WRONG = {
    "owner_id": (APPLICATION, ADDON, REAL, DEPLOYMENT),
    "application_id": (OWNER, ADDON, REAL, DEPLOYMENT),
    "addon_id": (OWNER, APPLICATION, DEPLOYMENT),
    "deployment_id": (OWNER, APPLICATION, ADDON, REAL),
    "instance_id": (OWNER, APPLICATION, ADDON, REAL, DEPLOYMENT),
    "resource_id": (OWNER, DEPLOYMENT),
}


@pytest.mark.parametrize("name", LISTS)
async def test_what_is_not_found_is_empty_or_an_error(
    emulator: Emulator, session: Session, name: str
) -> None:
    """
    A list of something that is not there is empty, and with ``missing_ok=False`` an error.
    """
    ask = LISTS[name]
    assert await ask(session) == []
    with pytest.raises(NotFoundError):
        await ask(session, missing_ok=False)


@pytest.mark.parametrize(
    ("name", "argument", "wrong"),
    [
        (name, argument, wrong)
        for name, (arguments, _) in CALLS.items()
        for argument in arguments
        for wrong in WRONG[argument]
    ],
)
async def test_an_id_of_another_kind_is_refused_by_all(
    session: Session, name: str, argument: str, wrong: str
) -> None:
    """
    An application's id for an owner, and so on: refused by name, and nothing is asked.
    """
    arguments, call = CALLS[name]
    with pytest.raises(ValueError, match=f"(?s)(the id of|real id).*{wrong}"):
        await call(session, arguments | {argument: wrong})


async def test_an_id_of_no_known_kind_is_the_apis_to_judge(session: Session) -> None:
    """
    What an id looks like may change: only a prefix that is known to be wrong is refused.
    """
    assert await session.deployments.list("tenant_1", "application") == []
