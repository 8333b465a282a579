"""
Instances as the API gives them.
"""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from clever_v4.pydantic_schema import known_to_pydantic

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


@known_to_pydantic
@attrs.frozen(kw_only=True)
class InstanceNetwork:
    """
    Where an instance is reached inside the platform.

    Attributes:
        ip: Its address.
        port: Its port.
    """

    ip: str | None = None
    port: int | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Instance:
    """
    One virtual machine of an application.

    Attributes:
        id: A UUID without prefix.
        state: One of `InstanceState`, or a value not yet known.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        application_id: ``app_…``.
        deployment_id: ``deployment_…``.
        name: A nickname.
        flavor: Such as ``XS``.
        index: Its number among those of its deployment.
        hypervisor_id: The machine that it runs on.
        creation_date: When it was made, aware UTC.
        deletion_date: None while the instance lives.
        network: None early in its life.
        is_build_vm: Whether it builds the application instead of running it.
    """

    id: str
    state: str
    owner_id: str | None = None
    application_id: str | None = None
    deployment_id: str | None = None
    name: str | None = None
    flavor: str | None = None
    index: int | None = None
    hypervisor_id: str | None = None
    creation_date: datetime | None = None
    deletion_date: datetime | None = None
    network: InstanceNetwork | None = None
    is_build_vm: bool = False
