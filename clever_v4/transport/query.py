"""
Typed options to query pairs, and the validators that options and arguments share.

Pairs stay a sequence to the end: a repeated key is how the API takes a list
(``includeState=UP&includeState=BOOTING``, never commas).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote

import attrs

from .wire import UNSET, wire_names

__all__ = [
    "Moment",
    "QueryLike",
    "QueryPairs",
    "aware_moment",
    "check_path_segment",
    "check_strings",
    "encode_path",
    "encode_query",
    "moment_text",
    "moment_to_datetime",
    "non_empty",
    "non_empty_strings",
    "positive_duration",
    "positive_int",
    "query_pairs",
    "to_pairs",
]

QueryPairs: TypeAlias = Sequence[tuple[str, str]]
"""What a query is made of, in the order in which it is sent."""

QueryLike: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
"""What a caller may hand over as a query: a mapping (a list repeats its key) or pairs."""

Moment: TypeAlias = datetime | timedelta
"""An aware datetime, or a timedelta: so long before now."""


# --- options -> pairs -------------------------------------------------------------


def query_pairs(options: object, *, now: datetime | None = None) -> list[tuple[str, str]]:
    """
    Take an attrs options object to query pairs.

    Members that are None or ``UNSET`` are left out, collections repeat their
    key, moments become ISO 8601 in UTC with milliseconds and ``Z``.

    Args:
        options: An attrs instance whose class names its members on the wire
            (``wire_style``, ``wire``); None gives no pairs.
        now: What a ``timedelta`` is counted back from; the clock when None.
    """
    if options is None:
        return []
    return to_pairs(
        (
            (name, getattr(options, attribute))
            for attribute, name in wire_names(type(options)).items()  # type: ignore[arg-type]  # mypy takes the hash of an instance for that of its class
        ),
        now=now,
    )


def to_pairs(query: QueryLike, *, now: datetime | None = None) -> list[tuple[str, str]]:
    """
    Take a mapping or pairs of Python values to query pairs.

    Raises:
        TypeError: A value is of a type that no query parameter has.
        ValueError: A datetime is naive, or a number is not finite.
    """
    pairs: list[tuple[str, str]] = []
    items = query.items() if isinstance(query, Mapping) else query
    for key, value in cast("Iterable[tuple[str, Any]]", items):
        if value is None or value is UNSET:
            continue
        if isinstance(value, list | tuple | set | frozenset):
            members = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            pairs.extend((key, _text(key, member, now)) for member in members)
        else:
            pairs.append((key, _text(key, value, now)))
    return pairs


def _text(key: str, value: object, now: datetime | None) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | timedelta):
        return moment_text(value, now=now, name=key)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value - value == 0:  # neither infinite nor NaN
        return repr(value)
    raise TypeError(f"{key} cannot be a query parameter: {value!r}")


def moment_to_datetime(
    moment: Moment, *, now: datetime | None = None, name: str = "moment"
) -> datetime:
    """
    Take a moment to an aware UTC datetime; a timedelta counts back from *now*.

    Raises:
        ValueError: In UTC it is before the year 1 or after 9999.
    """
    try:
        if isinstance(moment, timedelta):
            return (now or datetime.now(UTC)) - moment
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} must be within the years 1 to 9999, got {moment!r}") from None


def moment_text(moment: Moment, *, now: datetime | None = None, name: str = "moment") -> str:
    """
    Write a moment as the API wants it: ISO 8601, UTC, milliseconds, ``Z``.

    Raises:
        ValueError: The datetime is naive, or out of bounds in UTC.
    """
    if isinstance(moment, datetime) and moment.utcoffset() is None:
        raise ValueError(f"{name} must be an aware datetime, got the naive {moment!r}")
    text = moment_to_datetime(moment, now=now, name=name).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


# --- what goes on the wire, byte for byte --------------------------------------------


def encode_path(path: Sequence[str]) -> str:
    """
    Percent-encode path segments (RFC 3986: all but the unreserved characters).

    Raises:
        ValueError: A segment is empty, ``.`` or ``..``, or holds a control
            character or half a surrogate pair.
        TypeError: A segment is no text, or the path is one string.
    """
    if isinstance(path, str):
        raise TypeError(f"path must be a sequence of segments, got {path!r}")
    return "".join(
        "/" + _encode_segment(position, segment) for position, segment in enumerate(path, 1)
    )


def encode_query(query: QueryPairs) -> str:
    """
    Percent-encode query pairs as OAuth 1 signs them (RFC 3986), order and repetition kept.
    """
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query)


def check_path_segment(name: str, value: object) -> str:
    """
    Refuse what cannot be an id or name inside a path, by the name of its argument.

    Ids are checked for being path-safe, not for their pattern: the API decides
    what an id looks like. A slash would be percent-encoded, but some gateways
    decode it before they look at the path, and no id has one.

    Raises:
        ValueError: It is empty, ``.`` or ``..``, or holds a slash, a control
            character or half a surrogate pair.
        TypeError: It is not text.
    """
    checked = _check_segment(name, value)
    if "/" in checked:
        raise ValueError(f"{name} must not hold a slash, got {value!r}")
    return checked


_PLAIN: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*")
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _encode_segment(position: int, segment: object) -> str:
    # What nearly every segment is, asked first.
    if isinstance(segment, str) and _PLAIN.fullmatch(segment):
        return segment
    return quote(_check_segment(f"path segment {position}", segment), safe="")


def _check_segment(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {value!r}")
    if value in {"", ".", ".."}:
        raise ValueError(f"{name} must be neither empty, '.' nor '..', got {value!r}")
    if unfit := _UNFIT.search(value):
        what = "control characters" if unfit[0] <= "\x7f" else "half a surrogate pair"
        raise ValueError(f"{name} must not hold {what}, got {value!r}")
    return value


def check_strings(name: str, values: object) -> tuple[str, ...]:
    """
    Refuse what is no sequence of texts, or holds an empty one, by the name of its argument.

    Raises:
        ValueError: One is empty.
        TypeError: It is one string, or holds something else than texts.
    """
    # A str is a sequence of characters too, and never what was meant.
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a sequence of str, got {values!r}")
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a sequence of str, got {values!r}")
        if not value:
            raise ValueError(f"{name} must not hold an empty str, got {values!r}")
    return tuple(values)


# --- validators of options (attrs: instance, attribute, value); None passes -----------


def aware_moment(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    A moment is an aware datetime or a timedelta before now.
    """
    if value is None:
        return
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise ValueError(
                f"{attribute.name} must not be negative (it counts back from now), got {value!r}"
            )
    elif isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{attribute.name} must be an aware datetime, got the naive {value!r}")
    else:
        raise TypeError(
            f"{attribute.name} must be an aware datetime or a timedelta before now, got {value!r}"
        )
    moment_to_datetime(value, name=attribute.name)


def positive_int(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    An integer of at least 1.
    """
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{attribute.name} must be an int, got {value!r}")
    if value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, got {value!r}")


def positive_duration(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    A timedelta greater than zero.
    """
    if value is None:
        return
    if not isinstance(value, timedelta):
        raise TypeError(f"{attribute.name} must be a timedelta, got {value!r}")
    if value <= timedelta(0):
        raise ValueError(f"{attribute.name} must be greater than zero, got {value!r}")


def non_empty(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    A text of at least one character.
    """
    if value is None:
        return
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name} must be a str, got {value!r}")
    if not value:
        raise ValueError(f"{attribute.name} must not be empty, got {value!r}")


def non_empty_strings(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """
    A tuple of texts, none of them empty (the tuple may be).
    """
    if value is None:
        return
    if not isinstance(value, tuple):
        raise TypeError(f"{attribute.name} must be a tuple of str, got {value!r}")
    check_strings(attribute.name, value)
