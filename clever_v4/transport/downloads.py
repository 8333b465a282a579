"""
A body that is read in pieces, of any size.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

from aiohttp import hdrs

from clever_v4.auth import Auth

from .bodies import Body
from .exchange import Exchange, Sending
from .faults import Faults
from .responses import document_error, is_document, is_success
from .sender import Sender

__all__ = ["Download"]


class _Opened:
    __slots__ = ("body", "released", "sending")

    def __init__(self, sending: Sending, body: Body) -> None:
        self.sending = sending
        self.body = body
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
            exchange, lambda: sender.attempt(exchange, self._open), may_retry=True
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
            opened.body.close()
            opened.sending.close()  # never drained; a body read to its end has gone back by itself
            self._sender.connections.slots.release()

    async def _open(self, exchange: Exchange, auth: Auth | None) -> _Opened:
        sender, connections = self._sender, self._sender.connections
        await connections.slots.acquire()
        sending: Sending | None = None
        try:
            sending = sender.prepare(exchange, auth)
            with sender.exchanging(sending):
                async with sender.opening(sending):
                    await sender.send(sending, connections.http)
                if not is_success(sending.status):
                    raise await sending.refusal()
                await self._check_type(sending)
                body = sending.body_of_answer()
        except BaseException:
            if sending is not None:
                sending.close()
            connections.slots.release()
            raise
        return _Opened(sending, body)

    async def _check_type(self, sending: Sending) -> None:
        wanted = sending.headers[hdrs.ACCEPT]
        if is_document(sending.status, sending.response_headers, wanted):
            return
        raise document_error(
            sending.status,
            sending.response_headers,
            await sending.read_refusal(),
            wanted,
            secrets=sending.secrets,
        )

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
        return self._opened.sending.response_headers

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
        length = self.headers.get(hdrs.CONTENT_LENGTH)
        return None if self._opened.body.is_compressed or length is None else int(length)

    def chunks(self) -> AsyncIterator[bytes]:
        """
        Iterate over the body as it arrives.

        Raises:
            ConnectionFailedError: The connection broke before the end, or the
                body is compressed and its end is missing.
            RequestTimeoutError: The server was silent for ``timeout.read``.
        """
        return _Chunks(self._opened)


class _Chunks(AsyncIterator[bytes]):
    # Not an async generator: it would hold the response open across a yield.
    def __init__(self, opened: _Opened) -> None:
        self._opened = opened

    async def __anext__(self) -> bytes:
        with Faults(self._opened.sending):
            piece = await self._opened.body.read()
        if not piece:
            raise StopAsyncIteration
        return piece
