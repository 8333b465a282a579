"""
``/v2/self`` and ``/v2/summary``: who is asking, and everything that is theirs.

Source of the shapes: the official CLI (src/models/ids-resolver.js reads the summary) and the
official client's ``Summary`` type.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from aiohttp import web

from clever_v4.emulator.data.resources import Addon, Application, Owner
from clever_v4.emulator.data.sizes import FLAVORS, flavor_members
from clever_v4.emulator.routes.paths import addon_of, application_of, everywhere, owner_of
from clever_v4.emulator.state import TOKEN_LIFETIME, State


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

    async def get_current_token(_request: web.Request) -> web.Response:
        created_ms = round(state.options.epoch_s * 1000)
        return web.json_response(
            {
                "token": state.credentials.oauth_token,
                "employeeId": None,
                "creationDate": created_ms,
                "expirationDate": created_ms + TOKEN_LIFETIME // timedelta(milliseconds=1),
                "lastUtilisation": created_ms,
            }
        )

    async def list_organisations(_request: web.Request) -> web.Response:
        others = [owner for owner in state.owners.values() if not owner.is_user]
        return web.json_response([_organisation(owner) for owner in others])

    async def list_applications(request: web.Request) -> web.Response:
        owner = owner_of(state, request)
        return web.json_response(
            [application_members(state, one) for one in _applications(state, owner)]
        )

    async def get_application(request: web.Request) -> web.Response:
        return web.json_response(application_members(state, application_of(state, request)))

    async def list_addons(request: web.Request) -> web.Response:
        owner = owner_of(state, request)
        return web.json_response([addon_members(one) for one in _addons(state, owner)])

    async def get_addon(request: web.Request) -> web.Response:
        return web.json_response(addon_members(addon_of(state, request)))

    return (
        web.get("/v2/self", get_self),
        web.get("/v2/summary", get_summary),
        web.get("/v2/organisations", list_organisations),
        web.get("/v2/self/tokens/current", get_current_token),
        *everywhere("GET", "/applications", list_applications),
        *everywhere("GET", "/applications/{app}", get_application),
        *everywhere("GET", "/addons", list_addons),
        *everywhere("GET", "/addons/{addon}", get_addon),
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


def application_members(state: State, one: Application) -> dict[str, object]:
    """
    An application as v2 answers it.
    """
    settings = state.settings_of(one)
    return {
        "id": one.id,
        "name": one.name,
        "description": one.name,
        "zone": one.zone,
        "zoneId": one.zone,
        "instance": {
            "type": one.type,
            "variant": {"id": one.type, "slug": one.type, "name": one.type.title()},
            "lifetime": "REGULAR",
            "minInstances": settings.min_instances,
            "maxInstances": settings.max_instances,
            "maxAllowedInstances": 40,
            "minFlavor": flavor_members(settings.min_flavor),
            "maxFlavor": flavor_members(settings.max_flavor),
            "flavors": [flavor_members(one) for one in FLAVORS],
        },
        "separateBuild": settings.build_flavor is not None,
        "buildFlavor": flavor_members(settings.build_flavor or "XS"),
        "deployment": {
            "type": "GIT",
            "url": _deploy_url(one),
            "httpUrl": f"https://{_deploy_url(one).removeprefix('git+ssh://git@')}",
        },
        "vhosts": [{"fqdn": domain} for domain in settings.domains],
        "creationDate": 1700000000000,
        "ownerId": one.owner_id,
        "state": "SHOULD_BE_DOWN" if settings.is_stopped else "SHOULD_BE_UP",
        "commitId": None,
        "branch": "master",
        "archived": False,
        "homogeneous": False,
        "favourite": False,
        "stickySessions": False,
        "cancelOnPush": False,
    }


def addon_members(one: Addon) -> dict[str, object]:
    """
    An add-on as v2 answers it.
    """
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
