"""
``/v2/…/applications/{app}``: what the official CLI's ``env``, ``published-config``, ``domain``,
``tcp-redirs``, ``service`` and ``scale`` read and change.

Source of the paths and shapes: the commands of the official CLI (src/commands/) and the paths of
the official client (esm/api/v2/application.js). What is answered to a change is in no source
beyond the members that the CLI reads.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from clever_v4.emulator.data.resources import Addon
from clever_v4.emulator.data.settings import NAMESPACES, Settings, addon_env
from clever_v4.emulator.data.sizes import FLAVORS
from clever_v4.emulator.errors import Problem, bad_request, not_found
from clever_v4.emulator.query import Query
from clever_v4.emulator.routes import account
from clever_v4.emulator.routes.paths import addon_of, application_of, everywhere
from clever_v4.emulator.state import State

NO_FAVOURITE = 4021
"""v2's id of the 404 of an application without a favourite domain."""


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """
    return (
        *_environment(state),
        *_domains(state),
        *_redirections(state),
        *_links(state),
        *_scale(state),
    )


def settings_of(state: State, request: web.Request) -> Settings:
    """
    The settings of the application that a path names.
    """
    return state.settings_of(application_of(state, request))


def _done(text: str) -> web.Response:
    return web.json_response({"id": 200, "message": text, "type": "success"})


def _pairs(env: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in env.items()]


async def _member(request: web.Request, name: str) -> str:
    body = await request.json()
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str):
        raise bad_request(name, f"'{name}' must be a text", "The body was malformed.")
    return value


async def _texts(request: web.Request) -> dict[str, str]:
    body = await request.json()
    if not isinstance(body, dict) or not all(isinstance(one, str) for one in body.values()):
        raise bad_request("body", "must be an object of texts", "The body was malformed.")
    return {str(name): value for name, value in body.items()}


def _environment(state: State) -> Iterable[web.RouteDef]:
    async def get_env(request: web.Request) -> web.Response:
        return web.json_response(_pairs(settings_of(state, request).env))

    async def put_env(request: web.Request) -> web.Response:
        settings_of(state, request).env = await _texts(request)
        return web.json_response(_pairs(settings_of(state, request).env))

    async def put_variable(request: web.Request) -> web.Response:
        value = await _member(request, "value")
        settings_of(state, request).env[request.match_info["name"]] = value
        return _done("The environment variable has been saved.")

    async def delete_variable(request: web.Request) -> web.Response:
        settings_of(state, request).env.pop(request.match_info["name"], None)
        return _done("The environment variable has been removed.")

    async def get_addons_env(request: web.Request) -> web.Response:
        addons = [state.addons[one] for one in settings_of(state, request).addon_ids]
        return web.json_response(
            [
                {
                    "addon_id": one.id,
                    "addon_name": one.name,
                    "provider_id": one.provider_id,
                    "env": _pairs(_addon_env(state, one)),
                }
                for one in addons
            ]
        )

    async def get_dependencies_env(request: web.Request) -> web.Response:
        ids = settings_of(state, request).dependency_ids
        found = [state.applications[one] for one in ids]
        return web.json_response(
            [
                {
                    "app_id": one.id,
                    "app_name": one.name,
                    "env": _pairs(state.settings_of(one).exposed),
                }
                for one in found
            ]
        )

    async def get_exposed(request: web.Request) -> web.Response:
        return web.json_response(settings_of(state, request).exposed)

    async def put_exposed(request: web.Request) -> web.Response:
        settings_of(state, request).exposed = await _texts(request)
        return web.json_response(settings_of(state, request).exposed)

    async def get_addon_env(request: web.Request) -> web.Response:
        return web.json_response(_pairs(_addon_env(state, addon_of(state, request))))

    return (
        *everywhere("GET", "/applications/{app}/env", get_env),
        *everywhere("PUT", "/applications/{app}/env", put_env),
        *everywhere("PUT", "/applications/{app}/env/{name}", put_variable),
        *everywhere("DELETE", "/applications/{app}/env/{name}", delete_variable),
        *everywhere("GET", "/applications/{app}/addons/env", get_addons_env),
        *everywhere("GET", "/applications/{app}/dependencies/env", get_dependencies_env),
        *everywhere("GET", "/applications/{app}/exposed_env", get_exposed),
        *everywhere("PUT", "/applications/{app}/exposed_env", put_exposed),
        *everywhere("GET", "/addons/{addon}/env", get_addon_env),
    )


def _addon_env(state: State, addon: Addon) -> dict[str, str]:
    return addon_env(addon.provider_id, addon.real_id, state.random("env", addon.id))


def _domains(state: State) -> Iterable[web.RouteDef]:
    async def list_domains(request: web.Request) -> web.Response:
        return web.json_response([{"fqdn": one} for one in settings_of(state, request).domains])

    async def put_domain(request: web.Request) -> web.Response:
        domains, wanted = settings_of(state, request).domains, _domain(request.match_info["domain"])
        if wanted not in domains:
            domains.append(wanted)
        return _done("The domain has been saved.")

    async def delete_domain(request: web.Request) -> web.Response:
        settings = settings_of(state, request)
        wanted = _domain(request.match_info["domain"])
        if wanted not in settings.domains:
            raise not_found(f"Domain {wanted} not found")
        settings.domains.remove(wanted)
        if settings.favourite == wanted:
            settings.favourite = None
        return _done("The domain has been removed.")

    async def get_favourite(request: web.Request) -> web.Response:
        favourite = settings_of(state, request).favourite
        if favourite is None:
            raise not_found("No favourite domain is set", v2_id=NO_FAVOURITE)
        return web.json_response({"fqdn": favourite})

    async def put_favourite(request: web.Request) -> web.Response:
        settings = settings_of(state, request)
        wanted = _domain(await _member(request, "fqdn"))
        if wanted not in settings.domains:
            raise not_found(f"Domain {wanted} not found")
        settings.favourite = wanted
        return web.json_response({"fqdn": wanted})

    async def delete_favourite(request: web.Request) -> web.Response:
        settings_of(state, request).favourite = None
        return _done("There is no favourite domain any more.")

    favourite = "/applications/{app}/vhosts/favourite"
    return (
        *everywhere("GET", "/applications/{app}/vhosts", list_domains),
        # Before those whose last segment may be any domain.
        *everywhere("GET", favourite, get_favourite),
        *everywhere("PUT", favourite, put_favourite),
        *everywhere("DELETE", favourite, delete_favourite),
        *everywhere("PUT", "/applications/{app}/vhosts/{domain:.+}", put_domain),
        *everywhere("DELETE", "/applications/{app}/vhosts/{domain:.+}", delete_domain),
    )


def _domain(text: str) -> str:
    return text if "/" in text else f"{text}/"


def _redirections(state: State) -> Iterable[web.RouteDef]:
    async def list_redirections(request: web.Request) -> web.Response:
        found = settings_of(state, request).redirections
        return web.json_response([{"namespace": one, "port": port} for port, one in found.items()])

    async def add_redirection(request: web.Request) -> web.Response:
        namespace = await _member(request, "namespace")
        if namespace not in NAMESPACES:
            raise not_found(f"Namespace {namespace} not found")
        port = state.settings.take_port()
        settings_of(state, request).redirections[port] = namespace
        return web.json_response({"namespace": namespace, "port": port})

    async def delete_redirection(request: web.Request) -> web.Response:
        found, port = settings_of(state, request).redirections, request.match_info["port"]
        namespace = Query(request).text("namespace")
        if not port.isdecimal() or found.get(int(port)) != namespace:
            raise not_found(f"No TCP redirection of port {port} in namespace {namespace}")
        del found[int(port)]
        return _done("The TCP redirection has been removed.")

    async def list_namespaces(request: web.Request) -> web.Response:
        owner = state.owner(request.match_info["owner"])
        return web.json_response([{"id": owner.id, "namespace": one} for one in NAMESPACES])

    base = "/v2/organisations/{owner}/applications/{app}/tcpRedirs"
    return (
        web.get(base, list_redirections),
        web.post(base, add_redirection),
        web.delete(f"{base}/{{port}}", delete_redirection),
        web.get("/v2/organisations/{owner}/namespaces", list_namespaces),
    )


def _links(state: State) -> Iterable[web.RouteDef]:
    async def list_addons(request: web.Request) -> web.Response:
        ids = settings_of(state, request).addon_ids
        return web.json_response([account.addon_members(state.addons[one]) for one in ids])

    async def link_addon(request: web.Request) -> web.Response:
        addon_id = await request.json()
        application = application_of(state, request)
        addon = state.addon(application.owner_id, str(addon_id))
        ids = state.settings_of(application).addon_ids
        if addon.id in ids:
            raise Problem(409, "clever.core.conflict", "The add-on is linked already.")
        ids.append(addon.id)
        return _done("The add-on has been linked.")

    async def unlink_addon(request: web.Request) -> web.Response:
        _take_from(settings_of(state, request).addon_ids, request.match_info["addon"])
        return _done("The add-on is no longer linked.")

    async def list_dependencies(request: web.Request) -> web.Response:
        ids = settings_of(state, request).dependency_ids
        return web.json_response(
            [account.application_members(state, state.applications[one]) for one in ids]
        )

    async def add_dependency(request: web.Request) -> web.Response:
        application = application_of(state, request)
        wanted = state.application(application.owner_id, request.match_info["dependency"])
        ids = state.settings_of(application).dependency_ids
        if wanted.id not in ids:
            ids.append(wanted.id)
        return _done("The dependency has been added.")

    async def remove_dependency(request: web.Request) -> web.Response:
        _take_from(settings_of(state, request).dependency_ids, request.match_info["dependency"])
        return _done("The dependency has been removed.")

    dependency = "/applications/{app}/dependencies/{dependency}"
    return (
        *everywhere("GET", "/applications/{app}/addons", list_addons),
        *everywhere("POST", "/applications/{app}/addons", link_addon),
        *everywhere("DELETE", "/applications/{app}/addons/{addon}", unlink_addon),
        *everywhere("GET", "/applications/{app}/dependencies", list_dependencies),
        *everywhere("PUT", dependency, add_dependency),
        *everywhere("DELETE", dependency, remove_dependency),
    )


def _take_from(ids: list[str], wanted: str) -> None:
    if wanted not in ids:
        raise not_found(f"{wanted} is not linked")
    ids.remove(wanted)


def _scale(state: State) -> Iterable[web.RouteDef]:
    async def update(request: web.Request) -> web.Response:
        application, body = application_of(state, request), await request.json()
        settings = state.settings_of(application)
        for name in ("minFlavor", "maxFlavor", "buildFlavor"):
            if body.get(name) is not None and body[name] not in FLAVORS:
                raise bad_request(name, f"'{body[name]}' is no flavor", "The body was malformed.")
        settings.min_flavor = body.get("minFlavor", settings.min_flavor)
        settings.max_flavor = body.get("maxFlavor", settings.max_flavor)
        settings.min_instances = body.get("minInstances", settings.min_instances)
        settings.max_instances = body.get("maxInstances", settings.max_instances)
        if body.get("separateBuild") is False:
            settings.build_flavor = None
        elif body.get("separateBuild"):
            settings.build_flavor = body.get("buildFlavor", settings.build_flavor)
        return web.json_response(account.application_members(state, application))

    return everywhere("PUT", "/applications/{app}", update)
