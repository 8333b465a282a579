"""
Whatever an answer looks like, it becomes a model or a `ResponseFormatError`, and nothing else.

The answers are the emulator's, with members dropped, nulled, retyped and added at random.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clever_v4.errors import ResponseFormatError
from clever_v4.wire.converter import converter
from tests.api.real_answers import (
    JSON_KINDS,
    KINDS,
    REQUEST_ID,
    Kind,
    as_text,
    ask_for_all,
    parent_of,
    places,
)


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """
    One answer of each kind, as the emulator gives it.
    """
    return asyncio.run(ask_for_all())


def test_there_is_an_answer_of_each_kind(answers: dict[str, Any]) -> None:
    """
    Each is what its endpoint gives, and becomes a model as it is.
    """
    assert answers.keys() == KINDS.keys()
    for name, kind in KINDS.items():
        assert answers[name]
        assert kind.read(to_bytes(answers[name]))


RAW = (
    "1e999999999",
    "-0.0",
    "1e400",
    "123456789012345678901234567890",
    "1E-999999999",
    "1e99999999999999999999",
    "-1e-99999999999999999999",
    "9" * 5000,
    "[" * 50 + "]" * 50,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 40 + "1" + "}" * 40,
    "NaN",
    "-Infinity",
    "01",
    '"\xff\xfe"',
    '"\\ud83d half"',
    '"\\ude00\\ud83d"',
)
"""What Python's own writer does not write: numbers out of bounds, deep nests, no JSON at all."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "2026-01-01T00:00:00Z[UTC]",
            "9999-12-31T23:59:59.999999999-23:59",
            "9999-12-31T23:59:59.9999999Z",
            "0001-01-01T00:00:00+14:00",
            "2026-02-30T00:00:00Z",
            "2026-06-30T23:59:60Z",
            "0000-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "2026-01-01t00:00:00z",
            "2026-01-01T00:00:00\x00Z",
            "[UTC]",
            "NaN",
            "-Infinity",
            "sNaN",
        ]
    )
    | st.sampled_from(RAW).map(lambda text: msgspec.Raw(text.encode("latin-1")))
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


