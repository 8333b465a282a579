"""
The arithmetic of a log: which entries exist when, and where an id or a moment stands.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.emulator.logs.entries import LEDGER_SIZE, EntryLog
from clever_v4.emulator.logs.messages import Template, template
from clever_v4.emulator.logs.selection import Selection
from clever_v4.emulator.state import Options, State

EPOCH_MS = 1_700_000_000_000


def a_log(history: int, rate_per_s: float, interval_ms: float = 7.3) -> EntryLog:
    """
    A log with plain entries.
    """
    draw = State(Options()).random("test")

    def templates(_era: int) -> list[Template]:
        return [template("APPLICATION_LOG", {"message": "{n}", "service": "a.service"}, draw)]

    return EntryLog(
        event="APPLICATION_LOG",
        templates=templates,
        ledger=500,
        partition=1,
        history=history,
        rate_per_s=rate_per_s,
        epoch_ms=EPOCH_MS,
        history_interval_ms=interval_ms,
    )


@given(
    history=st.integers(0, 5_000),
    rate=st.floats(0.01, 5_000),
    after_ms=st.integers(-10_000, 10_000_000),
)
def test_an_entry_exists_from_its_date_on(history: int, rate: float, after_ms: int) -> None:
    """
    The last one that exists is not in the future, the next one is.
    """
    log, now_ms = a_log(history, rate), EPOCH_MS + after_ms
    count = log.count(now_ms)
    assert count >= history
    assert log.date_ms(count) > now_ms
    if count > history:
        assert log.date_ms(count - 1) <= now_ms


@given(
    history=st.integers(0, 5_000),
    rate=st.sampled_from([0.0, 0.5, 33.3, 2_000.0]),
    moment_ms=st.integers(EPOCH_MS - 60_000, EPOCH_MS + 60_000),
    now_ms=st.integers(EPOCH_MS, EPOCH_MS + 60_000),
)
def test_a_moment_divides_the_log(history: int, rate: float, moment_ms: int, now_ms: int) -> None:
    """
    Entries before the index are earlier than the moment, those from it on are not.
    """
    log = a_log(history, rate)
    index = log.index_at(moment_ms, now_ms=now_ms)
    if index:
        assert log.date_ms(index - 1) < moment_ms
    if index < log.count(now_ms):
        assert log.date_ms(index) >= moment_ms


@given(index=st.integers(0, 3 * LEDGER_SIZE))
def test_an_id_leads_to_the_entry_after_it(index: int) -> None:
    """
    Across the ends of ledgers too.
    """
    log = a_log(0, 1.0)
    assert log.index_after(log.id(index)) == index + 1


@pytest.mark.parametrize("wrong", ["", "1:2", "1:2:3:4", "a:1:1", "-1:1:1", "1:²:1"])
def test_what_is_no_message_id_is_refused(wrong: str) -> None:
    """
    An id has three numbers.
    """
    with pytest.raises(ValueError, match="not a message id"):
        a_log(1, 0).index_after(wrong)


def test_an_id_of_another_log_is_a_position_too() -> None:
    """
    An earlier ledger is before the first entry, a later one beyond the last.
    """
    log = a_log(10, 0)
    assert log.index_after("499:49999:1") == 0
    assert log.index_after("900:0:1") > 10


@given(start=st.integers(0, 300), size=st.integers(0, 50))
def test_frames_are_the_same_however_they_are_cut(start: int, size: int) -> None:
    """
    An entry's bytes do not depend on what was read before it.
    """
    log = a_log(400, 0)
    frames = log.frames(start, start + size, Selection())
    assert frames == a_log(400, 0).frames(0, start + size, Selection())[start:]
    for index, frame in enumerate(frames, start):
        lines = frame.decode().split("\n")
        assert lines[0] == f"id:{log.id(index)}"
        assert json.loads(lines[2].removeprefix("data:")) == log.entry(index)
