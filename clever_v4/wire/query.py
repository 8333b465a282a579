"""
Typed options to query pairs.

Pairs stay a sequence to the end: a repeated key is how the API takes a list
(``includeState=UP&includeState=BOOTING``, never commas).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from types import NoneType
from typing import Any, TypeAlias, cast

from clever_v4.validators import check_instance, check_names, check_number, check_text, shown

from .moments import moment_text
from .names import UNSET, wire_names
from .paths import QueryPairs

__all__ = ["QueryLike", "QueryPairs", "check_strings", "pairs_of", "query_pairs", "to_pairs"]

QueryLike: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
"""What a caller may hand over as a query: a mapping (a list repeats its key) or pairs."""


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
        TypeError: It is neither a mapping nor pairs, or a value is of a type that no query
            parameter has.
        ValueError: A datetime is naive, or a number is not finite.
    """
    pairs: list[tuple[str, str]] = []
    for key, value in _items(query):
        if value is None or value is UNSET:
            continue
        if isinstance(value, list | tuple | set | frozenset):
            members = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            pairs.extend((key, _text(key, member, now)) for member in members)
        else:
            pairs.append((key, _text(key, value, now)))
    return pairs


def _items(query: object) -> Iterator[tuple[str, Any]]:
    if isinstance(query, Mapping):
        given: Iterable[Any] = query.items()
    elif isinstance(query, Iterable) and not isinstance(query, str | bytes):
        given = query
    else:
        raise TypeError(f"query must be a mapping or pairs, got {shown(query)}")
    for pair in given:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"each of query must be a pair, got {shown(pair)}")
        check_text("each name of query", pair[0])
        yield pair[0], pair[1]


def _text(key: str, value: object, now: datetime | None) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    name = f"query parameter {key!r}"
    if isinstance(value, datetime | timedelta):
        return moment_text(value, now=now, name=name)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        check_number(name, value)
        return repr(value)
    raise TypeError(f"{name} must be text, a number, a flag or a moment, got {shown(value)}")


def pairs_of(query: object, type_: type) -> list[tuple[str, str]]:
    """
    Take the options of a call to query pairs; None gives none.

    Raises:
        TypeError: They are the options of another call, or none at all.
    """
    check_instance("query", query, (type_, NoneType))
    return query_pairs(query)


def check_strings(name: str, values: object) -> tuple[str, ...]:
    """
    Refuse what is not several texts, or holds an empty one, by the name of its argument.

    Raises:
        ValueError: One is empty.
        TypeError: It is one string, or holds something else than texts.
    """
    check_names(name, values)
    return tuple(cast("Collection[str]", values))
