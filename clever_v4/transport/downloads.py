"""
A body that is read in pieces, of any size.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp

from clever_v4.auth import Auth

from .exchange import Exchange, Faults, Sending, read_some
from .responses import ERROR_BODY_LIMIT_BYTES, REQUEST_ID_HEADER, is_success

if TYPE_CHECKING:
    from .client import Client

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

    def __init__(self, client: Client, exchange: Exchange) -> None:
        self._client = client
        self._exchange = exchange
        self._response: _Opened | None = None

    async def __aenter__(self) -> Self:
        if self._response is not None:
            raise RuntimeError("a download can be opened once")
        client, exchange = self._client, self._exchange
        self._response = await client.with_retries(
            lambda: client.attempt(exchange, self._open), may_retry=True
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
            self._client.slots.release()

    async def _open(self, auth: Auth | None) -> _Opened:
        client = self._client
        await client.slots.acquire()
        raw: aiohttp.ClientResponse | None = None
        try:
            sending = client.prepare(self._exchange, auth)
            with Faults(sending):
                raw = await client.http.request(**client.arguments(sending, client.http))
                if not is_success(raw.status):
                    body = await read_some(raw, ERROR_BODY_LIMIT_BYTES)
                    client.tell(sending, raw)
                    raise sending.error(raw, body)
            client.tell(sending, raw)
        except BaseException:
            if raw is not None:
                raw.close()
            client.slots.release()
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
        return self.headers.get(REQUEST_ID_HEADER)

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
