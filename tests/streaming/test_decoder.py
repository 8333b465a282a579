"""
The decoder: the conformance vectors, any cut of the same bytes, the size cap, linear work.
"""

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.errors import EventTooLargeError
from clever_v4.streaming.decoder import INHERITED, Decoder, RawEvent

from .oracle import Dispatched, interpret
from .vectors import VECTORS, Vector


def decode(chunks: Iterable[bytes], **options: Any) -> tuple[list[Dispatched], int | None]:
    decoder = Decoder(**options)
    events: list[RawEvent] = []
    for chunk in chunks:
        events += decoder.feed(chunk)
    return [as_text(event) for event in events], decoder.retry_ms


def as_text(event: RawEvent) -> Dispatched:
    id_, type_, data, _ = (part.decode("utf-8", "replace") for part in event)
    return type_ or "message", data, id_


@pytest.mark.parametrize("vector", VECTORS)
def test_conformance_vector(vector: Vector) -> None:
    """
    The decoder dispatches what the standard does, for the vector's own cut of the bytes.
    """
    events, retry = decode(vector.reads)
    assert events == vector.events
    if vector.expected_retry != "any":
        assert retry == vector.expected_retry


PIECES = st.sampled_from(
    [
        *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\n\r", b":", b" ", b"\0"),
        *(b"data", b"data:", b"data: ", b"event:", b"event: x", b"id:", b"id: 7", b"id"),
        *(b"retry:", b"12", b":comment", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe2\x82", b"\xff"),
        *(b"id:1:2:3\nevent:LOG\ndata:{}\n\n", b"event:HEARTBEAT\ndata:\n\n", b"dat", b"a\nb"),
        *(b"id:4\nevent:LOG\ndata:x\ndata:y\n\n", b"id:4\nevents:LOG\ndata:x\n\n"),
    ]
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 300), max_size=20))
def test_any_cut_gives_what_the_standard_gives(stream: bytes, cuts: list[int]) -> None:
    """
    However the bytes are cut into reads, the events are those of a literal reading of the standard.
    """
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert decode(chunks) == interpret(stream)


@given(STREAMS)
def test_one_byte_at_a_time_gives_the_same_events(stream: bytes) -> None:
    """
    A stream that drips one byte at a time is read like one that arrives whole.
    """
    assert decode(bytes([byte]) for byte in stream) == decode([stream])


@given(
    st.lists(PIECES, max_size=20).map(b"".join),
    st.integers(1, 60),
    st.lists(st.integers(0, 200), max_size=8),
)
def test_the_size_cap_does_not_depend_on_the_cut(stream: bytes, cap: int, cuts: list[int]) -> None:
    """
    The same events come before the same error, wherever the bytes are cut.
    """
    stream += b"\n\n\n"  # An event that never ends has no size yet.
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]

    def run(pieces: Iterable[bytes]) -> tuple[list[RawEvent], bool]:
        decoder = Decoder(max_event_bytes=cap)
        events: list[RawEvent] = []
        try:
            for piece in pieces:
                events += decoder.feed(piece)
        except EventTooLargeError:
            pass
        return events, decoder.error is not None

    assert run(chunks) == run([stream])


def test_the_size_cap_names_the_limit_and_gives_what_came_before() -> None:
    """
    Events before the large one are given first, then the error names the cap in bytes.
    """
    decoder = Decoder(max_event_bytes=1000)
    events = decoder.feed(b"data:1\n\ndata:" + b"x" * 2000)
    assert [as_text(event)[1] for event in events] == ["1"]
    assert decoder.error is not None
    with pytest.raises(EventTooLargeError, match="exceeds the limit of 1,000 bytes"):
        decoder.feed(b"\n\n")
    decoder.reset()
    assert [as_text(event)[1] for event in decoder.feed(b"data:2\n\n")] == ["2"]


def test_comments_never_count_towards_the_size_cap() -> None:
    """
    Comments without a blank line between them may go on for ever.
    """
    decoder = Decoder(max_event_bytes=100)
    for _ in range(1000):
        assert decoder.feed(b": still here\n") == []
    assert [as_text(event)[1] for event in decoder.feed(b"data:1\n\n")] == ["1"]


