"""
Ready-made predicates over entries, equal when they ask for the same.

Equal predicates are evaluated once per batch, however many subscribers have them. They
know no model: each reads one attribute by its name. Combine them with ``&``, ``|``, ``~``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import attrs

from clever_v4.validators import (
    check_callback,
    check_hashable,
    check_number,
    check_text,
    field,
    shown,
)

__all__ = ["AllOf", "AnyOf", "AtMost", "Contains", "Matches", "Not", "OneOf", "Predicate"]


class Predicate:
    """
    A predicate over entries that can be combined; a call says whether it accepts one.
    """

    __slots__ = ()

    def __call__(self, entry: Any, /) -> bool:
        """
        Whether the entry is accepted.
        """
        raise NotImplementedError

    def __and__(self, other: Callable[[Any], object]) -> AllOf:
        return AllOf([self, other])

    def __or__(self, other: Callable[[Any], object]) -> AnyOf:
        return AnyOf([self, other])

    def __invert__(self) -> Not:
        return Not(self)


def _values(value: Iterable[Any]) -> frozenset[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"values must be several, got {shown(value)}")
    found = list(value)
    for one in found:
        check_hashable("each of values", one)
    return frozenset(found)


def _predicates(value: Iterable[Callable[[Any], object]]) -> tuple[Callable[[Any], object], ...]:
    if not isinstance(value, Iterable):
        raise TypeError(f"predicates must be several, got {shown(value)}")
    found = tuple(value)
    for one in found:
        check_callback("each of predicates", one)
    return found


def _attribute(value: str) -> str:
    check_text("attribute", value)
    if not all(part.isidentifier() for part in value.split(".")):
        raise ValueError(f"attribute must name an attribute, got {shown(value)}")
    return value


@attrs.frozen
class AllOf(Predicate):
    """
    Accepts what every one of the predicates accepts.

    Attributes:
        predicates: What is asked about each entry.
    """

    predicates: tuple[Callable[[Any], object], ...] = attrs.field(converter=_predicates)

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        return all(accepts(entry) for accepts in self.predicates)


@attrs.frozen
class AnyOf(Predicate):
    """
    Accepts what at least one of the predicates accepts.

    Attributes:
        predicates: What is asked about each entry.
    """

    predicates: tuple[Callable[[Any], object], ...] = attrs.field(converter=_predicates)

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        return any(accepts(entry) for accepts in self.predicates)


@attrs.frozen
class Not(Predicate):
    """
    Accepts what the predicate does not.

    Attributes:
        predicate: What is asked about each entry.
    """

    predicate: Callable[[Any], object] = attrs.field(validator=field(check_callback))

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        return not self.predicate(entry)


@attrs.frozen
class _OfAttribute(Predicate):
    attribute: str = attrs.field(converter=_attribute)
    """Which attribute of an entry; with dots: an attribute of that."""
    _get: Callable[[Any], Any] = attrs.field(
        init=False,
        eq=False,
        repr=False,
        default=attrs.Factory(lambda self: attrgetter(self.attribute), takes_self=True),
    )


@attrs.frozen
class OneOf(_OfAttribute):
    """
    Accepts entries whose attribute has one of these values.

    Attributes:
        values: What is accepted.
    """

    values: frozenset[Any] = attrs.field(converter=_values)

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        return self._get(entry) in self.values


@attrs.frozen
class AtMost(_OfAttribute):
    """
    Accepts entries whose attribute is a number up to this one; None is not.

    Attributes:
        limit: The largest number that is accepted.
    """

    limit: float = attrs.field(validator=field(check_number))

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        value = self._get(entry)
        return value is not None and bool(value <= self.limit)


@attrs.frozen
class Contains(_OfAttribute):
    """
    Accepts entries in whose attribute this text occurs, whatever the case of its letters.

    Attributes:
        text: What is looked for.
    """

    text: str = attrs.field(validator=field(check_text))

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        value = self._get(entry)
        return value is not None and self.text.casefold() in value.casefold()


def _pattern(value: str | re.Pattern[str]) -> re.Pattern[str]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        return value
    check_text("pattern", value, or_empty=True)
    try:
        return re.compile(value)
    except re.error as exc:
        raise ValueError(
            f"pattern must be a regular expression, got {shown(value)}: {exc}"
        ) from exc


@attrs.frozen
class Matches(_OfAttribute):
    """
    Accepts entries in whose attribute this regular expression is found, anywhere in it.

    A pattern of hostile origin can take very long; so do not let users of a web page
    give one without a bound on its shape.

    Attributes:
        pattern: What is looked for; text is compiled.
    """

    pattern: re.Pattern[str] = attrs.field(converter=_pattern)

    def __call__(self, entry: Any, /) -> bool:  # noqa: D102
        value = self._get(entry)
        return value is not None and self.pattern.search(value) is not None
