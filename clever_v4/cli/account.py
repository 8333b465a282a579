"""
Who asks and about what: the session of a command, and the ids behind what people write.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import attrs
from cyclopts import Group, Parameter

from .terminal import UsageError, usage

if TYPE_CHECKING:
    from clever_v4.session import Session

__all__ = ["Account", "Target", "find_addon", "find_application", "find_owner"]


@Parameter(name="*", group=Group("Account", sort_key=100))
@attrs.frozen(kw_only=True)
class Account:
    """
    The options that all commands share.
    """

    owner: str | None = None
    """Organisation or user, by id or name. Without it, the one that owns what is named."""
    api_token: str | None = attrs.field(default=None, repr=False)
    """API token. Without it: CLEVER_API_TOKEN, CLEVER_TOKEN and CLEVER_SECRET, or what `clever login` left."""
    base_url: str | None = None
    """Address of the API. Without it: CLEVER_API_URL, or as the credentials say."""

    def session(self, *, needs_credentials: bool = True) -> Session:
        """
        Make the session, not yet opened.

        Args:
            needs_credentials: Whether to do without them where there are none.

        Raises:
            CredentialsError: There are no credentials, or they cannot be used.
            UsageError: An option cannot be meant.
        """
        from clever_v4.auth import API_URL_VARIABLE, ApiToken
        from clever_v4.errors import CredentialsError
        from clever_v4.session import Session

        options: dict[str, Any] = {
            "base_url": self.base_url or os.environ.get(API_URL_VARIABLE) or None,
            # A command may be behind a proxy as any other program.
            "trust_env": True,
        }
        try:
            if self.api_token is not None:
                with usage():
                    return Session(ApiToken(self.api_token), **options)
            return Session.from_environment(**options)
        except CredentialsError:
            if needs_credentials:
                raise
            with usage():
                return Session(**options)
        except ValueError as exc:
            raise UsageError(str(exc)) from exc


@attrs.frozen(kw_only=True)
class Target:
    """
    An application or add-on that was found.
    """

    owner_id: str
    id: str
    """``app_…``, or the add-on's ``addon_…``."""
    name: str
    real_id: str | None = None
    """Of an add-on: what logs and Pulsar want."""


async def find_owner(session: Session, account: Account) -> str:
    """
    Give the id of the owner that was named; without a name, of the only one there is.

    Raises:
        UsageError: None was named and there are several.
        UnresolvedNameError: None or several fit.
    """
    if account.owner is not None:
        if account.owner.startswith(("user_", "orga_")):
            return account.owner
        with usage():
            return (await session.owners.find_owner(account.owner)).id
    owners = (await session.owners.summary()).owners
    if len(owners) == 1:
        return owners[0].id
    names = ", ".join(f"{owner.name} ({owner.id})" for owner in owners)
    raise UsageError(f"choose an owner with --owner: {names}")


async def find_application(session: Session, account: Account, name: str) -> Target:
    """
    Find an application by id or name.

    Raises:
        UnresolvedNameError: None or several fit.
    """
    owner = account.owner
    if owner is not None and owner.startswith(("user_", "orga_")) and name.startswith("app_"):
        return Target(owner_id=owner, id=name, name=name)
    with usage():
        found = await session.owners.find_application(name, owner=owner)
    return Target(owner_id=found.owner_id, id=found.id, name=found.name or found.id)


async def find_addon(session: Session, account: Account, name: str) -> Target:
    """
    Find an add-on by either of its ids or by name.

    Raises:
        UnresolvedNameError: None or several fit.
    """
    with usage():
        found = await session.owners.find_addon(name, owner=account.owner)
    return Target(
        owner_id=found.owner_id, id=found.id, name=found.name or found.id, real_id=found.real_id
    )
