"""
Zones: where applications and add-ons can run.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence

import attrs

from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.transport.client import Client
from clever_v4.transport.resources import get_one
from clever_v4.wire.ids import IdKind, check_id
from clever_v4.wire.names import wire
from clever_v4.wire.paths import check_path_segment
from clever_v4.wire.query import check_strings, to_pairs

__all__ = ["Zone", "Zones"]

_PATH = ("v4", "products", "zones")


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Zone:
    """
    A place where applications and add-ons run.

    Attributes:
        name: What the rest of the API calls it, such as ``par``.
        id: A UUID.
        country: Its name in English.
        country_code: ISO 3166-1 alpha-2, nearly always in capitals.
        city: The town.
        display_name: Private zones have one.
        lat: Degrees north.
        lon: Degrees east.
        outbound_ips: Networks (CIDR) that its traffic comes from; empty when it is not known.
        tags: Such as ``for:applications``, ``region:eu``, ``certification:hds``,
            ``scope:private``.
    """

    name: str
    id: str | None = None
    country: str | None = None
    country_code: str | None = None
    city: str | None = None
    display_name: str | None = None
    lat: float | None = None
    lon: float | None = None
    outbound_ips: tuple[str, ...] = attrs.field(default=(), metadata=wire("outboundIPs"))
    tags: tuple[str, ...] = ()


class Zones:
    """
    ``session.zones``: works without credentials, too.

    Every coroutine may raise these; each tells only what is special to it.

    Raises:
        ValueError: An id cannot stand in a path, or is known to be of another kind.
        TypeError: An argument is of another type.
        APIError: The API refused.
        TransportError: There was no usable answer.
        ResponseFormatError: The answer does not fit its model.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list(
        self, *, owner_id: str | None = None, tags: Sequence[str] = ()
    ) -> builtins.list[Zone]:
        """
        List the zones.

        Args:
            owner_id: Also those that are private to this owner (needs
                credentials). None: the public ones.
            tags: Only zones with these (no source says whether all or one of
                them is needed).

        Raises:
            ValueError: *owner_id* or a tag is empty.

        Source: ``GET /v4/products/zones``; ``ownerId`` and ``tag`` stand in the
        official Go SDK (services/zone/options.go) and documentation of 2026.
        """
        return await self._client.get(_PATH, builtins.list[Zone], query=_query(owner_id, tags))

    async def get(self, name: str, *, owner_id: str | None = None) -> Zone:
        """
        Get one zone.

        Args:
            name: Its name, such as ``par``.
            owner_id: Whose private zones count, too.

        Raises:
            NotFoundError: There is no such zone.

        Source: ``GET /v4/products/zones/{name}``.
        """
        check_path_segment("name", name)
        return await get_one(self._client, (*_PATH, name), Zone, query=_query(owner_id, ()))


def _query(owner_id: str | None, tags: Sequence[str]) -> builtins.list[tuple[str, str]]:
    if owner_id is not None:
        check_id("owner_id", owner_id, IdKind.OWNER)
    return to_pairs({"ownerId": owner_id, "tag": check_strings("tags", tags)})
