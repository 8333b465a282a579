"""
What a list may be asked for in words: its order, and states of an open set.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from typing import cast

from clever_v4.validators import check_choice, check_names


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
        ValueError: It is another word; the case counts.
        TypeError: It is no text.
    """
    if value is None:
        return None
    check_choice("order", value, Order)
    return Order(value)


def state_names(name: str, value: object, known: type[enum.StrEnum]) -> tuple[str, ...]:
    """
    Take the several states or actions of an option.

    They are an open set, so one not yet known passes; one that differs from a
    known one by its case only is a mistake, since the server is case sensitive.

    Raises:
        ValueError: One is empty or in the wrong case.
        TypeError: It is one text, or holds something else than text.
    """
    # A generator is as good as a list here.
    if isinstance(value, Iterator):
        value = tuple(value)
    check_names(name, value)
    return tuple(_checked(name, member, known) for member in cast("Collection[str]", value))


def _checked(name: str, member: str, known: type[enum.StrEnum]) -> str:
    text = str(member)
    if text not in set(known) and text.upper() in set(known):
        raise ValueError(f"{name} is case sensitive: {text!r} must be {text.upper()!r}")
    return text
