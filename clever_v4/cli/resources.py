"""
``clever-v4 instances`` and ``clever-v4 load-balancers``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .account import Account, find_addon, find_application
from .moments import Count, at_most, period
from .tables import Column, Format, show_list
from .terminal import Terminal, UsageError, usage

if TYPE_CHECKING:
    from clever_v4.api.instances import Instance
    from clever_v4.api.load_balancers import LoadBalancer

__all__ = ["instances", "load_balancers"]

INSTANCE_COLUMNS = (
    Column("ID"),
    Column("NAME", 4),
    Column("INDEX", 6, is_number=True),
    Column("FLAVOR", 2),
    Column("STATE"),
    Column("CREATED", 1),
    Column("DELETED", 3),
    Column("ADDRESS", 5),
    Column("BUILDS", 7),
    Column("DEPLOYMENT", 8),
)

LOAD_BALANCER_COLUMNS = (
    Column("NAME"),
    Column("ZONE", 1),
    Column("CNAME"),
    Column("ADDRESSES"),
    Column("ID", 2),
)


async def instances(
    application: str,
    /,
    *,
    deployment_id: str | None = None,
    limit: Count | None = None,
    exclude_deleted: bool | None = None,
    since: str | None = None,
    until: str | None = None,
    order: Literal["ASC", "DESC"] | None = None,
    include_state: tuple[str, ...] = (),
    exclude_state: tuple[str, ...] = (),
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    List the instances of an application.

    Args:
        application: By id or by a name that only one has.
        deployment_id: Only those of this deployment. Without it: of all.
        limit: How many at most, up to 1000. Without it: as many as the API gives.
        exclude_deleted: Leave out those that are gone. Without it: as the API has it.
        since: Not older than this: a date (ISO 8601; local time without an offset) or that long ago
            (2d). Without it: of any age.
        until: Not newer than this, likewise. Without it: up to now.
        order: By creation date: ASC or DESC. Without it: as the API has them.
        include_state: Only those in this state (UP, DELETED, ...); repeatable. Without it: in any.
        exclude_state: Not those in this state; repeatable. Without it: none is left out.
        format: human or json.
    """
    from clever_v4.api.instances import InstanceQuery
    from clever_v4.wire.choices import Order

    with usage():
        begin, end = period(since, until, now=datetime.now(UTC))
        query = InstanceQuery(
            deployment_id=deployment_id,
            limit=at_most("--limit", limit, 1000),
            exclude_deleted=exclude_deleted,
            since=begin,
            until=end,
            order=None if order is None else Order(order),
            include_states=include_state,
            exclude_states=exclude_state,
        )
    async with account.session() as session:
        target = await find_application(session, account, application)
        with usage():
            found = await session.instances.list(target.owner_id, target.id, query)
    nothing = f"no such instances of {target.name}"
    await show_list(
        terminal, format, found, INSTANCE_COLUMNS, _instance_row, nothing=nothing, state="STATE"
    )


def _instance_row(one: Instance) -> tuple[object, ...]:
    return (
        one.id,
        one.name,
        one.index,
        one.flavor,
        one.state,
        one.creation_date,
        one.deletion_date,
        f"{one.network.ip}:{one.network.port}" if one.network else None,
        one.is_build_vm,
        one.deployment_id,
    )


async def load_balancers(
    application: str | None = None,
    /,
    *,
    addon: str | None = None,
    kind: Literal["default", "private"] = "default",
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    List the load balancers of an application or add-on: where its domains have to point to.

    Args:
        application: By id or by a name that only one has.
        addon: An add-on instead, likewise. Without it: APPLICATION.
        kind: default, which all applications of the zone share, or private.
        format: human or json.
    """
    if application is not None and addon is not None:
        raise UsageError(
            f"name APPLICATION or --addon, not both, got {application!r} and {addon!r}"
        )
    if application is None and addon is None:
        raise UsageError("name an application, or an add-on with --addon")
    async with account.session() as session:
        if addon is not None:
            target = await find_addon(session, account, addon)
            found = await session.load_balancers.list(target.owner_id, target.id, kind)
        else:
            target = await find_application(session, account, application or "")
            with usage():
                found = await session.load_balancers.list(target.owner_id, target.id, kind)
    nothing = f"no {kind} load balancers of {target.name}"
    await show_list(
        terminal, format, found, LOAD_BALANCER_COLUMNS, _load_balancer_row, nothing=nothing
    )


def _load_balancer_row(one: LoadBalancer) -> tuple[object, ...]:
    return (
        one.name,
        one.zone_id,
        one.dns.cname if one.dns else None,
        one.dns.a if one.dns else (),
        one.id,
    )
