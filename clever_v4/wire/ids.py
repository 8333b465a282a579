"""
What an id is of, by its prefix: a caller who mixes two up is told so before the API is asked.
"""

from __future__ import annotations

import enum
from typing import Final

from .paths import check_path_segment

__all__ = ["IdKind", "application_path", "check_id"]


class IdKind(enum.Enum):
    """
    What an id can be of; the value is for messages.
    """

    OWNER = "an organisation or user (orga_… or user_…)"
    APPLICATION = "an application (app_…)"
    ADDON = "an add-on (addon_…)"
    REAL = "an add-on by its real id (such as postgresql_…)"
    DEPLOYMENT = "a deployment (deployment_…)"
    INSTANCE = "an instance (a UUID)"


_KINDS: Final = {
    "orga": IdKind.OWNER,
    "user": IdKind.OWNER,
    "app": IdKind.APPLICATION,
    "addon": IdKind.ADDON,
    "deployment": IdKind.DEPLOYMENT,
    # Those that official sources name (the server's OpenAPI, clevercloud-sdk-go).
    **dict.fromkeys(
        ("cellar", "elasticsearch", "mongodb", "mysql", "postgresql", "pulsar", "redis"),
        IdKind.REAL,
    ),
}


def check_id(name: str, value: object, *kinds: IdKind) -> str:
    """
    Refuse an id that cannot stand in a path or that is known to be of something else.

    An unknown prefix passes: the API decides what an id looks like, and an
    endpoint that answers "none" for an id of another kind cannot tell.

    Args:
        name: The argument, for messages.
        value: What was given for it.
        kinds: What it may be of.

    Raises:
        ValueError: It is of another kind, or no segment of a path.
        TypeError: It is not text.
    """
    checked = check_path_segment(name, value)
    found = _KINDS.get(checked.partition("_")[0]) if "_" in checked else None
    if found is not None and found not in kinds:
        wanted = " or ".join(kind.value for kind in kinds)
        raise ValueError(f"{name} must be the id of {wanted}, got {checked!r}")
    return checked


def application_path(owner_id: str, application_id: str, family: str) -> tuple[str, ...]:
    """
    Give the path of what an application has.

    Raises:
        ValueError: An id cannot stand in a path, or is of another kind.
    """
    check_id("owner_id", owner_id, IdKind.OWNER)
    check_id("application_id", application_id, IdKind.APPLICATION)
    return (
        "v4",
        "orchestration",
        "organisations",
        owner_id,
        "applications",
        application_id,
        family,
    )
