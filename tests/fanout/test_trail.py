"""
From a place among a source's entries to its stream's cursor there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from clever_v4 import Cursor
from clever_v4.fanout.trail import Trail
from clever_v4.streaming.chunk import Given

BEGUN = datetime(2026, 1, 2, tzinfo=UTC)
START = Cursor(since=BEGUN, stream="logs/a")


def test_before_the_first_entry_it_is_where_the_stream_began() -> None:
    """
    A log that was quiet goes on at the moment when it was connected.
    """
    trail = Trail()
    assert trail.cursor_at(0) is None
    trail.begin(START)
    assert trail.cursor_at(0) == START
    trail.append(Given([b"1"], 0), 0)
    assert trail.cursor_at(0) == START


@pytest.mark.parametrize("length", [0, 50])
@pytest.mark.parametrize("seed", range(5))
def test_any_place_has_the_id_before_it_and_those_before_that(seed: int, length: int) -> None:
    """
    Whatever batches they came in, as far back as the ring reaches; further back there is none.
    """

    def id_of(number: int) -> bytes:
        return (b"%d:0" % number).rjust(length, b"0")

    random, trail, sent = Random(seed), Trail(), 0
    trail.begin(Cursor.after(["x", "y"], entry_count=7, stream="logs/a"))
    held_from = 0
    while sent < 6_000:
        count = random.choice([1, 1, 2, 50])
        ids = [id_of(number) for number in range(sent, sent + count)]
        held_from = max(0, sent - 500)
        trail.append(Given(ids, 7 + sent), held_from)
        sent += count
        position = random.randint(held_from, sent)
        cursor = trail.cursor_at(position)
        assert cursor is not None
        expected = [id_of(number).decode() for number in range(position)]
        assert cursor.last_event_id == (expected[-1] if expected else "y")
        assert cursor.entry_count == position + 7
        assert cursor.stream == "logs/a"
        recent = list(cursor.recent_ids)
        assert recent == ["x", "y", *expected][-len(recent) :]
        assert len(recent) >= min(len(expected), 1_000)
        assert Cursor.parse(str(cursor)) == cursor
    assert trail.cursor_at(100) is None
    assert len(trail._ids) < (140_000 if length else 40_000)


@pytest.mark.parametrize("count", range(500, 540, 3))
def test_no_id_is_cut_where_those_of_its_beginning_join(count: int) -> None:
    """
    Wherever the bound falls, in those that the source began with or later: whole ids only.
    """
    before = [f"{number:030}" for number in range(700)]
    trail = Trail()
    trail.begin(Cursor(last_event_id=before[-1], recent_ids=before))
    ids = [f"{number:033}" for number in range(count)]
    trail.append(Given([one.encode() for one in ids], 0), 0)
    cursor = trail.cursor_at(count)
    assert cursor is not None
    recent = list(cursor.recent_ids)
    assert recent == [*before, *ids][-len(recent) :]
    assert len(recent) >= 1000


def test_entries_without_an_id_that_can_be_sent_are_passed_over() -> None:
    """
    It goes on after the last one that has one; those after it come again, and are recognised.
    """
    trail = Trail()
    trail.begin(START)
    trail.append(Given([b"1", b"", b"a\tb", b"x" * 5_000], 0), 0)
    cursors = [trail.cursor_at(position) for position in range(5)]
    assert [cursor.last_event_id for cursor in cursors if cursor] == [None, "1", "1", "1", "1"]
    assert cursors[3] is not None
    assert cursors[3].recent_ids == ("1", "a\tb")
    assert [cursor.entry_count for cursor in cursors if cursor] == [0, 1, 2, 3, 4]


def test_entries_that_did_not_fit_their_model_count() -> None:
    """
    The stream counts them towards its limit, though nobody is handed them.
    """
    trail = Trail()
    trail.begin(START)
    trail.append(Given([b"1", b"2"], 0), 0)
    trail.append(Given([b"4"], 3), 0)
    counts = [cursor.entry_count for p in range(4) if (cursor := trail.cursor_at(p))]
    assert counts == [0, 1, 2, 4]


def test_a_stream_that_is_connected_again_counts_anew() -> None:
    """
    A log on demand begins with its query's limit each time.
    """
    trail = Trail()
    trail.begin(START)
    trail.append(Given([b"1", b"2"], 0), 0)
    trail.begin(START)
    assert trail.cursor_at(2) == Cursor.after(["1", "2"], entry_count=2, stream="logs/a")
    trail.append(Given([b"8"], 0), 2)
    cursor = trail.cursor_at(3)
    assert cursor is not None
    assert (cursor.last_event_id, cursor.entry_count) == ("8", 1)


def test_long_ids_do_not_fill_the_memory() -> None:
    """
    However long the ids are and however many entries the ring holds.
    """
    trail = Trail()
    trail.begin(START)
    for number in range(2_000):
        trail.append(Given([b"%d" % number + b"x" * 4_000], number), 0)
    assert len(trail._ids) < 1_100_000
    assert trail.cursor_at(2_000) is not None
    assert trail.cursor_at(10) is None
