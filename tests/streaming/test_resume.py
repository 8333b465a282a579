"""
What is remembered and decided between two connections.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.streaming.policy import Reconnect
from clever_v4.streaming.resume import NO_ENTRY, Backoff, Cursor, RecentIds, end_reason, last_of

# No id holds an end of line or NUL.
IDS = st.lists(
    st.binary(max_size=6).filter(lambda one: not {b"\n"[0], 0}.intersection(one)), max_size=40
)


def pulsar_ids(count: int) -> list[bytes]:
    return [b"210041493:%d:2" % (43875 + number) for number in range(count)]


@given(st.lists(IDS, max_size=5), st.data())
def test_ids_are_remembered_in_the_order_of_their_arrival(
    batches: list[list[bytes]], data: st.DataObject
) -> None:
    """
    Up to an id come those that arrived before it, and after it nothing.
    """
    recent = RecentIds()
    for batch in batches:
        if len(batch) == 1 and batch[0]:
            recent.remember_one(batch[0])
        else:
            recent.remember(batch)
    arrived = [one for batch in batches for one in batch if one]
    assert recent.up_to(b"never arrived") == b""
    if arrived:
        place = data.draw(st.integers(0, len(arrived) - 1))
        waiting = [*arrived[place + 1 :], NO_ENTRY, b""]
        assert recent.up_to(arrived[place], waiting) == b"\n".join(arrived[: place + 1])


def test_a_thousand_ids_are_remembered_and_memory_stays_bounded() -> None:
    """
    However many arrive, in batches or one by one: at every step the last thousand of the API's ids.
    """
    ids = pulsar_ids(5000)
    recent = RecentIds()
    for place in range(0, 5000, 2):
        recent.remember([ids[place]])
        recent.remember_one(ids[place + 1])
        assert len(recent._buffer) <= 22 * 1024 + 20
        joined = recent.up_to(ids[place + 1])
        assert len(joined) <= 18 * 1024
        kept = joined.split(b"\n")
        assert len(kept) >= min(place + 2, 1000)
        assert kept == ids[place + 2 - len(kept) : place + 2]
    recent.suspect()
    assert all(recent.is_repeated(one) for one in ids[-1000:])
    assert not recent.is_repeated(ids[0])


@pytest.mark.parametrize("length", [1, 17, 20, 36, 59, 300])
def test_a_thousand_are_remembered_however_long_they_are(length: int) -> None:
    """
    Up to 60 bytes each: by the stream and by its cursors, in another process too; longer ones in 60 KiB.
    """
    ids = [b"%d" % number for number in range(5000)]
    ids = [one.rjust(length, b"0") for one in ids]
    least = 1000 if length < 60 else 60 * 1024 // (length + 1) - 1
    recent = RecentIds()
    for place in range(0, 5000, 50):
        recent.remember(ids[place : place + 49])
        recent.remember_one(ids[place + 49])
        kept = recent.up_to(ids[place + 49]).split(b"\n")
        assert kept == ids[place + 50 - len(kept) : place + 50]
        assert len(kept) >= min(place + 50, least)
        assert len(b"\n".join(kept)) <= 60 * 1024
        assert len(recent._buffer) <= 74 * 1024 + 51 * length
        assert recent._count == recent._buffer.count(b"\n") - 1
    resumed = RecentIds(Cursor(recent_ids=recent.up_to(ids[-1])).recent.split(b"\n"))
    for one in (recent, resumed):
        one.suspect()
        assert all(one.is_repeated(id_) for id_ in ids[-least:])


def test_what_was_before_a_large_read_is_kept() -> None:
    """
    At every step: before the first of what a read brought stand a thousand ids, whole.
    """
    ids = pulsar_ids(40_000)
    recent = RecentIds(ids[:2000])
    for place in range(2000, 40_000, 2000):
        read = ids[place : place + 2000]
        recent.remember(read)
        before = recent.up_to(ids[place - 1], read).split(b"\n")
        assert len(before) >= 1000
        assert before == ids[place - len(before) : place]


def test_an_endless_id_is_known_by_a_digest() -> None:
    """
    It pushes no other out, is recognised, and is nothing to go on from.
    """
    long = b"9" * 100_000
    for bring in ("remember", "remember_one"):
        recent = RecentIds([b"1", b"2"])
        recent.remember([long]) if bring == "remember" else recent.remember_one(long)
        recent.remember([b"\x02"])
        assert recent.last_header() == b"2"
        assert recent.up_to(long, [b"\x02"]).startswith(b"1\n2\n\x01")
        recent.suspect()
        assert recent.is_repeated(long)
        assert not recent.is_repeated(long + b"9")


def test_suspicion_ends_when_the_server_has_gone_on() -> None:
    """
    After a thousand new entries nothing is looked up any more, and not before.
    """
    recent = RecentIds([b"1", b"2", b"3"])
    assert not recent.expects_repeats
    recent.suspect()
    assert [recent.is_repeated(one) for one in (b"2", b"3", b"4", b"5")] == [
        *(True, True),
        *(False, False),
    ]
    for number in range(997):
        assert not recent.is_repeated(b"new %d" % number)
        assert recent.expects_repeats
    assert not recent.is_repeated(b"the thousandth")
    assert not recent.expects_repeats


def test_suspicion_ends_when_all_came_again() -> None:
    """
    Each id is recognised once; then there is nothing left to recognise.
    """
    recent = RecentIds([b"1", b"2", b"2"])
    recent.suspect()
    assert [recent.is_repeated(one) for one in (b"1", b"2")] == [True, True]
    assert not recent.expects_repeats
    assert [recent.is_repeated(one) for one in (b"1", b"2")] == [False, False]
    recent.suspect()
    assert recent.is_repeated(b"1")


def test_without_an_id_there_is_nothing_to_suspect() -> None:
    """
    A stream whose entries carry no ids cannot tell repeated ones.
    """
    recent = RecentIds()
    recent.remember([b"", b""])
    recent.suspect()
    assert not recent.expects_repeats


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"endedBy":"UNTIL_REACHED"}', "UNTIL_REACHED"),
        (b'{"endedBy":"QUOTA"}', "QUOTA"),
        *((data, "UNKNOWN") for data in (b"", b"{}", b"[]", b"x", b'{"endedBy":null}', b"\xff")),
    ],
)
def test_the_reason_of_an_end_is_an_open_set(data: bytes, reason: str) -> None:
    """
    What the server says is kept; what cannot be read is unknown, not an error.
    """
    assert end_reason(data) == reason


def test_the_last_id_skips_what_has_none() -> None:
    """
    Entries without an id and events that are no entries do not hide the last id.
    """
    assert last_of([b"1", b"2", b"", b"\0"]) == b"2"
    assert last_of([b"1:1:0", b""]) == b"1:1:0"
    assert last_of([b"\0", b""]) == b""
    assert last_of([]) == b""


# --- back-off ----------------------------------------------------------------------------


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0, 100))
def test_the_delay_is_drawn_below_a_cap_and_waits_what_the_server_asks(
    attempts: int, chance: float, asked_s: float
) -> None:
    """
    Full jitter from 0 to initial * factor ** n, at most the cap, after what was asked for.
    """
    policy = Reconnect(initial=timedelta(seconds=1), factor=2, max_delay=timedelta(seconds=30))
    backoff = Backoff(policy)
    backoff.attempts = attempts
    longest_s = min(30, 2 ** min(attempts - 1, 10))
    assert backoff.delay_s(asked_s, chance) == pytest.approx(asked_s + chance * longest_s)


@pytest.mark.parametrize(
    ("most", "waited_s"), [(timedelta(minutes=5), 300), (timedelta(days=2), 86_400), (None, 86_400)]
)
def test_what_the_server_asks_for_is_bounded(most: timedelta | None, waited_s: float) -> None:
    """
    A server that asks for a day by mistake does not stall a stream for a day.
    """
    backoff = Backoff(Reconnect(max_asked_delay=most))
    backoff.lost(0, 0)
    assert backoff.delay_s(86_400, 0) == waited_s


def test_only_a_healthy_connection_clears_the_count() -> None:
    """
    A server that accepts and drops is not hammered.
    """
    backoff = Backoff(Reconnect(healthy_after=timedelta(seconds=10), attempts=3))
    now_s = 0.0
    for attempt in (1, 2):
        backoff.opened(now_s, 7)
        now_s += 9.9
        backoff.lost(now_s, 7)
        assert backoff.attempts == attempt
    backoff.opened(now_s, 7)
    backoff.lost(now_s + 10, 7)
    assert backoff.attempts == 1
    assert not backoff.is_exhausted


def test_a_new_entry_proves_health() -> None:
    """
    A connection that brought one clears the count, however short it was; a refusal after it does not.
    """
    backoff = Backoff(Reconnect())
    for count in range(20):
        backoff.opened(0, count)
        backoff.lost(0, count + 1)
        assert backoff.attempts == 1
    for attempt in (2, 3):
        backoff.lost(0, 20)
        assert backoff.attempts == attempt
    backoff.opened(0, 20)
    backoff.lost(0, 20)
    assert backoff.attempts == 4


@pytest.mark.parametrize("was_connected", [True, False])
def test_the_attempts_allowed_depend_on_whether_it_was_ever_connected(was_connected: bool) -> None:
    """
    Each count has its own bound, and None is no bound.
    """
    bounded = Backoff(Reconnect(attempts=5, first_attempts=2))
    endless = Backoff(Reconnect(attempts=None, first_attempts=None))
    lost = 0
    while not bounded.is_exhausted:
        for backoff in (bounded, endless):
            if was_connected:
                backoff.opened(0, 0)
            backoff.lost(0, 0)
        lost += 1
    assert lost == (5 if was_connected else 2)
    assert not endless.is_exhausted
