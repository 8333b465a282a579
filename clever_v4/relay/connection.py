"""
Being told that a connection is lost, where the server tells it to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["telling_when_lost"]


class _Ear(asyncio.Protocol):
    """
    Stands before the server's protocol and passes everything on.
    """

    def __init__(self, protocol: Any, lost: Callable[[], object]) -> None:
        self._protocol = protocol
        self._lost = lost
        # The server's own methods: listening adds nothing to what reading and writing cost.
        for name in ("data_received", "eof_received", "pause_writing", "resume_writing"):
            setattr(self, name, getattr(protocol, name))

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            self._protocol.connection_lost(exc)
        finally:
            self._lost()


@contextmanager
def telling_when_lost(
    transport: asyncio.Transport | None, lost: Callable[[], object]
) -> Iterator[None]:
    """
    Call *lost* when the connection is, until the context is left.

    aiohttp.web tells a handler that its client is gone only if the runner was made with
    ``handler_cancellation=True``, and then by cancelling it; looking again and again costs a
    wake-up of each idle browser each time. The loop's own notice costs nothing.
    """
    if transport is None or transport.is_closing():
        lost()
        yield
        return
    protocol = transport.get_protocol()
    ear = _Ear(protocol, lost)
    transport.set_protocol(ear)
    try:
        yield
    finally:
        # One that is closing needs no protocol put back, and over TLS has none to tell of.
        if not transport.is_closing() and transport.get_protocol() is ear:
            transport.set_protocol(protocol)
