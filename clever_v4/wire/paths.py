"""
Paths and queries as they are sent, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias, cast
from urllib.parse import quote

from clever_v4.validators import check_text, shown

__all__ = ["QueryPairs", "check_path_segment", "encode_path", "encode_query"]

QueryPairs: TypeAlias = Sequence[tuple[str, str]]
"""What a query is made of, in the order in which it is sent."""


def encode_path(path: Sequence[str]) -> str:
    """
    Percent-encode path segments (RFC 3986: all but the unreserved characters).

    Raises:
        ValueError: A segment is empty, ``.`` or ``..``, or holds a control
            character or half a surrogate pair.
        TypeError: A segment is no text, or the path is one string.
    """
    if isinstance(path, str | bytes) or not isinstance(path, Sequence):
        raise TypeError(f"path must be a sequence of segments, got {shown(path)}")
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
        raise ValueError(f"{name} must not hold a slash, got {shown(checked)}")
    return checked


_PLAIN: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*")
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _encode_segment(position: int, segment: object) -> str:
    # What nearly every segment is, asked first.
    if isinstance(segment, str) and _PLAIN.fullmatch(segment):
        return segment
    return quote(_check_segment(f"path segment {position}", segment), safe="")


def _check_segment(name: str, value: object) -> str:
    check_text(name, value, or_empty=True)
    text = cast("str", value)
    if text in {"", ".", ".."}:
        raise ValueError(f"{name} must be neither empty, '.' nor '..', got {text!r}")
    if unfit := _UNFIT.search(text):
        what = "control characters" if unfit[0] <= "\x7f" else "half a surrogate pair"
        raise ValueError(f"{name} must not hold {what}, got {shown(text)}")
    return text
