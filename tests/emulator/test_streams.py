"""
The emulator's log streams, read with a bare HTTP client.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import attrs

from clever_v4.emulator import Emulator
from tests.emulator.reading import FAST, PAST, Event, Reader, date_of, event_of


async def test_a_bounded_stream_carries_what_was_produced_and_ends(reader: Reader) -> None:
    """
    All entries of the history come in order, each with its id twice, and then END_OF_STREAM.
    """
    application = reader.emulator.add_application(history=1234)
    query = {"since": PAST, "until": "2101-01-01T00:00:00Z", "limit": "1234", **FAST}
    *entries, last = await reader.events(reader.path(application), query)
    assert [json.loads(one.data) for one in entries] == reader.emulator.produced(application.id)
    assert [one.id for one in entries] == reader.emulator.produced_ids(application.id)
    assert all(one.event == "APPLICATION_LOG" for one in entries)
    assert last == Event("", "END_OF_STREAM", '{"endedBy":"LIMIT_REACHED"}')


async def test_a_stream_whose_until_has_passed_says_so(reader: Reader) -> None:
    """
    ``since`` is included, ``until`` is not, and the end is UNTIL_REACHED.
    """
    application = reader.emulator.add_application(history=100, services=["bas.service"])
    produced = reader.emulator.produced(application.id)
    query = {"since": date_of(produced[10]), "until": date_of(produced[20]), **FAST}
    *entries, last = await reader.events(reader.path(application), query)
    assert [one.id for one in entries] == [one["id"] for one in produced[10:20]]
    assert json.loads(last.data) == {"endedBy": "UNTIL_REACHED"}


async def test_resuming_continues_after_the_last_event_id(reader: Reader) -> None:
    """
    With ``Last-Event-ID`` the next entry is the one after it, whatever ``since`` says.
    """
    application = reader.emulator.add_application(history=100)
    ids = reader.emulator.produced_ids(application.id)
    query = {"since": PAST, "limit": "5"}
    events = await reader.events(reader.path(application), query, {"Last-Event-ID": ids[49]})
    assert [one.id for one in events[:5]] == ids[50:55]
    assert reader.emulator.connections[0].last_event_id == ids[49]


async def test_an_id_of_another_log_is_a_place_in_this_one(reader: Reader) -> None:
    """
    One before the log begins it anew, from ``since`` on; one beyond it waits for what is new.
    """
    application = reader.emulator.add_application(history=100, services=["bas.service"])
    produced = reader.emulator.produced(application.id)
    query = {"since": date_of(produced[30]), "limit": "1", **FAST}
    events = await reader.events(reader.path(application), query, {"Last-Event-ID": "1:2:3"})
    assert events[0].id == produced[30]["id"]
    resume = {"Last-Event-ID": "999999999:0:0"}
    async with await reader.get(reader.path(application), query, resume) as response:
        (published,) = reader.emulator.publish(application.id, "new")
        frame = await response.content.readuntil(b"\n\n")
    assert event_of(frame[:-2]).id == published


async def test_a_malformed_last_event_id_is_refused(reader: Reader) -> None:
    """
    400 that names the header.
    """
    application = reader.emulator.add_application()
    async with await reader.get(
        reader.path(application), headers={"Last-Event-ID": "12:x:0"}
    ) as response:
        assert response.status == 400
        context = (await response.json())["context"]
    assert context["OVDErrorFieldContext"]["fieldName"] == "Last-Event-ID"


async def test_a_live_stream_carries_what_is_published(reader: Reader) -> None:
    """
    Without ``since``, history is left out and a published entry comes at once.
    """
    application = reader.emulator.add_application(history=10)
    async with await reader.get(reader.path(application)) as response:
        (published,) = reader.emulator.publish(application.id, "hello {n}", severity="err")
        frame = await response.content.readuntil(b"\n\n")
    event = event_of(frame[:-2])
    assert event.id == published
    assert json.loads(event.data) == reader.emulator.produced(application.id)[-1]
    assert json.loads(event.data)["message"] == "hello 0"
    assert json.loads(event.data)["severity"] == "err"


async def test_a_live_log_grows_with_its_rate(reader: Reader) -> None:
    """
    Entries appear as time passes, without history before them.
    """
    application = reader.emulator.add_application(history=10, rate_per_s=200)
    events = await reader.events(reader.path(application), {"limit": "8"})
    ids = reader.emulator.produced_ids(application.id)
    first = ids.index(events[0].id)
    assert first >= 10
    assert [one.id for one in events[:8]] == ids[first : first + 8]


async def test_a_quiet_application_never_ends(reader: Reader) -> None:
    """
    Heartbeats follow for ever where a normal application would send END_OF_STREAM.
    """
    reader.emulator.state.options = attrs.evolve(reader.emulator.state.options, heartbeat_s=0.01)
    application = reader.emulator.add_application(history=3, behaviour="quiet")
    query = {"since": PAST, "until": "2101-01-01T00:00:00Z"}
    events = await reader.events(reader.path(application), query, most=8)
    assert [one.event for one in events[3:8]] == ["HEARTBEAT"] * 5


async def test_an_application_that_never_logged_has_no_topic(reader: Reader) -> None:
    """
    404 with the text of the missing topic.
    """
    application = reader.emulator.add_application(behaviour="never_logged")
    async with await reader.get(reader.path(application)) as response:
        assert response.status == 404
        body = await response.json()
    assert body["code"] == "clever.core.not-found"
    assert body["error"].startswith("Partitioned Topic not found: persistent://orga_")


async def test_addon_logs_and_access_logs_have_their_own_events(reader: Reader) -> None:
    """
    RESOURCE_LOG by the real id, ACCESS_LOG of all three kinds, an add-on's only by TCP.
    """
    addon = reader.emulator.add_addon(history=20)
    application = reader.emulator.add_application(history=400)
    query = {"since": PAST, "limit": "20", **FAST}
    path = f"/v4/logs/organisations/{addon.owner_id}/resources/{addon.real_id}/logs"
    events = await reader.events(path, query)
    assert {one.event for one in events[:-1]} == {"RESOURCE_LOG"}
    assert json.loads(events[0].data)["resourceId"] == addon.real_id

    base = f"/v4/accesslogs/organisations/{addon.owner_id}/applications"
    events = await reader.events(f"{base}/{application.id}/accesslogs", query | {"limit": "400"})
    entries = [json.loads(one.data) for one in events[:-1]]
    assert entries == reader.emulator.produced(application.id, access=True)
    kinds = {(one["http"] is not None, one["requestId"] is not None) for one in entries}
    assert kinds == {(True, True), (False, True), (False, False)}
    logged = reader.emulator.produced(application.id)
    assert {one["instanceId"] for one in entries} == {one["instanceId"] for one in logged}

    events = await reader.events(f"{base}/{addon.real_id}/accesslogs", query)
    assert all(json.loads(one.data)["http"] is None for one in events[:-1])


async def test_the_same_seed_and_epoch_give_the_same_bytes() -> None:
    """
    Two emulators differ in nothing; another seed differs in ids and contents.
    """

    def produced(seed: int) -> list[dict[str, object]]:
        emulator = Emulator(seed=seed, epoch_s=1_700_000_000)
        return emulator.produced(emulator.applications[0].id, stop=500)

    assert produced(1) == produced(1)
    assert produced(1) != produced(2)


async def test_messages_are_of_every_realistic_kind() -> None:
    """
    Indentation, ends of line, JSON, colours, emoji, a lone reset, a very long line, date styles.
    """
    emulator = Emulator(zone_names=True)
    entries = emulator.produced(emulator.applications[1].id, stop=600)
    messages = [str(one["message"]) for one in entries]
    assert any("\n    await" in one for one in messages)
    assert any("\r\n\tat " in one for one in messages)
    assert any(one.startswith('{"level"') for one in messages)
    assert any("\x1b[3" in one for one in messages)
    assert any("🚀" in one for one in messages)
    assert any(one == "\x1b[0m" for one in messages)
    assert max(map(len, messages)) > 300_000
    assert {type(one["facility"]) for one in entries if "facility" in one} == {int, str}
    assert len({len(str(one["date"])) for one in entries}) == 3

    emulator = Emulator()
    entries = emulator.produced(emulator.applications[1].id, stop=600)
    assert len({len(str(one["date"])) for one in entries}) == 2


async def test_closing_the_client_closes_the_stream(reader: Reader) -> None:
    """
    The record of a connection says when it was closed, and by whom nothing is left.
    """
    application = reader.emulator.add_application()
    response = await reader.get(reader.path(application))
    assert reader.emulator.connections.active == 1
    assert reader.emulator.connections[0].is_open
    response.close()
    await reader.emulator.connections.wait_until(active=0)
    assert not reader.emulator.connections[0].is_open


async def test_a_live_stream_ends_when_until_passes(reader: Reader) -> None:
    """
    A moment ahead ends the stream when it is reached, not before.
    """
    application = reader.emulator.add_application(rate_per_s=100)
    until_ms = round(reader.emulator.state.now_s() * 1000) + 150
    until = (
        f"{datetime.fromtimestamp(until_ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{until_ms % 1000:03d}Z"
    )
    *entries, last = await reader.events(reader.path(application), {"until": until})
    assert json.loads(last.data) == {"endedBy": "UNTIL_REACHED"}
    assert len(entries) >= 10
    assert all(date_of(json.loads(one.data)) < until for one in entries)
    assert reader.emulator.state.now_s() * 1000 >= until_ms


async def test_what_is_published_before_since_does_not_come(reader: Reader) -> None:
    """
    With ``since`` ahead, entries written before it are left out.
    """
    now = [1_800_000_000.0]
    options = attrs.evolve(reader.emulator.state.options, clock=lambda: now[0])
    reader.emulator.state.options = options
    application = reader.emulator.add_application()
    since = datetime.fromtimestamp(now[0] + 60, UTC).isoformat()
    async with await reader.get(reader.path(application), {"since": since}) as response:
        reader.emulator.publish(application.id, "early", count=3)
        now[0] += 60
        reader.emulator.publish(application.id, "in time")
        frame = await response.content.readuntil(b"\n\n")
        assert response.headers["Date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    assert json.loads(event_of(frame[:-2]).data)["message"] == "in time"


async def test_an_addons_other_id_streams_nothing(reader: Reader) -> None:
    """
    Its access log by ``addon_...`` only has heartbeats, silently; unknown ids are 404.
    """
    reader.emulator.state.options = attrs.evolve(reader.emulator.state.options, heartbeat_s=0.01)
    addon = reader.emulator.add_addon(history=5)
    silent = reader.emulator.add_addon(behaviour="never_logged")
    base = f"/v4/accesslogs/organisations/{addon.owner_id}/applications"
    query = {"since": PAST, "until": "2101-01-01T00:00:00Z"}
    events = await reader.events(f"{base}/{addon.id}/accesslogs", query, most=3)
    assert {one.event for one in events} == {"HEARTBEAT"}
    logs = f"/v4/logs/organisations/{addon.owner_id}"
    for path in (
        f"{base}/{silent.real_id}/accesslogs",
        f"{base}/app_unknown/accesslogs",
        f"{logs}/resources/{silent.real_id}/logs",
        f"{logs}/resources/{addon.id}/logs",
        f"{logs}/applications/app_unknown/logs",
    ):
        async with await reader.get(path) as response:
            assert response.status == 404
            assert (await response.json())["error"].startswith("Partitioned Topic not found")


async def test_realistic_entries_can_be_published(reader: Reader) -> None:
    """
    Without a message an entry is like those of the history; members alone are taken as given.
    """
    application, addon = reader.emulator.add_application(), reader.emulator.add_addon()
    reader.emulator.publish(application.id, count=2)
    reader.emulator.publish(application.id, severity="err")
    reader.emulator.publish(addon.real_id, "checkpoint")
    reader.emulator.publish(application.id, access=True)
    first, _, third = reader.emulator.produced(application.id)
    assert first["applicationId"] == application.id
    assert third["severity"] == "err"
    assert "message" not in third
    assert reader.emulator.produced(addon.real_id)[0]["message"] == "checkpoint"
    assert "source" in reader.emulator.produced(application.id, access=True)[0]
