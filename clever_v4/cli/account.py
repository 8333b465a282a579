"""
Who asks and about what: the session of a command, and the ids behind what people write.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import attrs
from cyclopts import Group, Parameter

from clever_v4.errors import UnresolvedNameError

from .terminal import CommandError, UsageError, usage

if TYPE_CHECKING:
    from clever_v4.api.owners import Summary
    from clever_v4.session import Session

__all__ = [
    "Account",
    "Target",
    "UnknownNameError",
    "find_addon",
    "find_application",
    "find_owner",
    "offer",
    "visible_owner",
]

MOST_OFFERED = 12
"""How many names a message lists."""


class UnknownNameError(CommandError):
    """
    An id or name that stands for nothing visible, or for more than one thing.
    """


@Parameter(name="*", group=Group("Account", sort_key=100))
@attrs.frozen(kw_only=True)
class Account:
    """
    The options that all commands share.

    Attributes:
        owner: Organisation or user, by id or name. Without it: the one that owns what is named,
            or the only one.
        api_token: API token. Without it: CLEVER_API_TOKEN, CLEVER_TOKEN and CLEVER_SECRET, or
            what `clever login` left.
        base_url: Address of the API. Without it: CLEVER_API_URL, or as the credentials say.
    """

    owner: str | None = None
    api_token: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None

    def session(self, *, needs_credentials: bool = True) -> Session:
        """
        Make the session, not yet opened.

        Args:
            needs_credentials: Whether to do without them where there are none.

        Raises:
            CredentialsError: There are no credentials, or they cannot be used.
            UsageError: An option cannot be meant.
        """
        from clever_v4.auth import ApiToken
        from clever_v4.errors import CredentialsError
        from clever_v4.session import Session

        with self._usage():
            try:
                if self.api_token is not None:
                    return Session(ApiToken(self.api_token), **self._options())
                return Session.from_environment(**self._options())
            except CredentialsError:
                if needs_credentials:
                    raise
                return Session(**self._options())

    def session_without_credentials(self) -> Session:
        """
        Make a session that asks as nobody, not yet opened.

        Raises:
            UsageError: An option cannot be meant.
        """
        from clever_v4.session import Session

        with self._usage():
            return Session(**self._options())

    def _options(self) -> dict[str, Any]:
        from clever_v4.auth import API_URL_VARIABLE

        address = self.base_url
        if address is None:
            address = os.environ.get(API_URL_VARIABLE) or None
        # A command may be behind a proxy as any other program.
        return {"base_url": address, "trust_env": True}

    @contextmanager
    def _usage(self) -> Iterator[None]:
        from clever_v4.auth import API_URL_VARIABLE

        address = API_URL_VARIABLE if self.base_url is None else "--base-url"
        try:
            with usage(base_url=address, token="--api-token"):  # noqa: S106  -- its name
                yield
        except UsageError as exc:
            # What only a program can say.
            raise UsageError(str(exc).partition(", or allow_insecure_http")[0]) from exc


@attrs.frozen(kw_only=True)
class Target:
    """
    An application or add-on that was found.

    Attributes:
        id: ``app_…``, or the add-on's ``addon_…``.
        real_id: Of an add-on: what logs and Pulsar want.
    """

    owner_id: str
    id: str
    name: str
    real_id: str | None = None


async def find_owner(session: Session, account: Account) -> str:
    """
    Give the id of the owner that was named; without a name, of the only one there is.

    Raises:
        UsageError: None was named and there are several.
        UnknownNameError: None or several fit.
    """
    if account.owner is not None:
        if account.owner.startswith(("user_", "orga_")):
            return account.owner
        return await visible_owner(session, account.owner)
    owners = (await session.owners.summary()).owners
    if len(owners) == 1:
        return owners[0].id
    names = ", ".join(f"{owner.name} ({owner.id})" for owner in owners)
    raise UsageError(f"choose an owner with --owner: {names}")


async def visible_owner(session: Session, name: str) -> str:
    """
    Give the id of an owner that the credentials can see, by id or name.

    Raises:
        UnknownNameError: None or several fit.
    """
    async with _candidates_told(session, "owner", "--owner", lambda summary: summary.owners):
        return (await session.owners.find_owner(name)).id


async def find_application(
    session: Session, account: Account, name: str, *, typed: str = "APPLICATION"
) -> Target:
    """
    Find an application by id or name.

    Args:
        session: Who asks.
        account: The owner, if one was named.
        name: The id or name.
        typed: Where it stood on the command line.

    Raises:
        UnknownNameError: None or several fit.
    """
    owner = account.owner
    if owner is not None:
        if owner.startswith(("user_", "orga_")) and name.startswith("app_"):
            return Target(owner_id=owner, id=name, name=name)
        owner = await visible_owner(session, owner)
    async with _candidates_told(
        *(session, "application", typed),
        lambda summary: _of(owner, summary.applications),
        account.owner,
    ):
        found = await session.owners.find_application(name, owner=owner)
    return Target(owner_id=found.owner_id, id=found.id, name=found.name or found.id)


async def find_addon(
    session: Session, account: Account, name: str, *, typed: str = "--addon"
) -> Target:
    """
    Find an add-on by either of its ids or by name.

    Args:
        session: Who asks.
        account: The owner, if one was named.
        name: The id or name.
        typed: Where it stood on the command line.

    Raises:
        UnknownNameError: None or several fit.
    """
    owner = account.owner
    if owner is not None:
        owner = await visible_owner(session, owner)
    async with _candidates_told(
        session, "add-on", typed, lambda summary: _of(owner, summary.addons), account.owner
    ):
        found = await session.owners.find_addon(name, owner=owner)
    return Target(
        owner_id=found.owner_id, id=found.id, name=found.name or found.id, real_id=found.real_id
    )


def _of(owner_id: str | None, things: Iterable[Any]) -> list[Any]:
    return [one for one in things if owner_id in (None, one.owner_id)]


@asynccontextmanager
async def _candidates_told(
    session: Session,
    kind: str,
    typed: str,
    candidates: Callable[[Summary], Iterable[Any]],
    owner: str | None = None,
) -> AsyncIterator[None]:
    """
    Say of a name that cannot be resolved what it could have been.
    """
    try:
        with usage(id_or_name=typed):
            yield
    except UnresolvedNameError as exc:
        # It is remembered: this asks nobody.
        summary = await session.owners.summary()
        if exc.candidates:
            owners = {one.id: one.name or one.id for one in summary.owners}
            of = {one.id: one.owner_id for one in summary.applications}
            of |= {one.id: one.owner_id for one in summary.addons}
            places = (
                f"{id_} (of {owners.get(of[id_], of[id_])})" if id_ in of else id_
                for id_ in exc.candidates
            )
            raise UnknownNameError(
                f"{exc.name!r} is ambiguous: it could be {', '.join(places)}; use the id"
            ) from None
        names = [one.name for one in candidates(summary) if one.name]
        place = f" of {owner}" if owner else ""
        raise UnknownNameError(
            f"no {kind} {exc.name!r}{place} is visible with these credentials; "
            + offer(exc.name, names)
        ) from None


def offer(name: str, names: Iterable[str]) -> str:
    """
    Say which names there are: those that look like what was written, else the first of all.
    """
    known = {one.casefold(): one for one in names}
    similar = difflib.get_close_matches(name.casefold(), known)
    if similar:
        return f"did you mean {' or '.join(known[one] for one in similar)}?"
    if not known:
        return "there are none"
    shown = sorted(known.values())
    return f"there are {', '.join(shown[:MOST_OFFERED])}" + (
        f" and {len(shown) - MOST_OFFERED} more" if len(shown) > MOST_OFFERED else ""
    )
