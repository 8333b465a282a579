"""
``/v2/…/applications/{app}/instances``: what ``clever status`` reads, and ``clever stop`` deletes.

Source of the members: the official CLI (src/commands/status/status.command.js).
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from clever_v4.emulator.data.deployments import Json
from clever_v4.emulator.data.sizes import flavor_members
from clever_v4.emulator.query import Query, moment_ms
from clever_v4.emulator.routes.paths import application_of, everywhere
from clever_v4.emulator.state import State

GONE = ("DELETED", "GHOST")
"""States of an instance that v2 shows only where it is asked for deleted ones, too."""


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """

    async def list_instances(request: web.Request) -> web.Response:
        query = Query(request)
        query.only("deploymentId", "withDeleted")
        deployment_id = query.text("deploymentId")
        with_deleted = query.boolean("withDeleted")
        application = application_of(state, request)
        deployments = {one["id"]: one for one in state.deployments.of(application)}
        return web.json_response(
            [
                _instance(one, deployments.get(one["deploymentId"]))
                for one in state.deployments.instances(application)
                if (with_deleted or one["state"] not in GONE)
                and deployment_id in {None, one["deploymentId"]}
            ]
        )

    async def stop(request: web.Request) -> web.Response:
        application = application_of(state, request)
        state.deployments.stop(application)
        state.settings_of(application).is_stopped = True
        return web.json_response(
            {"id": 200, "message": "The application is stopped.", "type": "success"}
        )

    path = "/applications/{app}/instances"
    return (*everywhere("GET", path, list_instances), *everywhere("DELETE", path, stop))


def _instance(one: Json, deployment: Json | None) -> dict[str, object]:
    network = one["network"] or {}
    return {
        "id": one["id"],
        "appId": one["applicationId"],
        "ip": network.get("ip"),
        "appPort": network.get("port"),
        "state": one["state"],
        "flavor": flavor_members(one["flavor"]),
        "commit": deployment and deployment["version"].get("commitId"),
        "deployId": one["deploymentId"],
        "instanceNumber": one["index"],
        "displayName": one["name"],
        "creationDate": moment_ms(one["creationDate"]),
    }
