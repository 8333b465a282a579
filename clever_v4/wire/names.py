"""
How a model says its names on the wire, and what is left out of what is sent.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar

import attrs

from clever_v4.pydantic_schema import known_to_pydantic

C = TypeVar("C", bound=type)

WIRE_NAME: Final = "clever_v4.wire"
_STYLE: Final = "__clever_v4_wire_style__"


class Unset(enum.Enum):
    """
    The type of `UNSET`: a member that is left out, as opposed to sent as null.
    """

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""A member or policy that is not sent at all; an explicit None is sent as null."""

Style: TypeAlias = Literal["camel", "snake"]


def wire_style(style: Style) -> Callable[[C], C]:
    """
    Say how the Python names of a class become its names on the wire.

    It makes the class `known_to_pydantic`, too, where it has its Python names.

    Args:
        style: ``"camel"``: ``country_code`` is ``countryCode`` (most of the
            API); ``"snake"``: names are kept (billing). Without this
            decorator a class is ``"camel"``.
    """

    def decorate(cls: C) -> C:
        setattr(cls, _STYLE, style)
        return known_to_pydantic(cls)

    return decorate


def wire(name: str) -> dict[str, str]:
    """
    Give the metadata of a field whose wire name does not follow its class's style.
    """
    return {WIRE_NAME: name}


@cache
def wire_names(cls: type) -> Mapping[str, str]:
    """
    Map the Python names of an attrs class to its names on the wire.
    """
    style = getattr(cls, _STYLE, "camel")
    return MappingProxyType(
        {
            field.name: field.metadata.get(WIRE_NAME)
            or (field.name if style == "snake" else _camel(field.name))
            for field in attrs.fields(cls)
        }
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
