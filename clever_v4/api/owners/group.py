"""
``session.owners``: who owns an application or an add-on, and what the account can see.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from clever_v4.errors import UnresolvedNameError
from clever_v4.transport.client import Client
from clever_v4.validators import check_text
from clever_v4.wire.paths import check_path_segment

from .models import (
    OwnedAddon,
    OwnedApplication,
    Owner,
    Summary,
    SummaryOnTheWire,
    summary_from,
)


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


class Owners:
    """
    ``session.owners``: answers from one ``GET /v2/summary``, which is remembered.

    An id or name that is not in it makes it be asked for again, since it may
    be new. Those who ask at the same time share one request and its outcome,
    also where that is an error.

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
        self._known: Summary | None = None
        self._asking: asyncio.Future[Summary] | None = None

    async def summary(self) -> Summary:
        """
        Give all owners, applications and add-ons that the credentials can see.

        Source: ``GET /v2/summary`` (clever-tools, src/models/ids-resolver.js).
        """
        return self._known or (await self._ask())[0]

    def forget(self) -> None:
        """
        Forget what was remembered: the next question asks the API again.
        """
        self._known = None
        self._asking = None  # its answer may be older than this call

    async def owner_of(self, resource_id: str) -> str:
        """
        Give the id of the owner of an application or add-on.

        Args:
            resource_id: ``app_…``, ``addon_…`` or an add-on's real id. The id
                of an owner gives itself, without asking.

        Raises:
            UnresolvedNameError: Nothing of this id is visible.

        Source: ``GET /v2/summary``.
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

        Source: ``GET /v2/summary``.
        """
        check_text("id_or_name", id_or_name)
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

        Source: ``GET /v2/summary``.
        """
        check_text("id_or_name", id_or_name)
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

        Source: ``GET /v2/summary``.
        """
        check_text("id_or_name", id_or_name)
        return await self._owner(id_or_name)

    async def addon_id(self, addon: str) -> str:
        """
        Give the ``addon_…`` id of an add-on of which either id is known.

        Raises:
            UnresolvedNameError: No such add-on is visible.

        Source: ``GET /v2/summary``.
        """
        check_path_segment("addon", addon)
        return addon if addon.startswith("addon_") else (await self._addon(addon)).id

    async def real_id(self, addon: str) -> str:
        """
        Give the real id (``postgresql_…``) of an add-on of which either id is known.

        Raises:
            UnresolvedNameError: No such add-on is visible, or it has no real id.

        Source: ``GET /v2/summary``.
        """
        check_path_segment("addon", addon)
        if not addon.startswith("addon_"):
            return addon
        real_id = (await self._addon(addon)).real_id
        if real_id is None:
            raise UnresolvedNameError(f"the add-on {addon} has no real id", name=addon)
        return real_id

    async def _addon(self, addon: str) -> OwnedAddon:
        def found(summary: Summary) -> OwnedAddon | None:
            return next((one for one in summary.addons if addon in (one.id, one.real_id)), None)

        return await self._look_up(addon, found)

    async def _owner_id(self, owner: str | None) -> str | None:
        if owner is None:
            return None
        check_text("owner", owner)
        return (await self._owner(owner)).id

    async def _owner(self, id_or_name: str) -> Owner:
        return await self._look_up(id_or_name, lambda summary: _one(id_or_name, summary.owners))

    async def _look_up(self, name: str, find: Callable[[Summary], T | None]) -> T:
        if self._known is not None and (found := find(self._known)) is not None:
            return found
        summary, is_newer = await self._ask()
        if (found := find(summary)) is None and not is_newer:
            summary, _ = await self._ask()
            found = find(summary)
        if found is None:
            raise UnresolvedNameError(name=name)
        return found

    async def _ask(self) -> tuple[Summary, bool]:
        """
        Give what the API says now, and whether it was asked after this call began.
        """
        while (asking := self._asking) is not None:
            await asyncio.wait((asking,))
            if asking.cancelled():
                continue  # Whoever asked was cancelled; somebody else has to.
            if (error := asking.exception()) is not None:
                # A copy, since each raise writes its own traceback into it.
                raise copy.copy(error) from error
            return asking.result(), False
        asking = self._asking = asyncio.get_running_loop().create_future()
        try:
            summary = summary_from(await self._client.get(("v2", "summary"), SummaryOnTheWire))
        except BaseException as error:
            if isinstance(error, Exception):
                asking.set_exception(error)
                asking.exception()  # told to the caller, whether anybody waits or not
            else:
                asking.cancel()
            raise
        else:
            asking.set_result(summary)
            if self._asking is asking:
                self._known = summary
            return summary, True
        finally:
            if self._asking is asking:
                self._asking = None


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
