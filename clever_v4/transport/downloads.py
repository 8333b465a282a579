"""
A body that is read in pieces, of any size.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

import aiohttp

from clever_v4.auth import Auth

from .exchange import Exchange, Sending, read_refusal
from .faults import Faults
from .responses import is_success
from .sender import Sender

__all__ = ["Download"]


class _Opened:
    __slots__ = ("raw", "released", "sending")

    def __init__(self, sending: Sending, raw: aiohttp.ClientResponse) -> None:
        self.sending = sending
        self.raw = raw
        self.released = False


class Download:
    """
    A body that is read in pieces, inside ``async with``.
    """

    def __init__(self, sender: Sender, exchange: Exchange) -> None:
        self._sender = sender
        self._exchange = exchange
        self._response: _Opened | None = None

    async def __aenter__(self) -> Self:
        if self._response is not None:
            raise RuntimeError("a download can be opened once")
        sender, exchange = self._sender, self._exchange
        self._response = await sender.with_retries(
            lambda: sender.attempt(exchange, self._open), may_retry=True
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        opened = self._opened
        if not opened.released:
            opened.released = True
            opened.raw.close()  # never drained; a body read to its end has gone back by itself
            self._sender.connections.slots.release()

    async def _open(self, exchange: Exchange, auth: Auth | None) -> _Opened:
        sender, connections = self._sender, self._sender.connections
        await connections.slots.acquire()
        raw: aiohttp.ClientResponse | None = None
        try:
            sending = sender.prepare(exchange, auth)
            with sender.exchanging(sending):
                async with sender.opening(sending):
                    raw = await sender.send(sending, connections.http)
                if not is_success(raw.status):
                    raise sending.refusal(raw, await read_refusal(raw))
        except BaseException:
            if raw is not None:
                raw.close()
            connections.slots.release()
            raise
        return _Opened(sending, raw)

    @property
    def _opened(self) -> _Opened:
        if self._response is None:
            raise RuntimeError("a download is read inside its `async with`")
        return self._response

    @property
    def headers(self) -> Mapping[str, str]:
        """
        The headers of the answer; case-insensitive.
        """
        return self._opened.raw.headers

    @property
    def request_id(self) -> str | None:
        """
        The ``Sozu-Id``.
        """
        return self._opened.sending.request_id

    @property
    def content_length(self) -> int | None:
        """
        The size in bytes; None when the server does not say or the body is compressed.
        """
        compressed = self.headers.get("Content-Encoding", "identity") != "identity"
        return None if compressed else self._opened.raw.content_length

    def chunks(self) -> AsyncIterator[bytes]:
        """
        Iterate over the body as it arrives.

        Raises:
            ConnectionFailedError: The connection broke before the end.
            RequestTimeoutError: The server was silent for ``timeout.read``.
        """
        return _Chunks(self._opened)


class _Chunks(AsyncIterator[bytes]):
    # Not an async generator: it would hold the response open across a yield.
    def __init__(self, opened: _Opened) -> None:
        self._opened = opened

    async def __anext__(self) -> bytes:
        with Faults(self._opened.sending):
            piece = await self._opened.raw.content.readany()
        if not piece:
            raise StopAsyncIteration
        return piece
