"""
Owners: who owns an application or an add-on, and what the account can see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

import attrs

from clever_v4.errors import UnresolvedNameError
from clever_v4.transport.client import Client
from clever_v4.transport.converter import wire_style
from clever_v4.transport.query import check_path_segment

__all__ = ["OwnedAddon", "OwnedApplication", "Owner", "Owners", "Summary"]


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str | None: ...


class _Owned(Protocol):
    @property
    def owner_id(self) -> str: ...


T = TypeVar("T")
NamedT = TypeVar("NamedT", bound=_Named)
OwnedT = TypeVar("OwnedT", bound=_Owned)


@attrs.frozen(kw_only=True)
class Owner:
    """
    A user or an organisation: what ``owner_id`` stands for everywhere.
    """

    id: str
    """``user_…`` or ``orga_…``."""
    name: str | None = None
    is_user: bool = False
    """Whether it is the person whose credentials these are."""


@wire_style("camel")
@attrs.frozen(kw_only=True)
class OwnedApplication:
    """
    An application that the credentials can see.
    """

    id: str
    """``app_…``."""
    owner_id: str = ""
    name: str | None = None
    zone: str | None = None


@wire_style("camel")
@attrs.frozen(kw_only=True)
class OwnedAddon:
    """
    An add-on that the credentials can see.
    """

    id: str
    """``addon_…``: what load balancers and the marketplace know."""
    real_id: str | None = None
    """``postgresql_…``, ``pulsar_…``: what logs and Pulsar policies want."""
    owner_id: str = ""
    name: str | None = None
    provider_id: str | None = None


@attrs.frozen(kw_only=True)
class Summary:
    """
    All that the credentials can see.
    """

    owners: tuple[Owner, ...]
    """The user first, then the organisations."""
    applications: tuple[OwnedApplication, ...]
    addons: tuple[OwnedAddon, ...]


class Owners:
    """
    ``session.owners``: answers from one ``GET /v2/summary``, which is remembered.

    An id or name that is not in it makes it be asked for again, once for all
    who wait, since it may be new.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: Summary | None = None
        self._lock = asyncio.Lock()

    async def summary(self) -> Summary:
        """
        Give all owners, applications and add-ons that the credentials can see.

        Raises:
            APIError: The API refused.
            TransportError: There was no usable answer.
            ResponseFormatError: The answer does not fit.

        Source: ``GET /v2/summary`` (clever-tools, src/models/ids-resolver.js).
        """
        return self._known or await self._newer_than(None)

    def forget(self) -> None:
        """
        Forget what was remembered: the next question asks the API again.
        """
        self._known = None

    async def owner_of(self, resource_id: str) -> str:
        """
        Give the id of the owner of an application or add-on.

        Args:
            resource_id: ``app_…``, ``addon_…`` or an add-on's real id. The id
                of an owner gives itself, without asking.

        Raises:
            UnresolvedNameError: Nothing of this id is visible.
            APIError: The API refused.
            TransportError: There was no usable answer.
        """
        check_path_segment("resource_id", resource_id)
        if resource_id.startswith(("user_", "orga_")):
            return resource_id

        def found(summary: Summary) -> str | None:
            for application in summary.applications:
                if application.id == resource_id:
                    return application.owner_id
            for addon in summary.addons:
                if resource_id in (addon.id, addon.real_id):
                    return addon.owner_id
            return None

        return await self._look_up(resource_id, found)

    async def find_application(
        self, id_or_name: str, *, owner: str | None = None
    ) -> OwnedApplication:
        """
        Find an application by its id, or by its name where only one has it.

        Args:
            id_or_name: An id wins over a name.
            owner: Id or name of the owner to look at; None: all.

        Raises:
            UnresolvedNameError: None or several fit.
            APIError: The API refused.
            TransportError: There was no usable answer.
        """
        owner_id = await self._owner_id(owner)
        return await self._look_up(
            id_or_name, lambda summary: _one(id_or_name, _of(owner_id, summary.applications))
        )

    async def find_addon(self, id_or_name: str, *, owner: str | None = None) -> OwnedAddon:
        """
        Find an add-on by either of its ids, or by its name where only one has it.

        Args:
            id_or_name: An id wins over a name.
            owner: Id or name of the owner to look at; None: all.

        Raises:
            UnresolvedNameError: None or several fit.
            APIError: The API refused.
            TransportError: There was no usable answer.
        """
        owner_id = await self._owner_id(owner)

        def found(summary: Summary) -> OwnedAddon | None:
            addons = list(_of(owner_id, summary.addons))
            for addon in addons:
                if addon.real_id == id_or_name:
                    return addon
            return _one(id_or_name, addons)

        return await self._look_up(id_or_name, found)

    async def find_owner(self, id_or_name: str) -> Owner:
        """
        Find a user or an organisation by its id, or by its name where only one has it.

        Raises:
            UnresolvedNameError: None or several fit.
            APIError: The API refused.
            TransportError: There was no usable answer.
        """
        return await self._look_up(id_or_name, lambda summary: _one(id_or_name, summary.owners))

    async def addon_id(self, addon: str) -> str:
        """
        Give the ``addon_…`` id of an add-on of which either id is known.

        Raises:
            UnresolvedNameError: No such add-on is visible.
            APIError: The API refused.
            TransportError: There was no usable answer.
        """
        return addon if addon.startswith("addon_") else (await self._addon(addon)).id

    async def real_id(self, addon: str) -> str:
        """
        Give the real id (``postgresql_…``) of an add-on of which either id is known.

        Raises:
            UnresolvedNameError: No such add-on is visible, or it has no real id.
            APIError: The API refused.
            TransportError: There was no usable answer.
        """
        if not addon.startswith("addon_"):
            return addon
        real_id = (await self._addon(addon)).real_id
        if real_id is None:
            raise UnresolvedNameError(f"the add-on {addon} has no real id", name=addon)
        return real_id

    async def _addon(self, addon: str) -> OwnedAddon:
        check_path_segment("addon", addon)

        def found(summary: Summary) -> OwnedAddon | None:
            return next((one for one in summary.addons if addon in (one.id, one.real_id)), None)

        return await self._look_up(addon, found)

    async def _owner_id(self, owner: str | None) -> str | None:
        return None if owner is None else (await self.find_owner(owner)).id

    async def _look_up(self, name: str, find: Callable[[Summary], T | None]) -> T:
        if not name:
            raise ValueError(f"an id or name must not be empty, got {name!r}")
        known = self._known
        if known is not None and (found := find(known)) is not None:
            return found
        if (found := find(await self._newer_than(known))) is not None:
            return found
        raise UnresolvedNameError(name=name)

    async def _newer_than(self, seen: Summary | None) -> Summary:
        async with self._lock:
            if self._known is None or self._known is seen:
                answer = await self._client.get(("v2", "summary"), _Summary)
                self._known = _readable(answer)
            return self._known


