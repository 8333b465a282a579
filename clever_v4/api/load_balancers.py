"""
Load balancers: where the traffic of an application or add-on enters.
"""

from __future__ import annotations

import builtins
import enum

import attrs

from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.transport.client import Client
from clever_v4.transport.resources import get_list
from clever_v4.validators import check_choice
from clever_v4.wire.ids import IdKind, check_id


class LoadBalancerKind(enum.StrEnum):
    """
    Which load balancers to ask for.

    Attributes:
        DEFAULT: Those that every application of the zone shares.
        PRIVATE: Those of the organisation alone; often there are none.
    """

    DEFAULT = "default"
    PRIVATE = "private"


@known_to_pydantic
@attrs.frozen(kw_only=True)
class LoadBalancerDns:
    """
    What the DNS of a domain has to point to: the CNAME, or the addresses.

    Attributes:
        cname: The name for a ``CNAME`` record.
        a: IP addresses for A records, where a CNAME is not possible.
    """

    cname: str | None = None
    a: tuple[str, ...] = ()


@known_to_pydantic
@attrs.frozen(kw_only=True)
class LoadBalancer:
    """
    A load balancer of an application or add-on.

    Attributes:
        id: The load balancer's id.
        name: Named after its zone, such as ``par``.
        zone_id: The zone that it stands in.
        dns: What to point a domain at.
    """

    id: str
    name: str | None = None
    zone_id: str | None = None
    dns: LoadBalancerDns | None = None


class LoadBalancers:
    """
    ``session.load_balancers``: the load balancers of applications and add-ons.

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
        self,
        owner_id: str,
        resource_id: str,
        kind: LoadBalancerKind | str = LoadBalancerKind.DEFAULT,
        *,
        missing_ok: bool = True,
    ) -> builtins.list[LoadBalancer]:
        """
        List the load balancers of an application or an add-on.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            resource_id: ``app_…``, or the marketplace id ``addon_…`` of an
                add-on, not its real id (``postgresql_…``).
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

        Source: ``GET /v4/load-balancers/organisations/{ownerId}/applications/{applicationId}/load-balancers/{kind}``;
        for add-ons ``…/addons/{addonId}/load-balancers/{kind}``, not in the
        reference (CleverCloud/clever-client.js, get-load-balancer-info-command.ts).
        """
        check_id("owner_id", owner_id, IdKind.OWNER)
        check_id("resource_id", resource_id, IdKind.APPLICATION, IdKind.ADDON)
        check_choice("kind", kind, LoadBalancerKind)
        path = (
            "v4",
            "load-balancers",
            "organisations",
            owner_id,
            "addons" if resource_id.startswith("addon_") else "applications",
            resource_id,
            "load-balancers",
            LoadBalancerKind(kind).value,
        )
        return await get_list(self._client, path, LoadBalancer, missing_ok=missing_ok)
