"""
Hubs and streams whose numbers are collected, from whichever thread.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from functools import cache
from types import NoneType
from typing import Any, Protocol

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter

from clever_v4.fanout.statistics import HubStatistics
from clever_v4.streaming.subject import StreamState, StreamStatistics
from clever_v4.telemetry.instruments import (
    OF_HUB,
    OF_SOURCES,
    OF_STREAM,
    OF_SUBSCRIBERS,
    Instrument,
)
from clever_v4.validators import (
    check_flag,
    check_instance,
    check_method,
    check_text_mapping,
    shown,
)

__all__ = ["Observed", "ObservedStream", "observe_hub", "observe_stream"]

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


class ObservedStream(Protocol):
    """
    A stream, such as ``session.logs.stream()`` gives.
    """

    @property
    def state(self) -> StreamState:
        """
        Where it is in its life.
        """
        ...

    def statistics(self) -> StreamStatistics:
        """
        What it did so far.
        """
        ...


def observe_hub(
    hub: Observed,
    *,
    meter: Meter | None = None,
    attributes: Mapping[str, str] | None = None,
    per_source: bool = False,
    per_subscriber: bool = False,
) -> None:
    """
    Have a hub's numbers collected for as long as it exists; call it inside the hub's event loop.

    Args:
        hub: What to observe; it is held weakly.
        meter: Where instruments are made; None: the global provider's.
        attributes: Added to every observation, to tell several hubs apart.
        per_source: Whether to tell of each source, too: a time series for each and instrument.
            Of at most 1,000, those followed longest; the others are in the hub's totals.
        per_subscriber: Whether to tell of each subscriber, too, of at most 1,000. Give each
            a name of few that recur, ``hub.subscribe(name=...)``: those of one name are told
            together, and the numbers that stand in for names never recur.

    Raises:
        RuntimeError: No event loop is running.
        TypeError: An argument is of another type.
    """
    check_method("hub", hub, "statistics")
    check_instance("meter", meter, (Meter, NoneType))
    check_flag("per_source", per_source)
    check_flag("per_subscriber", per_subscriber)
    snapshots = _Snapshots(hub, attributes, lambda one: one.statistics())
    instruments = [*OF_HUB]
    if per_source:
        instruments += OF_SOURCES
    if per_subscriber:
        instruments += OF_SUBSCRIBERS
    _watch(meter or _global_meter(), instruments, snapshots)


def observe_stream(
    stream: ObservedStream,
    *,
    meter: Meter | None = None,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """
    Have a stream's numbers collected for as long as it exists; call it inside its event loop.

    Args:
        stream: What to observe; it is held weakly.
        meter: Where instruments are made; None: the global provider's.
        attributes: Added to every observation, to tell several streams apart.

    Raises:
        RuntimeError: No event loop is running.
        TypeError: An argument is of another type.
    """
    check_method("stream", stream, "statistics")
    if not isinstance(getattr(stream, "state", None), StreamState):
        raise TypeError(f"stream must have a state, got {shown(stream)}")
    check_instance("meter", meter, (Meter, NoneType))
    snapshots = _Snapshots(stream, attributes, lambda one: (one.statistics(), one.state))
    _watch(meter or _global_meter(), OF_STREAM, snapshots)


# --- Collecting -----------------------------------------------------------------------------

# OpenTelemetry keeps the first of several instruments of one name and drops the observations of
# the others, so that all that is observed by a meter shares them.
_WATCHED: weakref.WeakKeyDictionary[Meter, dict[str, list[_Snapshots]]] = (
    weakref.WeakKeyDictionary()
)


@cache
def _global_meter() -> Meter:
    return get_meter("clever_v4")


def _watch(meter: Meter, instruments: Iterable[Instrument], snapshots: _Snapshots) -> None:
    watched = _WATCHED.setdefault(meter, {})
    for one in instruments:
        if one.name not in watched:
            watched[one.name] = []
            make = (
                meter.create_observable_counter if one.is_counter else meter.create_observable_gauge
            )
            make(
                f"clever_v4.{one.name}",
                callbacks=[_callback(one, watched[one.name])],
                unit=one.unit,
                description=one.text,
            )
        watched[one.name].append(snapshots)


def _callback(
    instrument: Instrument, watched: list[_Snapshots]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def callback(_options: CallbackOptions) -> Iterator[Observation]:
        for snapshots in list(watched):
            if snapshots.is_gone:
                watched.remove(snapshots)
                continue
            values = instrument.read(statistics) if (statistics := snapshots.latest()) else None
            if isinstance(values, Mapping):
                for label, value in values.items():
                    yield Observation(value, {**snapshots.attributes, instrument.attribute: label})
            elif values is not None:
                yield Observation(values, snapshots.attributes)

    return callback


class _Snapshots:
    """
    The statistics of something, read in its event loop whichever thread collects.
    """

    def __init__(
        self,
        observed: Any,
        attributes: Mapping[str, str] | None,
        take: Callable[[Any], Any],
    ) -> None:
        if attributes is not None:
            check_text_mapping("attributes", attributes)
        self.attributes = dict(attributes or {})
        self._observed = weakref.ref(observed)
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._last: Any = None
        self._read_at = float("-inf")

    @property
    def is_gone(self) -> bool:
        return self._observed() is None

    def latest(self) -> Any:
        """
        What it told last, asked anew for each collection; None: nothing yet.
        """
        observed = self._observed()
        if observed is None:
            return None
        if time.monotonic() - self._read_at > _SAME_COLLECTION_S:
            if threading.get_ident() == self._thread:
                self._last = self._take(observed)
            elif not self._loop.is_closed():
                self._last = self._ask(observed) or self._last
            self._read_at = time.monotonic()
        return self._last

    def _ask(self, observed: Any) -> Any:
        answer: Future[Any] = Future()

        def read() -> None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(self._take(observed))

        try:
            self._loop.call_soon_threadsafe(read)
            return answer.result(_PATIENCE_S)
        except (RuntimeError, TimeoutError):
            # The loop was closed meanwhile, or is stalled: the last numbers stand.
            answer.cancel()
            return None