class Again(str):
    """
    A name that an object may have a second time.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


def to_bytes(value: Any) -> bytes:
    """
    Write JSON, raw parts as they are.
    """
    if isinstance(value, msgspec.Raw):
        return bytes(value)
    if isinstance(value, dict):
        members = (json.dumps(name).encode() + b":" + to_bytes(v) for name, v in value.items())
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(to_bytes, value)) + b"]"
    return json.dumps(value).encode()


def outcome(read: Any, body: bytes) -> object:
    """
    Read a body; any other error than the one that is allowed is the test's failure.
    """
    try:
        return read(body)
    except ResponseFormatError as error:
        return error


def check(kind: Kind, body: bytes) -> None:
    """
    A model comes out or the one error, with path and Sozu-Id; by every way the same.
    """
    result = outcome(kind.read, body)
    if isinstance(result, ResponseFormatError):
        assert result.paths or "not JSON" in str(result)
        assert all(path.startswith("$") for path in result.paths)
        assert result.request_id == (None if kind.is_entry else REQUEST_ID)
    if kind in JSON_KINDS.values():
        lenient = outcome(kind.read_leniently, body)
        either = outcome(lambda body: converter.loads(body, kind.type_), body)
        if isinstance(lenient, ResponseFormatError):
            assert isinstance(either, ResponseFormatError)
        else:
            # By their texts: 1.0 and 1.00 are equal, and not the same amount on an invoice.
            assert repr(either) == repr(lenient)


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_any_answer_is_a_model_or_a_format_error(
    answers: dict[str, Any], name: str, data: st.DataObject
) -> None:
    """
    Up to five members dropped, nulled, retyped, added or doubled: a model comes out, or the one error.
    """
    answer = copy.deepcopy(answers[name])
    for _ in range(data.draw(st.integers(0, 5))):
        found = list(places(answer))
        if not found:
            break
        path = data.draw(st.sampled_from(found))
        parent = parent_of(answer, path)
        match data.draw(st.sampled_from(["drop", "null", "retype", "double", "add"])):
            case "drop":
                del parent[path[-1]]
            case "null":
                parent[path[-1]] = None
            case "retype":
                parent[path[-1]] = data.draw(junk | st.just("\ud800"))
            case "double" if isinstance(parent, dict):
                parent[Again(path[-1])] = data.draw(junk)
            case _ if isinstance(parent, dict):
                parent[data.draw(st.text(max_size=8))] = data.draw(junk)
            case _:
                parent.append(data.draw(junk))
    body = to_bytes(answer)
    if data.draw(st.booleans()):
        body = body.replace(b'Z"', b'Z[UTC]"')
    check(KINDS[name], body)


@pytest.mark.parametrize("name", KINDS)
def test_any_damage_to_the_bytes_is_a_model_or_a_format_error(
    answers: dict[str, Any], name: str
) -> None:
    """
    Bytes that are cut, doubled, overwritten or turned, a mark of the byte order, nothing at all.
    """
    whole = to_bytes(answers[name])
    chance = random.Random(name)
    damaged = [
        b"",
        b" \n",
        b"null",
        b"\xef\xbb\xbf",
        b"\xff\xfe" + whole,
        b"[" * 200_000,
        b"[" + whole,
    ]
    for _ in range(60):
        start, stop = sorted(chance.randrange(len(whole)) for _ in range(2))
        stop = min(stop, start + chance.choice((1, 2, 30)))
        damaged += [
            whole[:start],
            whole[:start] + whole[stop:],
            whole[:stop] + whole[start:],
            whole[:start] + chance.randbytes(1) + whole[start + 1 :],
            whole[:start] + b"\\" + whole[start:],
        ]
    for body in damaged:
        check(KINDS[name], body)


@pytest.mark.parametrize("name", KINDS)
def test_a_mark_of_the_byte_order_is_skipped(answers: dict[str, Any], name: str) -> None:
    """
    As by every browser, and so by the official client.
    """
    whole = to_bytes(answers[name])
    assert KINDS[name].read(b"\xef\xbb\xbf" + whole) == KINDS[name].read(whole)


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None, max_examples=25)
@given(value=junk)
def test_any_body_is_a_model_or_a_format_error(name: str, value: Any) -> None:
    """
    Another JSON value altogether is no other kind of error.
    """
    check(KINDS[name], to_bytes(value))


@pytest.mark.parametrize("name", KINDS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_dropping_what_is_optional_is_always_a_model(
    answers: dict[str, Any], name: str, data: st.DataObject
) -> None:
    """
    Any number of optional members absent or null, and unknown ones added: still a model.
    """
    kind, answer = KINDS[name], copy.deepcopy(answers[name])
    optional = [
        path for path in places(answer) if isinstance(path[-1], str) and not kind.needs(path)
    ]
    chosen = data.draw(st.lists(st.sampled_from(optional), unique=True, max_size=40))
    unknown = data.draw(scalars.filter(lambda value: not isinstance(value, msgspec.Raw)))
    for path in sorted(chosen, key=len, reverse=True):
        parent = parent_of(answer, path)
        if data.draw(st.booleans()):
            del parent[path[-1]]
        else:
            parent[path[-1]] = None
        parent["notYetKnown"] = unknown
    body = to_bytes(answer)
    kind.read(body)
    check(kind, body)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name].required])
def test_dropping_what_is_required_names_it(answers: dict[str, Any], name: str) -> None:
    """
    Without a required member the error has the path of that member.
    """
    kind = KINDS[name]
    needed = [path for path in places(answers[name]) if kind.needs(path)]
    assert needed
    for path in needed:
        answer = copy.deepcopy(answers[name])
        del parent_of(answer, path)[path[-1]]
        with pytest.raises(ResponseFormatError) as caught:
            kind.read(to_bytes(answer))
        assert caught.value.paths == (as_text(path),)


@pytest.mark.parametrize(
    "name", [name for name in KINDS if name != "summary" and not name.endswith("an array")]
)
def test_every_member_of_the_sources_is_read(answers: dict[str, Any], name: str) -> None:
    """
    A number or an object in place of a member, whichever it is not, is told by its path: no member
    that the emulator knows of is passed over. (Of the summary most are.)
    """
    whole = answers[name]
    for path in places(whole):
        told = []
        for misfit in (5, {"x": 1}):
            answer = copy.deepcopy(whole)
            parent_of(answer, path)[path[-1]] = misfit
            told.append(getattr(outcome(KINDS[name].read, to_bytes(answer)), "paths", ()))
        assert (as_text(path),) in told


@pytest.mark.parametrize(
    "amount", ['"NaN"', '"-Infinity"', '"sNaN"', "1e999999999", "true", "null"]
)
def test_an_amount_is_a_finite_number(answers: dict[str, Any], amount: str) -> None:
    """
    What a decimal could hold and a sum could not is told by its path, and not passed on.
    """
    answer = copy.deepcopy(answers["invoices"])
    answer[1]["total_tax"]["amount"] = msgspec.Raw(amount.encode())
    error = outcome(KINDS["invoices"].read, to_bytes(answer))
    assert isinstance(error, ResponseFormatError)
    assert error.paths == ("$[1].total_tax.amount",)


@pytest.mark.parametrize("date", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"])
def test_a_date_out_of_all_bounds_is_told(answers: dict[str, Any], date: str) -> None:
    """
    A moment that no datetime in UTC can hold does not fit.
    """
    answer = copy.deepcopy(answers["invoices"])
    answer[0]["pay_date"] = date
    error = outcome(KINDS["invoices"].read, to_bytes(answer))
    assert isinstance(error, ResponseFormatError)
    assert error.paths == ("$[0].pay_date",)
