"""
One form for what the official clients print and for what our models hold, to compare the content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from clever_v4.wire.converter import converter
from clever_v4.wire.scalars import parse_moment

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def content(value: Any) -> Any:
    """
    Members that are not null, numbers as floats, moments in milliseconds.

    JavaScript knows no finer moment and drops members that are undefined; a null says no more
    than an absent member.
    """
    match value:
        case Mapping():
            return {name: content(one) for name, one in value.items() if one is not None}
        case list() | tuple():
            return [content(one) for one in value]
        case datetime():
            return moment(value)
        case bool() | None:
            return value
        case int() | float() | Decimal():
            return float(value)
        case str() if _MOMENT.match(value):
            return moment(parse_moment(value))
        case _:
            return value


def of_models(models: Any) -> Any:
    """
    The content of our models, by their wire names.
    """
    return content(converter.unstructure(models))


def moment(value: datetime) -> str:
    """
    As JavaScript writes a moment, cut to milliseconds.
    """
    value = value.astimezone(UTC)
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
