"""
A deployment: its states, its steps, and what follows from them.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

import attrs

from clever_v4.pydantic_schema import known_to_pydantic


class DeploymentState(enum.StrEnum):
    """
    The known states of a deployment and of its steps; the server may send others.
    """

    QUEUED = "QUEUED"
    WORK_IN_PROGRESS = "WORK_IN_PROGRESS"
    TASK_IN_PROGRESS = "TASK_IN_PROGRESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SUCCEEDED = "SUCCEEDED"


class DeploymentAction(enum.StrEnum):
    """
    What a deployment does; the server may send others.
    """

    DEPLOY = "DEPLOY"
    UNDEPLOY = "UNDEPLOY"
    UPSCALE = "UPSCALE"
    DOWNSCALE = "DOWNSCALE"
    REPLACE = "REPLACE"
    CANCEL = "CANCEL"
    NONE = "NONE"


_FINAL_STATES = frozenset(
    {DeploymentState.FAILED, DeploymentState.CANCELLED, DeploymentState.SUCCEEDED}
)


@known_to_pydantic
@attrs.frozen(kw_only=True)
class DeploymentStep:
    """
    A state that the deployment entered, and when.

    Attributes:
        state: One of `DeploymentState`, or a value not yet known.
        date: When it entered it, aware UTC.
    """

    state: str
    date: datetime | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class DeploymentVersion:
    """
    What was deployed.

    Attributes:
        commit_id: None for an application that is not deployed from git, among others.
    """

    commit_id: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class DeploymentOrigin:
    """
    Why the deployment was made, and by whom.

    Attributes:
        action: One of `DeploymentAction`, or a value not yet known.
        cause: Why, in the server's words.
        source: What asked for it, in the server's words.
        author_id: ``user_…``; None for what the platform did by itself.
        constraints: Where it may run, in the server's words.
        priority: ``DEFAULT``, ``URGENT`` or ``ADMIN``, or a value not yet known.
    """

    action: str | None = None
    cause: str | None = None
    source: str | None = None
    author_id: str | None = None
    constraints: tuple[str, ...] = ()
    priority: str | None = None


@known_to_pydantic
@attrs.frozen(kw_only=True)
class Deployment:
    """
    One deployment of an application.

    Attributes:
        id: ``deployment_…``.
        state: One of `DeploymentState`, or a value not yet known.
        owner_id: The owner: ``user_…`` or ``orga_…``.
        application_id: ``app_…``.
        start_date: When it began, aware UTC.
        steps: The states that it entered, in their order.
        version: What was deployed.
        origin: Why, and by whom.
        has_dedicated_build: Whether an instance of its own builds it.
    """

    id: str
    state: str
    owner_id: str | None = None
    application_id: str | None = None
    start_date: datetime | None = None
    steps: tuple[DeploymentStep, ...] = ()
    version: DeploymentVersion | None = None
    origin: DeploymentOrigin | None = None
    has_dedicated_build: bool | None = None

    @property
    def is_final(self) -> bool:
        """
        The deployment succeeded, failed or was cancelled, and will not change any more.

        A state not yet known counts as not final.
        """
        return self.state in _FINAL_STATES

    @property
    def commit_id(self) -> str | None:
        """
        The commit that was deployed, where the server names one.
        """
        return self.version.commit_id if self.version is not None else None

    @property
    def ended_at(self) -> datetime | None:
        """
        When the deployment came to its final state; None before that.

        It is the date of the last step whose state is the final one, as in the
        web console; None also where the server did not send that step.
        """
        if not self.is_final:
            return None
        dates = (step.date for step in reversed(self.steps) if step.state == self.state)
        return next((date for date in dates if date is not None), None)

    @property
    def duration(self) -> timedelta | None:
        """
        The time from the start to the final state; None while it is not known.
        """
        ended_at = self.ended_at
        if ended_at is None or self.start_date is None:
            return None
        return ended_at - self.start_date
