"""
What a list may be asked for in words: its order, and states of an open set.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Order(enum.StrEnum):
    """
    The order of a list, by start or creation date.

    Attributes:
        ASC: The oldest first.
        DESC: The newest first.
    """

    ASC = "ASC"
    DESC = "DESC"


def order_or_none(value: Order | str | None) -> Order | None:
    """
    Take ``Order.ASC`` or ``"ASC"``, and None for the server's own order.

    Raises:
        ValueError: It is something else; the case counts.
    """
    if value is None:
        return None
    try:
        return Order(value)
    except ValueError:
        raise ValueError(f"order must be 'ASC' or 'DESC', got {value!r}") from None


def state_names(name: str, value: Iterable[str], known: type[enum.StrEnum]) -> tuple[str, ...]:
    """
    Take the several states or actions of an option.

    They are an open set, so one not yet known passes; one that differs from a
    known one by its case only is a mistake, since the server is case sensitive.

    Raises:
        ValueError: One is empty or in the wrong case.
        TypeError: It is one text, or holds something else than text.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of str, got {value!r}")
    return tuple(_checked(name, member, known) for member in value)


def _checked(name: str, member: object, known: type[enum.StrEnum]) -> str:
    if not isinstance(member, str):
        raise TypeError(f"{name} must hold str, got {member!r}")
    if not member:
        raise ValueError(f"{name} must not hold an empty str, got {member!r}")
    text = str(member)
    if text not in set(known) and text.upper() in set(known):
        raise ValueError(f"{name} is case sensitive: {text!r} must be {text.upper()!r}")
    return text
