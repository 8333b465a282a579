"""
``session.deployments``: the deployments of an application, and waiting for one.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator
from datetime import timedelta

from clever_v4.transport.client import Client
from clever_v4.transport.resources import get_list, get_one
from clever_v4.validators import check_duration
from clever_v4.wire.ids import IdKind, application_path, check_id
from clever_v4.wire.query import pairs_of

from . import waiting
from .models import Deployment
from .queries import DeploymentQuery


class Deployments:
    """
    ``session.deployments``: the deployments of an application.

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

    async def get(self, owner_id: str, application_id: str, deployment_id: str) -> Deployment:
        """
        Get one deployment.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            application_id: ``app_…``.
            deployment_id: ``deployment_…``.

        Raises:
            NotFoundError: There is no such deployment. So too for some seconds
                after a deployment was asked for (`wait` bridges them), and
                for old ones, which API v4 forgets.

        Source: ``GET /v4/orchestration/organisations/{ownerId}/applications/{applicationId}/deployments/{deploymentId}``;
        for what is not found: the end-to-end tests of
        CleverCloud/clever-client.js and the web console.
        """
        path = _path(owner_id, application_id, deployment_id)
        return await get_one(self._client, path, Deployment)

    async def wait(
        self,
        owner_id: str,
        application_id: str,
        deployment_id: str,
        *,
        timeout: timedelta | None = None,
        poll_interval: timedelta = waiting.POLL_INTERVAL,
        startup_grace: timedelta = waiting.STARTUP_GRACE,
    ) -> Deployment:
        """
        Wait until a deployment is in a final state, whichever that is.

        A failed or cancelled deployment is no error here: look at
        `Deployment.state`.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            application_id: ``app_…``.
            deployment_id: ``deployment_…``.
            timeout: The longest time to wait. None: for ever.
            poll_interval: The time between two looks; the official command
                line takes 5 s too. After a look that failed, a longer
                ``Retry-After``, up to 5 minutes, takes its place.
            startup_grace: How long after the call a 404 counts as "not yet
                there", since a deployment becomes visible some seconds after
                it was asked for.

        Raises:
            ValueError: A duration is negative or zero where it may not be.
            DeploymentWaitTimeoutError: *timeout* is over.
            NotFoundError: There is no such deployment after *startup_grace*.
            APIError: The API refused, or failed several looks in a row.
            TransportError: The API could not be reached several looks in a row.

        Source: polls `get`, as CleverCloud/clever-tools
        (src/models/deployments.js) polls API v2.
        """
        last: Deployment | None = None
        stream = self.watch(
            owner_id,
            application_id,
            deployment_id,
            timeout=timeout,
            poll_interval=poll_interval,
            startup_grace=startup_grace,
        )
        # Nothing is held between two items, so the generator needs no closing of its own.
        async for deployment in stream:
            last = deployment
        assert last is not None  # noqa: S101  -- watch ends with a final deployment or raises
        return last

    def watch(
        self,
        owner_id: str,
        application_id: str,
        deployment_id: str,
        *,
        timeout: timedelta | None = None,
        poll_interval: timedelta = waiting.POLL_INTERVAL,
        startup_grace: timedelta = waiting.STARTUP_GRACE,
    ) -> AsyncGenerator[Deployment, None]:
        """
        Yield a deployment each time its state or its steps changed, the final one last.

        Args:
            owner_id: As for `wait`, like all others.
            application_id: See `wait`.
            deployment_id: See `wait`.
            timeout: See `wait`; the time that the caller takes between two
                items counts.
            poll_interval: See `wait`.
            startup_grace: See `wait`.

        Raises:
            ValueError: At the call, when an id or a duration is nonsense; all
                other errors of `wait` are raised while iterating.
            TypeError: At the call, when an argument is of another type.

        Source: polls `get`, as `wait` does.
        """
        path = _path(owner_id, application_id, deployment_id)
        if timeout is not None:
            check_duration("timeout", timeout)
        check_duration("poll_interval", poll_interval)
        check_duration("startup_grace", startup_grace, or_zero=True)
        return waiting.watch(
            lambda: get_one(self._client, path, Deployment),
            deployment_id,
            timeout=timeout,
            poll_interval=poll_interval,
            startup_grace=startup_grace,
        )

    async def list(
        self,
        owner_id: str,
        application_id: str,
        query: DeploymentQuery | None = None,
        *,
        missing_ok: bool = True,
    ) -> builtins.list[Deployment]:
        """
        List the deployments of an application.

        Args:
            owner_id: ``orga_…`` or ``user_…``.
            application_id: ``app_…``.
            query: Which ones; None: what the server gives by default.
            missing_ok: Whether a 404 gives an empty list. The API answers it for
                a mistyped id and for one that has none alike; False raises it.

        Returns:
            In the server's order. Empty also where the server answers 404, as
            the official clients have it.

        Raises:
            NotFoundError: The server answers 404, and *missing_ok* is False.

        Source: ``GET /v4/orchestration/organisations/{ownerId}/applications/{applicationId}/deployments``;
        the options are those of the server's own OpenAPI description, not of
        the reference.
        """
        path = application_path(owner_id, application_id, "deployments")
        return await get_list(
            self._client,
            path,
            Deployment,
            query=pairs_of(query, DeploymentQuery),
            missing_ok=missing_ok,
        )


def _path(owner_id: str, application_id: str, deployment_id: str) -> tuple[str, ...]:
    check_id("deployment_id", deployment_id, IdKind.DEPLOYMENT)
    return (*application_path(owner_id, application_id, "deployments"), deployment_id)
