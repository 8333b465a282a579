"""
``/v4/addon-providers/addon-pulsar``: the storage policies of a Pulsar add-on, read and written.

In either unit (``Options.pulsar_units``): bytes and minutes as newer sources have them, or
megabytes and days as the reference. A body in the other unit is refused, so that a client that
takes the wrong one is found out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from clever_v4.emulator.data.pulsar import MINUTES_PER_DAY, Policies
from clever_v4.emulator.errors import bad_request, not_found
from clever_v4.emulator.query import Query
from clever_v4.emulator.state import State

BYTES_PER_MEGABYTE = 10**6
POLICIES = ("retentionPolicies", "offloadPolicies")
UNITS = {
    "bytes": ("sizeInBytes", "durationInMinutes"),
    "megabytes": ("sizeInMB", "durationInDays"),
}


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """
    store = state.pulsar

    def real_id_of(request: web.Request) -> str:
        Query(request).only()
        addon = state.addon_by_real_id(request.match_info["pulsar"])
        if addon.provider_id != "addon-pulsar":
            raise not_found(f"Pulsar add-on {addon.real_id} not found")
        return addon.real_id

    async def get_policies(request: web.Request) -> web.Response:
        return web.json_response(_shown(state, store.policies(real_id_of(request))))

    async def patch_policies(request: web.Request) -> web.Response:
        real_id = real_id_of(request)
        change = _checked(state, await request.read())
        policies = store.policies(real_id)
        for name, members in change.items():
            policies[name] = (
                {"size": None, "duration": None} if members is None else policies[name] | members
            )
        if store.patch_answer == "empty":
            return web.Response(status=204)
        if store.patch_answer == "provision":
            answer = {"id": real_id, "config": {}, "message": "The policies were updated."}
            return web.json_response(answer, status=201)
        return web.json_response(_shown(state, policies))

    path = "/v4/addon-providers/addon-pulsar/addons/{pulsar}/storage-policies"
    return (web.get(path, get_policies), web.patch(path, patch_policies))


def _shown(state: State, policies: Policies) -> dict[str, Any]:
    is_modern = state.options.pulsar_units == "bytes"
    size_name, duration_name = UNITS[state.options.pulsar_units]
    size_unit = 1 if is_modern else BYTES_PER_MEGABYTE
    duration_unit = 1 if is_modern else MINUTES_PER_DAY
    return {
        name: {
            size_name: _divided(members["size"], size_unit),
            duration_name: _divided(members["duration"], duration_unit),
        }
        for name, members in policies.items()
    }


def _divided(value: int | None, unit: int) -> int | None:
    return None if value is None else value // unit


def _checked(state: State, body: bytes) -> dict[str, dict[str, int | None] | None]:
    """
    The change that a body asks for, in bytes and minutes.

    Raises:
        Problem: 400, something in it is unknown, of the wrong type or in the other unit.
    """
    what = "The request body was malformed."
    try:
        change = json.loads(body)
    except ValueError:
        raise bad_request("body", "the body is not JSON", what) from None
    if not isinstance(change, dict):
        raise bad_request("body", "an object is expected", what)
    size_name, duration_name = UNITS[state.options.pulsar_units]
    is_modern = state.options.pulsar_units == "bytes"
    kinds = {
        size_name: ("size", 1 if is_modern else BYTES_PER_MEGABYTE),
        duration_name: ("duration", 1 if is_modern else MINUTES_PER_DAY),
    }
    checked: dict[str, dict[str, int | None] | None] = {}
    for policy, members in change.items():
        if policy not in POLICIES:
            raise bad_request(policy, f"'{policy}' is not a member of this object", what)
        if members is None:
            checked[policy] = None
            continue
        if not isinstance(members, dict):
            raise bad_request(policy, "an object or null is expected", what)
        kept: dict[str, int | None] = {}
        for name, value in members.items():
            if name not in kinds:
                raise bad_request(name, f"'{name}' is not a member of this object", what)
            kind, unit = kinds[name]
            if value is None:
                kept[kind] = None
                continue
            if (
                not isinstance(value, int)
                or isinstance(value, bool)
                or not -(2**63) <= value < 2**63
            ):
                raise bad_request(name, f"'{value}' is not a valid 64-bit signed integer", what)
            kept[kind] = value * unit
        checked[policy] = kept
    return checked
