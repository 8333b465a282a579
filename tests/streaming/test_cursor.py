"""
Where a consumer is, as a value: what it refuses, its text, and whose it is.
"""

from __future__ import annotations

import base64
import json
import pickle
import string
import zlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clever_v4.streaming.cursor import can_be_header
from clever_v4.streaming.resume import Cursor

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDS = st.text(min_size=1, max_size=30).filter(lambda text: _is_id(text))
CURSORS = st.builds(
    Cursor,
    last_event_id=st.none() | IDS.filter(lambda text: can_be_header(text.encode())),
    entry_count=st.integers(0, 2**63 - 1),
    since=st.none() | st.datetimes(timezones=st.just(UTC)),
    stream=st.none() | st.text(min_size=1).filter(str.isprintable),
    recent_ids=st.lists(IDS, max_size=50),
)


def _is_id(text: str) -> bool:
    try:
        return not {"\n", "\r", "\0"} & set(text) and bool(text.encode())
    except UnicodeEncodeError:
        return False


def pulsar_ids(count: int) -> list[str]:
    return [f"210041493:{43875 + number}:2" for number in range(count)]


# --- its text ----------------------------------------------------------------------------


@given(CURSORS)
def test_a_cursor_survives_its_text(cursor: Cursor) -> None:
    """
    Another process reads from the text what this one wrote: one line of ASCII.
    """
    text = str(cursor)
    assert Cursor.parse(text) == cursor
    assert text.isascii()
    assert text.isprintable()
    assert pickle.loads(pickle.dumps(cursor)) == cursor


def test_the_text_of_an_earlier_version_is_read() -> None:
    """
    It had a list of ids and did not say what it was of.
    """
    text = '{"id":"1:2:0","count":2,"since":null,"recent":["1:1:0","1:2:0"]}'
    assert Cursor.parse(text) == Cursor(
        last_event_id="1:2:0", entry_count=2, recent_ids=["1:1:0", "1:2:0"]
    )


def test_the_moment_is_in_utc() -> None:
    """
    The moment of the first connection keeps its instant.
    """
    text = '{"id":null,"count":0,"since":"2026-01-01T01:00:00+01:00","recent":[]}'
    assert Cursor.parse(text).since == datetime(2026, 1, 1, tzinfo=UTC)
    assert str(Cursor.parse(text).since) == "2026-01-01 00:00:00+00:00"


def test_a_thousand_ids_are_a_few_kilobytes() -> None:
    """
    The ids of the API differ in a few digits.
    """
    cursor = Cursor.after(pulsar_ids(1000))
    assert len(str(cursor)) < 4000
    assert Cursor.parse(str(cursor)).recent_ids == tuple(pulsar_ids(1000))
    assert len(repr(cursor)) < 200


