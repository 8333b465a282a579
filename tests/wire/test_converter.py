"""
The converter: wire names, leniency, exact messages; two ways with one result.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clever_v4.errors import ResponseFormatError
from clever_v4.transport.responses import Response
from clever_v4.wire.compiled import compiled_loads
from clever_v4.wire.converter import converter
from clever_v4.wire.names import UNSET, Unset, wire, wire_style
from clever_v4.wire.scalars import parse_moment


@wire_style("snake")
@attrs.frozen(kw_only=True)
class Price:
    currency: str | None = None
    amount: Decimal | None = None
    tax_rate: float = 0.0


@attrs.frozen(kw_only=True)
class Line:
    line_number: int
    label: str
    facility: int | str | None = None
    price: Price | None = None


@attrs.frozen(kw_only=True)
class Bill:
    id: str
    sent_at: datetime
    paid_at: datetime | None = None
    is_final: bool = False
    lines: tuple[Line, ...] = ()
    public_ips: tuple[str, ...] = attrs.field(default=(), metadata=wire("outboundIPs"))
    labels: dict[str, str] | None = None


def refuse(data: bytes) -> Any:
    """
    What a compiled function is given here for bytes that do not fit: there are none.
    """
    raise AssertionError(data)


@attrs.frozen(kw_only=True)
class Change:
    first_policy: int | Unset | None = UNSET
    second_policy: int | Unset | None = UNSET


LINE = {"lineNumber": 1, "label": "a", "price": {"currency": "EUR", "amount": 12.50}}
BILL: dict[str, Any] = {
    "id": "b1",
    "sentAt": "2026-01-02T03:04:05.678Z",
    "lines": [LINE],
    "outboundIPs": ["10.0.0.1/32"],
    "isFinal": True,
    "labels": {"a": "b"},
    "somethingNew": [1, {"x": None}],
}


def lenient(type_: Any, value: object) -> Any:
    return converter.loads_leniently(json.dumps(value).encode(), type_)


def exact(type_: Any, value: object) -> Any:
    read: Callable[[bytes], Any] | None = compiled_loads(type_, refuse)
    assert read is not None
    return read(json.dumps(value).encode())


@pytest.mark.parametrize("way", [lenient, exact])
def test_wire_names_follow_the_style_of_the_class(way: Callable[[Any, object], Any]) -> None:
    """
    Camel case, snake case and irregular names reach the Python names, unknown members nothing.
    """
    bill = way(Bill, BILL)
    assert bill == Bill(
        id="b1",
        sent_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        is_final=True,
        lines=(
            Line(line_number=1, label="a", price=Price(currency="EUR", amount=Decimal("12.5"))),
        ),
        public_ips=("10.0.0.1/32",),
        labels={"a": "b"},
    )
    assert type(bill) is Bill
    assert type(bill.lines[0]) is Line


def test_an_instance_of_the_compiled_way_is_frozen() -> None:
    """
    What the compiled way builds cannot be written to and hashes like any other.
    """
    price = exact(Price, {"amount": 1})
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        price.amount = Decimal(2)
    assert hash(price) == hash(Price(amount=Decimal(1)))


@pytest.mark.parametrize("way", [lenient, exact])
def test_money_keeps_its_digits(way: Callable[[Any, object], Any]) -> None:
    """
    An amount that no double can hold arrives with every digit.
    """
    body = b'{"amount": 1234567890123456.780000000000000001}'
    for price in (converter.loads(body, Price), converter.loads_leniently(body, Price)):
        assert str(price.amount) == "1234567890123456.780000000000000001"
    assert way(Price, {"amount": 0.1}).amount == Decimal("0.1")


@pytest.mark.parametrize("way", [lenient, exact])
def test_null_gives_the_default_where_the_type_has_no_none(
    way: Callable[[Any, object], Any],
) -> None:
    """
    A null collection is an empty one; a null that the type admits stays None.
    """
    nulls = dict.fromkeys(("lines", "outboundIPs", "isFinal", "labels", "paidAt"))
    bill = way(Bill, {"id": "x", "sentAt": "2026-01-01T00:00:00Z", **nulls})
    assert (bill.lines, bill.public_ips, bill.is_final) == ((), (), False)
    assert bill.labels is None
    assert bill.paid_at is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123Z[UTC]", datetime(2026, 1, 2, 3, 4, 5, 123000, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123457, tzinfo=UTC)),
        ("2026-01-02T03:04:05.1234567+02:00", datetime(2026, 1, 2, 1, 4, 5, 123457, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        (1767323045678, datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
    ],
)
def test_moments_arrive_aware_and_in_utc(text: object, moment: datetime) -> None:
    """
    Every form of date that the API is known to send becomes the same aware UTC moment.
    """
    assert parse_moment(text) == moment
    for bill in (
        converter.loads(json.dumps({"id": "x", "sentAt": text}).encode(), Bill),
        lenient(Bill, {"id": "x", "sentAt": text}),
    ):
        assert bill.sent_at == moment
        assert bill.sent_at.tzinfo is UTC


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 -- made aware by the strategy
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    ),
    st.sampled_from(["", "123", "999999500", "123456789"]),
)
def test_both_ways_read_the_same_moment(moment: datetime, digits: str) -> None:
    """
    The compiled and the lenient way agree on every date, nanoseconds included.
    """
    text = moment.replace(microsecond=0).isoformat()
    if digits:
        text = text[:19] + "." + digits + text[19:]
    body = json.dumps({"id": "x", "sentAt": text}).encode()
    assert converter.loads(body, Bill) == converter.loads_leniently(body, Bill)


@pytest.mark.parametrize(
    ("bill", "path"),
    [
        ({**BILL, "id": None}, "$.id"),
        ({k: v for k, v in BILL.items() if k != "sentAt"}, "$.sentAt"),
        ({**BILL, "sentAt": "yesterday"}, "$.sentAt"),
        ({**BILL, "lines": [LINE, {**LINE, "lineNumber": "two"}]}, "$.lines[1].lineNumber"),
        ({**BILL, "lines": [{"lineNumber": 1}]}, "$.lines[0].label"),
        ({**BILL, "lines": "text"}, "$.lines"),
        ({**BILL, "lines": [{**LINE, "price": {"tax_rate": []}}]}, "$.lines[0].price.tax_rate"),
        ({**BILL, "outboundIPs": [1]}, "$.outboundIPs[0]"),
        ({**BILL, "outboundIPs": "10.0.0.1"}, "$.outboundIPs"),
        ({**BILL, "isFinal": "yes"}, "$.isFinal"),
        ([], "$"),
        (None, "$"),
    ],
)
def test_a_misfit_is_named_by_its_path_on_the_wire(bill: object, path: str) -> None:
    """
    The error names the member as the wire does.
    """
    with pytest.raises(ResponseFormatError) as caught:
        converter.loads(json.dumps(bill).encode(), Bill)
    assert caught.value.paths == (path,)
    assert path in str(caught.value)


def test_a_misfit_of_an_answer_carries_its_sozu_id() -> None:
    """
    The converter knows no answer; who asked it adds what support asks for.
    """
    answer = Response(status=200, headers={}, body=b"{}", request_id="01SOZU")
    with pytest.raises(ResponseFormatError, match="01SOZU"):
        answer.json(Bill)


def test_a_misfit_in_a_list_is_named_with_its_index() -> None:
    """
    In a list of models the path begins with the index.
    """
    body = json.dumps([BILL, {**BILL, "lines": [{**LINE, "label": 3}]}]).encode()
    with pytest.raises(ResponseFormatError) as caught:
        converter.loads(body, list[Bill])
    assert caught.value.paths == ("$[1].lines[0].label",)
    assert "list[Bill]" in str(caught.value)


def test_a_list_that_is_an_object_is_refused() -> None:
    """
    An object in place of a list is an error, not a list of its keys.
    """
    with pytest.raises(ResponseFormatError, match="expected an array, got an object"):
        converter.loads(b"{}", list[Bill])


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"a":1}}', b"[" * 100_000])
def test_what_is_not_json_is_said_so(body: bytes) -> None:
    """
    Bytes that are not JSON, however deep, are a ResponseFormatError.
    """
    with pytest.raises(ResponseFormatError, match="not JSON"):
        converter.loads(body, Bill)


def test_invalid_utf8_is_replaced() -> None:
    """
    A byte that is not UTF-8 becomes the replacement character, as in the event stream standard.
    """
    assert converter.loads(b'{"currency":"\xff"}', Price).currency == "\ufffd"


def test_half_a_surrogate_pair_is_replaced() -> None:
    """
    A line that a program cut in the middle of an emoji is still an entry, and can be encoded.
    """
    price = converter.loads(rb'{"currency":"cut \ud83d here, whole \ud83d\ude00"}', Price)
    assert price.currency == "cut \ufffd here, whole \U0001f600"
    assert (
        converter.loads(rb'{"lineNumber":1,"label":"a","facility":"\udc00"}', Line).facility
        == "\ufffd"
    )


@pytest.mark.parametrize("number", ["1e400", "1.5", "-1e99999", "9223372036854775808.0"])
def test_a_number_that_is_no_whole_one_is_said_so(number: str) -> None:
    """
    The message is ours, however large the number.
    """
    with pytest.raises(ResponseFormatError, match=r"expected a whole number, got a number"):
        converter.loads(b'{"lineNumber":%s,"label":"a"}' % number.encode(), Line)


@attrs.frozen(kw_only=True)
class Odd:
    """
    What the typed decoder would read otherwise than the wire has it.
    """

    lines_by_name: dict[str, Line] | None = None
    moments: dict[str, datetime] | None = None


def test_what_the_typed_decoder_reads_otherwise_goes_the_lenient_way() -> None:
    """
    In a mapping it would take a model's Python names for the wire's, and leave moments naive.
    """
    assert compiled_loads(Odd, refuse) is None
    body = {"linesByName": {"a": LINE}, "moments": {"b": "2026-01-01T02:00:00+02:00"}}
    odd = converter.loads(json.dumps(body).encode(), Odd)
    assert odd.lines_by_name is not None
    assert odd.lines_by_name["a"].line_number == 1
    assert odd.moments == {"b": datetime(2026, 1, 1, tzinfo=UTC)}


def test_moments_with_a_zone_s_name_have_a_compiled_way_of_their_own() -> None:
    """
    Structuring the whole answer leniently would cost ten times as much; without moments it is none.
    """
    suffixed = compiled_loads(list[Bill], refuse, suffixed=True)
    assert suffixed is not None
    body = json.dumps([{**BILL, "sentAt": "2026-01-02T03:04:05.678Z[UTC]"}]).encode()
    assert (
        suffixed(body)
        == converter.loads(body, list[Bill])
        == converter.loads_leniently(body, list[Bill])
    )
    assert compiled_loads(Price, refuse, suffixed=True) is None


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-00:01"])
def test_a_moment_out_of_bounds_is_told_by_each_way(date: str) -> None:
    """
    The typed decoder takes it, and converting it to UTC overflows.
    """
    body = json.dumps({**BILL, "sentAt": date}).encode()
    for read in (converter.get_loads_hook(Bill), lambda body: converter.loads(body, Bill)):
        with pytest.raises(ResponseFormatError) as caught:
            read(body)
        assert caught.value.paths == ("$.sentAt",)


@pytest.mark.parametrize("member", ["somethingNew", "sentAt"])
def test_an_exponent_that_decimal_cannot_hold_is_read(member: str) -> None:
    """
    In a member that nobody asked for it breaks nothing, elsewhere it does not fit.
    """
    body = json.dumps({**BILL, "isFinal": None, member: 7777}).replace(
        "7777", "1e99999999999999999999"
    )
    if member == "sentAt":
        with pytest.raises(ResponseFormatError) as caught:
            converter.loads(body.encode(), Bill)
        assert caught.value.paths == ("$.sentAt",)
    else:
        assert converter.loads_leniently(body.encode(), Bill).id == "b1"


def test_unset_is_left_out_and_none_is_null() -> None:
    """
    A member that is UNSET is not sent; an explicit None is sent as null.
    """
    assert converter.unstructure(Change(first_policy=None)) == {"firstPolicy": None}
    assert converter.unstructure(Change()) == {}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1234567Z[UTC]", "NaN", "1e999"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*BILL, *LINE, "amount", "tax_rate"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(list(BILL)), JSON, st.booleans())
def test_every_answer_is_a_model_or_a_format_error(
    member: str, value: object, suffixed: bool
) -> None:
    """
    Whatever a member holds, the outcome is a model or a ResponseFormatError, the same by every way.
    """
    sent_at = BILL["sentAt"] + "[UTC]" * suffixed
    body = json.dumps({**BILL, "sentAt": sent_at, member: value}).encode()
    try:
        bill = converter.loads_leniently(body, Bill)
    except ResponseFormatError:
        for read in (converter.get_loads_hook(Bill), lambda body: converter.loads(body, Bill)):
            with pytest.raises(ResponseFormatError):
                read(body)
    else:
        # By their texts: 1.0 and 1.00 are equal, and not the same amount.
        assert (
            repr(converter.loads(body, Bill))
            == repr(converter.get_loads_hook(Bill)(body))
            == repr(bill)
        )
