"""
``/v2/self``, ``/v2/summary`` and the zones.
"""

from __future__ import annotations

from typing import Any

from tests.emulator.reading import Reader


async def read(reader: Reader, path: str, query: Any = ()) -> Any:
    """
    The JSON of a GET.
    """
    async with await reader.get(path, query) as response:
        return await response.json()


async def test_the_summary_holds_every_id(reader: Reader) -> None:
    """
    The user and each organisation with their applications and both ids of their add-ons.
    """
    emulator = reader.emulator
    mine = emulator.add_application("mine", owner_id=emulator.user_id)
    ours, addon = emulator.add_application("ours"), emulator.add_addon("db")
    summary = await read(reader, "/v2/summary")
    assert summary["user"]["id"] == (await read(reader, "/v2/self"))["id"] == emulator.user_id
    assert [one["id"] for one in summary["user"]["applications"]] == [mine.id]
    (organisation,) = summary["organisations"]
    assert organisation["id"] == emulator.owner_id
    assert [one["id"] for one in organisation["applications"]] == [ours.id]
    assert [(one["id"], one["realId"]) for one in organisation["addons"]] == [
        (addon.id, addon.real_id)
    ]


async def test_applications_and_addons_of_an_owner(reader: Reader) -> None:
    """
    Lists and single ones; what is another's is 404 in v2's words.
    """
    emulator = reader.emulator
    application, addon = emulator.add_application("a"), emulator.add_addon("b")
    base = f"/v2/organisations/{emulator.owner_id}"
    assert [one["id"] for one in await read(reader, "/v2/organisations")] == [emulator.owner_id]
    (one,) = await read(reader, f"{base}/applications")
    assert one == await read(reader, f"{base}/applications/{application.id}")
    (one,) = await read(reader, f"{base}/addons")
    assert one == await read(reader, f"{base}/addons/{addon.id}")
    for path in (f"applications/{addon.id}", f"addons/{application.id}"):
        body = await read(reader, f"{base}/{path}")
        assert (body["id"], body["type"]) == (4004, "error")
    assert (await read(reader, "/v2/organisations/orga_x/addons"))["type"] == "error"


async def test_zones_by_owner_tag_and_name(reader: Reader) -> None:
    """
    An owner's private zone comes on top; every tag asked for must be there.
    """
    path = "/v4/products/zones"
    public = await read(reader, path)
    assert {"par", "mtl", "sgp"} <= {one["name"] for one in public}
    private = await read(reader, path, {"ownerId": reader.emulator.owner_id})
    assert [one["name"] for one in private[len(public) :]] == ["priv1"]
    tags = [("tag", "certification:hds"), ("tag", "infra:ovh")]
    assert {one["name"] for one in await read(reader, path, tags)} == {"grahds", "rbxhds"}
    assert await read(reader, f"{path}/par") == next(one for one in public if one["name"] == "par")
    assert (await read(reader, f"{path}/nowhere"))["code"] == "clever.core.not-found"
    for misspelt in ("Tag", "ownerid", "limit"):
        assert (await read(reader, path, {misspelt: "x"}))["code"] == "clever.core.bad-request"
    unknown = await read(reader, path, {"ownerId": "orga_unknown"})
    assert unknown["code"] == "clever.core.not-found"