@pytest.mark.parametrize("length", [1, 24, 59, 200, 4000, 70_000])
@pytest.mark.parametrize("count", [20, 3000, 20_000])
def test_a_cursor_of_any_number_of_ids_survives_its_text(length: int, count: int) -> None:
    """
    What a caller kept itself may be more than is read again: the last thousand, of long ids fewer, are kept.
    """
    count = min(count, 20_000_000 // length)
    ids = [f"{number}".zfill(length) for number in range(count)]
    for cursor in (Cursor(recent_ids=ids), Cursor(recent_ids=ids, last_event_id="x" * 4096)):
        assert Cursor.parse(str(cursor)) == cursor
        kept = [one for one in cursor.recent_ids if one != cursor.last_event_id]
        if length <= 4096:
            assert kept == ids[-len(kept) :]
        assert len(kept) >= min(count, 1000 if length < 56 else 50_000 // length or 100)


WRONG: list[tuple[str, Any]] = [
    *(("id", value) for value in (1, "", [], "a\r\nX-Evil: 1", "a\0", "\ud800", "\x7f", " 1")),
    ("id", "9" * 4097),
    *(("count", value) for value in (-1, True, 1.0, None, "1", 2**63, float("nan"))),
    *(("since", value) for value in ("soon", 0, "2026-03-01T12:00:00", "2026-03-01", [])),
    ("since", "0001-01-01T00:00:00+14:00"),
    ("since", "9999-12-31T23:59:59-14:00"),
    *(("recent", value) for value in ("abc", None, 3, {}, [3], [""], ["a\nb"], ["\ud800"], ["\0"])),
    *(
        ("recent", value)
        for value in ("eJxLBAAAYgB!", "eJxLBAAA", "AAAA", "eJxLBAAAYgBieJxLBAAAYgBi")
    ),
    ("recent", "é"),
    *(("stream", value) for value in (1, "", [], "a\nb", "\x1b]0;", "\ud800")),
]


@pytest.mark.parametrize(("key", "value"), WRONG, ids=lambda value: repr(value)[:20])
def test_a_wrong_member_is_refused(key: str, value: Any) -> None:
    """
    Here, and not later where the stream connects.
    """
    text = json.dumps({"id": None, "count": 0, "since": None, "recent": [], key: value})
    with pytest.raises(ValueError, match="text must be that of a cursor, got ") as raised:
        Cursor.parse(text)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "3", '"a"', "{}", '{"id":null,"count":0}'),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"count":' + "9" * 5000 + "}", id="a number of 5,000 digits"),
        pytest.param('{"id":null,"count":0,"since":null,"recent":"%s"}' % ("A" * 9**7), id="long"),
    ],
)
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    """
    The error shows the beginning of the text that was given.
    """
    with pytest.raises(ValueError, match="text must be that of a cursor, got "):
        Cursor.parse(text)


def test_a_bomb_is_refused() -> None:
    """
    What unpacks to more than a cursor ever writes is not unpacked.
    """
    bomb = base64.b64encode(zlib.compress(b"1" * 2_000_000)).decode()
    text = json.dumps({"id": None, "count": 0, "since": None, "recent": bomb})
    assert len(text) < 50_000
    with pytest.raises(ValueError, match="it is cut, or too long"):
        Cursor.parse(text)