def _one(id_or_name: str, things: Iterable[NamedT]) -> NamedT | None:
    named: list[NamedT] = []
    for thing in things:
        if thing.id == id_or_name:
            return thing
        if thing.name == id_or_name:
            named.append(thing)
    if len(named) > 1:
        raise UnresolvedNameError(name=id_or_name, candidates=tuple(one.id for one in named))
    return named[0] if named else None


def _of(owner_id: str | None, things: Iterable[OwnedT]) -> Iterator[OwnedT]:
    return (thing for thing in things if owner_id is None or thing.owner_id == owner_id)


# --- as the wire has it: things inside their owner ---------------------------------------


@wire_style("camel")
@attrs.frozen(kw_only=True)
class _Owner:
    id: str
    name: str | None = None
    applications: tuple[OwnedApplication, ...] = ()
    addons: tuple[OwnedAddon, ...] = ()


@wire_style("camel")
@attrs.frozen(kw_only=True)
class _Summary:
    user: _Owner
    organisations: tuple[_Owner, ...] = ()


def _readable(answer: _Summary) -> Summary:
    owners = (answer.user, *answer.organisations)
    return Summary(
        owners=tuple(
            Owner(id=owner.id, name=owner.name, is_user=owner is answer.user) for owner in owners
        ),
        applications=tuple(
            attrs.evolve(one, owner_id=owner.id) for owner in owners for one in owner.applications
        ),
        addons=tuple(
            attrs.evolve(one, owner_id=owner.id) for owner in owners for one in owner.addons
        ),
    )
