"""
``/v2/self`` and ``/v2/summary``: who is asking, and everything that is theirs.

Source of the shapes: the official CLI (src/models/ids-resolver.js reads the summary) and the
official client's ``Summary`` type.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from clever_v4.emulator.data.resources import Addon, Application, Owner
from clever_v4.emulator.state import State


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """

    async def get_self(_request: web.Request) -> web.Response:
        return web.json_response(_user(state.user))

    async def get_summary(_request: web.Request) -> web.Response:
        others = [owner for owner in state.owners.values() if not owner.is_user]
        return web.json_response(
            {
                "user": _summary(state, state.user),
                "organisations": [_summary(state, owner) for owner in others],
            }
        )

    async def list_organisations(_request: web.Request) -> web.Response:
        others = [owner for owner in state.owners.values() if not owner.is_user]
        return web.json_response([_organisation(owner) for owner in others])

    async def list_applications(request: web.Request) -> web.Response:
        owner = state.owner(request.match_info["owner"])
        return web.json_response([_application(one) for one in _applications(state, owner)])

    async def get_application(request: web.Request) -> web.Response:
        match = request.match_info
        return web.json_response(_application(state.application(match["owner"], match["app"])))

    async def list_addons(request: web.Request) -> web.Response:
        owner = state.owner(request.match_info["owner"])
        return web.json_response([_addon(one) for one in _addons(state, owner)])

    async def get_addon(request: web.Request) -> web.Response:
        match = request.match_info
        return web.json_response(_addon(state.addon(match["owner"], match["addon"])))

    return (
        web.get("/v2/self", get_self),
        web.get("/v2/summary", get_summary),
        web.get("/v2/organisations", list_organisations),
        web.get("/v2/organisations/{owner}/applications", list_applications),
        web.get("/v2/organisations/{owner}/applications/{app}", get_application),
        web.get("/v2/organisations/{owner}/addons", list_addons),
        web.get("/v2/organisations/{owner}/addons/{addon}", get_addon),
    )


def _applications(state: State, owner: Owner) -> list[Application]:
    return [one for one in state.applications.values() if one.owner_id == owner.id]


def _addons(state: State, owner: Owner) -> list[Addon]:
    return [one for one in state.addons.values() if one.owner_id == owner.id]


def _user(user: Owner) -> dict[str, object]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "phone": "",
        "address": "",
        "city": "",
        "zipcode": "",
        "country": "FRANCE",
        "avatar": None,
        "creationDate": 1577836800000,
        "lang": "EN",
        "emailValidated": True,
        "oauthApps": [],
        "admin": False,
        "canPay": True,
        "preferredMFA": "NONE",
        "hasPassword": True,
    }


def _organisation(owner: Owner) -> dict[str, object]:
    return {
        "id": owner.id,
        "name": owner.name,
        "description": "",
        "billingEmail": owner.email,
        "avatar": None,
        "canPay": True,
        "cleverEnterprise": False,
        "vatState": "NOT_NEEDED",
    }


def _summary(state: State, owner: Owner) -> dict[str, object]:
    return {
        "id": owner.id,
        "name": owner.name,
        "email": owner.email,
        "avatar": None,
        "applications": [
            {
                "id": one.id,
                "name": one.name,
                "deployUrl": _deploy_url(one),
                "instanceType": one.type,
                "instanceVariant": one.type,
                "variantSlug": one.type,
                "commitId": None,
                "state": "SHOULD_BE_UP",
                "zone": one.zone,
                "zoneId": one.zone,
            }
            for one in _applications(state, owner)
        ],
        "addons": [
            {
                "id": one.id,
                "realId": one.real_id,
                "name": one.name,
                "providerId": one.provider_id,
                "zoneId": one.zone,
                "status": None,
                "plan": {"id": "plan_dev", "name": "DEV", "slug": "dev"},
            }
            for one in _addons(state, owner)
        ],
        "consumers": [],
        "providers": [],
        "role": "ADMIN",
        "vatState": "NOT_NEEDED",
        "canPay": True,
        "canSEPA": True,
        "cleverEnterprise": False,
        "emergencyNumber": None,
        "isTrusted": False,
    }


def _application(one: Application) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "description": one.name,
        "zone": one.zone,
        "zoneId": one.zone,
        "instance": {
            "type": one.type,
            "variant": {"id": one.type, "slug": one.type, "name": one.type.title()},
            "minInstances": 1,
            "maxInstances": 2,
        },
        "deployment": {
            "type": "GIT",
            "url": _deploy_url(one),
            "httpUrl": f"https://{_deploy_url(one).removeprefix('git+ssh://git@')}",
        },
        "vhosts": [{"fqdn": f"{one.id.replace('_', '-')}.cleverapps.io/"}],
        "creationDate": 1700000000000,
        "ownerId": one.owner_id,
        "state": "SHOULD_BE_UP",
        "commitId": None,
        "branch": "master",
        "archived": False,
        "homogeneous": False,
        "favourite": False,
        "stickySessions": False,
        "cancelOnPush": False,
    }


def _addon(one: Addon) -> dict[str, object]:
    return {
        "id": one.id,
        "realId": one.real_id,
        "name": one.name,
        "region": one.zone,
        "zoneId": one.zone,
        "provider": {"id": one.provider_id, "name": one.provider_id, "shortDesc": ""},
        "plan": {"id": "plan_dev", "name": "DEV", "slug": "dev", "price": 0, "features": []},
        "creationDate": 1700000000000,
        "configKeys": [],
    }


def _deploy_url(one: Application) -> str:
    return f"git+ssh://git@push-{one.zone}-clevercloud-customers.services.clever-cloud.com/{one.id}.git"
