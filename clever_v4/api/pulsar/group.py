"""
``session.pulsar``: the storage policies of Pulsar add-ons.
"""

from __future__ import annotations

from typing import Final

from clever_v4.errors import BadRequestError
from clever_v4.transport.client import Client
from clever_v4.validators import check_choice, check_instance
from clever_v4.wire.ids import IdKind, check_id

from .models import PulsarUnits, StoragePolicies, StoragePoliciesChange
from .units import body_for, policies_from, whole_policies_from

_REMEMBERED_LIMIT: Final = 10_000
"""Of so many add-ons the units are remembered; then it begins anew."""


class Pulsar:
    """
    ``session.pulsar``: the storage policies of Pulsar add-ons.

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
        self._units: dict[str, PulsarUnits] = {}

    async def get_storage_policies(self, addon_id: str) -> StoragePolicies:
        """
        Get how long an add-on keeps its messages, and where.

        Args:
            addon_id: The real id ``pulsar_…``, not ``addon_…``.

        Raises:
            NotFoundError: There is no such add-on.

        Source: ``GET /v4/addon-providers/addon-pulsar/addons/{addonId}/storage-policies``.
        The reference speaks of megabytes and days, newer sources (the
        documentation and the Go SDK of 2026) of bytes and minutes and of
        negative numbers as no limit; either is read.
        """
        response = await self._client.request("GET", _path(addon_id))
        policies = policies_from(response)
        self._remember(addon_id, policies.units)
        return policies

    async def update_storage_policies(
        self,
        addon_id: str,
        change: StoragePoliciesChange,
        *,
        units: PulsarUnits | str | None = None,
    ) -> StoragePolicies:
        """
        Change how long an add-on keeps its messages, and where.

        Args:
            addon_id: The real id ``pulsar_…``, not ``addon_…``.
            change: What to change; what is ``UNSET`` in it is not sent, None
                is sent as null, which takes a limit away.
            units: In which units to write. None: in those that the server
                answered with (it is asked first, once per add-on, and again
                when it refuses what was remembered), and in bytes and minutes
                where its answer named none. Should the server's answer to the
                change then turn out to be in the other units, the change is
                sent once more in those.

        Returns:
            The policies as they are now.

        Raises:
            ValueError: The id cannot stand in a path, the units are unknown,
                or a value cannot be expressed exactly in the units: whole
                megabytes (1,000,000 bytes) and days, or whole minutes.
            TypeError: *change* is of another type.
            NotFoundError: There is no such add-on.
            APIError: The API refused. With an API token it might refuse the
                method, which no source shows to be passed on.

        Source: ``PATCH /v4/addon-providers/addon-pulsar/addons/{addonId}/storage-policies``;
        its answer is not settled by the sources, so that whatever is not the
        policies is followed by another ``GET``.
        """
        path = _path(addon_id)
        check_instance("change", change, StoragePoliciesChange)
        if units is not None:
            return await self._patch(addon_id, path, change, _checked_units(units))
        remembered = self._units.get(addon_id)
        if remembered is not None:
            try:
                return await self._write(addon_id, path, change, remembered)
            except (BadRequestError, ValueError):
                # The server may have gone over to the newer units since.
                current = (await self.get_storage_policies(addon_id)).units
                if current in (None, remembered):
                    raise
        else:
            current = (await self.get_storage_policies(addon_id)).units
        written = current or PulsarUnits.BYTES_AND_MINUTES
        return await self._write(addon_id, path, change, written)

    async def _write(
        self,
        addon_id: str,
        path: tuple[str, ...],
        change: StoragePoliciesChange,
        units: PulsarUnits,
    ) -> StoragePolicies:
        policies = await self._patch(addon_id, path, change, units)
        if policies.units in (None, units):
            return policies
        # It was written in units that the server has no members for, and maybe ignored.
        return await self._patch(addon_id, path, change, policies.units)

    async def _patch(
        self,
        addon_id: str,
        path: tuple[str, ...],
        change: StoragePoliciesChange,
        units: PulsarUnits,
    ) -> StoragePolicies:
        # It sets values and does not add to them, so sending it twice does no harm.
        response = await self._client.request(
            "PATCH", path, json=body_for(change, units), idempotent=True
        )
        policies = whole_policies_from(response)
        if policies is None:
            return await self.get_storage_policies(addon_id)
        self._remember(addon_id, policies.units)
        return policies

    def _remember(self, addon_id: str, units: PulsarUnits | None) -> None:
        if units is None:
            return
        if len(self._units) >= _REMEMBERED_LIMIT:
            self._units.clear()
        self._units[addon_id] = units


def _checked_units(units: PulsarUnits | str) -> PulsarUnits:
    check_choice("units", units, PulsarUnits)
    return PulsarUnits(units)


def _path(addon_id: str) -> tuple[str, ...]:
    check_id("addon_id", addon_id, IdKind.REAL)
    return (
        "v4",
        "addon-providers",
        "addon-pulsar",
        "addons",
        addon_id,
        "storage-policies",
    )
