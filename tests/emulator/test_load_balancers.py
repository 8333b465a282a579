"""
The emulator's load balancers, read with a bare HTTP client.
"""

from __future__ import annotations

from clever_v4.emulator import Emulator
from tests.emulator.asking import Asker


async def test_kinds_and_parameters_are_checked(emulator: Emulator) -> None:
    """
    Two kinds exist, and no parameter; what is not the owner's is not found.
    """
    ask, application = Asker(emulator), emulator.add_application("shop")
    path = f"/v4/load-balancers/organisations/{emulator.owner_id}/applications"
    good = f"{path}/{application.id}/load-balancers/default"
    assert (await ask(good)).json[0]["name"] == "par"
    assert (await ask(f"{path}/{application.id}/load-balancers/Default")).status == 400
    assert (await ask(good, {"limit": "1"})).field[0] == "limit"
    assert (await ask(f"{path}/app_0/load-balancers/default")).status == 404


async def test_the_zone_is_one_of_the_zones(emulator: Emulator) -> None:
    """
    ``zoneId`` is the id that the list of zones has for it.
    """
    ask, addon = Asker(emulator), emulator.add_addon("db")
    zones = {one["id"]: one["name"] for one in (await ask("/v4/products/zones")).json}
    path = f"/v4/load-balancers/organisations/{emulator.owner_id}/addons/{addon.id}"
    (balancer,) = (await ask(f"{path}/load-balancers/default")).json
    assert zones[balancer["zoneId"]] == balancer["name"]
