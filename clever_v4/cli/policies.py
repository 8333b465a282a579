"""
``clever-v4 policies``: the storage policies of a Pulsar add-on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from .account import Account, find_addon
from .moments import duration, optional_limit, size
from .tables import Column, Format, duration_text, print_table, show
from .terminal import CommandError, Terminal, UsageError, usage

if TYPE_CHECKING:
    from clever_v4.api.pulsar import StoragePolicies, StoragePoliciesChange, StoragePolicy
    from clever_v4.session import Session

__all__ = ["get", "set_"]

COLUMNS = (Column("POLICY"), Column("SIZE", is_number=True), Column("DURATION", is_number=True))


async def get(
    addon: str,
    /,
    *,
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    Show how long a Pulsar add-on keeps its messages, and where.

    Args:
        addon: By either of its ids or by a name that only one has.
        format: human or json (bytes and seconds).
    """
    async with account.session() as session:
        real_id = await _real_id(session, account, addon)
        with usage():
            policies = await session.pulsar.get_storage_policies(real_id)
    await _print(terminal, policies, format)


async def set_(
    addon: str,
    /,
    *,
    retention_size: str | None = None,
    retention_duration: str | None = None,
    offload_size: str | None = None,
    offload_duration: str | None = None,
    units: Literal["bytes", "megabytes"] | None = None,
    format: Annotated[Format, Parameter(alias="-F")] = "human",
    account: Account = Account(),
    terminal: Annotated[Terminal, Parameter(parse=False)],
) -> None:
    """
    Change the storage policies of a Pulsar add-on; what is not named stays as it is.

    Args:
        addon: By either of its ids or by a name that only one has.
        retention_size: How much is kept, such as 10GB; `none` is without limit. Without it: as it is.
        retention_duration: How long messages are kept, such as 7d; `none` is for ever. Without it: as it is.
        offload_size: How much stays on fast storage; `none` is without limit. Without it: as it is.
        offload_duration: How long messages stay on fast storage; `none` is without limit. Without it: as it is.
        units: The units to write in; without it, those that the API answers with.
        format: human or json (bytes and seconds).
    """
    change = _change(retention_size, retention_duration, offload_size, offload_duration)
    async with account.session() as session:
        real_id = await _real_id(session, account, addon)
        with usage():
            policies = await session.pulsar.update_storage_policies(real_id, change, units=units)
    await _print(terminal, policies, format)


def _change(
    retention_size: str | None,
    retention_duration: str | None,
    offload_size: str | None,
    offload_duration: str | None,
) -> StoragePoliciesChange:
    from clever_v4.api.pulsar import StoragePoliciesChange, StoragePolicyChange

    members: dict[str, Any] = {}
    with usage():
        for name, bytes_, time in (
            ("retention", retention_size, retention_duration),
            ("offload", offload_size, offload_duration),
        ):
            limits: dict[str, Any] = {}
            if bytes_ is not None:
                text = optional_limit(bytes_)
                limits["size_bytes"] = None if text is None else size(f"--{name}-size", text)
            if time is not None:
                text = optional_limit(time)
                limits["duration"] = None if text is None else duration(f"--{name}-duration", text)
            if limits:
                members[name] = StoragePolicyChange(**limits)
        if not members:
            raise UsageError("name what to change, such as --retention-duration 7d")
        return StoragePoliciesChange(**members)


async def _real_id(session: Session, account: Account, addon: str) -> str:
    if addon.startswith("pulsar_"):
        return addon
    target = await find_addon(session, account, addon, typed="ADDON")
    if target.real_id is None:
        raise CommandError(f"the add-on {target.name} has no real id")
    return target.real_id


async def _print(terminal: Terminal, policies: StoragePolicies, format_: Format) -> None:
    rows = [
        (name, _size_text(policy.size_bytes), _time_text(policy))
        for name, policy in (("retention", policies.retention), ("offload", policies.offload))
    ]
    members = {"retention": _members(policies.retention), "offload": _members(policies.offload)}
    table = partial(print_table, terminal, COLUMNS, rows, nothing="no policies")
    await show(terminal, format_, members, table)


def _members(policy: StoragePolicy) -> dict[str, object]:
    duration_ = policy.duration
    return {
        "sizeInBytes": policy.size_bytes,
        "durationInSeconds": None if duration_ is None else duration_.total_seconds(),
    }


def _size_text(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "no limit"
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes and size_bytes % (factor // 10 or 1) == 0 and size_bytes >= factor:
            return f"{size_bytes / factor:g} {unit}"
    return f"{size_bytes:,} B"


def _time_text(policy: StoragePolicy) -> str:
    return "no limit" if policy.duration is None else duration_text(policy.duration)
