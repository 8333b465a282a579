"""
v2's two ways to one resource: below its organisation, and below ``/v2/self``.

Source: the official client writes ``/v2/self`` where no owner is given (esm/api/v2/application.js).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from clever_v4.emulator.data.resources import Addon, Application, Owner
from clever_v4.emulator.state import State

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def everywhere(method: str, path: str, handler: Handler) -> tuple[web.RouteDef, web.RouteDef]:
    """
    A route below an organisation, and the same one below ``/v2/self``.
    """
    return (
        web.route(method, f"/v2/organisations/{{owner}}{path}", handler),
        web.route(method, f"/v2/self{path}", handler),
    )


def application_of(state: State, request: web.Request) -> Application:
    """
    The application that a path names.

    Below ``/v2/self`` it may be of any organisation of the user's: the official CLI links an
    application so (src/models/application.js).
    """
    application_id = request.match_info["app"]
    owner_id = request.match_info.get("owner")
    if owner_id is None:
        found = state.applications.get(application_id)
        owner_id = state.user.id if found is None else found.owner_id
    return state.application(owner_id, application_id)


def addon_of(state: State, request: web.Request) -> Addon:
    """
    The add-on that a path names; below ``/v2/self`` of any organisation.
    """
    addon_id = request.match_info["addon"]
    owner_id = request.match_info.get("owner")
    if owner_id is None:
        found = state.addons.get(addon_id)
        owner_id = state.user.id if found is None else found.owner_id
    return state.addon(owner_id, addon_id)


def owner_of(state: State, request: web.Request) -> Owner:
    """
    The owner that a path names; below ``/v2/self`` the user.
    """
    owner_id = request.match_info.get("owner")
    return state.user if owner_id is None else state.owner(owner_id)
