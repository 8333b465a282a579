"""
Load balancers over the emulator and over canned answers.
"""

from __future__ import annotations

import pytest

from clever_v4.api.load_balancers import LoadBalancerKind
from clever_v4.emulator import Emulator
from clever_v4.errors import NotFoundError, PermissionDeniedError
from clever_v4.session import Session
from tests.api.canned import Canned


async def test_default_ones_of_applications_and_addons(
    emulator: Emulator, session: Session
) -> None:
    """
    What runs in one zone enters by the same default load balancer.
    """
    application, addon = emulator.add_application("shop"), emulator.add_addon("db")
    (balancer,) = await session.load_balancers.list(emulator.owner_id, application.id)
    assert balancer.name == "par"
    assert balancer.dns is not None
    assert balancer.dns.cname == "domain.par.clever-cloud.com."
    assert len(balancer.dns.a) == 3
    assert await session.load_balancers.list(emulator.owner_id, addon.id) == [balancer]


async def test_private_ones_may_be_none_at_all(emulator: Emulator, session: Session) -> None:
    """
    A private load balancer is there or not, by the zone.
    """
    without = emulator.add_application("shop")
    having = emulator.add_application("shop-eu", zone="rbx")
    addon = emulator.add_addon("db", zone="rbx")
    balancers = session.load_balancers
    owner = emulator.owner_id
    assert await balancers.list(owner, without.id, LoadBalancerKind.PRIVATE) == []
    (private,) = await balancers.list(owner, having.id, "private")
    assert private.name == "private-rbx"
    assert await balancers.list(owner, addon.id, "private") == [private]


async def test_not_found_is_none_at_all(canned: Canned, canned_session: Session) -> None:
    """
    The official client takes a 404 for no load balancer; other refusals are errors.
    """
    canned.answer("{}", status=404)
    canned.answer("{}", status=403)
    assert await canned_session.load_balancers.list("o", "a") == []
    with pytest.raises(PermissionDeniedError):
        await canned_session.load_balancers.list("o", "a")


async def test_nonsense_is_refused_by_its_name(session: Session) -> None:
    """
    An unknown kind and ids that would change the path.
    """
    with pytest.raises(ValueError, match="kind must be one of default, private, got 'public'"):
        await session.load_balancers.list("o", "a", "public")
    with pytest.raises(ValueError, match="resource_id"):
        await session.load_balancers.list("o", "")
    with pytest.raises(ValueError, match="resource_id"):
        await session.load_balancers.list("o", "..")


async def test_dns_may_be_absent(canned: Canned, canned_session: Session) -> None:
    """
    Only the id is needed.
    """
    canned.answer('[{"id": "x", "dns": {"cname": null, "a": null}}, {"id": "y"}]')
    first, second = await canned_session.load_balancers.list("o", "a")
    assert first.dns is not None
    assert first.dns.a == ()
    assert second.dns is None


async def test_another_owners_are_not_shown(emulator: Emulator, session: Session) -> None:
    """
    The emulator answers 404 for an application of somebody else, which is an empty list here.
    """
    application = emulator.add_application("mine")
    assert await session.load_balancers.list(emulator.user_id, application.id) == []
    with pytest.raises(NotFoundError):
        await session.deployments.get(emulator.user_id, application.id, "d")
