"""
``/v4/products/zones``: where things run. Answered without credentials, as the console's public
pricing page has it.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from clever_v4.emulator.errors import not_found
from clever_v4.emulator.query import Query
from clever_v4.emulator.state import State

# name, city, country, country code, latitude, longitude, tags beyond for:applications
_PUBLIC = (
    ("par", "Paris", "France", "FR", 48.87, 2.33, ("infra:clever-cloud", "region:eu")),
    ("parhds", "Paris", "France", "FR", 48.87, 2.33, ("certification:hds", "region:eu")),
    ("fr-north-hds", "Gravelines", "France", "FR", 50.99, 2.13, ("certification:hds",)),
    ("grahds", "Gravelines", "France", "FR", 50.99, 2.13, ("certification:hds", "infra:ovh")),
    ("rbx", "Roubaix", "France", "FR", 50.69, 3.17, ("infra:ovh", "region:eu")),
    ("rbxhds", "Roubaix", "France", "FR", 50.69, 3.17, ("certification:hds", "infra:ovh")),
    ("scw", "Paris", "France", "FR", 48.87, 2.33, ("infra:scaleway", "region:eu")),
    ("ldn", "London", "United Kingdom", "GB", 51.5, -0.12, ("infra:ovh",)),
    ("mtl", "Montreal", "Canada", "CA", 45.5, -73.61, ("infra:ovh",)),
    ("sgp", "Singapore", "Singapore", "SG", 1.28, 103.84, ("infra:ovh",)),
    ("syd", "Sydney", "Australia", "AU", -33.87, 151.2, ("infra:ovh",)),
    ("wsw", "Warsaw", "Poland", "PL", 52.23, 21.01, ("infra:ovh", "region:eu")),
)


def routes(state: State) -> Iterable[web.RouteDef]:
    """
    The routes of this family.
    """

    async def list_zones(request: web.Request) -> web.Response:
        return web.json_response(_zones(state, Query(request)))

    async def get_zone(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        for zone in _zones(state, Query(request)):
            if zone["name"] == name:
                return web.json_response(zone)
        raise not_found(f"Zone {name} not found")

    return (
        web.get("/v4/products/zones", list_zones),
        web.get("/v4/products/zones/{name}", get_zone),
    )


def _zones(state: State, query: Query) -> list[dict[str, object]]:
    """
    The public zones, and an owner's private one when ``ownerId`` names the owner; those that
    have every ``tag``.
    """
    query.only("ownerId", "tag")
    owner_id, tags = query.text("ownerId"), query.texts("tag")
    zones = [_zone(state, *row) for row in _PUBLIC]
    if owner_id is not None and state.owner(owner_id) is state.organisation:
        private = _zone(
            state, "priv1", "Nantes", "France", "FR", 47.22, -1.55, ("region:eu", "scope:private")
        )
        zones.append(private | {"displayName": f"{state.organisation.name} Nantes"})
    return [zone for zone in zones if set(tags) <= set(_texts(zone["tags"]))]


def _zone(
    state: State,
    name: str,
    city: str,
    country: str,
    country_code: str,
    lat: float,
    lon: float,
    tags: tuple[str, ...],
) -> dict[str, object]:
    draw = state.random("zone", name)
    zone: dict[str, object] = {
        "id": state.uuid("zone", name),
        "name": name,
        "country": country,
        "countryCode": country_code,
        "city": city,
        "displayName": None,
        "lat": lat,
        "lon": lon,
        "outboundIPs": [
            f"198.51.100.{draw.randrange(256)}/32" for _ in range(draw.randrange(1, 4))
        ],
        "tags": ["for:applications", *tags],
    }
    # The sources disagree on which members are always there; a zone of each kind is served.
    if name == "fr-north-hds":
        del zone["outboundIPs"], zone["displayName"]
    return zone


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
