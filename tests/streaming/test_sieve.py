"""
Which events are new entries, over any number of connections.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clever_v4.streaming.decoder import INHERITED, RawEvent
from clever_v4.streaming.resume import NO_ENTRY, Cursor
from clever_v4.streaming.sieve import Sieve

LOG = b"APPLICATION_LOG"
HEARTBEAT: RawEvent = (b"9:9:9", b"HEARTBEAT", b"", b"")
UNKNOWN: RawEvent = (b"9:9:8", b"SOMETHING_NEW", b"{}", b"")


def entry(number: int) -> RawEvent:
    return (b"1:%d:0" % number, LOG, b"{}", b"")


@given(st.data(), st.integers(0, 60), st.none() | st.integers(1, 70))
def test_each_entry_comes_once_and_in_order(
    data: st.DataObject, produced: int, limit: int | None
) -> None:
    """
    Whatever a connection repeats, wherever it breaks, whatever stands between: each entry once.

    The server counts the limit of a request over all that it sends, repeated entries included,
    and then ends the stream.
    """
    log = [entry(number) for number in range(produced)]
    sieve = Sieve(LOG, limit, Cursor())
    got: list[RawEvent] = []
    while sieve.ended_by is None:
        sieve.connected()
        after = log.index((sieve.last_id, LOG, b"{}", b"")) + 1 if sieve.last_id else 0
        begin = max(0, after - data.draw(st.integers(0, 40), label="repeated"))
        sent = log[begin:]
        ends: list[RawEvent] = [(b"", b"END_OF_STREAM", b'{"endedBy":"UNTIL_REACHED"}', b"")]
        remaining = sieve.remaining
        if remaining is not None:
            assert remaining > 0
            if len(sent) >= remaining:
                sent = sent[:remaining]
                ends = [(b"", b"END_OF_STREAM", b'{"endedBy":"LIMIT_REACHED"}', b"")]
        sent = sent + ends
        # A connection that brings something new now and then: else it would go on for ever.
        stop = data.draw(st.integers(min(after - begin + 1, len(sent)), len(sent)), label="cut")
        sent = sent[:stop]
        while sent and sieve.ended_by is None:
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
    sieve = Sieve(LOG, 2, Cursor())
    kept, ids = sieve.sift([entry(1), UNKNOWN, entry(2), UNKNOWN], keep_unknown=True)
    assert kept == [entry(1), UNKNOWN, entry(2)]
    assert ids == [b"1:1:0", NO_ENTRY, b"1:2:0"]
    assert sieve.ended_by == "LIMIT_REACHED"
    assert sieve.last_id == b"1:2:0"


def test_an_inherited_id_is_not_an_entry_s_own() -> None:
    """
    A heartbeat's id is neither lent to an entry without one nor resumed from.
    """
    sieve = Sieve(LOG, None, Cursor())
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
    sieve = Sieve(LOG, 5, cursor)
    sieve.connected()
    kept, _ = sieve.sift([entry(number) for number in range(1, 9)], keep_unknown=False)
    assert kept == [entry(4), entry(5)]
    assert sieve.duplicate_count == 3
    assert sieve.ended_by == "LIMIT_REACHED"
