"""
``/v4/load-balancers``: default and private, of applications and of add-ons.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from clever_v4.emulator.errors import bad_request
from clever_v4.emulator.query import Query
from clever_v4.emulator.state import State

PRIVATE_ZONE = "rbx"
"""Only what runs there has a private load balancer."""


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """

    async def of_application(request: web.Request) -> web.Response:
        application = state.application(request.match_info["owner"], request.match_info["app"])
        return _answer(request, state, application.zone)

    async def of_addon(request: web.Request) -> web.Response:
        addon = state.addon(request.match_info["owner"], request.match_info["addon"])
        return _answer(request, state, addon.zone)

    prefix = "/v4/load-balancers/organisations/{owner}"
    return (
        web.get(f"{prefix}/applications/{{app}}/load-balancers/{{kind}}", of_application),
        web.get(f"{prefix}/addons/{{addon}}/load-balancers/{{kind}}", of_addon),
    )


def _answer(request: web.Request, state: State, zone: str) -> web.Response:
    Query(request).only()
    kind = request.match_info["kind"]
    if kind not in {"default", "private"}:
        raise bad_request("loadBalancerKind", f"'{kind}' is not one of default, private")
    if kind == "private":
        found = [_balancer(state, kind, zone, 1)] if zone == PRIVATE_ZONE else []
    else:
        found = [_balancer(state, kind, zone, 3)]
    return web.json_response(found)


def _balancer(state: State, kind: str, zone: str, addresses: int) -> dict[str, Any]:
    draw = state.random("load balancer", kind, zone)
    return {
        "id": state.uuid("load balancer", kind, zone),
        "name": zone if kind == "default" else f"private-{zone}",
        "zoneId": state.uuid("zone", zone),
        "dns": {
            "cname": f"{'domain' if kind == 'default' else 'private'}.{zone}.clever-cloud.com.",
            "a": [f"203.0.113.{draw.randrange(1, 255)}" for _ in range(addresses)],
        },
    }
