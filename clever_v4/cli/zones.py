"""
``clever-v4 zones``: where applications and add-ons can run.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from clever_v4.errors import AuthenticationError, NotFoundError

from .account import Account, UnknownNameError, find_owner, offer
from .tables import Column, Format, print_table, show
from .terminal import Terminal, UsageError, usage

if TYPE_CHECKING:
    from clever_v4.api.zones import Zone
    from clever_v4.session import Session

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


async def _find(session: Session, name: str, owner_id: str | None) -> Zone:
    try:
        return await session.zones.get(name, owner_id=owner_id)
    except NotFoundError:
        names = [zone.name for zone in await session.zones.list(owner_id=owner_id)]
        raise UnknownNameError(f"there is no zone {name!r}; {offer(name, names)}") from None


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
        name: Only this zone. Without it: all.
        tag: Only zones with this tag; repeatable. Without it: with any.
        format: human or json.
    """
    if name is not None and tag:
        raise UsageError("name a zone or --tag, not both")
    try:
        found = await _read(account.session(needs_credentials=False), account, name, tag)
    except AuthenticationError as exc:
        if account.owner is not None:
            raise
        of = f" of {exc.credentials_source}" if exc.credentials_source else ""
        terminal.tell(f"clever-v4: the credentials{of} were refused; zones need none", code="33")
        found = await _read(account.session_without_credentials(), account, name, tag)
    table = partial(print_table, terminal, COLUMNS, map(row, found), nothing="no such zones")
    await show(terminal, format, found if name is None else found[0], table)


async def _read(
    session: Session, account: Account, name: str | None, tags: tuple[str, ...]
) -> list[Zone]:
    async with session:
        owner_id = None if account.owner is None else await find_owner(session, account)
        with usage():
            if name is not None:
                return [await _find(session, name, owner_id)]
            return list(await session.zones.list(owner_id=owner_id, tags=tags))
