"""
What an application is set to, as the official CLI reads and changes it.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from clever_v4.emulator import Emulator
from clever_v4.emulator.data.settings import PORTS, SettingsStore
from tests.emulator.asking import Answer, Asker


class Application:
    """
    An application of the emulator's, asked for below its owner or below ``/v2/self``.
    """

    def __init__(self, emulator: Emulator, *, is_self: bool) -> None:
        self.emulator = emulator
        self.id = emulator.add_application("settled").id
        owner = "self" if is_self else f"organisations/{emulator.owner_id}"
        self.base = f"/v2/{owner}"
        self._ask = Asker(emulator)

    async def __call__(self, path: str, *, method: str = "GET", body: object = None) -> Answer:
        return await self._ask(
            f"{self.base}/applications/{self.id}{path}", method=method, body=body
        )

    async def json(self, path: str) -> Any:
        answer = await self(path)
        assert answer.status == 200
        return answer.json

    async def addon(self, path: str) -> Any:
        return (await self._ask(f"{self.base}/addons{path}")).json


@pytest_asyncio.fixture(params=[False, True], ids=["owner", "self"])
async def settled(emulator: Emulator, request: pytest.FixtureRequest) -> Application:
    """
    The same application by both ways to it.
    """
    return Application(emulator, is_self=request.param)


async def test_variables_are_set_replaced_and_removed(settled: Application) -> None:
    """
    One at a time, and all at once.
    """
    before = await settled.json("/env")
    assert {one["name"] for one in before} == {"CC_POST_BUILD_HOOK", "SECRET_KEY"}
    assert (await settled("/env/A", method="PUT", body={"value": "1"})).status == 200
    assert {"name": "A", "value": "1"} in await settled.json("/env")
    assert (await settled("/env/A", method="DELETE")).status == 200
    assert await settled.json("/env") == before
    assert (await settled("/env", method="PUT", body={"B": "2"})).status == 200
    assert await settled.json("/env") == [{"name": "B", "value": "2"}]


@pytest.mark.parametrize(("path", "body"), [("/env/A", {}), ("/env/A", {"value": 1}),
                                            ("/env", ["A"]), ("/env", {"A": 1})])  # fmt: skip
async def test_a_malformed_variable_is_refused(
    settled: Application, path: str, body: object
) -> None:
    """
    400, and nothing is changed.
    """
    before = await settled.json("/env")
    assert (await settled(path, method="PUT", body=body)).status == 400
    assert await settled.json("/env") == before


async def test_a_domain_is_added_favoured_and_removed(settled: Application) -> None:
    """
    The favourite is one of the domains, and goes with it; without one it is v2's 4021.
    """
    own = (await settled.json("/vhosts"))[0]["fqdn"]
    none = await settled("/vhosts/favourite")
    assert (none.status, none.json["id"]) == (404, 4021)
    assert (await settled("/vhosts/example.com", method="PUT")).status == 200
    assert (await settled("/vhosts/example.com", method="PUT")).status == 200
    assert await settled.json("/vhosts") == [{"fqdn": own}, {"fqdn": "example.com/"}]
    favour = {"fqdn": "example.com"}
    assert (await settled("/vhosts/favourite", method="PUT", body=favour)).status == 200
    assert await settled.json("/vhosts/favourite") == {"fqdn": "example.com/"}
    assert (await settled("/vhosts/example.com", method="DELETE")).status == 200
    assert (await settled("/vhosts/favourite")).status == 404
    assert (await settled("/vhosts/example.com", method="DELETE")).status == 404
    assert (await settled("/vhosts/favourite", method="PUT", body=favour)).status == 404


async def test_a_favourite_domain_is_unset(settled: Application) -> None:
    """
    The domain stays.
    """
    own = (await settled.json("/vhosts"))[0]
    assert (await settled("/vhosts/favourite", method="PUT", body=own)).status == 200
    assert (await settled("/vhosts/favourite", method="DELETE")).status == 200
    assert (await settled("/vhosts/favourite")).status == 404
    assert await settled.json("/vhosts") == [own]


async def test_redirections_have_ports_of_their_own(emulator: Emulator) -> None:
    """
    No port is given twice, and one is only taken away with its namespace.
    """
    one, other = Application(emulator, is_self=False), Application(emulator, is_self=False)
    assert await one.json("/tcpRedirs") == []
    added = [
        (await each("/tcpRedirs", method="POST", body={"namespace": "default"})).json
        for each in (one, other)
    ]
    assert added[0]["port"] != added[1]["port"]
    assert await one.json("/tcpRedirs") == added[:1]
    path = f"/tcpRedirs/{added[0]['port']}"
    assert (await one(f"{path}?namespace=cleverapps", method="DELETE")).status == 404
    assert (await one(f"{path}?namespace=default", method="DELETE")).status == 200
    assert await one.json("/tcpRedirs") == []
    answer = await one("/tcpRedirs", method="POST", body={"namespace": "elsewhere"})
    assert answer.status == 404


def test_when_all_ports_are_taken_none_is_given() -> None:
    """
    A :class:`LookupError` rather than a port that somebody has.
    """
    store = SettingsStore()
    store.of("app_x", Emulator().state.random("x")).redirections |= dict.fromkeys(PORTS, "default")
    with pytest.raises(LookupError):
        store.take_port()


async def test_what_is_linked_brings_its_variables(settled: Application) -> None:
    """
    An add-on its own, an application what it publishes.
    """
    emulator = settled.emulator
    addon, other = emulator.add_addon("base"), emulator.add_application("other")
    assert (await settled("/addons", method="POST", body=addon.id)).status == 200
    assert (await settled("/addons", method="POST", body=addon.id)).status == 409
    assert (await settled(f"/dependencies/{other.id}", method="PUT")).status == 200
    emulator.state.settings_of(other).exposed = {"WHERE": "here"}
    assert [one["id"] for one in await settled.json("/addons")] == [addon.id]
    assert [one["id"] for one in await settled.json("/dependencies")] == [other.id]
    (brought,) = await settled.json("/addons/env")
    assert (brought["addon_id"], brought["env"]) == (
        addon.id,
        await settled.addon(f"/{addon.id}/env"),
    )
    (published,) = await settled.json("/dependencies/env")
    assert published["env"] == [{"name": "WHERE", "value": "here"}]
    for path in (f"/addons/{addon.id}", f"/dependencies/{other.id}"):
        assert (await settled(path, method="DELETE")).status == 200
        assert (await settled(path, method="DELETE")).status == 404
    assert await settled.json("/addons") == await settled.json("/dependencies") == []


async def test_published_configuration_is_replaced_whole(settled: Application) -> None:
    """
    What is not in the body is gone.
    """
    for published in ({"A": "1", "B": "2"}, {"B": "3"}):
        assert (await settled("/exposed_env", method="PUT", body=published)).status == 200
        assert await settled.json("/exposed_env") == published


async def test_a_size_is_changed(settled: Application) -> None:
    """
    Sizes and numbers of instances; a size that does not exist is refused.
    """
    body = {"minFlavor": "S", "maxFlavor": "M", "minInstances": 2, "maxInstances": 4,
            "separateBuild": True, "buildFlavor": "XL"}  # fmt: skip
    assert (await settled("", method="PUT", body=body)).status == 200
    found = await settled.json("")
    assert [found["instance"][name] for name in ("minInstances", "maxInstances")] == [2, 4]
    assert found["instance"]["minFlavor"]["name"] == "S"
    assert found["instance"]["maxFlavor"]["name"] == "M"
    assert (found["separateBuild"], found["buildFlavor"]["name"]) == (True, "XL")
    assert (await settled("", method="PUT", body={"separateBuild": False})).status == 200
    assert (await settled.json(""))["separateBuild"] is False
    assert (await settled("", method="PUT", body={"minFlavor": "tiny"})).status == 400


async def test_a_stopped_application_has_no_instances(settled: Application) -> None:
    """
    Its running deployment is cancelled, its instances are deleted, and it should be down.
    """
    running = settled.emulator.deploy(settled.id)
    before = await settled.json("/instances")
    assert {one["state"] for one in before} >= {"UP"}
    assert (await settled("/instances", method="DELETE")).status == 200
    assert await settled.json("/instances") == []
    assert len(await settled.json("/instances?withDeleted=true")) >= len(before)
    assert (await settled.json(""))["state"] == "SHOULD_BE_DOWN"
    state = settled.emulator.state
    made = {one["id"]: one for one in state.deployments.of(state.applications[settled.id])}
    assert made[running]["state"] == "CANCELLED"
    assert [one["origin"]["action"] for one in made.values()][-1] == "UNDEPLOY"


async def test_below_self_only_ones_own(emulator: Emulator) -> None:
    """
    Lists below ``/v2/self`` are the user's; a single one may be of an organisation.
    """
    ask = Asker(emulator)
    theirs, mine = (
        emulator.add_application("o"),
        emulator.add_application("m", owner_id=emulator.user_id),
    )
    addon = emulator.add_addon("a")
    assert [one["id"] for one in (await ask("/v2/self/applications")).json] == [mine.id]
    assert (await ask(f"/v2/self/applications/{theirs.id}")).json["ownerId"] == emulator.owner_id
    assert (await ask("/v2/self/addons")).json == []
    assert (await ask(f"/v2/self/addons/{addon.id}")).json["id"] == addon.id
    assert (await ask("/v2/self/applications/app_x")).status == 404
    assert (await ask("/v2/self/addons/addon_x")).status == 404


async def test_a_login_is_granted_by_its_page(emulator: Emulator) -> None:
    """
    Without credentials: 404 until the page was opened, then the token of the official CLI.
    """
    async with aiohttp.ClientSession(emulator.url) as http:
        for path in ("/cli-oauth", "/v2/self/cli_tokens"):
            async with http.get(path) as response:
                assert response.status == 400
        async with http.get("/v2/self/cli_tokens", params={"cli_token": "t"}) as response:
            assert response.status == 404
        async with http.get("/cli-oauth", params={"cli_token": "t"}) as response:
            assert response.status == 200
            assert emulator.oauth_secret not in await response.text()
        async with http.get("/v2/self/cli_tokens", params={"cli_token": "t"}) as response:
            assert (await response.json())["secret"] == emulator.oauth_secret
        headers = {"Origin": "http://elsewhere.example"}
        for path in ("/cli-oauth", "/v2/self/cli_tokens"):
            async with http.get(path, params={"cli_token": "t"}, headers=headers) as response:
                assert response.status == 403


async def test_the_token_of_the_cli_has_an_end(emulator: Emulator) -> None:
    """
    A year after the emulator's start.
    """
    found = (await Asker(emulator)("/v2/self/tokens/current")).json
    assert found["expirationDate"] - found["creationDate"] == 365 * 24 * 3600 * 1000
