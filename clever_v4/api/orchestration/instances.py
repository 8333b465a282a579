"""
Instances of an application: model, the options of their list, their coroutines.
"""

from __future__ import annotations

import builtins
import enum
from collections.abc import Iterable
from datetime import datetime

import attrs

from clever_v4.transport.client import Client
from clever_v4.transport.resources import get_list, get_one
from clever_v4.validators import check_text, check_whole_number, field
from clever_v4.wire.ids import IdKind, check_id
from clever_v4.wire.moments import Moment, aware_moment, check_window
from clever_v4.wire.names import wire, wire_style
from clever_v4.wire.query import pairs_of

from .options import Order, application_path, order_or_none, state_names


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


def _include_states(value: Iterable[str]) -> tuple[str, ...]:
    return state_names("include_states", value, InstanceState)


def _exclude_states(value: Iterable[str]) -> tuple[str, ...]:
    return state_names("exclude_states", value, InstanceState)


@wire_style("camel")
@attrs.frozen(kw_only=True)
class InstanceQuery:
    """
    Which instances to list.

    Raises:
        ValueError: *limit* is less than 1, *since* after *until*, a datetime
            naive, *order* unknown, an id empty, or a state in the wrong case
            or both included and excluded.
        TypeError: A state list is one text instead of a sequence.
    """

    deployment_id: str | None = attrs.field(
        default=None, validator=field(check_text, optional=True)
    )
    """Only those of this deployment. None: of all."""
    limit: int | None = attrs.field(
        default=None, validator=field(check_whole_number, optional=True)
    )
    """How many at most. The server takes up to 1,000; None: its own default, which is not documented."""
    exclude_deleted: bool | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.instance_of(bool))
    )
    """Leave out those that are gone. In the reference, but not in the server's OpenAPI
    description; ``exclude_states=("DELETED",)`` says the same. None: not sent."""
    since: Moment | None = attrs.field(default=None, validator=aware_moment)
    """Not older than this: an aware datetime, or a timedelta before now. None: no bound."""
    until: Moment | None = attrs.field(default=None, validator=aware_moment)
    """Not newer than this, likewise. None: no bound."""
    order: Order | None = attrs.field(default=None, converter=order_or_none)
    """By creation date. None: the server's own order."""
    include_states: tuple[str, ...] = attrs.field(
        default=(),
        converter=_include_states,
        metadata=wire("includeState"),
    )
    """Only those in one of these states (`InstanceState`, case sensitive); empty: in any."""
    exclude_states: tuple[str, ...] = attrs.field(
        default=(),
        converter=_exclude_states,
        metadata=wire("excludeState"),
    )
    """Not those in one of these states (`InstanceState`, case sensitive)."""

    def __attrs_post_init__(self) -> None:
        check_window(self.since, self.until)
        both = sorted(set(self.include_states) & set(self.exclude_states))
        if both:
            raise ValueError(f"include_states and exclude_states both hold {', '.join(both)}")


class Instances:
    """
    ``session.instances``: the instances of an application.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, owner_id: str, application_id: str, instance_id: str) -> Instance:
        """
        Get one instance.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            application_id: ``app_…``.
            instance_id: A UUID, as in `Instance.id` and in log entries.

        Raises:
            ValueError: An id cannot stand in a path.
            NotFoundError: There is no such instance; so too for one that logs
                still name but that was purged.
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer does not fit.

        Source: ``GET /v4/orchestration/organisations/{ownerId}/applications/{applicationId}/instances/{instanceId}``,
        not in the reference (CleverCloud/clever-client.js,
        get-application-instance-command.ts).
        """
        check_id("instance_id", instance_id, IdKind.INSTANCE)
        path = (*application_path(owner_id, application_id, "instances"), instance_id)
        return await get_one(self._client, path, Instance)

    async def list(
        self,
        owner_id: str,
        application_id: str,
        query: InstanceQuery | None = None,
        *,
        missing_ok: bool = True,
    ) -> builtins.list[Instance]:
        """
        List the instances of an application.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            application_id: ``app_…``.
            query: Which ones; None: what the server gives by default.
            missing_ok: Whether a 404 gives an empty list. The API answers it for
                a mistyped id and for one that has none alike; False raises it.

        Returns:
            In the server's order. Empty also where the server answers 404, as
            the official client has it.

        Raises:
            ValueError: An id cannot stand in a path.
            TypeError: *query* is of another type.
            NotFoundError: The server answers 404, and *missing_ok* is False.
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer does not fit.

        Source: ``GET /v4/orchestration/organisations/{ownerId}/applications/{applicationId}/instances``;
        for the 404: CleverCloud/clever-client.js (``getEmptyResponsePolicy``).
        """
        path = application_path(owner_id, application_id, "instances")
        return await get_list(
            self._client,
            path,
            Instance,
            query=pairs_of(query, InstanceQuery),
            missing_ok=missing_ok,
        )
