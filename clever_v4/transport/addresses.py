"""
Where requests go: base URLs, and what follows them byte for byte.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from yarl import URL

from clever_v4.validators import shown
from clever_v4.wire.paths import QueryPairs, encode_path, encode_query

__all__ = ["checked_base_url", "is_loopback", "join", "target"]


def join(base: URL, tail: str) -> URL:
    """
    Put an encoded path and query after a base URL.
    """
    # encoded=True: what is signed is byte for byte what is sent.
    return URL(str(base).rstrip("/") + tail, encoded=True)


def target(path: Sequence[str], query: QueryPairs) -> str:
    """
    Percent-encode a path and a query.
    """
    encoded = encode_query(query)
    return encode_path(path) + (f"?{encoded}" if encoded else "")


def checked_base_url(name: str, value: str | URL) -> URL:
    """
    Refuse what cannot be a base URL, by the name of its argument.

    Raises:
        ValueError: It is no http(s) address, or holds credentials, a query or
            a fragment.
        TypeError: It is neither text nor a ``URL``.
    """
    # A value that may hold a password is not shown.
    got = "(value not shown)" if "@" in str(value) else f"got {shown(value)}"
    if not isinstance(value, str | URL):
        raise TypeError(f"{name} must be text or a URL, {got}")
    try:
        base = URL(value)
    except ValueError as exc:
        raise ValueError(f"{name} must be an http(s) address, {got}") from exc
    if base.user is not None or base.password is not None:
        raise ValueError(f"{name} must not hold credentials (value not shown)")
    if base.scheme not in {"http", "https"} or not base.host:
        raise ValueError(f"{name} must be an http(s) address, got {str(value)!r}")
    if base.query_string or base.fragment:
        raise ValueError(f"{name} must have neither query nor fragment, got {str(value)!r}")
    return base


def is_loopback(host: str | None) -> bool:
    """
    Tell whether a host is this machine by its name or address.

    Names under ``localhost`` are not: resolvers may ask the network for them.
    """
    if host == "localhost":
        return True
    try:
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
