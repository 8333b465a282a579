"""
The storage policies on the wire, in either unit: read both, write the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

import attrs

from clever_v4.errors import ResponseFormatError
from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.transport.responses import Response
from clever_v4.wire.names import Unset, wire

from .models import (
    PulsarUnits,
    StoragePolicies,
    StoragePoliciesChange,
    StoragePolicy,
    StoragePolicyChange,
)

BYTES_PER_MEGABYTE: Final = 10**6

_POLICIES: Final = ("retentionPolicies", "offloadPolicies")
_NAMES: Final[Mapping[PulsarUnits, tuple[str, str]]] = {
    PulsarUnits.BYTES_AND_MINUTES: ("sizeInBytes", "durationInMinutes"),
    PulsarUnits.MEGABYTES_AND_DAYS: ("sizeInMB", "durationInDays"),
}
_SIZE_UNIT: Final[Mapping[PulsarUnits, int]] = {
    PulsarUnits.BYTES_AND_MINUTES: 1,
    PulsarUnits.MEGABYTES_AND_DAYS: BYTES_PER_MEGABYTE,
}
_DURATION_UNIT: Final[Mapping[PulsarUnits, timedelta]] = {
    PulsarUnits.BYTES_AND_MINUTES: timedelta(minutes=1),
    PulsarUnits.MEGABYTES_AND_DAYS: timedelta(days=1),
}


@known_to_pydantic
@attrs.frozen(kw_only=True)
class _Policy:
    """
    One policy as the server sends it, with the members of both units.
    """

    size_in_bytes: Decimal | None = None
    duration_in_minutes: Decimal | None = None
    size_in_mb: Decimal | None = attrs.field(default=None, metadata=wire("sizeInMB"))
    duration_in_days: Decimal | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class _Policies:
    retention_policies: _Policy | None = None
    offload_policies: _Policy | None = None


def policies_from(response: Response) -> StoragePolicies:
    """
    Read the policies in either unit.

    Raises:
        ResponseFormatError: The body is something else, or a number is out of bounds.
    """
    sent = response.json(_Policies)
    return StoragePolicies(
        retention=_policy(sent.retention_policies, "retentionPolicies", response.request_id),
        offload=_policy(sent.offload_policies, "offloadPolicies", response.request_id),
        units=_units_of(response),
    )


def whole_policies_from(response: Response) -> StoragePolicies | None:
    """
    Read a body that shows both policies; None for nothing, another shape, or a part.
    """
    try:
        body = response.json(dict)
        return policies_from(response) if body.keys() >= set(_POLICIES) else None
    except ResponseFormatError:
        return None


def body_for(change: StoragePoliciesChange, units: PulsarUnits) -> dict[str, object]:
    """
    Write a change in one of the units.

    Raises:
        ValueError: A value cannot be expressed exactly in them.
    """
    body: dict[str, object] = {}
    for name, wire_name in zip(("retention", "offload"), _POLICIES, strict=True):
        policy: StoragePolicyChange | Unset | None = getattr(change, name)
        if policy is None:
            body[wire_name] = None
        elif not isinstance(policy, Unset):
            body[wire_name] = _members(name, policy, units)
    return body


def _members(name: str, policy: StoragePolicyChange, units: PulsarUnits) -> dict[str, int | None]:
    size_name, duration_name = _NAMES[units]
    members: dict[str, int | None] = {}
    if policy.size_bytes is None:
        members[size_name] = None
    elif isinstance(policy.size_bytes, int):
        members[size_name], rest = divmod(policy.size_bytes, _SIZE_UNIT[units])
        if rest:
            raise ValueError(
                f"{name}.size_bytes must be a multiple of {_SIZE_UNIT[units]:,}, "
                f"since the server counts in megabytes, got {policy.size_bytes!r}"
            )
    if policy.duration is None:
        members[duration_name] = None
    elif isinstance(policy.duration, timedelta):
        members[duration_name], remainder = divmod(policy.duration, _DURATION_UNIT[units])
        if remainder:
            word = "minutes" if units is PulsarUnits.BYTES_AND_MINUTES else "days"
            raise ValueError(
                f"{name}.duration must be whole {word}, "
                f"since the server counts in {word}, got {policy.duration!r}"
            )
    return members


def _units_of(response: Response) -> PulsarUnits | None:
    body = response.json(dict)
    members = {
        member
        for name in _POLICIES
        if isinstance(policy := body.get(name), Mapping)
        for member in policy
    }
    # A server that sends both is one that is leaving the older unit behind.
    return next((units for units in PulsarUnits if members & set(_NAMES[units])), None)


def _policy(sent: _Policy | None, name: str, request_id: str | None) -> StoragePolicy:
    if sent is None:
        return StoragePolicy()
    path = f"$.{name}"
    size, size_path, size_unit = sent.size_in_bytes, f"{path}.sizeInBytes", 1
    if size is None:
        size, size_path, size_unit = sent.size_in_mb, f"{path}.sizeInMB", BYTES_PER_MEGABYTE
    duration, duration_path = sent.duration_in_minutes, f"{path}.durationInMinutes"
    duration_unit = timedelta(minutes=1)
    if duration is None:
        duration, duration_path = sent.duration_in_days, f"{path}.durationInDays"
        duration_unit = timedelta(days=1)
    size_bytes = _limit(size, size_path, size_unit, 2**63, request_id)
    microseconds_per_unit = duration_unit // timedelta(microseconds=1)
    most = timedelta.max // timedelta(microseconds=1)
    microseconds = _limit(duration, duration_path, microseconds_per_unit, most, request_id)
    return StoragePolicy(
        size_bytes=size_bytes,
        duration=None if microseconds is None else timedelta(microseconds=microseconds),
    )


def _limit(
    value: Decimal | None, path: str, unit: int, most: int, request_id: str | None
) -> int | None:
    """
    Take a number of the wire to whole small units; a negative one is without limit.
    """
    if value is None or value < 0:
        return None
    # Compared before it is multiplied: an exponent of a billion is a number, too.
    if value > most // unit:
        raise ResponseFormatError(
            f"the answer does not fit StoragePolicies: {value} is too large @ {path}",
            paths=(path,),
            request_id=request_id,
        )
    return int(value * unit)
