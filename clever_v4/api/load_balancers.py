"""
Load balancers: where the traffic of an application or add-on enters.
"""

from __future__ import annotations

import builtins
import enum

import attrs

from clever_v4.transport.client import Client
from clever_v4.transport.resources import get_list
from clever_v4.wire.ids import IdKind, check_id
from clever_v4.wire.names import wire_style


class LoadBalancerKind(enum.StrEnum):
    """
    Which load balancers to ask for.
    """

    DEFAULT = "default"
    """Those that every application of the zone shares."""
    PRIVATE = "private"
    """Those of the organisation alone; often there are none."""


@wire_style("camel")
@attrs.frozen(kw_only=True)
class LoadBalancerDns:
    """
    What the DNS of a domain has to point to: the CNAME, or the addresses.
    """

    cname: str | None = None
    a: tuple[str, ...] = ()
    """IP addresses for A records, where a CNAME is not possible."""


@wire_style("camel")
@attrs.frozen(kw_only=True)
class LoadBalancer:
    """
    A load balancer of an application or add-on.
    """

    id: str
    name: str | None = None
    """Named after its zone, such as ``par``."""
    zone_id: str | None = None
    dns: LoadBalancerDns | None = None


class LoadBalancers:
    """
    ``session.load_balancers``: the load balancers of applications and add-ons.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list_for_addon(
        self,
        owner_id: str,
        addon_id: str,
        kind: LoadBalancerKind | str = LoadBalancerKind.DEFAULT,
        *,
        missing_ok: bool = True,
    ) -> builtins.list[LoadBalancer]:
        """
        List the load balancers of an add-on.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            addon_id: The marketplace id ``addon_…``, not the real id
                (``postgresql_…``).
            kind: ``default`` or ``private``.
            missing_ok: Whether a 404 gives an empty list. The API answers it for
                a mistyped id and for one that has none alike; False raises it.

        Returns:
            Empty when there are none, also where the server answers 404, as
            the official client has it.

        Raises:
            ValueError: An id cannot stand in a path, or the kind is unknown.
            NotFoundError: The server answers 404, and *missing_ok* is False.
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer does not fit.

        Source: ``GET /v4/load-balancers/organisations/{ownerId}/addons/{addonId}/load-balancers/{kind}``,
        not in the reference (CleverCloud/clever-client.js,
        get-load-balancer-info-command.ts).
        """
        check_id("addon_id", addon_id, IdKind.ADDON)
        return await self._list(owner_id, ("addons", addon_id), kind, missing_ok=missing_ok)

    async def list(
        self,
        owner_id: str,
        application_id: str,
        kind: LoadBalancerKind | str = LoadBalancerKind.DEFAULT,
        *,
        missing_ok: bool = True,
    ) -> builtins.list[LoadBalancer]:
        """
        List the load balancers of an application.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            application_id: ``app_…``.
            kind: ``default`` (the reference knows this one only) or
                ``private`` (clever-client.js), of which there often are none.
            missing_ok: Whether a 404 gives an empty list. The API answers it for
                a mistyped id and for one that has none alike; False raises it.

        Returns:
            Empty when there are none, also where the server answers 404, as
            the official client has it.

        Raises:
            ValueError: An id cannot stand in a path, or the kind is unknown.
            NotFoundError: The server answers 404, and *missing_ok* is False.
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer does not fit.

        Source: ``GET /v4/load-balancers/organisations/{ownerId}/applications/{applicationId}/load-balancers/{kind}``.
        """
        check_id("application_id", application_id, IdKind.APPLICATION)
        return await self._list(
            owner_id, ("applications", application_id), kind, missing_ok=missing_ok
        )

    async def _list(
        self,
        owner_id: str,
        resource: tuple[str, str],
        kind: LoadBalancerKind | str,
        *,
        missing_ok: bool,
    ) -> builtins.list[LoadBalancer]:
        check_id("owner_id", owner_id, IdKind.OWNER)
        try:
            kind = LoadBalancerKind(kind)
        except ValueError:
            raise ValueError(f"kind must be 'default' or 'private', got {kind!r}") from None
        path = (
            "v4",
            "load-balancers",
            "organisations",
            owner_id,
            *resource,
            "load-balancers",
            kind.value,
        )
        return await get_list(self._client, path, LoadBalancer, missing_ok=missing_ok)
