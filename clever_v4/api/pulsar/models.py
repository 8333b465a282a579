"""
The storage policies of a Pulsar add-on as Python has them: bytes, timedeltas, None for no limit.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs

from clever_v4.pydantic_schema import known_to_pydantic
from clever_v4.validators import (
    check_duration,
    check_instance,
    check_whole_number,
    field,
    shown,
)
from clever_v4.wire.names import UNSET, Unset


class PulsarUnits(enum.StrEnum):
    """
    In which units the server speaks of storage policies.

    Attributes:
        BYTES_AND_MINUTES: ``sizeInBytes``, ``durationInMinutes``: the documentation and Go SDK
            of 2026.
        MEGABYTES_AND_DAYS: ``sizeInMB``, ``durationInDays``: the reference up to 2025. A
            megabyte is taken as 1,000,000 bytes; no source says whether it is that or
            1,048,576.
    """

    BYTES_AND_MINUTES = "bytes"
    MEGABYTES_AND_DAYS = "megabytes"


@known_to_pydantic
@attrs.frozen(kw_only=True)
class StoragePolicy:
    """
    How much is kept, and for how long.

    Attributes:
        size_bytes: None: without limit.
        duration: None: without limit.
    """

    size_bytes: int | None = None
    duration: timedelta | None = None

    @property
    def is_unlimited(self) -> bool:
        """
        There is neither a limit of size nor of time.
        """
        return self.size_bytes is None and self.duration is None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class StoragePolicies:
    """
    What a Pulsar add-on keeps, and what it moves to cold storage.

    Attributes:
        retention: How long messages are kept. Without limits: for ever.
        offload: How long messages stay on fast storage before they move to object storage.
            Without limits: they are never moved.
        units: The units that the server answered with; None when its answer named none.
    """

    retention: StoragePolicy = StoragePolicy()
    offload: StoragePolicy = StoragePolicy()
    units: PulsarUnits | None = None


def _unless_unset(check: Callable[..., None], **bounds: Any) -> Any:
    """
    A check of what is neither UNSET, which is not sent, nor None, which is sent as null.
    """
    validate = field(check, optional=True, **bounds)

    def validate_given(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is not UNSET:
            validate(instance, attribute, value)

    return validate_given


@attrs.frozen(kw_only=True)
class StoragePolicyChange:
    """
    What to change of one policy. **Left out is not null**: ``UNSET`` leaves a limit as it is,
    None takes it away.

    Attributes:
        size_bytes: From 0 to 2**63 - 1. UNSET: not sent. None: without limit.
        duration: UNSET: not sent. None: without limit.

    Raises:
        ValueError: A limit is negative or too large.
        TypeError: A limit is of another type.
    """

    size_bytes: int | Unset | None = attrs.field(
        default=UNSET,
        validator=_unless_unset(check_whole_number, at_least=0, at_most=2**63 - 1),
    )
    duration: timedelta | Unset | None = attrs.field(
        default=UNSET, validator=_unless_unset(check_duration, or_zero=True)
    )


def _check_policy(name: str, value: StoragePolicyChange) -> None:
    check_instance(name, value, StoragePolicyChange)
    if value.size_bytes is UNSET and value.duration is UNSET:
        raise ValueError(f"{name} must change something, got {shown(value)}")


@attrs.frozen(kw_only=True)
class StoragePoliciesChange:
    """
    What to change of the storage policies. **Left out is not null**: ``UNSET`` leaves a policy as
    it is, None takes all of its limits away.

    Attributes:
        retention: UNSET: not sent. None: messages are kept for ever.
        offload: UNSET: not sent. None: messages are not moved to object storage.

    Raises:
        ValueError: Nothing is to be changed.
        TypeError: A policy is of another type.
    """

    retention: StoragePolicyChange | Unset | None = attrs.field(
        default=UNSET, validator=_unless_unset(_check_policy)
    )
    offload: StoragePolicyChange | Unset | None = attrs.field(
        default=UNSET, validator=_unless_unset(_check_policy)
    )

    def __attrs_post_init__(self) -> None:
        if self.retention is UNSET and self.offload is UNSET:
            raise ValueError("retention and offload are both UNSET: there is nothing to change")
