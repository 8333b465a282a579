"""
The proxy of a session: given, or found in the environment. Its password stays out of sight.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from urllib.request import getproxies, proxy_bypass

import attrs
from yarl import URL

from .addresses import is_loopback
from .redaction import Hidden, secrets_in

__all__ = ["Proxy", "proxy_from", "proxy_of_environment"]

_SCHEMES: Final = frozenset({"http", "https"})


@attrs.frozen(kw_only=True)
class Proxy:
    """
    Where a proxy is, and what it is told of who asks.

    Attributes:
        url: Without user and password: aiohttp keeps it in many places, and some are shown.
        authorization: The ``Proxy-Authorization`` header.
    """

    url: URL
    authorization: Hidden | None

    @property
    def is_loopback(self) -> bool:
        """
        Whether it is on this machine.
        """
        return is_loopback(self.url.host)

    @property
    def secrets(self) -> tuple[str, ...]:
        """
        What of it must not be shown.
        """
        return secrets_in(self.authorization)


def proxy_from(value: str | URL | None) -> Proxy | None:
    """
    Read the address of an HTTP proxy; it is not shown, since it may hold a password.

    Raises:
        ValueError: It is no http(s) address.
        TypeError: It is neither text nor a ``URL``.
    """
    if value is None:
        return None
    if not isinstance(value, str | URL):
        raise TypeError("proxy must be text or a URL (value not shown)")
    proxy = _parsed(value)
    if proxy is None:
        raise ValueError("proxy must be an http(s) address (value not shown)")
    return proxy


def _parsed(value: str | URL) -> Proxy | None:
    try:
        url = URL(value)
    except (ValueError, TypeError):
        return None
    if url.scheme not in _SCHEMES or not url.host:
        return None
    authorization = None
    if url.user is not None or url.password is not None:
        pair = f"{url.user or ''}:{url.password or ''}".encode()
        authorization = Hidden(f"Basic {b64encode(pair).decode('ascii')}")
    return Proxy(url=url.with_user(None), authorization=authorization)


def proxy_of_environment(base: URL) -> Proxy | None:
    """
    Find the proxy that the environment names for an address; None for none.

    ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` in either case, and what
    macOS and Windows are set to. What is on this machine is never asked for
    through a proxy: it would carry the request, with its credentials, away
    from here and back. May block on Windows, which looks names up.

    Raises:
        ValueError: What is set is no http(s) address.
    """
    if is_loopback(base.host) or proxy_bypass(f"{base.host_subcomponent}:{base.port}"):
        return None
    value = getproxies().get(base.scheme)
    if not value:
        return None
    # As curl has it, an address without a scheme is that of an HTTP proxy.
    proxy = _parsed(value if "://" in value else f"http://{value}")
    # Else nothing is left here of the address, which a traceback's locals would show.
    del value
    if proxy is None:
        raise ValueError(
            f"the proxy that the environment sets for {base.scheme} must be an http(s) address"
            " (value not shown)"
        )
    return proxy
