"""
Which events are new entries, over any number of connections.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.streaming.decoder import INHERITED, RawEvent
from clever_v4.streaming.resume import NO_ENTRY, Cursor, end_reason
from clever_v4.streaming.sieve import Sieve

LOG = b"APPLICATION_LOG"
HEARTBEAT: RawEvent = (b"9:9:9", b"HEARTBEAT", b"", b"")
UNKNOWN: RawEvent = (b"9:9:8", b"SOMETHING_NEW", b"{}", b"")

REASONS = [
    b"",
    *(b'{"endedBy":"%s"}' % one for one in (b"UNTIL_REACHED", b"LIMIT_REACHED", b"QUOTA")),
]


def entry(number: int) -> RawEvent:
    return (b"1:%d:0" % number, LOG, b"{}", b"")


@given(st.data(), st.integers(0, 60), st.none() | st.integers(1, 70))
def test_each_entry_comes_once_and_in_order(
    data: st.DataObject, produced: int, limit: int | None
) -> None:
    """
    Whatever a connection repeats, wherever it breaks, whatever stands between: each entry once.

    The server counts the limit of a request over all that it sends, repeated entries included,
    and then ends the stream with any reason.
    """
    log = [entry(number) for number in range(produced)]
    sieve = Sieve(LOG, limit, Cursor(), is_bounded=True)
    got: list[RawEvent] = []
    while sieve.ended_by is None:
        asked = sieve.ask()
        sieve.connected()
        after = log.index((sieve.last_id, LOG, b"{}", b"")) + 1 if sieve.last_id else 0
        begin = max(0, after - data.draw(st.integers(0, 40), label="repeated"))
        sent = log[begin:]
        assert asked is None or asked > 0
        reason = data.draw(st.sampled_from(REASONS), label="reason")
        sent = [*sent[:asked], (b"", b"END_OF_STREAM", reason, b"")]
        # A connection that brings something new now and then: else it would go on for ever.
        stop = data.draw(st.integers(min(after - begin + 1, len(sent)), len(sent)), label="cut")
        sent = sent[:stop]
        while sent and not sieve.is_over:
            size = data.draw(st.integers(1, len(sent)), label="read")
            noise = data.draw(st.lists(st.sampled_from([HEARTBEAT, UNKNOWN]), max_size=2))
            read, sent = sent[:size], sent[size:]
            kept, ids = sieve.sift([*noise, *read], keep_unknown=False)
            assert [event[0] for event in kept] == ids
            got += kept
    assert got == (log if limit is None else log[:limit])
    assert sieve.count == len(got)


def test_unknown_events_are_kept_for_those_who_ask() -> None:
    """
    They stand in their place, marked, and count neither towards the limit nor as where to resume.
    """
    sieve = Sieve(LOG, 2, Cursor(), is_bounded=False)
    kept, ids = sieve.sift([entry(1), UNKNOWN, entry(2), UNKNOWN], keep_unknown=True)
    assert kept == [entry(1), UNKNOWN, entry(2)]
    assert ids == [b"1:1:0", NO_ENTRY, b"1:2:0"]
    assert sieve.ended_by == "LIMIT_REACHED"
    assert sieve.last_id == b"1:2:0"


def test_an_inherited_id_is_not_an_entry_s_own() -> None:
    """
    A heartbeat's id is neither lent to an entry without one nor resumed from.
    """
    sieve = Sieve(LOG, None, Cursor(), is_bounded=False)
    sieve.sift([entry(1)], keep_unknown=False)
    kept, ids = sieve.sift([(b"9:9:9", LOG, b"{}", INHERITED)], keep_unknown=False)
    assert len(kept) == 1
    assert ids == [b""]
    assert sieve.last_id == b"1:1:0"
    assert sieve.count == 2


def test_a_cursor_s_entries_count_and_are_recognised() -> None:
    """
    What an earlier stream has finished with counts towards the limit and is not given again.
    """
    cursor = Cursor(last_event_id="1:3:0", entry_count=3, recent_ids=("1:1:0", "1:2:0", "1:3:0"))
    sieve = Sieve(LOG, 5, cursor, is_bounded=False)
    sieve.connected()
    kept, _ = sieve.sift([entry(number) for number in range(1, 9)], keep_unknown=False)
    assert kept == [entry(4), entry(5)]
    assert sieve.duplicate_count == 3
    assert sieve.ended_by == "LIMIT_REACHED"


@pytest.mark.parametrize("reason", REASONS)
def test_a_live_stream_has_no_end(reason: bytes) -> None:
    """
    Without until and limit an END_OF_STREAM ends its connection, whatever it says; it is kept.
    """
    sieve = Sieve(LOG, None, Cursor(), is_bounded=False)
    kept, _ = sieve.sift([entry(1), (b"", b"END_OF_STREAM", reason, b"")], keep_unknown=False)
    assert (kept, sieve.is_over, sieve.ended_by) == ([entry(1)], True, None)
    assert sieve.end_reason == (end_reason(reason))
    sieve.connected()
    assert not sieve.is_over


def test_nothing_counts_that_follows_an_end() -> None:
    """
    In one read as in two: an entry after END_OF_STREAM comes again, or is not of the stream.
    """
    for is_bounded in (True, False):
        sieve = Sieve(LOG, None, Cursor(), is_bounded=is_bounded)
        end: RawEvent = (b"", b"END_OF_STREAM", REASONS[1], b"")
        kept, ids = sieve.sift([entry(1), end, entry(2)], keep_unknown=False)
        assert (kept, ids) == ([entry(1)], [b"1:1:0"])
        assert (sieve.is_over, sieve.last_id, sieve.count) == (True, b"1:1:0", 1)


def test_a_lone_heartbeat_with_an_id_is_no_entry() -> None:
    """
    It counts as a heartbeat, and moves nothing.
    """
    sieve = Sieve(LOG, None, Cursor(), is_bounded=False)
    sieve.sift([entry(1)], keep_unknown=False)
    assert sieve.sift([HEARTBEAT], keep_unknown=True) == ([], [])
    assert (sieve.count, sieve.heartbeat_count, sieve.last_id) == (1, 1, b"1:1:0")


@pytest.mark.parametrize("is_bounded", [True, False])
def test_a_server_that_always_repeats_as_much_is_asked_for_more(is_bounded: bool) -> None:
    """
    With a limit, one that repeats five entries on each connection, and counts them, gives all.
    """
    log = [entry(number) for number in range(20)]
    sieve = Sieve(LOG, 10, Cursor(), is_bounded=is_bounded)
    got: list[RawEvent] = []
    asked: list[int | None] = []
    while sieve.ended_by is None:
        asked.append(sieve.ask())
        sieve.connected()
        begin = max(len(got) - 5, 0)
        sent = log[begin:][: asked[-1]]
        if len(asked) == 1:
            sent = sent[:7]  # a cut
        else:
            sent.append((b"", b"END_OF_STREAM", REASONS[1], b""))
        got += sieve.sift(sent, keep_unknown=False)[0]
    assert got == log[:10]
    assert asked == [10, 3, 6, 7]


@pytest.mark.parametrize("is_bounded", [True, False])
def test_an_end_after_nothing_but_repeats_is_one(is_bounded: bool) -> None:
    """
    A log of fewer entries than the limit ends, however often the server repeats some of them.
    """
    sieve = Sieve(LOG, 10, Cursor(), is_bounded=is_bounded)
    end: RawEvent = (b"", b"END_OF_STREAM", REASONS[1], b"")
    for sent, new, ended_by in (
        ([entry(1), entry(2)], [entry(1), entry(2)], None),
        ([entry(1), entry(2), entry(3), end], [entry(3)], None),
        ([entry(1), entry(2), entry(3), end], [], "UNTIL_REACHED"),
    ):
        sieve.ask()
        sieve.connected()
        assert sieve.sift(sent, keep_unknown=False)[0] == new
        assert sieve.ended_by == ended_by


@pytest.mark.parametrize(
    "odd", [b"\x01%d", b"%d\t3", b"\xff%d", b" %d", b"%d ", b"%05000d"], ids=repr
)
def test_an_id_that_no_header_carries_is_not_gone_on_from(odd: bytes) -> None:
    """
    An earlier one is; where there is none, a moment. It is recognised all the same.
    """
    sieve = Sieve(LOG, None, Cursor(), is_bounded=False)
    for events, resume_id in (
        ([(odd % 1, LOG, b"{}", b"")], b""),
        ([entry(1), (odd % 2, LOG, b"{}", b"")], b"1:1:0"),
        ([entry(2), (odd % 3, LOG, b"{}", b"")], b"1:2:0"),
    ):
        sieve.sift(events, keep_unknown=False)
        assert sieve.resume_id == resume_id
    sieve.connected()
    again = [(odd % number, LOG, b"{}", b"") for number in (1, 2, 3)]
    assert sieve.sift(again, keep_unknown=False) == ([], [])


def test_one_id_for_all_entries_hides_one_of_them() -> None:
    """
    Each remembered id is recognised once after a resume.
    """
    sieve = Sieve(LOG, None, Cursor(), is_bounded=False)
    same = entry(7)
    assert len(sieve.sift([same] * 1500, keep_unknown=False)[0]) == 1500
    sieve.connected()
    assert len(sieve.sift([same] * 1500, keep_unknown=False)[0]) == 1499
