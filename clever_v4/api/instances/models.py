"""
Instances as the API gives them.
"""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from clever_v4.wire.names import wire_style

__all__ = ["Instance", "InstanceNetwork", "InstanceState"]


class InstanceState(enum.StrEnum):
    """
    The known states of an instance; the server may send others.
    """

    BOOTING = "BOOTING"
    READY = "READY"
    STARTING = "STARTING"
    DEPLOYING = "DEPLOYING"
    BUILDING = "BUILDING"
    STOPPING = "STOPPING"
    DELETED = "DELETED"
    GHOST = "GHOST"
    MIGRATION_IN_PROGRESS = "MIGRATION_IN_PROGRESS"
    UP = "UP"
    TASK_IN_PROGRESS = "TASK_IN_PROGRESS"
    WORK_IN_PROGRESS = "WORK_IN_PROGRESS"


@wire_style("camel")
@attrs.frozen(kw_only=True)
class InstanceNetwork:
    """
    Where an instance is reached inside the platform.
    """

    ip: str | None = None
    port: int | None = None


@wire_style("camel")
@attrs.frozen(kw_only=True)
class Instance:
    """
    One virtual machine of an application.
    """

    id: str
    """A UUID without prefix."""
    state: str
    """One of `InstanceState`, or a value not yet known."""
    owner_id: str | None = None
    application_id: str | None = None
    deployment_id: str | None = None
    name: str | None = None
    """A nickname."""
    flavor: str | None = None
    """Such as ``XS``."""
    index: int | None = None
    hypervisor_id: str | None = None
    creation_date: datetime | None = None
    deletion_date: datetime | None = None
    """None while the instance lives."""
    network: InstanceNetwork | None = None
    """None early in its life."""
    is_build_vm: bool = False
