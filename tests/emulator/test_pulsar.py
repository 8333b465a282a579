"""
The emulator's Pulsar storage policies, read and written with a bare HTTP client.
"""

from __future__ import annotations

import pytest

from clever_v4.emulator import Emulator
from tests.emulator.asking import Asker


def path_on(emulator: Emulator) -> str:
    addon = emulator.add_addon("events", provider_id="addon-pulsar")
    return f"/v4/addon-providers/addon-pulsar/addons/{addon.real_id}/storage-policies"


async def test_what_patch_wrote_is_kept(emulator: Emulator) -> None:
    """
    Members that are left out stay, null takes the limit away, a negative number is kept.
    """
    ask, path = Asker(emulator), path_on(emulator)
    change = {
        "retentionPolicies": {"sizeInBytes": -1},
        "offloadPolicies": {"durationInMinutes": 60},
    }
    answer = await ask(path, method="PATCH", body=change)
    assert answer.status == 200
    expected: dict[str, dict[str, int | None]] = {
        "retentionPolicies": {"sizeInBytes": -1, "durationInMinutes": 10080},
        "offloadPolicies": {"sizeInBytes": None, "durationInMinutes": 60},
    }
    assert answer.json == expected
    await ask(path, method="PATCH", body={"retentionPolicies": {"durationInMinutes": None}})
    expected["retentionPolicies"]["durationInMinutes"] = None
    assert (await ask(path)).json == expected
    answer = await ask(path, method="PATCH", body={"offloadPolicies": None})
    expected["offloadPolicies"] = {"sizeInBytes": None, "durationInMinutes": None}
    assert answer.json == expected
    assert (await ask(path, method="PATCH", body={})).json == expected


async def test_the_older_units_are_megabytes_and_days() -> None:
    """
    The same add-on in the reference's units.
    """
    async with Emulator(demo=False, pulsar_units="megabytes") as emulator:
        ask, path = Asker(emulator), path_on(emulator)
        assert (await ask(path)).json["retentionPolicies"] == {
            "sizeInMB": 5000,
            "durationInDays": 7,
        }
        answer = await ask(path, method="PATCH", body={"offloadPolicies": {"sizeInMB": 3}})
        assert answer.json["offloadPolicies"] == {"sizeInMB": 3, "durationInDays": None}


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ("empty", 204, b""),
        ("provision", 201, b'"message"'),
        ("policies", 200, b'"retentionPolicies"'),
    ],
)
async def test_patch_may_answer_otherwise(
    emulator: Emulator, answer: str, status: int, body: bytes
) -> None:
    """
    The sources do not agree on the answer; the policies are kept with each.
    """
    ask, path = Asker(emulator), path_on(emulator)
    emulator.state.pulsar.patch_answer = answer
    change = {"offloadPolicies": {"durationInMinutes": 9}}
    got = await ask(path, method="PATCH", body=change)
    assert got.status == status
    assert body in got.body
    assert (await ask(path)).json["offloadPolicies"]["durationInMinutes"] == 9


async def test_only_pulsar_addons_have_policies(emulator: Emulator) -> None:
    """
    Another add-on, the marketplace id and an unknown id are not found.
    """
    ask, path = Asker(emulator), path_on(emulator)
    pulsar, other = emulator.addons[0], emulator.add_addon("db")
    for wrong in (other.real_id, pulsar.id, "pulsar_0"):
        assert (await ask(path.replace(pulsar.real_id, wrong))).status == 404


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"{", "body"),
        ([], "body"),
        ({"retention": None}, "retention"),
        ({"retentionPolicies": 3}, "retentionPolicies"),
        ({"retentionPolicies": {"sizeInMB": 3}}, "sizeInMB"),
        ({"retentionPolicies": {"sizeInBytes": 1.5}}, "sizeInBytes"),
        ({"retentionPolicies": {"sizeInBytes": True}}, "sizeInBytes"),
        ({"retentionPolicies": {"sizeInBytes": 2**63}}, "sizeInBytes"),
        ({"retentionPolicies": {"sizeinbytes": 3}}, "sizeinbytes"),
        ({"offloadPolicies": {"durationInMinutes": "7"}}, "durationInMinutes"),
    ],
)
async def test_wrong_bodies_are_refused(emulator: Emulator, body: object, name: str) -> None:
    """
    Unknown members, the other unit and wrong types: a 400 that names the member, nothing kept.
    """
    ask, path = Asker(emulator), path_on(emulator)
    before = (await ask(path)).json
    answer = await ask(path, method="PATCH", body=body)
    assert answer.status == 400
    assert answer.field[0] == name
    assert (await ask(path)).json == before
