"""
What the wire says of texts, numbers, amounts and moments, read leniently and told exactly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

LARGEST_EXPONENT: Final = 308
"""That of a double, beyond which no two programs agree on a JSON number (RFC 8259, section 6)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FINER_THAN_MICROSECONDS: Final = re.compile(r"([.,])([0-9]{7,})")


def kind_of(value: object) -> str:
    """
    Name the JSON type of a value, for a message.
    """
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "an array"
    names = {bool: "a boolean", str: "text"}
    return names.get(type(value), "a number" if isinstance(value, int | float | Decimal) else "?")


# --- moments -------------------------------------------------------------------------------


def parse_moment(value: object) -> datetime:
    """
    Read a moment of the API as an aware UTC datetime.

    Takes ISO 8601 with or without an offset (none means UTC), a trailing
    ``[UTC]``, up to nanoseconds (rounded to microseconds), and epoch milliseconds
    (CleverCloud/clever-client.js, src/lib/utils.ts).

    Raises:
        ValueError: The text is not a moment.
        TypeError: The value is neither text nor a number.
    """
    moment = _from_text(value) if isinstance(value, str) else _from_milliseconds(value)
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a moment within the years 1 to 9999") from None


def _from_text(text: str) -> datetime:
    if text.endswith("]"):
        text = text.rpartition("[")[0]
    rest = 0
    try:
        # The standard library stops at a NUL, and takes the digits of every script.
        if not (text.isascii() and text.isprintable()):
            raise ValueError
        if fine := _FINER_THAN_MICROSECONDS.search(text):
            # It would cut off what is finer. Rounded half up, as the typed decoder does.
            rest = (int(fine[2][:9].ljust(9, "0")) + 500) // 1000
            text = text[: fine.start()] + text[fine.end() :]
        moment = datetime.fromisoformat(text.upper())
        return moment + timedelta(microseconds=rest) if rest else moment
    except (ValueError, OverflowError):
        raise ValueError("expected an ISO 8601 date and time") from None


def _from_milliseconds(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"expected a date and time, got {kind_of(value)}")
    try:
        return _EPOCH + timedelta(milliseconds=float(value))
    except (ValueError, OverflowError):  # not finite, or out of bounds
        raise ValueError("expected epoch milliseconds within the years 1 to 9999") from None


# --- texts, numbers, amounts -----------------------------------------------------------------


def text(value: object, _: Any = str) -> str:
    """
    Take text; each half of a surrogate pair is replaced, since it could not be encoded again.
    """
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    raise TypeError(f"expected text, got {kind_of(value)}")


def whole_number(value: object, _: Any = int) -> int:
    """
    Take a number without a fraction, however it is written.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float | Decimal):
        whole = int(value) if -(2**63) <= value < 2**63 else None
        if whole is not None and whole == value:
            return whole
    raise TypeError(f"expected a whole number, got {kind_of(value)}")


def number(value: object, _: Any = float) -> float:
    """
    Take a number that a double holds.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            held = float(value)
        except OverflowError:
            held = math.inf
        if math.isfinite(held):
            return held
        raise ValueError("expected a number that fits a double")
    raise TypeError(f"expected a number, got {kind_of(value)}")


def boolean(value: object, _: Any = bool) -> bool:
    """
    Take true or false, and nothing that merely counts as such.
    """
    if isinstance(value, bool):
        return value
    raise TypeError(f"expected true or false, got {kind_of(value)}")


def amount(value: object, _: Any = Decimal) -> Decimal:
    """
    Take an amount with the digits of the wire, from a number or from text.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError(f"expected an amount, got {kind_of(value)}")
    try:
        taken = Decimal(str(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ValueError("expected an amount") from None
    # 1e999999999 is ten bytes on the wire and a gigabyte of digits in a table.
    if not (taken.is_finite() and -LARGEST_EXPONENT <= taken.adjusted() <= LARGEST_EXPONENT):
        raise ValueError("expected a finite amount that fits a double")
    return taken


# --- JSON --------------------------------------------------------------------------------------


def read_json(body: bytes) -> object:
    """
    Read JSON as the standard library does, which takes more than the typed decoder.

    A mark of the byte order is skipped, bytes that are not UTF-8 and halves of
    surrogate pairs are kept as such (a program that cuts its lines in the
    middle of an emoji does log them), and fractions keep their digits.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested too deep.
    """
    written = body.decode("utf-8-sig", "replace")
    if not written or written.isspace():
        raise ValueError("it is empty")
    return json.loads(
        written, parse_float=_fraction, parse_int=_integer, parse_constant=_refuse_constant
    )


def _fraction(digits: str) -> Decimal | float:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent that Decimal cannot hold, neither can a double
        return float(digits)


def _integer(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads at once
        return Decimal(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
