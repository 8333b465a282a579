"""
Options to query pairs, pairs to bytes, and the validators.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from urllib.parse import parse_qsl, unquote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from clever_v4.transport.addresses import join, target
from clever_v4.validators import (
    check_duration,
    check_text,
    check_tuple_of_texts,
    check_whole_number,
    field,
)
from clever_v4.wire.moments import Moment, aware_moment, moment_text
from clever_v4.wire.names import UNSET, Unset, wire, wire_style
from clever_v4.wire.paths import check_path_segment, encode_path, encode_query
from clever_v4.wire.query import check_strings, query_pairs, to_pairs

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SEGMENT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text not in {".", ".."}
)


class Order(StrEnum):
    ASC = "ASC"


@wire_style("camel")
@attrs.frozen(kw_only=True)
class Options:
    since: Moment | None = None
    include_states: tuple[str, ...] = attrs.field(default=(), metadata=wire("includeState"))
    exclude_deleted: bool | None = None
    limit: int | None = None
    order: Order | None = None
    left_out: str | Unset = UNSET


def test_options_become_pairs_by_their_wire_names() -> None:
    """
    Lists repeat their key, None and UNSET are left out, booleans and enums are written as the API has them.
    """
    options = Options(
        since=timedelta(hours=1),
        include_states=("UP", "BOOTING"),
        exclude_deleted=False,
        limit=3,
        order=Order.ASC,
    )
    assert query_pairs(options, now=NOW) == [
        ("since", "2026-03-01T11:00:00.000Z"),
        ("includeState", "UP"),
        ("includeState", "BOOTING"),
        ("excludeDeleted", "false"),
        ("limit", "3"),
        ("order", "ASC"),
    ]


def test_no_options_give_no_pairs() -> None:
    """
    None stands for no options; options of which nothing is set send nothing.
    """
    assert query_pairs(None) == []
    assert query_pairs(Options()) == []


def test_mapping_and_pairs_are_taken_alike() -> None:
    """
    A mapping with a list and pairs with a repeated key mean the same.
    """
    assert to_pairs({"a": ["1", 2], "b": None}) == [("a", "1"), ("a", "2")]
    assert to_pairs([("a", "1"), ("a", 2), ("b", None)]) == [("a", "1"), ("a", "2")]
    assert to_pairs({"a": {"z", "y"}}) == [("a", "y"), ("a", "z")]
    assert to_pairs({"a": 1.5, "b": True, "c": -0.25}) == [
        ("a", "1.5"),
        ("b", "true"),
        ("c", "-0.25"),
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_out_of_bounds(value: float) -> None:
    """
    It is a number, but no text of JSON or of a query says it.
    """
    with pytest.raises(ValueError, match=r"^query parameter 'answer' must be finite, got"):
        to_pairs({"answer": value})


@pytest.mark.parametrize("value", [b"bytes", {"a": 1}, object()])
def test_what_no_parameter_can_be_is_refused_by_name(value: object) -> None:
    """
    The message names the key.
    """
    with pytest.raises(TypeError, match=r"^query parameter 'answer' must be text, a number"):
        to_pairs({"answer": value})


def test_moment_is_sent_in_utc_with_milliseconds() -> None:
    """
    Another offset is converted, microseconds are cut.
    """
    there = datetime(2026, 3, 1, 13, 0, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    assert moment_text(there) == "2026-03-01T12:00:00.123Z"


def test_naive_moment_is_refused() -> None:
    """
    A naive datetime is nobody's time.
    """
    with pytest.raises(
        ValueError, match=r"^query parameter 'since' must be an aware datetime, got the"
    ):
        to_pairs({"since": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_timedelta_counts_back_from_the_clock() -> None:
    """
    Without a now, the clock is asked.
    """
    before = datetime.now(UTC) - timedelta(hours=1, milliseconds=1)
    sent = datetime.fromisoformat(moment_text(timedelta(hours=1)))
    assert before <= sent <= datetime.now(UTC) - timedelta(hours=1)


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_encoded_query_reads_back_in_order(pairs: list[tuple[str, str]]) -> None:
    """
    Any keys and values, repeated ones too, come out of the encoding as they went in.
    """
    assert parse_qsl(encode_query(pairs), keep_blank_values=True) == pairs


@given(st.lists(SEGMENT, min_size=1))
def test_encoded_path_keeps_its_segments(path: list[str]) -> None:
    """
    A slash, a question mark or a dot inside a segment does not make another path.
    """
    encoded = encode_path(path)
    assert [unquote(part) for part in encoded[1:].split("/")] == path
    assert not set(encoded) & set("?#&+ ")


@given(st.lists(SEGMENT, min_size=1), st.lists(st.tuples(TEXT, TEXT)))
def test_address_is_kept_byte_for_byte(path: list[str], pairs: list[tuple[str, str]]) -> None:
    """
    yarl neither decodes nor normalises what was encoded: what is signed is what is sent.
    """
    tail = target(path, pairs)
    url = join(URL("https://api.example.com/prefix/"), tail)
    assert str(url) == "https://api.example.com/prefix" + tail
    assert url.raw_path_qs == "/prefix" + tail


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_segment_that_climbs_is_refused(segment: str) -> None:
    """
    Empty, ``.`` and ``..`` would lead to another resource.
    """
    with pytest.raises(ValueError, match=r"^path segment 2 must be neither empty, '\.' nor '\.\.'"):
        encode_path(("v4", segment))


@pytest.mark.parametrize("segment", ["a\nb", "a\x00", "\x7f", "\ud800", "orga_1/../user_2", "/"])
def test_segment_with_what_no_id_has_is_refused(segment: str) -> None:
    """
    Control characters, half surrogates and slashes are no part of an id.
    """
    with pytest.raises(ValueError, match=r"^owner_id must not hold"):
        check_path_segment("owner_id", segment)


def test_path_that_is_one_string_is_refused() -> None:
    """
    A str is a sequence of characters, which is never meant.
    """
    with pytest.raises(TypeError, match=r"^path must be a sequence of segments, got '/v4'"):
        encode_path("/v4")
    with pytest.raises(TypeError, match=r"^path segment 1 must be text, got 4"):
        encode_path([4])  # type: ignore[list-item]


def test_strings_are_a_sequence_of_non_empty_ones() -> None:
    """
    One string, another type and an empty one are refused by the argument's name.
    """
    assert check_strings("tags", ["a", "b"]) == ("a", "b")
    with pytest.raises(TypeError, match=r"^tags must be several texts, got 'eu'"):
        check_strings("tags", "eu")
    with pytest.raises(TypeError, match=r"^each of tags must be text, got 1"):
        check_strings("tags", [1])
    with pytest.raises(ValueError, match=r"^each of tags must not be empty"):
        check_strings("tags", [""])


@attrs.frozen(kw_only=True)
class Checked:
    moment: object = attrs.field(default=None, validator=aware_moment)
    count: object = attrs.field(default=None, validator=field(check_whole_number, optional=True))
    wait: object = attrs.field(default=None, validator=field(check_duration, optional=True))
    text: object = attrs.field(default=None, validator=field(check_text, optional=True))
    texts: object = attrs.field(default=None, validator=field(check_tuple_of_texts, optional=True))


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("moment", datetime(2026, 1, 1), ValueError),  # noqa: DTZ001
        ("moment", timedelta(seconds=-1), ValueError),
        ("moment", timedelta.max, ValueError),
        ("moment", datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), ValueError),
        ("moment", "2026-01-01", TypeError),
        ("count", 0, ValueError),
        ("count", -3, ValueError),
        ("count", True, TypeError),
        ("count", "3", TypeError),
        ("wait", timedelta(0), ValueError),
        ("wait", 3, TypeError),
        ("text", "", ValueError),
        ("text", 3, TypeError),
        ("texts", ["a"], TypeError),
        ("texts", ("a", 3), TypeError),
        ("texts", ("",), ValueError),
    ],
)
def test_validator_names_argument_and_value(
    name: str, value: object, error: type[Exception]
) -> None:
    """
    Nonsense is refused on construction, with the argument's name and the value.
    """
    with pytest.raises(error, match=f"^(each of )?{name} must ") as raised:
        Checked(**{name: value})
    assert "got " in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("moment", NOW),
        ("moment", timedelta(0)),
        ("count", 1),
        ("wait", timedelta(seconds=1)),
        ("text", "x"),
        ("texts", ()),
        ("texts", None),
    ],
)
def test_validator_lets_sense_pass(name: str, value: object) -> None:
    """
    What can be meant is taken as it is; None means not given.
    """
    assert getattr(Checked(**{name: value}), name) == value
