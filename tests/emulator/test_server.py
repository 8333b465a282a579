"""
The emulator as a whole: its life, its logs as values, unknown paths and methods.
"""

from __future__ import annotations

import asyncio

import pytest

from clever_v4.emulator import Emulator
from tests.emulator.reading import FAST, PAST, Reader


async def test_two_emulators_listen_on_ports_of_their_own() -> None:
    """
    A free port each, and the same account for the same seed.
    """
    async with Emulator() as one, Emulator() as other:
        assert one.url != other.url
        assert one.token == other.token
        assert [a.id for a in one.applications] == [a.id for a in other.applications]
        assert Emulator(seed=2).token != one.token


async def test_leaving_cuts_open_streams(reader: Reader) -> None:
    """
    No stream outlives the emulator.
    """
    async with Emulator() as emulator:
        other = Reader(emulator, reader.http)
        response = await other.get(other.path(emulator.applications[0]))
        assert emulator.connections.active == 1
    assert emulator.connections.active == 0
    response.close()


async def test_a_million_entries_are_only_made_when_read(reader: Reader) -> None:
    """
    The last ones of a history of a million can be asked for by their dates and by their ids.
    """
    application = reader.emulator.add_application(history=1_000_000, services=["bas.service"])
    last = reader.emulator.produced(application.id, start=999_990)
    assert len(last) == 10
    query = {"since": PAST, "limit": "9", **FAST}
    resume = {"Last-Event-ID": str(last[0]["id"])}
    events = await reader.events(reader.path(application), query, resume)
    assert [one.id for one in events[:9]] == [one["id"] for one in last[1:]]
    ids = reader.emulator.produced_ids(application.id, start=999_990)
    assert ids == [one["id"] for one in last]
    assert reader.emulator.produced_ids(application.id, stop=2) == [
        one["id"] for one in reader.emulator.produced(application.id, stop=2)
    ]


async def test_paths_and_methods_that_nobody_serves(reader: Reader) -> None:
    """
    404 and 405 with the API's error body.
    """
    async with await reader.get("/v4/nothing/here") as response:
        assert (response.status, (await response.json())["code"]) == (404, "clever.core.not-found")
    auth = {"Authorization": f"Bearer {reader.emulator.token}"}
    async with reader.http.delete(f"{reader.emulator.url}/v2/self", headers=auth) as response:
        assert (response.status, (await response.json())["type"]) == (405, "error")


async def test_a_port_that_is_taken_is_an_error(emulator: Emulator) -> None:
    """
    Nothing is left of the one that could not start.
    """
    port = int(emulator.url.rpartition(":")[2])
    before = asyncio.all_tasks()
    with pytest.raises(OSError, match="address already in use"):
        async with Emulator(port=port):
            pass
    assert asyncio.all_tasks() == before


async def test_nonsense_is_refused_where_it_is_given() -> None:
    """
    Options, behaviours and amounts are checked at construction, with their names.
    """
    with pytest.raises(ValueError, match="heartbeat_s must be more than 0, got 0"):
        Emulator(heartbeat_s=0)
    with pytest.raises(ValueError, match="error_generation must be one of 2023, 2026"):
        Emulator(error_generation="2024")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pulsar_units must be one of bytes, megabytes"):
        Emulator(pulsar_units="kilobytes")  # type: ignore[arg-type]
    emulator = Emulator()
    with pytest.raises(ValueError, match="behaviour must be one of"):
        emulator.add_application(behaviour="quite")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="behaviour must be one of"):
        emulator.add_addon(behaviour="loud")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rate_per_s must be at least 0, got -1"):
        emulator.add_addon(rate_per_s=-1)
    with pytest.raises(RuntimeError, match="start it with 'async with'"):
        _ = emulator.url


async def test_what_runs_in_another_zone_says_so(reader: Reader) -> None:
    """
    Zone and runtime are the test's choice; in one zone there are private load balancers.
    """
    emulator = reader.emulator
    application = emulator.add_application("shop", zone="rbx", type="python")
    addon = emulator.add_addon("db", zone="mtl")
    async with await reader.get("/v2/summary") as response:
        (organisation,) = (await response.json())["organisations"]
    (told,) = organisation["applications"]
    assert (told["zone"], told["instanceType"]) == ("rbx", "python")
    assert [one["zoneId"] for one in organisation["addons"]] == ["mtl"]
    base = f"/v4/load-balancers/organisations/{emulator.owner_id}"
    for path, expected in (
        (f"{base}/applications/{application.id}/load-balancers/private", ["private-rbx"]),
        (f"{base}/applications/{application.id}/load-balancers/default", ["rbx"]),
        (f"{base}/addons/{addon.id}/load-balancers/private", []),
        (f"{base}/addons/{addon.id}/load-balancers/default", ["mtl"]),
    ):
        async with await reader.get(path) as response:
            assert [one["name"] for one in await response.json()] == expected


async def test_a_log_with_a_rate_takes_no_published_entries(emulator: Emulator) -> None:
    """
    Its entries are computed; a mixture could not be.
    """
    application = emulator.add_application(rate_per_s=10)
    with pytest.raises(ValueError, match="rate_per_s=10"):
        emulator.publish(application.id)
    with pytest.raises(KeyError, match="app_unknown"):
        emulator.publish("app_unknown")
    with pytest.raises(ValueError, match="history must be at least 0, got -1"):
        emulator.add_application(history=-1)


async def test_published_entries_are_dated_in_order() -> None:
    """
    Never before the entry before them, whatever the clock does.
    """
    now = [1_700_000_000.0]
    emulator = Emulator(demo=False, clock=lambda: now[0])
    application = emulator.add_application(history=2)
    emulator.publish(application.id, count=2)
    now[0] -= 50
    emulator.publish(application.id, "earlier")
    dates = [str(one["date"])[:19] for one in emulator.produced(application.id)]
    assert dates == ["2023-11-14T22:13:19"] * 2 + ["2023-11-14T22:13:20"] * 3
