"""
Whether a stream falls behind: the decision by numbers, and who is told of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from clever_v4 import Lag, LogHub, LogQuery, Notice, Session
from clever_v4.emulator import Emulator
from clever_v4.streaming.lag import WINDOW_S, Lagging

START = datetime(2026, 3, 1, tzinfo=UTC)
BEHIND = Lag(is_growing=True, lag=timedelta(seconds=30), grown_by=timedelta(seconds=20))


def told(lags_s: Iterable[float], *, window_s: float = WINDOW_S) -> list[Lag]:
    """
    What is told of a stream whose newest entry in each window was so old when it arrived.
    """
    lagging = Lagging()
    changes: list[Lag] = []
    for number, lag_s in enumerate(lags_s):
        now_s = number * window_s
        now = START + timedelta(seconds=now_s)
        lagging.note(now - timedelta(seconds=lag_s), now_s)
        change = lagging.look(now_s, now)
        if change is not None:
            changes.append(change)
    return changes


def test_a_lag_that_keeps_growing_is_told_once() -> None:
    """
    A log of 600 entries a second at 333: 2.2 s more in each window of 5 s.
    """
    (change,) = told(1.0 + 2.2 * number for number in range(20))
    assert change.is_growing
    assert change.grown_by >= timedelta(seconds=5)
    assert change.lag > change.grown_by


def test_who_has_caught_up_is_told_so() -> None:
    """
    And growing again is told again.
    """
    lags_s = [1.0] * 5 + [3.0 * number for number in range(1, 8)] + [1.0] * 5
    changes = told(lags_s * 2)
    assert [change.is_growing for change in changes] == [True, False, True, False]
    assert changes[1].grown_by < timedelta(seconds=1)


@pytest.mark.parametrize(
    "lags_s",
    [
        [0.3, 0.2, 0.4] * 10,
        [3600.0] * 30,  # a clock that is wrong is so all the time
        [-3600.0] * 30,
        [3600.0 - 100 * number for number in range(30)],  # the past is being caught up with
        [1.0] * 5 + [40.0] + [1.0] * 10,  # one odd date
        [1.0] * 5 + [60.0, 40.0, 20.0] + [1.0] * 10,  # what was missed in an outage
    ],
)
def test_nothing_is_told_of_who_keeps_up(lags_s: list[float]) -> None:
    """
    What counts is that the lag grows, over several windows in a row.
    """
    assert told(lags_s) == []


def test_a_quiet_log_is_not_behind() -> None:
    """
    Windows with a pause between them are not in a row.
    """
    assert told((3.0 * number for number in range(20)), window_s=3 * WINDOW_S) == []


async def test_a_stream_tells_its_callback_and_the_log(
    emulator: Emulator,
    session: Session,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A warning with the number of seconds, and the value to the callback.
    """
    monkeypatch.setattr(Lagging, "look", lambda _self, _now_s, _now: BEHIND)
    application = emulator.add_application(history=5)
    lags: list[Lag] = []
    query = LogQuery(since=timedelta(days=1), limit=5)
    with caplog.at_level(logging.INFO, "clever_v4.streams"):
        stream = session.logs.stream(
            application.owner_id, application.id, query, on_lag=lags.append
        )
        assert len([entry async for entry in stream]) == 5
    assert lags == [BEHIND]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"{application.id}: falling behind" in record.getMessage()
    assert "30.0 seconds" in record.getMessage()


async def test_a_stream_with_an_end_is_not_looked_at(
    emulator: Emulator, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It is no longer behind when it has read it.
    """
    monkeypatch.setattr(Lagging, "look", lambda _self, _now_s, _now: BEHIND)
    application = emulator.add_application(history=5)
    query = LogQuery(since=timedelta(days=1), until=datetime.now(UTC))
    lags: list[Lag] = []
    stream = session.logs.stream(application.owner_id, application.id, query, on_lag=lags.append)
    assert len([entry async for entry in stream]) == 5
    assert lags == []


async def test_a_hub_tells_its_subscribers(
    emulator: Emulator, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    By a notice in the stream of those who follow the log.
    """
    monkeypatch.setattr(Lagging, "look", lambda _self, _now_s, _now: BEHIND)
    application = emulator.add_application()
    async with LogHub(session) as hub, hub.subscribe() as subscription:
        hub.follow(application.owner_id, application.id)
        await emulator.connections.wait_until(active=1)
        emulator.publish(application.id, count=3)
        async for item in subscription.items():
            if isinstance(item, Notice):
                break
        assert isinstance(item, Notice)
        assert item.detail == BEHIND


@pytest.mark.parametrize("throttled", [True, False])
async def test_streams_ask_for_the_official_commands_throttle(
    emulator: Emulator, session: Session, throttled: bool
) -> None:
    """
    Unless told to leave it to the server, which falls behind at 333 entries a second.
    """
    application = emulator.add_application(history=1)
    query = LogQuery(since=timedelta(days=1), limit=1)
    given = {} if throttled else {"throttle": None}
    stream = session.logs.stream(application.owner_id, application.id, query, **given)
    assert [entry async for entry in stream]
    asked = dict(emulator.connections[0].query)
    if throttled:
        assert asked["throttleElements"] == "2000"
        assert asked["throttlePerInMilliseconds"] == "100"
    else:
        assert not [name for name in asked if name.startswith("throttle")]
