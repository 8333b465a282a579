"""
``session.instances``: the instances of an application.
"""

from __future__ import annotations

import builtins

from clever_v4.transport.client import Client
from clever_v4.transport.resources import get_list, get_one
from clever_v4.wire.ids import IdKind, application_path, check_id
from clever_v4.wire.query import pairs_of

from .models import Instance
from .queries import InstanceQuery


class Instances:
    """
    ``session.instances``: the instances of an application.

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

    async def get(self, owner_id: str, application_id: str, instance_id: str) -> Instance:
        """
        Get one instance.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            application_id: ``app_…``.
            instance_id: A UUID, as in `Instance.id` and in log entries.

        Raises:
            NotFoundError: There is no such instance; so too for one that logs
                still name but that was purged.

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
            NotFoundError: The server answers 404, and *missing_ok* is False.

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
