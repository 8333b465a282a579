"""
A hub's numbers as OpenTelemetry metrics; needs the extra ``[otel]``.

```python
async with LogHub(session) as hub:
    observe_hub(hub)
```

| instrument | kind, unit | meaning |
|---|---|---|
| ``clever_v4.hub.received`` | counter, ``{entry}`` | entries received from sources |
| ``clever_v4.hub.delivered`` | counter, ``{entry}`` | entries handed to subscribers |
| ``clever_v4.hub.dropped`` | counter, ``{entry}`` | entries that subscribers missed |
| ``clever_v4.hub.reconnections`` | counter, ``{attempt}`` | attempts of sources to connect again |
| ``clever_v4.hub.sources`` | gauge, ``{source}`` | sources, by attribute ``state`` |
| ``clever_v4.hub.connected_sources`` | gauge, ``{source}`` | sources that are connected |
| ``clever_v4.hub.subscribers`` | gauge, ``{subscriber}`` | subscribers |
| ``clever_v4.hub.lag`` | gauge, ``{entry}`` | entries waiting for the slowest subscriber |
| ``clever_v4.hub.lag_time`` | gauge, ``s`` | how long the oldest of those has waited |
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter

from clever_v4.fanout.statistics import HubStatistics

__all__ = ["Observed", "observe_hub"]

# One collection asks each instrument in turn; all of them get the same numbers.
_SAME_COLLECTION_S = 0.1
_PATIENCE_S = 5.0


class Observed(Protocol):
    """
    A hub: `LogHub` or any other.
    """

    def statistics(self) -> HubStatistics[Any]:
        """
        How it stands.
        """
        ...


def observe_hub(
    hub: Observed, *, meter: Meter | None = None, attributes: Mapping[str, str] | None = None
) -> None:
    """
    Have a hub's numbers collected for as long as it exists; call it inside the hub's event loop.

    Args:
        hub: What to observe; it is held weakly.
        meter: Where instruments are made; None: the global provider's.
        attributes: Added to every observation, to tell several hubs apart.

    Raises:
        RuntimeError: No event loop is running.
    """
    meter = meter or get_meter("clever_v4")
    observe = _Snapshots(hub, dict(attributes or {})).observe

    def counter(name: str, unit: str, text: str, read: _Read) -> None:
        meter.create_observable_counter(
            f"clever_v4.hub.{name}", callbacks=[observe(read)], unit=unit, description=text
        )

    def gauge(name: str, unit: str, text: str, read: _Read) -> None:
        meter.create_observable_gauge(
            f"clever_v4.hub.{name}", callbacks=[observe(read)], unit=unit, description=text
        )

    counter("received", "{entry}", "Entries received from sources", lambda s: s.received)
    counter("delivered", "{entry}", "Entries handed to subscribers", lambda s: s.delivered)
    counter("dropped", "{entry}", "Entries that subscribers missed", lambda s: s.missed)
    counter(
        "reconnections",
        "{attempt}",
        "Attempts of sources to connect again",
        lambda s: s.notices.get("Reconnection", 0),
    )
    gauge("sources", "{source}", "Sources by state", _states)
    gauge("connected_sources", "{source}", "Sources connected", lambda s: s.connected)
    gauge("subscribers", "{subscriber}", "Subscribers", lambda s: len(s.subscribers))
    gauge("lag", "{entry}", "Entries waiting for the slowest subscriber", lambda s: s.lag)
    gauge("lag_time", "s", "How long they have waited", lambda s: s.lag_time.total_seconds())


_Read = Callable[[HubStatistics[Any]], float | Mapping[str, float]]


def _states(statistics: HubStatistics[Any]) -> Mapping[str, float]:
    return Counter(source.state.value for source in statistics.sources)


class _Snapshots:
    """
    A hub's statistics, read in its event loop whichever thread collects.
    """

    def __init__(self, hub: Observed, attributes: dict[str, str]) -> None:
        self._hub = weakref.ref(hub)
        self._attributes = attributes
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._last: HubStatistics[Any] | None = None
        self._read_at = float("-inf")

    def observe(self, read: _Read) -> Callable[[CallbackOptions], Iterable[Observation]]:
        """
        The callback of an instrument.
        """

        def callback(_options: CallbackOptions) -> Iterable[Observation]:
            statistics = self._statistics()
            if statistics is None:
                return
            found = read(statistics)
            if isinstance(found, Mapping):
                for state, value in found.items():
                    yield Observation(value, {**self._attributes, "state": state})
            else:
                yield Observation(found, self._attributes)

        return callback

    def _statistics(self) -> HubStatistics[Any] | None:
        hub = self._hub()
        if hub is None:
            return None
        if time.monotonic() - self._read_at > _SAME_COLLECTION_S:
            if threading.get_ident() == self._thread:
                self._last = hub.statistics()
            elif not self._loop.is_closed():
                self._last = self._ask(hub) or self._last
            self._read_at = time.monotonic()
        return self._last

    def _ask(self, hub: Observed) -> HubStatistics[Any] | None:
        answer: Future[HubStatistics[Any]] = Future()

        def read() -> None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(hub.statistics())

        try:
            self._loop.call_soon_threadsafe(read)
            return answer.result(_PATIENCE_S)
        except (RuntimeError, TimeoutError):
            # The loop was closed meanwhile, or is stalled: the last numbers stand.
            answer.cancel()
            return None
