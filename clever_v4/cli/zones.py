"""
``clever-v4 zones``: where applications and add-ons can run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .account import Account, find_owner
from .tables import Column, Format, print_json, print_table
from .terminal import Terminal, usage

if TYPE_CHECKING:
    from clever_v4.api.products import Zone

__all__ = ["COLUMNS", "row", "zones"]

COLUMNS = (
    Column("NAME"),
    Column("CITY"),
    Column("COUNTRY", 2),
    Column("OUTBOUND IPS", 3),
    Column("TAGS", 4),
)


def row(zone: Zone) -> tuple[object, ...]:
    """
    Give the values of the columns.
    """
    return (
        zone.name,
        zone.city or zone.display_name,
        zone.country or zone.country_code,
        zone.outbound_ips,
        zone.tags,
    )


async def zones(
    name: str | None = None,
    /,
    *,
    tag: tuple[str, ...] = (),
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    List the zones, or show one; needs no credentials.

    Args:
        name: Only this zone.
        tag: Only zones with this tag; repeatable.
        format: human or json.
    """
    async with account.session(needs_credentials=False) as session:
        owner_id = None if account.owner is None else await find_owner(session, account)
        with usage():
            if name is not None:
                zone = await session.zones.get(name, owner_id=owner_id)
                if format == "json":
                    await print_json(terminal, zone)
                    return
                found = [zone]
            else:
                found = await session.zones.list(owner_id=owner_id, tags=tag)
    if format == "json":
        await print_json(terminal, found)
    else:
        await print_table(terminal, COLUMNS, map(row, found), nothing="no such zones")
