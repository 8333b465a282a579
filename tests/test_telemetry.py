"""
A hub's numbers as OpenTelemetry collects them.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from clever_v4 import ApiToken, LogHub, LogQuery, NotFoundError, Pacing, Reconnect, Session
from clever_v4.emulator import Emulator
from clever_v4.emulator import faults as f
from clever_v4.fanout.hub import Hub
from clever_v4.streaming.policy import StreamOptions
from clever_v4.telemetry import observe_hub, observe_stream
from tests.fanout.sources import FedSource, settle, take


class Metrics:
    """
    What a collector sees.
    """

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self._provider = MeterProvider(metric_readers=[self._reader], shutdown_on_exit=False)
        self.meter: Meter = self._provider.get_meter("test")

    def collect(self) -> dict[str, Any]:
        """Each metric by its name, without the prefix."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name.removeprefix("clever_v4.").removeprefix("hub."): metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def values(self) -> dict[str, float]:
        """The values of those that have one."""
        found = {
            name: [point.value for point in metric.data.data_points]
            for name, metric in self.collect().items()
        }
        return {name: values[0] for name, values in found.items() if len(values) == 1}

    def points(self, name: str) -> dict[str, float]:
        """The values of one that has several, by the values of their attributes."""
        points = self.collect()[name].data.data_points
        return {" ".join(sorted(map(str, one.attributes.values()))): one.value for one in points}


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    # Collections follow each other quickly here, and each is to be a new one.
    monkeypatch.setattr("clever_v4.telemetry.observing._SAME_COLLECTION_S", 0.0)
    return Metrics()


@pytest.fixture
async def hub() -> AsyncIterator[Hub[str, Any]]:
    async with Hub[str, Any](ring=4) as running:
        yield running


async def test_the_standard_instruments(hub: Hub[str, Any], metrics: Metrics) -> None:
    """
    Received, delivered, dropped, lag and sources are what the hub's statistics say.
    """
    source, other, broken = FedSource(), FedSource(), FedSource()
    hub.follow("a", source)
    hub.follow("b", other)
    hub.follow("c", broken)
    observe_hub(hub, meter=metrics.meter, attributes={"hub": "main"})
    async with hub.subscribe() as slow, hub.subscribe(sources=["b"]):
        for number in range(6):
            source.feed(number)
        await settle()
        broken.fail(NotFoundError(status=404, code="x", message="", request_id=None, body=None))
        await settle()
        await take(slow.batches())
        values = metrics.values()
        statistics = hub.statistics()
        assert values["received"] == 6
        assert values["delivered"] == statistics.delivered == 1
        assert values["dropped"] == 2
        assert values["reconnections"] == 0
        assert values["connected_sources"] == 2
        assert values["subscribers"] == 2
        assert values["lag"] == 3
        assert 0 <= values["lag_time"] < 60
        collected = metrics.collect()
        states = {
            point.attributes["state"]: point.value
            for point in collected["sources"].data.data_points
        }
        assert states == {"open": 2, "failed": 1}
        for metric in collected.values():
            assert metric.description
            assert all(p.attributes["hub"] == "main" for p in metric.data.data_points)
        assert collected["received"].unit == "{entry}"
        assert collected["received"].data.is_monotonic
        assert collected["lag_time"].unit == "s"


async def test_reconnections_of_logs_are_counted(emulator: Emulator, metrics: Metrics) -> None:
    """
    A log that was cut and came back has reconnected.
    """
    application = emulator.add_application(history=20)
    emulator.faults.push(f.Cut(after_entries=5), f.Cut(after_entries=5))
    options = StreamOptions(reconnect=Reconnect(initial=timedelta(milliseconds=5)))
    async with (
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
        LogHub(session, options=options, pacing=Pacing(jitter=timedelta(0))) as logs,
        logs.subscribe() as subscription,
    ):
        observe_hub(logs, meter=metrics.meter)
        logs.follow(emulator.owner_id, application.id, LogQuery(since=timedelta(hours=1)))
        for _ in range(20):
            await anext(subscription)
        assert metrics.values()["reconnections"] == 2
        assert metrics.values()["received"] == 20


