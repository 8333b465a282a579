"""
``session.zones`` against the emulator.
"""

from __future__ import annotations

from typing import Any

import pytest

from clever_v4.api.zones import Zone
from clever_v4.auth import ApiToken
from clever_v4.emulator import Emulator
from clever_v4.errors import NotFoundError, ResponseFormatError
from clever_v4.session import Session
from tests.serving import answers, serve


def on(emulator: Emulator) -> Session:
    return Session(ApiToken(emulator.token), base_url=emulator.url)


async def test_zones_are_listed_as_models(emulator: Emulator) -> None:
    """
    Every member of the reference has its Python name.
    """
    async with on(emulator) as session:
        zones = await session.zones.list()
    paris = next(zone for zone in zones if zone.name == "par")
    assert (paris.city, paris.country, paris.country_code) == ("Paris", "France", "FR")
    assert (paris.lat, paris.lon) == (48.87, 2.33)
    assert paris.id
    assert paris.outbound_ips
    assert all(ip.endswith("/32") for ip in paris.outbound_ips)
    assert "for:applications" in paris.tags
    assert paris.display_name is None


async def test_zone_without_the_optional_members_is_a_model(emulator: Emulator) -> None:
    """
    The emulator leaves ``outboundIPs`` and ``displayName`` of one zone out, as the real API may.
    """
    async with on(emulator) as session:
        zone = await session.zones.get("fr-north-hds")
    assert (zone.outbound_ips, zone.display_name) == ((), None)


async def test_zones_need_no_credentials(emulator: Emulator) -> None:
    """
    The list and one zone are public.
    """
    async with Session(base_url=emulator.url) as session:
        assert len(await session.zones.list()) > 5
        assert (await session.zones.get("mtl")).country_code == "CA"


async def test_tags_narrow_the_list(emulator: Emulator) -> None:
    """
    A zone must have all of them: the key is repeated.
    """
    async with on(emulator) as session:
        zones = await session.zones.list(tags=("certification:hds", "infra:ovh"))
    assert {zone.name for zone in zones} == {"grahds", "rbxhds"}


async def test_owner_sees_private_zones_too(emulator: Emulator) -> None:
    """
    In the list, and as one zone.
    """
    async with on(emulator) as session:
        public = {zone.name for zone in await session.zones.list()}
        own = {zone.name for zone in await session.zones.list(owner_id=emulator.owner_id)}
        private = await session.zones.get("priv1", owner_id=emulator.owner_id)
        with pytest.raises(NotFoundError):
            await session.zones.get("priv1")
    assert own - public == {"priv1"}
    assert private.display_name
    assert "scope:private" in private.tags


async def test_unknown_zone_is_not_found(emulator: Emulator) -> None:
    """
    The message says which, with the API's code and the Sozu-Id.
    """
    async with on(emulator) as session:
        with pytest.raises(NotFoundError) as raised:
            await session.zones.get("nö where")
    assert "HTTP 404 clever.core.not-found: Zone nö where not found (Sozu-Id " in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"owner_id": ""}, ValueError, r"^owner_id must be neither empty"),
        ({"owner_id": 3}, TypeError, r"^owner_id must be text, got 3"),
        ({"tags": "region:eu"}, TypeError, r"^tags must be several texts, got 'region:eu'"),
        ({"tags": [""]}, ValueError, r"^each of tags must not be empty"),
    ],
)
async def test_nonsense_is_refused_by_name(
    emulator: Emulator, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    """
    Before anything is sent.
    """
    async with on(emulator) as session:
        with pytest.raises(error, match=text):
            await session.zones.list(**arguments)
        with pytest.raises(ValueError, match=r"^name must be neither empty"):
            await session.zones.get("..")
        with pytest.raises(ValueError, match=r"^name must not hold a slash, got 'par/x'"):
            await session.zones.get("par/x")


async def test_zone_that_does_not_fit_is_named_by_its_path() -> None:
    """
    The second zone's latitude, and the Sozu-Id.
    """
    body = '[{"name": "par"}, {"name": "rbx", "lat": "north", "new": 1}]'
    async with serve(answers((200, body))) as server, Session(base_url=server.url) as session:
        with pytest.raises(ResponseFormatError) as raised:
            await session.zones.list()
    assert raised.value.paths == ("$[1].lat",)
    assert raised.value.request_id == "01SOZU"


async def test_unknown_members_and_nulls_are_taken() -> None:
    """
    What the reference does not guarantee may be absent or null.
    """
    body = '[{"name": "par", "tags": null, "lat": null, "status": {"up": true}}]'
    async with serve(answers((200, body))) as server, Session(base_url=server.url) as session:
        assert await session.zones.list() == [Zone(name="par")]


async def test_one_zone_may_come_as_an_array_of_one() -> None:
    """
    As the server's OpenAPI description has it for what is one.
    """
    async with (
        serve(answers((200, '[{"name": "par"}]'))) as server,
        Session(base_url=server.url) as session,
    ):
        assert await session.zones.get("par") == Zone(name="par")