def test_no_text_at_all_is_another_type() -> None:
    """
    As for any argument.
    """
    with pytest.raises(TypeError, match="text must be text, got None"):
        Cursor.parse(None)  # type: ignore[arg-type]  # that is the point


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(string.printable)
    | st.text(st.characters(categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
KEYS = ("id", "count", "since", "recent", "stream")
ODD_TEXTS = st.one_of(
    st.text(),
    st.text('0123456789[]{}",:eE+-.nulltrueNaNInfinity'),
    JSON.map(json.dumps),
    st.fixed_dictionaries(dict.fromkeys(KEYS, JSON)).map(json.dumps),
    st.builds(
        lambda cursor, member: json.dumps({**json.loads(str(cursor)), **member}),
        CURSORS,
        st.dictionaries(st.sampled_from(KEYS), JSON, max_size=2),
    ),
    st.builds(
        lambda text, place, other: (
            text[: place % len(text)] + other + text[place % len(text) + 1 :]
        ),
        CURSORS.map(str),
        st.integers(0),
        st.text(max_size=3),
    ),
)


@given(ODD_TEXTS)
@example('{"id":null,"count":1e999,"since":null,"recent":[]}')
def test_a_text_is_a_cursor_or_a_value_error(text: str) -> None:
    """
    Whatever it is; and a cursor that was read can be written, and gone on from.
    """
    try:
        cursor = Cursor.parse(text)
    except ValueError:
        return
    assert Cursor.parse(str(cursor)) == cursor
    assert cursor.last_event_id is None or can_be_header(cursor.last_event_id.encode())
    assert cursor.since is None or cursor.since.utcoffset() == timedelta()


# --- made by a caller ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "error", "told"),
    [
        ({"last_event_id": 1}, TypeError, "last_event_id must be text, got 1"),
        ({"last_event_id": ""}, ValueError, "last_event_id must not be empty"),
        (
            {"last_event_id": "a\n"},
            ValueError,
            "last_event_id must be text that a header can carry",
        ),
        ({"last_event_id": "\ud800"}, ValueError, "last_event_id must be whole characters"),
        ({"entry_count": -1}, ValueError, "entry_count must be at least 0, got -1"),
        ({"entry_count": 2**63}, ValueError, "entry_count must be at most 9223372036854775807"),
        ({"entry_count": None}, TypeError, "entry_count must be a whole number, got None"),
        ({"since": "2026"}, TypeError, "since must be a datetime, got '2026'"),
        (
            {"since": NOON.replace(tzinfo=None)},
            ValueError,
            "since must have a time zone, got 2026-03-01T12:00:00",
        ),
        (
            {"since": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},
            ValueError,
            "since must be a moment that UTC has, too",
        ),
        ({"stream": 3}, TypeError, "stream must be text, got 3"),
        ({"recent_ids": "abc"}, TypeError, "recent_ids must be several texts, got 'abc'"),
        ({"recent_ids": 3}, TypeError, "recent_ids must be several texts, got 3"),
        ({"recent_ids": [3]}, TypeError, "each of recent_ids must be text, got 3"),
        ({"recent_ids": ["a\rb"]}, ValueError, "each of recent_ids must be an id"),
    ],
)
def test_nonsense_is_refused_at_construction(
    members: dict[str, Any], error: type[Exception], told: str
) -> None:
    """
    The error names the member and its value.
    """
    with pytest.raises(error) as raised:
        Cursor(**members)
    assert told in str(raised.value)


def test_after_goes_on_after_the_last_id_that_a_header_carries() -> None:
    """
    Oldest first; the others are recognised where they come again.
    """
    cursor = Cursor.after(iter(["1", "2", "3\x01"]), entry_count=3, stream="logs/of/one")
    assert cursor == Cursor(
        last_event_id="2", entry_count=3, stream="logs/of/one", recent_ids=["1", "2", "3\x01"]
    )
    assert cursor.recent_ids == ("1", "2", "3\x01")


@pytest.mark.parametrize(
    ("ids", "error", "told"),
    [
        ([], ValueError, "ids must hold one that a header can carry, got []"),
        (["\x01"], ValueError, r"ids must hold one that a header can carry, got ['\x01']"),
        ("1:2:3", TypeError, "ids must be several texts, got '1:2:3'"),
        (None, TypeError, "ids must be several texts, got None"),
        ([1], TypeError, "each of ids must be text, got 1"),
    ],
)
def test_after_nothing_is_refused(ids: Any, error: type[Exception], told: str) -> None:
    """
    A cursor that begins somewhere else than its caller thinks loses entries.
    """
    with pytest.raises(error) as raised:
        Cursor.after(ids)
    assert told in str(raised.value)


def test_at_a_moment() -> None:
    """
    Aware, and kept in UTC.
    """
    moment = NOON.astimezone(timezone(timedelta(hours=5)))
    assert Cursor.at(moment, entry_count=7) == Cursor(since=NOON, entry_count=7)
    with pytest.raises(ValueError, match="moment must have a time zone"):
        Cursor.at(NOON.replace(tzinfo=None))
    with pytest.raises(TypeError, match="moment must be a datetime, got None"):
        Cursor.at(None)  # type: ignore[arg-type]  # that is the point


def test_the_last_id_is_the_last_whatever_the_others_are() -> None:
    """
    A cursor of a caller who gives them in another order goes on where it says.
    """
    cursor = Cursor(last_event_id="3", recent_ids=["5", "4", "3", "2"])
    assert cursor.recent_ids == ("5", "4", "3", "2", "3")
    assert Cursor(last_event_id="3").recent_ids == ("3",)
