"""
``/v4/orchestration``: deployments and instances, and v2's deployments that the official CLI's
``clever activity`` and the web console read.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from clever_v4.emulator.data.deployments import ACTIONS, FINAL_STATES, Deployments, Json
from clever_v4.emulator.data.resources import Application
from clever_v4.emulator.errors import Problem, not_found
from clever_v4.emulator.query import Query, moment_ms
from clever_v4.emulator.state import State

INSTANCE_STATES = (
    "BOOTING",
    "READY",
    "STARTING",
    "DEPLOYING",
    "BUILDING",
    "STOPPING",
    "DELETED",
    "GHOST",
    "MIGRATION_IN_PROGRESS",
    "UP",
    "TASK_IN_PROGRESS",
    "WORK_IN_PROGRESS",
)
V2_STATES = {
    "QUEUED": "WIP",
    "WORK_IN_PROGRESS": "WIP",
    "TASK_IN_PROGRESS": "TASK_RUNNING",
    "FAILED": "FAIL",
    "CANCELLED": "CANCELLED",
    "SUCCEEDED": "OK",
}
MAXIMUM_LIMIT = 1000
DEFAULT_LIMIT = 100


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """
    kept = state.deployments
    return (*_routes_v4(state, kept), *_routes_v2(state, kept))


def _routes_v4(state: State, kept: Deployments) -> Iterable[web.RouteDef]:
    def known(request: web.Request) -> list[Json]:
        made = kept.of(_application(state, request))
        # The console asks v2 for the others (cc-logs-app-runtime.smart.js).
        return made[state.options.forgotten_deployments :]

    async def list_deployments(request: web.Request) -> web.Response:
        query = Query(request)
        query.only("action", "includeApplicationConfiguration", "limit", "order")
        actions = query.choices("action", ACTIONS)
        limit = query.integer("limit", minimum=1, maximum=MAXIMUM_LIMIT) or DEFAULT_LIMIT
        order = query.choice("order", ("ASC", "DESC")) or "DESC"
        query.boolean("includeApplicationConfiguration")
        found = [one for one in known(request) if not actions or one["origin"]["action"] in actions]
        return web.json_response(_ordered(found, order)[:limit])

    async def get_deployment(request: web.Request) -> web.Response:
        query = Query(request)
        query.only("includeApplicationConfiguration")
        query.boolean("includeApplicationConfiguration")
        wanted = request.match_info["deployment"]
        for one in known(request):
            if one["id"] == wanted:
                return web.json_response(kept.look(one))
        raise not_found(f"Deployment {wanted} not found")

    async def list_instances(request: web.Request) -> web.Response:
        return web.json_response(
            _chosen(kept.instances(_application(state, request)), Query(request))
        )

    async def get_instance(request: web.Request) -> web.Response:
        Query(request).only()
        wanted = request.match_info["instance"]
        for one in kept.instances(_application(state, request)):
            if one["id"] == wanted:
                return web.json_response(one)
        raise not_found(f"Instance {wanted} not found")

    prefix = "/v4/orchestration/organisations/{owner}/applications/{app}"
    return (
        web.get(f"{prefix}/deployments", list_deployments),
        web.get(f"{prefix}/deployments/{{deployment}}", get_deployment),
        web.get(f"{prefix}/instances", list_instances),
        web.get(f"{prefix}/instances/{{instance}}", get_instance),
    )


def _routes_v2(state: State, kept: Deployments) -> Iterable[web.RouteDef]:
    async def list_deployments(request: web.Request) -> web.Response:
        query = Query(request)
        query.only("limit", "offset", "action")
        limit = query.integer("limit", minimum=1)
        offset = query.integer("offset", minimum=0) or 0
        action = query.choice("action", ACTIONS)
        made = kept.of(_application(state, request))
        found = [
            _v2(state, number, one)
            for number, one in enumerate(made)
            if action is None or one["origin"]["action"] == action
        ]
        found.reverse()
        return web.json_response(found[offset:][:limit])

    async def get_deployment(request: web.Request) -> web.Response:
        wanted = request.match_info["deployment"]
        for number, one in enumerate(kept.of(_application(state, request))):
            if one["id"] == wanted:
                return web.json_response(_v2(state, number, one))
        raise not_found(f"Deployment {wanted} not found")

    async def deploy(request: web.Request) -> web.Response:
        application = _application(state, request)
        if any(one["state"] not in FINAL_STATES for one in kept.of(application)):
            raise Problem(409, "clever.core.conflict", "A deployment is running already.")
        deployment = kept.deploy(application)
        return web.json_response(
            {
                "id": 307,
                "message": "The deployment is queued.",
                "type": "success",
                "deploymentId": deployment["id"],
            }
        )

    prefix = "/v2/organisations/{owner}/applications/{app}"
    return (
        web.get(f"{prefix}/deployments", list_deployments),
        web.get(f"{prefix}/deployments/{{deployment}}", get_deployment),
        web.post(f"{prefix}/instances", deploy),
    )


def _application(state: State, request: web.Request) -> Application:
    return state.application(request.match_info["owner"], request.match_info["app"])


def _chosen(machines: list[Json], query: Query) -> list[Json]:
    """
    The instances that the query's eight filters ask for.
    """
    query.only(
        "deploymentId",
        "limit",
        "excludeDeleted",
        "since",
        "until",
        "order",
        "includeState",
        "excludeState",
    )
    deployment_id = query.text("deploymentId")
    limit = query.integer("limit", minimum=1, maximum=MAXIMUM_LIMIT) or DEFAULT_LIMIT
    exclude_deleted = query.boolean("excludeDeleted")
    since, until = query.moment_ms("since"), query.moment_ms("until")
    order = query.choice("order", ("ASC", "DESC")) or "DESC"
    included = query.choices("includeState", INSTANCE_STATES)
    excluded = query.choices("excludeState", INSTANCE_STATES)
    found = [
        one
        for one in machines
        if (deployment_id is None or one["deploymentId"] == deployment_id)
        and not (exclude_deleted and one["state"] == "DELETED")
        and (since is None or moment_ms(one["creationDate"]) >= since)
        and (until is None or moment_ms(one["creationDate"]) <= until)
        and (not included or one["state"] in included)
        and one["state"] not in excluded
    ]
    return _ordered(found, order)[:limit]


def _ordered(oldest_first: list[Json], order: str) -> list[Json]:
    return oldest_first if order == "ASC" else oldest_first[::-1]


def _v2(state: State, number: int, deployment: Json) -> Json:
    return {
        "id": number + 1,
        "uuid": deployment["id"],
        "date": moment_ms(deployment["startDate"]),
        "state": V2_STATES[deployment["state"]],
        "action": deployment["origin"]["action"],
        "commit": deployment["version"].get("commitId"),
        "cause": deployment["origin"]["cause"],
        "instances": 1,
        "author": {"id": state.user.id, "name": state.user.name},
    }
