"""
The clock of a bounded stream, without a stream.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clever_v4.streaming.settling import Settling

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
LATER = UNTIL + timedelta(hours=1)


@pytest.fixture
def settling() -> Settling:
    return Settling(timedelta(seconds=16), UNTIL)


def test_it_is_over_after_the_settle_time(settling: Settling) -> None:
    """
    Counted from the first moment at which it runs.
    """
    settling.run(100)
    assert not settling.is_over(115.9, LATER)
    assert settling.is_over(116, LATER)


def test_only_an_entry_begins_it_anew(settling: Settling) -> None:
    """
    Connections that come and go add up.
    """
    settling.run(100)
    settling.begin_anew()
    for connection in range(10):
        settling.run(200 + 10 * connection)
        settling.lose(201.5 + 10 * connection)
        assert not settling.is_over(202 + 10 * connection, LATER)
    settling.run(400)
    assert settling.is_over(401, LATER)


def test_what_nobody_asks_for_does_not_count(settling: Settling) -> None:
    """
    It stands still while the consumer is elsewhere.
    """
    settling.run(100)
    settling.leave(110)
    assert not settling.is_over(1000, LATER)
    settling.run(1000)
    assert not settling.is_over(1005, LATER)
    settling.leave(1005)
    settling.leave(1100)
    settling.run(2000)
    assert settling.is_over(2001, LATER)


def test_a_dead_connection_does_not_count(settling: Settling) -> None:
    """
    Of a connection that fell silent, what counts ends with its last sign of life.
    """
    settling.run(100)
    assert not settling.is_over(110, LATER)
    settling.leave(118)
    settling.run(118)
    settling.forget()
    settling.run(200)
    assert not settling.is_over(205.9, LATER)
    assert settling.is_over(206, LATER)


def test_the_time_before_the_end_does_not_count(settling: Settling) -> None:
    """
    Quiet for hours, it still waits a whole settle time after its end: entries arrive late.
    """
    settling.run(100)
    assert not settling.is_over(5000, UNTIL - timedelta(seconds=1))
    assert not settling.is_over(5016, UNTIL + timedelta(seconds=15))
    assert settling.is_over(5017, UNTIL + timedelta(seconds=16))


def test_without_a_settle_time_it_is_never_over() -> None:
    """
    None: only the server ends the stream.
    """
    settling = Settling(None, UNTIL)
    settling.run(0)
    assert not settling.is_over(10**9, LATER)
