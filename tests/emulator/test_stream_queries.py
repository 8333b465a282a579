"""
What a log stream can be asked, and what is refused.
"""

from __future__ import annotations

import json

import attrs
import pytest

from tests.emulator.reading import FAST, PAST, Reader


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "a"),
        ("limit", "9223372036854775808"),
        ("since", "yesterday"),
        ("until", "2024-01-01T00:00:00"),
        ("since", "2024-01-01 00:00:00Z"),
        ("since", "20240101T000000Z"),
        ("since", "2024-W01-1T00:00:00Z"),
        ("since", "2024-01-01T00:00:00.1234567890Z"),
        ("since", "2024-02-30T00:00:00Z"),
        ("until", "1704067200000"),
        ("throttleElements", "2147483648"),
        ("throttleElements", "0"),
        ("throttlePerInMilliseconds", "-1"),
    ],
)
async def test_a_bad_query_parameter_is_named(reader: Reader, name: str, value: str) -> None:
    """
    400 with the parameter's name and value in the context.
    """
    application = reader.emulator.add_application(history=1)
    async with await reader.get(reader.path(application), {name: value}) as response:
        assert response.status == 400
        assert response.headers["Content-Type"] == "application/json"
        body = await response.json()
    assert body["error"] == "The query parameter was malformed."
    assert body["context"]["OVDErrorFieldContext"]["fieldName"] == name
    assert value in body["context"]["OVDErrorFieldContext"]["fieldValue"]


async def test_each_stream_has_its_own_parameters(reader: Reader) -> None:
    """
    An add-on has no services, access logs cannot be chosen among at all, casing counts.
    """
    application, addon = reader.emulator.add_application(), reader.emulator.add_addon()
    base = f"/v4/logs/organisations/{addon.owner_id}"
    streams = {
        "logs": f"{base}/applications/{application.id}/logs",
        "add-on": f"{base}/resources/{addon.real_id}/logs",
        "access": f"/v4/accesslogs/organisations/{addon.owner_id}/applications/{application.id}/accesslogs",
    }  # fmt: skip
    asked = {"since": PAST, "limit": "1", "field": "id", **FAST}
    refused: dict[str, list[str]] = {name: [] for name in streams}
    for name, path in streams.items():
        for parameter in ("deploymentId", "instanceId", "filter", "service", "order", "Limit"):
            async with await reader.get(path, asked | {parameter: "a"}) as response:
                if response.status == 400:
                    refused[name].append(parameter)
    assert refused == {
        "logs": ["order", "Limit"],
        "add-on": ["service", "order", "Limit"],
        "access": ["deploymentId", "instanceId", "filter", "service", "order", "Limit"],
    }


async def test_one_value_of_a_parameter_is_enough(reader: Reader) -> None:
    """
    A parameter that is no list is refused when it comes twice.
    """
    application = reader.emulator.add_application()
    query = [("limit", "1"), ("limit", "2")]
    async with await reader.get(reader.path(application), query) as response:
        assert response.status == 400
        assert "given 2 times" in await response.text()


async def test_only_the_default_services_come_unless_others_are_asked_for(reader: Reader) -> None:
    """
    Without ``service``: bas and bas-deploy; ``all`` is all; a name stands with or without suffix.
    """
    services = ["bas.service", "bas-deploy.service", "cron.service"]
    application = reader.emulator.add_application(history=300, services=services)
    produced = reader.emulator.produced(application.id)

    async def seen(*asked: str) -> list[str]:
        query = [
            ("since", PAST),
            ("until", "2030-01-01T00:00:00Z"),
            ("limit", "250"),
            *FAST.items(),
        ]
        query += [("service", name) for name in asked]
        events = await reader.events(reader.path(application), query, most=90)
        return [one.id for one in events if one.id][:80]

    def expected(*names: str) -> list[str]:
        return [str(one["id"]) for one in produced if one["service"] in names][:80]

    assert await seen() == expected("bas.service", "bas-deploy.service")
    assert await seen("all") == expected(*services)
    assert await seen("cron", "bas-deploy.service") == expected(
        "cron.service", "bas-deploy.service"
    )


async def test_filter_fields_instances_and_deployment_choose_entries(reader: Reader) -> None:
    """
    Each query parameter leaves out what does not fit; ``field`` keeps only what it names.
    """
    application = reader.emulator.add_application(history=300)
    produced = reader.emulator.produced(application.id)
    one = produced[100]
    query = [
        ("since", PAST),
        ("filter", "API"),
        ("deploymentId", str(one["deploymentId"])),
        ("instanceId", str(one["instanceId"])),
        ("instanceId", "another"),
        ("field", "message"),
        ("field", "id"),
        ("limit", "3"),
        *FAST.items(),
    ]
    events = await reader.events(reader.path(application), query)
    fitting = [
        {"message": each["message"], "id": each["id"]}
        for each in produced
        if each["deploymentId"] == one["deploymentId"]
        and each["instanceId"] == one["instanceId"]
        and "api" in str(each["message"]).lower()
    ]
    assert [json.loads(event.data) for event in events[:3]] == fitting[:3]


async def test_the_throttle_lets_through_so_many_per_period(reader: Reader) -> None:
    """
    With 10 elements per hour, ten entries come and then only heartbeats.
    """
    reader.emulator.state.options = attrs.evolve(reader.emulator.state.options, heartbeat_s=0.01)
    application = reader.emulator.add_application(history=100)
    query = {"since": PAST, "throttleElements": "10", "throttlePerInMilliseconds": "3600000"}
    events = await reader.events(reader.path(application), query, most=15)
    assert [one.event for one in events[8:13]] == ["APPLICATION_LOG"] * 2 + ["HEARTBEAT"] * 3
