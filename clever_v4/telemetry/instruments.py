"""
Which metrics there are of a hub, its sources and subscribers, and of a stream; knows no collector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from clever_v4.fanout.statistics import HubStatistics, SourceState
from clever_v4.streaming.subject import StreamState, StreamStatistics

__all__ = ["OF_HUB", "OF_SOURCES", "OF_STREAM", "OF_SUBSCRIBERS", "Instrument"]

# Half of what OpenTelemetry's own limit of attribute sets for an instrument is by default.
# https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits
_MOST_SERIES: Final = 1_000
_COUNTED: Final = "Number of "

Values: TypeAlias = float | Mapping[str, float] | None
"""One value, none, or one for each value of the attribute that the instrument has."""


class Instrument(NamedTuple):
    """
    One metric, and how it is read from what was observed.

    Attributes:
        attribute: By which the values are told apart, where there are several.
    """

    name: str
    unit: str
    text: str
    read: Callable[[Any], Values]
    attribute: str = ""

    @property
    def is_counter(self) -> bool:
        """
        Whether it only ever grows.
        """
        return self.text.startswith(_COUNTED)


def _seconds(duration: timedelta | None) -> float | None:
    return duration.total_seconds() if duration is not None else None


def _states(statistics: HubStatistics[Any]) -> Mapping[str, float]:
    counts: dict[str, float] = {}
    for source in statistics.sources:
        counts[source.state.value] = counts.get(source.state.value, 0) + 1
    return counts


def _each(
    items: Callable[[HubStatistics[Any]], Sequence[Any]],
    label: Callable[[Any], str],
    value: Callable[[Any], float | None],
    together: Callable[[float, float], float],
) -> Callable[[HubStatistics[Any]], Values]:
    """
    The value of each of several; of those with the same label *together*.
    """

    def read(statistics: HubStatistics[Any]) -> Mapping[str, float]:
        found: dict[str, float] = {}
        for item in islice(items(statistics), _MOST_SERIES):
            one = value(item)
            if one is not None:
                name = label(item)
                found[name] = together(found[name], one) if name in found else one
        return found

    return read


def _of_source(
    value: Callable[[Any], float | None], together: Callable[[float, float], float] = max
) -> Callable[[HubStatistics[Any]], Values]:
    return _each(lambda s: s.sources, lambda one: str(one.source), value, together)


def _of_subscriber(
    value: Callable[[Any], float | None], together: Callable[[float, float], float] = max
) -> Callable[[HubStatistics[Any]], Values]:
    return _each(lambda s: s.subscribers, lambda one: str(one.name), value, together)


def _sum(one: float, other: float) -> float:
    return one + other


def _is_connected(source: Any) -> float:
    return float(source.state in (SourceState.OPEN, SourceState.PAUSED))


OF_HUB: Final = (
    Instrument("hub.received", "{entry}", "Number of entries received", lambda s: s.received),
    Instrument("hub.delivered", "{entry}", "Number of entries handed over", lambda s: s.delivered),
    Instrument("hub.dropped", "{entry}", "Number of entries missed", lambda s: s.missed),
    Instrument(
        "hub.reconnections",
        "{attempt}",
        "Number of attempts of sources to connect again",
        lambda s: s.notices.get("Reconnection", 0),
    ),
    Instrument("hub.sources", "{source}", "Sources by state", _states, "state"),
    Instrument("hub.connected_sources", "{source}", "Sources connected", lambda s: s.connected),
    Instrument("hub.subscribers", "{subscriber}", "Subscribers", lambda s: len(s.subscribers)),
    Instrument("hub.lag", "{entry}", "Entries waiting for the slowest subscriber", lambda s: s.lag),
    Instrument("hub.lag_time", "s", "How long they have waited", lambda s: _seconds(s.lag_time)),
)

OF_SOURCES: Final = tuple(
    Instrument(f"source.{name}", unit, text, read, "source")
    for name, unit, text, read in (
        (
            "received",
            "{entry}",
            "Number of entries received",
            _of_source(lambda one: one.received, _sum),
        ),
        (
            "notices",
            "{notice}",
            "Number of notices, such as reconnections",
            _of_source(lambda one: one.notices, _sum),
        ),
        ("connected", "1", "Whether it is connected", _of_source(_is_connected)),
        ("held", "{entry}", "Entries in its ring", _of_source(lambda one: one.held, _sum)),
        ("idle", "s", "Since when it sent no entry", _of_source(lambda one: _seconds(one.idle))),
        (
            "lag",
            "s",
            "How old its newest entry was when it arrived",
            _of_source(lambda one: _seconds(one.upstream.lag) if one.upstream else None),
        ),
    )
)

OF_SUBSCRIBERS: Final = tuple(
    Instrument(f"subscriber.{name}", unit, text, read, "subscriber")
    for name, unit, text, read in (
        (
            "delivered",
            "{entry}",
            "Number of entries handed over",
            _of_subscriber(lambda one: one.delivered, _sum),
        ),
        (
            "dropped",
            "{entry}",
            "Number of entries missed",
            _of_subscriber(lambda one: one.missed, _sum),
        ),
        ("lag", "{entry}", "Entries that wait for it", _of_subscriber(lambda one: one.lag)),
        (
            "lag_time",
            "s",
            "How long they have waited",
            _of_subscriber(lambda one: _seconds(one.lag_time)),
        ),
    )
)


def _silence(statistics: StreamStatistics) -> float | None:
    last = statistics.last_contact
    return max(0.0, (datetime.now(UTC) - last).total_seconds()) if last is not None else None


OF_STREAM: Final = (
    Instrument("stream.entries", "{entry}", "Number of entries received", lambda s: s[0].entries),
    Instrument(
        "stream.duplicates", "{entry}", "Number of entries dropped", lambda s: s[0].duplicates
    ),
    Instrument(
        "stream.reconnections",
        "{connection}",
        "Number of connections after the first",
        lambda s: s[0].reconnections,
    ),
    Instrument("stream.received_bytes", "By", "Number of bytes read", lambda s: s[0].bytes),
    Instrument(
        "stream.heartbeats", "{heartbeat}", "Number of heartbeats", lambda s: s[0].heartbeats
    ),
    Instrument(
        "stream.connected",
        "1",
        "Whether it is connected",
        lambda s: float(s[1] is StreamState.OPEN),
    ),
    Instrument("stream.silence", "s", "Since when no byte arrived", lambda s: _silence(s[0])),
    Instrument(
        "stream.lag",
        "s",
        "How old its newest entry was when it arrived",
        lambda s: _seconds(s[0].lag),
    ),
)