async def test_a_collection_from_another_thread_asks_the_event_loop(
    hub: Hub[str, Any], metrics: Metrics
) -> None:
    """
    Exporters collect in a thread of their own, while the hub runs in its loop.
    """
    source = FedSource()
    hub.follow("a", source)
    observe_hub(hub, meter=metrics.meter)
    source.feed(1, 2, 3)
    await settle()
    values = await asyncio.to_thread(metrics.values)
    assert values["received"] == 3


async def test_a_stalled_loop_gives_the_last_numbers(
    hub: Hub[str, Any], metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A collector is not held up by an event loop that does not answer.
    """
    monkeypatch.setattr("clever_v4.telemetry.observing._PATIENCE_S", 0.01)
    source = FedSource()
    hub.follow("a", source)
    observe_hub(hub, meter=metrics.meter)
    source.feed(1)
    await settle()
    assert metrics.values()["received"] == 1
    source.feed(2)
    await settle()
    with ThreadPoolExecutor(1) as collector:
        # The loop waits for the thread here, so it cannot answer it.
        assert collector.submit(metrics.values).result()["received"] == 1
    assert (await asyncio.to_thread(metrics.values))["received"] == 2


async def test_a_hub_that_is_gone_has_no_numbers(metrics: Metrics) -> None:
    """
    Observing holds a hub weakly; its instruments fall silent with it.
    """
    async with Hub[str, Any]() as short:
        observe_hub(short, meter=metrics.meter)
        assert metrics.values()["subscribers"] == 0
    del short
    gc.collect()
    assert metrics.values() == {}


def test_a_closed_loop_gives_the_last_numbers(metrics: Metrics) -> None:
    """
    What was observed last stays, when the loop that the hub ran in is closed.
    """
    hub: Hub[str, Any] = Hub()

    async def observe() -> None:
        async with hub:
            observe_hub(hub, meter=metrics.meter)
            source = FedSource()
            hub.follow("a", source)
            source.feed(1, 2)
            await settle()
            assert metrics.values()["received"] == 2

    asyncio.run(observe())
    assert metrics.values()["received"] == 2


async def test_many_instruments_ask_the_hub_once(hub: Hub[str, Any]) -> None:
    """
    One collection takes one snapshot, however many instruments it reads.
    """
    asked = 0

    class Counted:
        def statistics(self) -> Any:
            nonlocal asked
            asked += 1
            return hub.statistics()

    observed, metrics = Counted(), Metrics()
    observe_hub(observed, meter=metrics.meter)
    metrics.collect()
    assert asked == 1


def test_observing_needs_a_loop(metrics: Metrics) -> None:
    """
    Outside an event loop there is nothing to ask in.
    """
    with pytest.raises(RuntimeError, match="no running event loop"):
        observe_hub(Hub[str, Any](), meter=metrics.meter)


async def test_several_hubs_on_one_meter_are_told_apart(metrics: Metrics) -> None:
    """
    By their attributes; OpenTelemetry keeps only one instrument of a name.
    """
    async with Hub[str, Any]() as one, Hub[str, Any]() as other:
        for number, hub in enumerate((one, other)):
            source = FedSource()
            hub.follow("a", source)
            observe_hub(hub, meter=metrics.meter, attributes={"hub": f"hub-{number}"})
            source.feed(*range(number + 1))
        await settle()
        assert metrics.points("received") == {"hub-0": 1, "hub-1": 2}
    del one, hub
    gc.collect()
    assert metrics.points("received") == {"hub-1": 2}


async def test_sources_and_subscribers_are_told_of_only_when_asked_for(
    hub: Hub[str, Any], metrics: Metrics
) -> None:
    """
    A time series for each costs, so that the totals are all there is by default.
    """
    hub.follow("a", FedSource())
    observe_hub(hub, meter=metrics.meter)
    async with hub.subscribe():
        assert not [n for n in metrics.collect() if n.startswith(("source.", "subscriber."))]


async def test_each_source_has_its_numbers(hub: Hub[str, Any], metrics: Metrics) -> None:
    """
    By its key; what a source does not tell has no value.
    """
    a, b = FedSource(), FedSource()
    hub.follow("a", a)
    hub.follow("b", b)
    hub.follow("c", FedSource(), linger=timedelta(0))
    observe_hub(hub, meter=metrics.meter, attributes={"hub": "h"}, per_source=True)
    a.feed(*range(6))
    b.end()
    await settle()
    hub.notify("a", "hello")
    assert metrics.points("source.received") == {"a h": 6, "b h": 0, "c h": 0}
    assert metrics.points("source.held") == {"a h": 2, "b h": 0, "c h": 0}
    assert metrics.points("source.notices") == {"a h": 1, "b h": 0, "c h": 0}
    assert metrics.points("source.connected") == {"a h": 1, "b h": 0, "c h": 0}
    assert list(metrics.points("source.idle")) == ["a h"]
    assert "source.lag" not in metrics.collect()
    assert "subscriber.lag" not in metrics.collect()


async def test_each_subscriber_has_its_numbers_and_those_of_one_name_together(
    hub: Hub[str, Any], metrics: Metrics
) -> None:
    """
    Counts are added up; of lags it is the longest.
    """
    source = FedSource()
    hub.follow("a", source)
    observe_hub(hub, meter=metrics.meter, per_subscriber=True)
    async with (
        hub.subscribe(name="browser") as one,
        hub.subscribe(name="browser") as other,
        hub.subscribe(name="archive"),
    ):
        for number in range(3):
            source.feed(number)
        await settle()
        await take(one.batches())
        for _ in range(2):
            await take(other.batches())
        assert metrics.points("subscriber.delivered") == {"browser": 3, "archive": 0}
        assert metrics.points("subscriber.lag") == {"browser": 2, "archive": 3}
        assert metrics.points("subscriber.dropped") == {"browser": 0, "archive": 0}
        assert set(metrics.points("subscriber.lag_time")) == {"browser", "archive"}
        assert metrics.collect()["subscriber.delivered"].data.is_monotonic


async def test_the_number_of_series_is_bounded(metrics: Metrics) -> None:
    """
    However many sources are followed, the longest followed are told of, always the same.
    """
    async with Hub[int, Any]() as hub:
        for number in range(1_010):
            hub.follow(number, FedSource(), linger=timedelta(0))
        observe_hub(hub, meter=metrics.meter, per_source=True)
        assert sorted(map(int, metrics.points("source.received"))) == list(range(1_000))
        assert metrics.points("sources") == {"idle": 1_010}


async def test_a_plain_stream_has_its_numbers(emulator: Emulator, metrics: Metrics) -> None:
    """
    They are what its statistics say; silence is counted from the last byte.
    """
    application = emulator.add_application(history=20)
    emulator.faults.push(f.Cut(after_entries=5))
    options = StreamOptions(reconnect=Reconnect(initial=timedelta(milliseconds=5)))
    query = LogQuery(since=timedelta(hours=1))
    async with (
        Session(ApiToken(emulator.token), base_url=emulator.url) as session,
        session.logs.stream(emulator.owner_id, application.id, query, options=options) as stream,
    ):
        observe_stream(stream, meter=metrics.meter, attributes={"application": "a"})
        for _ in range(20):
            await anext(stream)
        values = await asyncio.to_thread(metrics.values)
        statistics = stream.statistics()
        assert values["stream.entries"] == statistics.entries == 20
        assert values["stream.reconnections"] == 1
        assert values["stream.duplicates"] == statistics.duplicates
        assert 0 < values["stream.received_bytes"] <= statistics.bytes
        assert values["stream.connected"] == 1
        assert 0 <= values["stream.silence"] < 60
        assert "stream.lag" in values
        collected = metrics.collect()
        assert collected["stream.received_bytes"].data.is_monotonic
        assert all(
            point.attributes == {"application": "a"}
            for metric in collected.values()
            for point in metric.data.data_points
        )
    assert metrics.values()["stream.connected"] == 0