def test_a_half_received_event_dies_with_its_connection() -> None:
    """
    After a reset the next connection starts afresh; the last event id stays.
    """
    decoder = Decoder()
    decoder.feed(b"id:1\nevent:LOG\ndata:a\n\nid:2\nevent:LOG\ndata:half of it")
    decoder.reset()
    assert decoder.last_event_id == b"1"
    assert decoder.feed(b"\xef\xbb\xbfdata:b\n\n") == [(b"1", b"", b"b", INHERITED)]


def test_an_id_of_its_own_is_told_from_an_inherited_one() -> None:
    """
    The last field of an event says whether the event itself carried the id.
    """
    decoder = Decoder()
    events = decoder.feed(b"event:HEARTBEAT\nid:hb\ndata:\n\ndata:x\n\nid\ndata:y\n\n")
    assert [(event[0], event[3]) for event in events] == [
        (b"hb", b""),
        (b"hb", INHERITED),
        (b"", b""),
    ]


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: a\n", b"\ndata: b\r\n\r\n"],
        [b"data: a\n", b"\n", b"data: b\n\n"],
        [b"data: a\r", b"\n\r", b"\ndata: b\r\n\r\n"],
        [b"data: a\r\n\r", b"\ndata: b\r\r"],
        [b"data: a\n\ndata: b\n", b"\n"],
    ],
)
def test_a_blank_line_that_is_cut_ends_its_event(chunks: list[bytes]) -> None:
    """
    Wherever the cut is, and whatever line ends follow, they are two events.
    """
    assert decode(chunks)[0] == [("message", "a", ""), ("message", "b", "")]


def test_an_id_is_inherited_over_blocks_and_reads() -> None:
    """
    By blocks without data, by comments and by heartbeats, until there is another.
    """
    decoder = Decoder()
    events = decoder.feed(b"id: 1\n\n:comment\n\ndata: a\n\n")
    events += decoder.feed(b"event:HEARTBEAT\ndata:\n\nevent: x\n\n")
    events += decoder.feed(b"event:HEARTBEAT\ndata:\n\ndata: b\n\nid: 2\ndata: c\n\n")
    events += decoder.feed(b"event:HEARTBEAT\ndata:\n\n")
    assert [(event[0], event[2], event[3]) for event in events] == [
        (b"1", b"a", INHERITED),
        (b"1", b"", INHERITED),
        (b"1", b"", INHERITED),
        (b"1", b"b", INHERITED),
        (b"2", b"c", b""),
        (b"2", b"", INHERITED),
    ]
    assert decoder.last_event_id == b"2"


def test_the_reconnection_time_can_be_set_back() -> None:
    """
    The last value counts, a smaller one and zero too, over a lost connection and before its event ends.
    """
    decoder = Decoder()
    assert decoder.retry_ms is None
    decoder.feed(b"retry: 30000\n\n")
    assert decoder.retry_ms == 30_000
    decoder.feed(b"data: x\nretry:10\n")
    assert decoder.retry_ms == 10
    decoder.reset()
    assert decoder.retry_ms == 10
    decoder.feed(b"retry: 0\n\n")
    assert decoder.retry_ms == 0
    for wrong in (b"soon", b"-1", b"1.5", b""):
        decoder.feed(b"retry: " + wrong + b"\n\n")
    assert decoder.retry_ms == 0


def test_the_work_is_linear_whatever_the_cuts() -> None:
    """
    The fragments of one long line are joined once: no fragment is copied per read.
    """
    decoder = Decoder()
    decoder.feed(b"data:")
    piece = b"x" * 4096
    for _ in range(2048):
        decoder.feed(piece)
    # Each read's bytes are still the very object that was fed, not a grown prefix.
    assert all(fragment is piece for fragment in decoder._pending[1:])
    (event,) = decoder.feed(b"\n\n")
    assert len(event[2]) == 2048 * 4096


@pytest.mark.parametrize("cap", [0, -1])
def test_a_cap_that_is_not_positive_is_refused(cap: int) -> None:
    """
    The error names the argument and its value.
    """
    with pytest.raises(ValueError, match=f"max_event_bytes must be at least 1, got {cap}"):
        Decoder(max_event_bytes=cap)
